"""Contrasts and base levels as people type them on a command line."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Iterable

import click

from foldwise.errors import ContrastError


def contrast_of(text: str) -> tuple[str, str, str]:
    """("condition", "treated", "control") from "condition,treated,control"; quotes protect commas in level names.

    Raises
    ------
    ContrastError
        If there are not three parts.
    """
    parts = [part.strip() for part in next(csv.reader([text]), [])]
    if len(parts) != 3 or not all(parts):
        raise ContrastError(
            f"--contrast {text!r} is not FACTOR,NUMERATOR,DENOMINATOR. For example --contrast condition,treated,control "
            "says how treated differs from control. Level names with commas go into double quotes. Sums of coefficients "
            "are written a+b-c, numbers for all coefficients numeric:0,1,-1."
        )
    return parts[0], parts[1], parts[2]


def as_text(contrast: Iterable[str]) -> str:
    """The three words as ``--contrast`` takes them, quoted for the shell where they need it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(contrast)
    return shlex.quote(out.getvalue())


def references_of(texts: tuple[str, ...]) -> dict[str, str]:
    """Base levels from FACTOR=LEVEL texts."""
    found = {}
    for text in texts:
        factor, equals, level = text.partition("=")
        if not (equals and factor.strip() and level.strip()):
            raise click.BadParameter(f"{text!r} is not FACTOR=LEVEL, e.g. --reference condition=control.")
        found[factor.strip()] = level.strip()
    return found
