"""L-BFGS-B as R's ``optim`` runs it: same path, same stop, same bits.

The program of Zhu, Byrd, Lu & Nocedal (1997, TOMS 778), not its later revision 3.0, with central differences of 1e-3
for a gradient, five pairs in memory, a relative reduction of 1e7 epsilon as its only real stop, and 100 iterations.
Such loose rules make the answer a matter of the path, which is why it is followed to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.optimise._jit import compiled
from foldwise.optimise.cauchy import cauchy_point
from foldwise.optimise.limited_memory import (
    EPSILON,
    MEMORY,
    Memory,
    combined,
    dot,
    empty_memory,
    factor_pairs,
    store_pair,
)
from foldwise.optimise.line_search import begin, next_step
from foldwise.optimise.subspace import subspace_step, update_products

DIFFERENCE = 1e-3  # ndeps
REDUCTION = 1e7  # factr, in units of epsilon
ITERATIONS = 100  # maxit
EVALUATIONS_A_SEARCH = 20
LONGEST_STEP = 1e10

CONVERGED_FLAT, CONVERGED_REDUCTION, TOO_MANY, NO_DESCENT = 0, 1, 2, 3
CODES = (0, 0, 1, 52)  # R's convergence codes
MESSAGES = (
    "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL",
    "CONVERGENCE: REL_REDUCTION_OF_F <= FACTR*EPSMCH",
    "NEW_X",
    "ERROR: ABNORMAL_TERMINATION_IN_LNSRCH",
)


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where an optimiser ended.

    point : (n,) where. value : of the objective there.
    code : R's: 0 converged, 1 out of iterations, 52 the line search found no descent (10 a degenerate simplex).
    message : R's words. evaluations : of the objective, those for the gradient not counted.
    """

    point: FloatArray
    value: float
    code: int
    message: str
    evaluations: int


