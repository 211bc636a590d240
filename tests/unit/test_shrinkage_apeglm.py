"""apeglm on arrays: the kernel against plain NumPy that says the same, gene by gene, and against the calculus."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from foldwise.counts.sources import DenseCounts
from foldwise.errors import FitError, OptionError
from foldwise.execution import ThreadExecutor
from foldwise.kernels import apeglm as kernel
from foldwise.optimise.brent import LOOSE, root_on_interval
from foldwise.shrinkage.apeglm import apeglm_posterior
from foldwise.shrinkage.prior_scale import prior_scale, prior_variance
from foldwise.shrinkage.rotation import contrast_as_coefficient


class Posterior:
    """Minus the log posterior of a gene and its gradient."""

    def __init__(self, counts, factors, weights, matrix, dispersion, cauchy):
        self.y, self.s, self.w, self.x = counts, factors, weights, matrix
        self.r, self.square, self.has_cauchy = 1.0 / dispersion, np.where(cauchy > 0, cauchy, 1.0), cauchy > 0

    def __call__(self, beta):
        eta = self.x @ beta
        mean = self.s * np.exp(eta)
        prior = np.where(self.has_cauchy, np.log1p(beta**2 / self.square), beta**2 / 450.0)
        slope = np.where(self.has_cauchy, 2.0 * beta / (self.square + beta**2), beta / 225.0)
        value = -np.sum(self.w * (self.y * eta - (self.y + self.r) * np.log(self.r + mean))) + prior.sum()
        residual = self.w * ((self.y + self.r) * mean / (self.r + mean) - self.y)
        return value, self.x.T @ residual + slope

    def hessian(self, beta):
        mean = self.s * np.exp(self.x @ beta)
        curved = self.w * (self.y + self.r) * self.r * mean / (self.r + mean) ** 2
        prior = 2.0 * (self.square - beta**2) / (self.square + beta**2) ** 2
        return self.x.T @ (curved[:, None] * self.x) + np.diag(np.where(self.has_cauchy, prior, 1.0 / 225.0))


def line_search(f, value0, gradient0, at, direction, t):
    """Strong Wolfe conditions, R's way of bracketing and interpolating."""
    slope0 = gradient0 @ direction
    lo, f_lo, d_lo, kept = 0.0, value0, slope0, (at, gradient0)
    hi, f_hi, zoom = 0.0, 0.0, False
    for _ in range(100):
        if zoom:
            gap, rise = hi - lo, f_hi - f_lo
            t = (rise * lo - 0.5 * (lo + hi) * gap * d_lo) / (rise - gap * d_lo)
            if not (min(lo, hi) < t < max(lo, hi)) or min(abs(t - lo), abs(t - hi)) < 0.01 * abs(gap):
                t = 0.5 * (lo + hi)
        point = at + t * direction
        value, gradient = f(point)
        slope = gradient @ direction
        if value - value0 > 1e-4 * t * slope0 or ((zoom or lo > 0) and value >= f_lo):
            if zoom and t == hi:
                return None
            hi, f_hi, zoom = t, value, True
        elif abs(slope) <= -0.9 * slope0:
            return point, value, gradient
        elif t == lo:
            return None
        else:
            if not zoom or slope * (hi - lo) >= 0:
                hi, f_hi = lo, f_lo
            zoom = zoom or slope >= 0
            lo, f_lo, d_lo, kept = t, value, slope, (point, gradient)
            t = t if zoom else 2.0 * t
    return (kept[0], f_lo, kept[1]) if lo > 0 else None


def direction_of(gradient, pairs):
    q, shares = gradient.copy(), []
    for s, y in reversed(pairs):
        shares.append((s @ q) / (s @ y))
        q -= shares[-1] * y
    if pairs:
        s, y = pairs[-1]
        q *= (s @ y) / (y @ y)
    for (s, y), share in zip(pairs, reversed(shares), strict=True):
        q += (share - (y @ q) / (s @ y)) * s
    return -q


def first_search(posterior, first=0.1):
    """Where R's first optimiser stops."""
    p = posterior.x.shape[1]
    scaling = max(1.0, posterior(np.zeros(p))[0])

    def f(beta):
        value, gradient = posterior(beta)
        return value / scaling + 10.0, gradient / scaling

    beta = first * np.where(np.arange(p) % 2, -1.0, 1.0)
    value, gradient = f(beta)
    pairs, step = [], 1.0 / np.linalg.norm(gradient)
    for _ in range(300):
        found = line_search(f, value, gradient, beta, direction_of(gradient, pairs), step)
        assert found is not None
        (new, new_value, new_gradient), step = found, 1.0
        s, y, gain, old = new - beta, new_gradient - gradient, abs(new_value - value), value
        beta, value, gradient = new, new_value, new_gradient
        length = np.linalg.norm(gradient)
        if length <= 1e-8 * max(1.0, np.linalg.norm(beta)) or gain <= 1e-8 * max(abs(value), abs(old), 1):
            break
        if s @ y > np.finfo(float).eps * (y @ y):
            pairs = [*pairs, (s, y)][-6:]
    return beta


