"""Every kernel against its twin in plain NumPy, on the same genes."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from foldwise import kernels


def few_differ(same, free, block) -> bool:
    """Counts of a million and more leave the twin's log-likelihood, and R's, so few digits that chance decides."""
    allowed = 0.4 if block.counts.max() > 1e7 else 0.02
    return (~same & free).sum() <= allowed * free.sum()


def test_search_takes_the_twins_steps(block, twins):
    ours = kernels.search_dispersion(
        block.counts, block.means, block.design, np.log(block.start), weights=block.weights
    )
    twin = twins.search_dispersion(block.counts, block.means, block.design, np.log(block.start), weights=block.weights)
    free = np.exp(twin.log_alpha) > 1e-6  # at the lower bound steps are noise
    same = ours.steps == twin.steps
    assert few_differ(same, free, block)
    assert_allclose(
        ours.log_alpha[free & same], twin.log_alpha[free & same], atol=2e-6 if block.counts.max() < 1e7 else 0.1
    )
    assert_allclose(ours.log_alpha[free], twin.log_alpha[free], atol=1e-3 if block.counts.max() < 1e7 else 0.1)
    assert_allclose(ours.first_value, twin.first_value, rtol=1e-7, atol=1e-5)
    assert_allclose(ours.last_value[free], twin.last_value[free], rtol=1e-9, atol=1e-6)


def test_search_with_a_prior(block, twins):
    prior = {"prior_log_mean": np.log(block.start) + 1.0, "prior_variance": 0.7, "weights": block.weights}
    ours = kernels.search_dispersion(block.counts, block.means, block.design, np.log(block.start), **prior)
    twin = twins.search_dispersion(block.counts, block.means, block.design, np.log(block.start), **prior)
    free = np.exp(twin.log_alpha) > 1e-6
    same = ours.steps == twin.steps
    assert few_differ(same, free, block)
    assert_allclose(
        ours.log_alpha[free & same], twin.log_alpha[free & same], atol=2e-6 if block.counts.max() < 1e7 else 0.1
    )


def test_grid_finds_the_twins_point(block, twins):
    bounds = np.log(1e-8), np.log(10.0)
    ours = kernels.grid_dispersion(block.counts, block.means, block.design, *bounds, weights=block.weights)
    twin = twins.grid_dispersion(block.counts, block.means, block.design, *bounds, weights=block.weights)
    free = np.exp(twin) > 1e-6
    assert_allclose(ours[free], twin[free], atol=1e-12)


def test_glm_takes_the_twins_iterations(block, twins):
    arguments = (block.counts, block.factors, block.design, block.start, block.ridge)
    ours = kernels.fit_glm(*arguments, weights=block.weights)
    twin = twins.fit_glm(*arguments, weights=block.weights)
    converged = (twin.iterations < 100) & (ours.iterations == twin.iterations)
    assert (ours.iterations != twin.iterations).sum() <= (4 if block.counts.max() > 1e7 else 0)
    assert_allclose(ours.beta[converged], twin.beta[converged], rtol=1e-9, atol=1e-9)
    assert_allclose(ours.constants, twin.constants, rtol=1e-7, atol=1e-5)


def test_finish_agrees_with_the_twin(block, twins):
    fit = kernels.fit_glm(block.counts, block.factors, block.design, block.start, block.ridge, weights=block.weights)
    arguments = (block.counts, block.factors, block.design, fit.beta, block.start, block.ridge)
    judged = np.arange(block.counts.shape[1]) != 1
    cooks = {
        "robust_alpha": block.start + 0.04,
        "judged": judged,
        "lasting": np.arange(block.counts.shape[1]) > 2,
        "cutoff": 1.0,
        "keep": True,
    }
    for options in ({}, {"floor_likelihood": True}, {"cook_means": block.means}):
        ours = kernels.finish_glm(*arguments, weights=block.weights, **cooks, **options)
        twin = twins.finish_glm(*arguments, weights=block.weights, **cooks, **options)
        assert_allclose(ours.se, twin.se, rtol=1e-8)
        assert_allclose(ours.log_likelihood, twin.log_likelihood, rtol=1e-9 if block.counts.max() < 1e7 else 1e-7)
        assert_allclose(ours.hat, twin.hat, rtol=1e-8, atol=1e-14)
        assert_allclose(ours.means, twin.means, rtol=1e-12)
        sure = twin.hat.max(axis=1) < 0.999  # one sample alone in its cell has hat 1 and a distance of rounding
        assert_allclose(ours.max_cooks[sure], twin.max_cooks[sure], rtol=1e-7, atol=1e-12)
        assert_allclose(ours.max_lasting_cooks[sure], twin.max_lasting_cooks[sure], rtol=1e-7, atol=1e-12)
        assert (ours.exceeds[sure] == twin.exceeds[sure]).all()


def test_hat_of_other_coefficients(simulate, twins):
    block = simulate("covariate")
    fit = kernels.fit_glm(block.counts, block.factors, block.design, block.start, block.ridge)
    arguments = (block.counts, block.factors, block.design, fit.beta, block.start, block.ridge)
    options = {"hat_beta": 0.5 * fit.beta, "robust_alpha": block.start, "keep": True}
    ours, twin = kernels.finish_glm(*arguments, **options), twins.finish_glm(*arguments, **options)
    for field in ("se", "log_likelihood", "max_cooks", "max_lasting_cooks", "means", "hat", "cooks"):
        assert_allclose(getattr(ours, field), getattr(twin, field), rtol=1e-8, err_msg=field)


def test_errors_of_contrasts(simulate, twins):
    block = simulate("batches")
    fit = kernels.fit_glm(block.counts, block.factors, block.design, block.start, block.ridge)
    arguments = (block.counts, block.factors, block.design, fit.beta, block.start, block.ridge)
    contrast = np.array([0.0, 1.0, -1.0, 0.5])
    ours = kernels.contrast_errors(*arguments, contrast)
    assert_allclose(ours, twins.contrast_errors(*arguments, contrast), rtol=1e-10)
    assert_allclose(kernels.contrast_errors(*arguments, [0, 0, 0, 1.0]), kernels.finish_glm(*arguments).se[:, 3])


def test_an_expanded_design_is_fitted_through_its_prior(twins):
    m = 12
    group = np.arange(m) % 2
    design = kernels.prepare_design(np.column_stack([np.ones(m), group == 0, group == 1]).astype(float))
    counts = np.random.default_rng(3).poisson(np.where(group, 40.0, 90.0), (20, m)).astype(float)
    ridge = np.array([1e-6, 1.0, 1.0]) / np.log(2.0) ** 2
    arguments = (counts, np.ones(m), design, np.full(20, 0.1), ridge)
    ours, twin = kernels.fit_glm(*arguments), twins.fit_glm(*arguments)
    assert not design.full_rank
    assert (ours.iterations == twin.iterations).all()
    assert_allclose(ours.beta, twin.beta, atol=1e-9)


def test_runaway_coefficients_are_kept_and_flagged(twins):
    design = kernels.prepare_design(np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1], np.linspace(-300, 300, 6)]))
    counts = np.array([[0, 0, 0, 0, 0, 900.0], [5, 6, 7, 8, 9, 10]])
    arguments = (counts, np.ones(6), design, np.array([0.1, 0.1]), np.full(3, 1e-12))
    start = np.array([[3.0, 20.0, 0.3], [2.0, 0.0, 0.0]])
    ours, twin = kernels.fit_glm(*arguments, start=start), twins.fit_glm(*arguments, start=start)
    assert ours.iterations[0] == twin.iterations[0] == 100
    assert (ours.iterations[1] == twin.iterations[1]) and ours.iterations[1] < 100
