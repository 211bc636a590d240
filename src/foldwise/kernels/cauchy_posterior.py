"""A gene's log posterior under apeglm's priors: value, gradient, curvature.

Zhu, Ibrahim & Love (2019), "Heavy-tailed prior distributions for sequence count data". The likelihood is negative
binomial with known size r = 1 / dispersion; the coefficients to shrink have a Cauchy prior, all others a normal one
of standard deviation 15 (natural log).

Here the lanes are samples, a tile of them at a time. Where a group of samples with the same row of the design fills
whole tiles, one exponential serves it ("group tiles"); all other samples stand in "mixed tiles", which come first and
of which the last is filled up with samples of weight 0.

``gene`` : (3 * n_tiles, WIDTH) counts, factors and weights. ``slopes`` : (n_mixed, WIDTH) scratch.
``design`` : (p * n_mixed, WIDTH) the design of the mixed tiles, column by column.
``groups`` : (n_groups, p + 2) the groups' rows of the design, then their first tile and the one after the last.
``cauchy`` : (p,) the squared scale of a coefficient's Cauchy prior, 0 for a normal one.
``state`` : (rows, p) points and gradients; functions are told the row.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from foldwise.kernels._jit import part
from foldwise.kernels.lanes import CONTRACT, WIDTH, Vector, formula, load, spread, store
from foldwise.kernels.special import exp, log

OTHER_PRECISION = 1.0 / 225.0
HESSIAN_STEP = 1e-3  # of R's difference quotients

# Rows of ``state``. Plain integers would be types of their own to the compiler, and every row a function of its own.
POINT, GRADIENT, DIRECTION, START, LOW_POINT, LOW_GRADIENT, OLD_GRADIENT, STEP, CHANGE, OTHER, PAIRS = np.arange(11)


@intrinsic
def total(typingctx, vector):  # type: ignore[no-untyped-def]
    """Sum over the lanes, halves first, always in the same order."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        value, width = args[0], WIDTH
        while width > 1:
            width //= 2
            halves = [
                builder.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), _places(start, width))
                for start in (0, width)
            ]
            value = builder.fadd(*halves, flags=CONTRACT)
        return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

    return types.float64(vector), codegen


def _places(start: int, width: int) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(start, start + width)))


@formula
def value_and_slope(counts: Vector, factor: Vector, weight: Vector, predictor: Vector, size: Vector):  # type: ignore[no-untyped-def]
    """Minus a sample's log likelihood (without its constants) and the derivative by its linear predictor."""
    mean = exp(predictor) * factor
    both = size + mean
    shifted = counts + size
    return weight * (shifted * log(both) - counts * predictor), weight * (shifted * (mean / both) - counts)


@formula
def value_and_slope_of_group(counts: Vector, factor: Vector, weight: Vector, growth: Vector, size: Vector):  # type: ignore[no-untyped-def]
    """The same but for what the counts alone add, with the exponential of the predictor given."""
    mean = growth * factor
    both = size + mean
    shifted = weight * (counts + size)
    return shifted * log(both), shifted * (mean / both)


@formula
def curvature(counts: Vector, factor: Vector, weight: Vector, growth: Vector, size: Vector) -> Vector:
    """The second derivative by the linear predictor: observed information."""
    mean = growth * factor
    both = size + mean
    return weight * (counts + size) * (size / both) * (mean / both)


@formula
def growth(predictor: Vector) -> Vector:
    return exp(predictor)


@part
def objective(gene, design, groups, counted, cauchy, size, slopes, state, point, gradient):
    """Minus the log posterior at row ``point``, up to a constant of the gene; its gradient goes to row ``gradient``.

    counted : (n_groups,) weighted sums of the groups' counts.
    """
    p, n_tiles = state.shape[1], gene.shape[0] // 3
    n_mixed = design.shape[0] // p
    values = spread(0.0)
    for tile in range(n_mixed):
        predictor = spread(0.0)
        for k in range(p):
            predictor = predictor + load(design, k * n_mixed + tile) * state[point, k]
        part, slope = value_and_slope(
            load(gene, tile), load(gene, n_tiles + tile), load(gene, 2 * n_tiles + tile), predictor, size
        )
        values = values + part
        store(slopes, tile, slope)
    value = total(values)
    for k in range(p):
        summed = spread(0.0)
        for tile in range(n_mixed):
            summed = summed + load(design, k * n_mixed + tile) * load(slopes, tile)
        b, square = state[point, k], cauchy[k]
        if square > 0.0:
            state[gradient, k] = total(summed) + 2.0 * b / (square + b * b)
            value += np.log1p(b * b / square)
        else:
            state[gradient, k] = total(summed) + OTHER_PRECISION * b
            value += 0.5 * OTHER_PRECISION * b * b
    for group in range(groups.shape[0]):
        predicted = 0.0
        for k in range(p):
            predicted += groups[group, k] * state[point, k]
        values, summed, grown = spread(0.0), spread(0.0), growth(predicted)
        for tile in range(int(groups[group, p]), int(groups[group, p + 1])):
            part, slope = value_and_slope_of_group(
                load(gene, tile), load(gene, n_tiles + tile), load(gene, 2 * n_tiles + tile), grown, size
            )
            values = values + part
            summed = summed + slope
        value += total(values) - predicted * counted[group]
        slope_of_group = total(summed) - counted[group]
        for k in range(p):
            state[gradient, k] += groups[group, k] * slope_of_group
    return value


