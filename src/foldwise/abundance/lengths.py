"""Gene lengths: found by gene name, and refused where one is missing or not positive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.abundance.count_table import CountTable
from foldwise.arrays import FloatArray
from foldwise.errors import CountsError, listed


def gene_lengths(table: CountTable, given: Any) -> FloatArray:
    """(n_genes, 1) or, where lengths differ between samples, (n_genes, n_samples) lengths in bases.

    ``given`` is a Series by gene or a genes x samples DataFrame, matched by name, or an array in the order of the
    genes. With None the average lengths that came with the data are taken, else a length column of the gene table.
    """
    if given is None:
        given = table.average_lengths if table.average_lengths is not None else _annotated(table)
    values = _aligned(given, table)
    bad = np.asarray(~(np.isfinite(values) & (values > 0)).all(axis=1))
    if bad.any():
        raise CountsError(
            f"The length is missing, zero or negative for {int(bad.sum())} genes: {listed(table.genes[bad])}. "
            "Give lengths in bases for all genes, or leave these genes out."
        )
    return values


def _annotated(table: CountTable) -> pd.Series:
    """The length column of the gene annotation, by the names that edgeR tries."""
    columns = [] if table.gene_table is None else list(table.gene_table.columns)
    named = [c for c in columns if c in ("Length", "length")] or [c for c in columns if "length" in str(c).lower()]
    if table.gene_table is None or not named or (len(named) > 1 and named[0] not in ("Length", "length")):
        raise CountsError(
            "Gene lengths are needed: give lengths= (a Series by gene, in bases, or genes x samples average lengths). "
            f"Columns of the gene table that might be meant: {listed(named) or 'none'}."
        )
    return table.gene_table[named[0]]


def _aligned(given: Any, table: CountTable) -> FloatArray:
    if isinstance(given, (pd.Series, pd.DataFrame)):
        if not given.index.is_unique:
            raise CountsError(f"Some genes have two lengths: {listed(given.index[given.index.duplicated()].unique())}.")
        missing = table.genes.difference(given.index)
        if len(missing):
            raise CountsError(f"{len(missing)} of {len(table.genes)} genes have no length: {listed(missing)}.")
        given = given.reindex(table.genes)
    if isinstance(given, pd.DataFrame):
        absent = table.samples.difference(given.columns)
        if len(absent):
            raise CountsError(f"The table of lengths has no column for the samples {listed(absent)}.")
        given = given[table.samples]
    values = np.asarray(given, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.shape not in ((len(table.genes), 1), table.values.shape):
        raise CountsError(
            f"lengths has shape {values.shape}; it must hold one number for each of the {len(table.genes)} genes, "
            f"or a genes x samples table of {table.values.shape}."
        )
    return values
