"""Kernel: the maximum of each gene's Cox-Reid adjusted likelihood, found as R's ``nlminb`` finds it.

Ahlmann-Eltze & Huber (2020), "glmGamPoi"; Cox & Reid (1987); Dennis, Gay & Welsch (1981) for the trust region.
In the formulas y are counts, mu means, theta the dispersion, a = ln theta, r = 1/theta, m samples.

The differences lnGamma(y+r) - lnGamma(r) and their derivatives are taken from Stirling's series where r is large, so
that a gene on its way to theta = 0 gets there instead of stopping in rounding noise.
"""

# mypy: allow-untyped-defs
from __future__ import annotations

import math

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.kernels._jit import announce, kernel

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
def _cox_reid(theta, means, gene, design, like_r, work):
    """The adjustment -COX_REID/2 ln det B, and its first and second derivative in theta.

    B = X' diag(d) X with d = 1 / (1/mu + theta). Its derivatives are -B2 and 2 B3, with d squared and cubed.
    work : (2, p, 3 p). work[0] holds B, B2 and B3 side by side, work[1] what Gauss and Jordan make of them: first of B
    alone, for its determinant, then with RIDGE on its diagonal, for its inverse times B2 and B3.
    like_r : count every pivot below 1e-50, thus every negative one, as 1e-50. glmGamPoi exchanges rows and forgets
    that each exchange turns the sign; with covariates of large scale its likelihood is then wrong.
    """
    p = design.shape[1]
    for k in range(p):
        for h in range(3 * p):
            work[0, k, h] = 0.0
    for j in range(design.shape[0]):
        d = 1.0 / (1.0 / means[gene, j] + theta)
        for k in range(p):
            part = d * design[j, k]
            if part != 0.0:
                for h in range(p):
                    product = part * design[j, h]
                    work[0, k, h] += product
                    work[0, k, p + h] += product * d
                    work[0, k, 2 * p + h] += product * d * d
    log_determinant = 0.0
    for ridge in (0.0, RIDGE):
        columns = 3 * p if ridge > 0.0 else p
        for k in range(p):
            for h in range(columns):
                work[1, k, h] = work[0, k, h] + (ridge if h == k else 0.0)
        for k in range(p):
            best = k
            for i in range(k + 1, p):
                if abs(work[1, i, k]) > abs(work[1, best, k]):
                    best = i
            pivot = work[1, best, k]
            if ridge == 0.0:
                log_determinant += math.log(max(pivot if like_r else abs(pivot), TINY_PIVOT))
            for h in range(k, columns):
                kept = work[1, k, h]
                work[1, k, h] = work[1, best, h] / pivot
                if best != k:
                    work[1, best, h] = kept
            for i in range(p):
                factor = work[1, i, k]
                if i != k and factor != 0.0:
                    for h in range(k, columns):
                        work[1, i, h] -= factor * work[1, k, h]
    trace = squares = bend = 0.0
    for i in range(p):
        trace -= work[1, i, p + i]
        bend += 2.0 * work[1, i, 2 * p + i]
        for k in range(p):
            squares += work[1, i, p + k] * work[1, k, p + i]
    half = 0.5 * COX_REID
    return -half * log_determinant, -half * trace, half * (squares - bend)


@kernel
def _objective(a, counts, means, gene, design, adjusted, like_r, work):
    """Minus the adjusted log-likelihood (but for what does not depend on a), and its two derivatives in a."""
    theta, r = math.exp(a), math.exp(-a)
    value = departure = plain = squares = psi = trigamma = total = pairs = largest = 0.0
    for j in range(design.shape[0]):
        y, mu = counts[gene, j], means[gene, j]
        z = mu * theta
        log_part = math.log1p(z)
        ratio = mu / (mu + r)
        part = log_part - ratio
        if z < 1e-4:
            low, high = z * z * (1.0 / (1.0 + z) - 0.5), z * z / (1.0 + z)
            part = low if z < ZERO else min(max(part, low), high)
        pulled = y / (mu + r)
        value += _gamma_excess(y, r) - (y + r) * log_part
        departure += part + pulled
        plain += log_part + pulled - ratio
        squares += (mu * mu * theta + y) / ((1.0 + z) * (1.0 + z))
        if y > 0.0:
            psi += _digamma_difference(y, r)
            trigamma += _trigamma_difference(y, r)
        total += y
        pairs += y * (y - 1.0)
        largest = max(largest, y)
    limit = total - (pairs / (2.0 * r) if r > 1e5 else 0.0)
    pull = limit if 1e6 * largest < r else min(r * psi, limit)
    first = second = 0.0
    if adjusted:
        adjustment, first, second = _cox_reid(theta, means, gene, design, like_r, work)
        value += adjustment
    score = r * departure - pull + theta * first
    curvature = -r * (plain - psi) + squares + r * r * trigamma + theta * theta * second + theta * first
    return -value, -score, -curvature


