"""Contrasts: every way to say a comparison, made one vector over the coefficients.

Love et al. (2014), "Contrasts". What R's results() takes: (factor, numerator, denominator), a pair of lists of
coefficient names, a numeric vector, the name of a coefficient, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.arrays import BoolArray, FloatArray
from foldwise.design import Design
from foldwise.design.formula.names import level_text, make_name, number_text
from foldwise.design.formula.variables import near
from foldwise.errors import ContrastError, listed

ContrastKind = Literal["coefficient", "vector"]
ZeroRule = Literal["none", "levels", "vector"]
FORMS = (
    "Say it as (factor, numerator, denominator), e.g. contrast=('condition', 'treated', 'control'); as a pair of "
    "lists of coefficients, contrast=(['b'], ['a']); as numbers, one a coefficient; or as name='condition_B_vs_A'."
)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One comparison, ready to be computed.

    kind : "coefficient" (the stored columns of one coefficient) or "vector" (computed from all of them).
    vector : (n_coefficients,) what multiplies each coefficient.
    coefficient : the stored coefficient of kind "coefficient".
    sign : -1 where the numerator is the base level: fold change and Wald statistic are negated, nothing else.
    levels : (factor, numerator, denominator) when the comparison was said so.
    zero_rule : what decides that a gene has no counts on either side (its fold change then is 0): "levels", the
        samples of the two levels; "vector", the samples that the vector touches; "none", nothing.
    zero_samples : (n_samples,) those samples.
    description : in R's words, "condition B vs A".
    title : the same with the levels as they are written ("drug-B", where R's words have "drug.B").
    """

    kind: ContrastKind
    vector: FloatArray
    coefficient: str | None
    sign: float
    levels: tuple[str, str, str] | None
    zero_rule: ZeroRule
    zero_samples: BoolArray | None
    description: str
    title: str = ""


def resolve_contrast(
    design: Design,
    contrast: Any = None,
    name: str | None = None,
    *,
    test: str = "Wald",
    list_values: Sequence[float] = (1.0, -1.0),
    compat: bool = False,
) -> Contrast:
    """What a user asked to be compared.

    Parameters
    ----------
    design : the design of the coefficients (the expanded one where there is a prior).
    contrast : (factor, numerator, denominator); (names, names); numbers, one a coefficient (a Series or a dict by
        coefficient name is aligned); or None.
    name : a coefficient, instead of a contrast.
    test : "Wald" or "LRT"; decides what is compared by default.
    list_values : what multiplies the two lists.
    compat : R's answer also where it is a group's mean instead of a fold change (``~ 0 + x + group``), and where both
        ``contrast`` and ``name`` are given: R takes the contrast without a word.

    Raises
    ------
    ContrastError
        If the design cannot answer it; lists what there is. If ``contrast`` and ``name`` say different things.
    """
    if contrast is not None:
        asked = _asked(design, contrast, list_values, compat)
        if name is not None and not compat:
            _check_same(design, asked, name)
        return asked
    if name is not None:
        return _named(design, name)
    return _default(design, test, compat)


def _check_same(design: Design, asked: Contrast, name: Any) -> None:
    if name not in design.names or not np.array_equal(asked.vector, _named(design, name).vector):
        raise ContrastError(
            f"contrast= asks for '{asked.description}' and name= for {name!r}: each names a comparison, so leave one of "
            "them out."
        )


def _default(design: Design, test: str, compat: bool) -> Contrast:
    """The last coefficient; last level against first where coefficients are group means (R's results())."""
    last = design.variables[-1] if design.variables else None
    means = design.kind == "expanded" or (design.kind == "standard" and not design.has_intercept)
    if test == "Wald" and means and not design.has_interactions and last in design.factors:
        levels = design.factors[str(last)]
        return _between_levels(design, str(last), levels[-1], levels[0], compat)
    return _named(design, design.names[-1])


