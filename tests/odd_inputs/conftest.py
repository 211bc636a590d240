"""A small experiment in the forms in which people hold one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw


@pytest.fixture(scope="session")
def experiment():
    return fw.simulate(n_genes=60, n_samples=8, n_batches=2, mean_log2=8, mean_sd=1.5, seed=3).data


@pytest.fixture
def counts(experiment):
    """Genes x samples; each test's own."""
    return experiment.counts


@pytest.fixture
def samples(experiment):
    return experiment.samples.copy()


@pytest.fixture(scope="session")
def plain_results(experiment):
    return table_of(experiment)


def table_of(data, design="~ condition", **options):
    return fw.deseq(data, design, progress=False, executor="serial", **options).results().table


def same(a, b):
    pd.testing.assert_frame_equal(a, b, check_names=False, check_column_type=False)


@pytest.fixture(scope="session")
def fitted():
    return table_of


@pytest.fixture(scope="session")
def assert_same():
    return same


@pytest.fixture
def rng():
    return np.random.default_rng(8)
