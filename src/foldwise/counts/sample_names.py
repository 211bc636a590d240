"""Sample names that differ between two tables: what was probably meant, said and never done silently."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator

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
    """Without folders before and endings of files behind: ``runs/S1.sorted.bam`` becomes ``S1``."""
    endings = r"(\.(bam|sam|cram|sorted|txt|tsv|csv|counts?|out|fastq|fq|gz|markdup))+$"
    return re.sub(endings, "", re.sub(r".*[/\\]", "", name), flags=re.I)


def why_names_differ(
    columns: Iterable[object],
    samples: Iterable[object],
    leave_out: str = "Add rows for them, or leave these columns out with unlisted='drop'.",
) -> str:
    """The message for count columns and sample rows that are not the same set.

    Pairs that differ only as R, a spreadsheet or a hand usually changes names are shown as a suggestion. leave_out :
    what to do about columns without a row.
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
    lines.append(renaming(extra, lacking) or _alike(extra, lacking) or _rest(extra, lacking, leave_out))
    return "\n".join(line for line in lines if line)


def _rest(extra: list[str], lacking: list[str], leave_out: str) -> str:
    if lacking and not extra:
        return "Remove their rows from the sample table, or read the file that holds their counts."
    return leave_out if extra and not lacking else "Names must be the same in both tables."


def renaming(extra: list[str], lacking: list[str]) -> str:
    """What was probably done to the names of columns without a row and rows without a column; "" if nothing is seen."""
    ways: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("The names are equal but for spaces around them", str.strip),
        ("R's read.table changed the names of the columns (check.names = FALSE keeps them)", r_column_name),
        ("The names have endings of files", _without_ending),
        ("The names are written differently", _loosely),
    )
    for reason, way in ways:
        if pairs := _pairs(extra, lacking, way):
            return _probably(reason, pairs)
    reason, pairs = _added(extra, lacking)
    return _probably(reason, pairs) if pairs else ""


def _probably(reason: str, pairs: list[tuple[str, str]]) -> str:
    shown = ", ".join(f"'{column}' is '{sample}'" for column, sample in pairs[:5])
    return f"{reason}: probably {shown}. Rename them in one of the two tables."


def _pairs(extra: list[str], lacking: list[str], way: Callable[[str], str]) -> list[tuple[str, str]]:
    meant = {way(sample): sample for sample in lacking}
    if len(meant) < len(lacking):
        return []
    return [(column, meant[way(column)]) for column in extra if way(column) in meant]


def _added(extra: list[str], lacking: list[str]) -> tuple[str, list[tuple[str, str]]]:
    """One text before or behind all names of one side: ``Xsample1`` and ``sample1``."""
    for long, short, whose in ((extra, lacking, "counts"), (lacking, extra, "sample table")):
        there, enough = set(long), min(len(long), len(short))
        for before, behind in _around(long[:3], short):
            pairs = [(before + name + behind, name) for name in short if before + name + behind in there]
            if len(pairs) == enough:
                places = ((before, "before"), (behind, "behind"))
                where = " and ".join(f"'{text}' {place} them" for text, place in places if text)
                ordered = pairs if whose == "counts" else [(name, full) for full, name in pairs]
                return f"The names of the {whose} have {where}", ordered
    return "", []


def _around(long: list[str], short: list[str]) -> Iterator[tuple[str, str]]:
    """What stands before and behind a short name in a long one."""
    for full in long:
        for name in short:
            if name and name != full and name in full:
                before, _, behind = full.partition(name)
                yield before, behind


def _alike(extra: list[str], lacking: list[str]) -> str:
    close = [(c, found[0]) for c in extra[:20] if (found := difflib.get_close_matches(c, lacking, 1, 0.6))]
    # One row that is near to several columns says nothing about either.
    if not close or len({sample for _, sample in close}) < len(close):
        return ""
    shown = ", ".join(f"'{column}' and '{sample}'" for column, sample in close[:5])
    return f"Are they the same, written differently: {shown}? Then rename them in one of the two tables."
