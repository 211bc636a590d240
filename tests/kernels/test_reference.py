"""The kernels' road from counts to standard errors against R's columns (reference/make.R makes them)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from foldwise import kernels

REFERENCE = Path(__file__).parent / "reference"
CASES = ("two_groups", "paired", "covariate", "weighted")


def read(name):
    return pd.read_csv(REFERENCE / name, sep="\t", index_col=0, float_precision="round_trip", skipinitialspace=True)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """Counts, R's columns, and what both started from."""
    name = request.param
    counts, r = read(f"{name}.counts.tsv.gz").to_numpy(float), read(f"{name}.r.tsv.gz")
    matrix = read(f"{name}.design.tsv").to_numpy(float)
    factors = read(f"{name}.samples.tsv")["sizeFactor"].to_numpy()
    raw = read(f"{name}.weights.tsv.gz").to_numpy(float) if name == "weighted" else None
    weights = None if raw is None else raw / raw.max(axis=1, keepdims=True)
    design, ridge = kernels.prepare_design(matrix), np.full(matrix.shape[1], 1e-6 / np.log(2.0) ** 2)
    optimised = (r["betaIter"] >= 100).to_numpy()
    case = SimpleNamespace(
        counts=counts, r=r, design=design, factors=factors, raw=raw, weights=weights, ridge=ridge, skip=optimised,
        highest=max(10.0, matrix.shape[0]),
    )  # fmt: skip
    case.gene_wise, case.means = gene_wise(case)
    return case


def gene_wise(case):
    counts, factors, design = case.counts, case.factors, case.design
    floored = None if case.weights is None else np.maximum(case.weights, 1e-6)
    statistics = kernels.row_statistics(counts, factors, case.raw)
    start = kernels.rough_dispersion(
        counts, factors, design, *statistics, np.mean(1.0 / factors), max_dispersion=case.highest
    )
    if design.is_saturated and case.weights is None:
        means = kernels.linear_means(counts, factors, design)
    else:
        fit = kernels.fit_glm(counts, factors, design, start, case.ridge, weights=case.weights)
        means = np.maximum(kernels.glm_means(factors, design, fit.beta), 0.5)
        case.skip = case.skip | (fit.iterations >= 100)  # R hands such genes to its optimiser
    search = kernels.search_dispersion(counts, means, design, np.log(start), weights=floored)
    alpha = np.minimum(np.exp(search.log_alpha), case.highest)
    no_gain = search.last_value < search.first_value + np.abs(search.first_value) * 1e-6
    alpha = np.where(no_gain, start, alpha)
    failed = ((search.steps >= 100) | (search.steps == 1)) & (alpha > 1e-7)
    if failed.any():
        alpha[failed] = np.exp(
            kernels.grid_dispersion(
                counts[failed], means[failed], design, np.log(1e-8), np.log(case.highest),
                weights=None if floored is None else floored[failed],
            )
        )  # fmt: skip
    return np.clip(alpha, 1e-8, case.highest), means


def assert_dispersions(ours, theirs):
    near_zero = (ours < 1e-6) & (theirs < 1e-6)
    assert_allclose(ours[~near_zero], theirs[~near_zero], rtol=1e-6)


def test_row_means_to_the_last_bit(case):
    mean, variance = kernels.row_statistics(case.counts, case.factors, case.raw)
    assert (mean == case.r["baseMean"]).all()
    assert_allclose(variance, case.r["baseVar"], rtol=1e-14)


def test_gene_wise_dispersions(case):
    assert_dispersions(case.gene_wise[~case.skip], case.r["dispGeneEst"].to_numpy()[~case.skip])


def test_dispersions_with_a_prior(case):
    trend, prior = case.r["dispFit"].to_numpy(), float(case.r["prior"].iloc[0])
    start = np.where(case.gene_wise > 0.1 * trend, case.gene_wise, trend)
    search = kernels.search_dispersion(
        case.counts, case.means, case.design, np.log(start),
        prior_log_mean=np.log(trend), prior_variance=prior, weights=case.weights,
    )  # fmt: skip
    keep = ~case.skip & (search.steps < 100)
    ours = np.clip(np.exp(search.log_alpha), 1e-8, case.highest)
    assert_dispersions(ours[keep], case.r["dispMAP"].to_numpy()[keep])
    assert (search.steps != case.r["dispIter"])[keep].mean() < 0.01


def test_coefficients_errors_and_distances(case):
    alpha, r = case.r["dispersion"].to_numpy(), case.r
    fit = kernels.fit_glm(case.counts, case.factors, case.design, alpha, case.ridge, weights=case.weights)
    assert (fit.iterations == r["betaIter"]).all()
    robust = kernels.robust_dispersion(case.counts, case.factors, case.design.row_of)
    judged = (np.bincount(case.design.row_of) >= 3)[case.design.row_of]
    finish = kernels.finish_glm(
        case.counts, case.factors, case.design, fit.beta, alpha, case.ridge, weights=case.weights,
        hat_beta=fit.hat_beta, robust_alpha=robust, judged=judged, constants=fit.constants,
    )  # fmt: skip
    keep = fit.iterations < 100
    names = [name[3:] for name in r.columns if name.startswith("SE_")]
    assert_allclose(np.log2(np.e) * fit.beta[keep], r.loc[keep, names], rtol=1e-9, atol=1e-9)
    assert_allclose(finish.se[keep], r.loc[keep, [f"SE_{name}" for name in names]], rtol=1e-9)
    assert_allclose(-2.0 * finish.log_likelihood[keep], r.loc[keep, "deviance"], rtol=1e-9)
    assert_allclose(finish.max_cooks[keep], r.loc[keep, "maxCooks"], rtol=1e-8)
