"""Comparisons of one fit agree with each other, whatever way they are asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foldwise as fw


@pytest.fixture(scope="module")
def three(experiment):
    samples = experiment.samples.copy()
    samples["group"] = pd.Categorical(np.resize(list("abc"), 16))
    return fw.deseq(fw.CountData(experiment.counts, samples), "~ batch + group", executor="serial", progress=False)


def numbers(results):
    return results.table.drop(columns="status")


@given(pair=st.permutations(list("abc")).map(lambda p: p[:2]))
def test_the_other_way_round_is_the_negative(pair, three):
    there, back = numbers(three.results(("group", *pair))), numbers(three.results(("group", *pair[::-1])))
    for column in ("log2FoldChange", "stat"):
        np.testing.assert_array_equal(there[column], -back[column])
    for column in ("baseMean", "lfcSE", "pvalue", "padj"):
        np.testing.assert_array_equal(there[column], back[column])


def test_changes_add_up(three):
    ab, bc, ac = (three.results(("group", *pair)).table["log2FoldChange"] for pair in ("ab", "bc", "ac"))
    moved = (ab != 0) & (bc != 0) & (ac != 0)  # a side without counts is reported as no change
    np.testing.assert_allclose((ab + bc)[moved], ac[moved], atol=1e-12)


@given(k=st.integers(0, 3))
def test_a_coefficient_by_name_list_and_number(k, three):
    name = three.coefficient_names[k]
    by_name = numbers(three.results(name=name))
    vector = np.eye(4)[k]
    for contrast in ((([name], [])), list(vector), pd.Series({name: 1.0})):
        pd.testing.assert_frame_equal(numbers(three.results(contrast)), by_name, rtol=1e-7, atol=1e-12)


@given(
    vector=st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0]), min_size=4, max_size=4).filter(any),
    factor=st.floats(0.1, 10),
)
def test_a_contrast_times_a_number(vector, factor, three):
    one, more = numbers(three.results(vector)), numbers(three.results([factor * v for v in vector]))
    np.testing.assert_allclose(more["log2FoldChange"], factor * one["log2FoldChange"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(more["lfcSE"], factor * one["lfcSE"], rtol=1e-9)
    np.testing.assert_allclose(more["pvalue"], one["pvalue"], rtol=1e-8)


@given(base=st.sampled_from("abc"))
def test_another_base_level_is_the_same_model(base, three):
    other = fw.deseq(three.data, "~ batch + group", reference={"group": base}, executor="serial", progress=False)
    for pair in ("ab", "bc", "ca"):
        a, b = (f.results(("group", *pair)).table for f in (three, other))
        shown = (a["log2FoldChange"] != 0) & (b["log2FoldChange"] != 0) & (a["baseMean"] > 5)
        np.testing.assert_allclose(a["log2FoldChange"][shown], b["log2FoldChange"][shown], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(a["lfcSE"][shown], b["lfcSE"][shown], rtol=1e-3)


@given(
    threshold=st.floats(0, 3), more=st.floats(0, 2), side=st.sampled_from(["greaterAbs", "greaterAbs2014", "greater"])
)
def test_a_larger_threshold_never_gives_a_smaller_p_value(threshold, more, side, three):
    a, b = (
        three.results(lfc_threshold=t, alt_hypothesis=side, independent_filtering=False).table["pvalue"].fillna(1)
        for t in (threshold, threshold + more)
    )
    assert (b >= a * (1 - 1e-12)).all()


@given(
    alpha=st.floats(0.001, 0.999),
    method=st.sampled_from(["BH", "BY", "holm", "hochberg", "hommel", "bonferroni", "none"]),
)
def test_p_values_are_probabilities_and_adjusted_ones_no_smaller(alpha, method, three):
    table = three.results(alpha=alpha, p_adjust_method=method).table
    for column in ("pvalue", "padj"):
        known = table[column].dropna()
        assert ((known >= 0) & (known <= 1)).all()
    known = table.dropna()
    assert (known["padj"] >= known["pvalue"] * (1 - 1e-12)).all()
    assert not table["pvalue"].isna()[table["padj"].notna()].any()
    assert (table["lfcSE"].dropna() > 0).all()
    ordered = known.sort_values("pvalue")["padj"]
    assert (np.diff(ordered) >= -1e-15).all()
