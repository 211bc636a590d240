"""The dispersions of a data set: gene by gene, the trend over the mean, and what is drawn towards it.

Love et al. (2014), "Estimation of dispersions". Takes up where size factors stopped; the test goes on from here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import BoolArray, FloatArray
from foldwise.coefficients import glm_model
from foldwise.counts import CountData, as_count_data
from foldwise.counts.cells import tell_of_cells
from foldwise.counts.measured import Measured
from foldwise.design import Design, build_design
from foldwise.design.formula.covariates import unused_references
from foldwise.dispersion.gene_wise import GeneWiseModel
from foldwise.dispersion.prior import log_residuals, prior_variance, residual_spread
from foldwise.dispersion.trend import Trend, UserTrend, fit_trend
from foldwise.errors import FitError, OptionError, listed
from foldwise.execution import Executor, executor_for
from foldwise.frozen import unchangeable
from foldwise.kernels import prepare_design
from foldwise.options import (
    MIN_DISPERSION,
    MIN_MU,
    MIN_MU_GLM_GAM_POI,
    FitType,
    SizeFactorType,
    checked_compat,
    chosen,
)
from foldwise.passes import (
    FinalPass,
    GeneWisePass,
    PosteriorModel,
    StatisticsPass,
    final_pass,
    gene_wise_pass,
    statistics_pass,
)
from foldwise.size_factors.estimate import measured_from
from foldwise.warn import warn

log = logging.getLogger("foldwise")
NO_DISPERSION = 1e-7  # what R gives to all genes where none has any, under a trend of the user's own


@unchangeable
@dataclass(frozen=True, slots=True, eq=False)
class Dispersions:
    """Dispersions with all that the test needs from the steps before it. Immutable.

    data, design, measured : what they were estimated from.
    columns : per-gene arrays under R's names; ``dispersion`` is absent while the final estimates are still to be made.
    mean_beta : (n_genes, p) natural-log coefficients behind the means of the gene-wise step; None where these are linear.
    trend : means → dispersions, or None if final dispersions were given. residual_variance : robust, of log residuals.
    prior_variance : of log dispersions around the trend.
    """

    data: CountData
    design: Design
    measured: Measured
    columns: Mapping[str, FloatArray]
    mean_beta: FloatArray | None
    trend: Trend | None
    residual_variance: float | None
    prior_variance: float | None
    min_mu: float
    fit_type: str
    compat: bool
    executor: Executor
    quasi_likelihood: Any = None

    @property
    def genes(self) -> pd.DataFrame:
        """R's columns by gene: baseMean, baseVar, allZero, dispGeneEst, dispGeneIter, dispFit, dispersion, …"""
        return pd.DataFrame(dict(self.columns), index=self.data.gene_names)

    @property
    def dispersions(self) -> pd.Series:
        """Final dispersions by gene; NaN for genes that cannot be fitted."""
        return pd.Series(self.columns["dispersion"], index=self.data.gene_names, name="dispersion")

    @property
    def gene_wise_model(self) -> GeneWiseModel:
        return gene_wise_model(self.design, self.measured, self.columns["allZero"].astype(bool), self.min_mu)

    @property
    def posterior_model(self) -> PosteriorModel | None:
        if self.prior_variance is None or self.residual_variance is None:
            return None
        return PosteriorModel(self.prior_variance, self.residual_variance, max_dispersion(self.measured.n_samples))


def max_dispersion(n_samples: int) -> float:
    return float(max(10, n_samples))


def gene_wise_model(design: Design, measured: Measured, all_zero: BoolArray, min_mu: float) -> GeneWiseModel:
    """The gene-wise step for this design: linear means where every cell has its own coefficient and no weights are."""
    kernel = prepare_design(design.matrix)
    linear = len(np.unique(design.cells)) == kernel.n_coefficients and measured.weights is None
    factors = measured.factors
    if factors.ndim == 2:
        factors = factors[~all_zero].mean(axis=0)  # R: column means over the genes being fitted
    return GeneWiseModel(
        design=kernel,
        means_glm=None if linear else glm_model(design.matrix),
        inverse_factor=float(np.mean(1.0 / factors)),
        min_mu=min_mu,
        max_dispersion=max_dispersion(measured.n_samples),
    )


