"""Coefficients: negative binomial GLMs with the dispersion given, with and without a prior.

Love et al. (2014), "Shrinkage of logarithmic fold changes", eqs. (8)-(10), and "Wald test".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.kernels import KernelDesign, finish_glm, fit_glm, glm_start, prepare_design
from foldwise.kernels.moments import START_PSEUDOCOUNT
from foldwise.options import COEFFICIENT_VARIANCE, LN2, MAX_ITERATIONS, MIN_MU

LOG2_E = float(np.log2(np.e))
FARTHEST_START = 30.0  # log2: coefficients beyond it do not start the general optimiser


@dataclass(frozen=True, slots=True)
class GlmModel:
    """One GLM, the same for all genes.

    design : the model matrix. ridge_log2 : (n_coefficients,) 1 / prior variance of log2 coefficients.
    min_mu : floor of means while fitting. intercept_only : whether the closed form for ``~ 1`` applies.
    """

    design: KernelDesign
    ridge_log2: FloatArray
    min_mu: float
    intercept_only: bool

    @property
    def ridge(self) -> FloatArray:
        """The ridge on natural-log coefficients."""
        return self.ridge_log2 / LN2**2


def glm_model(matrix: FloatArray, *, min_mu: float = MIN_MU, prior_variance: FloatArray | None = None) -> GlmModel:
    """A GLM for this model matrix; without a prior each log2 coefficient has the wide variance of 1e6."""
    design = prepare_design(matrix)
    variance = np.full(design.n_coefficients, COEFFICIENT_VARIANCE) if prior_variance is None else prior_variance
    ridge = 1.0 / np.asarray(variance, dtype=np.float64)
    ones = design.n_coefficients == 1 and bool(np.all(design.matrix == 1.0))
    return GlmModel(design, ridge, min_mu, ones and bool(np.all(ridge <= 1.0 / COEFFICIENT_VARIANCE)))


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Fitted coefficients of a block.

    beta : (n_genes, p) natural log. iterations : (n_genes,) 100 where the general optimiser took over.
    converged : (n_genes,). hat_beta : (n_genes, p) what hat diagonals belong to. optimised : (n_genes,) by the
    general optimiser. constants : (n_genes,) what no coefficient changes in the log-likelihood; None where unknown.
    """

    beta: FloatArray
    iterations: IntArray
    converged: BoolArray
    hat_beta: FloatArray
    optimised: BoolArray
    constants: FloatArray | None


def fit_coefficients(
    counts: FloatArray,
    factors: FloatArray,
    model: GlmModel,
    alpha: FloatArray,
    *,
    weights: FloatArray | None = None,
    constants: FloatArray | None = None,
) -> Coefficients:
    """Iteratively reweighted least squares; the general optimiser where that does not converge, R's path.

    constants : of another fit of the same counts, dispersions and weights, to save computing them.
    """
    if model.intercept_only:
        return _intercept_only(counts, factors, weights, constants)
    fit = fit_glm(
        counts,
        factors,
        model.design,
        alpha,
        model.ridge,
        weights=weights,
        min_mu=model.min_mu,
        constants=constants,
    )
    beta = np.array(fit.beta)
    optimised = (fit.iterations >= MAX_ITERATIONS) | ~np.isfinite(beta).all(axis=1)
    converged = ~optimised
    rows = np.flatnonzero(optimised)
    if len(rows):
        natural_start = natural_starts(counts[rows], _of(factors, rows), model.design)
        for row, start in zip(rows.tolist(), natural_start, strict=True):
            beta[row], converged[row] = _optimised(counts, factors, model, alpha, weights, row, beta[row], start)
    return Coefficients(beta, fit.iterations, converged, fit.hat_beta, optimised, fit.constants)


def natural_starts(counts: FloatArray, factors: FloatArray, design: KernelDesign) -> FloatArray:
    """(n_genes, p) where R's least squares start, to the last bit: it decides where the optimiser ends."""
    if not design.full_rank:
        return glm_start(counts, factors, design)
    from foldwise.optimise.linpack import least_squares

    logs = [math.log(value) for value in (counts / factors + START_PSEUDOCOUNT).ravel().tolist()]
    return least_squares(design.matrix, np.array(logs).reshape(counts.shape))


def _optimised(
    counts: FloatArray,
    factors: FloatArray,
    model: GlmModel,
    alpha: FloatArray,
    weights: FloatArray | None,
    row: int,
    reached: FloatArray,
    natural_start: FloatArray,
) -> tuple[FloatArray, bool]:
    from foldwise.optimise.negative_binomial import fit_by_optimiser

    start = reached * LOG2_E
    if not (np.isfinite(start).all() and (np.abs(start) < FARTHEST_START).all()):
        start = natural_start  # R takes the natural-log start for log2 numbers here
    answer = fit_by_optimiser(
        counts[row],
        factors if factors.ndim == 1 else factors[row],
        model.design.matrix,
        float(alpha[row]),
        model.ridge_log2,
        start,
        weights_row=None if weights is None else weights[row],
    )
    return answer[0] / LOG2_E, answer[1] == 0


def _intercept_only(
    counts: FloatArray, factors: FloatArray, weights: FloatArray | None, constants: FloatArray | None
) -> Coefficients:
    """The closed form for ``~ 1``: the log of the mean normalized count. No ridge, no floor."""
    normalized = counts / factors
    if weights is None:
        mean = normalized.mean(axis=1)
    else:
        mean = (weights * normalized).sum(axis=1) / weights.sum(axis=1)
    with np.errstate(divide="ignore"):
        beta = np.log(mean)[:, None]
    n = counts.shape[0]
    done, never = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    return Coefficients(beta, np.ones(n, dtype=np.int64), done, beta, never, constants)


