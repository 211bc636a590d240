"""Iterated size factors: for counts where every gene has a zero.

Alternates a fit of dispersions around one mean a gene with the size factors that maximise the likelihood, trimmed of the
5 % of genes that fit worst. R's sizeFactors type "iterate".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.counts.measured import Measured
from foldwise.design import assemble_design
from foldwise.errors import FitError
from foldwise.execution import Executor
from foldwise.kernels import exact_row_means
from foldwise.options import MIN_MU

if TYPE_CHECKING:
    from foldwise.counts import CountData

MOST_ROUNDS = 10
TOLERANCE = 1e-4  # of the summed squared change of the log size factors
WORST_SHARE = 0.05
NO_CONVERGENCE = (
    'Iterative size factor normalization did not converge. Use sf_type="poscounts", or give size factors of your own.'
)


def iterated_size_factors(data: CountData, run: Executor) -> FloatArray:
    """(n_samples,) size factors of geometric mean 1; average lengths are not used, as in R.

    Raises
    ------
    FitError
        If ten rounds do not settle.
    """
    counts = data.source.read(0, data.n_genes)
    counts = np.ascontiguousarray(counts[counts.any(axis=1)])
    factors = np.ones(data.n_samples)
    for step in range(1, MOST_ROUNDS + 1):
        new = _one_round(data, counts, factors, run)
        if step > 1 and np.sum((np.log(factors) - np.log(new)) ** 2) < TOLERANCE:
            return new
        factors = new
    raise FitError(NO_CONVERGENCE)


def _one_round(data: CountData, counts: FloatArray, factors: FloatArray, run: Executor) -> FloatArray:
    from foldwise.dispersion.stage import dispersion_stage, with_posterior

    design = assemble_design("~ 1", data.samples)
    stage = with_posterior(dispersion_stage(data, design, Measured(data.source, factors), run, fit_type="mean"))
    alpha = stage.columns["dispersion"]
    alpha = alpha[~stage.columns["allZero"].astype(bool)]
    means = np.maximum(exact_row_means(counts / factors)[:, None] * factors, MIN_MU)
    return _most_likely(counts, means / factors, alpha, factors)


def _most_likely(counts: FloatArray, q: FloatArray, alpha: FloatArray, start: FloatArray) -> FloatArray:
    from foldwise.optimise.density import PreparedCounts
    from foldwise.optimise.lbfgsb import maximise

    prepared = PreparedCounts(counts, alpha[:, None])

    def trimmed_likelihood(theta: FloatArray) -> float:
        s = np.exp(theta - theta.mean())
        by_gene = prepared.log_density(q * s).sum(axis=1)
        return float(by_gene[by_gene > np.quantile(by_gene, WORST_SHARE)].sum())

    found = maximise(trimmed_likelihood, np.log(start))
    if found.code != 0:
        raise FitError(NO_CONVERGENCE)
    return np.exp(found.point - found.point.mean())
