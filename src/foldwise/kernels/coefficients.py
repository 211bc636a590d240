"""The negative binomial GLM by iteratively reweighted least squares, along R's path.

McCullagh & Nelder (1989); Love et al. (2014), "Fitting of the GLM". One pass over the samples gives the deviance at the
current coefficients and the normal equations of the next step; the step is solved for the *change* of the
coefficients, whose rounding errors the next step takes back. Samples are grouped by distinct row of the design: one
exp and one outer product a row.
"""

from __future__ import annotations

import math

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.kernels import scratch
from foldwise.kernels._jit import announce, kernel
from foldwise.kernels.answers import GlmFit
from foldwise.kernels.constants import likelihood_constants
from foldwise.kernels.design import KernelDesign
from foldwise.kernels.lanes import WIDTH, load, spread, store
from foldwise.kernels.likelihood import exponential, mean_terms
from foldwise.kernels.smallmat import factor, solve
from foldwise.kernels.statistics import glm_start

BETA_TOLERANCE = 1e-8
BETA_LIMIT = 30.0  # natural log; beyond it R gives the gene to its general optimiser
MAX_ITERATIONS = 100
DEVIANCE_OFFSET = 0.1

ALPHA, SIZE, CONSTANT, DEVIANCE, OLD_DEVIANCE = range(5)
STATE_ROWS = 5
GENE, ITERATION = range(2)


