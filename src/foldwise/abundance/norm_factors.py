"""edgeR's factors: what a library size must be multiplied by, because of RNA composition.

Robinson and Oshlack (2010) for TMM; the product of a set of factors is 1.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from foldwise.abundance.count_table import count_table, library_sizes
from foldwise.abundance.median_of_ratios import log_geometric_means
from foldwise.abundance.tmm import TrimmedMean, tmm_factor, tmm_wsp_factor
from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.errors import FoldwiseWarning, OptionError, SamplesError, listed

NormMethod = Literal["TMM", "TMMwsp", "RLE", "upperquartile", "none"]
NO_UPPER_QUARTILE = 1e-20  # median of the upper quartiles under which they cannot choose a reference (edgeR)


def tmm_factors(
    data: Any,
    *,
    ref_column: str | None = None,
    logratio_trim: float = 0.3,
    sum_trim: float = 0.05,
    do_weighting: bool = True,
    a_cutoff: float = -1e10,
    library_sizes: Any = None,
) -> pd.Series:
    """edgeR's trimmed mean of M values (TMM): a factor for each library size.

    ==================  ==============================================================================
    accounts for        RNA composition; with the library size, sequencing depth and RNA composition
    may compare         (as ``cpm(data, norm_factors=...)``) a gene's counts between samples
    may not             compare genes within a sample (longer genes have more reads)
    in the test         no: the test takes the counts, and size factors of its own
    ==================  ==============================================================================

    Parameters
    ----------
    data : CountData, fit, AnnData or genes x samples DataFrame
    ref_column : name of the sample that the others are compared with; chosen by upper quartiles if not given.
    logratio_trim, sum_trim : share of genes trimmed at each end of M (log ratio) and of A (log abundance).
    do_weighting : weigh genes by the inverse of their approximate variance.
    a_cutoff : genes with A at or below it are left out.
    library_sizes : one a sample; column sums if not given.

    Returns
    -------
    Series by sample, with product 1. These are not DESeq2's size factors: those would be library size x factor, over a
    constant.

    References
    ----------
    Robinson and Oshlack (2010), Genome Biology 11:R25.
    """
    return norm_factors(
        data,
        method="TMM",
        ref_column=ref_column,
        logratio_trim=logratio_trim,
        sum_trim=sum_trim,
        do_weighting=do_weighting,
        a_cutoff=a_cutoff,
        library_sizes=library_sizes,
    )


@checked
def norm_factors(
    data: Any,
    *,
    method: NormMethod = "TMM",
    ref_column: str | None = None,
    p: float = 0.75,
    logratio_trim: float = 0.3,
    sum_trim: float = 0.05,
    do_weighting: bool = True,
    a_cutoff: float = -1e10,
    library_sizes: Any = None,
) -> pd.Series:
    """Factors of the library sizes by any of edgeR's methods (``calcNormFactors``).

    ==================  ==============================================================================
    accounts for        RNA composition; with the library size, sequencing depth and RNA composition
    may compare         (as ``cpm(data, norm_factors=...)``) a gene's counts between samples
    may not             compare genes within a sample (longer genes have more reads)
    in the test         no: the test takes the counts, and size factors of its own
    ==================  ==============================================================================

    Parameters
    ----------
    data : CountData, fit, AnnData or genes x samples DataFrame
    method : "TMM"; "TMMwsp" (pairs genes seen in one sample only, for sparse counts); "RLE" (median of ratios);
        "upperquartile"; "none".
    ref_column : name of the reference sample, TMM and TMMwsp only.
    p : quantile of method "upperquartile".
    logratio_trim, sum_trim, do_weighting, a_cutoff : as in :func:`tmm_factors`, TMM and TMMwsp only.
    library_sizes : one a sample; column sums if not given.

    Returns
    -------
    Series by sample, with product 1.

    Raises
    ------
    CountsError
        Missing or negative counts; a sample without reads.
    OptionError, SamplesError
        An unknown method; a reference that is no sample.
    """
    if method not in get_args(NormMethod):
        raise OptionError(f"method is '{method}'; it can be {', '.join(get_args(NormMethod))}.")
    _check_shares(p=p, logratio_trim=logratio_trim, sum_trim=sum_trim)
    table = count_table(data)
    sizes = _library_sizes(table, library_sizes)
    counts = table.values[(table.values > 0).any(axis=1)]
    reference = _reference_number(ref_column, table.samples)
    if len(counts) == 0 or counts.shape[1] == 1 or method == "none":
        raw = np.ones(counts.shape[1])
    elif method == "RLE":
        raw = _relative_log_expression(counts) / sizes
    elif method == "upperquartile":
        raw = _upper_quartiles(counts, sizes, p, table.samples)
    else:
        trim = TrimmedMean(logratio_trim, sum_trim, do_weighting, a_cutoff)
        raw = _trimmed_means(counts, sizes, method, reference, trim)
    with np.errstate(divide="ignore", invalid="ignore"):  # zero upper quartiles, which have been warned of
        return table.by_sample(raw / np.exp(np.log(raw).mean()), "norm_factor")


_library_sizes = library_sizes  # the public functions have an argument of that name


def _check_shares(**shares: float) -> None:
    for name, value in shares.items():
        upper = 1.0 if name == "p" else 0.5
        if not 0 <= value <= upper:
            raise OptionError(f"{name} is {value}; it must lie between 0 and {upper}.")


def _reference_number(ref_column: str | None, samples: pd.Index) -> int | None:
    if ref_column is None:
        return None
    if ref_column not in samples:
        raise SamplesError(f"ref_column '{ref_column}' is not one of the samples {listed(samples)}.")
    return list(samples).index(ref_column)


def _relative_log_expression(counts: FloatArray) -> FloatArray:
    reference = log_geometric_means(counts)
    used = np.isfinite(reference)
    if not used.any():
        raise OptionError('method "RLE" needs a gene that is counted in every sample; there is none. Use "TMMwsp".')
    ratios = counts[used] / np.exp(reference[used])[:, None]
    return np.asarray(np.median(ratios, axis=0), dtype=np.float64)


def _upper_quartiles(counts: FloatArray, sizes: FloatArray, p: float, samples: pd.Index) -> FloatArray:
    quantiles = np.quantile(counts, p, axis=0)
    if (quantiles == 0).any():
        warnings.warn(
            f"The {p:g} quantile of the counts is zero in {listed(samples[quantiles == 0])}: "
            'their factors are zero and the others are not finite. Use a higher p, or "TMMwsp".',
            FoldwiseWarning,
            stacklevel=3,
        )
    return np.asarray(quantiles / sizes, dtype=np.float64)


def _trimmed_means(
    counts: FloatArray, sizes: FloatArray, method: str, reference: int | None, trim: TrimmedMean
) -> FloatArray:
    if reference is None:
        reference = _reference_by_roots(counts) if method == "TMMwsp" else _reference_by_quartiles(counts, sizes)
    factor = tmm_wsp_factor if method == "TMMwsp" else tmm_factor
    column = np.ascontiguousarray(counts[:, reference])
    pairs = [(np.ascontiguousarray(counts[:, j]), sizes[j]) for j in range(counts.shape[1])]
    return np.array([factor(observed, column, size, sizes[reference], trim) for observed, size in pairs])


def _reference_by_roots(counts: FloatArray) -> int:
    return int(np.argmax(np.sqrt(counts).sum(axis=0)))


def _reference_by_quartiles(counts: FloatArray, sizes: FloatArray) -> int:
    quartiles = np.quantile(counts, 0.75, axis=0) / sizes
    if np.median(quartiles) < NO_UPPER_QUARTILE:
        return _reference_by_roots(counts)
    return int(np.argmin(np.abs(quartiles - quartiles.mean())))
