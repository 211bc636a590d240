"""Trends, spreads and prior variances against DESeq2's."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldwise.dispersion.prior import log_residuals, prior_variance, residual_spread
from foldwise.dispersion.trend import fit_trend

HERE = Path(__file__).parent
GENES = pd.read_csv(HERE / "genes.tsv.gz", sep="\t", float_precision="round_trip").dropna()
TRENDS = pd.read_csv(HERE / "trends.tsv", sep="\t", float_precision="round_trip").set_index("case")
TOLERANCE = {"parametric": 1e-13, "mean": 1e-14, "glmGamPoi": 0.0, "local": 5e-8}


@pytest.mark.parametrize("case", TRENDS.index)
def test_trend(case):
    genes, expected = GENES[GENES["case"] == case], TRENDS.loc[case]
    means, dispersions = genes["baseMean"].to_numpy(), genes["dispGeneEst"].to_numpy()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        trend = fit_trend(means, dispersions, expected["asked"])
    assert trend.kind == expected["kind"]
    assert len(told) == (expected["asked"] != expected["kind"])
    tolerance = TOLERANCE[trend.kind]
    np.testing.assert_allclose(trend(means), genes["dispFit"], rtol=tolerance)
    if trend.kind == "parametric":
        np.testing.assert_allclose(
            list(trend.coefficients.values()), expected[["asymptDisp", "extraPois"]].astype(float)
        )
    residuals = log_residuals(dispersions, trend(means))
    np.testing.assert_allclose(residual_spread(residuals), expected["varLogDispEsts"], rtol=1e-5, atol=1e-14)
    if not np.isnan(expected["dispPriorVar"]):
        variance = prior_variance(residuals, int(expected["samples"]), 2)
        np.testing.assert_allclose(variance, expected["dispPriorVar"], rtol=1e-6)