@checked
def estimate_dispersions(
    data: Any,
    design: Any,
    *,
    samples: pd.DataFrame | None = None,
    fit_type: FitType | Callable[[FloatArray], FloatArray] = "parametric",
    sf_type: SizeFactorType = "ratio",
    dispersions: Any = None,
    gene_wise: Any = None,
    trend: Callable[[FloatArray], FloatArray] | None = None,
    min_mu: float | None = None,
    reference: Mapping[str, Any] | None = None,
    compat: str | None = None,
    executor: Any = None,
    progress: Any = False,
) -> Dispersions:
    """Dispersions: gene-wise, the trend over the mean, and final ones between the two.

    Parameters
    ----------
    data, design, samples, reference : as for :func:`foldwise.deseq`.
    fit_type : kind of trend, or a function of the user's own, means → dispersions.
    dispersions : final dispersions of the user's own by gene (Series, array, or one number): nothing is estimated.
        ``"gene-wise"`` takes the gene-wise estimates as final.
    gene_wise : gene-wise dispersions of the user's own, to which a trend is fitted.
    trend : a trend to use instead of fitting one, e.g. of an earlier fit (``fit.trend``).

    Returns
    -------
    Dispersions
        Hand it to :func:`foldwise.fit_wald` or :func:`foldwise.fit_lrt`.

    Raises
    ------
    FitError
        If no gene varies, or no trend can be fitted.
    """
    if isinstance(fit_type, str):
        chosen("fit_type", fit_type, FitType)
    elif callable(fit_type):
        trend, fit_type = fit_type, "parametric"
    else:
        raise OptionError("fit_type must be a known name or a function from means to dispersions.")
    run = executor_for(executor, progress)
    data = as_count_data(data, samples)
    built = (
        design if isinstance(design, Design) else build_design(design, data.samples, reference=reference, advise=False)
    )
    if said := unused_references(reference, built.variables):
        warn(said)
    measured = measured_from(data, run, sf_type=sf_type)
    tell_of_cells(data)
    stage = dispersion_stage(
        data,
        built,
        measured,
        run,
        fit_type=fit_type,
        trend=trend,
        given=dispersions,
        gene_wise=gene_wise,
        min_mu=min_mu,
        compat=checked_compat(compat),
    )
    return stage if "dispersion" in stage.columns else with_posterior(stage)


def with_posterior(stage: Dispersions) -> Dispersions:
    shared = FinalPass(stage.measured.common_factors, stage.gene_wise_model, stage.posterior_model, None)
    found = stage.executor.over_genes(
        "final dispersions", final_pass, stage.measured.counts, final_inputs(stage), shared
    )
    return replace(stage, columns={**stage.columns, **found})


def final_inputs(stage: Dispersions) -> dict[str, Any]:
    """Per-gene arrays that the final pass reads."""
    names = ("dispGeneEst", "dispFit", "dispersion")
    return stage.measured.genes(
        allZero=stage.columns["allZero"].astype(bool),
        mean_beta=stage.mean_beta,
        **{name: stage.columns.get(name) for name in names},
    )


def dispersion_stage(
    data: CountData,
    design: Design,
    measured: Measured,
    run: Executor,
    *,
    fit_type: FitType = "parametric",
    trend: Callable[[FloatArray], FloatArray] | None = None,
    given: Any = None,
    gene_wise: Any = None,
    min_mu: float | None = None,
    compat: bool = False,
) -> Dispersions:
    """Gene-wise dispersions, trend and prior; the final estimates are left to the final pass, or are the user's own."""
    glm_gam_poi = fit_type == "glmGamPoi"
    floor = min_mu if min_mu is not None else MIN_MU_GLM_GAM_POI if glm_gam_poi else MIN_MU
    if not floor > 0:
        raise OptionError(f"min_mu must be positive; got {floor!r}.")
    log.info("estimating dispersions")
    columns = base_statistics(measured, design, run)
    varies = columns.pop("varies").astype(bool)
    stage = Dispersions(data, design, measured, columns, None, None, None, None, floor, fit_type, compat, run)
    if given is not None and not isinstance(given, str):
        return _with_final(stage, _by_gene(given, data, "dispersions"))
    if given not in (None, "gene-wise"):
        raise OptionError('dispersions= takes numbers by gene, or "gene-wise".')
    _some_gene_varies(varies)
    if glm_gam_poi:
        from foldwise.dispersion.glm_gam_poi.route import glm_gam_poi_dispersions

        return glm_gam_poi_dispersions(stage)
    stage = _with_gene_wise(stage, None if gene_wise is None else _by_gene(gene_wise, data, "gene_wise"))
    if given == "gene-wise":
        return _with_final(stage, stage.columns["dispGeneEst"])
    return _with_trend(stage, fit_type, trend)


