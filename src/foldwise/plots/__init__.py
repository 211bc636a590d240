"""Pictures: each function takes what it shows, draws into ``ax=`` or a figure of its own, and returns the axes.

They use no pyplot state. ``save`` writes a picture as PNG and SVG.
"""

from foldwise.plots.comparisons import filtering, ma, pvalue_histogram, volcano
from foldwise.plots.components import pca, scree
from foldwise.plots.figures import save
from foldwise.plots.mean_dispersion import dispersion

__all__ = ["dispersion", "filtering", "ma", "pca", "pvalue_histogram", "save", "scree", "volcano"]
