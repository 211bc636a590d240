"""Line search of Moré & Thuente (1994), with the tolerances that L-BFGS-B gives it."""

from __future__ import annotations

from typing import NamedTuple

from foldwise.optimise.limited_memory import quotient, square_root

DECREASE, CURVATURE, INTERVAL = 1e-3, 0.9, 0.1


class Search(NamedTuple):
    """Where a line search stands.

    step : the step to try next (or taken, when ``done``). start_value, start_slope : at step 0. largest : step allowed.
    best, best_value, best_slope : best step so far. other, ... : the other end of the interval, once ``bracketed``.
    low, high : limits of the next trial. width, width_before : of the interval, one and two steps ago.
    """

    step: float
    done: bool
    start_value: float
    start_slope: float
    largest: float
    bracketed: bool
    first_stage: bool
    best: float
    best_value: float
    best_slope: float
    other: float
    other_value: float
    other_slope: float
    low: float
    high: float
    width: float
    width_before: float


def begin(step: float, largest: float, value: float, slope: float) -> Search:
    """A search about to try its first step."""
    at_zero = (0.0, value, slope)
    return Search(
        step, False, value, slope, largest, False, True, *at_zero, *at_zero, 0.0, 5.0 * step, largest, 2.0 * largest
    )


def cubic(thrice_slope: float, first: float, second: float, clipped: bool) -> tuple[float, float]:
    """The two numbers from which the minimum of the cubic through two points with these slopes is built.

    thrice_slope : three times the downward slope of the chord. clipped : take a negative root as 0.
    """
    middle = thrice_slope + first + second
    scale = max(abs(middle), abs(first), abs(second))
    ratio = quotient(middle, scale)
    inside = ratio * ratio - quotient(first, scale) * quotient(second, scale)
    if clipped:
        inside = max(0.0, inside)
    return middle, scale * square_root(inside)


def trial_step(
    t0: float,
    f0: float,
    d0: float,
    t1: float,
    f1: float,
    d1: float,
    t: float,
    f: float,
    d: float,
    bracketed: bool,
    low: float,
    high: float,
) -> tuple[float, bool]:
    """The next step from the best point (0), the other end (1) and the trial: their section 4, four cases."""
    if f > f0:
        middle, root = cubic(quotient(3.0 * (f0 - f), t - t0), d0, d, False)
        if t < t0:
            root = -root
        ratio = quotient((root - d0) + middle, ((root - d0) + root) + d)
        by_cubic = t0 + ratio * (t - t0)
        by_square = t0 + (quotient(d0, quotient(f0 - f, t - t0) + d0) / 2.0) * (t - t0)
        if abs(by_cubic - t0) < abs(by_square - t0):
            return by_cubic, True
        return by_cubic + (by_square - by_cubic) / 2.0, True
    if (d < 0.0) != (d0 < 0.0) and d != 0.0 and d0 != 0.0:
        middle, root = cubic(quotient(3.0 * (f0 - f), t - t0), d0, d, False)
        if t > t0:
            root = -root
        ratio = quotient((root - d) + middle, ((root - d) + root) + d0)
        by_cubic = t + ratio * (t0 - t)
        by_secant = t + quotient(d, d - d0) * (t0 - t)
        return (by_cubic if abs(by_cubic - t) > abs(by_secant - t) else by_secant), True
    limit = high if t > t0 else low
    if abs(d) < abs(d0):
        middle, root = cubic(quotient(3.0 * (f0 - f), t - t0), d0, d, True)
        if t > t0:
            root = -root
        ratio = quotient((root - d) + middle, (root + (d0 - d)) + root)
        by_cubic = t + ratio * (t0 - t) if ratio < 0.0 and root != 0.0 else limit
        by_secant = t + quotient(d, d - d0) * (t0 - t)
        cubic_is_nearer = abs(by_cubic - t) < abs(by_secant - t)
        if bracketed:
            step = by_cubic if cubic_is_nearer else by_secant
            bound = t + 0.66 * (t1 - t)
            return (min(bound, step) if t > t0 else max(bound, step)), True
        step = by_cubic if abs(by_cubic - t) > abs(by_secant - t) else by_secant
        return max(low, min(high, step)), False
    if bracketed:
        middle, root = cubic(quotient(3.0 * (f - f1), t1 - t), d1, d, False)
        if t > t1:
            root = -root
        ratio = quotient((root - d) + middle, ((root - d) + root) + d1)
        return t + ratio * (t1 - t), True
    return limit, False


def next_step(search: Search, value: float, slope: float) -> Search:
    """Judge the step just evaluated, and choose the next unless it is good (or nothing better can be had)."""
    step, start_slope, largest = search.step, search.start_slope, search.largest
    enough = DECREASE * start_slope
    target = search.start_value + step * enough
    bracketed, low, high = search.bracketed, search.low, search.high
    first_stage = search.first_stage and not (value <= target and slope >= enough)
    stuck = bracketed and (step <= low or step >= high or high - low <= INTERVAL * high)
    at_end = step == largest and value <= target and slope <= enough
    at_zero = step == 0.0 and (value > target or slope >= enough)
    good = value <= target and abs(slope) <= CURVATURE * -start_slope
    t0, f0, d0 = search.best, search.best_value, search.best_slope
    t1, f1, d1 = search.other, search.other_value, search.other_slope
    width, width_before = search.width, search.width_before
    if not (stuck or at_end or at_zero or good):
        auxiliary = first_stage and value <= f0 and value > target
        f, d = value, slope
        if auxiliary:
            f, f0, f1 = f - step * enough, f0 - t0 * enough, f1 - t1 * enough
            d, d0, d1 = d - enough, d0 - enough, d1 - enough
        chosen, bracketed = trial_step(t0, f0, d0, t1, f1, d1, step, f, d, bracketed, low, high)
        if f > f0:
            t1, f1, d1 = step, f, d
        else:
            if (d < 0.0) != (d0 < 0.0) and d != 0.0 and d0 != 0.0:
                t1, f1, d1 = t0, f0, d0
            t0, f0, d0 = step, f, d
        if auxiliary:
            f0, f1, d0, d1 = f0 + t0 * enough, f1 + t1 * enough, d0 + enough, d1 + enough
        if bracketed:
            if abs(t1 - t0) >= 0.66 * width_before:
                chosen = t0 + 0.5 * (t1 - t0)
            width_before, width = width, abs(t1 - t0)
            low, high = min(t0, t1), max(t0, t1)
        else:
            low, high = chosen + 1.1 * (chosen - t0), chosen + 4.0 * (chosen - t0)
        chosen = min(max(chosen, 0.0), largest)
        if bracketed and (chosen <= low or chosen >= high or high - low <= INTERVAL * high):
            chosen = t0
        return Search(
            chosen, False, search.start_value, start_slope, largest, bracketed, first_stage,
            t0, f0, d0, t1, f1, d1, low, high, width, width_before,
        )  # fmt: skip
    return Search(
        step, True, search.start_value, start_slope, largest, bracketed, first_stage,
        t0, f0, d0, t1, f1, d1, low, high, width, width_before,
    )  # fmt: skip
