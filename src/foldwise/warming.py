"""Compile everything now: the kernels of the fit, and those that few fits need."""

from __future__ import annotations

import warnings

import numpy as np


def warm_up() -> None:
    """Compile all that foldwise compiles, or load it if this machine has it already: once after installing."""
    from foldwise.api import deseq
    from foldwise.datasets.simulation import simulate
    from foldwise.kernels import warm_up as compile_kernels

    compile_kernels()
    _compile_the_optimiser()
    data = simulate(n_genes=300, n_samples=8, n_batches=2, seed=1).data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        deseq(data, "~ batch + condition", test="LRT", reduced="~ batch", fit_type="glmGamPoi", executor="serial")


def compile_the_last() -> None:
    """Compile what a fit needs last: for a process beside another that compiles what it needs first."""
    from foldwise.kernels import warm_up_the_last

    warm_up_the_last()
    _compile_the_optimiser()


def _compile_the_optimiser() -> None:
    from foldwise.optimise.negative_binomial import fit_by_optimiser

    matrix = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    fit_by_optimiser(np.array([0.0, 3.0, 8.0, 9.0]), np.ones(4), matrix, 0.1, np.full(2, 1e-6), np.zeros(2))
