"""How alike samples are: correlations, and samples unlike those of their own group."""

from __future__ import annotations

import numpy as np
import pandas as pd

LOWEST_EXPECTED = 0.80  # replicates correlate above this as a rule; below, a sample may be an outlier or contaminated
_FAR = 4.0  # robust standard deviations (MAD times 1.4826) below the other samples' median, and at least
_LEAST_GAP = 0.05  # this much: the MAD of a few samples that happen to be alike is next to nothing


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


def far_below_others(own: pd.Series) -> pd.Series:
    """Whether each sample's correlation with its group lies far below what is usual among the other samples."""
    values = own.to_numpy(dtype=float)
    far = np.zeros(len(values), dtype=bool)
    for k in range(len(values)):
        others = np.delete(values, k)
        others = others[np.isfinite(others)]
        if len(others):
            middle = np.median(others)
            spread = 1.4826 * np.median(np.abs(others - middle))
            far[k] = values[k] < middle - max(_FAR * spread, _LEAST_GAP)
    return pd.Series(far, index=own.index)


def correlation_words(own: pd.Series) -> list[str]:
    """Samples under 0.80, each named; where that is most of them, one sentence, and those far below the rest."""
    low, far = own < LOWEST_EXPECTED, far_below_others(own)
    throughout = low.sum() > len(own) / 2
    said = []
    if throughout:
        said.append(
            f"Correlations are low throughout: {low.sum()} of {len(own)} samples correlate with their group by less than "
            f"{LOWEST_EXPECTED:.2f} (median {own.median():.2f}), as in sparse or shallow data."
        )
    for name in own.index[low & far] if throughout else own.index[low]:
        usual = own.drop(name).median()
        told = ": an outlier or a contamination?" if far[name] else ", not far below the others."
        said.append(
            f"Sample '{name}' correlates with its group by {own[name]:.2f} only (under {LOWEST_EXPECTED:.2f}; the others' "
            f"median is {usual:.2f}){told}"
        )
    return said
