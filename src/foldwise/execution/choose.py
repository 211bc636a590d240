"""What a user says as ``executor=`` → something that runs blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from foldwise.errors import OptionError
from foldwise.execution.blocks import Executor, ProgressCallback
from foldwise.execution.progress import progress_callback
from foldwise.execution.threads import ThreadExecutor, available_threads


def executor_for(executor: Any = None, progress: bool | ProgressCallback | None = False) -> Executor:
    """An executor from None (threads on all cores), a number of threads, "serial", or a Dask client.

    Raises
    ------
    OptionError
        If it is none of these.
    """
    callback = progress_callback(progress)
    if executor is None:
        return ThreadExecutor(available_threads(), progress=callback)
    if isinstance(executor, str) and executor == "serial":
        return ThreadExecutor(1, progress=callback)
    if isinstance(executor, int | np.integer) and not isinstance(executor, bool) and executor > 0:
        return ThreadExecutor(int(executor), progress=callback)
    if hasattr(executor, "over_genes"):
        return executor  # type: ignore[no-any-return]
    if hasattr(executor, "scatter") and hasattr(executor, "submit"):
        from foldwise.execution.dask import DaskExecutor

        return DaskExecutor(executor, progress=callback)
    raise OptionError(
        f"executor={executor!r} is none of: None (threads on all cores), a positive number of threads, "
        '"serial", or a dask.distributed Client.'
    )
