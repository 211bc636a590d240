"""Sample names that differ between two tables: what was probably meant, said and never done silently."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from foldwise.errors import listed

_RESERVED = frozenset(
    "if else repeat while function for next break TRUE FALSE NULL Inf NaN NA NA_integer_ NA_real_ NA_character_ "
    "NA_complex_ in".split()
)


def r_column_name(name: str) -> str:
    """The name that R's ``check.names`` gives a column: ``S-1`` becomes ``S.1``, ``1a`` becomes ``X1a``."""
    made = re.sub(r"[^\w.]", ".", name)
    if not re.match(r"([^\W\d_]|\.(?!\d))", made):
        made = f"X{made}"
    return f"{made}." if made in _RESERVED else made


def _loosely(name: str) -> str:
    """Letters and numbers only, numbers without leading zeros: ``S-07`` and ``s7`` become the same."""
    return re.sub(r"0+(?=\d)", "", re.sub(r"[^a-z0-9]", "", name.lower()))


def _without_ending(name: str) -> str:
    return re.sub(r"(\.(bam|sam|cram|sorted|txt|tsv|csv|counts?|out|fastq|fq|gz|markdup))+$", "", name, flags=re.I)


def why_names_differ(columns: Iterable[object], samples: Iterable[object]) -> str:
    """The message for count columns and sample rows that are not the same set.

    Pairs that differ only as R, a spreadsheet or a hand usually changes names are shown as a suggestion.
    """
    counted, described = [str(c) for c in columns], [str(s) for s in samples]
    lacking = [s for s in described if s not in set(counted)]
    extra = [c for c in counted if c not in set(described)]
    lines = []
    if lacking:
        what = "sample of the sample table has" if len(lacking) == 1 else "samples of the sample table have"
        lines.append(f"{len(lacking)} {what} no counts: {listed(lacking)}.")
    if extra:
        what = "count column has" if len(extra) == 1 else "count columns have"
        lines.append(f"{len(extra)} {what} no row in the sample table: {listed(extra)}.")
    lines.append(_suggestion(extra, lacking))
    return "\n".join(line for line in lines if line)


def _suggestion(extra: list[str], lacking: list[str]) -> str:
    ways: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("R's read.table changed the names of the columns (check.names = FALSE keeps them)", r_column_name),
        ("The names have endings of files", _without_ending),
        ("The names are written differently", _loosely),
    )
    for reason, way in ways:
        pairs = _pairs(extra, lacking, way)
        if pairs:
            shown = ", ".join(f"'{column}' is '{sample}'" for column, sample in pairs[:5])
            return f"{reason}: probably {shown}. Rename them in one of the two tables."
    if lacking and not extra:
        return "Remove their rows from the sample table, or read the file that holds their counts."
    if extra and not lacking:
        return "Add rows for them, or leave these columns out with unlisted='drop'."
    return "Names must be the same in both tables."


def _pairs(extra: list[str], lacking: list[str], way: Callable[[str], str]) -> list[tuple[str, str]]:
    meant = {way(sample): sample for sample in lacking}
    if len(meant) < len(lacking):
        return []
    return [(column, meant[way(column)]) for column in extra if way(column) in meant]
