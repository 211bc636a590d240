"""Every comparison that a design can answer by one call, in words."""

from __future__ import annotations

import pandas as pd

from foldwise.design import Design
from foldwise.design.contrasts import level_columns, resolve_contrast

Answer = tuple[str, str | tuple[str, str, str]]  # the question in words, and what to ask for


def comparisons(design: Design) -> pd.DataFrame:
    """The table of :func:`foldwise.design.contrasts.list_contrasts`."""
    rows = [*_level_pairs(design), *_single_coefficients(design)]
    table = pd.DataFrame({"question": [question for question, _ in rows]})
    table["contrast"] = pd.Series([asked for _, asked in rows], dtype=object)
    table["call"] = [f"results({'name=' if isinstance(asked, str) else ''}{asked!r})" for _, asked in rows]
    table["description"] = [_description(design, asked) for _, asked in rows]
    return table


def _description(design: Design, asked: str | tuple[str, str, str]) -> str:
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


def _where(design: Design, factor: str) -> str:
    """With interactions a main effect holds where the covariates that it meets are at their base, or 0."""
    met = [part for label in design.terms if factor in label.split(":") for part in label.split(":") if part != factor]
    said = [f"{name} = {design.factors.get(name, ('0',))[0]}" for name in dict.fromkeys(met)]
    return f", where {' and '.join(said)}" if said else ""


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
