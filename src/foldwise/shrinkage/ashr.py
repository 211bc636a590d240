"""Adaptive shrinkage: the effects' distribution as a mixture of normals about zero, estimated from all genes.

Stephens (2017), "False discovery rates: a new deal". The setting is the one R's ``lfcShrink`` uses: no point mass
at zero, no preference for small effects, a normal likelihood for each estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from foldwise.arrays import BoolArray, FloatArray
from foldwise.errors import FitError
from foldwise.shrinkage.mixture import MixtureWeights, fit_mixture
from foldwise.shrinkage.s_values import s_values

GRID_STEP = np.sqrt(2.0)
NEGLIGIBLE = 1e-10  # weight up to which a component is left out of the posterior
LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)


@dataclass(frozen=True, slots=True)
class AshPosterior:
    """What adaptive shrinkage says of every gene.

    mean, sd : (n_genes,) of the posterior, scale of the input. Genes without an estimate have the prior's: 0 and
    its standard deviation, as in R.
    false_sign_rate : (n_genes,) posterior probability of the wrong sign. s_value : (n_genes,).
    grid : (n_components,) standard deviations of the prior's components, increasing.
    mixture : their weights and how well they solve the problem.
    """

    mean: FloatArray
    sd: FloatArray
    false_sign_rate: FloatArray
    s_value: FloatArray
    grid: FloatArray
    mixture: MixtureWeights


def adaptive_shrinkage(
    estimates: FloatArray, errors: FloatArray, *, threshold: float = 0.0, grid: FloatArray | None = None
) -> AshPosterior:
    """Posterior means and standard deviations of effects given estimates and their standard errors.

    Parameters
    ----------
    estimates, errors : (n_genes,) one scale, NaN where unknown.
    threshold : above 0, the rate (and s-value) is of "wrong sign or smaller than this".
    grid : standard deviations of the components, if not R's default ones.

    Raises
    ------
    FitError
        If no gene has an estimate and a positive, finite standard error.
    """
    used = ~np.isnan(estimates) & np.isfinite(errors) & (errors > 0)
    if not used.any():
        raise FitError(
            "ashr has nothing to work on: no gene has both a fold change and a positive, finite standard error. "
            "(A fit with fit_type='glmGamPoi' has no standard errors.)"
        )
    b, s = estimates[used], errors[used]
    grid = default_grid(b, s) if grid is None else np.asarray(grid, dtype=np.float64)
    log_likelihood = component_log_likelihood(b, s, grid)
    mixture = fit_mixture(np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)))
    return _posterior(b, s, used, grid, mixture, log_likelihood, threshold)


def default_grid(estimates: FloatArray, errors: FloatArray) -> FloatArray:
    """Standard deviations from a tenth of the smallest error to twice the largest excess, in steps of root 2.

    Anchored at the largest: the smallest is at most a tenth of the smallest error.
    """
    smallest = errors.min() / 10.0
    excess = estimates**2 - errors**2
    largest = 2.0 * np.sqrt(excess.max()) if (excess > 0).any() else 8.0 * smallest
    steps = int(np.ceil(np.log2(largest / smallest) / np.log2(GRID_STEP)))
    return np.asarray(GRID_STEP ** np.arange(-steps, 1) * largest)


def component_log_likelihood(estimates: FloatArray, errors: FloatArray, grid: FloatArray) -> FloatArray:
    """(n_genes, n_components) log density of each estimate under each component."""
    spread = np.sqrt(errors[:, None] ** 2 + grid**2)
    return np.asarray(-0.5 * (estimates[:, None] / spread) ** 2 - np.log(spread) - LOG_ROOT_2PI)


def _posterior(
    b: FloatArray, s: FloatArray, used: BoolArray, grid: FloatArray, mixture: MixtureWeights,
    log_likelihood: FloatArray, threshold: float,
) -> AshPosterior:  # fmt: skip
    """Closed forms: given its component, an effect is normal."""
    kept = mixture.weights > NEGLIGIBLE
    weights = mixture.weights[kept] / mixture.weights[kept].sum()
    variance = grid[kept] ** 2
    shares = _component_shares(log_likelihood[:, kept], weights)
    shrink = variance / (s[:, None] ** 2 + variance)
    means, variances = b[:, None] * shrink, s[:, None] ** 2 * shrink
    sds = np.sqrt(variances)

    mean, sd = np.zeros(used.size), np.full(used.size, np.sqrt(mixture.weights @ grid**2))
    mean[used] = np.sum(shares * means, axis=1)
    second = np.sum(shares * (variances + means**2), axis=1)
    sd[used] = np.sqrt(np.maximum(second - mean[used] ** 2, 0.0))

    def probability_below(t: float) -> FloatArray:
        below = np.full(used.size, np.sum(weights * ndtr(t / grid[kept])))
        below[used] = np.sum(shares * ndtr((t - means) / sds), axis=1)
        return below

    if threshold > 0:
        rate = np.where(mean > 0, probability_below(threshold), 1.0 - probability_below(-threshold))
    else:
        negative = probability_below(0.0)
        rate = np.where(negative > 0.5, 1.0 - negative, negative)
    rate = np.maximum(rate, 0.0)
    return AshPosterior(mean, sd, rate, s_values(rate), grid, mixture)


def _component_shares(log_likelihood: FloatArray, weights: FloatArray) -> FloatArray:
    """(n_genes, n_kept) posterior probability of each component."""
    log_joint = np.log(weights) + log_likelihood
    shares = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
