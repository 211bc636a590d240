"""The negative binomial model in plain NumPy, written from the equations and sharing nothing with the kernels.

Every array has genes as rows; ``alpha`` is (n_genes, 1); means are (n_genes, n_samples).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from foldwise.arrays import BoolArray, FloatArray, IntArray

LN2 = float(np.log(2.0))
STEPS, TOLERANCE, FARTHEST = 100, 1e-8, 30.0  # of the reweighted least squares, as in R


class Glm(NamedTuple):
    """Everything about one GLM but its coefficients.

    counts, factors, weights : (n_genes, n_samples). matrix : (n_samples, p). alpha : (n_genes, 1).
    ridge : (p,) on natural-log coefficients. min_mu : the floor of means in weights and working responses.
    """

    counts: FloatArray
    factors: FloatArray
    weights: FloatArray
    matrix: FloatArray
    alpha: FloatArray
    ridge: FloatArray
    min_mu: float

    def rows(self, chosen: BoolArray | IntArray) -> Glm:
        """Some genes alone."""
        return self._replace(
            counts=self.counts[chosen],
            factors=self.factors[chosen],
            weights=self.weights[chosen],
            alpha=self.alpha[chosen],
        )

    @property
    def is_closed_form(self) -> bool:
        """Whether R takes the mean instead of iterating: one column of ones and no real prior."""
        return self.matrix.shape[1] == 1 and bool((self.matrix == 1.0).all()) and self.ridge[0] <= 1e-6 / LN2**2

    def means(self, beta: FloatArray) -> FloatArray:
        """Fitted means, not floored."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(self.factors * np.exp(beta @ self.matrix.T))


def log_density(counts: FloatArray, means: FloatArray, alpha: FloatArray) -> FloatArray:
    """Negative binomial log density from log gammas."""
    size = 1.0 / alpha
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.where(counts > 0, counts * np.log(means / (means + size)), 0.0)
    constant = gammaln(counts + size) - gammaln(size) - gammaln(counts + 1.0)
    return np.asarray(constant + powers - size * np.log1p(alpha * means))


def information(glm: Glm, means: FloatArray) -> FloatArray:
    """(n_genes, p, p) expected information of natural-log coefficients at floored means."""
    floored = np.maximum(means, glm.min_mu)
    omega = glm.weights * floored / (1.0 + glm.alpha * floored)
    return np.asarray(np.einsum("gm,mk,ml->gkl", omega, glm.matrix, glm.matrix))


def covariance(glm: Glm, means: FloatArray) -> FloatArray:
    """(n_genes, p, p) V A V with V = (A + ridge)^-1: what the standard errors come from."""
    a = information(glm, means)
    v = np.linalg.pinv(a + np.diag(glm.ridge), hermitian=True, rcond=1e-15)
    return np.asarray(v @ a @ v)


def score(glm: Glm, beta: FloatArray, *, floored: bool) -> FloatArray:
    """(n_genes, p) score of the penalised likelihood.

    floored : R's iteration works with means of at least ``min_mu``; what it makes 0 then has, for a mean below the
        floor, the working response at the floor. Otherwise the plain derivative.
    """
    means = glm.means(beta)
    used = np.maximum(means, glm.min_mu) if floored else means
    omega = glm.weights / (1.0 + glm.alpha * used)
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = (glm.counts - used) + np.where(used > means, used * np.log(used / means), 0.0)
    return np.asarray((omega * residual) @ glm.matrix - glm.ridge * beta)


def newton_step(glm: Glm, beta: FloatArray, *, floored: bool) -> FloatArray:
    """(n_genes,) the largest step that scoring would still take, in standard errors of its coefficient."""
    a = information(glm, glm.means(beta)) + np.diag(glm.ridge)
    inverse = np.linalg.pinv(a, hermitian=True, rcond=1e-15)
    step = np.einsum("gkl,gl->gk", inverse, score(glm, beta, floored=floored))
    spread = np.sqrt(np.maximum(np.diagonal(inverse, axis1=1, axis2=2), np.finfo(float).tiny))
    return np.asarray(np.abs(step / spread).max(axis=1))


