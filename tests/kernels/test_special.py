"""Elementary and special functions over lanes against 40 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from numba import njit

from foldwise.kernels import special
from foldwise.kernels._jit import OPTIONS, kernel
from foldwise.kernels.lanes import WIDTH, formula, load, store, tile

take_exp, take_log, take_log1p = formula(special.exp), formula(special.log), formula(special.log1p)


@formula
def log_gamma_rest(x):
    return special.log_gamma_rest(1.0 / x)


@formula
def digamma_rest(x):
    return special.digamma_rest(1.0 / x)


@kernel
def apply(which, x, out):
    for i in range(x.shape[0]):
        value = load(x, i)
        if which == 0:
            store(out, i, take_exp(value))
        elif which == 1:
            store(out, i, take_log(value))
        elif which == 2:
            store(out, i, take_log1p(value))
        elif which == 3:
            store(out, i, log_gamma_rest(value))
        else:
            store(out, i, digamma_rest(value))


def over_lanes(which, x):
    padded = np.resize(x, -(-x.size // WIDTH) * WIDTH)
    values, out = tile(padded.size // WIDTH), tile(padded.size // WIDTH)
    values[:] = padded.reshape(-1, WIDTH)
    apply(which, values, out)
    return out.ravel()[: x.size]


rng = np.random.default_rng(4)
spread_out = 10.0 ** rng.uniform(-12, 8, 300)
above_8 = np.concatenate([[8.0], 8.0 + spread_out])
CASES = {
    "exp": (0, np.concatenate([rng.uniform(-700, 700, 300), rng.normal(0, 1, 300)]), mpmath.exp, 3e-16),
    "log": (1, np.concatenate([10.0 ** rng.uniform(-300, 300, 300), 1 + rng.normal(0, 1e-3, 300)]), mpmath.log, 3e-16),
    "log1p": (2, np.concatenate([spread_out, rng.uniform(-0.9, 1, 300)]), lambda x: mpmath.log(1 + x), 5e-16),
    "log_gamma_rest": (
        3, above_8,
        lambda x: mpmath.loggamma(x) - ((x - 0.5) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2), 1e-13,
    ),
    "digamma_rest": (4, above_8, lambda x: mpmath.log(x) - mpmath.digamma(x), 1e-13),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_digits(name):
    which, x, exact, tolerance = CASES[name]
    with mpmath.workdps(40):
        for argument, value in zip(x, over_lanes(which, x), strict=True):
            truth = exact(mpmath.mpf(float(argument)))
            assert abs((mpmath.mpf(float(value)) - truth) / truth) < tolerance, argument


def test_ends():
    assert over_lanes(0, np.array([-800.0, 800.0, 0.0])).tolist() == [0.0, np.inf, 1.0]
    assert np.isnan(over_lanes(0, np.array([np.nan]))).all()
    assert np.isnan(over_lanes(1, np.array([-1.0, 0.0, np.nan]))).all()


@pytest.mark.skipif(WIDTH < 4, reason="one lane")
def test_vectors_stay_vectors():
    fresh = njit(**OPTIONS)(apply.py_func)  # what comes from the cache cannot be read
    fresh(0, tile(1), tile(1))
    assembly = next(iter(fresh.inspect_asm().values()))
    assert "divpd" in assembly or "fdiv\tv" in assembly
