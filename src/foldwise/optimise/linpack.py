"""Least squares in LINPACK's order of operations, to R's last bit.

Where the optimiser starts decides on flat likelihoods where it ends: a start that is 1e-15 off can move a coefficient
by 1e-3. R solves the start with the Householder reflections of LINPACK's ``dqrdc``.
"""

from __future__ import annotations

import math

import numpy as np

from foldwise.arrays import FloatArray


def dot(a: FloatArray, b: FloatArray) -> float:
    """Inner product, added up in index order."""
    return float(np.add.accumulate(a * b)[-1])


def _reflections(matrix: FloatArray) -> tuple[list[FloatArray], FloatArray, FloatArray]:
    """Householder vectors, what they leave of the matrix, and the diagonal of R (no columns are exchanged)."""
    work = np.array(matrix, dtype=np.float64)
    m, p = work.shape
    vectors = []
    diagonal = np.empty(p)
    for k in range(min(p, m)):
        column = work[k:, k].copy()
        norm = math.copysign(math.sqrt(dot(column, column)), column[0])
        v = (1.0 / norm) * column
        v[0] += 1.0
        for j in range(k + 1, p):
            work[k:, j] += -dot(v, work[k:, j].copy()) / v[0] * v
        diagonal[k] = -norm
        vectors.append(v)
    return vectors, work, diagonal


def _reflected_back(vectors: list[FloatArray], columns: FloatArray) -> FloatArray:
    """Q times the columns, in place."""
    for k in range(len(vectors) - 1, -1, -1):
        v = vectors[k]
        for j in range(columns.shape[1]):
            columns[k:, j] += -dot(v, columns[k:, j].copy()) / v[0] * v
    return columns


def householder_qr(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Q (m, p) and R (p, p) of a matrix of full column rank (no columns are exchanged)."""
    vectors, work, diagonal = _reflections(matrix)
    m, p = work.shape
    r = np.triu(work[:p])
    r[np.arange(p), np.arange(p)] = diagonal
    return _reflected_back(vectors, np.eye(m, p)), r


def orthogonal_columns(matrix: FloatArray) -> FloatArray:
    """Each column less what lies along the columns before it: Q times the diagonal of R, R's bits."""
    vectors, work, diagonal = _reflections(matrix)
    columns = np.zeros(work.shape)
    columns[np.arange(diagonal.size), np.arange(diagonal.size)] = diagonal
    return _reflected_back(vectors, columns)


def least_squares(matrix: FloatArray, responses: FloatArray) -> FloatArray:
    """Coefficients of each row of responses on the columns of a full-rank matrix, bit for bit R's.

    Parameters
    ----------
    matrix : (n_samples, n_coefficients) of full column rank.
    responses : (n_genes, n_samples).

    Returns
    -------
    (n_genes, n_coefficients)
    """
    q, r = householder_qr(matrix)
    m, p = q.shape
    out = np.zeros((responses.shape[0], p))
    for j in range(m):  # sample by sample: the order in which R's matrix product adds
        out += responses[:, j, None] * q[j]
    for k in range(p - 1, -1, -1):
        out[:, k] /= r[k, k]
        out[:, :k] -= out[:, k, None] * r[:k, k]
    return out
