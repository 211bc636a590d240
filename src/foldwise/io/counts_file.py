"""read_counts: one file of counts, whatever wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, overload

import pandas as pd

from foldwise.errors import CountsError, OptionError
from foldwise.io.content import kind_of_content, kind_of_table
from foldwise.io.count_table import CountTable, Unlisted, counts_and_annotation
from foldwise.io.featurecounts import featurecounts_table
from foldwise.io.opening import as_text, read_bytes
from foldwise.io.raw_table import looks_like_date, raw_table, warn_about_dates
from foldwise.io.read_report import PathLike, ReadReport
from foldwise.io.sample_table import as_sample_table

if TYPE_CHECKING:
    from foldwise.counts import CountData


@overload
def read_counts(path: PathLike, samples: pd.DataFrame | PathLike, **options: object) -> CountData: ...
@overload
def read_counts(path: PathLike, samples: None = None, **options: object) -> CountData | pd.DataFrame: ...
def read_counts(
    path: PathLike,
    samples: pd.DataFrame | PathLike | None = None,
    *,
    gene_column: str | None = None,
    annotation: Sequence[str] = (),
    separator: str | None = None,
    decimal: str | None = None,
    sheet: str | int | None = None,
    layer: str | None = None,
    backed: bool = False,
    unlisted: Unlisted = "error",
    round_counts: bool = False,
) -> CountData | pd.DataFrame:
    """Counts from a file that is told by its content, not by its name.

    Reads delimited text (any separator, quotes, decimal commas, R's short header; plain or compressed with gzip,
    bzip2, xz, zstd), Parquet, xlsx, featureCounts output, 10x folders and .h5, h5ad and .rds.

    Parameters
    ----------
    path : the file; ``"-"`` is standard input.
    samples : the sample table or its path; one row a sample, indexed by the names of the count columns. Without it,
        files that carry a sample table (h5ad, rds) give their ``CountData`` and all others a plain DataFrame.
    gene_column : the column of gene names; the first one by default.
    annotation : columns that describe genes although they hold numbers; text columns are found by themselves.
    separator, decimal, sheet : how text is written, and which sheet of a workbook; found out unless given.
    layer, backed : for h5ad: which layer instead of ``X``, and whether to leave the counts on disk.
    unlisted : "error", or "drop" to leave out count columns that the sample table does not list.
    round_counts : round estimated counts (salmon, RSEM) to whole numbers, halves to even as R does.

    Returns
    -------
    CountData
        Its ``provenance`` says what was read and what was left out; or a genes x samples DataFrame.

    Raises
    ------
    CountsError, SamplesError
        If the file cannot be read or does not fit the samples; file, row and column are named.
    MissingDependencyError
        If the format needs an optional library; the message holds the command that installs it.
    """
    table_samples = None if samples is None else as_sample_table(samples)
    table = read_count_table(
        path,
        samples=None if table_samples is None else list(table_samples.index.astype(str)),
        gene_column=gene_column,
        annotation=annotation,
        separator=separator,
        decimal=decimal,
        sheet=sheet,
        layer=layer,
        backed=backed,
    )
    if table_samples is None and table.samples is None:
        return table.counts
    return table.with_samples(table_samples, unlisted=unlisted, round_counts=round_counts)


def read_count_table(
    path: PathLike,
    *,
    samples: Sequence[str] | None = None,
    gene_column: str | None = None,
    annotation: Sequence[str] = (),
    separator: str | None = None,
    decimal: str | None = None,
    sheet: str | int | None = None,
    layer: str | None = None,
    backed: bool = False,
) -> CountTable:
    """What a count file holds, before it is put together with a sample table. Options as in ``read_counts``."""
    if str(path) != "-" and Path(path).is_dir():
        return _folder(Path(path), layer, backed)
    report = ReadReport(path)
    content = read_bytes(path)
    kind = kind_of_content(content)
    if kind == "hdf5":
        return _hdf5(path, layer, backed)
    if layer is not None or backed:
        raise OptionError(f"layer= and backed= are for h5ad files; {report.source} is none.")
    if kind in ("rds", "rdata"):
        from foldwise.io.rds import rds_table

        return rds_table(path)
    if kind == "matrix market":
        from foldwise.io.ten_x import ten_x_table

        return ten_x_table(path)
    if kind == "text":
        content = as_text(content, report.source, report)
        if (written_by := kind_of_table(content)) == "featureCounts":
            return featurecounts_table(content, report, samples=samples)
        if written_by != "table":
            raise CountsError(_ONE_SAMPLE[written_by].format(report.source))
    frame, first_line = raw_table(content, report, separator=separator, decimal=decimal, sheet=sheet)
    if kind == "text":
        warn_about_dates((name for name in frame.iloc[:, 0] if isinstance(name, str) and looks_like_date(name)), report)
    return counts_and_annotation(
        frame, first_line, report, samples=samples, gene_column=gene_column, annotation=annotation
    )


_ONE_SAMPLE = {
    "salmon": "{} is salmon's output for one sample: use fw.read_tximport({{sample: path}}, type='salmon', ...).",
    "kallisto": "{} is kallisto's output for one sample: use fw.read_tximport({{sample: path}}, type='kallisto', ...).",
    "rsem genes": "{} is RSEM's output for one sample: use fw.read_tximport({{sample: path}}, type='rsem', ...).",
    "rsem isoforms": "{} is RSEM's output for one sample: use fw.read_tximport({{sample: path}}, type='rsem', ...).",
    "STAR": "{} is STAR's output for one sample: use fw.read_star(folder, samples).",
    "htseq": "{} is htseq-count's output: use fw.read_htseq(folder, samples).",
}


def _hdf5(path: PathLike, layer: str | None, backed: bool) -> CountTable:
    from foldwise.io.anndata import h5ad_table
    from foldwise.io.ten_x import is_ten_x_h5, ten_x_h5_table

    return ten_x_h5_table(path) if is_ten_x_h5(path) else h5ad_table(path, layer=layer, backed=backed)


def _folder(path: Path, layer: str | None, backed: bool) -> CountTable:
    if (path / ".zgroup").exists() or (path / "zarr.json").exists():
        from foldwise.io.anndata import h5ad_table

        return h5ad_table(path, layer=layer, backed=backed)
    names = [p.name for p in path.iterdir()]
    if any(name in ("matrix.mtx", "matrix.mtx.gz") for name in names):
        from foldwise.io.ten_x import ten_x_table

        return ten_x_table(path)
    if any("ReadsPerGene.out.tab" in name for name in names):
        raise CountsError(f"{path} holds STAR's output: use fw.read_star(folder, samples).")
    raise CountsError(
        f"{path} is a folder. fw.read_htseq reads a folder of htseq-count's files, fw.read_star one of STAR's, "
        "fw.read_10x one with matrix.mtx, and fw.read_tximport takes {sample: path}."
    )
