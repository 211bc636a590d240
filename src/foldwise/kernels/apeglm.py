"""The posterior of one coefficient under a Cauchy prior, climbed gene by gene along R's path.

Zhu, Ibrahim & Love (2019), "Heavy-tailed prior distributions for sequence count data". The likelihood is
negative binomial with known size r = 1 / dispersion; the coefficient to shrink has a Cauchy prior, every other
one a normal prior of standard deviation 15 (natural log). R's first optimiser stops when a step gains less than
about 1e-7 of the value at zero, so that its answer is a point on a path, not the optimum: to give R's numbers the
path must be walked, same starts, same line search, same stopping rule. ``to_optimum`` goes on from there.

Names: ``gene`` holds a gene's rows of samples (counts, log factors, weights), ``design`` is transposed, (p, m), so
that every inner loop runs along samples, ``cauchy[k]`` says which prior coefficient k has, ``state`` holds rows of
length p: the point, its gradient, the direction, and what the searches remember.
"""

from __future__ import annotations

import numpy as np
from numba import njit


def kernel(function):  # type: ignore[no-untyped-def]
    return njit(cache=True, nogil=True, error_model="numpy")(function)


MEMORY = 6  # pairs kept by the limited-memory search
MAX_STEPS = 300
MAX_TRIALS = 100  # evaluations of a line search
STOP = 1e-8  # on the gradient, and on the relative gain
DECREASE, CURVATURE = 1e-4, 0.9  # Wolfe's constants
OFFSET = 10.0  # R adds it to the scaled objective: it makes the relative stopping rule an absolute one
APART = 0.01  # the two starts must agree to this
BFGS_STEPS = 100
BFGS_TOL = 1.4901161193847656e-08
BFGS_STEP_CUT = 0.2
EXCEEDS = 10.0  # a coordinate that does not change 10 + x has not moved
HESSIAN_STEP = 1e-3
OTHER_PRECISION = 1.0 / 225.0  # prior of the coefficients that are not shrunk: N(0, 15^2), natural log
EPS = 2.220446049250313e-16
NEWTON_STEPS = 100
NEWTON_TOL = 1e-11

STATE_ROWS = 10
POINT, GRADIENT, DIRECTION, START, LOW_POINT, LOW_GRADIENT, OLD_GRADIENT, STEP, CHANGE, SPARE = range(STATE_ROWS)

# A gene's status.
NOT_FITTED, FIRST_SEARCH, SECOND_SEARCH, NOT_CONVERGED, NO_VARIANCE = -1, 0, 1, 2, 3


@kernel
def _dot(a, b):
    total = 0.0
    for k in range(a.size):
        total += a[k] * b[k]
    return total


@kernel
def _minus_log_prior(beta, cauchy, scale):
    value = 0.0
    for k in range(beta.size):
        if cauchy[k]:
            value += np.log1p(beta[k] * beta[k] / (scale * scale))
        else:
            value += 0.5 * OTHER_PRECISION * beta[k] * beta[k]
    return value


@kernel
def objective(beta, gene, design, size, cauchy, scale, gradient):
    """Minus the log posterior, up to a constant of the gene; its gradient is left in ``gradient``."""
    p, m = design.shape
    for k in range(p):
        slope = 2.0 / (scale * scale + beta[k] * beta[k]) if cauchy[k] else OTHER_PRECISION
        gradient[k] = slope * beta[k]
    value = 0.0
    for j in range(m):
        eta = 0.0
        for k in range(p):
            eta += design[k, j] * beta[k]
        mean = np.exp(eta + gene[1, j])
        total = size + mean
        value -= gene[2, j] * (gene[0, j] * eta - (gene[0, j] + size) * np.log(total))
        slope = gene[2, j] * ((gene[0, j] + size) * mean / total - gene[0, j])
        for k in range(p):
            gradient[k] += design[k, j] * slope
    return value + _minus_log_prior(beta, cauchy, scale)


@kernel
def exact_objective(beta, gene, design, size, cauchy, scale):
    """Its value with the sum over samples in doubled precision.

    R sums in 80 bits here, and its second optimiser stops on differences of 1e-8: with a plain sum it would meet
    other rounding noise and stop elsewhere.
    """
    p, m = design.shape
    high, low = 0.0, 0.0
    for j in range(m):
        eta = 0.0
        for k in range(p):
            eta += design[k, j] * beta[k]
        term = gene[2, j] * (gene[0, j] * eta - (gene[0, j] + size) * np.log(size + np.exp(eta + gene[1, j])))
        total = high + term
        back = total - high
        low += (high - (total - back)) + (term - back)
        high = total
    return _minus_log_prior(beta, cauchy, scale) - (high + low)