def base_statistics(measured: Measured, design: Design, run: Executor) -> dict[str, FloatArray]:
    """baseMean, baseVar, allZero (and weightsFail if there is such a gene)."""
    found = run.over_genes(
        "means",
        statistics_pass,
        measured.counts,
        measured.genes(),
        StatisticsPass(measured.common_factors, design.matrix),
    )
    failed = int(found["weightsFail"].sum())
    if failed:
        warn(
            f"{failed} genes have weights that leave some coefficient without samples; they are treated as if they "
            "had no counts. genes['weightsFail'] marks them."
        )
    else:
        del found["weightsFail"]
    return found


def _some_gene_varies(varies: BoolArray) -> None:
    if not varies.any():
        raise FitError(
            "All genes have equal counts in all samples: there is nothing to compare. Is this the table of counts?"
        )


def _by_gene(values: Any, data: CountData, what: str) -> FloatArray:
    if np.isscalar(values):
        values = np.full(data.n_genes, values, dtype=np.float64)
    if isinstance(values, pd.Series):
        absent = data.gene_names.difference(values.index)
        if len(absent):
            raise OptionError(f"{what} has no value for: {listed(absent)}.")
        values = values.loc[data.gene_names]
    numbers = np.array(values, dtype=np.float64)
    if numbers.shape != (data.n_genes,):
        raise OptionError(f"{what} must be {data.n_genes} numbers, one a gene; got shape {numbers.shape}.")
    return numbers


def _checked_dispersions(values: FloatArray, stage: Dispersions, what: str) -> FloatArray:
    zero = stage.columns["allZero"].astype(bool)
    bad = ~zero & ~(np.isfinite(values) & (values > 0))
    if bad.any():
        gene = stage.data.gene_names[int(np.argmax(bad))]
        raise OptionError(f"{what} must be positive; gene '{gene}' has {float(values[np.argmax(bad)])!r}.")
    return np.where(zero, np.nan, values)


def _with_final(stage: Dispersions, values: FloatArray) -> Dispersions:
    values = _checked_dispersions(values, stage, "dispersions")
    return replace(stage, columns={**stage.columns, "dispersion": values})


def gene_wise_columns(stage: Dispersions, label: str) -> tuple[dict[str, FloatArray], FloatArray | None]:
    """Columns of the gene-wise step, and the coefficients behind its means. label : what progress is told."""
    found = stage.executor.over_genes(
        label,
        gene_wise_pass,
        stage.measured.counts,
        stage.measured.genes(allZero=stage.columns["allZero"].astype(bool)),
        GeneWisePass(stage.measured.common_factors, stage.gene_wise_model),
    )
    beta = found.pop("mean_beta", None)
    return found, beta


def _with_gene_wise(stage: Dispersions, own: FloatArray | None) -> Dispersions:
    log.info("gene-wise dispersion estimates")
    found, beta = gene_wise_columns(stage, "gene-wise dispersions")
    if own is not None:
        found["dispGeneEst"] = _checked_dispersions(own, stage, "gene_wise")
    return replace(stage, columns={**stage.columns, **found}, mean_beta=beta)


def _with_trend(stage: Dispersions, fit_type: FitType, own: Callable[[FloatArray], FloatArray] | None) -> Dispersions:
    log.info("mean-dispersion relationship")
    fitted = ~stage.columns["allZero"].astype(bool)
    means, gene_wise = stage.columns["baseMean"][fitted], stage.columns["dispGeneEst"][fitted]
    if own is None:
        trend = fit_trend(means, gene_wise, fit_type)
    else:
        trend = own if hasattr(own, "to_arrays") else UserTrend(own, means)  # type: ignore[assignment]
    values = np.full(len(fitted), np.nan)
    values[fitted] = trend(means)
    bad = fitted & ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise OptionError(
            f"The trend gives {float(values[bad][0])!r} at a mean of {stage.columns['baseMean'][bad][0]:g}; it must be positive."
        )
    residuals = log_residuals(gene_wise, values[fitted])
    n, p = stage.design.matrix.shape
    stage = replace(
        stage,
        columns={**stage.columns, "dispFit": values},
        trend=trend,
        residual_variance=residual_spread(residuals),
        prior_variance=prior_variance(residuals, n, p),
    )
    log.info("final dispersion estimates")
    if (gene_wise < 100 * MIN_DISPERSION).all():
        warn("All gene-wise dispersions are near the smallest value: 1e-7 is used for all genes, as R does.")
        return replace(stage, columns={**stage.columns, "dispersion": np.where(fitted, NO_DISPERSION, np.nan)})
    return stage
