"""Cleveland's robust locally weighted regression, in R's arithmetic.

Cleveland (1979), "Robust locally weighted regression and smoothing scatterplots"; the netlib routine ``lowess``.
Sums run in the routine's order, since on flat curves R's decisions (which threshold is the first above the smooth)
hang on the last bits.
"""

from __future__ import annotations

import math

import numpy as np

from foldwise.arrays import FloatArray, IntArray


def lowess(
    x: FloatArray, y: FloatArray, *, span: float = 2 / 3, iterations: int = 3, delta: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """R's ``lowess(x, y, f = span, iter = iterations, delta = delta)``.

    Parameters
    ----------
    x, y : (n,)
        In any order.
    span
        Share of the points in a local fit.
    iterations
        Robustness iterations.
    delta
        Points this near to the last fitted one are interpolated; default a hundredth of the range of ``x``.

    Returns
    -------
    x, smooth : (n,)
        Sorted by ``x``.
    """
    order = np.argsort(x, kind="stable")
    x, y = np.asarray(x, dtype=np.float64)[order], np.asarray(y, dtype=np.float64)[order]
    if x.size < 2:
        return x, y.copy()
    width = max(2, min(x.size, math.floor(span * x.size + 1e-7)))
    delta = 0.01 * float(x[-1] - x[0]) if delta is None else delta
    fitted, first = _fitted_points(x, width, delta)
    columns, base = _windows(x, fitted, first, width)
    robustness = np.ones(x.size)
    smooth = y
    for iteration in range(iterations + 1):
        smooth = _fill(x, fitted, _local_lines(x, y, fitted, columns, base * robustness[columns]))
        if iteration == iterations:
            break
        new = _robustness(y - smooth)
        if new is None:
            break
        robustness = new
    return x, smooth


def _fitted_points(x: FloatArray, width: int, delta: float) -> tuple[IntArray, IntArray]:
    """Which points get a fit of their own, and where the window of ``width`` nearest points of each begins."""
    n, start, last, i = x.size, 0, -1, 0
    fitted, first = [], []
    while True:
        while start + width < n and x[i] - x[start] > x[start + width] - x[i]:
            start += 1
        fitted.append(i)
        first.append(start)
        last, after = i, i + 1
        while after < n and x[after] <= x[last] + delta:
            if x[after] == x[last]:  # a tie has the same fit, and the next search begins behind it
                last = after
                fitted.append(after)
                first.append(start)
            after += 1
        if last >= n - 1:
            return np.array(fitted), np.array(first)
        i = max(last + 1, after - 1)


def _windows(x: FloatArray, fitted: IntArray, first: IntArray, width: int) -> tuple[IntArray, FloatArray]:
    """Columns and tricube weights of each window; points right of the window but within its reach belong to it."""
    at = x[fitted]
    reach = np.maximum(at - x[first], x[np.minimum(first + width, x.size) - 1] - at)
    ends = np.maximum(np.searchsorted(x, at + reach, side="right"), first + 1)
    columns = first[:, None] + np.arange(int(np.max(ends - first)))
    inside = columns < ends[:, None]
    columns = np.minimum(columns, x.size - 1)
    distance = np.abs(x[columns] - at[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = distance / reach[:, None]
    weights = np.where(distance <= 0.001 * reach[:, None], 1.0, _cube(1.0 - _cube(ratio)))
    return columns, np.where(inside & (distance <= 0.999 * reach[:, None]), weights, 0.0)


def _local_lines(x: FloatArray, y: FloatArray, fitted: IntArray, columns: IntArray, weights: FloatArray) -> FloatArray:
    """Value at each fitted point of the weighted line through its window (a weighted mean where x hardly varies)."""
    near = x[columns]
    total = _in_order(weights)
    empty = total <= 0
    weights = weights / np.where(empty, 1.0, total)[:, None]
    centre = _in_order(weights * near)
    lever = x[fitted] - centre
    spread = _in_order(weights * (near - centre[:, None]) ** 2)
    sloped = np.sqrt(spread) > 0.001 * (x[-1] - x[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        tilt = (lever / spread)[:, None] * (near - centre[:, None]) + 1.0
        weights = np.where(sloped[:, None], weights * tilt, weights)
    return np.where(empty, y[fitted], _in_order(weights * y[columns]))


def _fill(x: FloatArray, fitted: IntArray, values: FloatArray) -> FloatArray:
    """Straight lines over the points that were skipped."""
    smooth = np.empty(x.size)
    smooth[fitted] = values
    for left, right in zip(fitted[:-1], fitted[1:], strict=True):
        if right > left + 1:
            share = (x[left + 1 : right] - x[left]) / (x[right] - x[left])
            smooth[left + 1 : right] = share * smooth[right] + (1.0 - share) * smooth[left]
    return smooth


def _robustness(residuals: FloatArray) -> FloatArray | None:
    """Bisquare weights from the residuals, or None when they are too small to speak of."""
    size = np.abs(residuals)
    scale = _in_order(size[None, :])[0] / size.size
    ordered = np.sort(size)
    upper = size.size // 2
    limit = 6.0 * ordered[upper] if size.size % 2 else 3.0 * (ordered[upper] + ordered[size.size - upper - 1])
    if limit < 1e-7 * scale:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        bisquare = (1.0 - (size / limit) ** 2) ** 2
    weights: FloatArray = np.where(size <= 0.001 * limit, 1.0, np.where(size <= 0.999 * limit, bisquare, 0.0))
    return weights


def _cube(x: FloatArray) -> FloatArray:
    return x * x * x


def _in_order(rows: FloatArray) -> FloatArray:
    """Sums of the rows, term after term (NumPy's sum adds pairwise)."""
    total: FloatArray = np.add.accumulate(rows, axis=1)[:, -1]
    return total
