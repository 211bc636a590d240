"""What users hand over, in the form that functions expect: a list for a generator, a pandas table for polars' or Arrow's."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, Set, ValuesView
from numbers import Integral, Rational
from typing import Any, Literal

import numpy as np
import pandas as pd

Rows = Literal["first", "unique", "numbered"]


def plain(value: Any, rows: Rows = "first") -> Any:
    """The same value in the form that Python and pandas give it; everything else as it is.

    rows : what names the rows of another library's table, see :func:`to_pandas`.
    """
    if value is None or isinstance(value, str | bool | int | float | pd.DataFrame | pd.Series | pd.Index):
        return value
    if isinstance(value, np.ndarray):
        return value.item() if value.ndim == 0 else value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Rational):  # NumPy's whole numbers, and fractions
        return int(value) if isinstance(value, Integral) else float(value)
    if is_foreign_table(value):
        return to_pandas(value, rows)
    return _plain_list(value)


def _plain_list(value: Any) -> Any:
    kind = type(value)
    if hasattr(kind, "to_pylist"):  # Arrow's arrays
        return value.to_pylist()
    if hasattr(kind, "__arrow_c_stream__") and hasattr(kind, "to_list"):  # polars' columns
        return value.to_list()
    is_file = hasattr(kind, "read") or hasattr(kind, "write")
    if isinstance(value, KeysView | ValuesView | ItemsView) or (isinstance(value, Iterator) and not is_file):
        return list(value)
    return value


def by_name(value: Any) -> Any:
    """One value a name, as a Series: from a mapping, or a table of one column (beside that of the names)."""
    if isinstance(value, Mapping):
        return pd.Series(dict(value))
    if isinstance(value, pd.DataFrame):
        texts = [name for name in value.columns if _is_text(value[name])]
        if value.shape[1] == 2 and len(texts) == 1 and isinstance(value.index, pd.RangeIndex):
            value = value.set_index(texts[0])
        return value.iloc[:, 0] if value.shape[1] == 1 else value
    is_column = isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] == 1
    return value.ravel() if is_column else value


def in_order_of(names: pd.Index, chosen: Any) -> Any:
    """A set has no order: its members in that of ``names``, those that are none of them last."""
    if not isinstance(chosen, Set):
        return chosen
    return [name for name in names if name in chosen] + sorted(chosen - set(names), key=str)


def is_foreign_table(value: Any) -> bool:
    """A table of polars (lazy ones too), Arrow or another library that hands over columns, not of pandas."""
    kind = type(value)
    if isinstance(value, pd.DataFrame):
        return False
    by_columns = hasattr(kind, "__arrow_c_stream__") and hasattr(kind, "columns")
    return by_columns or hasattr(kind, "__dataframe__") or _is_lazy(kind)


def _is_lazy(kind: type) -> bool:
    return hasattr(kind, "collect") and hasattr(kind, "collect_schema") and not hasattr(kind, "__arrow_c_stream__")


def to_pandas(table: Any, rows: Rows = "first") -> pd.DataFrame:
    """Tables of other libraries through their own columns; Arrow's that were made from pandas keep their index.

    rows : "first" names them by the first column of text, "unique" by the first one whose values all differ, if there
        is one; "numbered" leaves all columns where they are.
    """
    if _is_lazy(type(table)):
        table = table.collect()
    if getattr(getattr(table, "schema", None), "pandas_metadata", None):
        frame: pd.DataFrame = table.to_pandas()
    else:
        names = [str(name) for name in getattr(table, "column_names", table.columns)]
        frame = pd.DataFrame({name: np.asarray(table[name]) for name in names})
    if rows == "numbered" or not isinstance(frame.index, pd.RangeIndex):
        return frame
    texts = [c for c in frame.columns if _is_text(frame[c]) and (rows == "first" or frame[c].is_unique)]
    return frame.set_index(texts[0]) if texts else frame


def _is_text(column: pd.Series) -> bool:
    return column.dtype == object or bool(pd.api.types.is_string_dtype(column))
