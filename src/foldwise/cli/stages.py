"""What a command says while it works: a bar a stage on a terminal, and a line for each stage that took a while."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

WORTH_A_LINE = 0.05  # seconds
BAR = "  {desc}: {percentage:3.0f}%|{bar:30}| {n_fmt}/{total_fmt} {elapsed}"
WORDS = {"means": "fitted means", "contrast": "comparison", "outliers": "outlier counts", "refit": "fitting again"}


class Stages:
    """Progress on standard error, and how long each stage took.

    seconds : by stage, added up. quiet : nothing is said, but times are kept.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._bars = not quiet and self._stream.isatty()
        self._bar: tqdm[Any] | None = None
        self._stage: str | None = None
        self._began = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """What fits, shrinkage and transformations call after each block of genes."""
        if stage != self._stage:
            self._begin(stage, total)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        if done >= total:
            self._end()

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """A stage without a count of what is done."""
        self._close()
        began = time.perf_counter()
        if self._bars:
            self._write(f"{stage}…", end="\r")
        yield
        if self._bars:
            self._write(" " * (len(stage) + 1), end="\r")
        self._record(stage, time.perf_counter() - began)

    def say(self, text: str) -> None:
        """A line, above the bar if there is one."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.clear()
        self._write(text)
        if self._bar is not None:
            self._bar.refresh()

    def _begin(self, stage: str, total: int) -> None:
        self._close()
        self._stage, self._began = stage, time.perf_counter()
        if self._bars:
            from tqdm import tqdm

            words = WORDS.get(stage, stage)
            self._bar = tqdm(total=total, desc=words, bar_format=BAR, file=self._stream, leave=False)

    def _end(self) -> None:
        stage, began = self._stage, self._began
        self._close()
        if stage is not None:
            self._record(stage, time.perf_counter() - began)

    def _record(self, stage: str, seconds: float) -> None:
        words = WORDS.get(stage, stage)
        self.seconds[words] = self.seconds.get(words, 0.0) + seconds
        if seconds >= WORTH_A_LINE:
            self.say(f"  {words}: {seconds:.1f} s")

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = self._stage = None

    def _write(self, text: str, end: str = "\n") -> None:
        print(text, file=self._stream, end=end, flush=True)
