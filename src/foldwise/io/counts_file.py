"""read_counts: one file of counts, whatever wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from foldwise.arguments import checked
from foldwise.errors import CountsError
from foldwise.io.content import kind_of_content, kind_of_table
from foldwise.io.count_table import CountTable, Unlisted, counts_and_annotation
from foldwise.io.featurecounts import featurecounts_table
from foldwise.io.h5ad import check_layer_option, is_hdf5
from foldwise.io.opening import as_text, read_bytes, starts_as_matrix_market
from foldwise.io.raw_table import looks_like_date, raw_table, warn_about_dates
from foldwise.io.read_report import PathLike, ReadReport, naming, source_name
from foldwise.io.sample_table import as_sample_table

if TYPE_CHECKING:
    from foldwise.counts import CountData


@checked
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
    if _is_anndata_file(path):
        from foldwise.io.h5ad import h5ad_data

        with naming(source_name(path)):
            return h5ad_data(path, table_samples, layer=layer, backed=backed, unlisted=unlisted)
    if _is_ten_x(path) and table_samples is not None:
        from foldwise.io.ten_x import read_10x

        check_layer_option(layer, backed, str(path))
        return cast("CountData", read_10x(path, table_samples))
    check_layer_option(layer, backed, str(path))
    table = read_count_table(
        path,
        samples=None if table_samples is None else list(table_samples.index.astype(str)),
        gene_column=gene_column,
        annotation=annotation,
        separator=separator,
        decimal=decimal,
        sheet=sheet,
    )
    if table_samples is None and table.samples is None:
        return table.counts
    table = replace(table, source=source_name(path))
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
) -> CountTable:
    """What a count file holds, before it is put together with a sample table. Options as in ``read_counts``."""
    if _is_anndata_file(path):
        from foldwise.io.h5ad import h5ad_table

        return h5ad_table(path, layer=layer)
    if _is_ten_x(path):
        return _ten_x_table(path)
    if str(path) != "-" and Path(path).is_dir():
        raise CountsError(_folder_message(Path(path)))
    report = ReadReport(path)
    check_layer_option(layer, False, report.source)
    content = read_bytes(path)
    kind = kind_of_content(content)
    if kind in ("rds", "rdata"):
        from foldwise.io.rds import rds_table

        return rds_table(path)
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


def _is_anndata_file(path: PathLike) -> bool:
    if str(path) != "-" and Path(path).is_dir():
        return any((Path(path) / name).exists() for name in (".zgroup", "zarr.json"))
    if not is_hdf5(path):
        return False
    from foldwise.io.ten_x import is_ten_x_h5

    return not is_ten_x_h5(path)


def _is_ten_x(path: PathLike) -> bool:
    if str(path) == "-":
        return False
    if Path(path).is_dir():
        return any((Path(path) / name).exists() for name in ("matrix.mtx", "matrix.mtx.gz"))
    if not Path(path).is_file():
        return False
    return is_hdf5(path) or starts_as_matrix_market(path)


def _ten_x_table(path: PathLike) -> CountTable:
    from foldwise.io.ten_x import ten_x_matrix

    read = ten_x_matrix(path)
    counts = cast(Any, pd.DataFrame.sparse).from_spmatrix(read.counts, index=read.genes.index, columns=read.barcodes)
    return CountTable(counts, read.genes, read.notes)


def _folder_message(path: Path) -> str:
    if any("ReadsPerGene.out.tab" in p.name for p in path.iterdir()):
        return f"{path} holds STAR's output: use fw.read_star(folder, samples)."
    return (
        f"{path} is a folder. fw.read_htseq reads a folder of htseq-count's files, fw.read_star one of STAR's, "
        "fw.read_10x one with matrix.mtx, fw.read_tximport one of salmon's, kallisto's or RSEM's."
    )
