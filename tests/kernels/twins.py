"""The kernels' twins in plain NumPy: every formula as the method states it, all genes at once, to check by eye."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, psi

from foldwise.arrays import BoolArray, FloatArray
from foldwise.kernels.answers import DispersionSearch, GlmFinish, GlmFit
from foldwise.kernels.density import log_density
from foldwise.kernels.design import KernelDesign
from foldwise.kernels.statistics import glm_means, glm_start

LOG_BOX = (-30.0, 10.0)
STOP_BELOW = np.log(1e-9)
SEARCH_TOLERANCE = 1e-6
SUFFICIENT_GAIN = 1e-4
MAX_STEPS = 100
COX_REID_WEIGHT = 0.01
GRID_POINTS = 20
BETA_TOLERANCE = 1e-8
BETA_LIMIT = 30.0
LOG2_E = float(np.log2(np.e))


class _Posterior:
    """The Cox-Reid adjusted log-likelihood of log dispersions, plus a normal prior."""

    def __init__(self, counts, means, design, prior_log_mean, prior_variance, weights):
        self.counts, self.means, self.matrix, self.weights = counts, means, design.matrix, weights
        self.prior_log_mean, self.prior_variance = prior_log_mean, prior_variance

    def __call__(self, log_alpha: FloatArray, rows) -> tuple[FloatArray, FloatArray]:
        """Value and derivative at log_alpha (n,) for the genes ``rows``."""
        y, mu = self.counts[rows], self.means[rows]
        w = None if self.weights is None else self.weights[rows]
        alpha = np.exp(log_alpha)[:, None]
        r = 1.0 / alpha
        am = alpha * mu
        log1am = np.log(1.0 + am)
        value = gammaln(y + r) - gammaln(r) - y * np.log(mu + r) - r * log1am
        slope = psi(r) + log1am - am * (1.0 / (1.0 + am)) - psi(y + r) + y * (1.0 / (mu + r))
        if w is not None:
            value, slope = value * w, slope * w
        d = 1.0 / (1.0 / mu + alpha)
        x = self.matrix
        if w is not None:
            d = d * (w > COX_REID_WEIGHT)
        b = np.matmul(d[:, None, :] * x.T, x)
        db = np.matmul((-d * d)[:, None, :] * x.T, x)
        if w is not None:
            empty = ~(((d > 0)[:, :, None] & (x != 0)).any(axis=1))
            index = np.arange(x.shape[1])
            b[:, index, index] += empty
        _, log_det = np.linalg.slogdet(b)
        trace = np.einsum("gij,gji->g", np.linalg.inv(b), db)
        total = value.sum(axis=1) - 0.5 * log_det
        gradient = alpha[:, 0] * (slope.sum(axis=1) * (1.0 / alpha[:, 0] ** 2) - 0.5 * trace)
        if self.prior_log_mean is not None:
            away = log_alpha - self.prior_log_mean[rows]
            total = total - away**2 / (2.0 * self.prior_variance)
            gradient = gradient - away / self.prior_variance
        return total, gradient


def search_dispersion(
    counts: FloatArray,
    means: FloatArray,
    design: KernelDesign,
    log_start: FloatArray,
    *,
    prior_log_mean: FloatArray | None = None,
    prior_variance: float | None = None,
    weights: FloatArray | None = None,
) -> DispersionSearch:
    """Climb the log-posterior of each gene's log dispersion along R's path."""
    posterior = _Posterior(counts, means, design, prior_log_mean, prior_variance, weights)
    n = counts.shape[0]
    a = np.array(log_start, dtype=np.float64)
    value, slope = posterior(a, np.arange(n))
    first = value.copy()
    kappa, accepted, steps = np.ones(n), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    active = np.arange(n)
    for t in range(1, MAX_STEPS + 1):
        if active.size == 0:
            break
        steps[active] = t
        at, g, k = a[active], slope[active], kappa[active]
        with np.errstate(divide="ignore", invalid="ignore"):
            k = np.where(at + k * g < LOG_BOX[0], (LOG_BOX[0] - at) / g, k)
            k = np.where(at + k * g > LOG_BOX[1], (LOG_BOX[1] - at) / g, k)
        proposal = at + k * g
        new_value, new_slope = posterior(proposal, active)
        accept = -new_value <= -value[active] - k * SUFFICIENT_GAIN * g**2
        kappa[active[~accept]] = k[~accept] / 2.0
        rows, gain = active[accept], (new_value - value[active])[accept]
        a[rows] = proposal[accept]
        accepted[rows] += 1
        small = gain < SEARCH_TOLERANCE
        outside = ~small & (a[rows] < STOP_BELOW)
        stores = ~outside  # leaving through the lower bound does not update the value
        value[rows[stores]] = new_value[accept][stores]
        slope[rows] = new_slope[accept]
        k = np.minimum(k[accept] * 1.1, 1.0)
        kappa[rows] = np.where(accepted[rows] % 5 == 0, k / 2.0, k)
        active = np.setdiff1d(active, rows[small | outside], assume_unique=True)
    return DispersionSearch(a, steps, first, value)


def grid_dispersion(
    counts: FloatArray,
    means: FloatArray,
    design: KernelDesign,
    log_minimum: float,
    log_maximum: float,
    *,
    prior_log_mean: FloatArray | None = None,
    prior_variance: float | None = None,
    weights: FloatArray | None = None,
) -> FloatArray:
    """(n_genes,) log dispersion: the best of 20 grid points, then of 20 around it."""
    posterior = _Posterior(counts, means, design, prior_log_mean, prior_variance, weights)
    rows = np.arange(counts.shape[0])
    spacing = (log_maximum - log_minimum) / (GRID_POINTS - 1)
    coarse = np.broadcast_to(np.linspace(log_minimum, log_maximum, GRID_POINTS)[:, None], (GRID_POINTS, rows.size))
    best = _best_of(posterior, coarse, rows)
    return _best_of(posterior, np.linspace(best - spacing, best + spacing, GRID_POINTS), rows)


def _best_of(posterior: _Posterior, points: FloatArray, rows) -> FloatArray:
    values = np.stack([posterior(point, rows)[0] for point in points])
    return points[values.argmax(axis=0), rows]


def likelihood_constants(counts: FloatArray, alpha: FloatArray, weights: FloatArray) -> FloatArray:
    r = 1.0 / alpha[:, None]
    terms = gammaln(counts + r) - gammaln(r) - gammaln(counts + 1.0) - counts * np.log(r)
    return (weights * terms).sum(axis=1)


def fit_glm(
    counts: FloatArray,
    factors: FloatArray,
    design: KernelDesign,
    alpha: FloatArray,
    ridge: FloatArray,
    *,
    weights: FloatArray | None = None,
    min_mu: float = 0.5,
    start: FloatArray | None = None,
) -> GlmFit:
    """Negative binomial GLM by iteratively reweighted least squares, along R's path."""
    n, x = counts.shape[0], design.matrix
    factors = np.broadcast_to(factors, counts.shape)
    w = np.ones(counts.shape) if weights is None else weights
    beta = np.array(glm_start(counts, factors, design) if start is None else start, dtype=np.float64)
    working = beta.copy()
    iterations = np.zeros(n, dtype=np.int64)
    deviance = np.zeros(n)
    active = np.arange(n)
    for t in range(1, MAX_STEPS + 1):
        if active.size == 0:
            break
        iterations[active] = t
        k, s, al, wt = counts[active], factors[active], alpha[active], w[active]
        mu = np.maximum(glm_means(s, design, beta[active]), min_mu)
        omega = wt * mu / (1.0 + al[:, None] * mu)
        z = np.log(mu / s) + (k - mu) / mu
        a = np.matmul(omega[:, None, :] * x.T, x) + np.diag(ridge)
        new = np.linalg.solve(a, np.matmul(omega * z, x)[:, :, None])[:, :, 0]
        beta[active] = new
        far = (np.abs(new) > BETA_LIMIT).any(axis=1)
        working[active[~far]] = new[~far]
        with np.errstate(over="ignore", invalid="ignore"):
            mu = np.maximum(glm_means(s, design, new), min_mu)
            new_deviance = -2.0 * (wt * log_density(k, mu, al)).sum(axis=1)
            change = np.abs(new_deviance - deviance[active]) / (np.abs(new_deviance) + 0.1)
        deviance[active] = new_deviance
        failed = far | np.isnan(change)
        iterations[active[failed]] = MAX_STEPS
        done = failed | ((change < BETA_TOLERANCE) if t > 1 else np.zeros(active.size, dtype=bool))
        active = active[~done]
    return GlmFit(beta, iterations, working, likelihood_constants(counts, alpha, w))


