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
        return sum(os.times()[:4])


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
