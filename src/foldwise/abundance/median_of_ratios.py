"""DESeq2's median of ratios: counts divided by size factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.abundance.count_table import CountTable, count_table
from foldwise.arrays import FloatArray
from foldwise.errors import CountsError, listed


def median_of_ratios(data: Any) -> pd.DataFrame:
    """Counts divided by DESeq2's size factors (or by the normalization factors that the data carry).

    ==================  ==============================================================================
    accounts for        sequencing depth and RNA composition
    may compare         a gene's counts between samples
    may not             compare genes within a sample (longer genes have more reads)
    in the test         no: the test takes the counts themselves, and the size factors as an offset
    ==================  ==============================================================================

    Parameters
    ----------
    data : CountData, fit, AnnData or genes x samples DataFrame
        Factors that it carries are used; where there are none, size factors are estimated.

    Returns
    -------
    DataFrame, genes x samples.

    References
    ----------
    Anders and Huber (2010), eq. 5.
    """
    table = count_table(data)
    return table.frame(normalized_counts(table))


def normalized_counts(table: CountTable) -> FloatArray:
    """(n_genes, n_samples) counts over factors; a matrix of normalization factors goes before size factors."""
    return table.values / effective_factors(table)


def effective_factors(table: CountTable) -> FloatArray:
    """(n_genes, n_samples) normalization factors or (n_samples,) size factors, estimated where there are neither."""
    if table.normalization_factors is not None:
        return table.normalization_factors
    if table.size_factors is not None:
        return table.size_factors
    if table.average_lengths is not None:
        return _length_factors(table)
    return size_factors(table)


def size_factors(table: CountTable) -> FloatArray:
    """(n_samples,) median of ratios against geometric means over all samples."""
    reference = log_geometric_means(table.values)
    if not np.isfinite(reference).any():
        raise CountsError(
            "Every gene has a zero in at least one sample, so there is no geometric mean to compare with. "
            'Estimate size factors with sf_type="poscounts" and give them with the data.'
        )
    factors = np.exp(log_median_ratios(table.values, reference))
    if np.isnan(factors).any():
        raise CountsError(
            f"No gene that is counted in every sample is counted in {listed(table.samples[np.isnan(factors)])}: "
            "their size factors cannot be estimated."
        )
    return factors


def _length_factors(table: CountTable) -> FloatArray:
    """Average transcript lengths made into normalization factors: row geometric means of 1, twice."""
    assert table.average_lengths is not None
    lengths = table.average_lengths / _row_geometric_mean(table.average_lengths)
    scaled = CountTable(table.values / lengths, table.genes, table.samples)
    factors = lengths * size_factors(scaled)
    return np.asarray(factors / _row_geometric_mean(factors), dtype=np.float64)


def _row_geometric_mean(matrix: FloatArray) -> FloatArray:
    return np.asarray(np.exp(np.log(matrix).mean(axis=1, keepdims=True)), dtype=np.float64)


def log_geometric_means(matrix: FloatArray) -> FloatArray:
    """(n_genes,) mean of ln over samples, -inf as soon as one entry is zero."""
    means = np.full(len(matrix), -np.inf)
    positive = (matrix > 0).all(axis=1)
    means[positive] = np.log(matrix[positive]).mean(axis=1)
    return means


def log_median_ratios(matrix: FloatArray, log_reference: FloatArray) -> FloatArray:
    """(n_samples,) median over genes of ln(count) - reference; NaN for a sample without a usable gene.

    A gene is used where its reference is finite and its count positive. The median of an even number is the midpoint
    of the logs.
    """
    usable = np.isfinite(log_reference)
    rows, reference = matrix[usable], log_reference[usable]
    out = np.full(matrix.shape[1], np.nan)
    for sample in range(matrix.shape[1]):
        column = rows[:, sample]
        seen = column > 0
        if seen.any():
            out[sample] = np.median(np.log(column[seen]) - reference[seen])
    return out
