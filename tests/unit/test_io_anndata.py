"""AnnData in and out, 10x matrices, and cells added up to samples."""

from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import mmwrite

import foldwise as fw
from foldwise.counts.sources import StoredCounts
from foldwise.io.to_anndata import to_anndata

anndata = pytest.importorskip("anndata")
RNG = np.random.default_rng(1)
GENES = [f"g{i}" for i in range(30)]
NAMES = [f"s{i}" for i in range(6)]
COUNTS = RNG.negative_binomial(5, 0.05, (6, 30))
OBS = pd.DataFrame(
    {"condition": pd.Categorical(["u", "t"] * 3, categories=["u", "t"]), "note": ["a", None, "b", "c", "d", None]},
    index=NAMES,
)


def adata(x=COUNTS, **slots):
    return anndata.AnnData(X=x, obs=OBS.copy(), var=pd.DataFrame({"symbol": GENES}, index=GENES), **slots)


# ------------------------------------------------------------------------------------------------ h5ad
def overwritten(path, new):
    """As ``cp new path`` does: the same file with other bytes."""
    new.write_h5ad(path.with_suffix(".new"))
    path.write_bytes(path.with_suffix(".new").read_bytes())


@pytest.mark.parametrize("made", [np.asarray, sparse.csr_matrix], ids=["dense", "csr"])
def test_a_backed_file_that_was_overwritten_is_refused(tmp_path, made):
    path = tmp_path / "x.h5ad"
    adata(made(COUNTS)).write_h5ad(path)
    os.utime(path, ns=(1, 1))  # a clock may be coarser than this test is fast
    data = fw.read_counts(path, backed=True)
    assert (data.counts.to_numpy() == COUNTS.T).all()
    overwritten(path, adata(made(COUNTS * 2)))
    with pytest.raises(fw.CountsError, match=r"x\.h5ad has changed since .* fit again"):
        data.counts  # noqa: B018


def test_a_backed_file_that_was_replaced_by_renaming_is_still_read(tmp_path):
    path = tmp_path / "x.h5ad"
    adata().write_h5ad(path)
    data = fw.read_counts(path, backed=True)
    adata(COUNTS * 2).write_h5ad(tmp_path / "new.h5ad")
    (tmp_path / "new.h5ad").replace(path)
    assert (data.counts.to_numpy() == COUNTS.T).all()


@pytest.mark.parametrize("rewrite", ["all", "values"])
@pytest.mark.parametrize("through", ["zarr", "dask"])
def test_a_zarr_store_that_was_overwritten_is_refused_by_workers_too(tmp_path, rewrite, through):
    zarr, path = pytest.importorskip("zarr"), tmp_path / "x.zarr"
    adata().write_zarr(path)
    for file in path.rglob("*"):
        os.utime(file, ns=(1, 1))
    x = zarr.open(path, mode="r")["X"]
    x = pytest.importorskip("dask.array").from_zarr(x) if through == "dask" else x
    sent = pickle.loads(pickle.dumps(StoredCounts(x)))
    assert (sent.read(0, 30) == COUNTS.T).all()
    if rewrite == "all":
        adata(COUNTS * 2).write_zarr(path)
    else:
        zarr.open(path, mode="r+")["X"][:] = COUNTS * 2
    with pytest.raises(fw.CountsError, match=r"x\.zarr has changed since"):
        sent.read(0, 30)


@pytest.mark.parametrize("made", [np.asarray, sparse.csr_matrix, sparse.csc_matrix], ids=["dense", "csr", "csc"])
@pytest.mark.parametrize("backed", [False, True])
def test_h5ad_in_memory_and_on_disk(tmp_path, made, backed):
    adata(made(COUNTS)).write_h5ad(tmp_path / "x.h5ad")
    before = (tmp_path / "x.h5ad").read_bytes()
    data = fw.read_counts(tmp_path / "x.h5ad", backed=backed)
    assert (data.counts.to_numpy() == COUNTS.T).all()
    assert list(data.samples["condition"].cat.categories) == ["u", "t"]
    assert list(data.genes["symbol"]) == GENES
    assert (tmp_path / "x.h5ad").read_bytes() == before


