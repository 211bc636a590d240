"""L-BFGS-B as R's ``optim`` runs it: same path, same stop, same bits.

The program of Zhu, Byrd, Lu & Nocedal (1997, TOMS 778), not its later revision 3.0, with central differences of 1e-3
for a gradient, five pairs in memory, a relative reduction of 1e7 epsilon as its only real stop, and 100 iterations.
Such loose rules make the answer a matter of the path, which is why it is followed to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.optimise.cauchy import cauchy_point
from foldwise.optimise.limited_memory import (
    EPSILON,
    Memory,
    Vector,
    combined,
    dot,
    factor_pairs,
    quotient,
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


ValuesAt = Callable[[list[Vector]], Vector]


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


def moved_inside(x: Vector, lower: Vector, upper: Vector) -> Vector:
    """The nearest point in the box."""
    return [min(max(value, low), high) for value, low, high in zip(x, lower, upper, strict=True)]


def surrounding_points(x: Vector, lower: Vector, upper: Vector) -> tuple[list[Vector], Vector]:
    """The point and its neighbours 1e-3 up and down each coordinate (not beyond the box), and their distances."""
    points, distances = [x], []
    for k, value in enumerate(x):
        above, up = value + DIFFERENCE, DIFFERENCE
        if above > upper[k]:
            above, up = upper[k], upper[k] - value
        below, down = value - DIFFERENCE, DIFFERENCE
        if below < lower[k]:
            below, down = lower[k], value - lower[k]
        for moved in (above, below):
            point = list(x)
            point[k] = moved
            points.append(point)
        distances.append(up + down)
    return points, distances


def value_and_gradient(values_at: ValuesAt, x: Vector, lower: Vector, upper: Vector) -> tuple[float, Vector]:
    """The value, and the gradient by central differences; 0 for a variable that its box holds fast."""
    points, distances = surrounding_points(x, lower, upper)
    values = values_at(points)
    gradient = [
        (up - down) / distance if distance > 0.0 else 0.0
        for up, down, distance in zip(values[1::2], values[2::2], distances, strict=True)
    ]
    return values[0], gradient


def is_stationary(x: Vector, gradient: Vector, lower: Vector, upper: Vector) -> bool:
    """Whether the projected gradient is exactly 0 (R's pgtol is 0)."""
    for i, g in enumerate(gradient):
        if (max(x[i] - upper[i], g) if g < 0.0 else min(x[i] - lower[i], g)) != 0.0:
            return False
    return True


def find_target(
    x: Vector, gradient: Vector, lower: Vector, upper: Vector, memory: Memory, free: list[bool]
) -> tuple[Vector, bool]:
    """Where the model's minimum lies; False where the pairs have to be dropped first. ``free`` is updated."""
    free_before = list(free)
    if memory.s and not any(map(math.isfinite, lower + upper)):
        z, c = list(x), [0.0] * (2 * len(memory.s))
        free[:] = [True] * len(x)
    else:
        z, c = cauchy_point(x, gradient, lower, upper, memory, free)
    if not memory.s or not any(free):
        return z, True
    update_products(memory, free, free_before)
    return z, subspace_step(x, gradient, lower, upper, memory, z, c, free)


def step_limits(x: Vector, d: Vector, lower: Vector, upper: Vector, iteration: int) -> tuple[float, float]:
    """First and largest step along d."""
    finite = [math.isfinite(bound) for bound in lower + upper]
    largest = LONGEST_STEP
    if any(finite):
        if iteration == 0:
            largest = 1.0
        else:
            for i, speed in enumerate(d):
                room = (upper[i] if speed > 0.0 else lower[i]) - x[i]
                if speed != 0.0 and (room <= 0.0 if speed > 0.0 else room >= 0.0):
                    largest = 0.0
                elif (speed > 0.0 and speed * largest > room) or (speed < 0.0 and speed * largest < room):
                    largest = room / speed
    first = 1.0 if all(finite) or iteration > 0 else min(quotient(1.0, math.sqrt(dot(d, d))), largest)
    return first, largest


def run(values_at: ValuesAt, start: Vector, lower: Vector, upper: Vector) -> tuple[Vector, float, int, int]:
    """The point, its value, how it ended (index of CODES), evaluations.

    values_at : the objective at many points; they come with the point that they surround first.
    """
    x = moved_inside(start, lower, upper)
    value, gradient = value_and_gradient(values_at, x, lower, upper)
    evaluations, iteration = 1, 0
    if is_stationary(x, gradient, lower, upper):
        return x, value, CONVERGED_FLAT, evaluations
    memory, free = Memory(), [True] * len(x)
    while True:
        z, ok = find_target(x, gradient, lower, upper, memory, free)
        if not ok:
            memory.drop_pairs()
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
            value, gradient = value_and_gradient(values_at, x, lower, upper)
            evaluations += 1
            tried += 1
            slope = dot(gradient, d)
            search = next_step(search, value, slope)
            if search.done:
                break
            ok = tried < EVALUATIONS_A_SEARCH
        if not ok:
            x, value, gradient = x_old, value_old, gradient_old
            if memory.stored == 0:
                return x, value, NO_DESCENT, evaluations
            memory.drop_pairs()
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
        memory.just_stored = step_change > EPSILON * (step * -slope_old)
        if memory.just_stored:
            store_pair(memory, [step * speed for speed in d], change, step_change, step * step * dot(d, d))
            memory.theta = dot(change, change) / step_change
            if not factor_pairs(memory):
                memory.drop_pairs()


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
    low, high = (np.broadcast_to(np.asarray(bound, np.float64), point.shape).tolist() for bound in (lower, upper))

    def values_at(points: list[Vector]) -> Vector:
        array = np.array(points)
        found = objective(array) if vectorised else [float(objective(row)) for row in array]
        values: Vector = np.asarray(found, dtype=np.float64).tolist()
        if not all(map(math.isfinite, values)):
            raise ValueError("L-BFGS-B needs an objective that is finite wherever it is evaluated.")
        return values

    at, value, end, evaluations = run(values_at, point.tolist(), low, high)
    return Minimum(np.array(at), value, CODES[end], MESSAGES[end], evaluations)


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