def _asked(design: Design, contrast: Any, list_values: Sequence[float], compat: bool) -> Contrast:
    if isinstance(contrast, pd.Series) and all(isinstance(part, str) for part in contrast):
        contrast = list(contrast)  # a row of a table of contrasts: its index names the columns
    if getattr(contrast, "_fields", ("",))[0] == "Index":
        contrast = contrast[1:]  # and so df.itertuples() gives it
    if isinstance(contrast, Mapping | pd.Series):
        return _numeric(design, _by_name(design, contrast))
    if isinstance(contrast, str):
        hint = f" Did you mean name={contrast!r}?" if contrast in design.names else ""
        raise ContrastError(f"A contrast is not a single text, {contrast!r}.{hint} {FORMS}")
    parts = list(contrast) if isinstance(contrast, list | tuple | np.ndarray | pd.Index) else None
    if parts is None:
        raise ContrastError(f"A contrast cannot be a {type(contrast).__name__}. {FORMS}")
    if len(parts) == 1 and _is_list(parts[0]) and _holds_numbers(parts[0]):
        return _numeric(design, list(parts[0]))  # one row of a matrix of contrasts
    if any(_is_list(part) for part in parts) or not parts:
        return _lists(design, parts, list_values)
    if isinstance(parts[0], str):
        return _three_words(design, parts, compat)
    return _numeric(design, parts)


def _is_list(part: Any) -> bool:
    return isinstance(part, list | tuple | set | np.ndarray | pd.Index)


def _holds_numbers(part: Any) -> bool:
    return len(part) > 0 and all(isinstance(value, Real) for value in part)


# ---------------------------------------------------------------------------------------------- by name
def _named(design: Design, name: str) -> Contrast:
    vector = np.zeros(len(design.names))
    vector[_position(design, name)] = 1.0
    words = name.replace("_", " ")
    return Contrast("coefficient", vector, name, 1.0, None, "none", None, words, _as_written(design, name) or words)


def _as_written(design: Design, name: str) -> str:
    """The comparison behind a coefficient "factor_level_vs_base", with its levels letter by letter."""
    column = design.names.index(name)
    if not name.count("_vs_") or design.levels[column] is None or design.term[column] < 0:
        return ""
    factor = design.terms[design.term[column]].strip("`")
    return f"{factor} {design.levels[column]} vs {design.factors[factor][0]}" if factor in design.factors else ""


def _position(design: Design, name: str) -> int:
    if name not in design.names:
        raise ContrastError(f"'{name}' is no coefficient of this fit.{near(name, design.names)}")
    return design.names.index(name)


# ---------------------------------------------------------------------------------------------- two levels
def _three_words(design: Design, parts: Sequence[Any], compat: bool) -> Contrast:
    if len(parts) != 3:
        raise ContrastError(
            f"'contrast', as text, should have the form (factor name, numerator level, denominator level); "
            f"it has {len(parts)} parts: {listed(parts)}. {FORMS}"
        )
    if design.kind == "user":
        raise ContrastError(
            "only list- and numeric-type contrasts are supported for user-supplied model matrices, whose columns "
            f"belong to no factor. The coefficients are {listed(design.names, 12)}."
        )
    factor = str(parts[0])
    numerator, denominator = (level_text(part) for part in parts[1:])
    _check_levels(design, factor, numerator, denominator)
    return _between_levels(design, factor, numerator, denominator, compat)


