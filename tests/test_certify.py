"""A certificate passes what the package computes, and catches a wrong number in every kind of estimate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from foldwise.api import deseq
from foldwise.certify import LIMITS, certify
from foldwise.certify.comparison import _adjust

N_GENES, GENE = 150, 17


def simulated(n_each: int = 8, seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    random = np.random.default_rng(seed)
    condition = np.repeat(["A", "B"], n_each)
    batch = np.tile(["x", "y"], n_each)
    mean = 10.0 ** random.uniform(0.5, 4.0, N_GENES)[:, None]
    change = np.where(random.random(N_GENES) < 0.3, random.normal(0, 1.5, N_GENES), 0.0)[:, None]
    depth = np.exp(random.normal(0, 0.25, 2 * n_each))
    mu = mean * 2.0 ** (change * (condition == "B")) * 1.3 ** (batch == "y") * depth
    alpha = (0.05 + 2.0 / mean) * np.exp(random.normal(0, 0.4, (N_GENES, 1)))
    counts = random.negative_binomial(1.0 / alpha, 1.0 / (1.0 + alpha * mu))
    counts[3] = 0
    names = [f"s{j}" for j in range(2 * n_each)]
    genes = [f"g{i:03d}" for i in range(N_GENES)]
    samples = pd.DataFrame({"condition": condition, "batch": batch}, index=names)
    return pd.DataFrame(counts, index=genes, columns=names), samples


@pytest.fixture(scope="module")
def wald():
    counts, samples = simulated()
    return deseq(counts, "~ batch + condition", samples=samples, min_replicates_for_replace=np.inf)


@pytest.fixture(scope="module")
def replaced():
    counts, samples = simulated()
    counts.iloc[40, 2] = 90_000
    counts.iloc[3, 5] = 4_000
    return deseq(counts, "~ condition", samples=samples)


@pytest.fixture(scope="module")
def lrt():
    counts, samples = simulated(4)
    return deseq(counts, "~ batch + condition", samples=samples, test="LRT", reduced="~ batch")


@pytest.fixture(scope="module")
def prior():
    counts, samples = simulated(4)
    return deseq(counts, "~ batch + condition", samples=samples, beta_prior=True)


def nudged(values, by: float = 0.0, times: float = 1.0, gene: int = GENE):
    changed = np.array(values, dtype=np.float64)
    changed[gene] = changed[gene] * times + by
    return changed


def with_column(fit, name: str, **how):
    """The fit with one gene's number of a dispersion column wrong."""
    columns = {**fit.stage.columns, name: nudged(fit.stage.columns[name], **how)}
    return replace(fit, stage=replace(fit.stage, columns=columns))


def with_tested(fit, name: str, **how):
    if name in fit.tested.columns:
        columns = {**fit.tested.columns, name: nudged(fit.tested.columns[name], **how)}
        return replace(fit, tested=replace(fit.tested, columns=columns))
    return replace(fit, tested=replace(fit.tested, **{name: nudged(getattr(fit.tested, name), **how)}))


def with_table(results, name: str, **how):
    table = results.table.copy()
    table[name] = nudged(table[name], **how)
    return replace(results, table=table)


def failed(table: pd.DataFrame, gene: int = GENE) -> set[str]:
    return set(table["failed"].iloc[gene].split(", ")) - {""}


@pytest.mark.parametrize("name", ["wald", "replaced", "lrt", "prior"])
def test_what_the_package_computes_passes(name, request):
    table = certify(request.getfixturevalue(name))
    assert table["ok"].all(), table.attrs["summary"]
    assert "pass" in table.attrs["summary"]
    assert all(check["ok"] for check in table.attrs["whole"].values())


@pytest.mark.parametrize(
    ("column", "how", "check"),
    [
        ("baseMean", {"times": 1 + 1e-6}, "base_mean"),
        ("baseVar", {"times": 1 + 1e-6}, "base_mean"),
        ("dispGeneEst", {"times": 2.0}, "gene_wise_excess"),
        ("dispGeneEst", {"times": 0.4}, "gene_wise_excess"),
        ("dispGeneEst", {"times": 0.0, "by": 1e-8}, "gene_wise_excess"),
        ("dispMAP", {"times": 1.15}, "dispersion_excess"),
        ("dispMAP", {"times": 0.85}, "dispersion_excess"),
        ("dispersion", {"times": 1 + 1e-6}, "dispersion"),
        ("dispFit", {"times": 1 + 1e-6}, "trend"),
        ("dispersion", {"times": np.nan}, "dispersion"),
        ("dispMAP", {"times": np.nan}, "dispersion_excess"),
        ("dispGeneEst", {"times": np.nan}, "gene_wise_excess"),
    ],
)
def test_a_wrong_dispersion_is_caught(wald, column, how, check):
    table = certify(with_column(wald, column, **how), wald.results())
    assert check in failed(table)
    assert table["ok"].sum() >= N_GENES - 1


