"""Folders that appear whole: written beside the target, moved into it at the end, removed after an error."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foldwise.cli.left_overs import prefix, remove_left_overs
from foldwise.errors import OptionError
from foldwise.io.atomic import move_into_place


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """A temporary folder whose files replace those of the same names in ``out`` when all has gone well.

    Raises
    ------
    OptionError
        If ``out`` cannot be a folder that we may write to.
    """
    out = out.expanduser().absolute()
    if out.exists() and not out.is_dir():
        raise OptionError(f"--out {out} is a file; name a folder.")
    existed, folder, done = out.exists(), None, False
    try:  # from the first folder on: a signal may come between any two lines
        folder = _folder_in(out)
        yield folder
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                move_into_place(path, out / path.relative_to(folder))
        done = True
        remove_left_overs(out)
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if not done and not existed:
            shutil.rmtree(out, ignore_errors=True)


def _folder_in(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=prefix(), dir=out))
    except OSError as error:
        raise OptionError(f"--out {out} cannot be written to: {error.strerror}.") from error
