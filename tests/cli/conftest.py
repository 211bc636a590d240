"""Small tables as files, and the command line as a process or within this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

COMMAND = [sys.executable, "-m", "foldwise.cli"]
N_GENES = 120


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Of a process whose progress is plain lines; pictures keep Matplotlib's own cache."""
    return os.environ | {"FOLDWISE_NUM_THREADS": "1"} | more


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Ended]:
    """Run ``foldwise …`` as a process in the test's folder."""

    def run(*arguments: object, stdin: bytes = b"", **more: str) -> Ended:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)], cwd=tmp_path, input=stdin, capture_output=True, env=environment(**more)
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def within(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Ended]]:
    """Run ``foldwise …`` within this process, which is quicker."""
    from foldwise.cli import main

    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop, warnings.catch_warnings():
            warnings.simplefilter("always")
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ended(int(stop.value.code or 0), said.out, said.err)

    yield run
    signal.signal(signal.SIGTERM, before)


def small_counts(seed: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """120 genes x 8 samples; condition and batch, every sixth gene with a fold change of 4, the last gene all zero."""
    rng = np.random.default_rng(seed)
    condition, batch = np.array([0, 1] * 4), np.array([0] * 4 + [1] * 4)
    change = np.where(np.arange(N_GENES) % 6 == 0, 2.0, 0.0)
    change[::12] *= -1
    means = rng.lognormal(5, 1, (N_GENES, 1)) * 2.0 ** (change[:, None] * condition)
    means = means * 2.0 ** (rng.normal(0, 0.4, (N_GENES, 1)) * batch) * rng.uniform(0.7, 1.5, 8)
    size = 1 / (0.05 + 2 / means)  # dispersions fall with the mean, as the trend expects
    counts = rng.negative_binomial(size, size / (size + means))
    counts[-1] = 0
    samples = [f"s{i}" for i in range(1, 9)]
    table = pd.DataFrame(counts, index=pd.Index([f"gene{i}" for i in range(N_GENES)], name="gene_id"), columns=samples)
    words = {"condition": np.where(condition == 1, "treated", "control"), "batch": batch + 1}
    return table, pd.DataFrame(words, index=pd.Index(samples, name="sample"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """counts.tsv and samples.csv in the test's folder."""
    counts, samples = small_counts()
    counts.to_csv(tmp_path / "counts.tsv", sep="\t")
    samples.to_csv(tmp_path / "samples.csv")
    return tmp_path


RUN = ("run", "counts.tsv", "samples.csv", "--no-pictures", "--out", "out")


@pytest.fixture
def saved(files: Path, within: Callable[..., Ended]) -> Path:
    """A folder with fit.foldwise."""
    design = ("--design", "~ batch + condition", "--factor", "batch")
    assert within(*RUN, *design, "--save-fit", "--quiet").code == 0
    return files / "out"