@dataclass(frozen=True, slots=True)
class FittedGlm:
    """Coefficients with all that follows from them.

    se : (n_genes, p) log2. log_likelihood : (n_genes,). max_cooks, max_lasting_cooks, largest_sample, exceeds :
    (n_genes,) or None.
    means, hat, cooks : (n_genes, n_samples) if kept.
    """

    coefficients: Coefficients
    se: FloatArray
    log_likelihood: FloatArray
    max_cooks: FloatArray | None
    max_lasting_cooks: FloatArray | None
    largest_sample: IntArray | None
    exceeds: BoolArray | None
    means: FloatArray | None
    hat: FloatArray | None
    cooks: FloatArray | None


@dataclass(frozen=True, slots=True)
class CooksRule:
    """judged : (n_samples,) samples in cells of three or more. lasting : (n_samples,) whose counts are never replaced.
    cutoff : for replacement, infinite for none. n_coefficients : the p that distances are divided by."""

    judged: BoolArray
    lasting: BoolArray
    cutoff: float
    n_coefficients: int


def fit_and_finish(
    counts: FloatArray,
    factors: FloatArray,
    model: GlmModel,
    alpha: FloatArray,
    *,
    weights: FloatArray | None = None,
    robust_alpha: FloatArray | None = None,
    cook_means: FloatArray | None = None,
    cooks: CooksRule | None = None,
    keep: bool = False,
    constants: FloatArray | None = None,
) -> FittedGlm:
    """Coefficients, standard errors, likelihood and, if asked, Cook's distances of a block of genes."""
    fitted = fit_coefficients(counts, factors, model, alpha, weights=weights, constants=constants)
    out = _finished(counts, factors, model, fitted, alpha, weights, robust_alpha, cook_means, cooks, keep, None)
    no_variance = ~(out.se > 0).all(axis=1) & ~fitted.optimised
    # R sends genes with a variance that is not positive to the optimiser too.
    if no_variance.any() and not model.intercept_only:
        fitted = _sent_on(counts, factors, model, fitted, alpha, weights, np.flatnonzero(no_variance))
    rows = np.flatnonzero(fitted.optimised)
    if len(rows):
        part = _finished(counts, factors, model, fitted, alpha, weights, robust_alpha, cook_means, cooks, keep, rows)
        _overwrite(out, part, rows)
    return FittedGlm(fitted, *(getattr(out, name) for name in FittedGlm.__slots__[1:]))


def _sent_on(
    counts: FloatArray,
    factors: FloatArray,
    model: GlmModel,
    fitted: Coefficients,
    alpha: FloatArray,
    weights: FloatArray | None,
    rows: IntArray,
) -> Coefficients:
    beta, converged, optimised = np.array(fitted.beta), np.array(fitted.converged), np.array(fitted.optimised)
    starts = natural_starts(counts[rows], _of(factors, rows), model.design)
    for row, start in zip(rows.tolist(), starts, strict=True):
        beta[row], converged[row] = _optimised(counts, factors, model, alpha, weights, row, beta[row], start)
    optimised[rows] = True
    return Coefficients(beta, fitted.iterations, converged, fitted.hat_beta, optimised, fitted.constants)


def _finished(
    counts: FloatArray,
    factors: FloatArray,
    model: GlmModel,
    fitted: Coefficients,
    alpha: FloatArray,
    weights: FloatArray | None,
    robust_alpha: FloatArray | None,
    cook_means: FloatArray | None,
    cooks: CooksRule | None,
    keep: bool,
    rows: IntArray | None,
) -> FittedGlm:
    def part(x: FloatArray | None) -> FloatArray | None:
        return x if x is None or rows is None else x[rows]

    out = finish_glm(
        counts if rows is None else counts[rows],
        factors if rows is None else _of(factors, rows),
        model.design,
        fitted.beta if rows is None else fitted.beta[rows],
        alpha if rows is None else alpha[rows],
        # The closed form of "~ 1" has neither ridge nor floor.
        np.zeros(1) if model.intercept_only else model.ridge,
        weights=part(weights),
        min_mu=0.0 if model.intercept_only else model.min_mu,
        # R stores the likelihood of optimised genes at floored means, that of all others at means as they are.
        floor_likelihood=rows is not None,
        # Elsewhere the last means are those of the coefficients, and one pass does for both.
        hat_beta=None if rows is None else part(fitted.hat_beta),
        robust_alpha=part(robust_alpha),
        cook_means=part(cook_means),
        judged=None if cooks is None else cooks.judged,
        lasting=None if cooks is None else cooks.lasting,
        cutoff=np.inf if cooks is None else cooks.cutoff,
        keep=keep,
        constants=part(fitted.constants),
    )
    return FittedGlm(fitted, *out)


def _overwrite(whole: FittedGlm, part: FittedGlm, rows: IntArray) -> None:
    for name in FittedGlm.__slots__[1:]:
        target, source = getattr(whole, name), getattr(part, name)
        if target is not None:
            target[rows] = source


def _of(factors: FloatArray, rows: IntArray) -> FloatArray:
    return factors if factors.ndim == 1 else factors[rows]
