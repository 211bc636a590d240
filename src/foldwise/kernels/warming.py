"""Compile every kernel now, instead of at its first use."""

from __future__ import annotations

import numpy as np

from foldwise.kernels._jit import on_notice
from foldwise.kernels.apeglm import shrink_genes
from foldwise.kernels.coefficients import fit_glm
from foldwise.kernels.design import prepare_design
from foldwise.kernels.dispersion import search_dispersion
from foldwise.kernels.finish import finish_glm
from foldwise.kernels.rlog import fit_rlog

__all__ = ["on_notice", "warm_up"]


def warm_up() -> None:
    """Compile all kernels, or load them if this machine has them already: once after installing."""
    counts = np.array([[3.0, 5.0, 8.0, 9.0]])
    design = prepare_design(np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]))
    factors, alpha, ridge = np.ones(4), np.array([0.1]), np.full(2, 1e-6)
    search_dispersion(counts, counts, design, np.log(alpha))
    fit = fit_glm(counts, factors, design, alpha, ridge)
    finish_glm(counts, factors, design, fit.beta, alpha, ridge)
    fit_rlog(counts, factors, alpha, np.log(counts.mean(axis=1, keepdims=True)), (1e-6, 1.0), own_intercept=True)
    weights = np.array([np.ones(4), np.full(4, np.nan)])  # the second gene goes astray and needs the second search
    shrink_genes(
        np.vstack([counts, counts]), np.ones((1, 4)), weights, design.matrix, np.full(2, 0.1), np.array([0.0, 1.0]),
        reference=np.array([True, True, False, False]),
    )  # fmt: skip
