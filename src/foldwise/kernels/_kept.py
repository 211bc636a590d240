"""Compiled functions kept on disk, apart for every state of the sources they are made from.

Numba looks at the file of the function alone, so that a change in the arithmetic that it calls from another file
would leave the old machine code in use; and it numbers the files of one function without regard to their sources, so
that two processes with different sources could read each other's. Here a digest of all the sources is part of the
file's name.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

logger = logging.getLogger("foldwise")

LANES_VARIABLE = "FOLDWISE_LANES"
PACKAGE = Path(__file__).parents[1]
IMPORTS = re.compile(r"from foldwise([\w.]*) import (\([^)]*\)|[^\n]+)")
WORD = re.compile(r"\w+")


def compile_and_keep(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Compile at the first call, keep the machine code on disk where a place can be written."""
    try:
        compiled = njit(cache=True, **options)(function)
        _name_after_sources(compiled)
    except RuntimeError:  # neither the package's folder nor a user's cache folder can be written
        logger.info("no folder for compiled kernels can be written (NUMBA_CACHE_DIR names one): compiling every time")
        return njit(**options)(function)
    except (AttributeError, TypeError):  # a Numba that keeps its files another way: rather slow than stale
        logger.info("this version of Numba keeps compiled code in an unknown way: compiling every time")
        return njit(**options)(function)
    return compiled


def _name_after_sources(compiled: Any) -> None:
    cache, digest = compiled._cache, sources_digest(source_of(compiled))
    cache._cache_file = type(cache._cache_file)(
        cache_path=cache.cache_path,
        filename_base=f"{cache._cache_file._index_name.removesuffix('.nbi')}-{digest[:16]}",
        source_stamp=cache._cache_file._source_stamp,
    )


def source_of(compiled: Any) -> Path:
    """The file that a compiled function is written in."""
    return Path(compiled.py_func.__code__.co_filename)


def has_a_place(compiled: Any) -> bool:
    """Whether there is a folder for its machine code, where the next process finds it."""
    return hasattr(compiled._cache, "_cache_file")


def is_kept(compiled: Any) -> bool:
    """Whether machine code for this version of the sources lies on disk."""
    try:
        return bool(compiled._cache._cache_file._load_index())
    except (AttributeError, OSError, ValueError, EOFError):  # never kept, or not to be read
        return False


@cache
def sources_digest(path: Path) -> str:
    """Digest of a file, of all that it imports from this package, directly or not, and of the lanes asked for."""
    seen, ahead = set[Path](), {path}
    while ahead:
        seen |= ahead
        ahead = set().union(*map(_imported, ahead)) - seen
    digest = hashlib.sha256(os.environ.get(LANES_VARIABLE, "").encode())
    for source in sorted(seen):
        digest.update(_content(source))
    return digest.hexdigest()


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


@cache
def _imported(path: Path) -> frozenset[Path]:
    """Files of this package that a file imports from."""
    found = set[Path]()
    for module, names in IMPORTS.findall(_content(path).decode()):
        place = PACKAGE.joinpath(*WORD.findall(module))
        for name in WORD.findall(names):
            options = (place / f"{name}.py", place.with_suffix(".py"), place / "__init__.py")
            found |= set([file for file in options if file.is_file()][:1])
    return frozenset(found)
