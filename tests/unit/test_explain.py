"""Fold changes taken apart: the parts sum, the right covariate is named, and missing values have their reason."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.errors import ContrastError, CountsError, OptionError
from foldwise.explain import explain, sign_flips, why
from foldwise.explain.parts import compared_samples


def confounded(seed: int = 5, genes: int = 300) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Treated samples lie mostly in batch 2; in "flipped" batch 2 doubles what treatment takes away."""
    rng = np.random.default_rng(seed)
    samples = pd.DataFrame(
        {
            "score": rng.normal(0, 1, 16).round(2),
            "batch": ["b1"] * 5 + ["b2"] * 2 + ["b3"] + ["b1"] * 2 + ["b2"] * 5 + ["b3"],
            "group": ["CTRL"] * 8 + ["HYPER"] * 8,
        },
        index=[f"s{k}" for k in range(16)],
    )
    mean = np.repeat(2.0 ** rng.uniform(5, 10, (genes, 1)), 16, axis=1)
    mean[0] = 500.0 * np.where(samples["batch"] == "b2", 4.0, 1.0) * np.where(samples["group"] == "HYPER", 0.75, 1.0)
    mean[1] = np.where(samples["group"] == "HYPER", 100.0, 800.0)
    dispersion = 0.01
    counts = rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * mean))
    counts[2] = 0
    counts[3] = [0, 0, 0, 1] + [0] * 12
    names = ["flipped", "plain", "silent", "rare", *[f"g{k}" for k in range(4, genes)]]
    return pd.DataFrame(counts, index=names, columns=samples.index), samples


@pytest.fixture(scope="module")
def fit() -> fw.Fit:
    counts, samples = confounded()
    return fw.deseq(fw.CountData(counts, samples), "~ score + batch + group")


@pytest.fixture(scope="module")
def results(fit: fw.Fit) -> fw.Results:
    return fit.results(("group", "HYPER", "CTRL"))


# ---------------------------------------------------------------------------------------------------------- explain
def test_the_question_that_users_ask(fit: fw.Fit) -> None:
    answer = fit.explain("flipped", ("group", "HYPER", "CTRL"))
    assert answer.adjusted_lfc < 0 < answer.raw_lfc
    assert "differ in sign" in answer.words
    assert "Through batch alone" in answer.words
    covariates = answer.table[answer.table["kind"] == "covariate"]["log2"]
    assert covariates.idxmax() == "batch"


def test_the_parts_sum_to_the_difference(fit: fw.Fit) -> None:
    for gene in ("flipped", "plain", "g10", "g200"):
        for contrast in (("group", "HYPER", "CTRL"), ("group", "CTRL", "HYPER"), ("batch", "b3", "b2")):
            answer = fit.explain(gene, contrast)
            assert answer.table["log2"].iloc[:-1].sum() == pytest.approx(answer.raw_lfc, abs=1e-12)
            normalized = fit.counts(normalized=True).loc[gene]
            side = fit.data.samples[contrast[0]]
            ratio = np.log2(normalized[side == contrast[1]].mean() / normalized[side == contrast[2]].mean())
            assert answer.raw_lfc == pytest.approx(ratio, abs=1e-12)


def test_the_fold_change_is_that_of_the_results(fit: fw.Fit, results: fw.Results) -> None:
    for gene in ("flipped", "plain", "g10"):
        answer = explain(fit, gene, results=results)
        assert answer.adjusted_lfc == pytest.approx(results.table.loc[gene, "log2FoldChange"], abs=1e-12)
        assert answer.padj == results.table.loc[gene, "padj"]


def test_parts_are_average_effects_over_all_orders(fit: fw.Fit, results: fw.Results) -> None:
    compared = compared_samples(fit.design, results.contrast)
    assert compared is not None
    beta = fit.coefficients.loc["flipped"].to_numpy()
    term = {"score": [1], "batch": [2, 3]}

    def value(names: list[str]) -> float:
        columns = [4, *(k for name in names for k in term[name])]
        means = 2.0 ** (fit.design.matrix[:, columns] @ beta[columns])
        return float(np.log2(means[compared.numerator].mean() / means[compared.denominator].mean()))

    orders = list(permutations(term))
    expected = {
        name: np.mean([value(list(o[: o.index(name) + 1])) - value(list(o[: o.index(name)])) for o in orders])
        for name in term
    }
    found = explain(fit, "flipped", results=results).table["log2"]
    for name, part in expected.items():
        assert found[name] == pytest.approx(part, abs=1e-10)


