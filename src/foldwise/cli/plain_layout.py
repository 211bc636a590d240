"""``--layout plain``: one fit, any number of comparisons, DESeq2's defaults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from foldwise.cli.analysis import Analysis, Answer, answered, design_for_all, fitted
from foldwise.cli.normalized_table import write_normalized
from foldwise.cli.stages import Stages
from foldwise.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

    from foldwise.fit import Fit


NAMED_GENES = 8  # in pictures, those of smallest p-value


def write_plain(asked: Analysis, folder: Path, stages: Stages) -> list[Answer]:
    """Everything of a plain run but its record."""
    excluding = [one.id for one in asked.comparisons if one.exclude_column]
    if excluding:
        raise OptionError(
            f"{', '.join(excluding)}: leaving out samples for one comparison needs a fit of its own: --layout nf-core."
        )
    fit = fitted(asked.data, asked.design or design_for_all(asked.comparisons), asked.comparisons, asked.model, stages)
    answers = [answered(asked, one, fit, stages) for one in asked.comparisons]
    with stages.of("tables"):
        for answer in answers:
            _write_answer(answer, asked, folder)
        _write_fit_tables(fit, folder)
        if asked.files.normalized:
            write_normalized(fit.counts(normalized=True), folder / "normalized_counts.tsv")
        if asked.files.save_fit:
            fit.save(folder / "fit.foldwise")
        if asked.files.h5ad:
            from foldwise.io.to_anndata import to_anndata

            to_anndata(fit, {one.id: one.result for one in answers}).write_h5ad(folder / "fit.h5ad")
    if asked.files.pictures:
        with stages.of("pictures"):
            write_pictures(fit, answers, folder / "pictures")
    if asked.files.report:
        from foldwise.report import report

        with stages.of("report"):
            report(fit, {one.id: one.result for one in answers}, folder / "report.html")
    return answers


def _write_answer(answer: Answer, asked: Analysis, folder: Path) -> None:
    write(answer.result.table, folder / f"{answer.id}.results.tsv")
    if answer.shrunken is not None:
        write(answer.shrunken.table, folder / f"{answer.id}.{asked.testing.shrink}.tsv")
    if asked.files.filtered:
        write(filtered(answer.result.table), folder / f"{answer.id}.results_filtered.tsv")
    if asked.files.parquet:
        write(answer.result.table, folder / f"{answer.id}.results.parquet")
    if asked.files.rnk:
        answer.result.to_rnk(folder / f"{answer.id}.rnk")


def _write_fit_tables(fit: Fit, folder: Path) -> None:
    if fit.size_factors is not None:
        write(fit.size_factors.to_frame(), folder / "size_factors.tsv", "sample")
    elif fit.normalization_factors is not None:
        write(fit.normalization_factors, folder / "normalization_factors.tsv")
    genes = fit.genes
    for name in genes:
        if str(genes[name].dtype) == "boolean":
            genes[name] = genes[name].map({True: "TRUE", False: "FALSE"}).astype(object)
    write(genes, folder / "genes.tsv")


def write(table: pd.DataFrame, path: Path, label: str = "gene") -> None:
    """A table under the name of its rows; Parquet keeps these as its index."""
    from foldwise.io import write_table

    write_table(table.rename_axis(label), path)


def filtered(table: pd.DataFrame, *, fold: float = 2.0, padj: float = 0.05) -> pd.DataFrame:
    """Genes that pipelines call differential: padj at most 0.05, and at least twofold."""
    import numpy as np

    return table[(table["log2FoldChange"].abs() >= np.log2(fold)) & (table["padj"] <= padj)]


def write_pictures(fit: Fit, answers: list[Answer], folder: Path) -> None:
    """MA and volcano of every comparison, dispersions, and the samples' principal components, as PNG and SVG."""
    from foldwise import plots

    for answer in answers:
        plots.save(plots.ma(answer.result, labels=NAMED_GENES), folder / f"{answer.id}.ma")
        plots.save(plots.volcano(answer.result, labels=NAMED_GENES), folder / f"{answer.id}.volcano")
        if answer.shrunken is not None:
            plots.save(plots.ma(answer.shrunken), folder / f"{answer.id}.ma.shrunken")
    if fit.trend is not None:
        plots.save(plots.dispersion(fit), folder / "dispersion")
    if fit.data.n_samples > 1:
        plots.save(plots.pca(fit), folder / "pca")
