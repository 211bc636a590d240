"""``--layout nf-core``: a fit for each comparison, and the files that nf-core's DESeq2 module writes, under its names.

The model of a comparison is ``~ 0 + blocking + variable``, all of them factors. The results table holds fold changes
shrunken by ashr unless told otherwise; it then comes from ``results()`` with its own defaults, as there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foldwise import __version__
from foldwise.cli.analysis import Analysis, Answer, Testing, answered, fitted, shrunken
from foldwise.cli.comparisons import Comparison
from foldwise.cli.inputs import with_factors
from foldwise.cli.plain_layout import filtered
from foldwise.cli.stages import Stages
from foldwise.design.formula.variables import meant
from foldwise.errors import ContrastError, CountsError, OptionError, SamplesError, listed

if TYPE_CHECKING:
    import pandas as pd

    from foldwise.counts import CountData
    from foldwise.fit import Fit

SIDE_PIXELS, SIDE_INCHES = 600, 5.0
RESULT_COLUMNS = ("baseMean", "log2FoldChange", "lfcSE", "stat", "pvalue", "padj")


def write_nf_core(asked: Analysis, folder: Path, stages: Stages) -> list[Answer]:
    """Everything of such a run but its record; comparisons of the same model and samples share a fit."""
    _warn_of_ignored(asked.testing)
    data = without_controls(with_syntactic_columns(asked.data), asked)
    model = asked.model
    if not asked.pipeline.sizefactors_from_controls:
        model = replace(model, control_genes=None)
    fits: dict[tuple[str, tuple[str, ...]], Fit] = {}
    answers = []
    for one in asked.comparisons:
        comparison = syntactic(one)
        part, design = model_of(data, comparison, asked)
        key = (design, tuple(part.sample_names))
        if key not in fits:
            stages.say(f"{one.id}: {design}")
            fits[key] = fitted(part, design, [comparison], model, stages)
        answer = _answer(asked, comparison, fits[key], stages)
        with stages.of("tables"):
            _write(answer, design, asked, folder)
        answers.append(answer)
    (folder / "versions.yml").write_text(_versions(asked.pipeline.process), encoding="utf-8")
    return answers


def _answer(asked: Analysis, comparison: Comparison, fit: Fit, stages: Stages) -> Answer:
    """Where fold changes are shrunken, the module's p-values are those of ``results()`` without any option."""
    if not asked.testing.shrink:
        return answered(asked, comparison, fit, stages)
    result = comparison.results(fit)
    return Answer(comparison, fit, result, shrunken(comparison, fit, asked.testing.shrink, result, stages))


def _warn_of_ignored(testing: Testing) -> None:
    from foldwise.warn import warn

    default = Testing()
    ignored = [name for name, value in testing.options.items() if value != getattr(default, name)]
    if testing.shrink and ignored:
        said = listed(name.replace("_", "-") for name in ignored)
        warn(f"{said}: as in nf-core's module, without effect where fold changes are shrunken; set --shrink none.")


# ---------------------------------------------------------------------------------------------- data and model
def with_syntactic_columns(data: CountData) -> CountData:
    """The sample table with column names as R reads them ("my column" is "my.column")."""
    from foldwise.design.formula.names import make_name

    names = [make_name(str(name)) for name in data.samples.columns]
    if len(set(names)) < len(names):
        return data  # columns that would collide stay as they are
    return data._with(samples=data.samples.set_axis(names, axis=1))


def syntactic(comparison: Comparison) -> Comparison:
    """The comparison with such column names."""
    from foldwise.design.formula.names import make_name

    levels = comparison.levels
    column = comparison.exclude_column
    return replace(
        comparison,
        levels=None if levels is None else (make_name(levels[0]), levels[1], levels[2]),
        blocking=tuple(make_name(name) for name in comparison.blocking),
        exclude_column=None if column is None else make_name(column),
    )


def without_controls(data: CountData, asked: Analysis) -> CountData:
    """Control genes (spike-ins) are left out unless size factors come from them."""
    controls = asked.model.control_genes
    if controls is None or asked.pipeline.sizefactors_from_controls:
        return data
    keep = ~data.gene_names.isin(list(controls))
    if not keep.any():
        raise CountsError("All genes are control genes; without them nothing is left.")
    return data.select(genes=keep)


def model_of(data: CountData, comparison: Comparison, asked: Analysis) -> tuple[CountData, str]:
    """The samples and the formula of one comparison."""
    columns = [*comparison.blocking, *([comparison.levels[0]] if comparison.levels else ())]
    absent = [name for name in [*columns, comparison.exclude_column] if name and name not in data.samples]
    if absent:
        raise SamplesError(
            f"{comparison.id}: the sample table has no column {listed(absent)}; it has {listed(data.samples.columns, 20)}."
            + "".join(meant(name, data.samples.columns) for name in absent)
        )
    data = _chosen_samples(with_factors(data, tuple(columns)), comparison, asked.pipeline.subset_to_contrast_samples)
    design = comparison.formula or asked.design
    if design is not None:
        return data, design
    if not comparison.levels:
        raise OptionError(f"{comparison.id}: a comparison by coefficients needs --design.")
    return data, "~ 0 + " + " + ".join(dict.fromkeys(columns))


