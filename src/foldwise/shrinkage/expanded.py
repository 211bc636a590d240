"""Contrasts between the standard coefficients (levels against the base) and the expanded ones (every level its own)."""

from __future__ import annotations

from typing import Any

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.design import Design
from foldwise.design.contrasts import Contrast, level_columns, resolve_contrast
from foldwise.errors import ContrastError


def resolve_expanded(expanded: Design, design: Design, contrast: Any) -> Contrast:
    """A contrast over the columns of the expanded matrix, said in its own names or in the fit's coefficients."""
    try:
        return resolve_contrast(expanded, contrast)
    except ContrastError as in_expanded_names:
        try:
            standard = resolve_contrast(design, contrast)
        except ContrastError:
            raise in_expanded_names from None
    return resolve_contrast(expanded, to_expanded(expanded, design, standard.vector))


def to_expanded(expanded: Design, design: Design, vector: FloatArray) -> FloatArray:
    """The same comparison over the expanded columns: a level against the base becomes the difference of two columns."""
    answer = np.zeros(len(expanded.names))
    base_of = _base_columns(expanded, design)
    for name, column, weight in zip(design.model_matrix_names, range(vector.size), vector, strict=True):
        if column in base_of:
            own, base = base_of[column]
            answer[own] += weight
            answer[base] -= weight
        else:
            answer[expanded.model_matrix_names.index(_plain(name, expanded))] += weight
    return answer


def to_standard(expanded: Design, design: Design, vector: FloatArray) -> FloatArray | None:
    """The same comparison over the fit's coefficients; None if these do not determine it."""
    answer = np.zeros(len(design.names))
    for factor in design.factors:
        weights = {level: vector[column] for level, column in level_columns(expanded, factor).items()}
        if not np.isclose(sum(weights.values()), vector[0], rtol=0, atol=1e-12):
            return None
        for level, column in level_columns(design, factor).items():
            answer[column] = weights[level]
    base_of = _base_columns(expanded, design)
    for column, name in enumerate(design.model_matrix_names):
        if column not in base_of:
            answer[column] = vector[expanded.model_matrix_names.index(_plain(name, expanded))]
    return answer


def _base_columns(expanded: Design, design: Design) -> dict[int, tuple[int, int]]:
    """Standard column of a level → its expanded column and that of the base level."""
    found = {}
    for factor, levels in design.factors.items():
        own = level_columns(expanded, factor)
        for level, column in level_columns(design, factor).items():
            found[column] = own[level], own[levels[0]]
    return found


def _plain(name: str, expanded: Design) -> str:
    """The intercept goes by two names."""
    return "Intercept" if name == "(Intercept)" and name not in expanded.model_matrix_names else name
