"""The negative binomial log density, to R's last bit.

Loader (2000), "Fast and accurate computation of binomial probabilities": the density is written around its saddle
point, so that no large numbers cancel. log Gamma as in SLATEC (Fullerton's DGAMMA and DLNGAM, public domain). Only
the deviance parts depend on the mean; :func:`prepare` computes the rest once for many means.
"""

from __future__ import annotations

import math

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.kernels._jit import kernel
from foldwise.optimise._jit import shared

LOG_SQRT_TWO_PI = 0.9189385332046728
LOG_TWO_PI = 1.8378770664093456

# Chebyshev coefficients of Gamma(1 + y) - 15/16 for y in [0, 1], computed in 60 digits and rounded.
GAMMA_SERIES = np.array(
    [
        0.00857119559098933,
        0.004415381324841007,
        0.05685043681599363,
        -0.00421983539641856,
        0.0013268081812124603,
        -0.00018930245297988805,
        3.606925327441245e-05,
        -6.056761904460864e-06,
        1.0558295463022833e-06,
        -1.811967365542384e-07,
        3.117724964715322e-08,
        -5.354219639019687e-09,
        9.193275519859589e-10,
        -1.5779412802883398e-10,
        2.7079806229349544e-11,
        -4.64681865382573e-12,
        7.97335019200742e-13,
        -1.368078209830916e-13,
        2.3473194865638007e-14,
        -4.027432614949067e-15,
        6.910051747372101e-16,
        -1.185584500221993e-16,
    ]
)
# The same for x times Stirling's remainder of log Gamma(x), in (10 / x)^2.
STIRLING_SERIES = np.array(
    [
        0.16663894804518634,
        -1.384948176067564e-05,
        9.81082564692473e-09,
        -1.809129475572494e-11,
        6.221098041892606e-14,
    ]
)
# Stirling's error log n! - [log sqrt(2 pi n) + n log n - n] at n = 0, 1/2, 1, ..., 15 (0 by convention at 0).
STIRLING_ERRORS = np.array(
    [
        0.0,
        0.15342640972002736,
        0.08106146679532726,
        0.05481412105191765,
        0.0413406959554093,
        0.03316287351993629,
        0.02767792568499834,
        0.023746163656297496,
        0.020790672103765093,
        0.018488450532673187,
        0.016644691189821193,
        0.015134973221917378,
        0.013876128823070748,
        0.012810465242920227,
        0.01189670994589177,
        0.011104559758206917,
        0.010411265261972096,
        0.009799416126158804,
        0.009255462182712733,
        0.008768700134139386,
        0.00833056343336287,
        0.00793411456431402,
        0.007573675487951841,
        0.007244554301320383,
        0.00694284010720953,
        0.006665247032707682,
        0.006408994188004207,
        0.006171712263039458,
        0.0059513701127588475,
        0.0057462165130101155,
        0.005554733551962801,
    ]
)


@shared
def chebyshev(series: FloatArray, x: float) -> float:
    """Chebyshev sum by Clenshaw's recurrence; the first coefficient counts half."""
    twice = 2.0 * x
    newest, middle, oldest = 0.0, 0.0, 0.0
    for i in range(series.shape[0] - 1, -1, -1):
        oldest = middle
        middle = newest
        newest = twice * middle - oldest + series[i]
    return 0.5 * (newest - oldest)


@shared
def log_gamma(x: float) -> float:
    """Log Gamma for 0 < x <= 16, where Stirling's error has no table entry."""
    if x <= 10.0:
        whole = math.floor(x)
        y = x - whole
        value = chebyshev(GAMMA_SERIES, 2.0 * y - 1.0) + 0.9375
        if whole == 0.0:
            return math.log(value / x)
        for i in range(1, int(whole)):
            value *= y + i
        return math.log(value)
    ratio = 10.0 / x
    correction = chebyshev(STIRLING_SERIES, 2.0 * (ratio * ratio) - 1.0) / x
    return LOG_SQRT_TWO_PI + (x - 0.5) * math.log(x) - x + correction


@shared
def stirling_error(n: float) -> float:
    """What Stirling's formula lacks of log n!, for n >= 0."""
    if n <= 15.0:
        doubled = n + n
        if doubled == math.floor(doubled):
            return float(STIRLING_ERRORS[int(doubled)])
        return log_gamma(n + 1.0) - (n + 0.5) * math.log(n) + n - LOG_SQRT_TWO_PI
    s0, s1, s2, s3, s4 = 1.0 / 12.0, 1.0 / 360.0, 1.0 / 1260.0, 1.0 / 1680.0, 1.0 / 1188.0
    squared = n * n
    if n > 500.0:
        return (s0 - s1 / squared) / n
    if n > 80.0:
        return (s0 - (s1 - s2 / squared) / squared) / n
    if n > 35.0:
        return (s0 - (s1 - (s2 - s3 / squared) / squared) / squared) / n
    return (s0 - (s1 - (s2 - (s3 - s4 / squared) / squared) / squared) / squared) / n


