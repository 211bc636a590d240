"""Sample covariates as regressors: which columns of a sample table can explain anything, and as what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.errors import SamplesError, listed


def is_number(column: pd.Series) -> bool:
    """Whether a column is a quantity, not a label (booleans are labels)."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def usable_covariates(samples: pd.DataFrame, asked: Sequence[str] | None = None) -> list[str]:
    """Columns that differ between samples and do not name each of them; all of ``asked``, which must be there."""
    if asked is not None:
        missing = [name for name in asked if name not in samples]
        if missing:
            raise SamplesError(
                f"The sample table has no column {listed(missing)}; it has {listed(samples.columns, 12)}."
            )
        return list(asked)
    return [str(name) for name in samples if _explains(samples[name])]


def _explains(column: pd.Series) -> bool:
    distinct = column.nunique()
    if distinct < 2 or str(column.name) == "sizeFactor":
        return False
    return is_number(column) or distinct < column.notna().sum()


def regressors(column: pd.Series) -> FloatArray:
    """(n_samples, k) columns beside an intercept: the number itself, or indicators of all levels but the first."""
    if is_number(column):
        return column.to_numpy(dtype=np.float64)[:, None]
    codes, _ = pd.factorize(column.astype(object), sort=False)
    return (codes[:, None] == np.arange(1, codes.max() + 1)[None, :]).astype(np.float64)


def with_intercept(*columns: FloatArray) -> FloatArray:
    """One matrix of an intercept and these columns."""
    n_samples = len(columns[0])
    return np.column_stack([np.ones(n_samples), *columns])


def removed(values: FloatArray, matrix: FloatArray) -> FloatArray:
    """Rows of ``values`` (n, n_samples) less what the columns of ``matrix`` explain, their means kept."""
    fitted = matrix @ np.linalg.lstsq(matrix, values.T, rcond=None)[0]
    return np.asarray(values - fitted.T + values.mean(axis=1, keepdims=True))
