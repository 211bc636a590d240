"""A model matrix of the user's own: labelled, aligned with the samples, and nothing but finite numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.errors import DesignError, SamplesError, listed


def read_matrix(matrix: Any, samples: pd.DataFrame) -> tuple[FloatArray, tuple[str, ...]]:
    """The values (n_samples, n_columns) in the order of the samples, and the names of the columns.

    Raises
    ------
    DesignError
        If it is no matrix with a row for each sample, or holds something else than finite numbers.
    SamplesError
        If its rows are named, but not as the samples are.
    """
    table = _aligned(_labelled(matrix, samples), samples)
    return np.ascontiguousarray(_numeric(table)), tuple(str(column) for column in table.columns)


def _labelled(matrix: Any, samples: pd.DataFrame) -> pd.DataFrame:
    if isinstance(matrix, pd.DataFrame):
        return matrix
    values = np.asarray(matrix)
    if values.ndim != 2:
        raise DesignError(
            f"A design is a formula ('~ condition') or a matrix of samples x coefficients, not {type(matrix).__name__}."
        )
    _check_rows(values.shape[0], samples)
    return pd.DataFrame(values, index=samples.index, columns=[f"x{i + 1}" for i in range(values.shape[1])])


def _check_rows(n_rows: int, samples: pd.DataFrame) -> None:
    if n_rows != len(samples):
        raise DesignError(f"The model matrix has {n_rows} rows for {len(samples)} samples; it needs a row for each.")


def _aligned(table: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of the samples."""
    if table.index.equals(samples.index):
        return table
    _check_rows(len(table), samples)
    if isinstance(table.index, pd.RangeIndex):
        return table.set_axis(samples.index, axis=0)
    strange, absent = table.index.difference(samples.index), samples.index.difference(table.index)
    if len(strange) or len(absent) or not table.index.is_unique:
        raise SamplesError(
            f"The rows of the model matrix are not the samples: {listed(strange) or 'none'} are no samples, "
            f"{listed(absent) or 'none'} have no row. Use the sample names as its index."
        )
    return table.loc[samples.index]


def _numeric(table: pd.DataFrame) -> FloatArray:
    if table.shape[1] == 0:
        raise DesignError("The model matrix has no columns.")
    if not table.columns.is_unique:
        twice = listed(table.columns[table.columns.duplicated()])
        raise DesignError(f"The model matrix has several columns of one name: {twice}.")
    for position, name in enumerate(table.columns):
        if not pd.api.types.is_numeric_dtype(table.dtypes.iloc[position]):
            raise DesignError(
                f"Column '{name}' of the model matrix is not numeric. A model matrix holds numbers only; to have text "
                "turned into columns give a formula."
            )
    values: FloatArray = table.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise DesignError(
            f"The model matrix has a missing or infinite value in column '{table.columns[column]}', "
            f"sample '{table.index[row]}'."
        )
    return values
