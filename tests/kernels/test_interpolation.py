"""The curve through a search's last points: right where it says so, and silent elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from foldwise import kernels
from foldwise.kernels import dispersion
from foldwise.kernels._jit import kernel
from foldwise.kernels.interpolation import (
    HIGHEST,
    NOWHERE,
    POINTS,
    ROWS,
    curve_through,
    load_rows,
    predict,
    remember,
    store_rows,
)
from foldwise.kernels.lanes import WIDTH, load, store, tile


@kernel
def follow(known, wanted, points, curve, out):
    """Remember all of ``known`` (where, value, slope), then ask for each of ``wanted``."""
    for i in range(0, known.shape[0], 3):
        store_rows(points, remember(load(known, i), load(known, i + 1), load(known, i + 2), load_rows(points)))
    store_rows(curve, curve_through(load_rows(points), load(wanted, 0)))
    for i in range(wanted.shape[0]):
        value, slope, settled = predict(load_rows(curve), load(wanted, i))
        store(out, 3 * i, value)
        store(out, 3 * i + 1, slope)
        store(out, 3 * i + 2, settled)


def asked(function, slope_of, at, wanted):
    """Value, slope, and whether they are trusted, at each point of ``wanted`` (all from 3 below zero).

    Every lane says the same.
    """
    points, curve = tile(ROWS), tile(ROWS)
    points[:POINTS] = curve[:POINTS] = NOWHERE
    known, asked_for, out = tile(3 * len(at)), tile(len(wanted)), tile(3 * len(wanted))
    known[:] = np.array([[a - AWAY, function(a), slope_of(a)] for a in at]).reshape(-1, 1)
    asked_for[:] = np.reshape(wanted, (-1, 1)) - AWAY
    follow(known, asked_for, points, curve, out)
    assert np.array_equal(out, np.repeat(out[:, :1], WIDTH, axis=1), equal_nan=True)
    return out[:, 0].reshape(-1, 3).T


AWAY = 3.0
AT = [0.0, 0.6, 0.3, 0.17, 0.1]
WANTED = [0.12, 0.105, 0.2, 0.45]


def test_a_polynomial_is_found_again():
    """Up to degree 7 its last two terms vanish: trusted everywhere. At degree 9 they do not, though it is found."""
    coefficients = [5.0, -1, 2, 0.5, 0.1, -0.2, 0.3, -0.1, 0.2, 0.4]
    for degree in (7, 9):
        function = np.polynomial.Polynomial(coefficients[: degree + 1])
        value, slope, settled = asked(function, function.deriv(), AT, WANTED)
        assert_allclose(value, function(np.array(WANTED)), rtol=1e-12)
        assert_allclose(slope, function.deriv()(np.array(WANTED)), rtol=1e-9)
        assert settled.all() == (degree == 7)


def test_what_is_trusted_is_right():
    function, slope_of = (lambda a: -np.log1p(np.exp(a))), (lambda a: -1 / (1 + np.exp(-a)))
    wanted = np.linspace(-1.0, 2.0, 400)
    value, slope, settled = asked(function, slope_of, AT, wanted)
    trusted = settled > 0
    assert 30 < trusted.sum() < 300
    assert_allclose(value[trusted], function(wanted[trusted]), atol=1e-11)
    assert_allclose(slope[trusted], slope_of(wanted[trusted]), atol=1e-9)


def test_a_kink_is_not_trusted():
    settled = asked(lambda a: abs(a - 0.11), lambda a: np.sign(a - 0.11), AT, WANTED)[2]
    assert not settled.any()


def test_large_dispersions_are_not_trusted():
    at, wanted = (
        [HIGHEST + AWAY + a for a in (-0.5, 0.4, 0.1, -0.3, -0.2)],
        [HIGHEST + AWAY - 0.01, HIGHEST + AWAY + 0.01],
    )
    assert asked(lambda a: a, lambda a: 1.0, at, wanted)[2].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("n", range(1, POINTS))
def test_fewer_points_are_not_trusted(n):
    assert not asked(lambda a: 1.0, lambda a: 0.0, AT[:n], WANTED)[2].any()


def test_the_farthest_point_makes_room():
    """A function with a jump: once all points lie on its near side, it is trusted there."""
    function, slope_of = (lambda a: np.where(a < 2, a * a, -50.0)), (lambda a: np.where(a < 2, 2 * a, 0.0))
    assert not asked(function, slope_of, [0.0, 3.0, 0.6, 0.3, 0.17], WANTED)[2].any()
    value, _, settled = asked(function, slope_of, [0.0, 3.0, 0.6, 0.3, 0.17, 0.1], WANTED)
    assert settled.all()
    assert_allclose(value, np.square(WANTED), rtol=1e-12)


@pytest.mark.parametrize("kind", ["many samples", "many columns"])
def test_a_search_ends_where_it_ends_without(simulate, monkeypatch, kind):
    block = simulate(kind)
    assert block.counts.shape[1] >= dispersion.REMEMBERED_FROM
    arguments = (block.counts, block.means, block.design, np.log(block.start))
    found = kernels.search_dispersion(*arguments)
    monkeypatch.setattr(dispersion, "REMEMBERED_FROM", 10**9)
    evaluated = kernels.search_dispersion(*arguments)
    free = evaluated.log_alpha > np.log(1e-4)  # below, steps follow the noise of the evaluated sums
    away = np.abs(found.log_alpha - evaluated.log_alpha)[free]
    assert free.mean() > 0.7
    assert away.max() < 1e-6
    assert np.mean(away < 1e-10) > 0.95
    assert np.mean((found.steps == evaluated.steps)[free]) > 0.95
    assert_allclose(found.last_value[free], evaluated.last_value[free], rtol=1e-12, atol=1e-9)
