"""Quality control of samples and genes, in one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.counts import anndata_as_counts
from foldwise.errors import SamplesError, listed
from foldwise.quality.association import association_words, associations
from foldwise.quality.components import TOP_GENES, Components, principal_components
from foldwise.quality.correlation import (
    LOWEST_EXPECTED,
    correlation_words,
    far_below_others,
    sample_correlations,
    with_own_group,
)
from foldwise.quality.covariates import is_number, usable_covariates
from foldwise.quality.factors import OVER_POSITIVE_COUNTS, ready_to_look
from foldwise.quality.gene_filters import filter_words, filtered_genes
from foldwise.quality.swaps import probable_swaps, swap_words
from foldwise.quality.transformed import transformed as transform

MOST_MARKERS = 6  # levels that markers tell apart at a glance


@dataclass(frozen=True)
class Quality:
    """What there is to know about samples and genes before believing a result.

    samples : by sample: ``total`` counts, ``size_factor``, ``detected`` genes, ``zeros`` (share of genes without
        counts), ``correlation_with_group``; for a fit also ``cooks_median`` and ``cooks_over_cutoff`` (genes).
    components : principal components of the transformed counts.
    associations : component x covariate: R squared and p-value.
    correlation : between samples.
    group : the covariate within which samples should be alike, if any.
    low_correlation : rows of ``samples`` whose correlation with their group is under 0.80; ``outliers`` are those of
        them that lie far below the other samples.
    swaps : probable swaps, with the evidence.
    filtering : genes left out by rule; None without results.
    values : what the samples are compared in. covariates : the sample table's usable columns.
    sample_table, transformed : what it was made from.
    over_positive_counts : whether size factors were taken over the positive counts, no gene being free of zeros.
    """

    samples: pd.DataFrame
    components: Components
    associations: pd.DataFrame
    correlation: pd.DataFrame
    group: str | None
    low_correlation: pd.DataFrame
    swaps: pd.DataFrame
    filtering: pd.DataFrame | None
    values: str
    covariates: tuple[str, ...]
    sample_table: pd.DataFrame
    transformed: pd.DataFrame
    second: str | None = None
    over_positive_counts: bool = False

    @property
    def notes(self) -> list[str]:
        """What it says, in sentences: the components first, then what asks for attention."""
        said = [OVER_POSITIVE_COUNTS] if self.over_positive_counts else []
        said += association_words(self.associations) if len(self.associations) else []
        said += self.warnings
        if self.filtering is not None:
            said.append(filter_words(self.filtering))
        return said or ["No covariate can be compared with the components, and no sample is unlike its group."]

    @property
    def warnings(self) -> list[str]:
        """Of the notes, those that ask for attention: samples unlike their group, and probable swaps."""
        return correlation_words(self.samples["correlation_with_group"]) + swap_words(self.swaps)

    @property
    def outliers(self) -> pd.DataFrame:
        """Rows of ``low_correlation`` that lie far below what is usual among the other samples."""
        own = self.samples["correlation_with_group"]
        return self.samples[(own < LOWEST_EXPECTED) & far_below_others(own)]

    def __str__(self) -> str:
        return "\n".join(self.notes)

    def pca(self, ax: Any = None, **options: Any) -> Any:
        """Samples on two components; ``components=``, ``color=``, ``shape=`` as in ``fw.plots.pca``."""
        from foldwise.plots import pca

        if not {"color", "shape"} & set(options):
            options["shape"] = self.second
        options.setdefault("color", self.group)
        return pca(self.components, ax, samples=self.sample_table, **options)

    def scree(self, ax: Any = None) -> Any:
        """The variance that each component explains."""
        from foldwise.plots import scree

        return scree(self.components, ax)

    def plot_associations(self, ax: Any = None) -> Any:
        """Component by covariate, coloured by R squared."""
        from foldwise.plots.associations import component_covariates

        return component_covariates(self.associations, ax)

    def plot_correlation(self, ax: Any = None) -> Any:
        """Clustered correlations between samples, with bars for the covariates."""
        from foldwise.plots import sample_correlation

        return sample_correlation(self.transformed, ax, samples=self.sample_table, annotate=self.covariates)


@checked
def quality(
    data: Any,
    *,
    covariates: Sequence[str] | None = None,
    group: str | None = None,
    samples: pd.DataFrame | None = None,
    transformed: pd.DataFrame | None = None,
    results: Any = None,
    top: int | None = TOP_GENES,
) -> Quality:
    """Check samples and genes: depth, components and what they go with, correlation, swaps, filtering.

    Parameters
    ----------
    data
        A fit, count data, an AnnData, or a table of counts (genes x samples) with ``samples``.
    covariates
        Columns of the sample table to look at; by default all that differ between samples.
    group
        The covariate within which samples should be alike; by default the last factor of a fit's design, or the first
        covariate with at least two samples a level.
    transformed
        Values to compare samples in (genes x samples), e.g. ``fw.rlog(data)``; ``fw.vst(data)`` otherwise.
    results
        Results whose filtering to describe; those of the fit's default comparison otherwise.
    top
        How many genes of largest variance the components are computed from.

    Raises
    ------
    SamplesError
        If a covariate is not in the sample table.
    """
    if isinstance(data, pd.DataFrame):
        import foldwise

        data = foldwise.CountData(data, samples)
    data = anndata_as_counts(data, samples)
    data, sparse = ready_to_look(data)
    fit = data if hasattr(data, "design") else None
    measured = fit.data if fit is not None else data
    table = measured.samples
    values, words = (transformed, "values as given") if transformed is not None else transform(data)
    names = usable_covariates(table, covariates)
    group = _group(table, names, fit, group)
    correlation = sample_correlations(values)
    rows = _sample_rows(data, measured, fit)
    rows["correlation_with_group"] = with_own_group(correlation, None if group is None else table[group])
    components = principal_components(values, top=top)
    if results is None and fit is not None:
        results = fit.results()
    return Quality(
        samples=rows,
        components=components,
        associations=associations(components, table, names),
        correlation=correlation,
        group=group,
        low_correlation=rows[rows["correlation_with_group"] < LOWEST_EXPECTED],
        swaps=probable_swaps(values, table, names),
        filtering=None if results is None else filtered_genes(results),
        values=words,
        covariates=tuple(names),
        sample_table=table,
        transformed=values,
        second=_second(table, names, fit, group),
        over_positive_counts=sparse,
    )


def _group(table: pd.DataFrame, names: list[str], fit: Any, asked: str | None) -> str | None:
    if asked is not None:
        if asked not in table:
            raise SamplesError(f"The sample table has no column '{asked}'; it has {listed(table.columns, 12)}.")
        return asked
    if fit is not None:
        factors = [name for name in fit.design.variables if name in fit.design.factors and name in table]
        if factors:
            return str(factors[-1])
    for name in names:
        if not is_number(table[name]) and table[name].value_counts()[lambda n: n > 0].min() >= 2:
            return name
    return None


def _second(table: pd.DataFrame, names: list[str], fit: Any, group: str | None) -> str | None:
    """The covariate that markers tell apart where colours tell the group: of the design first, of few levels."""
    in_design = [] if fit is None else [name for name in fit.design.variables if name in names]
    for name in dict.fromkeys([*reversed(in_design), *names]):
        if name != group and not is_number(table[name]) and 2 <= table[name].nunique() <= MOST_MARKERS:
            return str(name)
    return None


def _sample_rows(data: Any, measured: Any, fit: Any) -> pd.DataFrame:
    from foldwise.plots.sample_checks import cooks_cutoff, per_sample_factors

    counts = measured.counts
    zeros = (counts == 0).sum(axis=0)
    rows = pd.DataFrame(
        {
            "total": counts.sum(axis=0),
            "size_factor": per_sample_factors(data),
            "detected": len(counts) - zeros,
            "zeros": zeros / max(len(counts), 1),
        },
        index=counts.columns,
    )
    if fit is not None:
        distances = fit.cooks
        cutoff = cooks_cutoff(fit)
        rows["cooks_median"] = distances.median(axis=0)
        rows["cooks_over_cutoff"] = np.nan if cutoff is None else (distances > cutoff).sum(axis=0)
    return rows
