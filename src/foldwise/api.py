"""The road from counts to a fit: R's DESeq()."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.counts import CountData, as_count_data
from foldwise.counts.cells import tell_of_cells
from foldwise.design import Design, build_design, check_nested
from foldwise.design.formula.alike import taken_as_different
from foldwise.design.formula.covariates import unused_references
from foldwise.dispersion.stage import Dispersions, dispersion_stage, estimate_dispersions
from foldwise.errors import DesignError, OptionError
from foldwise.execution import executor_for
from foldwise.fit import Fit
from foldwise.inference.hypothesis_test import TestPlan, report_convergence, report_scale, run_test
from foldwise.options import FitType, ModelMatrixType, SizeFactorType, Test, checked_compat, chosen
from foldwise.outliers.refit import Refitted, with_outliers_replaced
from foldwise.size_factors.estimate import measured_from
from foldwise.warn import warn


@checked
def deseq(
    data: Any,
    design: Any,
    *,
    samples: pd.DataFrame | None = None,
    test: Test = "Wald",
    reduced: Any = None,
    fit_type: FitType | Callable[[FloatArray], FloatArray] = "parametric",
    sf_type: SizeFactorType = "ratio",
    control_genes: Any = None,
    geo_means: Any = None,
    beta_prior: bool = False,
    model_matrix_type: ModelMatrixType | None = None,
    min_replicates_for_replace: float = 7,
    use_t: bool = False,
    df: Any = None,
    min_mu: float | None = None,
    reference: Mapping[str, Any] | None = None,
    compat: str | None = None,
    executor: Any = None,
    progress: bool | Callable[[str, int, int], None] | None = None,
) -> Fit:
    """Fit the DESeq2 model: size factors, dispersions, coefficients, test, outliers.

    Parameters
    ----------
    data : CountData, AnnData, or a table of counts with ``samples=``.
    design : an R formula, ``"~ batch + condition"``, or a model matrix of your own (samples x coefficients).
    test : "Wald", or "LRT" against the model ``reduced`` (a formula or matrix that the design contains).
    fit_type : trend of dispersions over means: "parametric", "local", "mean", "glmGamPoi", or a function.
    sf_type, control_genes, geo_means : see :func:`foldwise.estimate_size_factors`. Ignored if the data have factors.
    beta_prior : a normal prior on fold changes, by default on an expanded model matrix (``model_matrix_type``).
    min_replicates_for_replace : outlier counts are replaced in cells with so many samples; ``float("inf")``: never.
    use_t, df : Student's t instead of the normal distribution; degrees of freedom, one number or one a gene.
    min_mu : floor of fitted means; 0.5 by default (1e-6 for "glmGamPoi").
    reference : base levels, ``{"condition": "control"}``.
    compat : "1.38" for the rules of DESeq2 1.38 where later ones differ.
    executor : None (threads on all cores), a number of threads, "serial", or a Dask client.
    progress : None (a bar on a terminal), True, False, or a function ``(stage, done, total)``.

    Returns
    -------
    Fit
        Immutable; ask it for ``results()``.

    Raises
    ------
    CountsError, SamplesError, DesignError, OptionError
        For input that cannot be used; the message says what, where and what to do.
    FitError
        If the model cannot be fitted to these data.

    References
    ----------
    Love, Huber & Anders (2014), Genome Biology 15:550.

    Examples
    --------
    >>> import foldwise as fw
    >>> data = fw.simulate(n_genes=100, n_samples=6, seed=1).data
    >>> fw.deseq(data, "~ condition").results().table.shape
    (100, 7)
    """
    options = {k: v for k, v in locals().items() if k not in ("data", "samples", "executor", "progress")}
    old = checked_compat(compat)
    chosen("test", test, Test)
    if isinstance(fit_type, str):
        chosen("fit_type", fit_type, FitType)
    data = as_count_data(data, samples)
    run = executor_for(executor, progress)
    full = _design_of(design, data, reference)
    plan = _plan(data, full, test, reduced, beta_prior, model_matrix_type, use_t, df, min_mu, reference)
    trend = None if isinstance(fit_type, str) else fit_type
    kind = fit_type if isinstance(fit_type, str) else "parametric"
    measured = measured_from(data, run, sf_type=sf_type, control_genes=control_genes, geo_means=geo_means)
    tell_of_cells(data)
    stage = dispersion_stage(data, full, measured, run, fit_type=kind, trend=trend, min_mu=min_mu, compat=old)
    return _fit(stage, plan, min_replicates_for_replace, options)


@checked
def fit_wald(
    dispersions: Dispersions,
    *,
    beta_prior: bool = False,
    model_matrix_type: ModelMatrixType | None = None,
    use_t: bool = False,
    df: Any = None,
    min_mu: float | None = None,
    min_replicates_for_replace: float = float("inf"),
    reference: Mapping[str, Any] | None = None,
) -> Fit:
    """The Wald test alone, from dispersions on: R's nbinomWaldTest().

    dispersions : of :func:`foldwise.estimate_dispersions`, which also takes dispersions of your own.
    Other arguments as for :func:`foldwise.deseq`; nothing is replaced unless asked for.
    """
    options = {k: v for k, v in locals().items() if k != "dispersions"} | {"test": "Wald"}
    _is_stage(dispersions)
    plan = _plan(
        dispersions.data, dispersions.design, "Wald", None, beta_prior, model_matrix_type, use_t, df, min_mu, reference
    )
    return _fit(dispersions, plan, min_replicates_for_replace, _recorded(options, dispersions))


@checked
def fit_lrt(
    dispersions: Dispersions,
    reduced: Any,
    *,
    min_mu: float | None = None,
    min_replicates_for_replace: float = float("inf"),
    reference: Mapping[str, Any] | None = None,
) -> Fit:
    """The likelihood ratio test alone, from dispersions on: R's nbinomLRT().

    reduced : the smaller model, a formula or a matrix. Other arguments as for :func:`foldwise.fit_wald`.
    """
    options = {k: v for k, v in locals().items() if k != "dispersions"} | {"test": "LRT"}
    _is_stage(dispersions)
    plan = _plan(dispersions.data, dispersions.design, "LRT", reduced, False, None, False, None, min_mu, reference)
    return _fit(dispersions, plan, min_replicates_for_replace, _recorded(options, dispersions))


def _recorded(options: dict[str, Any], stage: Dispersions) -> dict[str, Any]:
    return options | {
        "design": stage.design.formula,
        "fit_type": stage.fit_type,
        "compat": "1.38" if stage.compat else None,
    }


def _design_of(design: Any, data: CountData, reference: Any) -> Design:
    if isinstance(design, Design):
        return design
    # A covariate on a bad scale is told after the fit, with what it did.
    built = build_design(design, data.samples, reference=reference, advise=False)
    if said := " ".join(
        filter(None, [taken_as_different(built.factors), unused_references(reference, built.variables)])
    ):
        warn(said)
    return built


def _is_stage(dispersions: Any) -> None:
    if not isinstance(dispersions, Dispersions):
        raise OptionError(
            f"This step takes what fw.estimate_dispersions() returns, not {type(dispersions).__name__}. "
            "Dispersions of your own go in there: fw.estimate_dispersions(data, design, dispersions=…)."
        )


def _fit(stage: Dispersions, plan: TestPlan, min_replicates: float, options: dict[str, Any]) -> Fit:
    if stage.quasi_likelihood is not None:
        from foldwise.dispersion.glm_gam_poi.route import glm_gam_poi_test

        stage, plan, tested = glm_gam_poi_test(stage, plan)
        return Fit(stage, stage, plan, tested, None, np.zeros(stage.measured.n_genes, dtype=bool), options)
    first, tested = run_test(stage, plan, min_replicates=min_replicates)
    done: Refitted = with_outliers_replaced(first, plan, tested, min_replicates, compat=stage.compat)
    report_convergence(done.tested.columns)
    report_scale(done.stage, plan, done.tested)
    return Fit(done.stage, first, plan, done.tested, done.replacement, done.refitted, options)


def _plan(
    data: CountData,
    full: Design,
    test: str,
    reduced: Any,
    beta_prior: bool,
    model_matrix_type: str | None,
    use_t: bool,
    df: Any,
    min_mu: float | None,
    reference: Mapping[str, Any] | None,
) -> TestPlan:
    if model_matrix_type is not None:
        chosen("model_matrix_type", model_matrix_type, ModelMatrixType)
    smaller = _reduced(data, full, test, reduced, reference)
    if beta_prior:
        beta_prior = _prior_allowed(full, test)
    if model_matrix_type == "expanded" and not beta_prior:
        raise OptionError(
            "An expanded model matrix can only be fitted with a prior: set beta_prior=True (a design of ~ 1 has none)."
        )
    design = full
    if beta_prior and model_matrix_type != "standard":
        design = build_design(full.formula, data.samples, reference=reference, expanded=True)
    if use_t and test == "LRT":
        raise OptionError("use_t belongs to the Wald test; a likelihood ratio test has no t distribution.")
    return TestPlan(
        design, smaller, beta_prior, use_t, _degrees(df, data, use_t), min_mu if min_mu is not None else 0.5
    )


def _degrees(df: Any, data: CountData, use_t: bool) -> Any:
    if df is None:
        return None
    if not use_t:
        warn("df is given but use_t is not set: p-values come from the normal distribution.")
        return None
    if isinstance(df, pd.Series):
        df = df.reindex(data.gene_names)
    values = np.asarray(df, dtype=np.float64)
    if values.ndim > 1 or (values.ndim == 1 and len(values) not in (1, data.n_genes)):
        raise OptionError(f"df must be one number or {data.n_genes} numbers, one a gene; got {values.shape}.")
    _check_degrees(np.atleast_1d(values), data)
    return float(values.ravel()[0]) if values.size == 1 else values


def _check_degrees(values: FloatArray, data: CountData) -> None:
    """Student's t has none of 0 and below; infinite ones are the normal distribution."""
    wrong = np.flatnonzero(~(values > 0))
    if not len(wrong):
        return
    bad = f"{values[wrong[0]]:g}"
    if len(values) > 1:
        bad += f" for gene '{data.gene_names[wrong[0]]}'"
        bad += f" ({len(wrong)} genes have such)" if len(wrong) > 1 else ""
    raise OptionError(
        f"df, the degrees of freedom of Student's t, must be above 0 (infinite is the normal distribution); got {bad}. "
        "Leave df out for samples minus coefficients."
    )


