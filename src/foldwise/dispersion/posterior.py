"""Final dispersions: gene-wise estimates drawn towards the trend, unless a gene is an outlier.

Love et al. (2014), "Empirical Bayes shrinkage of dispersion", maximum a posteriori.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.kernels import KernelDesign, grid_dispersion, search_dispersion
from foldwise.options import MAX_ITERATIONS, MIN_DISPERSION

START_AT_TREND_BELOW = 0.1  # of the trend: gene-wise estimates lower than this start the search at the trend
OUTLIER_SDS = 2.0


@dataclass(frozen=True, slots=True)
class PosteriorDispersions:
    """dispersion : (n_genes,) the one that tests use. map_dispersion : (n_genes,) before outliers keep their own.
    steps : (n_genes,). outlier : (n_genes,) far above the trend."""

    dispersion: FloatArray
    map_dispersion: FloatArray
    steps: IntArray
    outlier: BoolArray


def posterior_dispersions(
    counts: FloatArray,
    means: FloatArray,
    design: KernelDesign,
    gene_wise: FloatArray,
    trend_values: FloatArray,
    *,
    prior_variance: float,
    residual_variance: float,
    max_dispersion: float,
    weights: FloatArray | None = None,
) -> PosteriorDispersions:
    """The posterior's maximum under a log-normal prior around the trend, R's path.

    means : the floored means of the gene-wise step. prior_variance : of log dispersions around the trend.
    residual_variance : the raw spread of log residuals, against which outliers are judged.
    """
    prior_log_mean = np.log(trend_values)
    # The start is not clipped: a trend above the largest dispersion begins the search there, as in R.
    start = np.where(gene_wise > START_AT_TREND_BELOW * trend_values, gene_wise, trend_values)
    found = search_dispersion(
        counts,
        means,
        design,
        np.log(start),
        prior_log_mean=prior_log_mean,
        prior_variance=prior_variance,
        weights=weights,
    )
    log_alpha = np.array(found.log_alpha)
    rows = np.flatnonzero(found.steps >= MAX_ITERATIONS)
    if len(rows):
        log_alpha[rows] = grid_dispersion(
            counts[rows],
            means[rows],
            design,
            float(np.log(MIN_DISPERSION)),
            float(np.log(max_dispersion)),
            prior_log_mean=prior_log_mean[rows],
            prior_variance=prior_variance,
            weights=None if weights is None else weights[rows],
        )
    map_dispersion = np.clip(np.exp(log_alpha), MIN_DISPERSION, max_dispersion)
    outlier = np.log(gene_wise) > prior_log_mean + OUTLIER_SDS * np.sqrt(residual_variance)
    return PosteriorDispersions(np.where(outlier, gene_wise, map_dispersion), map_dispersion, found.steps, outlier)
