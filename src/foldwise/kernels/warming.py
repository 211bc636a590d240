"""Compile every kernel now, instead of at its first use."""

from __future__ import annotations

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.kernels._jit import on_notice
from foldwise.kernels._kept import has_a_place
from foldwise.kernels.apeglm import shrink_genes
from foldwise.kernels.coefficients import fit_glm
from foldwise.kernels.design import KernelDesign, prepare_design
from foldwise.kernels.dispersion import search_dispersion
from foldwise.kernels.finish import finish_glm, wrap_up
from foldwise.kernels.rlog import fit_rlog

__all__ = ["are_kept", "on_notice", "warm_up", "warm_up_the_last"]

COUNTS, FACTORS = np.array([[3.0, 5.0, 8.0, 9.0]]), np.ones(4)
ALPHA, RIDGE = np.array([0.1]), np.full(2, 1e-6)


def _design() -> KernelDesign:
    return prepare_design(np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]))


def warm_up() -> None:
    """Compile all kernels, or load them if this machine has them already: once after installing."""
    design = _design()
    search_dispersion(COUNTS, COUNTS, design, np.log(ALPHA))
    fit = fit_glm(COUNTS, FACTORS, design, ALPHA, RIDGE)
    _finish(design, fit.beta)
    fit_rlog(COUNTS, FACTORS, ALPHA, np.log(COUNTS.mean(axis=1, keepdims=True)), (1e-6, 1.0), own_intercept=True)
    weights = np.array([np.ones(4), np.full(4, np.nan)])  # the second gene goes astray and needs the second search
    shrink_genes(
        np.vstack([COUNTS, COUNTS]), np.ones((1, 4)), weights, design.matrix, np.full(2, 0.1), np.array([0.0, 1.0]),
        reference=np.array([True, True, False, False]),
    )  # fmt: skip


def are_kept() -> bool:
    """Whether what is compiled here is found by other processes."""
    return has_a_place(wrap_up)


def warm_up_the_last() -> None:
    """The kernels that a fit comes to last."""
    _finish(_design(), np.ones((1, 2)))


def _finish(design: KernelDesign, beta: FloatArray) -> None:
    finish_glm(COUNTS, FACTORS, design, beta, ALPHA, RIDGE)
