"""Coefficients by the names that PyDESeq2's formulas give them: ``condition[T.treated]``, not ``conditiontreated``."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from foldwise.design import Design
from foldwise.errors import ContrastError, listed


def coefficient_names(design: Design) -> list[str]:
    """One a column of the design."""
    if design.kind == "user":
        return list(design.names)
    mark = "T." if design.has_intercept else ""
    return [_name(text, design, mark) for text in design.model_matrix_names]


def _name(text: str, design: Design, mark: str) -> str:
    if text == "(Intercept)":
        return "Intercept"
    return ":".join(_part(part, design, mark) for part in text.split(":"))


def _part(part: str, design: Design, mark: str) -> str:
    for factor, levels in design.factors.items():
        level = part.removeprefix(factor)
        if part.startswith(factor) and level in levels:
            return f"{factor}[{mark}{level}]" if level != levels[0] or not mark else f"{factor}[{level}]"
    return part


def position(design: Design, coefficient: str) -> int:
    """Where a coefficient is, under PyDESeq2's name or R's.

    Raises
    ------
    ContrastError
        If there is none of this name; a KeyError is what PyDESeq2 raises, and what is raised here is both.
    """
    for names in (coefficient_names(design), list(design.names)):
        if coefficient in names:
            return names.index(coefficient)
    raise NoSuchCoefficientError(
        f"The coefficient '{coefficient}' is not one of: {listed(coefficient_names(design), 20)}."
    )


class NoSuchCoefficientError(ContrastError, KeyError):
    """No coefficient of this name."""

    def __str__(self) -> str:
        return str(self.args[0])


def design_row(design: Design, values: dict[str, object]) -> pd.Series:
    """The row of a design for these values of its variables; factors not named are at their base level, numbers at 0.

    Raises
    ------
    ContrastError
        For variables or levels that the design does not have, and designs without a formula.
    """
    from foldwise.design import design_matrix

    if design.formula is None:
        raise ContrastError("A model matrix of your own has no formula to say what a condition is.")
    unknown = [name for name in values if name not in design.variables]
    if unknown:
        raise ContrastError(f"{listed(unknown)} is no variable of the design; it has {listed(design.variables)}.")
    row = {}
    for name in design.variables:
        levels = design.factors.get(name)
        row[name] = [values.get(name, 0)] if levels is None else _level(name, values.get(name, levels[0]), levels)
    made = design_matrix(design.formula, pd.DataFrame(row, index=["0"])).iloc[0]
    return pd.Series(made.to_numpy(), index=coefficient_names(design), name=0)


def _level(name: str, value: object, levels: Sequence[str]) -> pd.Categorical:
    if str(value) not in levels:
        raise ContrastError(f"'{value}' is no level of '{name}'; there are {listed(levels, 20)}.")
    return pd.Categorical([str(value)], list(levels))
