"""The decorators of the compiled kernels, and word of it when compiling takes time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from foldwise.kernels._kept import compile_and_keep, is_kept

logger = logging.getLogger("foldwise")

# What C would call a kernel by is never used, and takes a sixth of the time that compiling takes.
OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
NOTICE = "compiling kernels (once per machine)…"

_listeners: list[Callable[[str], None]] = [logger.info]
_announced = False


def kernel(function: Callable[..., Any]) -> Any:
    """Compile at the first call, keep the machine code on disk where a place can be written."""
    return compile_and_keep(function, OPTIONS)


def part(function: Callable[..., Any]) -> Any:
    """The same for a function that kernels call and Python does not."""
    return compile_and_keep(function, {**OPTIONS, "no_cpython_wrapper": True})


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
