"""The plain functions of make_tables.R, and how its tables are read."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

TABLES = Path(__file__).parent / "tables"


def rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(TABLES / f"{name}.tsv.gz", "rt") as lines:
        header = next(lines).rstrip("\n").split("\t")
        for line in lines:
            yield dict(zip(header, line.rstrip("\n").split("\t"), strict=True))


def vector(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=np.float64)


def rosenbrock(x):
    return 100 * (x[1] - x[0] * x[0]) * (x[1] - x[0] * x[0]) + (1 - x[0]) * (1 - x[0])


def slopes_of_rosenbrock(x):
    return np.array([-400 * x[0] * (x[1] - x[0] * x[0]) - 2 * (1 - x[0]), 200 * (x[1] - x[0] * x[0])])


def quadratic(x):
    total = 0.0
    for i, value in enumerate(x, start=1):
        total += i * ((value - i) * (value - i))
    return total + x[0] * x[1]


def flat(x):
    d = x[0] + x[1] - 3
    return d * d


def valley(x):
    total = 0.0
    for i in range(len(x) - 1):
        a = x[i + 1] - x[i] * x[i]
        b = 1 - x[i]
        total = total + 100 * (a * a) + b * b
    return total


def bowl(x):
    return (x[0] - 1) * (x[0] - 1) + (x[1] - 2) * (x[1] - 2) + x[0] * x[1]


def steep(x):
    if x[0] < 0.5:
        return math.inf
    d = math.log(x[0]) + x[1]
    return d * d + 0.01 * (x[0] * x[0])


FUNCTIONS = {
    "rosenbrock": rosenbrock,
    "quadratic": quadratic,
    "flat": flat,
    "valley": valley,
    "bowl": bowl,
    "steep": steep,
}
CURVES = {
    "cubic": lambda x: x * x * x - 2 * x - 5,
    "wave": lambda x: math.cos(x) - x,
    "steep": lambda x: math.exp(x) - 1e-3,
    "bent": lambda x: (x - 1 / 3) * (x - 1 / 3),
    "walled": lambda x: abs(x - 0.7) + 0.1 * x,
}