def _chosen_samples(data: CountData, comparison: Comparison, subset: bool) -> CountData:
    if comparison.levels:
        factor, *sides = comparison.levels
        values = data.samples[factor].astype(str)
        absent = [level for level in sides if level not in set(values)]
        if absent:
            raise ContrastError(
                f"{comparison.id}: no sample has {listed(absent)} in '{factor}'; it has {listed(dict.fromkeys(values), 20)}."
                + "".join(meant(level, dict.fromkeys(values)) for level in absent)
            )
        if subset:
            data = data.select(samples=values.isin(sides).to_numpy())
    if comparison.exclude_column and comparison.exclude_values:
        from foldwise.design.formula.names import level_text

        out = data.samples[comparison.exclude_column].map(level_text).isin(list(comparison.exclude_values))
        data = data.select(samples=(~out).to_numpy())
    return data


# ---------------------------------------------------------------------------------------------- files
def _write(answer: Answer, design: str, asked: Analysis, folder: Path) -> None:
    name, fit, style = answer.id, answer.fit, asked.pipeline
    table = (answer.shrunken or answer.result).table
    table = table[[column for column in RESULT_COLUMNS if column in table]]
    _write_table(table, folder / f"{name}.deseq2.results.tsv", style)
    if asked.files.filtered:
        _write_table(filtered(table), folder / f"{name}.deseq2.results_filtered.tsv", style)
    if asked.files.normalized:
        _write_table(fit.counts(normalized=True), folder / f"{name}.normalised_counts.tsv", style)
    for method in style.vs_methods:
        _write_table(_transformed(fit, method, asked), folder / f"{name}.{method}.tsv", style)
    _write_size_factors(fit, folder / f"{name}.deseq2.sizefactors.tsv")
    (folder / f"{name}.deseq2.model.txt").write_text(design + "\n", encoding="utf-8")
    (folder / f"{name}.session.txt").write_text(_session(), encoding="utf-8")
    _write_more(answer, asked, table, folder)


def _write_more(answer: Answer, asked: Analysis, table: pd.DataFrame, folder: Path) -> None:
    name, fit, files = answer.id, answer.fit, asked.files
    if files.pictures and fit.trend is not None:
        _write_dispersion(fit, folder / f"{name}.deseq2.dispersion")
    if files.save_fit:
        fit.save(folder / f"{name}.foldwise")
    if files.h5ad:
        from foldwise.io.to_anndata import to_anndata

        to_anndata(fit, {name: answer.result}).write_h5ad(folder / f"{name}.h5ad")
    if files.parquet:
        from foldwise.io import write_table

        write_table(table.rename_axis(asked.pipeline.gene_column), folder / f"{name}.deseq2.results.parquet")
    if files.rnk:
        (answer.shrunken or answer.result).to_rnk(folder / f"{name}.rnk")
    if files.report:
        from foldwise.report import report

        report(fit, {name: answer.result}, folder / f"{name}.report.html")


def _write_table(table: pd.DataFrame, path: Path, style: Any, label: str | None = None) -> None:
    """R's text of numbers, as its write.table has it."""
    from foldwise.io import write_table

    if style.round_digits is not None:
        table = table.round(style.round_digits)
    write_table(table.rename_axis(label or style.gene_column), path, numbers="r")


def _write_size_factors(fit: Fit, path: Path) -> None:
    from foldwise.io import write_table

    factors = fit.size_factors
    if factors is None:  # with transcript lengths: those of the counts over their lengths
        import pandas as pd

        from foldwise.abundance.median_of_ratios import log_geometric_means, median_ratios

        ratio = fit.data.counts.to_numpy() / fit.data.average_lengths.to_numpy()  # type: ignore[union-attr]
        values = median_ratios(ratio, log_geometric_means(ratio))
        factors = pd.Series(values, index=fit.data.sample_names, name="sizeFactor")
    write_table(factors.to_frame("sizeFactor").rename_axis("sample"), path, numbers="r")


def _transformed(fit: Fit, method: str, asked: Analysis) -> pd.DataFrame:
    from foldwise.transforms import rlog, variance_stabilizing_transformation, vst
    from foldwise.warn import warn

    style = asked.pipeline
    if method == "rlog":
        return rlog(fit, style.vs_blind, asked.model.fit_type)  # type: ignore[arg-type]
    try:
        return vst(fit, style.vs_blind, nsub=style.vst_nsub)
    except CountsError as error:
        warn(f"{error} All genes were taken here.")
        return variance_stabilizing_transformation(fit, style.vs_blind)


def _write_dispersion(fit: Fit, base: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from foldwise import plots

    figure = Figure(figsize=(SIDE_INCHES, SIDE_INCHES), layout="constrained")
    FigureCanvasAgg(figure)
    plots.dispersion(fit, ax=figure.add_subplot())
    plots.save(figure, base, formats=("png", "pdf"), dpi=int(SIDE_PIXELS / SIDE_INCHES))


def _session() -> str:
    from foldwise.cli.record import versions

    return "".join(f"{name} {number}\n" for name, number in {"foldwise": __version__, **versions()}.items())


def _versions(process: str) -> str:
    from foldwise.cli.record import versions

    return f'"{process}":\n    foldwise: {__version__}\n    python: {versions()["python"]}\n'
