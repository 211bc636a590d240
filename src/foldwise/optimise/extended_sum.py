"""Sums as a long double accumulates them, on every machine.

R adds likelihood terms in the 80-bit registers of x86: each partial sum is rounded to a mantissa of 64 bits, the
last one to a double. The optimiser divides differences of such sums by 2e-3, so their last bits matter. Here the
accumulator is a pair of doubles (``high`` is the sum rounded to double, ``low`` the rest), rounded to 64 bits after
every addition: the same bits on machines whose long double is a plain double.
"""

from __future__ import annotations

import math

from foldwise.arrays import FloatArray
from foldwise.optimise._jit import shared


@shared
def two_sum(a: float, b: float) -> tuple[float, float]:
    """The rounded sum of two doubles and its exact rounding error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@shared
def add_extended(high: float, low: float, term: float) -> tuple[float, float]:
    """Add a double to a 64-bit accumulator, rounding to nearest, ties to even."""
    total, error = two_sum(high, term)
    if not math.isfinite(total):
        return total, 0.0
    rest, dust = two_sum(error, low)
    total, rest = two_sum(total, rest)
    rest, dust = two_sum(rest, dust)
    if rest == 0.0:
        return total, 0.0
    fraction, exponent = math.frexp(total)
    if abs(fraction) == 0.5 and (rest < 0.0) == (total > 0.0):
        exponent -= 1  # the sum lies just below a power of two
    shift = math.ldexp(1.5, exponent - 12)  # 1.5 * 2^52 units in the 64th bit: adding it rounds to whole units
    rounded = (rest + shift) - shift
    left = rest - rounded
    half = math.ldexp(1.0, exponent - 65)
    if abs(left) == half and (left > 0.0) == (dust > 0.0) and dust != 0.0:
        rounded += 2.0 * left  # not a tie after all: the dust decides
    return two_sum(total, rounded)


def extended_sum(terms: FloatArray) -> float:
    """Sum of a vector from left to right in a 64-bit accumulator, rounded once at the end."""
    high, low = 0.0, 0.0
    for term in terms.tolist():
        high, low = add_extended(high, low, term)
    return high
