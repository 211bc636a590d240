"""Whether a table of results belongs to a fit: names alone do not tell, as experiments share genes and levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foldwise.errors import OptionError, listed

if TYPE_CHECKING:
    from foldwise.fit import Fit

ADVICE = "Use those of this fit: fit.results(…) or fit.shrink(…)."
SAME_MEAN = 1e-3  # of a plain table, whose numbers may have been rounded


def check_belongs(fit: Fit, results: Any, name: str = "These results are", *, damaged: float = 0.0) -> None:
    """Refuse results of another fit; a shrunken, sorted or smaller table of the same one is its own.

    Parameters
    ----------
    fit : that was asked, read from a file, or made once more from the same data.
    results : ``Results``, or a plain table of them.
    name : what they are called, as the beginning of a sentence.
    damaged : the share of genes whose numbers may differ.

    Raises
    ------
    OptionError
        Says what differs.
    """
    plain = isinstance(results, pd.DataFrame)  # which may have columns "table" and "fit"
    table = results if plain else results.table
    genes = fit.data.gene_names.astype(str)
    strange = table.index.astype(str).difference(genes)
    if len(strange):
        raise OptionError(f"{name} of another fit: this one has no gene {listed(strange, 3)}. {ADVICE}")
    differs = _other_means(fit, table) if plain else _difference(fit, results.fit, damaged)
    if differs:
        raise OptionError(f"{name} of another fit: {differs}. {ADVICE}")


def _difference(fit: Fit, other: Fit, damaged: float) -> str:
    """What two fits differ in, "" if in nothing; one from a file or with other threads has the same bits."""
    if other is fit or other.tested is fit.tested:
        return ""
    if not other.data.gene_names.equals(fit.data.gene_names):
        return "it has other genes"
    if not other.data.sample_names.equals(fit.data.sample_names):
        return f"its samples are {listed(other.data.sample_names)}, here they are {listed(fit.data.sample_names)}"
    if other.design.names != fit.design.names:
        return f"its coefficients are {listed(other.design.names)}, here they are {listed(fit.design.names)}"
    for what in ("baseMean", "the coefficients"):
        mine, theirs = (_numbers(one, what) for one in (fit, other))
        off = ~((mine == theirs) | (np.isnan(mine) & np.isnan(theirs))).all(axis=1)
        if off.mean() > damaged:
            return f"{what} of {_genes(fit.data.gene_names[off])} differ"
    return ""


def _numbers(fit: Fit, what: str) -> Any:
    return fit.stage.columns["baseMean"][:, None] if what == "baseMean" else fit.tested.beta


def _other_means(fit: Fit, table: pd.DataFrame) -> str:
    """Of a table without its fit: whether its means are those of this fit's genes."""
    if "baseMean" not in table:
        return ""
    at = fit.data.gene_names.astype(str).get_indexer(table.index.astype(str))
    own, means = fit.stage.columns["baseMean"][at], table["baseMean"].to_numpy(dtype=np.float64)
    off = ~np.isclose(means, own, rtol=SAME_MEAN, atol=SAME_MEAN, equal_nan=True)
    if not off.any():
        return ""
    return f"baseMean of {_genes(table.index[off])} differs"


def _genes(names: pd.Index) -> str:
    return f"{len(names):,} gene{'s' if len(names) > 1 else ''} ({listed(names, 3)})"
