"""Gene-wise dispersions of this route: means, adjusted likelihood, and R's second thoughts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.dispersion.glm_gam_poi.gamma_poisson import fit_gamma_poisson
from foldwise.dispersion.glm_gam_poi.overdispersion import overdispersion
from foldwise.dispersion.glm_gam_poi.running_median import local_median
from foldwise.kernels import KernelDesign, glm_means, grid_dispersion, linear_means
from foldwise.options import MIN_DISPERSION, MIN_MU_GLM_GAM_POI

GRID_ABOVE = 10 * MIN_DISPERSION
GRID_ITERATIONS = (1, 100)
"""A search of one iteration, or of this many, is done again on the grid."""


@dataclass(frozen=True, slots=True)
class GammaPoissonDispersions:
    """dispersion : (n_genes,) clipped. iterations : (n_genes,) 0 where there is no overdispersion.

    beta : (n_genes, p) natural log, the coefficients of the means; None where they are cell means.
    """

    dispersion: FloatArray
    iterations: IntArray
    beta: FloatArray | None


def first_means(
    counts: FloatArray, factors: FloatArray, design: KernelDesign, alpha_start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """First of the two fits of the means, at the starting dispersions (designs that are not just groups).

    Returns
    -------
    beta : (n_genes, p) natural log. mean : (n_genes,) of the fitted means.
    """
    beta = fit_gamma_poisson(counts, factors, design, alpha_start).beta
    return beta, glm_means(factors, design, beta).mean(axis=1)


def smoothed_start(first_mean: FloatArray, alpha_start: FloatArray) -> FloatArray:
    """(n_genes,) dispersions of the second fit: the starting ones, smoothed over *all* genes by fitted mean."""
    order = np.argsort(first_mean, kind="stable")
    smooth = np.empty_like(alpha_start)
    smooth[order] = local_median(alpha_start[order])
    return smooth


def block_dispersions(
    counts: FloatArray,
    factors: FloatArray,
    design: KernelDesign,
    alpha_start: FloatArray,
    *,
    first_beta: FloatArray | None = None,
    smooth_alpha: FloatArray | None = None,
    min_mu: float = MIN_MU_GLM_GAM_POI,
    like_r: bool = False,
) -> GammaPoissonDispersions:
    """Dispersions of a block of genes.

    Parameters
    ----------
    counts : (n_genes, n_samples)
    factors : (n_samples,) or (n_genes, n_samples)
    alpha_start : (n_genes,)
        From ``rough_dispersion``.
    first_beta, smooth_alpha : (n_genes, p) and (n_genes,), optional
        From :func:`first_means` and :func:`smoothed_start`; not for designs that are just groups.
    like_r
        Repeat R's mistakes with the determinant for covariates of large scale, and its answer to them.
    """
    max_dispersion = float(max(10, design.n_samples))
    beta = None
    if not design.is_saturated:
        if first_beta is None or smooth_alpha is None:
            raise ValueError("designs that are not just groups need first_beta and smooth_alpha")
        beta = fit_gamma_poisson(counts, factors, design, smooth_alpha, start=first_beta).beta
    means = dispersion_means(counts, factors, design, beta, min_mu=min_mu)
    alpha, iterations = overdispersion(counts, means, design.matrix, alpha_start, max_dispersion, like_r=like_r)
    again = np.flatnonzero(
        ((iterations == GRID_ITERATIONS[0]) | (iterations >= GRID_ITERATIONS[1])) & (alpha > GRID_ABOVE)
    )
    if again.size:
        box = (float(np.log(MIN_DISPERSION)), float(np.log(max_dispersion)))
        alpha[again] = np.exp(grid_dispersion(counts[again], means[again], design, *box))
    return GammaPoissonDispersions(np.clip(alpha, MIN_DISPERSION, max_dispersion), iterations, beta)


def dispersion_means(
    counts: FloatArray, factors: FloatArray, design: KernelDesign, beta: FloatArray | None, *, min_mu: float
) -> FloatArray:
    """(n_genes, n_samples) the means that dispersions are estimated around, floored."""
    if beta is None:
        return linear_means(counts, factors, design, min_mu=min_mu)
    return np.maximum(glm_means(factors, design, beta), min_mu)


def gene_wise(
    counts: FloatArray,
    factors: FloatArray,
    design: KernelDesign,
    alpha_start: FloatArray,
    *,
    min_mu: float = MIN_MU_GLM_GAM_POI,
    compat: str | None = None,
) -> GammaPoissonDispersions:
    """All genes at once: the two fits of the means with the smoothing between them, then the dispersions.

    Genes without counts must be left out, since the smoothing looks at every gene given.
    """
    like_r = compat == "1.38"
    if design.is_saturated:
        return block_dispersions(counts, factors, design, alpha_start, min_mu=min_mu, like_r=like_r)
    first_beta, first_mean = first_means(counts, factors, design, alpha_start)
    smooth = smoothed_start(first_mean, alpha_start)
    return block_dispersions(
        counts, factors, design, alpha_start, first_beta=first_beta, smooth_alpha=smooth, min_mu=min_mu, like_r=like_r
    )
