"""Adjusted p-values and lowess against R's, to the last bits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldwise.multiplicity import adjust
from foldwise.multiplicity.lowess import lowess

HERE = Path(__file__).parent
ADJUSTED = pd.read_csv(HERE / "adjusted.tsv", sep="\t", float_precision="round_trip")
CURVES = pd.read_csv(HERE / "lowess.tsv", sep="\t", float_precision="round_trip")


@pytest.mark.parametrize("method", ["holm", "hochberg", "hommel", "bonferroni", "BH", "BY", "fdr", "none"])
@pytest.mark.parametrize("n", [None, 60])
def test_adjusted_p_values(method, n):
    expected = ADJUSTED[method if n is None else f"{method}_of_{n}"]
    np.testing.assert_allclose(adjust(ADJUSTED["p"].to_numpy(), method, n=n), expected, rtol=4e-16)


@pytest.mark.parametrize("curve", CURVES["curve"].unique())
@pytest.mark.parametrize(
    ("column", "options"),
    [("fifth", {"span": 1 / 5}), ("wide", {}), ("plain", {"span": 1 / 3, "iterations": 0})],
)
def test_lowess(curve, column, options):
    table = CURVES[CURVES["curve"] == curve]
    x, smooth = lowess(table["x"].to_numpy(), table["y"].to_numpy(float), **options)
    np.testing.assert_array_equal(x, table["fifth_x"])
    np.testing.assert_array_equal(smooth, table[column])
