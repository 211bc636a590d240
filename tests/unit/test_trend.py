"""The dispersion trend: curves, their fits, and what happens where a fit is impossible."""

import re

import numpy as np
import pandas as pd
import pytest

from foldwise.dispersion.local_regression import CubicPieces, least_squares, local_quadratic
from foldwise.dispersion.trend import (
    LocalMedianTrend,
    LocalTrend,
    MeanTrend,
    ParametricTrend,
    TabulatedTrend,
    UserTrend,
    fit_trend,
    trend_from_arrays,
)
from foldwise.errors import FitError, FoldwiseWarning, OptionError

MEANS = np.geomspace(0.5, 20000.0, 200)


@pytest.fixture
def scattered():
    noise = np.random.default_rng(1).normal(0, 0.5, MEANS.size)
    return (0.1 + 3.0 / MEANS) * np.exp(noise)


def test_least_squares_agrees_with_numpy_and_marks_what_is_not_determined():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    np.testing.assert_allclose(least_squares(list(x.T), y), np.linalg.lstsq(x, y, rcond=None)[0], rtol=1e-12)
    twice = least_squares([x[:, 0], 2.0 * x[:, 0]], y)
    assert np.isfinite(twice[0])
    assert np.isnan(twice[1])


def test_local_quadratic_finds_a_parabola():
    x = np.linspace(0.0, 3.0, 12)
    value, slope, curvature = local_quadratic(x, 2.0 - x + 0.5 * x**2, np.linspace(1, 2, 12), 1.0, 3.0)
    np.testing.assert_allclose([value, slope, curvature], [1.5, 0.0, 0.5], atol=1e-12)


def test_cubic_pieces_pass_through_their_vertices_and_go_on_straight():
    curve = CubicPieces(np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, 0.0]), np.array([0.5, 0.0, -1.0]))
    np.testing.assert_allclose(curve(curve.vertices), curve.values)
    np.testing.assert_allclose(curve(np.array([-2.0, 5.0])), [0.0, -2.0])


def test_parametric_recovers_a_curve_without_noise():
    trend = fit_trend(MEANS, 0.05 + 4.0 / MEANS, "parametric")
    assert trend.kind == "parametric"
    np.testing.assert_allclose(list(trend.coefficients.values()), [0.05, 4.0], rtol=1e-9)


def test_genes_at_the_floor_and_missing_genes_do_not_count(scattered):
    with_others = np.concatenate([scattered, [1e-8, 1e-6, np.nan]])
    means = np.concatenate([MEANS, [5.0, 5.0, np.nan]])
    assert fit_trend(means, with_others) == fit_trend(MEANS, scattered)


def test_a_rising_trend_falls_back_to_local_with_one_warning():
    rising = 0.01 * np.sqrt(MEANS)
    with pytest.warns(FoldwiseWarning, match="local regression") as told:
        trend = fit_trend(MEANS, rising)
    assert len(told) == 1
    assert trend.kind == "local"
    np.testing.assert_allclose(trend(MEANS), rising, rtol=1e-6)


def test_no_dispersion_off_the_floor_is_an_error_that_says_what_to_do():
    with pytest.raises(FitError, match=r"2 orders of magnitude from the minimum.*gene-wise estimates as final"):
        fit_trend(MEANS, np.full(MEANS.size, 1e-8))


def test_why_there_is_no_trend_is_not_said_of_genes_that_are_not_to_blame():
    with pytest.raises(FitError, match="only one gene") as told:
        fit_trend(MEANS[:1], np.array([1e-8]))
    assert "Poisson" not in str(told.value)
    with pytest.raises(FitError, match="without counts") as told:
        fit_trend(MEANS, np.full(MEANS.size, np.nan))
    assert "Poisson" not in str(told.value)


def test_what_is_advised_where_there_is_no_trend_works():
    import foldwise as fw

    counts = np.random.default_rng(0).binomial(1, 0.7, (40, 8))
    counts[:20] = 1  # genes free of zeros, for the size factors
    counts[0, 0] = 2
    samples = pd.DataFrame({"condition": list("AABBAABB")})
    data = fw.CountData(pd.DataFrame(counts, columns=samples.index.astype(str)), samples.set_axis(list("01234567")))
    design = "~ condition"
    with pytest.raises(FitError) as told:
        fw.deseq(data, design)
    call = re.search(r"(fw\.fit_wald\(.*?\)\))\.", str(told.value))
    assert call is not None
    fit = eval(call[1], {"fw": fw, "data": data, "design": design})
    assert fit.results().table["pvalue"].notna().any()


@pytest.mark.parametrize("n", [2, 4])
def test_too_few_genes_do_not_settle_a_local_trend(n):
    with pytest.raises(FitError, match=r"local regression.*fit_type='mean'"):
        fit_trend(np.arange(1.0, n + 1), np.full(n, 0.1), "local")


