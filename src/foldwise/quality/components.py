"""Principal components of samples, as R's plotPCA computes them, and what they go with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.errors import CountsError

TOP_GENES = 500  # DESeq2's plotPCA: the genes of largest variance


@dataclass(frozen=True, slots=True)
class Components:
    """Principal components of the samples.

    scores : samples x components (PC1, PC2, …), DataFrame.
    variance : share of the variance that each component explains, sums to 1; Series by component.
    loadings : genes used x components, DataFrame.
    """

    scores: pd.DataFrame
    variance: pd.Series
    loadings: pd.DataFrame


@checked
def principal_components(transformed: pd.DataFrame, *, top: int | None = TOP_GENES) -> Components:
    """Principal components of transformed counts (genes x samples): centred, not scaled.

    Parameters
    ----------
    transformed
        Values whose variance hardly depends on the mean (``fw.vst``, ``fw.rlog``), genes x samples.
    top
        How many genes of largest variance are used (ties in the table's order); None for all.

    Notes
    -----
    The sign of a component is free; here the gene of largest weight has a positive one, so that the same data
    always give the same picture. The shares are of the variance of the genes used.

    Raises
    ------
    CountsError
        With fewer than two samples, or without a gene that varies.
    """
    values = np.asarray(transformed, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise CountsError("Principal components need a table of at least two samples.")
    finite = np.flatnonzero(np.isfinite(values).all(axis=1))
    variance = values[finite].var(axis=1, ddof=1)
    order = np.argsort(-variance, kind="stable")[: top or len(finite)]
    rows = finite[order]
    if not len(rows) or not variance[order[0]] > 0:
        raise CountsError("No gene varies between the samples, so there are no principal components.")
    return _decompose(values[rows].T, transformed.columns, transformed.index[rows])


def _decompose(samples: FloatArray, sample_names: pd.Index, gene_names: pd.Index) -> Components:
    centred = samples - samples.mean(axis=0)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    n_components = max(1, min(len(singular), len(sample_names) - 1))  # centring takes one dimension away
    left, singular, right = left[:, :n_components], singular[:n_components], right[:n_components]
    heaviest = np.argmax(np.abs(right), axis=1)
    sign = np.where(right[np.arange(n_components), heaviest] < 0, -1.0, 1.0)
    names = [f"PC{k + 1}" for k in range(n_components)]
    return Components(
        scores=pd.DataFrame(left * singular * sign, index=sample_names, columns=names),
        variance=pd.Series(singular**2 / (singular**2).sum(), index=names, name="variance"),
        loadings=pd.DataFrame(right.T * sign, index=gene_names, columns=names),
    )
