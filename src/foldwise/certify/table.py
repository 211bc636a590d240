"""The certificate of a fit and one of its comparisons."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.certify import whole
from foldwise.certify.comparison import examine_results
from foldwise.certify.genes import Shared, examine
from foldwise.certify.likelihood import LN2
from foldwise.errors import OptionError
from foldwise.inference.belonging import check_belongs

if TYPE_CHECKING:
    from foldwise.fit import Fit
    from foldwise.results import Results

# How far a number may be from its own equation; why, is said in the documentation of the certificate.
LIMITS = {
    "base_mean": 1e-9,  # relative: a sum, nothing stops early
    "gene_wise_excess": 1e-4,  # log-likelihood left: the search stops when a step gains less than 1e-6
    "dispersion_excess": 1e-4,
    "dispersion": 1e-9,  # relative: the gene-wise estimate for outliers, else the posterior's
    "trend": 1e-9,  # relative: the trend at the gene's mean
    "score": 1e-2,  # standard errors left: the iteration stops when the deviance changes by less than 1e-8 of itself
    "slow_score": 0.5,  # the same after 25 rounds or more, and where R's general optimiser took over
    "mle_score": 1e-2,
    "standard_error": 1e-7,  # relative
    "deviance": 1e-6,  # relative: log gammas of 1 / dispersion cancel
    "cooks": 1e-7,
    "fold_change": 1e-9,  # absolute, log2: the comparison of the reported coefficients
    "lfc_se": 1e-6,
    "stat": 1e-6,
    "pvalue": 1e-5,
    "padj": 1e-9,
    "mode": 0.2,  # posterior standard deviations: apeglm's search stops when its objective changes by 1e-7
    "mode_sd": 5e-3,  # relative: of the point where the search stopped
    "posterior_mean": 1e-6,  # posterior standard deviations, given the mixture
    "posterior_sd": 1e-6,
    "refit": 1e-2,  # standard errors, against a refit with the normal prior
    "refit_se": 1e-4,
    "svalue": 1e-9,
}


def certify(fit: Fit, results: Results | None = None) -> pd.DataFrame:
    """How far each reported number is from the equation that it is supposed to solve.

    Parameters
    ----------
    fit : the fit to examine.
    results : a comparison of it, plain or shrunken; the default comparison if None.

    Returns
    -------
    DataFrame by gene, a column a check (NaN where it does not apply): see :data:`LIMITS` for their scales; ``ok``;
    ``failed``, the checks over their limits. ``attrs["summary"]`` says it in a line, ``attrs["limits"]`` holds the
    limits, ``attrs["whole"]`` the checks of what all genes share: size factors, trend, prior variance.

    Raises
    ------
    OptionError
        For results of another fit, or of some genes only.
    """
    if results is None:
        results = fit.results()
    results = _whole(fit, results)
    shared, genes = _inputs(fit, results)
    found = fit.executor.over_genes("certifying", examine, fit.measured.counts, genes, shared)
    inner = {name: found.pop(name) for name in list(found) if name.startswith("_")}
    columns: dict[str, Any] = dict(found)
    if fit.trend is not None and "dispFit" in genes:
        columns["trend"] = _trend(fit, genes)
    columns |= examine_results(fit, results, inner, columns)
    table = pd.DataFrame(columns, index=fit.data.gene_names)
    return _judged(table, whole.examine_whole(fit, results, inner))


def _whole(fit: Fit, results: Results) -> Results:
    """The table in the order of the fit."""
    check_belongs(fit, results, damaged=0.5)  # to find single wrong numbers is what a certificate is for
    if results.metadata["test"] == "LRT" and fit.test != "LRT":
        raise OptionError("These results are of a likelihood ratio test, which this fit does not have.")
    genes = fit.data.gene_names
    if len(results.table) != len(genes) or not genes.isin(results.table.index).all():
        raise OptionError(
            f"These results hold {len(results.table):,} of the fit's {len(genes):,} genes; adjusted p-values rest on all "
            "of them: certify the whole table, and choose genes from the answer."
        )
    return replace(results, table=results.table.loc[genes])


def _inputs(fit: Fit, results: Results) -> tuple[Shared, dict[str, Any]]:
    design, full = fit.design.matrix, fit.full_design.matrix
    n, p = full.shape
    variance = fit.beta_prior_variance
    sizes = np.bincount(fit.full_design.cells)[fit.full_design.cells]
    refitted = fit.replacement is not None and bool(fit.refitted.any())
    factors = fit.factors
    prior = fit.dispersion_prior_variance
    quasi = "qlDispMAP" in fit.stage.columns
    shared = Shared(
        matrix=design,
        ridge_log2=np.full(design.shape[1], 1e-6) if variance is None else 1.0 / variance.to_numpy(),
        dispersion_matrix=full,
        cells=_cells(full),
        reduced=None if fit.reduced_design is None else fit.reduced_design.matrix,
        factors=factors if factors.ndim == 1 else None,
        prior_variance=None if prior is None else float(prior),
        spread=float(fit.stage.residual_variance or 0.0),
        judged=(sizes >= 3) & (n > p),
        spared=fit.replacement.replaceable if refitted and fit.replacement is not None else None,
        min_mu=fit.stage.min_mu if quasi else fit.min_mu,
        dispersion_min_mu=fit.stage.min_mu,
        vector=results.contrast.vector,
        contrast_min_mu=0.5,
        quasi=quasi,
    )
    return shared, _gene_arrays(fit)


def _cells(matrix: FloatArray) -> Any:
    """(n_samples,) index of each sample's distinct row."""
    return np.unique(np.round(matrix, 12), axis=0, return_inverse=True)[1].reshape(-1)


