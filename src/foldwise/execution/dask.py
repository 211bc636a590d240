"""Blocks on a Dask cluster: the same functions, the same bits, data that need not fit one memory.

Counts in memory are cut up and sent; counts in a store (zarr, AnnData on disk, dask arrays) are read by the workers
themselves. Only short per-gene vectors come back. A task that dies with its worker is run again by the scheduler: all
that it needs travels with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import IntArray
from foldwise.errors import FitError
from foldwise.execution.blocks import (
    BlockFunction,
    CountSource,
    Genes,
    ProgressCallback,
    block_size,
    cut,
    joined,
    samples_at_once,
    slice_genes,
)

BLOCKS_A_TASK = 4  # a task should be long beside the scheduler's own millisecond
TASKS_A_THREAD = 4  # in flight, so that no worker waits
RETRIES = 5


@dataclass(frozen=True, slots=True)
class DaskExecutor:
    """Runs blocks on the workers of a ``dask.distributed`` client.

    client : the Client. genes_per_block : fixed block length, or None for one that suits the number of samples.
    progress : told ``(stage, done, total)`` after each task.
    """

    client: Any
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
        size = block_size(counts.shape[1], self.genes_per_block)

        def tasks() -> Iterator[tuple[int, tuple[Any, ...]]]:
            for start, stop in cut(n_genes, size * BLOCKS_A_TASK):
                part, first = _part_of(counts, rows, start, stop)
                yield stop, (function, part, first, stop - start, size, slice_genes(genes, rows, start, stop), shared)

        return joined(self._run(stage, _genes_on_worker, tasks(), n_genes))

    def over_samples(self, stage: str, function: BlockFunction, counts: CountSource, shared: Any) -> dict[str, Any]:
        n_genes, n_samples = counts.shape

        def tasks() -> Iterator[tuple[int, tuple[Any, ...]]]:
            for start, stop in cut(n_samples, samples_at_once(n_genes)):
                if in_memory(counts):
                    yield stop, (function, counts.of_samples(start, stop), None, None, shared)
                else:
                    yield stop, (function, counts, start, stop, shared)

        return joined(self._run(stage, _samples_on_worker, tasks(), n_samples))

    def _run(
        self, stage: str, on_worker: Callable[..., Any], tasks: Iterable[tuple[int, tuple[Any, ...]]], total: int
    ) -> list[dict[str, Any]]:
        from dask.distributed import as_completed

        self._check_open(stage)
        if self.progress is not None:
            self.progress(stage, 0, total)
        waiting = iter(enumerate(tasks))
        found: dict[int, dict[str, Any]] = {}
        ends: dict[Any, tuple[int, int]] = {}
        running = as_completed(loop=self.client.loop)  # else it looks for a default client, which need not be this one
        threads = max(1, sum(self.client.nthreads().values()))

        def send(many: int) -> None:
            for number, (stop, arguments) in _first(waiting, many):
                future = self.client.submit(on_worker, *arguments, pure=False, retries=RETRIES)
                ends[future] = (number, stop)
                running.add(future)

        send(threads * TASKS_A_THREAD)
        try:
            for future in running:
                number, _ = ends.pop(future)
                found[number] = self._result(future, stage)
                send(1)
                if self.progress is not None:
                    done = sum(len(next(iter(part.values()))) for part in found.values())
                    self.progress(stage, min(done, total), total)
        finally:
            self.client.cancel(list(ends))
        return [found[number] for number in sorted(found)]

    def _check_open(self, stage: str) -> None:
        if self.client.status in ("closing", "closed"):
            raise FitError(
                f"The Dask client that the stage '{stage}' should run on is closed. fit.with_executor(None) is the same "
                "fit on this machine's threads, fit.with_executor(client) on another cluster."
            )

    def _result(self, future: Any, stage: str) -> dict[str, Any]:
        from dask.distributed import KilledWorker

        try:
            return future.result()  # type: ignore[no-any-return]
        except KilledWorker as error:
            raise FitError(
                f"Workers of the cluster died again and again in the stage '{stage}': most likely they have too little "
                "memory. Give them more, or smaller blocks."
            ) from error


def in_memory(counts: Any) -> bool:
    """Whether a part of the counts can be cut out and sent; stores are read by the workers."""
    return hasattr(counts, "part")


def _first(items: Iterator[Any], many: int) -> Iterator[Any]:
    for _, item in zip(range(many), items):  # noqa: B905
        yield item


def _part_of(counts: Any, rows: IntArray | None, start: int, stop: int) -> tuple[Any, Any]:
    """What a task needs of the counts, and where its genes lie in that: cut out of memory, or the store itself."""
    if in_memory(counts):
        return counts.part(slice(start, stop) if rows is None else rows[start:stop]), 0
    return counts, start if rows is None else rows[start:stop]


def _genes_on_worker(
    function: BlockFunction, counts: CountSource, first: Any, n_genes: int, size: int, genes: Genes, shared: Any
) -> dict[str, Any]:
    parts = []
    for start, stop in cut(n_genes, size):
        if isinstance(first, np.ndarray):
            block = counts.rows(first[start:stop])
        else:
            block = counts.read(first + start, first + stop)
        parts.append(function(block, slice_genes(genes, None, start, stop), shared))
    return joined(parts)


def _samples_on_worker(function: BlockFunction, counts: Any, start: Any, stop: Any, shared: Any) -> dict[str, Any]:
    return function(counts if start is None else counts.of_samples(start, stop), shared)
