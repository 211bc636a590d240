"""Why counts cannot be found again: the reason, the evidence, and what the way out costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from foldwise.abundance.median_of_ratios import log_geometric_means, median_ratios
from foldwise.arrays import FloatArray
from foldwise.errors import CountsError, listed

LOGARITHMS = 40.0  # a table whose values all stay below this holds logarithms


class NotRecoverableError(CountsError):
    """Counts could not be recovered. ``evidence`` is a table, a row a sample, of what was tried."""

    evidence: pd.DataFrame | None = None


def check_values(table: pd.DataFrame) -> FloatArray:
    """(n_genes, n_samples) the values, or an error for what no table of normalized counts can hold."""
    text = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    if table.empty or text:
        raise CountsError(
            f"These columns hold no numbers: {listed(text)}." if text else "The table of normalized values is empty."
        )
    for what, labels in (("gene names", table.index), ("sample names", table.columns)):
        if not labels.is_unique:
            raise CountsError(f"Some {what} occur twice: {listed(labels[labels.duplicated()].unique())}.")
    values = np.ascontiguousarray(table.to_numpy(dtype=np.float64, na_value=np.nan))
    if not np.isfinite(values).all():
        gene, sample = np.argwhere(~np.isfinite(values))[0]
        raise CountsError(
            f"{int((~np.isfinite(values)).sum())} values are missing or infinite, the first for gene "
            f"'{table.index[gene]}', sample '{table.columns[sample]}'. Leave such genes out."
        )
    if (values < 0).any():
        gene, sample = np.argwhere(values < 0)[0]
        raise NotRecoverableError(
            f"{int((values < 0).sum())} values are negative (gene '{table.index[gene]}', sample "
            f"'{table.columns[sample]}': {values[gene, sample]:g}). Counts over a size factor never are: the table is "
            "batch-corrected, centred, or on a log scale, and no counts can be found in it. Ask its authors for counts."
        )
    empty = np.asarray(~(values > 0).any(axis=0))
    if empty.any():
        raise CountsError(f"These samples hold nothing but zeros: {listed(table.columns[empty])}. Leave them out.")
    return values


def refuse(table: pd.DataFrame, values: FloatArray, evidence: pd.DataFrame) -> NotRecoverableError:
    """The error for a table in which some column has no spacing."""
    failed = evidence.index[~evidence["found"]]
    if (raw := _raw_counts(values)) is not None:
        error = NotRecoverableError(raw)
        error.evidence = evidence
        return error
    error = NotRecoverableError(
        f"Counts cannot be recovered: {len(failed)} of {len(evidence)} samples ({listed(failed)}) have no spacing, no "
        f"factor that makes all their values whole numbers.\nWhy: {_reason(values, evidence)}\n"
        f"Evidence: {_evidence(evidence.loc[failed].iloc[0], failed[0])}\nWhat can be done: {_way_out(values)}"
    )
    error.evidence = evidence
    return error


def _reason(values: FloatArray, evidence: pd.DataFrame) -> str:
    if (values == np.rint(values)).all():
        return _whole_numbers(values)
    if (evidence["distinct_values"] < evidence["distinct_needed"]).any():
        return (
            f"a sample has only {int(evidence['distinct_values'].min())} different values; it takes "
            f"{int(evidence['distinct_needed'].iloc[0])} to tell a spacing from chance."
        )
    ordered = np.sort(values, axis=0)
    if values.shape[1] > 1 and np.ptp(ordered, axis=1).max() <= 1e-6 * ordered.max():
        return "all samples hold the same values in another order: the table is quantile-normalized."
    totals = values.sum(axis=0)
    if values.shape[1] > 1 and np.ptp(totals) <= 1e-3 * totals.mean():
        return (
            f"all samples have the same total ({totals.mean():,.0f}) and no spacing, as TPM have: each gene is divided "
            "by its own length as well."
        )
    failed = evidence[~evidence["found"]]
    if (failed["lowest"] > failed["highest"]).any():
        return (
            f"the values are rounded ({failed['precision'].iloc[0]}) more coarsely than the counts over these samples' size "
            "factors are spaced, so several counts became the same number."
        )
    if evidence["found"].any():
        return (
            "the other samples do have one: these columns have been through something else (merged, averaged, edited)."
        )
    if values.max() < LOGARITHMS:
        return "the values look like logarithms, with an offset that is not log2(x + 1)."
    return (
        "the values are not counts over one factor a sample. Gene-wise factors (length-corrected, cqn, TPM, FPKM), "
        "batch correction, averaging and rounding coarser than the spacing all destroy it."
    )


def _raw_counts(values: FloatArray) -> str | None:
    """Of whole numbers of samples of different depth: that there is nothing to recover."""
    if (values != np.rint(values)).any():
        return None
    factors = _ratio_factors(values)
    if factors is not None and _alike(factors):
        return None
    totals = values.sum(axis=0)
    depth = f"; the samples hold from {totals.min():,.0f} to {totals.max():,.0f}" if len(totals) > 1 else ""
    return f"These are integers already{depth}: raw counts. There is nothing to recover; analyse them as they are."


def _alike(factors: FloatArray) -> bool:
    return bool(np.ptp(np.log(factors)) < np.log(1.2))


def _whole_numbers(values: FloatArray) -> str:
    factors = _ratio_factors(values)
    if factors is not None and _alike(factors):
        return (
            "the values are whole numbers whose median-of-ratios factors are all near "
            f"{np.exp(np.log(factors).mean()):.2f} ({factors.min():.3f} to {factors.max():.3f}): normalized counts "
            "that were rounded. In samples whose size factor is above 1 several counts became the same number."
        )
    return "the values are whole numbers, and no sample has a spacing of more than one."


def _evidence(row: pd.Series, sample: object) -> str:
    if not row["tried"]:
        known = f"'{sample}' has {int(row['distinct_values'])} different positive values (read as {row['precision']})"
        if not row["lowest"] > row["highest"]:
            return f"{known}."
        return (
            f"{known}. Its smallest value ({row['smallest_values'].split(',')[0]}) is one count or more, so its factor "
            f"is at least {row['lowest']:.3g}; with this rounding, factors above {row['highest']:.3g} leave counts open."
        )
    return (
        f"in '{sample}' (read as {row['precision']}, smallest values {row['smallest_values']}) {int(row['tried']):,} "
        f"candidate factors from {row['lowest']:.3g} to {row['highest']:.3g} were tried"
        f"{' before giving up' if row['exhausted'] else ''}; the best explains {row['best_share']:.0%} of the small "
        f"values, chance would explain {row['chance_share']:.0%}."
    )


def _way_out(values: FloatArray) -> str:
    """What is left to do, and its price."""
    if values.max() < LOGARITHMS and (values != np.rint(values)).any():
        return "ask for the counts, or make them again from the reads; logarithms cannot be rounded to counts."
    small = values[(values > 0) & (values < 10)].size / max((values > 0).sum(), 1)
    factors = _ratio_factors(values)
    near = (
        ""
        if factors is None
        else f" Here they are {factors.min():.3f} to {factors.max():.3f}; only if all are close to 1 are these values "
        "normalized counts at all."
    )
    return (
        "ask for the counts, or make them again from the reads. Failing that, "
        "fw.deseq(fw.CountData(table.round(), samples, size_factors=1), design) treats rounded values as counts. The "
        "cost: a sample's depth is forgotten, so values of shallow samples are taken to be surer than they are and "
        f"those of deep samples less sure; {small:.0%} of the positive values here are below 10, where rounding alone "
        "moves them by 5 % and more. Dispersions and p-values are approximate; check that fw.estimate_size_factors of "
        f"the rounded table are close to 1.{near}"
    )


def _ratio_factors(values: FloatArray) -> FloatArray | None:
    factors = median_ratios(values, log_geometric_means(values))
    return None if np.isnan(factors).any() else factors
