"""How the optimiser's number loops are compiled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from numba import njit
from numba.extending import register_jitable

Function = TypeVar("Function", bound=Callable[..., Any])

# No "fastmath", ever: the last bits decide where an optimiser ends. Division by zero gives infinities, as in R.
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": False, "no_cfunc_wrapper": True}


def compiled(function: Function) -> Function:
    """Compile at the first call and keep the machine code on disk, where a place can be written."""
    try:
        made = njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no folder for machine code can be written: compile in every session
        return not_kept(function)
    file = getattr(made._cache, "_cache_file", None)
    if file is not None and hasattr(
        file, "_source_stamp"
    ):  # numba looks at this function's file alone, not at those it calls
        file._source_stamp = (file._source_stamp, sources_digest())
    kept: Function = made
    return kept


def not_kept(function: Function) -> Function:
    """Compile in every session anew."""
    made: Function = njit(**OPTIONS)(function)
    return made


def shared(function: Function) -> Function:
    """Plain Python where Python calls it, compiled into the functions of this folder that are."""
    made: Function = register_jitable(**OPTIONS)(function)
    return made


@cache
def sources_digest() -> str:
    """A digest of this folder's sources."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
