"""Size factors: how deeply each sample was sequenced.

Anders & Huber (2010), eq. 5; Love et al. (2014), "Model and normalization".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.errors import CountsError
from foldwise.execution import CountSource, Executor
from foldwise.kernels import exact_row_means

TABLE_SIZE = 1 << 16
SAMPLES_AT_ONCE = 32

NO_GEOMETRIC_MEANS = (
    "Every gene contains at least one zero, cannot compute log geometric means. "
    'Use sf_type="poscounts", which takes geometric means over the positive counts, '
    "or give size factors of your own (size_factors=)."
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
        values, at = np.unique(counts[large], return_inverse=True)
        logs[large] = np.array([math.log(v) for v in values])[at]
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
    return run.over_genes("size factors", function, counts, {}, None)["mean"]  # type: ignore[no-any-return]


def median_of_ratios(
    counts: CountSource, log_means: FloatArray, *, rows: BoolArray | None = None, scaled: bool = False
) -> FloatArray:
    """(n_samples,) median over genes of count / geometric mean, taken on the log scale.

    A gene counts for a sample if its geometric mean is finite and its count positive. The median of an even number of
    genes is the midpoint of the *logs*, as in R. A sample without such a gene gets NaN.

    log_means : (n_genes,) logs of the geometric means. rows : the genes that may enter the medians (control genes).
    scaled : divide so that the factors' geometric mean is 1, as R does for every kind but "ratio".
    """
    usable = np.isfinite(log_means)
    if not usable.any():
        raise CountsError(NO_GEOMETRIC_MEANS)
    if rows is not None:
        usable &= rows
    index = np.flatnonzero(usable)
    factors = _medians(_column_reader(counts, index), counts.shape[1], log_means[index], log_counts)
    if scaled:
        factors = factors / math.exp(float(np.mean(np.log(factors))))
    return factors


def median_of_real_ratios(
    values: FloatArray, log_means: FloatArray, rows: BoolArray | None, scaled: bool
) -> FloatArray:
    """As ``median_of_ratios`` for counts divided by transcript lengths, which are no whole numbers."""
    usable = np.isfinite(log_means)
    if not usable.any():
        raise CountsError(NO_GEOMETRIC_MEANS)
    index = np.flatnonzero(usable if rows is None else usable & rows)

    def logs(v: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.log(v)

    chosen_values = values[index]
    factors = _medians(lambda a, b: chosen_values[:, a:b], values.shape[1], log_means[index], logs)
    return factors / math.exp(float(np.mean(np.log(factors)))) if scaled else factors


def _column_reader(counts: CountSource, index: Any) -> Callable[[int, int], FloatArray]:
    """Reads the chosen genes of a few samples at a time; what is not in memory is gathered once, as integers."""
    values = getattr(counts, "values", None)
    if not isinstance(values, np.ndarray):
        parts = [counts.rows(index[k : k + 1024]) for k in range(0, len(index), 1024)]
        fits = all(part.max(initial=0) < 2**31 for part in parts)
        kind = np.int32 if fits else np.float64
        gathered = np.concatenate([part.astype(kind) for part in parts]) if parts else np.empty((0, counts.shape[1]))
        return lambda a, b: gathered[:, a:b].astype(np.float64)
    everything = len(index) == values.shape[0]
    return lambda a, b: (values[:, a:b] if everything else values[index, a:b]).astype(np.float64)


def _medians(
    read: Callable[[int, int], FloatArray],
    n_samples: int,
    log_means: FloatArray,
    logs: Callable[[FloatArray], FloatArray],
) -> FloatArray:
    factors = np.full(n_samples, np.nan)
    for start in range(0, n_samples, SAMPLES_AT_ONCE):
        block = np.ascontiguousarray(read(start, min(start + SAMPLES_AT_ONCE, n_samples)).T)
        for j, column in enumerate(block):
            positive = column > 0
            if positive.any():
                ratios = logs(column[positive]) - log_means[positive]
                factors[start + j] = math.exp(float(np.median(ratios)))
    return factors


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
