"""What was measured: counts, samples, and what is known beforehand about depth."""

from foldwise.counts.count_data import (
    CountData,
    as_count_data,
)

__all__ = [
    "CountData",
    "as_count_data",
]
