"""Warnings that point at the line of the user's, not at a line of ours."""

from __future__ import annotations

import sys
import warnings

from foldwise.errors import FoldwiseWarning


def warn(message: str) -> None:
    """Give a FoldwiseWarning at the first line outside this package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("foldwise"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, FoldwiseWarning, stacklevel=level)
