"""The part of a gene's log-likelihood that its means do not change."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from foldwise.arrays import FloatArray
from foldwise.kernels import scratch
from foldwise.kernels._jit import announce, kernel
from foldwise.kernels.lanes import WIDTH, load, spread, store
from foldwise.kernels.likelihood import (
    SHIFT_STEPS,
    at_dispersion,
    constant_terms,
    likelihood_rest,
    small_count_terms,
)
from foldwise.kernels.special import HALF_LOG_2PI

LARGE_ALPHA = 0.124  # above it r < 8 is possible
# lnG(max(y, 8) + 1) stands for every count: what it is too much for y < 8, with Stirling's constant
LOG_FACTORIAL_LACK = gammaln(9.0) - gammaln(np.arange(9) + 1.0)

ALPHA, CONSTANT, SATURATED, SAMPLES, SHIFTED, EXCESS, TOTAL, FACTORIALS, LARGER = range(9)
STATE_ROWS = LARGER + SHIFT_STEPS


@kernel
def add_up(counts, weights, weighted, alphas, lack, y, w, state, constants, saturated):  # type: ignore[no-untyped-def]
    n, m = counts.shape
    for first in range(0, n, WIDTH):
        for lane in range(WIDTH):
            here = min(first + lane, n - 1)
            for row in range(STATE_ROWS):
                state[row, lane] = 0.0
            state[ALPHA, lane] = alphas[here]
            for j in range(m):
                count = counts[here, j]
                weight = 1.0
                y[j, lane] = count
                if weighted:
                    weight = weights[here, j]
                    w[j, lane] = weight
                state[SAMPLES, lane] += weight
                state[TOTAL, lane] += weight * count
                if count < SHIFT_STEPS:
                    state[LARGER + int(count), lane] += weight
                    state[EXCESS, lane] += weight * count
                    state[FACTORIALS, lane] += weight * lack[int(count)]
                else:
                    state[SHIFTED, lane] += weight * (count - SHIFT_STEPS)
                    state[EXCESS, lane] += weight * SHIFT_STEPS
            larger = state[SAMPLES, lane]
            for k in range(SHIFT_STEPS):
                larger -= state[LARGER + k, lane]
                state[LARGER + k, lane] = larger
        any_small = False
        for lane in range(WIDTH):
            any_small = any_small or state[ALPHA, lane] > LARGE_ALPHA
        alpha, r, shift, h, base, base_inverse = at_dispersion(load(state, ALPHA))
        samples = load(state, SAMPLES)
        value, _ = likelihood_rest(samples, load(state, SHIFTED), load(state, EXCESS), r, shift, h, base_inverse)
        value = value - load(state, TOTAL) + load(state, FACTORIALS) - samples * HALF_LOG_2PI
        if any_small:
            for k in range(1, SHIFT_STEPS):
                more, _ = small_count_terms(float(k), load(state, LARGER + k), alpha, shift)
                value = value + more
        at_counts = spread(0.0)
        for j in range(m):
            gamma, factorial, perfect = constant_terms(load(y, j), alpha, r, shift, base, base_inverse)
            part = gamma - factorial
            if weighted:
                part = part * load(w, j)
                perfect = perfect * load(w, j)
            value = value + part
            at_counts = at_counts + perfect
        store(state, CONSTANT, value)
        store(state, SATURATED, value + at_counts)
        for lane in range(min(WIDTH, n - first)):
            constants[first + lane] = state[CONSTANT, lane]
            saturated[first + lane] = state[SATURATED, lane]


def likelihood_constants(
    counts: FloatArray, alpha: FloatArray, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """(n_genes,) sums of w (lnG(y + r) - lnG(r) - lnG(y + 1) + y ln alpha), and log-likelihoods if means are counts."""
    n, m = counts.shape
    weighted = weights is not None
    constants, saturated = np.empty(n), np.empty(n)
    y, w, state = scratch.tiles(m, m if weighted else 1, STATE_ROWS)
    announce(add_up)
    add_up(
        counts, scratch.plain_or_nothing(weights), weighted, alpha, LOG_FACTORIAL_LACK,
        y, w, state, constants, saturated,
    )  # fmt: skip
    return constants, saturated
