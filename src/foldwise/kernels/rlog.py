"""The regularized logarithm's fit: an intercept and one shrunken term a sample, by R's iterates.

Love et al. (2014), "Regularized logarithm". The design (ones beside an identity) has an arrow for normal equations, so
a step needs no matrix: eliminating the sample terms leaves one equation for the intercept a,

    a (ridge_0 + sum w k / (w + k)) = sum k w z / (w + k),    b_j = (w_j z_j - w_j a) / (w_j + k),

with k the ridge of the sample terms. Where the intercept is given it is part of the factors and a stays 0. The answer
is the iterate at which R's loose rule stops, not the mode: start, floor, order of tests and breaks are R's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.kernels import scratch
from foldwise.kernels._jit import announce, kernel
from foldwise.kernels.constants import likelihood_constants
from foldwise.kernels.lanes import WIDTH, Vector, absolute, formula, load, spread, store
from foldwise.kernels.likelihood import exponential, mean_terms

TOLERANCE = 1e-4
BETA_LIMIT = 30.0  # natural log; the iterate beyond it is kept as the answer
MAX_ITERATIONS = 100
DEVIANCE_OFFSET = 0.1
MIN_MU = 0.5
LOG_MIN_MU = math.log(MIN_MU)

CONVERGED, TOO_FAR, NOT_A_NUMBER, OUT_OF_ROUNDS = range(4)
ALPHA, SIZE, CONSTANT, DEVIANCE, OLD_DEVIANCE, INTERCEPT, LARGEST, NEXT_INTERCEPT = range(8)
STATE_ROWS = 8


@dataclass(frozen=True, slots=True)
class RlogFit:
    """linear : (n_genes, n_samples) intercept plus sample term, natural log. intercept : (n_genes,), 0 where given.

    iterations : (n_genes,). status : (n_genes,) CONVERGED, TOO_FAR, NOT_A_NUMBER or OUT_OF_ROUNDS.
    """

    linear: FloatArray
    intercept: FloatArray
    iterations: IntArray
    status: IntArray


@formula
def larger_size(x: Vector, y: Vector) -> Vector:
    return x.at_least(absolute(y))


@kernel
def iterate_arrow(  # type: ignore[no-untyped-def]
    counts, factors, log_factors, weights, weighted, alphas, constants, start, ridge, own_intercept,
    y, s, log_s, w, state, eta, new, weight_of, response, gene, rounds, out, out_intercept, iterations, status,
):  # fmt: skip
    n, m = counts.shape
    gene_wise = factors.shape[0] > 1
    for lane in range(WIDTH):
        gene[lane] = -1
        for row in range(STATE_ROWS):
            state[row, lane] = 1.0
        state[INTERCEPT, lane] = 0.0
        for j in range(m):
            y[j, lane] = 1.0
            s[j, lane] = factors[0, j]
            log_s[j, lane] = log_factors[0, j]
            eta[j, lane] = 0.0
            if weighted:
                w[j, lane] = 1.0
    waiting = 0
    busy = 0
    while True:
        # A free lane takes the next gene.
        for lane in range(WIDTH):
            if gene[lane] >= 0 or waiting == n:
                continue
            for j in range(m):
                y[j, lane] = counts[waiting, j]
                if gene_wise:
                    s[j, lane] = factors[waiting, j]
                    log_s[j, lane] = log_factors[waiting, j]
                if weighted:
                    w[j, lane] = weights[waiting, j]
                # With an intercept the start is the same for all samples.
                eta[j, lane] = start[waiting, 0] if own_intercept else start[waiting, j]
            state[INTERCEPT, lane] = start[waiting, 0] if own_intercept else 0.0
            gene[lane] = waiting
            rounds[lane] = 0
            state[ALPHA, lane] = alphas[waiting]
            state[SIZE, lane] = 1.0 / alphas[waiting]
            state[CONSTANT, lane] = constants[waiting]
            state[OLD_DEVIANCE, lane] = 0.0
            waiting += 1
            busy += 1
        if busy == 0:
            return

        # All lanes: the likelihood at the current values, and the next ones.
        alpha = load(state, ALPHA)
        r = load(state, SIZE)
        likelihood = load(state, CONSTANT)
        corner = spread(ridge[0])
        right = spread(0.0)
        for j in range(m):
            here_eta = load(eta, j)
            weight, gradient, value = mean_terms(
                load(y, j), load(s, j), load(log_s, j), here_eta, exponential(here_eta), alpha, r, MIN_MU, LOG_MIN_MU
            )
            if weighted:
                own = load(w, j)
                weight = weight * own
                gradient = gradient * own
                value = value * own
            likelihood = likelihood + value
            both = gradient + weight * here_eta
            share = ridge[1] / (weight + ridge[1])
            corner = corner + weight * share
            right = right + both * share
            store(weight_of, j, weight)
            store(response, j, both)
        store(state, DEVIANCE, -2.0 * likelihood)
        intercept = spread(0.0)
        if own_intercept:
            intercept = right / corner
        largest = larger_size(0.0, intercept)
        for j in range(m):
            weight = load(weight_of, j)
            term = (load(response, j) - weight * intercept) / (weight + ridge[1])
            largest = larger_size(largest, term)
            store(new, j, intercept + term)
        store(state, LARGEST, largest)
        store(state, NEXT_INTERCEPT, intercept)

        # Each gene decides.
        for lane in range(WIDTH):
            here = gene[lane]
            if here < 0:
                continue
            iteration = rounds[lane]
            ended = -1
            if iteration > 0:
                deviance = state[DEVIANCE, lane]
                change = abs(deviance - state[OLD_DEVIANCE, lane]) / (abs(deviance) + DEVIANCE_OFFSET)
                state[OLD_DEVIANCE, lane] = deviance
                if math.isnan(change):
                    ended = NOT_A_NUMBER
                elif iteration > 1 and change < TOLERANCE:
                    ended = CONVERGED
                elif iteration == MAX_ITERATIONS:
                    ended = OUT_OF_ROUNDS
            if ended < 0:
                iteration += 1
                state[INTERCEPT, lane] = state[NEXT_INTERCEPT, lane]
                for j in range(m):
                    eta[j, lane] = new[j, lane]
                if state[LARGEST, lane] > BETA_LIMIT:
                    ended = TOO_FAR
            rounds[lane] = iteration
            if ended >= 0:
                for j in range(m):
                    out[here, j] = eta[j, lane]
                    eta[j, lane] = 0.0
                out_intercept[here] = state[INTERCEPT, lane]
                iterations[here] = iteration
                status[here] = ended
                gene[lane] = -1
                busy -= 1


def fit_rlog(
    counts: FloatArray,
    factors: FloatArray,
    alpha: FloatArray,
    start: FloatArray,
    ridge: tuple[float, float],
    *,
    own_intercept: bool,
    weights: FloatArray | None = None,
) -> RlogFit:
    """Fit a block of genes.

    counts : (n_genes, n_samples). factors : (n_samples,) or (n_genes, n_samples). alpha : (n_genes,) of the trend.
    start : natural log, (n_genes, 1) the intercept, or (n_genes, n_samples) where none is fitted.
    ridge : penalties of the squared natural-log intercept and sample terms. weights : divided by the gene's largest.
    """
    n, m = counts.shape
    weighted = weights is not None
    counts, alpha, start = scratch.plain(counts), scratch.plain(alpha), scratch.plain(start)
    factors = scratch.plain(np.atleast_2d(factors))
    constants = likelihood_constants(counts, alpha, weights)
    linear, intercept = np.empty((n, m)), np.empty(n)
    iterations, status = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    y, s, log_s, w, state, eta, new, weight_of, response = scratch.tiles(
        m, m, m, m if weighted else 1, STATE_ROWS, m, m, m, m
    )
    announce(iterate_arrow)
    iterate_arrow(
        counts, factors, np.log(factors), scratch.plain_or_nothing(weights), weighted, alpha, constants, start,
        np.array(ridge), own_intercept, y, s, log_s, w, state, eta, new, weight_of, response,
        scratch.integers(), scratch.integers(), linear, intercept, iterations, status,
    )  # fmt: skip
    return RlogFit(linear, intercept, iterations, status)
