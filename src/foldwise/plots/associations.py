"""Which covariate goes with which principal component, as a table of colours."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from foldwise.plots.figures import describe, name_ticks, new_axes


def component_covariates(associations: pd.DataFrame, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """R squared of components (across) and covariates (down); a star where the adjusted p-value is under 0.05."""
    table = associations.pivot(index="covariate", columns="component", values="r2")
    table = table.reindex(
        index=list(dict.fromkeys(associations["covariate"])), columns=list(dict.fromkeys(associations["component"]))
    )
    sure = associations.pivot(index="covariate", columns="component", values="padj").reindex_like(table) < 0.05
    shares = associations.drop_duplicates("component").set_index("component")["variance"]
    size = (1.8 + 0.52 * max(table.shape[1], 4), 1.3 + 0.36 * max(len(table), 2))
    ax = new_axes(ax, size=size)
    values = table.to_numpy(dtype=float)
    mesh = ax.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if value > 0.55 else "black"
            star = "*" if sure.iloc[i, j] else ""
            ax.text(j, i, f"{value:.2f}{star}", ha="center", va="center", fontsize=7, color=colour)
    name_ticks(ax, "x", [f"{name}\n{shares[name]:.0%}" for name in table.columns], fontsize=7)
    name_ticks(ax, "y", list(table.index))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    bar = ax.figure.colorbar(mesh, ax=ax, shrink=0.9, pad=0.02)
    bar.set_label("R²", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    describe(ax, title=title)
    return ax
