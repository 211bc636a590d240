"""Progress: a bar with the stage's name on a terminal, nothing (or plain lines) elsewhere."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from foldwise.errors import OptionError
from foldwise.execution.blocks import ProgressCallback

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_callback(progress: bool | ProgressCallback | None) -> ProgressCallback | None:
    """What a user said about progress, as a callback: None shows a bar on a terminal only.

    Raises
    ------
    OptionError
        For anything but None, True, False or a function.
    """
    if callable(progress):
        return progress
    if progress is not None and not (isinstance(progress, int | np.bool_) and progress in (False, True)):
        raise OptionError(
            f"progress={progress!r} is none of: None (a bar on a terminal), True, False, or a function that is called "
            "with (stage, done, total)."
        )
    if progress is None:
        progress = sys.stderr.isatty()
    return ProgressBar() if progress else None


UNITS = {"size factors": "sample", "fits": "fit"}  # what is counted in stages that do not go over genes


def _has_width(stream: TextIO) -> bool:
    """Whether bars can be drawn: some terminals of containers and editors say that they have no columns."""
    try:
        return stream.isatty() and os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError):
        return stream.isatty()


class ProgressBar:
    """One bar a stage on standard error; plain lines where that is no terminal, or one without width."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._drawn = _has_width(self._stream)
        self._bar: tqdm[Any] | None = None
        self._stage: str | None = None
        self._began = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not self._drawn:
            self._plain(stage, done, total)
            return
        from tqdm import tqdm

        if stage != self._stage or self._bar is None:
            unit = f" {UNITS.get(stage, 'gene')}s"
            self._bar = tqdm(total=total, desc=stage, unit=unit, unit_scale=True, file=self._stream, leave=False)
            self._stage = stage
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
            self._stage = None

    def _plain(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self._stage, self._began = stage, time.perf_counter()
        if done >= total:
            what = f"{total} {UNITS.get(stage, 'gene')}{'' if total == 1 else 's'}"
            print(f"{stage}: {what}, {time.perf_counter() - self._began:.1f} s", file=self._stream)
            self._stage = None
