"""What is done to a block of genes: apply a variance-stabilizing function, or fit regularized logarithms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.counts.measured import block_factors, normalized_weights
from foldwise.kernels.rlog import fit_rlog
from foldwise.options import COEFFICIENT_VARIANCE
from foldwise.transforms.prepared import Genes, Prepared

Elementwise = Callable[[FloatArray], FloatArray]

LN2 = float(np.log(2.0))
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
    done = fit_rlog(
        k,
        factors,
        genes["dispersion"][fitted],
        start,
        (1 / COEFFICIENT_VARIANCE / LN2**2, 1 / shared.prior_variance / LN2**2),
        own_intercept=given is None,
        weights=None if raw is None else normalized_weights(raw[fitted]),
    )
    value, intercept = np.zeros(counts.shape), np.full(len(counts), -np.inf)
    status = np.zeros(len(counts), dtype=np.int64)
    value[fitted] = done.linear / LN2
    intercept[fitted] = done.intercept / LN2
    status[fitted] = done.status
    if given is not None:
        value[fitted] += given[fitted][:, None]
        intercept[fitted] = given[fitted]
    return {"value": value, "intercept": intercept, "status": status}


def reasons(status: Any, genes: pd.Index) -> pd.Series:
    """Why the iteration of a gene ended early, for the genes for which it did."""
    ended = np.flatnonzero(status > 0)
    return pd.Series([STATUS[s] for s in status[ended]], index=genes[ended], dtype=object, name="not_converged")
