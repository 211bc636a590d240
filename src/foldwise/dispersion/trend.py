"""The dispersion trend: what dispersion a gene of a given mean is expected to have.

Anders & Huber (2010); Love et al. (2014), "Dispersion trend". What is fitted is a curve of ``curves``: a function of
the mean of normalized counts.
"""

from __future__ import annotations

import math

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.dispersion.curves import (
    LocalMedianTrend,
    LocalTrend,
    MeanTrend,
    ParametricTrend,
    TabulatedTrend,
    Trend,
    UserTrend,
    trend_from_arrays,
)
from foldwise.dispersion.local_regression import (
    NEIGHBOURS,
    CubicPieces,
    grow_tree,
    least_squares,
    local_quadratic,
    tricube_fit,
)
from foldwise.errors import FitError, OptionError
from foldwise.options import MIN_DISPERSION, FitType
from foldwise.warn import warn

__all__ = [
    "LocalMedianTrend",
    "LocalTrend",
    "MeanTrend",
    "ParametricTrend",
    "TabulatedTrend",
    "Trend",
    "UserTrend",
    "fit_trend",
    "trend_from_arrays",
]

RESIDUAL_RANGE = (1e-4, 15.0)
"""Genes whose dispersion is this far from the parametric curve, as a ratio, are left out of its next fit."""
MAX_REFITS = 10
"""Refits of the parametric curve after the first before it is given up."""
MAX_STEPS = 25
"""Steps of one Gamma regression, and halvings of one of its steps (R's ``glm.control``)."""
TRIM = 0.001
"""Share of the genes cut off at either end for the mean trend."""
NEEDED_FOR_LOCAL = 3
"""Two points do not settle a local regression. Three to five settle it only by convention, which is R's."""
FEW_GENES = 10
"""Fewer genes settle their own size factors, which then take up what varies between samples."""
ROUNDING = 1e-9
"""0.7 times 90 is 62.99… in double precision, and means 63 neighbours."""


def fit_trend(base_means: FloatArray, dispersions: FloatArray, fit_type: FitType = "parametric") -> Trend:
    """Fit the trend of gene-wise dispersions over means of normalized counts.

    Parameters
    ----------
    base_means, dispersions : (n_genes,)
        Genes without counts may stand as NaN; they are left out, as are genes at the dispersions' floor.
    fit_type
        "parametric" falls back to "local", with a warning, where the curve does not fit.

    Raises
    ------
    FitError
        If no dispersion is off the floor, or too few are for a local regression.
    """
    used = dispersions > 100 * MIN_DISPERSION
    if not np.any(used):
        raise FitError(_no_trend(int(np.isfinite(dispersions).sum())))
    match fit_type:
        case "parametric":
            try:
                return fit_parametric(base_means[used], dispersions[used])
            except FitError:
                warn(
                    "fit_type='parametric', but the dispersion trend was not well captured by the function "
                    "y = a/x + b, and a local regression fit was automatically substituted. "
                    "Give fit_type='local' or 'mean' to avoid this warning next time."
                )
                return fit_local(base_means[used], dispersions[used])
        case "local":
            return fit_local(base_means[used], dispersions[used])
        case "mean":
            return fit_mean(dispersions)
        case "glmGamPoi":
            return fit_local_median(base_means[used], dispersions[used])
    raise OptionError(f"unknown fit_type '{fit_type}'; known are 'parametric', 'local', 'mean' and 'glmGamPoi'.")


def _no_trend(n_genes: int) -> str:
    """Why all dispersions are at the floor, and what to do without a trend."""
    if not n_genes:
        return "there is no trend of dispersions to fit: every gene is without counts, or has weights of zero."
    if n_genes < FEW_GENES:
        reason = (
            f"there {'is only one gene' if n_genes == 1 else f'are only {n_genes} genes'}, too few to tell what varies"
        )
    else:
        reason = (
            f"none of {n_genes:,} genes varies more between replicates than Poisson counts would (counts of 0 and 1 alone "
            "never do)"
        )
    return (
        "all gene-wise dispersion estimates are within 2 orders of magnitude from the minimum value, so there is no "
        f"trend to fit: {reason}. To take the gene-wise estimates as final, in Python: "
        'fw.fit_wald(fw.estimate_dispersions(data, design, dispersions="gene-wise")). To look at samples, '
        "fw.norm_transform(data) needs no trend."
    )


