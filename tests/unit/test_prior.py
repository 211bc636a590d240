"""The width of the dispersion prior."""

import numpy as np
import pytest
from scipy.special import ndtri, polygamma

from foldwise.dispersion.prior import log_residuals, prior_variance, residual_spread

RESIDUALS = 1.5 * ndtri(np.arange(1, 400) / 400) - 0.5


@pytest.mark.parametrize(("freedom", "step"), [(1, 79), (2, 128), (3, 166)])
def test_few_degrees_of_freedom_match_histograms(freedom, step):
    assert prior_variance(RESIDUALS, 5, 5 - freedom) == 8 * step / 999


def test_more_degrees_of_freedom_subtract_the_sampling_variance():
    expected = residual_spread(RESIDUALS) - float(polygamma(1, 3.0))
    assert prior_variance(RESIDUALS, 8, 2) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("n_samples", [3, 5, 12])
def test_the_variance_has_a_floor(n_samples):
    assert prior_variance(RESIDUALS * 1e-3, n_samples, 2) == 0.25


def test_without_residuals_the_variance_is_its_floor():
    assert prior_variance(np.empty(0), 8, 2) == 0.25
    assert np.isnan(residual_spread(np.empty(0)))


def test_as_many_coefficients_as_samples_keep_the_raw_spread():
    assert prior_variance(RESIDUALS, 4, 4) == residual_spread(RESIDUALS)


def test_genes_at_the_floor_and_missing_genes_have_no_residual():
    dispersions = np.array([0.2, 1e-6, 9e-7, np.nan])
    residuals = log_residuals(dispersions, np.full(4, 0.1))
    np.testing.assert_allclose(residuals, np.log([2.0, 1e-5]))
