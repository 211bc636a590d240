"""The covariates of a design, read from the sample table: levels, base levels, and what a user should know of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from foldwise.design.formula.names import level_text
from foldwise.design.formula.variables import Factor, Numeric, Variable, n_values, near, read_variable, samples_listed
from foldwise.errors import DesignError, SamplesError, listed


def read_covariates(
    samples: pd.DataFrame, names: Sequence[str], reference: Mapping[str, Any]
) -> tuple[dict[str, Variable], list[str]]:
    """The columns of a design by name, and notes on how they were read.

    Raises
    ------
    DesignError
        If a column is absent or has one value in all samples, or a base level is none.
    SamplesError
        If a column has missing or infinite values, empty text, or values that are no covariate.
    """
    notes: list[str] = []
    columns = {name: _prepared(read_variable(samples, name), name, notes) for name in names}
    _check_named(columns, samples)
    columns = _with_references(columns, reference, samples)
    _check_variation(columns)
    return columns, notes


def _prepared(variable: Variable, name: str, notes: list[str]) -> Variable:
    """Levels without samples dropped; ordered categories taken as plain ones. Both are said."""
    if not isinstance(variable, Factor):
        if isinstance(variable, Numeric) and (variable.values == np.round(variable.values)).all():
            notes.append(
                f"'{name}' holds whole numbers and is taken as a number: one fold change for every step of 1. "
                f"If it numbers groups, make it text (samples['{name}'].astype(str)) or write factor({name})."
            )
        return variable
    used = variable.used()
    if len(used.levels) < len(variable.levels):
        empty = [level for level in variable.levels if level not in used.levels]
        notes.append(f"Levels without samples were dropped from '{name}': {listed(empty)}.")
    if variable.ordered:
        notes.append(
            f"'{name}' is ordered; it is taken as a plain factor with base level '{used.levels[0]}'. "
            "For a trend over the levels make a column of numbers."
        )
    return Factor(used.levels, used.codes)


def _check_named(columns: Mapping[str, Variable], samples: pd.DataFrame) -> None:
    """Refuse empty text: its coefficients would be called ``b_x_vs_``, and it mostly is a cell that nobody filled in."""
    for name, variable in columns.items():
        if isinstance(variable, Factor) and not all(level.strip() for level in variable.levels):
            empty = np.array([not level.strip() for level in variable.labels()])
            raise SamplesError(
                f"Column '{name}' is empty text in {samples_listed(samples, empty)}. A level needs a name: fill it in, or "
                "leave these samples out of counts and sample table."
            )


def unused_references(reference: Mapping[str, Any] | None, variables: Sequence[str]) -> str:
    """What to say of base levels for columns that a design does not name; "" if there are none."""
    left = [name for name in reference or () if name not in variables]
    if not left:
        return ""
    return f"reference: the design does not name {listed(left)}; it names {listed(variables) or 'no column'}. Not used."


def _check_variation(columns: Mapping[str, Variable]) -> None:
    """Refuse what says nothing: the only covariate, or a factor, with one value in all samples."""
    constant = [name for name, variable in columns.items() if n_values(variable) == 1]
    if constant and len(columns) == 1:
        raise DesignError(
            f"design has a single variable, with all samples having the same value: '{constant[0]}'. "
            "use instead a design of '~ 1', or add samples of another group."
        )
    if factors := [name for name in constant if isinstance(columns[name], Factor)]:
        raise DesignError(
            "design contains one or more variables with all samples having the same value, remove these variables from "
            f"the design: {listed(factors)} (contrasts can be applied only to factors with 2 or more levels)."
        )


def _with_references(
    columns: dict[str, Variable], reference: Mapping[str, Any], samples: pd.DataFrame
) -> dict[str, Variable]:
    made = dict(columns)
    for name, base in reference.items():
        if name not in samples.columns:
            raise DesignError(
                f"reference: '{name}' is no column of the sample table.{near(name, list(samples.columns))}"
            )
        if name not in made:
            continue  # it may belong to the full design when this is the reduced one
        variable = made[name]
        if not isinstance(variable, Factor):
            raise DesignError(
                f"reference: '{name}' holds numbers or truth values, which have no base level. "
                f"Make it text for groups: samples['{name}'].astype(str)."
            )
        if level_text(base) not in variable.levels:
            raise DesignError(f"reference: '{base}' is no level of '{name}'.{near(base, variable.levels)}")
        made[name] = variable.with_base(level_text(base))
    return made
