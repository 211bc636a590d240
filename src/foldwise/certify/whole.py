"""What all genes share: size factors, trend, prior variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import polygamma

from foldwise.arrays import FloatArray

if TYPE_CHECKING:
    from foldwise.fit import Fit
    from foldwise.results import Results

Check = dict[str, Any]


def examine_whole(fit: Fit, results: Results, inner: dict[str, Any]) -> dict[str, Check]:
    """Checks by name: distance (None where there is no check), limit, ok."""
    return _of_fit(fit) | _of_shrinkage(fit, results, inner)


def _of_shrinkage(fit: Fit, results: Results, inner: dict[str, Any]) -> dict[str, Check]:
    from foldwise.certify.comparison import plain_numbers
    from foldwise.certify.shrunken import mixture_violation, prior_variance_error

    prior = results.metadata.get("prior", {})
    if "weights" in prior:
        return {"mixture weights": _check(mixture_violation(prior, plain_numbers(fit, results, inner)), 1e-5)}
    if prior.get("type") == "apeglm":
        found = prior_variance_error(prior, plain_numbers(fit, results, inner)) if "prior_variance" in prior else None
        return {"prior scale": _check(found, 2e-4)}  # R's root finder stops at 1.2e-4
    return {}


def _of_fit(fit: Fit) -> dict[str, Check]:
    found = {"size factors": _check(_size_factors(fit), 1e-9)}
    if fit.trend is not None:
        found["trend coefficients"] = _check(_trend_coefficients(fit), 2e-3)
        if fit.trend.kind == "glmGamPoi":
            found["gene-wise dispersions"] = _check(None, 0.0)
        found["dispersion prior variance"] = _check(_prior_variance(fit), 1e-9)
    return found


def _check(distance: float | None, limit: float) -> Check:
    return {"distance": distance, "limit": limit, "ok": distance is None or distance <= limit}


def _size_factors(fit: Fit) -> float | None:
    """Largest relative error of the medians of ratios; None for factors of the user's own and iterated ones."""
    options = fit.options
    data = fit.data
    if data.size_factors is not None or data.normalization_factors is not None or data.average_lengths is not None:
        return None
    if options.get("sf_type", "ratio") == "iterate" or fit.factors.ndim == 2 or options.get("geo_means") is not None:
        return None
    counts = data.source.read(0, data.n_genes)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(counts)
        if options.get("sf_type", "ratio") == "poscounts":
            reference = np.where(counts > 0, logs, 0.0).sum(axis=1) / counts.shape[1]
            reference[~counts.any(axis=1)] = -np.inf
        else:
            reference = logs.mean(axis=1)
        usable = np.isfinite(reference)
        control = options.get("control_genes")
        if control is not None:
            chosen = np.asarray(control)
            usable &= chosen if chosen.dtype == bool else _named(chosen, fit)
        ratios = logs[usable] - reference[usable, None]
    expected = np.exp([np.median(column[np.isfinite(column)]) for column in ratios.T])
    if options.get("sf_type", "ratio") == "poscounts":
        expected = expected / np.exp(np.log(expected).mean())
    return float(np.max(np.abs(fit.factors / expected - 1.0)))


def _named(chosen: Any, fit: Fit) -> Any:
    if chosen.dtype.kind in "iu":
        return np.isin(np.arange(fit.data.n_genes), chosen)
    return np.asarray(fit.data.gene_names.isin(chosen))


def _first_estimates(fit: Fit) -> tuple[FloatArray, FloatArray]:
    """Means and gene-wise dispersions from which trend and prior were estimated: before outliers were replaced."""
    columns = fit.first_stage.columns
    fitted = ~columns["allZero"].astype(bool)
    return columns["baseMean"][fitted], columns["dispGeneEst"][fitted]


def _trend_coefficients(fit: Fit) -> float | None:
    """How far one more round would move the trend's coefficients, relative (R's rounds stop at 1e-3)."""
    trend = fit.trend
    assert trend is not None
    if "dispGeneEst" not in fit.first_stage.columns:
        return None
    means, gene_wise = _first_estimates(fit)
    if trend.kind == "mean":
        used = np.sort(gene_wise[gene_wise > 1e-7])
        cut = int(0.001 * len(used))
        return float(abs(float(trend(means[:1])[0]) / used[cut : len(used) - cut].mean() - 1.0))
    if trend.kind != "parametric":
        return None
    a = np.array([trend.coefficients["asymptDisp"], trend.coefficients["extraPois"]])
    trusted = gene_wise > 1e-6
    x = np.column_stack([np.ones(trusted.sum()), 1.0 / means[trusted]])
    y = gene_wise[trusted]
    residual = y / (x @ a)
    kept = (residual > 1e-4) & (residual < 15)
    x, y, start = x[kept], y[kept], a
    for _ in range(25):
        root = 1.0 / (x @ a)
        a = np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
    with np.errstate(invalid="ignore"):
        return float(np.max(np.abs(np.log(a / start))))


def _prior_variance(fit: Fit) -> float | None:
    """Relative error of the spread around the trend and of the prior variance from it."""
    n, p = fit.full_design.matrix.shape
    if n - p <= 3 or fit.dispersion_prior_variance is None or "dispGeneEst" not in fit.first_stage.columns:
        return None
    means, gene_wise = _first_estimates(fit)
    assert fit.trend is not None
    kept = gene_wise >= 1e-6
    residual = np.log(gene_wise[kept]) - np.log(np.asarray(fit.trend(means[kept])))
    spread = (1.4826 * np.median(np.abs(residual - np.median(residual)))) ** 2
    expected = max(spread - float(polygamma(1, (n - p) / 2)), 0.25)
    reported = fit.stage.residual_variance
    off = 0.0 if reported == spread else abs(float(reported or 0.0) - spread) / max(spread, 1e-300)
    return float(max(off, abs(fit.dispersion_prior_variance / expected - 1.0)))
