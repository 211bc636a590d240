"""Quasi-likelihood shrinkage: how far a gene's dispersion is from the trend, moderated across genes.

Lund et al. (2012), "Detecting differential expression in RNA-sequence data using quasi-likelihood with shrunken
dispersion estimates"; Smyth (2004) for the scaled F distribution of the ratios.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

from foldwise.arrays import FloatArray
from foldwise.errors import FoldwiseWarning
from foldwise.options import MIN_DISPERSION

START_STEP = 0.1
TOLERANCE = math.sqrt(float(np.finfo(float).eps))
MAX_EVALUATIONS = 500
NOT_FINITE = 1e35
FIRST_SIZE = 2.0


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

    return QuasiLikelihood(
        mle, np.full_like(mle, scale), shrunken, as_dispersion(scale), as_dispersion(shrunken), df0
    )


def variance_prior(ratios: FloatArray, df: int) -> tuple[float, float]:
    """Scale and degrees of freedom of the scaled F distribution of the ratios.

    R searches with Nelder and Mead's simplex, which stops short of the optimum in the fourth digit; its numbers come
    from following it.
    """
    log_ratios = np.log(ratios)

    def minus_log_density(u: float, v: float) -> float:
        with np.errstate(all="ignore"):
            x = log_ratios - u
            df0 = np.exp(v)
            a, b = df / 2.0, df0 / 2.0
            shape = a * np.log(df / df0) - betaln(a, b)
            density = shape + (a - 1.0) * x - (a + b) * np.log1p(df / df0 * np.exp(x)) - u
            return -float(np.sum(density))

    (u, v), converged = nelder_mead(minus_log_density)
    if not converged:
        warnings.warn(
            "the prior of the quasi-likelihood dispersions did not properly converge; its degrees of freedom and "
            "all p-values depend on it a little.",
            FoldwiseWarning,
            stacklevel=3,
        )
    return math.exp(u), math.exp(v)


def nelder_mead(function: Callable[[float, float], float]) -> tuple[tuple[float, float], bool]:
    """R's ``optim(c(0, 0), function)``: Nash (1990), algorithm 19, in two dimensions."""

    def evaluate(point: FloatArray) -> float:
        value = function(float(point[0]), float(point[1]))
        return value if math.isfinite(value) else NOT_FINITE

    vertices = np.array([[0.0, 0.0], [START_STEP, 0.0], [0.0, START_STEP]])
    values = np.array([evaluate(vertex) for vertex in vertices])
    tolerance = TOLERANCE * (abs(values[0]) + TOLERANCE)
    evaluations, size, low = 3, FIRST_SIZE, 0
    while evaluations <= MAX_EVALUATIONS:
        high, lowest = low, low
        for i in range(3):
            if values[i] < values[lowest]:
                lowest = i
            if values[i] > values[high]:
                high = i
        low = lowest
        if values[high] <= values[low] + tolerance:
            return (float(vertices[low, 0]), float(vertices[low, 1])), True
        centre = np.delete(vertices, high, axis=0).mean(axis=0)
        before = values[high]
        reflected = 2.0 * centre - vertices[high]
        value = evaluate(reflected)
        evaluations += 1
        if value < values[low]:
            further = 2.0 * reflected - centre
            beyond = evaluate(further)
            evaluations += 1
            vertices[high], values[high] = (further, beyond) if beyond < value else (reflected, value)
            continue
        if value < before:
            vertices[high], values[high] = reflected, value
        inner = 0.5 * vertices[high] + 0.5 * centre
        contracted = evaluate(inner)
        evaluations += 1
        if contracted < values[high]:
            vertices[high], values[high] = inner, contracted
        elif value >= before:
            vertices = 0.5 * (vertices + vertices[low])
            new_size = float(np.abs(vertices - vertices[low]).sum())
            if not new_size < size:
                break
            size = new_size
            for i in range(3):
                if i != low:
                    values[i] = evaluate(vertices[i])
                    evaluations += 1
    best = int(np.argmin(values))
    return (float(vertices[best, 0]), float(vertices[best, 1])), False
