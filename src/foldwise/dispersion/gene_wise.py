"""Gene-wise dispersions: the Cox-Reid adjusted likelihood of each gene alone.

Love et al. (2014), "Estimation of dispersions", gene-wise estimates; Cox & Reid (1987).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.coefficients import GlmModel, fit_coefficients
from foldwise.kernels import (
    KernelDesign,
    glm_means,
    grid_dispersion,
    linear_means,
    rough_dispersion,
    row_statistics,
    search_dispersion,
)
from foldwise.options import MAX_ITERATIONS, MIN_DISPERSION

WEIGHT_FLOOR = 1e-6  # of normalized weights in this search, so that log-likelihoods keep every sample
GRID_ABOVE = 10 * MIN_DISPERSION  # genes below are left where the search put them
NO_INCREASE = 1e-6  # a relative gain in log-likelihood that counts as none


@dataclass(frozen=True, slots=True)
class GeneWiseModel:
    """What the gene-wise step needs besides a block's own arrays.

    design : the dispersion design. means_glm : the model that gives the means, or None where they are linear.
    inverse_factor : mean over samples of 1 / size factor (of 1 / column mean, with normalization factors).
    min_mu : floor of the means. max_dispersion : max(10, n_samples).
    """

    design: KernelDesign
    means_glm: GlmModel | None
    inverse_factor: float
    min_mu: float
    max_dispersion: float


@dataclass(frozen=True, slots=True)
class GeneWiseDispersions:
    """dispersion : (n_genes,) clipped. steps : (n_genes,) of the line search. beta : (n_genes, p) natural log
    coefficients that give the means, or None where these are linear. rough : (n_genes,) where the search began."""

    dispersion: FloatArray
    steps: IntArray
    beta: FloatArray | None
    rough: FloatArray


def dispersion_means(
    counts: FloatArray, factors: FloatArray, model: GeneWiseModel, beta: FloatArray | None
) -> FloatArray:
    """(n_genes, n_samples) the means that dispersions are estimated around, floored."""
    if beta is None:
        return linear_means(counts, factors, model.design, min_mu=model.min_mu)
    return glm_means(factors, model.design, beta, min_mu=model.min_mu)


def gene_wise_dispersions(
    counts: FloatArray,
    factors: FloatArray,
    model: GeneWiseModel,
    *,
    raw_weights: FloatArray | None = None,
    weights: FloatArray | None = None,
) -> GeneWiseDispersions:
    """One dispersion a gene, R's path.

    raw_weights : as given; they enter the moments. weights : divided by each gene's largest.
    """
    base_mean, base_variance = row_statistics(counts, factors, raw_weights)
    rough = rough_dispersion(
        counts,
        factors,
        model.design,
        base_mean,
        base_variance,
        model.inverse_factor,
        max_dispersion=model.max_dispersion,
    )
    beta = None
    if model.means_glm is not None:
        beta = fit_coefficients(counts, factors, model.means_glm, rough, weights=weights).beta
    means = dispersion_means(counts, factors, model, beta)
    floored = None if weights is None else np.maximum(weights, WEIGHT_FLOOR)
    return _searched(counts, means, model, rough, beta, floored)


def _searched(
    counts: FloatArray,
    means: FloatArray,
    model: GeneWiseModel,
    rough: FloatArray,
    beta: FloatArray | None,
    weights: FloatArray | None,
) -> GeneWiseDispersions:
    found = search_dispersion(counts, means, model.design, np.log(rough), weights=weights)
    dispersion = np.minimum(np.exp(found.log_alpha), model.max_dispersion)
    # R's order: genes that gained nothing go back to their start; then those that did not converge, and a search of
    # one step counts as such here, get the grid's value whatever the first rule said.
    no_gain = found.last_value < found.first_value + np.abs(found.first_value) * NO_INCREASE
    dispersion = np.where(no_gain, rough, dispersion)
    unconverged = ((found.steps >= MAX_ITERATIONS) | (found.steps == 1)) & (dispersion > GRID_ABOVE)
    rows: BoolArray | IntArray = np.flatnonzero(unconverged)
    if len(rows):
        dispersion[rows] = np.exp(
            grid_dispersion(
                counts[rows],
                means[rows],
                model.design,
                float(np.log(MIN_DISPERSION)),
                float(np.log(model.max_dispersion)),
                weights=None if weights is None else weights[rows],
            )
        )
    return GeneWiseDispersions(np.clip(dispersion, MIN_DISPERSION, model.max_dispersion), found.steps, beta, rough)
