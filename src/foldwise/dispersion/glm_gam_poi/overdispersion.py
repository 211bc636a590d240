"""Kernel: the maximum of each gene's Cox-Reid adjusted likelihood, found as R's ``nlminb`` finds it.

Ahlmann-Eltze & Huber (2020), "glmGamPoi"; Cox & Reid (1987); Dennis, Gay & Welsch (1981) for the trust region.
In the formulas y are counts, mu means, theta the dispersion, a = ln theta, r = 1/theta, m samples.

The differences lnGamma(y+r) - lnGamma(r) and their derivatives are taken from Stirling's series where r is large, so
that a gene on its way to theta = 0 gets there instead of stopping in rounding noise.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit


def kernel(function):  # type: ignore[no-untyped-def]
    return njit(cache=True, nogil=True, error_model="numpy")(function)


COX_REID = 0.99
"""glmGamPoi weighs the Cox-Reid term by this."""
RIDGE = 1e-6
"""Added to the information matrix in score and curvature (not in the likelihood)."""
LOG_BOX = (math.log(1e-16), math.log(1e16))
LOG_LEAST = math.log(1e-8)
"""A score that is negative here means no overdispersion."""
DEFAULT_START = math.log(0.5)
LARGE = 16.0
"""From here on Stirling's series is exact to the last bits."""
TINY_PIVOT = 1e-50
MAX_ITERATIONS = 200
REL_TOL, X_TOL, XF_TOL = 1e-10, 1.5e-8, 2.2e-14
"""``nlminb``'s relative function, step, and false convergence tolerances."""
NO_INCREASE = 1e-6
ZERO = 1e-10
"""Below, mu * theta is as good as 0 in the score."""


@kernel
def _gamma_excess(y, r):
    """lnGamma(y + r) - lnGamma(r) - y ln r."""
    if r < LARGE:
        return math.lgamma(y + r) - math.lgamma(r) - y * math.log(r)
    return (r + y - 0.5) * math.log1p(y / r) - y + _stirling(y + r) - _stirling(r)


@kernel
def _stirling(x):
    s = 1.0 / (x * x)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / x


@kernel
def _digamma_difference(y, r):
    """psi(y + r) - psi(r)."""
    if y == 0.0:
        return 0.0
    difference = 0.0
    top = y + r
    while r < LARGE:
        difference += 1.0 / r
        r += 1.0
    while top < LARGE:
        difference -= 1.0 / top
        top += 1.0
    return difference + math.log1p((top - r) / r) - _digamma_rest(top) + _digamma_rest(r)


@kernel
def _digamma_rest(x):
    """ln x - psi(x)."""
    s = 1.0 / (x * x)
    return 0.5 / x + s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * 691 / 32760)))))


@kernel
def _trigamma_difference(y, r):
    """psi'(y + r) - psi'(r)."""
    if y == 0.0:
        return 0.0
    difference = 0.0
    top = y + r
    while r < LARGE:
        difference -= 1.0 / (r * r)
        r += 1.0
    while top < LARGE:
        difference += 1.0 / (top * top)
        top += 1.0
    return difference - (top - r) / (top * r) + _trigamma_rest(top) - _trigamma_rest(r)


@kernel
def _trigamma_rest(x):
    """psi'(x) - 1/x."""
    s = 1.0 / (x * x)
    series = 1 / 6 - s * (1 / 30 - s * (1 / 42 - s * (1 / 30 - s * (5 / 66 - s * 691 / 2730))))
    return s * (0.5 + series / x)


@kernel
def _weighted_products(means, design, theta, power, out):
    """X' diag(d^power) X with d = 1 / (1/mu + theta)."""
    p = design.shape[1]
    out[:] = 0.0
    for j in range(means.size):
        d = 1.0 / (1.0 / means[j] + theta)
        weight = d if power == 1 else (d * d if power == 2 else d * d * d)
        for k in range(p):
            part = weight * design[j, k]
            if part != 0.0:
                for h in range(k + 1):
                    out[k, h] += part * design[j, h]
    for k in range(p):
        for h in range(k):
            out[h, k] = out[k, h]


@kernel
def _log_determinant(matrix, like_r):
    """Of a positive definite matrix, which is overwritten.

    like_r : count every pivot below 1e-50, thus every negative one, as 1e-50. glmGamPoi factors with row exchanges
    and forgets that each turns the sign; with covariates of large scale its likelihood is then wrong.
    """
    p = matrix.shape[0]
    total = 0.0
    for k in range(p):
        best = k
        for i in range(k + 1, p):
            if abs(matrix[i, k]) > abs(matrix[best, k]):
                best = i
        if best != k:
            for h in range(p):
                matrix[k, h], matrix[best, h] = matrix[best, h], matrix[k, h]
        pivot = matrix[k, k]
        total += math.log(max(pivot, TINY_PIVOT) if like_r else max(abs(pivot), TINY_PIVOT))
        for i in range(k + 1, p):
            factor = matrix[i, k] / pivot
            for h in range(k + 1, p):
                matrix[i, h] -= factor * matrix[k, h]
    return total


