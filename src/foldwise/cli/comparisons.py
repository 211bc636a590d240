"""What is to be compared: said on the command line or in a pipeline's file of contrasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from foldwise.errors import ContrastError, listed

if TYPE_CHECKING:
    from foldwise.design import Design
    from foldwise.fit import Fit
    from foldwise.results import Results


NUMERIC = "numeric:"  # --contrast numeric:0,1,-1


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison, and the model for it where each comparison has its own.

    id : what its files are called; empty for the fit's default comparison.
    levels : (factor, numerator, denominator). coefficient : a coefficient's name. expression : a sum of coefficients, or
        a coefficient, whichever the fit has. summed : a sum of coefficients as typed, "a+b-c"; numbers : one for each
        coefficient. blocking : columns beside the factor in its model. formula : its model.
    exclude_column, exclude_values : samples to leave out.
    """

    id: str
    levels: tuple[str, str, str] | None = None
    coefficient: str | None = None
    expression: str | None = None
    summed: str | None = None
    numbers: tuple[float, ...] | None = None
    blocking: tuple[str, ...] = ()
    formula: str | None = None
    exclude_column: str | None = None
    exclude_values: tuple[str, ...] = ()

    def results(self, fit: Fit, **options: Any) -> Results:
        """The answer of a fit."""
        contrast = self.contrast(fit.coefficient_names)
        if contrast is not None:
            return fit.results(contrast, **options)
        asked = self.coefficient or self.expression
        if asked is None:
            return fit.results(**options)
        if self.coefficient is not None or asked in fit.coefficient_names:
            return fit.results(name=asked, **options)
        return fit.results(self.vector(fit), **options)

    def contrast(self, names: Sequence[str]) -> Any:
        """Three words, two lists or numbers, as a fit with these coefficients takes them; None where it is none of these."""
        from foldwise.cli.coefficient_sum import lists_of

        if self.summed is not None:
            return lists_of(self.summed, names)
        return self.levels if self.numbers is None else list(self.numbers)

    def check(self, design: Design) -> None:
        """Refuse levels and coefficients that the design does not have, before anything is fitted."""
        from foldwise.design.contrasts import resolve_contrast

        if self.summed is not None and self._is_plain(design):
            return
        contrast = self.contrast(design.names)
        if contrast is not None:
            resolve_contrast(design, contrast)
        elif self.coefficient is not None and self.coefficient not in design.plain_names:
            resolve_contrast(design, name=self.coefficient)

    def _is_plain(self, design: Design) -> bool:
        """Whether the sum is one of names without ``_vs_``, which glmGamPoi's fits have."""
        try:
            self.contrast(design.plain_names)
        except ContrastError:
            return False
        return True

    def shrunken(self, fit: Fit, kind: str, result: Results | None = None) -> Results:
        """Shrunken fold changes of a fit."""
        options: dict[str, Any] = {"type": kind, "res": result}
        contrast = self.contrast(fit.coefficient_names)
        if contrast is not None:
            return fit.shrink(contrast=contrast, **options)
        asked = self.coefficient or self.expression
        if asked is None:
            result = result or fit.results()
            return fit.shrink(contrast=result.contrast.levels or result.contrast.vector, **options)
        if self.coefficient is not None or asked in fit.coefficient_names:
            return fit.shrink(coef=asked, **options)
        return fit.shrink(contrast=self.vector(fit), **options)

    def vector(self, fit: Fit) -> list[float]:
        """The expression as one number a coefficient, over R's syntactic names of the model matrix's columns."""
        from foldwise.cli.linear_expression import contrast_vector
        from foldwise.design.formula.names import make_name

        names = [make_name(name) for name in fit.design.model_matrix_names]
        return contrast_vector(str(self.expression), names)


def from_texts(contrasts: Sequence[str], names: Sequence[str]) -> list[Comparison]:
    """Comparisons of ``--contrast`` and ``--name``; one without anything said where there is none."""
    found = [from_text(text) for text in contrasts]
    found += [Comparison(name, coefficient=name) for name in names]
    return checked(found) if found else [Comparison("")]


def from_text(text: str) -> Comparison:
    """FACTOR,NUMERATOR,DENOMINATOR; ``numeric:0,1,-1``; or, where there is no comma, a sum of coefficients."""
    from foldwise.cli.coefficient_sum import numbers_of
    from foldwise.cli.contrast_text import contrast_of

    text = text.strip()
    id = f"minus_{text[1:]}" if text.startswith("-") else text  # no file is to begin with the sign of an option
    if text.startswith(NUMERIC):
        return Comparison(text, numbers=numbers_of(text.removeprefix(NUMERIC)))
    if text and "," not in text:
        return Comparison(id, summed=text)
    factor, numerator, denominator = contrast_of(text)
    return Comparison(f"{factor}_{numerator}_vs_{denominator}", (factor, numerator, denominator))


def checked(found: list[Comparison]) -> list[Comparison]:
    """The same, with ids that can name files and are all different, also where the system ignores case."""
    named = [replace(one, id=file_name(one.id)) for one in found]
    seen: dict[str, str] = {}
    for one in named:
        if one.id.lower() in seen:
            raise ContrastError(f"Two comparisons would be written to the same files: '{one.id}'.")
        seen[one.id.lower()] = one.id
    strange = [one.id for one in named if not one.id.strip("._")]
    if strange:
        raise ContrastError(f"These ids cannot name files: {listed(strange)}.")
    return named


def file_name(name: str) -> str:
    """A name that every file system takes."""
    return "".join(c if c.isalnum() or c in "._-+" else "_" for c in name)[:120]
