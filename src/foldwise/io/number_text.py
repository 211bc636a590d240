"""Numbers as R writes them: up to 15 significant digits, and the shorter of fixed and scientific notation."""

from __future__ import annotations

import math
from collections.abc import Iterable


def r_number(value: float) -> str:
    """The text of one number as R's ``write.table`` and ``as.character`` give it; NaN is ``NA``.

    Examples
    --------
    >>> [r_number(x) for x in (100000.0, 123456.0, 0.1 + 0.2, 0.0001, 1e-300, float("nan"))]
    ['1e+05', '123456', '0.3', '1e-04', '1e-300', 'NA']
    """
    if math.isnan(value):
        return "NA"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    mantissa, exponent = f"{value:.14e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power, n_digits = int(exponent), len(mantissa.lstrip("-").replace(".", ""))
    decimals = max(0, n_digits - power - 1)
    fixed_width = max(power, 0) + 1 + (decimals + 1 if decimals else 0)
    scientific_width = n_digits + (n_digits > 1) + (5 if abs(power) >= 100 else 4)
    if fixed_width <= scientific_width:
        return f"{value:.{decimals}f}"
    return f"{mantissa}e{power:+03d}"


def r_numbers(values: Iterable[float]) -> list[str]:
    """``r_number`` of each value; ordinary numbers take a short way."""
    return [_quick(value) for value in values]


def _quick(value: float) -> str:
    if 1e-2 < value < 1e5 or -1e5 < value < -1e-2:  # never scientific here, and %.15g says the same
        return f"{value:.15g}"
    return r_number(value)