def fit_parametric(base_means: FloatArray, dispersions: FloatArray) -> ParametricTrend:
    """Gamma regression on 1/mean with identity link, repeated without the genes far from the curve."""
    inverse_means = 1.0 / base_means
    coefficients = np.array([0.1, 1.0])
    for _ in range(MAX_REFITS + 1):
        ratio = dispersions / (coefficients[0] + coefficients[1] * inverse_means)
        near = (ratio > RESIDUAL_RANGE[0]) & (ratio < RESIDUAL_RANGE[1])
        previous = coefficients
        coefficients, converged = _gamma_regression(dispersions[near], inverse_means[near], previous)
        if not np.all(coefficients > 0):
            raise FitError("the parametric dispersion trend has a coefficient that is not positive.")
        if np.sum(np.log(coefficients / previous) ** 2) < 1e-6 and converged:
            return ParametricTrend(float(coefficients[0]), float(coefficients[1]))
    raise FitError("the parametric dispersion trend did not converge.")


def _gamma_regression(response: FloatArray, z: FloatArray, start: FloatArray) -> tuple[FloatArray, bool]:
    """R's ``glm(response ~ z, Gamma(link = "identity"), start = start)``: coefficients, and whether it converged."""

    def fitted(coefficients: FloatArray) -> FloatArray:
        return np.asarray(coefficients[0] + coefficients[1] * z)

    def deviance(means: FloatArray) -> float:
        if not np.all(means > 0):
            return math.nan
        ratio = response / means
        return float(2.0 * np.sum(ratio - 1.0 - np.log(ratio)))

    coefficients, means = start, fitted(start)
    old = deviance(means)
    if not math.isfinite(old):
        raise FitError("the parametric dispersion trend has no valid start.")
    for _ in range(MAX_STEPS):
        inverse = 1.0 / means
        before, coefficients = coefficients, least_squares([inverse, z * inverse], response * inverse)
        means = fitted(coefficients)
        new = deviance(means)
        halvings = 0
        while not math.isfinite(new):
            if halvings == MAX_STEPS or np.isnan(coefficients).any():
                raise FitError("the parametric dispersion trend left the positive numbers.")
            halvings += 1
            coefficients = (coefficients + before) / 2.0
            means = fitted(coefficients)
            new = deviance(means)
        if abs(new - old) / (abs(new) + 0.1) < 1e-8:
            return coefficients, True
        old = new
    return coefficients, False


def fit_local(base_means: FloatArray, dispersions: FloatArray) -> LocalTrend | MeanTrend:
    """Local quadratic regression of ln dispersion on ln mean, genes weighted by their mean.

    One gene alone gives its own dispersion to all means.
    """
    x, y, weights = np.log(base_means), np.log(dispersions), base_means
    if 1 < x.size < NEEDED_FOR_LOCAL:
        raise FitError(
            f"a local regression of the dispersions needs at least {NEEDED_FOR_LOCAL} genes with a dispersion above "
            f"{100 * MIN_DISPERSION:g}, and there are {x.size}. Use fit_type='mean'."
        )
    if x.size == 1 or x.min() == x.max():
        # To the last bit where there is one gene: R's outlier rule then compares it with itself.
        level = float(y[0]) if x.size == 1 else float(np.average(y, weights=weights))
        flat = CubicPieces(x[:1], np.zeros(1), np.zeros(1))
        return LocalTrend(flat, float(x[0]), np.array([level, 0.0, 0.0]))
    centre = float(np.average(x, weights=weights))
    parabola = local_quadratic(x, y, weights, centre, float(np.ptp(x)))
    neighbours = math.floor(NEIGHBOURS * x.size + ROUNDING)
    curve = grow_tree(float(x.min()), float(x.max()), lambda at: tricube_fit(x, y, weights, at, neighbours))
    if np.isnan(curve.values).any():  # few genes, all as far from the middle of an interval
        raise FitError(f"{x.size} genes do not settle a local regression of the dispersions. Use fit_type='mean'.")
    t = curve.vertices - centre
    departure = CubicPieces(
        curve.vertices,
        curve.values - (parabola[0] + t * (parabola[1] + t * parabola[2])),
        curve.slopes - (parabola[1] + 2.0 * parabola[2] * t),
    )
    return LocalTrend(departure, centre, parabola)


def fit_mean(dispersions: FloatArray) -> MeanTrend:
    """Mean of the gene-wise dispersions off the floor, without the thousandth at either end."""
    ordered = np.sort(dispersions[dispersions > 10 * MIN_DISPERSION])
    cut = math.floor(TRIM * ordered.size)
    return MeanTrend(math.fsum(ordered[cut : ordered.size - cut]) / (ordered.size - 2 * cut))


def fit_local_median(base_means: FloatArray, dispersions: FloatArray) -> LocalMedianTrend:
    """Running median of the dispersions, ordered by mean, with weights from the normal density."""
    from foldwise.dispersion.glm_gam_poi.running_median import local_median  # compiles, and few fits need it

    order = np.argsort(base_means, kind="stable")
    return LocalMedianTrend(base_means[order], local_median(dispersions[order]))
