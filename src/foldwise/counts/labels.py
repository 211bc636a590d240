"""Whose counts these are: orientation, labels, and the sample table put into the counts' order."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments.given import to_pandas
from foldwise.arrays import FloatArray, IntArray
from foldwise.counts.sample_names import renaming, why_names_differ
from foldwise.errors import CountsError, FoldwiseError, SamplesError, listed
from foldwise.warn import warn

MOST_ODD = 0.1  # of the values of X that are not 0: normalized ones are nearly all fractions


@dataclass(frozen=True, slots=True)
class LabelledCounts:
    """A matrix, genes x samples, and the labels of its sides.

    matrix : array, DataFrame, sparse matrix, or a (samples x genes) store wrapped in ``Stored``.
    annotation : gene annotation that came along, indexed like ``genes``.
    """

    matrix: Any
    genes: pd.Index
    samples: pd.Index
    annotation: pd.DataFrame | None = None
    notes: tuple[str, ...] = field(default=())

    def gene_table(self, names: pd.Index) -> pd.DataFrame:
        if self.annotation is None:
            return pd.DataFrame(index=names)
        return self.annotation.set_axis(names, axis=0)


def is_anndata(x: Any) -> bool:
    return all(hasattr(x, name) for name in ("obs", "var", "X", "layers"))


def sample_table(samples: Any, counts: Any) -> pd.DataFrame:
    """The sample table as a DataFrame of its own.

    Raises
    ------
    SamplesError
        If there is none, or it is no table.
    """
    if isinstance(counts, str | Path) or isinstance(samples, str | Path):
        raise _is_a_path(counts, samples)
    if samples is None:
        if not is_anndata(counts):
            raise SamplesError(
                "A table of samples is needed: pass samples=, a DataFrame with one row for each column of the counts."
            )
        samples = annotation_of(counts, "obs")
    if not isinstance(samples, pd.DataFrame):
        samples = _to_pandas(samples, SamplesError, "samples")
    if not len(samples):
        raise SamplesError("The sample table has no rows.")
    return samples.copy()


def annotation_of(adata: Any, side: str) -> pd.DataFrame:
    """``obs`` or ``var`` in memory (lazy AnnData leaves them on disk), without the columns of an earlier fit.

    ``to_anndata`` listed those in ``uns["foldwise"]``. Kept, they would stand beside a new fit's values, or in their place.
    """
    table = getattr(adata, side)
    table = table if isinstance(table, pd.DataFrame) else table.to_memory()
    own = getattr(adata, "uns", {}).get("foldwise", {})
    added = [str(name) for name in np.asarray(own.get(f"{side}_added", ()))] if isinstance(own, Mapping) else []
    kept: pd.DataFrame = table.drop(columns=[name for name in added if name in table])
    return kept


def _is_a_path(counts: Any, samples: Any) -> FoldwiseError:
    if isinstance(counts, str | Path):
        given = repr(str(samples)) if isinstance(samples, str | Path) else "samples"
        return CountsError(
            f"The counts are the path {str(counts)!r}, not a table: read the files with "
            f"fw.read_counts({str(counts)!r}, {given}), which gives what deseq takes, without samples=."
        )
    return SamplesError(
        f"samples is the path {str(samples)!r}, not a table: read it with fw.read_samples({str(samples)!r})."
    )


def labelled_counts(counts: Any, samples: pd.DataFrame, genes: Any, layer: str | None) -> LabelledCounts:
    """Counts turned so that genes are rows, with the labels of both sides.

    Raises
    ------
    CountsError
        If the way round cannot be told, or sizes do not match the labels.
    """
    if is_anndata(counts):
        return _from_anndata(counts, samples, genes, layer)
    if layer is not None:
        raise CountsError("layer= goes with an AnnData; these counts are a plain table.")
    if hasattr(counts, "columns") and not isinstance(counts, pd.DataFrame):
        counts = _to_pandas(counts, CountsError, "counts")
    if isinstance(counts, pd.DataFrame):
        return _from_frame(counts, samples, genes)
    return _from_array(counts, samples, genes)


def _to_pandas(table: Any, error: type[Exception], what: str) -> pd.DataFrame:
    if not (hasattr(table, "columns") and hasattr(table, "__getitem__")):
        raise error(f"{what} must be a table (a pandas DataFrame); got {type(table).__name__}.")
    return to_pandas(table)


def _gene_labels(genes: Any, n_genes: int) -> tuple[pd.Index | None, pd.DataFrame | None]:
    if genes is None:
        return None, None
    if isinstance(genes, Set):
        raise CountsError("genes= is a set, which has no order: give the names in a list, in the order of the counts.")
    annotation = genes.copy() if isinstance(genes, pd.DataFrame) else None
    labels = annotation.index if annotation is not None else pd.Index(genes)
    if len(labels) != n_genes:
        raise CountsError(f"genes= has {len(labels)} names, the counts have {n_genes} genes.")
    return labels, annotation


def layer_of_counts(adata: Any, layer: str | None, looked_at: int = 20) -> tuple[str | None, str]:
    """The layer that holds the counts of an AnnData, None for X; and where they are, in words.

    layer : the one asked for. If none is, "counts" is taken where X holds something else; with a warning where X holds
        counts but for a few values, as those may be a mistake.
    looked_at : how many samples (or cells) of X are looked at.

    Raises
    ------
    CountsError
        If there is no such layer.
    """
    if layer is not None:
        if layer not in adata.layers:
            raise CountsError(
                f"The AnnData has no layer {layer!r}; it has {listed(adata.layers.keys(), 20) or 'none'}."
            )
        return layer, f"layer '{layer}'"
    if "counts" in adata.layers and not _holds_counts(adata, looked_at):
        return "counts", "layer 'counts' (X does not hold counts)"
    return None, "X"


def _from_anndata(adata: Any, samples: pd.DataFrame, genes: Any, layer: str | None) -> LabelledCounts:
    found, where = layer_of_counts(adata, layer)
    matrix = adata.X if found is None else adata.layers[found]
    # A layer that was asked for needs no note: whoever asked, a person or a reader of files, knows.
    notes = [f"counts read from {where}"] if found != layer else []
    if matrix is None:
        raise CountsError("The AnnData has no X: name the layer that holds the counts with layer=.")
    labels, annotation = _gene_labels(genes, adata.shape[1])
    var = annotation_of(adata, "var") if annotation is None else annotation
    if isinstance(matrix, np.ndarray | pd.DataFrame) or hasattr(matrix, "tocsr"):
        matrix = matrix.T
    else:
        matrix = Stored(matrix)
    names = labels if labels is not None else pd.Index(adata.var_names)
    return LabelledCounts(matrix, names, pd.Index(adata.obs_names), pd.DataFrame(var).copy(), tuple(notes))


@dataclass(frozen=True, slots=True)
class Stored:
    """A samples x genes matrix that is not in memory."""

    matrix: Any


def _holds_counts(adata: Any, looked_at: int) -> bool:
    if adata.X is None:
        return False
    part = adata.X[: min(looked_at, adata.shape[0])]
    samples, genes, values = _filled(part.compute() if hasattr(part, "compute") else part)
    odd = np.flatnonzero(~((values >= 0) & (values == np.floor(values))))
    if 0 < len(odd) <= MOST_ODD * len(values):
        at = odd[0]
        warn(
            f"X holds whole numbers, but for {len(odd)} of the {len(values):,} values looked at (the first: "
            f"{values[at]:g}, {adata.obs_names[samples[at]]!r}, {adata.var_names[genes[at]]!r}); layer 'counts' is read "
            'instead. Is X damaged? layer="counts" says that the layer is meant.'
        )
    return not len(odd)


def _filled(part: Any) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows, columns and values of what is not zero, of a matrix or a sparse matrix."""
    if hasattr(part, "tocoo"):
        part = part.tocoo()
        return part.row, part.col, np.asarray(part.data, dtype=float)
    values = np.asarray(part, dtype=float)
    rows, columns = np.nonzero(values)
    return rows, columns, values[rows, columns]


