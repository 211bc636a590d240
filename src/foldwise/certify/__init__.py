"""A certificate for a fit: every reported number held against the equation it is supposed to solve.

Computed from the counts and the reported estimates alone, in plain NumPy that shares nothing with the kernels. Limits
say what R's early stops allow: its searches end when a step gains little, not at the optimum.
"""

from foldwise.certify.table import LIMITS, certify

__all__ = ["LIMITS", "certify"]
