"""Values of the wrong kind: refused by name, with what was given and what is allowed, never taken for something else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import foldwise as fw


@pytest.fixture(scope="module")
def fit(experiment):
    return fw.deseq(experiment, "~ batch + condition", progress=False)


@pytest.fixture(scope="module")
def coefficient(fit):
    return fit.coefficient_names[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("independent_filtering", "False"),
        ("use_t", "no"),
        ("add_mle", 1),
        ("alpha", "a"),
        ("alpha", True),
        ("alpha", float("nan")),
        ("lfc_threshold", True),
        ("lfc_threshold", "1"),
        ("lfc_threshold", -1),
        ("min_mu", -1),
        ("min_mu", 0),
        ("min_mu", float("nan")),
        ("min_mu", "a"),
        ("cooks_cutoff", "False"),
        ("theta", "a"),
        ("theta", ["0.1", "0.2"]),
        ("filter", "baseMean"),
        ("filter_fun", 3),
        ("list_values", ("a", "b")),
        ("alt_hypothesis", "two.sided"),
        ("p_adjust_method", 3),
    ],
)
def test_results(fit, name, value):
    with pytest.raises(fw.OptionError, match=name):
        fit.results(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("beta_prior", "False"),
        ("use_t", "no"),
        ("fit_type", 3),
        ("control_genes", "gene001"),
        ("geo_means", "x"),
        ("min_replicates_for_replace", "x"),
        ("min_replicates_for_replace", None),
        ("df", "a"),
        ("min_mu", "a"),
        ("min_mu", -1),
        ("reference", "control"),
        ("progress", "yes"),
    ],
)
def test_deseq(experiment, name, value):
    with pytest.raises(fw.OptionError, match=name):
        fw.deseq(experiment, "~ condition", **{name: value})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("apeglm", "svalue", "yes"),
        ("apeglm", "adapt", "a"),
        ("apeglm", "converged", "no"),
        ("apeglm", "prior_scale", "a"),
        ("apeglm", "prior_scale", True),
        ("ashr", "grid", [-1]),
        ("ashr", "grid", [0]),
        ("ashr", "grid", [1, float("nan")]),
        ("ashr", "grid", ["a"]),
        ("ashr", "grid", []),
        ("ashr", "lfc_threshold", True),
    ],
)
def test_shrink(fit, coefficient, kind, name, value):
    with pytest.raises(fw.OptionError, match=name):
        fit.shrink(coefficient, type=kind, **{name: value})


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda d: d.select(samples="sample1"), r"samples must be .*\['sample1'\]"),
        (lambda d: d.select(genes="gene1"), "genes must be"),
        (lambda d: d.filter_low(min_count="a"), "min_count must be"),
        (lambda d: d.filter_low(min_samples=1.5), "min_samples must be"),
        (lambda d: fw.CountData(d.counts, d.samples, size_factors="a"), "size_factors must be numbers"),
        (lambda d: fw.pseudobulk(d.counts, by="condition"), "adata must be an AnnData"),
        (lambda d: fw.design_matrix(d.samples, "~ condition"), "formula must be a text"),
        (lambda d: fw.diagnose("~ condition", d.samples), "samples must be the table"),
        (lambda d: fw.norm_transform(d, pc=-1), "pc must be"),
        (lambda d: fw.vst(d, blind="no"), "blind must be True or False"),
        (lambda d: fw.vst(d, nsub="many"), "nsub must be"),
        (lambda d: fw.cpm(d, log="yes"), "log must be"),
        (lambda d: fw.quality(d, covariates="condition"), r"covariates must be a list.*\['condition'\]"),
        (lambda d: fw.simulate(n_genes="many"), "n_genes must be"),
        (lambda d: fw.read_counts("counts.tsv", unlisted="foo"), "unlisted must be one of 'error', 'drop'"),
    ],
)
def test_data(experiment, ask, words):
    with pytest.raises(fw.OptionError, match=words):
        ask(experiment)


@pytest.mark.parametrize(
    ("value", "words"), [(-1, "0 or more"), ("x", "whole number"), (True, "whole number"), (2.5, "whole number")]
)
def test_pseudobulk(experiment, value, words):
    pytest.importorskip("anndata")
    with pytest.raises(fw.OptionError, match=f"min_cells must be .*{words}"):
        fw.pseudobulk(experiment.to_anndata(), by="condition", min_cells=value)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda f: f.results_many(as_table="x"), "as_table must be"),
        (lambda f: f.cooks_of("x"), "no gene 'x'"),
        (lambda f: f.to_anndata([f.results()]), "results must be"),
        (lambda f: f.results().significant("x"), "alpha must be"),
        (lambda f: fw.ManyFits({"a": f}).results(label="gene"), "label='gene'"),
    ],
)
def test_questions(fit, ask, words):
    with pytest.raises(fw.OptionError, match=words):
        ask(fit)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda f: fw.plots.ma(f.results(), alpha=7), "alpha must be"),
        (lambda f: fw.plots.ma(f.results(), labels=-3), "labels must be"),
        (lambda f: fw.plots.volcano(f.results(), labels=-3), "labels must be"),
        (lambda f: fw.plots.volcano(f.results(), lfc_threshold=-1), "lfc_threshold must be"),
        (lambda f: fw.plots.cooks(None), "fit must be a fit"),
        (lambda f: fw.plots.dispersion(None), "fit must be a fit"),
        (lambda f: fw.plots.filtering(None), "results must be"),
        (lambda f: fw.plots.filtering(f.data), "results must be"),
        (lambda f: fw.plots.filtering(f.data.counts), "results must be"),
        (lambda f: fw.plots.size_factors(None), "data must be"),
        (lambda f: fw.plots.counts(f, [f.data.gene_names[0]]), "gene must be the name of one gene"),
    ],
)
def test_pictures(fit, ask, words):
    with pytest.raises(fw.OptionError, match=words):
        ask(fit)


def test_what_is_flexible_stays_so(fit, experiment):
    usual = fit.results()
    same = [
        {"cooks_cutoff": np.True_},
        {"alpha": np.float32(0.1).item()},
        {"independent_filtering": np.bool_(True)},
        {"lfc_threshold": np.int64(0)},
        {"min_mu": np.float64(0.5)},
        {"list_values": np.array([1, -1])},
    ]
    for options in same:
        pd.testing.assert_series_equal(fit.results(**options).table["pvalue"], usual.table["pvalue"])
    none = fit.results(cooks_cutoff=False).table
    pd.testing.assert_frame_equal(fit.results(cooks_cutoff=float("inf")).table, none)
    pd.testing.assert_frame_equal(fit.results(cooks_cutoff=np.False_).table, none)
    assert len(fit.results(theta=np.linspace(0, 0.9, 10)).metadata["theta"]) == 10
    assert fw.vst(experiment, nsub=20.0).equals(fw.vst(experiment, nsub=20))


def test_a_truth_value_in_quotes_is_told_to_lose_them(fit):
    with pytest.raises(fw.OptionError, match="must be True or False; got 'FALSE'. Write False, without quotes"):
        fit.results(independent_filtering="FALSE")


def test_arguments_in_the_order_of_r(experiment):
    counts, samples = experiment.counts, experiment.samples
    advice = r'deseq\(counts, "~ condition", samples=samples\)'
    with pytest.raises(fw.OptionError, match=advice):
        fw.deseq(counts, samples, "~ condition")
    with pytest.raises(fw.OptionError, match=advice):
        fw.deseq(counts, samples, design="~ condition")
    with pytest.raises(fw.OptionError, match="The design comes second"):
        fw.deseq("~ condition", counts, samples=samples)


def test_adjusted_p_values_of_the_users_own_are_probabilities(fit):
    with pytest.raises(fw.OptionError, match=r"filter_fun .*1\.69"):
        fit.results(filter_fun=lambda table, alpha: np.full(len(table), 1.69))


def test_a_trend_of_the_users_own_answers_every_mean(experiment):
    with pytest.raises(fw.OptionError, match=r"must return as many dispersions.*\(3,\)"):
        fw.deseq(experiment, "~ condition", fit_type=lambda means: np.ones(3), progress=False)


@pytest.mark.parametrize("table", [True, False])
def test_complex_counts_are_no_counts(experiment, table):
    counts = experiment.counts.astype(complex) + 1j
    with pytest.raises(fw.CountsError, match="complex"):
        fw.CountData(counts if table else counts.to_numpy(), experiment.samples)


def test_gene_names_of_two_levels(experiment):
    counts = experiment.counts
    counts.index = pd.MultiIndex.from_product([["a"], counts.index], names=["set", "gene"])
    with pytest.raises(fw.CountsError, match="2 levels .'set', 'gene'."):
        fw.CountData(counts, experiment.samples)


def test_size_factors_beside_normalization_factors_are_not_passed_over_in_silence(experiment):
    counts = experiment.counts
    with pytest.warns(fw.FoldwiseWarning, match="the latter alone"):
        fw.CountData(counts, experiment.samples, size_factors=1.0, normalization_factors=counts * 0.0 + 1.0)


def test_folders_are_made(fit, tmp_path):
    fit.save(tmp_path / "new" / "x.foldwise")
    fit.results().to_csv(tmp_path / "newer" / "x.csv")
    assert (tmp_path / "new" / "x.foldwise").is_file() and (tmp_path / "newer" / "x.csv").is_file()


def test_a_folder_is_no_fit(tmp_path):
    with pytest.raises(fw.FoldwiseError, match="is a folder"):
        fw.load(tmp_path)


@pytest.mark.parametrize("name", ["test", "stage", "foo"])
def test_a_fit_that_is_written_to_says_that_it_never_changes(fit, name):
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"A Fit never changes: its '{name}'"):
        setattr(fit, name, "x")


def test_a_table_where_a_word_is_expected(fit, experiment):
    with pytest.raises(fw.OptionError, match="alt_hypothesis must be one of .* got DataFrame of shape"):
        fit.results(alt_hypothesis=experiment.counts)


def test_too_many_arguments_are_told_where_they_go(fit):
    with pytest.raises(
        fw.OptionError, match=r"results\(\) got 2 arguments by position; it takes contrast; by name name="
    ):
        fit.results(("condition", "treated", "control"), 0.1)
    with pytest.raises(
        fw.OptionError, match=r"cooks\(\) got 3 arguments by position; it takes fit, ax; by name title="
    ):
        fw.plots.cooks(fit, None, "title")
