"""The design doctor never raises, and says what a person would want to know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.design import build_design
from foldwise.design.doctor import diagnose
from foldwise.errors import FoldwiseWarning


@pytest.fixture
def samples() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": ["X"] * 6 + ["Y"] * 6,
            "individual": list("112233445566"),
            "treatment": ["control", "Active"] * 6,
            "run": ["r1"] * 6 + ["r2"] * 6,
            "year": np.arange(2015, 2027),
        },
        index=[f"s{i}" for i in range(12)],
    )


def topics(diagnosis, severity):
    table = diagnosis.table
    return set(table.loc[table["severity"] == severity, "topic"])


def test_a_sound_design(samples):
    found = diagnose(samples, "~ group + treatment", reference={"treatment": "control"})
    assert found.can_be_fitted
    assert found.residual_degrees_of_freedom == 9
    assert len(found.contrasts) == 2
    assert "treatment: Active against control" in str(found)


def test_individuals_within_groups(samples):
    found = diagnose(samples, "~ group + individual + treatment")
    assert not found.can_be_fitted
    assert "~ group + group:individual + group:treatment" in found.text()
    samples["individual"] = list("112233112233")
    assert diagnose(samples, "~ group + group:individual + group:treatment").can_be_fitted


def test_confounding_scale_base_and_reading(samples):
    found = diagnose(samples, "~ run + group")
    assert {"rank", "confounding", "empty combination", "what to do"} <= topics(found, "stop")
    found = diagnose(samples, "~ year + treatment")
    assert "scale" in topics(found, "warning")
    assert {"reading", "base level"} <= topics(found, "note")


def test_levels_written_in_two_ways_and_groups_of_one(samples):
    samples["treatment"] = ["control", "Active"] * 5 + ["control", "active "]
    assert {"levels", "groups of one"} <= topics(diagnose(samples, "~ treatment"), "warning")


def test_nearly_confounded(samples):
    samples["lane"] = ["a"] * 5 + ["b"] * 7
    wide = pd.concat([samples] * 3, ignore_index=True)
    wide.loc[30:, "lane"] = "b"
    wide["lane"] = np.where(wide["group"] == "X", "a", "b")
    wide.loc[0, "lane"] = "b"
    assert "confounding" in topics(diagnose(wide, "~ lane + group"), "warning")


@pytest.mark.parametrize("formula", ["~ nothing", "~ (", "~ offset(year)", "", "~ treatment:group:run:individual"])
def test_it_never_raises(samples, formula):
    found = diagnose(samples, formula)
    assert not found.can_be_fitted
    assert "STOP" in found.text()


def test_own_matrices(samples):
    matrix = build_design("~ treatment", samples).frame
    assert diagnose(samples, matrix).can_be_fitted
    assert not diagnose(samples, matrix.assign(zero=0.0)).can_be_fitted


def test_a_fit_warns_once_of_levels_written_in_two_ways(samples):
    samples["treatment"] = ["A", "B", "A ", "B", "A", "b"] * 2
    data = fw.CountData(
        fw.simulate(n_genes=60, n_samples=12, seed=1).data.counts.set_axis(samples.index, axis=1), samples
    )
    with pytest.warns(FoldwiseWarning) as given:
        fit = fw.deseq(data, "~ group + treatment", test="LRT", reduced="~ treatment", fit_type="mean")
    assert [w.category for w in given] == [FoldwiseWarning]
    assert "'treatment' has levels 'A' and 'A '" in str(given[0].message)
    assert "'B' and 'b'" in str(given[0].message) and "spell them alike" in str(given[0].message)
    with pytest.warns(FoldwiseWarning, match="'A' and 'A '"):
        build_design("~ treatment", samples)
    fit.shrink(contrast=("group", "Y", "X"), type="normal")  # not again: a warning is an error in these tests
