"""How block functions are run: one core, threads, Dask. Knows nothing of statistics."""

from foldwise.execution.blocks import BlockFunction, CountSource, Executor
from foldwise.execution.choose import executor_for
from foldwise.execution.threads import ThreadExecutor

__all__ = ["BlockFunction", "CountSource", "Executor", "ThreadExecutor", "executor_for"]