def test_a_wrong_coefficient_is_caught(wald):
    by = 0.05 * wald.tested.se[GENE] * np.log(2)
    assert "score" in failed(certify(with_tested(wald, "beta", by=by), wald.results()))
    assert "score" in failed(certify(with_tested(wald, "beta", times=np.nan), wald.results()))


@pytest.mark.parametrize(
    ("column", "times", "check"),
    [("se", 1 + 1e-5, "standard_error"), ("deviance", 1 + 1e-5, "deviance"), ("maxCooks", 1 + 1e-5, "cooks")],
)
def test_a_wrong_number_of_the_test_is_caught(wald, column, times, check):
    assert check in failed(certify(with_tested(wald, column, times=times), wald.results()))


@pytest.mark.parametrize(
    ("column", "times", "check"),
    [
        ("log2FoldChange", 1 + 1e-5, "fold_change"),
        ("lfcSE", 1 + 1e-4, "lfc_se"),
        ("stat", 1 + 1e-4, "stat"),
        ("pvalue", 1 + 1e-3, "pvalue"),
        ("padj", 1 + 1e-6, "padj"),
        ("baseMean", 1 + 1e-6, "base_mean"),
    ],
)
@pytest.mark.parametrize("name", ["wald", "lrt"])
def test_a_wrong_number_in_the_table_is_caught(name, column, times, check, request):
    fit = request.getfixturevalue(name)
    results = fit.results(independent_filtering=False)
    assert check in failed(certify(fit, with_table(results, column, times=times)))


def test_a_number_wrongly_missing_and_one_wrongly_there_are_caught(wald):
    results = wald.results()
    for column in ("log2FoldChange", "lfcSE", "stat", "pvalue", "padj"):
        check = {"log2FoldChange": "fold_change", "lfcSE": "lfc_se"}.get(column, column)
        missing, invented = results.table.copy(), results.table.copy()
        missing.loc[missing.index[GENE], column] = np.nan
        invented.loc[invented.index[3], column] = 0.5  # this gene has no counts
        assert check in failed(certify(wald, replace(results, table=missing)))
        assert check in failed(certify(wald, replace(results, table=invented)), gene=3)


@pytest.mark.parametrize(
    "options",
    [
        {"contrast": [0, 0.5, 1]},
        {"contrast": ("condition", "A", "B")},
        {"lfc_threshold": 0.5},
        {"lfc_threshold": 0.5, "alt_hypothesis": "greaterAbs2014"},
        {"lfc_threshold": 0.5, "alt_hypothesis": "lessAbs"},
        {"alt_hypothesis": "greater"},
        {"alt_hypothesis": "less", "lfc_threshold": 0.3},
        {"p_adjust_method": "holm"},
        {"p_adjust_method": "BY", "independent_filtering": False},
        {"filter": np.arange(N_GENES, dtype=float)},
    ],
    ids=lambda options: "-".join(f"{name}={value}" if np.ndim(value) == 0 else name for name, value in options.items()),
)
def test_every_kind_of_comparison_passes_and_a_wrong_p_value_in_it_is_caught(wald, options):
    results = wald.results(**options)
    table = certify(wald, results)
    assert table["ok"].all(), table.attrs["summary"]
    assert "pvalue" in failed(certify(wald, with_table(results, "pvalue", times=0.9)))


def test_wrong_size_factors_are_caught(wald):
    factors = wald.factors.copy()
    factors[2] *= 1.001
    stage = replace(wald.stage, measured=replace(wald.stage.measured, factors=factors))
    table = certify(replace(wald, stage=stage), wald.results())
    assert not table["ok"].any()
    assert "size factors" in table.attrs["summary"]


def test_a_wrong_trend_and_prior_variance_are_caught(wald):
    stage = replace(wald.stage, prior_variance=wald.stage.prior_variance * 1.01)
    assert "dispersion prior variance" in failed(certify(replace(wald, stage=stage), wald.results()))
    if wald.trend.kind == "parametric":
        a = wald.trend.coefficients
        wrong = type(wald.trend)(a["asymptDisp"] * 1.02, a["extraPois"])
        assert "trend" in failed(certify(replace(wald, stage=replace(wald.stage, trend=wrong)), wald.results()))


def test_a_wrong_number_of_a_replaced_gene_is_caught(replaced):
    assert replaced.refitted[40]
    se = replaced.tested.se[40] * np.log(2)
    assert "score" in failed(certify(with_tested(replaced, "beta", by=0.05 * se, gene=40), replaced.results()), gene=40)
    assert "dispersion" in failed(
        certify(with_column(replaced, "dispersion", times=1.01, gene=40), replaced.results()), 40
    )


def test_a_wrong_coefficient_before_or_under_the_prior_is_caught(prior):
    by = 0.05 * np.log(2)
    assert "mle_score" in failed(certify(with_tested(prior, "mle", by=by), prior.results()))
    assert "score" in failed(certify(with_tested(prior, "beta", by=by), prior.results()))


