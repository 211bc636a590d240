"""What was left out of the tests, by which rule, and what that gained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.quality.association import adjusted


def filtered_genes(results: Any) -> pd.DataFrame:
    """Genes left out of the adjusted p-values by rule, and the rejections that leaving them out gained.

    Returns
    -------
    DataFrame
        By rule ("all zero", "outlier", "low mean", "kept"): ``genes``, ``share``, ``cutoff`` in words, and ``gained``:
        for "low mean", how many more genes are significant at the results' alpha than without the filter.
    """
    table, metadata = results.table, results.metadata
    alpha = float(metadata.get("alpha", 0.1))
    zero = (table["baseMean"] == 0).to_numpy() & table["pvalue"].isna().to_numpy()
    outlier = ~zero & table["pvalue"].isna().to_numpy()
    low = table["pvalue"].notna().to_numpy() & table["padj"].isna().to_numpy()
    kept = table["padj"].notna().to_numpy()
    with_filter = int((table["padj"] < alpha).sum())
    without = int(np.nansum(adjusted(table["pvalue"].to_numpy(dtype=float)) < alpha))
    threshold = metadata.get("filter_threshold")
    low_words = "" if threshold is None else f"mean normalized count below {float(threshold):.3g}"
    frame = pd.DataFrame(
        {
            "genes": [int(rule.sum()) for rule in (zero, outlier, low, kept)],
            "cutoff": ["no counts in any sample", "Cook's distance of one sample", low_words, ""],
            "gained": [np.nan, np.nan, float(with_filter - without) if low.any() else np.nan, np.nan],
        },
        index=pd.Index(["all zero", "outlier", "low mean", "kept"], name="rule"),
    )
    frame.insert(1, "share", frame["genes"] / max(len(table), 1))
    return frame


def filter_words(frame: pd.DataFrame) -> str:
    """One sentence about what was left out."""
    told = [f"{int(frame.loc[rule, 'genes']):,} as {rule}" for rule in ("all zero", "outlier", "low mean")]
    gained = frame.loc["low mean", "gained"]
    gain = ""
    if not np.isnan(gained):
        gain = f"; without the last rule {abs(gained):,.0f} {'fewer' if gained >= 0 else 'more'} would be significant"
    return f"Of {int(frame['genes'].sum()):,} genes, left out: {', '.join(told)}{gain}."
