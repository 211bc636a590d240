"""The quasi-likelihood ratio test: deviances at the trend, over the shrunken quasi-likelihood dispersion."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, fdtrc

from foldwise.arrays import BoolArray, FloatArray
from foldwise.dispersion.glm_gam_poi.gamma_poisson import fit_gamma_poisson
from foldwise.kernels import KernelDesign


class DevianceBlock(NamedTuple):
    """Two models of a block of genes.

    beta : (n_genes, p) natural log, full model. deviance_full, deviance_reduced : (n_genes,).
    has_empty_group : (n_genes,) a group of the full model has no counts, and fold changes with it are infinite
        (stored as +-1.44e8 in log2).
    """

    beta: FloatArray
    deviance_full: FloatArray
    deviance_reduced: FloatArray
    has_empty_group: BoolArray


class QuasiLikelihoodRatio(NamedTuple):
    """statistic : (n_genes,) F. p_value : (n_genes,)."""

    statistic: FloatArray
    p_value: FloatArray


def block_deviances(
    counts: FloatArray, factors: FloatArray, full: KernelDesign, reduced: KernelDesign, disp_fit: FloatArray
) -> DevianceBlock:
    """Fit the full and the reduced model of a block of genes at the dispersions of the trend."""
    whole = fit_gamma_poisson(counts, factors, full, disp_fit)
    part = fit_gamma_poisson(counts, factors, reduced, disp_fit)
    return DevianceBlock(whole.beta, whole.deviance, part.deviance, whole.has_empty_group)


def f_test(
    deviance_full: FloatArray,
    deviance_reduced: FloatArray,
    ql_disp_map: FloatArray,
    *,
    n_tested: int,
    residual_df: int,
    df0: float,
) -> QuasiLikelihoodRatio:
    """F test of the coefficients that the reduced model lacks.

    n_tested : how many these are. residual_df : samples minus coefficients of the full model.
    """
    statistic = (deviance_reduced - deviance_full) / n_tested / ql_disp_map
    above = np.maximum(statistic, 0.0)  # rounding may leave it a hair below 0
    if math.isinf(df0):
        return QuasiLikelihoodRatio(statistic, chdtrc(n_tested, above * n_tested))
    return QuasiLikelihoodRatio(statistic, fdtrc(n_tested, df0 + residual_df, above))
