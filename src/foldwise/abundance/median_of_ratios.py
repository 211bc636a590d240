"""DESeq2's median of ratios: counts divided by size factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.abundance.count_table import CountTable, count_table
from foldwise.arrays import FloatArray
from foldwise.counts.sources import DenseCounts
from foldwise.errors import CountsError, listed
from foldwise.size_factors import factors_from_lengths, median_of_real_ratios


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
        return factors_from_lengths(DenseCounts(table.values), table.average_lengths, None, None, False)
    return size_factors(table)


def size_factors(table: CountTable) -> FloatArray:
    """(n_samples,) median of ratios against geometric means over all samples."""
    reference = log_geometric_means(table.values)
    if not np.isfinite(reference).any():
        raise CountsError(
            "Every gene has a zero in at least one sample, so there is no geometric mean to compare with. "
            'Estimate size factors with sf_type="poscounts" and give them with the data.'
        )
    factors = median_ratios(table.values, reference)
    if np.isnan(factors).any():
        raise CountsError(
            f"No gene that is counted in every sample is counted in {listed(table.samples[np.isnan(factors)])}: "
            "their size factors cannot be estimated."
        )
    return factors


def log_geometric_means(matrix: FloatArray) -> FloatArray:
    """(n_genes,) mean of ln over samples, -inf as soon as one entry is zero."""
    means = np.full(len(matrix), -np.inf)
    positive = (matrix > 0).all(axis=1)
    means[positive] = np.log(matrix[positive]).mean(axis=1)
    return means


def median_ratios(matrix: FloatArray, log_reference: FloatArray) -> FloatArray:
    """(n_samples,) median over genes of value / reference; NaN for a sample without a usable gene."""
    if not np.isfinite(log_reference).any():
        return np.full(matrix.shape[1], np.nan)
    return median_of_real_ratios(matrix, log_reference, None, False)
