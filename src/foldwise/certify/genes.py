"""The equations of a fit, gene by gene, for a block of genes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.certify import dispersions
from foldwise.certify.likelihood import LN2, Glm, covariance, fit, log_density, newton_step
from foldwise.certify.outliers import distances

LEAST_DISPERSION_MEAN = 0.5
SLOW = 25  # rounds; so long an iteration oscillates, and may stop on equal deviances far from the optimum
CLOSE = 1e-7  # relative: nearer than this a distance is the right one


class Shared(NamedTuple):
    """What all genes share.

    matrix : of the reported coefficients; ridge_log2 its prior precisions. dispersion_matrix : of dispersions, Cook's
    distances and coefficients without a prior; cells : its replicates. reduced : of a likelihood ratio test, or None.
    factors : (n_samples,) or None. prior_variance : of log
    dispersions, or None where dispersions are the user's. spread : their residual variance. judged, spared :
    (n_samples,) samples whose distances count, and those that count no more because they could be replaced.
    vector : of the comparison. quasi : whether dispersions are glmGamPoi's.
    """

    matrix: FloatArray
    ridge_log2: FloatArray
    dispersion_matrix: FloatArray
    cells: IntArray
    reduced: FloatArray | None
    factors: FloatArray | None
    prior_variance: float | None
    spread: float
    judged: BoolArray
    spared: BoolArray | None
    min_mu: float
    dispersion_min_mu: float
    vector: FloatArray
    contrast_min_mu: float
    quasi: bool


def model(counts: FloatArray, genes: dict[str, Any], shared: Shared, matrix: FloatArray, ridge_log2: FloatArray) -> Glm:
    """One GLM of these genes."""
    factors = np.broadcast_to(genes["factors"] if shared.factors is None else shared.factors, counts.shape)
    weights = np.broadcast_to(genes.get("normalized", np.ones(1)), counts.shape)
    alpha = np.where(genes["dispersion"] > 0, genes["dispersion"], 1.0)[:, None]  # a missing one is told elsewhere
    return Glm(counts, factors, weights, matrix, alpha, ridge_log2 / LN2**2, shared.min_mu)


def flat_ridge(matrix: FloatArray) -> FloatArray:
    """The precision of log2 coefficients without a prior."""
    return np.full(matrix.shape[1], 1e-6)


def examine(counts: FloatArray, genes: dict[str, Any], shared: Shared) -> dict[str, Any]:
    """How far each reported number of a block is from its own equation.

    ``counts`` are the original ones; genes with replaced outliers bring theirs in ``genes["replaced"]``.
    """
    fitted = ~genes["allZero"].astype(bool)
    part = {name: values[fitted] for name, values in genes.items()}
    original = counts[fitted]
    current = np.where(part["has_replaced"][:, None], part["replaced"], original) if "replaced" in part else original
    out = _base(current, part, shared)
    if shared.quasi:
        from foldwise.certify import quasi

        out |= quasi.dispersions(current, part, shared)
        if shared.reduced is not None:
            out |= quasi.coefficients(current, part, shared)
            return {name: _spread(values, fitted) for name, values in out.items()}
    elif "dispGeneEst" in part and shared.prior_variance is not None:
        out |= _dispersions(current, part, shared)
    out |= _coefficients(current, part, shared)
    if "maxCooks" in part:
        out["cooks"] = _cooks(original, part, shared)
    return {name: _spread(values, fitted) for name, values in out.items()}


def _spread(values: FloatArray, rows: BoolArray) -> Any:
    if values.dtype == object:
        text = np.full(len(rows), "", dtype=object)
        text[rows] = values
        return text
    out = np.full((len(rows), *values.shape[1:]), np.nan)
    out[rows] = values
    return out


def relative(reported: FloatArray, computed: FloatArray) -> FloatArray:
    """|reported / computed - 1|, 0 where both are 0 or both are missing, infinite where one is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.abs(reported - computed) / np.abs(computed)
    same = (reported == computed) | (np.isnan(reported) & np.isnan(computed))
    off = np.where(same, 0.0, off)
    return np.asarray(np.where(np.isnan(off), np.inf, off))


def _base(counts: FloatArray, part: dict[str, Any], shared: Shared) -> dict[str, Any]:
    factors = part["factors"] if shared.factors is None else shared.factors
    normalized = counts / factors * part.get("raw_weights", 1.0)
    mean = normalized.mean(axis=1)
    variance = normalized.var(axis=1, ddof=1)
    off = np.maximum(relative(part["baseMean"], mean), relative(part["baseVar"], variance))
    return {"base_mean": off, "_mean": mean, "_variance": variance}


