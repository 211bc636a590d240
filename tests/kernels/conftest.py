"""Genes for the kernels: simulated blocks of every kind of design, and the twins in plain NumPy."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from foldwise.kernels import KernelDesign, fit_glm, glm_means, prepare_design, rough_dispersion, row_statistics


@dataclass(frozen=True)
class Block:
    """Counts of some genes and all that the kernels want beside them."""

    counts: np.ndarray
    factors: np.ndarray
    design: KernelDesign
    weights: np.ndarray | None
    ridge: np.ndarray
    start: np.ndarray
    means: np.ndarray

    def rows(self, index) -> Block:
        cut = lambda a: None if a is None else np.ascontiguousarray(a[index])  # noqa: E731
        factors = cut(self.factors) if self.factors.ndim == 2 else self.factors
        return Block(
            cut(self.counts), factors, self.design, cut(self.weights), self.ridge, cut(self.start), cut(self.means)
        )


def two_groups(m):
    return np.column_stack([np.ones(m), np.arange(m) % 2])


def batches(m):
    batch = np.arange(m) % 3
    return np.column_stack([np.ones(m), batch == 1, batch == 2, np.arange(m) // 3 % 2]).astype(float)


def covariate(m):
    return np.column_stack([np.ones(m), np.arange(m) % 2, np.random.default_rng(5).normal(0, 1, m)])


def uncentred(m):
    return np.column_stack([np.ones(m), np.arange(m) % 2, 200.0 + np.random.default_rng(5).normal(0, 1, m)])


def many_columns(m):
    rng = np.random.default_rng(6)
    return np.column_stack([np.ones(m), np.arange(m) % 2, *(rng.normal(0, 1, m) for _ in range(12))])


def no_intercept(m):
    return np.column_stack([np.arange(m) % 3 == k for k in range(3)]).astype(float)


KINDS = {
    "two groups": (two_groups, 8, {}),
    "few samples": (two_groups, 3, {}),
    "batches": (batches, 12, {}),
    "covariate": (covariate, 11, {}),
    "uncentred covariate": (uncentred, 11, {}),
    "many columns": (many_columns, 40, {}),
    "no intercept": (no_intercept, 9, {}),
    "weights": (batches, 18, {"weighted": True}),
    "gene-wise factors": (covariate, 10, {"gene_wise": True}),
    "large counts": (two_groups, 6, {"scale": 1e5}),
    "many samples": (batches, 300, {}),
}


def simulated(kind: str, n: int = 120, seed: int = 1) -> Block:
    matrix, m, options = KINDS[kind]
    design = prepare_design(matrix(m))
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(3.5, 2.0, n)) * options.get("scale", 1.0)
    effects = rng.normal(0, 0.5, (n, design.n_coefficients)) / np.abs(design.matrix).max(axis=0)
    effects[:, 0] = 0.0
    factors = np.exp(rng.normal(0, 0.3, (n, m) if options.get("gene_wise") else m))
    dispersion = (0.02 + 2.0 / mean) * np.exp(rng.normal(0, 1.0, n))
    mu = np.exp(effects @ design.matrix.T) * mean[:, None] * factors
    noise = rng.gamma(1.0 / dispersion[:, None], dispersion[:, None], (n, m))
    counts = rng.poisson(np.minimum(mu * noise, 1e8)).astype(float)
    counts[0, 0] += 1.0
    counts[counts.sum(axis=1) == 0, 0] = 1.0
    weights = rng.choice([1.0, 0.6, 0.02, 0.005], (n, m), p=[0.7, 0.1, 0.1, 0.1]) if options.get("weighted") else None
    if weights is not None:
        weights[:, :6] = 1.0
    return prepared(counts, factors, design, weights)


def prepared(counts, factors, design, weights) -> Block:
    m = counts.shape[1]
    ridge = np.full(design.n_coefficients, 1e-6 / np.log(2.0) ** 2)
    inverse = np.mean(1.0 / (factors if factors.ndim == 1 else factors.mean(axis=0)))
    statistics = row_statistics(counts, factors, weights)
    start = rough_dispersion(counts, factors, design, *statistics, inverse, max_dispersion=max(10.0, m))
    beta = fit_glm(counts, factors, design, start, ridge, weights=weights).beta
    means = np.maximum(glm_means(factors, design, beta), 0.5)
    return Block(counts, factors, design, weights, ridge, start, means)


@pytest.fixture(params=list(KINDS), ids=lambda kind: kind.replace(" ", "_"))
def block(request) -> Block:
    return simulated(request.param)


@pytest.fixture(scope="session")
def simulate():
    return simulated


@pytest.fixture(scope="session")
def twins() -> ModuleType:
    spec = importlib.util.spec_from_file_location("foldwise_kernel_twins", Path(__file__).with_name("twins.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
