"""The negative binomial log density, for whole matrices."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from foldwise.arrays import FloatArray


def log_density(counts: FloatArray, means: FloatArray, alpha: FloatArray) -> FloatArray:
    """Negative binomial log density, saturated part and deviance part apart so that neither cancels."""
    y, mu = np.broadcast_arrays(counts, means)
    alpha = np.broadcast_to(alpha[:, None], y.shape)
    r = 1.0 / alpha
    safe = np.where(y > 0, y, 1.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        saturated = (
            stirling_rest(safe + r) - stirling_rest(r) - stirling_rest(safe)
            - 0.5 * np.log(2.0 * np.pi * safe * (1.0 + alpha * safe))
        )  # fmt: skip
        apart = safe * np.log1p((mu - safe) / (safe * (1.0 + alpha * mu)))
        apart = apart - r * np.log1p(alpha * (mu - safe) / (1.0 + alpha * safe))
        return np.where(y > 0, saturated + apart, -r * np.log1p(alpha * mu))


def stirling_rest(x: FloatArray) -> FloatArray:
    """ln Gamma(x) minus Stirling's leading terms."""
    big = np.maximum(x, 10.0)
    square = 1.0 / (big * big)
    series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / big
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = gammaln(x) - ((x - 0.5) * np.log(x) - x + 0.5 * np.log(2 * np.pi))
    return np.where(x >= 10.0, series, direct)
