"""The first run on a machine: two processes compile, and nothing is left of the second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from foldwise import kernels
from foldwise.cli import compiling
from foldwise.kernels import _jit

KEPT = """
from foldwise.kernels import constants, finish, moments
from foldwise.kernels._kept import is_kept
from foldwise.optimise import negative_binomial
own = (finish.wrap_up, constants.add_up, negative_binomial.negative_log_posterior)
print([is_kept(one) for one in own], is_kept(moments.gather))
"""


@pytest.mark.slow
def test_the_second_process_keeps_what_a_fit_needs_last(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    said = []
    for script in (KEPT, compiling.BESIDE, KEPT):
        run = subprocess.run(
            [sys.executable, "-P", "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        said.append(run.stdout.strip())
    assert said == ["[False, False, False] False", "", "[True, True, True] False"]


@pytest.fixture
def started(monkeypatch):
    """Processes that are started, in the place of which ``sleep`` runs; and what ends them."""
    at_exit, began, real = [], [], subprocess.Popen

    def start(command, **options):
        began.append(real(["sleep", "600"], **options))
        return began[-1]

    monkeypatch.setattr(compiling.subprocess, "Popen", start)
    monkeypatch.setattr(compiling.atexit, "register", lambda function, *args: at_exit.append((function, args)))
    monkeypatch.setattr(_jit, "_listeners", [])
    yield began, at_exit
    for process in began:
        process.kill()
        process.wait()


def test_it_ends_with_the_first(monkeypatch, started):
    began, at_exit = started
    monkeypatch.setattr(compiling, "_cores", lambda: 2)
    heard = []
    compiling.note_compiling(heard.append)
    assert not began
    for listener in _jit._listeners:
        listener(_jit.NOTICE)
    assert heard == [_jit.NOTICE]
    assert len(began) == 1 and began[0].poll() is None
    for function, args in at_exit:
        function(*args)
    assert began[0].poll() is not None


def test_one_core_or_no_folder_has_no_second_process(monkeypatch, started):
    monkeypatch.setattr(compiling, "_cores", lambda: 1)
    assert compiling.compile_beside() is None
    monkeypatch.setattr(compiling, "_cores", lambda: 2)
    monkeypatch.setattr(kernels, "are_kept", lambda: False)
    assert compiling.compile_beside() is None
    assert not started[0]


def test_no_process_to_be_had_is_no_trouble(monkeypatch):
    monkeypatch.setattr(compiling, "_cores", lambda: 2)
    monkeypatch.setattr(compiling.sys, "executable", str(Path("nowhere") / "python"))
    assert compiling.compile_beside() is None
