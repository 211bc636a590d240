"""Nelder-Mead, BFGS, Brent and LINPACK's least squares against R, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from plain_functions import CURVES, FUNCTIONS, rows, slopes_of_rosenbrock, vector

from foldwise.optimise.bfgs import bfgs
from foldwise.optimise.brent import minimise_on_interval, root_on_interval
from foldwise.optimise.linpack import least_squares
from foldwise.optimise.nelder_mead import nelder_mead

FREE = list(rows("free"))


@pytest.mark.parametrize("row", FREE, ids=[f"{i}-{row['method']}-{row['objective']}" for i, row in enumerate(FREE)])
def test_methods_without_bounds_end_where_r_ends(row):
    objective, start = FUNCTIONS[row["objective"]], vector(row["start"])
    if row["method"] == "BFGS":
        found = bfgs(objective, start, slopes_of_rosenbrock if row["gradient"] == "TRUE" else None)
    else:
        found = nelder_mead(objective, start)
    np.testing.assert_array_equal(found.point, vector(row["point"]))
    assert found.value == float(row["value"])
    assert (found.code, found.evaluations) == (int(row["code"]), int(row["evaluations"]))


@pytest.mark.parametrize("method", [bfgs, nelder_mead])
def test_a_start_without_a_finite_value_is_refused(method):
    with pytest.raises(ValueError, match="start"):
        method(lambda x: np.inf, np.ones(2))


@pytest.mark.parametrize("row", list(rows("one_variable")), ids=lambda row: f"{row['kind']}-{row['curve']}")
def test_one_variable_ends_where_r_ends(row):
    method = minimise_on_interval if row["kind"] == "minimum" else root_on_interval
    lower, upper = vector(row["interval"])
    assert method(CURVES[row["curve"]], lower, upper, float(row["tolerance"])) == float(row["at"])


def test_a_root_needs_a_change_of_sign():
    with pytest.raises(ValueError, match="sign"):
        root_on_interval(lambda x: x * x + 1.0, -1.0, 1.0)


def test_least_squares_have_r_s_bits():
    for row in rows("least_squares"):
        response = vector(row["response"])
        matrix = vector(row["matrix"]).reshape(len(response), -1)
        np.testing.assert_array_equal(least_squares(matrix, response[None])[0], vector(row["coefficients"]))
