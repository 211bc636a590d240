"""AnnData is taken wherever counts are; what only holds data, or holds cells, is told what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import foldwise as fw

anndata = pytest.importorskip("anndata")
MADE = fw.simulate(n_genes=150, n_samples=8, seed=4)
DATA = MADE.data


def cells(n: int = 400) -> anndata.AnnData:
    rng = np.random.default_rng(2)
    obs = pd.DataFrame({"donor": rng.choice(list("abcd"), n), "condition": rng.choice(["x", "y"], n)})
    counts = rng.negative_binomial(0.3, 0.1, (n, 60)) * rng.integers(0, 2, (n, 1))
    return anndata.AnnData(
        sparse.csr_matrix(counts + np.eye(60, dtype=int)[np.arange(n) % 60]),
        obs=obs.set_index("c" + obs.index.astype(str)),
    )


def test_quality_takes_anndata():
    found, expected = fw.quality(DATA.to_anndata()), fw.quality(DATA)
    pd.testing.assert_frame_equal(found.samples, expected.samples)
    pd.testing.assert_frame_equal(found.transformed, expected.transformed)


@pytest.mark.parametrize(
    "name", ["pca", "scree", "sample_distances", "sample_correlation", "heatmap", "sparsity", "size_factors"]
)
def test_pictures_take_anndata(name):
    axes = getattr(fw.plots, name)(DATA.to_anndata())
    expected = getattr(fw.plots, name)(DATA)
    assert [c.get_offsets().tolist() for c in axes.collections] == [
        c.get_offsets().tolist() for c in expected.collections
    ]
    assert [t.get_text() for t in axes.texts] == [t.get_text() for t in expected.texts]


def test_counts_of_a_gene_by_a_column_of_obs():
    axes = fw.plots.counts(DATA.to_anndata(), DATA.gene_names[0], group="condition")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["A", "B"]


def test_size_factors_of_a_bare_table():
    pd.testing.assert_series_equal(fw.estimate_size_factors(DATA.counts), fw.estimate_size_factors(DATA))


@pytest.mark.parametrize("function", [lambda x: fw.deseq(x, "~ condition"), fw.estimate_size_factors, fw.vst])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"T": DATA, "B": DATA}, r"2 data sets in a dict: 'T', 'B'. fw\.deseq_many\(data, design\)"),
        (MADE, r"a Simulation, which has them in \.data"),
    ],
    ids=["dict", "simulation"],
)
def test_what_holds_data_is_told_from_counts(function, given, said):
    with pytest.raises(fw.CountsError, match=said):
        function(given)


def test_cells_are_pointed_to_pseudobulk():
    with pytest.raises(fw.CountsError, match=r"(?s)Every gene contains.*fw\.pseudobulk\(adata, by="):
        fw.deseq(cells(), "~ condition")
    with pytest.warns(fw.FoldwiseWarning, match=r"400 observations.*fw\.pseudobulk") as given:
        fw.deseq(cells(), "~ condition", sf_type="poscounts", fit_type="mean")
    assert sum("pseudobulk" in str(w.message) for w in given) == 1
    for asked in (cells(), fw.CountData(cells())):
        assert "fw.pseudobulk" in str(fw.diagnose(asked, "~ condition"))


def test_samples_are_not_taken_for_cells(recwarn):
    table = cells()
    fw.deseq(
        fw.CountData(pd.DataFrame(table.X.toarray().T, columns=table.obs_names), table.obs),
        "~ condition",
        sf_type="poscounts",
        fit_type="mean",
    )
    fw.deseq(DATA.to_anndata(), "~ condition")
    assert "pseudobulk" not in str(fw.diagnose(DATA.to_anndata(), "~ condition"))
    assert not [w for w in recwarn if "pseudobulk" in str(w.message)]
