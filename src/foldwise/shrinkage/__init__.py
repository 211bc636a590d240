"""Shrunken fold changes: apeglm, ashr, and the original normal prior."""

from foldwise.shrinkage.shrunken_results import shrink

__all__ = ["shrink"]
