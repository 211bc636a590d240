"""What may be scaled, and what must follow from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import foldwise as fw


def fit(data, design="~ batch + condition", **options):
    return fw.deseq(data, design, executor="serial", progress=False, **options)


@given(power=st.integers(-4, 4))
def test_size_factors_times_a_constant_only_move_the_intercept(power, experiment):
    """Not to the last digit: R's floors (a fitted mean of 0.5, a rough mean of 1) are on the scale of counts."""
    sizes = fw.estimate_size_factors(experiment)
    plain = fit(experiment.with_size_factors(sizes), fit_type="mean")
    scaled = fit(experiment.with_size_factors(sizes * 2.0**power), fit_type="mean")
    deep = (plain.genes["baseMean"] > 100).to_numpy()
    a, b = plain.coefficients[deep], scaled.coefficients[deep]
    np.testing.assert_allclose(b["Intercept"], a["Intercept"] - power, rtol=0, atol=5e-3)
    np.testing.assert_allclose(b.iloc[:, 1:], a.iloc[:, 1:], rtol=0, atol=5e-3)
    np.testing.assert_allclose(scaled.genes["baseMean"] * 2.0**power, plain.genes["baseMean"], rtol=1e-12)


def test_size_factors_as_a_table_are_the_same_model(experiment):
    sizes = fw.estimate_size_factors(experiment)
    table = pd.DataFrame([sizes] * experiment.n_genes, index=experiment.gene_names)
    a = fit(experiment.with_size_factors(sizes)).results().table
    b = fit(experiment.with_normalization_factors(table)).results().table
    pd.testing.assert_frame_equal(a, b, rtol=1e-7)


@given(constant=st.floats(0.01, 100))
def test_factors_of_one_gene_times_a_constant_move_no_other_gene(constant, experiment, tables):
    plain = experiment.with_normalization_factors(tables["factors"])
    moved = tables["factors"].copy()
    moved.iloc[60] *= constant
    scaled = experiment.with_normalization_factors(moved)
    # the trend is everybody's: hold it
    a = fw.estimate_dispersions(plain, "~ condition", trend=lambda means: 0.1 + 2 / means)
    b = fw.estimate_dispersions(scaled, "~ condition", trend=lambda means: 0.1 + 2 / means)
    others = np.arange(experiment.n_genes) != 60
    for column in ("baseMean", "baseVar", "dispFit"):
        np.testing.assert_array_equal(a.genes[column][others], b.genes[column][others])


@given(constant=st.sampled_from([2.0**-8, 2.0**-3, 2.0, 2.0**5, 2.0**9]))
def test_the_same_weights_everywhere_are_all_the_same(constant, experiment, tables):
    """R divides them by the row's largest; only means of normalized counts keep their size."""
    kept = experiment.select(genes=experiment.counts.sum(axis=1).to_numpy() > 0)
    weights = tables["weights"].loc[kept.gene_names]
    a, b = (
        fit(fw.CountData(kept.counts, kept.samples, weights=w), "~ condition", fit_type="mean")
        for w in (weights, weights * constant)
    )
    pd.testing.assert_series_equal(a.genes["baseMean"] * constant, b.genes["baseMean"], rtol=1e-12)
    deep = (a.genes["baseMean"] > 50).to_numpy()
    np.testing.assert_allclose(a.coefficients[deep], b.coefficients[deep], rtol=0, atol=1e-2)


@given(scale=st.floats(0.2, 20), shift=st.floats(-1, 1))
def test_a_covariate_in_other_units(scale, shift, experiment):
    samples = experiment.samples.copy()
    samples["age"] = samples["age"] * scale + shift
    plain = fit(experiment, "~ age + condition", fit_type="mean")
    other = fit(fw.CountData(experiment.counts, samples), "~ age + condition", fit_type="mean")
    deep = (plain.genes["baseMean"] > 20).to_numpy()
    np.testing.assert_allclose(
        other.coefficients["age"][deep] * scale, plain.coefficients["age"][deep], rtol=1e-2, atol=5e-3
    )
    np.testing.assert_allclose(
        other.coefficients["condition_B_vs_A"][deep], plain.coefficients["condition_B_vs_A"][deep], rtol=1e-2, atol=5e-3
    )