# log means, log dispersions, and locfit's curve (weights: the means) at nine points from one below to one above
LOCFIT_OF_FEW = [
    (
        [4.0239215350335, 4.33807733970141, 6.42303655459537],
        [-0.0237821216166272, 0.148872364594116, -0.834941893665285],
        [
            -0.449541174306866,
            -0.110040723695274,
            -0.0237821216166273,
            0.148872364594116,
            0.148872364594116,
            -0.81565368430019,
            -0.834941893665285,
            -0.921200495743932,
            -1.26070094635552,
        ],
    ),
    (
        [4.98695658564405, 5.95231564098362, 6.67394808246253, 7.30204056922572],
        [1.69517500587763, -1.56014784914991, -1.86417943759689, -0.0321680147227833],
        [
            3.79408319479887,
            2.14049137194639,
            1.69517500587763,
            -1.56014784914992,
            -1.56014784914992,
            -1.86417943759689,
            -0.0321680147227834,
            0.413148351345977,
            2.06674017419845,
        ],
    ),
    (
        [5.27661390948714, 6.44913009103708, 7.15498151518062, 7.15763364136236, 7.4708346041909],
        [1.4679619034197, 0.706761089557912, 0.819008930262152, -0.293481848702452, 1.41858907248595],
        [
            2.93405725501387,
            1.88071563499947,
            1.4479988685009,
            1.02296061981519,
            0.706135654188327,
            48.2738290342068,
            1.35736040617935,
            2.97715891794136,
            5.29326573573268,
        ],
    ),
]


@pytest.mark.parametrize(("log_means", "log_dispersions", "curve"), LOCFIT_OF_FEW, ids=["three", "four", "five"])
def test_a_local_trend_of_few_genes_is_r_s(log_means, log_dispersions, curve):
    trend = fit_trend(np.exp(log_means), np.exp(log_dispersions), "local")
    at = np.linspace(min(log_means) - 1, max(log_means) + 1, 9)
    np.testing.assert_allclose(np.log(trend(np.exp(at))), curve, rtol=0, atol=5e-7)


def test_one_gene_gives_its_dispersion_to_all_means():
    with pytest.warns(FoldwiseWarning):
        trend = fit_trend(np.array([30.0]), np.array([0.25]))
    np.testing.assert_allclose(trend(np.array([1.0, 30.0, 500.0])), 0.25)


def test_genes_of_one_mean_have_a_flat_local_trend():
    trend = fit_trend(np.full(8, 30.0), np.full(8, 0.25), "local")
    np.testing.assert_allclose(trend(np.array([1.0, 30.0, 500.0])), 0.25)


def test_many_genes_of_equal_mean_do_not_hang_the_local_fit(scattered):
    means = np.concatenate([np.full(400, 7.0), MEANS])
    trend = fit_trend(means, np.concatenate([np.full(400, 0.4), scattered]), "local")
    assert np.isfinite(trend(MEANS)).all()


def test_mean_trend_trims_a_thousandth_at_either_end():
    values = np.concatenate([[1e-7, 5.0, 100.0], np.full(999, 0.2), [0.1]])
    assert fit_trend(np.ones(values.size), values, "mean").mean == pytest.approx((5.0 + 999 * 0.2) / 1000, rel=1e-14)


def test_local_median_takes_the_nearest_mean_and_the_right_one_of_two():
    trend = LocalMedianTrend(np.array([1.0, 3.0, 10.0]), np.array([0.1, 0.2, 0.3]))
    np.testing.assert_array_equal(
        trend(np.array([0.0, 1.9, 2.0, 2.1, 6.5, 6.4, 99.0])), [0.1, 0.1, 0.2, 0.2, 0.3, 0.2, 0.3]
    )


def test_unknown_fit_type_is_refused(scattered):
    with pytest.raises(OptionError, match="loess"):
        fit_trend(MEANS, scattered, "loess")


@pytest.mark.parametrize("fit_type", ["parametric", "local", "mean", "glmGamPoi"])
def test_trends_survive_a_file(scattered, fit_type, tmp_path):
    trend = fit_trend(MEANS, scattered, fit_type)
    np.savez(tmp_path / "trend.npz", **trend.to_arrays())
    with np.load(tmp_path / "trend.npz") as arrays:
        again = trend_from_arrays(trend.kind, dict(arrays))
    assert type(again) is type(trend)
    assert again.coefficients == trend.coefficients
    np.testing.assert_array_equal(again(MEANS * 1.5), trend(MEANS * 1.5))


def test_a_users_function_is_saved_as_a_table():
    trend = UserTrend(lambda means: 0.1 + 2.0 / means, MEANS)
    again = trend_from_arrays("user", trend.to_arrays())
    assert isinstance(again, TabulatedTrend)
    assert again.kind == trend.kind == "user"
    np.testing.assert_array_equal(again(MEANS), trend(MEANS))
    np.testing.assert_allclose(again(MEANS * 1.01), trend(MEANS * 1.01), rtol=1e-4)
    with pytest.raises(FitError, match="trend="):
        again(np.array([1e12]))


def test_a_users_constant_function_is_spread_over_all_means():
    np.testing.assert_array_equal(UserTrend(lambda means: 0.3)(MEANS), np.full(MEANS.size, 0.3))


def test_curves_say_what_they_are():
    assert ParametricTrend(0.1, 2.0).coefficients == {"asymptDisp": 0.1, "extraPois": 2.0}
    assert MeanTrend(0.2).coefficients == {"mean": 0.2}
    assert LocalTrend.kind == "local"
    with pytest.raises(OptionError, match="spline"):
        trend_from_arrays("spline", {})
