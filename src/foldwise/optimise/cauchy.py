"""The generalised Cauchy point: the first minimum of the model along the projected steepest descent.

Byrd, Lu, Nocedal & Zhu (1995), section 4.
"""

from __future__ import annotations

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.optimise._jit import compiled
from foldwise.optimise.limited_memory import EPSILON, Memory, dot, middle_product


@compiled
def descent(
    x: FloatArray, gradient: FloatArray, lower: FloatArray, upper: FloatArray, free: BoolArray
) -> tuple[FloatArray, FloatArray, bool]:
    """Steepest descent d, the steps at which it meets the bounds, and whether every moving variable meets one.

    Variables that sit on a bound with the gradient pushing out (or 0) do not move; ``free`` is filled.
    """
    n = x.shape[0]
    d = np.zeros(n)
    breaks = np.full(n, np.inf)
    bounded = True
    for i in range(n):
        down = -gradient[i]
        free[i] = not ((x[i] <= lower[i] and down <= 0.0) or (x[i] >= upper[i] and down >= 0.0))
        if not free[i] or down == 0.0:
            continue
        d[i] = down
        room = x[i] - lower[i] if down < 0.0 else upper[i] - x[i]
        breaks[i] = room / abs(down)
        bounded = bounded and np.isfinite(breaks[i])
    return d, breaks, bounded


@compiled
def project(memory: Memory, theta: float, n_pairs: int, d: FloatArray) -> FloatArray:
    """W'd = (Y'd, theta S'd)."""
    out = np.empty(2 * n_pairs)
    for j in range(n_pairs):
        out[j] = dot(memory.y[j], d)
        out[n_pairs + j] = theta * dot(memory.s[j], d)
    return out


@compiled
def cauchy_point(
    x: FloatArray,
    gradient: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    memory: Memory,
    theta: float,
    n_pairs: int,
    free: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """The Cauchy point z and c = W'(z - x); ``free`` is filled: variables that z does not put on a bound."""
    n = x.shape[0]
    d, breaks, bounded = descent(x, gradient, lower, upper, free)
    z = x.copy()
    n_breaks = int(np.isfinite(breaks).sum())
    p = project(memory, theta, n_pairs, d)
    c = np.zeros(2 * n_pairs)
    w = np.empty(2 * n_pairs)

    slope = -dot(d, d)
    curvature = -theta * slope
    first_curvature = curvature
    if n_pairs > 0:
        curvature -= dot(p, middle_product(memory, n_pairs, p))
    ahead = -slope / curvature
    travelled, reached = 0.0, 0.0

    for left in range(n_breaks, 0, -1):
        i = int(np.argmin(breaks))
        stretch = breaks[i] - reached
        if ahead < stretch:
            break
        reached = breaks[i]
        breaks[i] = np.inf
        travelled += stretch
        z[i] = upper[i] if d[i] > 0.0 else lower[i]
        moved, speed = z[i] - x[i], d[i]
        d[i] = 0.0
        free[i] = False
        if left == 1 and n_breaks == n:
            c += stretch * p
            return z, c
        slope += stretch * curvature + speed * speed - theta * speed * moved
        curvature -= theta * (speed * speed)
        if n_pairs > 0:
            c += stretch * p
            for j in range(n_pairs):
                w[j] = memory.y[j, i]
                w[n_pairs + j] = theta * memory.s[j, i]
            mw = middle_product(memory, n_pairs, w)
            slope += speed * dot(c, mw)
            curvature += 2.0 * speed * dot(p, mw) - speed * speed * dot(w, mw)
            p -= speed * w
        curvature = max(EPSILON * first_curvature, curvature)
        ahead = 0.0 if left == 1 and bounded else -slope / curvature

    ahead = max(ahead, 0.0)
    travelled += ahead
    for i in range(n):
        if d[i] != 0.0:
            z[i] += travelled * d[i]
    c += ahead * p
    return z, c