@kernel
def _trial(step, scaling, gene, design, size, cauchy, scale, state):
    """Value of the scaled objective at START + step * DIRECTION; the point and its gradient are left in place."""
    for k in range(state.shape[1]):
        state[POINT, k] = state[START, k] + step * state[DIRECTION, k]
    value = objective(state[POINT], gene, design, size, cauchy, scale, state[GRADIENT])
    for k in range(state.shape[1]):
        state[GRADIENT, k] /= scaling
    return value / scaling + OFFSET


@kernel
def _inside(step, low, high):
    """Is a trial strictly inside the bracket, and not too near an end?"""
    margin = 0.01 * abs(high - low)
    near = abs(step - low) < margin or abs(step - high) < margin
    return np.isfinite(step) and min(low, high) < step < max(low, high) and not near


@kernel
def _line_search(value0, step, scaling, gene, design, size, cauchy, scale, state):
    """Strong Wolfe conditions by bracketing and quadratic interpolation: (value, found)."""
    for k in range(state.shape[1]):
        state[START, k] = state[LOW_POINT, k] = state[POINT, k]
        state[LOW_GRADIENT, k] = state[GRADIENT, k]
    slope0 = _dot(state[GRADIENT], state[DIRECTION])
    if not slope0 <= 0.0:
        return value0, False
    low, value_low, slope_low = 0.0, value0, slope0
    high, value_high, bracketed = 0.0, 0.0, False
    for _ in range(MAX_TRIALS):
        if bracketed:
            gap, rise = high - low, value_high - value_low
            step = (rise * low - 0.5 * (low + high) * gap * slope_low) / (rise - gap * slope_low)
            if not _inside(step, low, high):
                step = 0.5 * (low + high)
        value = _trial(step, scaling, gene, design, size, cauchy, scale, state)
        slope = _dot(state[GRADIENT], state[DIRECTION])
        if value - value0 > DECREASE * step * slope0 or ((bracketed or low > 0.0) and value >= value_low):
            if bracketed and step == high:
                return value, False
            high, value_high, bracketed = step, value, True
            continue
        if abs(slope) <= -CURVATURE * slope0:
            return value, True
        if step == low:
            return value, False
        if not bracketed or slope * (high - low) >= 0.0:
            high, value_high = low, value_low
        bracketed = bracketed or slope >= 0.0
        low, value_low, slope_low = step, value, slope
        for k in range(state.shape[1]):
            state[LOW_POINT, k] = state[POINT, k]
            state[LOW_GRADIENT, k] = state[GRADIENT, k]
        if not bracketed:
            step *= 2.0
    for k in range(state.shape[1]):
        state[POINT, k] = state[LOW_POINT, k]
        state[GRADIENT, k] = state[LOW_GRADIENT, k]
    return value_low, low > 0.0


@kernel
def _remember(state, pairs, products, stored, newest):
    """Keep the last step and change of gradient, unless curvature is not positive: (stored, newest)."""
    for k in range(state.shape[1]):
        state[STEP, k] = state[POINT, k] - state[START, k]
        state[CHANGE, k] = state[GRADIENT, k] - state[OLD_GRADIENT, k]
    sy, yy = _dot(state[STEP], state[CHANGE]), _dot(state[CHANGE], state[CHANGE])
    if not sy > EPS * yy:
        return stored, newest
    place = (newest + 1) % MEMORY
    for k in range(state.shape[1]):
        pairs[0, place, k] = state[STEP, k]
        pairs[1, place, k] = state[CHANGE, k]
    products[0, place] = sy
    products[1, place] = yy
    return min(stored + 1, MEMORY), place


@kernel
def _quasi_newton_direction(state, pairs, products, stored, newest):
    """Minus the inverse Hessian of the stored pairs times the gradient, by the two-loop recursion."""
    direction = state[DIRECTION]
    for k in range(direction.size):
        direction[k] = -state[GRADIENT, k]
    at = newest
    for _ in range(stored):
        share = _dot(pairs[0, at], direction) / products[0, at]
        products[2, at] = share
        for k in range(direction.size):
            direction[k] -= share * pairs[1, at, k]
        at = (at + MEMORY - 1) % MEMORY
    if stored > 0:
        ratio = products[0, newest] / products[1, newest]
        for k in range(direction.size):
            direction[k] *= ratio
    for _ in range(stored):
        at = (at + 1) % MEMORY
        share = products[2, at] - _dot(pairs[1, at], direction) / products[0, at]
        for k in range(direction.size):
            direction[k] += share * pairs[0, at, k]


