"""Names beside points that collide with nothing: neither with each other, nor the frame, nor (where it can be) points.

Labels that push each other about (as force-directed placement does) still overlap in crowded corners; so each name in
turn takes the best free place around its point, and the same data give the same places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foldwise.arrays import BoolArray, FloatArray

_SIZE = 7.0  # points
_RINGS = (5.0, 9.0, 14.0, 20.0, 28.0, 38.0, 50.0, 64.0, 80.0, 100.0, 125.0, 150.0)  # points from the marker
_ANGLES = np.deg2rad(np.arange(0.0, 360.0, 15.0))
_LEADER_FROM = 12.0  # farther than this, a line leads from the name to its point
_CELL = 3.0  # pixels: how finely occupied space is counted
_CROWD_COST = 1.5  # points of distance that a name rather moves than cover one more marker


def label_points(
    ax: Axes,
    x: FloatArray,
    y: FloatArray,
    names: Sequence[object],
    *,
    avoid: FloatArray | None = None,
    radius: float = 0.0,
) -> None:
    """Name points, the most important first: a name for which there is no free place is left out.

    ``avoid`` (n, 2) are further points, in data units, that names should not cover. ``radius``, in points, is for
    markers that are large and few: names keep off their whole disc and have no white ground that would cut it.
    """
    figure = ax.get_figure(root=True)
    if not len(names) or not isinstance(figure, Figure):
        return
    limits = ax.get_xlim(), ax.get_ylim()
    figure.draw_without_rendering()  # the layout settles now: names are placed on the final axes
    anchors = ax.transData.transform(np.column_stack([x, y]))
    crowd = anchors if avoid is None else np.vstack([anchors, ax.transData.transform(np.asarray(avoid))])
    scale = figure.dpi / 72.0
    space = _Space(ax, _discs(crowd, radius * scale), scale)
    for point, place, name in zip(np.column_stack([x, y]), anchors, names, strict=True):
        offset = space.place(place, _measure(ax, figure, str(name)))
        if offset is not None:
            _write(ax, point, offset, str(name), ground=not radius)
    ax.set(xlim=limits[0], ylim=limits[1])


def _measure(ax: Axes, figure: Figure, name: str) -> tuple[float, float]:
    text = ax.text(0.5, 0.5, name, fontsize=_SIZE, transform=ax.transAxes, parse_math=False)
    box = text.get_window_extent()
    text.remove()
    return float(box.width), float(box.height)


def _discs(centres: FloatArray, radius: float) -> FloatArray:
    """The centres and, for markers of some size, points on two rings around each."""
    if not radius:
        return centres
    turn = np.deg2rad(np.arange(0.0, 360.0, 30.0))
    ring = np.column_stack([np.cos(turn), np.sin(turn)])
    rings = [(centres[:, None] + radius * share * ring).reshape(-1, 2) for share in (0.5, 1.0)]
    return np.concatenate([centres, *rings])


def _write(ax: Axes, point: FloatArray, offset: tuple[float, float], name: str, *, ground: bool) -> None:
    far = np.hypot(*offset) > _LEADER_FROM
    line = {"arrowstyle": "-", "color": "#444444", "lw": 0.5, "shrinkA": 0.0, "shrinkB": 2.0, "relpos": (0.5, 0.5)}
    if far:
        line["relpos"] = (0.0 if offset[0] >= 0 else 1.0, 0.5)
    ax.annotate(
        name,
        (float(point[0]), float(point[1])),
        offset,
        textcoords="offset points",
        fontsize=_SIZE,
        ha="left" if offset[0] >= 0 else "right",
        va="center",
        arrowprops=line if far else None,
        bbox={"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.65} if ground else None,
        annotation_clip=False,
        parse_math=False,
        zorder=6,
    )


class _Space:
    """What of the axes is taken, in pixels."""

    def __init__(self, ax: Axes, crowd: FloatArray, scale: float) -> None:
        self.frame = ax.get_window_extent()
        self.scale = scale
        self.taken: list[FloatArray] = []
        legend = ax.get_legend()
        if legend is not None:
            box = legend.get_window_extent()
            self.taken.append(np.array([box.x0, box.y0, box.x1, box.y1]))
        self._count_points(crowd)

    def _count_points(self, crowd: FloatArray) -> None:
        """Points per cell, summed from the lower left, so that any box is counted by four look-ups."""
        x_edges = np.arange(self.frame.x0, self.frame.x1 + 2 * _CELL, _CELL)
        y_edges = np.arange(self.frame.y0, self.frame.y1 + 2 * _CELL, _CELL)
        cells, _, _ = np.histogram2d(crowd[:, 0], crowd[:, 1], bins=(x_edges, y_edges))
        self.sums = np.pad(np.minimum(cells, 1).cumsum(0).cumsum(1), ((1, 0), (1, 0)))

    def place(self, anchor: FloatArray, size: tuple[float, float]) -> tuple[float, float] | None:
        """The best free offset, in points, for a name of this size; None if there is none."""
        offsets = np.array([(r * np.cos(a), r * np.sin(a)) for r in _RINGS for a in _ANGLES])
        boxes = self._boxes(anchor, offsets * self.scale, size)
        free = self._inside(boxes)
        for other in self.taken:
            free &= ~_overlap(boxes, other)
        if not free.any():
            return None
        cost = np.hypot(*offsets.T) + _CROWD_COST * self._covered(boxes) + 0.02 * (offsets[:, 0] < 0)
        best = int(np.argmin(np.where(free, cost, np.inf)))
        self.taken.append(boxes[best])
        return float(offsets[best, 0]), float(offsets[best, 1])

    def _boxes(self, anchor: FloatArray, offsets: FloatArray, size: tuple[float, float]) -> FloatArray:
        width, height = size[0] + 2.0 * self.scale, size[1]
        x = anchor[0] + offsets[:, 0]
        left = np.where(offsets[:, 0] >= 0, x, x - width)
        bottom = anchor[1] + offsets[:, 1] - height / 2
        return np.column_stack([left, bottom, left + width, bottom + height])

    def _inside(self, boxes: FloatArray) -> BoolArray:
        frame, margin = self.frame, 0.5 * self.scale
        return np.asarray(
            (boxes[:, 0] > frame.x0 + margin)
            & (boxes[:, 1] > frame.y0 + margin)
            & (boxes[:, 2] < frame.x1 - margin)
            & (boxes[:, 3] < frame.y1 - margin)
        )

    def _covered(self, boxes: FloatArray) -> FloatArray:
        start = np.array([self.frame.x0, self.frame.y0] * 2)
        cells = ((boxes - start) / _CELL).astype(int) + np.array([0, 0, 1, 1])
        left, right = (np.clip(cells[:, k], 0, self.sums.shape[0] - 1) for k in (0, 2))
        low, high = (np.clip(cells[:, k], 0, self.sums.shape[1] - 1) for k in (1, 3))
        s = self.sums
        return np.asarray(s[right, high] - s[left, high] - s[right, low] + s[left, low])


def _overlap(boxes: FloatArray, other: FloatArray) -> BoolArray:
    return np.asarray(
        (boxes[:, 0] < other[2]) & (boxes[:, 2] > other[0]) & (boxes[:, 1] < other[3]) & (boxes[:, 3] > other[1])
    )
