"""What PyDESeq2 passes as ``inference=``: here only the number of threads in it matters."""

from __future__ import annotations

from typing import Any


class DefaultInference:
    """Takes PyDESeq2's arguments.

    n_cpus : threads; all cores if None.
    """

    def __init__(
        self, joblib_verbosity: int = 0, batch_size: int = 128, n_cpus: int | None = None, backend: str = "loky"
    ) -> None:
        self.n_cpus = n_cpus


def threads(n_cpus: int | None, inference: Any) -> int | None:
    """How many threads are asked for."""
    return n_cpus if n_cpus is not None else getattr(inference, "n_cpus", None)
