"""The shapes a dispersion trend can have: functions of the mean that can be saved as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.dispersion.local_regression import CubicPieces
from foldwise.errors import FitError, OptionError


@runtime_checkable
class Trend(Protocol):
    """What every trend offers: dispersions for any means, its kind and coefficients, and arrays for a file."""

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


@dataclass(frozen=True, slots=True, eq=False)
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
            curve = self.parabola[0] + t * (self.parabola[1] + t * self.parabola[2]) + self.departure(x)
            return np.asarray(np.exp(curve))

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


@dataclass(frozen=True, slots=True, eq=False)
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


@dataclass(frozen=True, slots=True, eq=False)
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
        answer = self.function(means)
        try:
            return np.array(np.broadcast_to(np.asarray(answer, dtype=np.float64), means.shape))
        except (TypeError, ValueError):
            raise OptionError(
                f"The trend, a function of yours, got {means.size} means and must return as many dispersions; it returned "
                f"{type(answer).__name__}{f' of shape {np.shape(answer)}' if np.shape(answer) else f' {answer!r}'}."
            ) from None

    def to_arrays(self) -> dict[str, FloatArray]:
        """A table of values: code cannot be saved, so a loaded trend interpolates between these means."""
        means = np.union1d(self.known_means[self.known_means > 0], np.geomspace(1e-4, 1e10, 1401))
        return {"means": means, "dispersions": self(means)}


@dataclass(frozen=True, slots=True, eq=False)
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
