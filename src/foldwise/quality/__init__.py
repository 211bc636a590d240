"""Quality control of samples and genes: ``foldwise.quality(data)``, and its steps one by one.

The package is its own main function, because both go by the name that a user looks for.
"""

from __future__ import annotations

from foldwise.callable_packages import called_as
from foldwise.quality.association import associations
from foldwise.quality.components import Components, principal_components
from foldwise.quality.control import Quality, quality
from foldwise.quality.correlation import sample_correlations
from foldwise.quality.gene_filters import filtered_genes
from foldwise.quality.swaps import probable_swaps

__all__ = [
    "Components",
    "Quality",
    "associations",
    "filtered_genes",
    "principal_components",
    "probable_swaps",
    "quality",
    "sample_correlations",
]

called_as(__name__, quality)
