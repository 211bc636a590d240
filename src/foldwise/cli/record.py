"""The record of a run: enough to repeat it and to tell whether the same data went in."""

from __future__ import annotations

import json
import math
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foldwise import __version__

if TYPE_CHECKING:
    from foldwise.cli.analysis import Analysis, Answer, Outcome
    from foldwise.fit import Fit

RECORD = "run.json"
LIBRARIES = ("numpy", "scipy", "pandas", "numba", "matplotlib")


def run_record(asked: Analysis, answers: list[Answer], seconds: dict[str, float], files: list[str], path: Path) -> None:
    """Write run.json; ``foldwise run --params run.json --out …`` repeats the run."""
    path.write_text(json_text(described(asked, answers, seconds, files)) + "\n", encoding="utf-8")


def described(asked: Analysis, answers: list[Answer], seconds: dict[str, float], files: list[str]) -> dict[str, Any]:
    """The record as a dictionary."""
    return {
        "foldwise": __version__,
        "command": sys.argv[1:],
        "versions": versions(),
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "inputs": asked.inputs,
        "data": {
            "genes": asked.data.n_genes,
            "samples": list(asked.data.sample_names),
            "notes": list(asked.data.provenance),
        },
        "arguments": {name: _repeatable(value) for name, value in asked.arguments.items()},
        "seeds": "none: nothing in a fit is random",
        "layout": asked.layout,
        "comparisons": {answer.id: {**_comparison(answer), "fit": _fit(answer.fit)} for answer in answers},
        "warnings": _cautions(answers),
        "files": files,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def summary(asked: Analysis, outcome: Outcome) -> dict[str, Any]:
    """What ``--json`` prints: what was found, in numbers, and where it lies."""
    return {
        "foldwise": __version__,
        "out": str(asked.out),
        "layout": asked.layout,
        "genes": asked.data.n_genes,
        "samples": asked.data.n_samples,
        "comparisons": {answer.id: _comparison(answer) for answer in outcome.answers},
        "files": outcome.files,
        "seconds": {name: round(value, 3) for name, value in outcome.seconds.items()},
    }


def _comparison(answer: Answer) -> dict[str, Any]:
    result = answer.result
    found = result.significant()
    return {
        "description": result.name,
        "design": answer.fit.full_design.formula,
        "alpha": result.metadata.get("alpha"),
        "significant": len(found),
        "up": int((found["log2FoldChange"] > 0).sum()),
        "down": int((found["log2FoldChange"] < 0).sum()),
        "status": {str(name): int(n) for name, n in result.table["status"].value_counts().sort_index().items()},
        "filter_threshold": result.metadata.get("filter_threshold"),
        "filter_theta": result.metadata.get("filter_theta"),
    }


def _cautions(answers: list[Answer]) -> list[str]:
    from foldwise.design.doctor import cautions

    return list(dict.fromkeys(note for answer in answers for note in cautions(answer.fit.full_design)))


def _fit(fit: Fit) -> dict[str, Any]:
    trend = fit.trend
    return {
        "samples": list(fit.data.sample_names),
        "coefficients": fit.coefficient_names,
        "trend": None if trend is None else {"kind": trend.kind, "coefficients": trend.coefficients},
        "dispersion_prior_variance": fit.dispersion_prior_variance,
        "size_factors": None if fit.size_factors is None else fit.size_factors.to_dict(),
    }


def _repeatable(value: Any) -> Any:
    """An option as ``--params`` takes it again: JSON has no infinity, but its text is read as one."""
    if isinstance(value, list | tuple):
        return [_repeatable(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def json_text(content: Any) -> str:
    """JSON that every reader takes: numbers that are none are null."""
    return json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | bool | int | float | None) else str(value)


def versions() -> dict[str, str | None]:
    """Of Python and the libraries that numbers depend on."""
    return {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
