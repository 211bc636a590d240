"""Gamma-Poisson regression with known dispersions, as glmGamPoi fits it, and its deviance.

Where the samples fall into as many groups as there are coefficients each group is fitted alone by Newton's method;
otherwise by Fisher scoring. A group without counts has the log mean -1e8 (thus coefficients of about +-1e8, the
"minus infinity" of this route).
"""

# mypy: allow-untyped-defs
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from foldwise.arrays import BoolArray, FloatArray
from foldwise.kernels import KernelDesign
from foldwise.kernels._jit import announce, kernel
from foldwise.optimise.bfgs import bfgs
from foldwise.optimise.brent import minimise_on_interval

TOLERANCE = 1e-8
NEWTON_STEPS = 100
SCORING_STEPS = 1000
HALVINGS = 100
LARGEST_JUMP = 1e5
"""No mean may grow by more than this factor in one step."""
MEAN_BOX = (1e-50, 1e50)
POISSON_BELOW = 1e-6
EMPTY_GROUP = -1e8
"""Log mean of a group without counts."""
GROUP_BOX = 30.0
BFGS_ITERATIONS = 1000


class GammaPoissonFit(NamedTuple):
    """beta : (n_genes, p) natural log. deviance, converged, has_empty_group : (n_genes,)."""

    beta: FloatArray
    deviance: FloatArray
    converged: BoolArray
    has_empty_group: BoolArray


def fit_gamma_poisson(
    counts: FloatArray,
    factors: FloatArray,
    design: KernelDesign,
    alpha: FloatArray,
    *,
    start: FloatArray | None = None,
) -> GammaPoissonFit:
    """Coefficients and deviances of a block of genes.

    Parameters
    ----------
    counts : (n_genes, n_samples)
    factors : (n_samples,) or (n_genes, n_samples)
    alpha : (n_genes,)
    start : (n_genes, p), optional
        Where Fisher scoring begins; by default the least-squares fit of ln(count / factor + 1).
    """
    factors = np.ascontiguousarray(np.atleast_2d(factors))
    n_genes = counts.shape[0]
    deviance, status = np.empty(n_genes), np.zeros(n_genes, dtype=np.int64)
    if design.is_saturated:
        log_means = np.empty((n_genes, design.n_rows))
        announce(fit_groups)
        fit_groups(counts, factors, alpha, design.row_of, log_means, deviance, status)
        for gene in np.flatnonzero(status).tolist():
            deviance[gene] = _refit_groups(counts, factors, design, alpha, log_means, gene)
        empty: BoolArray = np.any(np.isneginf(log_means), axis=1)
        inverse = np.asarray(np.linalg.inv(design.rows), dtype=np.float64)
        beta = _combined(np.maximum(log_means, EMPTY_GROUP), inverse)
        return GammaPoissonFit(beta, deviance, _finite_rows(beta), empty)
    if start is None:
        start = _combined(np.log(counts / factors + 1.0), design.solver)
    beta = start.copy()
    p, m = design.n_coefficients, design.n_samples
    work, triangle = np.empty((p + 3, m)), np.empty((p, p + 1))
    announce(score_fisher)
    score_fisher(counts, factors, alpha, design.matrix, beta, deviance, status, work, triangle)
    for gene in np.flatnonzero(status).tolist():
        scale = factors[gene if factors.shape[0] > 1 else 0]
        beta[gene], deviance[gene] = _refit_by_bfgs(counts[gene], scale, design, alpha[gene], start[gene])
    return GammaPoissonFit(beta, deviance, _finite_rows(beta), np.zeros(n_genes, dtype=np.bool_))


def _finite_rows(beta: FloatArray) -> BoolArray:
    finite: BoolArray = np.all(np.isfinite(beta), axis=1)
    return finite


def _combined(values: FloatArray, solver: FloatArray) -> FloatArray:
    """values @ solver.T, summed in one order whatever the number of genes."""
    result = np.zeros((values.shape[0], solver.shape[0]))
    for k, weights in enumerate(solver):
        for j, weight in enumerate(weights):
            if weight != 0.0:
                result[:, k] += weight * values[:, j]
    return result


@kernel
def unit_deviance(y, mu, alpha):
    """Of one count."""
    if alpha < POISSON_BELOW:
        if y == 0.0:
            return 2.0 * mu
        return max(0.0, 2.0 * (y * math.log(y / mu) - (y - mu)))
    if y == 0.0:
        return 2.0 / alpha * math.log1p(alpha * mu)
    both = alpha * y * mu
    fit = y * math.log((mu + both) / (y + both)) - math.log((1.0 + alpha * mu) / (1.0 + alpha * y)) / alpha
    return max(0.0, -2.0 * fit)


@kernel
def fit_groups(counts, factors, alpha, group_of, out_log_means, out_deviance, out_status):
    """Newton's method, group by group, on the log mean of count / factor. Status 1: some group did not converge."""
    n_genes, n_samples = counts.shape
    for gene in range(n_genes):
        scale = gene if factors.shape[0] > 1 else 0
        deviance = 0.0
        for group in range(out_log_means.shape[1]):
            total, size = 0.0, 0
            for j in range(n_samples):
                if group_of[j] == group:
                    total += counts[gene, j] / factors[scale, j]
                    size += 1
            if total == 0.0:
                out_log_means[gene, group] = -math.inf
                continue
            b = math.log(total / size)
            converged = False
            for _ in range(NEWTON_STEPS):
                score = information = 0.0
                growth = math.exp(b)
                for j in range(n_samples):
                    if group_of[j] == group:
                        y, mu = counts[gene, j], growth * factors[scale, j]
                        spread = 1.0 + alpha[gene] * mu
                        score += (y - mu) / spread
                        information += mu * (1.0 + alpha[gene] * y) / (spread * spread)
                step = score / information
                b += step
                if abs(step) < TOLERANCE:
                    converged = True
                    break
            if not converged:
                out_status[gene] = 1
            out_log_means[gene, group] = b
            for j in range(n_samples):
                if group_of[j] == group:
                    deviance += unit_deviance(counts[gene, j], math.exp(b) * factors[scale, j], alpha[gene])
        out_deviance[gene] = deviance


