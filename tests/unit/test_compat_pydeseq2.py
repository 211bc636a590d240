"""Scripts written for PyDESeq2, with their imports changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.errors import FoldwiseWarning

pytest.importorskip("anndata")
from foldwise.compat.pydeseq2.dds import DeseqDataSet
from foldwise.compat.pydeseq2.default_inference import DefaultInference
from foldwise.compat.pydeseq2.ds import DeseqStats

CONTRAST = ["condition", "B", "A"]


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts (samples x genes) and metadata, as PyDESeq2 takes them."""
    rng = np.random.default_rng(3)
    samples = [f"s{i}" for i in range(12)]
    metadata = pd.DataFrame({"condition": list("AB") * 6, "group": ["x"] * 6 + ["y"] * 6}, index=samples)
    means = rng.lognormal(4.5, 1, 200)
    change = np.where(np.arange(200) % 5 == 0, 1.5, 0.0)
    expected = means * 2.0 ** np.outer(metadata["condition"] == "B", change) * rng.uniform(0.7, 1.4, (12, 1))
    size = 1 / (0.05 + 2 / expected)
    counts = rng.negative_binomial(size, size / (size + expected))
    counts[:, 7] = 0
    return pd.DataFrame(counts, index=samples, columns=[f"gene{i}" for i in range(200)]), metadata


@pytest.fixture(scope="module")
def fitted(tables) -> DeseqDataSet:
    counts, metadata = tables
    dds = DeseqDataSet(
        counts=counts,
        metadata=metadata,
        design="~group + condition",
        refit_cooks=True,
        inference=DefaultInference(n_cpus=1),
        quiet=True,
    )
    dds.deseq2()
    return dds


@pytest.fixture(scope="module")
def reference(tables):
    counts, metadata = tables
    return fw.deseq(counts.T, "~ group + condition", samples=metadata, progress=False)


def test_the_common_script(fitted, reference, capsys):
    ds = DeseqStats(fitted, contrast=CONTRAST, inference=DefaultInference(n_cpus=1))
    ds.summary()
    assert "condition B vs A" in capsys.readouterr().out
    expected = reference.results(("condition", "B", "A"), alpha=0.05).table.drop(columns="status")
    pd.testing.assert_frame_equal(ds.results_df, expected, check_names=False)
    assert ds.padj.lt(0.05).sum() > 20
    assert np.isnan(ds.results_df.loc["gene7", "log2FoldChange"])


def test_what_is_filled_in_has_pydeseq2_s_names_and_scales(fitted, reference):
    names = ["Intercept", "group[T.y]", "condition[T.B]"]
    assert list(fitted.varm["LFC"].columns) == list(fitted.obsm["design_matrix"].columns) == names
    np.testing.assert_allclose(fitted.varm["LFC"], reference.coefficients * np.log(2))
    np.testing.assert_array_equal(fitted.obs["size_factors"], reference.size_factors)
    np.testing.assert_allclose(fitted.layers["normed_counts"], reference.counts(normalized=True).T)
    assert fitted.layers["cooks"].shape == fitted.shape == (12, 200)
    for name in (
        "genewise_dispersions",
        "fitted_dispersions",
        "MAP_dispersions",
        "dispersions",
        "non_zero",
        "replaced",
        "refitted",
    ):
        assert name in fitted.var
    assert list(fitted.uns["trend_coeffs"].index) == ["a0", "a1"]
    assert fitted.disp_function(np.array([10.0])) == pytest.approx(fitted.uns["trend_coeffs"] @ [1, 0.1])


def test_numeric_contrasts(fitted):
    asked = fitted.contrast("condition", "A", "B")
    assert asked.to_dict() == {"Intercept": 0, "group[T.y]": 0, "condition[T.B]": 1}
    assert fitted.cond(condition="B", group="y").tolist() == [1, 1, 1]
    by_name = DeseqStats(fitted, contrast=CONTRAST, quiet=True).results_df
    for vector in (asked, asked.to_numpy(), fitted.cond(condition="B") - fitted.cond(condition="A")):
        found = DeseqStats(fitted, contrast=vector, quiet=True).results_df
        np.testing.assert_allclose(found["pvalue"], by_name["pvalue"], rtol=1e-9)


def test_shrinking_changes_fold_changes_alone(fitted, reference):
    ds = DeseqStats(fitted, contrast=CONTRAST, quiet=True)
    ds.summary()
    before = ds.results_df.copy()
    ds.lfc_shrink(coeff="condition[T.B]")
    expected = reference.shrink(coef="condition_B_vs_A", type="apeglm").table
    np.testing.assert_allclose(ds.results_df["log2FoldChange"], expected["log2FoldChange"], rtol=1e-6)
    np.testing.assert_array_equal(ds.results_df["padj"], before["padj"])
    assert ds.shrunk_LFCs
    with pytest.raises(KeyError, match=r"condition\[T.C\]"):
        ds.lfc_shrink(coeff="condition[T.C]")


