"""CPU and wall seconds of a step, and the peak memory of this process."""

from __future__ import annotations

import os
import resource
import time


class Clock:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), self._cpu_now()

    def took(self, name: str) -> dict[str, float]:
        return {f"{name}_wall": time.perf_counter() - self._wall, f"{name}_cpu": self._cpu_now() - self._cpu}

    @staticmethod
    def _cpu_now() -> float:
        children = os.times()[2:4]  # in steps of 10 ms; this process's own clock is finer
        return time.process_time() + sum(children)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
