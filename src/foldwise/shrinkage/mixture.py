"""Mixture weights by maximum likelihood: a convex problem, solved until its optimality conditions hold.

Maximises mean(log(L x + epsilon)) - sum(x) over x >= 0, whose optimum, divided by its sum, is the mixture of largest
likelihood (Kim et al. 2020, "A fast algorithm for maximum likelihood estimation of mixture proportions"). At the
optimum the gradient g_k = mean(L_k / (L x + epsilon)) is 1 where x_k > 0 and at most 1 elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from foldwise.arrays import FloatArray

EPSILON = 1e-6  # R's solver adds it to each gene's likelihood; it moves posterior means by up to 2e-5
EM_STEPS = 20
MAX_ROUNDS = 500
OPTIMAL = 1e-12  # asked of the optimality conditions
ACCEPTED = 1e-10  # and good enough if rounding allows no better
RIDGE = 1e-14
SUFFICIENT, SMALLEST_STEP = 0.1, 1e-10


@dataclass(frozen=True, slots=True)
class MixtureWeights:
    """Weights of the components and how well they solve the problem.

    weights : (n_components,) non-negative, sum 1.
    violation : largest departure from the optimality conditions. rounds : Newton steps taken.
    converged : whether the violation is at most 1e-10.
    """

    weights: FloatArray
    violation: float
    rounds: int
    converged: bool


def fit_mixture(likelihood: FloatArray) -> MixtureWeights:
    """The mixture of largest likelihood.

    likelihood : (n_genes, n_components), each row scaled so that its largest entry is 1.
    """
    used = likelihood.max(axis=0) > 0.0
    x = np.zeros(likelihood.shape[1])
    if used.sum() == 1:
        x[used] = 1.0
        return MixtureWeights(x, 0.0, 0, True)
    solution, violation, rounds = _maximise(np.ascontiguousarray(likelihood[:, used]))
    x[used] = solution
    return MixtureWeights(x / x.sum(), violation, rounds, violation <= ACCEPTED)


def _maximise(likelihood: FloatArray) -> tuple[FloatArray, float, int]:
    n, k = likelihood.shape
    x = np.full(k, 1.0 / k)
    for _ in range(EM_STEPS):
        x = x * (likelihood.T @ (1.0 / (likelihood @ x + EPSILON))) / n
    best, least, rounds = x, np.inf, 0
    while rounds < MAX_ROUNDS:
        rounds += 1
        inverse = 1.0 / (likelihood @ x + EPSILON)
        gradient = (likelihood.T @ inverse) / n - 1.0
        violation = _violation(x, gradient)
        if violation < least:
            best, least = x, violation
        if violation <= OPTIMAL:
            break
        scaled = likelihood * inverse[:, None]
        target = _best_of_quadratic(scaled.T @ scaled / n, gradient, x)
        new = _line_search(likelihood, x, target - x, gradient)
        if np.abs(new - x).max() < 1e-15:
            break
        x = new
    return best, least, rounds


def _violation(x: FloatArray, gradient: FloatArray) -> float:
    return float(max(np.max(gradient), np.max(np.abs(gradient[x > 0.0]), initial=0.0)))


def _best_of_quadratic(hessian: FloatArray, gradient: FloatArray, x: FloatArray) -> FloatArray:
    """The y >= 0 that maximises the quadratic model at x, by non-negative least squares (Lawson & Hanson 1974)."""
    curved = hessian + RIDGE * np.trace(hessian) * np.eye(x.size)
    root = np.linalg.cholesky(curved)
    y, _ = nnls(root.T, np.linalg.solve(root, curved @ x + gradient), maxiter=50 * x.size)
    return np.asarray(y)


def _line_search(likelihood: FloatArray, x: FloatArray, step: FloatArray, gradient: FloatArray) -> FloatArray:
    """Halve the step until the objective gains; near the optimum, where the gain drowns in rounding, take it whole."""
    slope = float(gradient @ step)
    if slope < 1e-13:
        return np.maximum(x + step, 0.0)
    fitted, change = likelihood @ x + EPSILON, likelihood @ step
    size = 1.0
    while size > SMALLEST_STEP:
        gain = np.mean(np.log1p(size * change / fitted)) - size * step.sum()
        if gain >= SUFFICIENT * size * slope:
            break
        size *= 0.5
    return np.maximum(x + size * step, 0.0)
