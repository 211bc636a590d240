"""Which genes have enough counts to be worth testing (edgeR's ``filterByExpr``)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.abundance.count_table import CountTable, count_table, library_sizes, sample_values
from foldwise.arguments import checked
from foldwise.errors import DesignError, OptionError, SamplesError, listed

TOLERANCE = 1e-14  # edgeR's, on numbers of samples and of counts


@checked
def filter_by_expression(
    data: Any,
    *,
    group: Any = None,
    design: Any = None,
    min_count: float = 10,
    min_total_count: float = 15,
    large_n: float = 10,
    min_prop: float = 0.7,
    norm_factors: Any = None,
) -> pd.Series:
    """Genes with enough counts in enough samples (edgeR's ``filterByExpr``).

    ==================  ==============================================================================
    accounts for        sequencing depth (it asks for counts per million)
    may compare         nothing: it chooses genes
    in the test         no: the test takes the counts of the genes chosen; DESeq2's own filter, which comes
                        after the test, makes this one a matter of speed
    ==================  ==============================================================================

    A gene is kept if its counts per million reach ``min_count`` in a library of median size, in as many samples as the
    smallest group has, and its counts sum to ``min_total_count``.

    Parameters
    ----------
    data : CountData, fit, AnnData or genes x samples DataFrame
    group : name of a column of the sample table, or labels, one a sample. Goes before ``design``.
    design : formula, or model matrix (samples x coefficients): the smallest group is then 1 / largest leverage. With
        neither, all samples are one group.
    min_count, min_total_count, large_n, min_prop : a group of more than ``large_n`` samples needs only ``min_prop`` of
        what it has more.
    norm_factors : one a sample; multiplies the library sizes.

    Returns
    -------
    Series of bool by gene, to be used as ``counts[keep]``.
    """
    if not (min_count >= 0 and min_total_count >= 0 and large_n >= 0 and 0 <= min_prop <= 1):
        raise OptionError("min_count, min_total_count and large_n cannot be negative; min_prop lies between 0 and 1.")
    table = count_table(data)
    sizes = library_sizes(table)
    if norm_factors is not None:
        sizes = sizes * sample_values(norm_factors, table.samples, "norm_factors")
    needed = _smallest_group(table, group, design)
    if needed > large_n:
        needed = large_n + (needed - large_n) * min_prop
    cutoff = min_count / np.median(sizes) * 1e6
    enough = (table.values / sizes * 1e6 >= cutoff).sum(axis=1) >= needed - TOLERANCE
    keep = enough & (table.values.sum(axis=1) >= min_total_count - TOLERANCE)
    return pd.Series(keep, index=table.genes, name="keep")


def _smallest_group(table: CountTable, group: Any, design: Any) -> float:
    if group is not None:
        return float(_labels(table, group).value_counts().loc[lambda n: n > 0].min())
    if design is not None:
        return 1 / _largest_leverage(_model_matrix(table, design))
    return float(len(table.samples))


def _labels(table: CountTable, group: Any) -> pd.Series:
    if isinstance(group, str):
        if table.sample_table is None or group not in table.sample_table:
            known = [] if table.sample_table is None else list(table.sample_table.columns)
            raise SamplesError(f"The sample table has no column '{group}' (group); it has: {listed(known) or 'none'}.")
        group = table.sample_table[group]
    if isinstance(group, pd.Series) and table.samples.isin(group.index).all():
        group = group.reindex(table.samples)
    labels = pd.Series(np.asarray(group, dtype=object))
    if len(labels) != len(table.samples) or labels.isna().any():
        raise SamplesError(f"group must hold one label for each of {len(table.samples)} samples; it has {len(labels)}.")
    return labels


def _model_matrix(table: CountTable, design: Any) -> np.ndarray:
    if isinstance(design, str):
        if table.sample_table is None:
            raise DesignError("A formula needs a sample table: give a CountData, or a model matrix as design.")
        from foldwise.design import design_matrix

        design = design_matrix(design, table.sample_table)
    if isinstance(design, pd.DataFrame) and table.samples.isin(design.index).all():
        design = design.reindex(table.samples)
    matrix = np.asarray(design, dtype=np.float64)
    if matrix.ndim != 2 or len(matrix) != len(table.samples) or not np.isfinite(matrix).all():
        raise DesignError(f"The model matrix must have a row of numbers for each of the {len(table.samples)} samples.")
    return matrix


def _largest_leverage(matrix: np.ndarray) -> float:
    """Of the matrix with an intercept added; columns that say nothing new do no harm."""
    with_intercept = np.column_stack([np.ones(len(matrix)), matrix])
    u, d, _ = np.linalg.svd(with_intercept, full_matrices=False)
    return float((u[:, d > 1e-7 * d[0]] ** 2).sum(axis=1).max())
