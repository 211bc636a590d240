"""htseq-count: one headerless file a sample (or one for all), special rows at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.errors import CountsError
from foldwise.io.count_table import CountTable, Unlisted
from foldwise.io.opening import as_text, read_bytes
from foldwise.io.read_report import PathLike, ReadReport, how_many, source_name
from foldwise.io.sample_files import Files, check_same_genes, files_by_sample
from foldwise.io.sample_table import as_sample_table

if TYPE_CHECKING:
    from foldwise.counts import CountData

# Before version 0.6 the special rows had no underscores.
OLD_SPECIAL_ROWS = ("no_feature", "ambiguous", "too_low_aQual", "not_aligned", "alignment_not_unique")


@checked
def read_htseq(
    files: Files,
    samples: pd.DataFrame | PathLike | None = None,
    *,
    pattern: str = "*",
    unlisted: Unlisted = "error",
    round_counts: bool = False,
) -> CountData | pd.DataFrame:
    """Counts as htseq-count writes them.

    Parameters
    ----------
    files : a folder with one file a sample, a list of files, {sample: path}, or one file with a column a sample.
    samples : the sample table or its path; a column ``fileName`` says which file is whose, as in R. Without a sample
        table a plain DataFrame is returned.
    pattern : which files of a folder, e.g. ``"*.counts.txt"``.
    unlisted, round_counts : as in ``read_counts`` (rounding is for ``--nonunique fraction``).

    Returns
    -------
    CountData
        The special rows (``__no_feature`` ...) are no genes; they are kept in
        ``data.samples.attrs["quality_counts"]`` and named in ``data.provenance``.

    Raises
    ------
    CountsError
        If the files do not list the same genes, or a line is not "gene, count".
    """
    table_samples = None if samples is None else as_sample_table(samples)
    table = htseq_table(files, table_samples, pattern=pattern)
    return (
        table.counts
        if table_samples is None
        else table.with_samples(table_samples, unlisted=unlisted, round_counts=round_counts)
    )


def htseq_table(files: Files, samples: pd.DataFrame | None = None, *, pattern: str = "*") -> CountTable:
    """What htseq-count's files hold (see ``read_htseq``)."""
    report = ReadReport(files if isinstance(files, str) else "htseq-count")
    paths = files_by_sample(files, samples, pattern, report)
    read = {name: _read_file(path, report) for name, path in paths.items()}
    if len(read) == 1 and (only := next(iter(read.values()))).counts.shape[1] > 1:
        return _many_columns(only, samples, report)
    for name, file in read.items():
        if file.counts.shape[1] != 1:
            raise CountsError(f"{source_name(paths[name])} has {file.counts.shape[1]} count columns; one is expected.")
    check_same_genes({source_name(paths[name]): file.counts.index for name, file in read.items()}, report)
    genes = next(iter(read.values())).counts.index
    counts = pd.DataFrame({name: file.counts.iloc[:, 0].loc[genes] for name, file in read.items()}, index=genes)
    quality = pd.DataFrame({name: file.special.iloc[:, 0] for name, file in read.items()}).T.fillna(0)
    return _table(counts, next(iter(read.values())).attributes, quality, report)


@dataclass(frozen=True, slots=True)
class _File:
    counts: pd.DataFrame
    special: pd.DataFrame
    attributes: pd.DataFrame | None


def _read_file(path: PathLike, report: ReadReport) -> _File:
    name = source_name(path)
    lines = as_text(read_bytes(path), name, report).decode().split("\n")
    rows = [line.split("\t") for line in lines if line]
    header = rows.pop(0) if rows and rows[0][0] == "" else None  # htseq-count --with-header
    width = len(rows[0]) if rows else 0
    for number, row in enumerate(rows, start=1 + (header is not None)):
        if len(row) != width or width < 2:
            raise CountsError(
                f"{name}, line {number}: {how_many(len(row), 'field')} where htseq-count writes {max(width, 2)} "
                "(gene and count, separated by a tab). If the file is cut off, count this sample again."
            )
    frame = pd.DataFrame(rows)
    first_count = next((i for i in range(1, width) if pd.to_numeric(frame[i], errors="coerce").notna().all()), width)
    if first_count == width:
        first_count = _first_count_column(frame, name, header is not None)
    numbers = frame.iloc[:, first_count:].apply(pd.to_numeric, errors="coerce")
    numbers = numbers.set_axis(pd.Index(frame[0], name="gene"), axis=0)
    numbers.columns = pd.Index(header[first_count:] if header else range(numbers.shape[1]))
    special = numbers.index.str.startswith("__") | numbers.index.isin(OLD_SPECIAL_ROWS)
    attributes = None
    if first_count > 1:
        attributes = frame.iloc[:, 1:first_count].set_axis(numbers.index, axis=0)[~special]
        names = header[1:first_count] if header else [f"attribute_{i}" for i in range(1, first_count)]
        attributes.columns = pd.Index(names)
    return _File(numbers[~special], numbers[special], attributes)


def _first_count_column(frame: pd.DataFrame, name: str, with_header: bool) -> int:
    """No column is numbers throughout: the one that mostly is has a bad cell, which is the error to report."""
    for column in range(1, frame.shape[1]):
        values = pd.to_numeric(frame[column], errors="coerce")
        if values.notna().mean() > 0.5:
            at = int(np.flatnonzero(values.isna())[0])
            hint = " Give counts with a header to fw.read_counts." if at == 0 and not with_header else ""
            raise CountsError(f"{name}, line {at + 1 + with_header}: '{frame[column][at]}' is not a count.{hint}")
    raise CountsError(f"{name} is not htseq-count's output: no column holds counts.")


def _many_columns(file: _File, samples: pd.DataFrame | None, report: ReadReport) -> CountTable:
    """One run over several BAM files: a column each, named only with --with-header."""
    from foldwise.io.featurecounts import short_names

    counts, special = file.counts, file.special
    if not isinstance(counts.columns[0], str):
        raise CountsError(
            f"{report.source} has {counts.shape[1]} count columns without names. Run htseq-count with --with-header, "
            "or add a header line and use fw.read_counts."
        )
    known = None if samples is None else list(samples.index.astype(str))
    names = short_names(list(counts.columns), known)
    return _table(counts.set_axis(names, axis=1), file.attributes, special.set_axis(names, axis=1).T, report)


def _table(
    counts: pd.DataFrame, attributes: pd.DataFrame | None, quality: pd.DataFrame, report: ReadReport
) -> CountTable:
    if quality.shape[1]:
        share = quality.sum().sum() / max(quality.sum().sum() + counts.to_numpy().sum(), 1)
        report.note(f"set aside {', '.join(map(str, quality.columns))}: {share:.1%} of all reads")
    report.note(f"read {how_many(len(counts), 'gene')} in {how_many(counts.shape[1], 'sample')}")
    return CountTable(counts, attributes, report.lines, quality=quality if quality.shape[1] else None)
