"""The first run on a machine: it says that it compiles, and has a second process compile what it needs last."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Callable

BESIDE = "from foldwise.warming import compile_the_last; compile_the_last()"


def note_compiling(say: Callable[[str], None]) -> None:
    """Let the first run on a machine say that it compiles, and be helped where a second core is free."""
    from foldwise.kernels import on_notice

    def heard(notice: str) -> None:
        say(notice)
        compile_beside()

    on_notice(heard)


def compile_beside() -> subprocess.Popen[bytes] | None:
    """Start the second process, which ends with this one; None where it could not help."""
    from foldwise.kernels import are_kept

    if _cores() < 2 or not are_kept():
        return None
    try:
        helper = subprocess.Popen(
            [sys.executable, "-P", "-c", BESIDE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:  # no process is to be had: one is enough
        return None
    atexit.register(_end, helper)
    return helper


def _end(helper: subprocess.Popen[bytes]) -> None:
    helper.terminate()
    helper.wait()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
