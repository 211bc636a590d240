"""Shared data: made once a worker, never changed."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

# One warm cache of compiled kernels for all workers, apart from the user's: a stale one must never be read.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"foldwise-test-kernels-{os.getuid()}"))


@pytest.fixture(scope="session")
def simulation():
    import foldwise as fw

    return fw.simulate(n_genes=400, n_samples=12, n_batches=2, outlier_fraction=0.03, outlier_factor=50, seed=11)


@pytest.fixture(scope="session")
def data(simulation):
    return simulation.data


@pytest.fixture(scope="session")
def fit(data):
    import foldwise as fw

    return fw.deseq(data, "~ batch + condition", progress=False)


@pytest.fixture(scope="session")
def replicated():
    """Seven samples a group and outliers: some counts are replaced."""
    import foldwise as fw

    return fw.simulate(n_genes=300, n_samples=16, outlier_fraction=0.05, outlier_factor=80, seed=5).data


@pytest.fixture
def heed_ctrl_c():
    """To be run in a new process: a shell's background jobs, and so what they start, ignore ctrl-C."""
    return lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
