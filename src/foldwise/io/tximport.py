"""Transcript estimates to gene counts: salmon, kallisto and RSEM.

Soneson, Love & Robinson (2015), F1000Research 4:1521: gene counts with average transcript lengths as offsets, or
counts made from abundances.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray, IntArray
from foldwise.counts.sample_names import why_names_differ
from foldwise.errors import CountsError, FoldwiseWarning, OptionError, SamplesError, listed
from foldwise.io.opening import read_bytes
from foldwise.io.quantifications import (
    Quantification,
    QuantificationType,
    quantifications_by_sample,
    read_quantification,
)
from foldwise.io.raw_table import raw_table
from foldwise.io.read_report import PathLike, ReadReport, how_many, source_name
from foldwise.io.sample_files import Files, check_same_genes
from foldwise.io.sample_table import as_sample_table

if TYPE_CHECKING:
    from foldwise.counts import CountData

CountsFromAbundance = Literal["no", "scaledTPM", "lengthScaledTPM", "dtuScaledTPM"]
TranscriptMap: TypeAlias = pd.DataFrame | Mapping[str, str] | PathLike


@dataclass(frozen=True, slots=True)
class TranscriptEstimates:
    """Estimates by gene (or transcript) and sample, not rounded.

    counts, abundance, lengths : genes x samples; estimated reads (or made from abundance), TPM, average lengths.
    counts_from_abundance : how ``counts`` were made.
    genes : the genes of the rows where rows are transcripts; None otherwise.
    notes : what was read and what was left out.
    """

    counts: pd.DataFrame
    abundance: pd.DataFrame
    lengths: pd.DataFrame
    counts_from_abundance: CountsFromAbundance
    genes: pd.DataFrame | None
    notes: tuple[str, ...]


@checked
def read_tximport(
    files: Files,
    *,
    type: QuantificationType,
    samples: pd.DataFrame | PathLike,
    tx2gene: TranscriptMap | None = None,
    counts_from_abundance: CountsFromAbundance = "no",
    tx_out: bool = False,
    ignore_tx_version: bool = False,
    ignore_after_bar: bool = False,
) -> CountData:
    """Gene counts from salmon, kallisto or RSEM, as R's tximport and DESeqDataSetFromTximport make them.

    Parameters
    ----------
    files : a folder with one subfolder a sample (of RSEM also: one file a sample), a list of files or of samples'
        folders, or {sample: path}; files may be compressed. Without {sample: path} a sample is called as its folder is
        (RSEM: as its file is), or a column ``fileName`` of the sample table says which file is whose.
    type : the program that wrote them.
    samples : the sample table or its path, one row a sample.
    tx2gene : transcripts (first column) and their genes (second column): a table, its path, or {transcript: gene}.
        RSEM's files name the genes themselves.
    counts_from_abundance : "no": estimated counts, with average transcript lengths as offsets. The others make counts
        from TPM, scaled to the library's size, without offsets: "scaledTPM" by nothing else, "lengthScaledTPM" by the
        gene's length averaged over samples, "dtuScaledTPM" (for transcripts) by the median length of the gene's
        transcripts.
    tx_out : keep transcripts instead of adding them up to genes.
    ignore_tx_version : compare names without what follows the first dot (ENST00000456328.2).
    ignore_after_bar : compare names without what follows the first bar (GENCODE's fasta headers).

    Returns
    -------
    CountData
        Counts rounded to whole numbers, halves to even. With "no", ``average_lengths`` holds the lengths: lengths of
        genes without expression in a sample are the geometric mean over the other samples, lengths of 0 become 1.

    Raises
    ------
    CountsError
        If files hold different transcripts, or none of them is in ``tx2gene``.
    SamplesError
        If files and samples are not the same set.
    """
    from foldwise.counts import CountData

    _check_options(type, counts_from_abundance, tx_out)
    table, report = as_sample_table(samples), ReadReport(type)
    names = table.index.astype(str)
    paths = quantifications_by_sample(files, type, table, report)
    if set(paths) != set(names):
        raise SamplesError(why_names_differ(paths, names).replace("count column", "file"))
    estimates = transcript_estimates(
        {name: paths[name] for name in names},
        type=type,
        tx2gene=tx2gene,
        counts_from_abundance=counts_from_abundance,
        tx_out=tx_out,
        ignore_tx_version=ignore_tx_version,
        ignore_after_bar=ignore_after_bar,
    )
    notes, lengths = [*report.lines, *estimates.notes], None
    if estimates.counts_from_abundance == "no":
        zero = int((estimates.lengths.to_numpy() == 0).sum())
        lengths = estimates.lengths.where(estimates.lengths > 0, 1.0)
        if zero:
            notes.append(f"{type}: {how_many(zero, 'length')} of 0 set to 1")
    return CountData(
        estimates.counts.round(0),  # halves to even, as R's round()
        table,
        genes=estimates.genes,
        average_lengths=lengths,
        provenance=notes,
    )


def transcript_estimates(
    files: Mapping[str, PathLike],
    *,
    type: QuantificationType,
    tx2gene: TranscriptMap | None = None,
    counts_from_abundance: CountsFromAbundance = "no",
    tx_out: bool = False,
    ignore_tx_version: bool = False,
    ignore_after_bar: bool = False,
) -> TranscriptEstimates:
    """R's tximport(): counts, abundances and lengths, not rounded. Parameters as in ``read_tximport``."""
    _check_options(type, counts_from_abundance, tx_out)
    if not isinstance(files, Mapping):
        raise OptionError("files must be {sample: path}, so that it is certain which file is whose.")
    if not files:
        raise CountsError("No files were given.")
    report = ReadReport(type)
    read = {str(name): read_quantification(path, type) for name, path in files.items()}
    check_same_genes({source_name(path): q.ids for path, q in zip(files.values(), read.values(), strict=True)}, report)
    first = next(iter(read.values()))
    if len({q.of_genes for q in read.values()}) > 1:
        raise CountsError("Some files are RSEM's genes.results and some isoforms.results: give one kind.")
    what = "gene" if first.of_genes else "transcript"
    report.note(f"read {how_many(len(first.ids), what)} of {how_many(len(read), 'sample')}")
    counts, abundance, lengths = (_stacked(read, which) for which in ("counts", "abundance", "lengths"))
    ids = first.ids
    if first.of_genes:
        if tx_out or tx2gene is not None:
            raise OptionError("RSEM's genes.results hold genes: tx_out and tx2gene are for isoforms.results.")
        rows, annotation = ids, None
        counts_from_abundance = _estimates_only(counts_from_abundance, report)
    elif tx_out:
        rows, annotation = ids, None
        if counts_from_abundance == "dtuScaledTPM":
            genes = _genes_of(ids, first, tx2gene, ignore_tx_version, ignore_after_bar, report, all_needed=True)
            annotation = pd.DataFrame({"gene": genes.to_numpy()}, index=ids)
            counts = counts_of_abundance(abundance * _median_lengths(lengths, genes)[:, None], counts)
            report.note("counts made from abundance: dtuScaledTPM")
    else:
        genes = _genes_of(ids, first, tx2gene, ignore_tx_version, ignore_after_bar, report)
        kept = np.flatnonzero(genes.notna())
        rows, codes = _sorted_codes(genes[kept])
        lengths = gene_lengths(lengths[kept], abundance[kept], codes, len(rows))
        counts, abundance = (_sums(x[kept], codes, len(rows)) for x in (counts, abundance))
        annotation = None
        report.note(f"added up to {how_many(len(rows), 'gene')}")
    if counts_from_abundance in ("scaledTPM", "lengthScaledTPM"):
        means = lengths.mean(axis=1, dtype=np.longdouble).astype(np.float64)[:, None]
        scaled = abundance * means if counts_from_abundance == "lengthScaledTPM" else abundance
        counts = counts_of_abundance(scaled, counts)
        report.note(f"counts made from abundance: {counts_from_abundance}")
    index = pd.Index(rows, name="transcript" if tx_out else "gene")
    framed = [pd.DataFrame(x, index=index, columns=list(read)) for x in (counts, abundance, lengths)]
    return TranscriptEstimates(framed[0], framed[1], framed[2], counts_from_abundance, annotation, report.lines)


def counts_of_abundance(scaled: FloatArray, counts: FloatArray) -> FloatArray:
    """Abundances brought to each library's size: columns with the proportions of ``scaled``, the sums of ``counts``."""
    # Sums in extended precision, as R takes them: a last bit decides how a count of x.5 is rounded.
    sums = [x.sum(axis=0, dtype=np.longdouble).astype(np.float64) for x in (counts, scaled)]
    result: FloatArray = scaled * (sums[0] / sums[1])
    return result


def gene_lengths(lengths: FloatArray, abundance: FloatArray, codes: IntArray, n_genes: int) -> FloatArray:
    """Average transcript length of each gene in each sample, weighted by abundance.

    Where nothing is expressed there is no such average: the geometric mean over the samples that have one takes its
    place, and if none has, the plain average over the gene's transcripts and all samples.
    """
    with np.errstate(invalid="ignore"):
        average = _sums(lengths * abundance, codes, n_genes) / _sums(abundance, codes, n_genes)
    missing = np.isnan(average)
    per_transcript = lengths.mean(axis=1, keepdims=True)
    plain = _sums(per_transcript, codes, n_genes)[:, 0] / np.bincount(codes, minlength=n_genes)
    seen = (~missing).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        geometric = np.exp(np.where(missing, 0.0, np.log(average)).sum(axis=1) / seen)
    filler = np.where(seen > 0, geometric, plain)
    return np.where(missing, filler[:, None], average)


def _check_options(type: str, counts_from_abundance: str, tx_out: bool) -> None:
    if type not in get_args(QuantificationType):
        raise OptionError(f"type='{type}' is unknown; choose one of {', '.join(get_args(QuantificationType))}.")
    if counts_from_abundance not in get_args(CountsFromAbundance):
        known = ", ".join(get_args(CountsFromAbundance))
        raise OptionError(f"counts_from_abundance='{counts_from_abundance}' is unknown; choose one of {known}.")
    if counts_from_abundance == "dtuScaledTPM" and not tx_out:
        raise OptionError("counts_from_abundance='dtuScaledTPM' is for transcripts: give tx_out=True as well.")


def _estimates_only(mode: CountsFromAbundance, report: ReadReport) -> CountsFromAbundance:
    """R makes counts from abundances of transcripts only, and falls back with a warning; so does this."""
    if mode != "no":
        text = f"counts_from_abundance='{mode}' needs transcripts; these are genes, and their estimated counts are used"
        report.note(text)
        warnings.warn(f"{report.source}: {text} (with lengths as offsets).", FoldwiseWarning, stacklevel=4)
    return "no"


def _stacked(read: Mapping[str, Quantification], which: str) -> FloatArray:
    """ids x samples, rows in the order of the first file."""
    first = next(iter(read.values())).ids
    columns = []
    for q in read.values():
        values = getattr(q, which)
        columns.append(values if q.ids.equals(first) else values[q.ids.get_indexer(first)])
    return np.column_stack(columns)


def _sums(values: FloatArray, codes: IntArray, n_genes: int) -> FloatArray:
    total = np.zeros((n_genes, values.shape[1]))
    np.add.at(total, codes, values)
    return total


def _sorted_codes(genes: pd.Series) -> tuple[pd.Index, IntArray]:
    """Genes in the order of the C collation, as R gives them, and each row's place among them."""
    names, codes = np.unique(genes.to_numpy(dtype=str), return_inverse=True)
    return pd.Index(names.astype(object)), codes.astype(np.int64)


def _median_lengths(lengths: FloatArray, genes: pd.Series) -> FloatArray:
    per_transcript = pd.Series(lengths.mean(axis=1))
    medians: FloatArray = per_transcript.groupby(genes.to_numpy()).transform("median").to_numpy()
    return medians


def _genes_of(
    ids: pd.Index,
    quantification: Quantification,
    tx2gene: TranscriptMap | None,
    ignore_version: bool,
    ignore_after_bar: bool,
    report: ReadReport,
    *,
    all_needed: bool = False,
) -> pd.Series:
    """The gene of every transcript, missing where the table has none."""
    if tx2gene is None:
        if quantification.genes is None:
            raise OptionError(
                "Transcripts are added up to genes through tx2gene=: a table of transcripts and their genes "
                "(or keep transcripts with tx_out=True)."
            )
        return pd.Series(quantification.genes.to_numpy())
    table = _transcript_map(tx2gene)
    names = pd.Series(ids.to_numpy(dtype=object))
    keys = pd.Series(table.index.to_numpy(dtype=object))
    for ignored, mark in ((ignore_after_bar, "|"), (ignore_version, ".")):
        if ignored:
            names, keys = (x.str.split(mark, n=1, regex=False).str[0] for x in (names, keys))
    genes = names.map(dict(zip(keys, table, strict=True)))
    lacking = int(genes.isna().sum())
    if lacking == len(ids) or (lacking and all_needed):
        raise CountsError(_no_match(ids, table.index, lacking))
    if lacking:
        report.note(f"left out {how_many(lacking, 'transcript')} missing from tx2gene: {listed(ids[genes.isna()])}")
    return genes


def _no_match(ids: pd.Index, known: pd.Index, lacking: int) -> str:
    hints: dict[str, Callable[[str], str]] = {
        "ignore_tx_version=True": lambda name: name.split(".")[0],
        "ignore_after_bar=True": lambda name: name.split("|")[0],
    }
    helps = [h for h, way in hints.items() if {way(str(i)) for i in ids[:1000]} & {way(str(k)) for k in known}]
    return (
        f"{lacking} of {len(ids)} transcripts are not in the first column of tx2gene. The files have {listed(ids, 3)}; "
        f"tx2gene has {listed(known, 3)}. "
        + (f"Try {' or '.join(helps)}." if helps else "Was the same annotation used for both?")
    )


def _transcript_map(tx2gene: TranscriptMap) -> pd.Series:
    """Genes indexed by transcript."""
    if isinstance(tx2gene, Mapping):
        return pd.Series(dict(tx2gene), dtype=object)
    if isinstance(tx2gene, pd.Series):
        tx2gene = tx2gene.reset_index()
    if isinstance(tx2gene, list | tuple | np.ndarray):  # pairs
        tx2gene = pd.DataFrame(list(tx2gene))
    if not isinstance(tx2gene, pd.DataFrame):
        tx2gene, _ = raw_table(read_bytes(tx2gene), ReadReport(tx2gene))
    if tx2gene.shape[1] < 2:
        raise CountsError("tx2gene needs two columns: transcripts, then genes.")
    pairs = tx2gene.iloc[:, :2].astype(str).drop_duplicates()
    twice = pairs.iloc[:, 0][pairs.iloc[:, 0].duplicated()]
    if len(twice):
        raise CountsError(f"tx2gene gives more than one gene to {listed(twice.unique())}.")
    return pd.Series(pairs.iloc[:, 1].to_numpy(), index=pairs.iloc[:, 0].to_numpy())