def test_a_layer_and_what_is_left_out(tmp_path):
    source = adata(np.log1p(COUNTS), layers={"counts": COUNTS, "raw2": COUNTS * 2}, obsm={"X_pca": np.zeros((6, 2))})
    source.write_h5ad(tmp_path / "x.h5ad")
    data = fw.read_counts(tmp_path / "x.h5ad", layer="raw2")
    assert (data.counts.to_numpy() == 2 * COUNTS.T).all()
    assert any("left out layer 'counts', obsm ('X_pca')" in line for line in data.provenance)
    assert (fw.read_counts(tmp_path / "x.h5ad").counts.to_numpy() == COUNTS.T).all()  # X holds no counts


def test_another_sample_table_and_fewer_samples(tmp_path):
    adata().write_h5ad(tmp_path / "x.h5ad")
    table = pd.DataFrame({"dose": [1.0, 2.0, 3.0]}, index=["s4", "s0", "s2"])
    with pytest.raises(fw.SamplesError, match="'s1', 's3', 's5'"):
        fw.read_counts(tmp_path / "x.h5ad", table)
    data = fw.read_counts(tmp_path / "x.h5ad", table, unlisted="drop")
    assert list(data.samples["dose"]) == [2.0, 3.0, 1.0]
    assert (data.counts["s4"].to_numpy() == COUNTS[4]).all()


def test_zarr_folder(tmp_path):
    adata().write_zarr(tmp_path / "x.zarr")
    assert (fw.read_counts(tmp_path / "x.zarr").counts.to_numpy() == COUNTS.T).all()


def test_damaged_h5ad(tmp_path):
    adata().write_h5ad(tmp_path / "x.h5ad")
    (tmp_path / "cut.h5ad").write_bytes((tmp_path / "x.h5ad").read_bytes()[:3000])
    with pytest.raises(fw.CountsError, match="cut.h5ad"):
        fw.read_counts(tmp_path / "cut.h5ad")


def test_data_round_trip(tmp_path):
    frame = pd.DataFrame(COUNTS.T, index=GENES, columns=NAMES)
    lengths = frame * 0 + RNG.uniform(500, 1500, frame.shape)
    given = {"size_factors": np.arange(1, 7) / 3, "average_lengths": lengths, "provenance": ("made here",)}
    data = fw.CountData(frame, OBS, genes=pd.DataFrame({"symbol": GENES}, index=GENES), **given)
    to_anndata(data).write_h5ad(tmp_path / "x.h5ad")
    back = fw.read_counts(tmp_path / "x.h5ad")
    pd.testing.assert_frame_equal(back.counts, data.counts)
    assert list(back.samples.columns) == ["condition", "note"]
    assert list(back.samples["condition"].cat.categories) == ["u", "t"]
    assert back.samples["note"].isna().tolist() == OBS["note"].isna().tolist()
    np.testing.assert_array_equal(back.size_factors, data.size_factors)
    np.testing.assert_array_equal(back.average_lengths, data.average_lengths)


def test_a_fit_goes_out_and_its_counts_come_back(tmp_path):
    data = fw.CountData(pd.DataFrame(COUNTS.T, index=GENES, columns=NAMES), OBS)
    fit = fw.deseq(data, "~ condition", progress=False)
    res = fit.results()
    out = to_anndata(fit, {"t/u": res})
    assert (out.X == COUNTS).all()
    np.testing.assert_allclose(out.layers["normalized"], COUNTS / fit.size_factors.to_numpy()[:, None])
    np.testing.assert_array_equal(out.obs["size_factors"], fit.size_factors)
    assert {"baseMean", "dispersion"} <= set(out.var)
    out.write_h5ad(tmp_path / "x.h5ad")
    again = anndata.read_h5ad(tmp_path / "x.h5ad")
    pd.testing.assert_frame_equal(
        again.varm["deseq2_t_u"][list(res.table.columns[:6])], res.table[list(res.table.columns[:6])], check_names=False
    )
    assert again.uns["foldwise"]["formula"] == "~ condition" or "condition" in again.uns["foldwise"]["formula"]
    back = fw.read_counts(tmp_path / "x.h5ad")
    assert back.size_factors is None and list(back.genes.columns) == []
    pd.testing.assert_frame_equal(back.counts, data.counts)


