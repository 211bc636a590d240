"""Transformations that have been fitted: objects to keep, to save, and to apply to new samples (R's frozen ones)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.dispersion.trend import Trend, trend_from_arrays
from foldwise.errors import CountsError, OptionError
from foldwise.execution import executor_for
from foldwise.transforms.forms import Form, NumericalForm, form_of, numerical_form_from
from foldwise.transforms.passes import RlogPass, rlog_pass, stabilized
from foldwise.transforms.prepared import Prepared, column_factors, counts_only, normalized_summary
from foldwise.transforms.reference import SizeReference, measured_later, same_genes

FORMAT = "foldwise transform 1"


@dataclass(frozen=True, slots=True, eq=False)
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
        start = Prepared(data, measured_later(data, self.reference), None, executor_for(executor))
        form = self.form
        if isinstance(form, NumericalForm) and alignment == "new":
            summary = normalized_summary(start.measured, start.run)
            form = form_of(self.trend, summary["mean"], float(summary["largest"].max()), column_factors(start))
        return stabilized(start, form)

    def save(self, path: str | Path) -> None:
        """Write to a file (NumPy's .npz, no pickle); :func:`foldwise.load_transform` reads it."""
        arrays = {f"trend_{k}": v for k, v in self.trend.to_arrays().items()}
        arrays |= {f"form_{k}": v for k, v in self.form.to_arrays().items()}
        _save(path, "vst", self.genes, self.reference, {"trend": self.trend.kind}, arrays)


@dataclass(frozen=True, slots=True, eq=False)
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
        measured = measured_later(data, self.reference)
        intercept, dispersion = (s.to_numpy(dtype=np.float64) for s in (self.intercept, self.dispersions))
        genes = measured.genes(fitted=np.isfinite(intercept), dispersion=dispersion, intercept=intercept)
        shared = RlogPass(measured.common_factors, self.prior_variance)
        found = executor_for(executor).over_genes("rlog", rlog_pass, measured.counts, genes, shared)
        values = data.framed(found["value"])
        values.attrs["not_converged"] = list(self.genes[found["status"] > 0])
        return values

    def save(self, path: str | Path) -> None:
        """Write to a file (NumPy's .npz, no pickle); :func:`foldwise.load_transform` reads it."""
        arrays = {
            "dispersions": self.dispersions.to_numpy(dtype=np.float64),
            "intercept": self.intercept.to_numpy(dtype=np.float64),
            "prior_variance": np.array([self.prior_variance]),
            "not_converged": np.array([str(g) for g in self.not_converged.index], dtype=np.str_),
            "reasons": np.array(list(self.not_converged), dtype=np.str_),
        }
        _save(path, "rlog", self.genes, self.reference, {}, arrays)


def _save(
    path: str | Path,
    kind: str,
    genes: pd.Index,
    reference: SizeReference | None,
    about: dict[str, str],
    arrays: dict[str, Any],
) -> None:
    if reference is not None:
        arrays = {**arrays, "log_means": reference.log_means}
    head = json.dumps({"format": FORMAT, "kind": kind, **about})
    with open(path, "wb") as file:
        np.savez_compressed(file, head=np.array(head), genes=np.array([str(g) for g in genes], dtype=np.str_), **arrays)


def load_transform(path: str | Path) -> VarianceStabilization | RegularizedLog:
    """A transformation that was saved, ready for :meth:`apply`.

    Raises
    ------
    CountsError
        If the file is not a saved transformation.
    """
    head, arrays = _read(path)
    genes = pd.Index(arrays["genes"].astype(object), name="gene")
    reference = SizeReference(arrays["log_means"]) if "log_means" in arrays else None
    if head["kind"] == "rlog":
        reasons = pd.Series(arrays["reasons"].astype(object), arrays["not_converged"].astype(object), dtype=object)
        dispersions = pd.Series(arrays["dispersions"], index=genes, name="dispFit")
        intercept = pd.Series(arrays["intercept"], index=genes, name="rlogIntercept")
        return RegularizedLog(dispersions, intercept, float(arrays["prior_variance"][0]), reasons, reference)
    trend = trend_from_arrays(head["trend"], _under(arrays, "trend_"))
    return VarianceStabilization(trend, _form(trend, _under(arrays, "form_")), genes, reference)


def _read(path: str | Path) -> tuple[dict[str, str], dict[str, Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
            head = json.loads(str(arrays.pop("head")))
    except (ValueError, KeyError, OSError, EOFError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise CountsError(f"'{path}' is not a transformation saved by foldwise: {error}") from error
    if head.get("format") != FORMAT:
        raise CountsError(f"'{path}' is of format {head.get('format')!r}; this version of foldwise reads {FORMAT!r}.")
    return head, arrays


def _under(arrays: dict[str, Any], prefix: str) -> dict[str, FloatArray]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _form(trend: Trend, arrays: dict[str, FloatArray]) -> Form:
    if "pieces" in arrays:
        return numerical_form_from(arrays)
    nothing = np.empty(0)
    return form_of(trend, nothing, 0.0, nothing)
