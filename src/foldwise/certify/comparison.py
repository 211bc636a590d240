"""One comparison's table, held against the reported coefficients and its own columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtrc, fdtrc, ndtr, stdtr

from foldwise.arrays import BoolArray, FloatArray
from foldwise.certify.genes import relative

if TYPE_CHECKING:
    from foldwise.fit import Fit
    from foldwise.results import Results

SAME = 1e-9  # relative
TINY = 1e-290  # p-values below it count as equal: R's normal tail is 0 beyond 37.5 standard errors


def examine_results(fit: Fit, results: Results, inner: dict[str, Any], columns: dict[str, Any]) -> dict[str, Any]:
    """Checks of a results table; of a shrunken one, those of its own kind."""
    table = {name: np.asarray(results.table[name], dtype=np.float64) for name in results.table if name != "status"}
    if "prior" in results.metadata:
        from foldwise.certify.shrunken import examine_shrunken

        return examine_shrunken(fit, results, table, inner, plain_numbers(fit, results, inner))
    out: dict[str, Any] = {}
    zero = _without_counts(fit, results) | _emptied(fit)
    lfc = np.where(zero, 0.0, inner["_contrast_lfc"])
    out["fold_change"] = _absolute(table["log2FoldChange"], lfc)
    se = np.where(_emptied(fit), 0.0, _expected_se(fit, results, inner))
    out["lfc_se"] = relative(table["lfcSE"], se)
    out["base_mean"] = np.fmax(columns["base_mean"], relative(table["baseMean"], fit.genes["baseMean"].to_numpy()))
    stat, p = _expected_test(fit, results, table, inner, zero)
    out["stat"] = np.fmin(relative(table["stat"], stat), np.abs(table["stat"] - stat))
    if "qlDispMAP" in fit.stage.columns:  # where the reduced model has an infinite coefficient its fit is not checked
        out["stat"] = np.where(np.isnan(stat) & ~np.isnan(table["stat"]), np.nan, out["stat"])
    hidden = _outlier_calls(fit, results) & ~_emptied(fit)
    out["pvalue"] = np.where(hidden, np.where(np.isnan(table["pvalue"]), 0.0, np.inf), _p_distance(table["pvalue"], p))
    out["padj"] = adjusted_distance(table["padj"], table["pvalue"], fit, results)
    known = ~fit.genes["allZero"].to_numpy(dtype=bool) | _emptied(fit)
    return {name: np.where(known, values, _missing(name, table)) for name, values in out.items()}


def plain_numbers(fit: Fit, results: Results, inner: dict[str, Any]) -> dict[str, FloatArray]:
    """Fold changes and errors of the comparison as the unshrunken table has them."""
    emptied = _emptied(fit)
    lfc = np.where(_without_counts(fit, results) | emptied, 0.0, inner["_contrast_lfc"])
    known = ~fit.genes["allZero"].to_numpy(dtype=bool) | emptied
    se = np.where(emptied, 0.0, _expected_se(fit, results, inner))
    return {"lfc": np.where(known, lfc, np.nan), "se": np.where(known, se, np.nan)}


def _missing(name: str, table: dict[str, FloatArray]) -> Any:
    """Genes that are not fitted must have nothing but a mean."""
    column = {"fold_change": "log2FoldChange", "lfc_se": "lfcSE"}.get(name, name)
    if column == "base_mean":
        return np.where(table["baseMean"] >= 0, 0.0, np.inf)
    return np.where(np.isnan(table[column]), np.nan, np.inf)


def _absolute(reported: FloatArray, computed: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        off = np.where(reported == computed, 0.0, np.abs(reported - computed))
    return np.where(np.isnan(off), np.where(np.isnan(reported) & np.isnan(computed), 0.0, np.inf), off)


def _p_distance(reported: FloatArray, computed: FloatArray) -> FloatArray:
    both_tiny = (reported < TINY) & (computed < TINY)
    return np.where(both_tiny, 0.0, relative(reported, computed))


def _without_counts(fit: Fit, results: Results) -> BoolArray:
    """Genes without a count on either side of the comparison."""
    contrast = results.contrast
    none = np.zeros(fit.data.n_genes, dtype=bool)
    if contrast.zero_rule == "none" or contrast.zero_samples is None:
        return none
    counts = fit.data.source.read(0, fit.data.n_genes)
    return np.asarray(~counts[:, contrast.zero_samples].any(axis=1))


def _emptied(fit: Fit) -> BoolArray:
    """Genes whose only counts were outliers and have been replaced by 0."""
    out = np.zeros(fit.data.n_genes, dtype=bool)
    if fit.replacement is not None:
        rows = fit.replacement.rows
        out[rows] = ~fit.replacement.counts.any(axis=1)
    return out


def _expected_se(fit: Fit, results: Results, inner: dict[str, Any]) -> FloatArray:
    if results.contrast.kind == "coefficient":
        names = fit.coefficient_names
        return fit.standard_errors.to_numpy()[:, names.index(str(results.contrast.coefficient))]
    return np.asarray(inner["_contrast_se"])


def _expected_test(
    fit: Fit, results: Results, table: dict[str, FloatArray], inner: dict[str, Any], zero: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Statistic and p-value from the reported fold change and error, or from the likelihoods."""
    meta = results.metadata
    if meta["test"] == "LRT":
        assert fit.reduced_design is not None
        stat = np.where(_emptied(fit), 0.0, inner["_lrt"])
        degrees = fit.design.matrix.shape[1] - fit.reduced_design.matrix.shape[1]
        if "qlDispMAP" in fit.stage.columns:
            return stat, _f_tail(fit, table["stat"], degrees)
        return stat, np.asarray(chdtrc(degrees, np.maximum(table["stat"], 0.0)))
    b, s = table["log2FoldChange"], table["lfcSE"]
    t = float(meta["lfc_threshold"])
    degrees_by_gene = None
    if "tDegreesFreedom" in fit.genes:
        degrees_by_gene = fit.genes["tDegreesFreedom"].to_numpy(dtype=np.float64)

    def tail(x: FloatArray) -> FloatArray:
        if degrees_by_gene is None:
            return np.asarray(ndtr(-x))
        return np.asarray(stdtr(degrees_by_gene, -x))

    with np.errstate(divide="ignore", invalid="ignore"):
        stat, p = _wald(b, s, t, str(meta["alt_hypothesis"]), bool(meta.get("compat")), tail)
    plain = t == 0 and meta["alt_hypothesis"] in ("greaterAbs", "greaterAbs2014")
    if plain:
        stat, p = np.where(zero, 0.0, stat), np.where(zero, 1.0, p)
    emptied = _emptied(fit)
    return np.where(emptied, 0.0, stat), np.where(emptied, 1.0, p)