def finish_glm(
    counts: FloatArray,
    factors: FloatArray,
    design: KernelDesign,
    beta: FloatArray,
    alpha: FloatArray,
    ridge: FloatArray,
    *,
    weights: FloatArray | None = None,
    min_mu: float = 0.5,
    contrasts: FloatArray | None = None,
    floor_likelihood: bool = False,
    hat_beta: FloatArray | None = None,
    robust_alpha: FloatArray | None = None,
    cook_means: FloatArray | None = None,
    judged: BoolArray | None = None,
    lasting: BoolArray | None = None,
    cutoff: float = np.inf,
    keep: bool = False,
) -> GlmFinish:
    """Standard errors, log-likelihood, hat diagonals and Cook's distances of a fitted GLM."""
    c = np.eye(design.n_coefficients) if contrasts is None else np.atleast_2d(contrasts)
    mu = glm_means(factors, design, beta)
    floored = np.maximum(mu, min_mu)
    a, v, _ = _information(floored, design, alpha, ridge, weights)
    vc = np.matmul(v, c.T)
    variance = np.einsum("gpk,gpq,gqk->gk", vc, a, vc)
    with np.errstate(invalid="ignore"):
        se = LOG2_E * np.sqrt(variance)
    logs = log_density(counts, floored if floor_likelihood else mu, alpha)
    likelihood = (logs if weights is None else logs * weights).sum(axis=1)
    for_hat = floored if hat_beta is None else np.maximum(glm_means(factors, design, hat_beta), min_mu)
    _, v, omega = _information(for_hat, design, alpha, ridge, weights)
    hat = omega * np.einsum("mp,gpq,mq->gm", design.matrix, v, design.matrix)
    if robust_alpha is None:
        return GlmFinish(se, likelihood, None, None, None, None, mu if keep else None, hat if keep else None, None)
    at = mu if cook_means is None else cook_means
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        cooks = (counts - at) ** 2 / (at + robust_alpha[:, None] * at**2) * hat / (1.0 - hat) ** 2
        cooks /= design.n_coefficients
    judged = np.ones(counts.shape[1], dtype=bool) if judged is None else np.asarray(judged, dtype=bool)
    left = judged if lasting is None else judged & lasting
    largest, largest_lasting = (
        cooks[:, some].max(axis=1) if some.any() else np.full(counts.shape[0], np.nan) for some in (judged, left)
    )
    return GlmFinish(
        se,
        likelihood,
        largest,
        largest_lasting,
        cooks.argmax(axis=1),
        (cooks > cutoff).any(axis=1),
        *((mu, hat, cooks) if keep else (None, None, None)),
    )


def contrast_errors(
    counts: FloatArray,
    factors: FloatArray,
    design: KernelDesign,
    beta: FloatArray,
    alpha: FloatArray,
    ridge: FloatArray,
    contrast: FloatArray,
    *,
    weights: FloatArray | None = None,
    min_mu: float = 0.5,
) -> FloatArray:
    """(n_genes,) log2 standard errors of one contrast of the coefficients."""
    finish = finish_glm(counts, factors, design, beta, alpha, ridge, weights=weights, min_mu=min_mu, contrasts=contrast)
    return finish.se[:, 0]


def _information(means, design, alpha, ridge, weights):
    """X'WX, the inverse of X'WX + ridge, and the weights W."""
    omega = means / (1.0 + alpha[:, None] * means)
    if weights is not None:
        omega = omega * weights
    a = np.matmul(omega[:, None, :] * design.matrix.T, design.matrix)
    bad = ~np.isfinite(a).all(axis=(1, 2))
    a[bad] = np.nan
    v = np.full_like(a, np.nan)
    v[~bad] = np.linalg.inv(a[~bad] + np.diag(ridge))
    return a, v, omega
