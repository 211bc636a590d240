"""What was measured: counts, samples, and what is known beforehand about depth. Checked once, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arguments.given import in_order_of
from foldwise.arrays import FloatArray
from foldwise.counts.checks import checked_matrix, checked_per_gene_and_sample, checked_size_factors
from foldwise.counts.labels import aligned, is_anndata, labelled_counts, sample_table, unique_labels
from foldwise.counts.sources import DenseCounts
from foldwise.errors import CountsError, OptionError, SamplesError, listed
from foldwise.execution.blocks import CountSource
from foldwise.warn import warn

POSITIONS = "Positions (of np.where) become names by data.{}_names[positions]."
HANDED_OUT_AS_COPIES = ("samples", "genes", "size_factors")


@dataclass(frozen=True, init=False, repr=False)
class CountData:
    """Counts of molecules by gene and sample, with the table of samples.

    Parameters
    ----------
    counts : DataFrame, AnnData, NumPy array, SciPy sparse matrix, or an AnnData backed by a file
        Non-negative whole numbers. Which way round is told by whose labels match ``samples``; AnnData is samples x genes.
    samples : DataFrame, one row a sample
        Its rows may come in any order; they are put into that of the counts. May be left out for AnnData (``obs``).
    genes : names or DataFrame, optional
        Labels of unlabelled counts, or annotation of the genes.
    size_factors : Series, sequence or mapping by sample, or one number for all, optional
        Positive; used as they are, never overwritten.
    normalization_factors, weights, average_lengths : genes x samples, optional
        The user's own factors (positive), observation weights (not negative), average transcript lengths (positive).
    layer : str, optional
        The AnnData layer that holds the counts.

    Raises
    ------
    CountsError
        For anything that is not a count, or labels that are missing or double; names the gene and sample.
    SamplesError
        If samples do not match; lists which.

    Notes
    -----
    Counts are kept as int32 (float64 beyond 2**31 - 1), or sparse as they came, and made float64 a block at a time.
    """

    source: CountSource
    gene_names: pd.Index
    sample_names: pd.Index
    provenance: tuple[str, ...]
    _samples: pd.DataFrame
    _genes: pd.DataFrame
    _size_factors: pd.Series | None
    _factors: FloatArray | None
    _weights: FloatArray | None
    _lengths: FloatArray | None
    _of_anndata: bool = False

    @checked
    def __init__(
        self,
        counts: Any,
        samples: pd.DataFrame | None = None,
        *,
        genes: pd.DataFrame | Sequence[str] | pd.Index | None = None,
        size_factors: Any = None,
        normalization_factors: Any = None,
        weights: Any = None,
        average_lengths: Any = None,
        layer: str | None = None,
        provenance: Sequence[str] = (),
    ) -> None:
        if size_factors is not None and normalization_factors is not None:
            warn("Both size_factors and normalization_factors are given: a fit uses the latter alone, as in R.")
        table = sample_table(samples, counts)
        found = labelled_counts(counts, table, genes, layer)
        gene_names = unique_labels(found.genes, "gene", CountsError)
        sample_names = unique_labels(found.samples, "sample", SamplesError)
        table, notes = aligned(table, sample_names)
        source = checked_matrix(found.matrix, gene_names, sample_names)
        own = {"gene_names": gene_names, "sample_names": sample_names}
        if size_factors is None and "sizeFactor" in table:
            size_factors = table["sizeFactor"]
            notes = (*notes, "size factors taken from the sample table's column 'sizeFactor', as R does")
        self._set(
            source=source,
            samples=table,
            genes=found.gene_table(gene_names),
            size_factors=checked_size_factors(size_factors, sample_names),
            provenance=(*provenance, *found.notes, *notes),
            _factors=checked_per_gene_and_sample(normalization_factors, "normalization_factors", positive=True, **own),
            _weights=checked_per_gene_and_sample(weights, "weights", positive=False, **own),
            _of_anndata=is_anndata(counts),
            _lengths=checked_per_gene_and_sample(average_lengths, "average_lengths", positive=True, **own),
            **own,
        )

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, f"_{name}" if name in HANDED_OUT_AS_COPIES else name, value)

    # ------------------------------------------------------------------------------------------------ what it holds
    @property
    def n_genes(self) -> int:
        return self.source.shape[0]

    @property
    def n_samples(self) -> int:
        return self.source.shape[1]

    @property
    def samples(self) -> pd.DataFrame:
        """The sample table, in the order of the counts (a copy: a fit rests on the one inside)."""
        return self._samples.copy()

    @property
    def genes(self) -> pd.DataFrame:
        """Annotation of the genes, in the order of the counts (a copy)."""
        return self._genes.copy()

    @property
    def size_factors(self) -> pd.Series | None:
        """The user's own size factors by sample (a copy), or None."""
        return None if self._size_factors is None else self._size_factors.copy()

    @property
    def counts(self) -> pd.DataFrame:
        """Counts as a genes x samples DataFrame (a copy)."""
        values = self.source.read(0, self.n_genes)
        if not values.size or values.max() < 2**63:
            values = values.astype(np.int64)
        return self.framed(values)

    @property
    def normalization_factors(self) -> pd.DataFrame | None:
        """The user's own genes x samples factors, or None."""
        return None if self._factors is None else self.framed(self._factors)

    @property
    def weights(self) -> pd.DataFrame | None:
        """Observation weights as given, or None."""
        return None if self._weights is None else self.framed(self._weights)

    @property
    def average_lengths(self) -> pd.DataFrame | None:
        """Average transcript lengths, or None."""
        return None if self._lengths is None else self.framed(self._lengths)

    def framed(self, values: Any) -> pd.DataFrame:
        """A genes x samples array as a table with this data's labels."""
        return pd.DataFrame(np.array(values), index=self.gene_names, columns=self.sample_names)

    def __repr__(self) -> str:
        beside = {
            "size_factors": self._size_factors,
            "normalization_factors": self._factors,
            "weights": self._weights,
            "average_lengths": self._lengths,
        }
        extra = [name for name, value in beside.items() if value is not None]
        with_extra = f", with {', '.join(extra)}" if extra else ""
        return f"CountData({self.n_genes} genes x {self.n_samples} samples{with_extra}; sample columns: {list(self._samples.columns)})"

    # ------------------------------------------------------------------------------------------------ new data from it
    def _with(self, **fields: Any) -> CountData:
        new = object.__new__(CountData)
        new._set(**{name: getattr(self, name) for name in self.__dataclass_fields__} | fields)
        return new

    @checked
    def with_size_factors(self, size_factors: Any) -> CountData:
        """The same data with these size factors."""
        return self._with(size_factors=checked_size_factors(size_factors, self.sample_names))

    @checked
    def with_normalization_factors(self, factors: Any) -> CountData:
        """The same data with these genes x samples factors."""
        checked = checked_per_gene_and_sample(
            factors, "normalization_factors", positive=True, gene_names=self.gene_names, sample_names=self.sample_names
        )
        return self._with(_factors=checked)

    @checked
    def select(self, *, genes: Any = None, samples: Any = None) -> CountData:
        """The chosen genes and samples (names or boolean masks), in the order asked for.

        Raises
        ------
        CountsError, SamplesError
            For names that are not there, or are given twice.
        """
        rows = _positions(self.gene_names, genes, "gene", CountsError)
        columns = _positions(self.sample_names, samples, "sample", SamplesError)
        values = self.source.rows(rows)[:, columns]
        return self._with(
            source=_compact(values),
            gene_names=self.gene_names[rows],
            sample_names=self.sample_names[columns],
            samples=self._samples.iloc[columns],
            genes=self._genes.iloc[rows],
            size_factors=None if self._size_factors is None else self._size_factors.iloc[columns],
            **{
                name: None if (m := getattr(self, name)) is None else np.ascontiguousarray(m[np.ix_(rows, columns)])
                for name in ("_factors", "_weights", "_lengths")
            },
        )

    @checked
    def filter_low(self, *, min_count: float = 10, min_samples: int | None = None) -> CountData:
        """Genes with at least ``min_count`` reads in at least ``min_samples`` samples.

        With ``min_samples=None`` the count is asked of the sum over samples, the vignette's rule.

        Raises
        ------
        OptionError
            For a negative count or more samples than there are.
        CountsError
            If no gene is left.
        """
        if min_count < 0 or (min_samples is not None and not 1 <= min_samples <= self.n_samples):
            raise OptionError(
                f"min_count must not be negative and min_samples must lie between 1 and {self.n_samples}; "
                f"got min_count={min_count}, min_samples={min_samples}."
            )
        counts = self.source.read(0, self.n_genes)
        keep = (
            counts.sum(axis=1) >= min_count if min_samples is None else (counts >= min_count).sum(axis=1) >= min_samples
        )
        if not keep.any():
            raise CountsError(f"No gene has the {min_count} reads asked for: lower min_count or min_samples.")
        kept = self.select(genes=keep)
        note = f"{int((~keep).sum())} of {self.n_genes} genes left out: fewer than {min_count} reads" + (
            " in all" if min_samples is None else f" in {min_samples} samples"
        )
        return kept._with(provenance=(*self.provenance, note))

    @checked
    def collapse_replicates(self, by: Any, *, run: Any = None) -> CountData:
        """Technical replicates added up: samples that share a value of ``by`` become one.

        Parameters
        ----------
        by : str, Series or sequence
            A column of the sample table, or one value a sample. New samples are named by it, levels in the order of a
            categorical, else sorted; each keeps the sample table's row of its first replicate.
        run : str or sequence, optional
            Names of the runs; joined into a column ``runsCollapsed``.

        Raises
        ------
        SamplesError
            If ``by`` is no column, has another length, or has missing values.
        """
        groups = _grouping(self, by)
        codes, levels = groups.cat.codes.to_numpy(), groups.cat.categories
        counts = self.source.read(0, self.n_genes)
        summed = np.column_stack([counts[:, codes == k].sum(axis=1) for k in range(len(levels))])
        first = [int(np.flatnonzero(codes == k)[0]) for k in range(len(levels))]
        table = self._samples.iloc[first].copy()
        table.index = pd.Index([str(level) for level in levels])
        if run is not None:
            names = self._samples[run].astype(str).to_numpy() if isinstance(run, str) else np.asarray(run, dtype=str)
            table["runsCollapsed"] = [",".join(names[codes == k]) for k in range(len(levels))]
        left_out = [n for n in ("_size_factors", "_factors", "_weights", "_lengths") if getattr(self, n) is not None]
        note = f"{self.n_samples} runs added up to {len(levels)} samples"
        note += (
            f"; dropped, as they belong to the runs: {', '.join(n.strip('_') for n in left_out)}" if left_out else ""
        )
        fields = dict.fromkeys(("_size_factors", "_factors", "_weights", "_lengths"))
        return self._with(
            source=_compact(summed),
            sample_names=table.index,
            samples=table,
            provenance=(*self.provenance, note),
            _of_anndata=False,
            **cast("dict[str, Any]", fields),
        )

    def to_anndata(self) -> Any:
        """An AnnData (samples x genes) with these counts; needs the ``anndata`` extra."""
        from foldwise.io.to_anndata import to_anndata

        return to_anndata(self)


