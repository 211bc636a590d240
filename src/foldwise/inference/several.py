"""Several comparisons of one fit, by name or in one table."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from foldwise.design.comparisons import held_at
from foldwise.design.contrasts import list_contrasts, resolve_contrast
from foldwise.errors import OptionError

if TYPE_CHECKING:
    from foldwise.fit import Fit
    from foldwise.results import Results


def make_many(fit: Fit, contrasts: Any, *, as_table: bool, **options: Any) -> dict[str, Results] | pd.DataFrame:
    """See :meth:`foldwise.fit.Fit.results_many`."""
    asked = _asked(fit, contrasts)
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


def _asked(fit: Fit, contrasts: Any) -> dict[str, Any]:
    """What to compare, by name: R's words, and with interactions where the comparison holds."""
    if isinstance(contrasts, Mapping):
        return dict(contrasts)
    if contrasts is None:
        return {_listed_name(row): row.contrast for row in list_contrasts(fit.design).itertuples()}
    if not isinstance(contrasts, Iterable):
        raise OptionError(
            f"results_many takes a list of contrasts, or a mapping from names to them; got {contrasts!r}."
        )
    several = [contrasts] if _is_one(fit, contrasts) else list(contrasts)
    return {_name(fit, one): one for one in several}


def _is_one(fit: Fit, contrasts: Any) -> bool:
    """Whether this is one contrast, which looks like a list: a name, three words, two lists of coefficients, numbers."""
    if isinstance(contrasts, str):
        return True
    parts, names = list(contrasts), fit.design.names
    if all(isinstance(part, str) for part in parts):
        return len(parts) == 3 and parts[0] not in names
    if all(isinstance(part, numbers.Real) for part in parts):
        return True
    lists = len(parts) == 2 and all(isinstance(part, list | tuple) for part in parts)
    return lists and all(name in names for part in parts for name in part)


def _name(fit: Fit, asked: Any) -> str:
    by_name = {"name": asked} if isinstance(asked, str) else {"contrast": asked}
    contrast = resolve_contrast(fit.design, **by_name, test=fit.test)
    return ", ".join(filter(None, [contrast.description, held_at(fit.design, contrast)]))


def _listed_name(row: Any) -> str:
    _, where, level = row.question.rpartition(", where ")
    return f"{row.description}{where}{level if where else ''}"
