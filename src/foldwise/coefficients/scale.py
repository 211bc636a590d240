"""What a covariate on a bad scale does to the coefficients: genes that the ridge shrinks, covariances that are singular.

R stops its whole run at a singular covariance after the general optimiser; here such genes are marked instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.coefficients.glm import GlmModel
from foldwise.counts.measured import block_factors, normalized_weights, spread
from foldwise.kernels import glm_means

NOTICEABLE = 0.01  # share of a coefficient that the ridge takes away
SMALLEST_RCOND = 2.2e-16  # below it R's solve() refuses


@dataclass(frozen=True, slots=True)
class ScalePass:
    """factors : (n_samples,) or None. model : the GLM. columns : (k,) numeric columns to look at."""

    factors: FloatArray | None
    model: GlmModel
    columns: tuple[int, ...]


def scale_pass(counts: FloatArray, genes: Any, shared: ScalePass) -> dict[str, FloatArray]:
    """By gene: whether the ridge takes a noticeable share of each column's coefficient; whether A + ridge is singular."""
    fitted = np.isfinite(genes["beta"]).all(axis=1)
    raw = genes.get("weights")
    information = information_matrices(
        block_factors(genes, shared.factors, len(counts)) if shared.factors is not None else genes["factors"][fitted],
        shared.model,
        genes["beta"][fitted],
        genes["dispersion"][fitted],
        None if raw is None else normalized_weights(raw[fitted]),
    )
    out: dict[str, Any] = {"singular": spread(is_singular(information + np.diag(shared.model.ridge)), fitted)}
    for column in shared.columns:
        share = shrunken_share(information, shared.model.ridge, column)
        out[f"shrunken{column}"] = spread(share > NOTICEABLE, fitted)
    return out


def information_matrices(
    factors: FloatArray, model: GlmModel, beta: FloatArray, dispersion: FloatArray, weights: FloatArray | None
) -> FloatArray:
    """(n_genes, p, p) X'WX at the coefficients, means floored."""
    means = np.maximum(glm_means(factors, model.design, beta), model.min_mu)
    with np.errstate(invalid="ignore", over="ignore"):
        omega = means / (1.0 + dispersion[:, None] * means)
    if weights is not None:
        omega = omega * weights
    x = model.design.matrix
    return np.einsum("gm,mi,mj->gij", omega, x, x)


def is_singular(matrices: FloatArray) -> BoolArray:
    """(n_genes,) whether R's solve() would call the matrix computationally singular."""
    out = np.zeros(len(matrices), dtype=bool)
    for i, matrix in enumerate(matrices):
        try:
            inverse = np.linalg.inv(matrix)
        except np.linalg.LinAlgError:
            out[i] = True
            continue
        norms = np.abs(matrix).sum(axis=0).max() * np.abs(inverse).sum(axis=0).max()
        out[i] = not np.isfinite(norms) or 1.0 / norms < SMALLEST_RCOND
    return out


def shrunken_share(information: FloatArray, ridge: FloatArray, column: int) -> FloatArray:
    """(n_genes,) share of one coefficient that the ridge takes, the other coefficients fitted along."""
    others = [k for k in range(information.shape[1]) if k != column]
    own = information[:, column, column]
    if others:
        cross = information[:, others, column]
        inner = information[np.ix_(range(len(information)), others, others)]
        own = own - np.einsum("gi,gi->g", cross, np.linalg.solve(inner, cross[:, :, None])[:, :, 0])
    own = np.maximum(own, 0.0)
    return ridge[column] / (own + ridge[column])
