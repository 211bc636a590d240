"""From terms and variables to the model matrix: R's rule for coding factors, its column order and its names.

A factor F in a term T is coded by contrasts if T without F is nothing, or lies within a term before T; else by an
indicator for every level. Without an intercept the first factor of the first term that has one gets all its levels.
(Chambers & Hastie, Statistical Models in S, chapter 2; ?model.matrix in R.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.design.formula.syntax import deparse
from foldwise.design.formula.terms import Terms, members
from foldwise.design.formula.variables import Factor, Logical, Numeric, Variable
from foldwise.errors import DesignError


@dataclass(frozen=True, slots=True)
class ModelMatrix:
    """What R's model.matrix gives.

    values : (n_samples, n_columns).
    names : R's name of each column, ``"(Intercept)"``, ``"conditionB"``, ``"a2:b2"``.
    term : (n_columns,) the term that each column belongs to, from 0; -1 for the intercept.
    levels : for a column that is one level of one factor, that level; else None.
    """

    values: FloatArray
    names: tuple[str, ...]
    term: IntArray
    levels: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    values: FloatArray
    names: tuple[str, ...]
    levels: tuple[str | None, ...]


def model_matrix(
    terms: Terms, variables: Sequence[Variable], n_samples: int, *, every_level: Sequence[int] = ()
) -> ModelMatrix:
    """The model matrix of a formula.

    Parameters
    ----------
    terms : what the formula says.
    variables : the value of each variable of the formula.
    every_level : variables coded by an indicator for every level although there is an intercept: the expanded
        matrices that a prior on fold changes goes with. The result then is not of full rank.
    """
    coded = [_as_coded(variable, deparse(terms.variables[i])) for i, variable in enumerate(variables)]
    blocks: list[tuple[int, _Columns]] = []
    if terms.intercept:
        blocks.append((-1, _Columns(np.ones((n_samples, 1)), ("(Intercept)",), (None,))))
    full = _coded_in_full(terms, coded)
    for t, term in enumerate(terms.terms):
        parts = [
            _main_effect(coded[i], deparse(terms.variables[i]), (t, i) in full or i in every_level)
            for i in members(term)
        ]
        blocks.append((t, _product(parts)))
    if not blocks:
        raise DesignError(f"The design '{terms.text}' has no columns at all. A design without covariates is '~ 1'.")
    return ModelMatrix(
        np.ascontiguousarray(np.concatenate([block.values for _, block in blocks], axis=1)),
        tuple(name for _, block in blocks for name in block.names),
        np.array([t for t, block in blocks for _ in block.names], dtype=np.int64),
        tuple(level for _, block in blocks for level in block.levels),
    )


def _as_coded(variable: Variable, name: str) -> Numeric | Factor:
    if isinstance(variable, Logical):
        return Factor(("FALSE", "TRUE"), variable.values.astype(np.int64))
    if isinstance(variable, Factor) and len(variable.levels) < 2:
        raise DesignError(
            f"contrasts can be applied only to factors with 2 or more levels: '{name}' is "
            f"'{variable.levels[0] if variable.levels else ''}' in every sample, so nothing can be said about it. "
            "Leave it out of the design, or add samples of another level."
        )
    return variable


def _coded_in_full(terms: Terms, variables: Sequence[Numeric | Factor]) -> set[tuple[int, int]]:
    """The (term, factor) pairs that get an indicator for every level."""
    full: set[tuple[int, int]] = set()
    for t, term in enumerate(terms.terms):
        for i in members(term):
            margin = term & ~(1 << i)
            within_earlier = any(margin & ~earlier == 0 for earlier in terms.terms[:t])
            if isinstance(variables[i], Factor) and margin and not within_earlier:
                full.add((t, i))
    if not terms.intercept:
        for t, term in enumerate(terms.terms):
            factors = [i for i in members(term) if isinstance(variables[i], Factor)]
            if factors:
                full.add((t, factors[0]))
                break
    return full


def _main_effect(variable: Numeric | Factor, name: str, every_level: bool) -> _Columns:
    if isinstance(variable, Numeric):
        several = len(variable.suffixes) > 1
        names = tuple(name + suffix for suffix in variable.suffixes) if several else (name,)
        return _Columns(variable.values.reshape(-1, len(names)), names, (None,) * len(names))
    coding = np.eye(len(variable.levels))
    if variable.ordered and not every_level:
        polynomial = _polynomial_contrasts(len(variable.levels))
        marks = [".L", ".Q", ".C", *(f"^{i}" for i in range(4, len(variable.levels)))][: polynomial.shape[1]]
        return _Columns(polynomial[variable.codes], tuple(name + mark for mark in marks), (None,) * len(marks))
    first = 0 if every_level else 1
    levels = variable.levels[first:]
    return _Columns(coding[variable.codes][:, first:], tuple(name + level for level in levels), levels)


def _polynomial_contrasts(n_levels: int) -> FloatArray:
    scores = np.arange(1.0, n_levels + 1) - (n_levels + 1) / 2
    q, r = np.linalg.qr(np.stack([scores**i for i in range(n_levels)], axis=1))
    contrasts: FloatArray = (q * np.sign(np.diag(r)))[:, 1:]
    return contrasts


def _product(parts: Sequence[_Columns]) -> _Columns:
    """Products of columns, the first variable varying fastest."""
    made = parts[0]
    for part in parts[1:]:
        values = np.einsum("mb,ma->mba", part.values, made.values).reshape(len(made.values), -1)
        names = tuple(f"{a}:{b}" for b in part.names for a in made.names)
        made = _Columns(values, names, (None,) * len(names))
    return made
