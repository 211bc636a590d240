"""Searches for the mode of apeglm's posterior, along R's path, and on to the optimum.

R's first optimiser (limited-memory BFGS with a strong Wolfe line search: Nocedal & Wright 2006, algorithms 3.5, 3.6
and 7.4) stops when a step gains less than about 1e-7 of the value at zero, so that its answer is a point on a path,
not the optimum: to give R's numbers the path must be walked, same starts, same line search, same stopping rule.

``state`` : (STATE_ROWS, p), a row for each thing that ``cauchy_posterior`` names, then the pairs. ``products`` :
(3, MEMORY).
"""

from __future__ import annotations

import numpy as np

from foldwise.kernels._jit import part
from foldwise.kernels.cauchy_posterior import (
    CHANGE,
    DIRECTION,
    GRADIENT,
    LOW_GRADIENT,
    LOW_POINT,
    OLD_GRADIENT,
    OTHER,
    PAIRS,
    POINT,
    START,
    STEP,
    exact_covariance,
    exact_objective,
    objective,
)

MEMORY = 6  # pairs kept by the limited-memory search
STATE_ROWS = int(PAIRS) + 2 * MEMORY
NOTHING = np.int64(0)
MAX_STEPS = 300
MAX_TRIALS = 100  # evaluations of a line search
STOP = 1e-8  # on the gradient, and on the relative gain
DECREASE, CURVATURE = 1e-4, 0.9  # Wolfe's constants
TOO_NEAR = 0.01  # of the bracket, for a trial at an end
OFFSET = 10.0  # R adds it to the scaled objective: it makes the relative stopping rule an absolute one
EPS = 2.220446049250313e-16
BFGS_STEPS, BFGS_CUT, BFGS_TOL = 100, 0.2, 1.4901161193847656e-08
BFGS_UNIT = 10.0  # a coordinate that does not change 10 + x has not moved
NEWTON_STEPS, NEWTON_TOL, NEWTON_NOISE = 200, 1e-11, 1e-6


@part
def dot(state, a, b):
    value = 0.0
    for k in range(state.shape[1]):
        value += state[a, k] * state[b, k]
    return value


@part
def _line_search(value0, step, scaling, gene, design, groups, counted, cauchy, size, slopes, state):
    """Strong Wolfe conditions by bracketing and quadratic interpolation: (value, found).

    From START along DIRECTION; the point reached and its gradient are left in place.
    """
    p = state.shape[1]
    for k in range(p):
        state[START, k] = state[LOW_POINT, k] = state[POINT, k]
        state[LOW_GRADIENT, k] = state[GRADIENT, k]
    slope0 = dot(state, GRADIENT, DIRECTION)
    low, value_low, slope_low = 0.0, value0, slope0
    high, value_high, bracketed = 0.0, 0.0, False
    for _ in range(MAX_TRIALS if slope0 <= 0.0 else 0):
        if bracketed:
            gap, rise = high - low, value_high - value_low
            step = (rise * low - 0.5 * (low + high) * gap * slope_low) / (rise - gap * slope_low)
            from_low, from_high = abs(step - low), abs(step - high)
            between = (low < step < high) or (high < step < low)
            if not (between and from_low >= TOO_NEAR * abs(gap) and from_high >= TOO_NEAR * abs(gap)):
                step = 0.5 * (low + high)
        for k in range(p):
            state[POINT, k] = state[START, k] + step * state[DIRECTION, k]
        value = (
            objective(gene, design, groups, counted, cauchy, size, slopes, state, POINT, GRADIENT) / scaling + OFFSET
        )
        slope = 0.0
        for k in range(p):
            state[GRADIENT, k] /= scaling
            slope += state[GRADIENT, k] * state[DIRECTION, k]
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
        for k in range(p):
            state[LOW_POINT, k] = state[POINT, k]
            state[LOW_GRADIENT, k] = state[GRADIENT, k]
        if not bracketed:
            step *= 2.0
    for k in range(p):
        state[POINT, k] = state[LOW_POINT, k]
        state[GRADIENT, k] = state[LOW_GRADIENT, k]
    return value_low, low > 0.0


