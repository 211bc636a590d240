"""Levels that differ only in capitals or spaces: one group, most likely, typed in two ways."""

from __future__ import annotations

from collections.abc import Mapping

_SHOWN = 3  # pairs in one warning


def alike_levels(factors: Mapping[str, tuple[str, ...]]) -> list[str]:
    """A sentence for each pair of levels of a factor that read the same."""
    said = []
    for name, levels in factors.items():
        seen: dict[str, str] = {}
        for level in levels:
            first = seen.setdefault(" ".join(level.lower().split()), level)
            if first != level:
                said.append(f"'{name}' has levels '{first}' and '{level}': are they one group, written in two ways?")
    return said


def taken_as_different(factors: Mapping[str, tuple[str, ...]]) -> str:
    """The same for a fit, in one warning; "" if there are none."""
    said = alike_levels(factors)
    if not said:
        return ""
    more = f" There are {len(said) - _SHOWN} more such pairs." if len(said) > _SHOWN else ""
    return f"{' '.join(said[:_SHOWN])}{more} They are taken as different groups; if they are one, spell them alike."
