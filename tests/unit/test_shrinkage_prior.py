"""The normal prior's variances."""

from __future__ import annotations

import numpy as np
import pytest

from foldwise.coefficients.prior import (
    coefficient_prior_variance,
    column_prior_variance,
    prior_gene_weights,
    weighted_quantile,
)
from foldwise.errors import FitError


def test_with_equal_weights_the_quantile_is_a_step_between_neighbouring_ranks():
    values = np.array([5.0, 1.0, 4.0, 2.0, 3.0])
    assert weighted_quantile(values, np.ones(5), 0.5) == 3.0
    assert weighted_quantile(values, np.full(5, 7.0), 0.625) == 3.5


def test_weights_count_as_repetitions():
    values, weights = np.array([1.0, 2.0, 3.0]), np.array([1.0, 6.0, 1.0])
    assert weighted_quantile(values, weights, 0.5) == 2.0
    assert weighted_quantile(np.array([1.0, 2.0, 2.0]), np.array([2.0, 3.0, 3.0]), 0.5) == 2.0


def test_prior_is_as_wide_as_the_effects():
    lfc = np.random.default_rng(0).normal(0, 0.7, 20_000)
    assert column_prior_variance(lfc, np.ones(lfc.size)) == pytest.approx(0.49, rel=0.03)
    assert column_prior_variance(lfc, None) == pytest.approx(0.49, rel=0.03)


def test_runaway_coefficients_say_nothing():
    lfc = np.concatenate([np.random.default_rng(0).normal(0, 0.7, 5000), np.full(2000, 25.0), [np.nan]])
    assert column_prior_variance(lfc, np.ones(lfc.size)) == pytest.approx(0.49, rel=0.05)
    assert column_prior_variance(np.full(4, 20.0), np.ones(4)) == 1e6
    assert column_prior_variance(np.array([0.5]), np.ones(1)) == 0.25


def test_levels_of_a_factor_share_the_mean_over_all_pairs():
    rng = np.random.default_rng(1)
    lfc = np.column_stack(
        [rng.normal(8, 1, 900), rng.normal(0, 1, 900), rng.normal(0, 2, 900), rng.normal(0, 0.1, 900)]
    )
    columns, factors = ["(Intercept)", "groupB", "groupC", "age"], {"group": ("A", "B", "C")}
    weights = rng.uniform(1, 2, 900)
    standard = coefficient_prior_variance(lfc, weights, columns, factors)
    expanded = coefficient_prior_variance(
        lfc, weights, columns, factors, expanded_columns=["Intercept", "groupA", "groupB", "groupC", "age"]
    )
    between = column_prior_variance(lfc[:, 2] - lfc[:, 1], weights)
    np.testing.assert_allclose(expanded[1:4], np.mean([standard[1], standard[2], between]))
    assert expanded[0] == standard[0] == 1e6
    assert expanded[4] == standard[3]


def test_no_difference_at_all_is_an_error():
    with pytest.raises(FitError, match="groupB"):
        coefficient_prior_variance(np.zeros((50, 2)), np.ones(50), ["(Intercept)", "groupB"], {"group": ("A", "B")})


def test_genes_weigh_by_what_they_can_tell():
    weights = prior_gene_weights(np.array([1.0, 1000.0]), np.array([0.1, 0.1]), np.array([0.1, 0.1]))
    np.testing.assert_allclose(weights, [1 / 1.1, 1 / 0.101])
    without_trend = prior_gene_weights(np.array([1.0, 1000.0]), None, np.array([0.05, 0.15]))
    np.testing.assert_allclose(without_trend, weights)
