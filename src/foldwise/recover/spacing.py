"""The one number s for which all values of a column times s are whole numbers, within their rounding.

The smallest value is some integer t over s. So s lies, for t = 1, 2, ..., between t / (v + d) and t / (v - d), v being
the smallest value and d its rounding error. Such an interval is cut into cells so narrow that small values tell
integers apart; cells in which a small value has no integer are sieved out; what is left is narrowed by all values in
turn: a value that allows one integer only tightens the bounds of s, and tighter bounds decide larger values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from foldwise.arrays import BoolArray, FloatArray

SIEVE_VALUES = 100  # small distinct values that every cell is held against
SIEVE_FIRST = 12  # of which these throw out most
CELL = 0.05  # half a cell moves the largest of them by this part of an integer
CELLS_AT_ONCE = 4096
MOST_CELLS = 4_000_000
WIDEST = 30.0  # size factors beyond are looked for only where the smallest value asks for them
GRID_POINTS = 5000  # rounded values on which a factor is tried against chance
SMALLEST_COUNT = 200  # the smallest count of a column is taken to be below this
CHANCE = -20.0  # log10 probability above which a spacing may be luck
UNDECIDED = 0.5  # share of values (high ones, with few digits) that may be left open


@dataclass(frozen=True, slots=True)
class Spacing:
    """A spacing that all values of a column agree with.

    low, high : bounds of s; factor : their middle.
    decided : (n_values,) whether one integer only is left for the distinct value.
    log10_chance : that unrelated values would agree as well, times the number of candidates tried.
    tried : candidates.
    """

    low: float
    high: float
    decided: BoolArray
    log10_chance: float
    tried: int

    @property
    def factor(self) -> float:
        return (self.low + self.high) / 2

    @property
    def relative_width(self) -> float:
        return (self.high - self.low) / self.factor


@dataclass(frozen=True, slots=True)
class NoSpacing:
    """That none was found, with what was tried. best_share : of small values that the best candidate explains."""

    tried: int
    low: float
    high: float
    exhausted: bool
    best_share: float
    chance_share: float


def find_spacing(values: FloatArray, widths: FloatArray, largest_factor: float) -> Spacing | NoSpacing:
    """The smallest s (largest spacing) that fits distinct sorted positive ``values`` with rounding errors ``widths``.

    ``largest_factor`` is 10**k for values of k decimals, infinite for others.
    """
    lowest = 1 / (values[0] + widths[0])
    highest = min(max(WIDEST, SMALLEST_COUNT * lowest), largest_factor, _largest_telling(widths))
    if highest <= lowest:
        return NoSpacing(0, lowest, highest, False, np.nan, np.nan)
    small = values[:SIEVE_VALUES], widths[:SIEVE_VALUES]
    tried, exhausted = 0, False
    for low, high in _cells(values, widths, highest):
        for cell in _sieved(low, high, *small):
            found = _narrowed(values, widths, low[cell], high[cell], tried + int(cell) + 1)
            if found is not None and _log10_chance(found, widths, largest_factor) <= CHANCE:
                return replace(found, log10_chance=_log10_chance(found, widths, largest_factor))
        tried += len(low)
        if tried > MOST_CELLS:
            exhausted = True
            break
    return NoSpacing(tried, lowest, highest, exhausted, *_best_share(*small, lowest, highest))


def _largest_telling(widths: FloatArray) -> float:
    """The factor beyond which rounding leaves too many values open, or agreement could be luck whatever the values."""
    low, high = 0.0, 0.5 / float(np.quantile(widths, 1 - UNDECIDED))
    if np.log10(np.minimum(2 * widths * high, 1.0)).sum() <= CHANCE:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        luck = np.log10(np.minimum(2 * widths * middle, 1.0)).sum() > CHANCE
        low, high = (low, middle) if luck else (middle, high)
    return low


def _cells(values: FloatArray, widths: FloatArray, highest: float) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Bounds of consecutive cells, a few thousand at a time, in the order of s."""
    span = values[:SIEVE_VALUES][-1]
    lows: list[FloatArray] = []
    highs: list[FloatArray] = []
    waiting, reached = 0, 0.0
    for t in range(1, int(highest * (values[0] + widths[0])) + 2):
        low = max(t / (values[0] + widths[0]), reached)
        high = min(t / (values[0] - widths[0]), highest)
        reached = max(high, reached)
        if low > high:
            continue
        n = max(1, int(np.ceil((high - low) * span / (2 * CELL))))
        for start in range(0, n, CELLS_AT_ONCE):
            edges = low + (high - low) * np.arange(start, min(start + CELLS_AT_ONCE, n) + 1) / n
            lows.append(edges[:-1])
            highs.append(edges[1:])
            waiting += len(edges) - 1
            if waiting >= CELLS_AT_ONCE:
                yield np.concatenate(lows), np.concatenate(highs)
                lows, highs, waiting = [], [], 0
    if waiting:
        yield np.concatenate(lows), np.concatenate(highs)


