"""The report: one HTML file that opens without a network. ``foldwise.report(fit, results, path)``.

The package is its own main function, because both go by the name that a user looks for.
"""

from __future__ import annotations

import inspect
import sys
from types import ModuleType

from foldwise.report.page import report

__all__ = ["report"]


class _CallableModule(ModuleType):
    """``foldwise.report`` is this package as soon as a part of it is imported; calling it has to work all the same."""

    __call__ = staticmethod(report)


sys.modules[__name__].__class__ = _CallableModule
# Whoever asks the package for its function gets the package, which can be called: one object, whatever is imported first.
__signature__ = inspect.signature(report)
globals()["report"] = sys.modules[__name__]
