"""Quality control of samples and genes: ``foldwise.quality(data)``, and its steps one by one.

The package is its own main function, because both go by the name that a user looks for.
"""

from __future__ import annotations

import inspect
import sys
from types import ModuleType

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


class _CallableModule(ModuleType):
    """``foldwise.quality`` is this package as soon as a part of it is imported; calling it has to work all the same."""

    __call__ = staticmethod(quality)


sys.modules[__name__].__class__ = _CallableModule
# Whoever asks the package for its function gets the package, which can be called: one object, whatever is imported first.
__signature__ = inspect.signature(quality)
globals()["quality"] = sys.modules[__name__]