def _reduced(data: CountData, full: Design, test: str, reduced: Any, reference: Any) -> Design | None:
    if test == "Wald":
        if reduced is not None:
            raise OptionError(
                'reduced= is the smaller model of a likelihood ratio test: set test="LRT", or leave it out.'
            )
        return None
    if reduced is None:
        raise OptionError(
            'test="LRT" needs the smaller model: reduced="~ …", the design without the terms to be tested.'
        )
    if isinstance(reduced, str) != (full.formula is not None):
        raise DesignError("The full and the reduced model must both be formulas, or both be model matrices.")
    smaller = build_design(reduced, data.samples, reference=reference, advise=False)
    check_nested(full, smaller)
    return smaller


def _prior_allowed(full: Design, test: str) -> bool:
    if test == "LRT":
        raise OptionError('test="LRT" does not support a prior on fold changes: use beta_prior=False.')
    if full.formula is None:
        raise OptionError("beta_prior=True needs a formula: with a model matrix of your own use beta_prior=False.")
    if full.has_interactions:
        raise OptionError(
            "beta_prior=True cannot be used with interactions: use beta_prior=False, and fit.shrink() for shrunken fold changes."
        )
    if not full.has_intercept:
        raise OptionError(
            "beta_prior=True needs a design with an intercept: without one ('~ 0 + …') use beta_prior=False."
        )
    return bool(full.variables)  # "~ 1" has nothing to put a prior on: R switches it off


__all__ = ["deseq", "estimate_dispersions", "fit_lrt", "fit_wald"]
