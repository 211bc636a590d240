"""Working memory of the kernels: one buffer a thread, grown when needed, never shared."""

from __future__ import annotations

import threading

import numpy as np

from foldwise.arrays import FloatArray, IntArray
from foldwise.kernels.lanes import WIDTH, tile

_local = threading.local()


def tiles(*rows: int) -> list[FloatArray]:
    """Scratch of (rows, WIDTH) each, contents unknown, valid until this thread asks again."""
    total = sum(rows)
    buffer = getattr(_local, "buffer", None)
    if buffer is None or buffer.shape[0] < total:
        buffer = _local.buffer = tile(total)
    parts, end = [], 0
    for n in rows:
        parts.append(buffer[end : end + n])
        end += n
    return parts


def integers() -> IntArray:
    return np.zeros(WIDTH, dtype=np.int64)


def plain(values: FloatArray) -> FloatArray:
    """As every kernel takes its arrays: float64, C order, writable; so that each has one specialisation."""
    if isinstance(values, np.ndarray) and values.dtype == np.float64 and values.flags.carray:
        return values  # what np.require finds out too, but slowly
    return np.require(values, dtype=np.float64, requirements=["C", "W", "A"])


NOTHING = np.zeros((1, 1))


def plain_or_nothing(values: FloatArray | None) -> FloatArray:
    return NOTHING if values is None else plain(values)
