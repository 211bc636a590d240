"""The generalised Cauchy point: the first minimum of the model along the projected steepest descent.

Byrd, Lu, Nocedal & Zhu (1995), section 4.
"""

from __future__ import annotations

import math

from foldwise.optimise.limited_memory import EPSILON, Memory, Vector, combined, dot, middle_product, quotient


def descent(x: Vector, gradient: Vector, lower: Vector, upper: Vector, free: list[bool]) -> tuple[Vector, Vector, bool]:
    """Steepest descent d, the steps at which it meets the bounds, and whether every moving variable meets one.

    Variables that sit on a bound with the gradient pushing out (or 0) do not move; ``free`` is filled.
    """
    n = len(x)
    d, breaks, bounded = [0.0] * n, [math.inf] * n, True
    for i in range(n):
        down = -gradient[i]
        free[i] = not ((x[i] <= lower[i] and down <= 0.0) or (x[i] >= upper[i] and down >= 0.0))
        if not free[i] or down == 0.0:
            continue
        d[i] = down
        room = x[i] - lower[i] if down < 0.0 else upper[i] - x[i]
        breaks[i] = room / abs(down)
        bounded = bounded and math.isfinite(breaks[i])
    return d, breaks, bounded


def project(memory: Memory, d: Vector) -> Vector:
    """W'd = (Y'd, theta S'd)."""
    return [dot(y, d) for y in memory.y] + [memory.theta * dot(s, d) for s in memory.s]


def cauchy_point(
    x: Vector, gradient: Vector, lower: Vector, upper: Vector, memory: Memory, free: list[bool]
) -> tuple[Vector, Vector]:
    """The Cauchy point z and c = W'(z - x); ``free`` is filled: variables that z does not put on a bound."""
    n, theta = len(x), memory.theta
    d, breaks, bounded = descent(x, gradient, lower, upper, free)
    z = list(x)
    n_breaks = sum(map(math.isfinite, breaks))
    p = project(memory, d)
    c = [0.0] * len(p)

    slope = -dot(d, d)
    curvature = -theta * slope
    first_curvature = curvature
    if p:
        curvature -= dot(p, middle_product(memory, p))
    ahead = quotient(-slope, curvature)
    travelled, reached = 0.0, 0.0

    for left in range(n_breaks, 0, -1):
        i = breaks.index(min(breaks))
        stretch = breaks[i] - reached
        if ahead < stretch:
            break
        reached = breaks[i]
        breaks[i] = math.inf
        travelled += stretch
        z[i] = upper[i] if d[i] > 0.0 else lower[i]
        moved, speed = z[i] - x[i], d[i]
        d[i] = 0.0
        free[i] = False
        if left == 1 and n_breaks == n:
            return z, combined(c, stretch, p)
        slope += stretch * curvature + speed * speed - theta * speed * moved
        curvature -= theta * (speed * speed)
        if p:
            c = combined(c, stretch, p)
            w = [y[i] for y in memory.y] + [theta * s[i] for s in memory.s]
            mw = middle_product(memory, w)
            slope += speed * dot(c, mw)
            curvature += 2.0 * speed * dot(p, mw) - speed * speed * dot(w, mw)
            p = combined(p, -speed, w)
        curvature = max(EPSILON * first_curvature, curvature)
        ahead = 0.0 if left == 1 and bounded else quotient(-slope, curvature)

    ahead = max(ahead, 0.0)
    travelled += ahead
    for i in range(n):
        if d[i] != 0.0:
            z[i] += travelled * d[i]
    return z, combined(c, ahead, p)
