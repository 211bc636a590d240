"""The glmGamPoi route from counts to p-values against DESeq2's, in five designs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldwise.dispersion.glm_gam_poi import block_deviances, f_test, gene_wise, quasi_likelihood_shrinkage
from foldwise.dispersion.prior import log_residuals, residual_spread
from foldwise.dispersion.trend import fit_trend
from foldwise.kernels import prepare_design, rough_dispersion, row_statistics

HERE = Path(__file__).parent
GENES = pd.read_csv(HERE / "genes.tsv.gz", sep="\t", float_precision="round_trip")
NUMBERS = pd.read_csv(HERE / "numbers.tsv", sep="\t", float_precision="round_trip").set_index("case")

LAST_STEP = 5e-6

ONE = np.ones(8)
COND = np.repeat([0.0, 1.0], 4)
BATCH = np.array([0.0, 0, 1, 1, 0, 1, 1, 0])
X = np.array([0.3, -0.2, 0.1, 0.5, -0.4, 0.2, 0, -0.1])
DESIGNS = {
    "groups": ([ONE, COND], 1),
    "covariate": ([ONE, X, COND], 2),
    "blocks": ([ONE, BATCH, COND], 2),
    "factors": ([ONE, BATCH, COND], 2),
    "interaction": ([ONE, BATCH, COND, BATCH * COND], 1),
}


def made_up_counts():
    i, j = np.arange(1, 61)[:, None], np.arange(1, 9)[None, :]
    r = (1103515245 * ((64 * i + j) ** 2 % 65536) + 12345) % 2**31
    e = 3 * ((j > 4) & (i % 4 == 0)) - 1 * ((j > 4) & (i % 7 == 0))
    counts = (5 + i**2) * (50 + 20 * i + r // 2**21) * (2 + e) // 2048
    counts[9], counts[10, 4:], counts[11, 2] = 0, 0, 9000
    return counts.astype(float)


def ratio_size_factors(counts):
    logs = np.log(counts[(counts > 0).all(axis=1)])
    return np.exp(np.median(logs - logs.mean(axis=1, keepdims=True), axis=0))


@pytest.mark.parametrize("case", DESIGNS)
def test_route(case):
    counts = made_up_counts()
    factors = ratio_size_factors(counts)
    if case == "factors":
        factors = np.exp(np.outer(np.sin(np.arange(1, 61)), np.cos(np.arange(1, 9))) / 4)
    some = counts.sum(axis=1) > 0
    expected = GENES[GENES["case"] == case][some]
    counts = np.ascontiguousarray(counts[some])
    factors = factors[some] if factors.ndim == 2 else factors
    columns, n_reduced = DESIGNS[case]
    full, reduced = prepare_design(np.column_stack(columns)), prepare_design(np.column_stack(columns[:n_reduced]))
    df, tested = 8 - len(columns), len(columns) - n_reduced

    base_mean, base_variance = row_statistics(counts, factors)
    inverse = float(np.mean(1 / (factors if factors.ndim == 1 else factors.mean(axis=0))))
    start = rough_dispersion(counts, factors, full, base_mean, base_variance, inverse, max_dispersion=10.0)
    found = gene_wise(counts, factors, full, start, compat="1.38")
    # at the floor R's own search ends in rounding noise; elsewhere whether it takes its last, tiny step does so
    close(found.dispersion, expected["dispGeneEst"], LAST_STEP, atol=1e-8)
    trend = fit_trend(base_mean, found.dispersion, "glmGamPoi")
    disp_fit = trend(base_mean)
    close(disp_fit, expected["dispFit"], LAST_STEP)
    spread = residual_spread(log_residuals(found.dispersion, disp_fit))
    close(spread, NUMBERS.loc[case, "varLogDispEsts"], LAST_STEP)
    shrunken = quasi_likelihood_shrinkage(base_mean, found.dispersion, disp_fit, df, max_dispersion=10.0)
    close(shrunken.df0, NUMBERS.loc[case, "df0"], LAST_STEP)
    close(shrunken.ql_disp_mle, expected["qlDispMLE"], LAST_STEP)
    close(shrunken.ql_disp_fit, expected["qlDispFit"], LAST_STEP)
    close(shrunken.ql_disp_map, expected["qlDispMAP"], LAST_STEP)
    close(shrunken.disp_fit_ql_corrected, expected["dispFitQLCorrected"], LAST_STEP)
    close(shrunken.disp_map, expected["dispMAP"], LAST_STEP)
    fits = block_deviances(counts, factors, full, reduced, disp_fit)
    ours = fits.beta / np.log(2)
    theirs = expected[[f"beta{k + 1}" for k in range(len(columns))]].to_numpy()
    tame = np.abs(theirs).max(axis=1) < 30  # coefficients of separated groups lie on a flat likelihood
    np.testing.assert_allclose(ours[tame], theirs[tame], atol=LAST_STEP)
    close(fits.deviance_full, expected["deviance"], LAST_STEP)
    test = f_test(
        fits.deviance_full,
        fits.deviance_reduced,
        shrunken.ql_disp_map,
        n_tested=tested,
        residual_df=df,
        df0=shrunken.df0,
    )
    close(test.statistic, expected["LRTStatistic"], LAST_STEP, atol=1e-6)
    close(test.p_value, expected["LRTPvalue"], 2 * LAST_STEP)


def close(ours, theirs, rtol, atol=0.0):
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)
