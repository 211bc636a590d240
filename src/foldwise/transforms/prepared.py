"""What a transformation starts from: counts with factors, and a dispersion trend, blind to the design or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.counts import CountData, counts_only
from foldwise.counts.measured import Measured, block_factors
from foldwise.design import Design, build_design
from foldwise.dispersion.stage import Dispersions, dispersion_stage
from foldwise.errors import OptionError
from foldwise.execution import Executor, executor_for
from foldwise.kernels import exact_row_means
from foldwise.options import FitType, chosen
from foldwise.size_factors.estimate import measured_from

Genes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """data, measured : counts as they were measured (never with outliers replaced) and their factors.

    stage : dispersions estimated already, after replacement if there was any, or None. run : how blocks are run.
    """

    data: CountData
    measured: Measured
    stage: Dispersions | None
    run: Executor

    def frame(self, values: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.data.gene_names, columns=self.data.sample_names)

    def design(self, blind: bool, given: Any) -> Design:
        """``~ 1``, or the design that dispersions are to be estimated with."""
        if blind:
            return build_design("~ 1", self.data.samples)
        if given is not None:
            return given if isinstance(given, Design) else build_design(given, self.data.samples)
        if self.stage is not None:
            return self.stage.design
        raise OptionError(
            "blind=False needs to know the design: hand over the fit (fw.deseq), or give design='~ …' as well."
        )


def prepared(data_or_fit: Any, executor: Any, samples: pd.DataFrame | None = None) -> Prepared:
    """From a fit (or dispersions), a CountData, an AnnData, or a genes x samples table of counts."""
    stage = getattr(data_or_fit, "stage", data_or_fit)
    if isinstance(stage, Dispersions):
        first = getattr(data_or_fit, "first_stage", stage)
        run = stage.executor if executor is None else executor_for(executor)
        return Prepared(stage.data, first.measured, stage, run)
    run = executor_for(executor)
    data = counts_only(data_or_fit, samples)
    return Prepared(data, measured_from(data, run), None, run)


def estimated(start: Prepared, design: Design, fit_type: FitType) -> Dispersions:
    """Gene-wise dispersions and trend on all genes; factors stay as they are."""
    return dispersion_stage(start.data, design, start.measured, start.run, fit_type=checked_fit_type(fit_type))


def checked_fit_type(fit_type: FitType) -> FitType:
    chosen("fit_type", fit_type, FitType)
    if fit_type == "glmGamPoi":
        raise OptionError(
            "fit_type='glmGamPoi' gives a trend that transformations are not defined for; use 'parametric', 'local' or "
            "'mean' with blind=True."
        )
    return fit_type


def summary_pass(counts: FloatArray, genes: Genes, common: FloatArray | None) -> dict[str, Any]:
    """Mean and largest of each gene's normalized counts."""
    normalized = counts / block_factors(genes, common, len(counts))
    return {"mean": exact_row_means(normalized), "largest": normalized.max(axis=1)}


def sums_pass(counts: FloatArray, genes: Genes, common: FloatArray | None) -> dict[str, Any]:
    """Sum and largest of each gene's normalized counts."""
    normalized = counts / block_factors(genes, common, len(counts))
    return {"sum": normalized.sum(axis=1), "largest": normalized.max(axis=1)}


def normalized_summary(measured: Measured, run: Executor) -> dict[str, FloatArray]:
    """(n_genes,) mean and largest of the normalized counts, unweighted."""
    return run.over_genes("means", summary_pass, measured.counts, measured.genes(), measured.common_factors)


def column_factors(start: Prepared) -> FloatArray:
    """(n_samples,) size factors; geometric means of the normalization factors where there are only those."""
    factors = start.measured.factors
    if factors.ndim == 1:
        return factors
    if start.data.size_factors is not None:
        return np.asarray(start.data.size_factors, dtype=np.float64)
    return np.asarray(np.exp(np.log(factors).mean(axis=0)), dtype=np.float64)
