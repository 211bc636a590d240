"""``results.why(gene)``: why a p-value, an adjusted p-value or a fold change is missing.

Love et al. (2014): all counts zero; an outlier by Cook's distance; a mean below what independent filtering keeps. Beside
these: weights that leave nothing to fit or no degrees of freedom for Student's t, and filters of the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.arrays import BoolArray, FloatArray
from foldwise.design.formula.variables import meant
from foldwise.errors import CountsError, OptionError
from foldwise.inference.hypothesis_test import degrees_of_freedom
from foldwise.outliers import cooks_cutoff, judged_samples

Cause = Literal[
    "ok",
    "all zero",
    "no counts left",
    "weights fail",
    "no degrees of freedom",
    "outlier",
    "low mean",
    "filtered",
    "not converged",
    "no p-value",
    "unknown",
]


@dataclass(frozen=True)
class Reason:
    """Why a gene's numbers are as they are.

    cause : what ``status`` says, but "no counts left" where counts were replaced by 0, and "unknown".
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
    known = [name for name in ("log2FoldChange", "lfcSE", "stat", "pvalue", "padj", "svalue") if name in row]
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
        return _without_fit(results, gene, row)
    if "pvalue" in missing:
        return _without_p(results, gene, row, missing)
    if "padj" in missing:
        return _filtered(results, gene, row)
    return _complete(results, row)


def _without_fit(results: Any, gene: str, row: Any) -> tuple[Cause, str, dict[str, Any]]:
    failed = results.fit.stage.columns.get("weightsFail")
    if failed is not None and failed[results.fit.data.gene_names.get_loc(gene)] == 1:
        return (
            "weights fail",
            "the samples that have weight do not determine all coefficients, so nothing can be estimated.",
            {"baseMean": float(row["baseMean"])},
        )
    if str(row.get("status", "")) == "not converged":
        return "not converged", "the fit of its coefficients did not converge.", {}
    return "unknown", "the model could not be fitted to its counts.", {}


def _without_p(results: Any, gene: str, row: Any, missing: tuple[str, ...]) -> tuple[Cause, str, dict[str, Any]]:
    """Student's t first: where it cannot judge, leaving an outlier in would give no p-value either."""
    if "stat" in missing:
        return _unjudged(row, missing)
    found = _without_degrees(results, gene) if str(row.get("status", "")) != "outlier" else None
    return found or _outlier(results, gene) or _unjudged(row, missing)


def _without_degrees(results: Any, gene: str) -> tuple[Cause, str, dict[str, Any]] | None:
    if not results.metadata.get("use_t"):
        return None
    fit, at = results.fit, results.fit.data.gene_names.get_loc(gene)
    if degrees_of_freedom(fit.stage, fit.plan)[at] > 0:
        return None
    p = fit.full_design.matrix.shape[1]
    if fit.plan.df is not None or fit.weights_array is None:
        return "no degrees of freedom", "it has no degrees of freedom for Student's t, so it has no p-value.", {}
    samples = float(fit.weights_array[at].sum())
    return (
        "no degrees of freedom",
        f"Student's t has no degrees of freedom for it: its weights, divided by the largest, add up to {samples:.3g} "
        f"samples, and the model has {p} coefficients. results(use_t=False) judges it by the normal distribution.",
        {"df": samples - p, "samples": samples, "coefficients": p},
    )


def _unjudged(row: Any, missing: tuple[str, ...]) -> tuple[Cause, str, dict[str, Any]]:
    words = "it has no p-value"
    if "lfcSE" in missing:
        words += ", because its fold change has no standard error"
    elif "stat" in missing:
        words += ", because its test statistic could not be computed"
    else:
        words += "; it is no outlier, and its statistic is there, so nothing more is known"
    also = ". The fit of its coefficients did not converge" if str(row.get("status", "")) == "not converged" else ""
    return "no p-value", f"{words}{also}.", {}


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