@kernel
def reweight(  # type: ignore[no-untyped-def]
    counts, factors, log_factors, weights, weighted, alphas, constants, ridge, min_mu, log_min_mu, start,
    order, row_starts, entry_starts, columns, entries, starts, index, values,
    y, s, log_s, w, state, beta, step, a, pivots, gene, out, hat_beta, iterations,
):  # fmt: skip
    n, m = counts.shape
    p = ridge.size
    n_rows = row_starts.size - 1
    size = p * (p + 1) // 2
    gene_wise = factors.shape[0] > 1
    for lane in range(WIDTH):
        gene[GENE, lane] = -1
        for row in range(STATE_ROWS):
            state[row, lane] = 1.0
        for k in range(p):
            beta[k, lane] = 0.0
        for j in range(m):
            y[j, lane] = 1.0
            s[j, lane] = factors[0, order[j]]
            log_s[j, lane] = log_factors[0, order[j]]
            if weighted:
                w[j, lane] = 1.0
    waiting = 0
    busy = 0
    while True:
        # A free lane takes the next gene.
        for lane in range(WIDTH):
            if gene[GENE, lane] >= 0 or waiting == n:
                continue
            for j in range(m):
                sample = order[j]
                y[j, lane] = counts[waiting, sample]
                if gene_wise:
                    s[j, lane] = factors[waiting, sample]
                    log_s[j, lane] = log_factors[waiting, sample]
                if weighted:
                    w[j, lane] = weights[waiting, sample]
            for k in range(p):
                beta[k, lane] = start[waiting, k]
            gene[GENE, lane] = waiting
            gene[ITERATION, lane] = 0
            state[ALPHA, lane] = alphas[waiting]
            state[SIZE, lane] = 1.0 / alphas[waiting]
            state[CONSTANT, lane] = constants[waiting]
            state[OLD_DEVIANCE, lane] = 0.0
            waiting += 1
            busy += 1
        if busy == 0:
            return

        # All lanes: the likelihood at the current coefficients, and the normal equations of the next.
        alpha = load(state, ALPHA)
        r = load(state, SIZE)
        for k in range(size):
            store(a, k, spread(0.0))
        for k in range(p):
            store(a, k * (k + 1) // 2 + k, spread(ridge[k]))
            store(step, k, spread(0.0) - ridge[k] * load(beta, k))
        likelihood = load(state, CONSTANT)
        for row in range(n_rows):
            eta = spread(0.0)
            for k in range(entry_starts[row], entry_starts[row + 1]):
                eta = eta + load(beta, columns[k]) * entries[k]
            scale = exponential(eta)
            weight_sum = spread(0.0)
            gradient_sum = spread(0.0)
            for j in range(row_starts[row], row_starts[row + 1]):
                weight, gradient, value = mean_terms(
                    load(y, j), load(s, j), load(log_s, j), eta, scale, alpha, r, min_mu, log_min_mu
                )
                if weighted:
                    own = load(w, j)
                    weight = weight * own
                    gradient = gradient * own
                    value = value * own
                weight_sum = weight_sum + weight
                gradient_sum = gradient_sum + gradient
                likelihood = likelihood + value
            for k in range(entry_starts[row], entry_starts[row + 1]):
                store(step, columns[k], load(step, columns[k]) + gradient_sum * entries[k])
            for k in range(starts[row], starts[row + 1]):
                store(a, index[k], load(a, index[k]) + weight_sum * values[k])
        store(state, DEVIANCE, -2.0 * likelihood)
        factor(a, p, pivots)
        solve(a, p, step)
        for k in range(p):
            store(step, k, load(beta, k) + load(step, k))

        # Each gene decides.
        for lane in range(WIDTH):
            here = gene[GENE, lane]
            if here < 0:
                continue
            iteration = gene[ITERATION, lane]
            done = False
            if iteration > 0:
                deviance = state[DEVIANCE, lane]
                change = abs(deviance - state[OLD_DEVIANCE, lane]) / (abs(deviance) + DEVIANCE_OFFSET)
                state[OLD_DEVIANCE, lane] = deviance
                if math.isnan(change):
                    iteration = MAX_ITERATIONS
                done = (iteration > 1 and change < BETA_TOLERANCE) or iteration == MAX_ITERATIONS
            if done:
                for k in range(p):
                    out[here, k] = beta[k, lane]
                    hat_beta[here, k] = beta[k, lane]
            else:
                iteration += 1
                far = False
                for k in range(p):
                    far = far or abs(step[k, lane]) > BETA_LIMIT
                if far:  # the coefficients are kept, the means stay those of the step before
                    done = True
                    iteration = MAX_ITERATIONS
                    for k in range(p):
                        out[here, k] = step[k, lane]
                        hat_beta[here, k] = beta[k, lane]
                else:
                    for k in range(p):
                        beta[k, lane] = step[k, lane]
            gene[ITERATION, lane] = iteration
            if done:
                iterations[here] = iteration
                gene[GENE, lane] = -1
                busy -= 1
                for k in range(p):
                    beta[k, lane] = 0.0


def fit_glm(
    counts: FloatArray,
    factors: FloatArray,
    design: KernelDesign,
    alpha: FloatArray,
    ridge: FloatArray,
    *,
    weights: FloatArray | None = None,
    min_mu: float = 0.5,
    start: FloatArray | None = None,
) -> GlmFit:
    """Fit the coefficients of every gene.

    counts : (n_genes, n_samples). factors : (n_samples,) or (n_genes, n_samples). alpha : (n_genes,).
    ridge : (n_coefficients,) penalty of the squared natural-log coefficients.
    weights : (n_genes, n_samples) normalized observation weights. min_mu : floor of the means while iterating.
    start : (n_genes, n_coefficients) natural log, instead of R's start.
    """
    n, m = counts.shape
    p = design.n_coefficients
    weighted = weights is not None
    counts, alpha = scratch.plain(counts), scratch.plain(alpha)
    factors = scratch.plain(np.atleast_2d(factors))
    constants = likelihood_constants(counts, alpha, weights)[0]
    if start is None:
        start = glm_start(counts, factors, design)
    beta, hat_beta = np.empty((n, p)), np.empty((n, p))
    iterations = np.zeros(n, dtype=np.int64)
    size = p * (p + 1) // 2
    y, s, log_s, w, state, b, step, a, pivots = scratch.tiles(
        m, m, m, m if weighted else 1, STATE_ROWS, p, p, size, p
    )
    announce(reweight)
    reweight(
        counts, factors, np.log(factors), scratch.plain_or_nothing(weights), weighted, alpha, constants,
        scratch.plain(ridge), float(min_mu), math.log(min_mu) if min_mu > 0 else -np.inf, scratch.plain(start),
        design.order, design.starts, *design.entries, *design.products,
        y, s, log_s, w, state, b, step, a, pivots, scratch.integers(2), beta, hat_beta, iterations,
    )  # fmt: skip
    return GlmFit(beta, iterations, hat_beta)