def _mean_inverse_factors(fit: Fit) -> FloatArray:
    """(n_genes,) mean over samples of 1 / factor; of factors by gene R takes the means of the genes fitted together."""
    n = fit.data.n_genes
    if fit.factors.ndim == 1:
        return np.full(n, np.mean(1.0 / fit.factors))
    out = np.empty(n)
    fitted = ~fit.first_stage.columns["allZero"].astype(bool)
    for together in (fitted, fit.refitted):
        if together.any():
            out[together] = np.mean(1.0 / fit.factors[together].mean(axis=0))
    return out


def _gene_arrays(fit: Fit) -> dict[str, Any]:
    genes = {name: np.asarray(fit.genes[name], dtype=np.float64) for name in fit.genes if name != "replace"}
    genes["beta"] = fit.coefficients.to_numpy() * LN2
    genes["se"] = fit.standard_errors.to_numpy()
    if fit.mle_coefficients is not None:
        genes["mle"] = fit.mle_coefficients.to_numpy() * LN2
    if fit.factors.ndim == 2:
        genes["factors"] = fit.factors
    if fit.weights_array is not None:
        genes["normalized"] = fit.weights_array
        genes["raw_weights"] = np.asarray(fit.measured.weights)
    genes["mean_inverse_factor"] = _mean_inverse_factors(fit)
    genes["has_replaced"] = np.zeros(fit.data.n_genes, dtype=bool)
    if fit.replacement is not None:
        genes["has_replaced"][fit.replacement.rows] = True
        genes["replaced"] = np.zeros((fit.data.n_genes, fit.data.n_samples))
        genes["replaced"][fit.replacement.rows] = fit.replacement.counts
    genes["first_dispersion"] = np.array(fit.first_stage.columns.get("dispersion", genes["dispersion"]))
    return genes


def _trend(fit: Fit, genes: dict[str, Any]) -> FloatArray:
    from foldwise.certify.genes import relative

    assert fit.trend is not None
    means = genes["baseMean"]
    fitted = (means > 0) & ~np.isnan(genes["dispFit"])
    out = np.full(len(means), np.nan)
    if fit.trend.kind == "parametric":
        a = fit.trend.coefficients
        expected = a["asymptDisp"] + a["extraPois"] / means[fitted]
    else:
        expected = np.asarray(fit.trend(means[fitted]))
    out[fitted] = relative(genes["dispFit"][fitted], expected)
    return out


def _judged(table: pd.DataFrame, shared: dict[str, dict[str, Any]]) -> pd.DataFrame:
    checks = [name for name in LIMITS if name in table]
    limits = pd.Series({name: LIMITS[name] for name in checks})
    over = table[checks].gt(limits, axis=1).to_numpy()
    bad_whole = [name for name, check in shared.items() if not check["ok"]]
    names = np.array(checks)
    failed = [", ".join([*names[row], *bad_whole]) for row in over]
    table["ok"] = [text == "" for text in failed]
    table["failed"] = failed
    table.attrs["limits"] = dict(limits)
    table.attrs["whole"] = shared
    table.attrs["summary"] = _summary(table, checks, over, shared)
    return table


def _summary(table: pd.DataFrame, checks: list[str], over: Any, shared: dict[str, dict[str, Any]]) -> str:
    n = len(table)
    unchecked = [name for name, check in shared.items() if check["distance"] is None]
    extra = f" Not checked: {', '.join(unchecked)}." if unchecked else ""
    if table["ok"].all():
        worst = max(checks, key=lambda name: np.nan_to_num(table[name].max()) / LIMITS[name])
        near = f"{worst}, {table[worst].max():.2g} of {LIMITS[worst]:g}"
        return f"All {n} genes pass {len(checks)} checks; nearest to its limit: {near}.{extra}"
    counts = {name: int(k) for name, k in zip(checks, over.sum(axis=0), strict=True) if k}
    counts |= {name: n for name, check in shared.items() if not check["ok"]}
    what = ", ".join(f"{name} ({k})" for name, k in sorted(counts.items(), key=lambda item: -item[1]))
    return f"{int((~table['ok']).sum())} of {n} genes fail: {what}.{extra}"
