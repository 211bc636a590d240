"""The variable-metric method of R's ``optim(method="BFGS")``: same path, same stop."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.optimise.lbfgsb import DIFFERENCE, Minimum
from foldwise.optimise.limited_memory import dot

TOLERANCE = 1.490116119384766e-08  # reltol
SHORTER, ENOUGH, LOST = 0.2, 1e-4, 10.0
MESSAGES = {0: "converged", 1: "out of iterations"}


def differences_of(objective: Callable[[FloatArray], float]) -> Callable[[FloatArray], FloatArray]:
    """Central differences over 1e-3, R's gradient where none is given."""

    def gradient(x: FloatArray) -> FloatArray:
        out = np.empty(len(x))
        for k in range(len(x)):
            up, down = x.copy(), x.copy()
            up[k] += DIFFERENCE
            down[k] -= DIFFERENCE
            out[k] = (objective(up) - objective(down)) / (2.0 * DIFFERENCE)
        return out

    return gradient


def _downhill(metric: FloatArray, gradient: FloatArray) -> FloatArray:
    """-B g, each sum in index order."""
    direction = np.zeros(len(gradient))
    for k, slope in enumerate(gradient):
        direction -= metric[:, k] * slope
    return direction


def _updated(metric: FloatArray, step: FloatArray, change: FloatArray, product: float) -> FloatArray:
    """The BFGS formula for the inverse Hessian; ``product`` is step'change, positive."""
    moved = -_downhill(metric, change)
    factor = 1.0 + dot(moved, change) / product
    outer = factor * step[:, None] * step[None, :] - moved[:, None] * step[None, :] - step[:, None] * moved[None, :]
    lower = np.tril(metric + outer / product)
    return np.asarray(lower + np.tril(lower, -1).T)


def _line_search(
    objective: Callable[[FloatArray], float], x: FloatArray, value: float, direction: FloatArray, descent: float
) -> tuple[FloatArray, float, float | None, bool, int]:
    """Shorter and shorter steps until one is good enough, or moves no coordinate any more.

    The second kind of end keeps the point, unseen, as R does. Returns the point, its step, the last value seen (None
    if none was), whether it was good enough, evaluations.
    """
    step, last, evaluations = 1.0, None, 0
    while True:
        trial = x + step * direction
        if np.all(LOST + x == LOST + trial):
            return trial, step, last, False, evaluations
        last = float(objective(trial))
        evaluations += 1
        if math.isfinite(last) and last <= value + descent * step * ENOUGH:
            return trial, step, last, True, evaluations
        step *= SHORTER


def bfgs(
    objective: Callable[[FloatArray], float],
    start: FloatArray,
    gradient: Callable[[FloatArray], FloatArray] | None = None,
    *,
    max_iterations: int = 100,
) -> Minimum:
    """Minimise as R's ``optim(start, objective, gradient, method="BFGS")`` with R's defaults.

    Parameters
    ----------
    objective : function of a point (n,). gradient : of a point, or None for central differences over 1e-3.
    start : (n,), where the objective must be finite.
    max_iterations : R's ``maxit``.

    Returns
    -------
    Minimum; code 0 converged, 1 out of iterations.

    Source
    ------
    Nash, J. C. (1990). Compact Numerical Methods for Computers, algorithm 21.
    """
    x = np.array(start, dtype=np.float64).ravel()
    slopes_at = gradient or differences_of(objective)
    value = float(objective(x))
    if not math.isfinite(value):
        raise ValueError("BFGS needs a start where the objective is finite.")
    slopes = np.asarray(slopes_at(x), dtype=np.float64)
    n, evaluations, gradients, reset_at = len(x), 1, 1, 1
    metric, last = np.eye(n), value
    while True:
        fresh = reset_at == gradients
        if fresh:
            metric = np.eye(n)
        direction = _downhill(metric, slopes)
        descent = dot(direction, slopes)
        finished, changed = fresh, False
        if descent < 0.0:
            x, step, found, accepted, tries = _line_search(objective, x, value, direction, descent)
            evaluations += tries
            last = last if found is None else found
            enough = abs(last - value) > TOLERANCE * (abs(value) + TOLERANCE)
            changed = accepted and enough
            if accepted or not enough:
                value = last
            if changed:
                finished = False
                slopes_old, slopes = slopes, np.asarray(slopes_at(x), dtype=np.float64)
                gradients += 1
                move, change = step * direction, slopes - slopes_old
                product = dot(move, change)
                if product > 0.0:
                    metric = _updated(metric, move, change, product)
                else:
                    reset_at = gradients
        if finished or gradients >= max_iterations:
            break
        if not changed or gradients - reset_at > 2 * n:
            reset_at = gradients
    code = 0 if gradients < max_iterations else 1
    return Minimum(x, value, code, MESSAGES[code], evaluations)
