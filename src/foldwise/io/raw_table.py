"""Any table file (text, parquet, spreadsheet) as a plain DataFrame whose first column is text."""

from __future__ import annotations

import datetime
import io
import re
import warnings
from collections.abc import Iterable

import pandas as pd

from foldwise.errors import CountsError, FoldwiseWarning, MissingDependencyError, listed
from foldwise.io.content import FileKind, kind_of_content
from foldwise.io.delimited import read_delimited
from foldwise.io.opening import as_text
from foldwise.io.read_report import ReadReport


def raw_table(
    content: bytes,
    report: ReadReport,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    sheet: str | int | None = None,
) -> tuple[pd.DataFrame, int]:
    """The table in these bytes and the line of its first row (see ``read_delimited``)."""
    kind = kind_of_content(content)
    if kind == "parquet":
        return _parquet(content, report), 1
    if kind in ("xlsx", "xls"):
        return _spreadsheet(content, kind, sheet, report), 2
    if kind != "text":
        raise CountsError(f"{report.source} is no table but {_DESCRIBED[kind]}.")
    return read_delimited(as_text(content, report.source, report), report, separator=separator, decimal=decimal)


_DESCRIBED: dict[FileKind, str] = {
    "hdf5": "an HDF5 file (for .h5ad and 10x .h5 files use fw.read_counts)",
    "rds": "an R object (use fw.read_rds)",
    "rdata": "an R workspace (use fw.read_rds)",
    "matrix market": "a sparse matrix (use fw.read_10x on its folder)",
}


def _parquet(content: bytes, report: ReadReport) -> pd.DataFrame:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError("Parquet files need pyarrow: pip install 'foldwise[parquet]'") from error
    try:
        frame: pd.DataFrame = pyarrow.parquet.read_table(io.BytesIO(content)).to_pandas()
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise CountsError(f"{report.source} is a damaged Parquet file ({error}). Copy it again.") from error
    if not isinstance(frame.index, pd.RangeIndex):  # written by pandas with its index
        name = frame.index.name or ("gene" if "gene" not in frame.columns else "")
        frame.insert(0, name, frame.index.astype(str))
    first = frame.columns[0]
    frame = frame.astype({first: str}).reset_index(drop=True)
    return frame.set_axis([str(c) for c in frame.columns], axis=1)


def _spreadsheet(content: bytes, kind: FileKind, sheet: str | int | None, report: ReadReport) -> pd.DataFrame:
    if kind == "xls":
        raise CountsError(f"{report.source} is an old .xls spreadsheet: save it as .xlsx, or better as CSV.")
    try:
        import openpyxl  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingDependencyError("Spreadsheets need openpyxl: pip install 'foldwise[excel]'") from error
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (KeyError, OSError, ValueError) as error:
        raise CountsError(f"{report.source} is a damaged spreadsheet ({error}).") from error
    name = _chosen_sheet(book.sheetnames, sheet, report)
    rows = [list(row) for row in book[name].iter_rows(values_only=True)]
    rows = [row for row in rows if any(cell not in (None, "") for cell in row)]
    if len(rows) < 2:
        others = listed(book.sheetnames)
        raise CountsError(f"{report.source}: sheet '{name}' holds no table. Give sheet= for another of {others}.")
    width = max(len(row) for row in rows)
    frame = pd.DataFrame([row + [None] * (width - len(row)) for row in rows[1:]])
    frame.columns = pd.Index([_cell_text(cell) for cell in rows[0]])
    filled = [i for i in range(width) if frame.columns[i] != "" or frame.iloc[:, i].notna().any()]
    frame = frame.iloc[:, filled]
    ids = frame.iloc[:, 0]
    dates = [row for row, cell in enumerate(ids) if isinstance(cell, datetime.date)]
    text = [_cell_text(cell) for cell in ids]
    warn_about_dates((text[row] for row in dates), report)
    if not dates:
        warn_about_dates((t for t in text if looks_like_date(t)), report)
    columns = {i: _excel_column(frame.iloc[:, i]) for i in range(1, frame.shape[1])}
    return pd.DataFrame({0: text, **columns}).set_axis(frame.columns, axis=1)


def _chosen_sheet(names: list[str], sheet: str | int | None, report: ReadReport) -> str:
    if isinstance(sheet, int) and 0 <= sheet < len(names):
        return names[sheet]
    if sheet is None:
        if len(names) > 1:
            report.note(f"read sheet '{names[0]}', left out {listed(names[1:])} (sheet= chooses)")
        return names[0]
    if sheet not in names:
        raise CountsError(f"{report.source} has no sheet {sheet!r}; its sheets are {listed(names)}.")
    return str(sheet)


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _excel_column(column: pd.Series) -> pd.Series:
    """Numbers if all cells are numbers; otherwise text as it would be written."""
    if column.map(lambda c: isinstance(c, (int, float)) and not isinstance(c, bool)).all():
        return column.astype(float) if column.isna().any() else pd.to_numeric(column)
    return column.map(_cell_text)


_MONTHS = "jan|feb|mar|mrz|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez"
_DATE = re.compile(
    rf"(\d{{1,2}}[-. /]+({_MONTHS})\.?|({_MONTHS})[-. /]+\d{{1,4}}|\d{{1,2}}[-. /]+({_MONTHS})[-. /]+\d{{2,4}}"
    r"|\d{4}-\d{2}-\d{2}( 00:00:00)?|\d{1,2}[./]\d{1,2}[./]\d{2,4})$",
    re.I,
)


def looks_like_date(name: str) -> bool:
    """Whether a spreadsheet probably made this out of a gene name (SEPT2, MARCH1, DEC1, OCT4)."""
    return _DATE.match(name.strip()) is not None


def warn_about_dates(names: Iterable[str], report: ReadReport) -> None:
    """One warning that lists gene names which a spreadsheet turned into dates."""
    names = list(names)
    if not names:
        return
    message = (
        f"{report.source}: {len(names)} gene name(s) look like dates: {listed(names)}. A spreadsheet turns names "
        "such as SEPT2, MARCH1 or DEC1 into dates; the names are lost in this file. Take the original file, "
        "or use gene identifiers."
    )
    report.note(f"{len(names)} gene name(s) look like dates made by a spreadsheet: {listed(names)}")
    warnings.warn(message, FoldwiseWarning, stacklevel=2)
