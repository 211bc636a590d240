"""Row-wise numbers that need no iteration: means, variances, rough dispersions, starting values.

Sums run over the samples in order, gene beside gene, so that a gene's digits do not depend on the block it is in.
"""

from __future__ import annotations

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.kernels.design import KernelDesign

MIN_DISPERSION = 1e-8
START_PSEUDOCOUNT = 0.1  # added to normalized counts before the log that starts the GLM
MIN_ROBUST_DISPERSION = 0.04
# members of a cell up to which: share trimmed at each end, factor that makes the trimmed variance unbiased
TRIM_BY_CELL_SIZE = ((3, 1 / 3, 2.04), (23, 1 / 4, 1.86), (np.inf, 1 / 8, 1.51))
TRIM_WITHOUT_CELLS = (1 / 8, 1.51)


def exact_row_means(values: FloatArray) -> FloatArray:
    """(n_genes,) means over the columns of ``values``, as if summed exactly and rounded once (R's bits)."""
    n = float(values.shape[1])
    high = np.zeros(values.shape[0])
    low = np.zeros(values.shape[0])
    with np.errstate(invalid="ignore"):
        for column in _columns(values):
            total = high + column
            part = total - high
            low += (high - (total - part)) + (column - part)
            high = total
        total = high + low  # renormalized, so that the quotient below is right to the last bit
        low -= total - high
        quotient = total / n
        corrected = quotient + (_remainder(total, quotient, n) + low) / n
    return np.where(np.isfinite(corrected), corrected, high / n)  # infinities (log 0) take the short way


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
    normalized = counts / factors
    if weights is not None:
        normalized = normalized * weights
    n = normalized.shape[1]
    columns = _columns(normalized)
    plain_mean = _running_sum(columns) / n
    squares = np.zeros_like(plain_mean)
    for column in columns:
        squares += (column - plain_mean) ** 2
    return exact_row_means(normalized), squares / max(n - 1, 1)


def fitted_normalized_counts(counts: FloatArray, factors: FloatArray, design: KernelDesign) -> FloatArray:
    """(n_samples, n_genes) least-squares fit of the normalized counts; samples are rows here."""
    columns = _columns(counts / factors)
    if design.is_saturated:
        return _cell_means(columns, design)[design.row_of]
    coefficients = _coefficients(columns, design)
    fits = np.zeros((design.n_rows, counts.shape[0]))
    for row, fit in zip(design.rows, fits, strict=True):
        for value, coefficient in zip(row, coefficients, strict=True):
            if value != 0.0:
                fit += value * coefficient
    return fits[design.row_of]


def linear_means(counts: FloatArray, factors: FloatArray, design: KernelDesign, *, min_mu: float = 0.5) -> FloatArray:
    """(n_genes, n_samples) means of the linear model on normalized counts, times the factors, at least min_mu."""
    fitted = np.ascontiguousarray(fitted_normalized_counts(counts, factors, design).T)
    fitted *= factors
    return np.maximum(fitted, min_mu, out=fitted)


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
    excess = np.zeros(counts.shape[0])
    fitted = fitted_normalized_counts(counts, factors, design)
    for column, fit in zip(_columns(counts / factors), fitted, strict=True):
        mean = np.maximum(fit, 1.0)
        excess += ((column - mean) ** 2 - mean) / (mean * mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        linear = np.maximum(excess / degrees, 0.0)
        moments = (base_variance - inverse_factor * base_mean) / base_mean**2
    return np.clip(np.minimum(linear, moments), MIN_DISPERSION, max_dispersion)


def glm_start(counts: FloatArray, factors: FloatArray, design: KernelDesign) -> FloatArray:
    """(n_genes, n_coefficients) natural-log coefficients where the GLM starts.

    Least squares on log(normalized + 0.1); a rank-deficient matrix starts at the log mean in its intercept and
    zero elsewhere, or at ones if it has no intercept, as R does.
    """
    normalized = counts / factors
    if design.full_rank:
        logs = _columns(np.log(normalized + START_PSEUDOCOUNT))
        return np.ascontiguousarray(_coefficients(logs, design).T)
    if design.intercept < 0:
        return np.ones((counts.shape[0], design.n_coefficients))
    start = np.zeros((counts.shape[0], design.n_coefficients))
    with np.errstate(divide="ignore"):
        start[:, design.intercept] = np.log(exact_row_means(normalized))
    return start


def glm_means(factors: FloatArray, design: KernelDesign, beta: FloatArray) -> FloatArray:
    """(n_genes, n_samples) factors * exp(X beta), not floored. beta : (n_genes, n_coefficients) natural log."""
    predictors = np.zeros((design.n_rows, beta.shape[0]))
    columns = _columns(beta)
    for row, predictor in zip(design.rows, predictors, strict=True):
        for value, column in zip(row, columns, strict=True):
            if value != 0.0:
                predictor += value * column
    with np.errstate(over="ignore", invalid="ignore"):
        means = np.ascontiguousarray(np.exp(predictors)[design.row_of].T)
        means *= factors
    return means


def robust_dispersion(counts: FloatArray, factors: FloatArray, cells: IntArray) -> FloatArray:
    """(n_genes,) dispersion by trimmed variances, for Cook's distances.

    cells : (n_samples,) which samples are replicates. The largest variance over cells of three or more counts;
    without such a cell all samples are one.
    """
    normalized = counts / factors
    mean = exact_row_means(normalized)
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


def _coefficients(columns: FloatArray, design: KernelDesign) -> FloatArray:
    """(n_coefficients, n_genes) least-squares coefficients of responses (n_samples, n_genes).

    Samples with one design row have one column of the solver: their responses are summed first.
    """
    sums = _row_sums(columns, design)
    coefficients = np.zeros((design.n_coefficients, columns.shape[1]))
    for coefficient, weights in zip(coefficients, design.solver[:, design.order[design.starts[:-1]]], strict=True):
        for weight, total in zip(weights, sums, strict=True):
            coefficient += weight * total
    return coefficients


def _row_sums(columns: FloatArray, design: KernelDesign) -> FloatArray:
    """(n_rows, n_genes) sums over the samples of each distinct row of the design."""
    if design.n_rows == design.n_samples:
        return columns
    sums = np.zeros((design.n_rows, columns.shape[1]))
    for row, column in zip(design.row_of, columns, strict=True):
        sums[row] += column
    return sums


def _cell_means(columns: FloatArray, design: KernelDesign) -> FloatArray:
    return _row_sums(columns, design) / np.diff(design.starts)[:, None]


def _columns(values: FloatArray) -> FloatArray:
    """Samples as contiguous rows, to walk over them."""
    return np.ascontiguousarray(values.T)


def _running_sum(columns: FloatArray) -> FloatArray:
    total = np.zeros(columns.shape[1])
    for column in columns:
        total += column
    return total
