"""Have files that counts are still read from changed since? Sizes and times are compared, never the content."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from foldwise.errors import CountsError

# Of a zarr array, in the names of its versions 2 and 3; some of them exist.
_ZARR_FILES = (".zarray", "zarr.json", ".zgroup")
_SPARSE_PARTS = ("", "data", "indices", "indptr")


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file as it was when counts were first read from it.

    held_open : whether reads go through a handle opened then (HDF5). Another file put in its place by renaming does not
    reach those; a zarr folder is opened anew at each read. size in bytes, modified in nanoseconds.
    """

    path: str
    named: str
    held_open: bool
    inode: int
    size: int
    modified: int

    def check(self) -> None:
        """Raises CountsError if the file is no longer the one that was read."""
        try:
            now = os.stat(self.path)
        except OSError:
            return  # gone or not seen from this machine: the read itself says so if that matters
        if self.held_open and now.st_ino != self.inode:
            return
        if (now.st_size, now.st_mtime_ns) != (self.size, self.modified):
            raise CountsError(self._changed(now))

    def _changed(self, now: os.stat_result) -> str:
        size = "" if now.st_size == self.size else f" and had {self.size} bytes, now {now.st_size}"
        return (
            f"{self.named} has changed since its counts were first read (written {_time(now.st_mtime_ns)}, "
            f"before {_time(self.modified)}{size}). What was fitted would be mixed with other counts. Read the file and "
            "fit again; a fit that is to be kept needs a copy of its file that nothing writes to."
        )


def stamps_of(matrix: Any) -> tuple[FileStamp, ...]:
    """Stamps of the local files behind a stored matrix; none where none are to be seen (remote stores, opaque tasks)."""
    try:
        return tuple(stamp for stored in _stored(matrix) for stamp in _stamps(stored))
    except (OSError, ValueError):
        return ()


def _stored(matrix: Any) -> Iterator[Any]:
    """The matrix itself, or the arrays that a Dask array was made from, which its graph holds under "original-…"."""
    layers = getattr(getattr(matrix, "dask", None), "layers", None)
    if layers is None:
        yield matrix
        return
    for name, layer in layers.items():
        if str(name).startswith("original-"):
            yield from layer.values()


def _stamps(matrix: Any) -> Iterator[FileStamp]:
    held = getattr(matrix, "group", matrix)  # a sparse matrix is a group of arrays
    if isinstance(name := getattr(getattr(held, "file", None), "filename", None), str):
        yield _stamp(Path(name).absolute(), name, held_open=True)
        return
    store = getattr(held, "store", None)
    root = getattr(store, "root", getattr(store, "path", None))
    if not isinstance(root, str | Path) or not Path(root).is_dir():
        return
    folder = Path(root).absolute() / str(getattr(held, "path", ""))
    for path in _zarr_files(folder, getattr(held, "metadata", None)):
        if path.is_file():
            yield _stamp(path, str(root), held_open=False)


def _zarr_files(folder: Path, metadata: Any) -> Iterator[Path]:
    for part in _SPARSE_PARTS:
        yield from (folder / part / name for name in _ZARR_FILES)
        # Values written into an array that is there touch its chunks alone; the first stands for all.
        yield from (folder / part / first for first in ("0", "c/0"))
    if hasattr(metadata, "encode_chunk_key") and len(getattr(metadata, "shape", ())) == 2:
        yield folder / metadata.encode_chunk_key((0, 0))


def _stamp(path: Path, named: str, *, held_open: bool) -> FileStamp:
    now = path.stat()
    return FileStamp(str(path), named, held_open, now.st_ino, now.st_size, now.st_mtime_ns)


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9).isoformat(" ", "seconds")
