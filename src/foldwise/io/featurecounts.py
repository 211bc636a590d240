"""featureCounts (Subread): one table, the genes' places and lengths before the counts, columns named by BAM files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd

from foldwise.arguments import checked
from foldwise.errors import CountsError
from foldwise.io.count_table import CountTable, Unlisted, counts_and_annotation
from foldwise.io.delimited import read_delimited
from foldwise.io.opening import as_text, read_bytes
from foldwise.io.read_report import PathLike, ReadReport
from foldwise.io.sample_table import as_sample_table

if TYPE_CHECKING:
    from foldwise.counts import CountData

PLACE_COLUMNS = ("Chr", "Start", "End", "Strand", "Length")


@checked
def read_featurecounts(
    path: PathLike,
    samples: pd.DataFrame | PathLike | None = None,
    *,
    names: Mapping[str, str] | None = None,
    unlisted: Unlisted = "error",
    round_counts: bool = False,
) -> CountData | pd.DataFrame:
    """Counts as featureCounts writes them.

    Chr, Start, End, Strand, Length and attributes added by ``--extraAttributes`` are kept in ``data.genes``
    (lengths are what TPM needs). BAM paths are shortened to sample names: folder and usual endings go, unless that
    makes two of them equal; a folder's name is taken where it is the one that the sample table lists.

    Parameters
    ----------
    path : featureCounts' output, plain or compressed.
    samples : the sample table or its path; without it a plain DataFrame is returned.
    names : {column of the file: sample name}, for names that cannot be guessed.
    unlisted, round_counts : as in ``read_counts`` (rounding is for ``--fraction``).
    """
    table_samples = None if samples is None else as_sample_table(samples)
    report = ReadReport(path)
    text = as_text(read_bytes(path), report.source, report)
    known = None if table_samples is None else list(table_samples.index.astype(str))
    table = featurecounts_table(text, report, samples=known, names=names)
    return (
        table.counts
        if table_samples is None
        else table.with_samples(table_samples, unlisted=unlisted, round_counts=round_counts)
    )


def featurecounts_table(
    text: bytes, report: ReadReport, *, samples: Sequence[str] | None = None, names: Mapping[str, str] | None = None
) -> CountTable:
    """What featureCounts' output holds (see ``read_featurecounts``)."""
    frame, first_line = read_delimited(text, report, separator="\t")
    if tuple(frame.columns[:6]) != ("Geneid", *PLACE_COLUMNS):
        raise CountsError(
            f"{report.source} is not featureCounts' output: its columns must begin with Geneid, "
            f"{', '.join(PLACE_COLUMNS)}. For other tables use fw.read_counts."
        )
    attributes = []
    for column in frame.columns[6:]:
        if pd.api.types.is_numeric_dtype(frame[column]) or column.endswith((".bam", ".sam", ".cram")):
            break
        attributes.append(column)
    paths = list(frame.columns[6 + len(attributes) :])
    if not paths:
        raise CountsError(f"{report.source} has no count column.")
    short = [names.get(p, p) for p in paths] if names else short_names(paths, samples)
    if short != paths:
        report.note(f"named samples after their files: '{paths[0]}' is '{short[0]}'" + (", ..." if short[1:] else ""))
    frame.columns = pd.Index([*frame.columns[: 6 + len(attributes)], *short])
    return counts_and_annotation(
        frame, first_line, report, samples=samples or short, annotation=[*PLACE_COLUMNS, *attributes]
    )


_ENDINGS = re.compile(
    r"(?i)[._-]?(Aligned\.(sortedByCoord|toTranscriptome)\.out|Aligned\.out|accepted_hits|mark(ed)?_?dup(licate)?s?|"
    r"dedup(ed)?|umi_dedup|sort(ed)?(ByCoord|ByName)?|bam|sam|cram)$"
)


def _file_name(path: str) -> str:
    name = PurePosixPath(path.replace("\\", "/")).name
    while (shorter := _ENDINGS.sub("", name)) != name and shorter:
        name = shorter
    return name


def short_names(paths: Sequence[str], samples: Sequence[str] | None = None) -> list[str]:
    """Sample names for the columns of BAM files.

    Of several ways to shorten a path, the first whose names are all different and, if ``samples`` are known,
    include them all; failing that, the first whose names are all different.
    """
    parts = [PurePosixPath(p.replace("\\", "/")) for p in paths]
    ways = [
        [_file_name(p) for p in paths],
        [p.name for p in parts],
        [p.stem for p in parts],
        [p.parent.name for p in parts],
        [p.parent.parent.name for p in parts],
        list(paths),
    ]
    different = [way for way in ways if len(set(way)) == len(paths) and all(way)]
    for way in different:
        if samples is not None and set(samples) <= set(way):
            return way
    return different[0] if different else list(paths)
