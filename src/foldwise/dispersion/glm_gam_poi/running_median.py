"""Kernel: the running weighted median behind the trend of this route."""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.kernels._jit import announce, kernel

WINDOW = 0.1
"""Share of the genes in one window."""
REACH = 3.0
"""Weights are the normal density, from -3 to 3 standard deviations across the window."""


def local_median(values: FloatArray) -> FloatArray:
    """Weighted median of the tenth of the values around each; the ends copy the first and last full window.

    values : (n,) in the order of the means. Below 15 values a window is one value, and the answer is the values.
    """
    half = max(1, round(WINDOW * values.size)) // 2
    if half == 0:
        return values.copy()
    weights = np.exp(-0.5 * np.linspace(-REACH, REACH, 2 * half + 1) ** 2)
    order = np.argsort(values, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(values.size)
    medians = np.empty(values.size)
    announce(slide)
    slide(values, order, rank, weights, medians)
    medians[:half] = medians[half]
    medians[values.size - half :] = medians[values.size - half - 1]
    return medians


@kernel
def slide(values, order, rank, weights, out):
    """Fill the positions with a full window, each search beginning at the median before.

    order : positions by ascending value. rank : its inverse. The median is the first value at which the cumulative
    weight exceeds half of all; at exactly half, the weighted mean of the two values there.
    """
    half = weights.size // 2
    middle = 0.5 * weights.sum()
    at = rank[half]
    for i in range(half, values.size - half):
        below = 0.0
        for k in range(weights.size):
            if rank[i - half + k] < at:
                below += weights[k]
        while below > middle:
            at -= 1
            if abs(order[at] - i) <= half:
                below -= weights[order[at] - i + half]
        while True:
            if abs(order[at] - i) <= half:
                weight = weights[order[at] - i + half]
                if below + weight > middle:
                    out[i] = values[order[at]]
                    break
                if below + weight == middle:
                    after = at + 1
                    while abs(order[after] - i) > half:
                        after += 1
                    other = weights[order[after] - i + half]
                    out[i] = (weight * values[order[at]] + other * values[order[after]]) / (weight + other)
                    break
                below += weight
            at += 1
