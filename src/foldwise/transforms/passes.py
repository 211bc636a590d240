"""What is done to a block of genes: apply a variance-stabilizing function, or fit regularized logarithms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.coefficients.glm import FARTHEST_START
from foldwise.counts.measured import block_factors, normalized_weights
from foldwise.kernels.rlog import CONVERGED, RlogFit, fit_rlog
from foldwise.options import COEFFICIENT_VARIANCE, LN2
from foldwise.transforms.prepared import Genes, Prepared

Elementwise = Callable[[FloatArray], FloatArray]

START_PSEUDOCOUNT = 0.1
STATUS = ("ok", "beyond 30 natural-log units", "not a number", "100 rounds")


@dataclass(frozen=True, slots=True)
class StabilizingPass:
    """factors : (n_samples,) or None. form : applied to normalized counts."""

    factors: FloatArray | None
    form: Elementwise


def stabilizing_pass(counts: FloatArray, genes: Genes, shared: StabilizingPass) -> dict[str, Any]:
    return {"value": shared.form(counts / block_factors(genes, shared.factors, len(counts)))}


def stabilized(start: Prepared, form: Elementwise) -> pd.DataFrame:
    """Genes x samples table of transformed values."""
    measured = start.measured
    shared = StabilizingPass(measured.common_factors, form)
    found = start.run.over_genes("vst", stabilizing_pass, measured.counts, measured.genes(), shared)
    return start.frame(found["value"])


@dataclass(frozen=True, slots=True)
class RlogPass:
    """factors : (n_samples,) or None. prior_variance : of the sample terms, log2 scale."""

    factors: FloatArray | None
    prior_variance: float


def rlog_pass(counts: FloatArray, genes: Genes, shared: RlogPass) -> dict[str, Any]:
    """Values (0 for genes not fitted), intercepts (-inf there), how each gene's iteration ended.

    With ``intercept`` among the genes' arrays it is given, as part of the factors, and sample terms alone are fitted.
    """
    fitted = genes["fitted"]
    given = genes.get("intercept")
    factors = block_factors(genes, shared.factors, len(counts))
    factors = factors if factors.ndim == 1 else factors[fitted]
    k = counts[fitted]
    if given is None:
        start = np.log((k / factors).mean(axis=1, keepdims=True))
    else:
        factors = factors * np.exp2(given[fitted])[:, None]
        start = np.log(k / factors + START_PSEUDOCOUNT)
    raw = genes.get("weights")
    weights = None if raw is None else normalized_weights(raw[fitted])
    done = fit_rlog(
        k,
        factors,
        genes["dispersion"][fitted],
        start,
        (1 / COEFFICIENT_VARIANCE / LN2**2, 1 / shared.prior_variance / LN2**2),
        own_intercept=given is None,
        weights=weights,
    )
    if weights is not None and (weights == 0).any():
        done = _optimised(done, k, factors, genes["dispersion"][fitted], weights, start, shared.prior_variance)
    value, intercept = np.zeros(counts.shape), np.full(len(counts), -np.inf)
    status = np.zeros(len(counts), dtype=np.int64)
    value[fitted] = done.linear / LN2
    intercept[fitted] = done.intercept / LN2
    status[fitted] = done.status
    if given is not None:
        value[fitted] += given[fitted][:, None]
        intercept[fitted] = given[fitted]
    return {"value": value, "intercept": intercept, "status": status}


def _optimised(
    done: RlogFit,
    counts: FloatArray,
    factors: FloatArray,
    dispersion: FloatArray,
    weights: FloatArray,
    start: FloatArray,
    prior_variance: float,
) -> RlogFit:
    """Genes with a weight of 0 by the general optimiser: the term of such a sample has no variance, and R then turns to it."""
    from foldwise.optimise.negative_binomial import fit_by_optimiser

    n = counts.shape[1]
    own_intercept = start.shape[1] == 1
    matrix = np.hstack([np.ones((n, 1)), np.eye(n)]) if own_intercept else np.eye(n)
    ridge = np.full(matrix.shape[1], 1 / prior_variance)
    if own_intercept:
        ridge[0] = 1 / COEFFICIENT_VARIANCE
    linear, intercept, status = done.linear.copy(), done.intercept.copy(), done.status.copy()
    for row in np.flatnonzero((weights == 0).any(axis=1)):
        terms = done.linear[row] - done.intercept[row]
        begin = np.append(done.intercept[row], terms) / LN2 if own_intercept else terms / LN2
        if not (np.abs(begin) < FARTHEST_START).all():  # R takes natural-log numbers for log2 ones here
            begin = np.append(start[row, 0], np.zeros(n)) if own_intercept else start[row]
        factors_row = factors if factors.ndim == 1 else factors[row]
        beta = fit_by_optimiser(
            counts[row], factors_row, matrix, float(dispersion[row]), ridge, begin, weights_row=weights[row]
        )[0]
        linear[row] = matrix @ beta * LN2
        intercept[row] = beta[0] * LN2 if own_intercept else 0.0
        status[row] = CONVERGED
    return replace(done, linear=linear, intercept=intercept, status=status)


def reasons(status: Any, genes: pd.Index) -> pd.Series:
    """Why the iteration of a gene ended early, for the genes for which it did."""
    ended = np.flatnonzero(status > 0)
    return pd.Series([STATUS[s] for s in status[ended]], index=genes[ended], dtype=object, name="not_converged")