@kernel
def _invert(matrix, out):
    """Gauss-Jordan on a positive definite matrix, which is overwritten."""
    p = matrix.shape[0]
    out[:] = 0.0
    for k in range(p):
        out[k, k] = 1.0
    for k in range(p):
        pivot = matrix[k, k]
        for h in range(p):
            matrix[k, h] /= pivot
            out[k, h] /= pivot
        for i in range(p):
            factor = matrix[i, k]
            if i != k and factor != 0.0:
                for h in range(p):
                    matrix[i, h] -= factor * matrix[k, h]
                    out[i, h] -= factor * out[k, h]


@kernel
def _trace_of_product(a, b):
    total = 0.0
    for i in range(a.shape[0]):
        for k in range(a.shape[0]):
            total += a[i, k] * b[k, i]
    return total


@kernel
def _log_likelihood(a, y, mu, design, adjusted, like_r, work):
    """Without the part that does not depend on theta (``_constant``)."""
    theta, r = math.exp(a), math.exp(-a)
    total = 0.0
    for j in range(y.size):
        total += _gamma_excess(y[j], r) - (y[j] + r) * math.log1p(mu[j] * theta)
    if adjusted:
        _weighted_products(mu, design, theta, 1, work[0])
        total -= 0.5 * COX_REID * _log_determinant(work[0], like_r)
    return total


@kernel
def _constant(y, mu):
    total = 0.0
    for j in range(y.size):
        total += y[j] * math.log(mu[j]) - math.lgamma(y[j] + 1.0)
    return total


@kernel
def _slopes(a, y, mu, design, adjusted, work):
    """First and second derivative of the log-likelihood in a."""
    theta, r = math.exp(a), math.exp(-a)
    departure = plain = pull = squares = psi = trigamma = total = pairs = largest = 0.0
    for j in range(y.size):
        z = mu[j] * theta
        log_part = math.log1p(z)
        ratio = mu[j] / (mu[j] + r)
        part = log_part - ratio
        if z < 1e-4:
            low, high = z * z * (1.0 / (1.0 + z) - 0.5), z * z / (1.0 + z)
            part = low if z < ZERO else min(max(part, low), high)
        pulled = y[j] / (mu[j] + r)
        departure += part + pulled
        plain += log_part + pulled - ratio
        squares += (mu[j] * mu[j] * theta + y[j]) / ((1.0 + z) * (1.0 + z))
        psi += _digamma_difference(y[j], r)
        trigamma += _trigamma_difference(y[j], r)
        total += y[j]
        pairs += y[j] * (y[j] - 1.0)
        largest = max(largest, y[j])
    limit = total - (pairs / (2.0 * r) if r > 1e5 else 0.0)
    pull = limit if 1e6 * largest < r else min(r * psi, limit)
    first = second = 0.0
    if adjusted:
        first, second = _adjustment_slopes(theta, mu, design, work)
    score = r * departure - pull + theta * first
    curvature = -r * (plain - psi) + squares + r * r * trigamma + theta * theta * second + theta * first
    return score, curvature


@kernel
def _adjustment_slopes(theta, mu, design, work):
    """First and second derivative of the Cox-Reid term in theta."""
    _weighted_products(mu, design, theta, 1, work[0])
    for k in range(design.shape[1]):
        work[0, k, k] += RIDGE
    _invert(work[0], work[1])
    _weighted_products(mu, design, theta, 2, work[2])
    _weighted_products(mu, design, theta, 3, work[3])
    p = design.shape[1]
    for i in range(p):
        for k in range(p):
            value = 0.0
            for h in range(p):
                value -= work[1, i, h] * work[2, h, k]
            work[0, i, k] = value
    first = 0.0
    for k in range(p):
        first += work[0, k, k]
    second = _trace_of_product(work[0], work[0]) - 2.0 * _trace_of_product(work[1], work[3])
    return -0.5 * COX_REID * first, 0.5 * COX_REID * second


