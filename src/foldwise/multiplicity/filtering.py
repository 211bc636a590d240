"""Many tests at once: adjusted p-values, and leaving out the genes that could not have been significant anyway.

Benjamini & Hochberg (1995); Bourgon, Gentleman & Huber (2010), "Independent filtering"; Love et al. (2014).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.errors import OptionError
from foldwise.multiplicity.lowess import lowess
from foldwise.options import PAdjustMethod, chosen

N_CUTOFFS = 50
FEW_REJECTIONS = 10
"""With no more rejections than this at any cutoff, the lowest is taken."""
LOWESS_SPAN = 1 / 5


def adjust(p_values: FloatArray, method: PAdjustMethod = "BH", *, n: int | None = None) -> FloatArray:
    """Adjust p-values for their number, as R's ``p.adjust``.

    Parameters
    ----------
    p_values : (n_genes,)
        NaN stays NaN and does not count.
    method
        "BH" (the same as "fdr") and "BY" control the false discovery rate, the others the family-wise error rate.
    n
        Number of tests, if more were made than are given.

    Raises
    ------
    OptionError
        For an unknown method, or an ``n`` below the number of p-values.
    """
    chosen("p_adjust_method", method, PAdjustMethod)
    p_values = np.asarray(p_values, dtype=np.float64)
    there = ~np.isnan(p_values)
    p = p_values[there]
    n = p.size if n is None else n
    if n < p.size:
        raise OptionError(f"n = {n} tests, but there are {p.size} p-values.")
    adjusted = p_values.copy()
    if p.size and n > 1:
        adjusted[there] = _adjusted(p, "hochberg" if n == 2 and method == "hommel" else method, n)
    return adjusted


def _adjusted(p: FloatArray, method: PAdjustMethod, n: int) -> FloatArray:
    if method == "none":
        return p
    if method == "bonferroni":
        return np.minimum(1.0, n * p)
    if method == "hommel":
        return _hommel(p, n)
    order = np.argsort(p, kind="stable")
    rank = np.arange(1, p.size + 1)
    ordered = p[order]
    match method:
        case "holm":
            steps = np.maximum.accumulate((n + 1 - rank) * ordered)
        case "hochberg":
            steps = _running_minimum((n + 1 - rank) * ordered)
        case "BY":
            steps = _running_minimum(math.fsum(1.0 / np.arange(1, n + 1)) * n / rank * ordered)
        case _:
            steps = _running_minimum(n / rank * ordered)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, steps)
    return adjusted


def _running_minimum(steps: FloatArray) -> FloatArray:
    """From the largest p-value down."""
    minimum: FloatArray = np.minimum.accumulate(steps[::-1])[::-1]
    return minimum


def _hommel(p: FloatArray, n: int) -> FloatArray:
    """Hommel (1988) by the algorithm of Wright (1992), appendix; tests not given count as p = 1."""
    order = np.argsort(p, kind="stable")
    ordered = np.concatenate([p[order], np.ones(n - p.size)])
    smallest = np.min(n * ordered / np.arange(1, n + 1))
    best = np.full(n, smallest)
    current = np.full(n, smallest)
    for m in range(n - 1, 1, -1):
        low, high = slice(0, n - m + 1), slice(n - m + 1, n)
        bound = np.min(m * ordered[high] / np.arange(2, m + 1))
        current[low] = np.minimum(m * ordered[low], bound)
        current[high] = current[n - m]
        np.maximum(best, current, out=best)
    adjusted = np.empty(p.size)
    adjusted[order] = np.maximum(best, ordered)[: p.size]
    return adjusted


@dataclass(frozen=True, slots=True)
class Filtering:
    """What independent filtering decided.

    padj : (n_genes,) adjusted p-values; NaN below the threshold.
    threshold : genes with a filter statistic below it were left out.
    theta : the share of genes that this is.
    chosen : position of ``theta`` in ``thetas``.
    thetas : (n_cutoffs,) shares that were tried. rejections : (n_cutoffs,) genes below alpha at each.
    curve_theta, curve : (n_cutoffs,) the smooth through the rejections, sorted by theta.
    """

    padj: FloatArray
    threshold: float
    theta: float
    chosen: int
    thetas: FloatArray
    rejections: IntArray
    curve_theta: FloatArray
    curve: FloatArray


def independent_filtering(
    p_values: FloatArray,
    filter_statistic: FloatArray,
    alpha: float = 0.1,
    *,
    theta: Sequence[float] | FloatArray | None = None,
    method: PAdjustMethod = "BH",
    compat: Literal["1.38"] | None = None,
) -> Filtering:
    """Choose the share of genes with the lowest filter statistic to leave out, and adjust the p-values of the rest.

    The share is the smallest at which the number of rejections comes within one residual of the highest point of
    their smooth curve. Where none does, it is the smallest with 90 % of that height, then 80 %; up to DESeq2 1.38
    (``compat="1.38"``) the smallest of all.

    Parameters
    ----------
    p_values : (n_genes,)
        NaN for genes without a test.
    filter_statistic : (n_genes,)
        Independent of the test under the null, as the mean of normalized counts is.
    theta
        Shares to try, at least two; 50 by default, from the share of genes whose statistic is 0.

    Raises
    ------
    OptionError
        For a theta or a filter statistic that cannot be used.
    """
    filter_statistic = np.asarray(filter_statistic, dtype=np.float64)
    if np.isnan(filter_statistic).any():
        raise OptionError(f"the filter statistic is missing for {int(np.isnan(filter_statistic).sum())} genes.")
    if filter_statistic.shape != np.shape(p_values):
        raise OptionError(f"{filter_statistic.size} filter statistics for {np.size(p_values)} genes.")
    thetas = default_thetas(filter_statistic) if theta is None else _checked(theta)
    cutoffs = quantiles(filter_statistic, thetas)
    if method in ("BH", "fdr"):
        rejections = _rejections_by_one_sort(p_values, filter_statistic, cutoffs, alpha)
    else:
        rejections = np.array(
            [np.sum(_filtered(p_values, filter_statistic, c, method) < alpha) for c in cutoffs], dtype=np.int64
        )
    curve_theta, curve = lowess(thetas, rejections.astype(np.float64), span=LOWESS_SPAN)
    best = _choose(rejections, curve, compat)
    padj = _filtered(p_values, filter_statistic, cutoffs[best], method)
    return Filtering(padj, float(cutoffs[best]), float(thetas[best]), best, thetas, rejections, curve_theta, curve)


def default_thetas(filter_statistic: FloatArray) -> FloatArray:
    """Fifty shares from that of the zeros to 0.95 (to 1 where zeros are more)."""
    lowest = np.count_nonzero(filter_statistic == 0) / filter_statistic.size
    return np.linspace(lowest, 0.95 if lowest < 0.95 else 1.0, N_CUTOFFS)


def quantiles(values: FloatArray, shares: FloatArray) -> FloatArray:
    """R's default quantiles (type 7), in R's arithmetic: whether ``value >= quantile`` hangs on the last bit."""
    ordered = np.sort(values)
    index = (values.size - 1) * shares
    # R's positions begin at 1, and adding that 1 rounds the fraction
    index = 1.0 + index
    low = np.floor(index)
    fraction = index - low
    left = ordered[low.astype(np.int64) - 1]
    right = ordered[np.ceil(index).astype(np.int64) - 1]
    between = (index > low) & (left != right)
    return np.where(between, (1.0 - fraction) * left + fraction * right, left)


def _checked(theta: Sequence[float] | FloatArray) -> FloatArray:
    thetas = np.asarray(theta, dtype=np.float64)
    if thetas.ndim != 1 or thetas.size < 2:
        raise OptionError("theta must be at least two shares of genes to leave out, such as [0, 0.2, 0.4].")
    if not np.all((thetas >= 0) & (thetas <= 1)):
        raise OptionError("theta are shares of genes, between 0 and 1.")
    return thetas


def _filtered(p_values: FloatArray, statistic: FloatArray, cutoff: float, method: PAdjustMethod) -> FloatArray:
    return adjust(np.where(statistic >= cutoff, p_values, np.nan), method)


def _rejections_by_one_sort(p_values: FloatArray, statistic: FloatArray, cutoffs: FloatArray, alpha: float) -> IntArray:
    """Benjamini-Hochberg rejections at every cutoff.

    A gene is rejected if it, or one with a larger p-value, has n p / rank < alpha. So their number is the last such
    rank, only p-values below alpha matter, and they need sorting once.
    """
    tested = ~np.isnan(p_values)
    tested_statistic = np.sort(statistic[tested])
    n_tested = tested_statistic.size - np.searchsorted(tested_statistic, cutoffs, side="left")
    small = np.flatnonzero(tested & (p_values < alpha))
    small = small[np.argsort(p_values[small], kind="stable")]
    small_p, small_statistic = p_values[small], statistic[small]
    rejections = np.zeros(cutoffs.size, dtype=np.int64)
    for k, cutoff in enumerate(cutoffs):
        p = small_p[small_statistic >= cutoff]
        passing = np.flatnonzero(n_tested[k] / np.arange(1, p.size + 1) * p < alpha)
        rejections[k] = passing[-1] + 1 if passing.size else 0
    return rejections


def _choose(rejections: IntArray, curve: FloatArray, compat: str | None) -> int:
    if rejections.max() <= FEW_REJECTIONS:
        return 0
    some = rejections > 0
    residuals = rejections[some] - curve[some]
    highest = float(curve.max())
    height = highest - math.sqrt(statistics.mean((residuals * residuals).tolist()))
    heights = [height] if compat == "1.38" else [height, 0.9 * highest, 0.8 * highest]
    for needed in heights:
        enough = np.flatnonzero(rejections > needed)
        if enough.size:
            return int(enough[0])
    return 0
