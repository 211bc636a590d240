"""Size factors: how deeply each sample was sequenced.

Anders & Huber (2010), eq. 5; Love et al. (2014), "Model and normalization".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.errors import CountsError
from foldwise.execution import CountSource, Executor, ThreadExecutor
from foldwise.kernels import exact_row_means

TABLE_SIZE = 1 << 16

NO_GEOMETRIC_MEANS = (
    "Every gene contains at least one zero, cannot compute log geometric means. "
    'Use sf_type="poscounts", which takes geometric means over the positive counts; where there is no such argument, '
    'first give a CountData its size factors: data.with_size_factors(fw.estimate_size_factors(data, sf_type="poscounts")).'
)


@lru_cache(maxsize=1)
def _log_table() -> FloatArray:
    # The C library's logarithm, because R's is: NumPy's vectorised one differs in the last bit on some processors.
    return np.array([-math.inf, *map(math.log, range(1, TABLE_SIZE))])


def log_counts(counts: FloatArray) -> FloatArray:
    """Natural logarithms of whole numbers, minus infinity at zero; R's bits."""
    table = _log_table()
    small = np.minimum(counts, TABLE_SIZE - 1).astype(np.int64)
    logs = table[small]
    large = counts >= TABLE_SIZE
    if large.any():
        logs[large] = [math.log(v) for v in counts[large].tolist()]
    return logs


def _log_geometric_means(counts: FloatArray, genes: Any, shared: Any) -> dict[str, FloatArray]:
    return {"mean": exact_row_means(log_counts(counts))}


def _log_positive_means(counts: FloatArray, genes: Any, shared: Any) -> dict[str, FloatArray]:
    logs = np.where(counts > 0, log_counts(counts), 0.0)
    mean = exact_row_means(logs)
    # Genes of zeros only have no geometric mean; those whose positive counts are all 1 have 1.
    return {"mean": np.where((counts > 0).any(axis=1), np.log(np.exp(mean)), -np.inf)}


def log_geometric_means(counts: CountSource, run: Executor, *, positive_only: bool = False) -> FloatArray:
    """(n_genes,) mean log count over all samples; minus infinity where a count is zero.

    positive_only : sum over the positive counts but divide by all samples ("poscounts").
    """
    function = _log_positive_means if positive_only else _log_geometric_means
    return run.over_genes("geometric means", function, counts, {}, None)["mean"]  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class MedianPass:
    """log_means : (n_genes,) of the geometric means. usable : (n_genes,) genes that may enter the medians."""

    log_means: FloatArray
    usable: BoolArray


def median_pass(counts: FloatArray, shared: MedianPass) -> dict[str, FloatArray]:
    """Size factors of some samples. counts : (n_samples, n_genes)."""
    means = shared.log_means[shared.usable]
    return {"factor": np.array([_median_ratio(sample[shared.usable], means, log_counts) for sample in counts])}


def _median_ratio(counts: FloatArray, log_means: FloatArray, logs: Callable[[FloatArray], FloatArray]) -> float:
    positive = counts > 0
    if not positive.any():
        return math.nan
    if not positive.all():
        counts, log_means = counts[positive], log_means[positive]
    return math.exp(_median(logs(counts) - log_means))


def _median(values: FloatArray) -> float:
    """Median of some numbers, none of them NaN; puts them into another order."""
    upper = len(values) // 2
    if len(values) % 2:
        values.partition(upper)
        return float(values[upper])
    values.partition((upper - 1, upper))
    return float((values[upper - 1] + values[upper]) / 2.0)


def median_of_ratios(
    counts: CountSource,
    log_means: FloatArray,
    run: Executor | None = None,
    *,
    rows: BoolArray | None = None,
    scaled: bool = False,
) -> FloatArray:
    """(n_samples,) median over genes of count / geometric mean, taken on the log scale.

    A gene counts for a sample if its geometric mean is finite and its count positive. The median of an even number of
    genes is the midpoint of the *logs*, as in R. A sample without such a gene gets NaN.

    log_means : (n_genes,) logs of the geometric means. rows : the genes that may enter the medians (control genes).
    scaled : divide so that the factors' geometric mean is 1, as R does for every kind but "ratio".
    """
    shared = MedianPass(log_means, _usable(log_means, rows))
    factors = (run or ThreadExecutor()).over_samples("size factors", median_pass, counts, shared)["factor"]
    return _scaled(factors) if scaled else factors


def _usable(log_means: FloatArray, rows: BoolArray | None) -> BoolArray:
    usable = np.isfinite(log_means)
    if not usable.any():
        raise CountsError(NO_GEOMETRIC_MEANS)
    return usable if rows is None else usable & rows


def _scaled(factors: FloatArray) -> FloatArray:
    known = factors[~np.isnan(factors)]  # a sample without a factor is an error later, which names it alone
    return factors / math.exp(float(np.mean(np.log(known)))) if known.size else factors


def median_of_real_ratios(
    values: FloatArray, log_means: FloatArray, rows: BoolArray | None, scaled: bool
) -> FloatArray:
    """As ``median_of_ratios`` for counts divided by transcript lengths, which are no whole numbers."""
    usable = _usable(log_means, rows)
    factors = np.array([_median_ratio(sample[usable], log_means[usable], np.log) for sample in values.T])
    return _scaled(factors) if scaled else factors


def factors_from_lengths(
    counts: CountSource, lengths: FloatArray, log_means: FloatArray | None, rows: BoolArray | None, scaled: bool
) -> FloatArray:
    """(n_genes, n_samples) normalization factors from average transcript lengths; each row's geometric mean is 1.

    Lengths are divided by their geometric mean over samples; size factors are then those of counts / relative length.

    log_means : logs of given geometric means, or None for those of the counts over relative lengths.
    """
    relative = lengths / np.exp(exact_row_means(np.log(lengths)))[:, None]
    scaled_counts = counts.read(0, counts.shape[0]) / relative
    if log_means is None:
        with np.errstate(divide="ignore"):
            log_means = exact_row_means(np.log(scaled_counts))
    size_factors = median_of_real_ratios(scaled_counts, log_means, rows, scaled)
    factors = relative * size_factors
    return factors / np.exp(exact_row_means(np.log(factors)))[:, None]
