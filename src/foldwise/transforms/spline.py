"""The interpolating cubic spline of Forsythe, Malcolm and Moler, which R draws by default.

Its end conditions: the third derivative at either end is that of the cubic through the four knots there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foldwise.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class CubicSpline:
    """y + t (b + t (c + t d)) with t = x - knot, from the knot on; the end pieces go on beyond the ends.

    knots, y, b, c, d : (n_knots - 1,) each, a piece a row.
    """

    knots: FloatArray
    y: FloatArray
    b: FloatArray
    c: FloatArray
    d: FloatArray

    def __call__(self, x: FloatArray) -> FloatArray:
        piece = np.clip(np.searchsorted(self.knots, x, side="right") - 1, 0, len(self.knots) - 1)
        t = x - self.knots[piece]
        return np.asarray(self.y[piece] + t * (self.b[piece] + t * (self.c[piece] + t * self.d[piece])))


def fmm_spline(x: FloatArray, y: FloatArray) -> CubicSpline:
    """Through the points (x, y), x increasing, at least four of them."""
    from scipy.linalg import solve_banded

    h = np.diff(x)
    slope = np.diff(y) / h
    n = len(x)
    bands = np.zeros((3, n))
    right = np.empty(n)
    bands[0, 1:] = h
    bands[1, 1:-1] = 2 * (h[:-1] + h[1:])
    bands[2, :-1] = h
    right[1:-1] = np.diff(slope)
    bands[1, 0], bands[1, -1] = -h[0], -h[-1]
    right[0] = h[0] ** 2 * _third_difference(x[:4], y[:4])
    right[-1] = -(h[-1] ** 2) * _third_difference(x[-4:], y[-4:])
    sixth = solve_banded((1, 1), bands, right)  # second derivatives at the knots, over 6
    return CubicSpline(x[:-1], y[:-1], slope - h * (sixth[1:] + 2 * sixth[:-1]), 3 * sixth[:-1], np.diff(sixth) / h)


def _third_difference(x: FloatArray, y: FloatArray) -> float:
    first = np.diff(y) / np.diff(x)
    second = np.diff(first) / (x[2:] - x[:-2])
    return float((second[1] - second[0]) / (x[3] - x[0]))
