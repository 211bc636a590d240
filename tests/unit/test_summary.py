"""The summary of a table: what is compared, and what a likelihood ratio test asks."""

from __future__ import annotations

import numpy as np
import pandas as pd

import foldwise as fw


def test_a_likelihood_ratio_test_says_what_its_p_values_ask() -> None:
    rng = np.random.default_rng(1)
    samples = pd.DataFrame({"batch": list("xy") * 6, "drug": np.repeat(["no", "drug-A", "drug-B"], 4)})
    samples.index = [f"s{k}" for k in range(12)]
    counts = pd.DataFrame(rng.poisson(80, (150, 12)), columns=samples.index, index=[f"g{k}" for k in range(150)])
    fit = fw.deseq(fw.CountData(counts, samples), "~ batch + drug", test="LRT", reduced="~ batch", fit_type="mean")
    said = fit.results().summary().splitlines()
    assert said[0] == "drug no vs drug-A"
    assert "all of drug ('~ batch + drug' against '~ batch')" in said[1]
    wald = fw.deseq(fw.CountData(counts, samples), "~ batch + drug", fit_type="mean")
    assert "likelihood ratio" not in wald.results().summary()
