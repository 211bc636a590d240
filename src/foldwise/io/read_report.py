"""What a reader took from a file and what it left out, said once in the log and kept with the data."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from foldwise.errors import CountsError

logger = logging.getLogger("foldwise")

PathLike: TypeAlias = str | Path


class ReadReport:
    """Lines that say what was read and what was left out.

    Every line goes to the ``foldwise`` log at INFO and, through ``lines``, to ``CountData.provenance``.
    """

    def __init__(self, source: object, lines: Iterable[str] = (), *, is_file: bool = True) -> None:
        self.source = source_name(source) if is_file else str(source)
        self._lines = list(lines)

    def note(self, text: str) -> None:
        """Keeps one line and logs it."""
        logger.info("%s: %s", self.source, text)
        self._lines.append(f"{self.source}: {text}")

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines so far, oldest first."""
        return tuple(self._lines)


@contextmanager
def naming(source: str) -> Iterator[None]:
    """Let refusals of counts begin with the name of the file that they came from."""
    try:
        yield
    except CountsError as error:
        if not source or source in str(error):
            raise
        raise type(error)(f"{source}: {error}") from error


def source_name(source: object) -> str:
    """How a file is called in messages: its name, with its folder where the name alone says little."""
    if not isinstance(source, (str, Path)):
        return getattr(source, "name", None) or type(source).__name__
    path = Path(source)
    says_little = path.name.split(".")[0] in {"quant", "abundance", "matrix", "counts", "ReadsPerGene"}
    return f"{path.parent.name}/{path.name}" if says_little and path.parent.name else path.name


def how_many(number: int, noun: str, plural: str | None = None) -> str:
    """``1 gene``, ``2 genes``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