# ------------------------------------------------------------------------------------------------ 10x
def ten_x(folder: Path, *, old: bool = False, packed: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    mmwrite(folder / "matrix.mtx", sparse.coo_matrix(COUNTS.T))
    features = [f"ENS{i}\tsym{i % 29}" + ("" if old else "\tGene Expression") for i in range(30)]
    if not old:
        features[-1] = "CD3\tCD3\tAntibody Capture"
    (folder / ("genes.tsv" if old else "features.tsv")).write_text("\n".join(features) + "\n")
    (folder / "barcodes.tsv").write_text("\n".join(NAMES) + "\n")
    if packed:
        for path in list(folder.iterdir()):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    return folder


@pytest.mark.parametrize(("old", "packed"), [(False, True), (True, False)])
def test_10x_folders(tmp_path, old, packed):
    folder = ten_x(tmp_path / "m", old=old, packed=packed)
    cells = fw.read_10x(folder)
    n = 30 if old else 29
    assert cells.shape == (6, n) and list(cells.var_names[:2]) == ["ENS0", "ENS1"]
    assert (cells.X.toarray() == COUNTS[:, :n]).all()
    for data in (fw.read_10x(folder, OBS), fw.read_counts(folder, OBS)):
        assert (data.counts.to_numpy() == COUNTS[:, :n].T).all()
        assert data.genes["symbol"].iloc[0] == "sym0"
    assert old or any("left out 1 feature of other types: 'Antibody Capture'" in line for line in data.provenance)


def test_10x_h5(tmp_path):
    h5py = pytest.importorskip("h5py")
    matrix = sparse.csc_matrix(COUNTS.T)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for name in ("data", "indices", "indptr"):
            file[f"matrix/{name}"] = getattr(matrix, name)
        file["matrix/shape"] = matrix.shape
        file["matrix/barcodes"] = np.array(NAMES, dtype="S")
        file["matrix/features/id"] = np.array(GENES, dtype="S")
        file["matrix/features/name"] = np.array(GENES, dtype="S")
        file["matrix/features/feature_type"] = np.array(["Gene Expression"] * 30, dtype="S")
    assert (fw.read_10x(tmp_path / "m.h5").X.toarray() == COUNTS).all()
    assert (fw.read_counts(tmp_path / "m.h5", OBS).counts.to_numpy() == COUNTS.T).all()


def test_10x_errors(tmp_path):
    folder = ten_x(tmp_path / "m", packed=False)
    (folder / "barcodes.tsv").write_text("\n".join(NAMES[:5]) + "\n")
    with pytest.raises(fw.CountsError, match="30 x 6.*5 barcodes"):
        fw.read_10x(folder)
    (folder / "barcodes.tsv").unlink()
    with pytest.raises(fw.CountsError, match="no barcodes.tsv or barcodes.tsv.gz"):
        fw.read_10x(folder)
    cut = (folder / "matrix.mtx").read_text()
    (folder / "matrix.mtx").write_text(cut[: len(cut) // 2])
    (folder / "barcodes.tsv").write_text("\n".join(NAMES) + "\n")
    with pytest.raises(fw.CountsError, match="matrix.mtx"):
        fw.read_10x(folder)


# ------------------------------------------------------------------------------------------------ pseudobulk
N_CELLS = 900
CELLS = pd.DataFrame(
    {
        "donor": RNG.choice(["d1", "d2", "d3", "d4"], N_CELLS),
        "cell_type": pd.Categorical(RNG.choice(["T", "B"], N_CELLS, p=[0.8, 0.2]), categories=["T", "B", "none"]),
        "score": RNG.normal(size=N_CELLS),
    },
    index=[f"cell{i}" for i in range(N_CELLS)],
)
CELLS["condition"] = pd.Categorical(
    CELLS["donor"].map({"d1": "ctl", "d2": "ctl", "d3": "trt", "d4": "trt"}), categories=["trt", "ctl"]
)
X = RNG.poisson(0.3, (N_CELLS, 30))


def cells(x=X, **slots):
    return anndata.AnnData(X=x, obs=CELLS.copy(), var=pd.DataFrame(index=GENES), **slots)


def expected(cell_type: str, donor: str):
    return X[((CELLS["cell_type"] == cell_type) & (CELLS["donor"] == donor)).to_numpy()].sum(axis=0)


@pytest.mark.parametrize("made", [np.asarray, sparse.csr_matrix, sparse.csc_matrix], ids=["dense", "csr", "csc"])
def test_a_count_data_for_each_group(made, monkeypatch):
    monkeypatch.setattr("foldwise.io.cell_sums.CELLS_AT_ONCE", 137)
    source = cells(made(X))
    found = fw.pseudobulk(source, by="donor", groups="cell_type", min_cells=1)
    assert list(found) == ["T", "B"]
    for group, data in found.items():
        assert list(data.sample_names) == ["d1", "d2", "d3", "d4"]
        for donor in data.sample_names:
            assert (data.counts[donor].to_numpy() == expected(group, donor)).all()
        assert list(data.samples.columns) == ["donor", "condition", "n_cells"]
        assert list(data.samples["condition"].cat.categories) == ["trt", "ctl"]
    assert sum(d.samples["n_cells"].sum() for d in found.values()) == N_CELLS
    pd.testing.assert_frame_equal(source.obs, CELLS, check_categorical=False)


def test_all_cells_together_and_several_columns():
    data = fw.pseudobulk(cells(), by=["condition", "donor"])
    assert list(data.sample_names) == ["trt_d3", "trt_d4", "ctl_d1", "ctl_d2"]
    assert data.counts.to_numpy().sum() == X.sum()
    assert any("added up 900 cells (all cells) to 4 samples" in line for line in data.provenance)


def test_backed_and_layers(tmp_path):
    cells(np.log1p(X), layers={"counts": sparse.csr_matrix(X)}).write_h5ad(tmp_path / "c.h5ad")
    cells(sparse.csr_matrix(X)).write_h5ad(tmp_path / "x.h5ad")
    for source in (anndata.read_h5ad(tmp_path / "c.h5ad"), anndata.read_h5ad(tmp_path / "x.h5ad", backed="r")):
        data = fw.pseudobulk(source, by="donor")
        assert data.counts.to_numpy().sum() == X.sum()
    with pytest.raises(fw.CountsError, match="X does not hold counts.*'logs'"):
        fw.pseudobulk(cells(np.log1p(X), layers={"logs": np.log1p(X)}), by="donor")


def test_few_cells_and_missing_values_are_left_out_and_said_so():
    source = cells()
    source.obs.iloc[:50, source.obs.columns.get_loc("donor")] = np.nan
    most = pd.crosstab(source.obs["donor"], source.obs["cell_type"])["B"].max()
    with pytest.warns(fw.FoldwiseWarning, match=rf"'cell_type' left out.*min_cells=60 .*: 'B' \(at most {most}\)\."):
        found = fw.pseudobulk(source, by="donor", groups="cell_type", min_cells=60)
    assert list(found) == ["T"]
    assert any("left out group 'B'" in line for line in found["T"].provenance)
    assert any("left out 50 cells without a value" in line for line in found["T"].provenance)
    with pytest.raises(fw.SamplesError, match="lower min_cells"):
        fw.pseudobulk(source, by="donor", groups="cell_type", min_cells=1000)
    with pytest.raises(fw.SamplesError, match="no column 'batch'"):
        fw.pseudobulk(source, by=["donor", "batch"])
    with pytest.raises(fw.OptionError, match="no column twice"):
        fw.pseudobulk(source, by="donor", groups="donor")


def test_a_group_with_a_slash_keeps_its_name():
    source = cells()
    source.obs["cell_type"] = source.obs["cell_type"].astype(str).replace("T", "NK/weird")
    found = fw.pseudobulk(source, by="donor", groups="cell_type", min_cells=1)
    assert any(line.startswith("pseudobulk of NK/weird: added up") for line in found["NK/weird"].provenance)


@pytest.mark.parametrize("made", [np.asarray, sparse.csr_matrix], ids=["dense", "csr"])
@pytest.mark.parametrize("odd", [-1.0, 0.5])
def test_an_x_of_counts_but_for_one_value_is_not_passed_over_in_silence(made, odd):
    x, bulk_x = X.astype(float), COUNTS.astype(float)
    x[3, 2] = bulk_x[3, 2] = odd
    said = rf"but for 1 of the .* \(the first: {odd:g}, '(cell3|s3)', 'g2'\); layer 'counts' is read"
    with pytest.warns(fw.FoldwiseWarning, match=said) as given:
        data = fw.pseudobulk(cells(made(x), layers={"counts": made(X)}), by="donor")
    assert len(given) == 1 and data.counts.to_numpy().sum() == X.sum()
    with pytest.warns(fw.FoldwiseWarning, match=said):
        data = fw.CountData(adata(made(bulk_x), layers={"counts": made(COUNTS)}))
    assert (data.counts.to_numpy() == COUNTS.T).all()


def test_a_normalized_x_is_passed_over_without_a_warning(recwarn):
    x = np.log1p(X / np.maximum(X.sum(axis=1, keepdims=True), 1) * 1e4)
    fw.pseudobulk(cells(sparse.csr_matrix(x), layers={"counts": X}), by="donor")
    assert not [w for w in recwarn if "layer 'counts'" in str(w.message)]


def test_pseudobulk_without_layers_says_where_counts_may_be() -> None:
    cells = anndata.AnnData(np.full((4, 3), 0.5), obs=pd.DataFrame({"s": list("aabb")}, index=list("wxyz")))
    with pytest.raises(fw.CountsError, match="It has no layers: read the raw counts anew"):
        fw.pseudobulk(cells, by="s")
    cells.raw = cells.copy()
    with pytest.raises(fw.CountsError, match="adata.raw may hold the counts"):
        fw.pseudobulk(cells, by="s")


# ------------------------------------------------------------------------------------------------ a fit of a fit
def two_batches():
    return fw.simulate(n_genes=200, n_samples=12, seed=5, n_batches=2).data


def assert_holds(out, fit):
    for name in fit.genes:
        np.testing.assert_array_equal(out.var[name].astype(float), fit.genes[name].astype(float), err_msg=name)
    assert set(fit.genes) == set(out.uns["foldwise"]["var_added"])
    np.testing.assert_array_equal(out.obs["size_factors"], fit.size_factors)
    assert list(out.uns["foldwise"]["obs_added"]) == ["size_factors"]


@pytest.mark.parametrize("through", ["memory", "file"])
def test_a_second_fit_of_what_a_first_one_wrote_has_its_own_values(tmp_path, through, recwarn):
    first = fw.deseq(two_batches().to_anndata(), "~ condition", test="LRT", reduced="~ 1")
    wrote = first.to_anndata()
    if through == "file":
        wrote.write_h5ad(tmp_path / "x.h5ad")
        wrote = anndata.read_h5ad(tmp_path / "x.h5ad")[2:].copy()
    kept = wrote.var.copy()
    second = fw.deseq(wrote, "~ batch + condition")
    out = second.to_anndata()
    assert_holds(out, second)
    assert "fullBetaConv" in first.genes and "fullBetaConv" not in out.var  # the first fit's alone
    assert not [w for w in recwarn if "of the data had" in str(w.message)]
    pd.testing.assert_frame_equal(wrote.var, kept)


def test_columns_that_foldwise_did_not_write_give_way_with_one_warning():
    source = two_batches().to_anndata()
    source.var["baseMean"], source.obs["size_factors"], source.var["symbol"] = "mine", 1.0, "x"
    fit = fw.deseq(source, "~ condition")
    with pytest.warns(fw.FoldwiseWarning, match=r'obs\["size_factors"\], var\["baseMean"\] of the data') as given:
        out = fit.to_anndata()
    assert len(given) == 1 and list(out.var["symbol"]) == ["x"] * 200 and list(source.var["baseMean"]) == ["mine"] * 200
    assert_holds(out, fit)
    del out.uns["foldwise"]
    second = fw.deseq(out, "~ batch + condition")
    with pytest.warns(fw.FoldwiseWarning, match=r'var\["dispersion"\]'):
        assert_holds(second.to_anndata(), second)


# ------------------------------------------------------------------------------------------------ lazy AnnData
@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
@pytest.mark.parametrize("made", [np.asarray, sparse.csr_matrix, sparse.csc_matrix], ids=["dense", "csr", "csc"])
def test_lazy_anndata_is_as_one_in_memory(tmp_path, kind, made):
    pytest.importorskip("xarray")
    wrote = fw.deseq(two_batches(), "~ batch").to_anndata()  # with columns of an earlier fit
    wrote.X = made(wrote.X)
    getattr(wrote, f"write_{kind}")(tmp_path / f"x.{kind}")
    lazy = anndata.experimental.read_lazy(tmp_path / f"x.{kind}")
    found, expected = fw.deseq(lazy, "~ batch + condition"), fw.deseq(two_batches(), "~ batch + condition")
    pd.testing.assert_frame_equal(found.results().table, expected.results().table, check_names=False)
    assert_holds(found.to_anndata(), expected)
    bulk = fw.pseudobulk(lazy, by="condition", min_cells=1)
    assert list(bulk.samples["n_cells"]) == [6, 6]
    assert fw.diagnose(lazy, "~ condition").can_be_fitted
