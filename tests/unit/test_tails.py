"""Tails of distributions against 40 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from foldwise.inference.tails import chi_square_tail

STATISTICS = np.concatenate([10.0 ** np.linspace(-12, 3.1, 40), [1400.0]])


@pytest.mark.parametrize("degrees", [1, 2, 5])
def test_chi_square(degrees):
    for stat, p in zip(STATISTICS, chi_square_tail(STATISTICS, degrees), strict=True):
        with mpmath.workdps(40):
            truth = mpmath.gammainc(mpmath.mpf(degrees) / 2, mpmath.mpf(float(stat)) / 2, regularized=True)
            assert abs(mpmath.mpf(float(p)) / truth - 1) < 1e-12


@pytest.mark.parametrize("degrees", [1, 2])
def test_chi_square_at_the_ends(degrees):
    assert chi_square_tail(np.array([0.0, -1e-9, np.inf]), degrees).tolist() == [1.0, 1.0, 0.0]
    assert np.isnan(chi_square_tail(np.array([np.nan]), degrees)).all()
