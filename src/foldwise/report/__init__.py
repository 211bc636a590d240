"""The report: one HTML file that opens without a network. ``foldwise.report(fit, results, path)``.

The package is its own main function, because both go by the name that a user looks for.
"""

from __future__ import annotations

from foldwise.callable_packages import called_as
from foldwise.report.page import report

__all__ = ["report"]

called_as(__name__, report)
