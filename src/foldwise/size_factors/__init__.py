"""How deeply each sample was sequenced."""

from foldwise.size_factors.ratios import (
    factors_from_lengths,
    log_geometric_means,
    median_of_ratios,
    median_of_real_ratios,
)

__all__ = [
    "factors_from_lengths",
    "log_geometric_means",
    "median_of_ratios",
    "median_of_real_ratios",
]
