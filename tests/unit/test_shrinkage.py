"""``fit.shrink`` as a user meets it: columns, status, options, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.errors import ContrastError, FoldwiseWarning, OptionError

TREATED = "condition_treated_vs_control"


def simulated(design="~ batch + condition", n=240, seed=3, **options):
    rng = np.random.default_rng(seed)
    samples = pd.DataFrame(
        {
            "condition": ["control"] * 4 + ["treated"] * 4 + ["other"] * 4,
            "batch": ["x", "y"] * 6,
            "dose": np.arange(12) % 5,
        },
        index=[f"s{i}" for i in range(12)],
    )
    lfc = rng.normal(0, 1, n) * (rng.random(n) < 0.4)
    mean = np.exp(rng.normal(4.5, 1.5, n))[:, None] * 2 ** (
        lfc[:, None] * (samples["condition"] == "treated").to_numpy()
    )
    dispersion = 0.05 + 2 / mean
    counts = rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * mean))
    counts[7] = 0
    table = pd.DataFrame(counts, index=[f"g{i}" for i in range(n)], columns=samples.index)
    return fw.deseq(table, design, samples=samples, reference={"condition": "control"}, progress=False, **options)


@pytest.fixture(scope="module")
def fit():
    return simulated()


ROUTES = [
    ("apeglm", {}, ["pvalue", "padj"]),
    ("apeglm", {"svalue": True}, ["svalue"]),
    ("apeglm", {"lfc_threshold": 0.5}, ["svalue"]),
    ("ashr", {}, ["pvalue", "padj"]),
    ("ashr", {"svalue": True}, ["svalue"]),
    ("ashr", {"lfc_threshold": 0.5}, ["stat", "pvalue", "padj", "svalue"]),
    ("normal", {}, ["stat", "pvalue", "padj"]),
    ("normal", {"lfc_threshold": 0.5}, ["stat", "pvalue", "padj"]),
]


@pytest.mark.parametrize(("kind", "options", "columns"), ROUTES)
def test_columns_are_those_of_r_and_a_status(fit, kind, options, columns):
    found = fit.shrink(TREATED, type=kind, **options)
    assert list(found.table.columns) == ["baseMean", "log2FoldChange", "lfcSE", *columns, "status"]
    assert found.metadata["prior"]["type"] == kind
    assert found.metadata["description"]["log2FoldChange"].endswith("condition treated vs control")
    assert set(found.metadata["description"]) == set(found.table.columns)


@pytest.mark.parametrize("kind", ["apeglm", "ashr", "normal"])
def test_fold_changes_are_drawn_towards_zero_and_p_values_are_not_touched(fit, kind):
    plain, found = fit.results(name=TREATED).table, fit.shrink(TREATED, type=kind).table
    assert found["log2FoldChange"].abs().sum() < plain["log2FoldChange"].abs().sum()
    pd.testing.assert_series_equal(found["pvalue"], plain["pvalue"])
    pd.testing.assert_series_equal(found["padj"], plain["padj"])


def test_a_gene_without_counts(fit):
    apeglm, ashr = fit.shrink(TREATED).table.loc["g7"], fit.shrink(TREATED, type="ashr").table.loc["g7"]
    assert apeglm["status"] == ashr["status"] == "all zero"
    assert np.isnan(apeglm["log2FoldChange"])
    assert ashr["log2FoldChange"] == 0  # the prior's mean, as in R
    assert ashr["lfcSE"] > 0


@pytest.mark.parametrize("kind", ["apeglm", "ashr", "normal"])
def test_turning_a_contrast_round_turns_the_sign(fit, kind):
    """With apeglm almost: the wide prior of the other coefficients lies on other ones then."""
    options = {"converged": True} if kind == "apeglm" else {}
    found = fit.shrink(contrast=("condition", "treated", "other"), type=kind, **options).table["log2FoldChange"]
    turned = fit.shrink(contrast=("condition", "other", "treated"), type=kind, **options).table["log2FoldChange"]
    np.testing.assert_allclose(found, -turned, rtol=1e-6, atol=1e-2 if kind == "apeglm" else 1e-9)


@pytest.mark.parametrize("kind", ["apeglm", "ashr", "normal"])
def test_one_comparison_has_one_answer_however_it_is_said(fit, kind):
    said = [("condition", "treated", "other"), ([TREATED], ["condition_other_vs_control"])]
    said.append(
        [float(name == TREATED) - float(name == "condition_other_vs_control") for name in fit.coefficient_names]
    )
    tables = [fit.shrink(contrast=contrast, type=kind).table[["log2FoldChange", "lfcSE"]] for contrast in said]
    for table in tables[1:]:
        np.testing.assert_allclose(table, tables[0], rtol=1e-9, atol=1e-12)


def test_a_combination_of_coefficients_can_be_shrunken(fit):
    vector = [0.0, 0.0, 0.5, 0.5]
    plain, found = fit.results(vector).table, fit.shrink(contrast=vector).table
    assert np.corrcoef(plain["log2FoldChange"].fillna(0), found["log2FoldChange"].fillna(0))[0, 1] > 0.8


def test_normal_takes_contrasts_in_expanded_names_too(fit):
    plain = fit.shrink(contrast=("condition", "treated", "other"), type="normal").table
    named = fit.shrink(contrast=(["conditiontreated"], ["conditionother"]), type="normal").table
    np.testing.assert_allclose(named["log2FoldChange"], plain["log2FoldChange"], rtol=1e-12)


def test_without_intercept_groups_can_be_compared():
    fit = simulated("~ 0 + condition")
    found = fit.shrink(contrast=("condition", "treated", "control"), converged=True).table
    with_intercept = simulated("~ condition").shrink(TREATED, converged=True).table
    np.testing.assert_allclose(found["log2FoldChange"], with_intercept["log2FoldChange"], rtol=0.02, atol=0.01)


def test_a_table_of_the_users_own_gives_its_p_values(fit):
    res = fit.results(name=TREATED, lfc_threshold=1.0, alpha=0.01)
    for kind in ("apeglm", "ashr", "normal"):
        found = fit.shrink(TREATED, type=kind, res=res)
        pd.testing.assert_series_equal(found.table["pvalue"], res.table["pvalue"])
        assert found.metadata["alpha"] == 0.01
    pd.testing.assert_frame_equal(fit.shrink(res=res).table, fit.shrink(TREATED, res=res).table)


def test_without_arguments_it_shrinks_what_results_compares_by_default(fit):
    assert fit.shrink().name == fit.results().name


def test_after_a_likelihood_ratio_test_its_p_values_stay():
    fit = simulated(test="LRT", reduced="~ batch")
    pd.testing.assert_series_equal(fit.shrink(TREATED).table["pvalue"], fit.results(name=TREATED).table["pvalue"])


def test_converged_answers_lie_near_those_of_r(fit):
    path, optimum = fit.shrink(TREATED).table, fit.shrink(TREATED, converged=True).table
    apart = (path["log2FoldChange"] - optimum["log2FoldChange"]).abs()
    assert 0 < apart.max() < 2e-2
    assert apart.median() < 5e-4


def test_prior_scale_can_be_given(fit):
    tight = fit.shrink(TREATED, prior_scale=1e-3).table["log2FoldChange"].abs()
    assert (tight.dropna() <= fit.shrink(TREATED).table["log2FoldChange"].abs().dropna() + 0.05).mean() > 0.9
    wide = fit.shrink(TREATED, adapt=False)
    assert wide.metadata["prior"]["prior_scale"] == 1.0


def test_a_gene_that_does_not_converge_says_so(fit, monkeypatch):
    from foldwise.shrinkage import apeglm

    def lost(*args, **options):
        found = apeglm_posterior(*args, **options)
        found.status[5] = 2
        return found

    apeglm_posterior = apeglm.apeglm_posterior
    monkeypatch.setattr(apeglm, "apeglm_posterior", lost)
    with pytest.warns(FoldwiseWarning, match="1 genes did not converge.*'g5'"):
        found = fit.shrink(TREATED)
    assert found.table.loc["g5", "status"] == "not converged"


# ---------------------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (OptionError, "'apeglm', 'ashr', 'normal'", {"type": "lasso"}),
        (ContrastError, TREATED, {"coef": "condition_treated"}),
        (OptionError, TREATED, {"coef": 2}),
        (OptionError, "not both", {"coef": TREATED, "contrast": ("condition", "treated", "control")}),
        (OptionError, "negative", {"coef": TREATED, "lfc_threshold": -1}),
        (OptionError, "negative", {"coef": TREATED, "lfc_threshold": np.nan}),
        (OptionError, "no s-values", {"coef": TREATED, "type": "normal", "svalue": True}),
        (OptionError, "adapt, converged, prior_scale", {"coef": TREATED, "method": "nbinomR"}),
        (OptionError, "positive", {"coef": TREATED, "prior_scale": 0}),
        (ContrastError, "level of expression", {"coef": "Intercept"}),
        (ContrastError, "level of expression", {"contrast": [1, 0, 1, 0]}),
        (ContrastError, "no level", {"contrast": ("condition", "treated", "placebo")}),
        (OptionError, "fit.results", {"coef": TREATED, "res": "table"}),
    ],
)
def test_bad_input_is_told_what_is_wrong(fit, error, words, arguments):
    with pytest.raises(error, match=words):
        fit.shrink(**arguments)


def test_a_table_of_another_comparison_is_refused(fit):
    with pytest.raises(OptionError, match="condition other vs control"):
        fit.shrink(TREATED, res=fit.results(name="condition_other_vs_control"))


def test_normal_refuses_interactions():
    with pytest.raises(OptionError, match="interactions"):
        simulated("~ batch * condition").shrink(TREATED, type="normal")


def test_a_fit_with_a_prior_is_not_shrunken_again():
    with pytest.raises(OptionError, match="beta_prior"):
        simulated(beta_prior=True).shrink()


def test_a_fit_without_standard_errors_says_why_it_has_no_prior():
    fit = simulated(fit_type="glmGamPoi", test="LRT", reduced="~ batch")
    for kind in ("apeglm", "ashr"):
        with pytest.raises(OptionError, match="standard error"):
            fit.shrink("conditiontreated", type=kind)
