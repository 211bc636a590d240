"""Designs: from a formula, or a model matrix of the user's own, to the matrix that the model is fitted with.

Love et al. (2014), "Model and normalization". Coding and names are those of R's model.matrix and of DESeq2's
resultsNames: ``condition_B_vs_A`` for a main effect beside an intercept, ``a2.b2`` for an interaction.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray, IntArray
from foldwise.design.formula.alike import taken_as_different
from foldwise.design.formula.columns import ModelMatrix, model_matrix
from foldwise.design.formula.confounding import why_not_full_rank
from foldwise.design.formula.covariates import read_covariates, unused_references
from foldwise.design.formula.evaluate import CONSTANTS, evaluate_variable
from foldwise.design.formula.names import coefficient_name, collisions, make_name
from foldwise.design.formula.own_matrix import read_matrix
from foldwise.design.formula.rank import column_rank
from foldwise.design.formula.scale import badly_scaled
from foldwise.design.formula.syntax import Name
from foldwise.design.formula.terms import Terms, members, read_formula
from foldwise.design.formula.variables import Factor, Variable, read_variable
from foldwise.errors import DesignError, FoldwiseWarning, listed
from foldwise.warn import warn

DesignKind = Literal["standard", "expanded", "user"]
CELL_DIGITS = 15  # two samples are in one cell when their rows read the same with so many digits, as in R

log = logging.getLogger("foldwise")


@dataclass(frozen=True, slots=True)
class Design:
    """A model matrix, and what its columns mean.

    matrix : (n_samples, n_coefficients), C order.
    names : R's resultsNames.
    model_matrix_names : R's model.matrix names.
    kind : "standard" (treatment contrasts), "expanded" (an indicator for every level; needs a prior), "user".
    formula : as R writes it; None for a user's matrix.
    variables : columns of the sample table in the formula, in order of appearance.
    factors : of these, the factors: their levels, base level first.
    has_intercept, has_interactions : what R's terms() says of the formula.
    cells : (n_samples,) samples with equal rows have equal numbers, from 0 in order of appearance.
    table : the sample table, the factors of the design as categories in the order of their levels.
    terms : labels of the formula's terms, ``"a:b"``.
    term : (n_coefficients,) the term of each column, from 0; -1 for the intercept and columns of a user's matrix.
    levels : for each column that is one level of one factor of the table beside no other variable: that level.
    notes : what a user may want to know about how the table was read.
    """

    matrix: FloatArray
    names: tuple[str, ...]
    model_matrix_names: tuple[str, ...]
    kind: DesignKind
    formula: str | None
    variables: tuple[str, ...]
    factors: Mapping[str, tuple[str, ...]]
    has_intercept: bool
    has_interactions: bool
    cells: IntArray
    table: pd.DataFrame
    terms: tuple[str, ...] = ()
    term: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    levels: tuple[str | None, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def samples(self) -> pd.DataFrame:
        """The sample table (a copy: contrasts rest on the one inside)."""
        return self.table.copy()

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The names without any ``_vs_``, as R has them where the coefficients come from glmGamPoi."""
        return tuple(coefficient_name(name) for name in self.model_matrix_names)

    @property
    def frame(self) -> pd.DataFrame:
        """The matrix with its labels: samples x coefficients (a copy)."""
        return pd.DataFrame(self.matrix.copy(), index=self.table.index, columns=list(self.names))


def build_design(
    formula_or_matrix: str | pd.DataFrame | Any,
    samples: pd.DataFrame,
    *,
    reference: Mapping[str, Any] | None = None,
    expanded: bool = False,
    advise: bool = True,
) -> Design:
    """The design of an analysis, checked: it can be fitted.

    Parameters
    ----------
    formula_or_matrix : a formula in R's language, ``"~ batch + condition"``, or a model matrix
        (samples x coefficients; a DataFrame is aligned by sample names).
    samples : the sample table, one row a sample.
    reference : base levels, ``{"condition": "control"}``; by default the first category, or the first in sorted order.
    expanded : an indicator for every level of every factor, for fits with a prior on fold changes.
    advise : warn of covariates on a bad scale and of levels that read the same, and log how the table was read; off
        for a design that repeats another.

    Raises
    ------
    DesignError
        If the formula cannot be read, names an absent column, or makes a matrix that is not of full rank or has as
        many columns as there are samples.
    SamplesError
        If a covariate has missing or infinite values.
    """
    design = assemble_design(formula_or_matrix, samples, reference=reference, expanded=expanded)
    if not expanded:
        check_estimable(design)
    for note in design.notes if advise else ():
        log.info(note)
    scale = badly_scaled(design.matrix, design.model_matrix_names, design.term, design.terms)
    unused = unused_references(reference, design.variables)
    said = " ".join(filter(None, [*scale, taken_as_different(design.factors), unused]))
    if said and advise and not expanded:
        warn(said)
    return design