def _check_levels(design: Design, factor: str, numerator: str, denominator: str) -> None:
    if factor not in design.factors:
        if factor in design.variables:
            raise ContrastError(
                f"{factor} is not a factor, so it has no levels to compare; its coefficient is the change for one unit "
                f"of it: {listed([name for name in design.names if factor in name], 12) or 'none'} by name=. If its "
                f"values are groups, make it categories: samples['{factor}'].astype(str)."
            )
        if factor in design.samples.columns:
            raise ContrastError(
                f"'{factor}' is a column of the sample table but not in the design '{design.formula}', so the fit "
                f"knows nothing of it.{near(factor, list(design.factors))}"
            )
        raise ContrastError(
            f"{factor} should be the name of a factor in the sample table.{near(factor, list(design.factors))}"
        )
    if numerator == denominator:
        raise ContrastError(f"{numerator} and {denominator} should be different level names.")
    for level in (numerator, denominator):
        if level not in design.factors[factor]:
            base = design.factors[factor][0]
            raise ContrastError(
                f"'{level}' is no level of '{factor}' (as {base} is the reference level, was expecting "
                f"{make_name(f'{factor}_{level}_vs_{base}')} to be a coefficient).{near(level, design.factors[factor])}"
            )


def _between_levels(design: Design, factor: str, numerator: str, denominator: str, compat: bool) -> Contrast:
    """Stored columns where the base level has none; else numbers at the columns of the two levels.

    Without an intercept R takes the stored column also where a factor behind the first variable is coded by all its
    levels (``~ 0 + x + group``), and so reports a group's mean as a fold change; here, unless ``compat``, it is the
    difference.
    """
    base = design.factors[factor][0]
    columns = level_columns(design, factor)
    said = (factor, numerator, denominator)
    words = f"{factor} {numerator} vs {denominator}"
    like_r = compat and not design.has_intercept and design.kind != "expanded" and design.variables[0] != factor
    if (base not in columns or like_r) and base in (numerator, denominator):
        other = denominator if numerator == base else numerator
        sign = -1.0 if numerator == base else 1.0
        position = _column_of(design, columns, factor, other)
        vector = np.zeros(len(design.names))
        vector[position] = sign
        touched = design.samples[factor].astype(str).isin([numerator, denominator]).to_numpy(dtype=bool)
        return Contrast("coefficient", vector, design.names[position], sign, said, "levels", touched, words, words)
    vector = np.zeros(len(design.names))
    vector[_column_of(design, columns, factor, numerator)] += 1.0
    vector[_column_of(design, columns, factor, denominator)] -= 1.0
    return _vector(design, vector, said, words)


def level_columns(design: Design, factor: str) -> dict[str, int]:
    """The column of each level of a factor's main effect."""
    return {
        level: column
        for column, level in enumerate(design.levels)
        if level is not None and design.term[column] >= 0 and design.terms[design.term[column]].strip("`") == factor
    }


def _column_of(design: Design, columns: Mapping[str, int], factor: str, level: str) -> int:
    if level in columns:
        return columns[level]
    base = design.factors[factor][0]
    raise ContrastError(
        f"The design '{design.formula}' has no coefficient for '{factor}' being '{level}' beside other terms (as "
        f"{base} is the reference level, was expecting {make_name(f'{factor}_{level}_vs_{base}')} to be one). "
        f"The coefficients are {listed(design.names, 12)}: combine them as a pair of lists or a numeric vector."
    )


# ---------------------------------------------------------------------------------------------- lists and numbers
def _lists(design: Design, parts: Sequence[Any], list_values: Sequence[float]) -> Contrast:
    if not 1 <= len(parts) <= 2:
        raise ContrastError(
            f"A contrast of lists has two, what is added and what is taken away; this one has {len(parts)}. {FORMS}"
        )
    parts = [[] if part is None else part for part in parts]
    plus, minus = ([*map(str, part)] if _is_list(part) else [str(part)] for part in [*parts, []][:2])
    if not plus and not minus:
        raise ContrastError(f"Both lists of the contrast are empty. The coefficients are {listed(design.names, 12)}.")
    for name in [*plus, *minus]:
        if name not in design.names:
            raise ContrastError(
                f"all elements of the contrast as a pair of lists should be coefficients: '{name}' is none."
                f"{near(name, design.names)}"
            )
    if both := sorted(set(plus) & set(minus)):
        raise ContrastError(
            "elements in the contrast list should only appear in the numerator (first list) or the denominator "
            f"(second list), but not both: {listed(both)}."
        )
    add, take = _checked_values(list_values)
    vector = np.zeros(len(design.names))
    vector[[design.names.index(name) for name in plus]] = add
    vector[[design.names.index(name) for name in minus]] = take
    return _vector(design, vector, None, _list_words(plus, minus, add, take))


