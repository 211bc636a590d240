"""What the kernels answer, for a block of genes."""

from __future__ import annotations

from typing import NamedTuple

from foldwise.arrays import BoolArray, FloatArray, IntArray


class DispersionSearch(NamedTuple):
    """Where the line search of each gene ended.

    log_alpha : (n_genes,) natural log. steps : (n_genes,) steps taken, refused ones included; at most 100.
    first_value, last_value : (n_genes,) log-posterior at the start and as last stored.
    """

    log_alpha: FloatArray
    steps: IntArray
    first_value: FloatArray
    last_value: FloatArray


class GlmFit(NamedTuple):
    """Coefficients of each gene.

    beta : (n_genes, n_coefficients) natural log, kept even where they ran away.
    iterations : (n_genes,) 100 means not converged.
    hat_beta : (n_genes, n_coefficients) the coefficients of the last means computed: ``beta``, except in genes
        whose last step passed the limit; hat diagonals of those belong to the step before.
    constants : (n_genes,) part of the log-likelihood that does not depend on the coefficients.
    """

    beta: FloatArray
    iterations: IntArray
    hat_beta: FloatArray
    constants: FloatArray


class GlmFinish(NamedTuple):
    """What follows from fitted coefficients.

    se : (n_genes, n_contrasts) log2 standard errors; NaN where the variance is negative.
    log_likelihood : (n_genes,).
    max_cooks : (n_genes,) largest Cook's distance over the judged samples, or None if not asked for.
    max_lasting_cooks : (n_genes,) the same over those of them whose counts are never replaced.
    largest_sample : (n_genes,) sample with the largest distance of all. exceeds : (n_genes,) any over the cutoff.
    means, hat, cooks : (n_genes, n_samples), only if asked to be kept.
    """

    se: FloatArray
    log_likelihood: FloatArray
    max_cooks: FloatArray | None
    max_lasting_cooks: FloatArray | None
    largest_sample: IntArray | None
    exceeds: BoolArray | None
    means: FloatArray | None
    hat: FloatArray | None
    cooks: FloatArray | None
