"""The summary of a table: what is compared, and what a likelihood ratio test asks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw


def test_a_likelihood_ratio_test_says_what_its_p_values_ask() -> None:
    rng = np.random.default_rng(1)
    samples = pd.DataFrame({"batch": list("xy") * 6, "drug": np.repeat(["no", "drug-A", "drug-B"], 4)})
    samples.index = [f"s{k}" for k in range(12)]
    counts = pd.DataFrame(rng.poisson(80, (150, 12)), columns=samples.index, index=[f"g{k}" for k in range(150)])
    fit = fw.deseq(fw.CountData(counts, samples), "~ batch + drug", test="LRT", reduced="~ batch", fit_type="mean")
    said = fit.results().summary().splitlines()
    assert said[0] == "LRT p-values: '~ batch + drug' vs '~ batch', all of drug; fold changes: drug no vs drug-A"
    assert said[1].startswith("out of 150 genes")
    wald = fw.deseq(fw.CountData(counts, samples), "~ batch + drug", fit_type="mean")
    assert "likelihood ratio" not in wald.results().summary()


def test_the_coefficient_of_a_likelihood_ratio_tests_fold_changes_is_called_one() -> None:
    data = fw.simulate(n_genes=100, n_samples=8, n_batches=2, seed=1).data
    fit = fw.deseq(
        data, "~ batch + condition + batch:condition", test="LRT", reduced="~ batch + condition", fit_type="mean"
    )
    assert fit.results().summary().splitlines()[0].endswith("fold changes: coefficient batchbatch2.conditionB")


@pytest.mark.parametrize("type", ["apeglm", "ashr", "normal"])
def test_shrunken_results_say_how_they_were_shrunken(type: str) -> None:
    fit = fw.deseq(fw.simulate(n_genes=100, n_samples=6, seed=1).data, "~ condition", fit_type="mean")
    plain, shrunken = fit.results(), fit.shrink(type=type)
    assert shrunken.summary().splitlines()[0] == f"condition B vs A (shrunken: {type})"
    assert f"(shrunken: {type})" in repr(shrunken).splitlines()[0]
    assert "shrunken" not in plain.summary() + repr(plain)
    assert shrunken.name == plain.name
