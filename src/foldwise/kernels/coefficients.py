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
from foldwise.kernels.lanes import WIDTH, Vector, absolute, formula, load, spread, store
from foldwise.kernels.likelihood import exponential, mean_terms
from foldwise.kernels.smallmat import factor, solve
from foldwise.kernels.statistics import glm_start

BETA_LIMIT = 30.0  # natural log; beyond it R gives the gene to its general optimiser
BETA_TOLERANCE = 1e-8
MAX_ITERATIONS = 100.0
DEVIANCE_OFFSET = 0.1

ALPHA, SIZE, CONSTANT, OLD_DEVIANCE, ITERATION, DONE = range(6)
STATE_ROWS = 6


@formula
def beyond_limit(far: Vector, beta: Vector) -> Vector:
    return far.lift(1.0).where(absolute(beta) > BETA_LIMIT, far)


@formula
def judge(likelihood: Vector, old_deviance: Vector, iteration: Vector, far: Vector) -> tuple[Vector, ...]:
    """Deviance, iteration, whether the gene is done, and whether with its current coefficients, not with the next.

    Iteration 0 is the evaluation at the start. Where the next step is too far its coefficients are kept, but the
    means stay those of the current.
    """
    deviance = -2.0 * likelihood
    change = absolute(deviance - old_deviance) / (absolute(deviance) + DEVIANCE_OFFSET)
    begun = iteration > 0.0
    lost = begun & change.is_nan()
    small = (iteration > 1.0) & (change < BETA_TOLERANCE)
    stops = begun & (lost | small | iteration.equals(MAX_ITERATIONS))
    runs_away = ~stops & (far > 0.0)
    iteration = iteration.where(stops, iteration + 1.0)
    iteration = iteration.lift(MAX_ITERATIONS).where(lost | runs_away, iteration)
    return deviance, iteration, (stops | runs_away).ones(), stops.ones()


@formula
def choose(first: Vector, otherwise: Vector, flag: Vector) -> Vector:
    return first.where(flag > 0.0, otherwise)


@kernel
def reweight(  # type: ignore[no-untyped-def]
    counts, factors, log_factors, weights, weighted, alphas, constants, ridge, min_mu, log_min_mu, start,
    order, row_starts, entry_starts, columns, entries, own_starts, own_rows, own_entries, starts, rows, values,
    y, s, log_s, w, weight_sums, gradient_sums, state, beta, step, a, pivots, gene, out, hat_beta, iterations,
):  # fmt: skip
    n, m = counts.shape
    p = ridge.size
    n_rows = row_starts.size - 1
    gene_wise = factors.shape[0] > 1
    for lane in range(WIDTH):
        gene[lane] = -1
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
            if gene[lane] >= 0 or waiting == n:
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
            gene[lane] = waiting
            state[ITERATION, lane] = 0.0
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
            store(weight_sums, row, weight_sum)
            store(gradient_sums, row, gradient_sum)
        for k in range(p):
            total = spread(0.0) - ridge[k] * load(beta, k)
            for i in range(own_starts[k], own_starts[k + 1]):
                total = total + load(gradient_sums, own_rows[i]) * own_entries[i]
            store(step, k, total)
            for at in range(k * (k + 1) // 2, k * (k + 1) // 2 + k + 1):
                total = spread(0.0)
                if at == k * (k + 1) // 2 + k:
                    total = spread(ridge[k])
                for i in range(starts[at], starts[at + 1]):
                    total = total + load(weight_sums, rows[i]) * values[i]
                store(a, at, total)
        factor(a, p, pivots)
        solve(a, p, step)
        far = spread(0.0)
        for k in range(p):
            proposal = load(beta, k) + load(step, k)
            far = beyond_limit(far, proposal)
            store(step, k, proposal)

        # Each gene decides.
        deviance, iteration, done, stays = judge(likelihood, load(state, OLD_DEVIANCE), load(state, ITERATION), far)
        store(state, OLD_DEVIANCE, deviance)
        store(state, ITERATION, iteration)
        store(state, DONE, done)
        for k in range(p):
            store(step, k, choose(load(beta, k), load(step, k), stays))
        for lane in range(WIDTH):
            here = gene[lane]
            if here >= 0 and state[DONE, lane] > 0.0:
                for k in range(p):
                    out[here, k] = step[k, lane]
                    hat_beta[here, k] = beta[k, lane]
                iterations[here] = int(state[ITERATION, lane])
                gene[lane] = -1
                busy -= 1
        for k in range(p):
            store(beta, k, load(step, k))


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
    constants: FloatArray | None = None,
) -> GlmFit:
    """Fit the coefficients of every gene.

    counts : (n_genes, n_samples). factors : (n_samples,) or (n_genes, n_samples). alpha : (n_genes,).
    ridge : (n_coefficients,) penalty of the squared natural-log coefficients.
    weights : (n_genes, n_samples) normalized observation weights. min_mu : floor of the means while iterating.
    start : (n_genes, n_coefficients) natural log, instead of R's start.
    constants : ``constants`` of another fit of the same counts, dispersions and weights, to save computing them.
    """
    n, m = counts.shape
    p = design.n_coefficients
    weighted = weights is not None
    counts, alpha = scratch.plain(counts), scratch.plain(alpha)
    factors = scratch.plain(np.atleast_2d(factors))
    if constants is None:
        constants = likelihood_constants(counts, alpha, weights)
    if start is None:
        start = glm_start(counts, factors, design)
    beta, hat_beta = np.empty((n, p)), np.empty((n, p))
    iterations = np.zeros(n, dtype=np.int64)
    size = p * (p + 1) // 2
    rows = design.n_rows
    y, s, log_s, w, weight_sums, gradient_sums, state, b, step, a, pivots = scratch.tiles(
        m, m, m, m if weighted else 1, rows, rows, STATE_ROWS, p, p, size, p
    )
    announce(reweight)
    reweight(
        counts, factors, np.log(factors), scratch.plain_or_nothing(weights), weighted, alpha, scratch.plain(constants),
        scratch.plain(ridge), float(min_mu), math.log(min_mu) if min_mu > 0 else -np.inf, scratch.plain(start),
        design.order, design.starts, *design.entries, *design.entries_of, *design.products_of,
        y, s, log_s, w, weight_sums, gradient_sums, state, b, step, a, pivots, scratch.integers(), beta, hat_beta, iterations,
    )  # fmt: skip
    return GlmFit(beta, iterations, hat_beta, constants)
