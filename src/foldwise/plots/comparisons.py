"""Pictures of one comparison: MA, volcano, p-value histogram, independent filtering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from foldwise.arguments import checked
from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.plots.figures import (
    DOWN,
    TREND,
    UNREMARKABLE,
    UP,
    add_legend,
    describe,
    new_axes,
    rasterised,
)
from foldwise.plots.labels import label_points
from foldwise.plots.sources import adjusted_pvalues, alpha_of, chosen_genes, columns_of, results_table, title_of

_MARGIN = 1.1  # of the axis of fold changes, over what it must hold
_WIDE = (6.0, 3.8)  # inches: room for the legend beside the axes


@checked
def ma(
    results: Any,
    ax: Axes | None = None,
    *,
    alpha: float | None = None,
    ylim: tuple[float, float] | None = None,
    labels: int | Sequence[object] | None = None,
    title: str | None = None,
) -> Axes:
    """Log2 fold changes over mean normalized counts; genes significant at ``alpha`` in colour.

    Parameters
    ----------
    results
        Results of a contrast, or their table (baseMean, log2FoldChange, padj).
    ax
        Axes to draw into; a new figure if none.
    alpha
        Level for adjusted p-values; that of the results, or 0.1.
    ylim
        Range of fold changes; genes outside are triangles at the edge. By default 1.1 times the 99 % quantile of all
        genes, or of the significant ones, and the fifty genes of smallest p-value are inside.
    labels
        How many genes of smallest p-value to name, or which genes.

    Returns
    -------
    matplotlib.axes.Axes
    """
    table = results_table(results)
    mean, lfc = columns_of(table, ["baseMean", "log2FoldChange"])
    padj = adjusted_pvalues(table)
    shown = (mean > 0) & np.isfinite(lfc)
    alpha = alpha_of(results, alpha)
    if ylim is None:
        ylim = _fold_change_range(lfc, shown, padj < alpha, table.index.get_indexer_for(chosen_genes(table, 50)))
    low, high = ylim
    ax = new_axes(ax, size=_WIDE)
    ax.set_xscale("log")
    ax.axhline(0.0, color="#555555", lw=0.8, zorder=1)
    entries = []
    for chosen, colour, words, size in (
        (shown & ~(padj < alpha), UNREMARKABLE, "other genes", 5.0),
        (shown & (padj < alpha), DOWN, f"adjusted p < {alpha:g}", 7.0),
    ):
        _scatter_within(ax, mean[chosen], lfc[chosen], low, high, colour, size)
        entries.append((_dot(colour), f"{words} ({int(chosen.sum()):,})"))
    ax.set_ylim(low, high)
    describe(ax, x="mean of normalized counts", y="log2 fold change", title=title_of(results, title))
    add_legend(ax, entries[::-1], outside=True)
    _label_genes(ax, table, labels, mean, np.clip(lfc, low, high))
    return ax


@checked
def volcano(
    results: Any,
    ax: Axes | None = None,
    *,
    alpha: float | None = None,
    lfc_threshold: float = 0.0,
    labels: int | Sequence[object] | None = None,
    title: str | None = None,
) -> Axes:
    """Significance over log2 fold change: -log10 p, with genes beyond ``alpha`` and ``lfc_threshold`` in colour.

    The p-values are raw; significance is by adjusted p-value, and the dashed line is the largest raw p-value that
    is still significant. A p-value of 0 is drawn at the top edge.
    """
    table = results_table(results)
    lfc, pvalue = columns_of(table, ["log2FoldChange", "pvalue"])
    padj = adjusted_pvalues(table)
    alpha = alpha_of(results, alpha)
    shown = np.isfinite(lfc) & np.isfinite(pvalue)
    height, top = _minus_log10(pvalue)
    significant = shown & (padj < alpha) & (np.abs(lfc) >= lfc_threshold)
    ax = new_axes(ax, size=_WIDE)
    entries = []
    for chosen, colour, words, size in (
        (shown & ~significant, UNREMARKABLE, "other genes", 5.0),
        (significant & (lfc < 0), DOWN, "down", 8.0),
        (significant & (lfc > 0), UP, "up", 8.0),
    ):
        inside, at_edge = chosen & (height < top), chosen & (height >= top)
        many = rasterised(int(shown.sum()))
        ax.scatter(lfc[inside], height[inside], s=size, c=colour, lw=0, rasterized=many)
        ax.scatter(lfc[at_edge], height[at_edge], s=size * 3, c=colour, lw=0, marker="^", clip_on=False)
        entries.append((_dot(colour), f"{words} ({int(chosen.sum()):,})"))
    entries = entries[::-1] + _volcano_lines(ax, pvalue[shown & (padj < alpha)], alpha, lfc_threshold)
    reach = 1.05 * float(np.max(np.abs(lfc[shown]), initial=1.0))
    ax.set(xlim=(-reach, reach), ylim=(0.0, top * 1.02))
    describe(ax, x="log2 fold change", y="-log10 p-value", title=title_of(results, title))
    add_legend(ax, entries, title=f"adjusted p < {alpha:g}", outside=True)
    _label_genes(ax, table, labels, lfc, height)
    return ax


@checked
def pvalue_histogram(
    results: Any, ax: Axes | None = None, *, bins: int = 40, min_mean: float = 1.0, title: str | None = None
) -> Axes:
    """How p-values are spread: flat with a peak at 0 where the model fits; a hill elsewhere asks for attention.

    Genes with a mean of normalized counts up to ``min_mean`` have coarse p-values near 1 and are left out.
    """
    table = results_table(results)
    mean, pvalue = columns_of(table, ["baseMean", "pvalue"])
    values = pvalue[np.isfinite(pvalue) & (mean > min_mean)]
    ax = new_axes(ax)
    counts, edges, _ = ax.hist(values, bins=np.linspace(0, 1, bins + 1).tolist(), color=DOWN, edgecolor="white", lw=0.4)
    level = float(np.median(np.asarray(counts)[bins // 2 :])) if len(values) else 0.0
    ax.axhline(level, color=TREND, ls="--", lw=1.0)
    line = Line2D([], [], color=TREND, ls="--", lw=1.0)
    add_legend(ax, [(line, "level of the genes without a difference")], loc="upper right")
    ax.set_xlim(0, 1)
    words = f"p-value ({len(values):,} genes with mean count over {min_mean:g})"
    describe(ax, x=words, y="genes", title=title_of(results, title))
    return ax


@checked
def filtering(results: Any, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Independent filtering: rejections over the share of genes filtered out by mean, and the share chosen."""
    metadata = getattr(results, "metadata", results)
    theta, rejections = rejection_curve(metadata)
    ax = new_axes(ax)
    ax.plot(theta, rejections, "o", color=DOWN, ms=3.5)
    fitted = metadata.get("filter_curve")
    if fitted is not None:
        ax.plot(fitted["theta"], fitted["numRej"], color=UNREMARKABLE, lw=1.2, zorder=1)
    chosen = metadata.get("filter_theta")
    if chosen is not None and np.isfinite(chosen):
        ax.axvline(float(chosen), color=TREND, ls="--", lw=1.0)
        threshold = metadata.get("filter_threshold")
        words = f"chosen: {chosen:.0%} filtered" + ("" if threshold is None else f"\nmean count below {threshold:.3g}")
        add_legend(ax, [(Line2D([], [], color=TREND, ls="--"), words)])
    ax.set_ylim(bottom=0)
    alpha = float(metadata.get("alpha", 0.1))
    describe(
        ax, x="share of genes filtered out", y=f"genes with adjusted p < {alpha:g}", title=title_of(results, title)
    )
    return ax


