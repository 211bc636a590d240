"""The order of genes and samples, and how they are cut into blocks, decide nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foldwise as fw
from foldwise.execution import ThreadExecutor

# Sums over genes (the trend) and samples come in another order, so last bits differ; a tie in the dispersion search may
# then fall the other way in a gene or two.
ALMOST, MOST = 1e-7, 0.97


def numbers(fit):
    return fit.results().table.drop(columns="status")


def bits(fit):
    parts = [fit.genes.astype(float), fit.coefficients, fit.standard_errors, numbers(fit)]
    return b"".join(part.to_numpy(dtype=float).tobytes() for part in parts)


def assert_almost(ours, theirs):
    """The same missing values; nearly all numbers equal to 1e-7, all to 1e-3."""
    a, b = ours.to_numpy(dtype=float), theirs.to_numpy(dtype=float)
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)
    assert np.isclose(a, b, rtol=ALMOST, atol=1e-9, equal_nan=True).mean() >= MOST


@given(seed=st.integers(0, 2**32 - 1))
def test_genes_in_any_order(seed, experiment, setting, settings_by_name, make, first_fits):
    order = np.random.default_rng(seed).permutation(experiment.gene_names)
    found = make(experiment.select(genes=order), settings_by_name[setting])
    assert_almost(numbers(found).loc[experiment.gene_names], numbers(first_fits(setting)))


@given(seed=st.integers(0, 2**32 - 1))
def test_samples_in_any_order(seed, experiment, setting, settings_by_name, make, first_fits):
    order = np.random.default_rng(seed).permutation(experiment.sample_names)
    found = make(experiment.select(samples=order), settings_by_name[setting])
    assert_almost(numbers(found), numbers(first_fits(setting)))


@given(size=st.integers(1, 200), threads=st.integers(1, 4))
def test_any_blocks_on_any_threads_give_the_same_bits(
    size, threads, experiment, setting, settings_by_name, make, first_fits
):
    run = ThreadExecutor(threads, genes_per_block=size)
    assert bits(make(experiment, settings_by_name[setting], executor=run)) == bits(first_fits(setting))


@pytest.mark.parametrize("executor", [None, 3, "serial"])
def test_any_executor_gives_the_same_bits(executor, experiment, setting, settings_by_name, make, first_fits):
    assert bits(make(experiment, settings_by_name[setting], executor=executor)) == bits(first_fits(setting))


@given(names=st.lists(st.text(min_size=1, max_size=6), min_size=16, max_size=16, unique=True))
def test_names_of_samples_mean_nothing(names, experiment, first_fits, settings_by_name):
    counts = experiment.counts.set_axis(names, axis=1)
    data = fw.CountData(counts.to_numpy(), experiment.samples.set_axis(names), genes=experiment.gene_names)
    found = fw.deseq(data, "~ condition", executor="serial", progress=False)
    assert bits(found) == bits(first_fits("two groups"))


# not where weights or factors lie beside the counts: their tables have no rows for such genes
@pytest.mark.parametrize(
    "setting", ["two groups", "batch", "covariate", "likelihood ratio", "local trend", "prior", "t"]
)
@given(extra=st.integers(1, 40), at=st.integers(0, 150))
def test_genes_without_counts_change_no_other_gene(extra, at, experiment, setting, settings_by_name, first_fits):
    counts = experiment.counts.to_numpy()
    wider = np.insert(counts, [at] * extra, 0, axis=0)
    names = np.insert(experiment.gene_names.to_numpy(), [at] * extra, [f"empty{i}" for i in range(extra)])
    case = settings_by_name[setting]
    data = fw.CountData(wider, experiment.samples, genes=names)
    found = fw.deseq(data, case.design, executor="serial", progress=False, **case.options)
    ours, theirs = (numbers(f).loc[experiment.gene_names].drop(columns="padj") for f in (found, first_fits(setting)))
    assert ours.to_numpy().tobytes() == theirs.to_numpy().tobytes()
