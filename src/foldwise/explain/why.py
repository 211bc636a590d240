"""``results.why(gene)``: why a p-value, an adjusted p-value or a fold change is missing.

Love et al. (2014): all counts zero; an outlier by Cook's distance; a mean below what independent filtering keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.arrays import BoolArray
from foldwise.design.formula.variables import meant
from foldwise.errors import CountsError, OptionError
from foldwise.outliers import cooks_cutoff, judged_samples

Cause = Literal["ok", "all zero", "outlier", "low mean", "not converged", "no counts left", "unknown"]


@dataclass(frozen=True)
class Reason:
    """Why a gene's numbers are as they are.

    cause : "ok", "all zero", "outlier", "low mean", "not converged", "no counts left" or "unknown".
    missing : columns of the results that are missing. words : the reason in sentences.
    details : the numbers behind it (sample, cooks, cutoff, count, fitted, baseMean, filter_threshold, …).
    """

    gene: str
    cause: Cause
    missing: tuple[str, ...]
    words: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.words


def why(results: Any, gene: str) -> Reason:
    """Why this gene's p-value, adjusted p-value or fold change is missing; says so too where nothing is.

    Raises
    ------
    CountsError
        If there is no such gene.
    OptionError
        For several genes at once.
    """
    one_gene(gene, "res.why(gene)")
    if gene not in results.table.index:
        raise CountsError(f"There is no gene '{gene}' in these results.{meant(gene, results.table.index)}")
    row = results.table.loc[gene]
    known = [name for name in ("log2FoldChange", "lfcSE", "stat", "pvalue", "padj") if name in row]
    missing = tuple(name for name in known if pd.isna(row[name]))
    cause, words, details = _cause(results, gene, row, missing)
    return Reason(str(gene), cause, missing, f"{gene}: {words}", details)


def one_gene(gene: Any, call: str) -> None:
    """Refuse several genes where one is meant; ``call`` is what to write for each."""
    if pd.api.types.is_list_like(gene):
        raise OptionError(
            f"One gene at a time: got {len(gene)} of them in a {type(gene).__name__}. For several write "
            f"{{gene: {call} for gene in genes}}."
        )


def _cause(results: Any, gene: str, row: Any, missing: tuple[str, ...]) -> tuple[Cause, str, dict[str, Any]]:
    no_fold_change = "log2FoldChange" in missing
    if row["baseMean"] == 0 and (no_fold_change or row.get("status") == "all zero"):  # ashr writes 0 there
        return _without_counts(results, gene)
    if no_fold_change:
        return "unknown", "the model could not be fitted to its counts.", {}
    if "pvalue" in missing:
        return _outlier(results, gene)
    if "padj" in missing:
        return _filtered(results, row)
    return _complete(results, row)


def _without_counts(results: Any, gene: str) -> tuple[Cause, str, dict[str, Any]]:
    counts = results.fit.data.counts.loc[gene]
    if (counts == 0).all():
        return "all zero", "every count is zero, so there is nothing to estimate or test.", {"baseMean": 0.0}
    total = int(counts.sum())
    return (
        "no counts left",
        f"nothing can be estimated from its {total} counts: they have no weight, or became 0 as outliers.",
        {"counts": total},
    )


def _outlier(results: Any, gene: str) -> tuple[Cause, str, dict[str, Any]]:
    fit = results.fit
    cutoff = _cutoff(results)
    distances = np.asarray(fit.cooks_of(gene), dtype=float)
    judged = _judged(fit)
    at = int(np.nanargmax(np.where(judged, distances, -np.inf))) if judged.any() else int(np.nanargmax(distances))
    sample = fit.data.sample_names[at]
    count = float(fit.data.counts.loc[gene].iloc[at])
    details: dict[str, Any] = {"sample": sample, "cooks": float(distances[at]), "cutoff": cutoff, "count": count}
    fitted = _fitted(fit, gene, at)
    expected = ""
    if fitted is not None:
        details["fitted"] = fitted
        expected = f", where the model expects {fitted:.4g}"
    over = [str(name) for name, value in zip(fit.data.sample_names, distances, strict=True) if value > cutoff]
    also = "" if len(over) < 2 else f" {len(over)} samples lie above the cutoff."
    return (
        "outlier",
        f"its p-value is left out because of an outlier: sample '{sample}' has {count:.0f} counts{expected}, and its "
        f"Cook's distance of {distances[at]:.3g} is above the cutoff of {cutoff:.3g}.{also} "
        "results(cooks_cutoff=False) gives the p-value all the same.",
        details,
    )


def _filtered(results: Any, row: Any) -> tuple[Cause, str, dict[str, Any]]:
    metadata = results.metadata
    threshold, theta = metadata.get("filter_threshold"), metadata.get("filter_theta")
    details = {"baseMean": float(row["baseMean"]), "filter_threshold": threshold, "filter_theta": theta}
    if threshold is None:
        return "low mean", "its adjusted p-value was left out by the filter function that was given.", details
    share = "" if theta is None else f", which {float(theta):.0%} of the genes do"
    return (
        "low mean",
        f"its mean normalized count of {row['baseMean']:.3g} lies below {float(threshold):.3g}{share}: independent "
        "filtering leaves such genes out of the adjustment because they have little chance of being found, which lets "
        "more of the others be found. Its p-value stays. results(independent_filtering=False) adjusts all genes.",
        details,
    )


def _complete(results: Any, row: Any) -> tuple[Cause, str, dict[str, Any]]:
    if str(row.get("status", "")) == "not converged":
        return (
            "not converged",
            "nothing is missing, but the fit of its coefficients did not converge: take its numbers with care.",
            {},
        )
    alpha = float(results.metadata.get("alpha", 0.1))
    verdict = "significant" if row["padj"] < alpha else "not significant"
    said = f"nothing is missing; adjusted p-value {row['padj']:.3g}, {verdict} at {alpha:g}."
    if row["pvalue"] == 1 and row["log2FoldChange"] == 0:
        said = "there are no counts in the samples that are compared, so the fold change is set to 0 and p to 1."
    return "ok", said, {"padj": float(row["padj"])}


def _cutoff(results: Any) -> float:
    given = results.metadata.get("cooks_cutoff")
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(given)
    n_samples, n_coefficients = _dispersion_matrix(results.fit).shape
    return cooks_cutoff(n_samples, n_coefficients)


def _judged(fit: Any) -> BoolArray:
    design = _full_design(fit)
    return judged_samples(np.asarray(design.cells), design.matrix.shape[1])


def _full_design(fit: Any) -> Any:
    full = getattr(fit, "full_design", None)
    return fit.design if full is None else full


def _dispersion_matrix(fit: Any) -> Any:
    return _full_design(fit).matrix


def _fitted(fit: Any, gene: str, at: int) -> float | None:
    """The mean that the fit expects of one count, from the coefficients (no genes x samples table is made)."""
    beta = np.asarray(fit.coefficients.loc[gene], dtype=float)
    factors = np.asarray(fit.factors, dtype=float)
    factor = factors[at] if factors.ndim == 1 else factors[fit.genes.index.get_loc(gene), at]
    value = float(factor * np.exp2(fit.design.matrix[at] @ beta))
    return value if np.isfinite(value) else None
