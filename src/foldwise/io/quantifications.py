"""What salmon, kallisto and RSEM write for one sample: estimated counts, TPM and effective lengths by transcript."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.errors import CountsError, MissingDependencyError, OptionError, listed
from foldwise.io.delimited import read_delimited
from foldwise.io.opening import HDF5, as_text, read_bytes
from foldwise.io.read_report import PathLike, ReadReport, source_name
from foldwise.io.sample_files import Files, files_of_table, named_by_folder, named_one_way, without_others

_ENDINGS = re.compile(r"(?i)([._-]?(genes|isoforms|results|quant|abundance|sf|tsv|h5|gz|bz2|xz|zst))+$")
QuantificationType = Literal["salmon", "kallisto", "rsem"]


@dataclass(frozen=True, slots=True)
class Quantification:
    """One sample's estimates.

    ids : names of transcripts, or of genes in RSEM's genes.results.
    counts, abundance, lengths : (n_ids,) estimated reads, TPM, effective lengths.
    genes : (n_ids,) genes of the transcripts where the file says so (RSEM's isoforms.results), else None.
    of_genes : whether the rows are genes already.
    """

    ids: pd.Index
    counts: FloatArray
    abundance: FloatArray
    lengths: FloatArray
    genes: pd.Index | None = None
    of_genes: bool = False


@dataclass(frozen=True, slots=True)
class _Layout:
    id: str
    counts: str
    abundance: str
    length: str
    file_names: tuple[str, ...]


_LAYOUTS: dict[str, _Layout] = {
    "salmon": _Layout("Name", "NumReads", "TPM", "EffectiveLength", ("quant.sf", "quant.sf.gz")),
    "kallisto": _Layout(
        "target_id", "est_counts", "tpm", "eff_length", ("abundance.tsv", "abundance.tsv.gz", "abundance.h5")
    ),
    "rsem genes": _Layout("gene_id", "expected_count", "TPM", "effective_length", ()),
    "rsem isoforms": _Layout("transcript_id", "expected_count", "TPM", "effective_length", ()),
}


def read_quantification(path: PathLike, kind: QuantificationType) -> Quantification:
    """One file (or one sample's folder) of salmon, kallisto or RSEM.

    Raises
    ------
    CountsError
        If it is not what that program writes (names the columns it lacks, or the row and column of a bad cell).
    """
    path = _file_in(Path(path), kind)
    report = ReadReport(path)
    content = read_bytes(path)
    if content.startswith(HDF5):
        return _kallisto_h5(path, kind)
    frame, first_line = read_delimited(as_text(content, report.source), report, separator="\t")
    layout = _layout(frame.columns, kind, report)
    wanted = (layout.counts, layout.abundance, layout.length)
    counts, abundance, lengths = (_column(frame, name, first_line, report) for name in wanted)
    ids = pd.Index(frame[layout.id].astype(str))
    if ids.has_duplicates:
        raise CountsError(f"{report.source} names {listed(ids[ids.duplicated()].unique())} more than once.")
    of_genes = layout.id == "gene_id"
    genes = pd.Index(frame["gene_id"].astype(str)) if layout.id == "transcript_id" else None
    return Quantification(ids, counts, abundance, lengths, genes, of_genes)


def quantifications_by_sample(
    files: Files, kind: QuantificationType, samples: pd.DataFrame | None, report: ReadReport
) -> dict[str, Path]:
    """{sample: path} from a folder, a list of files or of the samples' folders, or a mapping that says so already.

    In a folder, one subfolder a sample (or, of RSEM, one file): the sample is called as its folder is, which is how
    pipelines write salmon's and kallisto's output. The sample table's column ``fileName`` decides if there is one.
    """
    if isinstance(files, Mapping):
        return {str(name): Path(path) for name, path in files.items()}
    if isinstance(files, (str, Path)):
        folder = Path(files)
        if not folder.exists():
            raise CountsError(
                f"There is no file or folder {folder}. Give a folder with one subfolder a sample, or {{sample: path}}."
            )
        if folder.is_dir() and (named := files_of_table(folder, samples)) is not None:
            return named
        found = _all_below(folder, kind) if folder.is_dir() else [folder]
    else:
        found = [_file_in(Path(path), kind) for path in files]
    if not found:
        raise CountsError(
            f"{files} holds no {_file_names(kind)}. Give a folder with one subfolder a sample, or {{sample: path}}."
            if isinstance(files, (str, Path))
            else "No files were given."
        )
    return without_others(_named(found, kind, samples), samples, report)


def _all_below(folder: Path, kind: QuantificationType) -> list[Path]:
    """One file a folder (kallisto writes two), or all of RSEM's."""
    if kind == "rsem":
        return sorted(folder.rglob("*.genes.results*")) or sorted(folder.rglob("*.isoforms.results*"))
    first: dict[Path, Path] = {}
    for name in _LAYOUTS[kind].file_names:
        for path in sorted(folder.rglob(name)):
            first.setdefault(path.parent, path)
    return sorted(first.values())


def _named(paths: Sequence[Path], kind: QuantificationType, samples: pd.DataFrame | None) -> dict[str, Path]:
    if kind != "rsem" and all(path.name in _LAYOUTS[kind].file_names for path in paths):
        return named_by_folder(paths, samples)
    return named_one_way([[_ENDINGS.sub("", path.name) for path in paths]], paths, samples)


def _layout(columns: pd.Index, kind: QuantificationType, report: ReadReport) -> _Layout:
    key: str = kind
    if kind == "rsem":
        key = "rsem isoforms" if columns[0] == "transcript_id" else "rsem genes"
    layout = _LAYOUTS[key]
    lacking = [n for n in (layout.id, layout.counts, layout.abundance, layout.length) if n not in columns]
    if lacking:
        other = next((k for k, v in _LAYOUTS.items() if {v.id, v.counts, v.abundance, v.length} <= set(columns)), None)
        hint = f" It looks like {other.split()[0]}'s output: type='{other.split()[0]}'." if other else ""
        raise CountsError(f"{report.source} is not {kind}'s output: column(s) {listed(lacking)} are missing.{hint}")
    return layout


def _column(frame: pd.DataFrame, name: str, first_line: int, report: ReadReport) -> FloatArray:
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if len(bad):
        at = int(bad[0])
        raise CountsError(
            f"{report.source}: column '{name}' holds '{frame[name].iloc[at]}' in row {at + first_line}, and a number "
            "from 0 on is expected. Quantify this sample again."
        )
    return values


def _file_in(path: Path, kind: QuantificationType) -> Path:
    """The file itself, or the one that ``kind`` writes into a sample's folder."""
    if not path.is_dir():
        return path
    names: Sequence[str] = _LAYOUTS[kind].file_names if kind != "rsem" else ()
    found = [path / name for name in names if (path / name).exists()]
    if kind == "rsem":
        found = sorted(path.glob("*.genes.results*")) or sorted(path.glob("*.isoforms.results*"))
    if not found:
        raise CountsError(f"{path} holds no {_file_names(kind)}.")
    return found[0]


def _file_names(kind: QuantificationType) -> str:
    return " or ".join(_LAYOUTS[kind].file_names if kind != "rsem" else ("*.genes.results", "*.isoforms.results"))


def _kallisto_h5(path: Path, kind: QuantificationType) -> Quantification:
    if kind != "kallisto":
        raise OptionError(f"{source_name(path)} is an HDF5 file, which only kallisto writes; type='{kind}' was given.")
    try:
        import h5py
    except ImportError as error:
        raise MissingDependencyError(
            "kallisto's abundance.h5 needs h5py: pip install 'foldwise[anndata]' (or read abundance.tsv)"
        ) from error
    with h5py.File(path, "r") as file:
        try:
            ids = [i.decode() for i in _values(file, "aux/ids")]
            counts, lengths = _values(file, "est_counts").astype(float), _values(file, "aux/eff_lengths").astype(float)
        except KeyError as error:
            raise CountsError(f"{source_name(path)} is not kallisto's abundance.h5 ({error}).") from error
    rate = counts / lengths
    return Quantification(pd.Index(ids), counts, 1e6 * rate / rate.sum(), lengths)


def _values(file: Any, name: str) -> np.ndarray[Any, Any]:
    return np.asarray(file[name][...])
