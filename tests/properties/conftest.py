"""Settings of the properties' searches, and small experiments of every kind to try them on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import foldwise as fw

settings.register_profile(
    "foldwise",
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("foldwise")


@dataclass(frozen=True)
class Setting:
    """One way to fit: a design and the options that go with it."""

    design: str = "~ condition"
    options: dict[str, Any] = field(default_factory=dict)
    beside: tuple[str, ...] = ()


SETTINGS = {
    "two groups": Setting(),
    "batch": Setting("~ batch + condition"),
    "covariate": Setting("~ age + condition"),
    "interaction": Setting("~ batch * condition"),
    "likelihood ratio": Setting("~ batch + condition", {"test": "LRT", "reduced": "~ batch"}),
    "local trend": Setting("~ batch + condition", {"fit_type": "local"}),
    "prior": Setting("~ batch + condition", {"beta_prior": True}),
    "t": Setting("~ condition", {"use_t": True}),
    "positive counts": Setting("~ condition", {"sf_type": "poscounts"}),
    "weights": Setting("~ condition", beside=("weights",)),
    "factors": Setting("~ batch + condition", beside=("factors",)),
    "weights and factors": Setting("~ condition", {"fit_type": "mean"}, ("weights", "factors")),
}


@pytest.fixture(scope="session")
def experiment():
    simulated = fw.simulate(n_genes=150, n_samples=16, n_batches=2, outlier_fraction=0.05, outlier_factor=60, seed=21)
    counts, samples = simulated.data.counts, simulated.data.samples.copy()
    counts.iloc[7] = 0
    counts.iloc[11, :8] = 0
    samples["age"] = np.random.default_rng(1).normal(0, 1, 16).round(3)
    return fw.CountData(counts, samples)


@pytest.fixture(scope="session")
def tables(experiment):
    """Factors and weights as tables; genes without counts are taken out where there are weights."""
    rng = np.random.default_rng(2)
    shape = (experiment.n_genes, experiment.n_samples)
    return {
        "weights": experiment.framed(np.where(rng.random(shape) < 0.03, 0.0, rng.uniform(0.3, 1.0, shape))),
        "factors": experiment.framed(np.exp(rng.normal(0, 0.2, shape))),
    }


def with_tables(data, tables, setting):
    """The data with what the setting has beside the counts, for whatever genes and samples there are."""
    beside = {
        {"weights": "weights", "factors": "normalization_factors"}[name]: tables[name].loc[
            data.gene_names, data.sample_names
        ]
        for name in setting.beside
    }
    return fw.CountData(data.counts, data.samples, **beside)


def fitted(data, setting, **options):
    return fw.deseq(data, setting.design, progress=False, **{"executor": "serial", **setting.options, **options})


@pytest.fixture(scope="session")
def make(tables):
    return lambda data, setting, **options: fitted(with_tables(data, tables, setting), setting, **options)


@pytest.fixture(scope="session")
def first_fits(experiment, make):
    """One fit a setting, made when first asked for."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = make(experiment, SETTINGS[name])
        return made[name]

    return of


@pytest.fixture(params=list(SETTINGS))
def setting(request):
    return request.param


@pytest.fixture(scope="session")
def settings_by_name():
    return SETTINGS
