"""The numbers of the method for a block of genes: arrays in, arrays out, nothing known of names."""

from foldwise.kernels.answers import DispersionSearch, GlmFinish, GlmFit
from foldwise.kernels.design import KernelDesign, prepare_design
from foldwise.kernels.plain import (
    contrast_errors,
    finish_glm,
    fit_glm,
    grid_dispersion,
    log_density,
    search_dispersion,
)
from foldwise.kernels.statistics import (
    exact_row_means,
    fitted_normalized_counts,
    glm_means,
    glm_start,
    linear_means,
    robust_dispersion,
    rough_dispersion,
    row_statistics,
    trimmed_mean,
)

__all__ = [
    "DispersionSearch",
    "GlmFinish",
    "GlmFit",
    "KernelDesign",
    "contrast_errors",
    "exact_row_means",
    "finish_glm",
    "fit_glm",
    "fitted_normalized_counts",
    "glm_means",
    "glm_start",
    "grid_dispersion",
    "linear_means",
    "log_density",
    "prepare_design",
    "robust_dispersion",
    "rough_dispersion",
    "row_statistics",
    "search_dispersion",
    "trimmed_mean",
    "warm_up",
]


def warm_up() -> None:
    """Compile every kernel now, once per machine, instead of at its first use."""