def _coefficients(counts: FloatArray, part: dict[str, Any], shared: Shared) -> dict[str, Any]:
    glm = model(counts, part, shared, shared.matrix, shared.ridge_log2)
    beta = _inside(part["beta"])
    optimised, slow = part["betaIter"] >= 100, part["betaIter"] >= SLOW
    means = glm.means(beta)
    if glm.is_closed_form:
        exact = fit(glm).beta
        omega = glm.weights / (1.0 / means + glm.alpha)
        se = 1.0 / np.sqrt(omega.sum(axis=1, keepdims=True))
        step = np.abs(beta - exact)[:, 0] / se[:, 0]
    else:
        se = np.sqrt(np.diagonal(covariance(glm, means), axis1=1, axis2=2))
        step = newton_step(glm, beta, floored=True)
        step[optimised] = newton_step(glm.rows(optimised), beta[optimised], floored=False)
    used = np.where(optimised[:, None], np.maximum(means, glm.min_mu), means)
    likelihood = (glm.weights * log_density(counts, used, glm.alpha)).sum(axis=1)
    out = {"score": np.where(slow, np.nan, step), "slow_score": np.where(slow, step, np.nan)}
    out |= {"standard_error": relative(part["se"] * LN2, se).max(axis=1)}
    out["deviance"] = relative(part["deviance"], -2.0 * likelihood)
    floor = glm._replace(min_mu=shared.contrast_min_mu)
    c = shared.vector
    out["_contrast_se"] = np.sqrt(np.einsum("k,gkl,l->g", c, covariance(floor, means), c)) / LN2
    out["_contrast_lfc"] = part["beta"][:, c != 0] @ c[c != 0] / LN2
    if "mle" in part:
        plain = model(counts, part, shared, shared.dispersion_matrix, flat_ridge(shared.dispersion_matrix))
        step = newton_step(plain, _inside(part["mle"]), floored=True)
        out["mle_score"] = np.where(part["has_replaced"], np.nan, step)
    if shared.reduced is not None:
        out["_lrt"] = _likelihood_ratio(
            glm, used, model(counts, part, shared, shared.reduced, flat_ridge(shared.reduced))
        )
    return out


def _inside(beta: FloatArray) -> FloatArray:
    """Coefficients with 0 for missing ones, which then are far from their equation."""
    return np.where(np.isfinite(beta), beta, 0.0)


def _likelihood_ratio(full: Glm, means: FloatArray, reduced: Glm) -> FloatArray:
    """Twice the log-likelihood ratio, from the means: all that does not depend on them cancels."""
    found = fit(reduced)
    other = reduced.means(found.beta)
    failed = found.steps >= 100
    if failed.any():
        other[failed] = np.maximum(
            reduced.rows(failed).means(_optimised(reduced.rows(failed), found.beta[failed])), reduced.min_mu
        )
    size = 1.0 / full.alpha
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(full.counts > 0, full.counts * np.log(means / other), 0.0)
    terms = logs - (full.counts + size) * (np.log1p(full.alpha * means) - np.log1p(full.alpha * other))
    return np.asarray(2.0 * (full.weights * terms).sum(axis=1))


def _optimised(glm: Glm, reached: FloatArray) -> FloatArray:
    """Coefficients by the general optimiser, for the few genes without convergence."""
    from foldwise.optimise.linpack import least_squares
    from foldwise.optimise.negative_binomial import fit_by_optimiser

    start = least_squares(glm.matrix, np.log(glm.counts / glm.factors + 0.1))
    beta = np.empty_like(reached)
    for i, begin in enumerate(reached / LN2):
        usable = np.isfinite(begin).all() and (np.abs(begin) < 30).all()
        beta[i] = LN2 * fit_by_optimiser(
            glm.counts[i], glm.factors[i], glm.matrix, glm.alpha[i, 0], glm.ridge * LN2**2, begin if usable else start[i],
            weights_row=glm.weights[i],
        )[0]  # fmt: skip
    return beta


def dispersion_means(counts: FloatArray, part: dict[str, Any], shared: Shared, start: FloatArray) -> FloatArray:
    """The means on which dispersions rest: cell means where the design has no more cells than coefficients, else a GLM."""
    matrix = shared.dispersion_matrix
    glm = model(counts, part | {"dispersion": start}, shared, matrix, flat_ridge(matrix))
    n_cells = shared.cells.max() + 1
    if n_cells == matrix.shape[1] and "normalized" not in part:
        member = np.eye(n_cells)[shared.cells]
        means = ((counts / glm.factors) @ (member / member.sum(axis=0))) @ member.T * glm.factors
    else:
        glm = glm._replace(min_mu=LEAST_DISPERSION_MEAN)
        found = fit(glm)
        means, failed = glm.means(found.beta), found.steps >= 100
        if failed.any():
            means[failed] = glm.rows(failed).means(_optimised(glm.rows(failed), found.beta[failed]))
    return np.maximum(means, shared.dispersion_min_mu)