@kernel
def limited_memory_search(first, scaling, gene, design, size, cauchy, scale, state, pairs, products):
    """From (first, -first, first, ...) to where R's first optimiser stops; False if a line search failed."""
    p = state.shape[1]
    for k in range(p):
        state[START, k] = first if k % 2 == 0 else -first
        state[DIRECTION, k] = 0.0
    value = _trial(0.0, scaling, gene, design, size, cauchy, scale, state)
    stored, newest, old_value = 0, MEMORY - 1, value
    for iteration in range(MAX_STEPS + 1):
        length = np.sqrt(_dot(state[GRADIENT], state[GRADIENT]))
        if length <= STOP or length <= STOP * np.sqrt(_dot(state[POINT], state[POINT])):
            return True
        if iteration > 0:
            if abs(old_value - value) <= STOP * max(abs(value), abs(old_value), 1.0) or iteration == MAX_STEPS:
                return True
            stored, newest = _remember(state, pairs, products, stored, newest)
        _quasi_newton_direction(state, pairs, products, stored, newest)
        for k in range(p):
            state[OLD_GRADIENT, k] = state[GRADIENT, k]
        old_value = value
        step = 1.0 if iteration > 0 else 1.0 / length
        value, found = _line_search(value, step, scaling, gene, design, size, cauchy, scale, state)
        if not found:
            return False
    return True


@kernel
def variable_metric_search(gene, design, size, cauchy, scale, state, inverse):
    """Nash's variable-metric method from POINT, as R's general optimiser walks it; True if it ended by itself.

    Nash (1990), Compact Numerical Methods for Computers, algorithm 21.
    """
    p = state.shape[1]
    point, gradient, direction, start = state[POINT], state[GRADIENT], state[DIRECTION], state[START]
    shift = exact_objective(point, gene, design, size, cauchy, scale) + 1.0
    value = exact_objective(point, gene, design, size, cauchy, scale) - shift
    objective(point, gene, design, size, cauchy, scale, gradient)
    steps, gradients, reset_at = 1, 1, 1
    while steps < BFGS_STEPS:
        if reset_at == gradients:
            for k in range(p):
                for q in range(p):
                    inverse[k, q] = 1.0 if k == q else 0.0
        for k in range(p):
            start[k] = point[k]
            direction[k] = -_dot(inverse[k], gradient)
        slope = _dot(gradient, direction)
        changed, step, moved = False, 1.0, slope < 0.0
        if moved:
            while moved:
                moved = False
                for k in range(p):
                    point[k] = start[k] + step * direction[k]
                    moved = moved or EXCEEDS + start[k] != EXCEEDS + point[k]
                if not moved:
                    break
                new_value = exact_objective(point, gene, design, size, cauchy, scale) - shift
                if np.isfinite(new_value) and new_value <= value + DECREASE * step * slope:
                    changed = abs(new_value - value) > BFGS_TOL * (abs(value) + BFGS_TOL)
                    value = new_value
                    break
                step *= BFGS_STEP_CUT
        if changed:
            for k in range(p):
                state[OLD_GRADIENT, k] = gradient[k]
                state[STEP, k] = step * direction[k]
            objective(point, gene, design, size, cauchy, scale, gradient)
            steps += 1
            gradients += 1
            for k in range(p):
                state[CHANGE, k] = gradient[k] - state[OLD_GRADIENT, k]
            if not _update_inverse(inverse, state[STEP], state[CHANGE], state[SPARE]):
                reset_at = gradients
        else:
            if reset_at == gradients:
                return True
            reset_at = gradients
        if gradients - reset_at > 2 * p:
            reset_at = gradients
    return False


@kernel
def _update_inverse(inverse, step, change, product):
    """Broyden-Fletcher-Goldfarb-Shanno update; False (and no update) if the curvature is not positive."""
    p = step.size
    curvature = _dot(step, change)
    if not curvature > 0.0:
        return False
    for k in range(p):
        product[k] = _dot(inverse[k], change)
    factor = 1.0 + _dot(product, change) / curvature
    for k in range(p):
        for q in range(p):
            inverse[k, q] += (factor * step[k] * step[q] - step[k] * product[q] - product[k] * step[q]) / curvature
    return True


