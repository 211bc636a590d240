"""The glmGamPoi route: another gene-wise estimate, a local median as trend, quasi-likelihood shrinkage and F test.

Ahlmann-Eltze & Huber (2020), "glmGamPoi: fitting Gamma-Poisson generalized linear models on single cell count data".
"""

from foldwise.dispersion.glm_gam_poi.dispersions import (
    GammaPoissonDispersions,
    block_dispersions,
    dispersion_means,
    first_means,
    gene_wise,
    smoothed_start,
)
from foldwise.dispersion.glm_gam_poi.gamma_poisson import GammaPoissonFit, fit_gamma_poisson
from foldwise.dispersion.glm_gam_poi.likelihood_ratio import (
    DevianceBlock,
    QuasiLikelihoodRatio,
    block_deviances,
    f_test,
)
from foldwise.dispersion.glm_gam_poi.quasi_likelihood import QuasiLikelihood, quasi_likelihood_shrinkage
from foldwise.dispersion.glm_gam_poi.running_median import local_median
from foldwise.dispersion.glm_gam_poi.stages import RouteModel, estimate_gene_wise, fit_both_models

__all__ = [
    "DevianceBlock",
    "GammaPoissonDispersions",
    "GammaPoissonFit",
    "QuasiLikelihood",
    "QuasiLikelihoodRatio",
    "RouteModel",
    "block_deviances",
    "block_dispersions",
    "dispersion_means",
    "estimate_gene_wise",
    "f_test",
    "first_means",
    "fit_both_models",
    "fit_gamma_poisson",
    "gene_wise",
    "local_median",
    "quasi_likelihood_shrinkage",
    "smoothed_start",
]
