"""What a plot is given, and the table that it draws: fits, results, count data or plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from foldwise.errors import OptionError, listed
from foldwise.warn import warn

DEFAULT_ALPHA = 0.1


def is_fit(thing: Any) -> bool:
    """Whether this is a fit (it has data and a design)."""
    return hasattr(thing, "design") and hasattr(thing, "data")


def is_counts(thing: Any) -> bool:
    """Whether this is a CountData (counts and a sample table)."""
    return hasattr(thing, "counts") and hasattr(thing, "samples") and not callable(thing.counts)


def results_table(results: Any) -> pd.DataFrame:
    """The table of a ``Results``, or a table with R's columns as it is."""
    table = results if isinstance(results, pd.DataFrame) else getattr(results, "table", None)
    if not isinstance(table, pd.DataFrame):
        raise OptionError(f"Expected results (fit.results()) or their table, got {type(results).__name__}.")
    return table


def columns_of(table: pd.DataFrame, names: Sequence[str]) -> list[np.ndarray]:
    """These columns as numbers; an error that names the missing ones."""
    missing = [name for name in names if name not in table]
    if missing:
        raise OptionError(f"The table has no column {listed(missing)}; it has {listed(table.columns, 12)}.")
    return [table[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names]


def adjusted_pvalues(table: pd.DataFrame) -> np.ndarray:
    """The column that significance is read from: ``padj``, or ``svalue`` in tables of shrunken fold changes."""
    return columns_of(table, ["svalue" if "svalue" in table and "padj" not in table else "padj"])[0]


def alpha_of(results: Any, alpha: float | None) -> float:
    """The level asked for, or that of the results."""
    if alpha is not None:
        return alpha
    return float((getattr(results, "metadata", None) or {}).get("alpha", DEFAULT_ALPHA))


def title_of(results: Any, title: str | None) -> str | None:
    """The title asked for, or what the results compare ("condition treated vs control")."""
    if title is not None:
        return title
    contrast = getattr(results, "contrast", None)
    return getattr(contrast, "title", None) or getattr(contrast, "description", None)


def chosen_genes(table: pd.DataFrame, labels: int | Sequence[object] | None) -> pd.Index:
    """The genes to name: the first ``labels`` by p-value, or those listed (all must be there)."""
    if labels is None:
        return table.index[:0]
    if isinstance(labels, (int, np.integer)):
        ranked = next(name for name in ("pvalue", "padj", "svalue") if name in table)
        return table[ranked].dropna().sort_values(kind="stable").index[: int(labels)]
    unknown = [gene for gene in labels if gene not in table.index]
    if unknown:
        raise OptionError(f"These genes are not in the results: {listed(unknown)}.")
    return pd.Index(labels)


def sample_table(thing: Any, samples: pd.DataFrame | None = None) -> pd.DataFrame | None:
    """The sample table given, or the one that belongs to a fit or to count data."""
    if samples is not None:
        return samples
    owner = thing.data if is_fit(thing) else thing
    found = getattr(owner, "samples", None)
    return found if isinstance(found, pd.DataFrame) else None


def design_variables(thing: Any) -> list[str]:
    """The variables of a fit's design that its sample table has, in order; nothing for other things."""
    variables = getattr(getattr(thing, "design", None), "variables", ()) or ()
    table = sample_table(thing)
    return [name for name in variables if table is not None and name in table]


def normalized_counts(thing: Any) -> pd.DataFrame:
    """Normalized counts of a fit or of count data (genes x samples); a plain table is taken to be them."""
    if isinstance(thing, pd.DataFrame):
        return thing
    if is_fit(thing):
        return pd.DataFrame(thing.counts(normalized=True))
    if not is_counts(thing):
        raise OptionError(f"Expected a fit, count data or a table of counts, got {type(thing).__name__}.")
    if getattr(thing, "normalization_factors", None) is not None:
        return pd.DataFrame(thing.counts / thing.normalization_factors)
    return pd.DataFrame(thing.counts / size_factors_of(thing))


def size_factors_of(thing: Any) -> pd.Series:
    """Size factors of a fit or of count data; estimated where they are not there yet, over positive counts if need be."""
    found = getattr(thing, "size_factors", None)
    if found is None and is_fit(thing):
        found = thing.data.size_factors
    if found is None:
        from foldwise.quality.factors import OVER_POSITIVE_COUNTS, factors_to_look

        found, sparse = factors_to_look(thing.data if is_fit(thing) else thing)
        if sparse:
            warn(OVER_POSITIVE_COUNTS)
    return pd.Series(found)