def test_thresholds_and_filters(fitted, reference):
    ds = DeseqStats(
        fitted, contrast=CONTRAST, lfc_null=0.5, alt_hypothesis="greaterAbs", cooks_filter=False, quiet=True
    )
    options = {"lfc_threshold": 0.5, "alt_hypothesis": "greaterAbs", "alpha": 0.05, "cooks_cutoff": False}
    expected = reference.results(("condition", "B", "A"), **options).table
    np.testing.assert_array_equal(ds.results_df["padj"], expected["padj"])
    ds.summary(lfc_null=0.0, alt_hypothesis=None, independent_filter=False)
    plain = reference.results(("condition", "B", "A"), independent_filtering=False, cooks_cutoff=False).table
    np.testing.assert_array_equal(ds.results_df["padj"], plain["padj"])
    with pytest.raises(ValueError, match="alt_hypothesis"):
        DeseqStats(fitted, contrast=CONTRAST, lfc_null=1.0)


def test_the_steps_one_by_one(tables, reference):
    counts, metadata = tables
    dds = DeseqDataSet(counts=counts, metadata=metadata, design="~group + condition", n_cpus=1, quiet=True)
    dds.fit_size_factors()
    np.testing.assert_array_equal(dds.obs["size_factors"], reference.size_factors)
    steps = ("genewise_dispersions", "dispersion_trend", "dispersion_prior", "MAP_dispersions", "LFC")
    for step in (*(f"fit_{name}" for name in steps), "calculate_cooks", "refit"):
        getattr(dds, step)()
    np.testing.assert_array_equal(dds.var["dispersions"], reference.genes["dispersion"])
    assert not dds.cooks_outlier().any()


def test_anndata_in_and_out(tables, tmp_path):
    import anndata

    counts, metadata = tables
    adata = anndata.AnnData(counts.astype(np.float32), obs=metadata)
    dds = DeseqDataSet(adata=adata, design="~condition", quiet=True, n_cpus=1, low_memory=True)
    assert isinstance(dds, anndata.AnnData)
    dds.deseq2()
    assert "cooks" not in dds.layers
    plain = dds.to_picklable_anndata()
    assert type(plain) is anndata.AnnData
    assert "LFC" in plain.varm
    assert "size_factors" not in adata.obs


def test_vst(tables):
    counts, metadata = tables
    dds = DeseqDataSet(counts=counts, metadata=metadata, design="~condition", quiet=True, n_cpus=1)
    dds.vst()
    data = fw.CountData(counts.T, metadata)
    expected = fw.variance_stabilizing_transformation(data)
    np.testing.assert_allclose(dds.layers["vst_counts"], expected.T)
    np.testing.assert_allclose(dds.vst_transform(counts.to_numpy()), expected.T)


def test_older_ways_to_say_the_design(tables):
    counts, metadata = tables
    metadata = metadata.assign(batch=[1, 2, 3] * 4)
    dds = DeseqDataSet(
        counts=counts,
        metadata=metadata,
        design_factors=["batch", "condition"],
        ref_level=["condition", "B"],
        quiet=True,
    )
    assert list(dds.obsm["design_matrix"]) == ["Intercept", "batch[T.2]", "batch[T.3]", "condition[T.A]"]
    assert dds.variables == ["batch", "condition"]
    assert metadata["batch"].dtype.kind == "i"


def test_interactions_and_designs_without_intercept(tables):
    counts, metadata = tables
    names = list(DeseqDataSet(counts=counts, metadata=metadata, design="~group * condition").obsm["design_matrix"])
    assert names[-1] == "group[T.y]:condition[T.B]"
    names = list(DeseqDataSet(counts=counts, metadata=metadata, design="~0 + condition").obsm["design_matrix"])
    assert names == ["condition[A]", "condition[B]"]


def test_wrong_input_is_a_value_error(tables):
    counts, metadata = tables
    with pytest.raises(ValueError, match="adata"):
        DeseqDataSet(counts=counts)
    with pytest.raises(ValueError, match="same rows"):
        DeseqDataSet(counts=counts.T, metadata=metadata)
    with pytest.raises(ValueError, match="nothing"):
        DeseqDataSet(counts=counts, metadata=metadata, design="~nothing")
    with pytest.raises(ValueError, match="whole"):
        DeseqDataSet(counts=counts + 0.5, metadata=metadata, quiet=True).deseq2()
    with pytest.raises(ValueError, match="iterative"):
        DeseqDataSet(counts=counts, metadata=metadata, size_factors_fit_type="iterate")
    with pytest.warns(FoldwiseWarning, match="min_disp"):
        DeseqDataSet(counts=counts, metadata=metadata, min_disp=1e-4)
    with pytest.raises(TypeError, match="foo"):
        DeseqDataSet(counts=counts, metadata=metadata, foo=1)
