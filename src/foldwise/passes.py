"""The two passes over the genes, as block functions: the gene-wise one, and the final one.

Each takes a block of counts through several stages while it is in a core's cache and gives back short per-gene arrays;
nothing of genes x samples leaves a block unless it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.coefficients import CooksRule, FittedGlm, GlmModel, fit_and_finish
from foldwise.counts.measured import normalized_weights, spread
from foldwise.counts.weights import weights_fail
from foldwise.dispersion.gene_wise import GeneWiseModel, dispersion_means, gene_wise_dispersions
from foldwise.dispersion.posterior import posterior_dispersions
from foldwise.kernels import robust_dispersion, row_statistics

Genes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatisticsPass:
    """factors : (n_samples,) or None where genes have their own. matrix : the dispersion design's."""

    factors: FloatArray | None
    matrix: FloatArray


def statistics_pass(counts: FloatArray, genes: Genes, shared: StatisticsPass) -> Genes:
    """Means and variances of normalized counts, and which genes cannot be fitted."""
    factors = genes["factors"] if shared.factors is None else shared.factors
    weights = genes.get("weights")
    mean, variance = row_statistics(counts, factors, weights)
    zero = ~counts.any(axis=1)
    mean, variance = np.where(zero, 0.0, mean), np.where(zero, 0.0, variance)
    fails = np.zeros(len(counts), dtype=bool) if weights is None else weights_fail(counts, weights, shared.matrix)
    varies = (counts != counts[:, :1]).any(axis=1)
    return {
        "baseMean": mean,
        "baseVar": variance,
        "allZero": zero | fails,
        "weightsFail": fails & ~zero,
        "varies": varies,
    }


@dataclass(frozen=True, slots=True)
class GeneWisePass:
    """factors : (n_samples,) or None. model : of the gene-wise step."""

    factors: FloatArray | None
    model: GeneWiseModel


def gene_wise_pass(counts: FloatArray, genes: Genes, shared: GeneWisePass) -> Genes:
    """Gene-wise dispersions of a block; NaN where a gene cannot be fitted."""
    fitted = ~genes["allZero"]
    raw = genes.get("weights")
    found = gene_wise_dispersions(
        counts if fitted.all() else counts[fitted],
        _factors(genes, shared.factors, fitted),
        shared.model,
        raw_weights=None if raw is None else raw[fitted],
        weights=None if raw is None else normalized_weights(raw[fitted]),
    )
    out = {"dispGeneEst": spread(found.dispersion, fitted), "dispGeneIter": spread(found.steps, fitted)}
    if found.beta is not None:
        out["mean_beta"] = spread(found.beta, fitted)
    return out


@dataclass(frozen=True, slots=True)
class PosteriorModel:
    """prior_variance, residual_variance : of log dispersions around the trend; max_dispersion : max(10, n_samples)."""

    prior_variance: float
    residual_variance: float
    max_dispersion: float


@dataclass(frozen=True, slots=True)
class FinalPass:
    """What the final pass does.

    factors : (n_samples,) or None. gene_wise : gives the dispersion means.
    posterior : draw gene-wise dispersions towards the trend first; None where dispersions are final already.
    full, reduced : the GLMs to fit, or None. cells : (n_samples,) replicates, for robust dispersions.
    cooks : how distances are judged, or None for no distances.
    cooks_at_dispersion_means : R's likelihood ratio test measures distances from the gene-wise step's means.
    keep : give back means, hat diagonals and distances.
    """

    factors: FloatArray | None
    gene_wise: GeneWiseModel
    posterior: PosteriorModel | None
    full: GlmModel | None
    reduced: GlmModel | None = None
    cells: IntArray | None = None
    cooks: CooksRule | None = None
    cooks_at_dispersion_means: bool = False
    keep: bool = False


def final_pass(counts: FloatArray, genes: Genes, shared: FinalPass) -> Genes:
    """Final dispersions, coefficients and what follows from them; NaN where a gene cannot be fitted."""
    fitted = ~genes["allZero"]
    k = counts if fitted.all() else counts[fitted]
    factors = _factors(genes, shared.factors, fitted)
    raw = genes.get("weights")
    weights = None if raw is None else normalized_weights(raw[fitted])
    beta = genes["mean_beta"][fitted] if "mean_beta" in genes else None
    means = None
    if shared.posterior is not None or shared.cooks_at_dispersion_means:
        means = dispersion_means(k, factors, shared.gene_wise, beta)
    out: Genes = {}
    if shared.posterior is not None and means is not None:
        out |= _posterior(k, means, genes, fitted, shared, shared.posterior, weights)
        dispersion = out["dispersion"]
    else:
        dispersion = genes["dispersion"][fitted]
    if shared.full is not None:
        at = means if shared.cooks_at_dispersion_means else None
        out |= _coefficients(k, factors, dispersion, at, weights, shared, shared.full)
    return {name: spread(values, fitted) for name, values in out.items()}


def _posterior(
    k: FloatArray,
    means: FloatArray,
    genes: Genes,
    fitted: BoolArray,
    shared: FinalPass,
    model: PosteriorModel,
    weights: FloatArray | None,
) -> Genes:
    found = posterior_dispersions(
        k,
        means,
        shared.gene_wise.design,
        genes["dispGeneEst"][fitted],
        genes["dispFit"][fitted],
        prior_variance=model.prior_variance,
        residual_variance=model.residual_variance,
        max_dispersion=model.max_dispersion,
        weights=weights,
    )
    return {
        "dispersion": found.dispersion,
        "dispIter": found.steps,
        "dispOutlier": found.outlier,
        "dispMAP": found.map_dispersion,
    }


def _coefficients(
    k: FloatArray,
    factors: FloatArray,
    dispersion: FloatArray,
    cook_means: FloatArray | None,
    weights: FloatArray | None,
    shared: FinalPass,
    full: GlmModel,
) -> Genes:
    robust = None
    if shared.cooks is not None and shared.cells is not None:
        robust = robust_dispersion(k, factors, shared.cells)
    done = fit_and_finish(
        k,
        factors,
        full,
        dispersion,
        weights=weights,
        robust_alpha=robust,
        cook_means=cook_means,
        cooks=shared.cooks if robust is not None else None,
        keep=shared.keep,
    )
    out: Genes = {
        "beta": done.coefficients.beta,
        "se": done.se,
        "converged": done.coefficients.converged,
        "iterations": done.coefficients.iterations,
        "log_likelihood": done.log_likelihood,
    }
    if done.max_cooks is not None:
        out |= _distances(k, done)
    if shared.reduced is not None:
        constants = done.coefficients.constants
        reduced = fit_and_finish(k, factors, shared.reduced, dispersion, weights=weights, constants=constants)
        out |= {
            "reduced_converged": reduced.coefficients.converged,
            "reduced_log_likelihood": reduced.log_likelihood,
        }
    if shared.keep:
        out |= {"mu": done.means, "hat": done.hat}
        if done.cooks is not None:
            out["cooks"] = done.cooks
    return out


def _distances(k: FloatArray, done: FittedGlm) -> Genes:
    largest = done.largest_sample
    at_largest = np.take_along_axis(k, np.asarray(largest)[:, None], axis=1)
    return {
        "maxCooks": done.max_cooks,
        "lastingCooks": done.max_lasting_cooks,
        "largest_sample": largest,
        "exceeds": done.exceeds,
        # how many samples count more than the one that is farthest off: decides R's exemption for two groups
        "n_larger": (k > at_largest).sum(axis=1),
    }


def _factors(genes: Genes, common: FloatArray | None, rows: BoolArray) -> FloatArray:
    return genes["factors"][rows] if common is None else common
