"""From the pieces of a formula to its terms: what ``+ - * / : ^ %in%`` and ``.`` stand for.

A term is a set of variables, kept as the bits of an integer: bit i is the i-th variable of the formula in order
of appearance. So ``a:b`` and ``b:a`` are one term, and the union of two terms is their interaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foldwise.design.formula.parser import parse
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
    names_in,
)
from foldwise.errors import DesignError

OPERATORS = frozenset({"+", "-", "*", "/", ":", "^", "%in%"})  # these join terms; others make a variable


@dataclass(frozen=True, slots=True)
class Terms:
    """What a formula says, before any data is seen.

    text : the formula as R writes it.
    columns : columns of the sample table that it mentions, in order of appearance.
    variables : what is evaluated, one a bit: a column, or a call such as ``log(x)``.
    terms : sets of variables as bits, by increasing order, as written within an order.
    intercept : is there one?
    """

    text: str
    columns: tuple[str, ...]
    variables: tuple[Expression, ...]
    terms: tuple[int, ...]
    intercept: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """The terms as R names them: ``"a:b"``."""
        return tuple(":".join(deparse(self.variables[i]) for i in members(term)) for term in self.terms)


def members(term: int) -> list[int]:
    """The variables of a term."""
    return [i for i in range(term.bit_length()) if term >> i & 1]


def read_formula(formula: str, table_columns: Sequence[str] = ()) -> Terms:
    """The terms of a formula, as R's ``terms()`` has them.

    Parameters
    ----------
    formula : text such as ``"~ batch + condition"``.
    table_columns : columns of the sample table; ``.`` stands for all of them.

    Raises
    ------
    DesignError
        If it is no formula, or asks for what a design cannot hold (an offset, random effects).
    """
    whole = _without_dot(parse(formula), [str(column) for column in table_columns])
    reader = _TermReader()
    reader.appear(whole)
    terms = sorted(dict.fromkeys(reader.read(whole)), key=int.bit_count)
    columns = tuple(dict.fromkeys(names_in(whole)))
    return Terms(f"~ {deparse(whole)}", columns, tuple(reader.variables.values()), tuple(terms), reader.intercept)


def _without_dot(expression: Expression, table_columns: list[str]) -> Expression:
    """``.`` written out: all columns of the table, added up."""
    match expression:
        case Name("."):
            if not table_columns:
                raise DesignError("'.' stands for all columns of the sample table, but the table has none.")
            everything: Expression = Name(table_columns[0])
            for column in table_columns[1:]:
                everything = Binary("+", everything, Name(column))
            return everything if len(table_columns) == 1 else Parenthesis(everything)
        case Parenthesis(inner):
            return Parenthesis(_without_dot(inner, table_columns))
        case Unary(operator, operand):
            return Unary(operator, _without_dot(operand, table_columns))
        case Binary("+", Name("."), right):
            dot = _without_dot(Name("."), table_columns)
            dot = dot.inner if isinstance(dot, Parenthesis) else dot
            return Binary("+", dot, _without_dot(right, table_columns))
        case Binary(operator, left, right):
            return Binary(operator, _without_dot(left, table_columns), _without_dot(right, table_columns))
    return expression


class _TermReader:
    def __init__(self) -> None:
        self.variables: dict[str, Expression] = {}
        self.intercept = True
        self.adding = True  # False inside what is taken away: there, 1 removes the intercept and 0 brings it back

    def appear(self, expression: Expression) -> None:
        """Number the variables in the order in which the formula names them."""
        match expression:
            case Parenthesis(inner) | Unary("+" | "-", inner):
                self.appear(inner)
            case Binary("^", left, _):
                self.appear(left)
            case Binary(operator, left, right) if operator in OPERATORS:
                self.appear(left)
                self.appear(right)
            case Number() | Truth():
                pass
            case _:
                self.variables.setdefault(deparse(expression), _variable(expression))

    def read(self, expression: Expression) -> list[int]:
        """The terms of an expression, in order, without repeats."""
        match expression:
            case Parenthesis(inner) | Unary("+", inner):
                return self.read(inner)
            case Number(value) | Truth(value):
                return self._constant(float(value))
            case Unary("-", operand):
                return self._without([], operand)
            case Binary("-", left, right):
                return self._without(self.read(left), right)
            case Binary("^", left, right):
                return self._power(left, right)
            case Binary(operator, left, right) if operator in OPERATORS:
                return self._joined(operator, self.read(left), self.read(right))
        return [1 << list(self.variables).index(deparse(expression))]

    def _constant(self, value: float) -> list[int]:
        if value not in (0.0, 1.0):
            raise DesignError(
                f"A design formula may hold the numbers 0 (no intercept) and 1 (intercept), not {value:g}. "
                "To compute with numbers use I(…): ~ I(age / 10)."
            )
        self.intercept = (value == 1) == self.adding
        return []

    def _without(self, terms: list[int], taken: Expression) -> list[int]:
        self.adding = not self.adding
        gone = set(self.read(taken))
        self.adding = not self.adding
        return [term for term in terms if term not in gone]

    def _power(self, left: Expression, right: Expression) -> list[int]:
        if not isinstance(right, Number) or right.value < 2:
            raise DesignError(
                f"invalid power in formula: '{deparse(Binary('^', left, right))}'. (a + b)^2 means all main effects "
                "and pairs; to square a covariate write I(x^2)."
            )
        once = self.read(left)
        power = once
        for _ in range(int(right.value) - 1):
            power = _unique([a | b for a in power for b in once])
        return power

    @staticmethod
    def _joined(operator: str, left: list[int], right: list[int]) -> list[int]:
        everything_left, everything_right = _union(left), _union(right)
        crossed = [a | b for a in left for b in right]
        match operator:
            case "+":
                return _unique(left + right)
            case ":":
                return _unique(crossed)
            case "*" | "/" if not left:
                return []  # as in R, where 0 * a is nothing though a * 1 is a
            case "*":
                return _unique(left + right + crossed)
            case "/":
                return _unique(left + [everything_left | b for b in right])
            case _:  # %in%
                return _unique([a | everything_right for a in left])


def _unique(terms: list[int]) -> list[int]:
    return list(dict.fromkeys(terms))


def _union(terms: list[int]) -> int:
    union = 0
    for term in terms:
        union |= term
    return union


def _variable(expression: Expression) -> Expression:
    match expression:
        case Binary("|" | "||", _, right):
            raise DesignError(
                f"'{deparse(expression)}' is how mixed models write random effects; the method has fixed effects only. "
                f"Put '{deparse(right)}' in as a covariate (~ {deparse(right)} + …), or, for samples of one individual "
                "in several conditions, add the individual as a factor."
            )
        case Call("offset", _):
            raise DesignError(
                f"'{deparse(expression)}': offsets do not go into the formula (R drops them without a word). "
                "Give them as normalization factors, on the scale of counts: "
                "normalization_factors = exp(offset), genes x samples."
            )
        case Text(value):
            raise DesignError(f'"{value}" is quoted text. A column is named without quotes: ~ {value}.')
    return expression