def assemble_design(
    formula_or_matrix: str | pd.DataFrame | Any,
    samples: pd.DataFrame,
    *,
    reference: Mapping[str, Any] | None = None,
    expanded: bool = False,
) -> Design:
    """A design that may not be of full rank: what :func:`build_design` checks and ``diagnose`` explains."""
    if isinstance(formula_or_matrix, str):
        return _from_formula(formula_or_matrix, samples, reference or {}, expanded)
    if reference or expanded:
        raise DesignError(
            "A model matrix of your own fixes base levels and coding itself: 'reference' and an expanded matrix "
            "(beta_prior) go with a formula only."
        )
    return _from_matrix(formula_or_matrix, samples)


@checked
def design_matrix(formula: str, samples: pd.DataFrame) -> pd.DataFrame:
    """R's ``model.matrix``: any formula, full rank or not, with R's column names and order.

    Ordered categories get polynomial contrasts here, as in R; a fit takes them as plain factors.

    Parameters
    ----------
    formula : ``"~ genotype * treatment"``.
    samples : the sample table.

    Returns
    -------
    DataFrame
        samples x columns.

    Examples
    --------
    >>> design_matrix("~ condition", pd.DataFrame({"condition": ["a", "b"]}, index=["s1", "s2"]))
        (Intercept)  conditionb
    s1          1.0         0.0
    s2          1.0         1.0
    """
    terms = read_formula(formula, list(samples.columns))
    columns = {name: read_variable(samples, name) for name in _table_columns(terms, samples)}
    made = _matrix_of(terms, columns, samples, ())
    return pd.DataFrame(made.values, index=samples.index, columns=list(made.names))


# ---------------------------------------------------------------------------------------------- from a formula
def _table_columns(terms: Terms, samples: pd.DataFrame) -> list[str]:
    """The columns that a formula names; T, F and pi are R's unless the table has columns of these names."""
    return [name for name in terms.columns if name in samples.columns or name not in CONSTANTS]


def _matrix_of(
    terms: Terms, columns: Mapping[str, Variable], samples: pd.DataFrame, full: Sequence[int]
) -> ModelMatrix:
    values = [evaluate_variable(variable, columns, samples.index) for variable in terms.variables]
    return model_matrix(terms, values, len(samples), every_level=full)


def _expanded_matrix(
    terms: Terms, columns: Mapping[str, Variable], samples: pd.DataFrame, full: Sequence[int]
) -> ModelMatrix:
    """As R makes it: it puts the last sample into the table a second time while it makes the columns.

    Only functions that look at all samples, ``poly()`` and ``scale()``, can tell.
    """
    again = np.append(np.arange(len(samples)), len(samples) - 1)
    more = {name: variable.of_samples(again) for name, variable in columns.items()}
    made = _matrix_of(terms, more, samples.iloc[again], full)
    return replace(made, values=np.ascontiguousarray(made.values[:-1]))


def _from_formula(formula: str, samples: pd.DataFrame, reference: Mapping[str, Any], expanded: bool) -> Design:
    terms = read_formula(formula, list(samples.columns))
    names = _table_columns(terms, samples)
    columns, notes = read_covariates(samples, names, reference)
    factors = {name: variable for name, variable in columns.items() if isinstance(variable, Factor)}
    interactions = any(term.bit_count() > 1 for term in terms.terms)
    if expanded:
        _check_expandable(terms, interactions)
    plain = {i: variable.text for i, variable in enumerate(terms.variables) if isinstance(variable, Name)}
    full = [i for i, name in plain.items() if expanded and name in factors]
    made = _expanded_matrix(terms, columns, samples, full) if expanded else _matrix_of(terms, columns, samples, ())
    of = [_only_variable(terms, t, plain) for t in made.term]
    levels = tuple(level if name in factors else None for name, level in zip(of, made.levels, strict=True))
    return Design(
        matrix=made.values,
        names=_results_names(made, of, factors, terms.intercept and not expanded),
        model_matrix_names=made.names,
        kind="expanded" if expanded else "standard",
        formula=terms.text,
        variables=tuple(names),
        factors={name: factor.levels for name, factor in factors.items()},
        has_intercept=terms.intercept,
        has_interactions=interactions,
        cells=cells_of(made.values),
        table=_with_categories(samples, factors),
        terms=terms.labels,
        term=made.term,
        levels=levels,
        notes=tuple(notes),
    )


def _check_expandable(terms: Terms, interactions: bool) -> None:
    if not terms.intercept:
        raise DesignError(
            "betaPrior=TRUE can only be used if the design has an intercept. If specifying + 0 in the design formula, "
            "use beta_prior=False."
        )
    if interactions:
        raise DesignError("betaPrior=FALSE should be used for designs with interactions: set beta_prior=False.")


def _only_variable(terms: Terms, term: int, plain: Mapping[int, str]) -> str:
    """The column of the table that a term consists of; "" for calls, interactions and the intercept."""
    variables = members(terms.terms[term]) if term >= 0 else []
    return plain.get(variables[0], "") if len(variables) == 1 else ""


