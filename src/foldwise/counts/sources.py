"""Where counts lie, behind one door: arrays and sparse matrices in memory, AnnData on disk. All read by blocks of genes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.counts.stamps import FileStamp, stamps_of


@dataclass(frozen=True, slots=True)
class DenseCounts:
    """Counts in memory, genes x samples, as int32 where they fit and float64 where not."""

    values: np.ndarray[Any, Any]

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]

    def read(self, start: int, stop: int) -> FloatArray:
        return np.ascontiguousarray(self.values[start:stop], dtype=np.float64)

    def rows(self, index: IntArray) -> FloatArray:
        return np.ascontiguousarray(self.values[index], dtype=np.float64)

    def of_samples(self, start: int, stop: int) -> FloatArray:
        return np.ascontiguousarray(self.values[:, start:stop].T, dtype=np.float64)

    def part(self, genes: Any) -> DenseCounts:
        """Some genes alone, to be sent elsewhere."""
        return DenseCounts(self.values[genes])


@dataclass(frozen=True, slots=True)
class SparseCounts:
    """Counts in a CSR matrix, genes x samples; a block is made dense when it is read."""

    values: Any

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.values.shape[0]), int(self.values.shape[1])

    def read(self, start: int, stop: int) -> FloatArray:
        return np.ascontiguousarray(self.values[start:stop].toarray(), dtype=np.float64)

    def rows(self, index: IntArray) -> FloatArray:
        return np.ascontiguousarray(self.values[index].toarray(), dtype=np.float64)

    def of_samples(self, start: int, stop: int) -> FloatArray:
        return np.ascontiguousarray(self.values[:, start:stop].toarray().T, dtype=np.float64)

    def part(self, genes: Any) -> SparseCounts:
        """Some genes alone, to be sent elsewhere."""
        return SparseCounts(self.values[genes])


class StoredCounts:
    """Counts that stay on disk (backed AnnData, zarr, dask): samples x genes there, read by columns when asked.

    Reads are serialised: HDF5 allows one reader at a time. A file that has changed since is refused, as a fit would mix
    its old and its new counts.
    """

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix
        self._stamps: tuple[FileStamp, ...] = stamps_of(matrix)
        self._lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, int]:
        return int(self._matrix.shape[1]), int(self._matrix.shape[0])

    def read(self, start: int, stop: int) -> FloatArray:
        return np.ascontiguousarray(self._dense(slice(None), slice(start, stop)).T, dtype=np.float64)

    def of_samples(self, start: int, stop: int) -> FloatArray:
        return np.ascontiguousarray(self._dense(slice(start, stop), slice(None)), dtype=np.float64)

    def _dense(self, samples: slice, genes: slice) -> np.ndarray[Any, Any]:
        with self._lock:
            for stamp in self._stamps:
                stamp.check()
            block = self._matrix[samples, genes]
            # Lazy arrays are computed here, in this thread: a block may already run on a worker of a cluster.
            block = block.compute(scheduler="synchronous") if hasattr(block, "compute") else block
        return block.toarray() if hasattr(block, "toarray") else np.asarray(block)

    def rows(self, index: IntArray) -> FloatArray:
        if len(index) == 0:
            return np.empty((0, self.shape[1]))
        # Chosen genes are gathered from runs of neighbours: stores are fast at ranges, slow at scattered columns.
        out = np.empty((len(index), self.shape[1]))
        order = np.argsort(index, kind="stable")
        breaks = np.flatnonzero(np.diff(index[order]) > 64) + 1
        for run in np.split(order, breaks):
            first, last = int(index[run[0]]), int(index[run[-1]])
            out[run] = self.read(first, last + 1)[index[run] - first]
        return out

    def __getstate__(self) -> dict[str, Any]:
        return {"_matrix": self._matrix, "_stamps": self._stamps}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._matrix, self._stamps = state["_matrix"], state["_stamps"]
        self._lock = threading.Lock()
