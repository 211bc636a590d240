"""The steps alone: each takes up where the one before stopped, and takes values of the user's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw


def numbers(results):
    return results.table.drop(columns="status")


def test_steps_in_a_row_are_the_whole(data):
    whole = fw.deseq(data, "~ batch + condition", min_replicates_for_replace=float("inf"), progress=False)
    stage = fw.estimate_dispersions(data, "~ batch + condition")
    pd.testing.assert_frame_equal(numbers(fw.fit_wald(stage).results()), numbers(whole.results()))
    lrt = fw.deseq(data, "~ batch + condition", test="LRT", reduced="~ batch", min_replicates_for_replace=float("inf"))
    pd.testing.assert_frame_equal(numbers(fw.fit_lrt(stage, "~ batch").results()), numbers(lrt.results()))


def test_size_factors_of_ones_own_are_never_overwritten(data):
    own = pd.Series(np.linspace(0.5, 2.0, data.n_samples), index=data.sample_names)
    fit = fw.deseq(data.with_size_factors(own), "~ condition", progress=False)
    np.testing.assert_array_equal(fit.size_factors, own)


def test_estimated_size_factors_put_in_give_the_same_fit(data):
    factors = fw.estimate_size_factors(data)
    a = fw.deseq(data, "~ condition", progress=False)
    b = fw.deseq(data.with_size_factors(factors), "~ condition", progress=False)
    pd.testing.assert_frame_equal(numbers(a.results()), numbers(b.results()))


def test_dispersions_of_ones_own_are_used_as_they_are(data):
    own = pd.Series(0.2, index=data.gene_names)
    fit = fw.fit_wald(fw.estimate_dispersions(data, "~ condition", dispersions=own))
    known = ~fit.genes["allZero"]
    assert (fit.genes.loc[known, "dispersion"] == 0.2).all()
    assert fit.trend is None
    assert fit.results().table["pvalue"].notna().any()


def test_gene_wise_dispersions_as_final(data):
    stage = fw.estimate_dispersions(data, "~ condition", dispersions="gene-wise")
    known = stage.genes[~stage.genes["allZero"].astype(bool)]
    np.testing.assert_array_equal(known["dispersion"], known["dispGeneEst"])


def test_a_frozen_trend_goes_on(data):
    first = fw.deseq(data, "~ condition", progress=False)
    stage = fw.estimate_dispersions(data, "~ condition", trend=first.trend)
    np.testing.assert_array_equal(stage.genes["dispFit"], first.genes["dispFit"])


def test_a_trend_that_is_a_function(data):
    fit = fw.deseq(data, "~ condition", fit_type=lambda means: 0.1 + 3.0 / means, progress=False)
    genes = fit.genes[~fit.genes["allZero"]]
    np.testing.assert_allclose(genes["dispFit"], 0.1 + 3.0 / genes["baseMean"])
    assert fit.trend.kind == "user"


def test_a_trend_that_is_not_positive_is_refused(data):
    with pytest.raises(fw.OptionError, match="positive"):
        fw.deseq(data, "~ condition", fit_type=lambda means: means * 0.0 - 1.0, progress=False)


@pytest.mark.parametrize("bad", [-1.0, 0.0, np.nan, np.inf])
def test_dispersions_that_are_none(data, bad):
    with pytest.raises(fw.OptionError, match="positive"):
        fw.estimate_dispersions(data, "~ condition", dispersions=bad)


def test_steps_name_what_they_take(data):
    with pytest.raises(fw.OptionError, match="estimate_dispersions"):
        fw.fit_wald(data)


def test_wald_after_lrt_and_back(data):
    lrt = fw.deseq(data, "~ batch + condition", test="LRT", reduced="~ batch", progress=False)
    wald = fw.deseq(data, "~ batch + condition", progress=False, min_replicates_for_replace=float("inf"))
    asked = lrt.results(("condition", "B", "A"), test="Wald", cooks_cutoff=False, independent_filtering=False).table
    own = wald.results(("condition", "B", "A"), cooks_cutoff=False, independent_filtering=False).table
    np.testing.assert_allclose(asked["stat"], own["stat"], rtol=1e-12)
    with pytest.raises(fw.OptionError, match="likelihood ratio"):
        wald.results(test="LRT")


def test_many_contrasts_as_mapping_and_table(data):
    fit = fw.deseq(data, "~ batch + condition", progress=False)
    found = fit.results_many({"drug": ("condition", "B", "A"), "batch": "batch_batch2_vs_batch1"})
    assert list(found) == ["drug", "batch"]
    pd.testing.assert_frame_equal(found["drug"].table, fit.results(("condition", "B", "A")).table)
    tidy = fit.results_many({"drug": ("condition", "B", "A"), "batch": "batch_batch2_vs_batch1"}, as_table=True)
    assert len(tidy) == 2 * data.n_genes and set(tidy["contrast"]) == {"drug", "batch"}


def test_every_listed_comparison_can_be_asked(data):
    fit = fw.deseq(data, "~ batch * condition", progress=False)
    listed = fit.contrasts()
    assert len(listed) >= 3
    assert len(fit.results_many()) == len(listed)


def test_filter_function_gets_the_table_and_gives_padj(data):
    seen = {}

    def weighted(table, alpha):
        seen["columns"], seen["alpha"] = list(table.columns), alpha
        return table["pvalue"].clip(upper=1.0) * 0 + 0.5

    res = fw.deseq(data, "~ condition", progress=False).results(filter_fun=weighted, alpha=0.05)
    assert "padj" not in seen["columns"] and seen["alpha"] == 0.05
    assert set(res.table["padj"].dropna()) == {0.5}


def test_technical_replicates_are_added_up(data):
    samples = data.samples.copy()
    samples["tube"] = [f"t{i // 2}" for i in range(12)]
    runs = fw.CountData(data.counts, samples)
    summed = runs.collapse_replicates("tube")
    assert summed.n_samples == 6
    np.testing.assert_array_equal(summed.counts["t0"], data.counts.iloc[:, :2].sum(axis=1))
    with pytest.raises(fw.SamplesError, match="tubes"):
        runs.collapse_replicates("tubes")


def test_simulated_truth_is_found():
    made = fw.simulate(n_genes=2000, n_samples=24, fraction_changed=0.3, lfc_sd=2.0, seed=3)
    res = fw.deseq(made.data, "~ condition", progress=False).results()
    strong = (made.truth["log2FoldChange"].abs() > 1) & (made.truth["mean"] > 50)
    found = res.table["padj"] < 0.1
    assert found[strong].mean() > 0.95
    null = made.truth["log2FoldChange"] == 0
    assert (found & null).sum() / max(found.sum(), 1) < 0.15
    assert np.corrcoef(res.table["log2FoldChange"][strong], made.truth["log2FoldChange"][strong])[0, 1] > 0.97


def test_offsets_become_factors_of_geometric_mean_one():
    offsets = pd.DataFrame(np.random.default_rng(0).normal(size=(5, 4)))
    cqn = fw.factors_from_offsets(offsets, source="cqn")
    np.testing.assert_allclose(np.exp(np.log(cqn).mean(axis=1)), 1.0)
    np.testing.assert_allclose(fw.factors_from_offsets(-offsets, source="EDASeq"), cqn)
    with pytest.raises(fw.OptionError, match="finite"):
        fw.factors_from_offsets([[np.inf, 1.0]])
