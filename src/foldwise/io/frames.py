"""Tables as plain arrays and a description, for files without pickle: numbers, logicals, text and categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.errors import FoldwiseError

Arrays = dict[str, Any]
Meta = dict[str, Any]


def index_to_arrays(prefix: str, index: pd.Index) -> Arrays:
    """Labels as fixed-width text."""
    return {f"{prefix}/labels": np.array([str(label) for label in index], dtype=str)}


def index_from_arrays(prefix: str, arrays: Arrays, name: Any = None) -> pd.Index:
    return pd.Index([str(label) for label in arrays[f"{prefix}/labels"]], dtype=object, name=name)


def frame_to_arrays(prefix: str, frame: pd.DataFrame) -> tuple[Arrays, Meta]:
    """A table's columns, each under its position, and what they are.

    Raises
    ------
    FoldwiseError
        If two columns have one name.
    """
    if not frame.columns.is_unique:
        raise FoldwiseError("A table with two columns of one name cannot be saved: rename one.")
    arrays = index_to_arrays(prefix, frame.index)
    columns = []
    for k, name in enumerate(frame.columns):
        kind, parts = _column(frame.iloc[:, k])
        columns.append({"name": str(name), **kind})
        arrays |= {f"{prefix}/column{k}.{part}": values for part, values in parts.items()}
    return arrays, {"index_name": None if frame.index.name is None else str(frame.index.name), "columns": columns}


def frame_from_arrays(prefix: str, arrays: Arrays, meta: Meta) -> pd.DataFrame:
    index = index_from_arrays(prefix, arrays, meta["index_name"])
    frame = pd.DataFrame(index=index)
    for k, column in enumerate(meta["columns"]):
        parts = {
            name.rsplit(".", 1)[1]: values for name, values in arrays.items() if name.startswith(f"{prefix}/column{k}.")
        }
        frame[column["name"]] = _values(column, parts, index)
    return frame


def _column(column: pd.Series) -> tuple[Meta, Arrays]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        kind, parts = _column(pd.Series(np.asarray(column.cat.categories)))
        described = {"kind": "category", "ordered": bool(column.cat.ordered), "categories": kind}
        return described, {
            "codes": np.asarray(column.cat.codes, dtype=np.int64),
            **{f"of_{n}": v for n, v in parts.items()},
        }
    if pd.api.types.is_bool_dtype(column.dtype) and not column.isna().any():
        return {"kind": "logical"}, {"values": column.to_numpy(dtype=bool)}
    if pd.api.types.is_integer_dtype(column.dtype) and not column.isna().any():
        return {"kind": "number"}, {"values": column.to_numpy(dtype=np.int64)}
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return {"kind": "number"}, {"values": column.to_numpy(dtype=np.float64, na_value=np.nan)}
    missing = column.isna().to_numpy()
    text = np.array(["" if gone else str(value) for value, gone in zip(column, missing, strict=True)], dtype=str)
    return {"kind": "text"}, {"values": text, "missing": missing}


def _values(column: Meta, parts: Arrays, index: pd.Index) -> Any:
    if column["kind"] == "category":
        inner = {name.removeprefix("of_"): values for name, values in parts.items() if name.startswith("of_")}
        size = len(next(iter(inner.values())))
        categories = _values(column["categories"], inner, pd.RangeIndex(size))
        return pd.Categorical.from_codes(parts["codes"], categories=list(categories), ordered=column["ordered"])
    if column["kind"] == "text":
        values = parts["values"].astype(object)
        values[parts["missing"]] = None
        return values
    return parts["values"]
