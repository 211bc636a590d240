"""Which covariate a principal component goes with: share explained and p-value of every pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.quality.components import Components
from foldwise.quality.covariates import regressors, usable_covariates, with_intercept

MOST_COMPONENTS = 10
_LEVEL = 0.05  # of p-values adjusted over all pairs, for what is said in words


@checked
def associations(
    components: Components, samples: pd.DataFrame, covariates: Sequence[str] | None = None
) -> pd.DataFrame:
    """R squared and p-value of every component regressed on every covariate alone (F test).

    Returns
    -------
    DataFrame
        ``component``, ``variance`` (share it explains), ``covariate``, ``r2``, ``pvalue``, ``padj`` (Benjamini and
        Hochberg over the whole table), ``n`` samples with a value. A covariate with as many levels as samples
        explains everything and proves nothing: its p-value is missing.
    """
    scores = components.scores.iloc[:, :MOST_COMPONENTS]
    table = samples.reindex(scores.index)
    rows = [
        (name, float(components.variance[name]), covariate, *_explained(scores[name].to_numpy(), table[covariate]))
        for name in scores
        for covariate in usable_covariates(table, covariates)
    ]
    found = pd.DataFrame(rows, columns=["component", "variance", "covariate", "r2", "pvalue", "n"])
    found.insert(5, "padj", adjusted(found["pvalue"].to_numpy(dtype=float)))
    return found


def _explained(score: FloatArray, covariate: pd.Series) -> tuple[float, float, int]:
    from scipy.special import fdtrc

    known = covariate.notna().to_numpy()
    y, n = score[known], int(known.sum())
    if n < 3 or covariate[known].nunique() < 2:
        return float("nan"), float("nan"), n
    matrix = with_intercept(regressors(covariate[known]))
    residual = y - matrix @ np.linalg.lstsq(matrix, y, rcond=None)[0]
    total = float(((y - y.mean()) ** 2).sum())
    r2 = 1.0 - float((residual**2).sum()) / total if total > 0 else float("nan")
    df_model = int(np.linalg.matrix_rank(matrix)) - 1
    df_rest = n - 1 - df_model
    if df_rest < 1 or not np.isfinite(r2):
        return r2, float("nan"), n
    statistic = np.inf if r2 >= 1 else r2 / df_model / ((1 - r2) / df_rest)
    return r2, float(fdtrc(df_model, df_rest, statistic)), n


def adjusted(pvalues: FloatArray) -> FloatArray:
    """Benjamini and Hochberg (1995); missing values stay missing and do not count."""
    result = np.full(len(pvalues), np.nan)
    known = np.flatnonzero(np.isfinite(pvalues))
    order = known[np.argsort(-pvalues[known], kind="stable")]
    rank = np.arange(len(order), 0, -1)
    result[order] = np.minimum(1.0, np.minimum.accumulate(pvalues[order] * len(order) / np.maximum(rank, 1)))
    return result


def association_words(table: pd.DataFrame, most: int = 6) -> list[str]:
    """One sentence a component with a covariate that explains it: "PC1 (38 % of the variance) goes with strain …"."""
    said: list[str] = []
    for name, rows in table.groupby("component", sort=False):
        strong = rows[rows["padj"] < _LEVEL].sort_values("r2", ascending=False, kind="stable")
        if not len(strong) or len(said) >= most:
            continue
        told = " and ".join(f"{r.covariate} (R² {r.r2:.2f}, p {r.pvalue:.1g})" for r in strong.head(2).itertuples())
        said.append(f"{name} ({strong['variance'].iloc[0]:.0%} of the variance) goes with {told}.")
    return said or ["No principal component goes with a covariate beyond chance."]
