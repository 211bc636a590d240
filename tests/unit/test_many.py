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
