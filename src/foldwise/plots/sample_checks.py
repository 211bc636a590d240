"""Pictures of whole samples: size factors, Cook's distances, and counts that sit in a single sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from foldwise.arguments import checked
from foldwise.counts import anndata_as_counts
from foldwise.outliers import cooks_cutoff as default_cutoff
from foldwise.outliers import judged_samples
from foldwise.plots.figures import DOWN, TREND, add_legend, describe, name_ticks, new_axes, rasterised
from foldwise.plots.labels import label_points
from foldwise.plots.sources import is_fit, normalized_counts, size_factors_of

_NAMED_AT_MOST = 40


@checked
def size_factors(data: Any, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Size factors over library sizes: points off the line have another composition, not only another depth."""
    data = anndata_as_counts(data)
    counts = data.data.counts if is_fit(data) else data.counts
    totals = counts.sum(axis=0) / 1e6
    factors = per_sample_factors(data).reindex(totals.index)
    ax = new_axes(ax)
    ax.scatter(totals, factors, s=34, c=DOWN, edgecolors="white", linewidths=0.5, zorder=3)
    slope = float(np.median(factors / totals))
    reach = float(totals.max()) * 1.1
    ax.plot([0, reach], [0, reach * slope], color="#555555", lw=0.9, ls="--", zorder=1)
    ax.set(xlim=(0, reach), ylim=(0, max(float(factors.max()) * 1.12, reach * slope)))
    line = Line2D([], [], color="#555555", lw=0.9, ls="--")
    add_legend(ax, [(line, "size factor by depth alone")])
    describe(ax, x="counts in the sample (millions)", y="size factor", title=title)
    if len(totals) <= _NAMED_AT_MOST:
        label_points(ax, totals.to_numpy(dtype=float), factors.to_numpy(dtype=float), list(totals.index), radius=3.6)
    return ax


def per_sample_factors(data: Any) -> pd.Series:
    """One factor a sample: size factors, or the geometric mean of its normalization factors."""
    factors = getattr(data, "normalization_factors", None)
    if factors is None:
        return size_factors_of(data)
    return pd.Series(np.exp(np.log(factors).mean(axis=0)), index=factors.columns)


@checked
def cooks(fit: Any, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Cook's distances by sample: a sample whose box stands above the others is unlike what the model expects of it.

    Boxes are quartiles and whiskers run from the 1 % to the 99 % quantile; the line is the cutoff above which a
    count takes its gene's p-value away (99 % quantile of F with p and m - p degrees of freedom).
    """
    table = fit if isinstance(fit, pd.DataFrame) else fit.cooks
    values = [column[np.isfinite(column) & (column > 0)] for column in table.to_numpy(dtype=float).T]
    ax = new_axes(ax, size=(max(4.8, 1.6 + 0.28 * len(values)), 3.8))
    style = {"color": "#333333", "linewidth": 0.8}
    ax.boxplot(
        values,
        positions=range(len(values)),
        whis=(1, 99),
        showfliers=False,
        patch_artist=True,
        widths=0.6,
        boxprops={"facecolor": "#9ECAE9", "edgecolor": "#333333", "linewidth": 0.8},
        medianprops={"color": "#000000", "linewidth": 1.2},
        whiskerprops=style,
        capprops=style,
    )
    ax.set_yscale("log")
    cutoff = cooks_cutoff(fit)
    if cutoff is not None:
        ax.axhline(cutoff, color=TREND, ls="--", lw=1.0)
        where = {"transform": ax.get_yaxis_transform(), "ha": "right", "va": "bottom"}
        ax.text(1.0, cutoff, f"cutoff {cutoff:.3g}", fontsize=8, color=TREND, **where)
        ax.set_ylim(top=max(ax.get_ylim()[1], cutoff * 3))
    name_ticks(ax, "x", list(table.columns), rotation=90)
    describe(ax, y="Cook's distance", title=title)
    return ax


def cooks_cutoff(fit: Any) -> float | None:
    """DESeq2's cutoff for Cook's distances of a fit: F(0.99; p, m - p); None where no sample is judged by it."""
    design = getattr(fit, "full_design", None) or getattr(fit, "design", None)
    if design is None:
        return None
    n_samples, n_coefficients = design.matrix.shape
    if n_samples <= n_coefficients or (
        hasattr(design, "cells") and not judged_samples(design.cells, n_coefficients).any()
    ):
        return None
    return default_cutoff(n_samples, n_coefficients)


def sparsity(data: Any, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """The share of a gene's counts that its largest sample holds, over its total.

    Many genes near 1 at high totals mean that counts sit in single samples: the negative binomial fits badly then.
    The dashed line is the share that equal samples would have.
    """
    values = normalized_counts(anndata_as_counts(data)).to_numpy(dtype=float)
    total = values.sum(axis=1)
    expressed = total > 0
    share = values[expressed].max(axis=1) / total[expressed]
    ax = new_axes(ax)
    ax.set_xscale("log")
    many = rasterised(len(share))
    ax.scatter(total[expressed], share, s=4, c=DOWN, lw=0, alpha=0.4, rasterized=many, zorder=2)
    ax.axhline(1 / values.shape[1], color="#555555", ls="--", lw=0.9)
    add_legend(ax, [(Line2D([], [], color="#555555", ls="--"), "all samples equal")], loc="upper right")
    ax.set_ylim(0, 1.03)
    words = "largest sample's share of the gene's counts"
    describe(ax, x="sum of the gene's normalized counts", y=words, title=title)
    return ax
