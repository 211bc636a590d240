"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foldwise.io.read_report import PathLike


@contextmanager
def write_atomically(path: PathLike) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to; renamed to ``path`` at the end, removed if anything goes wrong.

    The folder is made if need be.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "results.csv"
    >>> with write_atomically(target) as temporary:
    ...     _ = temporary.write_text("gene,padj")
    >>> target.read_text()
    'gene,padj'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The ending stays, because writers choose compression by it; the leading dot hides the file from globs.
    temporary = path.with_name(f".{os.getpid()}-{os.urandom(4).hex()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
