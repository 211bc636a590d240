"""One comparison of a fit: fold change, standard error, statistic and p-value of every gene."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.coefficients import LOG2_E
from foldwise.counts.measured import normalized_weights, spread
from foldwise.design.contrasts import Contrast
from foldwise.inference import two_sided
from foldwise.inference.hypothesis_test import degrees_of_freedom, ridge_of
from foldwise.kernels import KernelDesign, contrast_errors, prepare_design
from foldwise.options import LN2

if TYPE_CHECKING:
    from foldwise.fit import Fit


@dataclass(frozen=True, slots=True)
class Comparison:
    """lfc, se : (n_genes,) log2. stat, pvalue : (n_genes,). degrees : (n_genes,) of Student's t, or None."""

    lfc: FloatArray
    se: FloatArray
    stat: FloatArray
    pvalue: FloatArray
    degrees: FloatArray | None

    def replaced(self, **fields: Any) -> Comparison:
        return replace(self, **fields)

    def with_t(self, fit: Fit, use_t: bool) -> Comparison:
        """The same comparison judged by Student's t, or by the normal distribution."""
        degrees = degrees_of_freedom(fit.stage, fit.plan) if use_t else None
        return replace(self, pvalue=two_sided(self.stat, degrees), degrees=degrees)


def without_degrees(found: Comparison) -> BoolArray | None:
    """(n_genes,) genes with a statistic that Student's t cannot judge; None where it judges none."""
    if found.degrees is None:
        return None
    return np.isnan(found.pvalue) & ~np.isnan(found.stat) & ~(found.degrees > 0)


def compare(fit: Fit, contrast: Contrast, *, test: str, min_mu: float, compat: bool) -> Comparison:
    """The columns of a comparison before thresholds, outliers and filtering."""
    if contrast.kind == "coefficient":
        found = _stored(fit, contrast)
    else:
        found = _computed(fit, contrast, min_mu, compat)
    empty = _without_counts(fit, contrast)
    if empty is not None:
        found = _unchanged(found, empty)
    if test == "LRT":
        return replace(found, stat=np.array(fit.tested.stat), pvalue=np.array(fit.tested.pvalue), degrees=None)
    return found


def _stored(fit: Fit, contrast: Contrast) -> Comparison:
    k = fit.design.names.index(str(contrast.coefficient))
    lfc, se = fit.tested.beta[:, k] * LOG2_E * contrast.sign, np.array(fit.tested.se[:, k])
    if fit.test == "Wald":
        stat, p = fit.tested.stat[:, k] * contrast.sign, np.array(fit.tested.pvalue[:, k])
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            stat = lfc / se
        p = two_sided(stat)
    return Comparison(lfc, se, stat, p, fit.tested.degrees)


def _computed(fit: Fit, contrast: Contrast, min_mu: float, compat: bool) -> Comparison:
    lfc = _combined(fit.tested.beta, contrast.vector) * LOG2_E
    se = standard_errors(fit, contrast.vector, min_mu=min_mu, compat=compat)
    with np.errstate(invalid="ignore", divide="ignore"):
        stat = lfc / se
    p = two_sided(stat, fit.tested.degrees)
    return Comparison(lfc, se, stat, p, fit.tested.degrees)


def _combined(beta: FloatArray, vector: FloatArray) -> FloatArray:
    used = np.flatnonzero(vector)
    return beta[:, used] @ vector[used]


@dataclass(frozen=True, slots=True)
class ErrorPass:
    """What the pass over genes for a contrast's errors shares. factors : (n_samples,) or None. ridge : (p,)."""

    factors: FloatArray | None
    design: KernelDesign
    ridge: FloatArray
    vector: FloatArray
    min_mu: float


def error_pass(counts: FloatArray, genes: Any, shared: ErrorPass) -> dict[str, FloatArray]:
    """Standard errors of a contrast for a block of genes."""
    beta = genes["beta"]
    fitted = ~np.isnan(beta).any(axis=1)
    weights = genes.get("normalized")
    factors = shared.factors if shared.factors is not None else genes["factors"][fitted]
    se = contrast_errors(
        counts[fitted],
        factors,
        shared.design,
        np.ascontiguousarray(beta[fitted]),
        np.ascontiguousarray(genes["dispersion"][fitted]),
        shared.ridge,
        shared.vector,
        weights=None if weights is None else np.ascontiguousarray(weights[fitted]),
        min_mu=shared.min_mu,
    )
    return {"se": spread(se, fitted)}


def standard_errors(fit: Fit, vector: FloatArray, *, min_mu: float, compat: bool = False) -> FloatArray:
    """(n_genes,) log2 standard errors of a contrast, from the covariance of all coefficients.

    compat : R before 1.49.4 gives genes after the first one without counts another gene's weights.
    """
    measured = fit.measured
    ridge = 1.0 / ridge_of(fit.design, fit.tested.prior_variance) / LN2**2
    shared = ErrorPass(measured.common_factors, prepare_design(fit.design.matrix), ridge, vector, min_mu)
    genes = measured.genes(beta=fit.tested.beta, dispersion=fit.stage.columns["dispersion"])
    genes.pop("weights", None)
    weights = normalized_weights(measured.weights)
    if weights is not None:
        genes["normalized"] = _shifted(weights, fit) if compat else weights
    return fit.executor.over_genes("contrast", error_pass, measured.counts, genes, shared)["se"]  # type: ignore[no-any-return]


def _shifted(weights: FloatArray, fit: Fit) -> FloatArray:
    fitted = ~fit.all_zero_in_r
    out = np.array(weights)
    out[fitted] = weights[: int(fitted.sum())]
    return out


@dataclass(frozen=True, slots=True)
class ZeroPass:
    """samples : (n_samples,) those whose counts are looked at."""

    samples: BoolArray


def zero_pass(counts: FloatArray, genes: Any, shared: ZeroPass) -> dict[str, BoolArray]:
    """Genes without a single count in the chosen samples."""
    return {"zero": np.logical_not(counts[:, shared.samples].any(axis=1))}


def _without_counts(fit: Fit, contrast: Contrast) -> BoolArray | None:
    """(n_genes,) genes without a count on either side of the comparison; None where that is not looked at."""
    if contrast.zero_samples is None or contrast.zero_rule == "none":
        return None
    shared = ZeroPass(contrast.zero_samples)
    return fit.executor.over_genes("contrast", zero_pass, fit.measured.counts, {}, shared)["zero"].astype(bool)


def _unchanged(found: Comparison, rows: BoolArray) -> Comparison:
    """Where neither side of the comparison has a count there is no change: 0, with p = 1. The error stays, as in R."""
    rows = rows & ~np.isnan(found.lfc)
    return replace(
        found,
        lfc=np.where(rows, 0.0, found.lfc),
        stat=np.where(rows, 0.0, found.stat),
        pvalue=np.where(rows, 1.0, found.pvalue),
    )


def mle_fold_change(fit: Fit, contrast: Contrast) -> FloatArray:
    """(n_genes,) the fold change between two levels before the prior, log2, from the standard matrix's coefficients."""
    from foldwise.design.contrasts import resolve_contrast

    assert fit.tested.mle is not None
    plain = resolve_contrast(fit.full_design, contrast.levels)
    lfc = _combined(fit.tested.mle, plain.vector) * LOG2_E
    empty = _without_counts(fit, contrast)
    return lfc if empty is None else np.where(empty & ~np.isnan(lfc), 0.0, lfc)
