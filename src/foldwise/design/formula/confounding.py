"""Why a model matrix is not of full rank, in terms of covariates and samples."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.design.formula.names import number_text
from foldwise.design.formula.rank import Rank, column_rank
from foldwise.errors import listed

if TYPE_CHECKING:
    from foldwise.design import Design

NOT_FULL_RANK = "the model matrix is not full rank, so the model cannot be fit as specified."
ZERO_COLUMNS = (
    "Levels or combinations of levels without any samples have resulted in column(s) of zeros in the model matrix."
)
COMBINATIONS = (
    "One or more variables or interaction terms in the design formula are linear combinations of the others and must "
    "be removed."
)
SAID = 4  # so many examples of a kind go into a message


def why_not_full_rank(design: Design) -> str:
    """The message for a design that cannot be estimated."""
    zero = not_a_sample(design)
    n_samples, n_columns = design.matrix.shape
    said = [f"{NOT_FULL_RANK} {ZERO_COLUMNS if zero else COMBINATIONS}"]
    if n_columns > n_samples:
        said.append(f"It has {n_columns} coefficients for {n_samples} samples, which can never be told apart.")
    if zero:
        said.append(f"Columns of zeros: {listed(zero)}.")
    said += shortened(dependencies(design), "dependencies")
    said += shortened(confounded(design), "such pairs")
    said += shortened(empty_cells(design), "empty combinations")
    said += advice(design)
    return "\n".join(said)


def shortened(sentences: list[str], of_what: str) -> list[str]:
    more = len(sentences) - SAID
    return sentences if more <= 0 else [*sentences[:SAID], f"… and {more} more {of_what}."]


def not_a_sample(design: Design) -> list[str]:
    """Columns of zeros."""
    zero = (design.matrix == 0).all(axis=0)
    return [name for name, empty in zip(design.model_matrix_names, zero, strict=True) if empty]


def dependencies(design: Design) -> list[str]:
    """Each column that others make, and how."""
    found = column_rank(design.matrix)
    said = []
    for column in found.dependent:
        if (design.matrix[:, column] != 0).any():
            weights = _made_of(design.matrix, found, column)
            said.append(f"Column '{design.model_matrix_names[column]}' is {_sum(weights, design.model_matrix_names)}.")
    return said


def _made_of(matrix: FloatArray, found: Rank, column: int) -> dict[int, float]:
    weights = np.linalg.lstsq(matrix[:, found.kept], matrix[:, column], rcond=None)[0]
    weights[np.abs(weights) < 1e-8] = 0.0
    return {kept: float(weight) for kept, weight in zip(found.kept, weights, strict=True) if weight}


def _sum(weights: dict[int, float], names: tuple[str, ...]) -> str:
    text = ""
    for column, weight in weights.items():
        size = number_text(float(f"{abs(weight):.6g}"))
        sign = ("- " if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
        text += f"{sign}{'' if size == '1' else size + ' '}'{names[column]}'"
    return text or "nothing but zeros"


def involved(design: Design) -> set[str]:
    """Covariates that take part in what cannot be told apart."""
    found = column_rank(design.matrix)
    columns = set(found.dependent)
    for column in found.dependent:
        columns |= set(_made_of(design.matrix, found, column))
    labels = {design.terms[design.term[column]] for column in columns if design.term[column] >= 0}
    return {name for name in design.variables for label in labels if _mentions(label, name)}


def _mentions(label: str, name: str) -> bool:
    from foldwise.design.formula.terms import read_formula

    return name in read_formula(f"~ {label}").columns


def confounded(design: Design) -> list[str]:
    """Pairs of covariates of which one says all about the other."""
    names = [name for name in design.variables if name in involved(design)]
    constant = [name for name in names if design.samples[name].nunique() == 1]
    said = [f"'{name}' is the same in every sample ({design.samples[name].iloc[0]})." for name in constant]
    for first, second in combinations([name for name in names if name not in constant], 2):
        if sentence := _relation(design, first, second):
            said.append(sentence)
    return said


def _relation(design: Design, first: str, second: str) -> str:
    table = pd.DataFrame({"a": _texts(design.samples[first]), "b": _texts(design.samples[second])})
    within_a, within_b = table.groupby("b")["a"].nunique().max() == 1, table.groupby("a")["b"].nunique().max() == 1
    distinct = table["a"].nunique(), table["b"].nunique()
    if len(table) in distinct and not (within_a and within_b and first in design.factors and second in design.factors):
        if not (first in design.factors and second in design.factors):
            return ""  # every sample its own value: no groups to speak of
    if within_a and within_b:
        return f"'{first}' and '{second}' divide the samples in the same way: {_examples(design, first, second)}."
    if within_b and first in design.factors:
        return f"Each level of '{first}' lies within one of '{second}': {_examples(design, first, second)}."
    if within_a and second in design.factors:
        return f"Each level of '{second}' lies within one of '{first}': {_examples(design, second, first)}."
    return ""


def _examples(design: Design, inner: str, outer: str) -> str:
    said = []
    samples = design.samples
    for value, rows in samples.groupby(_texts(samples[inner]), sort=False).groups.items():
        other = _texts(samples.loc[rows, outer]).iloc[0]
        said.append(f"{inner}={value} only with {outer}={other} (sample {listed(rows, 3)})")
    return "; ".join(said[:3]) + ("; …" if len(said) > 3 else "")


def _texts(column: pd.Series) -> pd.Series:
    return column.map(lambda value: number_text(value) if isinstance(value, float) else str(value)).astype(object)


def empty_cells(design: Design) -> list[str]:
    """Combinations of levels that no sample has, among factors of one interaction or confounded factors."""
    from foldwise.design.formula.terms import read_formula

    groups = [tuple(name for name in read_formula(f"~ {label}").columns if name in design.factors)
              for label in design.terms if ":" in label]  # fmt: skip
    mixed = [name for name in design.variables if name in involved(design) and name in design.factors]
    groups += list(combinations(mixed, 2))
    said = []
    for names in dict.fromkeys(group for group in groups if len(group) > 1):
        present = set(zip(*(design.samples[name].astype(str) for name in names), strict=True))
        for levels in product(*(design.factors[name] for name in names)):
            if levels not in present:
                said.append(f"No sample has {' and '.join(f'{n}={v}' for n, v in zip(names, levels, strict=True))}.")
    return said


def advice(design: Design) -> list[str]:
    """What could be done about it."""
    said = []
    if droppable := terms_to_drop(design):
        said.append(f"Without {' or without '.join(repr(label) for label in droppable)} the design can be estimated.")
    if nested := _nested(design):
        inner, outer = nested
        said.append(f"If '{inner}' numbers individuals within each '{outer}', {renumbered(design, inner, outer)}.")
    interactions = [label for label in design.terms if ":" in label]
    if interactions and not_a_sample(design):
        names = interactions[-1].split(":")
        said.append(
            f"To compare the combinations that there are, make one factor of them: "
            f"samples['group'] = samples['{names[0]}'].astype(str) + '_' + samples['{names[1]}'].astype(str), "
            "design '~ group'; or give a model matrix without the columns of zeros."
        )
    return said


def renumbered(design: Design, inner: str, outer: str) -> str:
    """The way to write individuals within groups."""
    others = [name for name in design.factors if name not in (inner, outer)]
    treatment = others[-1] if others else "treatment"
    return (
        f"number them anew in each '{outer}' (1, 2, 3, … again) and write '~ {outer} + {outer}:{inner} + "
        f"{outer}:{treatment}': this compares levels of '{treatment}' within each '{inner}', for every '{outer}', and "
        f"how these effects differ, though not the levels of '{outer}' themselves"
    )


def terms_to_drop(design: Design) -> list[str]:
    """Terms, contained in no other, without any one of which the matrix is of full rank."""
    found = []
    for t, label in enumerate(design.terms):
        parts = set(label.split(":"))
        if any(parts < set(other.split(":")) for other in design.terms):
            continue
        rest = design.matrix[:, design.term != t]
        if rest.shape[1] and column_rank(rest).rank == rest.shape[1]:
            found.append(label)
    return found


def _nested(design: Design) -> tuple[str, str] | None:
    """A factor of many levels that lies within another of fewer, if these are the trouble."""
    names = [name for name in design.variables if name in design.factors and name in involved(design)]
    for inner, outer in [*combinations(names, 2), *((b, a) for a, b in combinations(names, 2))]:
        groups = design.samples.groupby(inner, observed=True)[outer].nunique()
        if groups.max() == 1 and len(design.factors[inner]) > len(design.factors[outer]):
            return inner, outer
    return None
