"""A process that is interrupted, forked, or has nowhere to write."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import foldwise as fw

INTERRUPTED = """
import sys, time
import foldwise as fw
data = fw.simulate(n_genes=6000, n_samples=60, seed=1).data
fw.deseq(data, "~ condition", executor={threads!r})
print("ready", flush=True)
try:
    while True:
        fw.deseq(data, "~ condition", executor={threads!r})
except KeyboardInterrupt:
    print(time.time(), flush=True)
"""
NOWHERE_TO_WRITE = """
import logging, sys
said = []
class Listen(logging.Handler):
    def emit(self, record):
        said.append((record.levelno, record.getMessage()))
logging.getLogger("foldwise").addHandler(Listen())
logging.getLogger("foldwise").setLevel(logging.DEBUG)
import foldwise as fw
from foldwise.size_factors.ratios import exact_row_means
assert fw.__file__.startswith(sys.argv[1])
import numpy as np
print(exact_row_means(np.arange(12.0).reshape(3, 4)))
notices = {m for level, m in said if "no folder for compiled kernels" in m and level <= logging.INFO}
print(len(notices))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="signals as on POSIX systems")
@pytest.mark.parametrize("threads", ["serial", 2])
def test_ctrl_c_stops_a_fit_at_once(heed_ctrl_c, threads):
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(threads=threads)],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        time.sleep(0.2)
        asked = time.time()
        running.send_signal(signal.SIGINT)
        stopped = float(running.stdout.readline())
        assert running.wait(timeout=60) == 0
    # A block takes some hundredths of a second; the rest is for a machine that is busy with other tests.
    assert stopped - asked < 5.0


def fit_in_child(data, queue):
    queue.put(fw.deseq(data, "~ condition", executor=2, progress=False).genes.astype(float).to_numpy().tobytes())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_fits_on_threads_too(replicated):
    here = fw.deseq(replicated, "~ condition", executor=2, progress=False).genes.astype(float).to_numpy().tobytes()
    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    child = fork.Process(target=fit_in_child, args=(replicated, queue))
    child.start()
    assert queue.get() == here
    child.join(timeout=60)
    assert child.exitcode == 0


def test_an_install_and_a_home_that_cannot_be_written(tmp_path):
    """Nothing but a file where folders would have to be made: so that it holds for root, too."""
    library = tmp_path / "library"
    shutil.copytree(Path(fw.__file__).parent, library / "foldwise", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [library / "foldwise", *(p for p in (library / "foldwise").rglob("*") if p.is_dir())]:
        (folder / "__pycache__").touch()
    home = tmp_path / "home"
    home.touch()
    environment = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environment |= {"HOME": str(home), "PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", NOWHERE_TO_WRITE, str(library)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["[1.5 5.5 9.5]", "1"]
