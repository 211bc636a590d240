"""How wide the fold changes are: the variance of the normal prior of each coefficient.

Love et al. (2014), "Empirical prior estimate": the prior's standard deviation is the one at which the upper
5 % of a normal's absolute values match those of the maximum-likelihood coefficients, genes weighted by how much
they can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy.special import ndtri

from foldwise.arrays import FloatArray
from foldwise.design.formula.names import make_name
from foldwise.errors import FitError

UPPER_QUANTILE = 0.05
LARGEST_LFC = 10.0  # log2; beyond it a coefficient has run away and says nothing about the prior
WIDE = 1e6  # the intercept's variance, and that of a column without a usable gene


def prior_gene_weights(base_mean: FloatArray, trend: FloatArray | None, dispersions: FloatArray) -> FloatArray:
    """(n_genes,) the weight of each gene in the prior's quantile: 1 / (1/mean + trend dispersion).

    trend : (n_genes,) trend dispersions; without a trend, the mean of the final ``dispersions`` stands in.
    """
    alpha = np.nanmean(dispersions) if trend is None else trend
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 / base_mean + alpha)


def weighted_quantile(values: FloatArray, weights: FloatArray, probability: float) -> float:
    """Quantile of the step function of cumulative weights, interpolated between neighbouring ranks.

    The weights are scaled to sum to the number of values, ties are merged, and rank 1 + (n - 1) probability is
    looked up (Hmisc's ``wtd.quantile``, which R uses here).
    """
    used = np.isfinite(values) & np.isfinite(weights) & (weights > 0)
    values, weights = values[used], weights[used]
    weights = weights * (weights.size / weights.sum())
    distinct, at = np.unique(values, return_inverse=True)
    cumulative = np.cumsum(np.bincount(at, weights))
    n = cumulative[-1]
    rank = 1.0 + (n - 1.0) * probability
    low = max(np.floor(rank), 1.0)
    share = rank - np.floor(rank)
    steps = np.searchsorted(cumulative, [low, min(low + 1.0, n)])
    below, above = distinct[np.minimum(steps, distinct.size - 1)]
    return float((1.0 - share) * below + share * above)


def column_prior_variance(lfc: FloatArray, gene_weights: FloatArray | None) -> float:
    """The prior variance (log2) of one coefficient from its estimates.

    lfc : (n_genes,) log2, NaN where not fitted. gene_weights : (n_genes,), or None for an unweighted quantile.
    """
    if lfc.size == 1:
        return float(lfc[0] ** 2)
    size = np.abs(lfc)
    used = np.isfinite(size) & (size < LARGEST_LFC)
    if not used.any():
        return WIDE
    probability = 1.0 - UPPER_QUANTILE
    if gene_weights is None:
        quantile = float(np.quantile(size[used], probability))
    else:
        quantile = weighted_quantile(size[used], gene_weights[used], probability)
    return float((quantile / ndtri(1.0 - UPPER_QUANTILE / 2.0)) ** 2)


def coefficient_prior_variance(
    lfc: FloatArray,
    gene_weights: FloatArray | None,
    columns: Sequence[str],
    factors: Mapping[str, Sequence[str]] | None = None,
    *,
    expanded_columns: Sequence[str] | None = None,
) -> FloatArray:
    """Prior variance (log2) of every column of the matrix that the coefficients will be refitted with.

    Parameters
    ----------
    lfc : (n_genes, n_columns) maximum-likelihood coefficients of the standard matrix, log2; genes without counts
        left out.
    gene_weights : (n_genes,) from :func:`prior_gene_weights`, or None for R's method "quantile".
    columns : names of the standard matrix as R's model.matrix gives them ("(Intercept)", "conditionB").
    factors : factor of the design → its levels, base level first.
    expanded_columns : names of the expanded matrix as R's make.names leaves them ("Intercept", "conditionA"), if that
        is refitted.
        A factor's columns then share one variance: the mean over its standard columns and, with three levels or
        more, over all their pairwise differences.

    Returns
    -------
    (n_columns,) or (n_expanded_columns,) variances; that of the intercept is 1e6.

    Raises
    ------
    FitError
        If a variance is zero: every gene has the same level in the groups compared.
    """
    lfc = np.asarray(lfc, dtype=np.float64)
    columns = [name.replace("`", "") for name in columns]  # around variables whose names are no names in R
    own = {name: _variance_of(name, lfc[:, k], gene_weights) for k, name in enumerate(columns)}
    if expanded_columns is None:
        return _checked(np.array([own[name] for name in columns]), columns)
    shared = _shared_by_factor(lfc, gene_weights, list(columns), factors or {}, own)
    known = {make_name(name): variance for name, variance in {**own, **shared}.items()}
    variances = [WIDE if _is_intercept(name) else known.get(make_name(name), np.nan) for name in expanded_columns]
    return _checked(np.array(variances), expanded_columns)


def _is_intercept(name: str) -> bool:
    return name in ("(Intercept)", "Intercept")


def _variance_of(name: str, lfc: FloatArray, gene_weights: FloatArray | None) -> float:
    return WIDE if _is_intercept(name) else column_prior_variance(lfc, gene_weights)


def _shared_by_factor(
    lfc: FloatArray,
    gene_weights: FloatArray | None,
    columns: list[str],
    factors: Mapping[str, Sequence[str]],
    own: Mapping[str, float],
) -> dict[str, float]:
    """Level column ("conditionA") → the variance that all levels of its factor share."""
    shared: dict[str, float] = {}
    for factor, levels in factors.items():
        at = [columns.index(factor + level) for level in levels[1:] if factor + level in columns]
        if not at:  # named as a covariate is: the factor has no column here
            continue
        differences = [lfc[:, late] - lfc[:, early] for early, late in combinations(at, 2)]
        variances = [own[columns[k]] for k in at] + [column_prior_variance(d, gene_weights) for d in differences]
        shared |= dict.fromkeys((factor + level for level in levels), float(np.mean(variances)))
    return shared


def _checked(variances: FloatArray, columns: Sequence[str]) -> FloatArray:
    bad = [name for name, v in zip(columns, variances, strict=True) if not v > 0]
    if bad:
        raise FitError(
            f"The prior variance of {', '.join(bad)} is zero or unknown: no gene differs there, so there is nothing to "
            "estimate a prior from. Fit without a prior, or leave the term out of the design."
        )
    return variances
