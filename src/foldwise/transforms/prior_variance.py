"""How far samples lie from their gene's mean: the regularized logarithm's prior variance, from an upper quantile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.counts.measured import Measured
from foldwise.errors import FitError
from foldwise.execution.blocks import block_size, cut

UPPER_QUANTILE = 0.95
NORMAL_QUANTILE = 1.959963984540054  # of the normal distribution at 1 - (1 - 0.95) / 2
PSEUDOCOUNT = 0.5
BINS_A_UNIT = 1024
UNITS = 1100  # no log2 ratio of doubles is larger than this


def sample_prior_variance(
    measured: Measured, base_mean: FloatArray, dispersion: FloatArray, fitted: BoolArray
) -> float:
    """Variance of a normal distribution whose 95 % of absolute values is that of the samples' log2 ratios to the mean.

    Ratios are weighted by the inverse of their approximate variance 1 / mean + dispersion, one weight a gene.
    """
    weights = np.zeros(len(base_mean))
    weights[fitted] = 1 / (1 / base_mean[fitted] + dispersion[fitted])
    return (_upper_quantile(measured, base_mean, weights) / NORMAL_QUANTILE) ** 2


def _upper_quantile(measured: Measured, base_mean: FloatArray, weights: FloatArray) -> float:
    """R's weighted quantile: steps of the weighted distribution, at a fractional rank between two of them.

    One pass counts the values in narrow bins, a second one gathers and sorts those of the bins that hold the rank.
    """
    histogram = np.zeros(BINS_A_UNIT * UNITS)
    total, n = 0.0, 0
    for values, weight in _ratios(measured, base_mean, weights):
        bins = (values * BINS_A_UNIT).astype(np.int64)
        counted = np.bincount(bins.ravel(), np.repeat(weight, values.shape[1]))
        histogram[: len(counted)] += counted
        total, n = total + float(weight.sum()) * values.shape[1], n + values.size
    if n == 0:
        raise FitError("There is no gene with counts to learn the prior variance of the regularized logarithm from.")
    rank = 1 + (n - 1) * UPPER_QUANTILE
    low = max(np.floor(rank), 1.0)
    high = min(low + 1, float(n))
    wanted = np.array([low, high]) * total / n  # ranks are of weights scaled to a mean of 1
    until = np.cumsum(histogram)
    first, last = np.minimum(np.searchsorted(until, wanted * (1 + np.array([-1e-9, 1e-9]))), len(until) - 1)
    before = until[first - 1] if first > 0 else 0.0
    values, weight = _gathered(measured, base_mean, weights, int(first), int(last))
    at = np.minimum(np.searchsorted(before + np.cumsum(weight), wanted), len(values) - 1)
    return float((1 - (rank - np.floor(rank))) * values[at[0]] + (rank - np.floor(rank)) * values[at[1]])


def _gathered(
    measured: Measured, base_mean: FloatArray, weights: FloatArray, first: int, last: int
) -> tuple[FloatArray, FloatArray]:
    """Values in a range of bins, sorted, and their weights."""
    found, own = [], []
    for values, weight in _ratios(measured, base_mean, weights):
        gene, sample = np.nonzero((values >= first / BINS_A_UNIT) & (values < (last + 1) / BINS_A_UNIT))
        found.append(values[gene, sample])
        own.append(weight[gene])
    values, weight = np.concatenate(found), np.concatenate(own)
    order = np.argsort(values, kind="stable")
    return values[order], weight[order]


def _ratios(measured: Measured, base_mean: FloatArray, weights: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Absolute log2 ratios to the gene's mean, a block at a time, of genes that have a weight."""
    n, m = measured.counts.shape
    for start, stop in cut(n, block_size(m)):
        used = weights[start:stop] > 0
        if used.any():
            factors = measured.factors if measured.factors.ndim == 1 else measured.factors[start:stop][used]
            normalized = measured.counts.read(start, stop)[used] / factors
            middle = np.log2(base_mean[start:stop][used] + PSEUDOCOUNT)[:, None]
            yield np.abs(np.log2(normalized + PSEUDOCOUNT) - middle), weights[start:stop][used]