@kernel
def _search(counts, means, gene, design, like_r, work):
    """The log dispersion (-inf for none) and the iterations it took.

    A trust region in one dimension, in ``nlminb``'s order of decisions. Every evaluation happens at one place, the
    head of the loop; ``iteration`` says what it is for: -1 whether there is overdispersion at all, 0 the start.
    A step that was better than foretold is put aside while a longer one is tried.
    """
    start, adjusted, iteration, new = _start(counts, gene), True, -1, LOG_LEAST
    a = f = g = h = step = slope = predicted = 0.0
    radius = widening = 0.0
    newton = refused = has_aside = False
    aside = f_aside = g_aside = h_aside = 0.0
    while True:
        f_new, g_new, h_new = _objective(new, counts, means, gene, design, adjusted, like_r, work)
        moves = failed = False
        if iteration == -1:
            if g_new > 0.0:
                return -math.inf, 0
            new, iteration = start, 0
            continue
        if iteration == 0:
            moves, radius = True, 1.0 / 1.1
        else:
            gain = f - f_new
            if has_aside and not f_new < f_aside:
                new, f_new, g_new, h_new, moves = aside, f_aside, g_aside, h_aside, True
            else:
                has_aside = False
                excess = slope + gain
                moved = abs(step) / (abs(a) + abs(new))
                converged = 0.5 * gain <= predicted and (
                    (h > 0.0 and 0.5 * g * g / h <= REL_TOL * abs(f)) or (newton and moved <= X_TOL)
                )
                accepted = gain > 1e-4 * predicted
                if converged:
                    return (new if accepted else a), iteration
                widening = 4.0 if excess >= 0.0 else min(4.0, max(2.0, 0.5 * slope / excess))
                well = gain >= 0.75 * abs(slope) and not refused
                if not accepted:
                    failed = moved <= XF_TOL or math.isnan(gain)
                    refused = True
                    radius = abs(step) * (max(0.1, 0.5 * slope / excess) if gain < 0.0 else 0.5)
                elif well and not newton:
                    has_aside, aside, f_aside, g_aside, h_aside = True, new, f_new, g_new, h_new
                    radius = abs(step) * widening
                else:
                    moves = True
                    if gain <= 0.1 * predicted:
                        radius = 0.5 * abs(step)
                    elif well:
                        radius = widening * abs(step)
                    elif abs(g_new - g - h * step) <= 0.5 * abs(g_new) or g_new * step < 0.75 * slope:
                        radius = 2.0 * abs(step)
                    else:
                        radius = abs(step)
        while True:
            if moves:
                a, f, g, h = new, f_new, g_new, h_new
                iteration += 1
                refused = has_aside = moves = False
            newton = h > 0.0 and abs(g / h) <= 1.1 * radius
            step = -g / h if newton else (radius if g < 0.0 else -radius)
            new = min(max(a + step, LOG_BOX[0]), LOG_BOX[1])
            step = new - a
            slope = g * step
            predicted = -(slope + 0.5 * h * step * step)
            if not has_aside or predicted > 1.2 * (f - f_aside):
                break
            new, f_new, g_new, h_new, moves = aside, f_aside, g_aside, h_aside, True
        if failed or iteration > MAX_ITERATIONS:
            if not (like_r and adjusted):
                return a, min(iteration, MAX_ITERATIONS)
            adjusted, iteration, new = False, 0, start


@kernel
def _start(counts, gene):
    """ln of the moment estimate from raw counts; its sign is told from whole numbers, since ties do occur."""
    m = counts.shape[1]
    total = squares = 0.0
    for j in range(m):
        total += counts[gene, j]
        squares += counts[gene, j] * counts[gene, j]
    excess = m * squares - total * total - (m - 1.0) * total
    if not excess > 0.0:
        return DEFAULT_START
    return math.log(excess / (m * (m - 1.0)) / (total / m) ** 2)


@kernel
def _plain_log_likelihood(alpha, counts, means, gene):
    """Of the negative binomial (Poisson where alpha is 0), but for what does not depend on alpha."""
    total = 0.0
    for j in range(counts.shape[1]):
        if alpha > 0.0:
            y, r = counts[gene, j], 1.0 / alpha
            total += _gamma_excess(y, r) - (y + r) * math.log1p(means[gene, j] * alpha)
        else:
            total -= means[gene, j]
    return total


@kernel
def maximise_overdispersion(
    counts, means, design, alpha_start, max_dispersion, like_r, work, out_alpha, out_iterations
):
    """The dispersion of each gene, or its start where the plain likelihood hardly gains by moving from it.

    counts, means : (n_genes, n_samples). design : (n_samples, p). alpha_start, out_* : (n_genes,).
    work : (2, p, 3 p) scratch. like_r : see ``_cox_reid``; then a search that fails is also done again
    without the Cox-Reid term, as R does.
    """
    for gene in range(counts.shape[0]):
        constant = largest = 0.0
        for j in range(counts.shape[1]):
            y = counts[gene, j]
            constant += y * math.log(means[gene, j]) - math.lgamma(y + 1.0)
            largest = max(largest, y)
        out_alpha[gene], out_iterations[gene] = 0.0, 0
        if math.isnan(constant):
            out_alpha[gene] = math.nan
            continue
        if largest > 0.0:
            a, out_iterations[gene] = _search(counts, means, gene, design, like_r, work)
            out_alpha[gene] = min(math.exp(a), max_dispersion)
        after = before = 0.0
        for alpha in (out_alpha[gene], alpha_start[gene]):
            after, before = before, _plain_log_likelihood(alpha, counts, means, gene)
        if after - before < abs(before + constant) * NO_INCREASE:
            out_alpha[gene] = alpha_start[gene]


def overdispersion(
    counts: FloatArray,
    means: FloatArray,
    design: FloatArray,
    alpha_start: FloatArray,
    max_dispersion: float,
    *,
    like_r: bool,
) -> tuple[FloatArray, IntArray]:
    """Call the kernel on a block: dispersions (not clipped from below) and iterations, each (n_genes,)."""
    p = design.shape[1]
    alpha = np.empty(counts.shape[0])
    iterations = np.empty(counts.shape[0], dtype=np.int64)
    work = np.empty((2, p, 3 * p))
    announce(maximise_overdispersion)
    maximise_overdispersion(counts, means, design, alpha_start, max_dispersion, like_r, work, alpha, iterations)
    return alpha, iterations