@kernel
def _trust_region(a, y, mu, design, adjusted, like_r, work):
    """Minimise minus the log-likelihood from ``a``: where it ends, iterations, and whether it converged."""
    low, high = LOG_BOX
    f = -_log_likelihood(a, y, mu, design, adjusted, like_r, work)
    score, curvature = _slopes(a, y, mu, design, adjusted, work)
    g, h = -score, -curvature
    radius = 1.0 / 1.1
    for iteration in range(1, MAX_ITERATIONS + 1):
        refused = False
        aside, gain_aside, step_aside = math.nan, 0.0, 0.0
        while True:
            newton = h > 0.0 and abs(g / h) <= 1.1 * radius
            step = -g / h if newton else (radius if g < 0.0 else -radius)
            new = min(max(a + step, low), high)
            step = new - a
            slope = g * step
            predicted = -(slope + 0.5 * h * step * step)
            if not math.isnan(aside) and predicted <= 1.2 * gain_aside:
                break
            gain = f + _log_likelihood(new, y, mu, design, adjusted, like_r, work)
            if not math.isnan(aside) and not gain > gain_aside:
                break
            aside = math.nan
            excess = slope + gain
            moved = abs(step) / (abs(a) + abs(new))
            converged = 0.5 * gain <= predicted and (
                (h > 0.0 and 0.5 * g * g / h <= REL_TOL * abs(f)) or (newton and moved <= X_TOL)
            )
            if not gain > 1e-4 * predicted:
                if converged:
                    return a, iteration, True
                if moved <= XF_TOL or math.isnan(gain):
                    return a, iteration, False
                refused = True
                radius = abs(step) * (max(0.1, 0.5 * slope / excess) if gain < 0.0 else 0.5)
                continue
            if converged:
                return new, iteration, True
            widening = 4.0 if excess >= 0.0 else min(4.0, max(2.0, 0.5 * slope / excess))
            if newton or refused or gain < 0.75 * abs(slope):
                break
            aside, gain_aside, step_aside = new, gain, step
            radius = abs(step) * widening
        taken_back = not math.isnan(aside)
        if taken_back:
            new, gain, step = aside, gain_aside, step_aside
        old_g, old_h = g, h
        a, f = new, f - gain
        score, curvature = _slopes(a, y, mu, design, adjusted, work)
        g, h = -score, -curvature
        if taken_back:
            continue
        if gain <= 0.1 * predicted:
            radius = 0.5 * abs(step)
        elif gain >= 0.75 * abs(slope) and not refused:
            radius = widening * abs(step)
        elif abs(g - old_g - old_h * step) <= 0.5 * abs(g) or g * step < 0.75 * slope:
            radius = 2.0 * abs(step)
        else:
            radius = abs(step)
    return a, MAX_ITERATIONS, False


@kernel
def _start(y):
    """ln of the moment estimate from raw counts; its sign is told from whole numbers, since ties do occur."""
    m = y.size
    total = squares = 0.0
    for j in range(m):
        total += y[j]
        squares += y[j] * y[j]
    excess = m * squares - total * total - (m - 1.0) * total
    if not excess > 0.0:
        return DEFAULT_START
    return math.log(excess / (m * (m - 1.0)) / (total / m) ** 2)


@kernel
def maximise_overdispersion(counts, means, design, alpha_start, max_dispersion, like_r, work, out_alpha, out_iterations):
    """The dispersion of each gene, or its start where the plain likelihood hardly gains by moving from it.

    counts, means : (n_genes, n_samples). design : (n_samples, p). alpha_start, out_* : (n_genes,).
    work : (4, p, p) scratch. like_r : see ``_log_determinant``; then a search that fails is also done again without
    the Cox-Reid term, as R does.
    """
    for gene in range(counts.shape[0]):
        y, mu = counts[gene], means[gene]
        out_alpha[gene] = math.nan
        out_iterations[gene] = 0
        if math.isnan(mu.sum()):
            continue
        alpha = 0.0
        if y.max() > 0.0 and not _slopes(LOG_LEAST, y, mu, design, True, work)[0] < 0.0:
            start = _start(y)
            a, iterations, converged = _trust_region(start, y, mu, design, True, like_r, work)
            if like_r and not converged:
                a, iterations, converged = _trust_region(start, y, mu, design, False, like_r, work)
            alpha = min(math.exp(a), max_dispersion)
            out_iterations[gene] = iterations
        constant = _constant(y, mu)
        before = constant + _log_likelihood(math.log(alpha_start[gene]), y, mu, design, False, False, work)
        after = constant
        if alpha > 0.0:
            after += _log_likelihood(math.log(alpha), y, mu, design, False, False, work)
        else:
            after -= mu.sum()
        out_alpha[gene] = alpha_start[gene] if after < before + abs(before) * NO_INCREASE else alpha


def overdispersion(counts, means, design, alpha_start, max_dispersion, *, like_r):  # type: ignore[no-untyped-def]
    """Call the kernel on a block: dispersions (not clipped from below) and iterations, each (n_genes,)."""
    p = design.shape[1]
    alpha = np.empty(counts.shape[0])
    iterations = np.empty(counts.shape[0], dtype=np.int64)
    maximise_overdispersion(
        counts, means, design, alpha_start, max_dispersion, like_r, np.empty((4, p, p)), alpha, iterations
    )
    return alpha, iterations
