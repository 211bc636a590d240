"""One comparison's table: R's results(). Fold changes, tests, filtering, and a status in words for every gene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import BoolArray, FloatArray
from foldwise.design.contrasts import Contrast, resolve_contrast
from foldwise.errors import ContrastError, OptionError, listed
from foldwise.frozen import unchangeable
from foldwise.inference import threshold_test
from foldwise.inference.comparison import Comparison, compare, mle_fold_change, without_degrees
from foldwise.inference.several import make_many
from foldwise.inference.status import status_of
from foldwise.multiplicity import Filtering, adjust, independent_filtering
from foldwise.options import AltHypothesis, PAdjustMethod, Test, checked_compat
from foldwise.outliers import cooks_cutoff as default_cutoff

if TYPE_CHECKING:
    from foldwise.fit import Fit

COLUMNS = ("baseMean", "log2FoldChange", "lfcSE", "stat", "pvalue", "padj")
FEWEST_LARGER = 3  # samples that count more than the outlier, for R to keep a gene of a two-group comparison


@unchangeable
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Results:
    """The answer to one comparison.

    table : by gene: baseMean, log2FoldChange, lfcSE, stat, pvalue, padj, status.
    metadata : alpha, filtered_by, filter_threshold, filter_theta, num_rejections, contrast, lfc_threshold, use_t, …
    fit, contrast : what it was asked of.
    """

    table: pd.DataFrame
    metadata: Mapping[str, Any]
    fit: Fit
    contrast: Contrast

    @property
    def name(self) -> str:
        """What is compared, levels as they are written (R's spelling: ``metadata["contrast"]``); see ``description``."""
        return self.contrast.title or self.contrast.description

    @property
    def where(self) -> str:
        """With interactions, the levels at which the comparison holds: "where batch = batch1"; else ""."""
        from foldwise.design.comparisons import held_at

        return held_at(self.fit.design, self.contrast)

    @property
    def description(self) -> str:
        """The name, where it holds, and how it was shrunken: "condition B vs A, where batch = batch1 (shrunken: apeglm)"."""
        said = ", ".join(filter(None, [self.name, self.where]))
        prior = self.metadata.get("prior")
        return f"{said} (shrunken: {prior['type']})" if prior else said

    @checked
    def significant(self, alpha: float | None = None) -> pd.DataFrame:
        """Genes with an adjusted p-value below ``alpha`` (that of the comparison), by p-value."""
        level = self.metadata["alpha"] if alpha is None else alpha
        column = "svalue" if "padj" not in self.table and "svalue" in self.table else "padj"
        found = self.table[self.table[column] < level]
        return found.sort_values("pvalue" if "pvalue" in found else column, kind="stable")

    def summary(self) -> str:
        """What R's summary() says: how many up and down, outliers, and genes filtered for low means."""
        from foldwise.summary import summary

        return summary(self)

    @checked
    def why(self, gene: str) -> Any:
        """Why a gene has no adjusted p-value, p-value or fold change, or that it has them."""
        from foldwise.explain.why import why

        return why(self, gene)

    def sign_flips(self) -> pd.DataFrame:
        """Genes whose fold change and raw difference of means have opposite signs, and the covariate most responsible."""
        from foldwise.explain import sign_flips

        return sign_flips(self)

    @checked
    def to_csv(self, path: Any, *, sep: str | None = None) -> None:
        """Write the table; tab-separated for .tsv and .txt. The file appears whole or not at all."""
        from foldwise.io.writers import write_table

        write_table(self.table, path, sep=sep)

    @checked
    def to_rnk(self, path: Any, by: str = "stat") -> None:
        """A ranking for GSEA."""
        from foldwise.io.exports import to_rnk

        to_rnk(self.table, path, by=by)

    def to_pertpy(self) -> pd.DataFrame:
        """The table as pertpy takes it: variable, log_fc, p_value, adj_p_value, contrast."""
        from foldwise.io.exports import to_pertpy

        return to_pertpy(self.table, self.name)

    def to_scanpy(self, adata: Any = None, *, group: str | None = None) -> dict[str, Any]:
        """What ``scanpy.pl.rank_genes_groups`` reads; also put into ``adata.uns`` if an AnnData is handed over."""
        from foldwise.io.exports import to_scanpy

        return to_scanpy(self.table, adata, group=group or self.name)

    @checked
    def to_decoupler(self, by: str = "stat") -> pd.DataFrame:
        """One row, genes in columns, missing genes left out: what decoupler takes."""
        from foldwise.io.exports import to_decoupler

        return to_decoupler(self.table, self.name, by=by)

    def __repr__(self) -> str:
        return f"Results({self.description}; {len(self.table)} genes)\n{self.table}"


def results(
    fit: Fit,
    contrast: Any = None,
    *,
    name: str | None = None,
    lfc_threshold: float = 0.0,
    alt_hypothesis: AltHypothesis = "greaterAbs",
    alpha: float = 0.1,
    independent_filtering: bool = True,
    filter: Any = None,
    theta: Sequence[float] | FloatArray | None = None,
    filter_fun: Callable[[pd.DataFrame, float], Any] | None = None,
    p_adjust_method: PAdjustMethod = "BH",
    cooks_cutoff: float | bool | None = None,
    list_values: tuple[float, float] = (1, -1),
    use_t: bool | None = None,
    min_mu: float = 0.5,
    test: Test | None = None,
    add_mle: bool = False,
    compat: str | None = None,
) -> Results:
    """R's results(): one comparison's table.

    Parameters
    ----------
    contrast : ("condition", "treated", "control"); a pair of lists of coefficient names; a numeric vector with one
        number a coefficient; or None for the last coefficient.
    name : a coefficient, instead of a contrast (R, and ``compat="1.38"``, ignore it beside a contrast).
    lfc_threshold, alt_hypothesis : the composite null, log2: "greaterAbs" (both tails, as R from 1.44 on),
        "greaterAbs2014" (as before), "lessAbs", "greater", "less".
    alpha : the level that independent filtering is tuned to.
    independent_filtering, filter, theta : leave out genes of a low filter statistic (the mean, or one number a
        gene), choosing the share among ``theta``.
    filter_fun : replaces filtering and adjustment: gets the table without padj and alpha, returns padj by gene.
    p_adjust_method : "BH", "BY", "fdr", "bonferroni", "holm", "hochberg", "hommel", "none".
    cooks_cutoff : a number, False for none, or None for the 99 % quantile of F(p, m - p).
    list_values : what multiplies the two lists of a list contrast.
    use_t : judge by Student's t or not, whatever the fit did.
    min_mu : floor of means where a contrast's error is computed from the covariance.
    test : "Wald" for Wald statistics of a likelihood ratio fit.
    add_mle : also the fold change before the prior (fits with ``beta_prior=True``).
    compat : "1.38" for the rules of DESeq2 1.38; by default that of the fit.

    Raises
    ------
    ContrastError
        If the fit cannot answer the comparison; lists what it can.
    OptionError
        For options out of range or that do not go together.
    """
    if compat is None:
        compat = fit.options.get("compat")
    old = checked_compat(compat)
    judged: str = test or fit.test
    _check(fit, lfc_threshold, alt_hypothesis, judged, add_mle)
    asked = resolve_contrast(fit.design, contrast, name, test=judged, list_values=list_values, compat=old)
    if add_mle and asked.levels is None:
        raise OptionError(
            "add_mle compares two levels of a factor: say contrast=(factor, numerator, denominator). The coefficients "
            "before the prior are in fit.mle_coefficients."
        )
    if old and asked.levels is not None and fit.is_quasi_likelihood and fit.design.has_intercept:
        raise ContrastError(
            "R refuses levels of a factor after fit_type='glmGamPoi', whose coefficients it names otherwise. Leave out "
            f"compat= to have the answer, or say it by name=, as lists or numbers of {listed(fit.coefficient_names, 12)}."
        )
    found = compare(fit, asked, test=judged, min_mu=min_mu, compat=old)
    if use_t is not None and bool(use_t) != (found.degrees is not None):
        found = found.with_t(fit, use_t)
    if lfc_threshold > 0 or alt_hypothesis not in ("greaterAbs", "greaterAbs2014"):
        if old and alt_hypothesis == "greaterAbs":
            alt_hypothesis = "greaterAbs2014"
        stat, p = threshold_test(found.lfc, found.se, lfc_threshold, alt_hypothesis, found.degrees)
        found = found.replaced(stat=stat, pvalue=p)
    outlier = _outliers(fit, cooks_cutoff)
    pvalue = np.where(outlier, np.nan, found.pvalue)
    base_mean = fit.stage.columns["baseMean"]
    columns = {
        "baseMean": base_mean,
        "log2FoldChange": fit.finite_or_infinite(found.lfc),
        **({"lfcMLE": mle_fold_change(fit, asked)} if add_mle else {}),
        "lfcSE": found.se,
        "stat": found.stat,
        "pvalue": pvalue,
    }
    _zero_after_replacement(fit, columns)
    table = pd.DataFrame(columns, index=fit.data.gene_names)
    statistic = _filter_statistic(fit, filter) if independent_filtering and filter_fun is None else None
    padj, filtering = _adjusted(table, statistic, alpha, theta, filter_fun, p_adjust_method, compat)
    table["padj"] = padj
    by = _filtered_by(fit, statistic, filter_fun)
    table["status"] = status_of(fit, table, outlier, without_degrees(found), by)
    metadata = {
        "alpha": alpha,
        "lfc_threshold": lfc_threshold,
        "alt_hypothesis": alt_hypothesis,
        "test": judged,
        "contrast": asked.description,
        "description": _descriptions(fit, asked, judged),
        "p_adjust_method": p_adjust_method,
        "cooks_cutoff": _cutoff(fit, cooks_cutoff),
        "use_t": found.degrees is not None,
        "compat": compat,
        "filtered_by": by,
        **({"filter_statistic": pd.Series(statistic, table.index)} if by == "statistic" else {}),
    } | _filter_metadata(filtering)
    return Results(table, metadata, fit, asked)


def _check(fit: Fit, lfc_threshold: float, alt_hypothesis: str, test: str, add_mle: bool) -> None:
    composite = lfc_threshold > 0 or alt_hypothesis not in ("greaterAbs", "greaterAbs2014")
    if test == "LRT" and fit.test != "LRT":
        raise OptionError(
            'This fit has no likelihood ratio test: make one with fw.deseq(..., test="LRT", reduced="~ …").'
        )
    if test == "LRT" and composite:
        raise OptionError(
            "A likelihood ratio test has no threshold or side: it asks whether the larger model is better at all. "
            'Use results(test="Wald", lfc_threshold=…).'
        )
    if alt_hypothesis == "lessAbs" and not lfc_threshold > 0:
        raise OptionError(
            'alt_hypothesis="lessAbs" asks whether |LFC| is below a threshold: set lfc_threshold above 0.'
        )
    if alt_hypothesis == "lessAbs" and fit.plan.beta_prior:
        raise OptionError('alt_hypothesis="lessAbs" needs a fit without a prior on fold changes (beta_prior=False).')
    if add_mle and fit.tested.mle is None:
        raise OptionError(
            "add_mle is for fits with beta_prior=True; without a prior the fold changes are the MLE already."
        )


def _cutoff(fit: Fit, asked: float | bool | None) -> float:
    if asked is None or asked is True:
        n, p = fit.full_design.matrix.shape
        return default_cutoff(n, p)
    return float("inf") if asked is False else float(asked)


def _outliers(fit: Fit, asked: float | bool | None) -> BoolArray:
    """(n_genes,) genes whose p-value a single sample decides: Cook's distance over the cutoff."""
    columns, cooks = fit.tested.columns, fit.tested.cooks
    if "maxCooks" not in columns:
        return np.zeros(fit.data.n_genes, dtype=bool)
    with np.errstate(invalid="ignore"):
        outlier = columns["maxCooks"] > _cutoff(fit, asked)
    if _two_groups(fit):
        # R keeps a gene where three samples count more than its outlier: then the outlier is no lone peak.
        outlier &= ~(cooks["n_larger"] >= FEWEST_LARGER)
    return np.asarray(outlier)


def _two_groups(fit: Fit) -> bool:
    design = fit.full_design
    if design.formula is None or len(design.variables) != 1:
        return False
    return len(design.factors.get(design.variables[0], ())) == 2


def _zero_after_replacement(fit: Fit, columns: dict[str, FloatArray]) -> None:
    if fit.replacement is None:
        return
    rows = fit.replacement.rows
    rows = rows[fit.stage.columns["baseMean"][rows] == 0]
    for name in columns.keys() - {"baseMean"}:
        columns[name] = np.array(columns[name])
        columns[name][rows] = 1.0 if name == "pvalue" else 0.0


def _filter_statistic(fit: Fit, asked: Any) -> FloatArray:
    """(n_genes,) what low genes are left out by: the mean, unless the user says otherwise."""
    if asked is None:
        return np.asarray(fit.stage.columns["baseMean"], dtype=np.float64)
    if isinstance(asked, pd.Series):
        absent = fit.data.gene_names.difference(asked.index)
        if len(absent):
            raise OptionError(f"filter has no value for: {listed(absent)}.")
        asked = asked.loc[fit.data.gene_names]
    statistic = np.asarray(asked, dtype=np.float64)
    if statistic.shape != (fit.data.n_genes,):
        raise OptionError(f"filter must have {fit.data.n_genes} values, one a gene; got shape {statistic.shape}.")
    return statistic


def _filtered_by(fit: Fit, statistic: FloatArray | None, filter_fun: Any) -> str | None:
    if statistic is None:
        return None if filter_fun is None else "function"
    return "mean" if np.array_equal(statistic, fit.stage.columns["baseMean"]) else "statistic"


def _adjusted(
    table: pd.DataFrame,
    statistic: FloatArray | None,
    alpha: float,
    theta: Any,
    filter_fun: Callable[[pd.DataFrame, float], Any] | None,
    method: PAdjustMethod,
    compat: str | None,
) -> tuple[FloatArray, Filtering | None]:
    p = table["pvalue"].to_numpy(dtype=np.float64)
    if filter_fun is not None:
        return _from_function(filter_fun, table, alpha), None
    if statistic is None:
        return adjust(p, method), None
    found = independent_filtering(p, statistic, alpha, theta=theta, method=method, compat=compat)  # type: ignore[arg-type]
    return found.padj, found


def _from_function(filter_fun: Callable[[pd.DataFrame, float], Any], table: pd.DataFrame, alpha: float) -> FloatArray:
    answer = filter_fun(table.copy(), alpha)
    if isinstance(answer, pd.Series):
        answer = answer.reindex(table.index)
    values = np.asarray(answer, dtype=np.float64)
    if values.shape != (len(table),):
        raise OptionError(
            f"filter_fun must return {len(table)} adjusted p-values, one a gene; got shape {values.shape}."
        )
    if len(wrong := np.flatnonzero((values < 0) | (values > 1))):
        raise OptionError(
            f"filter_fun must return adjusted p-values, from 0 to 1 or missing; gene '{table.index[wrong[0]]}' has "
            f"{values[wrong[0]]:g} ({len(wrong)} genes have such)."
        )
    return values


def _descriptions(fit: Fit, contrast: Contrast, test: str) -> dict[str, str]:
    words = contrast.description
    kind = "MAP" if fit.plan.beta_prior else "MLE"
    if test == "LRT":
        reduced = fit.reduced_design.formula if fit.reduced_design is not None else None
        full = fit.full_design.formula
        models = f"'{full}' vs '{reduced}'" if full and reduced else "full vs reduced model matrix"
        stat, p = f"LRT statistic: {models}", f"LRT p-value: {models}"
    else:
        stat, p = f"Wald statistic: {words}", f"Wald test p-value: {words}"
    return {
        "baseMean": "mean of normalized counts for all samples",
        "log2FoldChange": f"log2 fold change ({kind}): {words}",
        "lfcSE": f"standard error: {words}",
        "stat": stat,
        "pvalue": p,
        "padj": "BH adjusted p-values",
        "status": "ok, or why a number is missing",
    }


def _filter_metadata(filtering: Filtering | None) -> dict[str, Any]:
    if filtering is None:
        return {}
    return {
        "filter_threshold": filtering.threshold,
        "filter_theta": filtering.theta,
        "theta": filtering.thetas,
        "num_rejections": filtering.rejections,
        "filter_curve": pd.DataFrame({"theta": filtering.curve_theta, "numRej": filtering.curve}),
    }


__all__ = ["Comparison", "Results", "make_many", "results"]
