"""Dispersions over means: what a gene says alone, what the trend expects, what was used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.plots.figures import DOWN, TREND, add_legend, describe, new_axes, rasterised
from foldwise.plots.sources import columns_of

# Gene-wise estimates end at 1e-8; those below this say "no more variable than Poisson" and are drawn at the edge.
_SMALLEST_SHOWN = 1e-6


@checked
def dispersion(fit: Any, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Gene-wise, trend and final dispersions over mean normalized counts, on log scales.

    Parameters
    ----------
    fit
        A fit, or its table of genes (baseMean, dispGeneEst, dispFit, dispersion, dispOutlier).
    ax
        Axes to draw into; a new figure if none.

    Notes
    -----
    Outliers (genes whose own estimate lies so far above the trend that it is kept) are circled. Estimates at the
    lower bound, which say that a gene is no more variable than a Poisson count, are triangles at the lower edge.
    """
    genes = fit if isinstance(fit, pd.DataFrame) else fit.genes
    mean, gene_wise = columns_of(genes, ["baseMean", "dispGeneEst"])
    trend, final = (_optional(genes, name) for name in ("dispFit", "dispersion"))
    outlier = _optional(genes, "dispOutlier") == 1
    ax = new_axes(ax, size=(6.4, 3.8))  # inches: room for the legend beside the axes, where it hides no gene
    ax.set(xscale="log", yscale="log")
    bottom = _lower_edge(gene_wise[mean > 0], final[mean > 0])
    entries = [(_dot("#333333"), "gene-wise")]
    _points(ax, mean, gene_wise, bottom, "#333333", 3.0)
    if np.isfinite(final).any():
        _points(ax, mean, np.where(outlier, np.nan, final), bottom, "#56B4E9", 4.0)
        entries.append((_dot("#56B4E9"), "final (towards the trend)"))
    if outlier.any():
        _circles(ax, mean[outlier], gene_wise[outlier])
        circle = Line2D([], [], marker="o", ls="", ms=5, mfc="none", mec=DOWN, mew=0.7)
        entries.append((circle, f"outliers, kept ({int(outlier.sum()):,})"))
    if np.isfinite(trend).any():
        _curve(ax, mean, trend)
        kind = getattr(getattr(fit, "trend", None), "kind", None)
        entries.append((Line2D([], [], color=TREND, lw=1.6), "trend" + (f" ({kind})" if kind else "")))
    ax.set_ylim(bottom=bottom)
    describe(ax, x="mean of normalized counts", y="dispersion", title=title)
    add_legend(ax, entries, outside=True)
    return ax


def _optional(genes: pd.DataFrame, name: str) -> FloatArray:
    if name not in genes:
        return np.full(len(genes), np.nan)
    return pd.to_numeric(genes[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _lower_edge(*dispersions: FloatArray) -> float:
    values = np.concatenate(dispersions)
    values = values[values > _SMALLEST_SHOWN]
    return float(10.0 ** np.floor(np.log10(np.quantile(values, 0.002)))) if len(values) else _SMALLEST_SHOWN


def _points(ax: Axes, mean: FloatArray, values: FloatArray, bottom: float, colour: str, size: float) -> None:
    shown = (mean > 0) & np.isfinite(values)
    inside, at_edge = shown & (values >= bottom), shown & (values < bottom)
    many = rasterised(int(shown.sum()))
    ax.scatter(mean[inside], values[inside], s=size, c=colour, lw=0, alpha=0.6, rasterized=many, zorder=2)
    edge = np.full(int(at_edge.sum()), bottom)
    ax.scatter(
        mean[at_edge], edge, s=size * 3, c=colour, lw=0, marker="v", alpha=0.4, clip_on=False, rasterized=many, zorder=2
    )


def _circles(ax: Axes, mean: FloatArray, values: FloatArray) -> None:
    many = rasterised(len(mean))
    ax.scatter(mean, values, s=16, facecolors="none", edgecolors=DOWN, lw=0.6, rasterized=many, zorder=3)


def _curve(ax: Axes, mean: FloatArray, trend: FloatArray) -> None:
    """The trend through the genes' own means: exact for every kind of trend, thinned to a thousand points."""
    known = np.flatnonzero((mean > 0) & np.isfinite(trend))
    known = known[np.argsort(mean[known], kind="stable")]
    known = known[np.unique(np.linspace(0, len(known) - 1, 1000).astype(int))]
    ax.plot(mean[known], trend[known], color=TREND, lw=1.8, zorder=4)


def _dot(colour: str) -> Line2D:
    return Line2D([], [], color=colour, marker="o", ls="", ms=4, mew=0)
