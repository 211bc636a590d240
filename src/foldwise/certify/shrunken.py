"""Shrunken fold changes, held against their own posteriors: modes by the Newton step left, means in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import expit, ndtr

from foldwise.arrays import BoolArray, FloatArray
from foldwise.certify.genes import relative
from foldwise.certify.likelihood import LN2, Glm, covariance, fit

if TYPE_CHECKING:
    from foldwise.fit import Fit
    from foldwise.results import Results

NUISANCE_SD = 15.0  # of the other coefficients' prior, natural log
ROUNDS = 60
DIFFERENCE = 1e-3
TIED = 1e-12
MIXTURE_EPSILON = 1e-6  # what R's solver adds to each likelihood
NEGLIGIBLE = 1e-10


class Posterior(NamedTuple):
    """apeglm's model for many genes.

    counts, log_factors, weights : (n_genes, n_samples). matrix : (n_samples, p). size : (n_genes, 1), 1 / dispersion.
    column : the coefficient with the Cauchy prior of scale ``scale``; cauchy : (p,) all that have one.
    """

    counts: FloatArray
    log_factors: FloatArray
    weights: FloatArray
    matrix: FloatArray
    size: FloatArray
    cauchy: BoolArray
    scale: float

    def derivatives(self, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian of minus the log-posterior."""
        eta = beta @ self.matrix.T + self.log_factors
        share = expit(eta - np.log(self.size))
        total = self.counts + self.size
        slope = -(self.weights * (self.counts - total * share)) @ self.matrix
        bend = self.weights * total * share * (1.0 - share)
        hessian = np.einsum("gm,mk,ml->gkl", bend, self.matrix, self.matrix)
        s2, b2 = self.scale**2, beta**2
        slope = slope + np.where(self.cauchy, 2.0 * beta / (s2 + b2), beta / NUISANCE_SD**2)
        own = np.where(self.cauchy, 2.0 * (s2 - b2) / (s2 + b2) ** 2, 1.0 / NUISANCE_SD**2)
        return slope, hessian + own[:, None, :] * np.eye(beta.shape[1])

    def difference_error(self, beta: FloatArray) -> FloatArray:
        """(n_genes, p) what R's curvature, a difference of slopes over 1e-3, has more than the prior's own.

        It matters where the prior's scale is of that size: null coefficients, whose scale R sets to 1e-3.
        """
        s2, up, down = self.scale**2, beta + DIFFERENCE, beta - DIFFERENCE
        taken = (up / (s2 + up**2) - down / (s2 + down**2)) / DIFFERENCE
        own = 2.0 * (s2 - beta**2) / (s2 + beta**2) ** 2
        return np.where(self.cauchy, taken - own, 0.0)


