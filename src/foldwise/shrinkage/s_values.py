"""s-values: the expected share of wrong signs among the genes that rank as high.

Stephens (2017), "False discovery rates: a new deal", section 2.3.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from foldwise.arrays import FloatArray


def s_values(local_rates: FloatArray) -> FloatArray:
    """(n_genes,) running mean of the sorted local false sign rates.

    Ties get distinct ranks in the order of the genes, as in R, and so may differ. NaN stays NaN and counts for
    nobody.

    >>> s_values(np.array([0.3, np.nan, 0.1, 0.1, 0.5])).round(3).tolist()
    [0.167, nan, 0.1, 0.1, 0.25]
    """
    order = np.argsort(local_rates, kind="stable")
    running = np.cumsum(local_rates[order]) / np.arange(1, local_rates.size + 1)
    values = np.empty_like(running)
    values[order] = running
    return values


def normal_false_sign_rate(mode: FloatArray, sd: FloatArray) -> FloatArray:
    """Posterior probability that the sign of the estimate is wrong, for a normal posterior."""
    return np.asarray(ndtr(-np.abs(mode) / sd))


def normal_false_or_small_rate(mode: FloatArray, sd: FloatArray, threshold: float) -> FloatArray:
    """Posterior probability that the effect has the other sign or is smaller than ``threshold``.

    A mode of exactly zero gives one half, as in R; so does subtracting from one for negative modes, which rounds
    rates below 1e-16 to zero: the s-values of the surest genes hang on it.
    """
    beyond = (threshold * np.sign(mode) - mode) / sd
    return np.asarray(np.where(mode < 0, 1.0 - ndtr(beyond), ndtr(beyond)))
