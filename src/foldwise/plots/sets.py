"""Which genes several comparisons share: an UpSet picture (Lex et al. 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from foldwise.arguments import checked
from foldwise.arrays import BoolArray, IntArray
from foldwise.errors import OptionError
from foldwise.plots.figures import DOWN, TEXT_SIZE, describe, name_ticks, new_axes, new_canvas, text_inches
from foldwise.plots.sources import adjusted_pvalues, alpha_of, columns_of, results_table


@checked
def upset(
    results: Mapping[str, Any],
    ax: Axes | None = None,
    *,
    alpha: float | None = None,
    direction: Literal["both", "up", "down"] = "both",
    top: int = 20,
    title: str | None = None,
) -> Axes:
    """How many significant genes belong to exactly which comparisons, the largest groups first.

    Parameters
    ----------
    results
        Name -> results (or their tables), e.g. from ``fit.results_many``.
    direction
        Count all significant genes, or only those that go up or down.
    top
        How many groups at most.
    """
    members = significant_sets(results, alpha, direction)
    patterns, sizes = exclusive_groups(members.to_numpy(), top)
    names = list(members.columns)
    canvas = new_canvas(ax, (max(4.8, 3.0 + 0.28 * len(sizes)), 2.6 + 0.28 * len(names)))
    width = canvas.get_window_extent().width / canvas.figure.dpi
    written = min(text_inches(canvas, names, TEXT_SIZE - 1) / width + 0.03, 0.5)
    share, left = 0.28 * len(names) / (2.0 + 0.28 * len(names)), 0.16 + written
    foot = 0.13  # for the axis of the totals
    split = foot + (1 - foot) * share
    bars = canvas.inset_axes((left, split + 0.03, 1 - left, 0.9 - split))
    dots = canvas.inset_axes((left, foot, 1 - left, split - foot))
    totals = canvas.inset_axes((0.03, foot, 0.13, split - foot))
    _group_bars(bars, sizes)
    _membership_dots(dots, patterns, names)
    _set_totals(totals, members.sum(axis=0).to_numpy())
    describe(bars, y="genes", title=title)
    return canvas


def significant_sets(
    results: Mapping[str, Any], alpha: float | None, direction: Literal["both", "up", "down"]
) -> pd.DataFrame:
    """Genes x comparisons: whether the gene is significant there (in the direction asked for)."""
    if not isinstance(results, Mapping) or not results:
        raise OptionError("upset() takes several results: a mapping from a name to its results.")
    if direction not in ("both", "up", "down"):
        raise OptionError(f"direction must be 'both', 'up' or 'down', not '{direction}'.")
    columns = {}
    for name, one in results.items():
        table = results_table(one)
        padj, (lfc,) = adjusted_pvalues(table), columns_of(table, ["log2FoldChange"])
        chosen = padj < alpha_of(one, alpha)
        if direction != "both":
            chosen &= (lfc > 0) if direction == "up" else (lfc < 0)
        columns[str(name)] = pd.Series(chosen, index=table.index)
    together = pd.DataFrame(columns)
    return together.eq(True)


def exclusive_groups(members: BoolArray, top: int) -> tuple[BoolArray, IntArray]:
    """Patterns of membership (n, comparisons) and how many genes have exactly that one, the largest first."""
    chosen = members[members.any(axis=1)]
    if not len(chosen):
        return np.zeros((0, members.shape[1]), dtype=bool), np.zeros(0, dtype=np.int64)
    patterns, sizes = np.unique(chosen, axis=0, return_counts=True)
    order = np.argsort(-sizes, kind="stable")[:top]
    return patterns[order], sizes[order].astype(np.int64)


def _group_bars(ax: Axes, sizes: IntArray) -> None:
    new_axes(ax)
    bars = ax.bar(np.arange(len(sizes)), sizes, color=DOWN, width=0.65)
    ax.bar_label(bars, fontsize=TEXT_SIZE - 2, padding=1)
    ax.set(xlim=(-0.6, max(len(sizes), 1) - 0.4), xticks=[])
    if not len(sizes):
        ax.text(0.5, 0.5, "no significant genes", ha="center", transform=ax.transAxes, fontsize=TEXT_SIZE)


def _membership_dots(ax: Axes, patterns: BoolArray, names: list[str]) -> None:
    for k in range(0, len(names), 2):
        ax.axhspan(k - 0.5, k + 0.5, color="#F2F2F2", lw=0, zorder=0)
    column, row = np.nonzero(np.ones_like(patterns))
    ax.scatter(column, row, s=26, c="#D5D5D5", lw=0, zorder=1)
    column, row = np.nonzero(patterns)
    ax.scatter(column, row, s=26, c="#222222", lw=0, zorder=3)
    for k, pattern in enumerate(patterns):
        inside = np.flatnonzero(pattern)
        ax.plot([k, k], [inside[0], inside[-1]], color="#222222", lw=1.4, zorder=2)
    name_ticks(ax, "y", names)
    ax.set(xlim=(-0.6, max(len(patterns), 1) - 0.4), ylim=(len(names) - 0.5, -0.5), xticks=[])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _set_totals(ax: Axes, totals: IntArray) -> None:
    ax.barh(np.arange(len(totals)), totals, color="#888888", height=0.55)
    ax.set(ylim=(len(totals) - 0.5, -0.5), yticks=[])
    ax.invert_xaxis()
    ax.spines[["top", "left"]].set_visible(False)
    ax.tick_params(labelsize=TEXT_SIZE - 2)
    describe(ax, x="genes in all")
