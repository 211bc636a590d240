"""The part of a gene's log-likelihood that its means do not change."""

from __future__ import annotations

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.kernels import scratch
from foldwise.kernels._jit import announce, kernel
from foldwise.kernels.lanes import WIDTH, load, spread, store
from foldwise.kernels.likelihood import (
    at_dispersion,
    constant_rest,
    constant_terms,
    logarithm,
    small_count_product,
)

LARGE_ALPHA = 0.124  # above it r < 8 is possible
FLUSH = 4  # products multiplied before a logarithm is taken

ALPHA, CONSTANT = range(2)
STATE_ROWS = 2


@kernel
def add_up(counts, weights, weighted, alphas, y, w, state, constants):  # type: ignore[no-untyped-def]
    n, m = counts.shape
    for first in range(0, n, WIDTH):
        any_small = False
        for lane in range(WIDTH):
            here = min(first + lane, n - 1)
            state[ALPHA, lane] = alphas[here]
            any_small = any_small or alphas[here] > LARGE_ALPHA
            for j in range(m):
                y[j, lane] = counts[here, j]
                if weighted:
                    w[j, lane] = weights[here, j]
        alpha, r, shift, h, base, base_inverse = at_dispersion(load(state, ALPHA))
        fixed, per_count = constant_rest(r, shift, h, base_inverse)
        value = spread(0.0)
        products = spread(1.0)
        factors = 0
        for j in range(m):
            count = load(y, j)
            part, product = constant_terms(count, alpha, r, shift, base, base_inverse, fixed, per_count)
            if any_small:
                product = small_count_product(product, count, alpha, shift)
            factors += 1
            if weighted:
                weight = load(w, j)
                value = value + weight * (part + logarithm(product))
            else:
                value = value + part
                products = products * product
                if factors == FLUSH:
                    value = value + logarithm(products)
                    products = spread(1.0)
                    factors = 0
        value = value + logarithm(products)
        store(state, CONSTANT, value)
        for lane in range(min(WIDTH, n - first)):
            constants[first + lane] = state[CONSTANT, lane]


def likelihood_constants(counts: FloatArray, alpha: FloatArray, weights: FloatArray | None) -> FloatArray:
    """(n_genes,) sums over samples of w (lnG(y + r) - lnG(r) - lnG(y + 1) + y ln alpha), r = 1 / alpha."""
    n, m = counts.shape
    weighted = weights is not None
    constants = np.empty(n)
    y, w, state = scratch.tiles(m, m if weighted else 1, STATE_ROWS)
    announce(add_up)
    add_up(counts, scratch.plain_or_nothing(weights), weighted, alpha, y, w, state, constants)
    return constants
