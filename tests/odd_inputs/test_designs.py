"""Designs that cannot be fitted, and comparisons that cannot be made: which variable, level or coefficient it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw


def fit(counts, samples, design="~ condition", **options):
    return fw.deseq(fw.CountData(counts, samples), design, progress=False, executor="serial", **options)


def test_a_missing_value_of_a_covariate_names_variable_and_sample(counts, samples):
    samples["age"] = [31.0, 40, np.nan, 55, 29, 61, 47, 50]
    with pytest.raises(fw.FoldwiseError, match="age") as told:
        fit(counts, samples, "~ age + condition")
    assert "sample3" in str(told.value)


def test_a_missing_level(counts, samples):
    samples["batch"] = samples["batch"].astype(object)
    samples.loc["sample2", "batch"] = None
    with pytest.raises(fw.FoldwiseError, match="batch") as told:
        fit(counts, samples, "~ batch + condition")
    assert "sample2" in str(told.value)


def test_a_missing_value_elsewhere_does_not_matter(counts, samples):
    samples["age"] = [31.0, 40, np.nan, 55, 29, 61, 47, 50]
    assert fit(counts, samples).coefficient_names == ["Intercept", "condition_B_vs_A"]


@pytest.mark.parametrize("value", ["A", 3.0])
def test_a_variable_with_one_value(value, counts, samples):
    samples["same"] = value
    with pytest.raises(fw.DesignError, match="same"):
        fit(counts, samples, "~ same")


def test_a_variable_that_is_no_column_is_named_with_its_neighbour(counts, samples):
    with pytest.raises(fw.FoldwiseError, match="conditoin") as told:
        fit(counts, samples, "~ conditoin")
    assert "'condition'" in str(told.value)


def test_confounded_variables_are_named(counts, samples):
    samples["lane"] = np.where(samples["condition"] == "A", "one", "two")
    with pytest.raises(fw.DesignError, match="lane") as told:
        fit(counts, samples, "~ lane + condition")
    assert "condition" in str(told.value)


def test_a_combination_without_samples_is_named(counts, samples):
    samples["sex"] = ["F", "M", "F", "F", "F", "M", "F", "F"]
    samples.loc[samples["condition"] == "A", "sex"] = "F"
    samples["sex"] = pd.Categorical(samples["sex"])
    with pytest.raises(fw.DesignError, match="sex"):
        fit(counts, samples, "~ condition * sex")


def test_no_residual_degrees_of_freedom(counts, samples):
    few = ["sample1", "sample2"]
    with pytest.raises(fw.FoldwiseError, match=r"(?i)same number of samples and coefficients|replicate"):
        fit(counts[few], samples.loc[few])


def test_a_sample_of_its_own_for_each_level(counts, samples):
    samples["id"] = samples.index
    with pytest.raises(fw.FoldwiseError, match=r"(?i)same number of samples and coefficients|replicate"):
        fit(counts, samples, "~ id")


def test_levels_without_samples_are_dropped(counts, samples, fitted, assert_same, plain_results):
    samples["condition"] = samples["condition"].cat.add_categories(["C"])
    assert_same(fitted(fw.CountData(counts, samples)), plain_results)


@pytest.mark.parametrize(
    "formula", ["", "~", "condition ~ ~", "~ condition +", "~ (condition", "~ condition %% 2", "condition", 7, None]
)
def test_what_is_no_formula(formula, counts, samples):
    with pytest.raises(fw.FoldwiseError):
        fit(counts, samples, formula)


def test_an_own_matrix_of_another_size(counts, samples):
    with pytest.raises(fw.FoldwiseError, match=r"7"):
        fit(counts, samples, pd.DataFrame({"Intercept": np.ones(7)}, index=samples.index[:7]))


def test_an_own_matrix_with_missing_values(counts, samples):
    matrix = fw.design_matrix("~ condition", samples)
    matrix.iloc[2, 1] = np.nan
    with pytest.raises(fw.DesignError):
        fit(counts, samples, matrix)


def test_a_reference_level_that_does_not_exist(counts, samples):
    with pytest.raises(fw.FoldwiseError, match="control") as told:
        fit(counts, samples, reference={"condition": "control"})
    assert "condition" in str(told.value)


@pytest.fixture(scope="module")
def three(experiment):
    samples = experiment.samples.copy()
    samples["group"] = pd.Categorical(list("abcabcab"))
    return fw.deseq(fw.CountData(experiment.counts, samples), "~ batch + group", progress=False)


COMPARISONS = {
    "unknown level": (("group", "d", "a"), "'d'"),
    "unknown factor": (("tissue", "b", "a"), "tissue"),
    "same level twice": (("group", "b", "b"), "different"),
    "two words": (("group", "b"), "three|2 parts"),
    "unknown coefficient": ((["group_d_vs_a"], []), "group_d_vs_a"),
    "on both sides": ((["group_b_vs_a"], ["group_b_vs_a"]), "both"),
    "nothing": (([], []), "empty"),
    "too short": ([0, 1], "has 2"),
    "all zero": ([0, 0, 0, 0], "0"),
    "missing": ([0, 1, np.nan, 0], "missing"),
    "infinite": ([0, 1, np.inf, 0], "infinite"),
    "one word": ("group_b_vs_a", "name='group_b_vs_a'"),
}


@pytest.mark.parametrize("kind", COMPARISONS)
def test_a_comparison_that_cannot_be_made(kind, three):
    contrast, said = COMPARISONS[kind]
    with pytest.raises(fw.ContrastError, match=said):
        three.results(contrast)


def test_a_name_that_is_no_coefficient_lists_what_there_is(three):
    with pytest.raises(fw.ContrastError, match="group_c_vs_a"):
        three.results(name="group_c_vs_b")


RESULT_OPTIONS = [
    {"alpha": 0.0},
    {"alpha": 1.0},
    {"lfc_threshold": -1.0},
    {"lfc_threshold": np.nan},
    {"lfc_threshold": "1"},
    {"alt_hypothesis": "different"},
    {"alt_hypothesis": "lessAbs"},
    {"p_adjust_method": "qvalue"},
    {"cooks_cutoff": -2.0},
    {"test": "LRT"},
    {"test": "wald"},
    {"theta": [0.5]},
    {"theta": [0.1, 1.5]},
    {"filter": [1.0, 2.0]},
    {"add_mle": True},
    {"contrast": (["group_b_vs_a"], []), "list_values": (1, 1)},
    {"compat": "1.2"},
]


@pytest.mark.parametrize("options", RESULT_OPTIONS, ids=str)
def test_options_of_results_out_of_range(options, three):
    with pytest.raises((fw.OptionError, fw.ContrastError)):
        three.results(**options)


FIT_OPTIONS = [
    {"test": "wald"},
    {"test": "LRT"},
    {"reduced": "~ 1"},
    {"test": "LRT", "reduced": "~ condition"},
    {"test": "LRT", "reduced": "~ batch"},
    {"test": "LRT", "reduced": "~ 1", "use_t": True},
    {"test": "LRT", "reduced": "~ 1", "beta_prior": True},
    {"fit_type": "loess"},
    {"sf_type": "tmm"},
    {"control_genes": ["gene01", "spike"]},
    {"control_genes": [True, False]},
    {"geo_means": [1.0, 2.0]},
    {"model_matrix_type": "expanded"},
    {"beta_prior": True, "model_matrix_type": "wide"},
    {"min_replicates_for_replace": 2},
    {"min_replicates_for_replace": float("nan")},
    {"use_t": True, "df": [1.0, 2.0]},
    {"min_mu": -1.0},
    {"min_mu": float("nan")},
    {"compat": "2.0"},
    {"executor": "many"},
    {"executor": 0},
    {"reference": {"nobody": "A"}},
]


@pytest.mark.parametrize("options", FIT_OPTIONS, ids=str)
def test_options_of_a_fit_out_of_range(options, experiment):
    with pytest.raises((fw.OptionError, fw.DesignError, fw.SamplesError)):
        fw.deseq(experiment, "~ condition", progress=False, **options)


def test_a_prior_where_r_has_none(experiment):
    for design in ("~ batch * condition", "~ 0 + condition"):
        with pytest.raises(fw.OptionError, match="beta_prior"):
            fw.deseq(experiment, design, beta_prior=True, progress=False)


def test_an_expanded_matrix_of_an_intercept_alone(experiment):
    with pytest.raises(fw.OptionError, match="~ 1 has none"):
        fw.deseq(experiment, "~ 1", beta_prior=True, model_matrix_type="expanded", progress=False)
