"""Folders of runs that were killed: no program can clean up after SIGKILL, so the next run into the folder does."""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
import zlib
from pathlib import Path

OURS = re.compile(r"\.foldwise-(?:(?P<place>[0-9a-f]{8})-(?P<process>\d+)-)?[a-z0-9_]{8}")
DAY = 24 * 3600.0


def prefix() -> str:
    """What the temporary folders of this process begin with."""
    return f".foldwise-{_place()}-{os.getpid()}-"


def remove_left_overs(out: Path) -> None:
    """Remove temporary folders of ours whose process is gone; where that cannot be known, those older than a day."""
    for path in out.glob(".foldwise-*"):
        name = OURS.fullmatch(path.name)
        if name is not None and path.is_dir() and not path.is_symlink() and _is_left(path, name):
            shutil.rmtree(path, ignore_errors=True)


def _is_left(path: Path, name: re.Match[str]) -> bool:
    if name["place"] == _place() and os.name == "posix":
        return not _is_alive(int(name["process"]))
    try:
        return time.time() - path.stat().st_mtime > DAY
    except OSError:
        return False


def _place() -> str:
    """Where a process number means something: this machine, and in it this container."""
    try:
        container = os.readlink("/proc/self/ns/pid")
    except OSError:
        container = ""
    return f"{zlib.crc32(f'{platform.node()} {container}'.encode()):08x}"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks only; not on Windows, where it would end the process
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or a number that none can be: leave it
        pass
    return True
