"""Row-wise numbers against exact arithmetic and textbook formulas."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

from foldwise import kernels


def test_row_means_are_rounded_once():
    values = np.random.default_rng(0).lognormal(0, 6, (400, 23))
    exact = [float(sum(map(Fraction, row)) / 23) for row in values]
    assert kernels.exact_row_means(values).tolist() == exact


def test_infinite_logs_pass_through():
    values = np.array([[1.0, -np.inf], [2.0, 4.0]])
    assert kernels.exact_row_means(values).tolist() == [-np.inf, 3.0]


def test_weights_multiply_the_counts(simulate):
    block = simulate("weights")
    mean, variance = kernels.row_statistics(block.counts, block.factors, block.weights)
    weighted = block.weights * block.counts / block.factors
    assert_allclose(mean, weighted.mean(axis=1))
    assert_allclose(variance, weighted.var(axis=1, ddof=1))


@pytest.mark.parametrize("kind", ["two groups", "batches", "covariate", "gene-wise factors"])
def test_linear_means_are_least_squares(kind, simulate):
    block = simulate(kind)
    x, y = block.design.matrix, block.counts / block.factors
    fitted = (x @ np.linalg.lstsq(x, y.T, rcond=None)[0]).T
    floored = np.maximum(fitted * block.factors, 0.5)
    assert_allclose(kernels.linear_means(block.counts, block.factors, block.design), floored, atol=1e-8)


def test_the_start_is_least_squares_of_logs(simulate):
    block = simulate("batches")
    logs = np.log(block.counts / block.factors + 0.1)
    expected = np.linalg.lstsq(block.design.matrix, logs.T, rcond=None)[0].T
    assert_allclose(kernels.glm_start(block.counts, block.factors, block.design), expected, atol=1e-10)


def test_trimming():
    values = np.array([[9.0, 1.0, 2.0, 3.0, 100.0, 4.0]])
    assert kernels.trimmed_mean(values, 0.2)[0] == pytest.approx((2 + 3 + 4 + 9) / 4)
    assert kernels.trimmed_mean(values, 0.1)[0] == pytest.approx(values.mean())


def test_an_outlier_does_not_move_the_robust_dispersion():
    counts = np.random.default_rng(1).poisson(50.0, (1, 12)).astype(float)
    cells, ones = np.arange(12) % 2, np.ones(12)
    before = kernels.robust_dispersion(counts, ones, cells)
    counts[0, 0] = 1e5
    assert before == 0.04
    assert kernels.robust_dispersion(counts, ones, cells) == pytest.approx(0.04, abs=0.05)


def test_distinct_rows_are_numbered_by_appearance():
    design = kernels.prepare_design(np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0], [1.0, -0.0]]))
    assert design.row_of.tolist() == [0, 1, 0, 1]
    assert design.order.tolist() == [0, 2, 1, 3]
    assert design.is_saturated and design.full_rank and design.intercept == 0


def test_means_of_coefficients(simulate):
    block = simulate("gene-wise factors")
    beta = np.random.default_rng(2).normal(0.0, 1.0, (len(block.counts), block.design.n_coefficients))
    means = np.exp(beta @ block.design.matrix.T) * block.factors
    assert_allclose(kernels.glm_means(block.factors, block.design, beta), means, rtol=1e-13)
    assert_allclose(
        kernels.glm_means(block.factors, block.design, beta, min_mu=0.5), np.maximum(means, 0.5), rtol=1e-13
    )


def test_the_rough_dispersion_is_a_moment_estimate(simulate):
    block = simulate("batches")
    y, x = block.counts / block.factors, block.design.matrix
    fit = np.maximum((x @ np.linalg.lstsq(x, y.T, rcond=None)[0]).T, 1.0)
    linear = (((y - fit) ** 2 - fit) / fit**2).sum(axis=1) / (x.shape[0] - x.shape[1])
    mean, variance = y.mean(axis=1), y.var(axis=1, ddof=1)
    moments = (variance - np.mean(1.0 / block.factors) * mean) / mean**2
    expected = np.clip(np.minimum(np.maximum(linear, 0.0), moments), 1e-8, 20.0)
    found = kernels.rough_dispersion(
        block.counts, block.factors, block.design, mean, variance, np.mean(1.0 / block.factors), max_dispersion=20.0
    )
    assert_allclose(found, expected, rtol=1e-8)
