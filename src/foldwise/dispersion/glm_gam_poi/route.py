"""The road of fit_type="glmGamPoi": its dispersions take the place of the ordinary ones, its F test that of the LRT.

Ahlmann-Eltze & Huber (2020), "glmGamPoi: fitting Gamma-Poisson generalized linear models on single cell count data".
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.counts.measured import spread
from foldwise.dispersion.glm_gam_poi import (
    RouteModel,
    estimate_gene_wise,
    f_test,
    fit_both_models,
    quasi_likelihood_shrinkage,
)
from foldwise.dispersion.prior import log_residuals, prior_variance, residual_spread
from foldwise.dispersion.stage import Dispersions, max_dispersion
from foldwise.dispersion.trend import fit_trend
from foldwise.errors import OptionError
from foldwise.inference.hypothesis_test import Tested, TestPlan, report_convergence, run_test
from foldwise.kernels import prepare_design
from foldwise.warn import warn

log = logging.getLogger("foldwise")
OUTLIER_SPREADS = 2.0


def glm_gam_poi_dispersions(stage: Dispersions) -> Dispersions:
    """Gene-wise dispersions, local median trend and quasi-likelihood shrinkage.

    Raises
    ------
    OptionError
        With observation weights.
    """
    if stage.measured.weights is not None:
        raise OptionError("fit_type='glmGamPoi' cannot handle weights: leave them out, or use another fit_type.")
    fitted = ~stage.columns["allZero"].astype(bool)
    found = estimate_gene_wise(
        stage.executor, stage.measured.counts, np.flatnonzero(fitted), _model(stage), _own_factors(stage)
    )
    log.info("mean-dispersion relationship")
    means, gene_wise = stage.columns["baseMean"][fitted], found["dispersion"]
    trend = fit_trend(means, gene_wise, "glmGamPoi")
    values = trend(means)
    residuals = log_residuals(gene_wise, values)
    scatter = residual_spread(residuals)
    log.info("final dispersion estimates")
    n, p = stage.design.matrix.shape
    ql = quasi_likelihood_shrinkage(means, gene_wise, values, n - p, max_dispersion=max_dispersion(n))
    outlier = np.log(gene_wise) > np.log(values) + OUTLIER_SPREADS * np.sqrt(scatter)
    columns = {
        "dispGeneEst": gene_wise,
        "dispGeneIter": found["iterations"],
        "dispFit": values,
        "qlDispMLE": ql.ql_disp_mle,
        "qlDispFit": ql.ql_disp_fit,
        "qlDispMAP": ql.ql_disp_map,
        "dispFitQLCorrected": ql.disp_fit_ql_corrected,
        "dispersion": np.where(outlier, gene_wise, ql.disp_map),
        "dispIter": np.zeros(gene_wise.size),
        "dispOutlier": outlier,
        "dispMAP": ql.disp_map,
    }
    return replace(
        stage,
        columns={**stage.columns, **{name: spread(column, fitted) for name, column in columns.items()}},
        mean_beta=spread(found["beta"], fitted) if "beta" in found else None,
        trend=trend,
        residual_variance=scatter,
        prior_variance=prior_variance(residuals, n, p),
        quasi_likelihood=ql.df0,
    )


def glm_gam_poi_test(stage: Dispersions, plan: TestPlan) -> tuple[Dispersions, TestPlan, Tested]:
    """The quasi-likelihood ratio test, or the ordinary Wald test with a warning. Nothing is replaced."""
    if plan.reduced is None:
        warn("The dispersions of fit_type='glmGamPoi' should be used with test='LRT', not with a Wald test.")
        plan = replace(plan, min_mu=stage.min_mu)
        stage, tested = run_test(stage, plan)
        report_convergence(tested.columns)
        return stage, plan, tested
    plan = replace(plan, design=replace(stage.design, names=stage.design.plain_names))
    return stage, plan, quasi_likelihood_ratio(stage, plan)


def quasi_likelihood_ratio(stage: Dispersions, plan: TestPlan) -> Tested:
    """Full and reduced model at the trend, and F tests; no standard errors, no Cook's distances.

    The fold change against a group without counts is infinite; R writes 1.4e8 (``compat="1.38"``), here such genes are
    marked in ``emptyGroup`` and their infinite coefficients are reported as what they are.
    """
    log.info("fitting model and testing")
    assert plan.reduced is not None
    fitted = ~stage.columns["allZero"].astype(bool)
    fits = fit_both_models(
        stage.executor,
        stage.measured.counts,
        np.flatnonzero(fitted),
        _model(stage, plan),
        stage.columns["dispFit"][fitted],
        _own_factors(stage),
    )
    n, p = stage.design.matrix.shape
    test = f_test(
        fits["deviance_full"],
        fits["deviance_reduced"],
        stage.columns["qlDispMAP"][fitted],
        n_tested=p - plan.reduced.matrix.shape[1],
        residual_df=n - p,
        df0=stage.quasi_likelihood,
    )
    converged = np.isfinite(fits["beta"]).all(axis=1)
    missing = np.full(fitted.size, np.nan)
    columns = {
        "fullBetaConv": spread(converged, fitted),
        "reducedBetaConv": spread(converged, fitted),
        "betaIter": missing,
        "deviance": spread(fits["deviance_full"], fitted),
        "maxCooks": missing,
    }
    if not stage.compat:
        columns["emptyGroup"] = spread(fits["has_empty_group"], fitted)
    beta = spread(fits["beta"], fitted)
    none = np.zeros(fitted.size)
    no_cooks = {"maxCooks": missing, "largest_sample": none, "exceeds": none, "n_larger": none}
    return Tested(
        columns,
        beta,
        np.full_like(beta, np.nan),
        spread(test.statistic, fitted),
        spread(test.p_value, fitted),
        None,
        None,
        no_cooks,
        None,
    )


def _model(stage: Dispersions, plan: TestPlan | None = None) -> RouteModel:
    reduced = None if plan is None or plan.reduced is None else prepare_design(plan.reduced.matrix)
    return RouteModel(
        full=prepare_design(stage.design.matrix),
        factors=stage.measured.common_factors,
        inverse_factor=stage.gene_wise_model.inverse_factor,
        min_mu=stage.min_mu,
        like_r=stage.compat,
        reduced=reduced,
    )


def _own_factors(stage: Dispersions) -> FloatArray | None:
    return None if stage.measured.factors.ndim == 1 else stage.measured.factors
