"""The dispersion search: Cox-Reid adjusted profile likelihood, plus a prior, climbed along R's path.

Love et al. (2014), "Estimation of dispersions"; McCarthy et al. (2012) for the adjustment. A tile holds as many genes
as there are lanes; each round evaluates all of them at their proposals, then each decides alone: accept, halve, stop.
A gene that has stopped makes room for the next.
"""

from __future__ import annotations

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.kernels import scratch
from foldwise.kernels._jit import announce, kernel
from foldwise.kernels.answers import DispersionSearch
from foldwise.kernels.design import KernelDesign
from foldwise.kernels.lanes import WIDTH, load, spread, store
from foldwise.kernels.likelihood import (
    SHIFT_STEPS,
    at_log_dispersion,
    dispersion_terms,
    likelihood_rest,
    logarithm,
    masked,
    prior_terms,
    small_count_terms,
)
from foldwise.kernels.smallmat import factor, invert_factor, trace_of_product

LOWEST, HIGHEST = -30.0, 10.0  # of the log dispersion; steps are cut there
STOP_BELOW = float(np.log(1e-9))  # a tenth of the smallest dispersion
SEARCH_TOLERANCE = 1e-6
SUFFICIENT_GAIN = 1e-4
MAX_STEPS = 100
COX_REID_WEIGHT = 0.01  # samples of at most this weight do not count in the adjustment
GRID_POINTS = 20
FLUSH = 16  # factors multiplied before a logarithm is taken
NO_SMALL_COUNTS = -2.08  # log dispersion below which r > 8

# Rows of a gene's numbers.
(
    PROPOSAL, AT, VALUE, SLOPE, KAPPA, FIRST, NEW_VALUE, NEW_SLOPE, PRIOR, BEST, BEST_AT, CENTER, CONSTANT, SAMPLES,
    SHIFTED, EXCESS, LARGER,
) = range(17)  # fmt: skip
STATE_ROWS = LARGER + SHIFT_STEPS
GENE, STEP, ACCEPTED, LARGEST = range(4)


