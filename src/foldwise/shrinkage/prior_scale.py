"""The scale of apeglm's Cauchy prior: how far the estimates spread beyond their own errors.

Efron & Morris (1975), "Data analysis using Stein's estimator", section 8, as Zhu, Ibrahim & Love (2019) use it.
"""

from __future__ import annotations

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.errors import FitError
from foldwise.optimise.brent import root_on_interval

SMALLEST, LARGEST = 1e-6, 400.0  # where the variance is looked for, natural log squared
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
    return root_on_interval(surplus, SMALLEST, LARGEST)  # R's loose default tolerance is part of the answer


def prior_scale(variance: float) -> float:
    """Scale of the Cauchy prior: the standard deviation of the effects, at most 1."""
    return float(min(np.sqrt(variance), LARGEST_SCALE))
