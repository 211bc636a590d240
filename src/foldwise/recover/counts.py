"""recover_counts: from normalized values back to counts, with a certificate or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.errors import CountsError, SamplesError, listed
from foldwise.recover.certificate import (
    SAME_FACTORS,
    Column,
    certificate_table,
    column_of,
    normalization,
    recomputed_factors,
)
from foldwise.recover.precision import Precision, precision_of
from foldwise.recover.refusal import LOGARITHMS, check_values, refuse
from foldwise.recover.spacing import NoSpacing, Spacing, find_spacing

if TYPE_CHECKING:
    from foldwise.counts import CountData

FEWEST_VALUES = 30


@dataclass(frozen=True, slots=True)
class RecoveredCounts:
    """Counts found in a normalized table.

    counts : genes x samples, whole numbers.
    size_factors : by sample; counts / size_factors is the table.
    certificate : a row a sample: largest distance to an integer and what rounding allows, relative width of the bounds
        of the factor, log10 probability of such agreement by chance, candidates rejected on the way, genes that could
        not be decided, common divisor, recomputed median-of-ratios factors.
    undecided : genes x samples bool, the values for which more than one count is possible (the nearest is given).
    scale : "linear", or "log2(x + 1)" if logarithms were undone first.
    normalization, summary : which normalisation the factors are of, and the certificate in a sentence.
    samples : the sample table, if one was given.
    """

    counts: pd.DataFrame
    size_factors: pd.Series
    certificate: pd.DataFrame
    undecided: pd.DataFrame
    scale: str
    normalization: str
    summary: str
    samples: pd.DataFrame | None = None

    @property
    def exact(self) -> bool:
        """Whether every count is the only one possible."""
        return not bool(self.undecided.to_numpy().any())

    def to_count_data(self, samples: pd.DataFrame | None = None, *, found_size_factors: bool = False) -> CountData:
        """A CountData for :func:`foldwise.deseq`, which estimates size factors anew unless those found are wanted."""
        from foldwise.counts import CountData

        table = self.samples if samples is None else samples
        table = pd.DataFrame(index=self.counts.columns) if table is None else table
        return CountData(self.counts, table, size_factors=self.size_factors if found_size_factors else None)

    def __repr__(self) -> str:
        return f"RecoveredCounts({len(self.counts)} genes x {len(self.size_factors)} samples)\n{self.summary}"


def recover_counts(normalized: pd.DataFrame, *, samples: pd.DataFrame | None = None) -> RecoveredCounts:
    """Counts from a table of normalized counts (DESeq2's ``counts(dds, normalized=TRUE)``, CPM and the like).

    Every value of a column is a whole number over the column's unknown size factor. That number is found from the
    spacing of the values, at full precision or rounded to some decimals, column by column; and refused where there is
    no such number.

    Parameters
    ----------
    normalized : DataFrame, genes x samples
        Normalized counts, also as log2(x + 1). Rounding is told from the values themselves.
    samples : DataFrame, optional
        Sample table, kept for :meth:`RecoveredCounts.to_count_data`.

    Returns
    -------
    RecoveredCounts

    Raises
    ------
    CountsError
        Where the table is not one factor a sample, or is rounded too coarsely (s x rounding error must stay below one
        half: whole numbers only for s < 1, one decimal for s < 10, ...). Says why, on what evidence, and what the
        way out costs.

    Notes
    -----
    Counts that all share a divisor (every count even) come back divided by it: nothing in the table can tell.

    Examples
    --------
    >>> import numpy as np, pandas as pd, foldwise as fw
    >>> counts = pd.DataFrame({"a": np.arange(1, 400), "b": np.arange(2, 401)})
    >>> table = (counts / pd.Series({"a": 1.234, "b": 0.777})).round(3)
    >>> found = fw.recover_counts(table)
    >>> bool((found.counts == counts).all().all()), found.exact
    (True, True)
    """
    if not isinstance(normalized, pd.DataFrame):
        raise CountsError("recover_counts wants a DataFrame, genes x samples, so that the counts keep their names.")
    if samples is not None:
        _check_samples(normalized, samples)
    values = check_values(normalized)
    scale, attempts = "linear", _attempts(values, _no_change)
    if values.max() < LOGARITHMS and not any(isinstance(a, Column) for a, _ in attempts):
        scale, logged = "log2(x + 1)", _attempts(values, _undo_log2)
        attempts = logged if any(isinstance(a, Column) for a, _ in logged) else attempts
    columns = [a for a, _ in attempts if isinstance(a, Column)]
    if len(columns) < len(attempts):
        raise refuse(normalized, values, _evidence_table(attempts, values, normalized.columns))
    linear = values if scale == "linear" else np.exp2(values) - 1
    return _recovered(normalized, linear, columns, scale, samples)


Attempt = tuple[Column | NoSpacing | None, Precision]


def _check_samples(normalized: pd.DataFrame, samples: pd.DataFrame) -> None:
    missing = normalized.columns.difference(samples.index)
    if len(missing):
        raise SamplesError(f"{len(missing)} columns of the table have no row in the sample table: {listed(missing)}.")


def _no_change(values: FloatArray, widths: FloatArray) -> tuple[FloatArray, FloatArray]:
    return values, widths


def _undo_log2(values: FloatArray, widths: FloatArray) -> tuple[FloatArray, FloatArray]:
    """2**v - 1; the subtraction costs digits of small values."""
    back = np.exp2(values) - 1
    return back, (back + 1) * np.maximum(np.log(2) * widths, 4 * np.finfo(float).eps)


def _attempts(values: FloatArray, undo: Any) -> list[Attempt]:
    """Each column with the rounding of the whole table, then with its own where that is coarser."""
    whole = precision_of(values[values > 0])
    out: list[Attempt] = []
    for j in range(values.shape[1]):
        column = np.ascontiguousarray(values[:, j])
        first = _attempt(column, whole, undo)
        own = precision_of(column[column > 0])
        if not isinstance(first[0], Column) and own != whole:
            second = _attempt(column, own, undo)
            first = second if isinstance(second[0], Column) else first
        out.append(first)
    return out


def _attempt(column: FloatArray, precision: Precision, undo: Any) -> Attempt:
    positive = column > 0
    widths = np.zeros(len(column))
    widths[positive] = precision.half_widths(column[positive])
    linear, widths = undo(column, widths)
    distinct, place = np.unique(linear[positive], return_index=True)
    distinct_widths = widths[positive][place]
    if len(distinct) < FEWEST_VALUES or (distinct_widths >= distinct).any():
        return None, precision
    limit = precision.largest_factor if undo is _no_change else np.inf
    found = find_spacing(distinct, distinct_widths, limit)
    if isinstance(found, Spacing):
        return column_of(linear, widths, distinct, found, precision.words), precision
    return found, precision


def _evidence_table(attempts: list[Attempt], values: FloatArray, samples: pd.Index) -> pd.DataFrame:
    rows = []
    for (attempt, precision), column in zip(attempts, values.T, strict=True):
        distinct = np.unique(column[column > 0])
        tried = attempt if isinstance(attempt, NoSpacing) else NoSpacing(0, np.nan, np.nan, False, np.nan, np.nan)
        rows.append(
            {
                "found": isinstance(attempt, Column),
                "precision": precision.words,
                "distinct_values": len(distinct),
                "distinct_needed": FEWEST_VALUES,
                "smallest_values": ", ".join(f"{v:.6g}" for v in distinct[:4]),
                "tried": tried.tried,
                "lowest": tried.low,
                "highest": tried.high,
                "exhausted": tried.exhausted,
                "best_share": tried.best_share,
                "chance_share": tried.chance_share,
            }
        )
    return pd.DataFrame(rows, index=samples)


def _recovered(
    normalized: pd.DataFrame,
    values: FloatArray,
    columns: list[Column],
    scale: str,
    samples: pd.DataFrame | None,
) -> RecoveredCounts:
    genes, names = normalized.index, normalized.columns
    counts = np.column_stack([c.counts for c in columns])
    factors = np.array([c.spacing.factor for c in columns])
    again = recomputed_factors(counts)
    certificate = certificate_table(columns, factors, again, names)
    tolerance = max(SAME_FACTORS, 2 * float(certificate["relative_width"].max()))
    kind, sentence = normalization(values, factors, again, tolerance)
    undecided = pd.DataFrame(np.column_stack([c.undecided for c in columns]), index=genes, columns=names)
    return RecoveredCounts(
        pd.DataFrame(counts, index=genes, columns=names),
        pd.Series(factors, index=names, name="size_factor"),
        certificate,
        undecided,
        scale,
        kind,
        f"{_verdict(certificate, int(undecided.any(axis=1).sum()))} {sentence}",
        None if samples is None else samples.reindex(names),
    )


def _verdict(certificate: pd.DataFrame, open_genes: int) -> str:
    row = certificate.iloc[int(np.argmax(certificate["largest_distance"].to_numpy()))]
    begin = (
        "Every value has one possible count."
        if open_genes == 0
        else f"{open_genes} genes have values that fit more than one count (see undecided); the nearest is given."
    )
    return (
        f"{begin} The largest distance to a whole number is {row['largest_distance']:.2g} (rounding allows "
        f"{row['allowed_distance']:.2g}); chance would do as well with probability "
        f"10^{certificate['log10_chance'].max():.0f} at most."
    )
