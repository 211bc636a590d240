"""R objects as rdata's parser gives them: their attributes, vectors, factors and tables, without running any R code."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pandas as pd

from foldwise.errors import CountsError, MissingDependencyError

# What rdata's parser raises on files that are cut off, damaged, or hold something it does not know.
_PARSER_ERRORS = (
    AssertionError, NotImplementedError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError,
    RecursionError, struct.error, MemoryError, OverflowError,
)  # fmt: skip


def parse_r_file(content: bytes, name: str) -> Any:
    """The object in the bytes of an .rds (or .RData) file.

    Raises
    ------
    CountsError
        If the file is damaged or holds something that cannot be parsed.
    MissingDependencyError
        Without rdata.
    """
    try:
        from rdata.parser import parse_data
    except ImportError as error:
        raise MissingDependencyError("R's files need rdata: pip install 'foldwise[rds]'") from error
    try:
        # The ending is said because rdata warns of every RDS file whose bytes come without a name.
        return parse_data(content, extension=None if content.startswith(b"RD") else ".rds").object
    except _PARSER_ERRORS as error:
        raise CountsError(
            f"{name} cannot be read as R's file ({type(error).__name__}: {error}). "
            f"It is cut off, or holds an object that is not known here.\n{export_lines(name)}"
        ) from error


def export_lines(name: str) -> str:
    """What to type in R instead."""
    return (
        "In R, these lines write tables that fw.read_counts and fw.read_samples read:\n"
        f'    x <- readRDS("{name}")\n'
        '    write.csv(DESeq2::counts(x), "counts.csv"); write.csv(as.data.frame(colData(x)), "samples.csv")'
    )


def resolved(obj: Any) -> Any:
    """The object itself where the file only refers to one it has written before."""
    while obj is not None and obj.info.type.name == "REF":
        obj = obj.referenced_object
    return obj


def kind(obj: Any) -> str:
    """R's type: INT, REAL, LGL, STR, VEC (list), S4, NILVALUE, ..."""
    return "NILVALUE" if obj is None else str(resolved(obj).info.type.name)


def pairs(obj: Any) -> dict[str, Any]:
    """A pairlist (attributes, slots, workspaces) by tag."""
    found: dict[str, Any] = {}
    while obj is not None and obj.info.type.name == "LIST":
        if obj.tag is not None:
            found[_symbol(obj.tag)] = resolved(obj.value[0])
        obj = obj.value[1]
    return found


def _symbol(obj: Any) -> str:
    return _text(resolved(obj).value) or ""


def _text(char: Any) -> str | None:
    value = char.value if hasattr(char, "value") else char
    if value is None:
        return None
    try:
        return str(value.decode())
    except UnicodeDecodeError:
        return str(value.decode("latin-1"))


def slots(obj: Any) -> dict[str, Any]:
    """Attributes of any object; slots of an S4 object are the same thing in R."""
    obj = resolved(obj)
    return {} if obj is None or obj.attributes is None else pairs(obj.attributes)


def strings(obj: Any) -> list[str | None]:
    """A character vector; NA is None."""
    obj = resolved(obj)
    return [_text(char) for char in obj.value] if kind(obj) == "STR" else []


def names(obj: Any) -> list[str]:
    return [n or "" for n in strings(slots(obj).get("names"))]


def classes(obj: Any) -> list[str]:
    return [n for n in strings(slots(obj).get("class")) if n]


def list_items(obj: Any) -> dict[str, Any]:
    """A named list's elements."""
    obj = resolved(obj)
    if kind(obj) != "VEC":
        return {}
    return {n or f"[[{i + 1}]]": resolved(x) for i, (n, x) in enumerate(_zip_names(names(obj), obj.value))}


def _zip_names(given: list[str], values: list[Any]) -> list[tuple[str, Any]]:
    return list(zip(given or [""] * len(values), values, strict=True))


def vector(obj: Any) -> Any:
    """An atomic vector, factor or Rle as an array, Categorical or object array; None if it is something else.

    Integers with NA become floats with NaN. A factor keeps the order of its levels, the first being the base level.
    """
    obj = resolved(obj)
    if kind(obj) == "S4" and "Rle" in classes(obj):
        values, lengths = vector(slots(obj).get("values")), vector(slots(obj).get("lengths"))
        return None if values is None else np.repeat(np.asarray(values), lengths)
    if kind(obj) == "STR":
        return np.array(strings(obj), dtype=object)
    if kind(obj) not in ("INT", "REAL", "LGL"):
        return None
    values = obj.value
    if "levels" in slots(obj):
        codes = np.ma.filled(np.ma.asarray(values), 0).astype(int) - 1
        ordered = "ordered" in classes(obj)
        levels = pd.Index([level or "NA" for level in strings(slots(obj)["levels"])])
        return pd.Categorical.from_codes(codes, categories=levels, ordered=ordered)
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        return np.ma.filled(values.astype(float), np.nan)
    return np.asarray(values)