def rejection_curve(metadata: Any) -> tuple[FloatArray, FloatArray]:
    """The curve of independent filtering: shares filtered out and rejections at each (both empty if it was off)."""
    curve = metadata.get("num_rejections")
    if curve is None:
        return np.empty(0), np.empty(0)
    if isinstance(curve, pd.DataFrame):
        theta = curve["theta"] if "theta" in curve else curve.index
        return np.asarray(theta, dtype=float), np.asarray(curve.iloc[:, -1], dtype=float)
    if isinstance(curve, pd.Series):
        return np.asarray(curve.index, dtype=float), np.asarray(curve, dtype=float)
    values = np.asarray(curve, dtype=float)
    theta = np.asarray(metadata.get("theta", np.linspace(0, 0.95, len(values))), dtype=float)
    return theta, values


def _fold_change_range(lfc: FloatArray, shown: BoolArray, significant: BoolArray, top: IntArray) -> tuple[float, float]:
    size = np.abs(lfc)
    wide = [0.1 / _MARGIN] + [
        float(np.quantile(size[kind], 0.99)) for kind in (shown, shown & significant) if kind.any()
    ]
    surest = size[top[shown[top] & significant[top]]]
    reach = _MARGIN * max(*wide, float(np.max(surest, initial=0.0)))
    return -reach, reach


def _scatter_within(ax: Axes, x: FloatArray, y: FloatArray, low: float, high: float, colour: str, size: float) -> None:
    """Points, those outside [low, high] as triangles on the edge."""
    above, below = y > high, y < low
    inside = ~(above | below)
    many = rasterised(len(x))
    ax.scatter(x[inside], y[inside], s=size, c=colour, lw=0, rasterized=many, zorder=2)
    for outside, edge, marker in ((above, high, "^"), (below, low, "v")):
        height = np.full(int(outside.sum()), edge)
        ax.scatter(x[outside], height, s=size * 2.5, c=colour, lw=0, marker=marker, clip_on=False, zorder=3)


def _minus_log10(pvalue: FloatArray) -> tuple[FloatArray, float]:
    """-log10 p, and the top of the axis at which p-values of 0 are drawn."""
    positive = pvalue[pvalue > 0]
    top = float(-np.log10(positive.min())) * 1.05 if len(positive) else 1.0
    with np.errstate(divide="ignore"):
        return np.minimum(-np.log10(pvalue), max(top, 1.0)), max(top, 1.0)


def _volcano_lines(ax: Axes, significant: FloatArray, alpha: float, lfc_threshold: float) -> list[tuple[Line2D, str]]:
    """Lines at the limits, and what the legend says of them."""
    style = {"color": "#555555", "lw": 0.8}
    said = []
    if len(significant) and significant.max() > 0:
        ax.axhline(-np.log10(significant.max()), zorder=1, ls="--", **style)
        words = f"largest p-value ({significant.max():.1g})\nwith adjusted p < {alpha:g}"
        said.append((Line2D([], [], ls="--", **style), words))
    if lfc_threshold > 0:
        for side in (lfc_threshold, -lfc_threshold):
            ax.axvline(side, zorder=1, ls=":", **style)
        said.append((Line2D([], [], ls=":", **style), f"fold change of ±{lfc_threshold:g}"))
    return said


def _label_genes(
    ax: Axes, table: pd.DataFrame, labels: int | Sequence[object] | None, x: FloatArray, y: FloatArray
) -> None:
    genes = chosen_genes(table, labels)
    drawn: BoolArray = np.isfinite(x) & np.isfinite(y)
    where = table.index.get_indexer_for(genes)
    where = where[drawn[where]]
    label_points(ax, x[where], y[where], list(table.index[where]), avoid=np.column_stack([x, y])[drawn])


def _dot(colour: str) -> Line2D:
    return Line2D([], [], color=colour, marker="o", ls="", ms=4, mew=0)
