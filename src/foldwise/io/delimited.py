"""Delimited text as people and programs write it: separators, quotes, decimal commas and R's short header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from foldwise.errors import CountsError
from foldwise.io.read_report import ReadReport

SEPARATORS = ("\t", ",", ";", "|", " ")
SEPARATOR_NAMES = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "spaces"}
_LINES_LOOKED_AT = 60


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written.

    separator : between two fields.
    header_lines : lines up to and with the header.
    names : the header; one name a column, "" for a column without one.
    backslash_quotes : whether a quote inside a quoted field is written ``\\"``, as R's write.table does.
    """

    separator: str
    header_lines: int
    names: tuple[str, ...]
    backslash_quotes: bool


def read_delimited(
    text: bytes, report: ReadReport, *, separator: str | None = None, decimal: str | None = None
) -> tuple[pd.DataFrame, int]:
    """A text table as a DataFrame, its first column (the identifiers) as text, and the line of its first row.

    Columns that hold nothing but numbers are numbers; all others are text exactly as written.

    Parameters
    ----------
    text : UTF-8 text with ``\\n`` line ends (see ``as_text``).
    separator, decimal : taken from the content unless given.

    Raises
    ------
    CountsError
        If there is no table in the text, or a line has too many fields.
    """
    dialect = find_dialect(text, report, separator)
    frame = _parse(text, dialect, report, decimal or ".")
    if decimal is None and (decimal := _decimal_comma(frame, dialect, report)) is not None:
        frame = _parse(text, dialect, report, decimal)
        report.note("numbers are written with decimal commas")
    if decimal == ",":
        frame = _with_points(frame)
    return _without_empty_columns(frame, report), dialect.header_lines + 1


def find_dialect(text: bytes, report: ReadReport, separator: str | None = None) -> Dialect:
    """Looks at the first lines and finds the separator under which all of them have as many fields."""
    head = text[: 1 << 20].decode(errors="replace").split("\n")
    comments = next((i for i, line in enumerate(head) if line.strip() and not line.startswith("#")), len(head))
    lines = [line for line in head[comments:] if line.strip()][:_LINES_LOOKED_AT]
    if comments and any(line.startswith("#") for line in head[:comments]):
        report.note(f"left out {sum(line.startswith('#') for line in head[:comments])} comment line(s) at the top")
    if len(lines) < 2:
        raise CountsError(f"{report.source} holds no table: a header line and at least one row are needed.")
    backslash = any('\\"' in line for line in lines)
    best = max(
        (separator,) if separator else SEPARATORS,
        key=lambda s: (_fit(lines, s, backslash), -SEPARATORS.index(s) if s in SEPARATORS else 0),
    )
    if separator is None and not _fit(lines, best, backslash)[0]:
        best = _most_used(lines)
    header, *rows = _fields(lines, best, backslash)
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    if width == 1:
        raise CountsError(
            f"{report.source}: only one column was found (first line: '{lines[0][:60]}'). "
            "Columns must be separated by tabs, commas, semicolons, bars or spaces; give separator= otherwise."
        )
    if len(header) == width - 1 and all(row[-1] == "" for row in rows if len(row) == width):
        header = [*header, ""]  # every row ends with a separator
    elif len(header) == width - 1 and not _names_rows(header[0], [row[1] for row in rows if len(row) == width]):
        header = ["", *header]
        report.note("the header is one name short, as R's write.table leaves it: the first column holds the row names")
    elif len(header) != width:
        raise CountsError(
            f"{report.source}: the header has {len(header)} fields and the rows have {width} "
            f"(separated by {SEPARATOR_NAMES.get(best, repr(best))}). Give every column a name."
        )
    return Dialect(best, comments + 1, tuple(name.strip() for name in header), backslash)


def _fields(lines: list[str], separator: str, backslash: bool) -> list[list[str]]:
    options = {"escapechar": "\\", "doublequote": True} if backslash else {}
    skip = separator == " "
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=skip, strict=False, **options)  # type: ignore[arg-type]
    return [[f for f in row if f != ""] if skip else row for row in rows]


def _fit(lines: list[str], separator: str, backslash: bool) -> tuple[bool, bool, int]:
    """Better fits compare greater: all rows as wide, header as wide as they are, more columns."""
    widths = [len(row) for row in _fields(lines, separator, backslash)]
    if len(widths) < 2:
        return False, False, 0
    width = Counter(widths[1:]).most_common(1)[0][0]
    even = all(w == width for w in widths[1:]) and widths[0] in (width, width - 1) and width > 1
    return even, even and widths[0] == width, width if even else 0


def _most_used(lines: list[str]) -> str:
    """The separator of a ragged table: the one that occurs most often, spaces only if nothing else does."""
    return max(SEPARATORS, key=lambda s: sum(line.count(s) for line in lines) * (1 if s != " " else 1e-6))


