"""Progress: a bar with the stage's name on a terminal, nothing (or plain lines) elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from foldwise.execution.blocks import ProgressCallback

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_callback(progress: bool | ProgressCallback | None) -> ProgressCallback | None:
    """What a user said about progress, as a callback: None shows a bar on a terminal only."""
    if callable(progress):
        return progress
    if progress is None:
        progress = sys.stderr.isatty()
    return ProgressBar() if progress else None


class ProgressBar:
    """One bar a stage on standard error; plain lines where that is no terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: tqdm[Any] | None = None
        self._stage: str | None = None
        self._began = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not self._stream.isatty():
            self._plain(stage, done, total)
            return
        from tqdm import tqdm

        if stage != self._stage or self._bar is None:
            self._bar = tqdm(total=total, desc=stage, unit="gene", unit_scale=True, file=self._stream, leave=False)
            self._stage = stage
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
            self._stage = None

    def _plain(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self._stage, self._began = stage, time.perf_counter()
        if done >= total:
            print(f"{stage}: {total} genes, {time.perf_counter() - self._began:.1f} s", file=self._stream)
            self._stage = None