def test_adjusted_counts_have_the_models_fold_change(fit: fw.Fit, results: fw.Results) -> None:
    counts = explain(fit, "flipped", results=results).counts
    sides = counts.groupby("side")["adjusted"].mean()
    assert np.log2(sides["HYPER"] / sides["CTRL"]) == pytest.approx(
        results.table.loc["flipped", "log2FoldChange"], abs=0.1
    )


def test_a_number_is_explained_by_its_slope(fit: fw.Fit) -> None:
    answer = explain(fit, "g10", name="score")
    assert answer.table["log2"].iloc[:-1].sum() == pytest.approx(answer.raw_lfc, abs=1e-12)
    logs = np.log2(fit.counts(normalized=True).loc["g10"] + 0.5)
    assert answer.raw_lfc == pytest.approx(np.polyfit(fit.data.samples["score"], logs, 1)[0], abs=1e-9)
    assert np.isnan(answer.mean_numerator)


def test_a_coefficient_and_its_levels_are_one_comparison(fit: fw.Fit) -> None:
    by_name = explain(fit, "g10", name="group_HYPER_vs_CTRL")
    by_levels = explain(fit, "g10", ("group", "HYPER", "CTRL"))
    pd.testing.assert_frame_equal(by_name.table, by_levels.table)


def test_an_interaction_is_part_of_the_difference() -> None:
    rng = np.random.default_rng(1)
    samples = pd.DataFrame(
        {"geno": ["wt"] * 6 + ["ko"] * 6, "drug": ["no", "yes"] * 6}, index=[f"s{k}" for k in range(12)]
    )
    samples["geno"] = pd.Categorical(samples["geno"], ["wt", "ko"])
    mean = np.full((100, 12), 200.0)
    mean[0] = np.where((samples["geno"] == "ko") & (samples["drug"] == "yes"), 1600.0, 200.0)
    counts = pd.DataFrame(rng.negative_binomial(50, 50 / (50 + mean)), columns=samples.index).rename(index=str)
    fit = fw.deseq(fw.CountData(counts, samples), "~ geno + drug + geno:drug", fit_type="mean")
    answer = fit.explain("0", ("drug", "yes", "no"))
    assert abs(answer.adjusted_lfc) < 0.5 < answer.raw_lfc
    assert answer.table.loc["geno:drug", "log2"] > 1
    in_ko = fit.explain("0", [["drug_yes_vs_no", "genoko.drugyes"], []])
    assert in_ko.raw_lfc == pytest.approx(3, abs=0.3)
    assert set(in_ko.counts["side"]) == {"", "the numerator's samples", "the denominator's samples"}
    with pytest.raises(ContrastError, match="neither two groups"):
        fit.explain("0", [0, 0.5, 0.25, 0.1])


def test_genes_without_a_fold_change_say_so(fit: fw.Fit) -> None:
    answer = fit.explain("silent", ("group", "HYPER", "CTRL"))
    assert np.isnan(answer.adjusted_lfc)
    assert "no fold change" in answer.words
    with pytest.raises(CountsError, match="no gene 'x'"):
        fit.explain("x")


def test_explanations_have_a_picture(fit: fw.Fit, results: fw.Results) -> None:
    assert explain(fit, "flipped", results=results).plot() is not None
    assert explain(fit, "flipped", name="score").plot() is not None
    assert explain(fit, "rare", results=results).plot() is not None


# ------------------------------------------------------------------------------------------------------- sign flips
def test_sign_flips_are_all_genes_whose_sign_differs(fit: fw.Fit, results: fw.Results) -> None:
    found = results.sign_flips()
    normalized = fit.counts(normalized=True)
    hyper = fit.data.samples["group"] == "HYPER"
    raw = np.log2(normalized.loc[:, hyper].mean(axis=1)) - np.log2(normalized.loc[:, ~hyper].mean(axis=1))
    differs = raw * results.table["log2FoldChange"] < 0
    assert set(found.index) == set(differs.index[differs])
    assert found.loc["flipped", "covariate"] == "batch"
    for gene in found.index[:5]:
        table = explain(fit, gene, results=results).table["log2"]
        assert table[found.loc[gene, "covariate"]] == pytest.approx(found.loc[gene, "covariate_log2"], abs=1e-10)
    assert found["pvalue"].is_monotonic_increasing


def test_a_balanced_design_of_one_factor_flips_nothing_of_weight() -> None:
    fit = fw.deseq(fw.simulate(n_genes=300, n_samples=6, seed=4).data, "~ condition")
    found = sign_flips(fit.results())
    assert (found["padj"] < 0.1).sum() == 0


