"""AnnData files (h5ad, zarr): opened in memory or left on disk, never changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.counts.sample_names import why_names_differ
from foldwise.errors import CountsError, MissingDependencyError, OptionError, SamplesError, listed
from foldwise.io.count_table import CountTable, Unlisted
from foldwise.io.read_report import PathLike, ReadReport, how_many, source_name

if TYPE_CHECKING:
    from foldwise.counts import CountData

OWN_LAYERS = ("normalization_factors", "weights", "average_lengths")


def open_anndata(path: PathLike, *, backed: bool = False) -> Any:
    """The AnnData in a .h5ad file or zarr folder; ``backed`` leaves its matrix on disk.

    Raises
    ------
    CountsError
        If the file is damaged or no AnnData.
    MissingDependencyError
        Without anndata.
    """
    try:
        import anndata
    except ImportError as error:
        raise MissingDependencyError("h5ad files need anndata: pip install 'foldwise[anndata]'") from error
    try:
        if Path(path).is_dir():
            return anndata.read_zarr(path)
        return anndata.read_h5ad(path, backed="r" if backed else None)
    except (OSError, KeyError, ValueError, AttributeError, TypeError) as error:
        raise CountsError(f"{source_name(path)} cannot be read as AnnData ({error}).") from error


def h5ad_data(
    path: PathLike,
    samples: pd.DataFrame | None = None,
    *,
    layer: str | None = None,
    backed: bool = False,
    unlisted: Unlisted = "error",
) -> CountData:
    """The counts of an AnnData file with its own sample table (``obs``), or another one.

    Size factors, normalization factors, weights and lengths come back from files that ``to_anndata`` made, if they
    were given to the fit and not estimated by it.
    """
    from foldwise.counts import CountData
    from foldwise.counts.labels import annotation_of, layer_of_counts

    report = ReadReport(path)
    adata = open_anndata(path, backed=backed)
    if samples is not None:
        adata = _of_samples(adata, samples, unlisted, report)
    own = adata.uns.get("foldwise", {})
    table = annotation_of(adata, "obs") if samples is None else samples
    given: dict[str, Any] = {name: _layer(adata, name) for name in OWN_LAYERS if own and name in adata.layers}
    if own.get("size_factors_given"):
        given["size_factors"] = pd.Series(np.asarray(adata.obs["size_factors"], dtype=float), index=adata.obs_names)
    layer, where = layer_of_counts(adata, layer)
    left_out = [f"layer '{n}'" for n in adata.layers if n != layer and n not in given] + [
        f"{slot} ({listed(keys, 3)})" for slot in ("obsm", "varm", "uns") if (keys := list(getattr(adata, slot).keys()))
    ]
    report.note(
        f"read {how_many(adata.n_vars, 'gene')} in {how_many(adata.n_obs, 'sample')} from {where}"
        + (", counts left on disk" if backed else "")
    )
    if left_out:
        report.note(f"left out {', '.join(left_out)}")
    genes = annotation_of(adata, "var")
    return CountData(adata, table, genes=genes, layer=layer, provenance=report.lines, **given)


def h5ad_table(path: PathLike, *, layer: str | None = None) -> CountTable:
    """The counts of an AnnData file in memory, to look at them."""
    data = h5ad_data(path, layer=layer)
    genes = data.genes if data.genes.shape[1] else None
    return CountTable(data.counts, genes, data.provenance, samples=data.samples)


def _of_samples(adata: Any, samples: pd.DataFrame, unlisted: Unlisted, report: ReadReport) -> Any:
    names, wanted = pd.Index(adata.obs_names), samples.index
    extra = names[~names.isin(wanted)]
    if not wanted.isin(names).all() or (len(extra) and unlisted == "error"):
        raise SamplesError(why_names_differ(names, wanted))
    if not len(extra):
        return adata
    report.note(f"left out {how_many(len(extra), 'sample')} that the sample table does not list: {listed(extra)}")
    return adata[names.isin(wanted)].to_memory()


def _layer(adata: Any, name: str) -> pd.DataFrame:
    values = adata.layers[name]
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    return pd.DataFrame(values.T, index=adata.var_names, columns=adata.obs_names)


def is_hdf5(path: PathLike) -> bool:
    """Whether a file begins as HDF5 does; the file is not read."""
    from foldwise.io.opening import HDF5

    if str(path) == "-" or not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(HDF5)) == HDF5


def slot_name(name: str) -> str:
    """A key that h5ad and zarr accept (they refuse ``/``)."""
    return re.sub(r"[/\s]+", "_", name)


def check_layer_option(layer: str | None, backed: bool, source: str) -> None:
    """layer= and backed= mean nothing for tables."""
    if layer is not None or backed:
        raise OptionError(f"layer= and backed= are for h5ad files; {source} is none.")
