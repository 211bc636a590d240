"""Cells added up to samples: a CountData for each group of cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray, IntArray
from foldwise.counts.labels import annotation_of, layer_of_counts
from foldwise.errors import CountsError, OptionError, SamplesError, listed
from foldwise.io.read_report import ReadReport, how_many
from foldwise.warn import warn

if TYPE_CHECKING:
    from foldwise.counts import CountData

CELLS_AT_ONCE = 10_000
CELLS_LOOKED_AT = 200  # to see whether X holds counts


@checked
def pseudobulk(
    adata: Any,
    *,
    by: str | Sequence[str],
    groups: str | None = None,
    layer: str | None = None,
    min_cells: int = 10,
    separator: str = "_",
) -> CountData | dict[str, CountData]:
    """Adds up the counts of cells that belong to the same sample, for each group of cells apart.

    Testing cells as if they were samples takes cells of one donor for replicates (Squair et al. 2021, Nature
    Communications 12:5692); sums by donor do not.

    Parameters
    ----------
    adata : AnnData
        Cells x genes; sparse, dense, dask or backed by a file. It is not changed; cells are read by blocks.
    by : columns of ``obs`` that together say which sample a cell is from, e.g. ``["donor", "condition"]``.
    groups : column of ``obs`` with the groups, e.g. cell types; None for all cells together.
    layer : the layer that holds counts, instead of ``X`` (or ``layers["counts"]`` if ``X`` holds no counts).
    min_cells : samples with fewer cells in a group are left out of it, and said so in ``provenance``.
    separator : between the values of ``by`` in sample names.

    Returns
    -------
    dict of CountData by group (groups without a sample left are not in it, with a warning), or one CountData without ``groups``.
        Sample tables have the columns ``by``, all columns of ``obs`` that do not vary within a sample, and
        ``n_cells``. Categories keep their order.

    Raises
    ------
    SamplesError
        If a column is not in ``obs``, or no sample has enough cells.
    CountsError
        If the values are no counts; names the layers there are.
    """
    columns = [by] if isinstance(by, str) else list(by)
    obs = annotation_of(adata, "obs")
    _check(obs, columns, groups)
    report = ReadReport("pseudobulk")
    keys = columns if groups is None else [groups, *columns]
    codes, bulks = _bulk_of_cell(obs, keys, report)
    n_cells = np.bincount(codes[codes >= 0], minlength=len(bulks))
    sums = _sums(adata, layer, codes, len(bulks), report)
    bulks["n_cells"] = n_cells
    constant = _constant_columns(obs, codes, len(bulks), keys)
    bulks = pd.concat([bulks[columns + ([] if groups is None else [groups])], constant, bulks[["n_cells"]]], axis=1)
    names = pd.Index([separator.join(map(str, row)) for row in bulks[columns].itertuples(index=False)], dtype=object)
    genes = annotation_of(adata, "var")
    if groups is None:
        return _one_group(sums, bulks, names, genes, min_cells, report, "all cells")
    lost = _lost_groups(obs[groups], bulks, min_cells, report)
    found: dict[str, CountData] = {}
    for group in _in_order(obs[groups]):
        of_group = np.flatnonzero((bulks[groups] == group).to_numpy())
        table = bulks.iloc[of_group].drop(columns=groups)
        own = ReadReport(f"pseudobulk of {group}", report.lines, is_file=False)
        if str(group) not in lost:
            found[str(group)] = _one_group(sums[of_group], table, names[of_group], genes, min_cells, own, str(group))
    if not found:
        raise SamplesError(
            f"No sample has {min_cells} cells in any group of '{groups}' (at most {max(lost.values())}); lower min_cells."
        )
    if lost:
        said = ", ".join(f"'{group}' (at most {n})" for group, n in lost.items())
        warn(f"Groups of '{groups}' left out, as no sample has min_cells={min_cells} cells of them: {said}.")
    return found


def _lost_groups(column: pd.Series, bulks: pd.DataFrame, min_cells: int, report: ReadReport) -> dict[str, int]:
    """Groups without a sample of enough cells, with the most that one has; in the provenance of all groups."""
    most = {str(group): 0 for group in _in_order(column)}
    for group, n in zip(bulks[column.name], bulks["n_cells"], strict=True):
        most[str(group)] = max(most[str(group)], int(n))
    lost = {group: n for group, n in most.items() if n < min_cells}
    for group, n in lost.items():
        report.note(f"left out group '{group}': no sample has {min_cells} cells of it (at most {n})")
    return lost


def _check(obs: pd.DataFrame, columns: list[str], groups: str | None) -> None:
    wanted = columns + ([] if groups is None else [groups])
    lacking = [c for c in wanted if c not in obs]
    if lacking:
        raise SamplesError(f"obs has no column {listed(lacking)}; it has {listed(obs.columns, 20)}.")
    if not columns or len(set(wanted)) < len(wanted):
        raise OptionError("by= needs at least one column, and no column twice (groups= counts too).")


def _bulk_of_cell(obs: pd.DataFrame, keys: list[str], report: ReadReport) -> tuple[IntArray, pd.DataFrame]:
    """Which combination of keys each cell belongs to (-1: a value is missing), and the combinations, in order."""
    grouped = obs[keys].groupby(keys, observed=True, sort=True, dropna=True)
    codes = grouped.ngroup().to_numpy(dtype=np.int64, na_value=-1)
    missing = int((codes < 0).sum())
    if missing:
        report.note(f"left out {how_many(missing, 'cell')} without a value in {listed(keys)}")
    if missing == len(codes):
        raise SamplesError(f"No cell has a value in all of {listed(keys)}.")
    first = pd.Series(np.arange(len(codes))[codes >= 0]).groupby(codes[codes >= 0]).first()
    return codes.astype(np.int64), obs[keys].iloc[first.to_numpy()].reset_index(drop=True)


def _sums(adata: Any, layer: str | None, codes: IntArray, n_bulks: int, report: ReadReport) -> FloatArray:
    """Counts added up by bulk, (n_bulks, n_genes); exact, since sums of whole numbers are."""
    chosen, _ = layer_of_counts(adata, layer, CELLS_LOOKED_AT)
    if chosen != layer:
        report.note("X does not hold counts: added up layer 'counts'")
    layer = chosen
    matrix = adata.X if layer is None else adata.layers[layer]
    if matrix is None:
        raise CountsError("The AnnData has no X: name the layer that holds the counts with layer=.")
    total = np.zeros((n_bulks, adata.n_vars))
    for start, block in _blocks(matrix, adata.n_obs):
        if not _are_counts(block):
            raise CountsError(
                f"{'X' if layer is None else f'Layer {layer!r}'} does not hold counts (values that are negative or not "
                f"whole, from cell {start + 1} on). {_where_counts_may_be(adata)}"
            )
        own = codes[start : start + block.shape[0]]
        kept = np.flatnonzero(own >= 0)
        if len(kept):
            present, where = np.unique(own[kept], return_inverse=True)
            total[present] += _by_bulk(block, kept, where, len(present))
    return total


def _where_counts_may_be(adata: Any) -> str:
    if len(adata.layers):
        return f"Name the layer with raw counts (layer=); there are {listed(adata.layers.keys(), 20)}."
    if getattr(adata, "raw", None) is not None:
        return "It has no layers; adata.raw may hold the counts: pass adata.raw.to_adata() with the same obs."
    return "It has no layers: read the raw counts anew, before they were normalized."


def _by_bulk(block: Any, cells: IntArray, where: IntArray, n: int) -> FloatArray:
    from scipy import sparse

    indicator = sparse.csr_matrix((np.ones(len(cells)), (where, cells)), shape=(n, block.shape[0]))
    summed = indicator @ block
    return np.asarray(summed.toarray() if hasattr(summed, "toarray") else summed, dtype=np.float64)


def _blocks(matrix: Any, n_cells: int) -> Iterator[tuple[int, Any]]:
    for start in range(0, n_cells, CELLS_AT_ONCE):
        yield start, _in_memory(matrix[start : start + CELLS_AT_ONCE])


def _in_memory(block: Any) -> Any:
    block = block.compute() if hasattr(block, "compute") else block
    return block.tocsr() if hasattr(block, "tocsr") else np.asarray(block)


def _are_counts(block: Any) -> bool:
    values = np.asarray(block.data if hasattr(block, "indptr") else block)
    return values.dtype.kind in "bu" or bool(np.all(values >= 0) and np.all(values == np.floor(values)))


def _constant_columns(obs: pd.DataFrame, codes: IntArray, n_bulks: int, keys: list[str]) -> pd.DataFrame:
    """Columns of obs with one value in each bulk: what is known of the sample and not of the cell."""
    inside = codes >= 0
    first = np.full(n_bulks, -1)
    first[codes[inside][::-1]] = np.flatnonzero(inside)[::-1]
    kept = {}
    for name in obs.columns:
        if name in keys:
            continue
        values, _ = pd.factorize(obs[name])
        if (values[inside] == values[first[codes[inside]]]).all():
            kept[name] = obs[name].iloc[first].reset_index(drop=True)
    return pd.DataFrame(kept, index=pd.RangeIndex(n_bulks))


def _in_order(column: pd.Series) -> list[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [c for c in column.cat.categories if (column == c).any()]
    return sorted(column.dropna().unique())


def _one_group(
    sums: FloatArray,
    table: pd.DataFrame,
    names: pd.Index,
    genes: pd.DataFrame,
    min_cells: int,
    report: ReadReport,
    what: str,
) -> CountData:
    from foldwise.counts import CountData

    if names.has_duplicates:
        raise SamplesError(f"Samples get the same name: {listed(names[names.duplicated()])}. Give another separator=.")
    enough = (table["n_cells"] >= min_cells).to_numpy()
    if not enough.any():
        raise SamplesError(f"No sample has {min_cells} cells; lower min_cells.")
    if not enough.all():
        report.note(f"left out {how_many(int((~enough).sum()), 'sample')} with fewer than {min_cells} cells: "
                    f"{listed(names[~enough])}")  # fmt: skip
    table = table[enough].set_axis(names[enough], axis=0)
    table = table.apply(lambda c: c.cat.remove_unused_categories() if isinstance(c.dtype, pd.CategoricalDtype) else c)
    report.note(f"added up {int(table['n_cells'].sum()):,} cells ({what}) to {how_many(len(table), 'sample')}")
    counts = pd.DataFrame(sums[enough].T, index=genes.index, columns=table.index)
    return CountData(counts, table, genes=genes, provenance=report.lines)
