"""Robust smoothing, beyond what the tables of tests/parity/filtering hold."""

import numpy as np

from foldwise.multiplicity.lowess import lowess


def test_a_line_is_its_own_smooth():
    x = np.linspace(0, 1, 40)
    _, smooth = lowess(x, 3.0 - 2.0 * x, span=0.2)
    np.testing.assert_allclose(smooth, 3.0 - 2.0 * x, atol=1e-13)


def test_an_outlier_hardly_moves_the_smooth():
    x = np.linspace(0, 1, 50)
    y = np.sin(x) + np.random.default_rng(0).normal(0, 0.01, 50)
    spiked = y.copy()
    spiked[20] = 2.0
    _, smooth = lowess(x, spiked, span=0.5)
    assert np.abs(smooth - np.sin(x)).max() < 0.03


def test_points_come_back_sorted():
    x = np.array([0.3, 0.1, 0.2])
    sorted_x, smooth = lowess(x, x * 2)
    np.testing.assert_array_equal(sorted_x, [0.1, 0.2, 0.3])
    np.testing.assert_allclose(smooth, sorted_x * 2)


def test_one_point_is_itself():
    x, smooth = lowess(np.array([1.0]), np.array([5.0]))
    assert (x[0], smooth[0]) == (1.0, 5.0)


def test_equal_x_have_one_value():
    _, smooth = lowess(np.ones(6), np.arange(6.0))
    np.testing.assert_allclose(smooth, smooth[0])
