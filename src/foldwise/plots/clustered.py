"""Clustered maps: samples by distance, samples by correlation, genes by samples; with bars that tell the covariates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from foldwise.arguments import checked
from foldwise.arguments.given import in_order_of
from foldwise.counts import anndata_as_counts
from foldwise.errors import OptionError, listed
from foldwise.plots.maps import Clustering, Map, cluster, draw_map
from foldwise.plots.sources import chosen_genes, design_variables, results_table, sample_table
from foldwise.quality.transformed import transformed


@checked
def sample_distances(
    data: Any,
    ax: Axes | None = None,
    *,
    annotate: Sequence[str] | None = None,
    samples: pd.DataFrame | None = None,
    title: str | None = None,
) -> Axes:
    """Euclidean distances between samples in transformed counts, clustered.

    Parameters
    ----------
    data
        Transformed values (genes x samples), or a fit, count data or an AnnData of counts, which are transformed here.
    ax
        Axes to draw into; a new figure if none. The tree and the bars are drawn into axes of their own beside it.
    annotate
        Columns of the sample table to show as bars; by default the variables of a fit's design.
    samples
        Sample table for transformed values.
    """
    from scipy.spatial.distance import pdist, squareform

    data = anndata_as_counts(data)
    values, _ = transformed(data)
    apart = pdist(values.to_numpy(dtype=float).T)
    square = pd.DataFrame(squareform(apart), index=values.columns, columns=values.columns)
    return _square_map(ax, square, cluster(apart), _covariates(data, samples, annotate), "Blues_r", "distance", title)


@checked
def sample_correlation(
    data: Any,
    ax: Axes | None = None,
    *,
    annotate: Sequence[str] | None = None,
    samples: pd.DataFrame | None = None,
    title: str | None = None,
) -> Axes:
    """Correlations between samples in transformed counts, clustered by 1 - r. Arguments as ``sample_distances``."""
    from scipy.spatial.distance import squareform

    data = anndata_as_counts(data)
    values, _ = transformed(data)
    square = _correlations(values)
    apart = squareform(np.clip(1.0 - square.to_numpy(), 0.0, 2.0), checks=False)
    found = _covariates(data, samples, annotate)
    return _square_map(ax, square, cluster(apart), found, "viridis", "correlation", title)


def _correlations(values: pd.DataFrame) -> pd.DataFrame:
    if not len(values):
        return pd.DataFrame()
    with np.errstate(invalid="ignore", divide="ignore"):  # a sample without any spread has none
        square = np.atleast_2d(np.corrcoef(values.to_numpy(dtype=float), rowvar=False))
    return pd.DataFrame(square, index=values.columns, columns=values.columns)


@checked
def heatmap(
    data: Any,
    genes: int | Sequence[object] = 50,
    ax: Axes | None = None,
    *,
    results: Any = None,
    annotate: Sequence[str] | None = None,
    samples: pd.DataFrame | None = None,
    title: str | None = None,
) -> Axes:
    """Genes by samples: transformed counts less the gene's mean, both sides clustered.

    ``genes`` are names, or a number: the genes of smallest p-value in ``results``, or of largest variance without.
    """
    from scipy.spatial.distance import pdist

    data = anndata_as_counts(data)
    values, _ = transformed(data)
    picked = values.loc[_picked_genes(values, genes, results)]
    centred = picked.sub(picked.mean(axis=1), axis=0)
    array = centred.to_numpy(dtype=float)
    rows = cluster(pdist(array)) if len(array) > 1 else None
    columns = cluster(pdist(array.T)) if array.shape[1] > 1 else None
    reach = float(np.nanmax(np.abs(array), initial=0.0)) or 1.0
    words = "difference from\nthe gene's mean (log2)"
    found = _covariates(data, samples, annotate)
    picture = Map(centred, rows, columns, found, "RdBu_r", (-reach, reach), words)
    size = min(max(0.2 * array.shape[1], 2.4), 9.0), min(max(0.125 * len(array), 1.6), 10.0)
    return draw_map(ax, picture, size, title)


def _picked_genes(values: pd.DataFrame, genes: int | Sequence[object], results: Any) -> pd.Index:
    if not isinstance(genes, (int, np.integer)):
        names = in_order_of(values.index, genes)
        unknown = [gene for gene in names if gene not in values.index]
        if unknown:
            raise OptionError(f"These genes are not in the table: {listed(unknown)}.")
        return pd.Index(names)
    if results is not None:
        return chosen_genes(results_table(results), int(genes)).intersection(values.index, sort=False)
    return values.var(axis=1).sort_values(ascending=False, kind="stable").index[: int(genes)]


def _covariates(data: Any, samples: pd.DataFrame | None, annotate: Sequence[str] | None) -> pd.DataFrame | None:
    table = sample_table(data, samples)
    if table is None:
        return None
    names = list(annotate) if annotate is not None else design_variables(data) or list(table.columns[:4])
    missing = [name for name in names if name not in table]
    if missing:
        raise OptionError(f"The sample table has no column {listed(missing)}; it has {listed(table.columns, 12)}.")
    return table[names] if names else None


def _square_map(
    ax: Axes | None,
    square: pd.DataFrame,
    tree: Clustering | None,
    covariates: pd.DataFrame | None,
    colours: str,
    words: str,
    title: str | None,
) -> Axes:
    array = square.to_numpy()
    off_diagonal = array[~np.eye(len(array), dtype=bool)]
    limits = (0.0, float(array.max())) if words == "distance" else (float(off_diagonal.min(initial=1.0)), 1.0)
    order = tree.order if tree is not None else np.arange(len(square))
    picture = Map(square.iloc[order], None, tree, covariates, colours, limits, words)
    cells = min(max(0.2 * len(square), 2.2), 8.0)
    return draw_map(ax, picture, (cells, cells), title)