@part
def _quasi_newton_direction(state, products, stored, newest):
    """Minus the inverse Hessian of the stored pairs times the gradient, by the two-loop recursion.

    ``products`` : 1 / s'y of each pair, s'y / y'y of each, and scratch.
    """
    p = state.shape[1]
    for k in range(p):
        state[DIRECTION, k] = -state[GRADIENT, k]
    at = newest
    for _ in range(stored):
        share = dot(state, PAIRS + at, DIRECTION) * products[0, at]
        products[2, at] = share
        for k in range(p):
            state[DIRECTION, k] -= share * state[PAIRS + MEMORY + at, k]
        at = at - 1 if at > 0 else MEMORY - 1
    first = products[1, newest] if stored > 0 else 1.0
    for k in range(p):
        state[DIRECTION, k] *= first
    for _ in range(stored):
        at = at + 1 if at < MEMORY - 1 else 0
        share = products[2, at] - dot(state, PAIRS + MEMORY + at, DIRECTION) * products[0, at]
        for k in range(p):
            state[DIRECTION, k] += share * state[PAIRS + at, k]


@part
def limited_memory_search(first, scaling, gene, design, groups, counted, cauchy, size, slopes, state, products):
    """From (first, -first, first, ...) to where R's first optimiser stops; False if a line search failed."""
    p = state.shape[1]
    for k in range(p):
        state[POINT, k] = first if k % 2 == 0 else -first
    value = objective(gene, design, groups, counted, cauchy, size, slopes, state, POINT, GRADIENT) / scaling + OFFSET
    for k in range(p):
        state[GRADIENT, k] /= scaling
    stored, newest, old_value = NOTHING, NOTHING, value
    for iteration in range(MAX_STEPS + 1):
        length = np.sqrt(dot(state, GRADIENT, GRADIENT))
        if length <= STOP or length <= STOP * np.sqrt(dot(state, POINT, POINT)):
            return True
        if iteration > 0:
            if abs(old_value - value) <= STOP * max(abs(value), abs(old_value), 1.0) or iteration == MAX_STEPS:
                return True
            along, changed = 0.0, 0.0
            for k in range(p):
                state[STEP, k] = state[POINT, k] - state[START, k]
                state[CHANGE, k] = state[GRADIENT, k] - state[OLD_GRADIENT, k]
                along += state[STEP, k] * state[CHANGE, k]
                changed += state[CHANGE, k] * state[CHANGE, k]
            if along > EPS * changed:
                newest = newest + 1 if newest < MEMORY - 1 else NOTHING
                stored = stored + 1 if stored < MEMORY else stored
                products[0, newest], products[1, newest] = 1.0 / along, along / changed
                for k in range(p):
                    state[PAIRS + newest, k] = state[STEP, k]
                    state[PAIRS + MEMORY + newest, k] = state[CHANGE, k]
        _quasi_newton_direction(state, products, stored, newest)
        for k in range(p):
            state[OLD_GRADIENT, k] = state[GRADIENT, k]
        old_value = value
        step = 1.0 if iteration > 0 else 1.0 / length
        value, found = _line_search(value, step, scaling, gene, design, groups, counted, cauchy, size, slopes, state)
        if not found:
            return False
    return True


@part
def _update_inverse(inverse, state):
    """Update by STEP and CHANGE; False (and no update) if the curvature is not positive. OTHER is scratch."""
    p = state.shape[1]
    along = dot(state, STEP, CHANGE)
    if not along > 0.0:
        return False
    for k in range(p):
        state[OTHER, k] = 0.0
        for q in range(p):
            state[OTHER, k] += inverse[k, q] * state[CHANGE, q]
    factor = 1.0 + dot(state, OTHER, CHANGE) / along
    for k in range(p):
        s, b = state[STEP, k], state[OTHER, k]
        for q in range(p):
            inverse[k, q] += (factor * s * state[STEP, q] - s * state[OTHER, q] - b * state[STEP, q]) / along
    return True


