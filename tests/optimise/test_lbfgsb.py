"""L-BFGS-B against R's optim(): end point, value, code and evaluations, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from plain_functions import FUNCTIONS, rosenbrock, rows, valley, vector

from foldwise.optimise.lbfgsb import maximise, minimise

PLAIN = list(rows("plain"))


@pytest.mark.parametrize("row", PLAIN, ids=[f"{i}-{row['objective']}" for i, row in enumerate(PLAIN)])
def test_plain_functions_end_where_r_ends(row):
    found = minimise(FUNCTIONS[row["objective"]], *(vector(row[name]) for name in ("start", "lower", "upper")))
    np.testing.assert_array_equal(found.point, vector(row["point"]))
    assert found.value == float(row["value"])
    assert (found.code, found.evaluations) == (int(row["code"]), int(row["evaluations"]))
    assert found.message == row["message"]


def test_a_vectorised_objective_is_asked_for_a_point_and_all_its_neighbours_at_once():
    asked = []

    def many(points):
        asked.append(points.shape)
        return np.array([rosenbrock(point) for point in points])

    start = np.array([-1.2, 1.0])
    one, all_at_once = minimise(rosenbrock, start), minimise(many, start, vectorised=True)
    np.testing.assert_array_equal(one.point, all_at_once.point)
    assert set(asked) == {(5, 2)}
    assert len(asked) == one.evaluations


def test_maximise_is_minimise_of_the_negative():
    start = np.full(4, -1.0)
    low, high = minimise(valley, start), maximise(lambda x: -valley(x), start)
    np.testing.assert_array_equal(low.point, high.point)
    assert high.value == -low.value


def test_a_start_outside_the_box_is_moved_into_it():
    found = minimise(lambda x: float(x @ x), np.array([9.0, -9.0]), -1.0, 1.0)
    np.testing.assert_allclose(found.point, 0.0, atol=1e-6)


def test_a_fixed_variable_stays():
    found = minimise(
        lambda x: float((x - 3) @ (x - 3)), np.array([0.0, 2.0]), np.array([0.0, 2.0]), np.array([9.0, 2.0])
    )
    np.testing.assert_allclose(found.point, [3.0, 2.0], atol=1e-5)


def test_an_objective_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        minimise(lambda x: np.inf, np.zeros(2))
