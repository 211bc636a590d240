"""The coefficients of one gene by the general optimiser, for genes whose reweighted least squares do not converge."""

from __future__ import annotations

import math

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.kernels._jit import announce, kernel
from foldwise.optimise.density import LOG_SQRT_TWO_PI, prepare, prepared_log_density
from foldwise.optimise.extended_sum import add_extended
from foldwise.optimise.lbfgsb import CODES, run

BOX = 30.0  # log2: no coefficient beyond it
NOT_FINITE = 1e300  # what the objective says where it has no finite value


@kernel
def negative_log_posterior(  # type: ignore[no-untyped-def]
    points, counts, factors, weights, matrix, size, parts, sd, log_sd, two, out
):
    """Minus log likelihood minus log prior at many log2 coefficients (n_points, p); means without a floor.

    parts : (3, m) of the density, as ``prepare`` gives them. sd, log_sd : (p,) of the normal prior, log2.
    two : 2.0, given from outside so that the compiler does not turn pow(2, x) into exp2(x), which has other bits.
    out : (n_points,), filled here.
    """
    n_samples, n_coefficients = matrix.shape
    for i in range(points.shape[0]):
        likelihood, low = 0.0, 0.0
        for j in range(n_samples):
            eta = 0.0
            for k in range(n_coefficients):
                eta += points[i, k] * matrix[j, k]
            mean = factors[j] * two**eta
            term = prepared_log_density(counts[j], mean, size, parts[0, j], parts[1, j], parts[2, j])
            likelihood, low = add_extended(likelihood, low, weights[j] * term)
        prior, low = 0.0, 0.0
        for k in range(n_coefficients):
            z = points[i, k] / sd[k]
            prior, low = add_extended(prior, low, -(LOG_SQRT_TWO_PI + 0.5 * z * z + log_sd[k]))
        value = -(likelihood + prior)
        out[i] = value if math.isfinite(value) else NOT_FINITE


def prepared_parts(counts: FloatArray, size: float) -> FloatArray:
    """(3, m) what no coefficient changes in a gene's densities; zeros where the count is 0."""
    different, at = np.unique(counts, return_inverse=True)
    return np.array([_parts(count, size) for count in different.tolist()]).T[:, at]


def _parts(count: float, size: float) -> tuple[float, float, float]:
    if count == 0.0:
        return 0.0, 0.0, 0.0
    try:
        return prepare(count, size)
    except ValueError:  # a dispersion so small that a logarithm of 0 is asked for
        return math.nan, math.nan, math.nan


def fit_by_optimiser(
    counts_row: FloatArray,
    factors_row: FloatArray,
    matrix: FloatArray,
    alpha: float,
    ridge_log2: FloatArray,
    start_log2: FloatArray,
    weights_row: FloatArray | None = None,
) -> tuple[FloatArray, int, float]:
    """Coefficients of one gene by L-BFGS-B within [-30, 30] (log2), as R's DESeq2 does where its own fit fails.

    Parameters
    ----------
    counts_row, factors_row : (n_samples,) raw counts, and size or normalization factors.
    matrix : (n_samples, n_coefficients). alpha : dispersion.
    ridge_log2 : (n_coefficients,) 1 / prior variance on the log2 scale; 1e-6 without a prior.
    start_log2 : (n_coefficients,) where to begin.
    weights_row : (n_samples,) with maximum 1, or None.

    Returns
    -------
    beta_log2 : (n_coefficients,). code : 0 where it converged. value : minus log posterior there.
    """
    weights = np.ones(len(counts_row)) if weights_row is None else weights_row
    counts, factors, weights, model = (
        np.require(array, np.float64, ["C", "W", "A"]) for array in (counts_row, factors_row, weights, matrix)
    )
    size = 1.0 / float(alpha)
    sd = np.sqrt(1.0 / np.asarray(ridge_log2, np.float64))
    log_sd = np.array([math.log(value) for value in sd])
    gene = (counts, factors, weights, model, size, np.ascontiguousarray(prepared_parts(counts, size)), sd, log_sd, 2.0)
    n = model.shape[1]
    out = np.empty(2 * n + 1)

    def values_at(points: list[list[float]]) -> list[float]:
        negative_log_posterior(np.array(points), *gene, out)
        return out.tolist()  # type: ignore[no-any-return]

    announce(negative_log_posterior)
    beta, value, end, _ = run(values_at, np.asarray(start_log2, np.float64).tolist(), [-BOX] * n, [BOX] * n)
    return np.array(beta), CODES[end], value
