"""apeglm: a heavy-tailed prior for one coefficient, which leaves large effects almost as they are.

Zhu, Ibrahim & Love (2019), "Heavy-tailed prior distributions for sequence count data: removing the noise and
preserving large differences". Dispersions are taken as known; the posterior's mode is the estimate and its curvature
there the standard deviation (Laplace).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.execution import CountSource, Executor
from foldwise.shrinkage.s_values import normal_false_or_small_rate, normal_false_sign_rate


@dataclass(frozen=True, slots=True)
class ApeglmPosterior:
    """The posterior of one coefficient in every gene, natural log.

    mode, sd : (n_genes,) NaN in genes that are not fitted; sd also where the posterior is not curved at its mode.
    coefficients : (n_genes, n_coefficients) the mode in all coefficients.
    status : (n_genes,) codes of ``kernels.apeglm``.
    scale : of the Cauchy prior. converged : whether the modes are optima or the points where R stops.
    """

    mode: FloatArray
    sd: FloatArray
    coefficients: FloatArray
    status: IntArray
    scale: float
    converged: bool

    def false_sign_rate(self, threshold: float = 0.0) -> FloatArray:
        """(n_genes,) posterior probability of the wrong sign, or of "wrong sign or smaller" than a threshold > 0."""
        if threshold > 0:
            return normal_false_or_small_rate(self.mode, self.sd, threshold)
        return normal_false_sign_rate(self.mode, self.sd)

    @property
    def not_converged(self) -> BoolArray:
        """(n_genes,) genes whose search did not end by itself, or ended where there is no maximum."""
        from foldwise.kernels import apeglm as kernel

        return np.isin(self.status, (kernel.NOT_CONVERGED, kernel.NO_VARIANCE))


@dataclass(frozen=True, slots=True)
class _Model:
    """What is the same for all genes. factors : (1, n_samples), or None if each gene has its own.

    cauchy : (n_coefficients,) squared scales of Cauchy priors, 0 elsewhere. reference : (n_samples,) at the base level.
    """

    matrix: FloatArray
    factors: FloatArray | None
    cauchy: FloatArray
    reference: BoolArray
    converged: bool


def apeglm_posterior(
    counts: CountSource,
    factors: FloatArray,
    matrix: FloatArray,
    dispersions: FloatArray,
    column: int,
    scale: float,
    run: Executor,
    *,
    weights: FloatArray | None = None,
    shrink_all: bool = False,
    converged: bool = False,
) -> ApeglmPosterior:
    """Posterior mode and standard deviation of one coefficient of every gene.

    Parameters
    ----------
    counts : the original counts, outliers not replaced, as R takes them.
    factors : (n_samples,) or (n_genes, n_samples) size or normalization factors.
    matrix : (n_samples, n_coefficients) its first column counts as the intercept, whatever it is.
    dispersions : (n_genes,) final dispersions, NaN where there is none.
    column : the coefficient to shrink.
    scale : of its Cauchy prior, natural log (:func:`foldwise.shrinkage.prior_scale.prior_scale`).
    weights : (n_genes, n_samples) observation weights as given, not rescaled.
    shrink_all : give the Cauchy prior to every coefficient but the first (R's ``apeAdapt=FALSE``).
    converged : go on to the optimum, where R's search stops up to 1.3e-2 log2 short of it.
    """
    cauchy = np.zeros(matrix.shape[1])
    cauchy[slice(1, None) if shrink_all else column] = scale**2
    genes: dict[str, FloatArray] = {"dispersion": dispersions}
    if factors.ndim == 2:
        genes["factors"] = factors
    if weights is not None:
        genes["weights"] = weights
    model = _Model(
        matrix=np.asarray(matrix, dtype=np.float64),
        factors=factors[None, :] if factors.ndim == 1 else None,
        cauchy=cauchy,
        reference=_reference_samples(matrix),
        converged=converged,
    )
    found = run.over_genes("shrinking (apeglm)", _one_block, counts, genes, model)
    return ApeglmPosterior(
        mode=found["beta"][:, column],
        sd=np.sqrt(found["variance"][:, column]),
        coefficients=found["beta"],
        status=found["status"],
        scale=scale,
        converged=converged,
    )


def _one_block(counts: FloatArray, genes: Mapping[str, Any], model: _Model) -> dict[str, Any]:
    from foldwise.kernels.apeglm import shrink_genes

    factors = genes["factors"] if model.factors is None else model.factors
    weights = genes["weights"] if "weights" in genes else np.ones((1, counts.shape[1]))
    beta, variance, status = shrink_genes(
        counts, factors, weights, model.matrix, genes["dispersion"], model.cauchy,
        reference=model.reference, converged=model.converged,
    )  # fmt: skip
    return {"beta": beta, "variance": variance, "status": status}


def _reference_samples(matrix: FloatArray) -> BoolArray:
    """Samples at the base level of everything: one entry of their row is not zero. All samples if there are none."""
    reference = (matrix == 0).sum(axis=1) == matrix.shape[1] - 1
    return np.asarray(reference if reference.any() else np.ones_like(reference))
