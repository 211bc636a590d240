"""The trimmed mean of M values of one sample against a reference, plain and with singleton pairing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import BoolArray, FloatArray

ALIKE = 1e-6  # a sample whose largest log ratio is below this is a copy of the reference
POSITIVE = 1e-14  # what counts as seen, with singleton pairing
WEIGHT_OFFSET = 1e-6  # keeps the weights of TMMwsp finite


@dataclass(frozen=True, slots=True)
class TrimmedMean:
    """How the mean is trimmed; the fields are those of ``tmm_factors``."""

    logratio_trim: float
    sum_trim: float
    do_weighting: bool
    a_cutoff: float


def tmm_factor(
    observed: FloatArray, reference: FloatArray, size: float, reference_size: float, trim: TrimmedMean
) -> float:
    """Raw factor of one sample; 1 where nothing is left to compare."""
    seen = (observed > 0) & (reference > 0)
    o, r = observed[seen], reference[seen]
    po, pr = o / size, r / reference_size
    m, a = np.log2(po / pr), (np.log2(po) + np.log2(pr)) / 2
    variance = (size - o) / size / o + (reference_size - r) / reference_size / r
    above = a > trim.a_cutoff
    m, a, variance = m[above], a[above], variance[above]
    if len(m) == 0 or np.abs(m).max() < ALIKE:
        return 1.0
    # Ranks are averaged over ties: a large tied block is kept or dropped whole.
    kept = _inside(_average_ranks(m), trim.logratio_trim) & _inside(_average_ranks(a), trim.sum_trim)
    return _two_to_the_mean(m[kept], 1 / variance[kept] if trim.do_weighting else None)


def tmm_wsp_factor(
    observed: FloatArray, reference: FloatArray, size: float, reference_size: float, trim: TrimmedMean
) -> float:
    """Raw factor with singleton pairing: genes seen in one of the two only are paired, largest with largest."""
    o, r = _paired(observed, reference)
    if len(o) == 0:
        return 1.0
    po, pr = o / size, r / reference_size
    m, a = np.log2(po / pr), 0.5 * np.log2(po * pr)  # one logarithm, as in edgeR: the last bit decides ties in A
    if np.abs(m).max() < ALIKE:
        return 1.0
    shrunken = np.log2(((o + 0.5) / (size + 0.5)) / ((r + 0.5) / (reference_size + 0.5)))
    m_ranks = _ranks_of_order(np.lexsort((shrunken, m)))
    a_ranks = _ranks_of_order(np.argsort(a, kind="stable"))
    kept = _inside(m_ranks, trim.logratio_trim) & _inside(a_ranks, trim.sum_trim)
    variance = (1 - po) / po / size + (1 - pr) / pr / reference_size
    weights = (1 + WEIGHT_OFFSET) / (variance + WEIGHT_OFFSET)
    return _two_to_the_mean(m[kept], weights[kept] if trim.do_weighting else None)


def _paired(observed: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    in_o, in_r = observed > POSITIVE, reference > POSITIVE
    both, one = in_o & in_r, in_o ^ in_r
    n = min(int((one & in_o).sum()), int((one & in_r).sum()))
    singletons = [np.sort(column[one])[::-1][:n] for column in (observed, reference)]
    return np.concatenate([observed[both], singletons[0]]), np.concatenate([reference[both], singletons[1]])


def _inside(ranks: FloatArray, share: float) -> BoolArray:
    low = np.floor(len(ranks) * share) + 1
    return np.asarray((ranks >= low) & (ranks <= len(ranks) + 1 - low), dtype=np.bool_)


def _average_ranks(values: FloatArray) -> FloatArray:
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(times) - (times - 1) / 2)[place], dtype=np.float64)


def _ranks_of_order(order: np.ndarray) -> FloatArray:
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    return ranks


def _two_to_the_mean(m: FloatArray, weights: FloatArray | None) -> float:
    if len(m) == 0:
        return 1.0
    mean = m.mean() if weights is None else (m * weights).sum() / weights.sum()
    return 1.0 if np.isnan(mean) else float(2.0**mean)
