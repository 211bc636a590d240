"""Offsets of other packages (cqn, EDASeq) → normalization factors."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.errors import OptionError
from foldwise.options import chosen

Source = Literal["cqn", "EDASeq"]


def factors_from_offsets(offsets: Any, *, source: Source = "cqn", base: Literal["e", "2"] = "e") -> Any:
    """Normalization factors from the log offsets that cqn or EDASeq write.

    Counts are divided by normalization factors, so a gene measured too high in a sample needs a factor above 1. The
    two packages write offsets with opposite signs:

    ======  ==============================================  =================================
    source  what the offset says                            factor
    ======  ==============================================  =================================
    cqn     ``glm.offset``: log of expected depth, to be    exp(offset), larger offset, larger
            *added* to the linear predictor                 factor
    EDASeq  ``offst``: what to *add to the log counts* to   exp(-offset)
            normalize them
    ======  ==============================================  =================================

    Each gene's factors are then divided by their geometric mean, so that means of normalized counts stay near means of
    counts, as the vignettes of both packages advise for DESeq2.

    Parameters
    ----------
    offsets : genes x samples, DataFrame or array. cqn and EDASeq both write natural logs; with ``base="2"`` they are
        taken as log2.

    Returns
    -------
    The same shape and labels, for ``CountData(..., normalization_factors=)``.

    Raises
    ------
    OptionError
        If an offset is not finite, or the source is unknown.
    """
    chosen("source", source, Source)
    if base not in ("e", "2"):
        raise OptionError(f'base={base!r} is not known: "e" for natural logs, "2" for log2.')
    values = np.asarray(offsets, dtype=np.float64)
    if values.ndim != 2:
        raise OptionError("Offsets must be genes x samples.")
    if not np.isfinite(values).all():
        i, j = (int(k) for k in np.argwhere(~np.isfinite(values))[0])
        raise OptionError(f"Offsets must be finite; row {i + 1}, column {j + 1} is {values[i, j]!r}.")
    logs = values * (np.log(2.0) if base == "2" else 1.0) * (1.0 if source == "cqn" else -1.0)
    factors = np.exp(logs - logs.mean(axis=1, keepdims=True))
    if isinstance(offsets, pd.DataFrame):
        return pd.DataFrame(factors, index=offsets.index, columns=offsets.columns)
    return factors
