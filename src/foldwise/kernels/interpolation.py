"""The curve through the last points of a search: where it is known to the last digits, nothing need be evaluated.

The log-posterior of a log dispersion is analytic, with no singularity nearer than pi to the real line (there 1 + alpha
mu or y + 1 / alpha vanishes), so a polynomial through the values and slopes of a few points settles fast: Hermite's
interpolation in Newton's form, nearest point first. Its last two terms say how far it has settled.

With many samples a search steps through a small region a dozen times, and half of its points can be had this way.
Its end then agrees with that of an evaluated search to some 1e-11, instead of 1e-15. That is too little for genes whose
coefficients go to the general optimiser, which can magnify last digits by 1e8; these have large dispersions.
"""

from __future__ import annotations

import math

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from foldwise.kernels.lanes import INT, Mask, Vector, absolute, formula, lanes, load_row, store_row

POINTS = 5
ROWS = 3 * POINTS  # of points: where, value, slope of each; of a curve: where, and two coefficients of each
NOWHERE = 1e30  # where a point is that there is not yet
FAR = 100.0  # farther than any two points of a search
SETTLED = 1e-11  # in log-likelihood: the noise of its sum over samples
HIGHEST = math.log(0.4)  # log dispersion; beyond it all is evaluated, see above

Values = tuple[Vector, ...]
Point = Values  # where, value, slope


@intrinsic
def load_rows(typingctx, array):  # type: ignore[no-untyped-def]
    """All of a (ROWS, WIDTH) array."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        rows = [load_row(context, builder, sig.args[0], args[0], ir.Constant(INT, row)) for row in range(ROWS)]
        return context.make_tuple(builder, sig.return_type, rows)

    return types.UniTuple(lanes, ROWS)(array), codegen


@intrinsic
def store_rows(typingctx, array, rows):  # type: ignore[no-untyped-def]
    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        for row, value in enumerate(cgutils.unpack_tuple(builder, args[1])):
            store_row(context, builder, sig.args[0], args[0], ir.Constant(INT, row), value)
        return context.get_dummy_value()

    return types.none(array, rows), codegen


@formula
def remember(point: Vector, value: Vector, slope: Vector, rows: Values) -> Values:
    """All rows, with a new point in place of the one that is farthest from it."""
    points = _points(rows)
    distances = [absolute(at - point) for at, _, _ in points]
    farthest = distances[0]
    for distance in distances[1:]:
        farthest = farthest.at_least(distance)
    replaced = []
    found = point < point  # nowhere yet
    for distance, old in zip(distances, points, strict=True):
        here = distance.equals(farthest) & ~found
        found = found | here
        replaced.append([new.where(here, kept) for new, kept in zip((point, value, slope), old, strict=True)])
    return tuple(part for parts in zip(*replaced, strict=True) for part in parts)


@formula
def curve_through(rows: Values, point: Vector) -> Values:
    """The curve through all points, in the order of their distance from the one that is asked for next."""
    near = _nearest_first(point, _points(rows))
    return tuple(at for at, _, _ in near) + tuple(_divided_differences(near))


@formula
def predict(curve: Values, point: Vector) -> tuple[Vector, Vector, Vector]:
    """Value and slope at a point, and 1 where they are as good as evaluated, else 0."""
    places, coefficients = curve[:POINTS], curve[POINTS:]
    value, slope = coefficients[0], point.lift(0.0)
    product, product_slope = point.lift(1.0), point.lift(0.0)
    last = before = value
    for i, coefficient in enumerate(coefficients[1:]):
        away = point - places[i // 2]
        product_slope = product_slope * away + product
        product = product * away
        before, last = last, coefficient * product
        value = value + last
        slope = slope + coefficient * product_slope
    settled = ((absolute(last) + absolute(before)) < SETTLED) & (absolute(places[-1] - point) < FAR)
    return value, slope, (settled & (point < HIGHEST)).ones()


def _points(rows: Values) -> list[Point]:
    return list(zip(rows[:POINTS], rows[POINTS : 2 * POINTS], rows[2 * POINTS :], strict=True))


def _nearest_first(point: Vector, points: list[Point]) -> list[Point]:
    points, distances = list(points), [absolute(at - point) for at, _, _ in points]
    for end in range(len(points) - 1, 0, -1):
        for i in range(end):
            swap = distances[i + 1] < distances[i]
            points[i], points[i + 1] = _swapped(points[i], points[i + 1], swap)
            (distances[i],), (distances[i + 1],) = _swapped((distances[i],), (distances[i + 1],), swap)
    return points


def _swapped(a: Values, b: Values, swap: Mask) -> tuple[Values, Values]:
    """Both in the other order where the mask holds."""
    pairs = list(zip(a, b, strict=True))
    return tuple(y.where(swap, x) for x, y in pairs), tuple(x.where(swap, y) for x, y in pairs)


def _divided_differences(points: list[Point]) -> list[Vector]:
    """Newton's coefficients with every point taken twice."""
    inverse = {
        (i, j): 1.0 / (points[j][0] - points[i][0]) for i in range(len(points)) for j in range(i + 1, len(points))
    }
    n = 2 * len(points)
    column = [points[i // 2][1] for i in range(n)]
    first = [column[0]]
    for order in range(1, n):
        column = [
            points[i // 2][2]
            if order == 1 and i % 2 == 0
            else (column[i + 1] - column[i]) * inverse[i // 2, (i + order) // 2]
            for i in range(n - order)
        ]
        first.append(column[0])
    return first