def _checked_values(list_values: Sequence[float]) -> tuple[float, float]:
    values = [float(value) for value in list_values]
    if len(values) != 2 or not (values[0] > 0 > values[1]) or not np.isfinite(values).all():
        raise ContrastError(
            f"list_values is a positive and a negative number, for the first and the second list (listValues[1] > 0 & "
            f"listValues[2] < 0), such as (1, -1) or (0.5, -0.5); it is ({', '.join(number_text(value) for value in values)})."
        )
    return values[0], values[1]


def _list_words(plus: Sequence[str], minus: Sequence[str], add: float, take: float) -> str:
    """R's words; it rounds the numbers to three places."""
    upper = ("" if add == 1 else f"{number_text(round(add, 3))} ") + "+".join(plus)
    lower = ("" if take == -1 else f"{number_text(round(-take, 3))} ") + "+".join(minus)
    if not plus:
        return f"{number_text(round(take, 3))} {'+'.join(minus)} effect"
    return f"{upper} vs {lower}" if minus else f"{upper} effect"


def _by_name(design: Design, contrast: Any) -> list[float]:
    weights = pd.Series(contrast)
    if isinstance(weights.index, pd.RangeIndex):
        return list(weights)
    if not weights.index.is_unique:
        raise ContrastError(f"The contrast names {listed(weights.index[weights.index.duplicated()])} twice.")
    for name in weights.index:
        _position(design, str(name))
    return [float(weights.get(name, 0.0)) for name in design.names]


def _numeric(design: Design, parts: Sequence[Any]) -> Contrast:
    try:
        vector = np.array([float(part) for part in parts])
    except (TypeError, ValueError) as error:
        raise ContrastError(f"The contrast holds something that is no number: {error}. {FORMS}") from error
    if len(vector) != len(design.names):
        raise ContrastError(
            f"numeric contrast vector should have one element for every coefficient: it has {len(vector)}, the "
            f"coefficients are {len(design.names)}: {listed(design.names, 12)}."
        )
    if not np.isfinite(vector).all():
        raise ContrastError(f"numeric contrast vector cannot hold missing or infinite values: {vector.tolist()}.")
    if not vector.any():
        raise ContrastError("numeric contrast vector cannot have all elements equal to 0: that compares nothing.")
    words = ",".join(("+" if value > 0 else "") + number_text(value) for value in vector)
    return _vector(design, vector, None, words)


def _vector(design: Design, vector: FloatArray, said: tuple[str, str, str] | None, words: str) -> Contrast:
    """The numeric route; genes without counts in the samples that it touches have no fold change."""
    if (vector >= 0).all() or (vector <= 0).all():
        return Contrast("vector", vector, None, 1.0, said, "none", None, words, words)
    touched = design.matrix @ (vector != 0).astype(np.float64) != 0
    return Contrast("vector", vector, None, 1.0, said, "vector", touched, words, words)


def list_contrasts(design: Design) -> pd.DataFrame:
    """Every comparison that the design answers by one call, in words.

    Returns
    -------
    DataFrame
        ``question``, in words; ``call``, what to type after ``fit.``; ``contrast``, what that asks for: (factor,
        numerator, denominator), a pair of lists of coefficients, or the name of one; ``description``, R's words. Printed
        are the questions and calls. A row for each pair of levels of each factor (with interactions: at the base and at each other level of the factors that
        it meets), each numeric covariate and each interaction coefficient.
    """
    from foldwise.design.comparisons import comparisons

    return comparisons(design)