def _outlier(results: Any, gene: str) -> tuple[Cause, str, dict[str, Any]] | None:
    """The sample whose distance is above the cutoff; None if there is none."""
    fit = results.fit
    if fit.is_quasi_likelihood:  # has no distances
        return None
    cutoff = _cutoff(results)
    distances = np.asarray(fit.cooks_of(gene), dtype=float)
    above = _above(results, distances, cutoff)
    if not above.any():
        return None
    at = int(np.argmax(np.where(above, distances, -np.inf)))
    sample = fit.data.sample_names[at]
    count = float(fit.data.counts.loc[gene].iloc[at])
    details: dict[str, Any] = {"sample": sample, "cooks": float(distances[at]), "cutoff": cutoff, "count": count}
    fitted = _fitted(fit, gene, at)
    expected = ""
    if fitted is not None:
        details["fitted"] = fitted
        expected = f", where the model expects {fitted:.4g}"
    also = "" if above.sum() < 2 else f" {int(above.sum())} samples lie above the cutoff."
    return (
        "outlier",
        f"its p-value is left out because of an outlier: sample '{sample}' has {count:.0f} counts{expected}, and its "
        f"Cook's distance of {distances[at]:.3g} is above the cutoff of {cutoff:.3g}.{also} "
        "results(cooks_cutoff=False) gives the p-value all the same.",
        details,
    )


def _filtered(results: Any, gene: str, row: Any) -> tuple[Cause, str, dict[str, Any]]:
    metadata = results.metadata
    by, threshold, theta = (metadata.get(name) for name in ("filtered_by", "filter_threshold", "filter_theta"))
    details = {"baseMean": float(row["baseMean"]), "filter_threshold": threshold, "filter_theta": theta}
    if by == "function":
        return "filtered", "filter_fun= gave it no adjusted p-value. Its p-value stays.", details
    what, value = "mean normalized count", float(row["baseMean"])
    if by == "statistic":
        what, value = "filter statistic (filter=)", float(metadata["filter_statistic"].loc[gene])
        details["filter_statistic"] = value
    if threshold is None or not value < threshold:
        return "unknown", "its adjusted p-value is missing, but no filter left it out.", details
    share = "" if theta is None else f", which {float(theta):.0%} of the genes do"
    return (
        "low mean" if by == "mean" else "filtered",
        f"its {what} of {value:.3g} lies below {float(threshold):.3g}{share}: independent "
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
    column, called = ("padj", "adjusted p-value") if "padj" in row else ("svalue", "s-value")
    if column not in row:
        return "ok", "nothing is missing.", {}
    verdict = "significant" if row[column] < alpha else "not significant"
    said = f"nothing is missing; {called} {row[column]:.3g}, {verdict} at {alpha:g}."
    if row.get("pvalue") == 1 and row["log2FoldChange"] == 0:
        said = "there are no counts in the samples that are compared, so the fold change is set to 0 and p to 1."
    if column == "svalue" and (status := str(row.get("status", "ok"))) != "ok":
        said += f" The status '{status}' is about the p-value of the unshrunken table, which this one leaves out."
    return "ok", said, {column: float(row[column])}


def _cutoff(results: Any) -> float:
    given = results.metadata.get("cooks_cutoff")
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(given)
    n_samples, n_coefficients = _dispersion_matrix(results.fit).shape
    return cooks_cutoff(n_samples, n_coefficients)


def _above(results: Any, distances: FloatArray, cutoff: float) -> BoolArray:
    """(n_samples,) samples that can make the gene an outlier, and do."""
    fit = results.fit
    with np.errstate(invalid="ignore"):
        above = np.asarray(_judged(fit) & (distances > cutoff))
    if fit.replacement is None or not fit.refitted.any():
        return above
    lasting = above & ~fit.replacement.replaceable  # the others' outliers are replaced, and no longer judged
    prior = results.metadata.get("prior") or {}
    # the normal prior's threshold test goes back to the original counts
    return above if prior.get("type") == "normal" and not lasting.any() else lasting


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