def example(n_genes=60, m=11, p=3, seed=1, kind="numeric"):
    """Counts of a design with a numeric column or with groups that fill whole tiles."""
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([np.ones(m), *(np.arange(m) % (k + 2) == 0 for k in range(p - 1))]).astype(float)
    if kind == "numeric":
        matrix[:, -1] = rng.normal(size=m)
    dispersion = rng.uniform(0.01, 1.0, n_genes)
    factors = rng.uniform(0.5, 2.0, m)
    beta = np.column_stack([rng.normal(4, 2, n_genes), rng.normal(0, 0.7, (n_genes, p - 1))])
    mean = factors * np.exp(beta @ matrix.T)
    counts = rng.negative_binomial(1 / dispersion[:, None], 1 / (1 + dispersion[:, None] * mean)).astype(float)
    return counts, factors, matrix, dispersion


def cauchy_of(p, scale, column=-1):
    cauchy = np.zeros(p)
    cauchy[column] = scale**2
    return cauchy


@pytest.mark.parametrize(("kind", "m", "p"), [("numeric", 11, 3), ("groups", 45, 2), ("groups", 8, 4)])
@pytest.mark.parametrize("weighted", [False, True])
def test_kernel_walks_the_path_of_its_twin(kind, m, p, weighted):
    counts, factors, matrix, dispersion = example(m=m, p=p, kind=kind)
    rng = np.random.default_rng(5)
    weights = rng.uniform(0.1, 1.5, counts.shape) if weighted else np.ones((1, m))
    cauchy = cauchy_of(p, 0.5)
    beta, variance, status = kernel.shrink_genes(
        counts, factors[None, :], weights, matrix, dispersion, cauchy, reference=np.ones(m, dtype=bool)
    )
    followed = np.flatnonzero(status == kernel.FIRST_SEARCH)
    assert followed.size > 0.8 * len(counts)
    for i in followed:
        twin = Posterior(counts[i], factors, weights[i if weighted else 0], matrix, dispersion[i], cauchy)
        np.testing.assert_allclose(beta[i], first_search(twin), rtol=0, atol=1e-8)
        np.testing.assert_allclose(variance[i], np.diag(np.linalg.inv(twin.hessian(beta[i]))), rtol=1e-4)


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.01])
def test_converged_modes_are_stationary_and_not_above_where_r_stops(scale):
    counts, factors, matrix, dispersion = example()
    args = counts, factors[None, :], np.ones((1, 11)), matrix, dispersion, cauchy_of(3, scale)
    path, _, _ = kernel.shrink_genes(*args, reference=np.ones(11, dtype=bool))
    beta, variance, status = kernel.shrink_genes(*args, reference=np.ones(11, dtype=bool), converged=True)
    assert (status == kernel.FIRST_SEARCH).all()
    for i in range(len(counts)):
        twin = Posterior(counts[i], factors, 1.0, matrix, dispersion[i], cauchy_of(3, scale))
        value, gradient = twin(beta[i])
        covariance = np.linalg.inv(twin.hessian(beta[i]))
        assert np.abs(covariance @ gradient).max() < 1e-9
        assert value <= twin(path[i])[0] + 1e-9
        np.testing.assert_allclose(variance[i], np.diag(covariance), rtol=1e-7)


def test_a_gene_has_the_same_bits_whatever_stands_beside_it():
    counts, factors, matrix, dispersion = example(n_genes=50)
    answers = [
        apeglm_posterior(DenseCounts(counts), factors, matrix, dispersion, 2, 0.3, ThreadExecutor(n, size))
        for n, size in ((1, None), (1, 7), (2, 3))
    ]
    for other in answers[1:]:
        np.testing.assert_array_equal(other.coefficients, answers[0].coefficients)
        np.testing.assert_array_equal(other.sd, answers[0].sd)


def test_what_travels_to_other_processes_can_be_pickled_and_read_only():
    from foldwise.shrinkage import apeglm

    class Elsewhere:
        def over_genes(self, stage, function, counts, genes, shared, rows=None):
            function, genes, shared = pickle.loads(pickle.dumps((function, genes, shared)))
            block = counts.read(0, counts.shape[0])
            for array in (block, *genes.values()):
                array.setflags(write=False)
            return function(block, genes, shared)

    counts, factors, matrix, dispersion = example()
    there = apeglm.apeglm_posterior(DenseCounts(counts), factors, matrix, dispersion, 2, 0.3, Elsewhere())
    here = apeglm.apeglm_posterior(DenseCounts(counts), factors, matrix, dispersion, 2, 0.3, ThreadExecutor(1))
    np.testing.assert_array_equal(there.mode, here.mode)


