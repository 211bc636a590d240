"""Are these cells, and not samples? Only AnnData is asked, which often holds cells; nothing is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.counts.labels import is_anndata
from foldwise.warn import warn

if TYPE_CHECKING:
    from foldwise.counts.count_data import CountData

MANY_SAMPLES = 300  # more than bulk experiments have, fewer than any set of cells
LOOKED_AT = 200
ADD_UP = (
    "If these are single cells, add them up to samples first, fw.pseudobulk(adata, by=…): cells of one sample are no "
    "replicates of a treatment."
)


def probably_cells(thing: Any) -> bool:
    """Whether an AnnData, or a CountData made from one, has hundreds of observations that are mostly zeros."""
    if is_anndata(thing):
        matrix = thing.layers["counts"] if thing.X is None and "counts" in thing.layers else thing.X
        return thing.shape[0] > MANY_SAMPLES and matrix is not None and _mostly_zeros(matrix[:LOOKED_AT])
    if not getattr(thing, "_of_anndata", False) or thing.n_samples <= MANY_SAMPLES:
        return False
    return _mostly_zeros(thing.source.of_samples(0, LOOKED_AT))


def tell_of_cells(data: CountData) -> None:
    """One warning before cells are tested as if each were a sample."""
    if probably_cells(data):
        warn(f"{data.n_samples:,} observations of an AnnData, most counts 0, are tested as samples. {ADD_UP}")


def _mostly_zeros(part: Any) -> bool:
    part = part.compute() if hasattr(part, "compute") else part
    filled = part.count_nonzero() if hasattr(part, "count_nonzero") else np.count_nonzero(np.asarray(part))
    return bool(2 * filled < np.prod(part.shape))
