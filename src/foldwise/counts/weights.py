"""Observation weights that leave a coefficient without information: such genes cannot be fitted."""

from __future__ import annotations

import numpy as np

from foldwise.arrays import BoolArray, FloatArray

WEIGHT_THRESHOLD = 0.01  # samples that weigh less do not count in the Cox-Reid term
RANK_TOLERANCE = 1e-7


def weights_fail(counts: FloatArray, weights: FloatArray, matrix: FloatArray) -> BoolArray:
    """(n_genes,) genes whose weights make the design rank deficient, as R judges it.

    Either samples of positive weight do not identify all coefficients, or samples of weight above 0.01 do not identify
    those of their columns that are not empty. Weights are first divided by each gene's largest.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        normalized = np.nan_to_num(weights / weights.max(axis=1, keepdims=True))
    fails = np.zeros(len(counts), dtype=bool)
    for mask, drop_empty in ((normalized > 0, False), (normalized > WEIGHT_THRESHOLD, True)):
        patterns, which = np.unique(mask, axis=0, return_inverse=True)
        bad = np.array([not _identified(matrix[pattern], drop_empty) for pattern in patterns])
        fails |= bad[np.ravel(which)]
    return fails


def _identified(rows: FloatArray, drop_empty: bool) -> bool:
    columns = rows[:, (rows != 0).any(axis=0)] if drop_empty else rows
    if columns.shape[1] == 0:
        return True
    norms = np.linalg.norm(columns, axis=0)
    if len(columns) < columns.shape[1] or not (norms > 0).all():
        return False
    return int(np.linalg.matrix_rank(columns / norms, tol=RANK_TOLERANCE)) == columns.shape[1]