def _results_names(
    made: ModelMatrix, of: Sequence[str], factors: Mapping[str, Factor], versus: bool
) -> tuple[str, ...]:
    """R's resultsNames: syntactic names, and ``factor_level_vs_base`` for main effects beside an intercept."""
    names = []
    for name, variable, level in zip(made.names, of, made.levels, strict=True):
        if variable in factors and level is not None:
            names.append(
                make_name(f"{variable}_{level}_vs_{factors[variable].levels[0]}" if versus else variable + level)
            )
        else:
            names.append(coefficient_name(name.replace("`", "")))
    return _distinct(names, made.names)


def _distinct(names: Sequence[str], originals: Sequence[str]) -> tuple[str, ...]:
    if same := collisions(names, originals):
        name, columns = next(iter(same.items()))
        raise DesignError(
            f"The columns {listed(columns)} of the design would all be called '{name}' among the coefficients. "
            "Rename the levels or columns so that they differ in more than signs other than letters and digits."
        )
    return tuple(names)


def _with_categories(samples: pd.DataFrame, factors: Mapping[str, Factor]) -> pd.DataFrame:
    made = samples.copy(deep=False)
    for name, factor in factors.items():
        made[name] = pd.Categorical(factor.labels(), categories=list(factor.levels))
    return made


# ---------------------------------------------------------------------------------------------- from a matrix
def _from_matrix(matrix: Any, samples: pd.DataFrame) -> Design:
    values, original = read_matrix(matrix, samples)
    return Design(
        matrix=values,
        names=_distinct([coefficient_name(name) for name in original], original),
        model_matrix_names=original,
        kind="user",
        formula=None,
        variables=(),
        factors={},
        has_intercept=bool((values == 1).all(axis=0).any()),
        has_interactions=False,
        cells=cells_of(values),
        table=samples.copy(),
        term=np.full(values.shape[1], -1, dtype=np.int64),
        levels=(None,) * values.shape[1],
    )


# ---------------------------------------------------------------------------------------------- checks
def cells_of(matrix: FloatArray) -> IntArray:
    """(n_samples,) which samples have equal rows, numbered from 0 in order of appearance."""
    rows = [" ".join(f"{value:.{CELL_DIGITS}g}" for value in row + 0.0) for row in matrix]
    seen = {row: i for i, row in enumerate(dict.fromkeys(rows))}
    return np.array([seen[row] for row in rows], dtype=np.int64)


def check_estimable(design: Design) -> None:
    """Refuse a design that R refuses: not of full rank, or with no residual degrees of freedom.

    Raises
    ------
    DesignError
        Which columns and covariates are confounded, which combinations no sample has, what could be dropped.
    """
    n_samples, n_columns = design.matrix.shape
    if column_rank(design.matrix).rank < n_columns:
        raise DesignError(why_not_full_rank(design))
    if n_samples == n_columns:
        raise DesignError(
            f"The design matrix has the same number of samples and coefficients to fit ({n_samples}), so estimation of "
            "dispersion is not possible. Treating samples as replicates is not supported: at least one group needs a "
            "replicate. Drop a covariate from the design, or add samples."
        )


def check_nested(full: Design, reduced: Design) -> None:
    """Refuse a reduced design that does not lie within the full one (likelihood ratio test).

    Raises
    ------
    DesignError
        With R's reasons: other variables, no fewer columns; for matrices also columns outside the full design.
    """
    if (full.kind == "user") != (reduced.kind == "user"):
        raise DesignError("if one of 'full' and 'reduced' is a matrix, the other must be also a matrix.")
    beyond = [name for name in reduced.variables if name not in full.variables]
    if beyond:
        raise DesignError(
            f"the following variables in the reduced formula not in the full formula: {', '.join(beyond)}. "
            f"The full design is '{full.formula}': the reduced one leaves out what is to be tested and adds nothing."
        )
    if full.matrix.shape[1] <= reduced.matrix.shape[1]:
        raise DesignError(
            "less than one degree of freedom, perhaps full and reduced models are not in the correct order: the full "
            f"design has {full.matrix.shape[1]} coefficients, the reduced one {reduced.matrix.shape[1]}."
        )
    outside = _outside(full, reduced)
    if outside and full.kind == "user":
        raise DesignError(
            f"The reduced design is not nested in the full one: {listed(outside)} cannot be made from the columns of "
            "the full matrix. A likelihood ratio test needs nested designs."
        )
    if outside:
        warnings.warn(
            f"The reduced design '{reduced.formula}' is not nested in '{full.formula}': {listed(outside)} cannot be "
            "made from the columns of the full design. R computes such a test, but its p-values mean nothing.",
            FoldwiseWarning,
            stacklevel=2,
        )


def _outside(full: Design, reduced: Design) -> list[str]:
    n_full = full.matrix.shape[1]
    found = column_rank(np.concatenate([full.matrix, reduced.matrix], axis=1)).kept
    return [reduced.model_matrix_names[column - n_full] for column in found if column >= n_full]
