"""The values in which samples are compared: variance-stabilised where that can be had, logs otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.counts import anndata_as_counts
from foldwise.errors import FoldwiseError, OptionError
from foldwise.quality.factors import OVER_POSITIVE_COUNTS, ready_to_look
from foldwise.warn import warn


def transformed(thing: Any) -> tuple[pd.DataFrame, str]:
    """Values for comparing samples (genes x samples), and in words what they are.

    A plain table is taken to be transformed already, with a warning where it looks like counts. A fit or count data go through the variance-stabilising
    transformation, blind to the design; where its trend cannot be fitted (few genes, no variation), through
    log2(normalized count + 1). Where no gene is free of zeros, size factors are taken over the positive counts, with a
    warning.
    """
    if isinstance(thing, pd.DataFrame):
        _warn_of_counts(thing)
        return thing, "values as given"
    thing = anndata_as_counts(thing)
    if not hasattr(thing, "samples") and not hasattr(thing, "data"):
        raise OptionError(f"Expected a fit, count data or transformed values, got {type(thing).__name__}.")
    import foldwise

    thing, sparse = ready_to_look(thing)
    if sparse:
        warn(OVER_POSITIVE_COUNTS)
    for function, words in (
        (foldwise.vst, "variance-stabilised counts (vst)"),
        (foldwise.variance_stabilizing_transformation, "variance-stabilised counts"),
    ):
        try:
            return function(thing, blind=True), words
        except (FoldwiseError, np.linalg.LinAlgError):
            continue  # vst wants a thousand genes with counts, both want genes that vary: the next road is coarser
    return shifted_log(thing), "log2(normalized count + 1)"


def _warn_of_counts(table: pd.DataFrame) -> None:
    """Counts that are not transformed are the largest genes alone, which is hard to see in a picture of them."""
    values = table.to_numpy(dtype=float, na_value=np.nan)
    if values.size and (values >= 0).all() and values.max() > 1 and (values == np.floor(values)).all():
        warn(
            "These numbers are whole and not negative, so they look like raw counts, in which the few largest genes decide "
            "everything. Use fw.vst(table) first, or give an fw.CountData or a fit, which is transformed here."
        )


def shifted_log(thing: Any) -> pd.DataFrame:
    """Log2 of normalized counts plus one."""
    from foldwise.plots.sources import normalized_counts

    return np.log2(normalized_counts(thing) + 1.0)
