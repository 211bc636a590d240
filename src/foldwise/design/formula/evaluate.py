"""What a variable of a formula is worth in each sample: columns looked up, whitelisted functions applied."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from foldwise.design.formula.functions import FUNCTIONS, PACKAGES, WAY_OUT, Value, numbers, truths
from foldwise.design.formula.names import level_text
from foldwise.design.formula.syntax import (
    Binary,
    Call,
    Expression,
    Name,
    Number,
    Parenthesis,
    Text,
    Truth,
    Unary,
    deparse,
)
from foldwise.design.formula.variables import Factor, Logical, Numeric, Variable
from foldwise.errors import DesignError, FoldwiseError, SamplesError, listed

CONSTANTS = {"T": True, "F": False, "pi": np.pi}  # names that R knows without a table
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "%%": operator.mod,
}
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def evaluate_variable(expression: Expression, columns: Mapping[str, Variable], sample_names: Any) -> Variable:
    """The value of one variable of the formula, by sample.

    Raises
    ------
    DesignError
        If a function is not among those that a formula may use, or cannot take what it is given.
    SamplesError
        If the result is missing or infinite in a sample (the logarithm of 0, say).
    """
    text = deparse(expression)
    with np.errstate(all="ignore"):
        value = _value(expression, columns)
    if isinstance(value, Numeric | Logical | Factor) and np.ndim(_values(value)):
        _check_length(value, text, len(sample_names))
        _check_finite(value, text, sample_names)
        return value
    raise DesignError(f"'{text}' is the same for every sample. A term of a design needs a column of the sample table.")


def _values(value: Variable) -> Any:
    return value.codes if isinstance(value, Factor) else value.values


def _check_length(value: Variable, text: str, n_samples: int) -> None:
    length = len(_values(value))
    if length != n_samples:
        raise DesignError(f"'{text}' gives {length} values for {n_samples} samples.")


def _check_finite(value: Variable, text: str, sample_names: Any) -> None:
    if not isinstance(value, Numeric):
        return
    bad = ~np.isfinite(value.values).reshape(len(sample_names), -1).all(axis=1)
    if bad.any():
        raise SamplesError(
            f"'{text}' is not finite in sample {listed(sample_names[bad])} (NA/NaN/Inf in foreign function call). "
            "A design needs a finite value for every sample: is it the logarithm or root of zero or less?"
        )


def _value(expression: Expression, columns: Mapping[str, Variable]) -> Value:
    match expression:
        case Name(text):
            return _named(text, columns)
        case Number(value) | Text(value) | Truth(value):
            return value
        case Parenthesis(inner):
            return _value(inner, columns)
        case Unary("!", operand):
            return Logical(~np.asarray(truths(_value(operand, columns), deparse(expression)), dtype=bool))
        case Unary(sign, operand):
            found = numbers(_value(operand, columns), deparse(expression))
            return _number_or_column(-found if sign == "-" else found)
        case Binary():
            return _binary(expression, columns)
        case Call():
            return _call(expression, columns)


def _named(name: str, columns: Mapping[str, Variable]) -> Value:
    if name in columns:
        return columns[name]
    return CONSTANTS[name]


def _number_or_column(values: Any) -> Value:
    return Numeric(np.asarray(values, dtype=np.float64)) if np.ndim(values) else float(values)


def _binary(expression: Binary, columns: Mapping[str, Variable]) -> Value:
    sign, text = expression.operator, deparse(expression)
    left, right = _value(expression.left, columns), _value(expression.right, columns)
    if sign in ARITHMETIC:
        return _number_or_column(ARITHMETIC[sign](numbers(left, text), numbers(right, text)))
    if sign in COMPARE:
        return Logical(_compared(sign, left, right, text))
    if sign in ("&", "&&", "|", "||"):
        join = np.logical_and if sign[0] == "&" else np.logical_or
        return Logical(np.asarray(join(truths(left, text), truths(right, text)), dtype=bool))
    if sign == "%in%":
        wanted = {level_text(one) for one in (right if isinstance(right, tuple) else (right,))}
        return Logical(np.array([label in wanted for label in _labels(left, text)], dtype=bool))
    raise DesignError(f"'{sign}' cannot be used inside '{text}'. {WAY_OUT}")


def _compared(sign: str, left: Value, right: Value, text: str) -> Any:
    if isinstance(left, str | Factor) or isinstance(right, str | Factor):
        if sign not in ("==", "!="):
            raise DesignError(f"'{text}' compares a factor by size, but its levels have no order. Use == or !=.")
        a, b = (np.asarray(_labels(side, text) if not isinstance(side, str) else side) for side in (left, right))
        return COMPARE[sign](a, b)
    a, b = numbers(left, text), numbers(right, text)
    if np.isnan(a).any() or np.isnan(b).any():
        raise SamplesError(f"'{text}' compares values that are missing (NA). A design needs a value for every sample.")
    return np.asarray(COMPARE[sign](a, b), dtype=bool)


def _labels(value: Value, text: str) -> list[str]:
    if isinstance(value, Factor):
        return value.labels()
    plain = value.values if isinstance(value, Logical) else numbers(value, text)
    return [level_text(one) for one in np.atleast_1d(plain)]


def _call(call: Call, columns: Mapping[str, Variable]) -> Value:
    name = call.function
    for package in PACKAGES:
        name = name.removeprefix(package)
    if name not in FUNCTIONS:
        known = ", ".join(sorted(FUNCTIONS, key=str.lower))
        raise DesignError(f"A formula cannot use the function {call.function}(). It can use {known}. {WAY_OUT}")
    positional = [_value(value, columns) for argument, value in call.arguments if argument is None]
    named = {argument: _value(value, columns) for argument, value in call.arguments if argument is not None}
    if name != "c" and any(value is None for value in positional):
        raise DesignError(f"'{deparse(call)}' has an empty argument.")
    try:
        result: Value = FUNCTIONS[name](*positional, **named)
    except FoldwiseError:
        raise
    except (TypeError, ValueError) as error:
        raise DesignError(f"'{deparse(call)}' does not fit the function {name}(): {error}. {WAY_OUT}") from error
    return result
