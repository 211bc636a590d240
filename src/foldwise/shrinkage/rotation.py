"""Any comparison as a coefficient: the same model, written in coefficients of which one is the contrast.

A prior on one coefficient can then be a prior on any contrast. R's apeglm asks the user to relevel the factor and
fit again for this; here the design is re-expressed and nothing is fitted anew.
"""

from __future__ import annotations

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.design import Design, assemble_design
from foldwise.design.contrasts import level_columns
from foldwise.errors import ContrastError


def as_coefficient(design: Design, vector: FloatArray, words: str) -> tuple[FloatArray, int]:
    """(matrix, column): a model matrix with the same fitted means, in which the contrast is one coefficient.

    A coefficient stays where it is; two levels of a factor are compared in the design releveled to the second one,
    so that the answer is R's after ``relevel``; anything else takes the place of the coefficient that weighs most.

    Raises
    ------
    ContrastError
        If it is a level of expression rather than a difference: there is no reason to shrink that towards zero.
    """
    used = np.flatnonzero(vector)
    first = _intercept(design)
    if used.size == 0 or vector[first] != 0 and (design.has_intercept or used.size == 1):
        raise ContrastError(
            f"'{words}' holds '{design.names[first]}', so it is a level of expression, not a difference, and a prior "
            "around zero makes no sense for it. Ask for a difference of groups."
        )
    if used.size == 1 and vector[used[0]] == 1.0:
        return design.matrix, int(used[0])
    return _releveled(design, vector) or contrast_as_coefficient(design.matrix, vector, first)


def _intercept(design: Design) -> int:
    ones = np.flatnonzero((design.matrix == 1.0).all(axis=0))
    return int(ones[0]) if ones.size and design.has_intercept else 0


def _releveled(design: Design, vector: FloatArray) -> tuple[FloatArray, int] | None:
    levels = _two_levels(design, vector)
    if levels is None or design.formula is None:
        return None
    factor, numerator, denominator = levels
    other = assemble_design(design.formula, design.samples, reference={factor: denominator})
    return other.matrix, level_columns(other, factor)[numerator]


def _two_levels(design: Design, vector: FloatArray) -> tuple[str, str, str] | None:
    """(factor, numerator, denominator) where the vector is one level of a factor against another."""
    if design.kind != "standard" or not design.has_intercept or not np.isin(vector, (-1.0, 0.0, 1.0)).all():
        return None
    for factor, levels in design.factors.items():
        weights = {level: vector[column] for level, column in level_columns(design, factor).items()}
        if levels[0] in weights or np.count_nonzero(vector) != np.count_nonzero(list(weights.values())):
            continue
        up = [level for level, weight in weights.items() if weight > 0] or [levels[0]]
        down = [level for level, weight in weights.items() if weight < 0] or [levels[0]]
        if len(up) == len(down) == 1:
            return factor, up[0], down[0]
    return None


def contrast_as_coefficient(matrix: FloatArray, vector: FloatArray, first: int = 0) -> tuple[FloatArray, int]:
    """The contrast takes the place of the coefficient with the largest weight in it; the others keep their meaning.

    The last of several equal weights, and never column ``first``. With beta' = A beta the new matrix is matrix A^-1,
    so that every fitted mean is unchanged.
    """
    candidates = np.abs(vector)
    candidates[first] = 0.0
    column = int(vector.size - 1 - np.argmax(candidates[::-1]))
    share = matrix[:, column] / vector[column]
    moved = matrix - np.outer(share, vector)
    moved[:, column] = share
    return np.ascontiguousarray(moved + 0.0), column
