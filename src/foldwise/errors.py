"""What can go wrong, as a user meets it: every message says what, where and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class FoldwiseError(Exception):
    """Base of all errors that foldwise raises on purpose."""


class CountsError(FoldwiseError, ValueError):
    """The counts are not counts, or carry the wrong labels."""


class SamplesError(FoldwiseError, ValueError):
    """The sample table does not fit the counts or the design."""


class DesignError(FoldwiseError, ValueError):
    """The design cannot be read or cannot be estimated."""


class ContrastError(FoldwiseError, ValueError):
    """The comparison asked for is not one that the fit can answer."""


class OptionError(FoldwiseError, ValueError):
    """An option is unknown, out of range, or does not go with another."""


class FitError(FoldwiseError, RuntimeError):
    """The model cannot be fitted to these data."""


class MissingDependencyError(FoldwiseError, ImportError):
    """An optional library is not installed; the message says how to get it."""


class FoldwiseWarning(UserWarning):
    """Something a user should know that does not stop the work."""


def listed(names: Iterable[object], limit: int = 5) -> str:
    """Names for a message: quoted, at most ``limit`` of them, and how many more there are."""
    names = [str(name) for name in names]
    shown = ", ".join(f"'{name}'" for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
