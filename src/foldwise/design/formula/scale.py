"""Numeric covariates on a scale that the fit takes badly.

The ridge of the fit, its limit on coefficients and its fallback know no scale, here as in R: a covariate far from
zero or nearly constant moves the numbers of every coefficient. Nothing is changed; it is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.design.formula.names import is_syntactic, number_text

FAR_FROM_ZERO = 20.0  # |mean| in standard deviations: beyond, the coefficient is off by more than 1e-3 in R
NEARLY_CONSTANT = 0.03  # standard deviation: below, the ridge moves the coefficient by more than 6e-5
HUGE = 1e4  # standard deviation: beyond, genes that need the fallback have no covariance in R, which then stops


def badly_scaled(matrix: FloatArray, names: Sequence[str], term: IntArray, terms: Sequence[str]) -> list[str]:
    """A sentence for each numeric column on a bad scale, with what to write instead."""
    said = []
    for column, name in enumerate(names):
        label = terms[term[column]] if term[column] >= 0 else name
        values = matrix[:, column]
        if ":" in label or set(np.unique(values)) <= {0.0, 1.0} or np.ptp(values) == 0:
            continue
        if sentence := _advice(name, values):
            said.append(sentence)
    return said


def _advice(name: str, values: FloatArray) -> str:
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    if abs(mean) > FAR_FROM_ZERO * sd:
        return (
            f"Covariate '{name}' lies far from zero (mean {mean:.6g}, standard deviation {sd:.3g}), so its coefficient "
            f"is all but tied to the intercept and the numbers suffer. Write {_centred(name, values, mean, sd)} "
            "instead, which is the same model, or make it a factor."
        )
    if sd < NEARLY_CONSTANT or sd > HUGE:
        extent = "small" if sd < NEARLY_CONSTANT else "large"
        factor = number_text(10.0 ** -math.floor(math.log10(sd)))
        instead = f"I({name} * {factor})" if is_syntactic(name) else "a covariate with a standard deviation near 1"
        taken = "the ridge of the fit" if sd < NEARLY_CONSTANT else "the general optimiser, with its fixed steps,"
        return (
            f"Covariate '{name}' has a very {extent} standard deviation ({sd:.3g}), which {taken} takes badly. "
            f"Write {instead} instead, which is the same model in other units."
        )
    return ""


def _centred(name: str, values: FloatArray, mean: float, sd: float) -> str:
    if not is_syntactic(name):
        return "it with its mean taken off"
    whole = bool((values == np.round(values)).all())
    digits = 0 if whole else max(0, -math.floor(math.log10(sd)))
    return f"I({name} - {number_text(round(mean, digits))})"
