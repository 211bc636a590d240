"""What is asked: formulas and model matrices, contrasts, and what a design can answer."""

from foldwise.design.matrix import (
    Design,
    assemble_design,
    build_design,
    check_estimable,
    check_nested,
    design_matrix,
)

__all__ = [
    "Design",
    "assemble_design",
    "build_design",
    "check_estimable",
    "check_nested",
    "design_matrix",
]
