"""R's formulas: read, never run."""

from foldwise.design.formula.terms import Terms, read_formula

__all__ = ["Terms", "read_formula"]
