"""What kind of value each argument takes: said once here, checked at every public function (``arguments.checked``).

Kinds come from annotations; what an annotation does not say (ranges, arrays) stands below by the argument's name, or by
``function.name`` where the name means something else there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Kind:
    """What is allowed: in words (after "must be"), and as a question.

    advice : what a wrong value should have been. whole : whether 1e3 may stand for 1000. by_name : one value a name,
    so that a mapping or a table of one column may hold them.
    """

    words: str
    holds: Callable[[Any], bool]
    advice: Callable[[Any], str] = lambda value: ""
    whole: bool = False
    by_name: bool = False


# ---------------------------------------------------------------------------------------------- questions
def is_bool(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def is_number(value: Any) -> bool:
    """A real number, NumPy's too; neither a truth value nor NaN."""
    return isinstance(value, Real) and not is_bool(value) and value == value


def is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not is_bool(value)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_plain(value: Any) -> bool:
    """One value: arrays and tables answer ``==`` with as many truths as they have values."""
    return isinstance(value, str | Real)


def is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def holds_numbers(value: Any) -> bool:
    """A number, or numbers in any container; missing ones are for whoever knows what they mean."""
    if isinstance(value, Mapping):
        value = list(value.values())
    try:
        values = np.asarray(value)
        if values.dtype.kind == "O":
            values = np.asarray(value, dtype=np.float64) if not _has_text(values) else values
    except (TypeError, ValueError):
        return False
    return values.dtype.kind in "iufb" and not is_bool(value)


def _has_text(values: np.ndarray[Any, Any]) -> bool:
    return any(isinstance(v, str | bytes | complex) for v in values.ravel())


def between(low: float, high: float = np.inf, *, open_ends: bool = False) -> Callable[[Any], bool]:
    """Finite numbers from ``low`` to ``high``."""
    if open_ends:
        return lambda value: is_number(value) and low < value < high
    return lambda value: is_number(value) and low <= value <= high and bool(np.isfinite(float(value)))


def whole_from(low: int) -> Callable[[Any], bool]:
    return lambda value: is_whole(value) and value >= low


def has(*names: str) -> Callable[[Any], bool]:
    """Whether a value has one of these attributes."""
    return lambda value: any(hasattr(value, name) for name in names)


def all_positive(value: Any) -> bool:
    if not holds_numbers(value):
        return False
    values = np.asarray(value, dtype=np.float64)
    return bool(values.ndim == 1 and values.size and (np.isfinite(values) & (values > 0)).all())


# ---------------------------------------------------------------------------------------------- advice
TRUTHS = ("true", "t", "yes", "false", "f", "no")


def without_quotes(value: Any) -> str:
    """R's and the command line's habit of writing truth values as text."""
    said = str(value).strip().lower() if is_text(value) else ""
    return f" Write {TRUTHS.index(said) < 3}, without quotes." if said in TRUTHS else ""


def in_brackets(value: Any) -> str:
    return f" One of them goes into brackets, too: [{value!r}]." if is_text(value) else ""


def for_a_factor(value: Any) -> str:
    return f' Write reference={{"condition": {value!r}}}.' if is_text(value) else ""


# ---------------------------------------------------------------------------------------------- by annotation
TRUTH = Kind("True or False", is_bool, without_quotes)
NUMBER = Kind("a number", is_number)
WHOLE = Kind("a whole number", is_whole, whole=True)
PLAIN: dict[Any, Kind] = {
    bool: TRUTH,
    int: WHOLE,
    float: NUMBER,
    str: Kind("a text", is_text),
    Path: Kind("a path", is_path),
    type(None): Kind("None", lambda value: value is None),
    Callable: Kind("a function", callable),
    Sequence: Kind("a list", is_list, in_brackets),
    tuple: Kind("a pair of values", is_list),
    Mapping: Kind("a mapping (a dict)", lambda value: isinstance(value, Mapping)),
}

