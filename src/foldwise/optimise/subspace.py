"""The subspace step: from the Cauchy point towards the minimum of the model over the free variables.

Byrd, Lu, Nocedal & Zhu (1995), section 5.2 (direct primal method), as the program of 1997 carries it out: the
products over free and fixed variables are *kept* and updated as variables enter and leave, not computed anew, and
the step is cut at the box, not projected on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from foldwise.optimise.limited_memory import (
    MEMORY,
    Matrix,
    Memory,
    Vector,
    cholesky,
    middle_product,
    move_up,
    solve_transposed,
    solve_upper,
)


def product_over(chosen: Iterable[int], a: Vector, b: Vector) -> float:
    """Inner product over the chosen variables, in the order in which they are given."""
    total = 0.0
    for k in chosen:
        total += a[k] * b[k]
    return total


def update_products(memory: Memory, free: list[bool], free_before: list[bool]) -> None:
    """Bring the kept products up to the present free variables.

    yy_free (i >= j): y_i'y_j over the free. ss_fixed (i >= j): s_i's_j over the fixed. sy_parts: s_i'y_j over the
    fixed for i > j, over the free for i <= j. Iterations without a subspace step never come here, so the tables
    may lack a row afterwards; R's do too, and it finds out by a failing Cholesky factor. Sums over the free run
    upwards, those over fixed, entered and left variables downwards.
    """
    yy, ss, sy = memory.yy_free, memory.ss_fixed, memory.sy_parts
    s, y = memory.s, memory.y
    downwards = range(len(free) - 1, -1, -1)
    older = n_pairs = len(s)
    if memory.just_stored:
        older -= 1
        if memory.stored > MEMORY:
            for table in (yy, ss, sy):
                move_up(table)
        upwards = [k for k, is_free in enumerate(free) if is_free]
        fixed = [k for k in downwards if not free[k]]
        for j in range(n_pairs):
            yy[older][j] = product_over(upwards, y[older], y[j])
            ss[older][j] = product_over(fixed, s[older], s[j])
            sy[older][j] = product_over(fixed, s[older], y[j])
        for i in range(n_pairs):
            sy[i][older] = product_over(upwards, s[i], y[older])
    if free == free_before:
        return
    entered = [k for k in downwards if free[k] and not free_before[k]]
    left = [k for k in downwards if free_before[k] and not free[k]]
    for i in range(older):
        for j in range(older):
            crossed_in, crossed_out = product_over(entered, s[i], y[j]), product_over(left, s[i], y[j])
            sy[i][j] += crossed_in - crossed_out if i <= j else crossed_out - crossed_in
            if j <= i:
                yy[i][j] = yy[i][j] + product_over(entered, y[i], y[j]) - product_over(left, y[i], y[j])
                ss[i][j] = ss[i][j] - product_over(entered, s[i], s[j]) + product_over(left, s[i], s[j])


def factor_subspace(memory: Memory) -> Matrix | None:
    """U, by columns, of the indefinite K = U' diag(-1, 1) U; None where it cannot be factored."""
    n_pairs, theta = len(memory.s), memory.theta
    factor = []
    for i in range(n_pairs):
        column = [value / theta for value in memory.yy_free[i][: i + 1]]
        column[i] = memory.sy[i][i] + column[i]
        factor.append(column)
    if not cholesky(factor):
        return None
    corner = []
    for i in range(n_pairs):
        parts = memory.sy_parts[i]
        column = [-value for value in parts[:i]] + parts[i:n_pairs]
        solve_transposed(factor, column)
        corner.append(column)
    block = []
    for i, column in enumerate(corner):
        products = []
        for other, fixed in zip(corner[: i + 1], memory.ss_fixed[i], strict=False):
            inner = 0.0
            for a, b in zip(column, other, strict=True):
                inner += a * b
            products.append(theta * fixed + inner)
        block.append(products)
    if not cholesky(block):
        return None
    return factor + [above + below for above, below in zip(corner, block, strict=True)]


def move_within(z: Vector, d: Vector, lower: Vector, upper: Vector, free: list[bool]) -> None:
    """z += d over the free variables, the whole step cut where the first of them meets its bound."""
    largest, stopper = 1.0, -1
    for i in range(len(z)):
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
    for i in range(len(z)):
        if i == stopper:
            z[i] = upper[i] if d[i] > 0.0 else lower[i]
        elif free[i]:
            z[i] += largest * d[i]


def subspace_step(
    x: Vector,
    gradient: Vector,
    lower: Vector,
    upper: Vector,
    memory: Memory,
    z: Vector,
    c: Vector,
    free: list[bool],
) -> bool:
    """Move the Cauchy point z in place; False where K cannot be factored (the caller drops all pairs)."""
    n_pairs, theta = len(memory.s), memory.theta
    factor = factor_subspace(memory)
    if factor is None:
        return False
    u = middle_product(memory, c)
    pairs = list(zip(memory.y, memory.s, u[:n_pairs], [theta * value for value in u[n_pairs:]], strict=True))
    chosen = [i for i, is_free in enumerate(free) if is_free]
    r = [0.0] * len(x)
    for i in chosen:
        total = -theta * (z[i] - x[i]) - gradient[i]
        for y, s, first, second in pairs:
            total += y[i] * first + s[i] * second
        r[i] = total
    v = [product_over(chosen, y, r) for y in memory.y] + [theta * product_over(chosen, s, r) for s in memory.s]
    solve_transposed(factor, v)
    for j in range(n_pairs):
        v[j] = -v[j]
    solve_upper(factor, v)
    pairs = list(zip(memory.y, memory.s, v[:n_pairs], v[n_pairs:], strict=True))
    for i in chosen:
        total = r[i]
        for y, s, first, second in pairs:
            total += y[i] * first / theta + s[i] * second
        r[i] = total / theta
    move_within(z, r, lower, upper, free)
    return True
