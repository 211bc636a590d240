"""The width of the dispersion prior: how far true dispersions scatter around the trend.

Love et al. (2014), "Empirical Bayes shrinkage of dispersion": the scatter seen, less what sampling alone would give.
With three or fewer residual degrees of freedom the log chi-squared is too skew for that subtraction, and R compares
histograms of the residuals with simulated ones. Its simulation starts from a fixed seed, so it is a table of
constants, kept here as ``low_df_prior.npz``.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
from scipy.special import polygamma

from foldwise.arrays import FloatArray, IntArray
from foldwise.dispersion.local_regression import CubicPieces, bandwidth
from foldwise.options import MIN_DISPERSION

SMALLEST_VARIANCE = 0.25
"""Floor of the prior variance."""
MAD_SCALE = 1.4826
"""Makes the median absolute deviation a standard deviation for normal errors (R's ``mad``)."""
LARGEST_RESIDUAL = 10.0
BIN_WIDTH = 0.5
EDGE_FUZZ = 1e-7 * BIN_WIDTH
"""R's ``hist`` moves bin edges outward by this."""
LARGEST_VARIANCE = 8.0
SMOOTHING_NEIGHBOURS = 40
"""A fifth of the 200 variances of the table."""
VERTICES = (
    (-0.04,),
    (6, 12, 18, 24, 31, 37, 43, 49, 56, 62, 68, 74, 81, 87, 93, 99),
    (106, 112, 118, 124, 131, 137, 143, 149, 156, 162, 168, 174, 181, 187, 193),
    (8.04,),
)
"""Where R's loess fits on this grid: two variances beyond its ends, and positions in the grid between."""


def log_residuals(dispersions: FloatArray, trend_values: FloatArray) -> FloatArray:
    """ln dispersion - ln trend of the genes off the floor (NaN, below 1e-6: left out)."""
    used = dispersions >= 100 * MIN_DISPERSION
    return np.log(dispersions[used]) - np.log(trend_values[used])


def residual_spread(residuals: FloatArray) -> float:
    """Robust variance of the log residuals (R's ``varLogDispEsts``); NaN without residuals."""
    if residuals.size == 0:
        return math.nan
    deviation = np.median(np.abs(residuals - np.median(residuals)))
    return float((MAD_SCALE * deviation) ** 2)


def prior_variance(residuals: FloatArray, n_samples: int, n_coefficients: int) -> float:
    """Variance of the normal prior on ln dispersion (R's ``dispPriorVar``).

    residuals : from :func:`log_residuals`, of the first fit: it is not estimated again after outliers are replaced.
    """
    freedom = n_samples - n_coefficients
    if residuals.size == 0:
        return SMALLEST_VARIANCE
    if 1 <= freedom <= 3:
        return max(_variance_by_simulation(residuals, freedom), SMALLEST_VARIANCE)
    spread = residual_spread(residuals)
    if freedom <= 0:
        return spread
    return max(spread - float(polygamma(1, freedom / 2.0)), SMALLEST_VARIANCE)


def _variance_by_simulation(residuals: FloatArray, freedom: int) -> float:
    """The variance whose simulated histogram is nearest to the residuals' (Kullback-Leibler divergence, smoothed)."""
    divergence = _divergences(_densities(_bin_counts(residuals)), _simulated_densities()[freedom - 1])
    vertices, values, slopes = _smoother()
    candidates = LARGEST_VARIANCE * np.arange(1000) / 999
    smooth = CubicPieces(vertices, values @ divergence, slopes @ divergence)
    return float(candidates[np.argmin(smooth(candidates))])


def _bin_counts(residuals: FloatArray) -> IntArray:
    kept = residuals[np.abs(residuals) < LARGEST_RESIDUAL]
    edges = np.arange(-LARGEST_RESIDUAL, LARGEST_RESIDUAL + BIN_WIDTH, BIN_WIDTH)
    bins = np.searchsorted(edges[1:] + EDGE_FUZZ, kept, side="left")
    return np.bincount(bins, minlength=edges.size - 1)


def _densities(counts: IntArray) -> FloatArray:
    density: FloatArray = counts / (counts.sum(axis=-1, keepdims=True) * BIN_WIDTH)
    return density


def _divergences(observed: FloatArray, simulated: FloatArray) -> FloatArray:
    """(n,) of one density (bins,) from each of many (n, bins). Empty bins count as the smallest value of either."""
    tiny = np.minimum(_smallest(simulated), _smallest(observed))[:, None]
    divergence: FloatArray = (observed * (np.log(observed + tiny) - np.log(simulated + tiny))).sum(axis=1)
    return divergence


def _smallest(densities: FloatArray) -> FloatArray:
    smallest: FloatArray = np.where(densities > 0, densities, np.inf).min(axis=-1)
    return smallest


@functools.cache
def _smoother() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Local quadratic smoothing over the grid of variances (R's ``loess`` with span 0.2), which is linear in what it
    smooths: its vertices, and the matrices (n_vertices, 200) that give values and slopes there."""
    grid = LARGEST_VARIANCE * np.arange(200) / 199
    vertices = np.concatenate([VERTICES[0], grid[list(VERTICES[1] + VERTICES[2])], VERTICES[3]])
    values, slopes = np.zeros((2, vertices.size, grid.size))
    for i, at in enumerate(vertices):
        h = bandwidth(grid, at, SMOOTHING_NEIGHBOURS)
        t = (grid - at) / h
        near = np.abs(t) < 1.0
        root = (1.0 - np.abs(t[near]) ** 3) ** 1.5
        columns = root[:, None] * np.vander(t[near], 3, increasing=True)
        coefficients = np.linalg.lstsq(columns, np.diag(root), rcond=None)[0]
        values[i, near], slopes[i, near] = coefficients[0], coefficients[1] / h
    return vertices, values, slopes


@functools.cache
def _simulated_densities() -> FloatArray:
    """(3, 200, 40): degrees of freedom, variance, bin."""
    with np.load(Path(__file__).with_name("low_df_prior.npz")) as table:
        return _densities(table["counts"].astype(np.int64))
