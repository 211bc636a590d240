"""Many tests at once: independent filtering and adjusted p-values."""

from foldwise.multiplicity.filtering import (
    Filtering,
    adjust,
    default_thetas,
    independent_filtering,
    quantiles,
)

__all__ = [
    "Filtering",
    "adjust",
    "default_thetas",
    "independent_filtering",
    "quantiles",
]
