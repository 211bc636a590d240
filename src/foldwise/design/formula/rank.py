"""The rank of a model matrix as R's qr() finds it.

Householder reflections with limited column pivoting: a column whose norm, after the columns before it have been
taken out, has fallen below 1e-7 of what it was goes to the end. So earlier columns win, and the columns that are
left over are those that the ones before them can make. (The LINPACK routine with R's change; ?qr in R.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import FloatArray

TOLERANCE = 1e-7  # R's default of qr()
RECOMPUTE = 1e-6  # below this share a column's norm is computed anew rather than updated


@dataclass(frozen=True, slots=True)
class Rank:
    """rank, and which columns are independent and which are made by those before them."""

    rank: int
    kept: tuple[int, ...]
    dependent: tuple[int, ...]


def column_rank(matrix: FloatArray, tolerance: float = TOLERANCE) -> Rank:
    """R's numerical rank of a (n_samples, n_columns) matrix."""
    work = np.array(matrix, dtype=np.float64)
    n, p = work.shape
    order = list(range(p))
    norms = np.linalg.norm(work, axis=0)
    first = np.where(norms == 0, 1.0, norms)
    rank = p
    for step in range(min(n, p)):
        while step < rank and norms[step] < first[step] * tolerance:
            rotation = [*range(step), *range(step + 1, p), step]
            work, norms, first = work[:, rotation], norms[rotation], first[rotation]
            order = [order[i] for i in rotation]
            rank -= 1
        if step == n - 1 or step >= rank:
            break
        _reflect(work, norms, step)
    rank = min(rank, n)
    return Rank(rank, tuple(sorted(order[:rank])), tuple(sorted(order[rank:])))


def _reflect(work: FloatArray, norms: FloatArray, step: int) -> None:
    """One Householder step, and the norms of what is left of the later columns."""
    column = work[step:, step]
    length = np.linalg.norm(column)
    if length == 0:
        return
    direction = column / (-length if column[0] < 0 else length)
    direction[0] += 1.0
    rest = work[step:, step + 1 :]
    rest -= np.outer(direction, direction @ rest) / direction[0]
    later = norms[step + 1 :]
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(later == 0, 0.0, np.maximum(1.0 - (np.abs(rest[0]) / later) ** 2, 0.0))
    later[:] = np.where(left < RECOMPUTE, np.linalg.norm(rest[1:], axis=0), later * np.sqrt(left))
