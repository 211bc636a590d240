"""The functions that a formula may use, and how R computes them.

Nothing else can be called: a formula is data, not code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from foldwise.design.formula.names import level_text, number_text
from foldwise.design.formula.variables import Factor, Logical, Numeric, Variable, factor_of_text, near
from foldwise.errors import DesignError

Value = Variable | float | str | bool | tuple[Any, ...]
WAY_OUT = "For anything else make a column of the sample table, or give a model matrix of your own as design."


def numbers(value: Value, call: str) -> Any:
    """The numbers of a value: an array by sample, or a single one."""
    match value:
        case Numeric(values, suffixes) if not suffixes:
            return values
        case Logical(values):
            return values.astype(np.float64)
        case bool() | int() | float():
            return float(value)
    what = "a factor" if isinstance(value, Factor) else "no number"
    raise DesignError(f"'{call}' needs numbers, but was given {what}. {WAY_OUT}")


def truths(value: Value, call: str) -> Any:
    if isinstance(value, Logical):
        return value.values
    known = np.asarray(numbers(value, call))
    return known != 0


def as_factor(value: Value) -> Factor:
    """R's factor(): numbers sort as numbers, text as text; levels without samples go."""
    match value:
        case Factor():
            return value.used()
        case Logical(values):
            return Factor(("FALSE", "TRUE"), values.astype(np.int64)).used()
        case Numeric(values, suffixes) if not suffixes:
            distinct, codes = np.unique(values, return_inverse=True)
            labels = [number_text(number) for number in distinct]
            levels = tuple(dict.fromkeys(labels))
            return Factor(levels, np.array([levels.index(labels[code]) for code in codes], dtype=np.int64))
    raise DesignError(f"factor() needs a column of the sample table. {WAY_OUT}")


def factor(x: Value, levels: Value | None = None, labels: Value | None = None, ordered: Value = False) -> Factor:
    made = as_factor(x)
    if levels is not None:
        wanted = tuple(level_text(level) for level in _several(levels))
        lost = sorted(set(made.levels) - set(wanted))
        if lost:
            raise DesignError(f"factor(levels = …) leaves samples without a level: '{lost[0]}' is not among {wanted}.")
        made = Factor(wanted, np.array([wanted.index(label) for label in made.labels()], dtype=np.int64))
    if labels is not None:
        names = tuple(level_text(label) for label in _several(labels))
        if len(names) != len(made.levels):
            raise DesignError(f"factor(labels = …) gives {len(names)} labels for {len(made.levels)} levels.")
        distinct = tuple(dict.fromkeys(names))
        made = Factor(distinct, np.array([distinct.index(names[code]) for code in made.codes], dtype=np.int64))
    return Factor(made.levels, made.codes, bool(ordered))


def relevel(x: Value, ref: Value) -> Factor:
    made = x if isinstance(x, Factor) else as_factor(x)
    if isinstance(ref, float) and ref == int(ref) and 1 <= ref <= len(made.levels) and not isinstance(ref, bool):
        return made.with_base(made.levels[int(ref) - 1])
    if level_text(ref) not in made.levels:
        raise DesignError(f"relevel(): '{ref}' is not an existing level.{near(ref, made.levels)}")
    return made.with_base(level_text(ref))


def as_numeric(x: Value) -> Numeric:
    if not isinstance(x, Factor):
        return Numeric(np.asarray(numbers(x, "as.numeric()"), dtype=np.float64))
    if all(_reads_as_number(level) for level in x.levels):
        raise DesignError(
            "as.numeric() of a factor gives the positions of its levels (1, 2, 3, …) in R, not the numbers written "
            "in them. Make the column numeric in the sample table: pd.to_numeric(samples[column])."
        )
    return Numeric((x.codes + 1).astype(np.float64))


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def scale(x: Value, center: Value = True, scale: Value = True) -> Numeric:
    values = numbers(x, "scale()")
    n = len(values)
    if center is not False:
        values = values - (math.fsum(values) / n if center is True else numbers(center, "scale(center =)"))
    if scale is not False:
        values = values / (
            math.sqrt(math.fsum(values**2) / max(1, n - 1)) if scale is True else numbers(scale, "scale(scale =)")
        )
    return Numeric(values)


def poly(x: Value, degree: Value = 1.0, raw: Value = False) -> Numeric:
    """Orthogonal polynomials: monic, then scaled to unit length; or plain powers.

    With R's bits: samples with the same number are replicates where their rows agree to 15 digits, as R prints them,
    and the last bits decide whether they do.
    """
    values, power = numbers(x, "poly()"), int(numbers(degree, "poly()"))
    if power < 1 or power >= len(np.unique(values)):
        raise DesignError(f"poly(): 'degree' must be less than number of unique points, and at least 1; it is {power}.")
    suffixes = tuple(str(i) for i in range(1, power + 1))
    if raw:
        return Numeric(np.stack([values**i for i in range(1, power + 1)], axis=1), suffixes)
    from foldwise.optimise.extended_sum import extended_sum
    from foldwise.optimise.linpack import orthogonal_columns

    mean = float(sum(map(Fraction, values.tolist())) / len(values))  # rounded once, as R's nearly always is
    centred = (values - mean).tolist()
    powers = [[1.0, v, v * v, *(math.pow(v, i) for i in range(3, power + 1))][: power + 1] for v in centred]
    columns = orthogonal_columns(np.array(powers))[:, 1:]
    return Numeric(columns / np.sqrt([extended_sum(column * column) for column in columns.T]), suffixes)


