"""The variance-stabilizing transformation: R's varianceStabilizingTransformation(), and vst() on a subset of genes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import IntArray
from foldwise.counts.measured import Measured
from foldwise.dispersion.stage import dispersion_stage
from foldwise.dispersion.trend import Trend
from foldwise.errors import CountsError, OptionError
from foldwise.options import FitType
from foldwise.transforms.fitted import VarianceStabilization
from foldwise.transforms.forms import Form, form_of
from foldwise.transforms.passes import stabilized
from foldwise.transforms.prepared import (
    Prepared,
    checked_fit_type,
    column_factors,
    estimated,
    normalized_summary,
    prepared,
)
from foldwise.transforms.reference import reference_of

MIN_MEAN = 5.0  # genes with smaller means take no part in the fast trend


@checked
def vst(
    data_or_fit: Any,
    blind: bool = True,
    fit_type: FitType = "parametric",
    nsub: int = 1000,
    *,
    design: Any = None,
    samples: pd.DataFrame | None = None,
    executor: Any = None,
) -> pd.DataFrame:
    """Variance-stabilizing transformation with a trend from a subset of the genes: R's ``vst()``.

    Values are on the log2 scale, normalized for sequencing depth, with a variance that hardly depends on the mean. For
    PCA, clustering, heatmaps and machine learning; the test takes counts.

    Parameters
    ----------
    data_or_fit : fit, CountData, AnnData or genes x samples table of counts
        Size factors or normalization factors that it carries are kept; size factors are estimated where there are none.
    blind : estimate dispersions without looking at the design (``~ 1``). Choose False for analyses downstream of a fit
        in which large differences are expected; it needs a fit, or ``design``.
    fit_type : trend of dispersions over means: "parametric", "local" or "mean".
    nsub : genes to estimate the trend from, spread evenly over the ranks of those with a mean above 5.
    design : formula or model matrix for ``blind=False`` without a fit.
    samples : sample table of a bare table of counts, where the design needs one.
    executor : as for :func:`foldwise.deseq`.

    Returns
    -------
    DataFrame, genes x samples. Genes without counts have the same value in all samples.

    Raises
    ------
    CountsError
        For fewer genes (with a mean above 5) than ``nsub``.

    Notes
    -----
    The trend is always estimated anew, also with ``blind=False``, as in R; :func:`variance_stabilizing_transformation`
    uses that of the fit. :func:`fit_vst` gives an object that can be applied to new samples.

    References
    ----------
    Anders & Huber (2010), Genome Biology 11:R106; Love, Huber & Anders (2014).

    Examples
    --------
    >>> import foldwise as fw
    >>> data = fw.simulate(n_genes=500, n_samples=6, seed=1).data
    >>> fw.vst(data, nsub=100).shape
    (500, 6)
    """
    start = prepared(data_or_fit, executor, samples)
    return stabilized(start, _form(start, _subset_trend(start, blind, fit_type, nsub, design)))


@checked
def variance_stabilizing_transformation(
    data_or_fit: Any,
    blind: bool = True,
    fit_type: FitType = "parametric",
    *,
    design: Any = None,
    samples: pd.DataFrame | None = None,
    executor: Any = None,
) -> pd.DataFrame:
    """Variance-stabilizing transformation with a trend from all genes: R's ``varianceStabilizingTransformation()``.

    Parameters
    ----------
    data_or_fit, fit_type, design, samples, executor : as for :func:`vst`.
    blind : estimate dispersions without looking at the design. With False, and a fit, the fit's own trend is used and
        ``fit_type`` is not.

    Returns
    -------
    DataFrame, genes x samples.

    Raises
    ------
    FitError
        If no gene varies more than Poisson counts would.
    """
    start = prepared(data_or_fit, executor, samples)
    return stabilized(start, _form(start, _trend(start, blind, fit_type, design)))


@checked
def fit_vst(
    data_or_fit: Any,
    blind: bool = True,
    fit_type: FitType = "parametric",
    nsub: int | None = None,
    *,
    design: Any = None,
    samples: pd.DataFrame | None = None,
    executor: Any = None,
) -> VarianceStabilization:
    """The transformation as an object: ``.values``, ``.apply(new_counts)``, ``.save(path)``.

    Arguments as for :func:`vst`; with ``nsub=None`` the trend comes from all genes (or is the fit's, with
    ``blind=False``), as in :func:`variance_stabilizing_transformation`.

    Examples
    --------
    >>> import foldwise as fw
    >>> data = fw.simulate(n_genes=500, n_samples=8, seed=1).data
    >>> first, later = data.select(samples=data.sample_names[:6]), data.select(samples=data.sample_names[6:])
    >>> from foldwise.transforms import fit_vst
    >>> fit_vst(first).apply(later).shape
    (500, 2)
    """
    start = prepared(data_or_fit, executor, samples)
    if nsub is None:
        trend = _trend(start, blind, fit_type, design)
    else:
        trend = _subset_trend(start, blind, fit_type, nsub, design)
    form = _form(start, trend)
    reference = reference_of(start.measured, start.run)
    return VarianceStabilization(trend, form, start.data.gene_names, reference, stabilized(start, form))


def _trend(start: Prepared, blind: bool, fit_type: FitType, design: Any) -> Trend:
    if not blind and design is None and start.stage is not None and start.stage.trend is not None:
        return start.stage.trend
    return _known(estimated(start, start.design(blind, design), fit_type).trend)


def _known(trend: Trend | None) -> Trend:
    assert trend is not None  # final dispersions were not given, so a trend was fitted
    return trend


def _form(start: Prepared, trend: Trend) -> Form:
    if trend.kind in ("parametric", "mean"):
        nothing = np.empty(0)
        return form_of(trend, nothing, 0.0, nothing)
    summary = normalized_summary(start.measured, start.run)
    return form_of(trend, summary["mean"], float(summary["largest"].max()), column_factors(start))


def _subset_trend(start: Prepared, blind: bool, fit_type: FitType, nsub: int, design: Any) -> Trend:
    """Factors stay those of the whole table; only dispersions are estimated on the subset."""
    if nsub < 2:
        raise OptionError(f"nsub={nsub}: a trend needs more genes than that.")
    chosen_design = start.design(blind, design)
    rows = _subset(start, nsub)
    measured = Measured(
        start.measured.with_counts(rows, start.measured.counts.rows(rows)).counts,
        start.measured.factors if start.measured.factors.ndim == 1 else start.measured.factors[rows],
        None if start.measured.weights is None else start.measured.weights[rows],
    )
    mask = np.zeros(start.measured.n_genes, dtype=bool)
    mask[rows] = True
    few = replace(start, data=start.data.select(genes=mask), measured=measured)
    return _known(
        dispersion_stage(few.data, chosen_design, measured, start.run, fit_type=checked_fit_type(fit_type)).trend
    )


def _subset(start: Prepared, nsub: int) -> IntArray:
    """(nsub,) genes evenly spaced in rank of mean among those with a mean above 5, in the order of the table."""
    advice = "Use fw.variance_stabilizing_transformation, which takes all genes, or a smaller nsub."
    if start.measured.n_genes < nsub:
        n = start.measured.n_genes
        raise CountsError(f"vst() estimates the trend on nsub={nsub} genes; there are {n}. {advice}")
    means = normalized_summary(start.measured, start.run)["mean"]
    high = np.flatnonzero(means > MIN_MEAN)
    if len(high) < nsub:
        raise CountsError(
            f"vst() estimates the trend on nsub={nsub} genes with a mean normalized count above {MIN_MEAN:g}; "
            f"{len(high)} genes have one. {advice}"
        )
    order = np.argsort(means[high], kind="stable")
    places = np.rint(1 + np.arange(nsub) * ((len(high) - 1) / (nsub - 1))).astype(np.int64) - 1
    return np.sort(high[order[places]])
