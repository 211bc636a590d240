"""Size factors for looking at samples, which tests nothing: there are some for sparse tables as well."""

from __future__ import annotations

from typing import Any

from foldwise.counts import CountData
from foldwise.errors import CountsError
from foldwise.size_factors.estimate import estimate_size_factors
from foldwise.size_factors.ratios import NO_GEOMETRIC_MEANS

OVER_POSITIVE_COUNTS = (
    'Every gene has a zero in some sample, so size factors were taken over the positive counts (sf_type="poscounts").'
)


def factors_to_look(data: Any) -> tuple[Any, bool]:
    """Size factors of counts as ``estimate_size_factors`` gives them, and whether only positive counts give any.

    A fit is refused such a table, since its tests depend on the choice; a picture is better than an error.
    """
    try:
        return estimate_size_factors(data), False
    except CountsError as error:
        if not str(error).startswith(NO_GEOMETRIC_MEANS):
            raise
        return estimate_size_factors(data, sf_type="poscounts"), True


def ready_to_look(thing: Any) -> tuple[Any, bool]:
    """Count data with factors of its own; anything else, and what has factors, as it is."""
    if not isinstance(thing, CountData) or thing.size_factors is not None or thing.normalization_factors is not None:
        return thing, False
    factors, sparse = factors_to_look(thing)
    if factors.ndim == 2:
        return thing.with_normalization_factors(factors), sparse
    return thing.with_size_factors(factors), sparse
