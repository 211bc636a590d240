"""Counts with the factors and weights that every stage needs beside them, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.counts.sources import DenseCounts
from foldwise.execution import CountSource


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, as the stages see it.

    counts : source of (n_genes, n_samples). factors : (n_samples,) size factors or (n_genes, n_samples) normalization
    factors. weights : (n_genes, n_samples) raw observation weights, or None.
    """

    counts: CountSource
    factors: FloatArray
    weights: FloatArray | None = None

    @property
    def n_genes(self) -> int:
        return self.counts.shape[0]

    @property
    def n_samples(self) -> int:
        return self.counts.shape[1]

    @property
    def common_factors(self) -> FloatArray | None:
        """Size factors, the same for all genes, or None."""
        return self.factors if self.factors.ndim == 1 else None

    def genes(self, **more: Any) -> dict[str, Any]:
        """Per-gene arrays for a pass over the genes."""
        own: dict[str, Any] = {}
        if self.factors.ndim == 2:
            own["factors"] = self.factors
        if self.weights is not None:
            own["weights"] = self.weights
        return own | {name: values for name, values in more.items() if values is not None}

    def with_counts(self, rows: IntArray, counts: FloatArray) -> Measured:
        """The genes ``rows`` alone, with other counts."""
        return Measured(
            DenseCounts(counts),
            self.factors if self.factors.ndim == 1 else self.factors[rows],
            None if self.weights is None else self.weights[rows],
        )


def block_factors(genes: Any, common: FloatArray | None, n_genes: int) -> FloatArray:
    """A block's factors: its own rows, or those that all genes share."""
    return genes["factors"] if common is None else common  # type: ignore[no-any-return]


def normalized_weights(raw: FloatArray | None) -> FloatArray | None:
    """Weights divided by each gene's largest."""
    if raw is None:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        return raw / raw.max(axis=1, keepdims=True)


def spread(values: Any, rows: BoolArray, fill: float = np.nan) -> Any:
    """Answers of the genes ``rows`` put back among all genes, ``fill`` elsewhere."""
    if rows.all():
        return np.asarray(values, dtype=np.float64)
    out = np.full((len(rows), *values.shape[1:]), fill)
    out[rows] = values
    return out