def profile(posterior: Posterior, beta: FloatArray, column: int) -> tuple[FloatArray, FloatArray]:
    """Newton step of one coefficient, in posterior standard deviations, and that deviation, the others at their best."""
    others = np.arange(beta.shape[1]) != column
    beta = beta.copy()
    for _ in range(ROUNDS):
        slope, hessian = posterior.derivatives(beta)
        if not others.any():
            break
        inner = hessian[:, others][:, :, others]
        step = np.linalg.solve(inner, slope[:, others, None])[:, :, 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        beta[:, others] -= step * np.minimum(1.0, 1.0 / np.maximum(longest, 1e-300))
        if longest.max() < 1e-9:
            break
    slope, hessian = posterior.derivatives(beta)
    hessian += posterior.difference_error(beta)[:, None, :] * np.eye(beta.shape[1])
    variance = np.linalg.inv(hessian)[:, column, column]
    with np.errstate(invalid="ignore"):
        sd = np.sqrt(variance)
    return np.asarray(np.abs(slope[:, column]) * sd), np.asarray(sd)


def examine_shrunken(
    fit_: Fit, results: Results, table: dict[str, FloatArray], inner: dict[str, Any], plain: dict[str, FloatArray]
) -> dict[str, Any]:
    """Checks of a shrunken table. plain : the unshrunken fold changes and errors of the comparison, recomputed."""
    from foldwise.certify.comparison import adjusted_distance

    prior = results.metadata["prior"]
    known = ~fit_.first_stage.columns["allZero"].astype(bool)
    out: dict[str, Any] = {}
    if prior["type"] == "apeglm":
        out["mode"], out["mode_sd"] = _apeglm(fit_, results, table, known)
    elif prior["type"] == "ashr":
        out["posterior_mean"], out["posterior_sd"] = _ashr(table, prior, plain)
    else:
        out["refit"], out["refit_se"] = _normal(fit_, results, table, prior, known)
    if "padj" in table:
        own_filter = prior["type"] == "normal" and results.metadata["lfc_threshold"] > 0
        out["padj"] = adjusted_distance(table["padj"], table["pvalue"], fit_, results, as_given=own_filter)
    if "svalue" in table:
        out["svalue"] = _s_values(table, results, prior, plain)
    return out


def _contrast_first(matrix: FloatArray, vector: FloatArray) -> tuple[FloatArray, int]:
    """The model with the comparison as one of its coefficients, in the place of the last with the largest weight."""
    weight = np.abs(vector)
    if len(vector) > 1:
        weight[0] = 0.0
    column = int(len(vector) - 1 - np.argmax(weight[::-1]))
    change = np.eye(len(vector))
    change[column] = vector
    return matrix @ np.linalg.inv(change), column


def _apeglm(
    fit_: Fit, results: Results, table: dict[str, FloatArray], known: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Step left in posterior standard deviations, and the relative error of the deviation."""
    prior, vector = results.metadata["prior"], results.contrast.vector
    matrix, column = _contrast_first(fit_.design.matrix, vector)
    rows = np.flatnonzero(known & ~np.isnan(table["log2FoldChange"]))
    counts = fit_.measured.counts.rows(rows)
    factors = np.broadcast_to(fit_.factors if fit_.factors.ndim == 1 else fit_.factors[rows], counts.shape)
    raw = fit_.measured.weights
    cauchy = np.arange(matrix.shape[1]) == column
    if not prior.get("adapt", True):
        cauchy = np.arange(matrix.shape[1]) > 0
    posterior = Posterior(
        counts,
        np.log(factors),
        np.ones((1, counts.shape[1])) if raw is None else raw[rows],
        matrix,
        1.0 / fit_.genes["dispersion"].to_numpy()[rows, None],
        cauchy,
        float(prior["prior_scale"]),
    )
    beta = np.nan_to_num(fit_.coefficients.to_numpy()[rows] * LN2)
    beta[:, column] = table["log2FoldChange"][rows] * LN2
    start = np.log((counts / factors).mean(axis=1) + 0.1)
    far = (np.abs(beta) > 15).any(axis=1)
    beta[far] = np.where(np.arange(matrix.shape[1]) == column, beta[far], 0.0)
    beta[far, 0] = np.where(column == 0, beta[far, 0], start[far])
    step, sd = profile(posterior, beta, column)
    lost, off = np.full(len(known), np.nan), np.full(len(known), np.nan)
    lost[rows] = np.where(np.isnan(sd), 0.0, step)
    off[rows] = relative(table["lfcSE"][rows] * LN2, sd)
    return lost, off


def _ashr(
    table: dict[str, FloatArray], prior: dict[str, Any], plain: dict[str, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Distance from the posterior mean in its standard deviations, and the relative error of the deviation."""
    found = mixture_posterior(prior, plain)
    return np.abs(table["log2FoldChange"] - found.mean) / found.sd, relative(table["lfcSE"], found.sd)


class Mixture(NamedTuple):
    """mean, sd : (n_genes,) of the posterior. below(t) : (n_genes,) probability of less than t."""

    mean: FloatArray
    sd: FloatArray
    shares: FloatArray
    means: FloatArray
    sds: FloatArray

    def below(self, t: float) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.shares * ndtr((t - self.means) / self.sds)).sum(axis=1))


