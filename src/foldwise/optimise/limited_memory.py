"""The limited-memory matrix of L-BFGS-B: up to five pairs of steps and gradient changes.

Byrd, Lu, Nocedal & Zhu (1995), section 3: B = theta I - W M W' with W = [Y, theta S]. All sums run in index order
from 0 and are finished before anything is added to them: the bits matter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.optimise._jit import compiled

MEMORY = 5
EPSILON = 2.220446049250313e-16
SMALLEST_PIVOT = 1e-14  # of the diagonal element it came from


class Memory(NamedTuple):
    """Room for the pairs and their products; only the first ``n_pairs`` rows are alive.

    s, y : (5, n) steps and gradient changes, oldest first.
    sy : (5, 5) s_i'y_j for i >= j. ss : (5, 5) s_i's_j.
    root : (5, 5) upper Cholesky factor J of theta S'S + L D^-1 L'.
    yy_free, ss_fixed, sy_parts : (5, 5) products over the free or the fixed variables alone, see ``subspace``.
    """

    s: FloatArray
    y: FloatArray
    sy: FloatArray
    ss: FloatArray
    root: FloatArray
    yy_free: FloatArray
    ss_fixed: FloatArray
    sy_parts: FloatArray


@compiled
def empty_memory(n: int) -> Memory:
    """No pairs yet."""
    return Memory(
        np.zeros((MEMORY, n)),
        np.zeros((MEMORY, n)),
        np.zeros((MEMORY, MEMORY)),
        np.zeros((MEMORY, MEMORY)),
        np.zeros((MEMORY, MEMORY)),
        np.zeros((MEMORY, MEMORY)),
        np.zeros((MEMORY, MEMORY)),
        np.zeros((MEMORY, MEMORY)),
    )


@compiled
def dot(a: FloatArray, b: FloatArray) -> float:
    """Inner product in index order (BLAS would fuse or reorder)."""
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@compiled
def combined(a: FloatArray, factor: float, b: FloatArray) -> FloatArray:
    """factor * b + a. (Loops of our own: they compile several times faster than array expressions do.)"""
    out = np.empty(a.shape[0])
    for i in range(a.shape[0]):
        out[i] = factor * b[i] + a[i]
    return out


@compiled
def cholesky(a: FloatArray, size: int) -> bool:
    """Upper factor in place, column by column; False where the matrix is not positive definite."""
    for j in range(size):
        squares = 0.0
        for k in range(j):
            inner = 0.0
            for i in range(k):
                inner += a[i, k] * a[i, j]
            a[k, j] = (a[k, j] - inner) / a[k, k]
            squares += a[k, j] * a[k, j]
        pivot = a[j, j] - squares
        if not pivot > SMALLEST_PIVOT * abs(a[j, j]):
            return False
        a[j, j] = np.sqrt(pivot)
    return True


@compiled
def solve_transposed(u: FloatArray, b: FloatArray, size: int) -> None:
    """Solve U'x = b in place, U upper triangular."""
    for j in range(size):
        inner = 0.0
        for i in range(j):
            inner += u[i, j] * b[i]
        b[j] = (b[j] - inner) / u[j, j]


@compiled
def solve_upper(u: FloatArray, b: FloatArray, size: int) -> None:
    """Solve Ux = b in place, by columns."""
    for j in range(size - 1, -1, -1):
        b[j] /= u[j, j]
        for i in range(j):
            b[i] -= b[j] * u[i, j]


@compiled
def store_pair(
    memory: Memory, stored: int, step: FloatArray, change: FloatArray, step_change: float, step_squared: float
) -> None:
    """Append a pair, dropping the oldest of five; ``stored`` counts the new one.

    ``step_change`` (s'y) and ``step_squared`` (s's) come from the line search's own numbers.
    """
    n = step.shape[0]
    if stored > MEMORY:
        for i in range(MEMORY - 1):
            for k in range(n):
                memory.s[i, k], memory.y[i, k] = memory.s[i + 1, k], memory.y[i + 1, k]
            for j in range(MEMORY - 1):
                memory.sy[i, j], memory.ss[i, j] = memory.sy[i + 1, j + 1], memory.ss[i + 1, j + 1]
    new = min(stored, MEMORY) - 1
    for k in range(n):
        memory.s[new, k], memory.y[new, k] = step[k], change[k]
    for j in range(new):
        memory.sy[new, j] = dot(step, memory.y[j])
        memory.ss[new, j] = dot(memory.s[j], step)
        memory.ss[j, new] = memory.ss[new, j]
    memory.sy[new, new] = step_change
    memory.ss[new, new] = step_squared


@compiled
def factor_pairs(memory: Memory, theta: float, n_pairs: int) -> bool:
    """J of theta S'S + L D^-1 L'; False where rounding has spoilt its definiteness."""
    sy, root = memory.sy, memory.root
    for i in range(n_pairs):
        for j in range(i, n_pairs):
            inner = 0.0
            for k in range(i):
                inner += sy[i, k] * sy[j, k] / sy[k, k]
            root[i, j] = inner + theta * memory.ss[i, j]
    return cholesky(root, n_pairs)


@compiled
def middle_product(memory: Memory, n_pairs: int, v: FloatArray) -> FloatArray:
    """M v for v of length 2 n_pairs (pairs of Y first, then of theta S)."""
    sy = memory.sy
    out = np.empty(2 * n_pairs)
    lower = out[n_pairs:]
    for i in range(n_pairs):
        inner = 0.0
        for k in range(i):
            inner += sy[i, k] * v[k] / sy[k, k]
        lower[i] = v[n_pairs + i] + inner
    solve_transposed(memory.root, lower, n_pairs)
    solve_upper(memory.root, lower, n_pairs)
    for i in range(n_pairs):
        inner = 0.0
        for k in range(i + 1, n_pairs):
            inner += sy[k, i] * lower[k] / sy[i, i]
        out[i] = -(v[i] / np.sqrt(sy[i, i])) / np.sqrt(sy[i, i]) + inner
    return out
