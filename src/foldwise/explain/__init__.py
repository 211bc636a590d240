"""Why a number is what it is, or is missing."""

from foldwise.explain.explanation import (
    explain,
    sign_flips,
    why,
)

__all__ = [
    "explain",
    "sign_flips",
    "why",
]
