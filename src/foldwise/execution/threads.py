"""Blocks on one core, or on threads of this process: the kernels release the interpreter's lock."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from foldwise.arrays import IntArray
from foldwise.errors import FoldwiseWarning
from foldwise.execution.blocks import (
    BlockFunction,
    CountSource,
    Genes,
    ProgressCallback,
    block_size,
    cut,
    joined,
    read_block,
    samples_at_once,
    slice_genes,
)


@dataclass(frozen=True, slots=True)
class ThreadExecutor:
    """Runs blocks on ``n_threads`` threads (1: in the caller's thread).

    n_threads : how many blocks are worked on at once.
    genes_per_block : fixed block length, or None for one that suits the number of samples.
    progress : told ``(stage, done, in all)`` after each block; genes, or samples of a stage over samples.
    """

    n_threads: int = 1
    genes_per_block: int | None = None
    progress: ProgressCallback | None = None

    def over_genes(
        self,
        stage: str,
        function: BlockFunction,
        counts: CountSource,
        genes: Genes,
        shared: Any,
        rows: IntArray | None = None,
    ) -> dict[str, Any]:
        n_genes = counts.shape[0] if rows is None else len(rows)
        bounds = list(cut(n_genes, block_size(counts.shape[1], self.genes_per_block)))

        def one(start: int, stop: int) -> dict[str, Any]:
            return function(read_block(counts, rows, start, stop), slice_genes(genes, rows, start, stop), shared)

        return joined(self._run(stage, one, bounds, n_genes))

    def over_samples(self, stage: str, function: BlockFunction, counts: CountSource, shared: Any) -> dict[str, Any]:
        n_genes, n_samples = counts.shape
        bounds = list(cut(n_samples, samples_at_once(n_genes)))

        def one(start: int, stop: int) -> dict[str, Any]:
            return function(counts.of_samples(start, stop), shared)

        return joined(self._run(stage, one, bounds, n_samples))

    def _run(self, stage: str, one: Any, bounds: list[tuple[int, int]], total: int) -> list[dict[str, Any]]:
        self._tell(stage, 0, total)
        if self.n_threads > 1 and len(bounds) > 1:
            return self._on_threads(stage, one, bounds, total)
        parts = []
        for start, stop in bounds:
            parts.append(one(start, stop))
            self._tell(stage, stop, total)
        return parts

    def _on_threads(self, stage: str, one: Any, bounds: list[tuple[int, int]], n_genes: int) -> list[dict[str, Any]]:
        pool = ThreadPoolExecutor(min(self.n_threads, len(bounds)), thread_name_prefix="foldwise")
        try:
            futures = [pool.submit(one, start, stop) for start, stop in bounds]
            done = 0
            for future, (start, stop) in zip(futures, bounds, strict=True):
                future.result()
                done += stop - start
                self._tell(stage, done, n_genes)
            wait(futures, return_when=FIRST_EXCEPTION)
            return [future.result() for future in futures]
        finally:
            # After an error or ctrl-C nothing that has not begun is begun; a running block ends within a moment.
            pool.shutdown(wait=True, cancel_futures=True)

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(stage, done, total)


def available_threads() -> int:
    """Cores that this process may use, or ``FOLDWISE_NUM_THREADS`` where that is set."""
    asked = os.environ.get("FOLDWISE_NUM_THREADS", "").strip()
    if asked and (number := _threads_asked(asked)):
        return number
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=8)  # so that it is said once
def _threads_asked(asked: str) -> int:
    """The number in the environment variable, or 0 for one that is none."""
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    said = f"FOLDWISE_NUM_THREADS={asked!r} is not a positive whole number and is ignored: all cores are used."
    warnings.warn(said, FoldwiseWarning, stacklevel=2)  # no line of the user's is to blame
    return 0
