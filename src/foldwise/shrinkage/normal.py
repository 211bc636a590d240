"""The original shrinkage: a normal prior on every coefficient, and the GLM fitted again with it.

Love et al. (2014), "Empirical prior estimate of fold changes" and "Shrinkage of logarithmic fold changes".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.coefficients import LOG2_E, GlmModel, fit_and_finish, glm_model
from foldwise.execution import CountSource, Executor
from foldwise.kernels import contrast_errors
from foldwise.options import MIN_MU


@dataclass(frozen=True, slots=True)
class NormalPosterior:
    """A comparison of the refitted coefficients, log2, in the genes that were fitted.

    lfc, se : (n_rows,). converged : (n_rows,) whether the fit ended by itself.
    prior_variance : (n_coefficients,) log2, of the matrix that was refitted.
    """

    lfc: FloatArray
    se: FloatArray
    converged: BoolArray
    prior_variance: FloatArray


def normal_posterior(
    counts: CountSource,
    factors: FloatArray,
    matrix: FloatArray,
    dispersions: FloatArray,
    prior_variance: FloatArray,
    contrast: FloatArray,
    run: Executor,
    *,
    rows: IntArray,
    weights: FloatArray | None = None,
    min_mu: float = MIN_MU,
) -> NormalPosterior:
    """Refit with a prior and read off one comparison.

    Parameters
    ----------
    counts : the original counts, outliers not replaced, as R takes them.
    matrix : (n_samples, n_coefficients) standard for a coefficient, expanded for a contrast of levels.
    dispersions : (n_genes,) final dispersions. weights : (n_genes, n_samples), each row's largest 1.
    prior_variance : (n_coefficients,) log2, from :func:`foldwise.coefficients.prior.coefficient_prior_variance`.
    contrast : (n_coefficients,) what to report. rows : the genes to fit, those with counts.
    """
    genes: dict[str, FloatArray] = {"dispersion": dispersions}
    if factors.ndim == 2:
        genes["factors"] = factors
    if weights is not None:
        genes["weights"] = weights
    model = glm_model(matrix, min_mu=min_mu, prior_variance=prior_variance)
    shared = _Refit(model, factors if factors.ndim == 1 else None, np.asarray(contrast, dtype=np.float64))
    found = run.over_genes("shrinking (normal)", _one_block, counts, genes, shared, rows)
    return NormalPosterior(found["lfc"], found["se"], found["converged"], prior_variance)


@dataclass(frozen=True, slots=True)
class _Refit:
    """What is the same for all genes; factors : (n_samples,), or None if they are each gene's own."""

    model: GlmModel
    factors: FloatArray | None
    contrast: FloatArray


def _one_block(counts: FloatArray, genes: Mapping[str, Any], refit: _Refit) -> dict[str, Any]:
    factors = genes["factors"] if refit.factors is None else refit.factors
    alpha, weights, model = genes["dispersion"], genes.get("weights"), refit.model
    fit = fit_and_finish(counts, factors, model, alpha, weights=weights).coefficients
    se = contrast_errors(
        counts,
        factors,
        model.design,
        fit.beta,
        alpha,
        model.ridge,
        refit.contrast,
        weights=weights,
        min_mu=model.min_mu,
    )
    return {"lfc": LOG2_E * (fit.beta @ refit.contrast), "se": se, "converged": fit.converged}
