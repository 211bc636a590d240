"""How a clustered map is laid out and drawn: the cells, their trees, the bars of covariates, the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from matplotlib.patches import Patch

from foldwise.arrays import FloatArray, IntArray
from foldwise.plots.figures import PALETTE, name_ticks, new_canvas, text_inches
from foldwise.plots.gene_counts import level_names, texts_of

_NAMES_AT_MOST = 60
Told = dict[str, tuple[FloatArray, list[tuple[Any, str]]]]


@dataclass(frozen=True, slots=True)
class Clustering:
    """A hierarchical clustering. linkage : scipy's (n - 1, 4); order : (n,) leaves from left to right."""

    linkage: FloatArray
    order: IntArray


def cluster(condensed: FloatArray) -> Clustering:
    """Complete linkage of condensed distances (R's hclust default), with neighbours put side by side."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering

    tree = linkage(condensed, method="complete")
    if len(tree) < 1000:  # optimal ordering takes the square of the samples and more
        tree = optimal_leaf_ordering(tree, condensed)
    return Clustering(tree, leaves_list(tree).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Map:
    """What is drawn. table : rows x columns in their original order; rows, columns : their trees, if any."""

    table: pd.DataFrame
    rows: Clustering | None
    columns: Clustering | None
    covariates: pd.DataFrame | None
    colours: str
    limits: tuple[float, float]
    words: str


def draw_map(ax: Axes | None, picture: Map, cells: tuple[float, float], title: str | None) -> Axes:
    """Draw the parts of the picture; ``cells`` is the size in inches that the map itself should have."""
    covariates = picture.covariates
    told: Told = {} if covariates is None else covariate_colours(covariates)
    probe = new_canvas(ax, (4, 4))
    size = _name_size(max(picture.table.shape))
    many_rows, many_columns = (n > _NAMES_AT_MOST for n in picture.table.shape)
    right = 0.1 + max(
        0.0 if many_rows else text_inches(probe, list(picture.table.index), size), text_inches(probe, list(told), 7)
    )
    below = 0.1 + (0.0 if many_columns else text_inches(probe, list(picture.table.columns), size))
    texts = [text for _, entries in told.values() for _, text in entries]
    key = max(0.45 + text_inches(probe, [*texts, *told], 7), 1.0)
    above = 0.5 * (picture.columns is not None) + 0.17 * len(told) + 0.05 + 0.3 * bool(title)
    left = 0.5 * (picture.rows is not None) + 0.05
    lines = sum(len(entries) + 1 for _, entries in told.values())
    cells = cells[0], max(cells[1], 0.14 * lines + 1.3 - above)  # room for the legend over the colour scale
    canvas = ax if ax is not None else new_canvas(None, (left + cells[0] + right + key, above + cells[1] + below))
    frame = Frame(canvas, left, right + key, above, below)
    _draw_parts(frame, picture, told, size, right, title)
    return canvas


class Frame:
    """Places parts around the map on a canvas, all measured in inches from the map's edges."""

    def __init__(self, canvas: Axes, left: float, right: float, above: float, below: float) -> None:
        figure = canvas.get_figure(root=True)
        dpi = figure.dpi if figure is not None else 100.0
        box = canvas.get_window_extent()
        self.canvas, self.width, self.height = canvas, box.width / dpi, box.height / dpi
        shrink = min(1.0, 0.7 * self.width / (left + right), 0.7 * self.height / (above + below))
        self.left, self.below = left * shrink, below * shrink
        self.across = self.width - (left + right) * shrink
        self.up = self.height - (above + below) * shrink

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes whose lower left corner lies x, y inches from that of the map."""
        place = ((self.left + x) / self.width, (self.below + y) / self.height)
        return self.canvas.inset_axes((*place, width / self.width, height / self.height))


def _draw_parts(frame: Frame, picture: Map, told: Told, size: float, names: float, title: str | None) -> None:
    across = np.arange(picture.table.shape[1]) if picture.columns is None else picture.columns.order
    down = np.arange(picture.table.shape[0]) if picture.rows is None else picture.rows.order
    shown = picture.table.iloc[down, across]
    low, high = picture.limits
    body = frame.axes(0.0, 0.0, frame.across, frame.up)
    mesh = body.pcolormesh(
        shown.to_numpy(dtype=float),
        cmap=picture.colours,
        vmin=low,
        vmax=high if high > low else low + 1.0,
        rasterized=shown.size > 2000,
    )
    body.invert_yaxis()
    _names(body, shown, size)
    top = frame.up + 0.04
    entries: list[tuple[Any, str]] = []
    for name, (colours, levels) in told.items():
        _covariate_bar(frame.axes(0.0, top, frame.across, 0.14), str(name), colours[across])
        entries += [(Patch(color="none"), str(name)), *levels]
        top += 0.17
    if picture.columns is not None:
        _tree(frame.axes(0.0, top, frame.across, 0.42), picture.columns, "top")
        top += 0.48
    if picture.rows is not None:
        _tree(frame.axes(-0.47, 0.0, 0.44, frame.up), picture.rows, "left")
    _key(frame, mesh, picture.words, entries, frame.across + names + 0.1, top)
    if title:
        frame.axes(0.0, top, 1.0, 0.2).set_axis_off()
        frame.canvas.child_axes[-1].text(0.0, 0.2, title, fontsize=10, parse_math=False)


def _name_size(n: int) -> float:
    return 7.0 if n <= 40 else 5.5


def _names(ax: Axes, shown: pd.DataFrame, size: float) -> None:
    """Names of rows on the right (the tree is on the left), of samples below; none where they would not be read."""
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, pad=2)
    ax.yaxis.tick_right()
    if len(shown) <= _NAMES_AT_MOST:
        name_ticks(ax, "y", list(shown.index), np.arange(len(shown)) + 0.5, fontsize=size)
    else:
        ax.set_yticks([])
    if shown.shape[1] <= _NAMES_AT_MOST:
        name_ticks(ax, "x", list(shown.columns), np.arange(shown.shape[1]) + 0.5, fontsize=size, rotation=90)
    else:
        ax.set_xticks([])


def _tree(ax: Axes, clustering: Clustering, side: str) -> None:
    from matplotlib.collections import LineCollection
    from scipy.cluster.hierarchy import dendrogram

    drawn = dendrogram(clustering.linkage, no_plot=True)
    along = np.asarray(drawn["icoord"]) / 10.0  # scipy puts leaves at 5, 15, 25 …; the cells' middles are 0.5, 1.5 …
    height = np.asarray(drawn["dcoord"])
    ax.axis("off")
    pairs = np.stack([along, height], axis=-1) if side == "top" else np.stack([height, along], axis=-1)
    ax.add_collection(LineCollection(list(pairs), colors="#555555", linewidths=0.7))
    n, reach = len(clustering.order), float(height.max()) * 1.02 or 1.0
    if side == "top":
        ax.set(xlim=(0, n), ylim=(0, reach))
    else:
        ax.set(xlim=(reach, 0), ylim=(n, 0))


def covariate_colours(covariates: pd.DataFrame) -> Told:
    """For each covariate: the samples' colours (n, 3), and the entries of its legend."""
    told: Told = {}
    first = 0
    for name in covariates:
        column = covariates[name]
        told[str(name)] = _bar_colours(column, first)
        if not (pd.api.types.is_numeric_dtype(column) and column.dtype != bool):
            first += column.nunique()
    return told


