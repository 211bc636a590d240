"""read_samples: the table that says what each sample is."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.errors import SamplesError, listed
from foldwise.io.content import kind_of_content
from foldwise.io.opening import read_bytes
from foldwise.io.raw_table import raw_table
from foldwise.io.read_report import PathLike, ReadReport, how_many

SAMPLE_COLUMNS = ("sample", "sample_id", "samplename", "sample_name", "id", "name", "run")
_MISSING = ("", "NA", "NaN", "nan", "N/A", "#N/A", None)
_PER_RUN = re.compile(r"(fastq|fq|bam|lane|run|read)(_?\d+)?$", re.I)


@checked
def read_samples(
    path: PathLike,
    *,
    sample_column: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    sheet: str | int | None = None,
) -> pd.DataFrame:
    """The sample table in a file: text of any dialect, Parquet, xlsx or .rds, told by content as in ``read_counts``.

    Parameters
    ----------
    path : the file; ``"-"`` is standard input.
    sample_column : the column of sample names; by default the row names, a column named like "sample", else the first.
    separator, decimal, sheet : found out unless given.

    Returns
    -------
    DataFrame
        One row a sample, indexed by sample name (text). Whole columns of numbers are numbers, TRUE/FALSE are
        logical, everything else is text; empty cells and NA are missing. ``attrs["provenance"]`` lists what was
        read and what was changed.

    Raises
    ------
    SamplesError
        If a sample has no name, or occurs twice with different descriptions.
    """
    report = ReadReport(path)
    content = read_bytes(path)
    if kind_of_content(content) in ("rds", "rdata"):
        from foldwise.io.rds import rds_frame

        frame = rds_frame(path, report)
    else:
        frame, _ = raw_table(content, report, separator=separator, decimal=decimal, sheet=sheet)
    frame = _named_rows(frame, sample_column, report)
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise SamplesError(f"{report.source}: more than one column is named {listed(dict.fromkeys(twice))}.")
    columns = {name: _values(frame[name], str(name), report) for name in frame.columns}
    samples = _one_row_a_sample(pd.DataFrame(columns, index=frame.index), report)
    report.note(f"read {how_many(len(samples), 'sample')} with {how_many(samples.shape[1], 'column')}")
    samples.attrs["provenance"] = list(report.lines)
    return samples


def as_sample_table(samples: pd.DataFrame | PathLike) -> pd.DataFrame:
    """The sample table itself, or the one in a file, indexed by sample name.

    A table with pandas' default index is named by its column of sample names (``sample`` and the like, else the
    first column of texts that are all different).
    """
    if not isinstance(samples, pd.DataFrame):
        return read_samples(samples)
    if not isinstance(samples.index, pd.RangeIndex):
        return samples.set_axis(samples.index.astype(str), axis=0)
    by_name = {str(c).lower(): c for c in reversed(list(samples.columns)) if samples[c].is_unique}
    named = [by_name[name] for name in SAMPLE_COLUMNS if name in by_name]
    texts = [c for c in samples.columns if samples[c].is_unique and not pd.api.types.is_numeric_dtype(samples[c])]
    column = next(iter([*named, *texts]), None)
    return samples if column is None else samples.set_axis(samples[column].astype(str), axis=0).rename_axis(None)


def _named_rows(frame: pd.DataFrame, sample_column: str | None, report: ReadReport) -> pd.DataFrame:
    name = sample_column if sample_column is not None else _sample_column(frame)
    if name not in frame.columns:
        raise SamplesError(f"{report.source} has no column '{name}'; its columns are {listed(frame.columns)}.")
    at = list(frame.columns).index(name)
    ids = frame.iloc[:, at].astype(str).str.strip()
    empty = np.flatnonzero((ids == "").to_numpy())
    if len(empty):
        raise SamplesError(f"{report.source}: row {empty[0] + 1} of the table has no sample name in column '{name}'.")
    if at and frame.columns[0] == "":  # row numbers before a named sample column
        report.note("left out the nameless first column")
        frame, at = frame.iloc[:, 1:], at - 1
    rest = frame.iloc[:, [i for i in range(frame.shape[1]) if i != at]]
    return rest.set_axis(pd.Index(ids.to_numpy(dtype=object), name=name or None), axis=0)


def _sample_column(frame: pd.DataFrame) -> str:
    first = str(frame.columns[0])
    numbered = first == "" and pd.to_numeric(frame.iloc[:, 0], errors="coerce").diff().dropna().eq(1).all()
    if first != "" or numbered:
        for wanted in SAMPLE_COLUMNS:
            for column in frame.columns:
                if str(column).lower().replace(" ", "_") == wanted and not frame[column].duplicated().any():
                    return str(column)
    return first


def _values(column: pd.Series, name: str, report: ReadReport) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype):  # logical columns too
        return column
    missing = column.isin(_MISSING)
    text = column.astype(str)
    stripped = text.str.strip()
    if (changed := (stripped != text) & ~missing).any():
        report.note(f"column '{name}': spaces around {how_many(int(changed.sum()), 'entry', 'entries')} removed")
    missing |= stripped.isin(_MISSING)
    filled = stripped[~missing]
    if missing.any():
        report.note(f"column '{name}': {how_many(int(missing.sum()), 'missing entry', 'missing entries')}")
    if len(filled) and filled.isin(["TRUE", "FALSE", "True", "False"]).all() and not missing.any():
        return stripped.str.upper() == "TRUE"
    numbers = pd.to_numeric(stripped.where(~missing), errors="coerce")
    if len(filled) and numbers[~missing].notna().all():
        return numbers
    return stripped.astype(object).where(~missing, np.nan)


def _one_row_a_sample(samples: pd.DataFrame, report: ReadReport) -> pd.DataFrame:
    """Pipelines list a sample once per sequencing run: rows that differ only in their files are one sample."""
    if not samples.index.has_duplicates:
        return samples
    described = samples[[c for c in samples.columns if not _PER_RUN.match(str(c))]]
    distinct = described.reset_index(names="\0sample").drop_duplicates()
    conflicting = distinct["\0sample"][distinct["\0sample"].duplicated()]
    if len(conflicting):
        name = conflicting.iloc[0]
        rows = described.loc[name]
        differing = [c for c in rows.columns if rows[c].nunique(dropna=False) > 1]
        raise SamplesError(
            f"{report.source}: sample '{name}' has {len(rows)} rows that differ in {listed(differing)}. "
            "Give every sample one row, or name the column of sample names with sample_column=."
        )
    once = described[~described.index.duplicated()]
    report.note(f"{how_many(len(samples) - len(once), 'repeated row')} (one per sequencing run) left out")
    return once
