"""Row-wise sums and least squares, a tile of genes at a time: means, variances, rough dispersions, starts, means of fits.

One kernel for all of them: each looks at every count once, and what is compiled is paid for once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.kernels import scratch
from foldwise.kernels._jit import announce, kernel
from foldwise.kernels.design import KernelDesign, prepare_design
from foldwise.kernels.lanes import WIDTH, Vector, formula, load, spread, store
from foldwise.kernels.special import exp, log

START_PSEUDOCOUNT = 0.1  # added to normalized counts before the log that starts the GLM
HIGH, LOW, SQUARES, EXCESS = range(4)


@formula
def add_exactly(high: Vector, low: Vector, value: Vector) -> tuple[Vector, ...]:
    """The rounded sum, and all that rounding has taken from it so far (Knuth)."""
    total = high + value
    part = total - high
    return total, low + ((high - (total - part)) + (value - part))


@formula
def start_log(value: Vector) -> Vector:
    return log(value + START_PSEUDOCOUNT)


@formula
def power_of_e(value: Vector) -> Vector:
    return exp(value)


@formula
def floored(value: Vector, floor: Vector) -> Vector:
    return value.at_least(floor)


@kernel
def gather(  # type: ignore[no-untyped-def]
    counts, factors, beta, summing, logs, given, rough, keep, saturated, min_mu,
    order, row_starts, row_solver, entry_starts, columns, entries,
    y, s, sums, b, state, out_sums, out_coefficients, out_means,
):  # fmt: skip
    n = out_sums.shape[1]
    m = order.size
    p, n_rows = row_solver.shape
    gene_wise = factors.shape[0] > 1
    for j in range(m):
        store(s, j, spread(factors[0, j]))
    for first in range(0, n, WIDTH):
        for lane in range(WIDTH):
            here = min(first + lane, n - 1)  # the last gene fills the lanes that are left
            for j in range(m):
                if not given:
                    y[j, lane] = counts[here, j]
                if gene_wise:
                    s[j, lane] = factors[here, j]
            if given:
                for k in range(p):
                    b[k, lane] = beta[here, k]

        if not given:
            high = spread(0.0)
            low = spread(0.0)
            for j in range(m):
                value = load(y, j) / load(s, j)
                if logs:
                    value = start_log(value)
                store(y, j, value)
                if summing:
                    high, low = add_exactly(high, low, value)
            if summing:
                store(state, HIGH, high)
                store(state, LOW, low)
                mean = high / float(m)
                squares = spread(0.0)
                for j in range(m):
                    away = load(y, j) - mean
                    squares = squares + away * away
                store(state, SQUARES, squares)

        # Least squares; samples with one design row have their sum in common.
        if logs or rough or (keep and not given):
            for k in range(p):
                store(b, k, spread(0.0))
            for row in range(n_rows):
                total = spread(0.0)
                for j in range(row_starts[row], row_starts[row + 1]):
                    total = total + load(y, order[j])
                if saturated and not logs:
                    store(sums, row, total / float(row_starts[row + 1] - row_starts[row]))
                else:
                    for k in range(p):
                        store(b, k, load(b, k) + total * row_solver[k, row])

        if rough or keep:
            excess = spread(0.0)
            for row in range(n_rows):
                if saturated and not given:
                    fit = load(sums, row)
                else:
                    fit = spread(0.0)
                    for k in range(entry_starts[row], entry_starts[row + 1]):
                        fit = fit + load(b, columns[k]) * entries[k]
                if given:
                    fit = power_of_e(fit)
                if rough:
                    mean = floored(fit, 1.0)
                    part = spread(0.0)
                    for j in range(row_starts[row], row_starts[row + 1]):
                        away = load(y, order[j]) - mean
                        part = part + (away * away - mean)
                    excess = excess + part / (mean * mean)
                if keep:
                    for j in range(row_starts[row], row_starts[row + 1]):
                        at = order[j]
                        store(y, at, floored(fit * load(s, at), min_mu))
            store(state, EXCESS, excess)

        for lane in range(min(WIDTH, n - first)):
            here = first + lane
            for k in range(EXCESS + 1):
                out_sums[k, here] = state[k, lane]
            if logs:
                for k in range(p):
                    out_coefficients[here, k] = b[k, lane]
            if keep:
                for j in range(m):
                    out_means[here, j] = y[j, lane]


class Gathered(NamedTuple):
    """high, low : (n_genes,) sum of the values, and what rounding took from it. squares : about their mean.
    excess : (n_genes,) sum of ((value - fit)^2 - fit) / fit^2, fits at least 1.
    coefficients : (n_genes, p) of the logs. means : (n_genes, n_samples)."""

    high: FloatArray
    low: FloatArray
    squares: FloatArray
    excess: FloatArray
    coefficients: FloatArray
    means: FloatArray


def gathered(
    counts: FloatArray | None,
    factors: FloatArray,
    design: KernelDesign | None,
    *,
    n_genes: int,
    beta: FloatArray | None = None,
    summing: bool = False,
    logs: bool = False,
    rough: bool = False,
    keep: bool = False,
    min_mu: float = 0.0,
) -> Gathered:
    """Run the kernel over counts / factors, or over the means that coefficients give.

    counts : (n_genes, n_samples), or None with ``beta`` (n_genes, p). factors : (n_samples,) or (n_genes, n_samples).
    summing : the sums of the values and of squares about their mean. logs : coefficients of log(value + 0.1).
    rough : the excess over Poisson counts about the linear fit. keep : the fit's means, times the factors, at least
    ``min_mu``.
    """
    factors = scratch.plain(np.atleast_2d(factors))
    m = factors.shape[1]
    shape = design or _whole(m)
    p, n_rows = shape.row_solver.shape
    sums = np.empty((4, n_genes))
    coefficients = np.empty((n_genes, p) if logs else (1, 1))
    means = np.empty((n_genes, m) if keep else (1, 1))
    y, s, row_sums, b, state = scratch.tiles(m, m, n_rows, p, 4)
    announce(gather)
    gather(
        scratch.plain_or_nothing(counts), factors, scratch.plain_or_nothing(beta),
        summing, logs, beta is not None, rough, keep, shape.is_saturated, float(min_mu),
        shape.order, shape.starts, shape.row_solver, *shape.entries,
        y, s, row_sums, b, state, sums, coefficients, means,
    )  # fmt: skip
    return Gathered(sums[HIGH], sums[LOW], sums[SQUARES], sums[EXCESS], coefficients, means)


def _whole(n_samples: int) -> KernelDesign:
    """All samples alike."""
    return prepare_design(np.ones((n_samples, 1)))
