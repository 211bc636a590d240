"""Outliers: single counts that decide a gene's fit. Found by Cook's distance, replaced where there are replicates enough.

Cook (1977); Love et al. (2014), "Handling of outliers" (automatic replacement, flagging).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.kernels import trimmed_mean
from foldwise.options import COOKS_QUANTILE, MIN_REPLICATES_FOR_COOKS, REPLACEMENT_TRIM


def cell_sizes(cells: IntArray) -> IntArray:
    """(n_samples,) how many samples share each sample's cell (distinct row of the design)."""
    return np.bincount(cells)[cells]


def judged_samples(cells: IntArray, n_coefficients: int) -> BoolArray:
    """(n_samples,) samples whose Cook's distance may flag a gene: in cells of three or more, if there is freedom left."""
    if len(cells) <= n_coefficients:
        return np.zeros(len(cells), dtype=bool)
    return cell_sizes(cells) >= MIN_REPLICATES_FOR_COOKS


def cooks_cutoff(n_samples: int, n_coefficients: int) -> float:
    """The 99 % quantile of F(p, m - p)."""
    from scipy.special import fdtri

    if n_samples <= n_coefficients:
        return float("nan")
    return float(fdtri(n_coefficients, n_samples - n_coefficients, COOKS_QUANTILE))


def replaceable_samples(cells: IntArray, min_replicates: float) -> BoolArray:
    """(n_samples,) samples in cells large enough for a replacement value to be trusted."""
    return cell_sizes(cells) >= min_replicates


@dataclass(frozen=True, slots=True)
class Replacement:
    """Outlier counts replaced, for the genes that had one.

    rows : (k,) the genes with a distance over the cutoff, in order. counts : (k, n_samples) theirs, after replacement.
    replaceable : (n_samples,).
    """

    rows: IntArray
    counts: FloatArray
    replaceable: BoolArray


def replaced_counts(
    counts: FloatArray, factors: FloatArray, cooks: FloatArray, cutoff: float, replaceable: BoolArray
) -> FloatArray:
    """(n_genes, n_samples) counts with outliers set to what the trimmed mean of all samples predicts, cut to an integer."""
    mean = trimmed_mean(counts / factors, REPLACEMENT_TRIM)
    replacement = np.trunc(mean[:, None] * factors)
    with np.errstate(invalid="ignore"):
        return np.where((cooks > cutoff) & replaceable, replacement, counts)
