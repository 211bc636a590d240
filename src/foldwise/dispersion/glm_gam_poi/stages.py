"""The route over all genes, in blocks: what the blocks do and where they must meet.

Gene-wise dispersions of designs that are not just groups need every gene's first fit before the second; trend and
shrinkage need every gene's dispersion. Everything else is one gene's own affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.dispersion.glm_gam_poi.dispersions import block_dispersions, first_means, smoothed_start
from foldwise.dispersion.glm_gam_poi.likelihood_ratio import block_deviances
from foldwise.execution import CountSource, Executor
from foldwise.kernels import KernelDesign, rough_dispersion, row_statistics

Genes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RouteModel:
    """What every block needs.

    full, reduced : the designs (``reduced`` for the test only).
    factors : (n_samples,) size factors, or None where each gene has its own ("factors" among the genes' arrays).
    inverse_factor : mean over samples of 1 / size factor (of 1 / column mean, with normalization factors).
    min_mu : floor of the means. like_r : see :func:`block_dispersions`.
    """

    full: KernelDesign
    factors: FloatArray | None
    inverse_factor: float
    min_mu: float
    like_r: bool
    reduced: KernelDesign | None = None

    @property
    def max_dispersion(self) -> float:
        return float(max(10, self.full.n_samples))


def estimate_gene_wise(
    executor: Executor, counts: CountSource, rows: IntArray, model: RouteModel, factors: FloatArray | None = None
) -> dict[str, FloatArray]:
    """Gene-wise dispersions of the genes ``rows`` (those with counts).

    factors : (n_genes, n_samples) normalization factors of all genes, if there are any.

    Returns
    -------
    "dispersion", "iterations", "alpha_start" : (n_rows,).
    "beta" : (n_rows, p) natural-log coefficients of the means, where these are not cell means.
    """
    genes = {} if factors is None else {"factors": factors}
    first = executor.over_genes("gene-wise means", first_block, counts, genes, model, rows)
    given: dict[str, FloatArray] = {**genes, "alpha_start": _spread(first["alpha_start"], rows, counts)}
    if not model.full.is_saturated:
        given["first_beta"] = _spread(first["first_beta"], rows, counts)
        smooth = smoothed_start(first["first_mean"], first["alpha_start"])
        given["smooth_alpha"] = _spread(smooth, rows, counts)
    found = executor.over_genes("gene-wise dispersions", dispersion_block, counts, given, model, rows)
    return {**found, "alpha_start": first["alpha_start"]}


def fit_both_models(
    executor: Executor,
    counts: CountSource,
    rows: IntArray,
    model: RouteModel,
    disp_fit: FloatArray,
    factors: FloatArray | None = None,
) -> dict[str, FloatArray]:
    """Full and reduced model of the genes ``rows`` at the trend's dispersions.

    disp_fit : (n_rows,).

    Returns
    -------
    "beta" (n_rows, p) natural log, "deviance_full", "deviance_reduced", "has_empty_group" : (n_rows,).
    """
    genes = {} if factors is None else {"factors": factors}
    genes["disp_fit"] = _spread(disp_fit, rows, counts)
    return executor.over_genes("full and reduced models", deviance_block, counts, genes, model, rows)


def first_block(counts: FloatArray, genes: Genes, model: RouteModel) -> dict[str, FloatArray]:
    """Where the dispersions start and, where means are not cell means, the first fit of them."""
    factors = _factors(genes, model)
    base_mean, base_variance = row_statistics(counts, factors)
    alpha_start = rough_dispersion(
        counts,
        factors,
        model.full,
        base_mean,
        base_variance,
        model.inverse_factor,
        max_dispersion=model.max_dispersion,
    )
    if model.full.is_saturated:
        return {"alpha_start": alpha_start}
    beta, mean = first_means(counts, factors, model.full, alpha_start)
    return {"alpha_start": alpha_start, "first_beta": beta, "first_mean": mean}


def dispersion_block(counts: FloatArray, genes: Genes, model: RouteModel) -> dict[str, Any]:
    """Means, then dispersions."""
    found = block_dispersions(
        counts,
        _factors(genes, model),
        model.full,
        genes["alpha_start"],
        first_beta=genes.get("first_beta"),
        smooth_alpha=genes.get("smooth_alpha"),
        min_mu=model.min_mu,
        like_r=model.like_r,
    )
    answer: dict[str, Any] = {"dispersion": found.dispersion, "iterations": found.iterations}
    return answer if found.beta is None else {**answer, "beta": found.beta}


def deviance_block(counts: FloatArray, genes: Genes, model: RouteModel) -> dict[str, Any]:
    """Both models at the trend."""
    if model.reduced is None:
        raise ValueError("the test needs a reduced design")
    fits = block_deviances(counts, _factors(genes, model), model.full, model.reduced, genes["disp_fit"])
    return fits._asdict()


def _factors(genes: Genes, model: RouteModel) -> FloatArray:
    factors: FloatArray = genes["factors"] if model.factors is None else model.factors
    return factors


def _spread(values: FloatArray, rows: IntArray, counts: CountSource) -> FloatArray:
    """Values of some genes as an array over all genes, which is what executors cut."""
    spread = np.full((counts.shape[0], *values.shape[1:]), np.nan)
    spread[rows] = values
    return spread
