"""How alike samples are: correlations, and samples unlike those of their own group."""

from __future__ import annotations

import numpy as np
import pandas as pd

LOWEST_EXPECTED = 0.80  # replicates correlate above this as a rule; below, a sample may be an outlier or contaminated


def sample_correlations(transformed: pd.DataFrame) -> pd.DataFrame:
    """Pearson correlations between samples over all genes that are finite; samples x samples."""
    values = transformed.to_numpy(dtype=float)
    values = values[np.isfinite(values).all(axis=1)]
    with np.errstate(invalid="ignore", divide="ignore"):
        square = np.corrcoef(values, rowvar=False)
    square = np.atleast_2d(square)
    return pd.DataFrame(square, index=transformed.columns, columns=transformed.columns)


def with_own_group(correlation: pd.DataFrame, group: pd.Series | None) -> pd.Series:
    """Each sample's median correlation with the others of its group; with all others where it has no company."""
    square = correlation.to_numpy()
    texts = np.array(["all"] * len(square) if group is None else [str(value) for value in group], dtype=object)
    result = np.full(len(square), np.nan)
    for k in range(len(square)):
        same = texts == texts[k]
        same[k] = False
        others = same if same.any() else np.arange(len(square)) != k
        if others.any():
            result[k] = np.median(square[k, others])
    return pd.Series(result, index=correlation.index, name="correlation_with_group")
