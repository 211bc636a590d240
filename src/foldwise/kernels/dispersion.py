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
from foldwise.kernels.interpolation import (
    NOWHERE,
    POINTS,
    ROWS,
    curve_through,
    load_rows,
    predict,
    remember,
    store_rows,
)
from foldwise.kernels.lanes import WIDTH, load, spread, store
from foldwise.kernels.likelihood import (
    SHIFT,
    SHIFT_STEPS,
    at_log_dispersion,
    dispersion_terms,
    likelihood_rest,
    logarithm,
    masked,
    posterior,
    small_count_terms,
)
from foldwise.kernels.line_search import GRID_POINTS, take_step, try_next_point
from foldwise.kernels.smallmat import factor, invert_factor, trace_of_product

COX_REID_WEIGHT = 0.01  # samples of at most this weight do not count in the adjustment
FLUSH = 16  # factors multiplied before a logarithm is taken
NO_SMALL_COUNTS = -2.08  # log dispersion below which r > 8
REMEMBERED_FROM = 32  # samples from which interpolating costs less than evaluating

# Rows of what a tile knows of its genes.
(
    PROPOSAL, DONE, STEP, AT, VALUE, FIRST, SLOPE, KAPPA, ACCEPTED, PRIOR, CONSTANT, SAMPLES, EXCESS,
    KNOWN, LARGEST, LARGER,
) = range(16)  # fmt: skip
BEST, CENTER = VALUE, SLOPE  # of the grid
STATE_ROWS = LARGER + SHIFT_STEPS + 1


