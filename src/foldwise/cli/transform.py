"""``foldwise transform``: counts made comparable, for looking at samples."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from foldwise.cli import options as shared
from foldwise.cli.inputs import InputPath, Reading, read_inputs, readable, saved_fit

METHODS = ["vst", "rlog", "log2", "normalized"]
SETTLED = ("method", "blind", "design", "fit_type", "sf_type", "nsub")  # in a transformation that was kept


@click.command(short_help="vst, rlog, log2 or normalized counts.")
@click.argument("counts", type=InputPath())
@click.argument("samples", type=InputPath(dir_okay=False), required=False)
@click.option("--method", type=click.Choice(METHODS), default="vst", show_default=True)
@click.option("--blind/--no-blind", default=True, show_default=True, help="Without or with knowing the design.")
@click.option("--design", metavar="FORMULA", help="An R formula, for --no-blind.")
@click.option("--fit-type", type=click.Choice(["parametric", "local", "mean"]), default="parametric", show_default=True)
@click.option(
    "--sf-type",
    type=click.Choice(["ratio", "poscounts", "iterate"]),
    default="ratio",
    show_default=True,
    help="How size factors are estimated.",
)
@click.option(
    "--nsub", type=click.IntRange(2), default=1000, show_default=True, help="Genes that vst takes the trend from."
)
@click.option("--save", type=click.Path(dir_okay=False), help="Keep the transformation, for samples to come.")
@click.option(
    "--apply",
    "kept",
    type=click.Path(exists=True, dir_okay=False),
    help="Use a transformation that was kept (--save); it settles method, design, trend and blindness.",
)
@shared.reading
@click.option(
    "--out", type=click.Path(allow_dash=True), default="-", help="The table (tsv, csv, parquet).  [default: -]"
)
@shared.threads
@shared.quiet
def transform(counts: str, samples: str | None, out: str, threads: int | None, quiet: bool, **options: Any) -> None:
    """Transform COUNTS for pictures and clustering: vst, rlog, log2(normalized + 1), or normalized counts.

    COUNTS is a table of counts in any format that "run" takes, or what "run --save-fit" wrote: fit.foldwise, or the
    folder that it lies in. SAMPLES is needed for --no-blind only.
    """
    from foldwise.cli.packages import check_table
    from foldwise.io import write_table

    check_table(out)
    if options["kept"] and options["save"]:
        raise click.UsageError("--apply uses a kept transformation and --save keeps a new one: choose one.")
    kept, method = _kept(options)
    with readable(counts, samples) as (path, sheet):
        data = _data(str(path), sheet, threads, options)
        if kept is None:
            table = _transformed(data, threads, options)
        else:
            table = kept.apply(getattr(data, "data", data), executor=threads)
    write_table(table.rename_axis("gene"), out)
    if out != "-" and not quiet:
        click.echo(f"{len(table):,} genes x {table.shape[1]} samples ({method}) in {out}", err=True)


def _kept(options: dict[str, Any]) -> tuple[Any, str]:
    """The transformation of --apply, or None; and what kind is made.

    Raises
    ------
    UsageError
        If an option would say again, or otherwise, what the kept transformation has settled.
    """
    if not options["kept"]:
        return None, options["method"]
    from foldwise.transforms import RegularizedLog, load_transform

    kept = load_transform(options["kept"])
    method = "rlog" if isinstance(kept, RegularizedLog) else "vst"
    context = click.get_current_context()
    given = [name for name in SETTLED if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    said = [_flag(name, options[name]) for name in given if (name, options[name]) != ("method", method)]
    if said:
        raise click.UsageError(
            f"{options['kept']} holds a {method} that was settled when it was kept: --apply goes without "
            f"{', '.join(said)}. Leave out what stands beside --apply, or make a new transformation without it."
        )
    return kept, method


def _flag(name: str, value: Any) -> str:
    """An option as it was typed."""
    return "--no-blind" if (name, value) == ("blind", False) else f"--{name.replace('_', '-')}"


def _data(path: str, sheet: str | None, threads: int | None, options: dict[str, Any]) -> Any:
    if _is_fit(path):
        return saved_fit(path, threads, False)
    if not options["blind"] and (sheet is None or options["design"] is None):
        raise click.UsageError("--no-blind needs SAMPLES and --design (or a saved fit).")
    how = Reading(
        options["layer"],
        options["sample_column"],
        options["gene_column"],
        options["drop_unlisted"],
        options["round_counts"],
    )
    if sheet is not None:
        return read_inputs(path, sheet, how)
    return _without_samples(path, how)


def _is_fit(path: str) -> bool:
    import zipfile
    from pathlib import Path

    if Path(path).is_dir():
        return any(Path(path).glob("*.foldwise"))
    return path.endswith(".foldwise") and zipfile.is_zipfile(path)


def _without_samples(path: str, how: Reading) -> Any:
    import pandas as pd

    from foldwise.counts import CountData
    from foldwise.io import read_counts
    from foldwise.io.count_table import CountTable
    from foldwise.io.read_report import source_name

    read = read_counts(path, gene_column=how.gene_column, layer=how.layer)
    if isinstance(read, CountData):
        return read
    samples = pd.DataFrame(index=read.columns.astype(str))
    return CountTable(read, source=source_name(path)).with_samples(samples, round_counts=how.round_counts)


def _transformed(data: Any, threads: int | None, options: dict[str, Any]) -> Any:
    from foldwise import transforms
    from foldwise.plots.sources import normalized_counts

    method, save = options["method"], options["save"]
    if options["sf_type"] != "ratio" or method == "normalized":
        data = _with_factors(data, options["sf_type"], threads)
    if method not in ("vst", "rlog") and save:
        raise click.UsageError(f"--save keeps vst and rlog; {method} has nothing to keep.")
    if method == "normalized":
        return normalized_counts(data)
    if method == "log2":
        return transforms.norm_transform(data, executor=threads)
    common = {"blind": options["blind"], "fit_type": options["fit_type"], "executor": threads}
    if options["design"] and not options["blind"]:
        common["design"] = options["design"]
    made = transforms.fit_rlog(data, **common) if method == "rlog" else _vst(data, options["nsub"], common)
    if save:
        made.save(save)
    return made.values


def _with_factors(data: Any, sf_type: str, threads: int | None) -> Any:
    """Counts with the factors asked for; a fit, and data that bring theirs, as they are."""
    from foldwise import estimate_size_factors

    if hasattr(data, "data"):
        if sf_type != "ratio":
            raise click.UsageError("A saved fit has its size factors: leave out --sf-type, or give the counts.")
        return data
    if data.size_factors is not None or data.normalization_factors is not None:
        return data
    factors = estimate_size_factors(data, sf_type=sf_type, executor=threads)  # type: ignore[arg-type]
    return data.with_normalization_factors(factors) if factors.ndim == 2 else data.with_size_factors(factors)


def _vst(data: Any, nsub: int, common: dict[str, Any]) -> Any:
    from foldwise.errors import CountsError
    from foldwise.transforms import fit_vst
    from foldwise.warn import warn

    try:
        return fit_vst(data, nsub=nsub, **common)
    except CountsError as error:
        if "nsub" not in str(error):
            raise
        warn(
            f"Fewer than {nsub} genes have a mean above 5: the trend is taken from all genes, as "
            "varianceStabilizingTransformation() does (R's vst() and fw.vst stop here)."
        )
        return fit_vst(data, nsub=None, **common)
