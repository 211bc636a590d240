"""The coefficients of one gene by the general optimiser, for genes whose reweighted least squares do not converge."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.optimise._jit import compiled, not_kept
from foldwise.optimise.density import LOG_SQRT_TWO_PI, prepare, prepared_log_density
from foldwise.optimise.extended_sum import add_extended
from foldwise.optimise.lbfgsb import CODES, optimiser

BOX = 30.0  # log2: no coefficient beyond it
NOT_FINITE = 1e300  # what the objective says where it has no finite value


class Gene(NamedTuple):
    """All that the objective needs: arrays over samples (m,) or coefficients (p,).

    counts, factors, weights : (m,). matrix : (m, p). size : 1 / dispersion.
    first, errors, scale : (m,) parts of the density that do not depend on the mean.
    sd, log_sd : (p,) of the normal prior, log2.
    two : 2.0, given from outside so that the compiler does not turn pow(2, x) into exp2(x), which has other bits.
    """

    counts: FloatArray
    factors: FloatArray
    weights: FloatArray
    matrix: FloatArray
    size: float
    first: FloatArray
    errors: FloatArray
    scale: FloatArray
    sd: FloatArray
    log_sd: FloatArray
    two: float


@compiled
def describe(
    counts: FloatArray,
    factors: FloatArray,
    weights: FloatArray,
    matrix: FloatArray,
    alpha: float,
    ridge: FloatArray,
    two: float,
) -> Gene:
    """A gene with everything computed that no coefficient changes."""
    n_samples, n_coefficients = matrix.shape
    size = 1.0 / alpha
    first, errors, scale = np.zeros(n_samples), np.zeros(n_samples), np.zeros(n_samples)
    for j in range(n_samples):
        if counts[j] > 0.0:
            first[j], errors[j], scale[j] = prepare(counts[j], size)
    sd, log_sd = np.empty(n_coefficients), np.empty(n_coefficients)
    for k in range(n_coefficients):
        sd[k] = math.sqrt(1.0 / ridge[k])
        log_sd[k] = math.log(sd[k])
    return Gene(counts, factors, weights, matrix, size, first, errors, scale, sd, log_sd, two)


@compiled
def negative_log_posterior(points: FloatArray, gene: Gene) -> FloatArray:
    """Minus log likelihood minus log prior at many log2 coefficients (n_points, p); means without a floor."""
    n_samples, n_coefficients = gene.matrix.shape
    out = np.empty(points.shape[0])
    for i in range(points.shape[0]):
        likelihood, low = 0.0, 0.0
        for j in range(n_samples):
            eta = 0.0
            for k in range(n_coefficients):
                eta += points[i, k] * gene.matrix[j, k]
            mean = gene.factors[j] * gene.two**eta
            term = prepared_log_density(gene.counts[j], mean, gene.size, gene.first[j], gene.errors[j], gene.scale[j])
            likelihood, low = add_extended(likelihood, low, gene.weights[j] * term)
        prior, low = 0.0, 0.0
        for k in range(n_coefficients):
            z = points[i, k] / gene.sd[k]
            prior, low = add_extended(prior, low, -(LOG_SQRT_TWO_PI + 0.5 * z * z + gene.log_sd[k]))
        value = -(likelihood + prior)
        out[i] = value if math.isfinite(value) else NOT_FINITE
    return out


_run = not_kept(optimiser(negative_log_posterior))


@compiled
def fit_gene(gene: Gene, start: FloatArray) -> tuple[FloatArray, float, int, int]:
    """The whole optimisation compiled for this objective."""
    lower = np.full(start.shape[0], -BOX)
    return _run(gene, start, lower, -lower)


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
        np.ascontiguousarray(array, np.float64) for array in (counts_row, factors_row, weights, matrix)
    )
    gene = describe(counts, factors, weights, model, float(alpha), np.asarray(ridge_log2, np.float64), 2.0)
    beta, value, end, _ = fit_gene(gene, np.array(start_log2, np.float64))
    return beta, CODES[end], float(value)
