"""Unusual, but nothing is wrong with it: the same numbers as from the plain table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw

FORMS = {
    "int64": lambda c: c.astype(np.int64),
    "uint16": lambda c: c.astype(np.uint16),
    "float64": lambda c: c.astype(float),
    "float32": lambda c: c.astype(np.float32),
    "nullable": lambda c: c.astype("Int64"),
    "nullable float": lambda c: c.astype("Float64"),
    "arrow": lambda c: c.astype("int64[pyarrow]"),
    "objects": lambda c: c.astype(object),
    "some columns of other types": lambda c: c.astype({"sample1": float, "sample2": "Int32"}),
    "transposed": lambda c: c.T,
    "samples in another order": lambda c: c[list(reversed(c.columns))],
    "Fortran": lambda c: pd.DataFrame(np.asfortranarray(c.to_numpy()), index=c.index, columns=c.columns),
}


@pytest.mark.parametrize("form", FORMS)
def test_tables_of_all_kinds(form, counts, samples, fitted, assert_same, plain_results):
    if form == "arrow":
        pytest.importorskip("pyarrow")
    data = fw.CountData(FORMS[form](counts), samples)
    found = fitted(data)
    if form == "samples in another order":  # sums over samples round differently, and little else
        pd.testing.assert_frame_equal(found, plain_results, rtol=1e-5, check_names=False)
    else:
        assert_same(found, plain_results)


def test_read_only_arrays_and_views(counts, samples, fitted, assert_same, plain_results):
    values = counts.to_numpy(dtype=float)
    values.flags.writeable = False
    wide = np.repeat(values, 2, axis=1)[:, ::2]
    for matrix in (values, np.asfortranarray(values), wide, values.T):
        assert_same(fitted(fw.CountData(matrix, samples, genes=counts.index)), plain_results)


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "coo_matrix", "csr_array"])
def test_sparse_matrices(kind, counts, samples, fitted, assert_same, plain_results):
    from scipy import sparse

    matrix = getattr(sparse, kind)(counts.to_numpy())
    assert_same(fitted(fw.CountData(matrix, samples, genes=counts.index)), plain_results)
    assert_same(fitted(fw.CountData(matrix.T, samples, genes=counts.index)), plain_results)


def test_anndata_and_its_layers(counts, samples, fitted, assert_same, plain_results):
    anndata = pytest.importorskip("anndata")
    from scipy.sparse import csr_matrix

    logs = np.log1p(counts.T.to_numpy(dtype=float))
    for layer in (counts.T.to_numpy(), csr_matrix(counts.T.to_numpy())):
        a = anndata.AnnData(logs, obs=samples, var=pd.DataFrame(index=counts.index), layers={"raw": layer})
        assert_same(fitted(fw.CountData(a, layer="raw")), plain_results)
    a = anndata.AnnData(counts.T.to_numpy(), obs=samples, var=pd.DataFrame(index=counts.index))
    assert_same(fitted(a), plain_results)
    with pytest.raises(fw.CountsError, match="'raw'"):
        fw.CountData(a, layer="raw")


def test_the_sample_table_may_come_in_any_order(counts, samples, fitted, assert_same, plain_results):
    shuffled = samples.sample(frac=1.0, random_state=4)
    data = fw.CountData(counts, shuffled)
    assert list(data.samples.index) == list(counts.columns)
    assert_same(fitted(data), plain_results)


def test_names_that_are_numbers(counts, samples, fitted):
    numbered = counts.set_axis(range(100, 160), axis=0).set_axis(range(1, 9), axis=1)
    data = fw.CountData(numbered, samples.set_axis(range(1, 9)))
    assert list(data.gene_names[:2]) == ["100", "101"]
    assert fitted(data)["pvalue"].notna().any()


LEVELS = [
    ("no drug", "drug A+"),
    ("-", "+"),
    ("wild type", "Δ78"),
    ("ohne", "Änderung é"),
    ("1", "2"),
    ("0.5 µM", "1 µM"),
    ("TRUE", "if"),
]


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_levels_with_spaces_signs_and_letters_of_all_kinds(levels, counts, samples, fitted, assert_same, plain_results):
    samples["condition"] = pd.Categorical(samples["condition"].map(dict(zip("AB", levels, strict=True))), levels)
    data = fw.CountData(counts, samples)
    fit = fw.deseq(data, "~ condition", progress=False, executor="serial")
    assert_same(fit.results().table, plain_results)
    assert_same(fit.results(("condition", levels[1], levels[0])).table, plain_results)
    assert levels[1] in fit.results(("condition", levels[1], levels[0])).name


@pytest.mark.parametrize("name", ["dose (mg)", "Krankheit ä", "class", "2nd", "a-b"])
def test_columns_with_odd_names(name, counts, samples, assert_same, plain_results):
    samples = samples.rename(columns={"condition": name})
    fit = fw.deseq(fw.CountData(counts, samples), f"~ `{name}`", progress=False, executor="serial")
    assert_same(fit.results((name, "B", "A")).table, plain_results)


def test_factors_that_look_like_numbers_when_declared_categorical(counts, samples, assert_same, plain_results):
    samples["condition"] = pd.Categorical(samples["condition"].map({"A": 0, "B": 1}).astype(int))
    fit = fw.deseq(fw.CountData(counts, samples), "~ condition", progress=False, executor="serial")
    assert fit.coefficient_names == ["Intercept", "condition_1_vs_0"]
    assert_same(fit.results(("condition", "1", "0")).table, plain_results)
    assert_same(fit.results(("condition", 1, 0)).table, plain_results)


@pytest.mark.parametrize("kind", ["object", "string", "string[pyarrow]", "category"])
def test_strings_of_all_kinds(kind, counts, samples, fitted, assert_same, plain_results):
    if "pyarrow" in kind:
        pytest.importorskip("pyarrow")
    samples["condition"] = samples["condition"].astype(str).astype(kind)
    assert_same(fitted(fw.CountData(counts, samples)), plain_results)


@pytest.mark.parametrize("kind", ["Float64", "float32", "double[pyarrow]", "object"])
def test_numbers_of_all_kinds(kind, counts, samples, fitted, assert_same):
    if "pyarrow" in kind:
        pytest.importorskip("pyarrow")
    samples["age"] = [0.5, -1.25, 1.0, 0.25, -0.75, 1.5, -2.0, 0.0]
    plain = fitted(fw.CountData(counts, samples), "~ age")
    samples["age"] = samples["age"].astype(kind)
    assert_same(fitted(fw.CountData(counts, samples), "~ age"), plain)


def test_a_single_gene(counts, samples):
    one = fw.CountData(counts.iloc[[10]], samples, size_factors=1.0)
    table = fw.deseq(one, "~ condition", fit_type="mean", progress=False).results().table
    assert table.shape[0] == 1
    assert np.isfinite(table["pvalue"].iloc[0])


def test_genes_without_counts_keep_their_rows(counts, samples, fitted):
    counts.iloc[5] = 0
    table = fitted(fw.CountData(counts, samples))
    assert table["baseMean"].iloc[5] == 0
    assert table.iloc[5][["log2FoldChange", "lfcSE", "stat", "pvalue", "padj"]].isna().all()
    assert table["status"].iloc[5] == "all zero"


def test_labels_of_genes_survive_as_they_are(counts, samples, fitted):
    odd = [f'{i} gene, "quoted"; α\'' for i in range(len(counts))]
    table = fitted(fw.CountData(counts.set_axis(odd, axis=0), samples))
    assert list(table.index) == odd


def test_inputs_beside_the_counts_are_aligned_by_label(counts, samples, rng, fitted, assert_same):
    factors = pd.DataFrame(np.exp(rng.normal(0, 0.2, counts.shape)), index=counts.index, columns=counts.columns)
    plain = fitted(fw.CountData(counts, samples, normalization_factors=factors))
    mixed = factors.sample(frac=1.0, random_state=1).sample(frac=1.0, axis=1, random_state=2)
    assert_same(fitted(fw.CountData(counts, samples, normalization_factors=mixed)), plain)
    sizes = pd.Series(np.linspace(0.5, 1.5, 8), index=counts.columns)
    plain = fitted(fw.CountData(counts, samples, size_factors=sizes))
    assert_same(fitted(fw.CountData(counts, samples, size_factors=sizes[::-1])), plain)