@kernel
def climb(  # type: ignore[no-untyped-def]
    counts, means, weights, weighted, order, row_starts, starts, index, values, p, saturated,
    log_start, prior_means, precision, grid, grid_low, grid_high,
    y, mu, w, state, gene, b, b_slope, pivots, out,
):  # fmt: skip
    n, m = counts.shape
    n_rows = row_starts.size - 1
    size = p * (p + 1) // 2
    spacing = (grid_high - grid_low) / (GRID_POINTS - 1)
    for lane in range(WIDTH):
        gene[GENE, lane] = -1
        gene[LARGEST, lane] = 0
        for row in range(STATE_ROWS):
            state[row, lane] = 0.0
        for j in range(m):
            y[j, lane] = 0.0
            mu[j, lane] = 1.0
            if weighted:
                w[j, lane] = 1.0
    waiting = 0
    busy = 0
    while True:
        # A free lane takes the next gene.
        for lane in range(WIDTH):
            if gene[GENE, lane] >= 0 or waiting == n:
                continue
            for row in range(SAMPLES, STATE_ROWS):
                state[row, lane] = 0.0
            total = 0.0
            for j in range(m):
                count = counts[waiting, order[j]]
                weight = 1.0
                y[j, lane] = count
                mu[j, lane] = means[waiting, order[j]]
                if weighted:
                    weight = weights[waiting, order[j]]
                    w[j, lane] = weight
                state[SAMPLES, lane] += weight
                total += weight * count
                if count < SHIFT_STEPS:
                    state[LARGER + int(count), lane] += weight
                    state[EXCESS, lane] += weight * count
                else:
                    state[SHIFTED, lane] += weight * (count - SHIFT_STEPS)
                    state[EXCESS, lane] += weight * SHIFT_STEPS
            # weights of counts equal to k become weights of counts above k
            larger = state[SAMPLES, lane]
            gene[LARGEST, lane] = 0
            for k in range(SHIFT_STEPS):
                larger -= state[LARGER + k, lane]
                if larger > 1e-9:
                    gene[LARGEST, lane] = k + 1
                state[LARGER + k, lane] = larger
            state[CONSTANT, lane] = total
            gene[GENE, lane] = waiting
            gene[STEP, lane] = 0
            gene[ACCEPTED, lane] = 0
            state[PRIOR, lane] = prior_means[waiting]
            state[PROPOSAL, lane] = grid_low if grid else log_start[waiting]
            waiting += 1
            busy += 1
        if busy == 0:
            return

        # All lanes at their proposals: value and slope.
        any_small = False
        largest = 0
        for lane in range(WIDTH):
            if gene[GENE, lane] >= 0 and state[PROPOSAL, lane] > NO_SMALL_COUNTS:
                any_small = True
                largest = max(largest, gene[LARGEST, lane])
        log_alpha = load(state, PROPOSAL)
        alpha, r, shift, h, base, base_inverse = at_log_dispersion(log_alpha)
        samples = load(state, SAMPLES)
        value, slope = likelihood_rest(samples, load(state, SHIFTED), load(state, EXCESS), r, shift, h, base_inverse)
        if any_small:
            slope = slope - masked(load(state, LARGER), shift, 0.0)
            for k in range(1, largest):
                more, less = small_count_terms(float(k), load(state, LARGER + k), alpha, shift)
                value = value + more
                slope = slope - less
        half_logs = spread(0.0)
        product = spread(1.0)
        waiting_factors = 0
        trace = spread(0.0)
        log_det = spread(0.0)
        determinant = spread(1.0)
        if not saturated:
            for k in range(size):
                store(b, k, spread(0.0))
                store(b_slope, k, spread(0.0))
        for row in range(n_rows):
            d_sum = spread(0.0)
            d_squares = spread(0.0)
            for j in range(row_starts[row], row_starts[row + 1]):
                part, part_slope, ratio, d = dispersion_terms(
                    load(y, j), load(mu, j), alpha, r, shift, h, base, base_inverse
                )
                product = product * ratio
                waiting_factors += 1
                if weighted:
                    weight = load(w, j)
                    part = part * weight
                    part_slope = part_slope * weight
                    d = masked(d, weight, COX_REID_WEIGHT)
                    half_logs = half_logs + weight * logarithm(product)
                    product = spread(1.0)
                elif waiting_factors == FLUSH:
                    half_logs = half_logs + logarithm(product)
                    product = spread(1.0)
                    waiting_factors = 0
                value = value + part
                slope = slope + part_slope
                d_sum = d_sum + d
                d_squares = d_squares + d * d
            if saturated:
                determinant = determinant * d_sum
                trace = trace + d_squares / d_sum
                if row % FLUSH == FLUSH - 1:
                    log_det = log_det + logarithm(determinant)
                    determinant = spread(1.0)
            else:
                for k in range(starts[row], starts[row + 1]):
                    at = index[k]
                    store(b, at, load(b, at) + d_sum * values[k])
                    store(b_slope, at, load(b_slope, at) + d_squares * values[k])
        if not saturated:
            factor(b, p, pivots)
            invert_factor(b, p)
            trace = trace_of_product(b, p, b_slope)
            for k in range(p):
                determinant = determinant * load(pivots, k)
                if k % FLUSH == FLUSH - 1:
                    log_det = log_det + logarithm(determinant)
                    determinant = spread(1.0)
        log_det = log_det + logarithm(determinant)
        half_logs = half_logs + logarithm(product)
        prior_value, prior_slope = prior_terms(log_alpha, load(state, PRIOR), precision)
        store(state, NEW_VALUE, value - 0.5 * half_logs - 0.5 * log_det - prior_value)
        store(state, NEW_SLOPE, slope + 0.5 * (alpha * trace) - prior_slope)

        # Each gene decides.
        for lane in range(WIDTH):
            if gene[GENE, lane] < 0:
                continue
            new_value = state[NEW_VALUE, lane]
            proposal = state[PROPOSAL, lane]
            done = False
            if grid:
                step = gene[STEP, lane] % GRID_POINTS
                if step == 0 or new_value > state[BEST, lane]:
                    state[BEST, lane] = new_value
                    state[BEST_AT, lane] = proposal
                gene[STEP, lane] += 1
                step += 1
                if gene[STEP, lane] == GRID_POINTS:
                    state[CENTER, lane] = state[BEST_AT, lane]
                    step = 0
                done = gene[STEP, lane] == 2 * GRID_POINTS
                if gene[STEP, lane] < GRID_POINTS:
                    state[PROPOSAL, lane] = grid_low + step * spacing
                else:
                    low = state[CENTER, lane] - spacing
                    state[PROPOSAL, lane] = low + step * (2.0 * spacing / (GRID_POINTS - 1))
                state[AT, lane] = state[BEST_AT, lane]
            else:
                kappa = state[KAPPA, lane]
                slope_here = state[SLOPE, lane]
                if gene[STEP, lane] == 0:
                    state[FIRST, lane] = new_value
                    state[VALUE, lane] = new_value
                    state[AT, lane] = proposal
                    slope_here = state[NEW_SLOPE, lane]
                    kappa = 1.0
                    gene[STEP, lane] = 1
                elif -new_value <= -state[VALUE, lane] - kappa * SUFFICIENT_GAIN * slope_here * slope_here:
                    gain = new_value - state[VALUE, lane]
                    state[AT, lane] = proposal
                    gene[ACCEPTED, lane] += 1
                    if gain < SEARCH_TOLERANCE:
                        state[VALUE, lane] = new_value
                        done = True
                    elif proposal < STOP_BELOW:  # leaving through the bound, R does not store the value
                        done = True
                    else:
                        state[VALUE, lane] = new_value
                        slope_here = state[NEW_SLOPE, lane]
                        kappa = min(1.1 * kappa, 1.0)
                        if gene[ACCEPTED, lane] % 5 == 0:
                            kappa = kappa / 2.0
                        done = gene[STEP, lane] == MAX_STEPS
                        gene[STEP, lane] += not done
                else:
                    kappa = kappa / 2.0
                    done = gene[STEP, lane] == MAX_STEPS
                    gene[STEP, lane] += not done
                at = state[AT, lane]
                if at + kappa * slope_here < LOWEST:
                    kappa = (LOWEST - at) / slope_here
                if at + kappa * slope_here > HIGHEST:
                    kappa = (HIGHEST - at) / slope_here
                state[KAPPA, lane] = kappa
                state[SLOPE, lane] = slope_here
                state[PROPOSAL, lane] = at + kappa * slope_here
            if done:
                here = gene[GENE, lane]
                out[0, here] = state[AT, lane]
                out[1, here] = gene[STEP, lane]
                out[2, here] = state[FIRST, lane] - state[CONSTANT, lane]
                out[3, here] = state[VALUE, lane] - state[CONSTANT, lane]
                gene[GENE, lane] = -1
                busy -= 1
                state[PROPOSAL, lane] = 0.0