# ---------------------------------------------------------------------------------------------- ranges, by name
POSITIVE = Kind("a positive number", between(0.0, open_ends=True))
NOT_NEGATIVE = Kind("a number that is not negative", between(0.0))
FROM_ZERO = Kind("a whole number, 0 or more", whole_from(0), whole=True)
FROM_ONE = Kind("a whole number, 1 or more", whole_from(1), whole=True)
RANGES: dict[str, Kind] = {
    "alpha": Kind("a number between 0 and 1, both excluded", between(0.0, 1.0, open_ends=True)),
    "unmix.alpha": POSITIVE,
    "unmix.shift": POSITIVE,
    "lfc_threshold": Kind("a size on the log2 scale, a number that is not negative", between(0.0)),
    "cooks_cutoff": Kind("a number that is not negative", lambda value: is_number(value) and value >= 0),
    "min_mu": POSITIVE,
    "prior_variance": POSITIVE,
    "pc": NOT_NEGATIVE,
    "min_count": NOT_NEGATIVE,
    "min_total_count": NOT_NEGATIVE,
    "min_mean": NOT_NEGATIVE,
    "min_prop": Kind("a number from 0 to 1", between(0.0, 1.0)),
    "min_cells": FROM_ZERO,
    "min_samples": FROM_ONE,
    "nsub": Kind("a whole number of genes, 2 or more", whole_from(2), whole=True),
    "top": FROM_ONE,
    "bins": FROM_ONE,
    "dpi": FROM_ONE,
    "labels": FROM_ZERO,
    "heatmap.genes": FROM_ONE,
}

# ---------------------------------------------------------------------------------------------- the whole kind, by name
NUMBERS = Kind("numbers", holds_numbers)
PER_GENE = Kind("numbers, one a gene", holds_numbers, by_name=True)
PER_SAMPLE = Kind("numbers, one a sample", holds_numbers, by_name=True)
LABELS = Kind(
    "the name of a column, or labels, one a sample", lambda value: is_text(value) or is_list(value), by_name=True
)
NAMES = Kind("names or a mask of True and False, in a list", is_list, in_brackets)
ONE_GENE = Kind("the name of one gene", lambda value: not is_list(value))
SHARES = Kind("at least two shares of genes, numbers between 0 and 1", holds_numbers)
TABLE = Kind("the table of samples (a DataFrame)", has("columns", "obs", "samples"))
ARGUMENTS: dict[str, Kind | None] = {
    # Judged further in, where more is known that a message can say.
    "progress": None,
    "executor": None,
    "shrink.coef": None,
    "explain.gene": None,
    "why.gene": None,
    "fit_wald.dispersions": None,
    "fit_lrt.dispersions": None,
    "data": Kind(
        "counts (CountData, AnnData or a table)",
        lambda value: not (is_text(value) and value.lstrip().startswith("~")),
        lambda value: f' The design comes second: deseq(data, "{value}", samples=…).',
    ),
    "df": Kind("one number or one a gene", holds_numbers, by_name=True),
    "lengths": Kind("numbers, one a gene or genes x samples", holds_numbers, by_name=True),
    "geo_means": PER_GENE,
    "filter": PER_GENE,
    "gene_wise": PER_GENE,
    "dispersions": Kind(
        'numbers, one or one a gene, or "gene-wise"', lambda value: is_text(value) or holds_numbers(value), by_name=True
    ),
    "theta": SHARES,
    "list_values": Kind("two numbers, a positive and a negative one", holds_numbers),
    "size_factors": PER_SAMPLE,
    "library_sizes": PER_SAMPLE,
    "norm_factors": PER_SAMPLE,
    "filter_by_expression.group": LABELS,
    "collapse_replicates.by": LABELS,
    "collapse_replicates.run": LABELS,
    "prior_count": Kind("numbers", holds_numbers),
    "control_genes": Kind("names, positions or a mask of True and False, in a list", is_list, in_brackets),
    "reference": Kind("a mapping of factors to base levels", lambda value: isinstance(value, Mapping), for_a_factor),
    "gene": ONE_GENE,
    "select.genes": NAMES,
    "select.samples": NAMES,
    "path": Kind("a path", lambda value: is_path(value) or hasattr(value, "read") or hasattr(value, "write")),
    "design_matrix.samples": TABLE,
    "diagnose.samples": TABLE,
    "pseudobulk.adata": Kind(
        "an AnnData of cells", lambda value: all(hasattr(value, name) for name in ("obs", "var", "layers"))
    ),
    "to_anndata.results": Kind(
        "results of this fit, or {name: results}", lambda value: isinstance(value, Mapping) or hasattr(value, "table")
    ),
    "cooks.fit": Kind("a fit", has("cooks", "columns")),
    "dispersion.fit": Kind("a fit or its table of genes", has("genes", "columns")),
    "size_factors.data": Kind("a fit or count data", has("data", "counts", "X")),
    "filtering.results": Kind(
        "results of a comparison (fit.results())",
        lambda value: hasattr(value, "metadata") or isinstance(value, Mapping),
    ),
    # Options of one type of shrinkage, which shrink() takes as **options.
    "shrink.adapt": TRUTH,
    "shrink.converged": TRUTH,
    "shrink.prior_scale": Kind("a positive number (natural log)", POSITIVE.holds),
    "shrink.grid": Kind("positive numbers, the standard deviations of the components", all_positive),
}