def _sieved(low: FloatArray, high: FloatArray, values: FloatArray, widths: FloatArray) -> np.ndarray:
    """Numbers of the cells in which every small value has an integer."""
    left = np.arange(len(low))
    for part in (slice(0, SIEVE_FIRST), slice(SIEVE_FIRST, None)):
        v, d = values[part], widths[part]
        if len(v) and len(left):
            first = np.maximum(np.ceil(np.outer(low[left], v - d) * (1 - 1e-15)), 1)
            left = left[(first <= np.outer(high[left], v + d) * (1 + 1e-15)).all(axis=1)]
    return left


def _narrowed(values: FloatArray, widths: FloatArray, low: float, high: float, tried: int) -> Spacing | None:
    """Tighten the bounds of s by all values until nothing moves; None if a value has no integer, or many are open."""
    below, above = values - widths, values + widths
    for _ in range(200):
        first = np.maximum(np.ceil(below * low * (1 - 1e-15)), 1)
        last = np.floor(above * high * (1 + 1e-15))
        if (first > last).any():
            return None
        decided = first == last
        if not decided.any():
            return None
        new_low = max(low, float((first / above)[decided].max()))
        new_high = min(high, float((first / below)[decided].min()))
        if new_low > new_high * (1 + 1e-14):
            return None
        moved = (new_low - low) + (high - new_high) > 1e-3 * (high - low)
        low, high = min(new_low, new_high), max(new_low, new_high)
        if not moved:
            break
    return None if decided.mean() < 1 - UNDECIDED else Spacing(low, high, decided, 0.0, tried)


def _log10_chance(found: Spacing, widths: FloatArray, largest_factor: float) -> float:
    """Log10 probability that values unrelated to s all fall as near to integers, times the candidates tried."""
    inside = np.minimum(2 * widths * found.factor, 1.0)
    if np.isfinite(largest_factor):
        inside = np.maximum(inside, _share_of_grid(found.factor / largest_factor))
    return float(np.log10(inside).sum() + np.log10(max(found.tried, 1)))


def _share_of_grid(factor: float) -> float:
    """Of rounded values of any kind, the share that is near integers after multiplication.

    Rounded values lie on a grid, and a factor like 2/3 of it brings them all near enough: then agreement says nothing.
    """
    products = factor * np.arange(1.0, GRID_POINTS + 1)
    return float((np.abs(products - np.rint(products)) <= factor / 2 + 1e-9).mean())


def _best_share(values: FloatArray, widths: FloatArray, low: float, high: float) -> tuple[float, float]:
    """Of small values, the share that the best of some thousand candidates explains, and what chance explains."""
    s = np.linspace(low, max(high, low * 1.01), 20_000)
    products = np.outer(s, values)
    windows = np.minimum(np.outer(s, widths) + CELL, 0.5)
    inside = (np.abs(products - np.rint(products)) <= windows).mean(axis=1)
    best = int(np.argmax(inside - 2 * windows.mean(axis=1)))
    return float(inside[best]), float(2 * windows[best].mean())