# -------------------------------------------------------------------------------------------------------------- why
@pytest.fixture(scope="module")
def with_missing() -> fw.Results:
    counts = fw.simulate(n_genes=600, n_samples=6, seed=6).data.counts
    counts.iloc[0] = 0
    counts.iloc[1] = [20, 22, 25, 21, 20, 30_000]
    counts.iloc[2] = [1, 0, 0, 0, 0, 1]
    samples = pd.DataFrame({"condition": ["A", "B"] * 3, "batch": ["x"] * 6}, index=counts.columns)
    return fw.deseq(fw.CountData(counts, samples), "~ condition").results(theta=np.linspace(0.1, 0.9, 20))


def test_why_all_zero(with_missing: fw.Results) -> None:
    reason = with_missing.why(with_missing.table.index[0])
    assert reason.cause == "all zero"
    assert set(reason.missing) == {"log2FoldChange", "lfcSE", "stat", "pvalue", "padj"}


def test_why_outlier_names_the_sample_and_the_cutoff(with_missing: fw.Results) -> None:
    gene = with_missing.table.index[1]
    reason = why(with_missing, gene)
    assert reason.cause == "outlier"
    assert reason.missing == ("pvalue", "padj")
    assert reason.details["sample"] == with_missing.fit.data.sample_names[5]
    assert reason.details["count"] == 30_000
    assert reason.details["cooks"] > reason.details["cutoff"] == with_missing.metadata["cooks_cutoff"]
    assert with_missing.fit.cooks.loc[gene].max() == pytest.approx(reason.details["cooks"])
    assert "30000 counts" in str(reason)


def test_why_low_mean_names_the_threshold(with_missing: fw.Results) -> None:
    reason = with_missing.why(with_missing.table.index[2])
    assert reason.cause == "low mean" and reason.missing == ("padj",)
    assert reason.details["baseMean"] < reason.details["filter_threshold"] == with_missing.metadata["filter_threshold"]


def test_why_nothing_is_missing(with_missing: fw.Results) -> None:
    gene = with_missing.table["padj"].idxmin()
    assert with_missing.why(gene).cause == "ok"
    with pytest.raises(CountsError, match="no gene"):
        with_missing.why("x")


def test_every_missing_value_has_a_reason(with_missing: fw.Results) -> None:
    table = with_missing.table
    for status, rows in table.groupby("status"):
        assert with_missing.why(rows.index[0]).cause == status


# ------------------------------------------------------------------------------------------------ nothing to compare
@pytest.fixture(scope="module")
def third_group() -> fw.Fit:
    rng = np.random.default_rng(2)
    samples = pd.DataFrame({"g": ["a"] * 3 + ["b"] * 3 + ["c"] * 3}, index=[f"s{k}" for k in range(9)])
    counts = pd.DataFrame(rng.poisson(100, (200, 9)), index=[f"g{k}" for k in range(200)], columns=samples.index)
    counts.iloc[0, :6] = 0
    counts.iloc[1, 3:6] = 0
    return fw.deseq(fw.CountData(counts, samples), "~ g", fit_type="mean")


@pytest.mark.parametrize("contrast", [("g", "b", "a"), ("g", "a", "b")])
def test_a_gene_without_counts_on_either_side_has_the_numbers_of_the_table(
    third_group: fw.Fit, contrast: tuple[str, str, str]
) -> None:
    results = third_group.results(contrast)
    answer = explain(third_group, "g0", results=results)
    row = results.table.loc["g0"]
    assert (row["log2FoldChange"], row["pvalue"]) == (0, 1)
    assert answer.adjusted_lfc == 0
    assert "neither side has counts" in answer.words
    assert "+0." not in answer.words and "number" not in answer.words


def test_one_side_without_counts_is_said_so(third_group: fw.Fit) -> None:
    assert "One side has no counts" in explain(third_group, "g1", ("g", "b", "a")).words


def test_by_the_name_of_a_coefficient_the_number_stays_and_is_called_empty(third_group: fw.Fit) -> None:
    answer = explain(third_group, "g0", name="g_b_vs_a")
    assert "neither side has counts" in answer.words and "says nothing" in answer.words


def test_a_gene_written_wrongly_is_guessed(third_group: fw.Fit) -> None:
    with pytest.raises(CountsError, match="Did you mean 'g0'"):
        third_group.explain("G0")
    with pytest.raises(CountsError, match="Did you mean 'g0'"):
        why(third_group.results(), "G0")


