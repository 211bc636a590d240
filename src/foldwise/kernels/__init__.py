"""The numbers of the method for a block of genes: arrays in, arrays out, nothing known of names."""

from foldwise.kernels.answers import DispersionSearch, GlmFinish, GlmFit
from foldwise.kernels.coefficients import fit_glm
from foldwise.kernels.density import log_density
from foldwise.kernels.design import KernelDesign, prepare_design
from foldwise.kernels.dispersion import grid_dispersion, search_dispersion
from foldwise.kernels.finish import contrast_errors, finish_glm
from foldwise.kernels.statistics import (
    exact_row_means,
    glm_means,
    glm_start,
    linear_means,
    robust_dispersion,
    rough_dispersion,
    row_statistics,
    trimmed_mean,
)
from foldwise.kernels.warming import are_kept, on_notice, warm_up, warm_up_the_last

__all__ = [
    "DispersionSearch",
    "GlmFinish",
    "GlmFit",
    "KernelDesign",
    "are_kept",
    "contrast_errors",
    "exact_row_means",
    "finish_glm",
    "fit_glm",
    "glm_means",
    "glm_start",
    "grid_dispersion",
    "linear_means",
    "log_density",
    "on_notice",
    "prepare_design",
    "robust_dispersion",
    "rough_dispersion",
    "row_statistics",
    "search_dispersion",
    "trimmed_mean",
    "warm_up",
    "warm_up_the_last",
]