def test_normalization_factors_and_weights_that_are_the_same_for_all_genes_change_nothing():
    counts, factors, matrix, dispersion = example()
    run, source = ThreadExecutor(1), DenseCounts(counts)
    plain = apeglm_posterior(source, factors, matrix, dispersion, 2, 0.3, run)
    spread = np.broadcast_to(factors, counts.shape)
    same = apeglm_posterior(source, spread, matrix, dispersion, 2, 0.3, run, weights=np.ones(counts.shape))
    np.testing.assert_array_equal(same.mode, plain.mode)


def test_genes_without_counts_or_dispersion_are_missing():
    counts, factors, matrix, dispersion = example()
    counts[3], dispersion[5] = 0.0, np.nan
    found = apeglm_posterior(DenseCounts(counts), factors, matrix, dispersion, 2, 0.3, ThreadExecutor(1))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.mode)), [3, 5])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.sd)), [3, 5])
    assert not found.not_converged.any()


def test_large_effects_stay_and_noise_is_shrunken():
    matrix = np.column_stack([np.ones(12), np.repeat([0.0, 1.0], 6)])
    sure = np.repeat([100.0, 1600.0], 6)
    noise = np.array([0, 3, 0, 0, 1, 0, 2, 0, 5, 0, 0, 4.0])
    found = apeglm_posterior(
        DenseCounts(np.stack([sure, noise])), np.ones(12), matrix, np.array([0.05, 2.0]), 1, 0.1, ThreadExecutor(1)
    )
    assert abs(found.mode[0] - np.log(16)) < 0.03
    assert abs(found.mode[1]) < 0.1 * np.log(11 / 4)


def test_false_sign_or_small_rate_is_a_posterior_probability():
    counts, factors, matrix, dispersion = example()
    found = apeglm_posterior(DenseCounts(counts), factors, matrix, dispersion, 2, 0.5, ThreadExecutor(1))
    draws = found.mode[:, None] + found.sd[:, None] * np.random.default_rng(0).normal(size=(len(counts), 40_000))
    right = draws * np.sign(found.mode)[:, None]
    np.testing.assert_allclose(found.false_sign_rate(), (right < 0).mean(axis=1), atol=0.01)
    np.testing.assert_allclose(found.false_sign_rate(0.3), (right < 0.3).mean(axis=1), atol=0.01)


# ---------------------------------------------------------------------------------------------- the prior's scale
def test_prior_variance_finds_the_spread_of_the_effects():
    rng = np.random.default_rng(2)
    errors = rng.uniform(0.05, 1.0, 20_000)
    estimates = rng.normal(0, 0.6, errors.size) + rng.normal(0, errors)
    assert prior_variance(estimates, errors) == pytest.approx(0.36, rel=0.03)
    assert prior_scale(0.36) == pytest.approx(0.6)
    assert prior_scale(4.0) == 1.0


def test_prior_variance_without_effects_is_the_smallest_there_is():
    errors = np.full(500, 0.5)
    assert prior_variance(np.full(500, 0.01), errors) == 1e-6


def test_prior_variance_refuses_what_it_cannot_explain():
    with pytest.raises(FitError, match="prior_scale"):
        prior_variance(np.full(10, 50.0), np.full(10, 0.1))
    with pytest.raises(FitError, match="no gene"):
        prior_variance(np.full(3, np.nan), np.full(3, np.nan))


def test_root_is_as_near_as_the_tolerance_says():
    root = root_on_interval(lambda x: x**3 - 2.0, 0.0, 10.0)
    assert 0 < abs(root - 2 ** (1 / 3)) < LOOSE
    assert root_on_interval(lambda x: x**3 - 2.0, 0.0, 10.0, 1e-14) == pytest.approx(2 ** (1 / 3), abs=1e-13)


# ---------------------------------------------------------------------------------------------- contrasts as coefficients
@pytest.mark.parametrize("vector", [[0.0, 1.0, -1.0], [0.0, 0.5, 0.5], [0.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
def test_a_contrast_becomes_a_coefficient_of_the_same_model(vector):
    matrix, vector = np.random.default_rng(3).normal(size=(9, 3)), np.array(vector)
    moved, column = contrast_as_coefficient(matrix, vector)
    beta = np.array([1.5, -0.3, 0.8])
    others = beta.copy()
    others[column] = vector @ beta
    np.testing.assert_allclose(moved @ others, matrix @ beta, atol=1e-12)
    assert column > 0


def test_a_misspelled_option_is_answered_by_the_nearest(fit):
    with pytest.raises(OptionError, match=r"no option typ=\. Did you mean type="):
        fit.shrink(coef=fit.coefficient_names[-1], typ="ashr")
    with pytest.raises(OptionError, match='no option of type="apeglm"'):
        fit.shrink(coef=fit.coefficient_names[-1], nonsense=1)
