"""Tables to files: in R's text or in text that reads back to the same bits, whole or not at all."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from foldwise.errors import MissingDependencyError, OptionError
from foldwise.io.atomic import write_atomically
from foldwise.io.number_text import exact_numbers, r_numbers
from foldwise.io.read_report import PathLike

NumberStyle = Literal["exact", "r"]
OTHER_FORMATS = frozenset(
    "xlsx xls xlsm xlsb ods numbers h5ad h5 hdf5 loom zarr rds rda rdata feather arrow ipc orc json jsonl html htm db "
    "sqlite dta sav sas7bdat pkl pickle npy npz mtx zip bz2 xz zst".split()
)


def write_table(
    table: pd.DataFrame,
    path: PathLike,
    *,
    numbers: NumberStyle = "exact",
    sep: str | None = None,
    index_label: str | None = None,
    index: bool = True,
    header: bool = True,
    missing: str = "NA",
) -> None:
    """Writes a table; an existing file is replaced only when the new one is complete.

    Parameters
    ----------
    table : its index becomes the first column.
    path : ``"-"`` is standard output; endings decide: ``.csv`` commas, ``.gz`` compressed, ``.parquet`` Parquet, else
        tabs.
    numbers : "exact": the shortest text that reads back to the same double; "r": R's text (15 significant digits,
        ``1e+05`` for 100000), as ``write.table`` writes it. Names are quoted only where they hold a separator or quote.
    sep : the separator, instead of what the ending says.
    index_label : name of the first column; the index's name, or "gene".
    index, header : whether to write the index and the names of the columns.
    missing : text of missing values.
    """
    if numbers not in get_args(NumberStyle):
        raise OptionError(f"numbers='{numbers}' is unknown; choose 'exact' or 'r'.")
    check_ending(path)
    name = str(path).lower()
    if name.endswith(".parquet"):
        return _write_parquet(table, path)
    plain = name.removesuffix(".gz")
    text = table_text(
        table,
        numbers=numbers,
        sep=sep or ("," if plain.endswith(".csv") else "\t"),
        index_label=index_label,
        index=index,
        header=header,
        missing=missing,
    )
    if str(path) == "-":
        sys.stdout.write(text)
        return None
    content = gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode()
    with write_atomically(path) as temporary:
        Path(temporary).write_bytes(content)
    return None


def check_ending(path: PathLike) -> None:
    """Refuses names that promise a format which is not written.

    Raises
    ------
    OptionError
        Names the ending and those that can be written.
    """
    ending = "".join(Path(path).suffixes[-2:]).lower().removesuffix(".gz").rpartition(".")[2]
    if ending in OTHER_FORMATS:
        raise OptionError(f"{path}: tables are not written as .{ending}; end the name in .tsv, .csv, .txt or .parquet.")


def table_text(
    table: pd.DataFrame,
    *,
    numbers: NumberStyle = "exact",
    sep: str = "\t",
    index_label: str | None = None,
    index: bool = True,
    header: bool = True,
    missing: str = "NA",
) -> str:
    """The text that ``write_table`` writes; lines end with ``\\n`` on every system."""
    columns = [_column_text(table.iloc[:, i], numbers, missing, sep) for i in range(table.shape[1])]
    if index:
        columns = [_quoted([str(label) for label in table.index], sep), *columns]
    lines = [sep.join(row) for row in zip(*columns, strict=True)]
    if header:
        first = [index_label or table.index.name or "gene"] if index else []
        lines.insert(0, sep.join(_quoted([*map(str, first), *map(str, table.columns)], sep)))
    return "\n".join(lines) + "\n"


def _quoted(fields: list[str], sep: str) -> list[str]:
    """Only fields that would be misread are quoted, quotes in them doubled."""
    odd = (sep, '"', "\n", "\r")
    return ['"' + f.replace('"', '""') + '"' if any(mark in f for mark in odd) or f != f.strip() else f for f in fields]


def _column_text(column: pd.Series, numbers: NumberStyle, missing: str, sep: str) -> list[str]:
    if pd.api.types.is_bool_dtype(column):
        return [missing if pd.isna(value) else "TRUE" if value else "FALSE" for value in column]
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        text = r_numbers(values) if numbers == "r" else exact_numbers(values)
        return text if missing == "NA" else [missing if t == "NA" else t for t in text]
    if pd.api.types.is_integer_dtype(column) and not column.isna().any():
        return list(map(str, column.tolist()))
    return _quoted([missing if pd.isna(value) else str(value) for value in column], sep)


def _write_parquet(table: pd.DataFrame, path: PathLike) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("Parquet files need pyarrow: pip install 'foldwise[parquet]'") from error
    with write_atomically(path) as temporary:
        table.to_parquet(temporary)
