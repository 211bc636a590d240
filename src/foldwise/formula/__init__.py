"""R's formulas: read, never run."""

from foldwise.formula.terms import Terms, read_formula

__all__ = ["Terms", "read_formula"]