def as_count_data(data: Any, samples: pd.DataFrame | None = None) -> CountData:
    """What a user hands over, as CountData: one already, an AnnData, or a table with ``samples=``."""
    if isinstance(data, CountData):
        if samples is not None:
            raise OptionError("samples= goes with a plain table of counts; this CountData has its own sample table.")
        return data
    _not_what_holds_data(data)
    return CountData(data, samples)


def _not_what_holds_data(thing: Any) -> None:
    """Several data sets, or a thing that carries its data (a simulation, a fit), are taken for counts easily."""
    if isinstance(thing, Mapping) and any(isinstance(part, CountData) or is_anndata(part) for part in thing.values()):
        raise CountsError(
            f"The counts are {len(thing)} data sets in a {type(thing).__name__}: {listed(thing)}. "
            f"fw.deseq_many(data, design) fits them all; data[{next(iter(thing))!r}] is one of them."
        )
    if isinstance(getattr(thing, "data", None), CountData):
        raise CountsError(f"The counts are a {type(thing).__name__}, which has them in .data: hand that over.")


def counts_only(data: Any, samples: pd.DataFrame | None = None) -> CountData:
    """A CountData, from a bare table if need be: transformations and size factors can do without a sample table."""
    if isinstance(data, pd.Series):
        data = data.to_frame(data.name if data.name is not None else "sample")
    if samples is None and (isinstance(data, list | tuple | np.ndarray) or hasattr(data, "tocsr")):
        samples = pd.DataFrame(index=unnamed_samples(data))
    if isinstance(data, pd.DataFrame) and samples is None:
        samples = pd.DataFrame(index=data.columns)
    return as_count_data(data, samples)


