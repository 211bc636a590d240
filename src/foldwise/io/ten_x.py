"""10x Genomics (and STARsolo): matrix.mtx with its features and barcodes, or the same in one .h5 file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.counts.sample_names import why_names_differ
from foldwise.errors import CountsError, MissingDependencyError, SamplesError, listed
from foldwise.io.opening import as_text, read_bytes
from foldwise.io.read_report import PathLike, ReadReport, how_many
from foldwise.io.sample_table import as_sample_table

if TYPE_CHECKING:
    from foldwise.counts import CountData

FEATURES = ("features.tsv", "features.tsv.gz", "genes.tsv", "genes.tsv.gz")
BARCODES = ("barcodes.tsv", "barcodes.tsv.gz")


@dataclass(frozen=True, slots=True)
class TenX:
    """A 10x matrix: sparse counts (genes x barcodes, CSR), the genes' table indexed by id, the barcodes."""

    counts: Any
    genes: pd.DataFrame
    barcodes: pd.Index
    notes: tuple[str, ...]


@checked
def read_10x(
    path: PathLike,
    samples: pd.DataFrame | PathLike | None = None,
    *,
    feature_type: str | None = "Gene Expression",
) -> CountData | Any:
    """Counts from a 10x folder (matrix.mtx, features.tsv or genes.tsv, barcodes.tsv; plain or .gz) or .h5 file.

    Genes are named by their ids, because symbols occur twice; symbols are kept as a column.

    Parameters
    ----------
    path : the folder, its matrix.mtx, or the .h5 file.
    samples : a sample table or its path, for matrices whose columns are samples: gives a ``CountData``. Without it the
        result is an AnnData of cells (for ``fw.pseudobulk``), which needs the ``anndata`` extra.
    feature_type : which features of a mixed experiment to keep; None keeps all.
    """
    from foldwise.counts import CountData

    read = ten_x_matrix(path, feature_type=feature_type)
    if samples is None:
        return _as_anndata(read)
    table = as_sample_table(samples)
    if set(table.index) != set(read.barcodes):
        raise SamplesError(why_names_differ(read.barcodes, table.index))
    return CountData(read.counts, table.loc[read.barcodes], genes=read.genes, provenance=read.notes)


def ten_x_matrix(path: PathLike, *, feature_type: str | None = "Gene Expression") -> TenX:
    """What a 10x folder or .h5 file holds (see ``read_10x``)."""
    report, path = ReadReport(path), Path(path)
    if path.is_file() and is_ten_x_h5(path):
        counts, genes, barcodes = _from_h5(path)
    else:
        counts, genes, barcodes = _from_folder(path, report)
    if counts.shape != (len(genes), len(barcodes)):
        raise CountsError(
            f"{report.source}: the matrix is {counts.shape[0]} x {counts.shape[1]}, but there are {len(genes)} "
            f"features and {len(barcodes)} barcodes. Are all three files of the same run?"
        )
    if feature_type is not None and "feature_type" in genes and (keep := genes["feature_type"] == feature_type).any():
        if not keep.all():
            others = genes["feature_type"][~keep].unique()
            report.note(f"left out {how_many(int((~keep).sum()), 'feature')} of other types: {listed(others)}")
        counts, genes = counts[np.flatnonzero(keep)], genes[keep]
    report.note(f"read {how_many(len(genes), 'gene')} in {how_many(len(barcodes), 'barcode')}, named by id")
    return TenX(counts, genes, barcodes, report.lines)


def _from_folder(path: Path, report: ReadReport) -> tuple[Any, pd.DataFrame, pd.Index]:
    from scipy.io import mmread

    folder = path if path.is_dir() else path.parent
    matrix = _one_of(folder, ("matrix.mtx", "matrix.mtx.gz")) if path.is_dir() else path
    features, barcodes = _one_of(folder, FEATURES), _one_of(folder, BARCODES)
    try:
        counts = mmread(io.BytesIO(read_bytes(matrix))).tocsr()
    except (ValueError, IndexError, StopIteration, AttributeError, OverflowError) as error:
        raise CountsError(f"{matrix} is no complete Matrix Market file ({error}). Copy it again.") from error
    rows = [line.split("\t") for line in _lines(features)]
    columns = ["id", "symbol", "feature_type"][: len(rows[0])]
    genes = pd.DataFrame([row[: len(columns)] for row in rows], columns=columns).set_index("id")
    return counts, genes, pd.Index([line.split("\t")[0] for line in _lines(barcodes)], dtype=object)


def _one_of(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise CountsError(f"{folder} has no {' or '.join(names)}.")


def _lines(path: Path) -> list[str]:
    return [line for line in as_text(read_bytes(path), path.name).decode().split("\n") if line]


def is_ten_x_h5(path: PathLike) -> bool:
    """Whether an HDF5 file is Cell Ranger's (it has a group ``matrix``)."""
    try:
        import h5py
    except ImportError as error:
        raise MissingDependencyError("HDF5 files need h5py: pip install 'foldwise[anndata]'") from error
    try:
        with h5py.File(path, "r") as file:
            return "matrix" in file and "barcodes" in file["matrix"]
    except OSError as error:
        if Path(path).suffix in (".h5", ".h5ad"):
            raise CountsError(f"{Path(path).name} is a damaged HDF5 file ({error}). Copy it again.") from error
        return False


def _from_h5(path: Path) -> tuple[Any, pd.DataFrame, pd.Index]:
    import h5py
    from scipy import sparse

    with h5py.File(path, "r") as file:
        group = file["matrix"]
        parts = tuple(group[name][...] for name in ("data", "indices", "indptr"))
        counts = sparse.csc_matrix(parts, shape=tuple(group["shape"][...])).tocsr()
        features, barcodes = group["features"], pd.Index(_decoded(group["barcodes"]), dtype=object)
        genes = pd.DataFrame(
            {"symbol": _decoded(features["name"])}, index=pd.Index(_decoded(features["id"]), name="id")
        )
        if "feature_type" in features:
            genes["feature_type"] = _decoded(features["feature_type"])
    return counts, genes, barcodes


def _decoded(values: Any) -> list[str]:
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values[...]]


def _as_anndata(read: TenX) -> Any:
    try:
        import anndata
    except ImportError as error:
        raise MissingDependencyError(
            "Cells come as AnnData: pip install 'foldwise[anndata]' (or give samples= if columns are samples)"
        ) from error
    return anndata.AnnData(
        X=read.counts.T.tocsr(),
        obs=pd.DataFrame(index=read.barcodes.astype(str)),
        var=read.genes,
        uns={"provenance": list(read.notes)},
    )
