"""From coefficients and their errors to test statistics and p-values.

Love et al. (2014), "Wald test", "Likelihood ratio test", "Composite null hypotheses".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.options import AltHypothesis

# R's normal tail is exactly 0 beyond this; libraries that go on into subnormal numbers are not.
LARGEST_NORMAL = 37.5193


def upper_tail(x: FloatArray, df: FloatArray | None = None) -> FloatArray:
    """P(Z > x), of the normal distribution, or of Student's t with ``df`` (NaN: NaN)."""
    from scipy.special import ndtr

    x = np.asarray(x, dtype=np.float64)
    if df is None:
        with np.errstate(invalid="ignore"):
            return np.where(x > LARGEST_NORMAL, 0.0, ndtr(-x))  # type: ignore[no-any-return]
    return _t_upper_tail(x, np.broadcast_to(np.asarray(df, dtype=np.float64), x.shape))


def _t_upper_tail(x: FloatArray, df: FloatArray) -> FloatArray:
    from scipy.special import betainc, ndtr

    df = np.where(df > 0, df, np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        # The incomplete beta function keeps its relative precision in the far tail.
        tail = 0.5 * betainc(df / 2.0, 0.5, df / (df + x * x))
        tail = np.where(np.isinf(df), ndtr(-np.abs(x)), tail)
    return np.where(x >= 0, tail, 1.0 - tail)  # type: ignore[no-any-return]


def two_sided(stat: FloatArray, df: FloatArray | None = None) -> FloatArray:
    """Two-sided p-values of Wald statistics."""
    return 2.0 * upper_tail(np.abs(stat), df)


def chi_square_tail(stat: FloatArray, degrees: int) -> FloatArray:
    """Upper tail of chi-squared; statistics below zero, which rounding can make, have p = 1."""
    from scipy.special import chdtrc, ndtr

    with np.errstate(invalid="ignore"):
        positive = np.maximum(stat, 0.0)  # NaN stays NaN
        if degrees == 1:  # the square of a normal variable, fifty times as fast
            return 2.0 * ndtr(-np.sqrt(positive))  # type: ignore[no-any-return]
        return np.where(np.isnan(stat), np.nan, chdtrc(degrees, positive))  # type: ignore[no-any-return]


def threshold_test(
    lfc: FloatArray, se: FloatArray, threshold: float, alternative: AltHypothesis, df: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Statistics and p-values against a composite null: |LFC| at most (or at least) a threshold, or one side of it.

    lfc, se : (n_genes,) log2. threshold : log2, not negative. df : Student's degrees of freedom, or None for normal.

    "greaterAbs" adds both tails, as R does from 1.44 on; "greaterAbs2014" doubles one tail, as the paper did.
    """

    def tail(x: Any) -> FloatArray:
        return upper_tail(x, df)

    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(lfc)
        if alternative == "greaterAbs":
            return lfc / se, tail((size - threshold) / se) + tail((size + threshold) / se)
        if alternative == "greaterAbs2014":
            stat = np.sign(lfc) * np.maximum((size - threshold) / se, 0.0)
            return stat, np.minimum(1.0, 2.0 * tail((size - threshold) / se))
        if alternative == "lessAbs":
            above = np.maximum((threshold - lfc) / se, 0.0)
            below = np.maximum((lfc + threshold) / se, 0.0)
            p = np.maximum(tail((threshold - lfc) / se), tail((lfc + threshold) / se))
            return np.minimum(above, below), p
        if alternative == "greater":
            return np.maximum((lfc - threshold) / se, 0.0), tail((lfc - threshold) / se)
        return np.minimum((lfc + threshold) / se, 0.0), tail((-threshold - lfc) / se)
