"""Cook's distances by their definition."""

from __future__ import annotations

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.certify.likelihood import Glm, hat_diagonal

LEAST_ROBUST = 0.04


def _trimmed(values: FloatArray, share: float) -> FloatArray:
    ordered = np.sort(values, axis=1)
    cut = int(np.floor(values.shape[1] * share))
    return np.asarray(ordered[:, cut : values.shape[1] - cut].mean(axis=1))


def _trimmed_variance(values: FloatArray, share: float, scale: float) -> FloatArray:
    deviations = (values - _trimmed(values, share)[:, None]) ** 2
    return scale * _trimmed(deviations, share)


def robust_alpha(normalized: FloatArray, cells: IntArray) -> FloatArray:
    """(n_genes, 1) dispersion by trimmed variances within cells of replicates."""
    sizes = np.bincount(cells)
    variances = []
    for cell in np.flatnonzero(sizes >= 3):
        share, scale = (1 / 3, 2.04) if sizes[cell] <= 3 else (1 / 4, 1.86) if sizes[cell] <= 23 else (1 / 8, 1.51)
        variances.append(_trimmed_variance(normalized[:, cells == cell], share, scale))
    variance = np.max(variances, axis=0) if variances else _trimmed_variance(normalized, 1 / 8, 1.51)
    mean = normalized.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.maximum((variance - mean) / mean**2, LEAST_ROBUST)[:, None]


def distances(glm: Glm, weights_at: FloatArray, means: FloatArray, cells: IntArray, n_coefficients: int) -> FloatArray:
    """(n_genes, n_samples) Cook's distances. weights_at : means of the hat diagonals; means : of the residuals."""
    alpha = robust_alpha(glm.counts / glm.factors, cells)
    h = hat_diagonal(glm, weights_at)
    squared = (glm.counts - means) ** 2 / (means + alpha * means**2)
    return np.asarray(squared * h / (1.0 - h) ** 2 / n_coefficients)
