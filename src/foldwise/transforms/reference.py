"""Size factors of samples that come later, on the scale of those the transformation was fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.counts import CountData
from foldwise.counts.measured import Measured
from foldwise.errors import CountsError, OptionError, listed
from foldwise.execution import Executor
from foldwise.size_factors import log_geometric_means, median_of_ratios


@dataclass(frozen=True, slots=True)
class SizeReference:
    """log_means : (n_genes,) log geometric means of the first samples, moved so that the median of ratios to them gives
    those samples' own size factors (on average, where these are of another kind)."""

    log_means: FloatArray

    def size_factors(self, data: CountData, run: Executor) -> FloatArray:
        """(n_samples,) of new samples. Not rescaled among themselves, so that a single sample has one too."""
        factors = median_of_ratios(data.source, self.log_means, run)
        if np.isnan(factors).any():
            raise CountsError(
                f"No size factor can be estimated for {listed(data.sample_names[np.isnan(factors)])}: no gene of the "
                "first samples' reference is counted there. Give size_factors= with the new samples."
            )
        return factors


def reference_of(measured: Measured, run: Executor) -> SizeReference | None:
    """None where the first samples have normalization factors: new samples must then bring their own."""
    if measured.factors.ndim == 2:
        return None
    means = log_geometric_means(measured.counts, run)
    if not np.isfinite(means).any():
        means = log_geometric_means(measured.counts, run, positive_only=True)
    again = median_of_ratios(measured.counts, means, run)
    # Zero for median-of-ratios factors, whatever else they are scaled by.
    offset = np.nanmean(np.log(again) - np.log(measured.factors))
    return SizeReference(means + offset)


def measured_later(data: CountData, reference: SizeReference | None, run: Executor) -> Measured:
    """New samples with their own factors, or with size factors from the reference."""
    if data.normalization_factors is not None:
        factors: FloatArray = data.normalization_factors.to_numpy(dtype=np.float64)
    elif data.size_factors is not None:
        factors = data.size_factors.to_numpy(dtype=np.float64)
    elif reference is not None:
        factors = reference.size_factors(data, run)
    else:
        raise OptionError(
            "The transformation was fitted with normalization factors, gene by gene: give the new samples theirs, with "
            "fw.CountData(counts, samples, normalization_factors=…)."
        )
    return Measured(data.source, np.ascontiguousarray(factors))


def same_genes(data: CountData, genes: pd.Index) -> CountData:
    """The new samples' counts with the genes in the order of the transformation."""
    missing, extra = genes.difference(data.gene_names), data.gene_names.difference(genes)
    if len(missing):
        raise CountsError(
            f"{len(missing)} of the {len(genes)} genes that the transformation was fitted on are missing from the new "
            f"samples: {listed(missing)}. Count the new samples with the same annotation."
        )
    if len(extra):
        raise CountsError(
            f"The new samples have {len(extra)} genes that the transformation does not know: {listed(extra)}. "
            "Leave them out: new.loc[transform.genes] of a table, new.select(genes=transform.genes) of a CountData, "
            "new[:, transform.genes] of an AnnData."
        )
    return data if data.gene_names.equals(genes) else data.select(genes=genes)
