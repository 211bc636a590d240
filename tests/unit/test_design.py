"""Designs as users write them: tables of all kinds, base levels, matrices of their own, and refusals."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.design import build_design, check_nested, design_matrix
from foldwise.design.formula.rank import column_rank
from foldwise.errors import DesignError, FoldwiseWarning, SamplesError


@pytest.fixture
def samples() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "condition": list("AABBCC") * 2,
            "batch": ["x"] * 6 + ["y"] * 6,
            "number": ["1", "2", "10"] * 4,
            "age": np.linspace(-1, 1, 12) ** 3,
            "flag": [True, False] * 6,
        },
        index=[f"s{i}" for i in range(12)],
    )


def test_names_levels_and_cells(samples):
    design = build_design("~batch+condition", samples)
    assert design.names == ("Intercept", "batch_y_vs_x", "condition_B_vs_A", "condition_C_vs_A")
    assert design.model_matrix_names == ("(Intercept)", "batchy", "conditionB", "conditionC")
    assert design.plain_names == ("Intercept", "batchy", "conditionB", "conditionC")
    assert design.formula == "~ batch + condition"
    assert design.variables == ("batch", "condition")
    assert design.factors == {"batch": ("x", "y"), "condition": ("A", "B", "C")}
    assert design.cells.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert design.matrix.flags.c_contiguous and design.matrix.dtype == np.float64
    assert list(design.samples["condition"].cat.categories) == ["A", "B", "C"]
    assert list(design.frame.index) == list(samples.index)


def test_the_sample_table_is_not_changed(samples):
    before = samples.copy(deep=True)
    build_design("~ condition", samples, reference={"condition": "B"})
    pd.testing.assert_frame_equal(samples, before)


def test_text_sorts_by_code_point_and_numbers_in_text_stay_text(samples):
    samples["mixed"] = ["b", "Z", "a"] * 4
    assert build_design("~ mixed", samples).factors["mixed"] == ("Z", "a", "b")
    assert build_design("~ number", samples).factors["number"] == ("1", "10", "2")


def test_categories_keep_their_order_and_empty_ones_go(samples, caplog):
    samples["condition"] = pd.Categorical(samples["condition"], ["C", "unused", "A", "B"])
    with caplog.at_level(logging.INFO, logger="foldwise"):
        design = build_design("~ condition", samples)
    assert design.factors["condition"] == ("C", "A", "B")
    assert "unused" in caplog.text


def test_ordered_categories_are_plain_factors_in_a_fit_and_polynomials_in_the_model_matrix(samples):
    samples["stage"] = pd.Categorical(samples["condition"], ["B", "A", "C"], ordered=True)
    design = build_design("~ stage", samples)
    assert design.names == ("Intercept", "stage_A_vs_B", "stage_C_vs_B")
    assert any("ordered" in note for note in design.notes)
    assert list(design_matrix("~ stage", samples).columns) == ["(Intercept)", "stage.L", "stage.Q"]


@pytest.mark.parametrize(
    "dtype", ["string", "string[pyarrow]", "category", object, pd.ArrowDtype(__import__("pyarrow").string())], ids=str
)
def test_text_of_every_dtype(samples, dtype):
    samples["condition"] = samples["condition"].astype(dtype)
    assert build_design("~ condition", samples).factors["condition"] == ("A", "B", "C")


@pytest.mark.parametrize("dtype", ["Float64", "float32", "double[pyarrow]", object], ids=str)
def test_numbers_of_every_dtype(samples, dtype):
    want = samples["age"].astype("float32") if dtype == "float32" else samples["age"]
    samples["age"] = samples["age"].astype(dtype)
    np.testing.assert_array_equal(build_design("~ age", samples).matrix[:, 1], want)


@pytest.mark.parametrize("dtype", ["boolean", "bool[pyarrow]", object], ids=str)
def test_truth_of_every_dtype(samples, dtype):
    samples["flag"] = samples["flag"].astype(dtype)
    assert build_design("~ flag", samples).names == ("Intercept", "flagTRUE")


def test_categories_that_are_numbers_are_levels(samples):
    samples["day"] = pd.Categorical([2, 10, 9] * 4)
    assert build_design("~ day", samples).names == ("Intercept", "day_9_vs_2", "day_10_vs_2")


def test_reference_sets_the_base_level(samples):
    design = build_design("~ condition", samples, reference={"condition": "B"})
    assert design.factors["condition"] == ("B", "A", "C")
    assert design.names[1:] == ("condition_A_vs_B", "condition_C_vs_B")
    np.testing.assert_array_equal(design.matrix[:, 1], samples["condition"] == "A")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ({"conditon": "A"}, "Did you mean 'condition'"),
        ({"condition": "a"}, "Did you mean 'A'"),
        ({"age": 1}, "no base level"),
    ],
)
def test_a_reference_that_is_none(samples, reference, said):
    with pytest.raises(DesignError, match=said):
        build_design("~ condition + age", samples, reference=reference)


def test_expanded_matrices(samples):
    design = build_design("~ batch + condition + age", samples, expanded=True)
    assert design.names == ("Intercept", "batchx", "batchy", "conditionA", "conditionB", "conditionC", "age")
    assert design.kind == "expanded"
    with pytest.raises(DesignError, match="interactions"):
        build_design("~ batch * condition", samples, expanded=True)
    with pytest.raises(DesignError, match="intercept"):
        build_design("~ 0 + condition", samples, expanded=True)


def test_backticks_name_what_is_no_word(samples):
    samples["my var"] = samples["batch"]
    design = build_design("~ `my var` + age", samples)
    assert design.names == ("Intercept", "my.var_y_vs_x", "age")
    assert design.model_matrix_names[1] == "`my var`y"


# ---------------------------------------------------------------------------------------------- refusals
def test_an_absent_column_names_the_near_ones(samples):
    with pytest.raises(DesignError, match="Did you mean 'condition'.*'batch'"):
        build_design("~ Condition", samples)


@pytest.mark.parametrize("value", [np.nan, None, pd.NA])
def test_missing_values_name_column_and_samples(samples, value):
    samples["condition"] = samples["condition"].astype(object)
    samples.loc["s3", "condition"] = value
    with pytest.raises(SamplesError, match="cannot contain NA: condition.*'s3'"):
        build_design("~ condition", samples)


def test_infinite_values(samples):
    samples.loc["s2", "age"] = np.inf
    with pytest.raises(SamplesError, match="'age' is infinite in sample 's2'"):
        build_design("~ age", samples)
    samples["age"] = np.arange(12.0)
    with pytest.raises(SamplesError, match=r"'log\(age\)' is not finite in sample 's0'"):
        build_design("~ log(age)", samples)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([1, "a"] * 6, "mixes text and numbers"),
        (pd.date_range("2020-01-01", periods=12), "datetime"),
        ([1j] * 12, "complex"),
        ([[1]] * 12, "list"),
    ],
)
def test_columns_that_are_no_covariates(samples, column, said):
    samples["odd"] = column
    with pytest.raises(SamplesError, match=said):
        build_design("~ odd", samples)


def test_one_level_one_value_and_twin_columns(samples):
    samples["one"], samples["five"] = "k", 5.0
    with pytest.raises(DesignError, match="single variable"):
        build_design("~ one", samples)
    with pytest.raises(DesignError, match="2 or more levels"):
        build_design("~ one + condition", samples)
    with pytest.raises(DesignError, match="'five' is the same in every sample"):
        build_design("~ five + condition", samples)
    twice = pd.concat([samples, samples[["age"]]], axis=1)
    with pytest.raises(DesignError, match="2 columns named 'age'"):
        build_design("~ age", twice)


def test_confounded_covariates_are_named_with_their_samples(samples):
    samples["run"] = samples["condition"].map({"A": "r1", "B": "r2", "C": "r3"})
    with pytest.raises(DesignError) as caught:
        build_design("~ run + condition", samples)
    said = str(caught.value)
    for part in (
        "the model matrix is not full rank",
        "linear combinations of the others and must be removed",
        "'run' and 'condition' divide the samples in the same way",
        "run=r1 only with condition=A (sample 's0', 's1', 's6'",
        "No sample has run=r1 and condition=B.",
        "Without 'run' or without 'condition'",
    ):
        assert part in said


def test_empty_cells_are_named(samples):
    left = samples[(samples["batch"] == "x") | (samples["condition"] != "C")]
    with pytest.raises(DesignError) as caught:
        build_design("~ batch * condition", left)
    assert "column(s) of zeros" in str(caught.value)
    assert "No sample has batch=y and condition=C." in str(caught.value)


def test_no_replicates(samples):
    samples["id"] = samples.index
    with pytest.raises(DesignError, match="same number of samples and coefficients"):
        build_design("~ id", samples)


def test_names_that_collide(samples):
    samples["odd"] = ["a-b", "a.b", "c"] * 4
    with pytest.raises(DesignError, match=r"odda\.b|would all be called"):
        build_design("~ 0 + odd", samples)


def test_unknown_functions_and_calls_that_do_not_fit(samples):
    with pytest.raises(DesignError, match=r"cannot use the function system\(\)"):
        build_design("~ system('ls')", samples)
    with pytest.raises(DesignError, match="does not fit"):
        build_design("~ log(age, 2, 3)", samples)
    with pytest.raises(DesignError, match="needs numbers"):
        build_design("~ log(condition)", samples)
    with pytest.raises(DesignError, match="positions of its levels"):
        build_design("~ as.numeric(number)", samples)


@pytest.mark.parametrize(
    "formula", ["~ log(2)", "~ pmin()", "~ interaction()", "~ !1", "~ pmin(0)", "~ I()", "~ poly(3, 1)"]
)
def test_calls_without_a_column(samples, formula):
    with pytest.raises(DesignError):
        build_design(formula, samples)


def test_a_year_is_warned_of_with_what_to_write(samples):
    samples["year"] = np.arange(2015, 2021).repeat(2)
    with pytest.warns(FoldwiseWarning, match=r"'year' lies far from zero.*I\(year - 2018\)"):
        build_design("~ year", samples)
    build_design("~ year", samples, advise=False)
    build_design("~ I(year - 2018)", samples)
    samples["tiny"] = samples["age"] * 1e-6
    with pytest.warns(FoldwiseWarning, match=r"I\(tiny \* 1e\+07\)"):
        build_design("~ tiny", samples)


# ---------------------------------------------------------------------------------------------- own matrices
def test_a_matrix_of_ones_own_is_aligned_by_sample_names(samples):
    matrix = design_matrix("~ condition", samples)
    design = build_design(matrix.iloc[::-1], samples)
    np.testing.assert_array_equal(design.matrix, matrix.to_numpy())
    assert design.kind == "user" and design.formula is None
    assert design.names == ("Intercept", "conditionB", "conditionC")
    plain = build_design(matrix.to_numpy(), samples)
    assert plain.names == ("x1", "x2", "x3")
    assert build_design(matrix.reset_index(drop=True), samples).names == design.names


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda m: m.iloc[1:], DesignError, "11 rows for 12 samples"),
        (lambda m: m.rename(index={"s0": "t0"}), SamplesError, "'t0' are no samples, 's0' have no row"),
        (lambda m: m.assign(z=0.0), DesignError, "column.s. of zeros"),
        (lambda m: m.assign(z="a"), DesignError, "'z' of the model matrix is not numeric"),
        (lambda m: m.assign(z=np.nan), DesignError, "missing or infinite value in column 'z', sample 's0'"),
        (lambda m: m.assign(z=m["conditionB"] * 2), DesignError, "'z' is 2 'conditionB'"),
        (lambda m: m.set_axis(["a", "a", "b"], axis=1), DesignError, "several columns of one name"),
        (lambda m: m.set_axis(["a b", "a-b", "b"], axis=1), DesignError, "would all be called 'a.b'"),
        (lambda m: m.iloc[:, :0], DesignError, "no columns"),
        (lambda m: m["conditionB"].to_numpy(), DesignError, "samples x coefficients"),
    ],
)
def test_matrices_that_are_none(samples, change, error, said):
    with pytest.raises(error, match=said):
        build_design(change(design_matrix("~ condition", samples)), samples)


# ---------------------------------------------------------------------------------------------- nested designs
def test_nested_designs(samples):
    full = build_design("~ batch + condition", samples)
    check_nested(full, build_design("~ batch", samples))
    check_nested(full, build_design("~ 1", samples))
    with pytest.raises(DesignError, match="not in the full formula: age"):
        check_nested(full, build_design("~ age", samples))
    with pytest.raises(DesignError, match="less than one degree of freedom"):
        check_nested(full, full)
    with pytest.raises(DesignError, match="must be also a matrix"):
        check_nested(full, build_design(design_matrix("~ batch", samples), samples))
    with pytest.warns(FoldwiseWarning, match="not nested"):
        check_nested(build_design("~ batch + exp(age)", samples), build_design("~ age", samples))


def test_nested_matrices(samples):
    full = build_design(design_matrix("~ batch + condition", samples), samples)
    check_nested(full, build_design(design_matrix("~ 0 + batch", samples), samples))
    with pytest.raises(DesignError, match="'age' cannot be made"):
        check_nested(full, build_design(design_matrix("~ age", samples), samples))


def test_rank_keeps_the_earlier_columns():
    one = np.ones((6, 1))
    a, b = np.array([[0, 0, 0, 1, 1, 1]]).T * 1.0, np.arange(6.0)[:, None]
    found = column_rank(np.hstack([one, a, one - a, b, 2 * b + 3e-9 * b**2]))
    assert (found.rank, found.kept, found.dependent) == (3, (0, 1, 3), (2, 4))
    assert column_rank(np.zeros((3, 2))).rank == 0
    assert column_rank(np.ones((2, 5))).rank == 1


# degree, numbers, and R's columns one after the other
POLYNOMIALS = [
    (
        2,
        [40.375999999999998, 19.247, 16.387, 30.105, 30.219999999999999, 6.2320000000000002, 14.73, 28.879999999999999],
        [
            0.58808077416637972,
            -0.13839545869672512,
            -0.23673054440776109,
            0.23493403803419416,
            0.23888807120089661,
            -0.58588886447614263,
            -0.29370300490537893,
            0.19281498908453704,
            0.61853421457419311,
            -0.29439106579554047,
            -0.19390750146516419,
            -0.18944829931037049,
            -0.18421582791225485,
            0.5945007477645714,
            -0.1112474507471366,
            -0.2398248171082985,
        ],
    ),
    (
        3,
        [42.212000000000003, 45.521999999999998, 23.562999999999999, 11.221, 6.391, 13.984, 40.805],
        [
            0.39725825350051097,
            0.47959838315544856,
            -0.06665748001457332,
            -0.37367919608745487,
            -0.49383110733620056,
            -0.30494633257186815,
            0.36225747935413727,
            0.03673892143012502,
            0.39229014667506307,
            -0.69047403966488763,
            0.020064973412870776,
            0.55656900885713456,
            -0.22147162179021465,
            -0.093717388920091002,
            -0.23524420487386649,
            0.55416055214139792,
            -0.099149628653951036,
            0.27207438059636518,
            -0.42751335616013481,
            0.39729766931795513,
            -0.4616254123677655,
        ],
    ),
    (
        1,
        [17, 33, 28, 2, 17, 33, 28, 2],
        [
            -0.089165744741664624,
            0.38638489388054653,
            0.23777531931110557,
            -0.53499446844998766,
            -0.089165744741664596,
            0.38638489388054659,
            0.23777531931110557,
            -0.53499446844998766,
        ],
    ),
]


@pytest.mark.parametrize(("degree", "x", "expected"), POLYNOMIALS, ids=lambda v: str(v) if isinstance(v, int) else "")
def test_poly_has_r_s_bits(degree, x, expected):
    """Whether samples with equal numbers count as replicates depends on the last of them."""
    samples = pd.DataFrame({"x": x}, index=[f"s{i}" for i in range(len(x))])
    ours = design_matrix(f"~ poly(x, {degree})", samples).iloc[:, 1:]
    np.testing.assert_array_equal(ours.to_numpy().ravel(order="F"), expected)


@pytest.mark.parametrize("level", ["", "  "])
@pytest.mark.parametrize("as_category", [True, False])
def test_a_level_without_a_name_is_refused(level, as_category):
    samples = pd.DataFrame({"b": ["x", level, "x", level]}, index=["s1", "s2", "s3", "s4"])
    if as_category:
        samples["b"] = samples["b"].astype("category")
    with pytest.raises(SamplesError, match="Column 'b' is empty text in 2 samples: 's2', 's4'"):
        build_design("~ b", samples)


def test_a_base_level_of_a_column_outside_the_design_is_told(samples_of_two):
    with pytest.warns(FoldwiseWarning, match="does not name 'dose'; it names 'b'"):
        fw.deseq(samples_of_two, "~ b", reference={"b": "x", "dose": 10}, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lrt = {"test": "LRT", "reduced": "~ 1"}
        fw.deseq(samples_of_two, "~ b", reference={"b": "x"}, progress=False, **lrt)


@pytest.fixture(scope="module")
def samples_of_two():
    data = fw.simulate(n_genes=60, n_samples=6, seed=1).data
    return fw.CountData(data.counts, data.samples.assign(b=list("xyxyxy"), dose=[0, 1, 10] * 2))
