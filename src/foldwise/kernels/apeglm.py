"""apeglm, a block of genes at a time: two searches, their agreement, a third where they differ, the curvature."""

from __future__ import annotations

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.kernels._jit import kernel
from foldwise.kernels.cauchy_posterior import (
    GRADIENT,
    POINT,
    difference_covariance,
    exact_covariance,
    objective,
)
from foldwise.kernels.cauchy_search import (
    MEMORY,
    STATE_ROWS,
    limited_memory_search,
    to_optimum,
    variable_metric_search,
)
from foldwise.kernels.lanes import WIDTH, tile

FIRST_START = 0.1  # R starts at (0.1, -0.1, 0.1, ...) and, as a check, at its opposite
APART = 0.01  # the two must end as near as this

# A gene's status.
NOT_FITTED, FIRST_SEARCH, SECOND_SEARCH, NOT_CONVERGED, NO_VARIANCE = -1, 0, 1, 2, 3
ASTRAY = 4  # on the way only: the first searches differ, or there is no maximum where they ended


@kernel
def _take(i, counts, log_factors, weights, gene):
    """Put a gene's samples into tiles; whether it has a count."""
    n_tiles = gene.shape[0] // 3
    summed = 0.0
    own_factors, own_weights = min(i, log_factors.shape[0] - 1), min(i, weights.shape[0] - 1)
    for j in range(counts.shape[1]):
        at, lane = j // WIDTH, j % WIDTH
        summed += counts[i, j]
        gene[at, lane] = counts[i, j]
        gene[n_tiles + at, lane] = log_factors[own_factors, j]
        gene[2 * n_tiles + at, lane] = weights[own_weights, j]
    return summed > 0.0


@kernel
def first_searches(
    counts, log_factors, weights, design, dispersions, cauchy, scale, gene, sums, state, products, hessian, inverse,
    beta, variance, status,
):  # fmt: skip
    """R's first optimiser from both starts; the answer is that of the second one here, the other one checks it."""
    p = state.shape[1]
    for i in range(counts.shape[0]):
        counted = _take(i, counts, log_factors, weights, gene)
        if not (counted and np.isfinite(dispersions[i])):
            status[i] = NOT_FITTED
            continue
        size = 1.0 / dispersions[i]
        for k in range(p):
            state[POINT, k] = 0.0
        scaling = max(1.0, objective(gene, design, cauchy, size, scale, sums, state, POINT, GRADIENT))
        good = True
        for first in (-FIRST_START, FIRST_START):
            for k in range(p):
                beta[i, k] = state[POINT, k]
            good &= limited_memory_search(first, scaling, gene, design, cauchy, size, scale, sums, state, products)
        for k in range(p):
            good &= abs(beta[i, k] - state[POINT, k]) <= APART
            beta[i, k] = state[POINT, k]
        if good:
            good = difference_covariance(gene, design, cauchy, size, scale, sums, state, hessian, inverse)
        status[i] = FIRST_SEARCH if good else ASTRAY
        if good:
            for k in range(p):
                variance[i, k] = inverse[k, k]


@kernel
def second_search(
    counts, log_factors, weights, design, dispersions, cauchy, scale, gene, sums, state, hessian, inverse,
    beta, variance, status,
):  # fmt: skip
    """R's general optimiser from where the first one ended, for the genes that went astray."""
    p = state.shape[1]
    for i in range(counts.shape[0]):
        if status[i] != ASTRAY:
            continue
        _take(i, counts, log_factors, weights, gene)
        size = 1.0 / dispersions[i]
        for k in range(p):
            state[POINT, k] = beta[i, k]
        ended = variable_metric_search(gene, design, cauchy, size, scale, sums, state, inverse)
        for k in range(p):
            beta[i, k] = state[POINT, k]
        status[i] = SECOND_SEARCH if ended else NOT_CONVERGED
        if difference_covariance(gene, design, cauchy, size, scale, sums, state, hessian, inverse):
            for k in range(p):
                variance[i, k] = inverse[k, k]
        else:
            status[i] = NO_VARIANCE


