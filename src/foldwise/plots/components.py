"""Pictures of principal components: the samples on two of them, and how much each explains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from foldwise.arguments import checked
from foldwise.counts import anndata_as_counts
from foldwise.errors import OptionError, listed
from foldwise.plots.figures import DOWN, add_legend, colours_for, describe, markers_for, new_axes
from foldwise.plots.gene_counts import level_names, texts_of
from foldwise.plots.labels import label_points
from foldwise.plots.sources import design_variables, sample_table
from foldwise.quality.components import TOP_GENES, Components, principal_components
from foldwise.quality.transformed import transformed

_NAMED_AT_MOST = 30  # samples: beyond that, names hide the points


@checked
def pca(
    data: Any,
    ax: Axes | None = None,
    *,
    components: tuple[int, int] = (1, 2),
    color: str | None = None,
    shape: str | None = None,
    samples: pd.DataFrame | None = None,
    top: int | None = TOP_GENES,
    labels: bool | None = None,
    title: str | None = None,
) -> Axes:
    """Samples on two principal components, with the share of variance of each.

    Parameters
    ----------
    data
        Transformed values (genes x samples, e.g. ``fw.vst(data)``), a fit, count data or an AnnData of counts
        (which are transformed here), or ``Components``.
    ax
        Axes to draw into; a new figure if none.
    components
        Which two components, counted from 1.
    color, shape
        Columns of the sample table to colour and shape the samples by; numbers get a colour scale. By default the
        last and the last but one variable of a fit's design.
    samples
        Sample table for transformed values.
    top
        How many genes of largest variance are used, as in R's plotPCA; None for all.
    labels
        Whether to name the samples; by default when there are at most 30.

    Returns
    -------
    matplotlib.axes.Axes
    """
    data = anndata_as_counts(data)
    found = data if isinstance(data, Components) else principal_components(transformed(data)[0], top=top)
    x, y = (_component(found, k) for k in components)
    table = sample_table(data, samples)
    color, shape = _default_columns(data, table, color, shape)
    ax = new_axes(ax)
    _draw_samples(ax, found.scores[x], found.scores[y], table, color, shape)
    ax.margins(0.12)
    share = found.variance
    describe(ax, x=f"{x}: {share[x]:.0%} of variance", y=f"{y}: {share[y]:.0%} of variance", title=title)
    if labels or (labels is None and len(found.scores) <= _NAMED_AT_MOST):
        label_points(ax, found.scores[x].to_numpy(), found.scores[y].to_numpy(), list(found.scores.index), radius=5.0)
    return ax


@checked
def scree(data: Any, ax: Axes | None = None, *, top: int | None = TOP_GENES, title: str | None = None) -> Axes:
    """The share of variance that each principal component explains, and their sum so far."""
    found = data if isinstance(data, Components) else principal_components(transformed(data)[0], top=top)
    share = found.variance.to_numpy()[:10] * 100
    position = np.arange(1, len(share) + 1)
    ax = new_axes(ax)
    bars = ax.bar(position, share, color=DOWN, width=0.7)
    (line,) = ax.plot(position, np.cumsum(share), "o-", color="#555555", ms=3.5, lw=1.0)
    for place, value in zip(position, share, strict=True):
        _name_bar(ax, float(place), float(value), under_line=place == 1)
    ax.set(xticks=position, ylim=(0, 108))
    describe(ax, x="principal component", y="% of variance", title=title)
    add_legend(ax, [(bars[0], "this component"), (line, "up to this one")])
    return ax


def _name_bar(ax: Axes, place: float, value: float, *, under_line: bool) -> None:
    """The height of a bar: within it where it is tall, above it otherwise (off the line, which begins on the first)."""
    inside = value >= 10
    ax.annotate(
        f"{value:.0f}",
        (place, value),
        (0, -4 if inside else (7 if under_line else 1)),
        textcoords="offset points",
        ha="center",
        va="top" if inside else "bottom",
        fontsize=7,
        color="white" if inside else "#333333",
    )


def _component(found: Components, number: int) -> str:
    name = f"PC{number}"
    if name not in found.scores:
        raise OptionError(f"There is no component {number}; there are {found.scores.shape[1]}, counted from 1.")
    return name


def _default_columns(
    data: Any, table: pd.DataFrame | None, color: str | None, shape: str | None
) -> tuple[str | None, str | None]:
    for name in (color, shape):
        if name is not None and (table is None or name not in table):
            known = "there is no sample table (samples=)" if table is None else f"it has {listed(table.columns, 12)}"
            raise OptionError(f"The sample table has no column '{name}': {known}.")
    if color is None and shape is None:
        variables = design_variables(data)[::-1]
        color = variables[0] if variables else None
        others = [name for name in variables[1:] if table is not None and table[name].nunique() <= 6]
        shape = others[0] if others else None
    return color, shape


def _draw_samples(
    ax: Axes, x: pd.Series, y: pd.Series, table: pd.DataFrame | None, color: str | None, shape: str | None
) -> None:
    """One scatter for each combination of colour and marker, and the legends that tell them."""
    hue = None if table is None or color is None else table[color].reindex(x.index)
    form = None if table is None or shape is None else table[shape].reindex(x.index)
    numeric = hue is not None and pd.api.types.is_numeric_dtype(hue) and hue.dtype != bool
    marker_of = {} if form is None else markers_for(level_names(form))
    colour_of = {} if hue is None or numeric else colours_for(level_names(hue))
    if form is None and hue is not None and not numeric:
        marker_by_hue = markers_for(level_names(hue), with_colours=True)
        markers = [marker_by_hue[level] for level in texts_of(hue)]
    else:
        markers = ["o"] * len(x) if form is None else [marker_of[level] for level in texts_of(form)]
    colours = [DOWN] * len(x) if hue is None or numeric else [colour_of[level] for level in texts_of(hue)]
    style: dict[str, Any] = {"s": 42, "edgecolors": "white", "linewidths": 0.6, "zorder": 3}
    for marker in dict.fromkeys(markers):
        chosen = np.array([m == marker for m in markers])
        if numeric and hue is not None:
            limits = {"vmin": hue.min(), "vmax": hue.max(), "cmap": "viridis"}
            shown = ax.scatter(x[chosen], y[chosen], c=hue[chosen], marker=marker, **limits, **style)
        else:
            picked = [c for c, take in zip(colours, chosen, strict=True) if take]
            shown = ax.scatter(x[chosen], y[chosen], c=picked, marker=marker, **style)
    if numeric and color is not None and ax.figure is not None:
        bar = ax.figure.colorbar(shown, ax=ax, shrink=0.7)
        bar.ax.tick_params(labelsize=8)
        bar.set_label(color, fontsize=8, parse_math=False)
    _sample_legends(ax, hue, form, colour_of, marker_of, color, shape)


def _sample_legends(
    ax: Axes,
    hue: pd.Series | None,
    form: pd.Series | None,
    colour_of: dict[object, str],
    marker_of: dict[object, str],
    color: str | None,
    shape: str | None,
) -> None:
    entries: list[tuple[Any, str]] = []
    if colour_of and hue is not None:
        by_hue = markers_for(level_names(hue), with_colours=True) if form is None else {}
        entries.append((Line2D([], [], ls=""), f"{color}"))
        entries += [
            (Line2D([], [], color=c, marker=by_hue.get(level, "o"), ls="", ms=6, mew=0), str(level))
            for level, c in colour_of.items()
        ]
    if marker_of:
        entries.append((Line2D([], [], ls=""), f"{shape}"))
        entries += [
            (Line2D([], [], color="#666666", marker=m, ls="", ms=6, mew=0), str(level))
            for level, m in marker_of.items()
        ]
    add_legend(ax, entries, outside=True)
    legend = ax.get_legend()
    for text, (handle, _) in zip(legend.get_texts() if legend else [], entries, strict=False):
        if handle.get_marker() in ("", "None", None):
            text.set_fontweight("bold")