class Refit(NamedTuple):
    """beta, last_means : where the iteration ended and the (unfloored) means its weights belong to.

    steps : (n_genes,) 100 where it did not converge.
    """

    beta: FloatArray
    last_means: FloatArray
    steps: IntArray


def fit(glm: Glm, *, closed_form: bool = True) -> Refit:
    """Reweighted least squares by R's rules, for what a fit does not report: reduced models, first fits."""
    n = len(glm.counts)
    if closed_form and glm.is_closed_form:
        total = (glm.weights * glm.counts / glm.factors).sum(axis=1) / glm.weights.sum(axis=1)
        with np.errstate(divide="ignore"):
            beta = np.log(total)[:, None]
        return Refit(beta, glm.means(beta), np.ones(n, dtype=np.int64))
    start = _start(glm)
    beta, means, steps = start.copy(), glm.means(start), np.zeros(n, dtype=np.int64)
    active, deviance = np.arange(n), np.zeros(n)
    for step in range(1, STEPS + 1):
        some = glm.rows(active)
        new = _weighted_least_squares(some, means[active])
        steps[active], beta[active] = step, new
        with np.errstate(invalid="ignore"):
            fled = ~(np.abs(new) <= FARTHEST).all(axis=1)
        steps[active[fled]] = STEPS
        kept = np.flatnonzero(~fled)
        active, some, new = active[kept], some.rows(kept), new[kept]
        means[active] = some.means(new)
        floored = np.maximum(means[active], glm.min_mu)
        now = -2.0 * (some.weights * log_density(some.counts, floored, some.alpha)).sum(axis=1)
        change = np.abs(now - deviance[active]) / (np.abs(now) + 0.1)
        deviance[active] = now
        active = active[~(change < TOLERANCE)] if step > 1 else active
        if not len(active):
            break
    return Refit(beta, means, steps)


def _start(glm: Glm) -> FloatArray:
    """Least squares on log counts; of a rank-deficient matrix the log mean in the intercept, or ones without one."""
    normalized = glm.counts / glm.factors
    p = glm.matrix.shape[1]
    if np.linalg.matrix_rank(glm.matrix) == p:
        return np.asarray(np.linalg.lstsq(glm.matrix, np.log(normalized + 0.1).T, rcond=None)[0].T)
    start = np.zeros((len(normalized), p))
    intercept = np.flatnonzero((glm.matrix == 1.0).all(axis=0))
    if not len(intercept):
        return start + 1.0
    with np.errstate(divide="ignore"):
        start[:, intercept[0]] = np.log(normalized.mean(axis=1))
    return start


def _weighted_least_squares(glm: Glm, means: FloatArray) -> FloatArray:
    floored = np.maximum(means, glm.min_mu)
    omega = glm.weights * floored / (1.0 + glm.alpha * floored)
    response = np.log(floored / glm.factors) + (glm.counts - floored) / floored
    a = np.einsum("gm,mk,ml->gkl", omega, glm.matrix, glm.matrix) + np.diag(glm.ridge)
    with np.errstate(invalid="ignore"):
        right = (omega * response) @ glm.matrix
    try:
        return np.asarray(np.linalg.solve(a, right[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        return np.asarray(np.einsum("gkl,gl->gk", np.linalg.pinv(a, hermitian=True), right))


def hat_diagonal(glm: Glm, means: FloatArray) -> FloatArray:
    """(n_genes, n_samples) leverage at floored means."""
    floored = np.maximum(means, glm.min_mu)
    omega = glm.weights * floored / (1.0 + glm.alpha * floored)
    inverse = np.linalg.pinv(information(glm, means) + np.diag(glm.ridge), hermitian=True, rcond=1e-15)
    return np.asarray(omega * np.einsum("mk,gkl,ml->gm", glm.matrix, inverse, glm.matrix))
