"""Contrasts as sums of coefficients, ``(A + B)/2 - C``: read by a small parser, never evaluated as code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foldwise.errors import ContrastError, listed

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])|(?P<name>[^\W\d_][\w.]*|\.(?!\d)[\w.]*)|`(?P<quoted>[^`]+)`"
    r"|(?P<sign>[-+*/()]))"
)
DEEPEST = 50  # parentheses within each other; nobody writes more


@dataclass(frozen=True, slots=True)
class Linear:
    """A constant and a multiple of each coefficient."""

    constant: float
    parts: Mapping[str, float]

    def plus(self, other: Linear, sign: float) -> Linear:
        names = dict.fromkeys([*self.parts, *other.parts])
        parts = {name: self.parts.get(name, 0.0) + sign * other.parts.get(name, 0.0) for name in names}
        return Linear(self.constant + sign * other.constant, parts)

    def times(self, factor: float) -> Linear:
        return Linear(self.constant * factor, {name: value * factor for name, value in self.parts.items()})


def contrast_vector(text: str, names: Sequence[str]) -> list[float]:
    """One number a coefficient, from an expression of their names.

    Parameters
    ----------
    text : for example ``"treatmentA - treatmentB"`` or ``"(A + B)/2 - C"``; odd names go into backticks.
    names : of the coefficients.

    Raises
    ------
    ContrastError
        If the text is no linear expression of these names, or compares nothing.

    Examples
    --------
    >>> contrast_vector("(A + B)/2 - C", ["A", "B", "C"])
    [0.5, 0.5, -1.0]
    """
    found = _Parser(text, names).whole()
    if found.constant:
        raise ContrastError(f"The contrast {text!r} adds the number {found.constant:g} to coefficients.")
    vector = [float(found.parts.get(name, 0.0)) for name in names]
    if not any(vector):
        raise ContrastError(f"The contrast {text!r} is zero for every coefficient: it compares nothing.")
    return vector


class _Parser:
    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text, self.names, self.depth, self.at = text, set(names), 0, 0
        self.known = list(names)
        self.tokens = self._tokens()

    def _tokens(self) -> list[tuple[str, str]]:
        found, at, text = [], 0, self.text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise ContrastError(f"The contrast {self.text!r} cannot be read at {text[at:].strip()[:20]!r}.")
            kind = str(match.lastgroup)
            found.append((kind, match.group(kind)))
            at = match.end()
        return found

    def whole(self) -> Linear:
        if not self.tokens:
            raise ContrastError("The contrast is empty.")
        found = self.total()
        if self.at < len(self.tokens):
            raise ContrastError(f"The contrast {self.text!r} has {self.tokens[self.at][1]!r} where it should end.")
        return found

    def sign(self, *wanted: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign" and self.tokens[self.at][1] in wanted:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def total(self) -> Linear:
        found = self.product()
        while sign := self.sign("+", "-"):
            found = found.plus(self.product(), 1.0 if sign == "+" else -1.0)
        return found

    def product(self) -> Linear:
        found = self.single()
        while sign := self.sign("*", "/"):
            other = self.single()
            if sign == "/":
                if other.parts or not other.constant:
                    raise ContrastError(f"The contrast {self.text!r} divides by something that is no number but 0.")
                found = found.times(1 / other.constant)
            elif found.parts and other.parts:
                raise ContrastError(f"The contrast {self.text!r} multiplies coefficients: that is not linear.")
            else:
                found = found.times(other.constant) if found.parts else other.times(found.constant)
        return found

    def single(self) -> Linear:
        negative = False
        while sign := self.sign("-", "+"):
            negative ^= sign == "-"
        found = self.atom()
        return found.times(-1.0) if negative else found

    def atom(self) -> Linear:
        if self.sign("("):
            self.depth += 1
            if self.depth > DEEPEST:
                raise ContrastError("The contrast has too many parentheses within each other.")
            found = self.total()
            if not self.sign(")"):
                raise ContrastError(f"The contrast {self.text!r} lacks a closing parenthesis.")
            self.depth -= 1
            return found
        if self.at >= len(self.tokens):
            raise ContrastError(f"The contrast {self.text!r} ends where a coefficient should follow.")
        kind, text = self.tokens[self.at]
        if kind == "sign":
            raise ContrastError(f"The contrast {self.text!r} has {text!r} where a coefficient should be.")
        self.at += 1
        if kind == "number":
            return Linear(float(text), {})
        if text not in self.names:
            raise ContrastError(f"The contrast names '{text}', but the coefficients are {listed(self.known, 20)}.")
        return Linear(0.0, {text: 1.0})
