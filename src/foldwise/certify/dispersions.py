"""Dispersions judged by their own equation: the Cox-Reid adjusted likelihood, with and without the prior.

R's search stops when a step gains less than 1e-6, so its estimates are not optima; what is judged is therefore the
log-likelihood that a Newton step would still gain.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln

from foldwise.arrays import BoolArray, FloatArray

LOWEST = 1e-8
DIFFERENCE = 1e-3  # of log dispersion, for curvatures
GRID = 20
EARLY_SLOPE = 0.2  # see judge
SAME = 1e-7  # relative
LITTLE_WEIGHT = 1e-2  # samples of no more weight do not count in the Cox-Reid term


class Profile(NamedTuple):
    """A log-likelihood of log dispersion, for many genes.

    counts, means, weights : (n_genes, n_samples). matrix : (n_samples, p).
    centre : (n_genes,) log dispersion of the prior, variance : its variance; None without a prior.
    """

    counts: FloatArray
    means: FloatArray
    weights: FloatArray
    matrix: FloatArray
    centre: FloatArray | None
    variance: float

    def rows(self, chosen: BoolArray) -> Profile:
        return self._replace(
            counts=self.counts[chosen],
            means=self.means[chosen],
            weights=self.weights[chosen],
            centre=None if self.centre is None else self.centre[chosen],
        )

    def _products(self, diagonal: FloatArray) -> FloatArray:
        counted = np.where(self.weights > LITTLE_WEIGHT, diagonal, 0.0)
        return np.asarray(np.einsum("gm,mk,ml->gkl", counted, self.matrix, self.matrix))

    def _empty(self) -> FloatArray:
        """Ones on the diagonal for coefficients that only samples of little weight know: they drop out."""
        there = ((self.weights > LITTLE_WEIGHT) @ (self.matrix != 0)) > 0
        return np.asarray(np.eye(self.matrix.shape[1]) * ~there[:, None, :])

    def value(self, log_alpha: FloatArray) -> FloatArray:
        """(n_genes,) log-likelihood, without the constant log K!."""
        alpha = np.exp(log_alpha)[:, None]
        size = 1.0 / alpha
        terms = gammaln(self.counts + size) - gammaln(size)
        terms = terms - self.counts * np.log(self.means + size) - size * np.log1p(alpha * self.means)
        _, log_det = np.linalg.slogdet(self._products(1.0 / (1.0 / self.means + alpha)) + self._empty())
        total = (self.weights * terms).sum(axis=1) - 0.5 * log_det
        if self.centre is not None:
            total = total - (log_alpha - self.centre) ** 2 / (2.0 * self.variance)
        return np.asarray(total)

    def slope(self, log_alpha: FloatArray) -> FloatArray:
        """(n_genes,) derivative in log dispersion."""
        alpha = np.exp(log_alpha)[:, None]
        size, share = 1.0 / alpha, alpha * self.means
        terms = digamma(size) - digamma(self.counts + size) + np.log1p(share)
        terms = terms - share / (1.0 + share) + self.counts / (self.means + size)
        d = 1.0 / (1.0 / self.means + alpha)
        b, change = self._products(d) + self._empty(), self._products(-d * d)
        trace = np.trace(np.linalg.solve(b, change), axis1=1, axis2=2)
        total = (self.weights * terms).sum(axis=1) * size[:, 0] - 0.5 * trace * alpha[:, 0]
        if self.centre is not None:
            total = total - (log_alpha - self.centre) / self.variance
        return np.asarray(total)

    def gain_left(self, log_alpha: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(slope, gain): what a Newton step would gain; where the curve bends the wrong way, a step of length 1."""
        slope = self.slope(log_alpha)
        bend = (self.slope(log_alpha - DIFFERENCE) - self.slope(log_alpha + DIFFERENCE)) / (2.0 * DIFFERENCE)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(bend > np.abs(slope) / 2.0, slope**2 / (2.0 * bend), np.abs(slope))
        return slope, np.asarray(gain)

    def best_on_grid(self, highest: float) -> FloatArray:
        """(n_genes,) the largest value on R's coarse grid."""
        points = np.linspace(np.log(LOWEST), np.log(highest), GRID)
        return np.asarray(np.max([self.value(np.full(len(self.counts), a)) for a in points], axis=0))


class Judged(NamedTuple):
    """slope : of the log-likelihood at the estimate. excess : log-likelihood left to gain, over what R's rules allow.

    at : what the estimate is: "" an inner point, "lower" or "upper" bound, "grid" point, "start" of the search.
    """

    slope: FloatArray
    excess: FloatArray
    at: FloatArray


