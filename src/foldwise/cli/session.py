"""What is true of a whole command: signals, warnings, folders that cannot be written."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import click

from foldwise.cli.exit_codes import TERMINATED

KERNELS_BESIDE = ".foldwise-kernels"
_warned: set[str] = set()  # a command says everything once


def prepare(debug: bool) -> None:
    """Set up the process: one-line warnings, tidy ends, a place for compiled kernels."""
    _warned.clear()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # "building the font cache", a home that is read-only
    if not debug:
        warnings.showwarning = _one_line
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminated)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a shell has us ignore it
            signal.signal(signal.SIGINT, _interrupted)
    _place_for_kernels()


def _terminated(number: int, frame: Any) -> None:
    raise Terminated(TERMINATED)  # unlike the signal itself this cleans up


class Terminated(SystemExit):
    """SIGTERM: what schedulers and containers send first."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. A plain KeyboardInterrupt out of an ``exec`` makes Python end by the signal, though it was caught."""


def _interrupted(number: int, frame: Any) -> None:
    raise Interrupted


def _one_line(message: Any, category: Any, *_: Any, **__: Any) -> None:
    from foldwise.cli.words import in_our_words
    from foldwise.errors import FoldwiseWarning

    said = in_our_words(message)
    if issubclass(category, FoldwiseWarning) and said not in _warned:
        _warned.add(said)
        click.echo(f"warning: {said}", err=True)


def _place_for_kernels() -> None:
    """Kernels compiled for this machine are kept in the package's folder or the home; failing both, in this folder."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    package = Path(__file__).parent.parent / "kernels"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if _writable(package / "__pycache__") or _writable(cache / "numba"):
        return
    here = Path.cwd()
    if os.access(here, os.W_OK):
        os.environ["NUMBA_CACHE_DIR"] = str(here / KERNELS_BESIDE)


def _writable(folder: Path) -> bool:
    """Whether the folder, or the nearest one above it that exists, can be written."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)


def debugging(arguments: list[str] | None) -> bool:
    """Whether --debug was given, before or after the command."""
    return "--debug" in (sys.argv[1:] if arguments is None else arguments)
