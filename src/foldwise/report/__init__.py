"""The report: one HTML file that opens without a network. ``foldwise.report(fit, results, path)``.

The package is its own main function, because both go by the name that a user looks for.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from foldwise.report.page import report

__all__ = ["report"]


class _CallableModule(ModuleType):
    """``foldwise.report`` is this package as soon as a part of it is imported; calling it has to work all the same."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return report(*arguments, **options)


sys.modules[__name__].__class__ = _CallableModule
