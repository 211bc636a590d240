"""What the functions of this room work on: a table of counts with its labels and whatever factors came with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments.given import is_foreign_table, to_pandas
from foldwise.arrays import FloatArray
from foldwise.errors import CountsError, SamplesError, listed


@dataclass(frozen=True, slots=True)
class CountTable:
    """Counts in memory, and what is known about them.

    values : (n_genes, n_samples) counts, not necessarily whole numbers.
    genes, samples : the labels of both sides.
    size_factors : (n_samples,), or None where none were given or estimated.
    normalization_factors, average_lengths : (n_genes, n_samples), or None.
    sample_table, gene_table : annotation, or None for a bare table.
    """

    values: FloatArray
    genes: pd.Index
    samples: pd.Index
    size_factors: FloatArray | None = None
    normalization_factors: FloatArray | None = None
    average_lengths: FloatArray | None = None
    sample_table: pd.DataFrame | None = None
    gene_table: pd.DataFrame | None = None

    @property
    def library_sizes(self) -> FloatArray:
        return np.asarray(self.values.sum(axis=0), dtype=np.float64)

    def frame(self, values: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.genes, columns=self.samples)

    def by_sample(self, values: FloatArray, name: str) -> pd.Series:
        return pd.Series(values, index=self.samples, name=name)


def count_table(data: Any) -> CountTable:
    """Read a CountData, a fit, an AnnData or a plain genes x samples DataFrame or array.

    A plain table may hold fractions (estimated counts); it may not hold missing, infinite or negative numbers.
    """
    if is_foreign_table(data):
        data = to_pandas(data)
    if isinstance(data, list | tuple | np.ndarray):
        data = _named(np.asarray(data))
    if isinstance(data, pd.DataFrame):
        return _from_frame(data)
    factors = getattr(data, "factors", None)
    measured = getattr(data, "data", None)
    if factors is not None and measured is not None and hasattr(measured, "source"):
        return _from_count_data(measured, np.asarray(factors, dtype=np.float64))
    from foldwise.counts import counts_only

    return _from_count_data(counts_only(data), None)


def _named(values: Any) -> pd.DataFrame:
    """An array has no names: those that CountData gives it."""
    from foldwise.counts import unnamed_samples

    genes = [f"gene{i + 1}" for i in range(len(values))]
    return pd.DataFrame(values, columns=unnamed_samples(values), index=genes)


def _from_frame(frame: pd.DataFrame) -> CountTable:
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise CountsError(f"The count table is empty: it has {frame.shape[0]} genes (rows), {frame.shape[1]} samples.")
    text = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    if text:
        raise CountsError(
            f"These columns of the count table hold no numbers: {listed(text)}. "
            "Gene names belong in the index, annotation in a table of its own."
        )
    for what, labels in (("gene names", frame.index), ("sample names", frame.columns)):
        if not labels.is_unique:
            twice = labels[labels.duplicated()].unique()
            raise CountsError(f"Some {what} occur twice: {listed(twice)}. Make them unique.")
    values = np.ascontiguousarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        gene, sample = np.argwhere(bad)[0]
        raise CountsError(
            f"{int(bad.sum())} numbers of the count table are missing, infinite or negative, the first being "
            f"{values[gene, sample]} for gene '{frame.index[gene]}', sample '{frame.columns[sample]}'."
        )
    return CountTable(values, frame.index, frame.columns)


def _from_count_data(data: Any, factors: FloatArray | None) -> CountTable:
    values = np.ascontiguousarray(data.source.read(0, data.source.shape[0]), dtype=np.float64)
    given = data.size_factors
    sizes = None if given is None else np.asarray(given, dtype=np.float64)
    matrix = _matrix(data.normalization_factors)
    if factors is not None:
        sizes, matrix = (factors, matrix) if factors.ndim == 1 else (sizes, factors)
    return CountTable(
        values,
        data.gene_names,
        data.sample_names,
        sizes,
        matrix,
        _matrix(data.average_lengths),
        data.samples,
        data.genes,
    )


def _matrix(frame: pd.DataFrame | None) -> FloatArray | None:
    return None if frame is None else np.array(frame, dtype=np.float64, order="C")


def sample_values(values: Any, samples: pd.Index, what: str) -> FloatArray:
    """One positive number a sample, by name if ``values`` is a Series, by position otherwise."""
    if isinstance(values, pd.Series):
        missing = samples.difference(values.index)
        if len(missing):
            raise SamplesError(f"{what} has no value for {len(missing)} samples: {listed(missing)}.")
        values = values.reindex(samples)
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (len(samples),):
        raise SamplesError(
            f"{what} must hold one number for each of {len(samples)} samples; its shape is {found.shape}."
        )
    bad = ~(np.isfinite(found) & (found > 0))
    if bad.any():
        raise SamplesError(f"{what} must be positive; it is not for {listed(samples[bad])}.")
    return found


def library_sizes(table: CountTable, given: Any = None) -> FloatArray:
    """Library sizes, given or summed; a sample without a single read is an error."""
    if given is not None:
        return sample_values(given, table.samples, "library_sizes")
    sizes = table.library_sizes
    if not (sizes > 0).all():
        raise CountsError(
            f"These samples have no reads at all: {listed(table.samples[sizes <= 0])}. "
            "Nothing can be scaled by a library size of zero: leave them out."
        )
    return sizes
