"""Warnings that matter: what a reader should know before believing the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from foldwise.design.doctor import cautions
from foldwise.errors import FoldwiseError

_FAR_APART = 4.0  # largest over smallest size factor
_MANY_OUTLIERS = 0.01  # of the genes with counts
_HILL = 1.5  # height of the p-value histogram at 1, over its middle


def concerns(fit: Any, results: Mapping[str, Any], quality: Any) -> list[str]:
    """Sentences of plain text; none if nothing asks for attention."""
    said = [*_samples(quality), *_fitting(fit)]
    for name, one in results.items():
        said += [f"{name}: {words}" for words in _comparison(one)]
    return said


def _samples(quality: Any) -> list[str]:
    said = []
    factors = quality.samples["size_factor"]
    if factors.max() > _FAR_APART * factors.min():
        said.append(
            f"Sequencing depth differs {factors.max() / factors.min():.1f}-fold between samples "
            f"('{factors.idxmin()}' least, '{factors.idxmax()}' most)."
        )
    return said + list(quality.warnings)


def _fitting(fit: Any) -> list[str]:
    said = [note for note in fit.data.provenance if note.startswith("rounded ")]
    said = [f"The counts were estimates: {note}." for note in said]
    number = int(np.sum(fit.not_converged))
    if number:
        said.append(f"The coefficients of {number:,} genes did not converge; take their numbers with care.")
    said += cautions(fit.full_design)
    asked, got = fit.options.get("fit_type"), getattr(fit.trend, "kind", None)
    if asked and got and asked != got:
        said.append(f"The {asked} dispersion trend did not fit these data; the {got} one was used instead.")
    return said


def _comparison(one: Any) -> list[str]:
    table, said = one.table, []
    with_counts = int((table["baseMean"] > 0).sum())
    outliers = int((table.get("status") == "outlier").sum()) if "status" in table else 0
    if outliers > _MANY_OUTLIERS * max(with_counts, 1):
        said.append(
            f"{outliers:,} genes have no p-value because of an outlier count; look at Cook's distances by sample."
        )
    if "pvalue" in table:
        p = table.loc[(table["baseMean"] > 1) & table["pvalue"].notna(), "pvalue"].to_numpy()
        if len(p) > 500:
            height, _ = np.histogram(p, bins=20, range=(0, 1))
            if height[-1] > _HILL * max(np.median(height[5:15]), 1):
                said.append("p-values pile up at 1: the model expects more variation than there is.")
    flips = _flips(one)
    if flips:
        said.append(
            f"{flips:,} significant genes have mean counts that point the other way than their fold change, because of "
            "the other covariates: see their explanation before showing their counts."
        )
    return said


def _flips(one: Any) -> int:
    from foldwise.explain import sign_flips

    try:
        return int((sign_flips(one)["padj"] < one.metadata.get("alpha", 0.1)).sum())
    except (FoldwiseError, KeyError):
        return 0  # the comparison is not between groups of samples, or has no adjusted p-values