def ifelse(test: Value, yes: Value, no: Value) -> Variable:
    condition = truths(test, "ifelse()")
    if isinstance(yes, str) or isinstance(no, str):
        return factor_of_text([level_text(yes if one else no) for one in condition])
    return Numeric(np.where(condition, numbers(yes, "ifelse()"), numbers(no, "ifelse()")).astype(np.float64))


def cut(
    x: Value,
    breaks: Value,
    labels: Value | None = None,
    right: Value = True,
    ordered_result: Value = False,
    **include: Value,
) -> Factor:
    """Intervals; with a single number, that many of equal width over the range widened by a thousandth."""
    values = numbers(x, "cut()")
    lowest = bool(include.pop("include.lowest", False))
    if include:
        raise DesignError(f"cut() has no argument '{next(iter(include))}' here.")
    edges = _edges(values, breaks)
    codes = np.searchsorted(edges, values, side="left" if right else "right") - 1
    if lowest:
        codes[values == (edges[0] if right else edges[-1])] = 0 if right else len(edges) - 2
    if ((codes < 0) | (codes > len(edges) - 2)).any():
        raise DesignError("cut(): some samples lie outside all intervals; widen 'breaks' or set include.lowest = TRUE.")
    names = _interval_names(edges, bool(right), lowest)
    if labels is False:
        raise DesignError("cut(labels = FALSE) gives numbers; make such a column in the sample table.")
    if labels is not None:
        names = tuple(level_text(label) for label in _several(labels))
    if len(names) != len(edges) - 1:
        raise DesignError(f"cut(): {len(names)} labels for {len(edges) - 1} intervals.")
    return Factor(names, codes.astype(np.int64), bool(ordered_result))


def _edges(values: Any, breaks: Value) -> Any:
    if isinstance(breaks, tuple):
        return np.sort(np.array(breaks, dtype=np.float64))
    count = int(numbers(breaks, "cut()"))
    low, high = values.min(), values.max()
    if count < 2 or low == high:
        raise DesignError("cut(): give at least 2 intervals, and a covariate that varies.")
    edges = np.linspace(low, high, count + 1)
    widen = (high - low) / 1000
    edges[0], edges[-1] = low - widen, high + widen
    return edges


def _interval_names(edges: Any, right: bool, lowest: bool) -> tuple[str, ...]:
    for digits in range(3, 17):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(texts):
            break
    left_mark, right_mark = ("(", "]") if right else ("[", ")")
    names = [f"{left_mark}{a},{b}{right_mark}" for a, b in zip(texts[:-1], texts[1:], strict=True)]
    if lowest and right:
        names[0] = "[" + names[0][1:]
    elif lowest:
        names[-1] = names[-1][:-1] + "]"
    return tuple(names)


def interaction(first: Value, *others: Value, **options: Value) -> Factor:
    """All combinations of levels, the first varying fastest."""
    separator = str(options.pop("sep", "."))
    drop = bool(options.pop("drop", False))
    if options:
        raise DesignError(f"interaction() has no argument '{next(iter(options))}' here.")
    made = [one if isinstance(one, Factor) else as_factor(one) for one in (first, *others)]
    levels, codes = list(made[0].levels), made[0].codes
    for one in made[1:]:
        codes = codes + len(levels) * one.codes
        levels = [f"{a}{separator}{b}" for b in one.levels for a in levels]
    joined = Factor(tuple(levels), codes)
    return joined.used() if drop else joined


def _several(value: Value) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def log(x: Value, base: Value = math.e) -> Numeric:
    to = numbers(base, "log()")
    values = np.asarray(numbers(x, "log()"), dtype=np.float64)
    if to == math.e:
        return Numeric(np.log(values))
    return Numeric({2.0: np.log2, 10.0: np.log10}.get(to, lambda v: np.log(v) / math.log(to))(values))


def _elementwise(name: str, function: Callable[[Any], Any]) -> Callable[[Value], Numeric]:
    return lambda x: Numeric(np.asarray(function(numbers(x, f"{name}()")), dtype=np.float64))


def _extreme(name: str, function: Callable[[Any, Any], Any]) -> Callable[..., Numeric]:
    def extreme(first: Value, *others: Value) -> Numeric:
        found = numbers(first, f"{name}()")
        for value in others:
            found = function(found, numbers(value, f"{name}()"))
        return Numeric(np.asarray(found, dtype=np.float64))

    return extreme


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "I": lambda x: x,
    "log": log,
    **{
        name: _elementwise(name, function)
        for name, function in {
            "log2": np.log2,
            "log10": np.log10,
            "log1p": np.log1p,
            "exp": np.exp,
            "sqrt": np.sqrt,
            "abs": np.abs,
        }.items()
    },
    "factor": factor,
    "as.factor": lambda x: x if isinstance(x, Factor) else as_factor(x),
    "relevel": relevel,
    "as.numeric": as_numeric,
    "scale": scale,
    "poly": poly,
    "pmin": _extreme("pmin", np.minimum),
    "pmax": _extreme("pmax", np.maximum),
    "ifelse": ifelse,
    "cut": cut,
    "interaction": interaction,
    "c": lambda *values: values,
}
PACKAGES = ("base::", "stats::")  # R's names of these functions with their package
