"""Fits as files: everything that later questions need, in one file, without pickle, bit for bit."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.counts import CountData
from foldwise.counts.measured import Measured
from foldwise.counts.sources import DenseCounts, SparseCounts
from foldwise.design import Design
from foldwise.dispersion.stage import Dispersions
from foldwise.dispersion.trend import trend_from_arrays
from foldwise.execution import executor_for
from foldwise.fit import Fit
from foldwise.inference.hypothesis_test import Tested, TestPlan
from foldwise.io.frames import Arrays, Meta, frame_from_arrays, frame_to_arrays, index_from_arrays, index_to_arrays
from foldwise.io.saved_fit import SavedFitError, load_arrays, save_arrays
from foldwise.outliers import Replacement

KIND = "fit"
_DESIGN_ARRAYS = ("matrix", "cells", "term")


def save_fit(fit: Fit, path: Any) -> None:
    """Write a fit to one file: whole or not at all; the same fit gives the same bytes.

    Counts are stored as they are kept (integers, sparse where they are sparse). A trend that is a function of the
    user's own is stored as a table of its values.
    """
    arrays, meta = _data_out(fit.data)
    arrays |= _stage_out("stage", fit.stage) | _stage_out("first", fit.first_stage)
    arrays["refitted"] = fit.refitted
    designs: Meta = {}
    for name, design in (("full", fit.full_design), ("coefficients", fit.design), ("reduced", fit.reduced_design)):
        if design is not None:
            more, designs[name] = _design_out(f"design/{name}", design)
            arrays |= more
    for part in ("beta", "se", "stat", "pvalue", "mle", "degrees", "prior_variance"):
        if (values := getattr(fit.tested, part)) is not None:
            arrays[f"tested/{part}"] = values
    arrays |= {f"tested/columns/{name}": v for name, v in fit.tested.columns.items()}
    arrays |= {f"tested/cooks/{name}": v for name, v in fit.tested.cooks.items()}
    if fit.replacement is not None:
        arrays |= {f"replacement/{f.name}": getattr(fit.replacement, f.name) for f in fields(fit.replacement)}
    trend = fit.stage.trend
    if trend is not None:
        arrays |= {f"trend/{name}": v for name, v in trend.to_arrays().items()}
    arrays["factors"] = fit.factors
    meta |= {
        "kind": KIND,
        "columns": {
            "stage": list(fit.stage.columns),
            "first": list(fit.first_stage.columns),
            "tested": list(fit.tested.columns),
        },
        "designs": designs,
        "plan": {
            "beta_prior": fit.plan.beta_prior,
            "use_t": fit.plan.use_t,
            "min_mu": float(fit.plan.min_mu).hex(),
            "df_by_gene": np.ndim(fit.plan.df) == 1 and fit.plan.df is not None,
            "df": float(fit.plan.df) if fit.plan.df is not None and np.ndim(fit.plan.df) == 0 else None,
        },
        "stage": {
            "trend": None if trend is None else trend.kind,
            "residual_variance": _hex(fit.stage.residual_variance),
            "prior_variance": _hex(fit.stage.prior_variance),
            "min_mu": _hex(fit.stage.min_mu),
            "fit_type": fit.stage.fit_type,
            "quasi_likelihood": _hex(fit.stage.quasi_likelihood),
            "compat": fit.stage.compat,
        },
        "options": {name: _plain(value) for name, value in fit.options.items()},
    }
    if fit.plan.df is not None and np.ndim(fit.plan.df) == 1:
        arrays["plan/df"] = np.asarray(fit.plan.df)
    save_arrays(path, arrays, meta)


@checked
def load(path: Any, *, executor: Any = None) -> Any:
    """Read what :meth:`Fit.save` wrote (or a saved transformation): it answers new questions with the same bits.

    Raises
    ------
    FoldwiseError
        If the file is damaged, cut short, of a newer format, or not one of ours.
    """
    arrays, meta = load_arrays(path)
    if meta.get("kind") == "transform":
        from foldwise.transforms import transform_from_arrays

        return transform_from_arrays(arrays, meta)
    if meta.get("kind") != KIND:
        raise SavedFitError(f"{path} holds no fit but a {meta.get('kind')!r}.")
    try:
        return _fit_in(arrays, meta, executor)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise SavedFitError(
            f"{path} lacks something that a saved fit has, or it does not fit together: {error!r}."
        ) from error


def _fit_in(arrays: Arrays, meta: Meta, executor: Any) -> Fit:
    data = _data_in(arrays, meta)
    designs = {name: _design_in(f"design/{name}", arrays, what, data) for name, what in meta["designs"].items()}
    run = executor_for(executor, False)
    kind = meta["stage"]["trend"]
    trend = None if kind is None else trend_from_arrays(kind, _under("trend/", arrays))
    measured = Measured(data.source, arrays["factors"], data._weights)
    shared = {
        "data": data,
        "design": designs["full"],
        "measured": measured,
        "trend": trend,
        "residual_variance": _unhex(meta["stage"]["residual_variance"]),
        "prior_variance": _unhex(meta["stage"]["prior_variance"]),
        "min_mu": _unhex(meta["stage"]["min_mu"]),
        "fit_type": meta["stage"]["fit_type"],
        "quasi_likelihood": _unhex(meta["stage"]["quasi_likelihood"]),
        "compat": bool(meta["stage"]["compat"]),
        "executor": run,
    }
    stage, first = (
        Dispersions(
            columns=_ordered(f"{name}/columns/", arrays, meta["columns"][name]),
            mean_beta=arrays.get(f"{name}/mean_beta"),
            **shared,
        )
        for name in ("stage", "first")
    )
    plan = TestPlan(
        design=designs["coefficients"],
        reduced=designs.get("reduced"),
        beta_prior=bool(meta["plan"]["beta_prior"]),
        use_t=bool(meta["plan"]["use_t"]),
        df=arrays["plan/df"] if meta["plan"]["df_by_gene"] else meta["plan"]["df"],
        min_mu=float.fromhex(meta["plan"]["min_mu"]),
    )
    parts: dict[str, Any] = {name: arrays.get(f"tested/{name}") for name in ("mle", "degrees", "prior_variance")}
    tested = Tested(
        columns=_ordered("tested/columns/", arrays, meta["columns"]["tested"]),
        cooks=_under("tested/cooks/", arrays),
        beta=arrays["tested/beta"],
        se=arrays["tested/se"],
        stat=arrays["tested/stat"],
        pvalue=arrays["tested/pvalue"],
        **parts,
    )
    replacement = None
    if "replacement/rows" in arrays:
        replacement = Replacement(**{f.name: arrays[f"replacement/{f.name}"] for f in fields(Replacement)})
    return Fit(stage, first, plan, tested, replacement, arrays["refitted"], meta["options"])


def _stage_out(prefix: str, stage: Dispersions) -> Arrays:
    out: Arrays = {f"{prefix}/columns/{name}": values for name, values in stage.columns.items()}
    if stage.mean_beta is not None:
        out[f"{prefix}/mean_beta"] = stage.mean_beta
    return out


def _data_out(data: CountData) -> tuple[Arrays, Meta]:
    arrays: Arrays = index_to_arrays("genes/names", data.gene_names)
    more, samples = frame_to_arrays("samples", data.samples)
    annotation, genes = frame_to_arrays("genes/annotation", data.genes)
    arrays |= more | annotation
    if isinstance(data.source, SparseCounts):
        csr = data.source.values
        arrays |= {"counts/data": csr.data, "counts/indices": csr.indices, "counts/indptr": csr.indptr}
    elif isinstance(data.source, DenseCounts):
        arrays["counts/dense"] = data.source.values
    else:
        values = data.source.read(0, data.n_genes)
        arrays["counts/dense"] = values.astype(np.int32) if values.max(initial=0) < 2**31 else values
    for name in ("_factors", "_weights", "_lengths"):
        if (values := getattr(data, name)) is not None:
            arrays[f"data/{name}"] = values
    if data.size_factors is not None:
        arrays["data/size_factors"] = data.size_factors.to_numpy()
    described = {
        "samples": samples,
        "genes": genes,
        "shape": list(data.source.shape),
        "provenance": list(data.provenance),
    }
    return arrays, described


def _data_in(arrays: Arrays, meta: Meta) -> CountData:
    gene_names = index_from_arrays("genes/names", arrays)
    samples = frame_from_arrays("samples", arrays, meta["samples"])
    shape = tuple(int(n) for n in meta["shape"])
    if "counts/dense" in arrays:
        source: Any = DenseCounts(arrays["counts/dense"])
    else:
        from scipy.sparse import csr_array

        source = SparseCounts(
            csr_array(tuple(arrays[f"counts/{n}"] for n in ("data", "indices", "indptr")), shape=shape)
        )
    if source.shape != shape or shape != (len(gene_names), len(samples)):
        raise ValueError("counts and labels have other sizes")
    own = arrays.get("data/size_factors")
    data = object.__new__(CountData)
    data._set(
        source=source,
        gene_names=gene_names,
        sample_names=samples.index,
        samples=samples,
        genes=frame_from_arrays("genes/annotation", arrays, meta["genes"]),
        size_factors=None if own is None else pd.Series(own, index=samples.index, name="sizeFactor"),
        provenance=tuple(meta["provenance"]),
        **{name: arrays.get(f"data/{name}") for name in ("_factors", "_weights", "_lengths")},
    )
    return data


def _design_out(prefix: str, design: Design) -> tuple[Arrays, Meta]:
    arrays, samples = frame_to_arrays(f"{prefix}/samples", design.samples)
    arrays |= {f"{prefix}/{name}": getattr(design, name) for name in _DESIGN_ARRAYS}
    simple = {
        f.name: _plain(getattr(design, f.name)) for f in fields(design) if f.name not in (*_DESIGN_ARRAYS, "table")
    }
    return arrays, simple | {"samples": samples}


def _design_in(prefix: str, arrays: Arrays, meta: Meta, data: CountData) -> Design:
    simple: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in meta.items() if name != "samples"
    }
    simple["factors"] = {name: tuple(levels) for name, levels in meta["factors"].items()}
    own: dict[str, Any] = {name: arrays[f"{prefix}/{name}"] for name in _DESIGN_ARRAYS}
    return Design(**simple, **own, table=frame_from_arrays(f"{prefix}/samples", arrays, meta["samples"]))


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _ordered(prefix: str, arrays: Arrays, names: list[str]) -> Arrays:
    return {name: arrays[prefix + name] for name in names}


def _hex(value: float | None) -> str | None:
    return None if value is None else float(value).hex()


def _unhex(value: str | None) -> Any:
    return None if value is None else float.fromhex(value)


def _plain(value: Any) -> Any:
    """An argument as JSON can hold it; what cannot be held is described."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict) or hasattr(value, "items") and not isinstance(value, pd.Series | pd.DataFrame):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, pd.DataFrame):
        return f"a matrix of {value.shape[0]} x {value.shape[1]}"
    if hasattr(value, "shape"):
        return f"an array of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
