"""Counts over library sizes: CPM and RPKM as edgeR computes them, FPM and FPKM as DESeq2 does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.abundance.count_table import CountTable, count_table, library_sizes, sample_values
from foldwise.abundance.lengths import gene_lengths
from foldwise.abundance.median_of_ratios import log_geometric_means, median_ratios, size_factors
from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.errors import CountsError, OptionError

MILLION = 1e6
KILOBASE = 1000.0


@checked
def cpm(
    data: Any,
    *,
    log: bool = False,
    prior_count: Any = 2,
    norm_factors: Any = None,
    library_sizes: Any = None,
) -> pd.DataFrame:
    """Counts per million reads of the sample (edgeR's ``cpm``).

    ==================  ==============================================================================
    accounts for        sequencing depth (with ``norm_factors`` also RNA composition)
    may compare         a gene's counts between replicates of the same sample group
    may not             compare genes within a sample (longer genes have more reads)
    in the test         no: the test takes the counts themselves
    ==================  ==============================================================================

    Parameters
    ----------
    data : CountData, fit, AnnData or genes x samples DataFrame
    log : log2 of the values, with ``prior_count`` added.
    prior_count : number, or one a gene; scaled by library size over mean library size before it is added, and twice
        that is added to the library size. Used with ``log`` only.
    norm_factors : one a sample (:func:`tmm_factors`, :func:`norm_factors`); multiplies the library sizes.
    library_sizes : one a sample; column sums if not given.

    Returns
    -------
    DataFrame, genes x samples.
    """
    table = count_table(data)
    return table.frame(_cpm(table, _effective_sizes(table, norm_factors, library_sizes), log, prior_count))


@checked
def rpkm(
    data: Any,
    *,
    lengths: Any = None,
    log: bool = False,
    prior_count: Any = 2,
    norm_factors: Any = None,
    library_sizes: Any = None,
) -> pd.DataFrame:
    """Reads per kilobase of gene and million reads of the sample (edgeR's ``rpkm``).

    ==================  ==============================================================================
    accounts for        sequencing depth and gene length
    may compare         genes within a sample
    may not             compare samples: the values of two samples have different totals
    in the test         no: the test takes the counts themselves
    ==================  ==============================================================================

    Parameters
    ----------
    data : CountData, fit, AnnData or genes x samples DataFrame
    lengths : bases; a Series by gene or a genes x samples DataFrame. With None, average lengths or a length column
        that came with the data.
    log, prior_count, norm_factors, library_sizes : as in :func:`cpm`.

    Returns
    -------
    DataFrame, genes x samples.

    Raises
    ------
    CountsError
        A gene without a length, or with one that is not positive.
    """
    table = count_table(data)
    kilobases = gene_lengths(table, lengths) / KILOBASE
    values = _cpm(table, _effective_sizes(table, norm_factors, library_sizes), log, prior_count)
    return table.frame(values - np.log2(kilobases) if log else values / kilobases)


@checked
def fpm(data: Any, *, robust: bool = True) -> pd.DataFrame:
    """Fragments per million, the million measured by size factors (DESeq2's ``fpm``).

    ==================  ==============================================================================
    accounts for        sequencing depth, and with ``robust`` RNA composition
    may compare         a gene's counts between samples
    may not             compare genes within a sample (longer genes have more reads)
    in the test         no: the test takes the counts themselves
    ==================  ==============================================================================

    Parameters
    ----------
    data : CountData, fit, AnnData or genes x samples DataFrame
    robust : library size = size factor x geometric mean of the column sums, in place of the column sum. Has no effect
        where the data carry average transcript lengths, as in R; a matrix of normalization factors is not used.

    Returns
    -------
    DataFrame, genes x samples.
    """
    table = count_table(data)
    return table.frame(_fpm(table, robust and table.average_lengths is None))


@checked
def fpkm(data: Any, *, lengths: Any = None, robust: bool = True) -> pd.DataFrame:
    """Fragments per kilobase and million, the million measured by size factors (DESeq2's ``fpkm``).

    ==================  ==============================================================================
    accounts for        sequencing depth and gene length, and with ``robust`` RNA composition
    may compare         genes within a sample
    may not             compare samples: the values of two samples have different totals
    in the test         no: the test takes the counts themselves
    ==================  ==============================================================================

    Parameters
    ----------
    data : CountData, fit, AnnData or genes x samples DataFrame
    lengths : bases, by gene; a genes x samples DataFrame is taken as average transcript lengths. With None, average
        lengths or a length column that came with the data.
    robust : as in :func:`fpm`. With lengths that differ between samples, columns are divided by the median-of-ratios
        factors of the FPKM values themselves.

    Returns
    -------
    DataFrame, genes x samples.
    """
    table = count_table(data)
    bases = gene_lengths(table, lengths)
    if bases.shape[1] == 1 and len(table.samples) > 1:
        return table.frame(_fpm(table, robust) / (bases / KILOBASE))
    values = KILOBASE * _fpm(table, False) / bases
    if robust:
        values = values / median_ratios(values, _finite_reference(values))
    return table.frame(values)


def _effective_sizes(table: CountTable, norm_factors: Any, sizes: Any) -> FloatArray:
    found = library_sizes_of(table, sizes)
    return found if norm_factors is None else found * sample_values(norm_factors, table.samples, "norm_factors")


library_sizes_of = library_sizes  # the public functions have an argument of that name


def _cpm(table: CountTable, sizes: FloatArray, log: bool, prior_count: Any) -> FloatArray:
    if not log:
        return np.asarray(MILLION * table.values / sizes, dtype=np.float64)
    prior = np.asarray(prior_count, dtype=np.float64)
    if (prior < 0).any() or prior.shape not in ((), (len(table.genes),)):
        raise OptionError("prior_count must be a number that is not negative, or one for each gene.")
    prior = np.atleast_1d(prior)[:, None] * (sizes / sizes.mean())
    return np.asarray(np.log2((table.values + prior) / (sizes + 2 * prior) * MILLION), dtype=np.float64)


def _fpm(table: CountTable, robust: bool) -> FloatArray:
    sizes = library_sizes_of(table)
    if robust:
        factors = table.size_factors if table.size_factors is not None else size_factors(table)
        sizes = factors * np.exp(np.log(sizes).mean())
    return np.asarray(MILLION * table.values / sizes, dtype=np.float64)


def _finite_reference(values: FloatArray) -> FloatArray:
    reference = log_geometric_means(values)
    if not np.isfinite(reference).any():
        raise CountsError("Every gene has a zero in some sample: robust FPKM cannot be computed, ask for robust=False.")
    return reference
