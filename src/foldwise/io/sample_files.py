"""Programs that write one file a sample: which file belongs to which sample."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from foldwise.errors import CountsError, SamplesError, listed
from foldwise.io.read_report import PathLike, ReadReport, how_many

FILE_COLUMNS = ("filename", "file", "file_name", "path")
Files: TypeAlias = PathLike | Sequence[PathLike] | Mapping[str, PathLike]

_ENDINGS = re.compile(
    r"(?i)([._-]?(ReadsPerGene\.out\.tab|htseq([_-]?counts?)?|counts?|txt|tsv|tab|gz|bz2|xz|zst|bam|out))+$"
)


def files_by_sample(files: Files, samples: pd.DataFrame | None, pattern: str, report: ReadReport) -> dict[str, Path]:
    """{sample: file} from a folder, a list of files, or a mapping that says so already.

    In a folder, the sample table's column ``fileName`` (as R's htseq import has it) decides if there is one;
    otherwise names of files without their endings are the names of samples.
    """
    if isinstance(files, Mapping):
        return {str(name): Path(path) for name, path in files.items()}
    if isinstance(files, (str, Path)):
        folder = Path(files)
        if not folder.exists():
            raise CountsError(f"There is no folder {folder}.")
        if folder.is_file():
            return {_ENDINGS.sub("", folder.name): folder}
        if (listed_files := files_of_table(folder, samples)) is not None:
            return listed_files
        found = sorted(p for p in folder.rglob(pattern) if p.is_file() and not p.name.startswith("."))
    else:
        found = [Path(p) for p in files]
    if not found:
        raise CountsError(f"{files} holds no file that matches '{pattern}'.")
    return without_others(_named(found, samples), samples, report)


def without_others(named: dict[str, Path], samples: pd.DataFrame | None, report: ReadReport) -> dict[str, Path]:
    """The files of the table's samples in its order, if all have one; what else lies there is left out, and said so."""
    if samples is not None and (others := [n for n in named if n not in set(samples.index)]):
        if set(samples.index) <= set(named):
            report.note(f"left out {how_many(len(others), 'file')} of samples not in the table: {listed(others)}")
            named = {name: path for name, path in named.items() if name not in set(others)}
    in_order = [] if samples is None else [name for name in samples.index if name in named]
    return {name: named[name] for name in in_order} if len(in_order) == len(named) else named


def files_of_table(folder: Path, samples: pd.DataFrame | None) -> dict[str, Path] | None:
    """The files that the sample table's column ``fileName`` names, or None if it has no such column."""
    column = next((c for c in (() if samples is None else samples.columns) if str(c).lower() in FILE_COLUMNS), None)
    if samples is None or column is None:
        return None
    files = {str(name): folder / str(file) for name, file in samples[column].items()}
    lacking = [str(path) for path in files.values() if not path.exists()]
    if lacking:
        raise SamplesError(f"Column '{column}' of the sample table names files that are not there: {listed(lacking)}.")
    return files


def _named(paths: Sequence[Path], samples: pd.DataFrame | None) -> dict[str, Path]:
    """Files by name without endings, or by folder where the names say nothing (one folder a sample)."""
    ways = ([_ENDINGS.sub("", p.name) for p in paths], [p.parent.name for p in paths], [p.name for p in paths])
    return named_one_way(ways, paths, samples)


def named_by_folder(paths: Sequence[Path], samples: pd.DataFrame | None) -> dict[str, Path]:
    """Files of one name by the folder that tells them apart, the nearest one whose names the sample table has."""
    depth = min(len(path.absolute().parents) for path in paths)
    ways = [[path.absolute().parents[level].name for path in paths] for level in range(min(depth, 4))]
    return named_one_way(ways, paths, samples)


def named_one_way(
    ways: Sequence[Sequence[str]], paths: Sequence[Path], samples: pd.DataFrame | None
) -> dict[str, Path]:
    """Files by the first way to name them that tells them apart, or the one that has all names of the sample table.

    Raises
    ------
    CountsError
        If none tells them apart.
    """
    different = [way for way in ways if len(set(way)) == len(paths) and all(way)]
    if not different:
        raise CountsError(f"Files with the same name: {listed(paths)}. Give {{sample: path}} instead.")
    known = set() if samples is None else set(samples.index.astype(str))
    best = next((way for way in different if known and known <= set(way)), different[0])
    return dict(zip(best, paths, strict=True))


def check_same_genes(genes: Mapping[str, pd.Index], report: ReadReport) -> None:
    """All files must list the same genes (order does not matter), each once.

    Raises
    ------
    CountsError
        Names the file that differs and the genes that only one of the two has.
    """
    (first_file, first), *others = genes.items()
    for file, index in genes.items():
        if index.has_duplicates:
            raise CountsError(f"{file} lists genes twice: {listed(index[index.duplicated()].unique())}.")
    for file, index in others:
        if len(index) == len(first) and np.array_equal(index, first):
            continue
        lacking, extra = first.difference(index), index.difference(first)
        if len(lacking) or len(extra):
            raise CountsError(
                f"{file} has other genes than {first_file}: "
                f"{len(lacking)} missing ({listed(lacking) or 'none'}), {len(extra)} more ({listed(extra) or 'none'}). "
                "Count all samples with the same annotation."
            )
        report.note(f"{file} lists the genes in another order; matched by name")
