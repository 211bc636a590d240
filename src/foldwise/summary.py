"""A results table in a few lines: what R's summary() prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from foldwise.results import Results

RARE = ("weights fail", "no degrees of freedom", "not converged", "empty group", "no p-value")
"""Statuses that R's summary() does not know; counted where there are such genes."""


def title(results: Results) -> str:
    """What is compared, with the levels as the sample table writes them, where that holds, and how it was shrunken."""
    return results.description


def tested(results: Results) -> list[str]:
    """Of a likelihood ratio test: what its p-values ask, which is more than the one fold change beside them."""
    if results.metadata.get("test") != "LRT":
        return []
    full, reduced = results.fit.full_design, results.fit.reduced_design
    models = "full vs reduced model matrix"
    if reduced is not None and full.formula is not None and reduced.formula is not None:
        dropped = [term for term in full.terms if term not in reduced.terms]
        models = f"'{full.formula}' vs '{reduced.formula}', all of {', '.join(dropped) or 'what differs'}"
    return [f"LRT p-values: {models}; fold changes: {_of_one(results)}"]


def _of_one(results: Results) -> str:
    """The fold changes of a likelihood ratio test's table, which are of one comparison only."""
    name, words = results.contrast.coefficient, title(results)
    if name is None or " vs " in results.name:
        return words
    return f"coefficient {words.replace(results.name, name, 1)}"


def summary(results: Results) -> str:
    """How many genes go up and down at the table's alpha, how many are outliers, how many filtered for low means."""
    table, meta = results.table, results.metadata
    threshold, alpha = meta.get("lfc_threshold", 0.0) or 0.0, meta["alpha"]
    judged = "padj" if "padj" in table else "svalue"
    significant = (table[judged] < alpha).to_numpy()
    lfc = table["log2FoldChange"].to_numpy()
    nonzero = int((table["baseMean"] > 0).sum())
    status = table["status"]

    def line(label: str, number: int) -> str:
        share = f"{100 * number / nonzero:.2g}%" if nonzero else "-"
        return f"{label:<22}: {number}, {share}"

    lines = [
        *(tested(results) or [title(results)]),
        f"out of {nonzero} genes with nonzero total read count",
        f"adjusted p-value < {alpha:g}" if judged == "padj" else f"s-value < {alpha:g}",
        line(f"LFC > {threshold:.2f} (up)", int((significant & (lfc > threshold)).sum())),
        line(f"LFC < {0.0 - threshold:.2f} (down)", int((significant & (lfc < -threshold)).sum())),
        line("outliers", int((status == "outlier").sum())),
        line(*_filtered(meta.get("filtered_by"), status)),
    ]
    cutoff = meta.get("filter_threshold")
    if cutoff is not None and np.isfinite(cutoff):
        what = "filter statistic" if meta.get("filtered_by") == "statistic" else "mean count"
        lines.append(f"({what} < {cutoff:.3g})")
    counted = [(name, int((status == name).sum())) for name in RARE]
    return "\n".join([*lines, *(line(name, number) for name, number in counted if number)])


def _filtered(by: str | None, status: pd.Series) -> tuple[str, int]:
    """What left genes out of the adjustment, in words, and how many: R's "low counts" where it was the mean."""
    label = {"statistic": "low filter statistic", "function": "left out by filter_fun"}.get(str(by), "low counts")
    return label, int(status.isin(["low mean", "filtered"]).sum())
