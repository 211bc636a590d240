"""A gene's digits depend on nothing but the gene: not on the block, the threads, the width of the vectors."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from foldwise import kernels
from foldwise.kernels import coefficients, constants, dispersion, finish, moments


def everything(block) -> list[np.ndarray]:
    """All numbers of all kernels and row-wise functions."""
    counts, factors, design, weights = block.counts, block.factors, block.design, block.weights
    base = kernels.row_statistics(counts, factors, weights)
    start = kernels.rough_dispersion(counts, factors, design, *base, 1.0, max_dispersion=20.0)
    robust = kernels.robust_dispersion(counts, factors, design.row_of)
    search = kernels.search_dispersion(counts, block.means, design, np.log(block.start), weights=weights)
    grid = kernels.grid_dispersion(counts, block.means, design, -18.0, 3.0, weights=weights)
    fit = kernels.fit_glm(counts, factors, design, block.start, block.ridge, weights=weights)
    last = kernels.finish_glm(
        counts, factors, design, fit.beta, block.start, block.ridge, weights=weights, robust_alpha=robust, keep=True
    )
    linear = kernels.linear_means(counts, factors, design)
    logs = kernels.glm_start(counts, factors, design), kernels.glm_means(factors, design, fit.beta)
    return [*base, start, robust, linear, *logs, *search, grid, *fit, *last]


def joined(parts):
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def assert_same_bits(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("size", [1, 2, 7, 8, 50])
def test_the_block_does_not_matter(block, size):
    parts = [everything(block.rows(slice(i, i + size))) for i in range(0, 120, size)]
    assert_same_bits(joined(parts), everything(block))


def test_the_neighbours_do_not_matter(block):
    shuffled = np.random.default_rng(0).permutation(120)
    back = np.argsort(shuffled)
    assert_same_bits([a[back] for a in everything(block.rows(shuffled))], everything(block))


def test_threads_do_not_matter(simulate):
    block = simulate("batches")
    pieces = [block.rows(slice(i, i + 5)) for i in range(0, 120, 5)]
    with ThreadPoolExecutor(4) as pool:
        assert_same_bits(joined(pool.map(everything, pieces)), everything(block))


def test_one_specialisation_each(simulate):
    for kind in ("two groups", "weights", "gene-wise factors"):
        everything(simulate(kind))
    block = simulate("covariate")
    frozen = block.counts.copy()
    frozen.flags.writeable = False
    kernels.search_dispersion(frozen, np.asfortranarray(block.means), block.design, np.log(block.start))
    kernels.fit_glm(frozen.astype(np.int32), block.factors, block.design, block.start, block.ridge)
    for compiled in (dispersion.climb, coefficients.reweight, finish.wrap_up, constants.add_up, moments.gather):
        assert len(compiled.signatures) == 1


def test_no_genes_are_no_trouble(simulate):
    for numbers in everything(simulate("batches").rows(slice(0, 0))):
        assert numbers.shape[0] == 0


WIDTH_SCRIPT = """
import sys; sys.path.insert(0, {here!r})
import conftest, test_bits
blocks = [conftest.simulated(kind, 30) for kind in ("two groups", "covariate", "weights", "many columns")]
numbers = [column for block in blocks for column in test_bits.everything(block)]
import hashlib; print(hashlib.sha256(b"".join(a.tobytes() for a in numbers)).hexdigest())
"""


@pytest.mark.slow
def test_the_width_does_not_matter(tmp_path):
    script = WIDTH_SCRIPT.format(here=str(Path(__file__).parent))
    digests = {}
    for width in ("1", "4", "8"):
        environment = {**os.environ, "FOLDWISE_LANES": width, "NUMBA_CACHE_DIR": str(tmp_path / width)}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        run = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        digests[width] = run.stdout.strip()
    assert len(set(digests.values())) == 1, digests
