"""Numbers as R writes them: up to 15 significant digits, and the shorter of fixed and scientific notation."""

from __future__ import annotations

import math

import numpy as np

from foldwise.arrays import FloatArray


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


def r_numbers(values: FloatArray) -> list[str]:
    """``r_number`` of each value; ordinary numbers are formatted all at once."""
    text = ("%.15g\n" * len(values) % tuple(values.tolist())).split("\n")[:-1]
    size = np.abs(values)
    # Between these bounds R never writes e, and %.15g says the same.
    for at in np.flatnonzero(~((size > 1e-2) & (size < 99999.0))).tolist():
        text[at] = r_number(float(values[at]))
    return text


def exact_numbers(values: FloatArray) -> list[str]:
    """The shortest texts that read back to the same doubles; whole numbers without ``.0``, NaN as ``NA``."""
    text = [t.removesuffix(".0") for t in map(repr, values.tolist())]
    for at in np.flatnonzero(~np.isfinite(values)).tolist():
        text[at] = r_number(float(values[at]))
    return text
