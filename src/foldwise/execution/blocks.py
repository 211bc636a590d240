"""How genes are cut into blocks, and what a place that runs blocks must offer.

A block function takes ``(counts, genes, shared)``: the block's counts (float64, C order), the block's slices of the
per-gene arrays, and whatever is the same for all genes. It returns arrays with one row a gene. Because each gene's
numbers depend on that gene alone, any cut into blocks gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from foldwise.arrays import FloatArray, IntArray

Genes = Mapping[str, Any]
BlockFunction = Callable[..., dict[str, Any]]
ProgressCallback = Callable[[str, int, int], None]

# A block's arrays should stay in a core's cache, yet be long enough that the costs of calls vanish.
VALUES_IN_A_BLOCK = 1 << 18
MOST_GENES, FEWEST_GENES = 8192, 128
BLOCKS_IN_STEP = 4  # their number is a multiple of it, so that two or four threads end together
VALUES_OF_SAMPLES = 1 << 20


class CountSource(Protocol):
    """Where counts come from: an array in memory, a sparse matrix, a file. Read by rows (genes)."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def read(self, start: int, stop: int) -> FloatArray: ...

    def rows(self, index: IntArray) -> FloatArray: ...

    def of_samples(self, start: int, stop: int) -> FloatArray: ...


class Executor(Protocol):
    """Runs a block function over all genes (or samples) and joins what comes back, in their order."""

    def over_genes(
        self,
        stage: str,
        function: BlockFunction,
        counts: CountSource,
        genes: Genes,
        shared: Any,
        rows: IntArray | None = None,
    ) -> dict[str, Any]: ...

    def over_samples(self, stage: str, function: BlockFunction, counts: CountSource, shared: Any) -> dict[str, Any]:
        """The function gets ``(counts, shared)``: the counts of some samples, samples x genes."""
        ...


def block_size(n_samples: int, size: int | None = None) -> int:
    """Genes in a block for tables of this many samples."""
    return size or int(np.clip(VALUES_IN_A_BLOCK // max(n_samples, 1), FEWEST_GENES, MOST_GENES))


def samples_at_once(n_genes: int) -> int:
    """Samples in a block that holds all genes."""
    return int(np.clip(VALUES_OF_SAMPLES // max(n_genes, 1), 8, 1024))


def cut(n_genes: int, size: int) -> Iterator[tuple[int, int]]:
    """The bounds of consecutive blocks of at most ``size``, all about as long.

    One empty block if there is nothing, so that shapes and types survive.
    """
    n_blocks = -(-n_genes // size)
    if n_blocks > 1:
        n_blocks += -n_blocks % BLOCKS_IN_STEP
        size = -(-n_genes // n_blocks)
    for start in range(0, max(n_genes, 1), size):
        yield start, min(start + size, n_genes)


def read_block(counts: CountSource, rows: IntArray | None, start: int, stop: int) -> FloatArray:
    """Counts of one block, of all genes or of the chosen ones."""
    return counts.read(start, stop) if rows is None else counts.rows(rows[start:stop])


def slice_genes(genes: Genes, rows: IntArray | None, start: int, stop: int) -> dict[str, Any]:
    """The block's part of each per-gene array."""
    index: Any = slice(start, stop) if rows is None else rows[start:stop]
    return {name: values[index] for name, values in genes.items()}


def joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Results of consecutive blocks as one dictionary of arrays."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