def _rough(counts: FloatArray, base: dict[str, Any], part: dict[str, Any], shared: Shared) -> FloatArray:
    factors = part["factors"] if shared.factors is None else shared.factors
    return dispersions.rough_start(
        counts,
        factors,
        shared.dispersion_matrix,
        base["_mean"],
        base["_variance"],
        part["mean_inverse_factor"],
        max(10.0, float(counts.shape[1])),
    )


def _dispersions(counts: FloatArray, part: dict[str, Any], shared: Shared) -> dict[str, Any]:
    highest = max(10.0, float(counts.shape[1]))
    base = _base(counts, part, shared)
    start = _rough(counts, base, part, shared)
    means = dispersion_means(counts, part, shared, start)
    weights = np.broadcast_to(part.get("normalized", np.ones(1)), counts.shape)
    profile = dispersions.Profile(counts, means, np.maximum(weights, 1e-6), shared.dispersion_matrix, None, 1.0)
    on_grid = np.isin(part["dispGeneIter"], (1, 100))
    gene_wise = dispersions.judge(profile, part["dispGeneEst"], start, on_grid, highest, keeps_start=True)
    out = {"gene_wise_slope": gene_wise.slope, "gene_wise_excess": gene_wise.excess, "gene_wise_at": gene_wise.at}
    if "dispMAP" not in part:
        return out
    profile = profile._replace(
        weights=weights, centre=np.log(part["dispFit"]), variance=float(shared.prior_variance or np.nan)
    )
    begin = np.where(part["dispGeneEst"] > 0.1 * part["dispFit"], part["dispGeneEst"], part["dispFit"])
    map_ = dispersions.judge(profile, part["dispMAP"], begin, part["dispIter"] >= 100, highest, keeps_start=False)
    outlier = np.log(part["dispGeneEst"]) > np.log(part["dispFit"]) + 2.0 * np.sqrt(shared.spread)
    final = np.where(outlier, part["dispGeneEst"], part["dispMAP"])
    return out | {
        "dispersion_slope": map_.slope,
        "dispersion_excess": map_.excess,
        "dispersion_at": np.where(outlier & (map_.at == ""), "outlier", map_.at).astype(object),
        "dispersion": relative(part["dispersion"], final),
    }


def _cooks(counts: FloatArray, part: dict[str, Any], shared: Shared) -> FloatArray:
    """Relative error of the largest distance; counts are the original ones, as in R.

    Hat diagonals belong to the reweighted iteration even where the optimiser took over, and genes with replaced
    counts do not report their first fit: where the reported coefficients do not give the distance, the iteration is
    carried out again.
    """
    matrix = shared.dispersion_matrix
    glm = model(counts, part | {"dispersion": part["first_dispersion"]}, shared, matrix, flat_ridge(matrix))
    at = glm.means(_inside(part.get("mle", part["beta"])))
    means = at
    if shared.reduced is not None:  # R's likelihood ratio test measures from the means of the dispersion step
        base = part | {"baseMean": np.ones(len(counts)), "baseVar": np.ones(len(counts))}
        means = dispersion_means(counts, part, shared, _rough(counts, _base(counts, base, shared), part, shared))
    off = relative(part["maxCooks"], _largest(glm, at, means, shared))
    again = (off > CLOSE) | part["has_replaced"]
    if again.any():
        some = glm.rows(again)
        found = fit(some)
        beside = means[again].copy()
        if shared.reduced is None:
            replaced, failed = part["has_replaced"][again], found.steps >= 100
            beta = found.beta.copy()
            beta[failed] = _optimised(some.rows(failed), beta[failed])
            beside[replaced] = some.rows(replaced).means(beta[replaced])
        other = relative(part["maxCooks"][again], _largest(some, found.last_means, beside, shared))
        off[again] = np.where(part["has_replaced"][again], other, np.minimum(other, off[again]))
    return off


def _largest(glm: Glm, weights_at: FloatArray, means: FloatArray, shared: Shared) -> FloatArray:
    """(n_genes,) largest distance of the samples that count; NaN if none does."""
    if not shared.judged.any() or (shared.spared is not None and shared.spared.all()):
        return np.full(len(glm.counts), np.nan)
    c = distances(glm, weights_at, means, shared.cells, shared.dispersion_matrix.shape[1])
    counted = c if shared.spared is None else np.where(shared.spared, 0.0, c)
    return np.asarray(counted[:, shared.judged].max(axis=1))
