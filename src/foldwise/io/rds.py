"""R's own files: matrices, data frames, tximport lists, edgeR's DGEList, SummarizedExperiment and DESeqDataSet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.errors import CountsError, OptionError, SamplesError, listed
from foldwise.io import r_objects as r
from foldwise.io.content import kind_of_content
from foldwise.io.count_table import CountTable, Unlisted, counts_and_annotation
from foldwise.io.opening import read_bytes
from foldwise.io.read_report import PathLike, ReadReport, how_many, source_name
from foldwise.io.sample_table import as_sample_table

if TYPE_CHECKING:
    from foldwise.counts import CountData


@checked
def read_rds(
    path: PathLike,
    samples: pd.DataFrame | PathLike | None = None,
    *,
    assay: str | None = None,
    name: str | None = None,
    unlisted: Unlisted = "error",
    round_counts: bool = False,
) -> CountData | pd.DataFrame:
    """Counts that R saved with ``saveRDS`` (or one object of ``save``).

    Reads a matrix (also the Matrix package's), a data.frame, tximport's list, edgeR's DGEList,
    SummarizedExperiment (and Ranged-, SingleCellExperiment) and DESeqDataSet. No R is needed and no R code is run.

    Parameters
    ----------
    path : the file.
    samples : the sample table or its path. Without it, objects that carry one (colData) give their ``CountData``, and
        a bare matrix a plain DataFrame. Factors keep their levels' order, so base levels are R's.
    assay : which assay holds the counts; "counts", or the first one.
    name : which object of a workspace that holds several.
    unlisted, round_counts : as in ``read_counts``.

    Returns
    -------
    CountData
        With size factors, normalization factors, weights and average lengths if the object has them;
        fitted values are left out. The design that it carries is named in ``provenance``.

    Raises
    ------
    CountsError
        If the object is of another kind; the message holds the R lines that export it.
    MissingDependencyError
        Without rdata: ``pip install 'foldwise[rds]'``.
    """
    table = rds_table(path, assay=assay, name=name)
    if samples is None and table.samples is None:
        return table.counts
    own = None if samples is None else as_sample_table(samples)
    return replace(table, source=source_name(path)).with_samples(own, unlisted=unlisted, round_counts=round_counts)


def rds_table(path: PathLike, *, assay: str | None = None, name: str | None = None) -> CountTable:
    """What R's file holds (see ``read_rds``)."""
    report = ReadReport(path)
    obj = r_object(path, report, name)
    described = _described(obj)
    if r.kind(obj) == "S4" and {"assays", "colData"} <= set(r.slots(obj)):
        return _summarized_experiment(obj, assay, report)
    items = r.list_items(obj)
    if assay is not None:
        raise OptionError(f"assay= is for SummarizedExperiment objects; {report.source} holds {described}.")
    if {"counts", "abundance", "length"} <= set(items):
        return _tximport_list(items, report)
    if {"counts", "samples"} <= set(items):
        return _dge_list(items, report)
    if (frame := r.data_frame(obj)) is not None:
        return _data_frame(frame[0], report)
    if (matrix := r.matrix(obj)) is not None:
        counts = _named_matrix(matrix, None, report)
        report.note(f"read {how_many(len(counts), 'gene')} in {how_many(counts.shape[1], 'sample')} from {described}")
        return CountTable(counts, notes=report.lines)
    raise CountsError(
        f"{report.source} holds {described}, which has no counts known here.\n{r.export_lines(str(path))}"
    )


def rds_frame(path: PathLike, report: ReadReport) -> pd.DataFrame:
    """A data frame from R's file, or the sample table of an object that has one; row names become the first column."""
    obj = r_object(path, report)
    own, items = r.slots(obj), r.list_items(obj)
    if "colData" in own and "assays" in own:
        frame = _table(own["colData"], report)
    else:
        frame = _table(items["samples"] if {"counts", "samples"} <= set(items) else obj, report)
    if isinstance(frame.index, pd.RangeIndex):
        first = frame.columns[0]
        return frame.astype({first: str})
    return frame.reset_index(names="")


def r_object(path: PathLike, report: ReadReport, name: str | None = None) -> Any:
    """The object of an .rds file, or the one called ``name`` (or the only one) of a workspace."""
    content = read_bytes(path)
    file_kind = kind_of_content(content)
    if file_kind not in ("rds", "rdata"):
        raise CountsError(f"{report.source} is not R's file. For other files use fw.read_counts.")
    obj = r.parse_r_file(content, report.source)
    if file_kind == "rds":
        return r.resolved(obj)
    objects = r.pairs(obj)
    if name is None and len(objects) != 1:
        raise OptionError(f"{report.source} is a workspace of {listed(objects, 20)}: choose one with name=.")
    if name is not None and name not in objects:
        raise OptionError(f"{report.source} has no object '{name}'; it has {listed(objects, 20)}.")
    return objects[name or next(iter(objects))]


def _described(obj: Any) -> str:
    found = r.classes(obj)
    if found:
        return f"an object of class {found[0]}"
    return {"VEC": "a list", "NILVALUE": "NULL"}.get(
        r.kind(obj), "a matrix" if r.matrix(obj) is not None else "a vector"
    )


def _named_matrix(matrix: pd.DataFrame, columns: pd.Index | None, report: ReadReport) -> pd.DataFrame:
    if isinstance(matrix.columns, pd.RangeIndex) and columns is not None and len(columns) == matrix.shape[1]:
        matrix = matrix.set_axis(columns, axis=1)
    for side, labels in (("rows (genes)", matrix.index), ("columns (samples)", matrix.columns)):
        if isinstance(labels, pd.RangeIndex):
            raise CountsError(
                f"{report.source}: the {side} of the matrix have no names; set them in R with dimnames()."
            )
    return matrix.rename_axis(index="gene")


def _data_frame(frame: pd.DataFrame, report: ReadReport) -> CountTable:
    if isinstance(frame.index, pd.RangeIndex):
        first = frame.columns[0]
        frame = frame.astype({first: str})
    else:
        frame = frame.reset_index(names="")
    plain = frame.apply(lambda c: c.astype(object) if isinstance(c.dtype, pd.CategoricalDtype) else c)
    return counts_and_annotation(plain, 1, report)


def _tximport_list(items: dict[str, Any], report: ReadReport) -> CountTable:
    """As DESeqDataSetFromTximport takes it: counts rounded, lengths as offsets unless counts came from abundance."""
    counts = _named_matrix(_matrix(items["counts"], "counts", report), None, report)
    mode = (r.strings(items.get("countsFromAbundance")) or ["no"])[0]
    lengths = None
    if mode == "no":
        lengths = _matrix(items["length"], "length", report).set_axis(counts.index, axis=0)
        lengths = lengths.where(lengths > 0, 1.0).set_axis(counts.columns, axis=1)
    report.note(
        f"read tximport's list: {how_many(len(counts), 'gene')} in {how_many(counts.shape[1], 'sample')}, rounded"
        + (", average lengths kept" if mode == "no" else f", made from abundance ({mode})")
    )
    return CountTable(counts.round(0), notes=report.lines, average_lengths=lengths)


def _dge_list(items: dict[str, Any], report: ReadReport) -> CountTable:
    counts = _named_matrix(_matrix(items["counts"], "counts", report), None, report)
    samples = _table(items["samples"], report)
    genes = _table(items["genes"], report) if "genes" in items else None
    left_out = [n for n in items if n not in ("counts", "samples", "genes")]
    report.note(
        f"read edgeR's DGEList: {how_many(len(counts), 'gene')} in {how_many(counts.shape[1], 'sample')}; "
        f"edgeR's norm.factors are kept as a column of the sample table, not used"
        + (f"; left out {listed(left_out)}" if left_out else "")
    )
    genes = None if genes is None else genes.set_axis(counts.index, axis=0)
    return CountTable(counts, genes, report.lines, samples=samples.set_axis(counts.columns, axis=0))


def _summarized_experiment(obj: Any, assay: str | None, report: ReadReport) -> CountTable:
    own = r.slots(obj)
    assays = _assays(own["assays"])
    samples = _table(own["colData"], report)
    name = assay if assay is not None else ("counts" if "counts" in assays else next(iter(assays), None))
    if name not in assays:
        raise CountsError(f"{report.source} has no assay '{name}'; its assays are {listed(assays, 20)}.")
    counts = _matrix(assays[name], name, report)
    if isinstance(counts.index, pd.RangeIndex) and (gene_names := _gene_names(own)):
        counts = counts.set_axis(pd.Index(gene_names, dtype=object), axis=0)
    counts = _named_matrix(counts, samples.index, report)
    genes = _gene_annotation(own, counts.index)

    def beside(which: str) -> pd.DataFrame | None:
        found = None if which not in assays else _matrix(assays[which], which, report)
        return None if found is None else pd.DataFrame(found.to_numpy(), counts.index, counts.columns)

    size_factors = samples.pop("sizeFactor").astype(float) if "sizeFactor" in samples else None
    table = CountTable(
        counts,
        genes,
        samples=samples.set_axis(counts.columns, axis=0),
        average_lengths=beside("avgTxLength"),
        normalization_factors=beside("normalizationFactors"),
        weights=beside("weights"),
        size_factors=None if size_factors is None else size_factors.set_axis(counts.columns),
    )
    taken = {name, "avgTxLength", "normalizationFactors", "weights"}
    shape = f"{how_many(len(counts), 'gene')} in {how_many(counts.shape[1], 'sample')}"
    report.note(f"read assay '{name}' of {_described(obj)}: {shape}")
    if left_out := [n for n in assays if n not in taken]:
        report.note(f"left out {how_many(len(left_out), 'assay')}: {listed(left_out)}")
    if r.kind(own.get("design")) == "LANG":
        report.note(f"its design is {r.deparsed(own['design'])}")
    carried = {
        "size factors": size_factors,
        "average lengths": table.average_lengths,
        "normalization factors": table.normalization_factors,
        "weights": table.weights,
    }
    if found := [what for what, values in carried.items() if values is not None]:
        report.note(f"taken over: {', '.join(found)}")
    return replace(table, notes=report.lines)


def _assays(obj: Any) -> dict[str, Any]:
    """Assays by name: a SimpleList in a slot ``data``, or, in older objects, in an environment."""
    own = r.slots(obj)
    data = own.get("data")
    if data is None and r.kind(own.get(".xData")) == "ENV":
        data = r.pairs(own[".xData"].value.frame).get("data")
    return r.list_items(r.slots(data).get("listData")) or r.list_items(r.slots(obj).get("listData"))


def _matrix(obj: Any, name: str, report: ReadReport) -> pd.DataFrame:
    found = r.matrix(obj)
    if found is None:
        raise CountsError(
            f"{report.source}: '{name}' is {_described(obj)}, not a matrix in memory "
            f"(in R: assay(x, '{name}') <- as.matrix(assay(x, '{name}')), then save again)."
        )
    return found


def _table(obj: Any, report: ReadReport) -> pd.DataFrame:
    found = r.data_frame(obj)
    if found is None:
        raise SamplesError(f"{report.source}: the sample table is {_described(obj)}, not a data frame.")
    frame, left_out = found
    if left_out:
        report.note(f"left out columns that are no plain vectors: {listed(left_out)}")
    return frame


def _gene_names(own: dict[str, Any]) -> list[str]:
    """Names of rows where the matrix has none: the slot NAMES, or the names of the ranges."""
    if found := [n or "" for n in r.strings(own.get("NAMES"))]:
        return found
    partitioning = r.slots(r.slots(own.get("rowRanges")).get("partitioning"))
    return [n or "" for n in r.strings(partitioning.get("NAMES"))]


def _gene_annotation(own: dict[str, Any], index: pd.Index) -> pd.DataFrame | None:
    """rowData, without DESeq2's own fitted columns (their mcols say what they are)."""
    ways: tuple[Callable[[], Any], ...] = (
        lambda: r.slots(own.get("rowRanges")).get("elementMetadata"),
        lambda: own.get("elementMetadata"),
    )
    for way in ways:
        found = r.data_frame(way())
        if found is not None and found[0].shape[1] and len(found[0]) == len(index):
            fitted = _fitted_columns(way(), list(found[0].columns))
            kept = found[0].drop(columns=fitted).set_axis(index, axis=0)
            return kept if kept.shape[1] else None
    return None


def _fitted_columns(obj: Any, columns: list[str]) -> list[str]:
    about = r.data_frame(r.slots(obj).get("elementMetadata"))
    if about is None or "type" not in about[0] or len(about[0]) != len(columns):
        return []
    types = np.asarray(about[0]["type"])
    return [c for c, t in zip(columns, types, strict=True) if t in ("intermediate", "results")]
