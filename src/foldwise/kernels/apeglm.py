"""apeglm, a block of genes at a time: two searches, their agreement, a third where they differ, the curvature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.kernels._jit import announce, kernel, part
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
from foldwise.kernels.design import distinct_rows
from foldwise.kernels.lanes import WIDTH, tile

FIRST_START = 0.1  # R starts at (0.1, -0.1, 0.1, ...) and, as a check, at its opposite
APART = 0.01  # the two must end as near as this

# A gene's status.
NOT_FITTED, FIRST_SEARCH, SECOND_SEARCH, NOT_CONVERGED, NO_VARIANCE = -1, 0, 1, 2, 3
ASTRAY = 4  # on the way only: the first searches differ, or there is no maximum where they ended


@part
def _take(i, counts, factors, weights, places, groups, gene, counted):
    """Put a gene's samples into tiles; whether it has a count."""
    n_tiles, n_coefficients = gene.shape[0] // 3, groups.shape[1] - 2
    summed = 0.0
    own_factors, own_weights = min(i, factors.shape[0] - 1), min(i, weights.shape[0] - 1)
    for j in range(counts.shape[1]):
        at, lane = places[j] // WIDTH, places[j] % WIDTH
        summed += counts[i, j]
        gene[at, lane] = counts[i, j]
        gene[n_tiles + at, lane] = factors[own_factors, j]
        gene[2 * n_tiles + at, lane] = weights[own_weights, j]
    for group in range(groups.shape[0]):
        counted[group] = 0.0
        for at in range(int(groups[group, n_coefficients]), int(groups[group, n_coefficients + 1])):
            for lane in range(WIDTH):
                counted[group] += gene[at, lane] * gene[2 * n_tiles + at, lane]
    return summed > 0.0


@kernel
def first_searches(
    counts, factors, weights, matrix, places, design, groups, dispersions, cauchy,
    gene, counted, slopes, state, hessian, inverse, products, beta, variance, status,
):  # fmt: skip
    """R's first optimiser from both starts; the answer is that of the second one here, the other one checks it."""
    p = state.shape[1]
    for i in range(counts.shape[0]):
        any_count = _take(i, counts, factors, weights, places, groups, gene, counted)
        if not (any_count and np.isfinite(dispersions[i])):
            status[i] = NOT_FITTED
            continue
        size = 1.0 / dispersions[i]
        for k in range(p):
            state[POINT, k] = 0.0
        at_zero = objective(gene, design, groups, counted, cauchy, size, slopes, state, POINT, GRADIENT)
        scaling = max(1.0, at_zero)
        good = True
        for first in (-FIRST_START, FIRST_START):
            for k in range(p):
                beta[i, k] = state[POINT, k]
            good &= limited_memory_search(
                first, scaling, gene, design, groups, counted, cauchy, size, slopes, state, products
            )
        for k in range(p):
            good &= abs(beta[i, k] - state[POINT, k]) <= APART
            beta[i, k] = state[POINT, k]
        if good:
            good = difference_covariance(gene, design, groups, counted, cauchy, size, slopes, state, hessian, inverse)
        status[i] = FIRST_SEARCH if good else ASTRAY
        if good:
            for k in range(p):
                variance[i, k] = inverse[k, k]


@kernel
def second_search(
    counts, factors, weights, matrix, places, design, groups, dispersions, cauchy,
    gene, counted, slopes, state, hessian, inverse, logs, beta, variance, status,
):  # fmt: skip
    """R's general optimiser from where the first one ended, for the genes that went astray. logs : (m,) scratch."""
    p = state.shape[1]
    for i in range(counts.shape[0]):
        if status[i] != ASTRAY:
            continue
        _take(i, counts, factors, weights, places, groups, gene, counted)
        size = 1.0 / dispersions[i]
        for j in range(counts.shape[1]):
            logs[j] = np.log(factors[min(i, factors.shape[0] - 1), j])
        for k in range(p):
            state[POINT, k] = beta[i, k]
        ended = variable_metric_search(
            counts[i], logs, weights[min(i, weights.shape[0] - 1)], matrix,
            gene, design, groups, counted, cauchy, size, slopes, state, inverse,
        )  # fmt: skip
        for k in range(p):
            beta[i, k] = state[POINT, k]
        status[i] = SECOND_SEARCH if ended else NOT_CONVERGED
        if difference_covariance(gene, design, groups, counted, cauchy, size, slopes, state, hessian, inverse):
            for k in range(p):
                variance[i, k] = inverse[k, k]
        else:
            status[i] = NO_VARIANCE


