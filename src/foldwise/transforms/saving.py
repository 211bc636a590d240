"""Fitted transformations as arrays and a description, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.dispersion.trend import Trend, trend_from_arrays
from foldwise.errors import CountsError
from foldwise.transforms.fitted import RegularizedLog, VarianceStabilization
from foldwise.transforms.forms import Form, form_of, numerical_form_from
from foldwise.transforms.reference import SizeReference

Arrays = Mapping[str, Any]
KIND = "transform"


def save_vst(transform: VarianceStabilization, path: str | Path) -> None:
    """Trend, function and reference; not the values."""
    arrays = {f"trend/{name}": values for name, values in transform.trend.to_arrays().items()}
    arrays |= {f"form/{name}": values for name, values in transform.form.to_arrays().items()}
    _save(path, {"transform": "vst", "trend": transform.trend.kind}, transform.genes, transform.reference, arrays)


def save_rlog(transform: RegularizedLog, path: str | Path) -> None:
    """Dispersions, intercepts, prior variance and reference; not the values."""
    early = transform.not_converged
    arrays = {
        "dispersions": transform.dispersions.to_numpy(dtype=np.float64),
        "intercept": transform.intercept.to_numpy(dtype=np.float64),
        "prior_variance": np.array([transform.prior_variance]),
        "not_converged": _text(early.index),
        "reasons": _text(early),
    }
    _save(path, {"transform": "rlog"}, transform.genes, transform.reference, arrays)


def _text(values: Any) -> Any:
    return np.array([str(v) for v in values], dtype=np.str_)


def _save(
    path: str | Path, meta: dict[str, str], genes: pd.Index, reference: SizeReference | None, arrays: dict[str, Any]
) -> None:
    from foldwise.io.saved_fit import save_arrays

    if reference is not None:
        arrays = {**arrays, "log_means": reference.log_means}
    save_arrays(path, {**arrays, "genes": _text(genes)}, {"kind": KIND, "genes_name": _name(genes), **meta})


def _name(genes: pd.Index) -> str | None:
    return None if genes.name is None else str(genes.name)


@checked
def load_transform(path: str | Path) -> VarianceStabilization | RegularizedLog:
    """A transformation that was saved, ready for ``apply``.

    Raises
    ------
    FoldwiseError
        If the file is damaged, of a newer format, or not one of ours.
    CountsError
        If it holds something else, such as a fit.
    """
    from foldwise.io.saved_fit import load_arrays

    arrays, meta = load_arrays(path)
    if meta.get("kind") != KIND:
        raise CountsError(f"'{path}' holds no transformation but a {meta.get('kind')!r}; fw.load reads both.")
    return transform_from_arrays(arrays, meta)


def transform_from_arrays(arrays: Arrays, meta: Mapping[str, Any]) -> VarianceStabilization | RegularizedLog:
    """The transformation that was taken apart for saving."""
    genes = pd.Index(arrays["genes"].astype(object), name=meta.get("genes_name"))
    reference = SizeReference(arrays["log_means"]) if "log_means" in arrays else None
    if meta["transform"] == "rlog":
        early = pd.Series(arrays["reasons"].astype(object), arrays["not_converged"].astype(object), dtype=object)
        dispersions = pd.Series(arrays["dispersions"], index=genes, name="dispFit")
        intercept = pd.Series(arrays["intercept"], index=genes, name="rlogIntercept")
        return RegularizedLog(dispersions, intercept, float(arrays["prior_variance"][0]), early, reference)
    trend = trend_from_arrays(meta["trend"], _under(arrays, "trend/"))
    return VarianceStabilization(trend, _form(trend, _under(arrays, "form/")), genes, reference)


def _under(arrays: Arrays, prefix: str) -> dict[str, FloatArray]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _form(trend: Trend, arrays: dict[str, FloatArray]) -> Form:
    if "pieces" in arrays:
        return numerical_form_from(arrays)
    nothing = np.empty(0)
    return form_of(trend, nothing, 0.0, nothing)