def test_what_is_left_over_alone_is_said_without_a_list(third_group: fw.Fit) -> None:
    rest = third_group.coefficients
    said = [explain(third_group, gene, ("g", "b", "a")).words for gene in rest.index[2:40]]
    assert not [words for words in said if "made up so" in words]
    table = explain(third_group, "g5", ("g", "b", "a")).table["log2"]
    assert not ((table != 0) & (table.abs() < 1e-9)).any()


# ----------------------------------------------------------------------------------------------------- interactions
@pytest.fixture(scope="module")
def crossed() -> fw.Fit:
    """Gene g0 rises fourfold with the condition, in batch2 only."""
    samples = pd.DataFrame({"batch": ["batch1"] * 6 + ["batch2"] * 6, "condition": ["A", "B"] * 6})
    samples.index = [f"s{k}" for k in range(12)]
    mean = np.full((120, 12), 200.0)
    mean[0] = np.where((samples["batch"] == "batch2") & (samples["condition"] == "B"), 800.0, 200.0)
    counts = np.random.default_rng(1).negative_binomial(50, 50 / (50 + mean))
    table = pd.DataFrame(counts, index=[f"g{k}" for k in range(120)], columns=samples.index)
    return fw.deseq(fw.CountData(table, samples), "~ batch + condition + batch:condition", fit_type="mean")


def test_with_an_interaction_the_answer_says_at_which_level_it_holds(crossed: fw.Fit) -> None:
    res = crossed.results(("condition", "B", "A"))
    assert res.name == "condition B vs A" and res.where == "where batch = batch1"
    assert res.description == "condition B vs A, where batch = batch1"
    assert res.description in repr(res) and res.description == res.summary().splitlines()[0]
    assert res.metadata["description"]["log2FoldChange"] == "log2 fold change (MLE): condition B vs A"  # R's words
    answer = crossed.explain("g0", ("condition", "B", "A"))
    assert answer.comparison == res.description and res.description in str(answer)
    assert "takes that out" not in str(answer) and "elsewhere" in str(answer)


def test_every_way_to_ask_says_where_it_holds(crossed: fw.Fit) -> None:
    for row in crossed.contrasts().itertuples():
        asked = {"name": row.contrast} if isinstance(row.contrast, str) else {"contrast": row.contrast}
        assert crossed.results(**asked).where == "".join(row.question.partition("where ")[1:])
    assert crossed.results(name="condition_B_vs_A").where == crossed.results([0, 0, 1, 0]).where != ""


def test_without_interactions_nothing_is_added(fit: fw.Fit, results: fw.Results) -> None:
    assert results.where == "" and results.description == results.name
    assert "takes that out of the fold change" in str(fit.explain("flipped", ("group", "HYPER", "CTRL")))


# ------------------------------------------------------------------------------------------------- one gene at a time
@pytest.mark.parametrize("genes", [["flipped", "plain"], pd.Index(["flipped", "plain"]), ("flipped", "plain")])
def test_several_genes_at_once_are_refused_with_the_loop_to_write(
    fit: fw.Fit, results: fw.Results, genes: object
) -> None:
    with pytest.raises(OptionError, match=r"One gene at a time: got 2 .* for gene in genes"):
        results.why(genes)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"One gene at a time.*fit.explain\(gene, contrast\) for gene in genes"):
        fit.explain(genes, ("group", "HYPER", "CTRL"))  # type: ignore[arg-type]


# -------------------------------------------------------------------------------------- reasons other than R's three
@pytest.fixture(scope="module")
def plain() -> fw.CountData:
    return fw.simulate(n_genes=200, n_samples=8, seed=5).data


@pytest.fixture(scope="module")
def weighted(plain: fw.CountData) -> fw.CountData:
    """The first gene's weights add up to 1.7 samples; all of the second's lie on one sample."""
    weights = np.ones(plain.counts.shape)
    weights[0], weights[1] = 0.1, 0.0
    weights[:2, 0] = 1.0
    return fw.CountData(plain.counts, plain.samples, weights=weights)


def test_why_no_degrees_of_freedom_is_no_outlier(weighted: fw.CountData) -> None:
    with pytest.warns(fw.FoldwiseWarning, match="1 genes have weights"):
        fit, normal = fw.deseq(weighted, "~ condition", use_t=True), fw.deseq(weighted, "~ condition")
    for res in (fit.results(), normal.results(use_t=True)):
        reason = res.why("gene001")
        assert reason.cause == res.table.loc["gene001", "status"] == "no degrees of freedom"
        assert reason.details["df"] == pytest.approx(-0.3) and "1.7 samples" in str(reason)
        assert "outlier" not in str(reason)
        assert "no degrees of freedom : 1" in res.summary()
        assert np.isnan(res.table.loc["gene001", "pvalue"])
    assert fit.results(use_t=False).why("gene001").missing in ((), ("padj",))  # what the sentence recommends


