"""The numbers that the page carries, packed small: every gene's counts and the parts of its fold change."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray, IntArray
from foldwise.errors import FoldwiseError
from foldwise.explain.parts import compared_samples, taken_apart
from foldwise.plots.gene_counts import level_names, texts_of
from foldwise.quality.covariates import is_number

COUNT_BYTES = 5_000_000  # of packed counts; beyond, genes of large p-values come without
_LEVELS = 65535.0
_PSEUDOCOUNT = 0.5


def packed(values: Any, kind: str) -> dict[str, str]:
    """An array as base64 and its type ("f4", "u2", "i4"), little-endian."""
    array = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<"))
    return {"type": kind, "data": base64.b64encode(array.tobytes()).decode("ascii")}


@dataclass(frozen=True, slots=True)
class SamplePoints:
    """Where each sample stands in the picture of counts.

    x : (n_samples,). ticks : position -> name (none for a numeric covariate). labels : (n_samples,) for hovering.
    colour : (n_samples,) group number, for its colour. axis : name of the covariate.
    """

    x: FloatArray
    ticks: dict[int, str]
    labels: list[str]
    colour: IntArray
    axis: str


def shared_payload(fit: Any, results: Mapping[str, Any]) -> dict[str, Any]:
    """Normalized counts of the genes, as logarithms in 16 bits (0.03 % of the value at worst), and the samples."""
    normalized = fit.counts(normalized=True).to_numpy(dtype=float)
    kept = _kept_genes(fit, results, normalized.shape)
    logs = np.log2(np.nan_to_num(normalized[kept]) + _PSEUDOCOUNT)
    low, high = (float(logs.min()), float(logs.max())) if logs.size else (0.0, 1.0)
    step = (high - low) / _LEVELS or 1.0
    slot = np.full(len(normalized), -1)
    slot[kept] = np.arange(len(kept))
    return {
        "counts": packed(np.rint((logs - low) / step), "u2"),
        "low": low,
        "step": step,
        "slot": packed(slot, "i4"),
        "n_samples": normalized.shape[1],
        "samples": [str(name) for name in fit.data.sample_names],
    }


def _kept_genes(fit: Any, results: Mapping[str, Any], shape: tuple[int, int]) -> IntArray:
    fitting = max(COUNT_BYTES // (2 * shape[1]), 100)
    if shape[0] <= fitting:
        return np.arange(shape[0])
    smallest = pd.concat([_ranking(one.table) for one in results.values()], axis=1).min(axis=1)
    smallest = smallest.reindex(fit.data.gene_names, fill_value=np.inf)
    return np.sort(np.argsort(smallest.to_numpy(), kind="stable")[:fitting])


def _ranking(table: pd.DataFrame) -> pd.Series:
    ranked = next(name for name in ("pvalue", "padj", "svalue") if name in table)
    return table[ranked].fillna(np.inf)


def sample_points(fit: Any, contrast: Any) -> SamplePoints:
    """Samples by the covariate that the comparison is about (or the design's last)."""
    samples = fit.design.samples
    name = _axis_variable(fit, contrast)
    if name is None:
        n = len(samples)
        return SamplePoints(
            _spread(np.zeros(n, dtype=int)), {0: "all samples"}, _labels(samples, []), np.zeros(n, int), ""
        )
    column = samples[name]
    others = [variable for variable in fit.design.variables if variable in samples and variable != name]
    labels = _labels(samples, [name, *others])
    if is_number(column):
        x = column.to_numpy(dtype=float)
        return SamplePoints(x, {}, labels, np.zeros(len(x), dtype=int), name)
    levels, texts = level_names(column), texts_of(column)
    group = np.array([levels.index(text) for text in texts])
    return SamplePoints(_spread(group), dict(enumerate(levels)), labels, group, name)


def _axis_variable(fit: Any, contrast: Any) -> str | None:
    if contrast is not None and contrast.levels is not None:
        return str(contrast.levels[0])
    design = fit.design
    if contrast is not None and len(design.term):
        used = [int(k) for k in np.flatnonzero(contrast.vector) if design.term[k] >= 0]
        for label in (design.terms[design.term[k]].strip("`") for k in used):
            if label in design.samples:
                return str(label)
    known = [name for name in design.variables if name in design.samples]
    return known[-1] if known else None


def _spread(group: IntArray) -> FloatArray:
    x = group.astype(float)
    for level in np.unique(group):
        members = np.flatnonzero(group == level)
        x[members] += np.linspace(-0.18, 0.18, len(members)) if len(members) > 1 else 0.0
    return x


def _labels(samples: pd.DataFrame, names: list[str]) -> list[str]:
    return [
        ", ".join([str(sample), *[f"{name} {samples[name].iloc[k]}" for name in names]])
        for k, sample in enumerate(samples.index)
    ]


def explanation_payload(fit: Any, results: Any, rows: IntArray) -> dict[str, Any] | None:
    """Raw ratio and parts of the genes at ``rows``; None where the comparison has no two sides."""
    compared = compared_samples(fit.design, results.contrast) if results.contrast is not None else None
    if compared is None:
        return None
    try:
        beta = fit.coefficients.to_numpy(dtype=float)[rows]
        normalized = fit.counts(normalized=True).to_numpy(dtype=float)[rows]
        parts = taken_apart(fit.design, results.contrast, compared, beta, normalized)
    except (FoldwiseError, FloatingPointError):
        return None
    return {
        "raw": packed(parts.raw, "f4"),
        "adjusted": packed(parts.adjusted, "f4"),
        "parts": packed(parts.parts, "f4"),
        "terms": list(parts.terms),
        "numerator": np.flatnonzero(compared.numerator).tolist(),
        "denominator": np.flatnonzero(compared.denominator).tolist(),
        "words": list(compared.words),
        "slope": compared.slope is not None,
    }
