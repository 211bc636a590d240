"""The test: coefficients of every gene, with Wald statistics or likelihood ratios, and outliers dealt with.

Love et al. (2014), "Shrinkage estimation of logarithmic fold changes", "Hypothesis tests", "Handling of outliers".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.coefficients import LOG2_E, CooksRule, GlmModel, glm_model
from foldwise.coefficients.prior import coefficient_prior_variance, prior_gene_weights
from foldwise.coefficients.scale import ScalePass, scale_pass
from foldwise.counts.measured import normalized_weights
from foldwise.design import Design
from foldwise.design.formula.scale import badly_scaled
from foldwise.dispersion.stage import Dispersions, final_inputs
from foldwise.inference import chi_square_tail, two_sided
from foldwise.options import COEFFICIENT_VARIANCE, MAX_ITERATIONS
from foldwise.outliers import cooks_cutoff, judged_samples, replaceable_samples
from foldwise.passes import FinalPass, final_pass
from foldwise.warn import warn

log = logging.getLogger("foldwise")


@dataclass(frozen=True, slots=True)
class TestPlan:
    """What is tested and how.

    design : the matrix of the reported coefficients, expanded when so. reduced : the smaller model of a likelihood
    ratio test. beta_prior : whether fold changes have a prior. prior_variance : (p,) log2, if it is known already.
    """

    design: Design
    reduced: Design | None
    beta_prior: bool
    use_t: bool
    df: Any
    min_mu: float
    prior_variance: FloatArray | None = None

    @property
    def test(self) -> str:
        return "Wald" if self.reduced is None else "LRT"


@dataclass(frozen=True, slots=True)
class Tested:
    """Answers of the test by gene; NaN where a gene cannot be fitted.

    columns : R's per-gene columns. beta : (n_genes, p) natural log. se : (n_genes, p) log2. stat, pvalue :
    (n_genes, p) of a Wald test, (n_genes,) of a likelihood ratio test. mle : (n_genes, p_standard) natural log
    coefficients before the prior. degrees : (n_genes,) of Student's t. cooks : maxCooks and what decides about it.
    """

    columns: Mapping[str, FloatArray]
    beta: FloatArray
    se: FloatArray
    stat: FloatArray
    pvalue: FloatArray
    mle: FloatArray | None
    degrees: FloatArray | None
    cooks: Mapping[str, FloatArray]
    prior_variance: FloatArray | None


def final_model(
    stage: Dispersions, plan: TestPlan, *, with_cooks: bool = True, min_replicates: float = np.inf
) -> FinalPass:
    """The final pass for this plan; with a prior on fold changes, its first fit, which is without one.

    min_replicates : samples in a cell for its counts to be replaceable.
    """
    matrix = stage.design.matrix if plan.beta_prior else plan.design.matrix
    n, p = stage.design.matrix.shape
    rule = CooksRule(
        judged=judged_samples(stage.design.cells, p),
        lasting=~replaceable_samples(plan.design.cells, min_replicates),
        cutoff=cooks_cutoff(n, plan.design.matrix.shape[1]),
        n_coefficients=p,
    )
    pending = "dispersion" not in stage.columns
    lrt = plan.reduced is not None
    has_means = stage.mean_beta is not None or stage.gene_wise_model.means_glm is None
    return FinalPass(
        factors=stage.measured.common_factors,
        gene_wise=stage.gene_wise_model,
        posterior=stage.posterior_model if pending else None,
        full=glm_model(matrix, min_mu=plan.min_mu),
        reduced=None if plan.reduced is None else glm_model(plan.reduced.matrix, min_mu=plan.min_mu),
        cells=stage.design.cells if with_cooks else None,
        cooks=rule if with_cooks else None,
        cooks_at_dispersion_means=lrt and with_cooks and has_means,
    )


def run_test(
    stage: Dispersions, plan: TestPlan, *, with_cooks: bool = True, min_replicates: float = np.inf
) -> tuple[Dispersions, Tested]:
    """Final dispersions, if they are still to be made, and the test."""
    log.info("fitting model and testing")
    shared = final_model(stage, plan, with_cooks=with_cooks, min_replicates=min_replicates)
    found = stage.executor.over_genes("coefficients", final_pass, stage.measured.counts, final_inputs(stage), shared)
    made: dict[str, Any] = {
        name: found.pop(name) for name in ("dispersion", "dispIter", "dispOutlier", "dispMAP") if name in found
    }
    stage = replace(stage, columns={**stage.columns, **made})
    cooks: dict[str, Any] = {
        name: found.pop(name)
        for name in ("maxCooks", "lastingCooks", "largest_sample", "exceeds", "n_larger")
        if name in found
    }
    if not plan.beta_prior:
        found = _without_singular(stage, found, shared)
        return stage, _answers(stage, plan, found, cooks, None, None)
    mle = found["beta"]
    variance = plan.prior_variance
    if variance is None:
        variance = _prior_variance(stage, plan, mle)
    prior_model = glm_model(plan.design.matrix, min_mu=plan.min_mu, prior_variance=variance)
    found = _fit_with_prior(stage, prior_model)
    return stage, _answers(stage, plan, found, cooks, mle, variance)


def _without_singular(stage: Dispersions, found: dict[str, Any], shared: FinalPass) -> dict[str, Any]:
    """Genes of the general optimiser whose covariance is singular: R stops there; they are marked and go without error."""
    rows = np.flatnonzero(found["iterations"] >= MAX_ITERATIONS)
    if not len(rows) or shared.full is None or shared.full.intercept_only:
        return found
    genes = stage.measured.genes(beta=found["beta"], dispersion=stage.columns["dispersion"])
    asked = ScalePass(shared.factors, shared.full, ())
    judged = stage.executor.over_genes("coefficients", scale_pass, stage.measured.counts, genes, asked, rows)
    singular = rows[judged["singular"] == 1]
    if len(singular):
        found["converged"][singular] = 0.0
        found["se"][singular] = np.nan
    return found


def report_scale(stage: Dispersions, plan: TestPlan, tested: Tested) -> None:
    """One warning for covariates on a bad scale: which, what they did to this fit, what to write instead."""
    design = plan.design
    advice = badly_scaled(design.matrix, design.model_matrix_names, design.term, design.terms)
    if not advice:
        return
    numeric = tuple(
        k for k, name in enumerate(design.model_matrix_names) if any(f"'{name}'" in text for text in advice)
    )
    genes = stage.measured.genes(beta=tested.beta, dispersion=stage.columns["dispersion"])
    shared = ScalePass(stage.measured.common_factors, glm_model(design.matrix, min_mu=plan.min_mu), numeric)
    judged = stage.executor.over_genes("coefficients", scale_pass, stage.measured.counts, genes, shared)
    fitted = int((~stage.columns["allZero"].astype(bool)).sum())
    left = int((tested.columns["betaIter"] >= MAX_ITERATIONS).sum())
    shrunken = max(int((judged[f"shrunken{k}"] == 1).sum()) for k in numeric) if numeric else 0
    without = int((np.isnan(tested.se).any(axis=1) & ~stage.columns["allZero"].astype(bool)).sum())
    done = f"In this fit {left} of {fitted} genes left the normal path for the general optimiser"
    done += f" and {without} of them have no standard error (R would stop)" if without else ""
    done += f", and in {shrunken} the ridge takes more than 1 % of the coefficient." if shrunken else "."
    warn(" ".join([*advice, done, "The numbers are R's."]))


def refit_with_prior(stage: Dispersions, plan: TestPlan) -> Tested:
    """The fit with a known prior alone: genes whose outliers were replaced skip the fit without one."""
    model = glm_model(plan.design.matrix, min_mu=plan.min_mu, prior_variance=plan.prior_variance)
    return _answers(stage, plan, _fit_with_prior(stage, model), {}, None, plan.prior_variance)


def _fit_with_prior(stage: Dispersions, model: GlmModel) -> dict[str, Any]:
    shared = FinalPass(stage.measured.common_factors, stage.gene_wise_model, None, model)
    return stage.executor.over_genes("coefficients", final_pass, stage.measured.counts, final_inputs(stage), shared)


def _prior_variance(stage: Dispersions, plan: TestPlan, mle: FloatArray) -> FloatArray:
    fitted = ~stage.columns["allZero"].astype(bool)
    trend = stage.columns.get("dispFit")
    weights = prior_gene_weights(
        stage.columns["baseMean"][fitted],
        None if trend is None else trend[fitted],
        stage.columns["dispersion"][fitted],
    )
    return coefficient_prior_variance(
        mle[fitted] * LOG2_E,
        weights,
        stage.design.model_matrix_names,
        stage.design.factors,
        expanded_columns=plan.design.names if plan.design.kind == "expanded" else None,
    )


def _answers(
    stage: Dispersions,
    plan: TestPlan,
    found: dict[str, Any],
    cooks: dict[str, Any],
    mle: FloatArray | None,
    variance: FloatArray | None,
) -> Tested:
    lfc = found["beta"] * LOG2_E
    degrees = None
    if plan.reduced is None:
        degrees = degrees_of_freedom(stage, plan) if plan.use_t else None
        with np.errstate(invalid="ignore", divide="ignore"):
            stat = lfc / found["se"]
        pvalue = two_sided(stat, None if degrees is None else degrees[:, None])
        converged = {"betaConv": found["converged"]}
    else:
        stat = 2.0 * (found["log_likelihood"] - found["reduced_log_likelihood"])
        pvalue = chi_square_tail(stat, plan.design.matrix.shape[1] - plan.reduced.matrix.shape[1])
        converged = {"fullBetaConv": found["converged"], "reducedBetaConv": found["reduced_converged"]}
    columns = converged | {"betaIter": found["iterations"], "deviance": -2.0 * found["log_likelihood"]}
    if cooks:
        columns["maxCooks"] = cooks["maxCooks"]
    return Tested(columns, found["beta"], found["se"], stat, pvalue, mle, degrees, cooks, variance)


def degrees_of_freedom(stage: Dispersions, plan: TestPlan) -> FloatArray:
    """(n_genes,) residual degrees of freedom of the t-test; NaN where there are none.

    The user's own, or samples (the sum of normalized weights, where there are any) minus coefficients.
    """
    measured = stage.measured
    if plan.df is not None:
        degrees = np.broadcast_to(np.asarray(plan.df, dtype=np.float64), measured.n_genes).copy()
    else:
        weights = normalized_weights(measured.weights)
        samples = np.full(measured.n_genes, float(measured.n_samples)) if weights is None else weights.sum(axis=1)
        degrees = samples - stage.design.matrix.shape[1]
    usable = (degrees > 0) & ~stage.columns["allZero"].astype(bool)
    return np.where(usable, degrees, np.nan)


def not_converged(columns: Mapping[str, FloatArray]) -> BoolArray:
    """(n_genes,) genes whose coefficients did not converge, in any model."""
    names = [name for name in ("betaConv", "fullBetaConv", "reducedBetaConv") if name in columns]
    return np.any([columns[name] == 0 for name in names], axis=0)  # type: ignore[no-any-return]


def ridge_of(design: Design, prior_variance: FloatArray | None) -> FloatArray:
    """(p,) prior variances of the coefficients: the wide one where there is no prior."""
    if prior_variance is not None:
        return prior_variance
    return np.full(design.matrix.shape[1], COEFFICIENT_VARIANCE)


def report_convergence(columns: Mapping[str, FloatArray]) -> None:
    """One warning for all genes that did not converge."""
    number = int(not_converged(columns).sum())
    if number:
        warn(
            f"{number} genes did not converge in their coefficients; their status is 'not converged'. "
            "They usually have very low counts: leave such genes out (CountData.filter_low) or look at them one by one."
        )