@kernel
def difference_hessian(gene, design, size, cauchy, scale, state, hessian):
    """Central differences of the gradient at POINT, made symmetric, as R takes its Hessian."""
    p = state.shape[1]
    for k in range(p):
        state[SPARE, k] = state[POINT, k]
    for k in range(p):
        state[SPARE, k] = state[POINT, k] + HESSIAN_STEP
        objective(state[SPARE], gene, design, size, cauchy, scale, state[STEP])
        state[SPARE, k] = state[POINT, k] - HESSIAN_STEP
        objective(state[SPARE], gene, design, size, cauchy, scale, state[CHANGE])
        state[SPARE, k] = state[POINT, k]
        for q in range(p):
            hessian[k, q] = (state[STEP, q] - state[CHANGE, q]) / (2.0 * HESSIAN_STEP)
    for k in range(p):
        for q in range(k):
            hessian[k, q] = hessian[q, k] = 0.5 * (hessian[k, q] + hessian[q, k])


@kernel
def analytic_hessian(gene, design, size, cauchy, scale, state, hessian):
    """Observed information at POINT; the Cauchy prior's curvature is negative beyond its scale."""
    p, m = design.shape
    square = scale * scale
    hessian[:, :] = 0.0
    for k in range(p):
        b2 = state[POINT, k] * state[POINT, k]
        hessian[k, k] = 2.0 * (square - b2) / (square + b2) ** 2 if cauchy[k] else OTHER_PRECISION
    for j in range(m):
        eta = 0.0
        for k in range(p):
            eta += design[k, j] * state[POINT, k]
        mean = np.exp(eta + gene[1, j])
        curvature = gene[2, j] * (gene[0, j] + size) * size * mean / (size + mean) ** 2
        for k in range(p):
            for q in range(p):
                hessian[k, q] += design[k, j] * curvature * design[q, j]


@kernel
def invert(matrix, inverse):
    """Gauss-Jordan with row exchanges; ``matrix`` is destroyed. False if it is singular."""
    p = matrix.shape[0]
    for k in range(p):
        for q in range(p):
            inverse[k, q] = 1.0 if k == q else 0.0
    for k in range(p):
        pivot = k
        for i in range(k + 1, p):
            if abs(matrix[i, k]) > abs(matrix[pivot, k]):
                pivot = i
        if not abs(matrix[pivot, k]) > 0.0:
            return False
        for q in range(p):
            matrix[k, q], matrix[pivot, q] = matrix[pivot, q], matrix[k, q]
            inverse[k, q], inverse[pivot, q] = inverse[pivot, q], inverse[k, q]
        by = 1.0 / matrix[k, k]
        for q in range(p):
            matrix[k, q] *= by
            inverse[k, q] *= by
        for i in range(p):
            if i != k:
                times = matrix[i, k]
                for q in range(p):
                    matrix[i, q] -= times * matrix[k, q]
                    inverse[i, q] -= times * inverse[k, q]
    return True


@kernel
def _has_variances(hessian, inverse):
    if not invert(hessian, inverse):
        return False
    for k in range(inverse.shape[0]):
        if not inverse[k, k] > 0.0:
            return False
    return True


@kernel
def to_optimum(gene, design, size, cauchy, scale, state, hessian, inverse):
    """Damped Newton steps from POINT to where the gradient vanishes; True if it got there.

    Where the Hessian is not positive (beyond the scale of the Cauchy prior) it is made so by a growing ridge.
    """
    p = state.shape[1]
    value = objective(state[POINT], gene, design, size, cauchy, scale, state[GRADIENT])
    ridge = 0.0
    for _ in range(NEWTON_STEPS):
        analytic_hessian(gene, design, size, cauchy, scale, state, hessian)
        for k in range(p):
            hessian[k, k] += ridge
        good = _has_variances(hessian, inverse)
        slope, longest = 0.0, 0.0
        if good:
            for k in range(p):
                state[DIRECTION, k] = -_dot(inverse[k], state[GRADIENT])
                longest = max(longest, abs(state[DIRECTION, k]))
            slope = _dot(state[DIRECTION], state[GRADIENT])
            good = slope <= 0.0
        if good and longest < NEWTON_TOL:
            return ridge == 0.0
        if good:
            for k in range(p):
                state[START, k] = state[POINT, k] + state[DIRECTION, k]
            new_value = objective(state[START], gene, design, size, cauchy, scale, state[CHANGE])
            # Near the optimum the gain drowns in rounding: there the gradient decides.
            gain = new_value <= value + DECREASE * slope
            good = gain or (slope > -1e-6 and _dot(state[CHANGE], state[CHANGE]) < _dot(state[GRADIENT], state[GRADIENT]))
            if not good and slope > -1e-20 * max(1.0, abs(value)):
                return True
        if good:
            value = new_value
            for k in range(p):
                state[POINT, k] = state[START, k]
                state[GRADIENT, k] = state[CHANGE, k]
            ridge = 0.0 if ridge < 1e-4 else 0.1 * ridge
        else:
            ridge = max(10.0 * ridge, 1e-3)
    return False


