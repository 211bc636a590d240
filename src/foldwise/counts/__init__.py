"""What was measured: counts, samples, and what is known beforehand about depth."""

from foldwise.counts.count_data import (
    CountData,
    anndata_as_counts,
    as_count_data,
    counts_only,
    unnamed_samples,
)

__all__ = [
    "CountData",
    "anndata_as_counts",
    "as_count_data",
    "counts_only",
    "unnamed_samples",
]
