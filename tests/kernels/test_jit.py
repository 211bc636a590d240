"""Where compiled kernels are kept, and what is said while they are made."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from foldwise.kernels import _jit, dispersion, on_notice, warm_up


def test_without_a_place_to_write_kernels_still_compile(monkeypatch):
    real = _jit.njit

    def njit(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(_jit, "njit", njit)
    assert _jit.kernel(lambda x: x + 1.0)(1.0) == 2.0


def test_machine_code_depends_on_all_its_sources(monkeypatch):
    stamp = dispersion.climb._cache._cache_file._source_stamp
    assert stamp[1] == _jit.sources_digest("dispersion")
    digests = {_jit.sources_digest(name) for name in ("dispersion", "lanes", "special", "statistics")}
    assert len(digests) == 4
    _jit.sources_digest.cache_clear()
    monkeypatch.setenv(_jit.LANES_VARIABLE, "3")
    assert _jit.sources_digest("dispersion") != stamp[1]
    _jit.sources_digest.cache_clear()


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
