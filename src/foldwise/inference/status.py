"""The status of every gene of a table: ok, or why a number is missing. ``explain/why.py`` has the long answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.arrays import BoolArray

if TYPE_CHECKING:
    from foldwise.fit import Fit


def status_of(
    fit: Fit, table: pd.DataFrame, outlier: BoolArray, no_degrees: BoolArray | None = None, by: str | None = "mean"
) -> Any:
    """Why a number is missing, or "ok".

    no_degrees : (n_genes,) genes that Student's t cannot judge. by : what low genes were left out by.
    """
    none = np.zeros(len(table), dtype=bool)
    p, padj = table["pvalue"].isna().to_numpy(), table["padj"].isna().to_numpy()
    unfitted = table["log2FoldChange"].isna().to_numpy() & ~fit.not_converged
    conditions = {
        "weights fail": unfitted & (np.asarray(fit.stage.columns.get("weightsFail", none)) == 1),
        "all zero": unfitted & (np.asarray(fit.stage.columns["allZero"]) == 1),
        # before outliers: leaving these in would give no p-value
        "no degrees of freedom": p & (none if no_degrees is None else no_degrees),
        "outlier": outlier & p & table["stat"].notna().to_numpy(),
        "not converged": fit.not_converged,
        "empty group": fit.tested.columns.get("emptyGroup", none) == 1,
        "low mean" if by == "mean" else "filtered": padj & ~p,
        "no p-value": p,
    }
    return np.select(list(conditions.values()), list(conditions), "ok")
