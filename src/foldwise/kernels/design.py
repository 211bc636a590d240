"""The model matrix as the kernels want it: samples sorted by distinct row, products that are not zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import FloatArray, IntArray

RANK_TOLERANCE = 1e-7  # of a column's norm that its predecessors must leave, as in R's lm


@dataclass(frozen=True, slots=True, eq=False)
class KernelDesign:
    """A model matrix, prepared once for every block of genes.

    matrix : (n_samples, n_coefficients) C order.
    rows : (n_rows, n_coefficients) its distinct rows, by first appearance.
    row_of : (n_samples,) which distinct row a sample has.
    order : (n_samples,) samples sorted by distinct row, in sample order within one.
    starts : (n_rows + 1,) where each distinct row begins in ``order``.
    solver : (n_coefficients, n_samples) least squares: coefficients = solver @ response; zeros if rank deficient.
    full_rank : whether the columns are linearly independent.
    intercept : index of the first column of ones, or -1.
    """

    matrix: FloatArray
    rows: FloatArray
    row_of: IntArray
    order: IntArray
    starts: IntArray
    solver: FloatArray
    full_rank: bool
    intercept: int

    @property
    def n_samples(self) -> int:
        return self.matrix.shape[0]

    @property
    def n_coefficients(self) -> int:
        return self.matrix.shape[1]

    @property
    def n_rows(self) -> int:
        return self.rows.shape[0]

    @property
    def is_saturated(self) -> bool:
        """Whether there are as many distinct rows as coefficients: fitted means are then cell means."""
        return self.n_rows == self.n_coefficients


def prepare_design(matrix: FloatArray) -> KernelDesign:
    """Sort the samples of a model matrix by distinct row and factor it.

    matrix : (n_samples, n_coefficients).
    """
    matrix = np.array(matrix, dtype=np.float64, order="C") + 0.0  # -0.0 and 0.0 are one row
    row_of = distinct_rows(matrix)
    order = np.argsort(row_of, kind="stable")
    starts = np.searchsorted(row_of[order], np.arange(row_of.max() + 2))
    rows = np.ascontiguousarray(matrix[order[starts[:-1]]])
    full_rank = has_full_rank(matrix)
    solver = least_squares_solver(matrix) if full_rank else np.zeros(matrix.shape[::-1])
    ones = np.flatnonzero((matrix == 1.0).all(axis=0))
    return KernelDesign(
        matrix=matrix,
        rows=rows,
        row_of=row_of,
        order=order.astype(np.int64),
        starts=starts.astype(np.int64),
        solver=np.ascontiguousarray(solver),
        full_rank=full_rank,
        intercept=int(ones[0]) if ones.size else -1,
    )


def distinct_rows(matrix: FloatArray) -> IntArray:
    """(n_samples,) index of each sample's distinct row, numbered by first appearance."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(row.tobytes(), len(seen)) for row in matrix], dtype=np.int64)


def has_full_rank(matrix: FloatArray) -> bool:
    if matrix.shape[0] < matrix.shape[1]:
        return False
    norms = np.linalg.norm(matrix, axis=0)
    if not np.all(norms > 0):
        return False
    return bool(np.all(np.abs(np.diag(np.linalg.qr(matrix / norms, mode="r"))) > RANK_TOLERANCE))


def least_squares_solver(matrix: FloatArray) -> FloatArray:
    """(n_coefficients, n_samples) R^-1 Q'."""
    q, r = np.linalg.qr(matrix)
    return np.linalg.solve(r, q.T)