@part
def exact_objective(counts, log_factors, weights, matrix, cauchy, size, state):
    """The value at row POINT with the sum over samples in doubled precision. counts, … : (m,). matrix : (m, p).

    R sums in 80 bits where it calls its general optimiser, which stops on differences of 1e-8: with a plain sum it
    would meet other rounding noise and stop elsewhere.
    """
    high, low = 0.0, 0.0
    for j in range(counts.size):
        predictor = 0.0
        for k in range(state.shape[1]):
            predictor += matrix[j, k] * state[POINT, k]
        mean = np.exp(predictor + log_factors[j])
        term = weights[j] * (counts[j] * predictor - (counts[j] + size) * np.log(size + mean))
        added = high + term
        back = added - high
        low += (high - (added - back)) + (term - back)
        high = added
    value = -(high + low)
    for k in range(state.shape[1]):
        b = state[POINT, k]
        value += np.log1p(b * b / cauchy[k]) if cauchy[k] > 0.0 else 0.5 * OTHER_PRECISION * b * b
    return value


@part
def invert(matrix, inverse):
    """Gauss-Jordan with row exchanges; ``matrix`` is destroyed. Whether every diagonal of the inverse is positive."""
    p = matrix.shape[0]
    for k in range(p):
        for q in range(p):
            inverse[k, q] = 1.0 if k == q else 0.0
    for k in range(p):
        pivot = k
        for i in range(k + 1, p):
            if abs(matrix[i, k]) > abs(matrix[pivot, k]):
                pivot = i
        if not abs(matrix[pivot, k]) > 0.0:
            return False
        by = 1.0 / matrix[pivot, k]
        for q in range(p):
            row, unit = matrix[pivot, q], inverse[pivot, q]
            matrix[pivot, q], inverse[pivot, q] = matrix[k, q], inverse[k, q]
            matrix[k, q], inverse[k, q] = row * by, unit * by
        for i in range(p):
            times = 0.0 if i == k else matrix[i, k]
            for q in range(p):
                matrix[i, q] -= times * matrix[k, q]
                inverse[i, q] -= times * inverse[k, q]
    positive = True
    for k in range(p):
        positive = positive and inverse[k, k] > 0.0
    return positive


@part
def difference_covariance(gene, design, groups, counted, cauchy, size, slopes, state, hessian, inverse):
    """Inverse of the Hessian at row POINT, from central differences of the gradient, made symmetric, as R takes it.

    Whether every variance is positive. Rows STEP, CHANGE and OTHER are scratch.
    """
    p = state.shape[1]
    for k in range(p):
        state[OTHER, k] = state[POINT, k]
    for k in range(p):
        for side in range(2):
            state[OTHER, k] = state[POINT, k] + (HESSIAN_STEP if side == 0 else -HESSIAN_STEP)
            row = STEP if side == 0 else CHANGE
            objective(gene, design, groups, counted, cauchy, size, slopes, state, OTHER, row)
        state[OTHER, k] = state[POINT, k]
        for q in range(p):
            hessian[k, q] = (state[STEP, q] - state[CHANGE, q]) / (2.0 * HESSIAN_STEP)
    for k in range(p):
        for q in range(k):
            hessian[k, q] = hessian[q, k] = 0.5 * (hessian[k, q] + hessian[q, k])
    return invert(hessian, inverse)


@part
def exact_covariance(gene, design, groups, cauchy, size, state, ridge, hessian, inverse):
    """The same from the observed information itself, ``ridge`` added to its diagonal.

    A Cauchy prior's curvature is negative beyond its scale.
    """
    p, n_tiles = state.shape[1], gene.shape[0] // 3
    n_mixed = design.shape[0] // p
    for k in range(p):
        b, square = state[POINT, k] * state[POINT, k], cauchy[k]
        for q in range(p):
            hessian[k, q] = 0.0
        curved = 2.0 * (square - b) / ((square + b) * (square + b)) if square > 0.0 else OTHER_PRECISION
        hessian[k, k] = curved + ridge
    for tile in range(n_mixed):
        predictor = spread(0.0)
        for k in range(p):
            predictor = predictor + load(design, k * n_mixed + tile) * state[POINT, k]
        information = curvature(
            load(gene, tile), load(gene, n_tiles + tile), load(gene, 2 * n_tiles + tile), growth(predictor), size
        )
        for k in range(p):
            column = load(design, k * n_mixed + tile) * information
            for q in range(k + 1):
                hessian[k, q] += total(column * load(design, q * n_mixed + tile))
    for group in range(groups.shape[0]):
        predicted = 0.0
        for k in range(p):
            predicted += groups[group, k] * state[POINT, k]
        grown, information = growth(predicted), spread(0.0)
        for tile in range(int(groups[group, p]), int(groups[group, p + 1])):
            information = information + curvature(
                load(gene, tile), load(gene, n_tiles + tile), load(gene, 2 * n_tiles + tile), grown, size
            )
        of_group = total(information)
        for k in range(p):
            for q in range(k + 1):
                hessian[k, q] += groups[group, k] * groups[group, q] * of_group
    for k in range(p):
        for q in range(k):
            hessian[q, k] = hessian[k, q]
    return invert(hessian, inverse)
