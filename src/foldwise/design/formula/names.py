"""How R spells things: syntactic names, numbers as text, quoted strings.

Coefficients are named as R names them, so that scripts and contrasts written for R go on working.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

SIGNIFICANT_DIGITS = 15  # R's digits when it turns a double into text (?as.character)

RESERVED = frozenset(
    "if else repeat while function for next break TRUE FALSE NULL Inf NaN NA "
    "NA_integer_ NA_real_ NA_character_ NA_complex_ in".split()
)  # ?Reserved; "..." and "..1" are handled apart

SYNTACTIC = re.compile(r"^((\.(?![0-9])|[^\W\d_])[\w.]*|\.)$")


def is_syntactic(name: str) -> bool:
    """Can R read the name without backticks?"""
    return bool(SYNTACTIC.match(name)) and not _is_reserved(name)


def _is_reserved(name: str) -> bool:
    return name in RESERVED or name == "..." or bool(re.fullmatch(r"\.\.[0-9]+", name))


def make_name(text: str) -> str:
    """R's make.names of one string: ``"(Intercept)"`` gives ``"X.Intercept."``, ``"a b"`` gives ``"a.b"``."""
    letter = text[:1].isalpha() or (text[:1].isdecimal() and not text[:1].isascii())
    if not letter and not re.match(r"\.(?![0-9])", text):
        text = "X" + text
    text = "".join(sign if sign.isalpha() or sign.isdecimal() or sign in "._" else "." for sign in text)
    return text + "." if text in RESERVED else text


def coefficient_name(text: str) -> str:
    """The name of a model matrix column among R's resultsNames, before any ``_vs_``."""
    return "Intercept" if text == "(Intercept)" else make_name(text)


def number_text(value: float) -> str:
    """A number as R writes it: the fewest of 15 significant digits, fixed or scientific, whichever is shorter.

    >>> number_text(100000.0), number_text(0.1), number_text(123456.0)
    ('1e+05', '0.1', '123456')
    """
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{SIGNIFICANT_DIGITS - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = int(exponent)
    digits = len(mantissa.lstrip("-").replace(".", ""))
    fixed = f"{value:.{max(digits - 1 - power, 0)}f}"
    scientific = f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return fixed if len(fixed) <= len(scientific) else scientific


def string_text(text: str) -> str:
    """A string as R's deparse writes it, in double quotes."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(sign, sign) for sign in text) + '"'


def symbol_text(name: str) -> str:
    """A column name as it stands in a formula: in backticks unless R could read it without."""
    return name if is_syntactic(name) else f"`{name}`"


def level_text(value: object) -> str:
    """The label of a factor level: text as it is, numbers and truth values as R writes them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return "TRUE" if value else "FALSE"
    try:
        return number_text(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)


def collisions(names: Iterable[str], originals: Iterable[str]) -> dict[str, list[str]]:
    """Names that several originals share."""
    shared: dict[str, list[str]] = {}
    for name, original in zip(names, originals, strict=True):
        shared.setdefault(name, []).append(original)
    return {name: same for name, same in shared.items() if len(same) > 1}