@kernel
def go_on_to_optima(
    counts, factors, weights, matrix, places, design, groups, dispersions, cauchy,
    gene, counted, slopes, state, hessian, inverse, beta, variance, status,
):  # fmt: skip
    """Newton's method from where R stops, and the curvature there."""
    p = state.shape[1]
    for i in range(counts.shape[0]):
        if status[i] == NOT_FITTED:
            continue
        _take(i, counts, factors, weights, places, groups, gene, counted)
        size = 1.0 / dispersions[i]
        for k in range(p):
            state[POINT, k] = beta[i, k]
        ended = to_optimum(gene, design, groups, counted, cauchy, size, slopes, state, hessian, inverse)
        status[i] = FIRST_SEARCH if ended else NOT_CONVERGED
        good = exact_covariance(gene, design, groups, cauchy, size, state, 0.0, hessian, inverse)
        for k in range(p):
            beta[i, k] = state[POINT, k]
            variance[i, k] = inverse[k, k] if good else np.nan
        if not good:
            status[i] = NO_VARIANCE


@dataclass(frozen=True, slots=True)
class SampleTiles:
    """Where the samples stand in the tiles, and the design there; see ``cauchy_posterior``.

    places : (n_samples,) tile * WIDTH + lane. design : (p * n_mixed, WIDTH). groups : (n_groups, p + 2).
    """

    n_tiles: int
    places: IntArray
    design: FloatArray
    groups: FloatArray


def sample_tiles(matrix: FloatArray) -> SampleTiles:
    """Samples of one row of the design together where they fill tiles. matrix : (n_samples, n_coefficients)."""
    m, p = matrix.shape
    row_of = distinct_rows(matrix)
    whole: list[IntArray] = []
    mixed: list[int] = []
    for row in range(row_of.max() + 1):
        members = np.flatnonzero(row_of == row)
        n_whole = members.size // WIDTH * WIDTH
        whole.append(members[:n_whole])
        mixed.extend(members[n_whole:])
    n_mixed = -(-len(mixed) // WIDTH)
    places, design = np.zeros(m, dtype=np.int64), tile(p * n_mixed)
    places[mixed] = np.arange(len(mixed))
    design.reshape(p, n_mixed * WIDTH)[:, : len(mixed)] = matrix[mixed].T
    groups, first = [], n_mixed
    for members in whole:
        if members.size:
            places[members] = first * WIDTH + np.arange(members.size)
            last = first + members.size // WIDTH
            groups.append([*matrix[members[0]], first, last])
            first = last
    return SampleTiles(first, places, design, np.array(groups, dtype=np.float64).reshape(-1, p + 2))


def shrink_genes(
    counts: FloatArray,
    factors: FloatArray,
    weights: FloatArray,
    matrix: FloatArray,
    dispersions: FloatArray,
    cauchy: FloatArray,
    *,
    reference: BoolArray,
    converged: bool = False,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Posterior modes and variances of all coefficients of a block of genes, natural log, and each gene's status.

    counts : (g, m). factors, weights : (g, m), or (1, m) when the same for all. matrix : (m, p).
    dispersions : (g,), NaN for genes that are not fitted. cauchy : (p,) squared scales of Cauchy priors, 0 for
    coefficients with the normal one. reference : (m,) samples at the base level. converged : go on to the optimum.

    Returns (g, p) modes, (g, p) variances, NaN where there are none, and (g,) status.
    """
    n_genes, p = counts.shape[0], matrix.shape[1]
    tiles = sample_tiles(matrix)
    given = (
        *map(_own, (counts, factors, weights, matrix)), tiles.places, tiles.design, tiles.groups,
        *map(_own, (dispersions, cauchy)),
    )  # fmt: skip
    scratch = (
        tile(3 * tiles.n_tiles), np.zeros(len(tiles.groups)), tile(len(tiles.design) // p), np.zeros((STATE_ROWS, p)),
        np.zeros((p, p)), np.zeros((p, p)),
    )  # fmt: skip
    beta, variance = np.full((n_genes, p), np.nan), np.full((n_genes, p), np.nan)
    answers = beta, variance, np.zeros(n_genes, dtype=np.int64)
    announce(first_searches)
    first_searches(*given, *scratch, np.zeros((3, MEMORY)), *answers)
    if (answers[2] == ASTRAY).any():
        _restart_where_nan(counts, reference, beta, answers[2])
        second_search(*given, *scratch, np.zeros(counts.shape[1]), *answers)
    if converged:
        go_on_to_optima(*given, *scratch, *answers)
    return answers


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
