"""The equations of fit_type="glmGamPoi": coefficients at the trend, quasi-likelihood dispersions, F statistics.

Ahlmann-Eltze & Huber (2020).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foldwise.arrays import FloatArray
from foldwise.certify.genes import Shared, flat_ridge, model, relative
from foldwise.certify.likelihood import Glm, fit, newton_step

FAR = 100.0  # natural log: coefficients of groups without counts
LEAST_MEAN = 1e-50
LOWEST = 1e-8


def deviance(glm: Glm, means: FloatArray) -> FloatArray:
    """(n_genes,) twice the log-likelihood lost to a perfect fit."""
    k, a = glm.counts, glm.alpha
    with np.errstate(divide="ignore", invalid="ignore"):
        counted = np.where(k > 0, k * np.log(k / means), 0.0)
    terms = counted - (k + 1.0 / a) * (np.log1p(a * k) - np.log1p(a * means))
    return np.asarray(2.0 * terms.sum(axis=1))


def dispersions(counts: FloatArray, part: dict[str, Any], shared: Shared) -> dict[str, Any]:
    """The final dispersion from its quasi-likelihood, the gene-wise one for outliers."""
    b, fitted = part["baseMean"], part["dispFit"]
    shrunken = (part["qlDispMAP"] * (b + b**2 * fitted) - b) / b**2
    shrunken = np.clip(shrunken, LOWEST, max(10.0, float(counts.shape[1])))
    ratio = (1.0 + b * part["dispGeneEst"]) / (1.0 + b * fitted)
    outlier = np.log(part["dispGeneEst"]) > np.log(fitted) + 2.0 * np.sqrt(shared.spread)
    final = np.where(outlier, part["dispGeneEst"], shrunken)
    off = np.fmax(relative(part["dispMAP"], shrunken), relative(part["dispersion"], final))
    return {"dispersion": np.fmax(off, relative(part["qlDispMLE"], ratio))}


def coefficients(counts: FloatArray, part: dict[str, Any], shared: Shared) -> dict[str, Any]:
    """Score and deviance of the full model, and the statistic against the reduced one."""
    glm = _at_trend(counts, part, shared, shared.matrix)
    near = (np.abs(part["beta"]) < FAR).all(axis=1)
    beta = np.where(near[:, None], part["beta"], 0.0)
    c = shared.vector
    used = c != 0
    out = {
        "score": np.where(near | ~np.isfinite(part["beta"]).all(axis=1), newton_step(glm, beta, floored=False), np.nan),
        "deviance": np.where(near, relative(part["deviance"], deviance(glm, glm.means(beta))), np.nan),
        "_contrast_lfc": part["beta"][:, used] @ c[used] / np.log(2.0),
        "_contrast_se": np.full(len(counts), np.nan),
    }
    out["score"] = np.where(np.isinf(part["beta"]).any(axis=1), np.nan, out["score"])
    assert shared.reduced is not None
    smaller = _at_trend(counts, part, shared, shared.reduced)
    found = fit(smaller, closed_form=False)
    lost = deviance(smaller, smaller.means(found.beta)) - part["deviance"]
    n_tested = shared.matrix.shape[1] - shared.reduced.shape[1]
    out["_lrt"] = np.where(found.steps < 100, lost / n_tested / part["qlDispMAP"], np.nan)
    return out


def _at_trend(counts: FloatArray, part: dict[str, Any], shared: Shared, matrix: FloatArray) -> Glm:
    glm = model(counts, part | {"dispersion": part["dispFit"]}, shared, matrix, flat_ridge(matrix))
    return glm._replace(ridge=np.zeros(matrix.shape[1]), min_mu=LEAST_MEAN)
