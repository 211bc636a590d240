"""Results in the shapes that neighbours read: GSEA's .rnk, pertpy, scanpy, decoupler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foldwise.errors import OptionError, listed
from foldwise.io.atomic import write_atomically
from foldwise.io.read_report import PathLike


def to_rnk(table: pd.DataFrame, path: PathLike | None = None, *, by: str = "stat") -> pd.Series:
    """A ranked list of genes for GSEA: tab-separated, no header, no missing values, highest first.

    Parameters
    ----------
    table : a results table.
    path : where to write; not written if None.
    by : the column to rank by; ``stat``, or ``log2FoldChange`` where there is no statistic (apeglm, ashr).

    Returns
    -------
    Series
        Score by gene. Ties are put in the order of their names, so that the file is always the same.
    """
    by = "log2FoldChange" if by == "stat" and "stat" not in table else by
    scores = _column(table, by).dropna()
    scores = scores[np.isfinite(scores) & ~scores.index.duplicated()]
    order = sorted(range(len(scores)), key=lambda i: (-scores.iloc[i], str(scores.index[i])))
    ranked: pd.Series = scores.iloc[order].rename(by)
    if path is not None:
        with write_atomically(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{gene}\t{float(score)!r}\n" for gene, score in ranked.items())
    return ranked


def to_pertpy(table: pd.DataFrame, contrast: str) -> pd.DataFrame:
    """The table that pertpy's plots and functions take, sorted by p-value.

    Columns: ``variable log_fc p_value adj_p_value contrast`` and the others under R's names.
    """
    renamed = table.rename(columns={"log2FoldChange": "log_fc", "pvalue": "p_value", "padj": "adj_p_value"})
    renamed.insert(0, "variable", table.index.astype(str))
    renamed["contrast"] = contrast
    first = ["variable", "log_fc", "p_value", "adj_p_value", "contrast"]
    rest = [c for c in renamed.columns if c not in first]
    return renamed[first + rest].sort_values("p_value", kind="stable").reset_index(drop=True)


def to_scanpy(
    table: pd.DataFrame, adata: Any = None, *, group: str, key: str = "rank_genes_groups", reference: str = "rest"
) -> dict[str, Any]:
    """What ``scanpy.tl.rank_genes_groups`` leaves in ``uns``, for scanpy's plots and ``get.rank_genes_groups_df``.

    Parameters
    ----------
    table : a results table; genes without a score are left out.
    adata : an AnnData into whose ``uns[key]`` the result is put; left alone if None.
    group : name of the group that the fold changes are for (the numerator), ``reference`` that of the other.
    """
    score = "stat" if "stat" in table else "log2FoldChange"
    ranked = table[_column(table, score).notna()].sort_values(score, ascending=False, kind="stable")
    columns = {
        "names": ranked.index.astype(str).to_numpy(dtype=object),
        "scores": ranked[score].to_numpy(dtype=np.float32),
        "logfoldchanges": _column(ranked, "log2FoldChange").to_numpy(dtype=np.float32),
        "pvals": _column(ranked, "pvalue").to_numpy(dtype=float),
        "pvals_adj": _column(ranked, "padj").to_numpy(dtype=float),
    }
    made: dict[str, Any] = {
        name: np.rec.fromarrays([values], dtype=[(group, values.dtype)]) for name, values in columns.items()
    }
    made["params"] = {
        "groupby": group, "reference": reference, "method": "DESeq2 (foldwise)", "use_raw": False, "layer": "counts",
        "corr_method": "benjamini-hochberg",
    }  # fmt: skip
    if adata is not None:
        adata.uns[key] = made
    return made


def to_decoupler(table: pd.DataFrame, name: str, *, by: str = "stat") -> pd.DataFrame:
    """One row, genes in columns, no missing values: the ``mat`` (or ``data``) of decoupler's methods."""
    return _column(table, by).dropna().to_frame(name).T


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table:
        raise OptionError(f"The results have no column '{name}'; they have {listed(table.columns, 20)}.")
    return table[name]
