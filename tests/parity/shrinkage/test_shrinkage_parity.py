"""Shrunken fold changes against R's, from counts to table. ``make_tables.R`` makes R's answers.

R's optimisers stop short of their optimum, so the digits they fix are fewer than elsewhere: 1e-4 of the estimate (or
of 0.01 log2) for apeglm, 1e-3 (of 0.1 log2) for ashr.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import foldwise as fw

HERE = Path(__file__).parent
DESIGNS = {
    "two_groups": ("~ condition", {}),
    "three_groups": ("~ batch + condition", {}),
    "interaction": ("~ genotype * treatment", {"genotype": "WT", "treatment": "mock"}),
    "weights": ("~ condition", {}),
}
TREATED, B_A = {"coef": "condition_treated_vs_control"}, {"coef": "condition_B_vs_A"}
INTERACTION = {"coef": "genotypeKO.treatmentdrug"}
C_B = {"contrast": ("condition", "C", "B")}
CALLS = [
    ("two_groups", "apeglm", TREATED),
    ("two_groups", "apeglm_lfc", TREATED | {"lfc_threshold": 0.5}),
    ("two_groups", "apeglm_svalue", TREATED | {"svalue": True}),
    ("two_groups", "ashr_lfc", TREATED | {"lfc_threshold": 0.5}),
    ("two_groups", "ashr_svalue", TREATED | {"svalue": True}),
    ("two_groups", "normal", TREATED),
    ("two_groups", "normal_contrast", {"contrast": ("condition", "treated", "control")}),
    ("two_groups", "normal_lfc", TREATED | {"lfc_threshold": 0.5}),
    ("three_groups", "apeglm_B", B_A),
    ("three_groups", "apeglm_batch", {"coef": "batch_y_vs_x"}),
    ("three_groups", "ashr_C_B", C_B),
    ("three_groups", "ashr_numeric", {"contrast": [0, 0, 0.5, 0.5]}),
    ("three_groups", "normal_B", B_A),
    ("three_groups", "normal_C_B", C_B),
    ("interaction", "apeglm", INTERACTION),
    ("interaction", "ashr", INTERACTION),
    ("weights", "apeglm", TREATED),
]
TOLERANCE = {
    "apeglm": (1e-4, 1e-2),
    "ashr": (1e-3, 0.1),
    "normal": (1e-6, 1e-4),
}  # relative, and what it is relative to
S_VALUE_FLOOR = 1e-13  # below it R's s-values are the rounding of 1 - p


def table(case, name):
    return pd.read_csv(HERE / case / name, sep="\t", index_col=0)


@cache
def fitted(case, *reference):
    design, base = DESIGNS[case]
    extra = {"weights": table(case, "weights.tsv.gz")} if case == "weights" else {}
    data = fw.CountData(table(case, "counts.tsv.gz"), table(case, "samples.tsv"), **extra)
    return fw.deseq(data, design, reference=dict(reference) or base, compat="1.38", progress=False)


def differences(ours, theirs, kind):
    tolerance, floor = TOLERANCE[kind]
    return np.abs(ours - theirs) / (np.abs(theirs) + floor) / tolerance


@pytest.mark.parametrize(("case", "call", "arguments"), CALLS, ids=[f"{case}-{call}" for case, call, _ in CALLS])
def test_the_table_is_that_of_r(case, call, arguments):
    kind = call.split("_")[0]
    ours, theirs = fitted(case).shrink(type=kind, **arguments).table, table(case, "shrunken.tsv.gz")
    for column in [c for c in theirs.columns if c.startswith(f"{call}.")]:
        a, b = ours[column.split(".")[-1]], theirs[column]
        assert (a.isna() == b.isna()).all(), column
        if column.endswith((".svalue", ".pvalue")):
            a, b = np.log(a.clip(lower=S_VALUE_FLOOR)), np.log(b.clip(lower=S_VALUE_FLOOR))
        assert differences(a, b, kind).max() <= 1, column


@pytest.mark.parametrize(
    "contrast", [("condition", "B", "A"), ([], ["condition_A_vs_B"]), [0, 0, -1, 0]], ids=["levels", "lists", "numbers"]
)
def test_a_contrast_that_is_a_coefficient_after_releveling_has_the_answer_r_gives_after_releveling(contrast):
    """R's table is for B vs A with A as base level; the fit here has B as base level and no such coefficient."""
    fit = fitted("three_groups", ("condition", "B"))
    ours, theirs = fit.shrink(contrast=contrast, type="apeglm").table, table("three_groups", "shrunken.tsv.gz")
    for column in ("log2FoldChange", "lfcSE"):
        assert differences(ours[column], theirs[f"apeglm_B.{column}"], "apeglm").max() <= 1, column


@pytest.mark.parametrize(
    "contrast", [("condition", "B", "A"), (["condition_B_vs_C"], ["condition_A_vs_C"]), [0, 0, -1, 1]]
)
def test_two_levels_beside_the_base_are_compared_as_if_releveled(contrast):
    """Neither level is the base; releveling changes the order of columns too, so that paths differ, not optima."""
    fit = fitted("three_groups", ("condition", "C"))
    samples = table("three_groups", "samples.tsv")
    samples["condition"] = pd.Categorical(samples["condition"], ["A", "C", "B"])
    releveled = fw.deseq(table("three_groups", "counts.tsv.gz"), "~ batch + condition", samples=samples, progress=False)
    ours, own = fit.shrink(contrast=contrast).table, releveled.shrink("condition_B_vs_A").table
    for column in ("log2FoldChange", "lfcSE"):
        assert differences(ours[column], own[column], "apeglm").max() <= 1, column
    optimum, theirs = fit.shrink(contrast=contrast, converged=True).table, table("three_groups", "shrunken.tsv.gz")
    assert (optimum["log2FoldChange"] - theirs["apeglm_B.log2FoldChange"]).abs().max() < 2e-2


def test_the_opposite_interaction_is_shrunken_as_much():
    """The same comparison written the other way round: other coefficients, so another path to the same optimum."""
    fit, vector = fitted("interaction"), [0, 0, 0, -1]
    one = fit.shrink("genotypeKO.treatmentdrug", converged=True).table
    other = fit.shrink(contrast=vector, converged=True).table
    np.testing.assert_allclose(other["log2FoldChange"], -one["log2FoldChange"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other["lfcSE"], one["lfcSE"], rtol=1e-7)
