"""The formula reader: grammar, terms, names, and what it refuses."""

from __future__ import annotations

import pytest

from foldwise.design.formula.names import is_syntactic, level_text, make_name, number_text, string_text
from foldwise.design.formula.parser import parse
from foldwise.design.formula.syntax import deparse
from foldwise.design.formula.terms import read_formula
from foldwise.errors import DesignError


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("~x/2", "x/2"),
        ("~x*2", "x * 2"),
        ("~ -1+a", "-1 + a"),
        ("~a %in%b", "a %in% b"),
        ("~I(x/2+y*3)", "I(x/2 + y * 3)"),
        ("~I(-x^2)", "I(-x^2)"),
        ("~I(x--1)", "I(x - -1)"),
        ("~100000", "1e+05"),
        ("~1e5L", "100000L"),
        ("~0x10", "16"),
        ("~.5", "0.5"),
        ("~f(a,b='x')", 'f(a, b = "x")'),
        ("~`my var`", "`my var`"),
        ("~I(x^-1)", "I(x^-1)"),
        ("~a + !b", "a + !b"),
        ("~I((x+1)*2)", "I((x + 1) * 2)"),
        ("~x%%2", "x%%2"),
        ("~stats::poly(x,2)", "stats::poly(x, 2)"),
        ("~é", "é"),
        ("~\n a +\n b", "a + b"),
    ],
)
def test_a_formula_is_written_as_r_writes_it(formula, text):
    assert deparse(parse(formula)) == text


@pytest.mark.parametrize(
    ("formula", "intercept", "labels"),
    [
        ("~x*1", True, ["x"]),
        ("~1+0", False, []),
        ("~0+1", True, []),
        ("~a-(1+b)", False, ["a"]),
        ("~a-0", True, ["a"]),
        ("~--1+a", True, ["a"]),
        ("~a+(b-1)", False, ["a", "b"]),
        ("~a/b/c", True, ["a", "a:b", "a:b:c"]),
        ("~(a+b)/c", True, ["a", "b", "a:b:c"]),
        ("~a %in% (b+c)", True, ["a:b:c"]),
        ("~a*b %in% c", True, ["a", "b:c", "a:b:c"]),
        ("~b:a+a:b", True, ["b:a"]),
        ("~(a+b+c)^2-a:b", True, ["a", "b", "c", "a:c", "b:c"]),
        ("~a*(b-a)", True, ["a", "b", "a:b"]),
        ("~a:b:a", True, ["a:b"]),
        ("~TRUE", True, []),
        ("~1+a-1", False, ["a"]),
        ("~-x+x", True, ["x"]),
        ("~+0+a", False, ["a"]),
        ("~a - -1", True, ["a"]),
    ],
)
def test_terms_are_those_of_r(formula, intercept, labels):
    terms = read_formula(formula)
    assert (terms.intercept, list(terms.labels)) == (intercept, labels)


def test_a_dot_is_all_columns():
    assert list(read_formula("~ . - b", ["a", "b", "c"]).labels) == ["a", "c"]
    assert read_formula("~ . + x", ["a", "b"]).text == "~ a + b + x"


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("", "empty"),
        ("condition", "starts with '~'"),
        ("counts ~ condition", "response"),
        ("~ a +", "cannot be read"),
        ("~ (a", r"'\)' was expected"),
        ("~ a b", "cannot be read"),
        ("~ a ; b", "no meaning"),
        ("~ a$b", "no meaning"),
        ("~ a[1]", "no meaning"),
        ("~ {a}", "no meaning"),
        ("~ __import__('os')", "no meaning"),
        ("~ x.apply(lambda v: v)", "cannot be read"),
        ("~ a + (1 | individual)", "mixed models"),
        ("~ a + offset(x)", "normalization_factors"),
        ("~ 'a'", "quoted text"),
        ("~ 2", "0 .no intercept. and 1"),
        ("~ (a + b)^1", "invalid power"),
        ("~ a ^ b", "invalid power"),
        ("~ a %*% b", "no operator"),
    ],
)
def test_what_is_no_design_is_refused_with_a_reason(formula, said):
    with pytest.raises(DesignError, match=said):
        read_formula(formula)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("(Intercept)", "X.Intercept."), ("1x", "X1x"), ("a b", "a.b"), ("_a", "X_a"), (".1", "X.1"), ("if", "if."),
        ("é", "é"), ("x:y", "x.y"), ("", "X"), ("T", "T"), ("TRUE", "TRUE."), ("-", "X."), ("ß1", "ß1"), ("x²", "x."),
        ("...", "..."), (".a", ".a"),
    ],
)  # fmt: skip
def test_make_name(text, name):
    assert make_name(text) == name


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (100000, "1e+05"), (123456, "123456"), (0.1, "0.1"), (1e-4, "1e-04"), (0.001, "0.001"),
        (1 / 3, "0.333333333333333"),
        (1e15, "1e+15"), (123456789012, "123456789012"), (0, "0"), (-0.0, "0"), (-2.5, "-2.5"), (1e5 + 1, "100001"),
        (float("inf"), "Inf"), (1e-20, "1e-20"), (0.1 + 0.2, "0.3"), (1200000, "1200000"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_r_writes_them(number, text):
    assert number_text(number) == text


def test_level_labels():
    assert [level_text(one) for one in ("a", 2, 2.5, True, 10.0)] == ["a", "2", "2.5", "TRUE", "10"]
    assert string_text('a"\\') == '"a\\"\\\\"'
    assert is_syntactic("a.b_1") and not is_syntactic("a b") and not is_syntactic("1a") and not is_syntactic("if")
