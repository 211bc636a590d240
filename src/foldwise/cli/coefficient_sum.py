"""``--contrast "a+b-c"``: R's contrast of two lists, what is added and what is taken away, as one types it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from foldwise.errors import ContrastError

Lists = tuple[list[str], list[str]]


def lists_of(text: str, names: Sequence[str]) -> Lists:
    """The coefficients that a sum adds and those that it takes away.

    Whole known names are matched, the longest first: a name may hold ``-`` or ``+`` itself.

    Raises
    ------
    ContrastError
        If something between the signs is no coefficient, or one occurs twice.

    Examples
    --------
    >>> lists_of("a+b-c-d", ["a", "b", "c", "c-d"])
    (['a', 'b'], ['c-d'])
    """
    plus: list[str] = []
    minus: list[str] = []
    sign, rest = _sign_of(text.strip())
    while True:
        name = _known_first(rest, names, text)
        if name in plus or name in minus:
            raise ContrastError(
                f"--contrast {text!r} names '{name}' twice; other multiples: --contrast numeric:0,2,-1."
            )
        (minus if sign == "-" else plus).append(name)
        rest = rest[len(name) :].lstrip()
        if not rest:
            return plus, minus
        sign, rest = _sign_of(rest)


def _sign_of(text: str) -> tuple[str, str]:
    return (text[0], text[1:].lstrip()) if text[:1] in ("+", "-") else ("+", text)


def _known_first(text: str, names: Sequence[str], whole: str) -> str:
    """The longest coefficient that the text begins with, if a sign or nothing follows it."""
    from foldwise.design.formula.variables import near

    for name in sorted(names, key=len, reverse=True):
        if text.startswith(name) and re.match(r"\s*([-+]|$)", text[len(name) :]):
            return name
    word = re.split(r"\s*[-+]", text, maxsplit=1)[0].strip()
    raise ContrastError(
        f"--contrast {whole!r} is neither FACTOR,NUMERATOR,DENOMINATOR nor a sum of coefficients: '{word}' is no "
        f"coefficient of this fit.{near(word, list(names))}"
    )


def numbers_of(text: str) -> tuple[float, ...]:
    """(0.0, 1.0, -1.0) from "0,1,-1".

    Raises
    ------
    ContrastError
        If a part is no number.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ContrastError(
            f"--contrast numeric:{text} is not a number for each coefficient, e.g. --contrast numeric:0,1,-1 ({error})."
        ) from error


def sum_text(lists: Lists) -> str:
    """The two lists as ``--contrast`` takes them, quoted for the shell where they need it."""
    plus, minus = lists
    space = " " if any(sign in name for name in [*plus, *minus] for sign in "+-") else ""
    said = f"{space}+{space}".join(plus) + "".join(f"{space}-{space}{name}" for name in minus)
    return shlex.quote(said.strip())
