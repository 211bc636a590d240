"""The model matrix as the kernels want it: samples sorted by distinct row, products that are not zero."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from foldwise.arrays import FloatArray, IntArray

RANK_TOLERANCE = 1e-7  # of a column's norm that its predecessors must leave, as in R's lm
ILL_CONDITIONED = 100.0  # condition number (columns of unit norm) from which determinants use an orthonormal basis


class Sparse(NamedTuple):
    """Entries that are not zero, distinct row by distinct row; a row's begin at ``starts[row]``."""

    starts: IntArray
    places: IntArray
    values: FloatArray


class ByPlace(NamedTuple):
    """The same entries place by place: a place's begin at ``starts[place]``, in the order of the rows."""

    starts: IntArray
    rows: IntArray
    values: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class KernelDesign:
    """A model matrix, prepared once for every block of genes.

    matrix : (n_samples, n_coefficients) C order.
    rows : (n_rows, n_coefficients) its distinct rows, by first appearance.
    row_of : (n_samples,) which distinct row a sample has.
    order : (n_samples,) samples sorted by distinct row, in sample order within one.
    starts : (n_rows + 1,) where each distinct row begins in ``order``.
    solver : (n_coefficients, n_samples) least squares: coefficients = solver @ response; zeros if rank deficient.
    row_solver : (n_coefficients, n_rows) the same on sums over the samples of each distinct row.
    full_rank : whether the columns are linearly independent.
    intercept : index of the first column of ones, or -1.
    entries : what is not zero in ``rows``. entries_of : the same, coefficient by coefficient.
    products : what is not zero in the products x x' of ``rows``, by place in a packed lower triangle.
    products_of : the same, place by place: sums over the rows stay in registers.
    doubled_products : values of ``products``, twice those off the diagonal: for quadratic forms.
    basis_products_of : ``products_of`` of a basis of the columns in which determinants keep their digits.
    log_determinant : what a log determinant in that basis lacks to one in the columns themselves.
    log_determinant_saturated : log det(rows)^2 if there are as many rows as columns, else 0.
    """

    matrix: FloatArray
    rows: FloatArray
    row_of: IntArray
    order: IntArray
    starts: IntArray
    solver: FloatArray
    row_solver: FloatArray
    full_rank: bool
    intercept: int
    entries: Sparse
    entries_of: ByPlace
    products: Sparse
    products_of: ByPlace
    doubled_products: FloatArray
    basis_products_of: ByPlace
    log_determinant: float
    log_determinant_saturated: float

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
    return _prepared(matrix.tobytes(), matrix.shape)


@lru_cache(maxsize=16)  # every stage of a fit asks for the same few
def _prepared(data: bytes, shape: tuple[int, int]) -> KernelDesign:
    matrix = np.frombuffer(data).reshape(shape).copy()
    row_of = distinct_rows(matrix)
    order = np.argsort(row_of, kind="stable")
    starts = np.searchsorted(row_of[order], np.arange(row_of.max() + 2))
    rows = np.ascontiguousarray(matrix[order[starts[:-1]]])
    full_rank = has_full_rank(matrix)
    solver = least_squares_solver(matrix) if full_rank else np.zeros(matrix.shape[::-1])
    p = matrix.shape[1]
    size = p * (p + 1) // 2
    entries, products = sparse_entries(rows), sparse_products(rows)
    products_of = by_place(products, size)
    basis, log_determinant = well_conditioned_basis(matrix) if full_rank else (matrix, 0.0)
    ones = np.flatnonzero((matrix == 1.0).all(axis=0))
    return KernelDesign(
        matrix=matrix,
        rows=rows,
        row_of=row_of,
        order=order.astype(np.int64),
        starts=starts.astype(np.int64),
        solver=np.ascontiguousarray(solver),
        row_solver=np.ascontiguousarray(solver[:, order[starts[:-1]]]),
        full_rank=full_rank,
        intercept=int(ones[0]) if ones.size else -1,
        entries=entries,
        entries_of=by_place(entries, p),
        products=products,
        products_of=products_of,
        doubled_products=np.where(np.isin(products.places, _diagonal(p)), 1.0, 2.0) * products.values,
        basis_products_of=(
            products_of if basis is matrix else by_place(sparse_products(basis[order[starts[:-1]]]), size)
        ),
        log_determinant=log_determinant,
        log_determinant_saturated=_log_square_determinant(rows) if full_rank else 0.0,
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


def well_conditioned_basis(matrix: FloatArray) -> tuple[FloatArray, float]:
    """The matrix, or an orthonormal basis of its columns if they are nearly dependent; and log det(R)^2.

    det(X'DX) = det(Q'DQ) det(R)^2, and traces of B^-1 dB are the same in any basis.
    """
    if np.linalg.cond(matrix / np.linalg.norm(matrix, axis=0)) < ILL_CONDITIONED:
        return matrix, 0.0
    q, r = np.linalg.qr(matrix)
    return q, 2.0 * float(np.log(np.abs(np.diag(r))).sum())


def _log_square_determinant(rows: FloatArray) -> float:
    return 2.0 * float(np.linalg.slogdet(rows)[1]) if rows.shape[0] == rows.shape[1] else 0.0


def sparse_entries(rows: FloatArray) -> Sparse:
    index = [np.flatnonzero(row) for row in rows]
    return _packed(index, [row[i] for row, i in zip(rows, index, strict=True)])


def sparse_products(rows: FloatArray) -> Sparse:
    """Products x_i x_j (j <= i) that are not zero, at place i (i + 1) / 2 + j."""
    lower = np.tril_indices(rows.shape[1])
    index, values = [], []
    for row in rows:
        products = row[lower[0]] * row[lower[1]]
        index.append(np.flatnonzero(products))
        values.append(products[index[-1]])
    return _packed(index, values)


def _packed(index: list[IntArray], values: list[FloatArray]) -> Sparse:
    starts = np.concatenate([[0], np.cumsum([i.size for i in index])]).astype(np.int64)
    return Sparse(starts, np.concatenate(index).astype(np.int64), np.concatenate(values))


def by_place(entries: Sparse, n_places: int) -> ByPlace:
    row_of = np.repeat(np.arange(entries.starts.size - 1), np.diff(entries.starts))
    order = np.argsort(entries.places, kind="stable")
    starts = np.searchsorted(entries.places[order], np.arange(n_places + 1))
    return ByPlace(starts.astype(np.int64), row_of[order].astype(np.int64), np.ascontiguousarray(entries.values[order]))


def _diagonal(p: int) -> IntArray:
    """Places of the diagonal in a packed lower triangle."""
    k = np.arange(p)
    return k * (k + 1) // 2 + k
