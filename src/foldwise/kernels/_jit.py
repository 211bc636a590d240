"""The one decorator of the compiled kernels, where what it compiled is kept, and word of it when that takes time."""

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

# What C would call a kernel by is never used, and takes a sixth of the time that compiling takes.
OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
LANES_VARIABLE = "FOLDWISE_LANES"
IMPORTS = re.compile(r"from foldwise\.kernels(?:\.(\w+)| import ([\w, ]+))")
WORD = re.compile(r"\w+")
NOTICE = "compiling kernels (once per machine)…"

_listeners: list[Callable[[str], None]] = [logger.info]
_announced = False


def kernel(function: Callable[..., Any]) -> Any:
    """Compile at the first call, keep the machine code on disk where a place can be written."""
    return _compiled(function, OPTIONS)


def part(function: Callable[..., Any]) -> Any:
    """The same for a function that kernels call and Python does not."""
    return _compiled(function, {**OPTIONS, "no_cpython_wrapper": True})


def _compiled(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    try:
        compiled = njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor a user's cache folder can be written
        logger.info("no folder for compiled kernels can be written (NUMBA_CACHE_DIR names one): compiling every time")
        return njit(**options)(function)
    _tie_to_sources(compiled)
    return compiled


def _tie_to_sources(compiled: Any) -> None:
    """Let the kept machine code depend on every file of this folder that its file leans on, and on the lanes.

    Numba looks at the file of the function alone, so that a change in the arithmetic that it calls from another
    file would leave the old machine code in use.
    """
    file = _index_file(compiled)
    if file is not None:
        name = Path(compiled.py_func.__code__.co_filename).stem
        file._source_stamp = (file._source_stamp, sources_digest(name))


def _index_file(compiled: Any) -> Any:
    file = getattr(compiled._cache, "_cache_file", None)
    return file if hasattr(file, "_source_stamp") and hasattr(file, "_load_index") else None


@cache
def sources_digest(module: str) -> str:
    """Digest of a file of this folder and of all that it imports from this folder."""
    folder, seen, ahead = Path(__file__).parent, dict[str, bytes](), [module]
    while ahead:
        name = ahead.pop()
        path = folder / f"{name}.py"
        if name not in seen and path.exists():
            seen[name] = path.read_bytes()
            ahead += [found for pair in IMPORTS.findall(seen[name].decode()) for found in WORD.findall("".join(pair))]
    digest = hashlib.sha256(os.environ.get(LANES_VARIABLE, "").encode())
    for name in sorted(seen):
        digest.update(seen[name])
    return digest.hexdigest()


def is_kept(compiled: Any) -> bool:
    """Whether machine code for this version of the sources lies on disk."""
    file = _index_file(compiled)
    try:
        return file is not None and bool(file._load_index())
    except (OSError, ValueError, EOFError):
        return False


def on_notice(listener: Callable[[str], None] | None) -> None:
    """Who is told, in one line, that the first run on a machine compiles; None for nobody. By default the log."""
    _listeners[:] = [] if listener is None else [listener]


def announce(compiled: Any) -> None:
    """Say once a process that kernels are being compiled, if this one is not on disk."""
    global _announced
    if _announced or compiled.overloads:
        return
    if not is_kept(compiled):
        _announced = True
        for listener in _listeners:
            listener(NOTICE)
