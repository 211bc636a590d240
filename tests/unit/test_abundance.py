"""Normalisations as a user meets them: labels, totals, refusals, and what each docstring promises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw

COUNTS = pd.DataFrame(
    {"a": [10, 0, 300, 40], "b": [20, 5, 500, 90], "c": [0, 0, 100, 10]}, index=["g1", "g2", "g3", "g4"]
)
LENGTHS = pd.Series({"g4": 500, "g3": 1000, "g2": 2000, "g1": 4000})


def test_totals() -> None:
    assert fw.cpm(COUNTS).sum().tolist() == pytest.approx([1e6] * 3)
    assert fw.tpm(COUNTS, lengths=LENGTHS).sum().tolist() == pytest.approx([1e6] * 3)


def test_lengths_are_matched_by_name() -> None:
    pd.testing.assert_frame_equal(fw.tpm(COUNTS, lengths=LENGTHS), fw.tpm(COUNTS, lengths=LENGTHS[COUNTS.index]))


def test_lengths_of_the_gene_table() -> None:
    data = fw.CountData(COUNTS, pd.DataFrame(index=COUNTS.columns), genes=LENGTHS[COUNTS.index].to_frame("Length"))
    pd.testing.assert_frame_equal(fw.rpkm(data), fw.rpkm(COUNTS, lengths=LENGTHS), check_names=False)


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        (None, "lengths are needed"),
        (LENGTHS.drop("g3"), "'g3'"),
        (LENGTHS.replace(1000, 0), "'g3'"),
        (LENGTHS.astype(float).replace(1000, np.nan), "'g3'"),
        ([1.0, 2.0], "shape"),
    ],
)
def test_bad_lengths(lengths: object, words: str) -> None:
    for function in (fw.tpm, fw.rpkm):
        with pytest.raises(fw.CountsError, match=words):
            function(COUNTS, lengths=lengths)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (COUNTS.assign(d=0), "'d'"),
        (COUNTS.assign(d=-1), "negative"),
        (COUNTS.assign(d=np.nan), "missing"),
        (COUNTS.assign(name="x"), "'name'"),
        (pd.concat([COUNTS, COUNTS]), "twice"),
        (COUNTS.iloc[:0], "empty"),
    ],
)
def test_bad_counts(table: pd.DataFrame, words: str) -> None:
    for function in (fw.cpm, fw.tmm_factors, fw.filter_by_expression):
        with pytest.raises(fw.CountsError, match=words):
            function(table)


def test_factors_multiply_to_one_and_keep_names() -> None:
    table = pd.DataFrame(np.random.default_rng(1).poisson(50, (80, 4)), columns=list("wxyz"))
    for method in ("TMM", "TMMwsp", "RLE", "upperquartile", "none"):
        factors = fw.norm_factors(table, method=method)
        assert factors.prod() == pytest.approx(1)
        assert list(factors.index) == list("wxyz")


def test_bad_options() -> None:
    with pytest.raises(fw.OptionError, match="TMMwsp"):
        fw.norm_factors(COUNTS, method="tmm")
    with pytest.raises(fw.SamplesError, match="'d'"):
        fw.tmm_factors(COUNTS, ref_column="d")
    with pytest.raises(fw.OptionError, match="logratio_trim"):
        fw.tmm_factors(COUNTS, logratio_trim=0.7)
    with pytest.raises(fw.SamplesError, match="norm_factors"):
        fw.cpm(COUNTS, norm_factors=pd.Series({"a": 1.0, "b": 1.0}))
    with pytest.raises(fw.SamplesError, match="group"):
        fw.filter_by_expression(COUNTS, group=["x", "y"])
    with pytest.raises(fw.CountsError, match="poscounts"):
        fw.fpm(pd.DataFrame({"a": [0, 1, 5], "b": [3, 0, 4], "c": [2, 2, 0]}))


def test_a_zero_upper_quartile_is_told() -> None:
    table = pd.DataFrame({"a": [0, 0, 0, 0, 7], "b": [1, 2, 3, 4, 5]})
    with pytest.warns(fw.FoldwiseWarning, match="quantile"):
        fw.norm_factors(table, method="upperquartile", p=0.5)


def test_median_of_ratios_is_counts_over_size_factors() -> None:
    data = fw.CountData(COUNTS + 1, pd.DataFrame(index=COUNTS.columns))
    expected = (COUNTS + 1) / fw.estimate_size_factors(data)
    pd.testing.assert_frame_equal(fw.median_of_ratios(data), expected, check_names=False)
    given = fw.CountData(COUNTS, pd.DataFrame(index=COUNTS.columns), size_factors=[1.0, 2.0, 4.0])
    pd.testing.assert_frame_equal(fw.median_of_ratios(given), COUNTS / [1.0, 2.0, 4.0], check_names=False)


@pytest.mark.parametrize(
    "function",
    [fw.cpm, fw.tpm, fw.rpkm, fw.fpkm, fw.fpm, fw.median_of_ratios, fw.tmm_factors, fw.norm_factors,
     fw.filter_by_expression],
)  # fmt: skip
def test_docstrings_say_what_may_be_compared(function: object) -> None:
    text = function.__doc__ or ""
    for row in ("accounts for  ", "may compare  ", "in the test         no"):
        assert row in text


def test_the_guide_shows_why_not_rpkm() -> None:
    guide = fw.normalization_guide()
    rpkm, tpm = guide.rpkm.loc["total"], guide.tpm.loc["total"]
    assert guide.rpkm.loc["XCR1", "sampleA"] == guide.rpkm.loc["XCR1", "sampleB"]
    assert rpkm["sampleB"] > 1.5 * rpkm["sampleA"]
    assert tpm.tolist() == pytest.approx([1e6, 1e6])
    assert "goes into the test" in str(guide) and "<table" in guide._repr_html_()
    assert (guide.table["goes into the test"] == "no: counts do").all()


def test_a_fit_and_anndata_will_do_as_well() -> None:
    data = fw.simulate(n_genes=60, n_samples=6, seed=1).data
    fit = fw.deseq(data, "~ condition")
    for function in (fw.cpm, fw.fpm, fw.median_of_ratios):
        expected = function(data.counts)
        pd.testing.assert_frame_equal(function(fit), expected, check_names=False)
        pd.testing.assert_frame_equal(function(data), expected, check_names=False)
    anndata = pytest.importorskip("anndata")
    as_anndata = anndata.AnnData(data.counts.T.astype(float), obs=data.samples)
    pd.testing.assert_frame_equal(fw.cpm(as_anndata), fw.cpm(data.counts), check_names=False)
    kept = fw.filter_by_expression(data, group="condition")
    assert kept.equals(fw.filter_by_expression(fit, design="~ condition"))


def test_average_lengths_become_normalization_factors() -> None:
    lengths = pd.DataFrame(
        [[900, 1000, 1100], [500, 500, 500], [2000, 1000, 1500], [700, 800, 700]], COUNTS.index, list("abc")
    )
    data = fw.CountData(COUNTS + 1, pd.DataFrame(index=COUNTS.columns), average_lengths=lengths)
    expected = (COUNTS + 1) / fw.estimate_size_factors(data)
    pd.testing.assert_frame_equal(fw.median_of_ratios(data), expected, check_names=False)
    assert fw.tpm(data).sum().tolist() == pytest.approx([1e6] * 3)
