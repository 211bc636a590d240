"""Transformations that have been fitted: objects to keep, to save, and to apply to new samples (R's frozen ones)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.counts import counts_only
from foldwise.dispersion.trend import Trend
from foldwise.errors import OptionError
from foldwise.execution import executor_for
from foldwise.transforms.forms import Form, NumericalForm, form_of
from foldwise.transforms.passes import RlogPass, rlog_pass, stabilized
from foldwise.transforms.prepared import Prepared, column_factors, normalized_summary
from foldwise.transforms.reference import SizeReference, measured_later, same_genes


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VarianceStabilization:
    """A fitted variance-stabilizing transformation.

    trend : dispersion trend. form : the function it led to. genes : in order. reference : for size factors of new
    samples, None where gene-wise factors were used. values : genes x samples, of the samples it was fitted on (None
    after loading).
    """

    trend: Trend
    form: Form
    genes: pd.Index
    reference: SizeReference | None
    values: pd.DataFrame | None = None

    def __repr__(self) -> str:
        trend = type(self.trend).__name__
        return f"VarianceStabilization({trend}, {len(self.genes)} genes{_fitted_on(self.values)})"

    @checked
    def apply(self, new: Any, *, alignment: Literal["new", "stored"] = "new", executor: Any = None) -> pd.DataFrame:
        """Transform new samples as the first ones were.

        Parameters
        ----------
        new : CountData, AnnData or genes x samples table of counts (a Series is one sample)
            The same genes, in any order. Its size factors are used if it has some; else they are found by comparing
            with the first samples, so that they are on one scale.
        alignment : of the numerical form (local trends) only: "new" aligns it with log2 on the new samples, as R does;
            "stored" keeps the very function of the first samples, which a few samples do not disturb.

        Raises
        ------
        CountsError
            For genes that are missing or unknown.
        """
        if alignment not in ("new", "stored"):
            raise OptionError(f"alignment={alignment!r} is not known; choose 'new' or 'stored'.")
        data = same_genes(counts_only(new), self.genes)
        run = executor_for(executor)
        start = Prepared(data, measured_later(data, self.reference, run), None, run)
        form = self.form
        if isinstance(form, NumericalForm) and alignment == "new":
            summary = normalized_summary(start.measured, start.run)
            form = form_of(self.trend, summary["mean"], float(summary["largest"].max()), column_factors(start))
        return stabilized(start, form)

    @checked
    def save(self, path: str | Path) -> None:
        """Write to one file, without pickle; :func:`foldwise.load` and :func:`foldwise.load_transform` read it."""
        from foldwise.transforms.saving import save_vst

        save_vst(self, path)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegularizedLog:
    """A fitted regularized logarithm.

    dispersions : by gene, of the trend. intercept : by gene, log2; -inf for genes without counts. prior_variance : of
    a sample's log2 ratio to the gene's intercept. not_converged : by gene, why a gene's iteration ended early, of the
    genes for which it did. reference : for size factors of new samples. values : genes x samples, of the samples it
    was fitted on (None after loading).
    """

    dispersions: pd.Series
    intercept: pd.Series
    prior_variance: float
    not_converged: pd.Series
    reference: SizeReference | None
    values: pd.DataFrame | None = None

    @property
    def genes(self) -> pd.Index:
        return self.dispersions.index

    def __repr__(self) -> str:
        prior = f"prior variance {self.prior_variance:.3g}"
        return f"RegularizedLog({prior}, {len(self.genes)} genes{_fitted_on(self.values)})"

    def apply(self, new: Any, *, executor: Any = None) -> pd.DataFrame:
        """Transform new samples: each is shrunken towards the first samples' intercept, one alone as well as many.

        Parameters
        ----------
        new : CountData, AnnData or genes x samples table of counts (a Series is one sample)
            The same genes, in any order. Its size factors are used if it has some; else they are found by comparing
            with the first samples.

        Returns
        -------
        DataFrame, genes x samples; 0 for genes that had no counts in the first samples. ``.attrs["not_converged"]``
        lists genes whose counts are too far from the intercept for R's iteration: R's numbers, not to be trusted.

        Raises
        ------
        CountsError
            For genes that are missing or unknown.
        """
        data = same_genes(counts_only(new), self.genes)
        run = executor_for(executor)
        measured = measured_later(data, self.reference, run)
        intercept, dispersion = (s.to_numpy(dtype=np.float64) for s in (self.intercept, self.dispersions))
        genes = measured.genes(fitted=np.isfinite(intercept), dispersion=dispersion, intercept=intercept)
        shared = RlogPass(measured.common_factors, self.prior_variance)
        found = run.over_genes("rlog", rlog_pass, measured.counts, genes, shared)
        values = data.framed(found["value"])
        values.attrs["not_converged"] = list(self.genes[found["status"] > 0])
        return values

    def save(self, path: str | Path) -> None:
        """Write to one file, without pickle; :func:`foldwise.load` and :func:`foldwise.load_transform` read it."""
        from foldwise.transforms.saving import save_rlog

        save_rlog(self, path)


def _fitted_on(values: pd.DataFrame | None) -> str:
    if values is None:
        return ""
    return f", fitted on {values.shape[1]} sample{'' if values.shape[1] == 1 else 's'}"
