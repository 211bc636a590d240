"""Quasi-likelihood shrinkage: how far a gene's dispersion is from the trend, moderated across genes.

Lund et al. (2012), "Detecting differential expression in RNA-sequence data using quasi-likelihood with shrunken
dispersion estimates"; Smyth (2004) for the scaled F distribution of the ratios.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

from foldwise.arrays import FloatArray
from foldwise.optimise.nelder_mead import nelder_mead
from foldwise.options import MIN_DISPERSION
from foldwise.warn import warn


@dataclass(frozen=True, slots=True)
class QuasiLikelihood:
    """Quasi-likelihood dispersions; all but ``df0`` (n_genes,), named as R's columns.

    ql_disp_mle : (1 + mean * gene-wise dispersion) / (1 + mean * trend), 1 for a gene on the trend.
    ql_disp_fit : scale of their prior (one number, repeated).
    ql_disp_map : shrunken towards it; what the F test divides by.
    disp_fit_ql_corrected : the trend, were it scaled by ``ql_disp_fit``.
    disp_map : the dispersion that ``ql_disp_map`` amounts to.
    df0 : degrees of freedom of the prior, inf where genes show no spread of their own.
    """

    ql_disp_mle: FloatArray
    ql_disp_fit: FloatArray
    ql_disp_map: FloatArray
    disp_fit_ql_corrected: FloatArray
    disp_map: FloatArray
    df0: float


def quasi_likelihood_shrinkage(
    base_means: FloatArray, disp_gene_est: FloatArray, disp_fit: FloatArray, df: int, *, max_dispersion: float
) -> QuasiLikelihood:
    """Shrink the genes' distances from the trend.

    Parameters
    ----------
    base_means, disp_gene_est, disp_fit : (n_genes,)
        Of the genes with counts only.
    df
        Samples minus coefficients.
    max_dispersion
        max(10, n_samples).
    """
    poisson = 1.0 + base_means * disp_fit
    mle = (1.0 + base_means * disp_gene_est) / poisson
    if np.all(mle == 1.0):
        scale, df0, shrunken = 1.0, math.inf, np.ones_like(mle)
    else:
        scale, df0 = variance_prior(mle, df)
        shrunken = (df0 * scale + df * mle) / (df0 + df)

    def as_dispersion(ratio: FloatArray | float) -> FloatArray:
        excess = (ratio * (base_means + base_means**2 * disp_fit) - base_means) / base_means**2
        return np.clip(excess, MIN_DISPERSION, max_dispersion)

    return QuasiLikelihood(mle, np.full_like(mle, scale), shrunken, as_dispersion(scale), as_dispersion(shrunken), df0)


def variance_prior(ratios: FloatArray, df: int) -> tuple[float, float]:
    """Scale and degrees of freedom of the scaled F distribution of the ratios.

    R searches with Nelder and Mead's simplex, which stops short of the optimum in the fourth digit; its numbers come
    from following it.
    """
    log_ratios = np.log(ratios)

    def minus_log_density(point: FloatArray) -> float:
        u, v = point
        with np.errstate(all="ignore"):
            x = log_ratios - u
            df0 = np.exp(v)
            a, b = df / 2.0, df0 / 2.0
            shape = a * np.log(df / df0) - betaln(a, b)
            density = shape + (a - 1.0) * x - (a + b) * np.log1p(df / df0 * np.exp(x)) - u
            return -float(np.sum(density))

    found = nelder_mead(minus_log_density, np.zeros(2))
    if found.code != 0:
        warn(
            "The prior of the quasi-likelihood dispersions did not properly converge; its degrees of freedom and "
            "all p-values depend on it a little."
        )
    scale, df0 = np.exp(found.point)
    return float(scale), float(df0)
