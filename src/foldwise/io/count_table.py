"""A count table before it meets its samples: the counts, the genes' other columns, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.counts.sample_names import why_names_differ
from foldwise.errors import CountsError, SamplesError, listed
from foldwise.io.read_report import ReadReport, how_many, naming

if TYPE_CHECKING:
    from foldwise.counts import CountData

_SAME_TOTAL, _NEAR_MILLION = 1e-4, 0.01  # spread of column sums, over their mean
Unlisted = Literal["error", "drop"]


@dataclass(frozen=True, slots=True)
class CountTable:
    """What a file holds, before it is put together with a sample table.

    counts : genes x samples, numbers.
    genes : the genes' other columns (symbols, lengths, ...), rows as in ``counts``; None if there are none.
    notes : what was read and what was left out.
    quality : samples x counters that are no genes (htseq's ``__no_feature``, STAR's ``N_unmapped``); None if none.
    samples : the sample table, for files that carry one (h5ad, rds).
    average_lengths, normalization_factors, weights : genes x samples, for files that carry them.
    size_factors : one a sample, for files that carry them.
    source : what the file is called in messages.
    """

    counts: pd.DataFrame
    genes: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    quality: pd.DataFrame | None = None
    samples: pd.DataFrame | None = field(default=None)
    average_lengths: pd.DataFrame | None = None
    normalization_factors: pd.DataFrame | None = None
    weights: pd.DataFrame | None = None
    size_factors: pd.Series | None = None
    source: str = ""

    def with_samples(
        self, samples: pd.DataFrame | None = None, *, unlisted: Unlisted = "error", round_counts: bool = False
    ) -> CountData:
        """The validated ``CountData`` of these counts and a sample table (by default the file's own).

        Parameters
        ----------
        samples : one row a sample, indexed by the names of the count columns.
        unlisted : what to do with count columns that the sample table does not list.
        round_counts : round estimated counts to whole ones, halves to even as R does.

        Raises
        ------
        SamplesError
            If samples are missing, with the names that were probably meant.
        """
        from foldwise.counts import CountData

        samples = self.samples if samples is None else samples
        if samples is None:
            raise SamplesError("These counts come without a sample table: give samples=, one row a sample.")
        table = self._of_samples(samples.index, unlisted)
        table = table._rounded() if round_counts else table
        with naming(self.source):
            _check_genes(table.counts.index)
        samples = samples.loc[table.counts.columns].copy()
        if table.quality is not None:
            samples.attrs["quality_counts"] = table.quality.to_dict()
        with naming(self.source):
            return CountData(
                table.counts,
                samples,
                genes=table.genes,
                size_factors=table.size_factors,
                normalization_factors=table.normalization_factors,
                average_lengths=table.average_lengths,
                weights=table.weights,
                provenance=table.notes,
            )

    def _of_samples(self, names: pd.Index, unlisted: Unlisted) -> CountTable:
        """Only the columns that ``names`` lists, in the file's order."""
        columns = self.counts.columns
        missing, extra = names[~names.isin(columns)], columns[~columns.isin(names)]
        if len(missing) or (len(extra) and unlisted == "error"):
            raise SamplesError(why_names_differ(columns, names))
        if not len(extra):
            return self
        keep = columns[columns.isin(names)]

        def cut(frame: pd.DataFrame | None) -> pd.DataFrame | None:
            return None if frame is None else frame.loc[:, keep]

        note = f"left out {how_many(len(extra), 'column')} that the sample table does not list: {listed(extra)}"
        return replace(
            self,
            counts=self.counts.loc[:, keep],
            quality=None if self.quality is None else self.quality.loc[keep],
            samples=None,
            average_lengths=cut(self.average_lengths),
            normalization_factors=cut(self.normalization_factors),
            weights=cut(self.weights),
            size_factors=None if self.size_factors is None else self.size_factors.loc[keep],
            notes=(*self.notes, note),
        )

    def _rounded(self) -> CountTable:
        """Whole counts; ``np.rint`` rounds halves to even, as R's round() does."""
        values = self.counts.to_numpy(dtype=np.float64)
        check_not_shares(values, self.source)
        whole = self.counts.round(0)
        changed = int((whole.to_numpy() != self.counts.to_numpy()).sum())
        note = f"rounded {how_many(changed, 'estimated count')} to whole numbers (halves to even)"
        return replace(self, counts=whole, notes=(*self.notes, note) if changed else self.notes)


def check_not_shares(values: FloatArray, source: str = "") -> None:
    """Refuse to round what are parts of a total (TPM, CPM): every column then has the same sum, and counts never do.

    Raises
    ------
    CountsError
        If all columns add up to a million, or to one other number exactly enough.
    """
    totals = values.sum(axis=0)
    if len(totals) < 2 or (values == np.rint(values)).all() or not totals.mean() > 0:
        return
    apart = np.ptp(totals) / totals.mean()
    if apart > (_NEAR_MILLION if abs(totals.mean() - 1e6) < 1e4 else _SAME_TOTAL):
        return
    raise CountsError(
        f"{source + ': ' if source else ''}every sample adds up to about {totals.mean():,.0f}, so these are TPM, CPM or "
        "other parts of a total, not estimated counts: how deeply each sample was sequenced is gone, and rounding does "
        "not bring it back. Use the counts of the same program (salmon: NumReads; RSEM: expected_count; kallisto: "
        "est_counts). If they are CPM of raw counts, foldwise.recover_counts() may find the counts."
    )


def _check_genes(genes: pd.Index) -> None:
    twice = genes[genes.duplicated()].unique()
    if len(twice):
        names = "1 gene name occurs" if len(twice) == 1 else f"{len(twice)} gene names occur"
        raise CountsError(
            f"{names} more than once: {listed(twice)}. Add the counts of equal names up, or make the names unique "
            "(pandas: df.groupby(level=0).sum())."
        )


def counts_and_annotation(
    frame: pd.DataFrame,
    first_line: int,
    report: ReadReport,
    *,
    samples: Sequence[str] | None = None,
    gene_column: str | None = None,
    annotation: Sequence[str] = (),
) -> CountTable:
    """Takes a raw table apart into identifiers, counts and the genes' other columns.

    Parameters
    ----------
    frame : all columns; identifiers are text, columns with anything but numbers are text as written.
    first_line : the line of the first row in the file, for messages.
    samples : names of the samples, if known: columns of these names must be counts.
    gene_column : the identifiers' column; the first one by default.
    annotation : columns that describe genes although they hold numbers.

    Raises
    ------
    CountsError
        If a count is missing or is text (names line and column), or a name occurs twice.
    """
    frame = _without_row_numbers(frame, gene_column, report)
    ids = _identifiers(frame, gene_column, report)
    rest = frame.drop(columns=[ids.name])
    _check_columns(rest, report)
    if samples is not None and _is_transposed(ids, rest.columns, samples):
        rest, ids = _transposed(rest, ids, report), pd.Series(rest.columns)
    kinds = {name: _is_annotation(rest[name], name, samples, annotation) for name in rest.columns}
    described = [name for name, is_annotation in kinds.items() if is_annotation]
    counted = [name for name, is_annotation in kinds.items() if not is_annotation]
    if not counted:
        raise CountsError(f"{report.source}: no column holds counts; columns: {listed(rest.columns)}.")
    numbers = {name: _numbers(rest[name], name, first_line, report) for name in counted}
    index = pd.Index(ids.to_numpy(dtype=object), name=ids.name or None)
    counts = pd.DataFrame(numbers).set_axis(index, axis=0)
    genes = rest[described].set_axis(index, axis=0) if described else None
    if described:
        report.note(f"kept {how_many(len(described), 'column')} as gene annotation, not counts: {listed(described)}")
    report.note(f"read {how_many(len(counts), 'gene')} in {how_many(counts.shape[1], 'sample')}")
    return CountTable(counts, genes, report.lines, source=report.source)


ANNOTATION_NAMES = frozenset(
    "chr chrom chromosome start end stop strand length width gene_name gene_symbol symbol genename gene_biotype "
    "biotype gene_type description entrezid entrez entrez_id entrezgene ensembl ensembl_id gene_id geneid gene "
    "transcript_id tx_id transcript_id(s) effective_length seqname seqnames band gc gc_content refseq".split()
)


def _is_annotation(column: pd.Series, name: str, samples: Sequence[str] | None, annotation: Sequence[str]) -> bool:
    if name in annotation:
        return True
    if samples is not None and name in samples:
        return False
    if name.lower() in ANNOTATION_NAMES:
        return True
    if pd.api.types.is_bool_dtype(column):
        return True
    if pd.api.types.is_numeric_dtype(column):
        return False
    parsed = pd.to_numeric(column, errors="coerce")
    filled = ~column.isin(["", "NA", None])
    return bool(parsed[filled].notna().mean() < 0.5) if filled.any() else True


def _numbers(column: pd.Series, name: str, first_line: int, report: ReadReport) -> np.ndarray:
    """The column as numbers, or an error that names the first cell that is none."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy()
        bad = np.flatnonzero(~np.isfinite(values)) if values.dtype.kind == "f" else np.array([], dtype=np.intp)
    else:
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
        bad = np.flatnonzero(~np.isfinite(values))
    if not len(bad):
        return values
    at, cell = int(bad[0]), column.iloc[int(bad[0])]
    missing = pd.isna(cell) or str(cell).strip() in ("", "NA", "NaN", "nan")
    where = f"column '{name}' in row {at + first_line}"
    more = f" ({len(bad) - 1} more such cells in this column)" if len(bad) > 1 else ""
    if missing:
        raise CountsError(
            f"{report.source}: {where} has no count{more}. A gene that was not seen has the count 0; "
            "a gene that was not measured in a sample must be left out of the table."
        )
    hint = " Write numbers without commas between thousands." if "," in str(cell) else ""
    raise CountsError(
        f"{report.source}: column '{name}' holds text in row {at + first_line} ('{cell}'){more}.{hint} "
        "Correct the cell, or, if the column describes genes, name it in annotation=."
    )


def _identifiers(frame: pd.DataFrame, gene_column: str | None, report: ReadReport) -> pd.Series:
    name = frame.columns[0] if gene_column is None else gene_column
    if name not in frame.columns:
        raise CountsError(f"{report.source} has no column '{name}'; its columns are {listed(frame.columns)}.")
    ids = frame[name] if list(frame.columns).count(name) == 1 else frame.iloc[:, 0]
    if ids.isna().any() or (ids == "").any():
        at = int(np.flatnonzero((ids.isna() | (ids == "")).to_numpy())[0])
        raise CountsError(f"{report.source}: data row {at + 1} has no name in the first column ('{name}').")
    return ids.astype(str).rename(name)


def _without_row_numbers(frame: pd.DataFrame, gene_column: str | None, report: ReadReport) -> pd.DataFrame:
    """Drops a nameless first column 0, 1, 2, ... or 1, 2, 3, ... that stands before a column of names."""
    if gene_column is not None or frame.columns[0] not in ("", "Unnamed: 0") or frame.shape[1] < 3:
        return frame
    if pd.to_numeric(frame.iloc[:, 1], errors="coerce").notna().any():
        return frame
    numbers = pd.to_numeric(frame.iloc[:, 0], errors="coerce")
    if not (numbers.diff().dropna() == 1).all() or numbers.isna().any() or numbers.iloc[0] not in (0, 1):
        return frame
    report.note(f"left out the first column, which only numbers the rows; genes are named by '{frame.columns[1]}'")
    return frame.iloc[:, 1:]


def _check_columns(rest: pd.DataFrame, report: ReadReport) -> None:
    twice = rest.columns[rest.columns.duplicated()]
    if len(twice):
        raise CountsError(f"{report.source}: more than one column is named {listed(dict.fromkeys(twice))}.")
    if "" in rest.columns:
        raise CountsError(f"{report.source}: column {list(rest.columns).index('') + 2} has no name.")


def _is_transposed(ids: pd.Series, columns: pd.Index, samples: Sequence[str]) -> bool:
    names = pd.Index(samples).astype(str)
    return bool(names.isin(ids).all() and not names.isin(columns).any())


def _transposed(rest: pd.DataFrame, ids: pd.Series, report: ReadReport) -> pd.DataFrame:
    report.note("rows are samples and columns are genes: turned round")
    return rest.set_axis(ids.to_numpy(), axis=0).T.reset_index(drop=True)