def _from_frame(counts: pd.DataFrame, samples: pd.DataFrame, genes: Any) -> LabelledCounts:
    def share(labels: pd.Index) -> float:
        known = set(map(str, _sample_labels(samples, labels)))
        return float(np.mean([str(label) in known for label in labels])) if len(labels) else 0.0

    by_column, by_row = share(counts.columns), share(counts.index)
    if by_column > 0 and by_row > 0 and by_column == by_row and counts.shape[0] == counts.shape[1]:
        raise CountsError(
            "Both the rows and the columns of the counts carry sample names: it cannot be told which way round they lie. "
            "Give genes other names than samples."
        )
    if by_column == 0 and by_row == 0:
        raise SamplesError(
            "No row of the sample table matches a column (or row) of the counts.\n"
            f"The sample table has {listed(map(str, samples.index))}; the counts have columns "
            f"{listed(map(str, counts.columns))} and rows {listed(map(str, counts.index))}.\n" + _hint(samples, counts)
        )
    _no_gene_column(counts, samples, by_column, by_row)
    notes: tuple[str, ...] = ()
    if by_row > by_column:
        counts = counts.T
        notes = ("counts were samples x genes: turned",)
    labels, annotation = _gene_labels(genes, counts.shape[0])
    return LabelledCounts(counts, labels if labels is not None else counts.index, counts.columns, annotation, notes)


