"""Files of contrasts as nf-core's pipelines have them: CSV, TSV or YAML."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from foldwise.cli.comparisons import Comparison, checked
from foldwise.cli.yaml_text import mapping_in
from foldwise.design.formula.variables import meant
from foldwise.errors import ContrastError, listed

REQUIRED = ("id", "variable", "reference", "target")
OPTIONAL = ("blocking", "exclude_samples_col", "exclude_samples_values", "formula", "make_contrasts_str")


def read_contrasts(path: str | Path) -> list[Comparison]:
    """Comparisons in a file: ``id,variable,reference,target[,blocking]`` or YAML with a list ``contrasts``.

    Note the order *reference, target*: the fold change is of the target against the reference.

    Raises
    ------
    ContrastError
        If the file cannot be read; names the line or the entry.
    """
    text = _text(Path(path))
    if Path(path).suffix.lower() in (".yaml", ".yml", ".json") or text.lstrip().startswith(("contrasts:", "{")):
        found = [_of_entry(entry, at) for at, entry in enumerate(_entries(text, path), 1)]
    else:
        found = [_of_row(row, line) for line, row in _rows(text, path)]
    if not found:
        raise ContrastError(f"{path} holds no contrast.")
    return checked(found)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise ContrastError(f"{path} is not a text file.") from error


# ---------------------------------------------------------------------------------------------- tables
def _rows(text: str, path: Any) -> list[tuple[int, dict[str, str]]]:
    first = text.lstrip("\n").partition("\n")[0]
    separator = max(("\t", ";", ","), key=first.count)
    if separator == ";" and first.count(",") == first.count(";"):
        separator = ","
    lines = list(csv.reader(io.StringIO(text), delimiter=separator))
    header = [name.strip() for name in next((line for line in lines if line), [])]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise ContrastError(
            f"{path}: a file of contrasts has the columns {', '.join(REQUIRED)}; it lacks {listed(missing)}."
            + "".join(meant(name, [one for one in header if one not in REQUIRED]) for name in missing)
        )
    found, begun = [], False
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line]
        if not any(cells):
            continue
        if not begun:
            begun = True
            continue
        if len(cells) > len(header) and any(cells[len(header) :]):
            raise ContrastError(f"{path}, line {number}: {len(cells)} cells, but the header names {len(header)}.")
        found.append((number, dict(zip(header, cells, strict=False))))
    return found


def _of_row(row: dict[str, str], line: int) -> Comparison:
    where = f"line {line} of the file of contrasts"
    given = {name: value for name, value in row.items() if value and value not in ("NA", "null")}
    if "formula" in given:
        return _with_formula(given.get("id"), given["formula"], given.get("make_contrasts_str"), where)
    lacking = [name for name in REQUIRED if name not in given]
    if lacking:
        raise ContrastError(f"In {where} there is no {listed(lacking)}.")
    return Comparison(
        given["id"],
        levels=(given["variable"], given["target"], given["reference"]),
        blocking=_parts(given.get("blocking", "")),
        exclude_column=given.get("exclude_samples_col"),
        exclude_values=_parts(given.get("exclude_samples_values", "")),
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


# ---------------------------------------------------------------------------------------------- YAML
def _entries(text: str, path: Any) -> list[Any]:
    found = mapping_in(text, path).get("contrasts")
    if not isinstance(found, list):
        raise ContrastError(f"{path}: a YAML file of contrasts has a list 'contrasts'.")
    return found


def _of_entry(entry: Any, at: int) -> Comparison:
    where = f"entry {at} of the file of contrasts"
    if not isinstance(entry, dict):
        raise ContrastError(f"In {where} there are no fields (id, comparison, ...).")
    name = entry.get("id")
    if entry.get("formula"):
        return _with_formula(name, str(entry["formula"]), entry.get("make_contrasts_str"), where)
    compared = entry.get("comparison")
    if name is None or not isinstance(compared, list) or len(compared) != 3:
        raise ContrastError(f"In {where} there is no 'id' or no 'comparison: [variable, reference, target]'.")
    variable, reference, target = (_cell(part) for part in compared)
    values = entry.get("exclude_samples_values") or ()
    return Comparison(
        str(name),
        levels=(variable, target, reference),
        blocking=tuple(_cell(part) for part in entry.get("blocking_factors") or ()),
        exclude_column=entry.get("exclude_samples_col"),
        exclude_values=_parts(values) if isinstance(values, str) else tuple(_cell(value) for value in values),
    )


def _with_formula(name: Any, formula: str, expression: Any, where: str) -> Comparison:
    if name is None or not expression:
        raise ContrastError(f"In {where} there is a formula without an 'id' or without a 'make_contrasts_str'.")
    return Comparison(str(name), expression=str(expression).strip(), formula=formula)


def _cell(value: Any) -> str:
    """YAML's no, on and 1 are the words of the sample table here."""
    from foldwise.design.formula.names import level_text

    return level_text(value)