@kernel
def go_on_to_optima(
    counts, log_factors, weights, design, dispersions, cauchy, scale, gene, sums, state, hessian, inverse,
    beta, variance, status,
):  # fmt: skip
    """Newton's method from where R stops, and the curvature there."""
    p = state.shape[1]
    for i in range(counts.shape[0]):
        if status[i] == NOT_FITTED:
            continue
        _take(i, counts, log_factors, weights, gene)
        size = 1.0 / dispersions[i]
        for k in range(p):
            state[POINT, k] = beta[i, k]
        ended = to_optimum(gene, design, cauchy, size, scale, sums, state, hessian, inverse)
        status[i] = FIRST_SEARCH if ended else NOT_CONVERGED
        good = exact_covariance(gene, design, cauchy, size, scale, state, 0.0, hessian, inverse)
        for k in range(p):
            beta[i, k] = state[POINT, k]
            variance[i, k] = inverse[k, k] if good else np.nan
        if not good:
            status[i] = NO_VARIANCE


def shrink_genes(
    counts: FloatArray,
    log_factors: FloatArray,
    weights: FloatArray,
    matrix: FloatArray,
    dispersions: FloatArray,
    cauchy: BoolArray,
    scale: float,
    *,
    reference: BoolArray,
    converged: bool = False,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Posterior modes and variances of all coefficients of a block of genes, natural log, and each gene's status.

    counts : (g, m). log_factors, weights : (g, m), or (1, m) when the same for all. matrix : (m, p).
    dispersions : (g,), NaN for genes that are not fitted. cauchy : (p,) coefficients with the Cauchy prior, of this
    scale. reference : (m,) samples at the base level. converged : go on to the optimum.

    Returns (g, p) modes, (g, p) variances, NaN where there are none, and (g,) status.
    """
    n_genes, p = counts.shape[0], matrix.shape[1]
    given = (*map(_own, (counts, log_factors, weights)), in_tiles(matrix.T), _own(dispersions), cauchy, float(scale))
    gene, sums, state = tile(3 * -(-counts.shape[1] // WIDTH)), tile(p), np.zeros((STATE_ROWS, p))
    square = np.zeros((p, p)), np.zeros((p, p))
    beta, variance = np.full((n_genes, p), np.nan), np.full((n_genes, p), np.nan)
    answers = beta, variance, np.zeros(n_genes, dtype=np.int64)
    first_searches(*given, gene, sums, state, np.zeros((3, MEMORY)), *square, *answers)
    if (answers[2] == ASTRAY).any():
        _restart_where_nan(counts, reference, beta, answers[2])
        second_search(*given, gene, sums, state, *square, *answers)
    if converged:
        go_on_to_optima(*given, gene, sums, state, *square, *answers)
    return answers


def in_tiles(rows: FloatArray) -> FloatArray:
    """(n * n_tiles, WIDTH) each of n rows of samples cut into tiles, filled up with zeros. rows : (n, n_samples)."""
    n, m = rows.shape
    n_tiles = -(-m // WIDTH)
    tiles = tile(n * n_tiles)
    tiles.reshape(n, n_tiles * WIDTH)[:, :m] = rows
    return tiles


def _own(values: FloatArray) -> FloatArray:
    """Writeable and in C order: for arrays of another kind everything would be compiled again."""
    return np.require(values, dtype=np.float64, requirements=["C", "W"])


def _restart_where_nan(counts: FloatArray, reference: BoolArray, beta: FloatArray, status: IntArray) -> None:
    """Where the first search ended in NaN: the log mean count of the reference samples, then -1, 1, -1, ..."""
    lost = (status == ASTRAY) & ~np.isfinite(beta).all(axis=1)
    if lost.any():
        means = counts[lost][:, reference].mean(axis=1)
        beta[lost] = np.where(np.arange(beta.shape[1]) % 2, -1.0, 1.0)
        beta[lost, 0] = np.log(np.where(means > 0.0, means, 1.0))
