"""STAR --quantMode GeneCounts: one ReadsPerGene.out.tab a sample, three countings by strand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.errors import CountsError, OptionError
from foldwise.io.count_table import CountTable, Unlisted
from foldwise.io.opening import as_text, read_bytes
from foldwise.io.read_report import PathLike, ReadReport, how_many, source_name
from foldwise.io.sample_files import Files, check_same_genes, files_by_sample
from foldwise.io.sample_table import as_sample_table

if TYPE_CHECKING:
    from foldwise.counts import CountData

Strand = Literal["auto", "unstranded", "forward", "reverse"]
COLUMN_OF_STRAND = {"unstranded": 1, "forward": 2, "reverse": 3}
SPECIAL_ROWS = ("N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous")
# Share of forward among stranded counts: libraries are near 0, 0.5 or 1; what lies between is not guessed.
REVERSE_BELOW, UNSTRANDED, FORWARD_ABOVE = 0.2, (0.4, 0.6), 0.8


@checked
def read_star(
    files: Files,
    samples: pd.DataFrame | PathLike | None = None,
    *,
    strand: Strand = "auto",
    pattern: str = "*ReadsPerGene.out.tab*",
    unlisted: Unlisted = "error",
) -> CountData | pd.DataFrame:
    """Counts from STAR's ReadsPerGene.out.tab files.

    Parameters
    ----------
    files : a folder (searched with its subfolders), a list of files, or {sample: path}.
    samples : the sample table or its path; without it a plain DataFrame is returned.
    strand : which of the three countings: "unstranded" (column 2), "forward" (first read on the gene's strand, column
        3), "reverse" (column 4; dUTP kits such as TruSeq stranded), or "auto": decided by comparing columns 3 and 4.
        What was chosen is in ``data.provenance``.
    pattern : which files of a folder.
    unlisted : as in ``read_counts``.

    Raises
    ------
    OptionError
        If the strand cannot be told from the counts or differs between samples; it must then be given.
    CountsError
        If a file is not what STAR writes, or files list different genes.
    """
    table_samples = None if samples is None else as_sample_table(samples)
    table = star_table(files, table_samples, strand=strand, pattern=pattern)
    return table.counts if table_samples is None else table.with_samples(table_samples, unlisted=unlisted)


def star_table(
    files: Files,
    samples: pd.DataFrame | None = None,
    *,
    strand: Strand = "auto",
    pattern: str = "*ReadsPerGene.out.tab*",
) -> CountTable:
    """What STAR's files hold (see ``read_star``)."""
    if strand not in get_args(Strand):
        raise OptionError(f"strand='{strand}' is unknown; choose one of {', '.join(get_args(Strand))}.")
    report = ReadReport(files if isinstance(files, str) else "STAR")
    paths = files_by_sample(files, samples, pattern, report)
    read = {name: _read_file(path, report) for name, path in paths.items()}
    check_same_genes({source_name(paths[n]): t.index[len(SPECIAL_ROWS) :] for n, t in read.items()}, report)
    chosen = _strand_of(read, report) if strand == "auto" else strand
    column = COLUMN_OF_STRAND[chosen]
    genes = next(iter(read.values())).index[len(SPECIAL_ROWS) :]
    counts = pd.DataFrame({name: table.loc[genes, column] for name, table in read.items()}, index=genes)
    quality = pd.DataFrame({name: table.loc[list(SPECIAL_ROWS), column] for name, table in read.items()}).T
    report.note(f"took column {column + 1}: the {chosen} counts" + (" (as asked)" if strand != "auto" else ""))
    report.note(f"set aside {', '.join(SPECIAL_ROWS)}")
    report.note(f"read {how_many(len(counts), 'gene')} in {how_many(counts.shape[1], 'sample')}")
    return CountTable(counts, None, report.lines, quality=quality)


def _read_file(path: PathLike, report: ReadReport) -> pd.DataFrame:
    name = source_name(path)
    rows = [line.split("\t") for line in as_text(read_bytes(path), name, report).decode().split("\n") if line]
    for number, row in enumerate(rows, start=1):
        if len(row) != 4 or not all(cell.isdecimal() for cell in row[1:]):
            raise CountsError(
                f"{name}, line {number}: STAR writes a gene and three counts, and here is '{' '.join(row)[:60]}'. "
                "If the file is cut off, copy it again."
            )
    table = pd.DataFrame({0: [r[0] for r in rows]} | {i: [int(r[i]) for r in rows] for i in (1, 2, 3)}).set_index(0)
    if tuple(table.index[:4]) != SPECIAL_ROWS:
        raise CountsError(f"{name} is not STAR's ReadsPerGene.out.tab: it must begin with {', '.join(SPECIAL_ROWS)}.")
    if len(table) == len(SPECIAL_ROWS):
        raise CountsError(f"{name} holds no gene. Was STAR run with an annotation (--sjdbGTFfile)?")
    return table.rename_axis("gene")


def _strand_of(read: dict[str, pd.DataFrame], report: ReadReport) -> Strand:
    shares = {name: _forward_share(table) for name, table in read.items()}
    found = {name: _strand_of_share(share) for name, share in shares.items()}
    said = ", ".join(f"{name} {share:.0%}" for name, share in list(shares.items())[:6])
    if len(set(found.values())) != 1 or None in found.values():
        why = "differs between samples" if None not in found.values() else "cannot be told"
        raise OptionError(
            f"The strand of these libraries {why} (share of forward among stranded counts: {said}). "
            "Ask who made the libraries and give strand='unstranded', 'forward' or 'reverse'."
        )
    chosen = next(iter(found.values()))
    assert chosen is not None
    report.note(f"libraries are {chosen} (share of forward among stranded counts: {said})")
    return chosen


def _forward_share(table: pd.DataFrame) -> float:
    forward, reverse = (float(table[column].iloc[len(SPECIAL_ROWS) :].sum()) for column in (2, 3))
    return forward / (forward + reverse) if forward + reverse else float("nan")


def _strand_of_share(share: float) -> Strand | None:
    if np.isnan(share):
        return None
    if share > FORWARD_ABOVE:
        return "forward"
    if share < REVERSE_BELOW:
        return "reverse"
    return "unstranded" if UNSTRANDED[0] <= share <= UNSTRANDED[1] else None