@compiled
def moved_inside(x: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """The nearest point in the box, as a new array."""
    out = np.empty(x.shape[0])
    for k in range(x.shape[0]):
        out[k] = min(max(x[k], lower[k]), upper[k])
    return out


@compiled
def surrounding_points(x: FloatArray, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The point and its neighbours 1e-3 up and down each coordinate (not beyond the box), and their distances."""
    n = x.shape[0]
    points = np.empty((2 * n + 1, n))
    for i in range(2 * n + 1):
        for k in range(n):
            points[i, k] = x[k]
    distances = np.empty(n)
    for k in range(n):
        up, down = DIFFERENCE, DIFFERENCE
        points[2 * k + 1, k] = x[k] + up
        if points[2 * k + 1, k] > upper[k]:
            points[2 * k + 1, k] = upper[k]
            up = upper[k] - x[k]
        points[2 * k + 2, k] = x[k] - down
        if points[2 * k + 2, k] < lower[k]:
            points[2 * k + 2, k] = lower[k]
            down = x[k] - lower[k]
        distances[k] = up + down
    return points, distances


@compiled
def central_differences(values: FloatArray, distances: FloatArray) -> FloatArray:
    """The gradient from the values at :func:`surrounding_points`; 0 for a variable that its box holds fast."""
    gradient = np.zeros(distances.shape[0])
    for k in range(distances.shape[0]):
        if distances[k] > 0.0:
            gradient[k] = (values[2 * k + 1] - values[2 * k + 2]) / distances[k]
    return gradient


@compiled
def is_stationary(x: FloatArray, gradient: FloatArray, lower: FloatArray, upper: FloatArray) -> bool:
    """Whether the projected gradient is exactly 0 (R's pgtol is 0)."""
    for i in range(x.shape[0]):
        g = gradient[i]
        if (max(x[i] - upper[i], g) if g < 0.0 else min(x[i] - lower[i], g)) != 0.0:
            return False
    return True


@compiled
def find_target(
    x: FloatArray,
    gradient: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    memory: Memory,
    theta: float,
    stored: int,
    just_stored: bool,
    free: BoolArray,
) -> tuple[FloatArray, bool]:
    """Where the model's minimum lies; False where the pairs have to be dropped first. ``free`` is updated."""
    n_pairs = min(stored, MEMORY)
    free_before = free.copy()
    if n_pairs > 0 and not (np.isfinite(lower).any() or np.isfinite(upper).any()):
        z, c = x.copy(), np.zeros(2 * n_pairs)
        free[:] = True
    else:
        z, c = cauchy_point(x, gradient, lower, upper, memory, theta, n_pairs, free)
    if n_pairs == 0 or not free.any():
        return z, True
    update_products(memory, stored, just_stored, free, free_before)
    return z, subspace_step(x, gradient, lower, upper, memory, theta, n_pairs, z, c, free)


@compiled
def step_limits(
    x: FloatArray, d: FloatArray, lower: FloatArray, upper: FloatArray, iteration: int
) -> tuple[float, float]:
    """First and largest step along d."""
    boxed = np.isfinite(lower).all() and np.isfinite(upper).all()
    largest = LONGEST_STEP
    if np.isfinite(lower).any() or np.isfinite(upper).any():
        if iteration == 0:
            largest = 1.0
        else:
            for i in range(x.shape[0]):
                room = (upper[i] if d[i] > 0.0 else lower[i]) - x[i]
                if d[i] != 0.0 and (room <= 0.0 if d[i] > 0.0 else room >= 0.0):
                    largest = 0.0
                elif (d[i] > 0.0 and d[i] * largest > room) or (d[i] < 0.0 and d[i] * largest < room):
                    largest = room / d[i]
    first = 1.0 if boxed or iteration > 0 else min(1.0 / np.sqrt(dot(d, d)), largest)
    return first, largest


def optimiser(objective: Callable[..., Any]) -> Callable[..., tuple[FloatArray, float, int, int]]:
    """The optimiser of one objective, fit to be run by Python or compiled.

    objective : of (points, data), points (n_points, n); returns (n_points,) values.
    Returns a function of (data, start, lower, upper) -> the point, its value, how it ended (index of CODES),
    evaluations. (The objective is bound, not passed: numba caches no function that is handed another.)
    """

    def run(data: Any, start: FloatArray, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, float, int, int]:
        x = moved_inside(start, lower, upper)
        points, distances = surrounding_points(x, lower, upper)
        values = objective(points, data)
        value, gradient = values[0], central_differences(values, distances)
        evaluations, iteration = 1, 0
        if is_stationary(x, gradient, lower, upper):
            return x, value, CONVERGED_FLAT, evaluations
        memory = empty_memory(x.shape[0])
        free, nothing = np.ones(x.shape[0], np.bool_), np.zeros(x.shape[0])
        theta, stored, just_stored = 1.0, 0, False
        while True:
            z, ok = find_target(x, gradient, lower, upper, memory, theta, stored, just_stored, free)
            if not ok:
                theta, stored, just_stored = 1.0, 0, False
                continue
            d = combined(z, -1.0, x)
            slope = dot(gradient, d)
            first, largest = step_limits(x, d, lower, upper, iteration)
            x_old, value_old, gradient_old, slope_old = x, value, gradient, slope
            search = begin(first, largest, value, slope)
            tried = 0
            ok = slope < 0.0 and largest >= first
            while ok:
                x = z if search.step == 1.0 else combined(x_old, search.step, d)
                points, distances = surrounding_points(x, lower, upper)
                values = objective(points, data)
                value, gradient = values[0], central_differences(values, distances)
                evaluations += 1
                tried += 1
                slope = dot(gradient, d)
                search = next_step(search, value, slope)
                if search.done:
                    break
                ok = tried < EVALUATIONS_A_SEARCH
            if not ok:
                x, value, gradient = x_old, value_old, gradient_old
                if stored == 0:
                    return x, value, NO_DESCENT, evaluations
                theta, stored, just_stored = 1.0, 0, False
                continue
            iteration += 1
            if iteration > ITERATIONS:
                return x, value, TOO_MANY, evaluations
            if is_stationary(x, gradient, lower, upper):
                return x, value, CONVERGED_FLAT, evaluations
            if value_old - value <= REDUCTION * EPSILON * max(abs(value_old), abs(value), 1.0):
                return x, value, CONVERGED_REDUCTION, evaluations
            step = search.step
            change = combined(gradient, -1.0, gradient_old)
            step_change = step * (slope - slope_old)
            just_stored = step_change > EPSILON * (step * -slope_old)
            if just_stored:
                stored += 1
                taken = combined(nothing, step, d)
                store_pair(memory, stored, taken, change, step_change, step * step * dot(d, d))
                theta = dot(change, change) / step_change
                if not factor_pairs(memory, theta, min(stored, MEMORY)):
                    theta, stored, just_stored = 1.0, 0, False

    return run


def minimise(
    objective: Callable[[FloatArray], Any],
    start: FloatArray,
    lower: FloatArray | float = -np.inf,
    upper: FloatArray | float = np.inf,
    *,
    vectorised: bool = False,
) -> Minimum:
    """Minimise a function of several variables in a box, as R's ``optim(method="L-BFGS-B")`` with its defaults.

    Parameters
    ----------
    objective : function of a point (n,), returning a finite number. With ``vectorised``, of many points
        (n_points, n), returning (n_points,) values: each point comes with the 2 n neighbours that make its gradient.
    start : (n,) moved into the box if it lies outside.
    lower, upper : (n,) or one number for all; infinite where there is no bound.

    Raises
    ------
    ValueError
        If the objective is not finite at the start.

    Source
    ------
    Byrd, Lu, Nocedal & Zhu (1995), SIAM J. Sci. Comput. 16; Zhu, Byrd, Lu & Nocedal (1997), TOMS 23 (778).
    """
    point = np.array(start, dtype=np.float64).ravel()
    low, high = (np.broadcast_to(np.asarray(bound, np.float64), point.shape).copy() for bound in (lower, upper))

    def values(points: FloatArray, _: None) -> FloatArray:
        found = objective(points) if vectorised else [float(objective(row)) for row in points]
        array = np.asarray(found, dtype=np.float64)
        if not np.isfinite(array).all():
            raise ValueError("L-BFGS-B needs an objective that is finite wherever it is evaluated.")
        return array

    at, value, end, evaluations = optimiser(values)(None, point, low, high)
    return Minimum(at, float(value), CODES[end], MESSAGES[end], evaluations)


def maximise(
    objective: Callable[[FloatArray], Any],
    start: FloatArray,
    lower: FloatArray | float = -np.inf,
    upper: FloatArray | float = np.inf,
    *,
    vectorised: bool = False,
) -> Minimum:
    """:func:`minimise` for the largest value, as R's ``control=list(fnscale=-1)``; the value has its own sign."""
    found = minimise(lambda x: -np.asarray(objective(x)), start, lower, upper, vectorised=vectorised)
    return Minimum(found.point, -found.value, found.code, found.message, found.evaluations)
