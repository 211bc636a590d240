"""What was done, as the methods paragraph of a paper: choices, versions, references."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

_SIZE_FACTORS = {
    "ratio": "the median of ratios to the geometric means",
    "poscounts": "the median of ratios to geometric means over positive counts (poscounts)",
    "iterate": "iterative fitting with an intercept-only model (iterate)",
}
_TREND = {
    "parametric": "a parametric dispersion trend",
    "local": "a local regression for the dispersion trend",
    "mean": "their trimmed mean as the dispersion trend",
    "glmGamPoi": "the running-median trend of glmGamPoi and its quasi-likelihood dispersions",
    "user": "a given dispersion trend",
}


def methods_paragraph(fit: Any, results: Mapping[str, Any]) -> str:
    """A paragraph that says what was done, with numbers; plain text."""
    from foldwise import __version__

    n_genes, n_samples = (
        fit.data.counts.shape
        if not hasattr(fit.data, "n_genes")
        else (
            fit.data.n_genes,
            fit.data.n_samples,
        )
    )
    design = fit.full_design.formula or "a model matrix of the user's own"
    said = [
        f"Counts of {n_genes:,} genes in {n_samples} samples were analysed with the DESeq2 method (Love et al. 2014) as "
        f"implemented in foldwise {__version__}. {_rounded(fit)}{_factors(fit)} A negative binomial generalised linear model was fitted "
        f"to every gene with the design {design}. {_dispersions(fit)}",
        _test(fit),
        _replacement(fit),
        *[_comparison(name, one) for name, one in results.items()],
    ]
    return " ".join(part for part in said if part)


def references(fit: Any, results: Mapping[str, Any]) -> list[str]:
    """What to cite for it."""
    from foldwise.citation import cite

    parts = {str(one.metadata.get("type", "")) for one in results.values()} & {"apeglm", "ashr"}
    if getattr(fit.trend, "kind", None) == "glmGamPoi":
        parts.add("glmGamPoi")
    if getattr(fit.data, "average_lengths", None) is not None:
        parts.add("tximport")
    return cite(*sorted(parts)).split("\n")


def versions() -> dict[str, str]:
    """Versions of what computed the numbers."""
    found = {"Python": platform.python_version()}
    for name in ("foldwise", "numpy", "scipy", "pandas", "numba", "matplotlib", "bokeh"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if "foldwise" not in found:
        from foldwise import __version__

        found["foldwise"] = __version__
    return found


def _rounded(fit: Any) -> str:
    rounded = any(note.startswith("rounded ") for note in fit.data.provenance)
    return "The counts are estimates, rounded to whole numbers. " if rounded else ""


def _factors(fit: Any) -> str:
    if fit.normalization_factors is not None:
        return "Gene- and sample-specific normalization factors accounted for sequencing depth."
    kind = str(fit.options.get("sf_type", "ratio"))
    if getattr(fit.data, "size_factors", None) is not None:
        return "Size factors were given."
    return f"Size factors were estimated by {_SIZE_FACTORS.get(kind, kind)}."


def _dispersions(fit: Any) -> str:
    kind = getattr(fit.trend, "kind", None)
    if kind is None:
        return "Gene-wise dispersions were used as they are."
    return (
        f"Gene-wise dispersions were estimated by maximising the Cox-Reid adjusted profile likelihood and shrunken "
        f"towards {_TREND.get(kind, kind)}."
    )


def _test(fit: Any) -> str:
    if fit.test == "LRT":
        reduced = fit.reduced_design.formula if fit.reduced_design is not None else None
        return f"Hypotheses were tested by likelihood ratio against {reduced or 'a reduced model matrix'}."
    return "Hypotheses were tested by Wald tests."


def _replacement(fit: Any) -> str:
    genes = fit.genes
    if "replace" not in genes:
        return ""
    number = int(genes["replace"].fillna(False).astype(bool).sum())
    return (
        f"Counts flagged by Cook's distance in groups with enough replicates were replaced in {number:,} genes, which "
        "were fitted again."
        if number
        else ""
    )


def _comparison(name: str, one: Any) -> str:
    metadata = one.metadata
    alpha, threshold = float(metadata.get("alpha", 0.1)), float(metadata.get("lfc_threshold") or 0.0)
    null = f" (null hypothesis: |log2 fold change| <= {threshold:g})" if threshold else ""
    judged = "svalue" if "svalue" in one.table and "padj" not in one.table else "padj"
    number = int((one.table[judged] < alpha).sum())
    how = "s-value" if judged == "svalue" else f"{metadata.get('p_adjust_method', 'BH')}-adjusted p-value"
    cutoff = metadata.get("filter_threshold")
    what = "filter statistic" if metadata.get("filtered_by") == "statistic" else "mean count"
    kept = (
        f" after independent filtering at a {what} of {float(cutoff):.3g}"
        if cutoff is not None and np.isfinite(cutoff)
        else ""
    )
    kind = metadata.get("type")
    shrunken = f" Fold changes were shrunken ({kind})." if kind else ""
    return f"{name}: {number:,} genes had a {how} below {alpha:g}{null}{kept}.{shrunken}"