def test_why_weights_fail(weighted: fw.CountData) -> None:
    with pytest.warns(fw.FoldwiseWarning, match="1 genes have weights"):
        res = fw.deseq(weighted, "~ condition").results()
    assert res.why("gene002").cause == res.table.loc["gene002", "status"] == "weights fail"
    assert "weights fail" in res.summary()


def test_why_there_is_no_standard_error(plain: fw.CountData) -> None:
    fit = fw.deseq(plain, "~ condition", test="LRT", reduced="~ 1", fit_type="glmGamPoi")
    res = fit.results(test="Wald")
    gene = res.table.index[0]
    assert res.why(gene).cause == res.table.loc[gene, "status"] == "no p-value"
    assert "no standard error" in str(res.why(gene))


def test_outliers_of_why_lie_above_the_cutoff() -> None:
    data = fw.simulate(n_genes=600, n_samples=19, outlier_fraction=0.05, mean_log2=4, seed=3).data
    groups = data.samples["condition"]
    few = data.select(samples=[*groups.index[groups == "A"], *groups.index[groups == "B"][:5]])
    res = fw.deseq(few, "~ condition").results()
    outliers = res.table.index[res.table["status"] == "outlier"]
    assert len(outliers)
    for reason in map(res.why, outliers):
        assert reason.cause == "outlier" and reason.details["cooks"] > reason.details["cutoff"]
        assert groups[reason.details["sample"]] == "B"  # outliers among the many of A are replaced


def test_a_filter_of_ones_own_is_said_to_be_it(plain: fw.CountData) -> None:
    fit = fw.deseq(plain, "~ condition")
    own = np.r_[np.zeros(50), np.ones(150)]
    res = fit.results(filter=own, theta=[0.3, 0.5])
    assert (res.table["status"] == "filtered").sum() == 50
    said = str(res.why("gene001"))
    assert "filter statistic (filter=) of 0 lies below 1" in said and "mean normalized" not in said
    assert "low filter statistic  : 50" in res.summary() and "mean count" not in res.summary()
    by_mean = fit.results(filter=fit.genes["baseMean"])
    pd.testing.assert_frame_equal(by_mean.table, fit.results().table)


def test_a_filter_function_is_said_to_be_it(plain: fw.CountData) -> None:
    res = fw.deseq(plain, "~ condition").results(filter_fun=lambda table, _: table["pvalue"].where(table["stat"] > 0))
    gene = res.table.index[res.table["padj"].isna()][0]
    assert res.why(gene).cause == res.table.loc[gene, "status"] == "filtered"
    assert "filter_fun" in str(res.why(gene)) and "left out by filter_fun" in res.summary()


@pytest.mark.parametrize("type", ["apeglm", "ashr"])
def test_why_of_s_values(plain: fw.CountData, type: str) -> None:
    res = fw.deseq(plain, "~ condition").shrink(type=type, svalue=True)
    for status, rows in res.table.groupby("status"):
        reason = res.why(rows.index[0])
        assert reason.cause == "ok" and "s-value" in str(reason)
        assert status == "ok" or f"'{status}'" in str(reason)


def test_a_normal_prior_with_a_threshold_names_its_own_filter() -> None:
    data = fw.simulate(n_genes=1500, n_samples=8, mean_log2=3, fraction_changed=0.4, seed=2).data
    res = fw.deseq(data, "~ condition").shrink(type="normal", lfc_threshold=0.1)
    low = res.table.index[res.table["status"] == "low mean"]
    assert len(low) and {res.why(gene).cause for gene in low} == {"low mean"}


@pytest.mark.parametrize("df", [-1, 0, np.nan])
def test_degrees_of_freedom_below_zero_are_refused(plain: fw.CountData, df: float) -> None:
    with pytest.raises(OptionError, match=rf"df, .* got {df:g}\."):
        fw.deseq(plain, "~ condition", use_t=True, df=df)
    with pytest.raises(OptionError, match=rf"got {df:g} for gene 'gene003'"):
        fw.deseq(plain, "~ condition", use_t=True, df=[5.0, 5.0, df] + [np.inf] * 197)
