"""Pictures: each function takes what it shows, draws into ``ax=`` or a figure of its own, and returns the axes.

They use no pyplot state. ``save`` writes a picture as PNG and SVG.
"""

from foldwise.plots.clustered import heatmap, sample_correlation, sample_distances
from foldwise.plots.comparisons import filtering, ma, pvalue_histogram, volcano
from foldwise.plots.components import pca, scree
from foldwise.plots.figures import save
from foldwise.plots.gene_counts import counts
from foldwise.plots.mean_dispersion import dispersion
from foldwise.plots.sample_checks import cooks, size_factors, sparsity
from foldwise.plots.sets import upset

__all__ = [
    "cooks",
    "counts",
    "dispersion",
    "filtering",
    "heatmap",
    "ma",
    "pca",
    "pvalue_histogram",
    "sample_correlation",
    "sample_distances",
    "save",
    "scree",
    "size_factors",
    "sparsity",
    "upset",
    "volcano",
]
