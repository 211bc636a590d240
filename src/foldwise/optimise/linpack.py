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


def householder_qr(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Q (m, p) and R (p, p) of a matrix of full column rank (no columns are exchanged)."""
    work = np.array(matrix, dtype=np.float64)
    m, p = work.shape
    reflections = []
    diagonal = np.empty(p)
    for k in range(min(p, m)):
        column = work[k:, k].copy()
        norm = math.copysign(math.sqrt(dot(column, column)), column[0])
        v = (1.0 / norm) * column
        v[0] += 1.0
        for j in range(k + 1, p):
            work[k:, j] += -dot(v, work[k:, j].copy()) / v[0] * v
        diagonal[k] = -norm
        reflections.append(v)
    q = np.eye(m, p)
    for k in range(len(reflections) - 1, -1, -1):
        v = reflections[k]
        for j in range(p):
            q[k:, j] += -dot(v, q[k:, j].copy()) / v[0] * v
    r = np.triu(work[:p])
    r[np.arange(p), np.arange(p)] = diagonal
    return q, r


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
