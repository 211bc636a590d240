"""The variance-stabilizing function of each kind of trend: q, a normalized count → a value on the log2 scale.

Anders & Huber (2010), "Variance-stabilizing transformation": the integral of 1 / sqrt(variance).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.errors import FitError, OptionError
from foldwise.options import LN2
from foldwise.transforms.spline import CubicSpline, fmm_spline

GRID_POINTS = 1000
ALIGNED_AT = (0.95, 0.999)  # quantiles of mean counts at which the numerical form equals log2


@dataclass(frozen=True, slots=True)
class ParametricForm:
    """Closed form for dispersions asympt + extra / mean; equals log2 q for large q."""

    asympt: float
    extra: float

    def __call__(self, q: FloatArray) -> FloatArray:
        a, e = self.asympt, self.extra
        root = np.sqrt(a * q * (1 + e + a * q))
        return np.asarray(np.log2((1 + e + 2 * a * q + 2 * root) / (4 * a)))

    def to_arrays(self) -> dict[str, FloatArray]:
        return {}


@dataclass(frozen=True, slots=True)
class MeanForm:
    """Closed form for one dispersion."""

    dispersion: float

    def __call__(self, q: FloatArray) -> FloatArray:
        a = self.dispersion
        return np.asarray((2 * np.arcsinh(np.sqrt(a * q)) - np.log(a) - np.log(4.0)) / LN2)

    def to_arrays(self) -> dict[str, FloatArray]:
        return {}


@dataclass(frozen=True, slots=True)
class NumericalForm:
    """scale x integral(asinh q) + shift, the integral as a spline."""

    integral: CubicSpline
    scale: float
    shift: float

    def __call__(self, q: FloatArray) -> FloatArray:
        return np.asarray(self.scale * self.integral(np.arcsinh(q)) + self.shift)

    def to_arrays(self) -> dict[str, FloatArray]:
        s = self.integral
        return {"pieces": np.vstack([s.knots, s.y, s.b, s.c, s.d]), "line": np.array([self.scale, self.shift])}


Form = ParametricForm | MeanForm | NumericalForm


def numerical_form_from(arrays: dict[str, FloatArray]) -> NumericalForm:
    """The form that ``to_arrays`` took apart."""
    return NumericalForm(CubicSpline(*arrays["pieces"]), float(arrays["line"][0]), float(arrays["line"][1]))


def form_of(trend: Any, means: FloatArray, largest: float, factors: FloatArray) -> Form:
    """The function for a trend. Only the numerical one, for local trends, looks at the data to be transformed.

    means : (n_genes,) of normalized counts, genes without counts included. largest : normalized count.
    factors : (n_samples,) size factors.
    """
    if trend.kind == "parametric":
        coefficients = trend.coefficients
        return ParametricForm(coefficients["asymptDisp"], coefficients["extraPois"])
    if trend.kind == "mean":
        return MeanForm(float(trend.coefficients["mean"]))
    if trend.kind == "glmGamPoi":
        raise OptionError(
            "The variance-stabilizing transformation is not defined for a glmGamPoi trend: use blind=True with "
            "fit_type='parametric', 'local' or 'mean'."
        )
    return _numerical_form(trend, means, largest, float(np.mean(1 / factors)))


def _numerical_form(trend: Any, means: FloatArray, largest: float, inverse_factor: float) -> NumericalForm:
    x = np.sinh(np.arange(1, GRID_POINTS) * np.arcsinh(largest) / (GRID_POINTS - 1))
    density = 1 / np.sqrt(trend(x) * x**2 + inverse_factor * x)
    # The trapezoids' sum up to the end of each interval stands at the interval's middle, as R has it.
    integral = np.cumsum(np.diff(x) * (density[:-1] + density[1:]) / 2)
    spline = fmm_spline(np.arcsinh((x[:-1] + x[1:]) / 2), integral)
    low, high = np.quantile(means, ALIGNED_AT)
    at_low, at_high = spline(np.arcsinh(np.array([low, high])))
    if not (0 < low < high and np.isfinite(at_high - at_low)):
        raise FitError(
            f"The local form is aligned with log2 at the {ALIGNED_AT[0]:.1%} and {ALIGNED_AT[1]:.1%} quantiles of the "
            f"genes' means, which are {low:g} and {high:g} here: too few genes. Use fit_type='parametric' or 'mean'."
        )
    scale = (np.log2(high) - np.log2(low)) / (at_high - at_low)
    return NumericalForm(spline, float(scale), float(np.log2(low) - scale * at_low))
