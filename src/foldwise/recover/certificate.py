"""What speaks for recovered counts, column by column and between columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foldwise.abundance.median_of_ratios import log_geometric_means, median_ratios
from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.recover.spacing import Spacing

SAME_FACTORS = 1e-6  # relative spread under which recomputed factors are those found
FEW_PERCENT = 0.05


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its counts, the spacing they came from, the values that stay open (by gene)."""

    counts: IntArray
    spacing: Spacing
    undecided: BoolArray
    precision: str
    largest_distance: float
    allowed_distance: float
    share_within: float


def column_of(values: FloatArray, widths: FloatArray, distinct: FloatArray, spacing: Spacing, precision: str) -> Column:
    """Counts of a column, and how far its values are from them."""
    positive = values > 0
    scaled = spacing.factor * values
    counts = np.rint(scaled)
    distance, allowed = np.abs(scaled - counts)[positive], (spacing.factor * widths)[positive]
    open_values = distinct[~spacing.decided]
    undecided = np.isin(values, open_values) if len(open_values) else np.zeros(len(values), dtype=np.bool_)
    within = distance <= allowed * (1 + 1e-9) + 4 * np.finfo(float).eps * counts[positive]
    worst = int(np.argmax(distance))
    return Column(
        counts.astype(np.int64),
        spacing,
        undecided,
        precision,
        float(distance[worst]),
        float(allowed[worst]),
        float(within.mean()),
    )


def certificate_table(
    columns: list[Column], factors: FloatArray, recomputed: FloatArray, samples: pd.Index
) -> pd.DataFrame:
    """A row a sample: everything that was checked."""
    rows = [
        {
            "size_factor": factor,
            "precision": column.precision,
            "largest_distance": column.largest_distance,
            "allowed_distance": column.allowed_distance,
            "share_within": column.share_within,
            "relative_width": column.spacing.relative_width,
            "undecided_genes": int(column.undecided.sum()),
            "log10_chance": column.spacing.log10_chance,
            "smaller_candidates_rejected": column.spacing.tried - 1,
            "common_divisor": int(np.gcd.reduce(column.counts)),
            "library_size": int(column.counts.sum()),
            "recomputed_size_factor": again,
            "recomputed_over_found": again / factor,
        }
        for column, factor, again in zip(columns, factors, recomputed, strict=True)
    ]
    return pd.DataFrame(rows, index=samples)


def recomputed_factors(counts: IntArray) -> FloatArray:
    """(n_samples,) median-of-ratios factors of the recovered counts; NaN where every gene has a zero."""
    matrix = counts.astype(np.float64)
    return median_ratios(matrix, log_geometric_means(matrix))


def normalization(values: FloatArray, factors: FloatArray, recomputed: FloatArray, tolerance: float) -> tuple[str, str]:
    """Which normalisation the factors are of, in a word and in a sentence. The counts are right in all cases."""
    totals = values.sum(axis=0)
    if len(totals) > 1 and np.ptp(totals) <= 1e-4 * totals.mean():
        return "library-scaled", (
            f"All samples have the same total ({totals.mean():,.0f}): these are counts over library sizes (CPM-like)."
        )
    ratio = np.log(recomputed / factors)
    if not np.isfinite(ratio).all():
        return "not compared", (
            "Every gene has a zero in some sample, so median-of-ratios factors cannot be recomputed and compared."
        )
    spread = float(np.ptp(ratio))
    if len(ratio) > 1 and spread <= tolerance and abs(ratio.mean()) <= tolerance:
        return "median of ratios", (
            "Median-of-ratios factors recomputed from the counts are the factors found: this is DESeq2's default "
            "normalisation of exactly these genes."
        )
    if len(ratio) > 1 and spread <= tolerance:
        return "median of ratios, rescaled", (
            f"Recomputed median-of-ratios factors are {np.exp(ratio.mean()):.6g} times those found, the same in all "
            "samples: DESeq2's normalisation, rescaled (control genes, given geometric means, or factors divided by "
            "their mean)."
        )
    if spread <= FEW_PERCENT:
        return "near median of ratios", (
            f"Recomputed median-of-ratios factors differ from those found by up to {spread:.2%} between samples: genes "
            "were left out after normalisation, or the factors are of another kind (poscounts, control genes)."
        )
    return "one factor a sample", (
        f"Recomputed median-of-ratios factors differ from those found by up to {np.expm1(spread):.0%} between samples: "
        "another normalisation with one factor a sample (TMM, upper quartile, library size, ...)."
    )
