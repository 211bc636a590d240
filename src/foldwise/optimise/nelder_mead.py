"""The simplex of Nelder & Mead (1965) as R's ``optim`` moves it by default: same path, same stop."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.optimise.lbfgsb import Minimum

TOLERANCE = 1.490116119384766e-08  # reltol
EVALUATIONS = 500  # maxit
NOT_FINITE = 1e35
MESSAGES = {0: "converged", 1: "more than 500 evaluations", 10: "the simplex is degenerate"}


def _first_simplex(start: FloatArray) -> tuple[FloatArray, float]:
    """The start and a step along each coordinate, and the size that a shrunken simplex has to stay below."""
    n = len(start)
    step = 0.1 * float(np.abs(start).max()) or 0.1
    vertices = np.tile(start, (n + 1, 1))
    size = 0.0
    for k in range(n):
        tried = step
        while vertices[k + 1, k] == start[k]:  # a step lost to rounding is made longer
            vertices[k + 1, k] = start[k] + tried
            tried *= 10.0
        size += tried
    return vertices, size


def _lowest_and_highest(values: list[float], lowest: int) -> tuple[int, int]:
    """Scanned in order from the last lowest: ties keep the earlier choice."""
    highest = lowest
    low, high = values[lowest], values[lowest]
    for j, value in enumerate(values):
        if value < low:
            lowest, low = j, value
        if value > high:
            highest, high = j, value
    return lowest, highest


def _centre_without(vertices: FloatArray, highest: int) -> FloatArray:
    total = -vertices[highest]
    for vertex in vertices:
        total = total + vertex
    return np.asarray(total / (len(vertices) - 1))


def _shrink(vertices: FloatArray, lowest: int) -> float:
    """Halve the way of every vertex to the lowest one; the sum of what is left."""
    size = 0.0
    for j, vertex in enumerate(vertices):
        if j != lowest:
            vertex[:] = 0.5 * (vertex - vertices[lowest]) + vertices[lowest]
            for part in np.abs(vertex - vertices[lowest]):
                size += float(part)
    return size


def nelder_mead(objective: Callable[[FloatArray], float], start: FloatArray) -> Minimum:
    """Minimise as R's ``optim(start, objective)``: Nelder-Mead with R's defaults.

    Parameters
    ----------
    objective : function of a point (n,); values that are not finite count as 1e35.
    start : (n,), where the objective must be finite.

    Returns
    -------
    Minimum; code 0 converged, 1 more than 500 evaluations, 10 degenerate simplex.

    Source
    ------
    Nash, J. C. (1990). Compact Numerical Methods for Computers, algorithms 19-21.
    """

    def evaluate(point: FloatArray) -> float:
        value = float(objective(point))
        return value if math.isfinite(value) else NOT_FINITE

    vertices, size = _first_simplex(np.array(start, dtype=np.float64).ravel())
    values = [evaluate(vertex) for vertex in vertices]
    if values[0] == NOT_FINITE:
        raise ValueError("Nelder-Mead needs a start where the objective is finite.")
    tolerance = TOLERANCE * (abs(values[0]) + TOLERANCE)
    evaluations, lowest, code = len(values), 0, 0
    while True:
        lowest, highest = _lowest_and_highest(values, lowest)
        low, high = values[lowest], values[highest]
        if high <= low + tolerance:
            break
        centre = _centre_without(vertices, highest)
        reflected = 2.0 * centre - vertices[highest]
        value = evaluate(reflected)
        evaluations += 1
        if value < low:
            extended = 2.0 * reflected - centre
            further = evaluate(extended)
            evaluations += 1
            better = further < value
            vertices[highest], values[highest] = (extended, further) if better else (reflected, value)
        else:
            if value < high:
                vertices[highest], values[highest] = reflected, value
            contracted = 0.5 * vertices[highest] + 0.5 * centre
            nearer = evaluate(contracted)
            evaluations += 1
            if nearer < values[highest]:
                vertices[highest], values[highest] = contracted, nearer
            elif value >= high:
                smaller = _shrink(vertices, lowest)
                if not smaller < size:
                    code = 10
                    break
                size = smaller
                values = [value if j == lowest else evaluate(vertices[j]) for j, value in enumerate(values)]
                evaluations += len(values) - 1
        if evaluations > EVALUATIONS:
            code = 1
            break
    return Minimum(vertices[lowest].copy(), values[lowest], code, MESSAGES[code], evaluations)