@kernel
def climb(  # type: ignore[no-untyped-def]
    counts, means, weights, weighted, order, row_starts, starts, rows, values, p, saturated,
    log_start, prior_means, precision, grid, grid_low, spacing, remembers,
    y, mu, w, d_sums, d_square_sums, state, points, curve, gene, b, b_slope, pivots, out,
):  # fmt: skip
    n, m = counts.shape
    n_rows = row_starts.size - 1
    size = p * (p + 1) // 2
    for lane in range(WIDTH):
        gene[lane] = -1
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
            if gene[lane] >= 0 or waiting == n:
                continue
            for row in range(STATE_ROWS):
                state[row, lane] = 0.0
            weight = 1.0
            samples = 0.0
            total = 0.0
            for j in range(m):
                sample = order[j]
                count = counts[waiting, sample]
                y[j, lane] = count
                mu[j, lane] = means[waiting, sample]
                if weighted:
                    weight = weights[waiting, sample]
                    w[j, lane] = weight
                samples += weight
                total += weight * count
                if count < SHIFT:
                    state[LARGER + int(count), lane] += weight
            # weights of counts equal to k become weights of counts above k
            larger = samples
            excess = 0.0
            for k in range(SHIFT_STEPS):
                larger -= state[LARGER + k, lane]
                state[LARGER + k, lane] = larger
                excess += larger
                if larger > 1e-9:
                    state[LARGEST, lane] = k + 1.0
            state[SAMPLES, lane] = samples
            state[CONSTANT, lane] = total
            state[EXCESS, lane] = excess
            state[PRIOR, lane] = prior_means[waiting]
            state[PROPOSAL, lane] = log_start[waiting]
            for point in range(POINTS):
                points[point, lane] = NOWHERE
                curve[point, lane] = NOWHERE
            gene[lane] = waiting
            waiting += 1
            busy += 1
        if busy == 0:
            return

        # What is known of a proposal from the points before it; if of none, all are evaluated.
        log_alpha = load(state, PROPOSAL)
        value = spread(0.0)
        slope = spread(0.0)
        known = spread(1.0)
        predicted = 0
        if remembers:
            value, slope, known = predict(load_rows(curve), log_alpha)
            store(state, KNOWN, known)
            for lane in range(WIDTH):
                if gene[lane] >= 0 and state[KNOWN, lane] > 0.0:
                    predicted += 1
        if predicted == 0:
            largest = 0
            for lane in range(WIDTH):
                if gene[lane] >= 0 and state[PROPOSAL, lane] > NO_SMALL_COUNTS:
                    largest = max(largest, int(state[LARGEST, lane]))
            alpha, r, shift, h, base, base_inverse = at_log_dispersion(log_alpha)
            value, slope = likelihood_rest(
                load(state, SAMPLES), load(state, CONSTANT), load(state, EXCESS), load(state, LARGER),
                r, shift, h, base_inverse,
            )  # fmt: skip
            for k in range(1, largest):
                more, steeper = small_count_terms(float(k), load(state, LARGER + k), alpha, shift)
                value = value + more
                slope = slope + steeper
            logs = spread(0.0)  # of ratios and determinants alike, taken once for several
            product = spread(1.0)
            factors = 0
            trace = spread(0.0)
            for row in range(n_rows):
                d_sum = spread(0.0)
                d_squares = spread(0.0)
                for j in range(row_starts[row], row_starts[row + 1]):
                    part, part_slope, ratio, d = dispersion_terms(
                        load(y, j), load(mu, j), alpha, r, shift, h, base, base_inverse
                    )
                    if weighted:
                        weights_here = load(w, j)
                        part = (part - 0.5 * logarithm(ratio)) * weights_here
                        part_slope = part_slope * weights_here
                        d = masked(d, weights_here, COX_REID_WEIGHT)
                    else:
                        product = product * ratio
                        factors += 1
                        if factors == FLUSH:
                            logs = logs + logarithm(product)
                            product = spread(1.0)
                            factors = 0
                    value = value + part
                    slope = slope + part_slope
                    d_sum = d_sum + d
                    d_squares = d_squares + d * d
                if saturated:
                    store(pivots, row, d_sum)
                    trace = trace + d_squares / d_sum
                else:
                    store(d_sums, row, d_sum)
                    store(d_square_sums, row, d_squares)
            if not saturated:
                for k in range(size):
                    d_sum = spread(0.0)
                    d_squares = spread(0.0)
                    for i in range(starts[k], starts[k + 1]):
                        d_sum = d_sum + load(d_sums, rows[i]) * values[i]
                        d_squares = d_squares + load(d_square_sums, rows[i]) * values[i]
                    store(b, k, d_sum)
                    store(b_slope, k, d_squares)
                factor(b, p, pivots)
                invert_factor(b, p)
                trace = trace_of_product(b, p, b_slope)
            for k in range(p):
                product = product * load(pivots, k)
                factors += 1
                if factors >= FLUSH or k == p - 1:
                    logs = logs + logarithm(product)
                    product = spread(1.0)
                    factors = 0
            value, slope = posterior(value, slope, logs, alpha, trace, log_alpha, load(state, PRIOR), precision)
            if remembers:
                store_rows(points, remember(log_alpha, value, slope, load_rows(points)))
                known = spread(1.0)

        # Each gene decides.
        if grid:
            step, done, at, best, center, proposal = try_next_point(
                value, log_alpha, load(state, STEP), load(state, AT), load(state, BEST), load(state, CENTER),
                grid_low, spacing,
            )  # fmt: skip
            store(state, BEST, best)
            store(state, CENTER, center)
        else:
            step, done, at, stored, first, slope, kappa, accepted, proposal = take_step(
                value, slope, log_alpha, load(state, STEP), load(state, AT), load(state, VALUE), load(state, FIRST),
                load(state, SLOPE), load(state, KAPPA), load(state, ACCEPTED), known,
            )  # fmt: skip
            store(state, VALUE, stored)
            store(state, FIRST, first)
            store(state, SLOPE, slope)
            store(state, KAPPA, kappa)
            store(state, ACCEPTED, accepted)
        store(state, STEP, step)
        store(state, DONE, done)
        store(state, AT, at)
        store(state, PROPOSAL, proposal)
        if remembers and predicted == 0:
            store_rows(curve, curve_through(load_rows(points), proposal))
        for lane in range(WIDTH):
            here = gene[lane]
            if here >= 0 and state[DONE, lane] > 0.0:
                for row in range(STEP, FIRST + 1):
                    out[row - STEP, here] = state[row, lane]
                out[FIRST - STEP + 1, here] = state[CONSTANT, lane]
                gene[lane] = -1
                busy -= 1
                for row in range(STATE_ROWS):
                    state[row, lane] = 0.0


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
    steps, log_alpha, last, first, lacking = _climb(
        counts, means, design, weights, prior_log_mean, prior_variance, log_start=log_start
    )
    lacking = lacking + 0.5 * _lacking(design, weights)
    return DispersionSearch(log_alpha, steps.astype(np.int64), first - lacking, last - lacking)


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
    return _climb(counts, means, design, weights, prior_log_mean, prior_variance, bounds=bounds)[1]


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
    products = design.products_of if weighted else design.basis_products_of
    rows = design.n_rows
    out = np.empty((5, n))
    low, high = bounds or (0.0, 0.0)
    y, mu, w, d_sums, d_squares, state, points, curve, b, b_slope, pivots = scratch.tiles(
        m, m, m if weighted else 1, rows, rows, STATE_ROWS, ROWS, ROWS, size, size, p
    )
    announce(climb)
    climb(
        scratch.plain(counts), scratch.plain(means), scratch.plain_or_nothing(weights), weighted,
        design.order, design.starts, *products, p, design.is_saturated and design.full_rank and not weighted,
        np.full(n, float(low)) if log_start is None else scratch.plain(log_start),
        np.zeros(n) if prior_log_mean is None else scratch.plain(prior_log_mean),
        0.0 if prior_variance is None else 1.0 / float(prior_variance),
        bounds is not None, float(low), float(high - low) / (GRID_POINTS - 1),
        bounds is None and m >= REMEMBERED_FROM,
        y, mu, w, d_sums, d_squares, state, points, curve, scratch.integers(), b, b_slope, pivots, out,
    )  # fmt: skip
    return out