def _covariate_bar(ax: Axes, name: str, colours: FloatArray) -> None:
    ax.imshow(colours[None, :, :], aspect="auto", interpolation="nearest")
    ax.set_xticks([])
    name_ticks(ax, "y", [name], fontsize=7)
    ax.yaxis.tick_right()
    ax.tick_params(length=0, pad=2)
    ax.spines[:].set_visible(False)


def _key(frame: Frame, mesh: Any, words: str, entries: list[tuple[Any, str]], x: float, top: float) -> None:
    """The colour scale and the covariates' legend, to the right of the names."""
    scale = frame.axes(x, 0.0, 0.1, min(0.9, 0.4 * frame.up))
    bar = frame.canvas.figure.colorbar(mesh, cax=scale)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.ax.tick_params(labelsize=7, length=2)
    bar.set_label(words, fontsize=7)
    if not entries:
        return
    place = frame.axes(x - 0.1, 0.0, 0.5, top)
    place.axis("off")
    legend = place.legend(
        [handle for handle, _ in entries],
        ["x"] * len(entries),
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.0,
        fontsize=7,
        frameon=False,
        handlelength=1.0,
        handletextpad=0.4,
        labelspacing=0.25,
    )
    for text, (patch, name) in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(name)
        if patch.get_facecolor()[3] == 0:
            text.set_fontweight("bold")


def _bar_colours(column: pd.Series, first: int) -> tuple[FloatArray, list[tuple[Any, str]]]:
    if pd.api.types.is_numeric_dtype(column) and column.dtype != bool:
        scale = Normalize(float(column.min()), float(column.max()))
        colour_map = mpl.colormaps["cividis"]
        ends = [(Patch(color=colour_map(scale(v))), f"{v:g}") for v in (column.min(), column.max())]
        return np.asarray(colour_map(scale(column.to_numpy(dtype=float))))[:, :3], ends
    levels = level_names(column)
    of = {level: PALETTE[(first + k) % len(PALETTE)] for k, level in enumerate(levels)}
    colours = np.array([to_rgb(of[text]) for text in texts_of(column)])
    return colours, [(Patch(color=of[level]), level) for level in levels[:12]]
