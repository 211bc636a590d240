"""The glmGamPoi route: its kernels against plain NumPy and SciPy, its blocks, its odd inputs."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import gammaln
from scipy.stats import f as f_distribution
from scipy.stats import nbinom

from foldwise.dispersion.glm_gam_poi import (
    RouteModel,
    block_deviances,
    block_dispersions,
    estimate_gene_wise,
    f_test,
    first_means,
    fit_both_models,
    fit_gamma_poisson,
    gene_wise,
    local_median,
    quasi_likelihood_shrinkage,
    smoothed_start,
)
from foldwise.dispersion.glm_gam_poi import overdispersion as kernels
from foldwise.errors import FoldwiseWarning
from foldwise.execution import executor_for
from foldwise.kernels import prepare_design

GROUPS = np.column_stack([np.ones(8), np.repeat([0.0, 1.0], 4)])
COVARIATE = np.column_stack([GROUPS, [0.3, -0.2, 0.1, 0.5, -0.4, 0.2, 0.0, -0.1]])
FACTORS = np.array([0.8, 1.1, 1.3, 0.9, 1.0, 1.2, 0.7, 1.05])


@pytest.fixture
def counts():
    rng = np.random.default_rng(5)
    mean = np.exp(rng.normal(3, 1.5, (80, 1))) * FACTORS
    return rng.negative_binomial(3.0, 3.0 / (3.0 + mean)).astype(float)


def adjusted_likelihood(a, y, mu, design):
    theta = np.exp(a)
    r = 1 / theta
    information = design.T @ (design / (1 / mu + theta)[:, None])
    value = gammaln(y + r) - gammaln(r) - (y + r) * np.log(mu + r) - r * a
    return value.sum() - 0.5 * kernels.COX_REID * np.linalg.slogdet(information)[1]


@pytest.mark.parametrize("a", [-6.0, -2.0, 0.5, 3.0])
def test_objective_and_slopes_agree_with_numpy(counts, a):
    y, mu = counts[:1], counts[:1] + 2.0

    def ours(at):
        return kernels._objective(float(at), y, mu, 0, COVARIATE, True, False, np.empty((2, 3, 9)))

    value, slope, curvature = ours(a)
    twin = [-adjusted_likelihood(at, y[0], mu[0], COVARIATE) for at in (a, 0.0)]
    np.testing.assert_allclose(value - ours(0.0)[0], twin[0] - twin[1], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(slope, approx_fprime([a], lambda x: ours(x[0])[0], 1e-6), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(curvature, approx_fprime([a], lambda x: ours(x[0])[1], 1e-6), rtol=1e-4, atol=1e-4)


def test_the_search_ends_where_the_slope_is_zero(counts):
    design = prepare_design(COVARIATE)
    means = np.maximum(counts.mean(axis=1, keepdims=True) * FACTORS, 1e-6)
    work = np.empty((2, 3, 9))
    for gene in range(counts.shape[0]):
        a, iterations = kernels._search(counts, means, gene, design.matrix, False, work)
        if a > np.log(1e-6):
            slope = kernels._objective(a, counts, means, gene, design.matrix, True, False, work)[1]
            assert abs(slope) < 1e-3
            assert 0 < iterations < 50


def test_rs_determinant_counts_negative_pivots_as_nothing(counts):
    y, mu = counts[:1], counts[:1] + 2.0
    old = np.column_stack([np.ones(8), [34.0, 51.0, 47.0, 60.0, 29.0, 73.0, 55.0, 41.0]])
    right, wrong = (kernels._objective(-1.0, y, mu, 0, old, True, r, np.empty((2, 2, 6)))[0] for r in (False, True))
    assert abs(right - wrong) > 50
    one_pivot = kernels._objective(-1.0, y, mu, 0, GROUPS, True, True, np.empty((2, 2, 6)))[0]
    assert one_pivot == kernels._objective(-1.0, y, mu, 0, GROUPS, True, False, np.empty((2, 2, 6)))[0]


def test_poisson_like_and_empty_genes_have_no_overdispersion():
    counts = np.array([[5.0, 5, 5, 5, 5, 5, 5, 5], [0.0] * 8])
    means = np.maximum(counts, 1e-6)
    alpha, iterations = kernels.overdispersion(counts, means, GROUPS, np.full(2, 1e-8), 10.0, like_r=False)
    assert iterations.tolist() == [0, 0]
    assert (alpha <= 1e-8).all()


def test_missing_means_give_a_missing_dispersion(counts):
    means = counts + 1.0
    means[0, 0] = np.nan
    alpha, _ = kernels.overdispersion(counts, means, GROUPS, np.full(80, 0.1), 10.0, like_r=False)
    assert np.isnan(alpha[0])
    assert np.isfinite(alpha[1:]).all()


@pytest.mark.parametrize("matrix", [GROUPS, COVARIATE], ids=["groups", "covariate"])
@pytest.mark.parametrize("alpha", [1e-8, 0.2])
def test_regression_has_zero_score_and_scipys_likelihood(counts, matrix, alpha):
    design = prepare_design(matrix)
    fit = fit_gamma_poisson(counts, FACTORS, design, np.full(80, alpha))
    mu = np.exp(fit.beta @ matrix.T) * FACTORS
    score = ((counts - mu) / (1 + alpha * mu)) @ matrix
    assert np.abs(score / counts.sum(axis=1, keepdims=True)).max() < 1e-5
    assert fit.converged.all()
    if alpha == 0.2:
        saturated = nbinom.logpmf(counts, 5, 1 / (1 + alpha * counts)).sum(axis=1)
        fitted = nbinom.logpmf(counts, 5, 1 / (1 + alpha * mu)).sum(axis=1)
        np.testing.assert_allclose(fit.deviance, 2 * (saturated - fitted), rtol=1e-9)


def test_groups_and_scoring_find_the_same_coefficients(counts):
    counts = counts + 1.0
    groups = prepare_design(GROUPS)
    other = prepare_design(GROUPS + 1e-13 * np.arange(8)[:, None] * [0, 1])
    assert groups.is_saturated
    assert not other.is_saturated
    fits = [fit_gamma_poisson(counts, FACTORS, design, np.full(80, 0.3)) for design in (groups, other)]
    np.testing.assert_allclose(fits[0].beta, fits[1].beta, atol=1e-4)


def test_a_group_without_counts_is_told():
    counts = np.array([[5.0, 6, 7, 8, 0, 0, 0, 0], [1.0, 2, 3, 4, 5, 6, 7, 8]])
    fit = fit_gamma_poisson(counts, FACTORS, prepare_design(GROUPS), np.full(2, 0.1))
    assert fit.has_empty_group.tolist() == [True, False]
    assert fit.beta[0, 1] < -9e7
    assert np.isfinite(fit.deviance).all()


def test_scoring_that_fails_is_taken_up_by_bfgs(counts, monkeypatch):
    from foldwise.dispersion.glm_gam_poi import gamma_poisson

    design, alpha = prepare_design(COVARIATE), np.full(80, 0.2)
    expected = fit_gamma_poisson(counts, FACTORS, design, alpha)
    monkeypatch.setattr(gamma_poisson, "announce", lambda compiled: None)
    monkeypatch.setattr(gamma_poisson, "score_fisher", lambda *arguments: arguments[6].fill(1))
    again = fit_gamma_poisson(counts, FACTORS, design, alpha)
    np.testing.assert_allclose(again.deviance, expected.deviance, rtol=1e-3, atol=1e-3)


def test_newton_that_fails_is_taken_up_by_brent(counts, monkeypatch):
    from foldwise.dispersion.glm_gam_poi import gamma_poisson

    design, alpha = prepare_design(GROUPS), np.full(80, 0.2)
    expected = fit_gamma_poisson(counts, FACTORS, design, alpha)
    newton = gamma_poisson.fit_groups

    def without_success(*arguments):
        newton(*arguments)
        arguments[6].fill(1)

    monkeypatch.setattr(gamma_poisson, "announce", lambda compiled: None)
    monkeypatch.setattr(gamma_poisson, "fit_groups", without_success)
    again = fit_gamma_poisson(counts, FACTORS, design, alpha)
    np.testing.assert_allclose(again.deviance, expected.deviance, rtol=1e-4, atol=1e-4)


def test_local_median_is_the_weighted_median_of_each_window():
    values = np.random.default_rng(0).gamma(2.0, size=130).round(2)
    half = 6
    weights = np.exp(-0.5 * np.linspace(-3, 3, 13) ** 2)
    medians = local_median(values)
    for i in range(half, values.size - half):
        window = values[i - half : i + half + 1]
        order = np.argsort(window)
        cumulative = np.cumsum(weights[order])
        assert medians[i] == window[order][np.searchsorted(cumulative, cumulative[-1] / 2, side="right")]
    assert (medians[:half] == medians[half]).all()
    assert (medians[-half:] == medians[-half - 1]).all()


def test_few_values_are_their_own_local_median():
    values = np.arange(14.0)
    np.testing.assert_array_equal(local_median(values), values)


def test_genes_on_the_trend_have_nothing_to_shrink():
    ones = np.full(5, 0.2)
    found = quasi_likelihood_shrinkage(np.arange(1.0, 6.0), ones, ones, 6, max_dispersion=10.0)
    assert found.df0 == np.inf
    assert (found.ql_disp_map == 1).all()
    np.testing.assert_allclose(found.disp_map, 0.2)


def test_a_run_off_keeps_its_size():
    ratios = np.array([0.5, 1.2, 2, 0.8, 1.1, 3])
    found = quasi_likelihood_shrinkage(np.ones(6), 2 * ratios - 1, np.ones(6), 4, max_dispersion=10.0)
    assert found.ql_disp_fit[0] == pytest.approx(1.433364, rel=1e-5)
    assert 1e7 < found.df0 < 1e10


def test_a_prior_that_does_not_settle_is_told(monkeypatch):
    from foldwise.dispersion.glm_gam_poi import quasi_likelihood
    from foldwise.optimise.lbfgsb import Minimum

    stuck = Minimum(np.zeros(2), 1.0, 10, "the simplex is degenerate", 7)
    monkeypatch.setattr(quasi_likelihood, "nelder_mead", lambda *arguments: stuck)
    with pytest.warns(FoldwiseWarning, match="did not properly converge"):
        quasi_likelihood.variance_prior(np.array([0.5, 2.0]), 4)


def test_f_test_is_scipys_and_rounding_below_zero_gives_one():
    full, reduced, spread = np.array([5.0, 6.0]), np.array([9.0, 6.0 - 1e-12]), np.array([1.2, 1.0])
    found = f_test(full, reduced, spread, n_tested=2, residual_df=6, df0=3.5)
    assert found.p_value[0] == pytest.approx(f_distribution.sf(4.0 / 2 / 1.2, 2, 9.5), rel=1e-12)
    assert found.p_value[1] == 1.0
    chi = f_test(full, reduced, np.ones(2), n_tested=1, residual_df=6, df0=np.inf)
    assert chi.p_value[0] == pytest.approx(0.04550026389635842, rel=1e-12)


@pytest.mark.parametrize("matrix", [GROUPS, COVARIATE], ids=["groups", "covariate"])
def test_blocks_and_rows_change_no_bit(counts, matrix):
    counts[7] = 0.0
    rows = np.flatnonzero(counts.sum(axis=1) > 0)
    full, reduced = prepare_design(matrix), prepare_design(matrix[:, :1])
    factors = np.tile(FACTORS, (80, 1))
    model = RouteModel(full, None, float(np.mean(1 / FACTORS)), 1e-6, False, reduced)

    class Source:
        shape = counts.shape
        read = staticmethod(lambda start, stop: counts[start:stop])
        rows = staticmethod(lambda index: np.ascontiguousarray(counts[index]))

    found = estimate_gene_wise(executor_for(2), Source(), rows, model, factors)
    together = gene_wise(counts[rows], FACTORS, full, found["alpha_start"])
    np.testing.assert_array_equal(found["dispersion"], together.dispersion)
    np.testing.assert_array_equal(found["iterations"], together.iterations)
    fits = fit_both_models(executor_for("serial"), Source(), rows, model, together.dispersion, factors)
    apart = [block_deviances(counts[[i]], FACTORS, full, reduced, together.dispersion[[k]]) for k, i in enumerate(rows)]
    np.testing.assert_array_equal(fits["beta"], np.concatenate([a.beta for a in apart]))
    np.testing.assert_array_equal(fits["deviance_full"], np.concatenate([a.deviance_full for a in apart]))


def test_designs_with_a_covariate_need_the_first_fit(counts):
    with pytest.raises(ValueError, match="first_beta"):
        block_dispersions(counts, FACTORS, prepare_design(COVARIATE), np.full(80, 0.1))


def test_the_second_fit_of_the_means_starts_at_smoothed_dispersions(counts):
    design, start = prepare_design(COVARIATE), np.random.default_rng(0).uniform(0.1, 1, 80)
    beta, mean = first_means(counts, FACTORS, design, start)
    np.testing.assert_allclose(mean, (np.exp(beta @ COVARIATE.T) * FACTORS).mean(axis=1))
    smooth = smoothed_start(mean, start)
    order = np.argsort(mean)
    np.testing.assert_array_equal(smooth[order], local_median(start[order]))
