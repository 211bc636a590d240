"""The front door of results(): options that cannot be meant are refused in words."""

from __future__ import annotations

from typing import Any

import pytest

import foldwise as fw
from foldwise.errors import ContrastError, OptionError


@pytest.fixture(scope="module")
def fit() -> fw.Fit:
    return fw.deseq(fw.simulate(n_genes=100, n_samples=8, n_batches=2, seed=1).data, "~ batch + condition")


@pytest.mark.parametrize("alpha", ["0.05", None, [0.05], 1.5, float("nan")])
def test_alpha_has_to_be_a_number(fit: fw.Fit, alpha: Any) -> None:
    with pytest.raises(OptionError, match="alpha must be a number between 0 and 1"):
        fit.results(alpha=alpha)


def test_alpha_of_significant_too(fit: fw.Fit) -> None:
    with pytest.raises(OptionError, match="alpha must be a number"):
        fit.results().significant("0.05")  # type: ignore[arg-type]


def test_cooks_cutoff_has_to_be_a_number(fit: fw.Fit) -> None:
    with pytest.raises(OptionError, match="cooks_cutoff must be a number"):
        fit.results(cooks_cutoff="4")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["rubbish", "batch_batch2_vs_batch1"])
def test_a_name_beside_another_contrast_is_not_ignored(fit: fw.Fit, name: str) -> None:
    with pytest.raises(ContrastError, match=f"condition B vs A.*{name}.*leave one of them out"):
        fit.results(("condition", "B", "A"), name=name)
    like_r = fit.results(("condition", "B", "A"), name=name, compat="1.38")
    assert like_r.name == "condition B vs A"


def test_a_name_that_says_the_same_is_let_through(fit: fw.Fit) -> None:
    assert fit.results(("condition", "B", "A"), name="condition_B_vs_A").name == "condition B vs A"
