"""The dispersion trend: what dispersion a gene of a given mean is expected to have.

Anders & Huber (2010); Love et al. (2014), "Dispersion trend". A trend is a function of the mean of normalized counts.
It can be called on any means, says its ``kind`` and ``coefficients``, and travels to files as plain arrays.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.dispersion.local_regression import (
    NEIGHBOURS,
    CubicPieces,
    grow_tree,
    least_squares,
    local_quadratic,
    tricube_fit,
)
from foldwise.errors import FitError, FoldwiseWarning, OptionError
from foldwise.options import MIN_DISPERSION, FitType

RESIDUAL_RANGE = (1e-4, 15.0)
"""Genes whose dispersion is this far from the parametric curve, as a ratio, are left out of its next fit."""
MAX_REFITS = 10
"""Refits of the parametric curve after the first before it is given up."""
MAX_STEPS = 25
"""Steps of one Gamma regression, and halvings of one of its steps (R's ``glm.control``)."""
TRIM = 0.001
"""Share of the genes cut off at either end for the mean trend."""
NEEDED_FOR_LOCAL = 6
"""Two to five points do not settle a local regression."""


@runtime_checkable
class Trend(Protocol):
    """What every trend offers."""

    @property
    def kind(self) -> str: ...
    @property
    def coefficients(self) -> dict[str, float]: ...
    def __call__(self, means: FloatArray) -> FloatArray: ...
    def to_arrays(self) -> dict[str, FloatArray]: ...


@dataclass(frozen=True, slots=True)
class ParametricTrend:
    """extra_pois / mean + asympt_disp."""

    asympt_disp: float
    extra_pois: float
    kind: ClassVar[str] = "parametric"

    @property
    def coefficients(self) -> dict[str, float]:
        return {"asymptDisp": self.asympt_disp, "extraPois": self.extra_pois}

    def __call__(self, means: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return self.asympt_disp + self.extra_pois / np.asarray(means, dtype=np.float64)

    def to_arrays(self) -> dict[str, FloatArray]:
        return {"coefficients": np.array([self.asympt_disp, self.extra_pois])}


@dataclass(frozen=True, slots=True)
class LocalTrend:
    """exp of a curve in ln mean: one parabola for all genes plus local departures from it.

    departure : what the local fits add to the parabola at the vertices.
    centre, parabola : the parabola is parabola[0] + parabola[1] t + parabola[2] t^2 with t = ln mean - centre. Within
        the range of the fitted genes it cancels; beyond it carries the curve on.
    """

    departure: CubicPieces
    centre: float
    parabola: FloatArray
    kind: ClassVar[str] = "local"

    @property
    def coefficients(self) -> dict[str, float]:
        return {}

    def __call__(self, means: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.log(np.asarray(means, dtype=np.float64))
            t = x - self.centre
            return np.exp(self.parabola[0] + t * (self.parabola[1] + t * self.parabola[2]) + self.departure(x))

    def to_arrays(self) -> dict[str, FloatArray]:
        d = self.departure
        return {
            "vertices": d.vertices,
            "values": d.values,
            "slopes": d.slopes,
            "centre": np.array([self.centre]),
            "parabola": self.parabola,
        }


@dataclass(frozen=True, slots=True)
class MeanTrend:
    """One dispersion for all means."""

    mean: float
    kind: ClassVar[str] = "mean"

    @property
    def coefficients(self) -> dict[str, float]:
        return {"mean": self.mean}

    def __call__(self, means: FloatArray) -> FloatArray:
        return np.full(np.shape(means), self.mean)

    def to_arrays(self) -> dict[str, FloatArray]:
        return {"mean": np.array([self.mean])}


@dataclass(frozen=True, slots=True)
class LocalMedianTrend:
    """The local median at the nearest fitted mean; halfway between two, that of the larger one.

    means : (n,) ascending means of the genes it was fitted to. medians : (n,) dispersions.
    """

    means: FloatArray
    medians: FloatArray
    kind: ClassVar[str] = "glmGamPoi"

    @property
    def coefficients(self) -> dict[str, float]:
        return {}

    def __call__(self, means: FloatArray) -> FloatArray:
        x = np.asarray(means, dtype=np.float64)
        left = np.clip(np.searchsorted(self.means, x, side="right") - 1, 0, self.means.size - 1)
        right = np.minimum(left + 1, self.means.size - 1)
        nearest = np.where(x - self.means[left] < self.means[right] - x, left, right)
        return self.medians[np.where(x <= self.means[0], 0, nearest)]

    def to_arrays(self) -> dict[str, FloatArray]:
        return {"means": self.means, "medians": self.medians}


@dataclass(frozen=True, slots=True)
class UserTrend:
    """A function of the user's own.

    function : means -> dispersions, elementwise.
    known_means : means at which a saved fit must give the same dispersions to the last bit (those of its genes).
    """

    function: Callable[[FloatArray], FloatArray]
    known_means: FloatArray = field(default_factory=lambda: np.empty(0))
    kind: ClassVar[str] = "user"

    @property
    def coefficients(self) -> dict[str, float]:
        return {}

    def __call__(self, means: FloatArray) -> FloatArray:
        means = np.asarray(means, dtype=np.float64)
        dispersions = np.broadcast_to(np.asarray(self.function(means), dtype=np.float64), means.shape)
        return np.array(dispersions)

    def to_arrays(self) -> dict[str, FloatArray]:
        """A table of values: code cannot be saved, so a loaded trend interpolates between these means."""
        means = np.union1d(self.known_means[self.known_means > 0], np.geomspace(1e-4, 1e10, 1401))
        return {"means": means, "dispersions": self(means)}


@dataclass(frozen=True, slots=True)
class TabulatedTrend:
    """A user's trend after loading: exact at the means of the table, log-log interpolation between them.

    Raises
    ------
    FitError
        When asked beyond its table, where only the user's function would know.
    """

    means: FloatArray
    dispersions: FloatArray
    kind: ClassVar[str] = "user"

    @property
    def coefficients(self) -> dict[str, float]:
        return {}

    def __call__(self, means: FloatArray) -> FloatArray:
        x = np.asarray(means, dtype=np.float64)
        if np.any((x < self.means[0]) | (x > self.means[-1])):
            raise FitError(
                f"this fit was saved with a dispersion trend of your own, which is kept as a table for means from "
                f"{self.means[0]:g} to {self.means[-1]:g}; it was asked for means from {np.nanmin(x):g} to "
                f"{np.nanmax(x):g}. Give the function again with trend=."
            )
        at = np.clip(np.searchsorted(self.means, x), 0, self.means.size - 1)
        between = np.exp(np.interp(np.log(x), np.log(self.means), np.log(self.dispersions)))
        return np.where(self.means[at] == x, self.dispersions[at], between)

    def to_arrays(self) -> dict[str, FloatArray]:
        return {"means": self.means, "dispersions": self.dispersions}


def trend_from_arrays(kind: str, arrays: Mapping[str, FloatArray]) -> Trend:
    """The trend that ``to_arrays`` took apart."""
    match kind:
        case "parametric":
            return ParametricTrend(*(float(c) for c in arrays["coefficients"]))
        case "local":
            departure = CubicPieces(arrays["vertices"], arrays["values"], arrays["slopes"])
            return LocalTrend(departure, float(arrays["centre"][0]), arrays["parabola"])
        case "mean":
            return MeanTrend(float(arrays["mean"][0]))
        case "glmGamPoi":
            return LocalMedianTrend(arrays["means"], arrays["medians"])
        case "user":
            return TabulatedTrend(arrays["means"], arrays["dispersions"])
    raise OptionError(f"unknown kind of dispersion trend '{kind}'.")


def fit_trend(
    base_means: FloatArray, dispersions: FloatArray, fit_type: FitType = "parametric", *, stacklevel: int = 2
) -> Trend:
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
        raise FitError(
            "all gene-wise dispersion estimates are within 2 orders of magnitude from the minimum value, so there is "
            "no trend to fit: the counts vary no more than Poisson counts would. Use the gene-wise estimates as final: "
            "run the steps one by one and give dispersions= to the test."
        )
    match fit_type:
        case "parametric":
            try:
                return fit_parametric(base_means[used], dispersions[used])
            except FitError:
                warnings.warn(
                    "fit_type='parametric', but the dispersion trend was not well captured by the function "
                    "y = a/x + b, and a local regression fit was automatically substituted. "
                    "Give fit_type='local' or 'mean' to avoid this warning next time.",
                    FoldwiseWarning,
                    stacklevel=stacklevel,
                )
                return fit_local(base_means[used], dispersions[used])
        case "local":
            return fit_local(base_means[used], dispersions[used])
        case "mean":
            return fit_mean(dispersions)
        case "glmGamPoi":
            return fit_local_median(base_means[used], dispersions[used])
    raise OptionError(f"unknown fit_type '{fit_type}'; known are 'parametric', 'local', 'mean' and 'glmGamPoi'.")


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
        return coefficients[0] + coefficients[1] * z

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
        level = float(np.average(y, weights=weights))
        flat = CubicPieces(x[:1], np.zeros(1), np.zeros(1))
        return LocalTrend(flat, float(x[0]), np.array([level, 0.0, 0.0]))
    centre = float(np.average(x, weights=weights))
    parabola = local_quadratic(x, y, weights, centre, float(np.ptp(x)))
    neighbours = math.floor(NEIGHBOURS * x.size)
    curve = grow_tree(float(x.min()), float(x.max()), lambda at: tricube_fit(x, y, weights, at, neighbours))
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
