"""Small symmetric matrices in lanes, packed as lower triangles: entry (i, j), j <= i, at i (i + 1) / 2 + j."""

from __future__ import annotations

from foldwise.kernels._jit import part
from foldwise.kernels.lanes import Vector, formula, load, spread, store


@formula
def _pivot_or_one(pivot: Vector) -> Vector:
    """A column without entries has pivot 0: as if it were a column of the identity."""
    return pivot.lift(1.0).where(pivot.equals(0.0), pivot)


@part
def factor(b, p, pivots):  # type: ignore[no-untyped-def]
    """B = L D L' in place: unit lower L below the diagonal, 1 / D on it; D in ``pivots``."""
    for i in range(p):
        row = i * (i + 1) // 2
        for j in range(i):
            other = j * (j + 1) // 2
            total = load(b, row + j)
            for k in range(j):
                total = total - load(b, row + k) * load(b, other + k)
            store(b, row + j, total)
        pivot = load(b, row + i)
        for k in range(i):
            above = load(b, row + k)
            scaled = above * load(b, k * (k + 1) // 2 + k)
            pivot = pivot - above * scaled
            store(b, row + k, scaled)
        pivot = _pivot_or_one(pivot)
        store(pivots, i, pivot)
        store(b, row + i, 1.0 / pivot)


@part
def solve(b, p, x):  # type: ignore[no-untyped-def]
    """x <- B^-1 x, B factored."""
    for i in range(p):
        row = i * (i + 1) // 2
        total = load(x, i)
        for k in range(i):
            total = total - load(b, row + k) * load(x, k)
        store(x, i, total)
    for i in range(p):
        store(x, i, load(x, i) * load(b, i * (i + 1) // 2 + i))
    for i in range(p - 1, -1, -1):
        total = load(x, i)
        for k in range(i + 1, p):
            total = total - load(b, k * (k + 1) // 2 + i) * load(x, k)
        store(x, i, total)


@part
def invert_factor(b, p):  # type: ignore[no-untyped-def]
    """L <- L^-1 in place, B factored; the diagonal (1 / D) stays."""
    for i in range(1, p):
        row = i * (i + 1) // 2
        for j in range(i):
            total = load(b, row + j)
            for k in range(j + 1, i):
                total = total + load(b, row + k) * load(b, k * (k + 1) // 2 + j)
            store(b, row + j, spread(0.0) - total)


@part
def trace_of_product(b, p, other):  # type: ignore[no-untyped-def]
    """tr(B^-1 O), with L inverted in B."""
    trace = spread(0.0)
    for i in range(p):
        row = i * (i + 1) // 2
        total = load(other, row + i)
        for a in range(i):
            total = total + 2.0 * (load(b, row + a) * load(other, row + a))
        for a in range(i):
            at = a * (a + 1) // 2
            part = load(b, row + a) * load(other, at + a)
            for c in range(a):
                part = part + 2.0 * (load(b, row + c) * load(other, at + c))
            total = total + load(b, row + a) * part
        trace = trace + load(b, row + i) * total
    return trace


@part
def inverse(b, p, out):  # type: ignore[no-untyped-def]
    """out <- B^-1 = L^-T D^-1 L^-1, with L inverted in B."""
    for i in range(p):
        for j in range(i + 1):
            row = i * (i + 1) // 2
            total = load(b, row + i)
            if j < i:
                total = total * load(b, row + j)
            for k in range(i + 1, p):
                at = k * (k + 1) // 2
                total = total + load(b, at + i) * load(b, at + j) * load(b, at + k)
            store(out, row + j, total)
