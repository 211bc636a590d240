"""Single counts that decide a gene's fit: found, replaced, and their genes fitted again."""

from foldwise.outliers.cooks import (
    Replacement,
    cooks_cutoff,
    judged_samples,
    replaceable_samples,
    replaced_counts,
)

__all__ = [
    "Replacement",
    "cooks_cutoff",
    "judged_samples",
    "replaceable_samples",
    "replaced_counts",
]
