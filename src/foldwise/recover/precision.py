"""How far a printed value may be from the value that was printed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import FloatArray

MOST_DECIMALS = 12
FULL_DIGITS = 14  # tables of more significant digits are taken as full double precision
DOUBLE_ERROR = 1e-14  # relative: R writes 15 digits
SINGLE_ERROR = 2.0**-24
EXACT_INTEGERS = 2.0**52


@dataclass(frozen=True, slots=True)
class Precision:
    """What rounding a table has been through.

    decimals : digits behind the point, or None if they are not limited.
    digits : significant digits, or None.
    single : whether the values have gone through 32-bit floats.
    """

    decimals: int | None
    digits: int | None
    single: bool

    @property
    def words(self) -> str:
        if self.decimals is not None and (self.digits is None or self.decimals <= self.digits):
            return "whole numbers" if self.decimals == 0 else f"{self.decimals} decimals"
        if self.digits is not None:
            return f"{self.digits} significant digits"
        return "32-bit floats" if self.single else "full precision"

    @property
    def largest_factor(self) -> float:
        """With k decimals 10**k always fits: only smaller factors say anything."""
        return np.inf if self.decimals is None else 10.0**self.decimals

    def half_widths(self, values: FloatArray) -> FloatArray:
        """The largest rounding error of each positive value."""
        widths = (SINGLE_ERROR if self.single else DOUBLE_ERROR) * values
        if self.digits is not None:
            widths = np.maximum(widths, 0.5 * 10.0 ** (np.floor(np.log10(values)) - self.digits + 1))
        if self.decimals is not None:
            widths = np.maximum(widths, 0.5 * 10.0**-self.decimals)
        return np.asarray(widths, dtype=np.float64)


def precision_of(values: FloatArray) -> Precision:
    """The coarsest rounding under which all ``values`` (positive) are what they are."""
    decimals = next((k for k in range(MOST_DECIMALS + 1) if _has_decimals(values, k)), None)
    digits = next((d for d in range(3, FULL_DIGITS) if _has_digits(values, d)), None)
    single = decimals is None and digits is None and bool((values == values.astype(np.float32)).all())
    return Precision(decimals, digits, single)


def _has_decimals(values: FloatArray, k: int) -> bool:
    """A quotient of an exact integer and an exact power of ten is the double nearest to that decimal number."""
    if values.size == 0 or values.max() * 10.0**k > EXACT_INTEGERS:
        return False
    return bool((np.rint(values * 10.0**k) / 10.0**k == values).all())


def _has_digits(values: FloatArray, digits: int) -> bool:
    if values.size == 0:
        return False
    unit = 10.0 ** (np.floor(np.log10(values)) - digits + 1)
    # Powers of ten below one are not exact: a few last bits are allowed, far less than the next digit.
    return bool((np.abs(np.rint(values / unit) * unit - values) <= 4 * np.finfo(float).eps * values).all())
