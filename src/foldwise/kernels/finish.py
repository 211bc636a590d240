"""The last pass over a fitted GLM: standard errors, log-likelihood, hat diagonals, Cook's distances.

Love et al. (2014); Cook (1977). Nothing of the size genes x samples is kept unless asked for.
"""

from __future__ import annotations

import math

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.kernels import scratch
from foldwise.kernels._jit import announce, kernel
from foldwise.kernels.answers import GlmFinish
from foldwise.kernels.constants import likelihood_constants
from foldwise.kernels.design import KernelDesign
from foldwise.kernels.lanes import WIDTH, load, spread, store
from foldwise.kernels.likelihood import cooks_term, exponential, fit_terms, log2_error
from foldwise.kernels.smallmat import factor, inverse, invert_factor
from foldwise.kernels.statistics import glm_means

ALPHA, ROBUST, LIKELIHOOD = range(3)
STATE_ROWS = 3


@kernel
def wrap_up(  # type: ignore[no-untyped-def]
    counts, factors, weights, weighted, alphas, constants, beta, ridge, min_mu, floor_likelihood, contrasts,
    robust, cooking, cook_means, given_means, judged, cutoff, keep,
    order, row_starts, entry_starts, columns, entries, starts, index, values, hat_values,
    y, s, w, mu, hat, cooks, state, b, a, v, factored, pivots, vc, errors,
    out_se, out_likelihood, out_largest, out_sample, out_exceeds, out_mu, out_hat, out_cooks,
):  # fmt: skip
    n, m = counts.shape
    p = ridge.size
    n_rows = row_starts.size - 1
    size = p * (p + 1) // 2
    gene_wise = factors.shape[0] > 1
    for first in range(0, n, WIDTH):
        for lane in range(WIDTH):
            here = min(first + lane, n - 1)  # the last gene fills the lanes that are left
            state[ALPHA, lane] = alphas[here]
            state[LIKELIHOOD, lane] = constants[here]
            if cooking:
                state[ROBUST, lane] = robust[here]
            for k in range(p):
                b[k, lane] = beta[here, k]
            for j in range(m):
                sample = order[j]
                y[j, lane] = counts[here, sample]
                s[j, lane] = factors[here if gene_wise else 0, sample]
                if weighted:
                    w[j, lane] = weights[here, sample]
                if given_means:
                    mu[j, lane] = cook_means[here, sample]

        # Means, log-likelihood, X'WX; the weights W wait where the hat diagonals will be.
        alpha = load(state, ALPHA)
        r = 1.0 / alpha
        apart = spread(0.0)  # summed by itself: it keeps its digits where the constants are large
        at_counts = load(state, LIKELIHOOD)
        for k in range(size):
            store(a, k, spread(0.0))
        for row in range(n_rows):
            eta = spread(0.0)
            for k in range(entry_starts[row], entry_starts[row + 1]):
                eta = eta + load(b, columns[k]) * entries[k]
            scale = exponential(eta)
            weight_sum = spread(0.0)
            for j in range(row_starts[row], row_starts[row + 1]):
                mean, weight, value, perfect = fit_terms(
                    load(y, j), load(s, j), scale, alpha, r, min_mu, floor_likelihood
                )
                if weighted:
                    weight = weight * load(w, j)
                    value = value * load(w, j)
                    perfect = perfect * load(w, j)
                apart = apart + value
                at_counts = at_counts + perfect
                weight_sum = weight_sum + weight
                store(hat, j, weight)
                if not given_means:
                    store(mu, j, mean)
            for k in range(starts[row], starts[row + 1]):
                store(a, index[k], load(a, index[k]) + weight_sum * values[k])
        store(state, LIKELIHOOD, at_counts + apart)

        # V = (X'WX + ridge)^-1, and the errors of V X'WX V.
        for k in range(size):
            store(factored, k, load(a, k))
        for k in range(p):
            store(factored, k * (k + 1) // 2 + k, load(a, k * (k + 1) // 2 + k) + ridge[k])
        factor(factored, p, pivots)
        invert_factor(factored, p)
        inverse(factored, p, v)
        for c in range(contrasts.shape[0]):
            for i in range(p):
                total = spread(0.0)
                for k in range(p):
                    if contrasts[c, k] != 0.0:
                        at = i * (i + 1) // 2 + k if k <= i else k * (k + 1) // 2 + i
                        total = total + load(v, at) * contrasts[c, k]
                store(vc, i, total)
            variance = spread(0.0)
            for i in range(p):
                part = spread(0.0)
                for k in range(i):
                    part = part + load(a, i * (i + 1) // 2 + k) * load(vc, k)
                part = 2.0 * part + load(a, i * (i + 1) // 2 + i) * load(vc, i)
                variance = variance + part * load(vc, i)
            store(errors, c, log2_error(variance))

        if cooking or keep:
            for row in range(n_rows):
                leverage = spread(0.0)
                for k in range(starts[row], starts[row + 1]):
                    leverage = leverage + load(v, index[k]) * hat_values[k]
                for j in range(row_starts[row], row_starts[row + 1]):
                    h = load(hat, j) * leverage
                    store(hat, j, h)
                    if cooking:
                        distance = cooks_term(load(y, j), load(mu, j), h, load(state, ROBUST), float(p))
                        store(cooks, order[j], distance)

        for lane in range(min(WIDTH, n - first)):
            here = first + lane
            out_likelihood[here] = state[LIKELIHOOD, lane]
            for c in range(contrasts.shape[0]):
                out_se[here, c] = errors[c, lane]
            if keep:
                for j in range(m):
                    out_mu[here, order[j]] = mu[j, lane]
                    out_hat[here, order[j]] = hat[j, lane]
            if not cooking:
                continue
            largest = -math.inf
            largest_judged = -math.inf
            largest_lasting = -math.inf
            for j in range(m):
                distance = cooks[j, lane]
                if distance > largest:
                    largest = distance
                    out_sample[here] = j
                if judged[j] > 0 and distance > largest_judged:
                    largest_judged = distance
                if judged[j] > 1 and distance > largest_lasting:
                    largest_lasting = distance
                if keep:
                    out_cooks[here, j] = distance
            out_largest[0, here] = largest_judged
            out_largest[1, here] = largest_lasting
            out_exceeds[here] = largest > cutoff


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
    constants: FloatArray | None = None,
) -> GlmFinish:
    """Standard errors, log-likelihood and Cook's distances that follow from fitted coefficients.

    counts, factors, design, alpha, ridge, weights, min_mu : as for ``fit_glm``.
    beta : (n_genes, n_coefficients) natural log.
    contrasts : (n_contrasts, n_coefficients) whose errors to give; by default each coefficient's.
    floor_likelihood : take the log-likelihood at means of at least min_mu (R does so in the rows of its optimiser).
    hat_beta : coefficients that the hat diagonals belong to, if not ``beta``.
    robust_alpha : (n_genes,) dispersion for Cook's distances; without it there are none.
    cook_means : (n_genes, n_samples) means for Cook's distances, if not the fitted ones (without floor).
    judged : (n_samples,) samples of which max_cooks is the largest; all by default. NaN if there is none.
    lasting : (n_samples,) samples of which, if judged, max_lasting_cooks is the largest; all by default.
    constants : ``GlmFit.constants`` of the fit, to save computing them again.
    cutoff : for ``exceeds``. keep : also give the matrices of means, hat diagonals and Cook's distances.
    """
    if hat_beta is not None and (robust_alpha is not None or keep):
        return _with_other_hat(
            counts, factors, design, beta, alpha, ridge, hat_beta, robust_alpha, cook_means, keep,
            fit={"weights": weights, "min_mu": min_mu, "constants": constants},
            cooks={"judged": judged, "lasting": lasting, "cutoff": cutoff},
            errors={"contrasts": contrasts, "floor_likelihood": floor_likelihood},
        )  # fmt: skip
    n, m = counts.shape
    p = design.n_coefficients
    size = p * (p + 1) // 2
    weighted, cooking, given_means = weights is not None, robust_alpha is not None, cook_means is not None
    counts, alpha = scratch.plain(counts), scratch.plain(alpha)
    wanted = np.eye(p) if contrasts is None else scratch.plain(np.atleast_2d(contrasts))
    if constants is None:
        constants = likelihood_constants(counts, alpha, weights)
    se, likelihood, largest = np.empty((n, wanted.shape[0])), np.empty(n), np.empty((2, n if cooking else 1))
    sample, exceeds = np.zeros((2, n if cooking else 1), dtype=np.int64)
    kept = np.empty((3, n, m)) if keep else np.empty((3, 1, 1))
    judging = np.ones(m, dtype=np.int64) if judged is None else np.asarray(judged, dtype=np.int64)
    judging = judging * (2 if lasting is None else 1 + np.asarray(lasting, dtype=np.int64))
    announce(wrap_up)
    wrap_up(
        counts, scratch.plain(np.atleast_2d(factors)), scratch.plain_or_nothing(weights), weighted, alpha,
        scratch.plain(constants), scratch.plain(beta), scratch.plain(ridge), float(min_mu),
        float(floor_likelihood), wanted,
        scratch.plain(robust_alpha) if robust_alpha is not None else np.zeros(1), cooking,
        scratch.plain_or_nothing(cook_means), given_means, judging, float(cutoff), bool(keep),
        design.order, design.starts, *design.entries, *design.products, design.doubled_products,
        *scratch.tiles(m, m, m if weighted else 1, m, m, m, STATE_ROWS, p, size, size, size, p, p, wanted.shape[0]),
        se, likelihood, largest, sample, exceeds, *kept,
    )  # fmt: skip
    means = glm_means(factors, design, beta) if keep and given_means else kept[0]
    for code in (1, 2):
        if cooking and not (judging >= code).any():
            largest[code - 1] = np.nan
    return GlmFinish(
        se,
        likelihood,
        largest[0] if cooking else None,
        largest[1] if cooking else None,
        sample if cooking else None,
        exceeds.astype(bool) if cooking else None,
        means if keep else None,
        kept[1] if keep else None,
        kept[2] if keep and cooking else None,
    )


def _with_other_hat(  # type: ignore[no-untyped-def]
    counts, factors, design, beta, alpha, ridge, hat_beta, robust_alpha, cook_means, keep, *, fit, cooks, errors
) -> GlmFinish:
    """Errors and likelihood of one set of coefficients, hat diagonals of another."""
    own = finish_glm(counts, factors, design, beta, alpha, ridge, keep=True, **fit, **errors)
    means = own.means if cook_means is None else cook_means
    other = finish_glm(
        counts, factors, design, hat_beta, alpha, ridge,
        robust_alpha=robust_alpha, cook_means=means, keep=keep, **fit, **cooks,
    )  # fmt: skip
    return other._replace(se=own.se, log_likelihood=own.log_likelihood, means=own.means if keep else None)


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
    """(n_genes,) log2 standard errors of one contrast (n_coefficients,) of the fitted coefficients."""
    finish = finish_glm(
        counts, factors, design, beta, alpha, ridge, weights=weights, min_mu=min_mu, contrasts=np.asarray(contrast)
    )
    return finish.se[:, 0]
