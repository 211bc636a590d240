"""Data, fits and results as AnnData, in the slots where the ecosystem looks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from foldwise import __version__
from foldwise.errors import MissingDependencyError
from foldwise.inference.belonging import check_belongs
from foldwise.io.h5ad import OWN_LAYERS, slot_name
from foldwise.warn import warn


def to_anndata(fit_or_data: Any, results: Any = None) -> Any:
    """A new AnnData (samples x genes) that writes to h5ad and zarr and reads back with ``fw.read_counts``.

    ``X`` holds the raw counts. A fit adds ``layers["normalized"]``, ``obs["size_factors"]``,
    ``obsm["design_matrix"]``, the genes' values in ``var`` under R's names (baseMean, dispersion, ...),
    ``varm["LFC"]`` and ``varm["SE"]`` (log2), and the formula in ``uns["foldwise"]``. Columns of the sample or gene table
    that have one of these names give way, with a warning; so do those of an earlier fit, without one.

    Parameters
    ----------
    fit_or_data : a ``CountData`` or a fit.
    results : one results object, or {name: results}; each becomes ``varm["deseq2_<name>"]``, a table with R's columns.

    Raises
    ------
    MissingDependencyError
        Without anndata.
    OptionError
        For results of another fit.
    """
    try:
        import anndata
    except ImportError as error:
        raise MissingDependencyError("AnnData needs anndata: pip install 'foldwise[anndata]'") from error
    is_fit = hasattr(fit_or_data, "data") and hasattr(fit_or_data, "coefficients")
    data = fit_or_data.data if is_fit else fit_or_data
    adata = anndata.AnnData(
        X=_counts(data),
        obs=storable(data.samples),
        var=storable(data.genes),
        uns={"foldwise": {"version": __version__, "provenance": [str(line) for line in data.provenance]}},
    )
    own = adata.uns["foldwise"]
    for name in OWN_LAYERS:
        if (values := getattr(data, name)) is not None:
            adata.layers[name] = values.to_numpy().T.copy()
    own["size_factors_given"] = data.size_factors is not None
    factors = fit_or_data.size_factors if is_fit else data.size_factors
    taken: list[str] = []
    if factors is not None:
        values = pd.DataFrame({"size_factors": np.asarray(factors, dtype=float)}, index=adata.obs_names)
        taken += _add_columns(adata, "obs", values)
    if is_fit:
        taken += _add_fit(adata, fit_or_data)
    if taken:
        warn(
            f"{', '.join(taken)} of the data had other values and hold{'s' if len(taken) == 1 else ''} those of this fit "
            "in the new AnnData: rename such columns beforehand to keep both."
        )
    if results is not None:
        named = results if isinstance(results, Mapping) else {_name(results): results}
        for name, one in named.items() if is_fit else ():
            check_belongs(fit_or_data, one, f"The results '{name}' are")
        _add_results(adata, named)
    return adata


def storable(table: pd.DataFrame) -> pd.DataFrame:
    """A copy whose columns h5ad can hold: text columns as text (missing stays missing), odd objects as text."""
    table = table.copy()
    table.attrs = {}  # nested dicts there are no part of the table
    table.columns = pd.Index([str(c) for c in table.columns])
    table.index = pd.Index(table.index.astype(str), name=table.index.name if table.index.name not in table else None)
    for name in table.columns:
        column = table[name]
        if column.dtype == object:
            missing = column.isna()
            text = column.astype(str).where(~missing, None)
            table[name] = pd.Categorical(text) if missing.any() else text
    return table


def _counts(data: Any) -> Any:
    """Samples x genes; whole numbers that float32 readers keep too are left as they are stored."""
    values = data.source.read(0, data.n_genes)
    kind = np.int32 if not values.size or values.max() < 2**31 else np.float64
    return np.ascontiguousarray(values.T, dtype=kind)


def _add_columns(adata: Any, side: str, columns: pd.DataFrame) -> list[str]:
    """Writes columns into obs or var and lists them in uns; returns which other values they replaced."""
    table: pd.DataFrame = getattr(adata, side)
    taken = [f'{side}["{c}"]' for c in columns if c in table and not _same(table[c], columns[c])]
    setattr(adata, side, table.drop(columns=[c for c in columns if c in table]).join(columns))
    adata.uns["foldwise"][f"{side}_added"] = list(columns)
    return taken


def _same(old: pd.Series, new: pd.Series) -> bool:
    """Equal where both are known; h5ad reads a column of flags back as another type of flags."""
    if pd.api.types.is_numeric_dtype(old) and pd.api.types.is_numeric_dtype(new):
        old, new = (c.to_numpy(dtype=float, na_value=np.nan) for c in (old, new))
        return bool(np.array_equal(old, new, equal_nan=True))
    return bool(old.equals(new))


def _add_fit(adata: Any, fit: Any) -> list[str]:
    own = adata.uns["foldwise"]
    adata.layers["normalized"] = np.ascontiguousarray(fit.counts(normalized=True).to_numpy(dtype=float).T)
    adata.obsm["design_matrix"] = pd.DataFrame(fit.design_matrix).set_axis(adata.obs_names, axis=0)
    genes = storable(fit.genes).set_axis(adata.var_names, axis=0)
    taken = _add_columns(adata, "var", genes)
    for key, table in (("LFC", fit.coefficients), ("SE", fit.standard_errors)):
        adata.varm[key] = table.set_axis([slot_name(str(c)) for c in table.columns], axis=1).set_axis(adata.var_names)
    design = getattr(fit, "design", None)
    if (formula := getattr(design, "formula", None)) is not None:
        own["formula"] = str(formula)
    own["test"] = str(getattr(fit, "test", "Wald"))
    own["coefficient_names"] = [str(n) for n in fit.coefficients.columns]
    trend = getattr(fit, "trend", None)
    if trend is not None:
        own["trend_kind"] = str(trend.kind)
    if (variance := getattr(fit, "dispersion_prior_variance", None)) is not None:
        own["dispersion_prior_variance"] = float(variance)
    return taken


def _add_results(adata: Any, results: Mapping[str, Any]) -> None:
    for name, result in results.items():
        table = storable(result.table if hasattr(result, "table") else result)
        adata.varm[f"deseq2_{slot_name(str(name))}"] = table.reindex(adata.var_names)


def _name(result: Any) -> str:
    contrast = getattr(result, "contrast", None)
    return str(getattr(contrast, "description", None) or getattr(result, "name", None) or "results")
