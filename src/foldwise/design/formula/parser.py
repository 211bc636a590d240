"""From the text of a formula to its pieces: recursive descent over R's grammar (?Syntax in R).

A formula is read, never run: there are columns, numbers, quoted text, operators and calls, and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from foldwise.design.formula.syntax import Binary, Call, Expression, Name, Number, Parenthesis, Text, Truth, Unary
from foldwise.errors import DesignError

TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>0[xX][0-9a-fA-F]+L?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?L?)
      | (?P<name>(?:\.(?![0-9])|[^\W\d_])[\w.]*(?:::[^\W\d_][\w.]*)?|\.)
      | (?P<quoted>`[^`]+`)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<operator>%[^%\s]*%|\|\||&&|<=|>=|==|!=|[-+*/^:~|&!<>(),=])""",
    re.VERBOSE,
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
COMPARISONS = ("<", ">", "<=", ">=", "==", "!=")


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int


def tokens_of(formula: str) -> list[Token]:
    """The words of a formula; blanks are left out."""
    found, position = [], 0
    while position < len(formula):
        match = TOKEN.match(formula, position)
        if match is None:
            raise syntax_error(formula, position, f"the sign {formula[position]!r} has no meaning in a formula")
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    return [*found, Token("end", "", len(formula))]


def syntax_error(formula: str, position: int, what: str) -> DesignError:
    return DesignError(
        f"The formula cannot be read: {what}.\n  {formula}\n  {' ' * position}^\n"
        "A column whose name is no plain word goes in backticks: ~ `my column` + condition."
    )


def parse(formula: str) -> Expression:
    """What stands to the right of ``~``.

    Raises
    ------
    DesignError
        If the text is no formula, has something to the left of ``~``, or an operator that no design can have.
    """
    if not formula.strip():
        raise DesignError("The design formula is empty. For a design without covariates write '~ 1'.")
    return _Reader(formula).formula()


class _Reader:
    """One method a rung of R's ladder of precedence, from the loosest operator to the tightest."""

    def __init__(self, formula: str) -> None:
        self.text = formula
        self.tokens = tokens_of(formula)
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self, *texts: str) -> str | None:
        """The next operator if it is one of these."""
        if self.token.kind == "operator" and self.token.text in texts:
            self.at += 1
            return self.tokens[self.at - 1].text
        return None

    def expect(self, text: str) -> None:
        if self.take(text) is None:
            raise self.unexpected(f"'{text}' was expected")

    def unexpected(self, why: str) -> DesignError:
        found = "the end" if self.token.kind == "end" else f"'{self.token.text}'"
        return syntax_error(self.text, self.token.start, f"{why} where {found} stands")

    def formula(self) -> Expression:
        if self.token.text != "~":
            response = any(token.text == "~" for token in self.tokens)
            raise (
                self._left_side()
                if response
                else DesignError(
                    f"A design formula starts with '~': write '~ {self.text.strip()}', not '{self.text.strip()}'."
                )
            )
        self.expect("~")
        inside = self.either()
        if self.token.kind != "end":
            raise self.unexpected("an operator such as '+' was expected")
        return inside

    def _left_side(self) -> DesignError:
        left = self.text.split("~")[0].strip()
        return DesignError(
            f"The design formula has a response, '{left}', to the left of '~'. The response is always the counts: "
            f"write '~{self.text.split('~', 1)[1]}'. (all variables in design formula must be columns in colData)"
        )

    def either(self) -> Expression:
        left = self.both()
        while operator := self.take("|", "||"):
            left = Binary(operator, left, self.both())
        return left

    def both(self) -> Expression:
        left = self.negation()
        while operator := self.take("&", "&&"):
            left = Binary(operator, left, self.negation())
        return left

    def negation(self) -> Expression:
        return Unary("!", self.negation()) if self.take("!") else self.comparison()

    def comparison(self) -> Expression:
        left = self.sum()
        if operator := self.take(*COMPARISONS):
            left = Binary(operator, left, self.sum())
        return left

    def sum(self) -> Expression:
        left = self.product()
        while operator := self.take("+", "-"):
            left = Binary(operator, left, self.product())
        return left

    def product(self) -> Expression:
        left = self.within()
        while operator := self.take("*", "/"):
            left = Binary(operator, left, self.within())
        return left

    def within(self) -> Expression:
        left = self.interaction()
        while self.token.kind == "operator" and self.token.text.startswith("%"):
            operator = self.token.text
            if operator not in ("%in%", "%%"):
                raise syntax_error(self.text, self.token.start, f"'{operator}' is no operator of a design formula")
            self.at += 1
            left = Binary(operator, left, self.interaction())
        return left

    def interaction(self) -> Expression:
        left = self.signed()
        while self.take(":"):
            left = Binary(":", left, self.signed())
        return left

    def signed(self) -> Expression:
        if operator := self.take("-", "+"):
            return Unary(operator, self.signed())
        if self.take("!"):
            return Unary("!", self.negation())
        return self.power()

    def power(self) -> Expression:
        base = self.primary()
        return Binary("^", base, self.signed()) if self.take("^") else base

    def primary(self) -> Expression:
        token = self.token
        self.at += 1
        if token.kind == "number":
            return _number(token.text)
        if token.kind == "text":
            return Text(_unescaped(token.text))
        if token.kind == "quoted":
            return Name(token.text[1:-1])
        if token.kind == "name":
            return self._name_or_call(token)
        if token.text == "(":
            inner = self.either()
            self.expect(")")
            return Parenthesis(inner)
        self.at -= 1
        raise self.unexpected("a column or a function was expected")

    def _name_or_call(self, token: Token) -> Expression:
        if self.take("("):
            return Call(token.text, self.arguments())
        if "::" in token.text:
            raise syntax_error(self.text, token.start, f"'{token.text}' is a function and needs '(…)'")
        return Truth(token.text == "TRUE") if token.text in ("TRUE", "FALSE") else Name(token.text)

    def arguments(self) -> tuple[tuple[str | None, Expression], ...]:
        given: list[tuple[str | None, Expression]] = []
        if self.take(")"):
            return ()
        while True:
            name = None
            if self.token.kind in ("name", "quoted") and self.tokens[self.at + 1].text == "=":
                name = self.token.text.strip("`")
                self.at += 2
            given.append((name, self.either()))
            if self.take(")"):
                return tuple(given)
            self.expect(",")


def _number(text: str) -> Number:
    integer = text.endswith("L")
    digits = text.rstrip("L")
    return Number(float(int(digits, 16)) if digits[:2].lower() == "0x" else float(digits), integer)


def _unescaped(quoted: str) -> str:
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match.group(1), match.group(1)), quoted[1:-1], flags=re.DOTALL)
