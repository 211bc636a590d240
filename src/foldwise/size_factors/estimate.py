"""Size factors of a data set: what a user asks for, checked, and what the other stages divide by."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arguments.given import in_order_of
from foldwise.arrays import BoolArray, FloatArray
from foldwise.counts import CountData, counts_only
from foldwise.counts.cells import ADD_UP, probably_cells
from foldwise.counts.measured import Measured
from foldwise.errors import CountsError, OptionError, listed
from foldwise.execution import Executor, executor_for
from foldwise.options import SizeFactorType, chosen
from foldwise.size_factors.ratios import (
    NO_GEOMETRIC_MEANS,
    factors_from_lengths,
    log_geometric_means,
    median_of_ratios,
)

log = logging.getLogger("foldwise")


@checked
def estimate_size_factors(
    data: Any,
    *,
    samples: pd.DataFrame | None = None,
    sf_type: SizeFactorType = "ratio",
    control_genes: Any = None,
    geo_means: Any = None,
    executor: Any = None,
) -> pd.Series | pd.DataFrame:
    """How deeply each sample was sequenced, as median of ratios to a reference sample.

    Parameters
    ----------
    data : CountData, AnnData, or a genes x samples table of counts (with ``samples=``, either way round).
    sf_type : "ratio" (geometric means over all samples), "poscounts" (over the positive counts), or "iterate".
    control_genes : names or a boolean mask of genes that alone enter the medians, e.g. spike-ins.
    geo_means : Series by gene, the reference sample's geometric means; factors are then scaled to geometric mean 1.

    Returns
    -------
    Series by sample; with average transcript lengths a genes x samples DataFrame of normalization factors.

    Raises
    ------
    CountsError
        If a sample has no gene to be judged by.
    OptionError
        For unknown types, genes that are not in the data, or geometric means that do not fit.

    References
    ----------
    Anders & Huber (2010), eq. 5.
    """
    data = counts_only(data, samples)
    found = size_factors_of(
        data, executor_for(executor), sf_type=sf_type, control_genes=control_genes, geo_means=geo_means
    )
    if found.ndim == 2:
        return data.framed(found)
    return pd.Series(found, index=data.sample_names, name="sizeFactor")


def size_factors_of(
    data: CountData,
    run: Executor,
    *,
    sf_type: SizeFactorType = "ratio",
    control_genes: Any = None,
    geo_means: Any = None,
) -> FloatArray:
    """(n_samples,) size factors, or (n_genes, n_samples) normalization factors where lengths are given."""
    chosen("sf_type", sf_type, SizeFactorType)
    rows = _control_rows(control_genes, data)
    if sf_type == "iterate":
        from foldwise.size_factors.iterate import iterated_size_factors

        return iterated_size_factors(data, run)
    given = _log_geo_means(geo_means, data)
    scaled = given is not None or sf_type == "poscounts"
    if sf_type == "poscounts":
        given = log_geometric_means(data.source, run, positive_only=True)
    if data._lengths is not None:
        factors = factors_from_lengths(data.source, data._lengths, given, rows, scaled)
        _all_found(factors.min(axis=0), data)
        return factors
    means = log_geometric_means(data.source, run) if given is None else given
    if not np.isfinite(means).any():
        _no_empty_samples(data)
        if said := _of_cells(data):
            raise CountsError(NO_GEOMETRIC_MEANS + said)
    factors = median_of_ratios(data.source, means, run, rows=rows, scaled=scaled)
    _all_found(factors, data)
    return factors


def _of_cells(data: CountData) -> str:
    """Where to go with cells, at the end of a message."""
    return f" {ADD_UP}" if probably_cells(data) else ""


def _no_empty_samples(data: CountData) -> None:
    """A sample without counts puts a zero into every gene: then it is the sample that is to be named."""
    counted = np.zeros(data.n_samples, dtype=bool)
    for start in range(0, data.n_genes, 4096):
        counted |= data.source.read(start, min(start + 4096, data.n_genes)).any(axis=0)
    if not counted.all():
        raise CountsError(
            f"These samples have no counts at all: {listed(data.sample_names[~counted])}. So every gene contains at least "
            "one zero, and no size factors can be estimated. Leave such samples out." + _of_cells(data)
        )


def _all_found(factors: FloatArray, data: CountData) -> None:
    bad = ~(np.isfinite(factors) & (factors > 0))
    if bad.any():
        raise CountsError(
            f"No size factor can be estimated for: {listed(data.sample_names[bad])}. There all genes that could be used "
            "have no counts. Leave such samples out, or give size_factors= of your own." + _of_cells(data)
        )


def _control_rows(control_genes: Any, data: CountData) -> BoolArray | None:
    if control_genes is None:
        return None
    chosen_genes = np.asarray(in_order_of(data.gene_names, control_genes))
    if chosen_genes.dtype == bool:
        if len(chosen_genes) != data.n_genes:
            raise OptionError(f"control_genes has {len(chosen_genes)} values for {data.n_genes} genes.")
        rows = chosen_genes
    elif chosen_genes.dtype.kind in "iu":
        if chosen_genes.size and (chosen_genes.min() < 0 or chosen_genes.max() >= data.n_genes):
            raise OptionError(f"control_genes counts genes from 0 to {data.n_genes - 1}.")
        rows = np.isin(np.arange(data.n_genes), chosen_genes)
    elif chosen_genes.dtype.kind in "OUS":
        absent = pd.Index(chosen_genes).difference(data.gene_names)
        if len(absent):
            raise OptionError(f"These control genes are not in the data: {listed(absent)}.")
        rows = np.asarray(data.gene_names.isin(chosen_genes))
    else:
        raise OptionError("control_genes must be gene names, positions, or a boolean mask over the genes.")
    if not rows.any():
        raise OptionError("control_genes names no gene.")
    return rows


def _log_geo_means(geo_means: Any, data: CountData) -> FloatArray | None:
    if geo_means is None:
        return None
    if isinstance(geo_means, pd.Series):
        absent = data.gene_names.difference(geo_means.index)
        if len(absent):
            raise OptionError(f"geo_means has no value for: {listed(absent)}.")
        geo_means = geo_means.loc[data.gene_names]
    values = np.asarray(geo_means, dtype=np.float64)
    if values.shape != (data.n_genes,) or np.isnan(values).any() or (values < 0).any():
        raise OptionError(f"geo_means must be {data.n_genes} numbers, one a gene, none negative or missing.")
    with np.errstate(divide="ignore"):
        return np.log(values)


def measured_from(
    data: CountData,
    run: Executor,
    *,
    sf_type: SizeFactorType = "ratio",
    control_genes: Any = None,
    geo_means: Any = None,
) -> Measured:
    """Counts with the factors they are divided by: the user's own if there are any, never overwritten."""
    if data._factors is not None:
        log.info("using pre-existing normalization factors")
        factors = data._factors
    elif data.size_factors is not None:
        log.info("using pre-existing size factors")
        factors = data.size_factors.to_numpy(dtype=np.float64)
    else:
        log.info("estimating size factors")
        factors = size_factors_of(data, run, sf_type=sf_type, control_genes=control_genes, geo_means=geo_means)
    return Measured(data.source, factors, data._weights)
