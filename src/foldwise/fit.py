"""A fit: all that R's DESeq() knows afterwards, immutable, and the questions it can answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import BoolArray, FloatArray
from foldwise.coefficients import LOG2_E
from foldwise.counts import CountData
from foldwise.counts.measured import Measured, normalized_weights
from foldwise.design import Design
from foldwise.dispersion.stage import Dispersions, final_inputs
from foldwise.dispersion.trend import Trend
from foldwise.errors import FitError, OptionError, listed
from foldwise.execution import Executor
from foldwise.frozen import unchangeable
from foldwise.inference.hypothesis_test import Tested, TestPlan, final_model
from foldwise.kernels import glm_means, prepare_design
from foldwise.outliers import Replacement
from foldwise.passes import final_pass
from foldwise.results import Results, make_many
from foldwise.results import results as results_of

INFINITE = 1e7  # natural log: what stands for the infinite coefficient of a group without counts
BOOLEAN = (
    "allZero",
    "emptyGroup",
    "weightsFail",
    "dispOutlier",
    "replace",
    "betaConv",
    "fullBetaConv",
    "reducedBetaConv",
)


@unchangeable
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fit:
    """Coefficients of every gene, with what they rest on. Nothing in it changes.

    stage : dispersions, trend and prior after replacement; first_stage : before it (what ``mu``, ``hat`` and ``cooks``
    belong to, as in R). plan : what was tested. tested : its answers. replacement : outlier counts replaced, if any.
    refitted : (n_genes,) genes fitted again after replacement. options : the arguments of the fit, for the record.
    """

    stage: Dispersions
    first_stage: Dispersions
    plan: TestPlan
    tested: Tested
    replacement: Replacement | None
    refitted: BoolArray
    options: Mapping[str, Any]

    # ------------------------------------------------------------------------------------------- what went in
    @property
    def data(self) -> CountData:
        """The counts and samples."""
        return self.stage.data

    @property
    def measured(self) -> Measured:
        return self.stage.measured

    @property
    def executor(self) -> Executor:
        return self.stage.executor

    @property
    def test(self) -> str:
        """ "Wald" or "LRT"."""
        return self.plan.test

    @property
    def design(self) -> Design:
        """The design of the coefficients: the expanded one where fold changes have a prior on it."""
        return self.plan.design

    @property
    def full_design(self) -> Design:
        """The design of dispersions and Cook's distances."""
        return self.stage.design

    @property
    def reduced_design(self) -> Design | None:
        """The smaller model of a likelihood ratio test."""
        return self.plan.reduced

    @property
    def design_matrix(self) -> pd.DataFrame:
        """Samples x coefficients."""
        return self.design.frame.copy()

    @property
    def min_mu(self) -> float:
        return self.plan.min_mu

    @property
    def factors(self) -> FloatArray:
        """(n_samples,) size factors or (n_genes, n_samples) normalization factors."""
        return self.measured.factors

    @property
    def weights_array(self) -> FloatArray | None:
        """(n_genes, n_samples) observation weights divided by each gene's largest, or None."""
        return normalized_weights(self.measured.weights)

    # ------------------------------------------------------------------------------------------- by gene
    @property
    def genes(self) -> pd.DataFrame:
        """R's columns by gene (mcols): baseMean, baseVar, allZero, dispGeneEst, …, betaConv, deviance, maxCooks."""
        columns: dict[str, Any] = {**self.stage.columns, **self.tested.columns}
        if self.stage.compat:
            columns["allZero"] = self.all_zero_in_r
        if self.tested.degrees is not None:
            columns["tDegreesFreedom"] = self.tested.degrees
        return pd.DataFrame({n: _readable(n, v) for n, v in columns.items()}, index=self.data.gene_names)

    @property
    def all_zero_in_r(self) -> BoolArray:
        """(n_genes,) as R has it: genes whose weights fail count as genes without counts until outliers are replaced."""
        all_zero = np.asarray(self.stage.columns["allZero"], dtype=bool)
        if self.replacement is None or "weightsFail" not in self.stage.columns:
            return all_zero
        return all_zero & ~np.asarray(self.stage.columns["weightsFail"], dtype=bool)

    def _by_coefficient(self, values: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(np.array(values), index=self.data.gene_names, columns=list(self.design.names))

    @property
    def coefficient_names(self) -> list[str]:
        """R's resultsNames."""
        return list(self.design.names)

    @property
    def coefficients(self) -> pd.DataFrame:
        """log2, genes x coefficients; NaN for genes that cannot be fitted."""
        return self._by_coefficient(self.finite_or_infinite(self.tested.beta * LOG2_E))

    def finite_or_infinite(self, lfc: FloatArray) -> FloatArray:
        """Fold changes with infinity where a group without counts (glmGamPoi) makes them so; R's large number there."""
        if "emptyGroup" not in self.tested.columns:
            return lfc
        return np.where(np.abs(lfc) > INFINITE, np.copysign(np.inf, lfc), lfc)

    @property
    def standard_errors(self) -> pd.DataFrame:
        """log2, genes x coefficients."""
        return self._by_coefficient(self.tested.se)

    @property
    def mle_coefficients(self) -> pd.DataFrame | None:
        """log2 coefficients of the fit without a prior (R's ``MLE_`` columns); None where there is no prior."""
        if self.tested.mle is None:
            return None
        names = list(self.full_design.names)
        return pd.DataFrame(self.tested.mle * LOG2_E, index=self.data.gene_names, columns=names)

    @property
    def not_converged(self) -> BoolArray:
        """(n_genes,) genes whose coefficients did not converge."""
        from foldwise.inference.hypothesis_test import not_converged

        return not_converged(self.tested.columns)

    # ------------------------------------------------------------------------------------------- what was estimated
    @property
    def size_factors(self) -> pd.Series | None:
        """By sample; None where each gene has its own factors."""
        if self.factors.ndim == 2:
            return None
        return pd.Series(self.factors.copy(), index=self.data.sample_names, name="sizeFactor")

    @property
    def normalization_factors(self) -> pd.DataFrame | None:
        """Genes x samples, where there are such."""
        return self.data.framed(self.factors) if self.factors.ndim == 2 else None

    @property
    def trend(self) -> Trend | None:
        """The dispersion trend: callable on means, with ``.kind`` and ``.coefficients``."""
        return self.stage.trend

    @property
    def dispersion_prior_variance(self) -> float | None:
        """Of log dispersions around the trend."""
        return self.stage.prior_variance

    @property
    def beta_prior_variance(self) -> pd.Series | None:
        """Prior variance of each log2 coefficient; None where there is no prior."""
        if self.tested.prior_variance is None:
            return None
        return pd.Series(self.tested.prior_variance.copy(), index=list(self.design.names))

    @checked
    def counts(self, *, normalized: bool = False) -> pd.DataFrame:
        """Counts, genes x samples; divided by the size or normalization factors if asked."""
        return (
            self.data.framed(self.data.source.read(0, self.data.n_genes) / self.factors)
            if normalized
            else self.data.counts
        )

    @property
    def replaced_counts(self) -> pd.DataFrame | None:
        """Counts with outliers replaced; None where no sample could be replaced."""
        if self.replacement is None:
            return self.data.counts if "replace" in self.tested.columns else None
        values = self.data.source.read(0, self.data.n_genes)
        values[self.replacement.rows] = self.replacement.counts
        return self.data.framed(values.astype(np.int64))

    # ------------------------------------------------------------------------------------------- genes x samples, when asked
    @property
    def mu(self) -> pd.DataFrame:
        """Fitted means of the first fit, genes x samples; computed when asked for."""
        if self.is_quasi_likelihood:
            means = glm_means(self.factors, prepare_design(self.full_design.matrix), self.tested.beta)
            return self.data.framed(means)
        return self.data.framed(self._matrices()["mu"])

    @property
    def hat(self) -> pd.DataFrame:
        """Hat diagonals of the first fit, genes x samples; computed when asked for."""
        return self.data.framed(self._matrices()["hat"])

    @property
    def cooks(self) -> pd.DataFrame:
        """Cook's distances of the original counts, genes x samples; computed when asked for."""
        return self.data.framed(self._matrices()["cooks"])

    @property
    def is_quasi_likelihood(self) -> bool:
        """Whether this is glmGamPoi's likelihood ratio test, which has no standard errors and no Cook's distances."""
        return self.stage.quasi_likelihood is not None and self.test == "LRT"

    def _matrices(self, rows: Any = None) -> dict[str, FloatArray]:
        if self.is_quasi_likelihood:
            raise FitError(
                "A likelihood ratio test with fit_type='glmGamPoi' has no hat diagonals or Cook's distances."
            )
        model = replace(final_model(self.first_stage, self.plan), posterior=None, reduced=None, keep=True)
        run, stage = self.executor, self.first_stage
        return run.over_genes("means", final_pass, stage.measured.counts, final_inputs(stage), model, rows)

    @checked
    def cooks_of(self, gene: str) -> pd.Series:
        """Cook's distances of one gene by sample."""
        if gene not in self.data.gene_names:
            raise OptionError(f"The fit has no gene {gene!r}; its genes are {listed(self.data.gene_names)}.")
        rows = np.array([self.data.gene_names.get_loc(gene)])
        return pd.Series(self._matrices(rows)["cooks"][0], index=self.data.sample_names, name=gene)

    # ------------------------------------------------------------------------------------------- questions
    results = checked(results_of)  # R's results(): one signature, one docstring, where it is computed

    @checked
    def results_many(
        self, contrasts: Any = None, *, as_table: bool = False, **options: Any
    ) -> dict[str, Results] | pd.DataFrame:
        """Several comparisons at the cost of one fit.

        Parameters
        ----------
        contrasts : {name: contrast}, a list of contrasts (or one; a coefficient goes by its name), or None for every
            comparison of :meth:`contrasts`. Without names of yours, with interactions, they also say where a comparison
            holds: "condition B vs A, where batch = batch1".
        as_table : one tidy table with a column ``contrast`` and a row a gene and contrast, instead of a mapping.
        options : as for :meth:`results`.
        """
        return make_many(self, contrasts, as_table=as_table, **options)

    def contrasts(self) -> pd.DataFrame:
        """Every comparison that the design can answer, in words, with what to hand to :meth:`results`."""
        from foldwise.design.contrasts import list_contrasts

        return list_contrasts(self.design)

    def shrink(
        self,
        coef: Any = None,
        contrast: Any = None,
        *,
        type: Literal["apeglm", "ashr", "normal"] = "apeglm",
        **options: Any,
    ) -> Results:
        """Shrunken fold changes: R's lfcShrink().

        Parameters
        ----------
        coef : a coefficient by name. contrast : any comparison that :meth:`results` takes (a contrast handed over
            first is taken as one). With neither, what ``results()`` compares by default.
        type : "apeglm" (heavy-tailed prior, mode), "ashr" (mixture of normals, posterior mean), "normal" (R's first).
        options : ``lfc_threshold``, ``svalue``, ``res`` (a results table whose p-values are kept); for apeglm
            ``converged`` (go on beyond where R stops), ``prior_scale``, ``adapt``; for ashr ``grid``.

        See :func:`foldwise.shrinkage.shrink`.
        """
        from foldwise.shrinkage import shrink

        if contrast is None and isinstance(coef, tuple | list | np.ndarray):
            coef, contrast = None, coef
        return shrink(self, coef, contrast, type=type, **options)

    @checked
    def explain(self, gene: str, contrast: Any = None) -> Any:
        """Why the fold change of a gene is what it is, beside the raw means: each covariate's part."""
        from foldwise.explain import explain

        return explain(self, gene, contrast)

    def certify(self, results: Results | None = None) -> pd.DataFrame:
        """How far each reported number is from its own equation, computed apart from the kernels."""
        from foldwise.certify import certify

        return certify(self, results)

    @checked
    def to_anndata(self, results: Any = None) -> Any:
        """An AnnData with counts, normalized layer, size factors and per-gene columns; needs the ``anndata`` extra.

        results : one Results, or {name: Results}; each becomes ``varm["deseq2_<name>"]``.
        """
        from foldwise.io.to_anndata import to_anndata

        return to_anndata(self, results)

    @checked
    def save(self, path: Any) -> None:
        """Write the fit to one file, without pickle; :func:`foldwise.load` reads it back, bit for bit."""
        from foldwise.io.fit_files import save_fit

        save_fit(self, path)

    def with_executor(self, executor: Any, progress: Any = False) -> Fit:
        """The same fit, whose later questions are answered on other threads or a Dask cluster."""
        from foldwise.execution import executor_for

        run = executor_for(executor, progress)
        return replace(
            self, stage=replace(self.stage, executor=run), first_stage=replace(self.first_stage, executor=run)
        )

    def __repr__(self) -> str:
        n, m = self.data.n_genes, self.data.n_samples
        how = self.full_design.formula or "model matrix of the user's own"
        return f"Fit({n} genes x {m} samples, {how}, {self.test}; coefficients: {', '.join(self.coefficient_names)})"


def _readable(name: str, values: FloatArray) -> Any:
    """Flags as booleans; with missing values they stay objects (True, False, NaN), as tables of R have NA."""
    if name not in BOOLEAN:
        return np.array(values)
    if values.dtype == bool or not np.isnan(values).any():
        return values.astype(bool)
    return pd.array([None if np.isnan(v) else bool(v) for v in values], dtype="boolean")