def _hint(samples: pd.DataFrame, counts: pd.DataFrame) -> str:
    """What was probably done to the names, on the side of the counts that looks more like samples."""
    described = list(map(str, _text_labels(samples)))
    for side in (counts.columns, counts.index):
        if len(side) and (hint := renaming(list(map(str, side)), described)):
            return hint
    return "Make the sample table's index the names that the counts use."


def _text_labels(samples: pd.DataFrame) -> pd.Index:
    """The index, or the first column of text that names each row once where pandas only numbered the rows."""
    if isinstance(samples.index, pd.RangeIndex):
        for column in samples.columns:
            if samples[column].is_unique and not pd.api.types.is_numeric_dtype(samples[column]):
                return pd.Index(samples[column])
    return samples.index


def _no_gene_column(counts: pd.DataFrame, samples: pd.DataFrame, by_column: float, by_row: float) -> None:
    """A column of text among the samples is the gene names (or annotation), left out of the index."""
    if not 0 < by_column < 1 or by_row > by_column:
        return
    known = set(map(str, _sample_labels(samples, counts.columns)))
    texts = [
        name
        for name in counts.columns
        if str(name) not in known and not pd.api.types.is_numeric_dtype(counts[name].dtype)
    ]
    if texts:
        raise CountsError(
            f"The counts have columns of text that are no samples: {listed(texts)}. {_what_to_do_with(texts, counts)}"
        )


def _what_to_do_with(texts: list[Any], counts: pd.DataFrame) -> str:
    """An index of text has the gene names already: putting another column there would throw them away."""
    if pd.api.types.is_numeric_dtype(counts.index.dtype):
        return f"Gene names belong into the index: counts.set_index({str(texts[0])!r}); annotation of genes goes into genes=."
    names = [str(name) for name in texts]
    return f"Annotation of genes goes into genes=: CountData(counts.drop(columns={names}), samples, genes=counts[{names}])."


def _from_array(counts: Any, samples: pd.DataFrame, genes: Any) -> LabelledCounts:
    matrix = counts if hasattr(counts, "tocsr") else np.asarray(counts)
    if matrix.ndim != 2:
        raise CountsError(f"Counts must have two dimensions (genes x samples); these have {matrix.ndim}.")
    n = len(samples)
    n_labels = None if genes is None else len(genes)
    as_it_is = matrix.shape[1] == n and n_labels in (None, matrix.shape[0])
    turned = matrix.shape[0] == n and n_labels in (None, matrix.shape[1])
    if not as_it_is and not turned:
        raise CountsError(
            f"The counts are {matrix.shape[0]} x {matrix.shape[1]}, but there are {n} samples"
            + ("" if n_labels is None else f" and {n_labels} gene names")
            + ": one side must be the samples."
        )
    notes: tuple[str, ...] = ("the counts carry no sample names: taken in the order of the sample table",)
    if not as_it_is:
        matrix, notes = matrix.T, (*notes, "counts were samples x genes: turned")
    labels, annotation = _gene_labels(genes, matrix.shape[0])
    if labels is None:
        labels = pd.Index([f"gene{i + 1}" for i in range(matrix.shape[0])])
    return LabelledCounts(matrix, labels, samples.index, annotation, notes)