@pytest.mark.parametrize("kind", ["apeglm", "ashr", "normal"])
def test_shrunken_tables_pass_and_wrong_numbers_in_them_are_caught(wald, kind):
    checks = {
        "apeglm": ("mode", "mode_sd"),
        "ashr": ("posterior_mean", "posterior_sd"),
        "normal": ("refit", "refit_se"),
    }
    shrunken = wald.shrink(type=kind)
    table = certify(wald, shrunken)
    assert table["ok"].all(), table.attrs["summary"]
    by = 0.3 * shrunken.table["lfcSE"].iloc[GENE]
    assert checks[kind][0] in failed(certify(wald, with_table(shrunken, "log2FoldChange", by=by)))
    assert checks[kind][1] in failed(certify(wald, with_table(shrunken, "lfcSE", times=1.02)))


@pytest.mark.parametrize("options", [{"svalue": True}, {"lfc_threshold": 0.5}], ids=str)
@pytest.mark.parametrize("kind", ["apeglm", "ashr"])
def test_a_wrong_s_value_is_caught(wald, kind, options):
    shrunken = wald.shrink(type=kind, **options)
    assert certify(wald, shrunken)["ok"].all()
    assert "svalue" in failed(certify(wald, with_table(shrunken, "svalue", by=1e-6)))


def test_wrong_mixture_weights_and_prior_scales_are_caught(wald):
    ash, ape = wald.shrink(type="ashr"), wald.shrink(type="apeglm")
    weights = np.array(ash.metadata["prior"]["weights"])
    weights[np.argmax(weights)] *= 0.98
    wrong = replace(ash, metadata={**ash.metadata, "prior": {**ash.metadata["prior"], "weights": weights}})
    assert "mixture weights" in failed(certify(wald, wrong))
    variance = ape.metadata["prior"]["prior_variance"] * 1.05
    wrong = replace(ape, metadata={**ape.metadata, "prior": {**ape.metadata["prior"], "prior_variance": variance}})
    assert "prior scale" in failed(certify(wald, wrong))


def test_the_certificate_says_what_it_checked(wald):
    table = certify(wald)
    assert set(table.attrs["limits"]) <= set(LIMITS)
    assert list(table.index) == list(wald.data.gene_names)
    broken = certify(with_tested(wald, "se", times=2.0), wald.results())
    assert broken.attrs["summary"].startswith("1 of 150 genes fail: standard_error (1)")


def test_adjusting_by_hand():
    np.testing.assert_allclose(_adjust(np.array([0.01, 0.04, 0.03]), "BH"), [0.03, 0.04, 0.04])
    np.testing.assert_allclose(_adjust(np.array([0.01, 0.04, 0.03]), "bonferroni"), [0.03, 0.12, 0.09])
    np.testing.assert_allclose(_adjust(np.array([0.01, 0.04, 0.03]), "hochberg"), [0.03, 0.04, 0.04])


@pytest.mark.parametrize("reduced", ["~ batch", "~ 1"])
def test_quasi_likelihood_fits_pass_and_wrong_numbers_in_them_are_caught(reduced):
    counts, samples = simulated(4)
    fit = deseq(counts, "~ batch + condition", samples=samples, fit_type="glmGamPoi", test="LRT", reduced=reduced)
    results = fit.results()
    table = certify(fit, results)
    assert table["ok"].all(), table.attrs["summary"]
    assert "gene-wise dispersions" in table.attrs["summary"]  # said not to be checked
    for column in ("stat", "pvalue"):
        assert column in failed(certify(fit, with_table(results, column, times=1.001)))
    for column in ("dispMAP", "dispersion", "qlDispMLE", "qlDispMAP"):
        assert "dispersion" in failed(certify(with_column(fit, column, times=1.001), results))
    assert "score" in failed(certify(with_tested(fit, "beta", by=0.1), results))
    assert "deviance" in failed(certify(with_tested(fit, "deviance", times=1.001), results))


def test_weights_and_normalization_factors_pass():
    from foldwise.counts import CountData

    counts, samples = simulated(4)
    random = np.random.default_rng(5)
    weights = pd.DataFrame(random.uniform(0.2, 1.0, counts.shape), counts.index, counts.columns)
    factors = pd.DataFrame(np.exp(random.normal(0, 0.2, counts.shape)), counts.index, counts.columns)
    for extra in ({"weights": weights}, {"normalization_factors": factors}):
        fit = deseq(CountData(counts, samples, **extra), "~ batch + condition")
        table = certify(fit)
        assert table["ok"].all(), table.attrs["summary"]
        assert "score" in failed(certify(with_tested(fit, "beta", by=0.05), fit.results()))
        assert "dispersion_excess" in failed(certify(with_column(fit, "dispMAP", times=1.3), fit.results()))