def _f_tail(fit: Fit, stat: FloatArray, degrees: int) -> FloatArray:
    n, p = fit.full_design.matrix.shape
    below = float(np.asarray(fit.stage.quasi_likelihood)) + n - p
    stat = np.maximum(stat, 0.0)
    return np.asarray(fdtrc(degrees, below, stat) if np.isfinite(below) else chdtrc(degrees, stat * degrees))


def _wald(
    b: FloatArray, s: FloatArray, t: float, alternative: str, old: bool, tail: Any
) -> tuple[FloatArray, FloatArray]:
    if alternative == "greaterAbs" and not (old and t > 0):
        return b / s, np.minimum(1.0, tail((np.abs(b) - t) / s) + tail((np.abs(b) + t) / s))
    if alternative in ("greaterAbs", "greaterAbs2014"):
        z = (np.abs(b) - t) / s
        return np.sign(b) * np.maximum(z, 0.0), np.minimum(1.0, 2.0 * tail(z))
    if alternative == "lessAbs":
        low, high = (t - b) / s, (b + t) / s
        return np.minimum(np.maximum(low, 0.0), np.maximum(high, 0.0)), np.maximum(tail(low), tail(high))
    if alternative == "greater":
        return np.maximum((b - t) / s, 0.0), tail((b - t) / s)
    return np.minimum((b + t) / s, 0.0), tail((-t - b) / s)


def _outlier_calls(fit: Fit, results: Results) -> BoolArray:
    """Genes whose p-value is withheld because of one count: Cook's distance over the cutoff."""
    if "maxCooks" not in fit.genes:
        return np.zeros(fit.data.n_genes, dtype=bool)
    with np.errstate(invalid="ignore"):
        over = fit.genes["maxCooks"].to_numpy(dtype=np.float64) > results.metadata["cooks_cutoff"]
    # R's exemption in comparisons of two groups rests on distances that are not reported; a p-value there is no fault
    return np.asarray(over & np.isnan(results.table["pvalue"].to_numpy(dtype=np.float64)))


def adjusted_distance(
    padj: FloatArray, p: FloatArray, fit: Fit, results: Results, *, as_given: bool = False
) -> FloatArray:
    """Against the adjustment of the p-values in the filtered set; infinite for genes on the wrong side of it.

    The set is that of means over the threshold. Where a filter of the user's own was at work, which no table reports,
    it is the genes that have an adjusted p-value: whichever of the two leaves fewer genes unexplained.

    as_given : the second in any case.
    """
    method = results.metadata["p_adjust_method"]
    threshold = results.metadata.get("filter_threshold")
    tested = ~np.isnan(p)
    given = _distance_in(tested & ~np.isnan(padj), padj, p, method)
    if as_given:
        return given
    if threshold is None:
        return _distance_in(tested, padj, p, method)
    by_mean = _distance_in(tested & (fit.genes["baseMean"].to_numpy() >= threshold), padj, p, method)
    return given if (given > SAME).sum() < (by_mean > SAME).sum() else by_mean


def _distance_in(chosen: BoolArray, padj: FloatArray, p: FloatArray, method: str) -> FloatArray:
    expected = np.full(len(p), np.nan)
    expected[chosen] = _adjust(p[chosen], method)
    return relative(padj, expected)


def _adjust(p: FloatArray, method: str) -> FloatArray:
    n = len(p)
    order = np.argsort(p, kind="stable")
    ranks = np.arange(1, n + 1)
    ordered = p[order]
    if method in ("BH", "fdr", "BY"):
        scale = np.sum(1.0 / ranks) if method == "BY" else 1.0
        adjusted = np.minimum.accumulate((scale * n / ranks * ordered)[::-1])[::-1]
    elif method == "holm":
        adjusted = np.maximum.accumulate((n - ranks + 1) * ordered)
    elif method == "hochberg":
        adjusted = np.minimum.accumulate(((n - ranks + 1) * ordered)[::-1])[::-1]
    else:
        adjusted = ordered * (n if method == "bonferroni" else 1)
    out = np.empty(n)
    out[order] = np.minimum(adjusted, 1.0)
    return out
