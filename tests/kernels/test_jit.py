"""Where compiled kernels are kept, and what is said while they are made."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numba
import pytest

from foldwise.dispersion.glm_gam_poi import overdispersion
from foldwise.kernels import _jit, _kept, dispersion, on_notice, warm_up
from foldwise.optimise import density


def test_without_a_place_to_write_kernels_still_compile(monkeypatch):
    real = _kept.njit

    def njit(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(_kept, "njit", njit)
    assert _jit.kernel(lambda x: x + 1.0)(1.0) == 2.0


CACHES = (_kept.sources_digest, _kept._content, _kept._imported)
SOURCE = """from foldwise.middle import AMOUNT


def add(x):
    return x + AMOUNT
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Make a kernel as a new process would, of one file that leans on another and that on a third."""
    monkeypatch.setattr(_kept, "PACKAGE", tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    own = tmp_path / "own.py"
    own.write_text(SOURCE)
    (tmp_path / "middle.py").write_text("from foldwise.arithmetic import (\n    AMOUNT,\n)\n")

    def made(amount, lanes=""):
        (tmp_path / "arithmetic.py").write_text(f"AMOUNT = {amount}\n")
        monkeypatch.setenv(_kept.LANES_VARIABLE, lanes)
        for kept in CACHES:
            kept.cache_clear()
        names = {"AMOUNT": amount, "__name__": "own"}
        exec(compile(SOURCE.replace("from foldwise.middle import AMOUNT", ""), str(own), "exec"), names)
        return _jit.kernel(names["add"])

    yield made
    for kept in CACHES:
        kept.cache_clear()


def test_machine_code_depends_on_all_that_it_leans_on(written):
    assert written(1.0)(1.0) == 2.0
    again = written(1.0)
    assert _kept.is_kept(again) and again(1.0) == 2.0 and again.stats.cache_hits
    other = written(2.0)  # the file that the kernel is written in is the same as before
    assert not _kept.is_kept(other) and other(1.0) == 3.0
    assert not _kept.is_kept(written(2.0, lanes="4"))


def test_processes_with_other_sources_do_not_share_files(written):
    first, second = written(1.0), written(5.0)
    assert (first(1.0), second(1.0)) == (2.0, 6.0)
    assert _kept.is_kept(first) and _kept.is_kept(second)


def test_every_kernel_is_named_after_its_sources():
    for compiled in (dispersion.climb, overdispersion.maximise_overdispersion, density.prepare_all):
        digest = _kept.sources_digest(_kept.source_of(compiled))
        assert digest[:16] in compiled._cache._cache_file._index_name
    leaned_on = {path.name for path in _kept._imported(Path(dispersion.__file__))}
    assert {"lanes.py", "likelihood.py"} <= leaned_on


@pytest.mark.parametrize("kept", [True, False])
def test_compiling_is_announced_once(monkeypatch, kept):
    heard = []
    monkeypatch.setattr(_jit, "_announced", False)
    monkeypatch.setattr(_jit, "_listeners", [])
    monkeypatch.setattr(_jit, "is_kept", lambda compiled: kept)
    on_notice(heard.append)
    for _ in range(2):
        _jit.announce(SimpleNamespace(overloads={}))
    assert heard == ([] if kept else [_jit.NOTICE])


def test_warming_up_twice_is_harmless():
    warm_up()
    warm_up()