@kernel
def _restart_from_means(gene, reference, state):
    """Where a search ended in NaN: the log mean count of the reference samples, then -1, 1, -1, ..."""
    total = 0.0
    for j in range(reference.size):
        if reference[j]:
            total += gene[0, j]
    total /= reference.sum()
    for k in range(state.shape[1]):
        state[POINT, k] = -1.0 if k % 2 else 1.0
    state[POINT, 0] = np.log(total) if total > 0.0 else 0.0


@kernel
def _first_stage(gene, design, size, cauchy, scale, state, pairs, products, reference):
    """The point where the first of two searches stops, left in POINT; True if the second stops near it."""
    p = state.shape[1]
    state[START] = 0.0
    scaling = max(1.0, objective(state[START], gene, design, size, cauchy, scale, state[GRADIENT]))
    good = limited_memory_search(-0.1, scaling, gene, design, size, cauchy, scale, state, pairs, products)
    for k in range(p):
        state[SPARE, k] = state[POINT, k]
    good &= limited_memory_search(0.1, scaling, gene, design, size, cauchy, scale, state, pairs, products)
    finite = True
    for k in range(p):
        good &= abs(state[SPARE, k] - state[POINT, k]) <= APART
        finite &= np.isfinite(state[POINT, k])
    if not finite:
        _restart_from_means(gene, reference, state)
        return False
    return good


@kernel
def shrink_block(counts, log_factors, weights, design, dispersions, cauchy, scale, reference, converge, beta, variance, status):
    """Posterior modes and variances of a block of genes, natural log.

    counts : (g, m). log_factors, weights : (g, m), or (1, m) when the same for all. design : (p, m), transposed.
    dispersions : (g,), NaN for genes that are not fitted. cauchy : (p,). reference : (m,) samples at the base level.
    converge : go on to the optimum. beta, variance : (g, p), filled here, as is status : (g,).
    """
    g, m = counts.shape
    p = design.shape[0]
    gene = np.empty((3, m))
    state, pairs, products = np.empty((STATE_ROWS, p)), np.empty((2, MEMORY, p)), np.empty((3, MEMORY))
    hessian, inverse = np.empty((p, p)), np.empty((p, p))
    for i in range(g):
        total = 0.0
        for j in range(m):
            total += counts[i, j]
            gene[0, j] = counts[i, j]
            gene[1, j] = log_factors[i if log_factors.shape[0] > 1 else 0, j]
            gene[2, j] = weights[i if weights.shape[0] > 1 else 0, j]
        if not (total > 0.0 and np.isfinite(dispersions[i])):
            status[i] = NOT_FITTED
            beta[i] = np.nan
            variance[i] = np.nan
            continue
        size = 1.0 / dispersions[i]
        state[:, :] = 0.0
        agreed = _first_stage(gene, design, size, cauchy, scale, state, pairs, products, reference)
        status[i] = FIRST_SEARCH
        good = False
        if agreed:
            difference_hessian(gene, design, size, cauchy, scale, state, hessian)
            good = _has_variances(hessian, inverse)
        if not good:
            ended = variable_metric_search(gene, design, size, cauchy, scale, state, inverse)
            status[i] = SECOND_SEARCH if ended else NOT_CONVERGED
            difference_hessian(gene, design, size, cauchy, scale, state, hessian)
            good = _has_variances(hessian, inverse)
        if converge:
            status[i] = status[i] if to_optimum(gene, design, size, cauchy, scale, state, hessian, inverse) else NOT_CONVERGED
            analytic_hessian(gene, design, size, cauchy, scale, state, hessian)
            good = _has_variances(hessian, inverse)
        if not good:
            status[i] = NO_VARIANCE
        for k in range(p):
            beta[i, k] = state[POINT, k]
            variance[i, k] = inverse[k, k] if good else np.nan
