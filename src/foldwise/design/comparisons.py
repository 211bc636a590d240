"""Every comparison that a design can answer by one call, in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.design import Design, assemble_design
from foldwise.design.contrasts import Contrast, level_columns, resolve_contrast

# What to ask for: a name, (factor, numerator, denominator), or (added names, names taken away).
Asked = str | tuple[str, str, str] | tuple[list[str], list[str]]
Answer = tuple[str, Asked]  # the question in words, and what to ask for
COLUMNS = ("question", "call", "contrast", "description")
_DIGITS = 10
PAGE = 80  # columns of text where pandas has no width set


class Comparisons(pd.DataFrame):
    """A table whose printed form is each question and the whole call to type, which pandas would cut or leave out."""

    @property
    def _constructor(self) -> type[Comparisons]:
        return Comparisons  # so that some of the rows print in the same way

    def __repr__(self) -> str:
        if tuple(self.columns) != COLUMNS or self.empty:
            return str(super().__repr__())
        wide = max(map(len, self["question"]), default=0)
        beside = wide + 2 + max(map(len, self["call"]), default=0) <= (pd.get_option("display.width") or PAGE)
        if beside:
            return "\n".join(f"{q:<{wide}}  {call}" for q, call in zip(self["question"], self["call"], strict=True))
        return "\n".join(f"{q}\n    {call}" for q, call in zip(self["question"], self["call"], strict=True))

    def _repr_html_(self) -> str | None:
        with pd.option_context("display.max_colwidth", None):
            return pd.DataFrame(self)._repr_html_()  # type: ignore[no-any-return]


def comparisons(design: Design) -> Comparisons:
    """The table of :func:`foldwise.design.contrasts.list_contrasts`."""
    rows = [*_level_pairs(design), *_within_levels(design), *_single_coefficients(design)]
    table = Comparisons({"question": [question for question, _ in rows]})
    table["call"] = [f"results({'name=' if isinstance(asked, str) else ''}{asked!r})" for _, asked in rows]
    table["contrast"] = pd.Series([asked for _, asked in rows], dtype=object)
    table["description"] = [_description(design, asked) for _, asked in rows]
    return table


def _description(design: Design, asked: Asked) -> str:
    if isinstance(asked, str):
        return resolve_contrast(design, name=asked).description
    return resolve_contrast(design, asked).description


def _level_pairs(design: Design) -> list[Answer]:
    rows: list[Answer] = []
    for factor, levels in design.factors.items():
        answered = set(level_columns(design, factor))
        if len(answered) == len(levels) - 1:
            answered.add(levels[0])
        beside = _where(design, factor)
        for i, denominator in enumerate(levels):
            for numerator in levels[i + 1 :]:
                if {numerator, denominator} <= answered:
                    question = f"{factor}: {numerator} against {denominator}{beside}"
                    rows.append((question, (factor, numerator, denominator)))
    return rows


def _met(design: Design, factor: str) -> list[str]:
    """The covariates that a factor interacts with."""
    met = [part for label in design.terms if factor in label.split(":") for part in label.split(":") if part != factor]
    return list(dict.fromkeys(met))


def _where(design: Design, factor: str, at: dict[str, str] | None = None) -> str:
    """With interactions a main effect holds where the covariates that it meets are at their base, or 0."""
    said = [f"{name} = {(at or {}).get(name, design.factors.get(name, ('0',))[0])}" for name in _met(design, factor)]
    return f", where {' and '.join(said)}" if said else ""


def held_at(design: Design, contrast: Contrast) -> str:
    """Where a comparison holds if the design has interactions: "where batch = batch1"; "" if everywhere or unknown."""
    terms = set(design.term[contrast.vector != 0].tolist())
    if not design.has_interactions or -1 in terms:
        return ""
    label = design.terms[min(terms)].strip("`")
    if len(terms) == 1 and ":" not in label:
        return _where(design, label).removeprefix(", ")
    for question, asked in _within_levels(design):
        if np.array_equal(resolve_contrast(design, asked).vector, contrast.vector):
            return f"where {question.rpartition(', where ')[2]}"
    return ""


def _within_levels(design: Design) -> list[Answer]:
    """The same at each other level of a factor that it interacts with: sums of main effect and interactions."""
    rows: list[Answer] = []
    if design.formula is None or design.kind != "standard" or not design.has_intercept:
        return rows
    for factor in [name for name in design.factors if name in design.terms]:
        for other in _met(design, factor):
            for level in design.factors.get(other, ())[1:]:
                rows += _pairs_at(design, factor, other, level)
    return rows


def _pairs_at(design: Design, factor: str, other: str, at: str) -> list[Answer]:
    levels = design.factors[factor]
    means = _rows_of(design, factor, levels, {other: at})
    if means is None:
        return []
    rows: list[Answer] = []
    for i in range(len(levels)):
        for k in range(i + 1, len(levels)):
            vector = np.round(means[k] - means[i], _DIGITS)
            plus, minus = (
                [name for name, v in zip(design.names, vector, strict=True) if v == side] for side in (1, -1)
            )
            if len(plus) + len(minus) < max(2, int(np.count_nonzero(vector))):
                continue  # a single coefficient is listed by its name; other numbers have no pair of lists
            question = f"{factor}: {levels[k]} against {levels[i]}{_where(design, factor, {other: at})}"
            rows.append((question, (plus, minus)))
    return rows


def _rows_of(design: Design, factor: str, levels: tuple[str, ...], at: dict[str, str]) -> FloatArray | None:
    """(n_levels, n_coefficients) rows of the model matrix for samples that differ in the factor alone.

    They are those of samples added to the table: whatever the formula does to its other covariates cancels between them.
    """
    added = pd.concat([design.samples.iloc[:1]] * len(levels))
    for name in _met(design, factor):
        if name not in design.samples:
            return None  # made within the formula
        kept = design.samples[name].dtype
        value = at.get(name, design.factors.get(name, (0,))[0])
        added[name] = pd.Series([value] * len(levels), index=added.index).astype(kept)
    added[factor] = pd.Series(list(levels), index=added.index).astype(design.samples[factor].dtype)
    added.index = pd.Index([f"foldwise level {k}" for k in range(len(levels))])
    whole = assemble_design(str(design.formula), pd.concat([design.samples, added]))
    return whole.matrix[-len(levels) :] if whole.names == design.names else None


def _single_coefficients(design: Design) -> list[Answer]:
    """Numeric covariates, interactions, levels made within the formula; all columns of a user's matrix."""
    rows: list[Answer] = []
    for column, name in enumerate(design.names):
        alone = len(design.names) == 1
        if design.levels[column] is None and (design.model_matrix_names[column] != "(Intercept)" or alone):
            rows.append((_question(design, column), name))
    return rows


def _question(design: Design, column: int) -> str:
    raw = design.model_matrix_names[column]
    if design.kind == "user":
        return f"{raw}: the coefficient of this column"
    if design.term[column] < 0:
        return "the mean of all samples (not a fold change)"
    label = design.terms[design.term[column]]
    if ":" in label:
        margins = all(part in design.terms for part in label.split(":"))
        return (
            f"{raw}: how one changes the effect of the other" if margins else f"{raw}: the effect within these levels"
        )
    if raw == label:
        return f"{raw}: log2 fold change for each unit more{_where(design, raw)}"
    return f"{raw}: the coefficient of this column of {label}"
