"""A gene explained: its counts by group as they are, and with the other covariates' fitted effects removed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from foldwise.plots.figures import DOWN, TEXT_SIZE, UP, describe, log_counts_axis, name_ticks, new_axes
from foldwise.plots.gene_counts import PSEUDOCOUNT


def explained(explanation: Any, ax: Axes | None = None) -> Axes:
    """Draw an ``Explanation``: counts left, adjusted counts right, one scale.

    Returns the left axes (or ``ax``, divided in two).
    """
    if ax is None:
        figure = Figure(figsize=(6.4, 3.6), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, sharey=True)
        shown = left
    else:
        ax.axis("off")
        left, right = ax.inset_axes((0.0, 0.0, 0.46, 0.92)), ax.inset_axes((0.54, 0.0, 0.46, 0.92))
        shown = ax
    table = explanation.counts
    for axes, column, words, lfc in (
        (left, "normalized", "normalized counts", explanation.raw_lfc),
        (right, "adjusted", "other covariates removed", _ratio(table, "adjusted")),
    ):
        new_axes(axes)
        _side(axes, table, column)
        said = f"{words}\nlog2 ratio {lfc:+.2f}" if np.isfinite(lfc) else words
        describe(axes, title=said)
        axes.title.set_fontsize(TEXT_SIZE)
    right.set_ylim(*_limits(table))
    left.set_ylim(*_limits(table))
    log_counts_axis(left)
    log_counts_axis(right)
    describe(left, y=f"{explanation.gene}: count + {PSEUDOCOUNT:g}")
    return shown


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    values = table[["normalized", "adjusted"]].to_numpy() + PSEUDOCOUNT
    return float(np.nanmin(values)) / 1.3, float(np.nanmax(values)) * 1.3


def _ratio(table: pd.DataFrame, column: str) -> float:
    sides = [side for side in dict.fromkeys(table["side"]) if side]
    if "x" in table or len(sides) != 2:
        return float("nan")
    numerator = table.attrs.get("numerator", sides[0])
    above = table.loc[table["side"] == numerator, column].mean()
    below = table.loc[~table["side"].isin([numerator, ""]), column].mean()
    return float(np.log2(above / below)) if above > 0 and below > 0 else float("nan")


def _side(ax: Axes, table: pd.DataFrame, column: str) -> None:
    values = table[column].to_numpy(dtype=float) + PSEUDOCOUNT
    if "x" in table:
        ax.scatter(table["x"], values, s=30, c=DOWN, edgecolors="white", linewidths=0.5)
        return
    numerator = table.attrs.get("numerator")
    sides = sorted((side for side in dict.fromkeys(table["side"]) if side), key=lambda side: side == numerator)
    for k, (side, colour) in enumerate(zip(sides, (DOWN, UP), strict=False)):
        chosen = values[(table["side"] == side).to_numpy()]
        spread = np.linspace(-0.15, 0.15, len(chosen)) if len(chosen) > 1 else np.zeros(1)
        ax.scatter(k + spread, chosen, s=30, c=colour, edgecolors="white", linewidths=0.5, zorder=3)
        mean = float(chosen.mean())
        ax.plot([k - 0.28, k + 0.28], [mean, mean], color="#333333", lw=1.6, zorder=2)
    name_ticks(ax, "x", sides)
    ax.set_xlim(-0.6, len(sides) - 0.4)
