"""How the optimiser's number loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Compile once per machine; release the interpreter while running; never reorder or fuse operations.

    The last bits decide where the optimiser ends, so no ``fastmath`` here, ever. Division by zero gives
    infinities, as in R. ``compiled(f).py_func`` is ``f`` itself.
    """
    return njit(cache=True, nogil=True, error_model="numpy", fastmath=False)(function)
