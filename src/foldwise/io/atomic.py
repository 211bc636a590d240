"""Files that are there whole or not at all; devices, pipes and links are written through, never replaced."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from foldwise.io.read_report import PathLike

_LINKS = 40  # as many as Linux follows


@contextmanager
def write_atomically(path: PathLike) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to; renamed to ``path`` at the end, removed if anything goes wrong.

    The folder is made if need be. A link stays: the file that it leads to is replaced. What is there and no regular file
    (a device, a pipe, ``/dev/stdout``, a shell's ``/dev/fd/63``) is written to at the end, and nothing appears beside it.

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
    if is_stream(path):
        with _spooled(path) as temporary:
            yield temporary
        return
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "This is a folder, where a file is to be written", str(path))
    target = _followed(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The ending stays, because writers choose compression by it; the leading dot hides the file from globs.
    temporary = target.with_name(f".{os.getpid()}-{os.urandom(4).hex()}.{path.name}")
    try:
        with _naming(path, temporary):
            yield temporary
            os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def move_into_place(finished: Path, path: Path) -> None:
    """A finished file on the same disk becomes ``path``, as ``write_atomically`` would have it."""
    if is_stream(path):
        _pour(finished, path)
        finished.unlink()
        return
    target = _followed(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target == path:
        os.replace(finished, target)
        return
    with write_atomically(target) as temporary:  # a link may lead to another disk
        shutil.copyfile(finished, temporary)
    finished.unlink()


def is_stream(path: Path) -> bool:
    """Whether a path is there and nothing that can be replaced: a device, a pipe, a socket, an open descriptor."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _followed(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _descriptor(path: Path) -> int | None:
    """The number of an open file of this process that a path stands for, over links; None if it stands for none.

    A file behind it must not be replaced either: whoever opened it goes on writing to it (``{ …; } > all.txt``).
    """
    ours = ("/dev/fd", f"/proc/{os.getpid()}/fd")
    at = os.path.abspath(path)
    for _ in range(_LINKS):
        folder, name = os.path.realpath(os.path.dirname(at)), os.path.basename(at)
        if folder in ours and name.isdecimal():
            return int(name)
        at = os.path.join(folder, name)
        if not os.path.islink(at):
            return None
        at = os.path.join(folder, os.readlink(at))
    return None


@contextmanager
def _spooled(path: Path) -> Iterator[Path]:
    """A file elsewhere, poured into ``path`` at the end: writers of archives go back and forth, and pipes do not."""
    with tempfile.TemporaryDirectory(prefix="foldwise-") as folder:
        temporary = Path(folder) / path.name
        with _naming(path, temporary):
            yield temporary
        _pour(temporary, path)


def _pour(finished: Path, path: Path) -> None:
    with _naming(path, finished), finished.open("rb") as content, _opened(path) as sink:
        shutil.copyfileobj(content, sink)


def _opened(path: Path) -> BinaryIO:
    number = _descriptor(path)
    if number is None:
        return open(path, "wb")
    sys.stdout.flush()  # what was printed before comes before
    return os.fdopen(os.dup(number), "wb")


@contextmanager
def _naming(path: Path, temporary: Path) -> Iterator[None]:
    """What the system complains of (a full disk, no permission) names the file that was asked for."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary), temporary):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
