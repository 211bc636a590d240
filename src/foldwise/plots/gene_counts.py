"""The counts of one gene, sample by sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.counts import anndata_as_counts
from foldwise.errors import CountsError, OptionError, listed
from foldwise.plots.figures import (
    DOWN,
    add_legend,
    colours_for,
    describe,
    log_counts_axis,
    markers_for,
    name_ticks,
    new_axes,
)
from foldwise.plots.sources import design_variables, normalized_counts, sample_table

PSEUDOCOUNT = 0.5  # DESeq2's plotCounts: zeros have a place on the log scale


@checked
def counts(
    data: Any,
    gene: object,
    ax: Axes | None = None,
    *,
    group: str | None = None,
    color: str | None = None,
    samples: pd.DataFrame | None = None,
    log: bool = True,
    title: str | None = None,
) -> Axes:
    """Normalized counts of one gene by group, every sample a point, the bar the mean of its group.

    Parameters
    ----------
    data
        A fit, count data, an AnnData, or a table of normalized counts (genes x samples) with ``samples``.
    gene
        Its name.
    group, color
        Columns of the sample table: the horizontal axis (a number gives a scatter), and colours. By default the
        last variable of a fit's design, and the one before it.
    log
        Log scale, with 0.5 added to every count.
    """
    data = anndata_as_counts(data)
    table = normalized_counts(data)
    if gene not in table.index:
        raise CountsError(f"There is no gene '{gene}' in the counts.")
    values = np.asarray(table.loc[gene], dtype=float)
    if values.ndim != 1:
        raise CountsError(f"The gene name '{gene}' is there {len(values)} times: names must be unique.")
    known = sample_table(data, samples)
    group, color = _default_columns(data, known, group, color)
    ax = new_axes(ax)
    height = values + PSEUDOCOUNT if log else values
    draw_by_group(ax, height, _column(known, group, table.columns), _column(known, color, table.columns))
    if log:
        log_counts_axis(ax)
    words = "normalized count" + (f" + {PSEUDOCOUNT:g}" if log else "")
    describe(ax, x=group or "", y=words, title=str(gene) if title is None else title)
    return ax


def draw_by_group(ax: Axes, height: FloatArray, group: pd.Series | None, color: pd.Series | None) -> None:
    """Draw one point a sample over its group (a category or a number), coloured by a second column."""
    if group is None:
        group = pd.Series("all samples", index=range(len(height)))
    numeric = pd.api.types.is_numeric_dtype(group) and group.dtype != bool and group.nunique() > 1
    levels = [] if numeric else level_names(group)
    x = group.to_numpy(dtype=float) if numeric else _spread(group, levels)
    _coloured_points(ax, x, height, color)
    if not numeric:
        texts = texts_of(group)
        for k, level in enumerate(levels):
            mean = float(np.mean([h for h, t in zip(height, texts, strict=True) if t == level]))
            ax.plot([k - 0.28, k + 0.28], [mean, mean], color="#333333", lw=1.6, zorder=2, solid_capstyle="butt")
        name_ticks(ax, "x", levels, rotation=30 if len(levels) > 5 else 0)
        ax.set_xlim(-0.6, len(levels) - 0.4)


def level_names(column: pd.Series) -> list[str]:
    """Levels as text: a categorical's own order (those in use), otherwise order of appearance."""
    texts = texts_of(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        used = set(texts)
        ordered = [str(level) for level in column.cat.categories if str(level) in used]
        return ordered + [text for text in dict.fromkeys(texts) if text not in set(ordered)]
    return list(dict.fromkeys(texts))


def texts_of(column: pd.Series) -> list[str]:
    """Values as text, missing ones as "missing"."""
    return ["missing" if pd.isna(value) else str(value) for value in column]


def _coloured_points(ax: Axes, x: FloatArray, height: FloatArray, color: pd.Series | None) -> None:
    style: dict[str, Any] = {"s": 34, "edgecolors": "white", "linewidths": 0.5, "zorder": 3}
    if color is None:
        ax.scatter(x, height, c=DOWN, **style)
        return
    if pd.api.types.is_numeric_dtype(color) and color.dtype != bool:
        shown = ax.scatter(x, height, c=color.to_numpy(dtype=float), cmap="viridis", **style)
        bar = ax.figure.colorbar(shown, ax=ax, shrink=0.7)
        bar.set_label(str(color.name), fontsize=8, parse_math=False)
        return
    levels, texts = level_names(color), np.array(texts_of(color))
    colours, markers = colours_for(levels), markers_for(levels, with_colours=True)
    for level in levels:
        chosen = texts == level
        ax.scatter(x[chosen], height[chosen], c=colours[level], marker=markers[level], **style)
    entries = [
        (Line2D([], [], color=colours[level], marker=markers[level], ls="", ms=6, mew=0), level) for level in levels
    ]
    add_legend(ax, entries, title=str(color.name), outside=True)


def _spread(group: pd.Series, levels: list[str]) -> FloatArray:
    """Positions of the samples: their group's number, spread sideways in a fixed pattern."""
    texts = texts_of(group)
    x = np.empty(len(texts))
    for k, level in enumerate(levels):
        members = [i for i, text in enumerate(texts) if text == level]
        steps = np.linspace(-0.16, 0.16, len(members)) if len(members) > 1 else np.zeros(1)
        x[members] = k + steps
    return x


def _column(table: pd.DataFrame | None, name: str | None, sample_names: pd.Index) -> pd.Series | None:
    return None if table is None or name is None else table[name].reindex(sample_names)


def _default_columns(
    data: Any, table: pd.DataFrame | None, group: str | None, color: str | None
) -> tuple[str | None, str | None]:
    for name in (group, color):
        if name is not None and (table is None or name not in table):
            known = "there is no sample table (samples=)" if table is None else f"it has {listed(table.columns, 12)}"
            raise OptionError(f"The sample table has no column '{name}': {known}.")
    variables = design_variables(data)
    if group is None and variables:
        group = variables[-1]
        if color is None and len(variables) > 1:
            color = variables[-2]
    return group, color