def matrix(obj: Any) -> pd.DataFrame | None:
    """A dense or sparse (Matrix package) numeric matrix with its names, or None if the object is no such matrix."""
    obj = resolved(obj)
    if kind(obj) == "S4":
        return _sparse_matrix(obj)
    attributes = slots(obj)
    shape = vector(attributes.get("dim")) if "dim" in attributes else None
    if kind(obj) not in ("INT", "REAL", "LGL") or shape is None or len(shape) != 2:
        return None
    values = np.asarray(vector(obj)).reshape(tuple(int(n) for n in shape), order="F")
    return _labelled(values, attributes.get("dimnames"))


def _sparse_matrix(obj: Any) -> pd.DataFrame | None:
    from scipy import sparse

    own, of = slots(obj), {"dgCMatrix": sparse.csc_matrix, "dgRMatrix": sparse.csr_matrix}
    name = next((c for c in classes(obj) if c in (*of, "dgTMatrix")), None)
    if name is None or not {"x", "Dim"} <= set(own):
        return None
    shape = tuple(int(n) for n in vector(own["Dim"]))
    values = vector(own["x"])
    if name == "dgTMatrix":
        made = sparse.coo_matrix((values, (vector(own["i"]), vector(own["j"]))), shape=shape)
    else:
        made = of[name]((values, vector(own["i" if name == "dgCMatrix" else "j"]), vector(own["p"])), shape=shape)
    return _labelled(made.toarray(), own.get("Dimnames"))


def _labelled(values: np.ndarray[Any, Any], dimnames: Any) -> pd.DataFrame:
    frame = pd.DataFrame(values)
    sides = [strings(side) for side in resolved(dimnames).value] if kind(dimnames) == "VEC" else [[], []]
    rows, columns = (pd.Index(np.array(labels, dtype=object)) for labels in sides)
    frame = frame.set_axis(rows, axis="index") if len(rows) else frame
    return frame.set_axis(columns, axis="columns") if len(columns) else frame


def data_frame(obj: Any) -> tuple[pd.DataFrame, list[str]] | None:
    """A data.frame or DataFrame (S4Vectors), and the columns that are no plain vectors and were left out."""
    obj = resolved(obj)
    own = slots(obj)
    if kind(obj) == "VEC" and "data.frame" in classes(obj):
        columns, rows = list_items(obj), vector(own.get("row.names"))
        if rows is not None and rows.dtype.kind != "O":  # automatic row names: c(NA, -n)
            rows = None
    elif kind(obj) == "S4" and {"listData", "nrows"} <= set(own):
        columns, rows = list_items(own["listData"]), vector(own.get("rownames"))
        rows = rows if rows is not None and len(rows) else None
    else:
        return None
    values = {name: vector(column) for name, column in columns.items()}
    left_out = [name for name, column in values.items() if column is None]
    n = _n_rows(obj, own, values, rows)
    index = pd.RangeIndex(n) if rows is None else pd.Index(rows, dtype=object)
    kept = {name: column for name, column in values.items() if column is not None and len(column) == n}
    return pd.DataFrame(kept, index=index), left_out


def _n_rows(obj: Any, own: dict[str, Any], values: dict[str, Any], rows: Any) -> int:
    if "nrows" in own:
        return int(vector(own["nrows"])[0])
    return len(rows) if rows is not None else next((len(v) for v in values.values() if v is not None), 0)


def deparsed(obj: Any) -> str:
    """A formula as text: names, numbers, operators and calls."""
    obj = resolved(obj)
    what = kind(obj)
    if what == "SYM":
        return _symbol(obj)
    if what in ("INT", "REAL", "LGL"):
        return f"{np.asarray(vector(obj)).ravel()[0]:g}"
    if what == "STR":
        return f'"{strings(obj)[0]}"'
    if what != "LANG":
        return "?"
    function, arguments = deparsed(obj.value[0]), _arguments(obj.value[1])
    if function == "(":
        return f"({arguments[0]})"
    if function in _OPERATORS and len(arguments) == 2:
        space = "" if function in (":", "^") else " "
        return f"{arguments[0]}{space}{function}{space}{arguments[1]}"
    if function in ("~", "-", "+") and len(arguments) == 1:
        return f"{function}{' ' if function == '~' else ''}{arguments[0]}"
    return f"{function}({', '.join(arguments)})"


_OPERATORS = frozenset({"~", "+", "-", "*", "/", ":", "^", "%in%", "==", ">", "<"})


def _arguments(obj: Any) -> list[str]:
    found = []
    while obj is not None and obj.info.type.name in ("LIST", "LANG"):
        found.append(deparsed(obj.value[0]))
        obj = obj.value[1]
    return found