def _names_rows(name: str, second: list[str]) -> bool:
    """Whether the first name of a header that is one short belongs to the identifiers after all.

    R's short header begins with the second column. If it begins with "gene" and the second column holds numbers, a
    name is missing elsewhere, and every column would be read under its neighbour's name.
    """
    return name.strip().lower() in _IDENTIFIER_NAMES and all(_NUMBER.match(cell) for cell in second)


def _parse(text: bytes, dialect: Dialect, report: ReadReport, decimal: str) -> pd.DataFrame:
    start = 0
    for _ in range(dialect.header_lines):
        start = text.find(b"\n", start) + 1
    spaces = dialect.separator == " "
    try:
        frame = pd.read_csv(
            io.BytesIO(text[start:]),
            sep=r"\s+" if spaces else dialect.separator,
            header=None,
            names=range(len(dialect.names)),
            dtype={0: str},
            decimal=decimal,
            keep_default_na=False,
            na_values=[],
            escapechar="\\" if dialect.backslash_quotes else None,
            float_precision="round_trip" if decimal == "." else None,
            low_memory=False,
            encoding="utf-8",
            on_bad_lines="error",
        )
    except pd.errors.EmptyDataError:
        raise CountsError(f"{report.source} has a header and no rows.") from None
    except pd.errors.ParserError as error:
        raise CountsError(_parser_message(str(error), dialect, report)) from None
    except ValueError as error:
        raise CountsError(f"{report.source} cannot be read as a table: {error}.") from error
    if not isinstance(frame.index, pd.RangeIndex):  # the first row is wider, so pandas took its start as row names
        raise CountsError(
            f"{report.source}, line {dialect.header_lines + 1}: more fields than the header's {len(dialect.names)}."
        )
    frame.columns = pd.Index(dialect.names)
    return frame


def _parser_message(said: str, dialect: Dialect, report: ReadReport) -> str:
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", said):
        expected, line, saw = (int(n) for n in found.groups())
        return (
            f"{report.source}, line {line + dialect.header_lines}: {saw} fields where the header has {expected}. "
            "Is a name with the separator in it not quoted?"
        )
    if "EOF inside string" in said:
        return f'{report.source}: a quote (") is opened and never closed. Remove it, or double it inside a name.'
    return f"{report.source} cannot be read as a table: {said}."


_NUMBER = re.compile(r"\s*[-+]?\d*[.,]?\d+([eE][-+]?\d+)?\s*$")
_IDENTIFIER_NAMES = frozenset(
    "gene genes gene_id geneid gene_name genename gene_symbol symbol id ids name ensembl ensembl_id feature feature_id "
    "transcript transcript_id sample samples sample_id".split()
)
_COMMA_NUMBER = re.compile(r"\s*[-+]?\d+,\d+\s*$")
_THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}(,\d{3})+\s*$")


def _decimal_comma(frame: pd.DataFrame, dialect: Dialect, report: ReadReport) -> str | None:
    if dialect.separator == ",":
        return None
    cells = [
        cell
        for column in range(1, frame.shape[1])
        if not pd.api.types.is_numeric_dtype(frame.iloc[:, column])
        for cell in frame.iloc[:, column].head(2000)
        if isinstance(cell, str) and _COMMA_NUMBER.match(cell)
    ]
    if not cells:
        return None
    if all(_THOUSANDS.match(cell) for cell in cells):
        raise CountsError(
            f"{report.source}: is '{cells[0].strip()}' a number with a decimal comma or a comma between thousands? "
            "Give decimal=',' for the first; write the numbers without commas for the second."
        )
    return ","


def _with_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers in columns that also hold something else (NA, a typing error) get a decimal point."""
    for column in range(1, frame.shape[1]):
        values = frame.iloc[:, column]
        if not pd.api.types.is_numeric_dtype(values):
            commas = values.map(lambda cell: isinstance(cell, str) and _COMMA_NUMBER.match(cell) is not None)
            if commas.sum() >= 0.5 * (~values.isin(["", "NA"])).sum():
                frame.isetitem(column, values.where(~commas, values.str.replace(",", ".", regex=False)).to_numpy())
    return frame


def _without_empty_columns(frame: pd.DataFrame, report: ReadReport) -> pd.DataFrame:
    """Drops what spreadsheets leave behind: columns without a name and without a value."""
    empty = [
        i > 0 and frame.columns[i] == "" and frame.iloc[:, i].isin(["", None]).all() for i in range(frame.shape[1])
    ]
    if any(empty):
        report.note(f"left out {sum(empty)} empty column(s)")
    return frame.loc[:, [not e for e in empty]]
