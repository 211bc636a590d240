"""Several comparisons of one fit, by name or in one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from foldwise.design.contrasts import list_contrasts, resolve_contrast
from foldwise.errors import OptionError

if TYPE_CHECKING:
    from foldwise.fit import Fit
    from foldwise.results import Results


def make_many(fit: Fit, contrasts: Any, *, as_table: bool, **options: Any) -> dict[str, Results] | pd.DataFrame:
    """See :meth:`foldwise.fit.Fit.results_many`."""
    if contrasts is None:
        asked = {str(row.description): row.contrast for row in list_contrasts(fit.design).itertuples()}
    elif isinstance(contrasts, Mapping):
        asked = dict(contrasts)
    else:
        asked = {resolve_contrast(fit.design, c, test=fit.test).description: c for c in contrasts}
    if not asked:
        raise OptionError("results_many got no contrast.")
    found = {
        label: fit.results(name=what, **options) if isinstance(what, str) else fit.results(what, **options)
        for label, what in asked.items()
    }
    if not as_table:
        return found
    tables = [r.table.rename_axis("gene").reset_index().assign(contrast=label) for label, r in found.items()]
    tidy = pd.concat(tables, ignore_index=True)
    return tidy[["contrast", *[c for c in tidy.columns if c != "contrast"]]]
