"""How the optimiser's number loops are compiled into the kernels that call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba.extending import register_jitable

from foldwise.kernels._jit import OPTIONS

Function = TypeVar("Function", bound=Callable[..., Any])


def shared(function: Function) -> Function:
    """Plain Python where Python calls it, compiled into the kernels that call it.

    No "fastmath", ever: the last bits decide where an optimiser ends. Division by zero gives infinities, as in R.
    """
    made: Function = register_jitable(**OPTIONS)(function)
    return made
