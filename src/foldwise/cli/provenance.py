"""What was read, said once: the reader of an h5ad file notes where it looked, the counts where they were found."""

from __future__ import annotations

import re
from collections.abc import Iterable

FOUND = re.compile(r"X does not hold counts: read from layer '(?P<layer>.*)'")
ASKED = re.compile(r"counts read from layer '(?P<layer>.*)'")


def told_once(notes: Iterable[str]) -> tuple[str, ...]:
    """Notes without repetition; where counts came from a layer after all, the reader's note says so."""
    notes = tuple(dict.fromkeys(notes))
    for pattern, why in ((FOUND, " (X does not hold counts)"), (ASKED, "")):
        match = next(filter(None, map(pattern.fullmatch, notes)), None)
        if match is not None and any(_is_of_reader(note) for note in notes):
            kept = [note for note in notes if not pattern.fullmatch(note)]
            notes = tuple(filter(None, (_corrected(note, match["layer"], why) for note in kept)))
    return notes


def _is_of_reader(note: str) -> bool:
    return re.search(r": read .* from (X|'.*')", note) is not None


def _corrected(note: str, layer: str, why: str) -> str:
    """The note with the layer that was read; "" if it said nothing but that this layer was left out."""
    if _is_of_reader(note):
        return re.sub(r" from (X|'.*?')(?=,|$)", lambda _: f" from layer '{layer}'{why}", note)
    source, left_out, parts = note.partition(": left out ")
    if not left_out:
        return note
    kept = [part for part in parts.split(", ") if part != f"layer '{layer}'"]
    return f"{source}{left_out}{', '.join(kept)}" if kept else ""
