"""Local regression in one variable: quadratics fitted at the vertices of a tree, joined by cubic pieces.

Loader (1999), "Local Regression and Likelihood", chapters 2 and 12. Fitting the quadratic at every point instead is
slower and another curve: where points are few the two differ by a quarter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from foldwise.arrays import FloatArray

NEIGHBOURS = 0.7
"""Share of the points that a local fit sees (``nn`` of locfit)."""
CUT = 0.8
"""An interval longer than this many bandwidths is halved (``cut`` of locfit)."""
SINGULAR = 1e-11
"""A column that keeps less than this of its length beside the columns before it is not estimated (R's ``glm``)."""


def product(a: FloatArray, b: FloatArray) -> float:
    """Inner product. (The library behind ``@`` puts long vectors on all cores, which takes longer than the sum.)"""
    return float(np.sum(a * b))


def least_squares(columns: Sequence[FloatArray], response: FloatArray) -> FloatArray:
    """Coefficients of ``response`` on a few ``columns``; NaN for one that the columns before it already span.

    Modified Gram-Schmidt with the response carried along as one more column, which is as stable as Householder's way
    and, for two or three long columns, much faster.
    """
    size = len(columns)
    lengths = [np.sqrt(product(column, column)) for column in columns]
    remaining = [*columns, response]
    triangle = np.zeros((size, size + 1))
    kept = []
    for k in range(size):
        length = np.sqrt(product(remaining[k], remaining[k]))
        if not length > SINGULAR * lengths[k]:
            continue
        kept.append(k)
        direction = remaining[k] / length
        triangle[k, k] = length
        for later in range(k + 1, size + 1):
            triangle[k, later] = product(direction, remaining[later])
            remaining[later] = remaining[later] - triangle[k, later] * direction
    coefficients = np.full(size, np.nan)
    for k in reversed(kept):
        known = sum(triangle[k, later] * coefficients[later] for later in kept if later > k)
        coefficients[k] = (triangle[k, size] - known) / triangle[k, k]
    return coefficients


def nearest_to_flat(columns: Sequence[FloatArray], response: FloatArray) -> FloatArray:
    """Where several answers are as good: the mean, and the shortest way from there, all columns given length 1.

    That is what one Newton step with a generalised inverse from the mean gives (locfit).
    """
    flat = np.zeros(len(columns))
    flat[0] = columns[0] @ response / (columns[0] @ columns[0]) if response.size else np.nan
    lengths = np.array([np.sqrt(column @ column) for column in columns])
    lengths[lengths == 0.0] = 1.0
    unit = np.column_stack(columns) / lengths
    step: FloatArray = np.linalg.lstsq(unit, response - flat[0] * columns[0], rcond=SINGULAR)[0]
    return flat + step / lengths


def local_quadratic(x: FloatArray, y: FloatArray, weights: FloatArray, at: float, scale: float) -> FloatArray:
    """Value, slope and quadratic coefficient at ``at`` of the weighted least-squares parabola through (x, y)."""
    root = np.sqrt(weights)
    t = (x - at) / scale
    linear = root * t
    columns = [root, linear, linear * t]
    coefficients = least_squares(columns, root * y)
    if np.isnan(coefficients).any():  # fewer than three different means
        coefficients = nearest_to_flat(columns, root * y)
    scaled: FloatArray = coefficients / np.array([1.0, scale, scale * scale])
    return scaled


def bandwidth(x: FloatArray, at: float, neighbours: int) -> float:
    """Distance from ``at`` to its ``neighbours``-th nearest point; where that is 0, to the nearest point apart."""
    distances = np.abs(x - at)
    reached = float(np.partition(distances, neighbours - 1)[neighbours - 1])
    if reached == 0.0:
        reached = float(np.min(distances[distances > 0.0]))
    return reached


def tricube_fit(
    x: FloatArray, y: FloatArray, prior_weights: FloatArray, at: float, neighbours: int
) -> tuple[float, float, float]:
    """Value, slope and bandwidth at ``at`` of the parabola fitted to its nearest points, weighted by the tricube."""
    h = bandwidth(x, at, neighbours)
    distances = np.abs(x - at)
    near = distances < h
    weights = prior_weights[near] * (1.0 - (distances[near] / h) ** 3) ** 3
    value, slope, _ = local_quadratic(x[near], y[near], weights, at, h)
    return float(value), float(slope), h


@dataclass(frozen=True, slots=True, eq=False)
class CubicPieces:
    """A smooth curve given by values and slopes at sorted vertices; straight lines beyond the outer ones.

    vertices, values, slopes : (n_vertices,).
    """

    vertices: FloatArray
    values: FloatArray
    slopes: FloatArray

    def __call__(self, x: FloatArray) -> FloatArray:
        v, f, d = self.vertices, self.values, self.slopes
        if v.size == 1:
            return np.asarray(f[0] + d[0] * (x - v[0]))
        left = np.clip(np.searchsorted(v, x, side="right") - 1, 0, v.size - 2)
        right = left + 1
        length = v[right] - v[left]
        t = x - v[left]
        s = t / length
        share = s * s * (3.0 - 2.0 * s)
        inside = (
            f[left] * (1.0 - share) + f[right] * share + d[left] * t * (1.0 - s) ** 2 + d[right] * t * s * (s - 1.0)
        )
        below, above = x < v[0], x > v[-1]
        curve: FloatArray = np.where(
            below, f[0] + d[0] * (x - v[0]), np.where(above, f[-1] + d[-1] * (x - v[-1]), inside)
        )
        return curve


def grow_tree(low: float, high: float, fit_at: Callable[[float], tuple[float, float, float]]) -> CubicPieces:
    """Halve [low, high] until no interval is longer than ``CUT`` of the smaller bandwidth at its ends."""
    fitted = {low: fit_at(low), high: fit_at(high)}
    intervals = [(low, high)] if high > low else []
    while intervals:
        left, right = intervals.pop()
        middle = 0.5 * (left + right)
        if (right - left) / min(fitted[left][2], fitted[right][2]) <= CUT or not left < middle < right:
            continue
        fitted[middle] = fit_at(middle)
        intervals += [(left, middle), (middle, right)]
    vertices = np.array(sorted(fitted))
    return CubicPieces(vertices, *np.array([fitted[v][:2] for v in vertices]).T)
