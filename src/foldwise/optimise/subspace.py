"""The subspace step: from the Cauchy point towards the minimum of the model over the free variables.

Byrd, Lu, Nocedal & Zhu (1995), section 5.2 (direct primal method), as the program of 1997 carries it out: the
products over free and fixed variables are *kept* and updated as variables enter and leave, not computed anew, and
the step is cut at the box, not projected on it.
"""

from __future__ import annotations

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.optimise._jit import compiled
from foldwise.optimise.limited_memory import (
    MEMORY,
    Memory,
    cholesky,
    middle_product,
    solve_transposed,
    solve_upper,
)


@compiled
def product_upwards(a: FloatArray, b: FloatArray, chosen: BoolArray) -> float:
    """Inner product over the chosen variables, in ascending index."""
    total = 0.0
    for k in range(a.shape[0]):
        if chosen[k]:
            total += a[k] * b[k]
    return total


@compiled
def product_downwards(a: FloatArray, b: FloatArray, chosen: BoolArray) -> float:
    """The same in descending index: sums over fixed, entered and left variables run so."""
    total = 0.0
    for k in range(a.shape[0] - 1, -1, -1):
        if chosen[k]:
            total += a[k] * b[k]
    return total


@compiled
def update_products(memory: Memory, stored: int, just_stored: bool, free: BoolArray, free_before: BoolArray) -> None:
    """Bring the kept products up to the present free variables.

    yy_free (i >= j): y_i'y_j over the free. ss_fixed (i >= j): s_i's_j over the fixed. sy_parts: s_i'y_j over the
    fixed for i > j, over the free for i <= j. Iterations without a subspace step never come here, so the tables
    may lack a row afterwards; R's do too, and it finds out by a failing Cholesky factor.
    """
    yy, ss, sy = memory.yy_free, memory.ss_fixed, memory.sy_parts
    n_pairs = min(stored, MEMORY)
    older = n_pairs
    if just_stored:
        older -= 1
        if stored > MEMORY:
            for i in range(MEMORY - 1):
                for j in range(MEMORY - 1):
                    yy[i, j], ss[i, j], sy[i, j] = yy[i + 1, j + 1], ss[i + 1, j + 1], sy[i + 1, j + 1]
        fixed = ~free
        new_s, new_y = memory.s[older], memory.y[older]
        for j in range(n_pairs):
            yy[older, j] = product_upwards(new_y, memory.y[j], free)
            ss[older, j] = product_downwards(new_s, memory.s[j], fixed)
            sy[older, j] = product_downwards(new_s, memory.y[j], fixed)
        for i in range(n_pairs):
            sy[i, older] = product_upwards(memory.s[i], new_y, free)
    entered, left = free & ~free_before, free_before & ~free
    if not (entered.any() or left.any()):
        return
    for i in range(older):
        for j in range(older):
            crossed_in = product_downwards(memory.s[i], memory.y[j], entered)
            crossed_out = product_downwards(memory.s[i], memory.y[j], left)
            sy[i, j] += crossed_in - crossed_out if i <= j else crossed_out - crossed_in
            if j <= i:
                yy[i, j] = (
                    yy[i, j]
                    + product_downwards(memory.y[i], memory.y[j], entered)
                    - product_downwards(memory.y[i], memory.y[j], left)
                )
                ss[i, j] = (
                    ss[i, j]
                    - product_downwards(memory.s[i], memory.s[j], entered)
                    + product_downwards(memory.s[i], memory.s[j], left)
                )


@compiled
def factor_subspace(memory: Memory, theta: float, n_pairs: int, factor: FloatArray) -> bool:
    """U of the indefinite K = U' diag(-1, 1) U; False where it cannot be factored."""
    for i in range(n_pairs):
        for j in range(i + 1):
            factor[j, i] = memory.yy_free[i, j] / theta
        factor[i, i] = memory.sy[i, i] + factor[i, i]
    if not cholesky(factor, n_pairs):
        return False
    corner = factor[:n_pairs, n_pairs:]
    for i in range(n_pairs):
        for j in range(n_pairs):
            corner[j, i] = -memory.sy_parts[i, j] if i > j else memory.sy_parts[i, j]
        solve_transposed(factor, corner[:, i], n_pairs)
    block = factor[n_pairs:, n_pairs:]
    for i in range(n_pairs):
        for j in range(i + 1):
            inner = 0.0
            for k in range(n_pairs):
                inner += corner[k, i] * corner[k, j]
            block[j, i] = theta * memory.ss_fixed[i, j] + inner
    return cholesky(block, n_pairs)


@compiled
def move_within(z: FloatArray, d: FloatArray, lower: FloatArray, upper: FloatArray, free: BoolArray) -> None:
    """z += d over the free variables, the whole step cut where the first of them meets its bound."""
    largest, stopper = 1.0, -1
    for i in range(z.shape[0]):
        if not free[i] or d[i] == 0.0:
            continue
        room = (upper[i] if d[i] > 0.0 else lower[i]) - z[i]
        limit = largest
        if (room <= 0.0) if d[i] > 0.0 else (room >= 0.0):
            limit = 0.0
        elif (d[i] * largest > room) if d[i] > 0.0 else (d[i] * largest < room):
            limit = room / d[i]
        if limit < largest:
            largest, stopper = limit, i
    for i in range(z.shape[0]):
        if i == stopper:
            z[i] = upper[i] if d[i] > 0.0 else lower[i]
        elif free[i]:
            z[i] += largest * d[i]


@compiled
def subspace_step(
    x: FloatArray,
    gradient: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    memory: Memory,
    theta: float,
    n_pairs: int,
    z: FloatArray,
    c: FloatArray,
    free: BoolArray,
) -> bool:
    """Move the Cauchy point z in place; False where K cannot be factored (the caller drops all pairs)."""
    n = x.shape[0]
    factor = np.zeros((2 * n_pairs, 2 * n_pairs))
    if not factor_subspace(memory, theta, n_pairs, factor):
        return False
    u = middle_product(memory, n_pairs, c)
    r = np.zeros(n)
    for i in range(n):
        if free[i]:
            r[i] = -theta * (z[i] - x[i]) - gradient[i]
            for j in range(n_pairs):
                r[i] += memory.y[j, i] * u[j] + memory.s[j, i] * (theta * u[n_pairs + j])
    v = np.empty(2 * n_pairs)
    for j in range(n_pairs):
        v[j] = product_upwards(memory.y[j], r, free)
        v[n_pairs + j] = theta * product_upwards(memory.s[j], r, free)
    solve_transposed(factor, v, 2 * n_pairs)
    for j in range(n_pairs):
        v[j] = -v[j]
    solve_upper(factor, v, 2 * n_pairs)
    for i in range(n):
        if free[i]:
            for j in range(n_pairs):
                r[i] += memory.y[j, i] * v[j] / theta + memory.s[j, i] * v[n_pairs + j]
            r[i] /= theta
    move_within(z, r, lower, upper, free)
    return True
