"""The regularized logarithm: log2 of normalized counts, shrunken towards the gene's mean where counts say little."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import BoolArray, FloatArray
from foldwise.errors import FitError, OptionError, listed
from foldwise.options import FitType
from foldwise.transforms.fitted import RegularizedLog
from foldwise.transforms.passes import RlogPass, reasons, rlog_pass
from foldwise.transforms.prepared import Prepared, estimated, prepared, sums_pass
from foldwise.transforms.prior_variance import sample_prior_variance
from foldwise.transforms.reference import SizeReference, reference_of
from foldwise.warn import warn

SPARSE_SUM, SPARSE_SHARE, SPARSE_GENES = 100.0, 0.9, 0.1  # R's: genes above, of their sum in one sample, of the genes


@checked
def rlog(
    data_or_fit: Any,
    blind: bool = True,
    fit_type: FitType = "parametric",
    *,
    prior_variance: float | None = None,
    intercept: Any = None,
    design: Any = None,
    samples: pd.DataFrame | None = None,
    executor: Any = None,
) -> pd.DataFrame:
    """Regularized log2 of the counts: R's ``rlog()``.

    Each gene's counts are fitted with an intercept and one term a sample; the terms have a normal prior, so that
    samples differ little where counts are low. For looking at data; the test takes counts.

    Parameters
    ----------
    data_or_fit : fit, CountData, AnnData or genes x samples table of counts
        Size factors or normalization factors that it carries are kept; size factors are estimated where there are none.
    blind : estimate dispersions without looking at the design (``~ 1``). With False, and a fit, the fit's own fitted
        dispersions are used and ``fit_type`` is not.
    fit_type : trend of dispersions over means: "parametric", "local" or "mean".
    prior_variance : of the samples' log2 ratios to the intercept; estimated if not given.
    intercept : by gene, log2, of an earlier rlog: only sample terms are then fitted. Give its ``prior_variance`` too.
        Easier: :func:`fit_rlog` and its ``apply``.
    design : formula or model matrix for ``blind=False`` without a fit.
    samples : sample table of a bare table of counts, where the design needs one.
    executor : as for :func:`foldwise.deseq`.

    Returns
    -------
    DataFrame, genes x samples; 0 for genes without counts. ``.attrs["not_converged"]`` lists genes whose iteration R
    ends early and whose values are not to be trusted (one huge count among small ones).

    References
    ----------
    Love, Huber & Anders (2014), "Regularized logarithm transformation".

    Examples
    --------
    >>> import foldwise as fw
    >>> data = fw.simulate(n_genes=100, n_samples=6, seed=1).data
    >>> fw.rlog(data).shape
    (100, 6)
    """
    start = prepared(data_or_fit, executor, samples)
    found = _fitted(start, blind, fit_type, prior_variance, intercept, design, None)
    assert found.values is not None
    return found.values


@checked
def fit_rlog(
    data_or_fit: Any,
    blind: bool = True,
    fit_type: FitType = "parametric",
    *,
    prior_variance: float | None = None,
    design: Any = None,
    samples: pd.DataFrame | None = None,
    executor: Any = None,
) -> RegularizedLog:
    """The regularized logarithm as an object: ``.values``, ``.apply(new_counts)``, ``.save(path)``.

    Arguments as for :func:`rlog`. Applied to the samples it was fitted on it gives their values only to about 1e-4
    (R's two iterations start and stop at different places), so take those from ``.values``.
    """
    start = prepared(data_or_fit, executor, samples)
    return _fitted(start, blind, fit_type, prior_variance, None, design, reference_of(start.measured, start.run))


def _fitted(
    start: Prepared,
    blind: bool,
    fit_type: FitType,
    prior_variance: float | None,
    intercept: Any,
    design: Any,
    reference: SizeReference | None,
) -> RegularizedLog:
    given = _checked(start, prior_variance, intercept)
    if given is None:
        _look_for_sparse_genes(start)
    means, dispersions, empty = _dispersions(start, blind, fit_type, design)
    fitted = ~empty if given is None else np.isfinite(given)
    if np.isnan(dispersions[fitted]).any():
        gene = start.data.gene_names[fitted][int(np.argmax(np.isnan(dispersions[fitted])))]
        raise FitError(
            f"{int(np.isnan(dispersions[fitted]).sum())} genes to be transformed have no fitted dispersion (the first is "
            f"'{gene}'): they have no counts here. Use fw.fit_rlog on the first samples and its apply(), which keeps theirs."
        )
    measured = start.measured
    if prior_variance is None:
        prior_variance = sample_prior_variance(measured, means, dispersions, fitted)
    genes = measured.genes(fitted=fitted, dispersion=dispersions, intercept=given)
    shared = RlogPass(measured.common_factors, prior_variance)
    found = start.run.over_genes("rlog", rlog_pass, measured.counts, genes, shared)
    names = start.data.gene_names
    early = reasons(found["status"], names)
    values = start.frame(found["value"])
    values.attrs["not_converged"] = list(early.index)
    alphas = pd.Series(dispersions, index=names, name="dispFit")
    centre = pd.Series(found["intercept"], index=names, name="rlogIntercept")
    return RegularizedLog(alphas, centre, prior_variance, early, reference, values)


def _checked(start: Prepared, prior_variance: float | None, intercept: Any) -> FloatArray | None:
    if prior_variance is not None and not (np.isfinite(prior_variance) and prior_variance > 0):
        raise OptionError(f"prior_variance must be a positive number, not {prior_variance!r}.")
    if intercept is None:
        return None
    if prior_variance is None:
        raise OptionError(
            "An intercept of an earlier rlog goes with its prior variance: give prior_variance= as well. (R would "
            "estimate one from the wrong numbers here.)"
        )
    names = start.data.gene_names
    if isinstance(intercept, pd.Series):
        missing = names.difference(intercept.index)
        if len(missing):
            raise OptionError(f"intercept has no value for {len(missing)} genes: {listed(missing)}.")
        intercept = intercept.reindex(names)
    values = np.array(intercept, dtype=np.float64)
    if values.shape != (len(names),):
        raise OptionError(f"intercept should be as long as there are genes, {len(names)}; it has shape {values.shape}.")
    return values


def _dispersions(
    start: Prepared, blind: bool, fit_type: FitType, design: Any
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """(n_genes,) means, fitted dispersions, and genes without counts: those of the fit, or estimated."""
    stage = start.stage
    if blind or design is not None or stage is None or "dispFit" not in stage.columns:
        stage = estimated(start, start.design(blind, design), fit_type)
    columns = stage.columns
    return columns["baseMean"], np.asarray(columns["dispFit"]), columns["allZero"].astype(bool)


def _look_for_sparse_genes(start: Prepared) -> None:
    measured = start.measured
    summary = start.run.over_genes("sums", sums_pass, measured.counts, measured.genes(), measured.common_factors)
    sums = summary["sum"]
    high = sums > SPARSE_SUM
    if not high.any():
        return
    share = float((summary["largest"][high] / sums[high] > SPARSE_SHARE).mean())
    if share > SPARSE_GENES:
        warn(
            f"{share:.0%} of the genes with a sum of normalized counts above {SPARSE_SUM:g} have more than "
            f"{SPARSE_SHARE:.0%} of it in one sample. The regularized logarithm assumes that counts are roughly "
            "negative binomial; for such sparse data use fw.vst or fw.norm_transform."
        )