def judge(
    profile: Profile, alpha: FloatArray, start: FloatArray, on_grid: BoolArray, highest: float, *, keeps_start: bool
) -> Judged:
    """Gene by gene, the gain left at the estimate beyond what its kind allows.

    An inner point may have a slope of ``EARLY_SLOPE``: R accepts a step of kappa times the slope if it gains
    1e-4 kappa slope^2, and stops if it gained less than 1e-6, so slopes up to 0.1 / sqrt(kappa) remain where it
    stepped across the optimum.

    start : (n_genes,) where the search began. on_grid : genes whose search failed, which have a grid point.
    keeps_start : whether R goes back to the start where the search gained less than 1e-6 of the log-likelihood.
    """
    missing = ~(alpha > 0)
    alpha = np.where(missing, 1.0, alpha)
    log_alpha = np.log(alpha)
    slope, gain = profile.gain_left(log_alpha)
    gain[np.abs(slope) <= EARLY_SLOPE] = 0.0
    at = np.full(len(alpha), "", dtype=object)
    lower, upper = alpha <= LOWEST * (1 + 1e-9), alpha >= highest * (1 - 1e-9)
    at[lower], at[upper] = "lower", "upper"
    gain[upper & (slope >= 0)] = 0.0
    gain = np.where(lower, _lost_at_lower(profile, log_alpha, lower, start, highest), gain)
    if keeps_start:
        kept = (np.abs(alpha / start - 1.0) < SAME) & ~lower
        at[kept] = "start"
        kept &= gain > 0
        gain[kept] = _lost_at_start(profile.rows(kept), log_alpha[kept])
    fine = 2.0 * (np.log(highest) - np.log(LOWEST)) / (GRID - 1) ** 2
    on_grid = on_grid & (at == "")
    if on_grid.any():
        at[on_grid] = "grid"
        some, here = profile.rows(on_grid), log_alpha[on_grid]
        beside = np.maximum(some.value(here - fine), some.value(here + fine))
        gain[on_grid] = np.maximum(beside - some.value(here), 0.0)
    gain[missing] = np.inf
    return Judged(slope, gain, at)


def _lost_at_start(profile: Profile, log_alpha: FloatArray) -> FloatArray:
    """Gain left in genes that kept the start of their search, beyond 1e-6 of the log-likelihood.

    A search that leaves by the lower bound counts as having gained nothing.
    """
    here, a = profile.value(log_alpha), log_alpha.copy()
    for _ in range(12):
        slope = profile.slope(a)
        bend = (profile.slope(a - DIFFERENCE) - profile.slope(a + DIFFERENCE)) / (2.0 * DIFFERENCE)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(bend > 0, slope / bend, np.sign(slope))
        a = np.clip(a + np.clip(step, -1.0, 1.0), np.log(LOWEST / 10), np.log(1e8))
    lost = np.maximum(profile.value(a) - here - 1e-6 * np.abs(here), 0.0)
    return np.asarray(np.where(a <= np.log(LOWEST), 0.0, lost))


def _lost_at_lower(
    profile: Profile, log_alpha: FloatArray, lower: BoolArray, start: FloatArray, highest: float
) -> FloatArray:
    """Gain left in genes on the lower bound, where slopes vanish: against the grid.

    A search that begins at the bound stays there whatever the likelihood (its slope in log dispersion is nothing).
    """
    lost = np.zeros(len(lower))
    moved = lower & (start > LOWEST * 10)
    if moved.any():
        some = profile.rows(moved)
        lost[moved] = np.maximum(some.best_on_grid(highest) - some.value(log_alpha[moved]), 0.0)
    return lost


def rough_start(
    counts: FloatArray,
    factors: FloatArray,
    matrix: FloatArray,
    base_mean: FloatArray,
    base_variance: FloatArray,
    mean_inverse_factor: FloatArray,
    highest: float,
) -> FloatArray:
    """(n_genes,) where the gene-wise search begins: the smaller of a linear model's and the moments' estimate."""
    normalized = counts / factors
    q, _ = np.linalg.qr(matrix)
    fitted = np.maximum(1.0, normalized @ q @ q.T)
    spread = ((normalized - fitted) ** 2 - fitted) / fitted**2
    rough = np.maximum(0.0, spread.sum(axis=1) / (matrix.shape[0] - matrix.shape[1]))
    moments = (base_variance - mean_inverse_factor * base_mean) / base_mean**2
    return np.asarray(np.clip(np.minimum(rough, moments), LOWEST, highest))
