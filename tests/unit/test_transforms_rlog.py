"""The regularized logarithm's kernel against a dense twin, and its prior variance against the plain weighted quantile."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln

from foldwise.counts.measured import Measured
from foldwise.counts.sources import DenseCounts
from foldwise.kernels.rlog import fit_rlog
from foldwise.transforms.prior_variance import NORMAL_QUANTILE, sample_prior_variance
from foldwise.transforms.spline import fmm_spline

LN2 = np.log(2)
OSCILLATING = 60  # genes that take so many rounds swing to and fro, and rounding grows from swing to swing
RIDGE = (1e-6 / LN2**2, 1 / 0.8 / LN2**2)


def twin(k, n, alpha, start, own_intercept, weights):
    """One gene by general least squares on the whole design: the values, rounds, and how it ended."""
    m = len(k)
    design = np.column_stack([np.ones(m), np.eye(m)]) if own_intercept else np.eye(m)
    ridge = np.r_[RIDGE[0], np.full(m, RIDGE[1])] if own_intercept else np.full(m, RIDGE[1])
    beta = np.r_[start, np.zeros(m)] if own_intercept else start.copy()
    r, old = 1 / alpha, 0.0
    mu = np.maximum(n * np.exp(design @ beta), 0.5)
    for t in range(100):
        w = weights * mu / (1 + alpha * mu)
        z = np.log(mu / n) + (k - mu) / mu
        q, upper = np.linalg.qr(np.vstack([np.sqrt(w)[:, None] * design, np.diag(np.sqrt(ridge))]))
        beta = np.linalg.solve(upper, q.T[:, :m] @ (np.sqrt(w) * z))
        if (np.abs(beta) > 30).any():
            return design @ beta, t + 1, 1
        mu = np.maximum(n * np.exp(design @ beta), 0.5)
        density = gammaln(k + r) - gammaln(r) - gammaln(k + 1) + k * np.log(mu / (mu + r)) - r * np.log1p(alpha * mu)
        deviance = -2 * (weights * density).sum()
        if t >= 1 and abs(deviance - old) / (abs(deviance) + 0.1) < 1e-4:
            return design @ beta, t + 1, 0
        old = deviance
    return design @ beta, 100, 3


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    random = np.random.default_rng(0)
    means = 2 ** random.normal(4, 4, (150, 1)) * np.ones(9)
    drawn = random.negative_binomial(2, 2 / (2 + means)).astype(float)
    return drawn[drawn.sum(axis=1) > 0]


@pytest.mark.parametrize("own_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("gene_wise", [False, True])
def test_kernel_takes_the_twins_steps(own_intercept: bool, weighted: bool, gene_wise: bool, counts: np.ndarray) -> None:
    random = np.random.default_rng(1)
    n, m = counts.shape
    factors = random.uniform(0.5, 2, (n, m) if gene_wise else m)
    alpha = random.uniform(0.05, 3, n)
    weights = random.uniform(0.1, 1, (n, m)) if weighted else None
    q = counts / factors
    start = np.log(q.mean(axis=1, keepdims=True)) if own_intercept else np.log(q + 0.1)
    found = fit_rlog(counts, factors, alpha, start, RIDGE, own_intercept=own_intercept, weights=weights)
    for gene in range(n):
        values, rounds, status = twin(
            counts[gene],
            factors[gene] if gene_wise else factors,
            alpha[gene],
            start[gene, 0] if own_intercept else start[gene],
            own_intercept,
            np.ones(m) if weights is None else weights[gene],
        )
        if max(rounds, found.iterations[gene]) < OSCILLATING:
            assert (found.status[gene], found.iterations[gene]) == (status, rounds)
            np.testing.assert_allclose(found.linear[gene], values, rtol=1e-10, atol=1e-10)
    assert (found.iterations < OSCILLATING).mean() > (0.9 if own_intercept else 0.2)


def plain_quantile(values: np.ndarray, weights: np.ndarray, p: float) -> float:
    order = np.argsort(values, kind="stable")
    until = np.cumsum(weights[order] * len(values) / weights.sum())
    rank = 1 + (len(values) - 1) * p
    at = [min(int(np.searchsorted(until, t)), len(values) - 1) for t in (np.floor(rank), np.floor(rank) + 1)]
    part = rank - np.floor(rank)
    return float((1 - part) * values[order][at[0]] + part * values[order][at[1]])


@pytest.mark.parametrize("seed", range(5))
def test_prior_variance(seed: int) -> None:
    random = np.random.default_rng(seed)
    counts = random.negative_binomial(2, 0.02, (60, 7)).astype(np.int32)
    fitted = random.random(60) < 0.9
    factors, alpha = random.uniform(0.5, 2, 7), random.uniform(0.01, 1, 60)
    q = counts / factors
    means = q.mean(axis=1)
    ratios = np.abs(np.log2(q + 0.5) - np.log2(means + 0.5)[:, None])[fitted]
    weights = np.repeat((1 / (1 / means + alpha))[fitted], 7)
    expected = (plain_quantile(ratios.ravel(), weights, 0.95) / NORMAL_QUANTILE) ** 2
    found = sample_prior_variance(Measured(DenseCounts(counts), factors), means, alpha, fitted)
    assert found == pytest.approx(expected, rel=1e-13)


def test_the_spline_is_exact_for_cubics_also_beyond_its_ends() -> None:
    x = np.array([0.0, 0.4, 1.0, 1.3, 2.2, 3.0])

    def cubic(t: np.ndarray) -> np.ndarray:
        return 1 + t * (0.5 + t * (-2 + 0.3 * t))

    at = np.linspace(-1, 4, 41)
    np.testing.assert_allclose(fmm_spline(x, cubic(x))(at), cubic(at), rtol=0, atol=1e-12)
