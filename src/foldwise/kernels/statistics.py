"""Row-wise numbers that need no iteration: means, variances, rough dispersions, starting values.

Sums run over the samples in order, so that a gene's digits do not depend on the block it is in.
"""

from __future__ import annotations

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.kernels.design import KernelDesign
from foldwise.kernels.moments import Gathered, gathered

MIN_DISPERSION = 1e-8
MIN_ROBUST_DISPERSION = 0.04
# members of a cell up to which: share trimmed at each end, factor that makes the trimmed variance unbiased
TRIM_BY_CELL_SIZE = ((3, 1 / 3, 2.04), (23, 1 / 4, 1.86), (np.inf, 1 / 8, 1.51))
TRIM_WITHOUT_CELLS = (1 / 8, 1.51)


def exact_row_means(values: FloatArray) -> FloatArray:
    """(n_genes,) means over the columns of ``values``, as if summed exactly and rounded once (R's bits)."""
    sums = gathered(values, np.ones(values.shape[1]), None, n_genes=len(values), summing=True)
    return _mean_of(sums, values.shape[1])


def _mean_of(sums: Gathered, n_samples: int) -> FloatArray:
    n = float(n_samples)
    with np.errstate(invalid="ignore"):
        total = sums.high + sums.low  # renormalized, so that the quotient below is right to the last bit
        low = sums.low - (total - sums.high)
        quotient = total / n
        corrected = quotient + (_remainder(total, quotient, n) + low) / n
    return np.where(np.isfinite(corrected), corrected, sums.high / n)  # infinities (log 0) take the short way


def _remainder(dividend: FloatArray, quotient: FloatArray, divisor: float) -> FloatArray:
    """dividend - quotient * divisor without rounding (Dekker's split product)."""
    split = quotient * 134217729.0
    upper = split - (split - quotient)
    lower = quotient - upper
    product = quotient * divisor  # a divisor below 2^26 needs no splitting
    return (dividend - product) - ((upper * divisor - product) + lower * divisor)


def row_statistics(
    counts: FloatArray, factors: FloatArray, weights: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Means and variances of normalized counts.

    counts : (n_genes, n_samples). factors : (n_samples,) or (n_genes, n_samples).
    weights : (n_genes, n_samples) raw observation weights; they multiply the normalized counts.

    Returns
    -------
    means, variances : (n_genes,)
    """
    if weights is not None:
        counts, factors = counts / factors * weights, np.ones(counts.shape[1])
    n_genes, n_samples = counts.shape
    sums = gathered(counts, factors, None, n_genes=n_genes, summing=True)
    return _mean_of(sums, n_samples), sums.squares / max(n_samples - 1, 1)


def linear_means(counts: FloatArray, factors: FloatArray, design: KernelDesign, *, min_mu: float = 0.5) -> FloatArray:
    """(n_genes, n_samples) means of the linear model on normalized counts, times the factors, at least min_mu."""
    return gathered(counts, factors, design, n_genes=len(counts), keep=True, min_mu=min_mu).means


def rough_dispersion(
    counts: FloatArray,
    factors: FloatArray,
    design: KernelDesign,
    base_mean: FloatArray,
    base_variance: FloatArray,
    inverse_factor: float,
    *,
    max_dispersion: float,
) -> FloatArray:
    """(n_genes,) where the dispersion search starts: the smaller of two moment estimates, clipped.

    inverse_factor : mean over samples of 1 / size factor (with normalization factors, of 1 / their column means
        over the genes being fitted).
    """
    degrees = design.n_samples - design.n_coefficients
    excess = gathered(counts, factors, design, n_genes=len(counts), rough=True).excess
    with np.errstate(invalid="ignore", divide="ignore"):
        linear = np.maximum(excess / degrees, 0.0)
        moments = (base_variance - inverse_factor * base_mean) / base_mean**2
    return np.clip(np.minimum(linear, moments), MIN_DISPERSION, max_dispersion)


def glm_start(counts: FloatArray, factors: FloatArray, design: KernelDesign) -> FloatArray:
    """(n_genes, n_coefficients) natural-log coefficients where the GLM starts.

    Least squares on log(normalized + 0.1); a rank-deficient matrix starts at the log mean in its intercept and
    zero elsewhere, or at ones if it has no intercept, as R does.
    """
    if design.full_rank:
        return gathered(counts, factors, design, n_genes=len(counts), logs=True).coefficients
    if design.intercept < 0:
        return np.ones((counts.shape[0], design.n_coefficients))
    start = np.zeros((counts.shape[0], design.n_coefficients))
    with np.errstate(divide="ignore"):
        start[:, design.intercept] = np.log(row_statistics(counts, factors)[0])
    return start


def glm_means(factors: FloatArray, design: KernelDesign, beta: FloatArray, *, min_mu: float = 0.0) -> FloatArray:
    """(n_genes, n_samples) factors * exp(X beta), at least min_mu. beta : (n_genes, n_coefficients) natural log."""
    return gathered(None, factors, design, n_genes=len(beta), beta=beta, keep=True, min_mu=min_mu).means


def robust_dispersion(counts: FloatArray, factors: FloatArray, cells: IntArray) -> FloatArray:
    """(n_genes,) dispersion by trimmed variances, for Cook's distances.

    cells : (n_samples,) which samples are replicates. The largest variance over cells of three or more counts;
    without such a cell all samples are one.
    """
    mean = row_statistics(counts, factors)[0]
    normalized = counts / factors
    sizes = np.bincount(cells)
    variance = np.full(counts.shape[0], -np.inf)
    if sizes.max() < 3:
        variance = _trimmed_variance(normalized, *TRIM_WITHOUT_CELLS)
    for cell in np.flatnonzero(sizes >= 3):
        trim, scale = next((t, s) for most, t, s in TRIM_BY_CELL_SIZE if sizes[cell] <= most)
        variance = np.maximum(
            variance, _trimmed_variance(normalized.take(np.flatnonzero(cells == cell), axis=1), trim, scale)
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.maximum((variance - mean) / mean**2, MIN_ROBUST_DISPERSION)


def _trimmed_variance(values: FloatArray, trim: float, scale: float) -> FloatArray:
    center = trimmed_mean(values, trim)
    return scale * trimmed_mean((values - center[:, None]) ** 2, trim)


def trimmed_mean(values: FloatArray, trim: float) -> FloatArray:
    """(n_genes,) mean of each row without its ``floor(n * trim)`` smallest and largest values.

    values : C order, so that a row's sum does not depend on how many rows there are.
    """
    n = values.shape[1]
    drop = int(np.floor(n * trim))
    if drop:
        values = np.sort(values, axis=1)[:, drop : n - drop]
    return values.sum(axis=1) / values.shape[1]