def search_dispersion(
    counts: FloatArray,
    means: FloatArray,
    design: KernelDesign,
    log_start: FloatArray,
    *,
    prior_log_mean: FloatArray | None = None,
    prior_variance: float | None = None,
    weights: FloatArray | None = None,
) -> DispersionSearch:
    """Climb the log-posterior of each gene's log dispersion, step by step as R does.

    counts, means : (n_genes, n_samples); means positive. log_start : (n_genes,) natural log.
    prior_log_mean, prior_variance : mean (n_genes,) and variance of the normal prior of the log dispersion, if any.
    weights : (n_genes, n_samples) observation weights, already normalized; samples of weight up to 0.01 do not
        count in the Cox-Reid adjustment, nor do coefficients left without samples.
    """
    out = _climb(counts, means, design, weights, prior_log_mean, prior_variance, log_start=log_start)
    shift = 0.5 * _lacking(design, weights)
    return DispersionSearch(out[0], out[1].astype(np.int64), out[2] - shift, out[3] - shift)


def grid_dispersion(
    counts: FloatArray,
    means: FloatArray,
    design: KernelDesign,
    log_minimum: float,
    log_maximum: float,
    *,
    prior_log_mean: FloatArray | None = None,
    prior_variance: float | None = None,
    weights: FloatArray | None = None,
) -> FloatArray:
    """(n_genes,) log dispersion: the best of 20 points between two bounds, then of 20 about that one.

    Arguments as of ``search_dispersion``.
    """
    bounds = (log_minimum, log_maximum)
    return _climb(counts, means, design, weights, prior_log_mean, prior_variance, bounds=bounds)[0]


def _lacking(design: KernelDesign, weights: FloatArray | None) -> float:
    if weights is not None:
        return 0.0
    return design.log_determinant_saturated if design.is_saturated else design.log_determinant


def _climb(
    counts: FloatArray,
    means: FloatArray,
    design: KernelDesign,
    weights: FloatArray | None,
    prior_log_mean: FloatArray | None,
    prior_variance: float | None,
    *,
    log_start: FloatArray | None = None,
    bounds: tuple[float, float] | None = None,
) -> FloatArray:
    n, m = counts.shape
    p = design.n_coefficients
    size = p * (p + 1) // 2
    weighted = weights is not None
    products = design.products if weighted else design.basis_products
    out = np.empty((4, n))
    y, mu, w, state, b, b_slope, pivots = scratch.tiles(m, m, m if weighted else 1, STATE_ROWS, size, size, p)
    announce(climb)
    climb(
        scratch.plain(counts), scratch.plain(means), scratch.plain_or_nothing(weights), weighted,
        design.order, design.starts, *products, p, design.is_saturated and design.full_rank and not weighted,
        np.zeros(n) if log_start is None else scratch.plain(log_start),
        np.zeros(n) if prior_log_mean is None else scratch.plain(prior_log_mean),
        0.0 if prior_variance is None else 1.0 / float(prior_variance),
        bounds is not None, *(map(float, bounds) if bounds else (0.0, 0.0)),
        y, mu, w, state, scratch.integers(4), b, b_slope, pivots, out,
    )  # fmt: skip
    return out
