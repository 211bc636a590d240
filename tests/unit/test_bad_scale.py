"""Covariates on a bad scale: the numbers stay, and one warning says which column, what it did, what to write instead."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import foldwise as fw


def warned(values, name="year"):
    made = fw.simulate(n_genes=200, n_samples=24, seed=4).data
    samples = made.samples.assign(**{name: values})
    data = fw.CountData(made.counts, samples)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = fw.deseq(data, f"~ {name} + condition", fit_type="mean", progress=False)
    return fit, [str(w.message) for w in caught if "Covariate" in str(w.message)]


YEARS = 2015 + np.arange(24) % 6


def test_a_calendar_year():
    fit, said = warned(YEARS)
    assert len(said) == 1
    assert "'year'" in said[0] and "I(year - 2018)" in said[0]
    left = int((fit.genes["betaIter"] >= 100).sum())
    assert left > 0 and f"{left} of 200 genes left the normal path" in said[0]


def test_centred_as_told_the_warning_is_gone_and_genes_stay_on_the_path():
    fit, said = warned(YEARS - 2018)
    assert not said
    assert (fit.genes["betaIter"] < 100).sum() > 195


def test_a_covariate_in_millions():
    fit, said = warned(np.random.default_rng(0).normal(3e6, 8e5, 24), "income")
    assert len(said) == 1 and "'income'" in said[0] and "I(income *" in said[0]
    assert fit.results(name="condition_B_vs_A").table["pvalue"].notna().any()


def test_a_nearly_constant_covariate_is_shrunk_by_the_ridge():
    _, said = warned(np.random.default_rng(0).normal(0, 1e-3, 24), "x")
    assert len(said) == 1 and "the ridge takes more than 1 %" in said[0]


def test_where_r_stops_genes_are_marked_and_the_rest_goes_on():
    """R: "system is computationally singular", the whole run lost."""
    with pytest.warns(fw.FoldwiseWarning, match="did not converge"):
        made = fw.simulate(n_genes=200, n_samples=24, seed=4).data
        samples = made.samples.assign(x=np.random.default_rng(1).normal(2e4, 1, 24))
        data = fw.CountData(made.counts, samples)
        with pytest.warns(fw.FoldwiseWarning, match="'x'.*have no standard error"):
            fit = fw.deseq(data, "~ x + condition", fit_type="mean", progress=False)
    status = fit.results().table["status"]
    assert (status == "not converged").any() and (status == "ok").any()
    assert fit.standard_errors[status == "not converged"].isna().all(axis=None)


def test_an_ordinary_covariate_says_nothing():
    assert not warned(np.random.default_rng(0).normal(0, 1, 24), "age")[1]


def test_the_warning_points_at_the_users_line():
    made = fw.simulate(n_genes=60, n_samples=12, seed=4).data
    data = fw.CountData(made.counts, made.samples.assign(year=2000 + np.arange(12) % 5))
    with pytest.warns(fw.FoldwiseWarning) as caught:
        fw.deseq(data, "~ year + condition", fit_type="mean", progress=False)
    assert {w.filename for w in caught} == {__file__}
