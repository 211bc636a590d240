"""Brent's two methods in one variable, as R's ``optimize`` and ``uniroot`` run them."""

from __future__ import annotations

import math
from collections.abc import Callable

from foldwise.optimise.limited_memory import EPSILON

LOOSE = EPSILON**0.25  # R's default tolerance, 1.22e-4
GOLDEN = (3.0 - math.sqrt(5.0)) * 0.5


def minimise_on_interval(
    objective: Callable[[float], float], lower: float, upper: float, tolerance: float = LOOSE
) -> float:
    """Where a function of one variable is least, as R's ``optimize(objective, c(lower, upper), tol=)$minimum``.

    Source
    ------
    Brent, R. (1973). Algorithms for Minimization without Derivatives, chapter 5.
    """
    a, b = lower, upper
    best = second = third = a + GOLDEN * (b - a)
    f_best = f_second = f_third = objective(best)
    step = before = 0.0
    relative, absolute = math.sqrt(EPSILON), tolerance / 3.0
    while True:
        middle = (a + b) * 0.5
        least = relative * abs(best) + absolute
        if abs(best - middle) <= 2.0 * least - (b - a) * 0.5:
            return best
        p = q = r = 0.0
        if abs(before) > least:  # a parabola through the three best points
            r = (best - second) * (f_best - f_third)
            q = (best - third) * (f_best - f_second)
            p = (best - third) * q - (best - second) * r
            q = (q - r) * 2.0
            p, q = (-p, q) if q > 0.0 else (p, -q)
            r, before = before, step
        if abs(p) >= abs(q * 0.5 * r) or p <= q * (a - best) or p >= q * (b - best):
            before = b - best if best < middle else a - best
            step = GOLDEN * before
        else:
            step = p / q
            trial = best + step
            if trial - a < 2.0 * least or b - trial < 2.0 * least:
                step = -least if best >= middle else least
        trial = best + step if abs(step) >= least else best + math.copysign(least, step if step != 0.0 else -1.0)
        value = objective(trial)
        if value <= f_best:
            a, b = (a, best) if trial < best else (best, b)
            third, f_third, second, f_second = second, f_second, best, f_best
            best, f_best = trial, value
        else:
            a, b = (trial, b) if trial < best else (a, trial)
            if value <= f_second or second == best:
                third, f_third, second, f_second = second, f_second, trial, value
            elif value <= f_third or third in (best, second):
                third, f_third = trial, value


def root_on_interval(function: Callable[[float], float], lower: float, upper: float, tolerance: float = LOOSE) -> float:
    """Where a function crosses 0, as R's ``uniroot(function, c(lower, upper), tol=)$root``.

    Raises
    ------
    ValueError
        If the function has the same sign at both ends.

    Source
    ------
    Brent (1973), chapter 4 (the program "zeroin").
    """
    a, b = lower, upper
    fa, fb = function(a), function(b)
    if fa * fb > 0.0:
        raise ValueError("The function has the same sign at both ends of the interval.")
    if fa == 0.0:
        return a
    if fb == 0.0:
        return b
    c, fc = a, fa
    for _ in range(1001):
        last_step = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        least = 2.0 * EPSILON * abs(b) + tolerance / 2.0
        step = (c - b) / 2.0
        if abs(step) <= least or fb == 0.0:
            return b
        if abs(last_step) >= least and abs(fa) > abs(fb):
            width, ratio = c - b, fb / fa
            if a == c:
                p, q = width * ratio, 1.0 - ratio
            else:
                q, first = fa / fc, fb / fc
                p = ratio * (width * q * (q - first) - (b - a) * (first - 1.0))
                q = (q - 1.0) * (first - 1.0) * (ratio - 1.0)
            p, q = (p, -q) if p > 0.0 else (-p, q)
            if p < 0.75 * width * q - abs(least * q) / 2.0 and p < abs(last_step * q / 2.0):
                step = p / q
        if abs(step) < least:
            step = least if step > 0.0 else -least
        a, fa = b, fb
        b += step
        fb = function(b)
        if (fb > 0.0) == (fc > 0.0) and fb != 0.0 and fc != 0.0 or fb == 0.0 and fc == 0.0:
            c, fc = a, fa
    return b