@shared
def deviance_part(x: float, mean: float) -> float:
    """x log(x / mean) + mean - x, by its series where x and the mean are close."""
    if abs(x - mean) < 0.1 * (x + mean):
        v = (x - mean) / (x + mean)
        total = (x - mean) * v
        term = 2.0 * x * v
        v *= v
        for i in range(1, 1000):
            term *= v
            longer = total + term / (2 * i + 1)
            if longer == total:
                return longer
            total = longer
    return x * math.log(x / mean) + mean - x


@shared
def prepare(count: float, size: float) -> tuple[float, float, float]:
    """The three parts of a positive count's log density that do not depend on the mean."""
    n = count + size
    first = math.log1p(-count / n) if count < size else math.log(size / n)
    errors = stirling_error(n) - stirling_error(size) - stirling_error(n - size)
    scale = 0.5 * (LOG_TWO_PI + math.log(size) + math.log1p(-size / n))
    return first, errors, scale


@shared
def prepared_log_density(count: float, mean: float, size: float, first: float, errors: float, scale: float) -> float:
    """Log density of a count from its mean and the parts that :func:`prepare` computed."""
    failure = size / (size + mean)
    success = mean / (size + mean)
    if count == 0.0:
        return size * (math.log(failure) if size < mean else math.log1p(-success))
    if failure == 0.0 or success == 0.0:
        return -math.inf
    n = count + size
    core = errors - deviance_part(size, n * failure) - deviance_part(n - size, n * success)
    return first + (core - scale)


@kernel
def prepare_all(counts: FloatArray, sizes: FloatArray) -> FloatArray:
    """(3, n) the parts of :func:`prepare` for many counts; zeros for counts of 0."""
    parts = np.zeros((3, counts.shape[0]))
    for i in range(counts.shape[0]):
        if counts[i] > 0.0:
            parts[0, i], parts[1, i], parts[2, i] = prepare(counts[i], sizes[i])
    return parts


@kernel
def prepared_log_densities(counts: FloatArray, means: FloatArray, sizes: FloatArray, parts: FloatArray) -> FloatArray:
    """(n,) log densities from prepared parts."""
    out = np.empty(counts.shape[0])
    for i in range(counts.shape[0]):
        out[i] = prepared_log_density(counts[i], means[i], sizes[i], parts[0, i], parts[1, i], parts[2, i])
    return out


class PreparedCounts:
    """Counts and dispersions whose log density is wanted at many means, each at a third of the price.

    counts, dispersion : arrays (or a number) that broadcast with each other to the shape of the means.
    """

    def __init__(self, counts: FloatArray, dispersion: FloatArray | float) -> None:
        sizes = 1.0 / np.asarray(dispersion, dtype=np.float64)
        shaped = np.broadcast_arrays(np.asarray(counts, np.float64), sizes)
        self.shape = shaped[0].shape
        self._counts, self._sizes = (np.ascontiguousarray(array).reshape(-1) for array in shaped)
        self._parts = prepare_all(self._counts, self._sizes)

    def log_density(self, means: FloatArray) -> FloatArray:
        """Log densities, R's bits, of the shape of the counts."""
        flat = np.ascontiguousarray(np.broadcast_to(means, self.shape), dtype=np.float64).reshape(-1)
        return prepared_log_densities(self._counts, flat, self._sizes, self._parts).reshape(self.shape)


def log_density(counts: FloatArray, means: FloatArray, dispersion: FloatArray | float) -> FloatArray:
    """Negative binomial log density, bit for bit as R's ``dnbinom(counts, mu=, size=1/dispersion, log=TRUE)``.

    Parameters
    ----------
    counts : array of non-negative whole numbers.
    means, dispersion : arrays or numbers that broadcast with ``counts``; both positive (dispersion >= 1e-8:
        nearly Poisson counts below 1e-10 / dispersion, which R treats apart, do not occur then).

    Returns
    -------
    Array of the shape that the three have together.

    Source
    ------
    Loader, C. (2000). Fast and accurate computation of binomial probabilities.
    """
    shape = np.broadcast_shapes(np.shape(counts), np.shape(means), np.shape(dispersion))
    return PreparedCounts(np.broadcast_to(np.asarray(counts, np.float64), shape), dispersion).log_density(means)
