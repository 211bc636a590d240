"""The pieces of a formula, and how R writes them back as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from foldwise.design.formula.names import number_text, string_text, symbol_text


@dataclass(frozen=True, slots=True)
class Name:
    """A column of the sample table, or ``.`` for all of them."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number; ``integer`` when written as ``2L``."""

    value: float
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string."""

    value: str


@dataclass(frozen=True, slots=True)
class Truth:
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True, slots=True)
class Parenthesis:
    """Something in round brackets; R keeps them when it writes a term."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x``, ``+x`` or ``!x``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two things and the operator between them."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A function and what it is given: (name or None, value) pairs."""

    function: str
    arguments: tuple[tuple[str | None, Expression], ...]


Expression = Name | Number | Text | Truth | Parenthesis | Unary | Binary | Call

TIGHT = frozenset({"^", ":", "/", "%%"})  # R writes these without blanks around them


def deparse(expression: Expression) -> str:
    """The expression as R's deparse writes it; terms and columns are named so."""
    match expression:
        case Name(text):
            return symbol_text(text)
        case Number(value, integer):
            return f"{value:.0f}L" if integer else number_text(value)
        case Text(value):
            return string_text(value)
        case Truth(value):
            return "TRUE" if value else "FALSE"
        case Parenthesis(inner):
            return f"({deparse(inner)})"
        case Unary(operator, operand):
            return operator + deparse(operand)
        case Binary(operator, left, right):
            blank = "" if operator in TIGHT else " "
            return f"{deparse(left)}{blank}{operator}{blank}{deparse(right)}"
        case Call(function, arguments):
            return f"{function}({', '.join(_argument(*argument) for argument in arguments)})"


def _argument(name: str | None, value: Expression) -> str:
    return deparse(value) if name is None else f"{symbol_text(name)} = {deparse(value)}"


def names_in(expression: Expression) -> Iterator[str]:
    """Every column that the expression mentions, in order, with repeats."""
    match expression:
        case Name(text):
            yield text
        case Parenthesis(inner) | Unary(_, inner):
            yield from names_in(inner)
        case Binary(_, left, right):
            yield from names_in(left)
            yield from names_in(right)
        case Call(_, arguments):
            for _, value in arguments:
                yield from names_in(value)
