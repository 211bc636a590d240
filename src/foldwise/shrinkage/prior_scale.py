"""The scale of apeglm's Cauchy prior: how far the estimates spread beyond their own errors.

Efron & Morris (1975), "Data analysis using Stein's estimator", section 8, as Zhu, Ibrahim & Love (2019) use it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.errors import FitError

SMALLEST, LARGEST = 1e-6, 400.0  # where the variance is looked for, natural log squared
EPS = 2.220446049250313e-16
TOLERANCE = EPS**0.25  # R's default for a root; loose, and part of the answer: follow it
MAX_ROUNDS = 1000
LARGEST_SCALE = 1.0


def prior_variance(estimates: FloatArray, errors: FloatArray) -> float:
    """Variance of the true effects, by Efron and Morris' equation; natural log.

    estimates, errors : (n_genes,) maximum-likelihood coefficients and standard errors; NaN genes are left out.
    """
    used = ~np.isnan(estimates)
    squares, noise = estimates[used] ** 2, errors[used] ** 2
    if not used.any():
        raise FitError("The prior cannot be estimated: no gene has a fold change and a standard error.")

    def surplus(variance: float) -> float:
        information = 1.0 / (2.0 * (variance + noise) ** 2)
        return float(np.sum((squares - noise) * information) / np.sum(information)) - variance

    if surplus(SMALLEST) < 0:
        return SMALLEST
    if surplus(LARGEST) >= 0:
        raise FitError(
            f"The prior cannot be estimated: fold changes spread more than a variance of {LARGEST:g} (natural log) "
            "can explain. Leave out genes whose coefficients ran away, or give prior_scale."
        )
    return brent_root(surplus, SMALLEST, LARGEST, TOLERANCE)


def prior_scale(variance: float) -> float:
    """Scale of the Cauchy prior: the standard deviation of the effects, at most 1."""
    return float(min(np.sqrt(variance), LARGEST_SCALE))


def brent_root(function: Callable[[float], float], a: float, b: float, tolerance: float) -> float:
    """Brent's zero finder, classical form (Brent 1973, chapter 4), which stops as R's does.

    ``b`` is the best point, ``a`` the one before it, ``c`` lies on the other side of the root.
    """
    fa, fb = function(a), function(b)
    c, fc = a, fa
    for _ in range(MAX_ROUNDS):
        previous = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        shortest = 2.0 * EPS * abs(b) + tolerance / 2.0
        half = (c - b) / 2.0
        if abs(half) <= shortest or fb == 0.0:
            return b
        step = half
        if abs(previous) >= shortest and abs(fa) > abs(fb):
            step = _interpolated(a, b, c, fa, fb, fc, previous, shortest, half)
        if abs(step) < shortest:
            step = shortest if step > 0.0 else -shortest
        a, fa = b, fb
        b += step
        fb = function(b)
        if (fb > 0.0) == (fc > 0.0):
            c, fc = a, fa
    return b


def _interpolated(
    a: float, b: float, c: float, fa: float, fb: float, fc: float, previous: float, shortest: float, half: float
) -> float:
    """The secant or inverse quadratic step from b, or half the bracket where that step would not be safe."""
    width = c - b
    if a == c:
        p, q = width * (fb / fa), 1.0 - fb / fa
    else:
        ratio, to_c, to_a = fa / fc, fb / fc, fb / fa
        p = to_a * (width * ratio * (ratio - to_c) - (b - a) * (to_c - 1.0))
        q = (ratio - 1.0) * (to_c - 1.0) * (to_a - 1.0)
    p, q = (p, -q) if p > 0.0 else (-p, q)
    safe = p < 0.75 * width * q - abs(shortest * q) / 2.0 and p < abs(previous * q / 2.0)
    return p / q if safe else half
