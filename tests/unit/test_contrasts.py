"""Contrasts, every way to say one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from foldwise.design import build_design, design_matrix
from foldwise.design.contrasts import list_contrasts, resolve_contrast
from foldwise.errors import ContrastError


@pytest.fixture
def samples() -> pd.DataFrame:
    return pd.DataFrame(
        {"batch": list("xy") * 6, "condition": list("AABBCC") * 2, "age": np.linspace(-1, 1, 12) ** 3},
        index=[f"s{i}" for i in range(12)],
    )


@pytest.fixture
def design(samples):
    return build_design("~ batch + condition", samples)


def test_against_the_base_level_takes_the_stored_coefficient(design, samples):
    found = resolve_contrast(design, ("condition", "B", "A"))
    assert (found.kind, found.coefficient, found.sign) == ("coefficient", "condition_B_vs_A", 1.0)
    assert found.vector.tolist() == [0, 0, 1, 0]
    assert found.zero_rule == "levels"
    assert found.zero_samples.tolist() == samples["condition"].isin(["A", "B"]).tolist()
    assert found.description == "condition B vs A"


def test_the_base_level_as_numerator_turns_the_sign(design):
    found = resolve_contrast(design, ("condition", "A", "C"))
    assert (found.kind, found.coefficient, found.sign) == ("coefficient", "condition_C_vs_A", -1.0)
    assert found.vector.tolist() == [0, 0, 0, -1]
    assert found.description == "condition A vs C"


def test_two_other_levels_are_computed(design, samples):
    found = resolve_contrast(design, ("condition", "C", "B"))
    assert (found.kind, found.zero_rule) == ("vector", "vector")
    assert found.vector.tolist() == [0, 0, -1, 1]
    assert found.zero_samples.tolist() == samples["condition"].isin(["B", "C"]).tolist()
    assert found.levels == ("condition", "C", "B")


def test_lists_numbers_and_names(design):
    pair = resolve_contrast(design, (["condition_B_vs_A", "condition_C_vs_A"], []), list_values=(0.5, -0.5))
    assert pair.vector.tolist() == [0, 0, 0.5, 0.5]
    assert pair.description == "0.5 condition_B_vs_A+condition_C_vs_A effect"
    assert pair.zero_rule == "none"
    assert resolve_contrast(design, [["condition_C_vs_A"]]).vector.tolist() == [0, 0, 0, 1]
    twice = resolve_contrast(design, (["condition_C_vs_A"] * 2, "condition_B_vs_A"))
    assert twice.vector.tolist() == [0, 0, -1, 1]
    assert resolve_contrast(design, np.array([0, 0, 0.5, 0.5])).description == "0,0,+0.5,+0.5"
    by_name = pd.Series({"condition_C_vs_A": 1, "condition_B_vs_A": -1})
    assert resolve_contrast(design, by_name).vector.tolist() == [0, 0, -1, 1]
    assert resolve_contrast(design, by_name.to_dict()).vector.tolist() == [0, 0, -1, 1]
    assert resolve_contrast(design, pd.Series([0, 0, 0, 1])).vector.tolist() == [0, 0, 0, 1]
    assert resolve_contrast(design, name="batch_y_vs_x").description == "batch y vs x"
    like_r = resolve_contrast(design, ("batch", "y", "x"), "Intercept", compat=True)
    assert like_r.coefficient == "batch_y_vs_x"  # the contrast wins, as in R


def test_levels_may_be_said_as_they_are_in_the_table(samples):
    samples["day"] = pd.Categorical([2, 9, 10] * 4)
    found = resolve_contrast(build_design("~ day", samples), ("day", 10, 9))
    assert found.description == "day 10 vs 9"


@pytest.mark.parametrize(
    ("formula", "options", "test", "description"),
    [
        ("~ batch + condition", {}, "Wald", "condition C vs A"),
        ("~ batch + age", {}, "Wald", "age"),
        ("~ 0 + condition", {}, "Wald", "condition C vs A"),
        ("~ 0 + condition", {}, "LRT", "conditionC"),
        ("~ 0 + condition + age", {}, "Wald", "age"),
        ("~ 0 + condition + condition:age", {}, "Wald", "conditionC.age"),
        ("~ batch + condition", {"expanded": True}, "Wald", "condition C vs A"),
        ("~ batch + age", {"expanded": True}, "Wald", "age"),
        ("~ 1", {}, "Wald", "Intercept"),
    ],
)
def test_what_is_compared_by_default(samples, formula, options, test, description):
    assert resolve_contrast(build_design(formula, samples, **options), test=test).description == description


def test_expanded_and_intercept_free_designs(samples):
    expanded = build_design("~ batch + condition", samples, expanded=True)
    assert resolve_contrast(expanded, ("condition", "A", "B")).vector.tolist() == [0, 0, 0, 1, -1, 0]
    free = build_design("~ 0 + batch + condition", samples)
    assert resolve_contrast(free, ("batch", "y", "x")).vector.tolist() == [-1, 1, 0, 0]
    assert resolve_contrast(free, ("condition", "B", "A")).coefficient == "conditionB"
    assert resolve_contrast(free, ("condition", "C", "B")).vector.tolist() == [0, 0, -1, 1]


def test_a_factor_behind_a_number_without_intercept_is_a_difference(samples):
    """R reports the mean of the group here."""
    found = resolve_contrast(build_design("~ 0 + age + batch", samples), ("batch", "y", "x"))
    assert found.vector.tolist() == [0, -1, 1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"contrast": ("condition", "b", "A")}, "Did you mean 'B'.*'A', 'B', 'C'"),
        ({"contrast": ("conditon", "B", "A")}, "Did you mean 'condition'"),
        ({"contrast": ("age", "B", "A")}, "not in the design"),
        ({"contrast": ("condition", "B", "B")}, "should be different level names"),
        ({"contrast": ("condition", "B")}, "form"),
        ({"contrast": "condition_B_vs_A"}, "Did you mean name="),
        ({"contrast": [0, 1]}, "one element for every coefficient"),
        ({"contrast": [0, 0, 0, 0]}, "all elements equal to 0"),
        ({"contrast": [0, 0, np.nan, 0]}, "missing or infinite"),
        ({"contrast": [0, 0, None, 0]}, "no number"),
        ({"contrast": (["condition_D_vs_A"], [])}, "Did you mean 'condition_"),
        ({"contrast": (["Intercept"], ["Intercept"])}, "but not both"),
        ({"contrast": ([], [])}, "empty"),
        ({"contrast": (["Intercept"], ["batch_y_vs_x"], [])}, "has 3"),
        ({"contrast": {"nonsense": 1}}, "no coefficient"),
        ({"contrast": 3}, "cannot be a int"),
        ({"name": "condition_D_vs_A"}, "no coefficient.*There are 'Intercept'"),
        ({"contrast": (["Intercept"], []), "list_values": (1, 1)}, "list_values"),
    ],
)
def test_what_cannot_be_asked_says_what_can(design, asked, said):
    with pytest.raises(ContrastError, match=said):
        resolve_contrast(design, **asked)


def test_numbers_and_own_matrices_have_no_levels(samples):
    with pytest.raises(ContrastError, match="age is not a factor.*'age' by name="):
        resolve_contrast(build_design("~ age", samples), ("age", "1", "0"))
    own = build_design(design_matrix("~ condition", samples), samples)
    with pytest.raises(ContrastError, match="only list- and numeric-type"):
        resolve_contrast(own, ("condition", "B", "A"))
    nested = build_design("~ batch + batch:condition", samples)
    with pytest.raises(ContrastError, match="was expecting condition_B_vs_A"):
        resolve_contrast(nested, ("condition", "B", "A"))


@pytest.mark.parametrize(
    ("formula", "options", "rows"),
    [
        ("~ batch + condition", {}, 4),
        ("~ 0 + condition", {}, 3),
        ("~ batch * age", {}, 3),
        ("~ batch + condition", {"expanded": True}, 4),
        ("~ batch + batch:condition", {}, 7),
        ("~ 1", {}, 1),
        ("~ poly(age, 2) + batch", {}, 3),
    ],
)
def test_every_listed_comparison_can_be_asked(samples, formula, options, rows):
    design = build_design(formula, samples, **options)
    table = list_contrasts(design)
    assert len(table) == rows
    for row in table.itertuples():
        asked = {"name": row.contrast} if isinstance(row.contrast, str) else {"contrast": row.contrast}
        assert resolve_contrast(design, **asked).description == row.description


# ---------------------------------------------------------------------------------------------- within other levels
def crossed() -> pd.DataFrame:
    rows = [(g, c, b) for g in ("wt", "mut", "null") for c in ("A", "B", "C") for b in ("x", "y")]
    table = pd.DataFrame(rows, columns=["genotype", "condition", "batch"], index=[f"s{i}" for i in range(len(rows))])
    table["genotype"] = pd.Categorical(table["genotype"], ["wt", "mut", "null"])
    return table


def test_effects_within_every_level_of_an_interaction_are_listed():
    design = build_design("~ batch + genotype * condition", crossed())
    table = list_contrasts(design).set_index("question")
    found = table.loc["condition: B against A, where genotype = mut", "contrast"]
    assert found == (["condition_B_vs_A", "genotypemut.conditionB"], [])
    pairs = table[[isinstance(asked, tuple) and len(asked) == 2 for asked in table["contrast"]]]
    assert len(pairs) == 2 * (3 * 2)  # three pairs of levels of either factor at two levels of the other
    means = design.frame.groupby([design.samples["genotype"], design.samples["condition"]], observed=True).mean()
    for question, asked in pairs["contrast"].items():
        factor, rest = question.split(": ")
        sides, where = rest.split(", where ")
        numerator, denominator = sides.split(" against ")
        other, level = where.split(" = ")
        cells = [{factor: side, other: level} for side in (numerator, denominator)]
        at = [means.loc[(cell["genotype"], cell["condition"])] for cell in cells]
        np.testing.assert_allclose(resolve_contrast(design, asked).vector, at[0] - at[1], atol=1e-12)


def test_effects_within_levels_beside_numbers_and_three_factors():
    samples = crossed().assign(age=np.linspace(-1, 1, 18))
    design = build_design("~ poly(age, 2) + batch * condition", samples)
    asked = [a for a in list_contrasts(design)["contrast"] if isinstance(a, tuple) and len(a) == 2]
    assert (["condition_B_vs_A", "batchy.conditionB"], []) in asked
    three = pd.concat([samples, samples.set_axis([f"t{i}" for i in range(18)])])
    design = build_design("~ genotype * condition * batch", three)
    said = list(list_contrasts(design)["question"])
    assert "condition: B against A, where genotype = mut and batch = x" in said


def test_levels_as_they_are_written():
    samples = pd.DataFrame({"drug": ["drug-A", "drug-B"] * 4}, index=[f"s{i}" for i in range(8)])
    design = build_design("~ drug", samples)
    for found in (resolve_contrast(design), resolve_contrast(design, name="drug_drug.B_vs_drug.A")):
        assert found.title == "drug drug-B vs drug-A"
        assert found.description == "drug drug.B vs drug.A"
    assert resolve_contrast(design, ("drug", "drug-B", "drug-A")).title == "drug drug-B vs drug-A"


def test_numbers_in_a_message_are_plain(design):
    with pytest.raises(ContrastError, match=r"it is \(-1, 1\)"):
        resolve_contrast(design, (["batch_y_vs_x"], []), list_values=np.array([-1.0, 1.0]))


@pytest.mark.parametrize("formula", ["~ batch", "~ batch + condition", "~ batch * condition"])
def test_the_printed_list_shows_every_call_whole(samples, formula):
    table = list_contrasts(build_design(formula, samples))
    with pd.option_context("display.width", 80, "display.max_columns", 0):
        printed = str(table)
    lines = printed.splitlines()
    for row in table.itertuples():
        assert any(row.question in line for line in lines)
        assert any(line.endswith(row.call) for line in lines)
        assert row.call.replace("'", "&#x27;") in table._repr_html_() or row.call in table._repr_html_()
    assert "..." not in printed
    assert table.iloc[0].call in str(table.head(1))
    assert "question" in str(table[["question", "contrast"]]) and "Empty" in str(table.head(0))
