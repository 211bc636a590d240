"""One analysis from the command line: fit, results, and files that appear whole or not at all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from foldwise.cli.contrast_text import references_of
from foldwise.cli.record import run_record
from foldwise.cli.staging import staged_folder
from foldwise.execution.progress import ProgressBar

if TYPE_CHECKING:
    from foldwise.counts import CountData
    from foldwise.fit import Fit
    from foldwise.results import Results


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was asked for. Fields are the command line's options."""

    data: CountData
    design: str
    out: Path
    contrasts: list[tuple[str, str, str]] = field(default_factory=list)
    names: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    test: str = "Wald"
    reduced: str | None = None
    fit_type: str = "parametric"
    sf_type: str = "ratio"
    min_replicates_for_replace: float = 7
    compat: str | None = None
    threads: int | None = None
    alpha: float = 0.1
    lfc_threshold: float = 0.0
    alt_hypothesis: str = "greaterAbs"
    shrink: str | None = None
    min_count: float | None = None
    with_report: bool = False
    save_fit: bool = False
    pictures: bool = True
    quiet: bool = False
    inputs: dict[str, str] = field(default_factory=dict)


def analyse(asked: Analysis) -> dict[str, Results]:
    """Fit, test, write; says in a few lines what was found."""
    began = time.perf_counter()
    say = _silent if asked.quiet else _said
    for note in asked.data.provenance:
        say(note)
    fit = fitted(asked)
    times = {"fit": time.perf_counter() - began}
    results = compared(fit, asked)
    times["results"] = time.perf_counter() - began - times["fit"]
    written = write_all(fit, results, asked, times)
    for name, result in results.items():
        say(f"\n{name}\n{result.summary()}")
    say(f"\n{len(written)} files in {asked.out}")
    return results


def fitted(asked: Analysis) -> Fit:
    """The fit."""
    from foldwise.api import deseq

    data = asked.data
    if asked.factors:
        data = with_factors(data, asked.factors)
    if asked.min_count is not None:
        data = data.filter_low(min_count=asked.min_count)
    return deseq(
        data,
        asked.design,
        test=asked.test,  # type: ignore[arg-type]
        reduced=asked.reduced,
        fit_type=asked.fit_type,  # type: ignore[arg-type]
        sf_type=asked.sf_type,  # type: ignore[arg-type]
        min_replicates_for_replace=asked.min_replicates_for_replace,
        reference=references_of(asked.reference) or None,
        compat=asked.compat,
        executor=asked.threads,
        progress=False if asked.quiet else ProgressBar(),
    )


def with_factors(data: CountData, columns: tuple[str, ...]) -> CountData:
    """Columns of numbers taken as categories, in numeric order."""
    from foldwise.errors import SamplesError, listed

    samples = data.samples.copy()
    for column in columns:
        if column not in samples:
            raise SamplesError(f"--factor {column}: the sample table has the columns {listed(samples.columns, 20)}.")
        levels = sorted(samples[column].dropna().unique())
        samples[column] = pd.Categorical(samples[column], levels).rename_categories([str(v) for v in levels])
    return data._with(samples=samples)


def compared(fit: Fit, asked: Analysis) -> dict[str, Results]:
    """Results by name; without a contrast or coefficient the one that R gives by default."""
    options: dict[str, Any] = {"alpha": asked.alpha}
    if asked.lfc_threshold or asked.alt_hypothesis != "greaterAbs":
        options |= {"lfc_threshold": asked.lfc_threshold, "alt_hypothesis": asked.alt_hypothesis}
    found = {f"{f}_{a}_vs_{b}": fit.results((f, a, b), **options) for f, a, b in asked.contrasts}
    found |= {name: fit.results(name=name, **options) for name in asked.names}
    if not found:
        only = fit.results(**options)
        found[only.name] = only
    return found


def write_all(fit: Fit, results: dict[str, Results], asked: Analysis, times: dict[str, float]) -> list[Path]:
    """All files of a run, put in place together."""
    from foldwise.io import write_table

    with staged_folder(asked.out) as folder:
        for name, result in results.items():
            write_table(result.table.rename_axis("gene"), folder / f"{file_name(name)}.results.tsv")
            if asked.shrink:
                shrunken = _shrunken(fit, result, asked.shrink)
                write_table(shrunken.table.rename_axis("gene"), folder / f"{file_name(name)}.{asked.shrink}.tsv")
        normalized = fit.counts(normalized=True).rename_axis("gene")
        write_table(normalized, folder / "normalized_counts.tsv")
        if fit.size_factors is not None:
            write_table(fit.size_factors.to_frame().rename_axis("sample"), folder / "size_factors.tsv")
        else:
            write_table(fit.normalization_factors.rename_axis("gene"), folder / "normalization_factors.tsv")
        write_table(fit.genes.rename_axis("gene"), folder / "genes.tsv")
        if asked.pictures:
            write_pictures(fit, results, folder / "pictures")
        if asked.save_fit:
            fit.save(folder / "fit.foldwise")
        if asked.with_report:
            from foldwise.report import report

            report(fit, results, folder / "report.html")
        run_record(fit, results, asked, times, folder / "run.json")
        return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _shrunken(fit: Fit, result: Results, kind: str) -> Results:
    if result.contrast.coefficient is not None and result.contrast.sign > 0:
        return fit.shrink(coef=result.contrast.coefficient, type=kind, res=result)  # type: ignore[arg-type]
    asked = result.contrast.levels or result.contrast.vector
    return fit.shrink(contrast=asked, type=kind, res=result)  # type: ignore[arg-type]


def write_pictures(fit: Fit, results: dict[str, Results], folder: Path) -> None:
    """MA of every comparison, dispersions, and the samples' principal components, as PNG and SVG."""
    from foldwise import plots

    for name, result in results.items():
        plots.save(plots.ma(result), folder / f"{file_name(name)}.ma")
    if fit.trend is not None:
        plots.save(plots.dispersion(fit), folder / "dispersion")
    plots.save(plots.pca(fit), folder / "pca")


def file_name(name: str) -> str:
    """A name that every file system takes."""
    return "".join(c if c.isalnum() or c in "._-+" else "_" for c in name)[:120]


def _said(text: str) -> None:
    click.echo(text, err=True)


def _silent(text: str) -> None:
    pass
