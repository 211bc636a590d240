"""What a covariate is to a design: numbers, truth values, or a factor with its levels.

A column of the sample table is read into one of these once; functions of a formula take and give them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
import pandas as pd

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.design.formula.names import level_text
from foldwise.errors import DesignError, SamplesError, listed


@dataclass(frozen=True, slots=True)
class Numeric:
    """Numbers, one a sample.

    values : (n_samples,), or (n_samples, n) for a function that gives several columns.
    suffixes : what R adds to the name of each column of several.
    """

    values: FloatArray
    suffixes: tuple[str, ...] = ()

    def of_samples(self, index: IntArray) -> Numeric:
        """The values of these samples."""
        return replace(self, values=self.values[index])


@dataclass(frozen=True, slots=True)
class Logical:
    """Truth values, one a sample; coded as a factor with levels FALSE and TRUE."""

    values: BoolArray

    def of_samples(self, index: IntArray) -> Logical:
        """The values of these samples."""
        return replace(self, values=self.values[index])


@dataclass(frozen=True, slots=True)
class Factor:
    """Groups of samples.

    levels : the base level first.
    codes : (n_samples,) the position of each sample's level.
    ordered : coded by orthogonal polynomials in R's model.matrix.
    """

    levels: tuple[str, ...]
    codes: IntArray
    ordered: bool = False

    def of_samples(self, index: IntArray) -> Factor:
        """The levels of these samples."""
        return replace(self, codes=self.codes[index])

    def labels(self) -> list[str]:
        """The level of each sample."""
        return [self.levels[code] for code in self.codes]

    def used(self) -> Factor:
        """Without the levels that no sample has."""
        present = np.unique(self.codes)
        levels = tuple(self.levels[code] for code in present)
        return replace(self, levels=levels, codes=np.searchsorted(present, self.codes).astype(np.int64))

    def with_base(self, base: str) -> Factor:
        """The same groups with another base level; the others keep their order."""
        first = self.levels.index(base)
        order = [first, *(i for i in range(len(self.levels)) if i != first)]
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        return replace(self, levels=tuple(self.levels[i] for i in order), codes=place[self.codes])


Variable = Numeric | Logical | Factor


def n_values(variable: Variable) -> int:
    """How many different values the samples have."""
    return len(np.unique(variable.codes if isinstance(variable, Factor) else variable.values))


def factor_of_text(labels: Sequence[str]) -> Factor:
    """Text as R makes it a factor in the C locale: levels sorted by code point, capitals first."""
    levels = tuple(sorted(set(labels)))
    place = {level: i for i, level in enumerate(levels)}
    return Factor(levels, np.array([place[label] for label in labels], dtype=np.int64))


def near(name: object, known: Sequence[object]) -> str:
    """A hint for a message: what was perhaps meant, and what there is."""
    return f"{meant(name, known)} There are {listed(known, 12)}." if known else " There are none."


def meant(name: object, known: Iterable[object]) -> str:
    """`` Did you mean …?``, or nothing."""
    names = [str(one) for one in known]
    by_case = [one for one in names if one.lower() == str(name).lower()]
    close = by_case or get_close_matches(str(name), names, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(one) for one in close)}?" if close else ""


def read_variable(samples: pd.DataFrame, name: str) -> Variable:
    """A column of the sample table as R would take it into a design.

    Text and categories become factors (categories keep their order, text is sorted), truth values stay so,
    numbers stay numbers. Levels without samples stay here; the design drops them.

    Raises
    ------
    DesignError
        If there is no such column, or more than one.
    SamplesError
        If it has missing or infinite values, or values that are no covariate.
    """
    column = _column(samples, name)
    missing = column.isna().to_numpy(dtype=bool)
    if missing.any():
        raise SamplesError(
            f"variables in design formula cannot contain NA: {name}. Column '{name}' is missing in "
            f"{samples_listed(samples, missing)}. Fill the values in, or leave these samples out of counts and sample table."
        )
    return _read(column, name)


def _column(samples: pd.DataFrame, name: str) -> pd.Series:
    if name not in samples.columns:
        raise DesignError(
            f"The design names '{name}', which is no column of the sample table (all variables in design formula must "
            f"be columns in colData).{near(name, list(samples.columns))}"
        )
    column = samples[name]
    if isinstance(column, pd.DataFrame):
        raise DesignError(f"The sample table has {column.shape[1]} columns named '{name}'; rename all but one.")
    return column


def samples_listed(samples: pd.DataFrame, which: BoolArray) -> str:
    """How many samples, and which."""
    names = samples.index[np.asarray(which)]
    return f"sample {listed(names)}" if len(names) == 1 else f"{len(names)} samples: {listed(names)}"


def _read(column: pd.Series, name: str) -> Variable:
    kind = column.dtype
    if "dictionary" in str(kind):  # Arrow's categories
        column = pd.Series(pd.Categorical(column.astype(object)), index=column.index)
        kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        labels = [level_text(level) for level in kind.categories]
        if len(set(labels)) < len(labels):
            raise SamplesError(f"Column '{name}' has different categories that read the same: {listed(labels)}.")
        return Factor(tuple(labels), column.cat.codes.to_numpy().astype(np.int64), bool(kind.ordered))
    if pd.api.types.is_bool_dtype(kind):
        return Logical(column.to_numpy(dtype=bool))
    if pd.api.types.is_complex_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind):
        raise _no_covariate(name, str(kind))
    if pd.api.types.is_numeric_dtype(kind):
        return Numeric(_finite(column.to_numpy(dtype=np.float64, na_value=np.nan), name, column.index))
    return _read_objects(column.astype(object), name)


def _read_objects(column: pd.Series, name: str) -> Variable:
    values = list(column)
    kinds = {type(value) for value in values}
    if all(isinstance(value, str) for value in values):
        return factor_of_text([str(value) for value in values])
    if all(isinstance(value, bool | np.bool_) for value in values):
        return Logical(np.array(values, dtype=bool))
    if all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in values):
        return Numeric(_finite(np.array(values, dtype=np.float64), name, column.index))
    if all(isinstance(value, str | int | float | np.number) for value in values):
        raise SamplesError(
            f"Column '{name}' mixes text and numbers ({listed(dict.fromkeys(repr(value) for value in values))}). "
            f"For groups make it text: samples['{name}'].astype(str); for a covariate make every value a number."
        )
    raise _no_covariate(name, ", ".join(sorted(kind.__name__ for kind in kinds)))


def _no_covariate(name: str, kind: str) -> SamplesError:
    return SamplesError(
        f"Column '{name}' holds {kind}, which a design cannot use. Make it text (groups) or numbers, "
        "e.g. days since the first date."
    )


def _finite(values: FloatArray, name: str, index: pd.Index) -> FloatArray:
    infinite = ~np.isfinite(values)
    if infinite.any():
        raise SamplesError(
            f"Column '{name}' is infinite in sample {listed(index[infinite])} (NA/NaN/Inf in foreign function call). "
            "A design needs a finite value for every sample."
        )
    return values
