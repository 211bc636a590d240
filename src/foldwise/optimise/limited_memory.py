"""The limited-memory matrix of L-BFGS-B: up to five pairs of steps and gradient changes.

Byrd, Lu, Nocedal & Zhu (1995), section 3: B = theta I - W M W' with W = [Y, theta S]. All sums run in index order
from 0 and are finished before anything is added to them: the bits matter. Vectors and matrices are lists: with a
handful of variables Python's own numbers are quicker than arrays, and nothing need be compiled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

Vector = list[float]
Matrix = list[list[float]]

MEMORY = 5
EPSILON = 2.220446049250313e-16
SMALLEST_PIVOT = 1e-14  # of the diagonal element it came from


def _table() -> Matrix:
    return [[0.0] * MEMORY for _ in range(MEMORY)]


@dataclass(slots=True)
class Memory:
    """The pairs and their products; only as many rows and columns of a table are alive as there are pairs.

    theta : scale of the matrix. stored : pairs ever stored since they were last dropped. just_stored : whether the
    last iteration stored one.
    s, y : steps and gradient changes, oldest first, at most five.
    sy : s_i'y_j for i >= j. ss : s_i's_j. root : upper Cholesky factor J of theta S'S + L D^-1 L', by columns.
    yy_free, ss_fixed, sy_parts : products over the free or the fixed variables alone, see ``subspace``.
    """

    theta: float = 1.0
    stored: int = 0
    just_stored: bool = False
    s: list[Vector] = field(default_factory=list)
    y: list[Vector] = field(default_factory=list)
    sy: Matrix = field(default_factory=_table)
    ss: Matrix = field(default_factory=_table)
    root: Matrix = field(default_factory=list)
    yy_free: Matrix = field(default_factory=_table)
    ss_fixed: Matrix = field(default_factory=_table)
    sy_parts: Matrix = field(default_factory=_table)

    def drop_pairs(self) -> None:
        """Begin again with the identity; what the tables hold stays, dead, until it is written over."""
        self.theta, self.stored, self.just_stored = 1.0, 0, False
        self.s, self.y = [], []


def dot(a: Iterable[float], b: Iterable[float]) -> float:
    """Inner product in index order (BLAS would fuse or reorder, ``sum`` compensate)."""
    total = 0.0
    for x, y in zip(a, b, strict=True):
        total += x * y
    return total


def combined(a: Vector, factor: float, b: Vector) -> Vector:
    """factor * b + a."""
    return [factor * y + x for x, y in zip(a, b, strict=True)]


def quotient(a: float, b: float) -> float:
    """a / b as processors have it: infinite or NaN where b is 0."""
    if b != 0.0:
        return a / b
    return math.nan if a == 0.0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)


def square_root(x: float) -> float:
    """NaN where x is negative."""
    return math.sqrt(x) if x >= 0.0 else math.nan


def cholesky(columns: Matrix) -> bool:
    """Upper factor in place of a symmetric matrix; False where it is not positive definite.

    columns : the j-th holds rows 0 to j.
    """
    for j, column in enumerate(columns):
        squares = 0.0
        for k in range(j):
            other = columns[k]
            inner = 0.0
            for x, y in zip(other[:k], column, strict=False):
                inner += x * y
            value = column[k] = (column[k] - inner) / other[k]
            squares += value * value
        diagonal = column[j]
        pivot = diagonal - squares
        if not pivot > SMALLEST_PIVOT * abs(diagonal):
            return False
        column[j] = math.sqrt(pivot)
    return True


def solve_transposed(u: Matrix, b: Vector) -> None:
    """Solve U'x = b in place, U upper triangular by columns."""
    for j, column in enumerate(u):
        inner = 0.0
        for x, y in zip(column[:j], b, strict=False):
            inner += x * y
        b[j] = (b[j] - inner) / column[j]


def solve_upper(u: Matrix, b: Vector) -> None:
    """Solve Ux = b in place, by columns."""
    for j in range(len(u) - 1, -1, -1):
        column = u[j]
        known = b[j] = b[j] / column[j]
        for i in range(j):
            b[i] -= known * column[i]


def store_pair(memory: Memory, step: Vector, change: Vector, step_change: float, step_squared: float) -> None:
    """Append a pair, dropping the oldest of five.

    ``step_change`` (s'y) and ``step_squared`` (s's) come from the line search's own numbers.
    """
    memory.stored += 1
    if memory.stored > MEMORY:
        del memory.s[0], memory.y[0]
        for table in (memory.sy, memory.ss):
            move_up(table)
    new = len(memory.s)
    memory.s.append(step)
    memory.y.append(change)
    for j in range(new):
        memory.sy[new][j] = dot(step, memory.y[j])
        memory.ss[new][j] = memory.ss[j][new] = dot(memory.s[j], step)
    memory.sy[new][new] = step_change
    memory.ss[new][new] = step_squared


def move_up(table: Matrix) -> None:
    """Drop the first row and column; the last ones stay as they are."""
    for i in range(MEMORY - 1):
        table[i][:-1] = table[i + 1][1:]


def factor_pairs(memory: Memory) -> bool:
    """J of theta S'S + L D^-1 L'; False where rounding has spoilt its definiteness."""
    sy, theta = memory.sy, memory.theta
    memory.root = []
    for j in range(len(memory.s)):
        column = []
        for i in range(j + 1):
            inner = 0.0
            for k in range(i):
                inner += sy[i][k] * sy[j][k] / sy[k][k]
            column.append(inner + theta * memory.ss[i][j])
        memory.root.append(column)
    return cholesky(memory.root)


def middle_product(memory: Memory, v: Vector) -> Vector:
    """M v for v of length 2 n_pairs (pairs of Y first, then of theta S)."""
    sy, n_pairs = memory.sy, len(memory.s)
    lower = []
    for i in range(n_pairs):
        inner = 0.0
        row = sy[i]
        for k in range(i):
            inner += row[k] * v[k] / sy[k][k]
        lower.append(v[n_pairs + i] + inner)
    solve_transposed(memory.root, lower)
    solve_upper(memory.root, lower)
    upper = []
    for i in range(n_pairs):
        diagonal = sy[i][i]
        inner = 0.0
        for k in range(i + 1, n_pairs):
            inner += sy[k][i] * lower[k] / diagonal
        root = math.sqrt(diagonal)
        upper.append(-(v[i] / root) / root + inner)
    return upper + lower
