"""ashr on arrays: the mixture's optimality, posteriors against integrals, s-values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from foldwise.errors import FitError
from foldwise.shrinkage.ashr import adaptive_shrinkage, component_log_likelihood, default_grid
from foldwise.shrinkage.mixture import EPSILON, fit_mixture
from foldwise.shrinkage.s_values import s_values


def simulated(n=800, seed=0, heavy=False):
    rng = np.random.default_rng(seed)
    errors = rng.gamma(2.0, 0.3, n) + 0.02
    effects = rng.standard_t(1.5, n) if heavy else np.where(rng.random(n) < 0.3, rng.normal(0, 1.5, n), 0.0)
    return effects + rng.normal(0, errors), errors


def likelihood_of(estimates, errors, grid):
    logs = component_log_likelihood(estimates, errors, grid)
    return np.exp(logs - logs.max(axis=1, keepdims=True))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("heavy", [False, True])
def test_mixture_satisfies_its_optimality_conditions(seed, heavy):
    estimates, errors = simulated(seed=seed, heavy=heavy)
    likelihood = likelihood_of(estimates, errors, default_grid(estimates, errors))
    found = fit_mixture(likelihood)
    assert found.converged
    assert found.weights.min() >= 0
    assert found.weights.sum() == pytest.approx(1)
    scale = 1 - EPSILON * np.mean(1 / (likelihood @ found.weights + EPSILON))  # sum of the solution before scaling
    gradient = likelihood.T @ (1 / (likelihood @ (scale * found.weights) + EPSILON)) / len(estimates)
    assert gradient.max() <= 1 + 1e-8
    assert np.abs(gradient[found.weights > 1e-6] - 1).max() < 1e-8


def test_mixture_is_not_less_likely_than_any_neighbour():
    estimates, errors = simulated(seed=9)
    likelihood = likelihood_of(estimates, errors, default_grid(estimates, errors))
    weights = fit_mixture(likelihood).weights
    best = np.log(likelihood @ weights + EPSILON).sum()
    for k in range(weights.size):
        towards = 0.999 * weights
        towards[k] += 0.001
        assert np.log(likelihood @ towards + EPSILON).sum() <= best + 1e-6


def test_a_component_that_explains_nothing_has_no_weight():
    likelihood = np.column_stack([np.ones(5), np.zeros(5)])
    found = fit_mixture(likelihood)
    np.testing.assert_array_equal(found.weights, [1.0, 0.0])


def test_grid_is_anchored_at_twice_the_largest_excess():
    estimates, errors = np.array([0.5, -3.0]), np.array([0.4, 1.0])
    grid = default_grid(estimates, errors)
    assert grid[-1] == pytest.approx(2 * np.sqrt(8.0))
    np.testing.assert_allclose(grid[1:] / grid[:-1], np.sqrt(2.0))
    assert 0.04 / np.sqrt(2.0) < grid[0] <= 0.04
    assert default_grid(np.zeros(3), np.ones(3))[-1] == pytest.approx(0.8)


def test_posterior_is_that_of_bayes_rule():
    estimates, errors = simulated(n=300, seed=3)
    found = adaptive_shrinkage(estimates, errors)
    weights, grid = found.mixture.weights, found.grid

    def density(x):
        return np.sum(weights / grid * np.exp(-0.5 * (x / grid) ** 2))

    for i in (0, 7, 123):
        b, s = estimates[i], errors[i]

        def joint(x, power=0, b=b, s=s):
            return x**power * density(x) * np.exp(-0.5 * ((b - x) / s) ** 2)

        edge, points = 12 * max(s, abs(b)), [0.0, b, b / 2]
        mass, first, second = (
            sum(
                quad(joint, *ends, args=(power,), points=points, limit=400, epsabs=1e-13)[0]
                for ends in ((-edge, 0), (0, edge))
            )
            for power in range(3)
        )
        below = quad(joint, -edge, 0, points=points[1:], limit=400, epsabs=1e-13)[0] / mass
        assert found.mean[i] == pytest.approx(first / mass, abs=1e-6)
        assert found.sd[i] == pytest.approx(np.sqrt(second / mass - (first / mass) ** 2), rel=1e-5)
        assert found.false_sign_rate[i] == pytest.approx(min(below, 1 - below), abs=1e-6)


def test_a_threshold_asks_for_more():
    estimates, errors = simulated()
    plain, beyond = adaptive_shrinkage(estimates, errors), adaptive_shrinkage(estimates, errors, threshold=0.5)
    assert (beyond.false_sign_rate >= plain.false_sign_rate - 1e-12).all()
    np.testing.assert_array_equal(plain.mean, beyond.mean)


def test_genes_without_an_estimate_have_the_prior():
    estimates, errors = simulated()
    estimates[4], errors[5], errors[6] = np.nan, 0.0, np.inf
    found = adaptive_shrinkage(estimates, errors)
    np.testing.assert_array_equal(found.mean[4:7], 0.0)
    np.testing.assert_array_equal(found.false_sign_rate[4:7], 0.5)
    np.testing.assert_allclose(found.sd[4:7], np.sqrt(found.mixture.weights @ found.grid**2))


def test_nothing_to_work_on_is_an_error():
    with pytest.raises(FitError, match="standard error"):
        adaptive_shrinkage(np.full(4, np.nan), np.full(4, np.nan))


def test_s_values_are_running_means_and_ties_keep_their_order():
    rates = np.array([0.3, np.nan, 0.1, 0.1, 0.5, np.nan, 0.1])
    np.testing.assert_allclose(s_values(rates), [0.15, np.nan, 0.1, 0.1, 0.22, np.nan, 0.1])
    np.testing.assert_allclose(s_values(np.array([0.2, 0.1, 0.2])), [0.15, 0.1, 0.5 / 3])
