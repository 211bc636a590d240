"""Packages that go by the name of their main function: ``foldwise.quality`` and ``foldwise.report``.

Importing any part of such a package makes Python set ``foldwise.quality`` to the package, so package and function have to
be one object. It is the function, with all that the package has as its attributes: a package that can be called would do
as well, but ``help()`` of it shows the package and no argument.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_FUNCTIONS_OWN = {"__name__", "__doc__", "__builtins__"}


def called_as(package: str, function: Callable[..., Any]) -> None:
    """Put ``function`` in the place of the package of this name, as the last line of the package."""
    attributes = vars(sys.modules[package])
    function.__dict__.update({name: value for name, value in attributes.items() if name not in _FUNCTIONS_OWN})
    function.__name__ = package  # "from package import part" looks for a part of this name; pickles go by __qualname__
    sys.modules[package] = function  # type: ignore[assignment]
