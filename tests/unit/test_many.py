"""Many small fits in one call are the fits one by one."""

from __future__ import annotations

import pandas as pd
import pytest

import foldwise as fw


@pytest.fixture(scope="module")
def parts():
    return {f"type{k}": fw.simulate(n_genes=80, n_samples=8, seed=k).data for k in range(6)}


def test_each_is_the_fit_alone(parts):
    fits = fw.deseq_many(parts, "~ condition", executor=3, progress=False)
    assert list(fits) == list(parts)
    for name, data in parts.items():
        alone = fw.deseq(data, "~ condition", progress=False).results()
        pd.testing.assert_frame_equal(fits[name].results().table, alone.table)


def test_one_table_of_all(parts):
    table = fw.deseq_many(parts, "~ condition", progress=False).results(("condition", "B", "A"), label="cell_type")
    assert len(table) == 6 * 80 and list(table.columns[:2]) == ["cell_type", "gene"]


def test_what_cannot_be_fitted_is_told_by_name(parts):
    lone = parts["type0"].select(samples=list(parts["type0"].sample_names[:2]))
    with pytest.raises(fw.DesignError) as caught:
        fw.deseq_many({**parts, "lone": lone}, "~ condition", progress=False)
    assert "lone" in " ".join(caught.value.__notes__)
    with pytest.warns(fw.FoldwiseWarning, match=r"1 of 7 could not be fitted: 'lone' \(fits\.errors") as told:
        fits = fw.deseq_many({**parts, "lone": lone}, "~ condition", keep_going=True, progress=False)
    assert len(told) == 1 and told[0].filename == __file__
    assert len(fits) == 6 and list(fits.errors) == ["lone"] and "lone" not in fits
    reason = " ".join(str(fits.errors["lone"]).split())
    with pytest.raises(KeyError) as missed:
        fits["lone"]
    assert reason in missed.value.args[0]
    assert len(repr(fits)) < 200 and "'lone'" in repr(fits)


def test_one_table_of_all_shrunken(parts):
    fits = fw.deseq_many(parts, "~ condition", progress=False)
    table = fits.shrink("condition_B_vs_A", label="cell_type")
    assert list(table.columns[:2]) == ["cell_type", "gene"]
    alone = fits["type3"].shrink("condition_B_vs_A").table
    found = table[table["cell_type"] == "type3"].set_index("gene")["log2FoldChange"]
    assert (found.dropna() == alone["log2FoldChange"].dropna()).all()


@pytest.mark.parametrize(("wrong", "meant"), [("keepgoing", "keep_going"), ("fitType", "fit_type"), ("samples", "")])
def test_unknown_options_are_refused_before_anything_is_fitted(parts, wrong, meant):
    with pytest.raises(fw.OptionError, match=rf"deseq_many\(\) has no option {wrong}=.*{meant}"):
        fw.deseq_many(parts, "~ condition", keep_going=True, **{wrong: True})


@pytest.mark.parametrize("bad", [{}, [], {"executor": 0}])
def test_wrong_use(parts, bad):
    with pytest.raises(fw.OptionError):
        if bad and "executor" in bad:
            fw.deseq_many(parts, "~ condition", executor=0)
        else:
            fw.deseq_many(bad, "~ condition")


# ------------------------------------------------------------------------------------- many comparisons of one fit
@pytest.fixture(scope="module")
def crossed():
    data = fw.simulate(n_genes=80, n_samples=12, seed=2, n_batches=2).data
    return fw.deseq(data, "~ batch * condition", fit_type="mean")


def test_with_interactions_names_say_where_a_comparison_holds(crossed):
    found = crossed.results_many()
    assert len(found) == len(crossed.contrasts())
    assert all(
        label == res.metadata["contrast"] + (f", {res.where}" if res.where else "") for label, res in found.items()
    )
    assert "condition B vs A, where batch = batch1" in found
    assert sum(label.endswith(", where batch = batch2") for label in found) == 1
    assert list(crossed.results_many(as_table=True)["contrast"].unique()) == list(found)
    listed = crossed.results_many([("condition", "B", "A"), (["condition_B_vs_A", "batchbatch2.conditionB"], [])])
    assert [label.rpartition("where ")[2] for label in listed] == ["batch = batch1", "batch = batch2"]


@pytest.mark.parametrize(
    "one",
    [
        ("condition", "B", "A"),
        ["condition", "B", "A"],
        "condition_B_vs_A",
        ["condition_B_vs_A"],
        (["condition_B_vs_A"], []),
        [0, 0, 1, 0],
    ],
)
def test_one_comparison_where_several_may_be_asked_for(crossed, one):
    found = crossed.results_many(one)
    assert len(found) == 1
    expected = crossed.results(("condition", "B", "A")).table["log2FoldChange"]
    pd.testing.assert_series_equal(next(iter(found.values())).table["log2FoldChange"], expected)


def test_coefficients_in_a_list_go_by_their_names(crossed):
    found = crossed.results_many(["condition_B_vs_A", "batchbatch2.conditionB", ("batch", "batch2", "batch1")])
    assert len(found) == 3
    with pytest.raises(fw.ContrastError, match="'condition_B_vs_C' is no coefficient.*Did you mean"):
        crossed.results_many(["condition_B_vs_C"])
    with pytest.raises(fw.OptionError, match="list of contrasts"):
        crossed.results_many(3)