@part
def variable_metric_search(
    counts, log_factors, weights, matrix, gene, design, groups, counted, cauchy, size, slopes, state, inverse
):
    """From POINT, as R's general optimiser goes on; True if it ended by itself.

    Nash (1990), Compact Numerical Methods for Computers, algorithm 21.
    """
    p = state.shape[1]
    value = -1.0
    shift = exact_objective(counts, log_factors, weights, matrix, cauchy, size, state) + 1.0
    objective(gene, design, groups, counted, cauchy, size, slopes, state, POINT, GRADIENT)
    gradients, reset_at = 1, 1
    while gradients < BFGS_STEPS:
        slope = 0.0
        for k in range(p):
            state[START, k] = state[POINT, k]
            state[DIRECTION, k] = 0.0
            for q in range(p):
                if reset_at == gradients:
                    inverse[k, q] = 1.0 if k == q else 0.0
                state[DIRECTION, k] -= inverse[k, q] * state[GRADIENT, q]
            slope += state[GRADIENT, k] * state[DIRECTION, k]
        step, moved, changed = 1.0, slope < 0.0, False
        while moved:
            moved = False
            for k in range(p):
                state[POINT, k] = state[START, k] + step * state[DIRECTION, k]
                moved = moved or BFGS_UNIT + state[START, k] != BFGS_UNIT + state[POINT, k]
            new_value = exact_objective(counts, log_factors, weights, matrix, cauchy, size, state) - shift
            if moved and np.isfinite(new_value) and new_value <= value + DECREASE * step * slope:
                changed = abs(new_value - value) > BFGS_TOL * (abs(value) + BFGS_TOL)
                value = new_value
                break
            step *= BFGS_CUT
        if not changed:
            if reset_at == gradients:
                return True
            reset_at = gradients
            continue
        for k in range(p):
            state[OLD_GRADIENT, k] = state[GRADIENT, k]
        objective(gene, design, groups, counted, cauchy, size, slopes, state, POINT, GRADIENT)
        gradients += 1
        for k in range(p):
            state[STEP, k] = state[POINT, k] - state[START, k]
            state[CHANGE, k] = state[GRADIENT, k] - state[OLD_GRADIENT, k]
        if not _update_inverse(inverse, state) or gradients - reset_at > 2 * p:
            reset_at = gradients
    return False


@part
def to_optimum(gene, design, groups, counted, cauchy, size, slopes, state, hessian, inverse):
    """Damped Newton steps from POINT to where the gradient vanishes; True if it got there.

    Where the Hessian is not positive (beyond the scale of the Cauchy prior) it is made so by a growing ridge.
    """
    p = state.shape[1]
    value = objective(gene, design, groups, counted, cauchy, size, slopes, state, POINT, GRADIENT)
    ridge = 0.0
    for _ in range(NEWTON_STEPS):
        good = exact_covariance(gene, design, groups, cauchy, size, state, ridge, hessian, inverse)
        longest = 0.0
        for k in range(p):
            state[DIRECTION, k] = 0.0
            for q in range(p):
                state[DIRECTION, k] -= inverse[k, q] * state[GRADIENT, q]
            longest = max(longest, abs(state[DIRECTION, k]))
            state[START, k] = state[POINT, k] + state[DIRECTION, k]
        slope = dot(state, DIRECTION, GRADIENT)
        if good and longest < NEWTON_TOL and ridge == 0.0:
            return True
        if good and slope <= 0.0:
            new_value = objective(gene, design, groups, counted, cauchy, size, slopes, state, START, CHANGE)
            # Near the optimum the gain drowns in rounding: there the gradient decides.
            calmer = slope > -NEWTON_NOISE and dot(state, CHANGE, CHANGE) < dot(state, GRADIENT, GRADIENT)
            if new_value <= value + DECREASE * slope or calmer:
                value = new_value
                for k in range(p):
                    state[POINT, k] = state[START, k]
                    state[GRADIENT, k] = state[CHANGE, k]
                ridge = 0.0 if ridge < DECREASE else 0.1 * ridge
                continue
            if longest < NEWTON_NOISE and ridge == 0.0:
                return True
        ridge = max(10.0 * ridge, 1e-3)
    return False
