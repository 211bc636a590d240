"""The record of a run: enough to repeat it and to tell whether the same data went in."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foldwise import __version__

if TYPE_CHECKING:
    from foldwise.cli.analysis import Analysis
    from foldwise.fit import Fit
    from foldwise.results import Results

LIBRARIES = ("numpy", "scipy", "pandas", "numba", "matplotlib")


def run_record(fit: Fit, results: dict[str, Results], asked: Analysis, times: dict[str, float], path: Path) -> None:
    """Write run.json: versions, arguments, checksums of the inputs, what was estimated, how long it took."""
    path.write_text(json.dumps(described(fit, results, asked, times), indent=2, default=str) + "\n", encoding="utf-8")


def described(fit: Fit, results: dict[str, Results], asked: Analysis, times: dict[str, float]) -> dict[str, Any]:
    """The record as a dictionary."""
    trend = fit.trend
    return {
        "foldwise": __version__,
        "command": sys.argv[1:],
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "inputs": {name: {"path": path, "sha256": checksum(Path(path))} for name, path in asked.inputs.items()},
        "data": {
            "genes": fit.data.n_genes,
            "samples": list(fit.data.sample_names),
            "notes": list(fit.data.provenance),
        },
        "arguments": {
            "design": asked.design,
            "test": asked.test,
            "reduced": asked.reduced,
            "fit_type": asked.fit_type,
            "sf_type": asked.sf_type,
            "min_replicates_for_replace": asked.min_replicates_for_replace,
            "reference": list(asked.reference),
            "factors": list(asked.factors),
            "compat": asked.compat,
            "alpha": asked.alpha,
            "lfc_threshold": asked.lfc_threshold,
            "alt_hypothesis": asked.alt_hypothesis,
            "min_count": asked.min_count,
            "threads": asked.threads,
        },
        "seeds": "none: nothing in a fit is random",
        "fit": {
            "coefficients": fit.coefficient_names,
            "trend": None if trend is None else {"kind": trend.kind, "coefficients": trend.coefficients},
            "dispersion_prior_variance": fit.dispersion_prior_variance,
            "size_factors": None if fit.size_factors is None else fit.size_factors.to_dict(),
        },
        "results": {name: _comparison(result) for name, result in results.items()},
        "seconds": {name: round(value, 3) for name, value in times.items()},
    }


def _comparison(result: Results) -> dict[str, Any]:
    return {
        "description": result.name,
        "filter_threshold": result.metadata.get("filter_threshold"),
        "filter_theta": result.metadata.get("filter_theta"),
        "significant": len(result.significant()),
    }


def checksum(path: Path) -> str | None:
    """SHA-256 of a file; None for folders."""
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for part in iter(lambda: stream.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
