"""Shrunken fold changes as a results table: R's lfcShrink()."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import BoolArray, FloatArray
from foldwise.coefficients import LOG2_E
from foldwise.design.contrasts import resolve_contrast
from foldwise.errors import ContrastError, OptionError, listed
from foldwise.inference.belonging import check_belongs
from foldwise.options import LN2, ShrinkageType, chosen
from foldwise.results import Results
from foldwise.shrinkage.s_values import s_values
from foldwise.warn import warn

if TYPE_CHECKING:
    from foldwise.fit import Fit

COMMON_OPTIONS = ("coef", "contrast", "type", "lfc_threshold", "svalue", "res")
OPTIONS = {"apeglm": ("adapt", "converged", "prior_scale"), "ashr": ("grid",), "normal": ()}


@dataclass(frozen=True, slots=True)
class Shrunken:
    """What an estimator says of a comparison.

    lfc, sd : (n_genes,) log2. rate : (n_genes,) false sign rate, or "wrong sign or small", if there is one.
    not_converged : (n_genes,). prior : what was estimated about the prior. kind : "MAP" or "MMSE". spread : what sd is.
    """

    lfc: FloatArray
    sd: FloatArray
    rate: FloatArray | None
    not_converged: BoolArray
    prior: Mapping[str, Any]
    kind: str
    spread: str = "posterior SD"


@checked
def shrink(
    fit: Fit,
    coef: str | None = None,
    contrast: Any = None,
    *,
    type: ShrinkageType = "apeglm",
    lfc_threshold: float = 0.0,
    svalue: bool = False,
    res: Results | None = None,
    **options: Any,
) -> Results:
    """Fold changes drawn towards zero by how little their gene can tell: for ranking, plots and effect sizes.

    Parameters
    ----------
    fit : a fit without a prior on fold changes.
    coef : name of a coefficient. contrast : any comparison that :meth:`Fit.results` takes. With neither, what ``res``
        compares, or else what ``results()`` compares by default.
    type : "apeglm" (a Cauchy prior on the comparison alone: large effects stay large), "ashr" (a mixture of normals
        fitted to estimates and errors), "normal" (the original normal prior on all coefficients, fitted again).
    lfc_threshold : log2; "apeglm" and "ashr" then give s-values of "wrong sign or smaller than this", "normal" tests
        against it.
    svalue : s-values instead of p-values ("apeglm" and "ashr").
    res : the table whose baseMean, p-values and (for "ashr" and the prior of "apeglm") estimates are taken.
    options : of one type.
        "apeglm": ``converged=True`` goes on to the optimum of the posterior; without it the answer is R's, whose
        search stops up to 1.3e-2 log2 short of it (a tenth of a posterior SD at worst). ``adapt=False`` gives all
        coefficients but the intercept a Cauchy prior of scale 1. ``prior_scale`` sets the scale (natural log).
        "ashr": ``grid``, standard deviations of the mixture's components.

    Returns
    -------
    Results
        R's columns, by type: log2FoldChange the posterior mode ("apeglm", "normal") or mean ("ashr"), lfcSE the
        posterior standard deviation; p-values are those of the unshrunken table. ``status`` says "not converged"
        where no mode was found.

    Raises
    ------
    OptionError
        For unknown types or options, a negative threshold, both ``coef`` and ``contrast``.
    ContrastError
        For a comparison that the fit does not have; lists what it has.

    Notes
    -----
    R refuses contrasts with "apeglm". Here the design is re-expressed so that the contrast is one of its coefficients;
    for two levels of a factor the answer is R's after releveling. Outlier counts that the fit replaced are the
    original ones here, as in R: a gene with one can have a larger shrunken than plain fold change.

    References
    ----------
    Zhu, Ibrahim & Love (2019); Stephens (2017); Love et al. (2014).
    """
    chosen("type", type, ShrinkageType)
    _check(fit, coef, contrast, type, lfc_threshold, svalue, options)
    if type == "normal":
        from foldwise.shrinkage.normal_results import shrink_normal

        return shrink_normal(fit, coef, contrast, float(lfc_threshold), res)
    given = res is not None
    res = _table(fit, coef, contrast, res)
    if type == "apeglm":
        found = _apeglm(fit, res, float(lfc_threshold), given, **options)
    else:
        found = _ashr(res, float(lfc_threshold), **options)
    return _results(res, found, type, float(lfc_threshold), svalue)


def _check(
    fit: Fit, coef: Any, contrast: Any, type: str, threshold: float, svalue: bool, options: Mapping[str, Any]
) -> None:
    if fit.plan.beta_prior:
        raise OptionError(
            "This fit has a prior on its fold changes already (beta_prior=True): shrink a fit made without one."
        )
    if coef is not None and contrast is not None:
        raise OptionError("Give coef= or contrast=, not both: each names a comparison.")
    if not (_is_number(threshold) and threshold >= 0):
        raise OptionError(f"lfc_threshold is a size on the log2 scale and must not be negative; got {threshold!r}.")
    if svalue and type == "normal":
        raise OptionError('type="normal" gives no s-values; use type="apeglm" or "ashr", or leave svalue out.')
    strange = [name for name in options if name not in OPTIONS[type]]
    if strange:
        meant = difflib.get_close_matches(strange[0], [*COMMON_OPTIONS, *OPTIONS[type]], 1, 0.6)
        if meant:
            raise OptionError(f"shrink() has no option {strange[0]}=. Did you mean {meant[0]}=?")
        known = ", ".join(OPTIONS[type]) or "none of its own"
        raise OptionError(f'{listed(strange)} is no option of type="{type}"; it has {known}.')
    if coef is not None:
        check_coefficient(fit, coef)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and bool(np.isfinite(float(value)))


def check_coefficient(fit: Fit, coef: Any) -> None:
    if not isinstance(coef, str):
        raise OptionError(
            f"coef={coef!r}: a coefficient goes by its name, one of {listed(fit.coefficient_names, 20)} "
            "(R's number k is fit.coefficient_names[k - 1])."
        )
    if coef not in fit.coefficient_names:
        raise ContrastError(
            f"coef='{coef}' is no coefficient of this fit; it has {listed(fit.coefficient_names, 20)}. "
            "Other comparisons go by contrast=."
        )


def _table(fit: Fit, coef: str | None, contrast: Any, res: Results | None) -> Results:
    """The unshrunken table of what is asked for."""
    if res is None:
        return fit.results(name=coef) if coef is not None else fit.results(contrast)
    check_table(fit, res)
    if coef is not None or contrast is not None:
        asked = resolve_contrast(fit.design, contrast, coef)
        if not np.array_equal(asked.vector, res.contrast.vector):
            raise OptionError(
                f"'res' compares '{res.name}', but '{asked.description}' is asked for: leave one of them out."
            )
    return res


def check_table(fit: Fit, res: Any) -> None:
    if not isinstance(res, Results) or not {"log2FoldChange", "lfcSE", "pvalue"} <= set(res.table.columns):
        raise OptionError("res must be a table that fit.results() made.")
    if not res.table.index.equals(fit.data.gene_names):
        raise OptionError("'res' has other genes, or another order, than the fit: use the fit's own results().")
    check_belongs(fit, res, "'res' is")


# ---------------------------------------------------------------------------------------------- apeglm
def _apeglm(
    fit: Fit,
    res: Results,
    threshold: float,
    given: bool,
    *,
    adapt: bool = True,
    converged: bool = False,
    prior_scale: float | None = None,
) -> Shrunken:
    from foldwise.shrinkage.apeglm import apeglm_posterior
    from foldwise.shrinkage.rotation import as_coefficient

    matrix, column = as_coefficient(fit.design, res.contrast.vector, res.name)
    scale, prior = _prior_scale(fit, res, given, adapt, prior_scale)
    posterior = apeglm_posterior(
        fit.measured.counts,
        fit.factors,
        matrix,
        fit.stage.columns["dispersion"],
        column,
        scale,
        fit.executor,
        weights=fit.measured.weights,
        shrink_all=not adapt,
        converged=converged,
    )
    rate, prior = posterior.false_sign_rate(threshold * LN2), prior | {"converged": converged}
    return Shrunken(posterior.mode * LOG2_E, posterior.sd * LOG2_E, rate, posterior.not_converged, prior, "MAP")


def _prior_scale(
    fit: Fit, res: Results, given: bool, adapt: bool, prior_scale: float | None
) -> tuple[float, dict[str, Any]]:
    from foldwise.shrinkage.prior_scale import prior_scale as scale_of
    from foldwise.shrinkage.prior_scale import prior_variance

    if prior_scale is not None:
        if not (_is_number(prior_scale) and prior_scale > 0):
            raise OptionError(f"prior_scale must be a positive number (natural log); got {prior_scale!r}.")
        return float(prior_scale), {"prior_scale": float(prior_scale)}
    if not adapt:
        return 1.0, {"prior_scale": 1.0}
    _check_errors(res)
    estimates, errors = _estimates(fit, res, given)
    variance = prior_variance(estimates * LN2, errors * LN2)
    _warn_of_zero_errors(estimates, errors)
    return scale_of(variance), {"prior_scale": scale_of(variance), "prior_variance": variance}


def _estimates(fit: Fit, res: Results, given: bool) -> tuple[FloatArray, FloatArray]:
    """Fold changes and errors that tell the prior's scale, log2: a coefficient's own, whatever a contrast's table does
    with genes without counts on either side."""
    lfc, se = (res.table[name].to_numpy(dtype=np.float64) for name in ("log2FoldChange", "lfcSE"))
    if given:
        return lfc, se
    return np.where(se > 0, fit.tested.beta @ res.contrast.vector * LOG2_E, lfc), se


def _warn_of_zero_errors(estimates: FloatArray, errors: FloatArray) -> None:
    from foldwise.shrinkage.prior_scale import prior_scale, prior_variance

    exact = errors == 0
    if exact.any():
        better = prior_scale(prior_variance(estimates[~exact] * LN2, errors[~exact] * LN2))
        warn(
            f"{int(exact.sum())} genes lost all their counts to outlier replacement and stand in the table with a fold "
            "change of 0 and an error of 0. As in R they decide the prior's scale, and everything is shrunken to "
            f"almost nothing. Without them it is {better:.4g}: shrink(..., prior_scale={better:.4g})."
        )


def _check_errors(res: Results) -> None:
    if res.table["lfcSE"].isna().all():
        raise OptionError(
            "No gene has a standard error, and the prior is estimated from these (a fit with fit_type='glmGamPoi' has "
            'none). type="normal" needs none.'
        )


# ---------------------------------------------------------------------------------------------- ashr
def _ashr(res: Results, threshold: float, *, grid: Any = None) -> Shrunken:
    from foldwise.shrinkage.ashr import adaptive_shrinkage

    _check_errors(res)
    lfc, se = (res.table[name].to_numpy(dtype=np.float64) for name in ("log2FoldChange", "lfcSE"))
    found = adaptive_shrinkage(lfc, se, threshold=threshold, grid=grid)
    off = found.mixture.violation
    if not found.mixture.converged:
        warn(f"The weights of ashr's mixture did not converge: the optimality conditions are off by {off:.1e}.")
    prior = {"grid": found.grid, "weights": found.mixture.weights, "violation": off}
    return Shrunken(found.mean, found.sd, found.false_sign_rate, np.zeros(lfc.size, dtype=bool), prior, "MMSE")


# ---------------------------------------------------------------------------------------------- the table
def _results(res: Results, found: Shrunken, type: str, threshold: float, svalue: bool) -> Results:
    svalue = svalue or threshold > 0
    columns: dict[str, Any] = {"baseMean": res.table["baseMean"], "log2FoldChange": found.lfc, "lfcSE": found.sd}
    if not svalue:
        columns |= {name: res.table[name] for name in ("pvalue", "padj")}
    elif type == "ashr" and threshold > 0:  # R keeps all columns here
        columns |= {name: res.table[name] for name in ("stat", "pvalue", "padj")}
    if svalue and found.rate is not None:
        columns["svalue"] = s_values(found.rate)
    columns["status"] = statuses(res.table["status"], found.not_converged)
    table = pd.DataFrame(columns, index=res.table.index)
    return replace(res, table=table, metadata=metadata_of(res, found, type, threshold, list(table.columns)))


def statuses(before: pd.Series, not_converged: BoolArray) -> FloatArray:
    """The table's status, and the genes whose shrinkage did not converge; warns of these."""
    if not_converged.any():
        warn(
            f"{int(not_converged.sum())} genes did not converge while their fold changes were shrunken; status says "
            f"which: {listed(before.index[not_converged])}."
        )
    return np.where(not_converged, "not converged", before.to_numpy())


def metadata_of(res: Results, found: Shrunken, type: str, threshold: float, columns: list[str]) -> dict[str, Any]:
    words = res.contrast.description
    said = dict(res.metadata.get("description", {})) | {
        "log2FoldChange": f"log2 fold change ({found.kind}): {words}",
        "lfcSE": f"{found.spread}: {words}",
        "svalue": f"s-value: {words}" if threshold == 0 else f"s-value, wrong sign or below {threshold:g}: {words}",
    }
    description = {name: said[name] for name in columns if name in said}
    return {
        **res.metadata,
        "lfc_threshold": threshold,
        "description": description,
        "prior": {"type": type, **found.prior},
    }