@kernel
def _weighted_step(counts, gene, design, alpha, work, triangle):
    """Weighted least squares of (y - mu)/mu on the design, by modified Gram-Schmidt.

    work : rows 0 to p - 1 for the weighted design, p the response and then, in its first places, the coefficients,
    p + 1 the means.
    """
    m, p = design.shape
    for j in range(m):
        mu = work[p + 1, j]
        root = math.sqrt(mu / (1.0 + alpha * mu))
        work[p, j] = root * (counts[gene, j] - mu) / mu
        for k in range(p):
            work[k, j] = root * design[j, k]
    for k in range(p):
        length = 0.0
        for j in range(m):
            length += work[k, j] * work[k, j]
        length = math.sqrt(length)
        triangle[k, k] = length
        for h in range(k + 1, p + 1):
            dot = 0.0
            for j in range(m):
                dot += work[k, j] * work[h, j]
            dot /= length
            triangle[k, h] = dot
            for j in range(m):
                work[h, j] -= dot / length * work[k, j]
    for k in range(p - 1, -1, -1):
        value = triangle[k, p]
        for h in range(k + 1, p):
            value -= triangle[k, h] * work[p, h]
        work[p, k] = value / triangle[k, k]


@kernel
def score_fisher(counts, factors, alpha, design, beta, out_deviance, out_status, work, triangle):
    """Fisher scoring with step halving, from ``beta``, which is overwritten. Status 1: not converged.

    work : (p + 3, n_samples), triangle : (p, p + 1) scratch.
    """
    m, p = design.shape
    for gene in range(counts.shape[0]):
        scale = gene if factors.shape[0] > 1 else 0
        deviance, steps, halvings, fraction = math.inf, 0, 0, 1.0
        out_status[gene] = 1
        while True:
            new = jump = 0.0
            for j in range(m):
                predictor = 0.0
                for k in range(p):
                    predictor += design[j, k] * beta[gene, k]
                mu = min(max(math.exp(predictor) * factors[scale, j], MEAN_BOX[0]), MEAN_BOX[1])
                if steps > 0:
                    jump = max(jump, mu / work[p + 1, j])
                work[p + 2, j] = mu
                new += unit_deviance(counts[gene, j], mu, alpha[gene])
            change = abs(new - deviance) / (abs(new) + 0.1)
            if steps > 0 and not ((new < deviance and jump < LARGEST_JUMP) or change < TOLERANCE):
                halvings += 1
                if halvings > HALVINGS:
                    break
                fraction *= 0.5
                for k in range(p):
                    beta[gene, k] -= fraction * work[p, k]
                continue
            deviance = new
            if change < TOLERANCE:
                out_status[gene] = 0
                break
            if steps == SCORING_STEPS:
                break
            for j in range(m):
                work[p + 1, j] = work[p + 2, j]
            _weighted_step(counts, gene, design, alpha[gene], work, triangle)
            for k in range(p):
                beta[gene, k] += work[p, k]
            steps, halvings, fraction = steps + 1, 0, 1.0
        out_deviance[gene] = deviance


@kernel
def deviance_of(counts, means, alpha):
    """Of one gene."""
    total = 0.0
    for j in range(counts.size):
        total += unit_deviance(counts[j], min(max(means[j], MEAN_BOX[0]), MEAN_BOX[1]), alpha)
    return total


def _refit_groups(
    counts: FloatArray, factors: FloatArray, design: KernelDesign, alpha: FloatArray, log_means: FloatArray, gene: int
) -> float:
    """A rare gene whose Newton steps do not settle: Brent's search, as accurate as R's (1e-4). Its deviance."""
    scale = factors[gene if factors.shape[0] > 1 else 0]
    total = 0.0
    for group in np.flatnonzero(~np.isneginf(log_means[gene])):
        members = design.row_of == group
        y, s, a = counts[gene, members], scale[members], alpha[gene]

        def deviance(b: float, y: FloatArray = y, s: FloatArray = s, a: float = a) -> float:
            return float(deviance_of(y, math.exp(b) * s, a))

        log_means[gene, group] = minimise_on_interval(deviance, -GROUP_BOX, GROUP_BOX)
        total += deviance(log_means[gene, group])
    return total


def _refit_by_bfgs(
    counts: FloatArray, factors: FloatArray, design: KernelDesign, alpha: float, start: FloatArray
) -> tuple[FloatArray, float]:
    """A rare gene in which Fisher scoring fails: coefficients and deviance, NaN where this fails too."""

    def deviance(b: FloatArray) -> float:
        with np.errstate(over="ignore"):
            return float(deviance_of(counts, np.exp(design.matrix @ b) * factors, alpha))

    failed = np.full_like(start, np.nan), math.nan
    if not math.isfinite(deviance(start)):
        return failed
    found = bfgs(deviance, start, max_iterations=BFGS_ITERATIONS)
    return (found.point, found.value) if found.code == 0 else failed