def unnamed_samples(counts: Any) -> pd.Index:
    """Names for the columns of a genes x samples array: sample1, sample2, …"""
    shape = np.shape(counts)
    if len(shape) != 2:
        raise CountsError(f"Counts must have two dimensions (genes x samples); these have {len(shape)}.")
    return pd.Index([f"sample{k + 1}" for k in range(shape[1])])


def anndata_as_counts(thing: Any, samples: pd.DataFrame | None = None) -> Any:
    """An AnnData as CountData, for pictures and checks that take other things too; those as they are."""
    return counts_only(thing, samples) if is_anndata(thing) else thing


def _compact(values: FloatArray) -> DenseCounts:
    kind = np.int32 if not values.size or values.max() < 2**31 else np.float64
    stored = np.ascontiguousarray(values, dtype=kind)
    stored.flags.writeable = False
    return DenseCounts(stored)


def _positions(names: pd.Index, chosen: Any, what: str, error: type[Exception]) -> Any:
    if chosen is None:
        return np.arange(len(names))
    chosen = np.asarray(in_order_of(names, chosen))
    if chosen.ndim != 1:
        raise error(
            f"select takes names of {what}s or a mask over them, in a list; this has {chosen.ndim} dimensions. "
            + POSITIONS.format(what)
        )
    if chosen.dtype == bool:
        if len(chosen) != len(names):
            raise error(f"A mask over {what}s must have {len(names)} values, not {len(chosen)}.")
        return np.flatnonzero(chosen)
    if not (asked := pd.Index(chosen)).is_unique:
        raise error(
            f"select names these {what}s more than once: {listed(asked[asked.duplicated()].unique())}. The copies would "
            f"count as {what}s of their own: name each once."
        )
    at = names.get_indexer(asked)
    if (at < 0).any():
        hint = f" {POSITIONS.format(what)}" if chosen.dtype.kind in "iu" else ""
        raise error(f"These {what}s are not in the data: {listed(chosen[at < 0])}.{hint}")
    return at


def _grouping(data: CountData, by: Any) -> pd.Series:
    if isinstance(by, str):
        if by not in data.samples:
            raise SamplesError(f"The sample table has no column {by!r}; it has {listed(data.samples.columns, 20)}.")
        by = data.samples[by]
    values = by.reindex(data.sample_names) if isinstance(by, pd.Series) else pd.Series(list(by))
    if len(values) != data.n_samples or values.isna().any():
        raise SamplesError(
            f"collapse_replicates needs one value for each of the {data.n_samples} samples, none missing."
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.remove_unused_categories()
    levels = sorted(pd.unique(values), key=lambda v: v if not isinstance(v, str) else v.encode())
    return pd.Series(pd.Categorical(values, categories=levels))