def unique_labels(labels: pd.Index, what: str, error: type[Exception]) -> pd.Index:
    """Labels as text, none missing, none twice.

    Raises
    ------
    CountsError or SamplesError
        Lists the labels that are double.
    """
    if isinstance(labels, pd.MultiIndex):
        raise error(
            f"The names of {what}s have {labels.nlevels} levels ({listed(map(str, labels.names))}): one name is needed for "
            f"each {what} (pandas: df.index.map('_'.join), or get_level_values(0) of the index)."
        )
    missing = np.asarray(pd.isna(labels)) | np.asarray([str(label) == "" for label in labels], dtype=bool)
    if missing.any():
        raise error(
            f"{counted(int(missing.sum()), what)}{' of the sample table' if what == 'row' else ''} "
            f"{'has' if missing.sum() == 1 else 'have'} no name (first at position {int(np.argmax(missing)) + 1})."
        )
    names = pd.Index([str(label) for label in labels], dtype=object, name=labels.name)
    if not names.is_unique:
        raise error(_double(names[names.duplicated()].unique(), what))
    return names


_WHEN_DOUBLE = {
    "gene": "Add their counts up or make the names unique (pandas: df.groupby(level=0).sum()).",
    "sample": (
        "Rename these columns of the counts so that each sample has a name of its own. Runs of the same sample are then "
        "added up with CountData.collapse_replicates(by=…), before the fit."
    ),
    "row": (
        "Keep one row for each sample (pandas: samples[~samples.index.duplicated()]), or name the rows as the columns of "
        "the counts are named."
    ),
}


def _double(twice: pd.Index, what: str) -> str:
    noun, where = ("sample", " in the sample table") if what == "row" else (what, "")
    occur = "name occurs" if len(twice) == 1 else "names occur"
    return f"{len(twice)} {noun} {occur} more than once{where}: {listed(twice)}. {_WHEN_DOUBLE[what]}"


def counted(number: int, noun: str) -> str:
    """ "1 sample", "2 samples"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _sample_labels(samples: pd.DataFrame, names: pd.Index) -> pd.Index:
    """The sample table's labels: its index, or, under a default index, the one column that holds all the names."""
    if isinstance(samples.index, pd.RangeIndex) and not set(map(str, samples.index)) & set(map(str, names)):
        wanted = set(map(str, names))
        for column in samples.columns:
            values = samples[column].astype(str)
            if values.is_unique and len(wanted & set(values)) >= 0.5 * min(len(values), len(wanted)):
                return pd.Index(values, name=column)
    return samples.index


LEAVE_OUT = "Add rows for them, or leave these columns out of the counts (pandas: counts[samples.index])."


def aligned(samples: pd.DataFrame, names: pd.Index) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The sample table in the counts' order.

    Raises
    ------
    SamplesError
        Lists samples without a row and rows without counts, with the likely spelling.
    """
    labels = unique_labels(_sample_labels(samples, names), "row", SamplesError)
    notes: tuple[str, ...] = ()
    if labels.name is not None and labels.name in samples and isinstance(samples.index, pd.RangeIndex):
        notes = (f"samples are named by the column '{labels.name}' of the sample table",)
    table = samples.set_axis(labels, axis=0)
    missing, extra = names.difference(labels, sort=False), labels.difference(names, sort=False)
    if len(missing) or len(extra):
        raise SamplesError(why_names_differ(names, labels, LEAVE_OUT))
    return table.loc[names], notes