def mixture_posterior(prior: dict[str, Any], plain: dict[str, FloatArray]) -> Mixture:
    """Posterior under a mixture of normals about 0; genes without an estimate keep the prior."""
    weights, grid = np.asarray(prior["weights"]), np.asarray(prior["grid"])
    kept = weights > NEGLIGIBLE
    weights, grid = weights[kept] / weights[kept].sum(), grid[kept]
    b, s = plain["lfc"][:, None], plain["se"][:, None]
    used = ~np.isnan(b) & np.isfinite(s) & (s > 0)
    b, s = np.where(used, b, 0.0), np.where(used, s, 1.0)
    spread = s**2 + grid**2
    joint = np.log(weights) - 0.5 * np.log(spread) - 0.5 * b**2 / spread
    shares = np.exp(joint - joint.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares = np.where(used, shares, weights)
    means = np.where(used, b * grid**2 / spread, 0.0)
    variances = np.where(used, s**2 * grid**2 / spread, grid**2)
    mean = (shares * means).sum(axis=1)
    second = (shares * (variances + means**2)).sum(axis=1)
    return Mixture(mean, np.sqrt(np.maximum(second - mean**2, 0.0)), shares, means, np.sqrt(variances))


def mixture_violation(prior: dict[str, Any], plain: dict[str, FloatArray]) -> float:
    """How far the mixture's weights are from their optimality conditions: a gradient of 1 where positive, else less."""
    b, s = plain["lfc"], plain["se"]
    used = ~np.isnan(b) & np.isfinite(s) & (s > 0)
    spread = s[used, None] ** 2 + np.asarray(prior["grid"]) ** 2
    log_likelihood = -0.5 * np.log(spread) - 0.5 * b[used, None] ** 2 / spread
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    x = np.asarray(prior["weights"])
    gradient = (likelihood / (likelihood @ x + MIXTURE_EPSILON)[:, None]).mean(axis=0)
    return float(max(np.max(gradient - 1.0), np.max(np.abs(gradient - 1.0)[x > NEGLIGIBLE])))


def prior_variance_error(prior: dict[str, Any], plain: dict[str, FloatArray]) -> float:
    """Distance of apeglm's prior variance from the root of its equation (Efron & Morris), absolute, natural log."""
    x, d = plain["lfc"] * LN2, (plain["se"] * LN2) ** 2
    there = ~np.isnan(x) & ~np.isnan(d)
    x, d = x[there], d[there]

    def equation(a: float) -> float:
        information = 0.5 / (a + d) ** 2
        return float(((x**2 - d) * information).sum() / information.sum() - a)

    low, high = 1e-6, 400.0
    if equation(low) < 0:
        return abs(float(prior["prior_variance"]) - low)
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if equation(middle) > 0 else (low, middle)
    return abs(float(prior["prior_variance"]) - 0.5 * (low + high))


def _normal(
    fit_: Fit, results: Results, table: dict[str, FloatArray], prior: dict[str, Any], known: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Distance from the refit with the prior in its standard errors, and the relative error of the error."""
    lost, off = np.full(len(known), np.nan), np.full(len(known), np.nan)
    found = _refitted_design(fit_, results, list(prior["prior_variance"]))
    if found is None:
        return lost, off
    matrix, vector = found
    rows = np.flatnonzero(known)
    counts = fit_.measured.counts.rows(rows)
    weights = fit_.weights_array
    glm = Glm(
        counts,
        np.broadcast_to(fit_.factors if fit_.factors.ndim == 1 else fit_.factors[rows], counts.shape),
        np.broadcast_to(np.ones(1) if weights is None else weights[rows], counts.shape),
        matrix,
        fit_.genes["dispersion"].to_numpy()[rows, None],
        1.0 / np.array(list(prior["prior_variance"].values())) / LN2**2,
        0.5,
    )
    beta, _, steps = fit(glm)
    cov = covariance(glm, glm.means(beta))
    se = np.sqrt(np.einsum("k,gkl,l->g", vector, cov, vector)) / LN2
    lfc = beta @ vector / LN2
    if (vector > 0).any() and (vector < 0).any():  # without a count on either side there is no change
        touched = matrix @ (vector != 0) != 0
        lfc = np.where(counts[:, touched].any(axis=1), lfc, 0.0)
    kept = (steps < 100) & (table["lfcSE"][rows] != 0)
    lost[rows] = np.where(kept, np.abs(table["log2FoldChange"][rows] - lfc) / se, np.nan)
    off[rows] = np.where(kept, relative(table["lfcSE"][rows], se), np.nan)
    return lost, off


def _refitted_design(fit_: Fit, results: Results, names: list[str]) -> tuple[FloatArray, FloatArray] | None:
    """The matrix that was refitted and the comparison in it; None where the comparison is not two levels of a factor."""
    if names == fit_.coefficient_names:
        return fit_.design.matrix, np.asarray(results.contrast.vector)
    from foldwise.design import build_design

    design = build_design(fit_.design.formula, fit_.design.samples, expanded=True)
    levels = results.contrast.levels
    wanted = [] if levels is None else [levels[0] + level for level in levels[1:]]
    if not all(name in design.names for name in wanted) or not wanted:
        return None
    vector = np.zeros(len(design.names))
    vector[design.names.index(wanted[0])], vector[design.names.index(wanted[1])] = 1.0, -1.0
    return design.matrix, vector


def _s_values(
    table: dict[str, FloatArray], results: Results, prior: dict[str, Any], plain: dict[str, FloatArray]
) -> FloatArray:
    """Absolute error of the s-values: means of the smallest rates."""
    t = float(results.metadata["lfc_threshold"])
    if prior["type"] == "ashr":
        found = mixture_posterior(prior, plain)
        if t > 0:
            rate = np.where(found.mean > 0, found.below(t), 1.0 - found.below(-t))
        else:
            rate = np.minimum(found.below(0.0), 1.0 - found.below(0.0))
    else:
        b, sd = table["log2FoldChange"], table["lfcSE"]
        with np.errstate(invalid="ignore"):
            z = (t * np.sign(b) - b) / sd
            rate = np.where(b < 0, ndtr(-z), ndtr(z)) if t > 0 else ndtr(-np.abs(b) / sd)
    return _rank_mean_distance(table["svalue"], rate)


def _rank_mean_distance(reported: FloatArray, rate: FloatArray) -> FloatArray:
    """Absolute distance of s-values from the means of the smallest rates; any order of tied rates will do."""
    there = ~np.isnan(rate)
    ordered = np.sort(rate[there])
    means = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    first = np.searchsorted(ordered, rate[there] - TIED)
    last = np.searchsorted(ordered, rate[there] + TIED, side="right") - 1
    off = np.where(np.isnan(reported), np.nan, np.inf)
    off[there] = np.maximum(0.0, np.maximum(means[first] - reported[there], reported[there] - means[last]))
    return np.asarray(np.where(there & np.isnan(reported), np.inf, off))
