"""Negative binomial objectives against R's dnbinom() and optim(), bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from plain_functions import rows, vector

from foldwise.optimise import negative_binomial
from foldwise.optimise.density import GAMMA_SERIES, STIRLING_ERRORS, STIRLING_SERIES, PreparedCounts, log_density
from foldwise.optimise.extended_sum import extended_sum


def test_log_density_has_r_s_bits():
    table = [[float(value) for value in row.values()] for row in rows("density")]
    counts, means, alpha, expected = np.array(table).T
    np.testing.assert_array_equal(log_density(counts, means, alpha), expected)


def test_log_density_broadcasts_and_sums_to_one():
    counts = np.arange(400.0)
    densities = np.exp(log_density(counts, np.array([[2.0], [20.0]]), 0.3))
    np.testing.assert_allclose(densities.sum(axis=1), 1.0, rtol=1e-12)


def test_tables_of_constants_are_rounded_exact_values():
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        half_log_two_pi = mpmath.log(2 * mpmath.pi) / 2

        def stirling(n):
            n = mpmath.mpf(n)
            return mpmath.loggamma(n + 1) - (n + mpmath.mpf(1) / 2) * mpmath.log(n) + n - half_log_two_pi

        assert [float(stirling(k / 2)) for k in range(1, 31)] == STIRLING_ERRORS[1:].tolist()

        def correction(t):
            x = 10 / mpmath.sqrt((t + 1) / 2)
            return x * (mpmath.loggamma(x) - half_log_two_pi - (x - mpmath.mpf(1) / 2) * mpmath.log(x) + x)

        def coefficients(function, n, nodes):
            angles = [mpmath.pi * (j + mpmath.mpf(1) / 2) / nodes for j in range(nodes)]
            values = [function(mpmath.cos(angle)) for angle in angles]
            return [
                float(2 * mpmath.fsum(v * mpmath.cos(k * a) for v, a in zip(values, angles, strict=True)) / nodes)
                for k in range(n)
            ]

        bent = coefficients(lambda t: mpmath.gamma(1 + (t + 1) / 2) - mpmath.mpf(15) / 16, 22, 60)
        assert bent == GAMMA_SERIES.tolist()
        assert coefficients(correction, 5, 40) == STIRLING_SERIES.tolist()


@pytest.mark.skipif(np.finfo(np.longdouble).nmant != 63, reason="no 80-bit long double on this machine")
def test_extended_sum_is_a_long_double_accumulator():
    random = np.random.default_rng(1)
    for n in random.integers(2, 40, 3000):
        spread = random.standard_normal(n) * 10.0 ** random.integers(-8, 8, n)
        tied = np.ldexp(random.integers(-8, 8, n).astype(float), random.integers(-70, 20, n))
        for terms in (spread, tied):
            assert extended_sum(terms) == float(np.add.accumulate(terms.astype(np.longdouble))[-1])


def test_extended_sum_passes_infinities_on():
    assert extended_sum(np.array([1.0, -np.inf, 2.0])) == -np.inf


def test_optimiser_takes_r_s_path_to_the_last_bit():
    for row in rows("negative_binomial"):
        counts = vector(row["counts"])
        matrix = vector(row["matrix"]).reshape(len(counts), -1)
        beta, code, value = negative_binomial.fit_by_optimiser(
            counts,
            vector(row["factors"]),
            matrix,
            float(row["alpha"]),
            vector(row["ridge"]),
            vector(row["start"]),
            weights_row=vector(row["weights"]),
        )
        np.testing.assert_array_equal(beta, vector(row["point"]))
        assert value == float(row["value"])
        assert code == int(row["code"])


def test_no_weights_are_weights_of_one():
    counts, matrix = np.array([0.0, 3.0, 8.0, 9.0]), np.column_stack([np.ones(4), [0, 0, 1, 1.0]])
    rest = (np.ones(4), matrix, 0.1, np.full(2, 1e-6), np.zeros(2))
    without = negative_binomial.fit_by_optimiser(counts, *rest)
    with_ones = negative_binomial.fit_by_optimiser(counts, *rest, weights_row=np.ones(4))
    np.testing.assert_array_equal(without[0], with_ones[0])
    np.testing.assert_allclose(without[0], np.log2([1.5, 8.5 / 1.5]), atol=1e-4)


def test_prepared_counts_give_the_same_bits():
    random = np.random.default_rng(2)
    counts, alpha = random.poisson(20.0, (6, 5)).astype(float), random.uniform(0.01, 2.0, (6, 1))
    prepared = PreparedCounts(counts, alpha)
    for _ in range(3):
        means = random.uniform(0.1, 60.0, (6, 5))
        np.testing.assert_array_equal(prepared.log_density(means), log_density(counts, means, alpha))
