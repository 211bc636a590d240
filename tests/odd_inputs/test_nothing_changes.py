"""What users hand over is not changed, and what they are handed cannot be changed behind a fit's back."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import foldwise as fw


@pytest.fixture(scope="module")
def fit(experiment):
    return fw.deseq(experiment, "~ batch + condition", progress=False)


def test_tables_are_as_they_were_after_a_fit(counts, samples, rng):
    weights = counts * 0.0 + rng.uniform(0.5, 1.0, counts.shape)
    sizes = pd.Series(1.1, index=counts.columns)
    before = [x.copy(deep=True) for x in (counts, samples, weights, sizes)]
    fit = fw.deseq(
        fw.CountData(counts, samples, weights=weights, size_factors=sizes), "~ batch + condition", progress=False
    )
    fit.results(("condition", "A", "B"), lfc_threshold=0.5)
    for x, old in zip((counts, samples, weights, sizes), before, strict=True):
        (pd.testing.assert_frame_equal if isinstance(x, pd.DataFrame) else pd.testing.assert_series_equal)(x, old)


def test_an_anndata_is_as_it_was(counts, samples):
    anndata = pytest.importorskip("anndata")
    a = anndata.AnnData(counts.T.to_numpy(dtype=float), obs=samples, var=pd.DataFrame(index=counts.index))
    before = a.copy()
    fw.deseq(a, "~ condition", progress=False).results()
    np.testing.assert_array_equal(a.X, before.X)
    pd.testing.assert_frame_equal(a.obs, before.obs)
    assert not (a.uns or a.obsm or a.varm or list(a.layers))


def test_a_sparse_matrix_is_as_it_was(counts, samples):
    from scipy.sparse import coo_matrix, csr_matrix

    parts = coo_matrix(counts.to_numpy(dtype=float))
    twice = csr_matrix(  # every entry in two halves, unsorted
        (np.tile(parts.data / 2, 2), (np.tile(parts.row, 2), np.tile(parts.col, 2))), shape=parts.shape, copy=True
    )
    before = twice.copy()
    fw.CountData(twice, samples, genes=counts.index)
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(twice, part), getattr(before, part))


def test_later_changes_of_the_tables_do_not_reach_the_data(counts, samples):
    data = fw.CountData(counts, samples)
    expected, levels = data.counts, data.samples["condition"].copy()
    counts.iloc[:, 0] = 7
    samples["condition"] = samples["condition"].to_numpy()[::-1]
    pd.testing.assert_frame_equal(data.counts, expected)
    pd.testing.assert_series_equal(data.samples["condition"], levels)


def test_what_the_data_hand_out_are_copies(counts, samples):
    sizes = np.linspace(0.5, 2.0, counts.shape[1])
    annotation = pd.DataFrame({"symbol": "x"}, index=counts.index)
    data = fw.CountData(counts, samples, genes=annotation, size_factors=sizes)
    first = fw.deseq(data, "~ condition", progress=False)
    kept = first.results().table
    data.samples["condition"] = data.samples["condition"].to_numpy()[::-1]
    data.genes["symbol"] = "y"
    own = data.size_factors
    own[:] = 1.0
    sizes[:] = 1.0
    frame = first.design.frame
    frame.iloc[:, 1] = 0.0
    first.design.samples["condition"] = "A"
    assert list(data.samples["condition"]) == list(samples["condition"])
    assert list(first.design.samples["condition"]) == list(samples["condition"])
    assert set(data.genes["symbol"]) == {"x"}
    pd.testing.assert_frame_equal(fw.deseq(data, "~ condition", progress=False).results().table, kept)
    pd.testing.assert_frame_equal(first.results().table, kept)


@pytest.mark.parametrize("name", ["stage", "plan", "tested", "options", "anything"])
def test_a_fit_takes_no_assignment(name, fit):
    with pytest.raises((AttributeError, TypeError, dataclasses.FrozenInstanceError)):
        setattr(fit, name, None)


@pytest.mark.parametrize("what", ["genes", "coefficients", "standard_errors", "design_matrix", "mu", "cooks", "hat"])
def test_tables_of_a_fit_are_copies(what, fit):
    first = getattr(fit, what)
    kept = first.copy(deep=True)
    first.iloc[:, 0] = -1
    pd.testing.assert_frame_equal(getattr(fit, what), kept)


def test_size_factors_of_a_fit_are_a_copy(fit):
    kept = fit.size_factors.copy()
    fit.size_factors[:] = 0.0
    pd.testing.assert_series_equal(fit.size_factors, kept)


def test_a_changed_table_of_results_changes_no_later_answer(fit):
    first = fit.results()
    kept = first.table.copy(deep=True)
    first.table["padj"] = 0.0
    pd.testing.assert_frame_equal(fit.results().table, kept)


def test_questions_do_not_change_a_fit(fit):
    kept = fit.results().table
    fit.results(("condition", "A", "B"), alpha=0.01, cooks_cutoff=False)
    fit.results_many()
    fit.explain(kept.index[0])
    _ = fit.mu, fit.cooks
    pd.testing.assert_frame_equal(fit.results().table, kept)
