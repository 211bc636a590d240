"""A results table in a few lines: what R's summary() prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from foldwise.results import Results


def title(results: Results) -> str:
    """What is compared, with the levels as the sample table writes them."""
    return results.contrast.title or results.contrast.description


def tested(results: Results) -> list[str]:
    """Of a likelihood ratio test: what its p-values ask, which is more than the one fold change beside them."""
    if results.metadata.get("test") != "LRT":
        return []
    full, reduced = results.fit.full_design, results.fit.reduced_design
    if reduced is None or full.formula is None or reduced.formula is None:
        return ["p-values: likelihood ratio test of the full against the reduced model matrix; fold changes: as above"]
    dropped = [term for term in full.terms if term not in reduced.terms]
    return [
        f"p-values: likelihood ratio test of all of {', '.join(dropped) or 'what differs'} ('{full.formula}' against "
        f"'{reduced.formula}'); fold changes: as above"
    ]


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
        title(results),
        *tested(results),
        f"out of {nonzero} genes with nonzero total read count",
        f"adjusted p-value < {alpha:g}" if judged == "padj" else f"s-value < {alpha:g}",
        line(f"LFC > {threshold:.2f} (up)", int((significant & (lfc > threshold)).sum())),
        line(f"LFC < {0.0 - threshold:.2f} (down)", int((significant & (lfc < -threshold)).sum())),
        line("outliers", int((status == "outlier").sum())),
        line("low counts", int((status == "low mean").sum())),
    ]
    cutoff = meta.get("filter_threshold")
    if cutoff is not None and np.isfinite(cutoff):
        lines.append(f"(mean count < {cutoff:.3g})")
    odd = int((status == "not converged").sum())
    if odd:
        lines.append(line("not converged", odd))
    return "\n".join(lines)
