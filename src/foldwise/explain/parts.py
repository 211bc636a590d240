"""Why a fold change is not the ratio of mean counts: the ratio taken apart into what each covariate accounts for.

With A the samples of the numerator, B those of the denominator and q the means that the fit expects with the chosen
terms of the design alone, v(terms) = log2 mean_A q - log2 mean_B q. The comparison's own terms give the model's fold
change; each other term is given its average effect on v over all orders in which the terms can be added (Shapley 1953),
so the parts sum to the ratio of fitted means whatever the design; what is left to the ratio of counts is the residue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray

SLOPE_PSEUDOCOUNT = 0.5  # added to counts before the logarithm where the comparison is a slope
_EXACT_UP_TO = 8  # terms: beyond, two orders stand for all 2**k subsets
_DIGITS = 10
_NOTHING = 1e-9  # log2: what sums of rounded numbers leave


@dataclass(frozen=True, slots=True)
class Compared:
    """The samples on the two sides of a comparison.

    numerator, denominator : (n_samples,).
    slope : (n_samples,) weights that give the slope over a numeric covariate; the two sides are then empty.
    words : what to call the two sides, or the covariate ("", name).
    """

    numerator: BoolArray
    denominator: BoolArray
    slope: FloatArray | None
    words: tuple[str, str]

    def ratio(self, values: FloatArray) -> FloatArray:
        """(n_genes,) log2 ratio of the mean values of the two sides, or the slope of their logarithms."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.slope is not None:
                return np.asarray(np.log2(values + SLOPE_PSEUDOCOUNT) @ self.slope)
            above, below = values[:, self.numerator].mean(axis=1), values[:, self.denominator].mean(axis=1)
            return np.asarray(np.log2(above) - np.log2(below))

    def fitted_ratio(self, log2_means: FloatArray) -> FloatArray:
        """The same of fitted means, given as logarithms."""
        if self.slope is not None:
            return np.asarray(log2_means @ self.slope)
        top = log2_means.max(axis=1, keepdims=True)  # taken out against overflow, and cancels
        return self.ratio(np.exp2(log2_means - top))

    @property
    def samples(self) -> BoolArray:
        """(n_samples,) those that take part."""
        if self.slope is not None:
            return np.ones(len(self.slope), dtype=bool)
        return self.numerator | self.denominator


@dataclass(frozen=True, slots=True)
class Parts:
    """log2 ratios of genes, taken apart: ``raw = adjusted + parts.sum(axis=1) + rest``.

    raw, adjusted, rest : (n_genes,). terms : names of the parts. parts : (n_genes, n_terms).
    """

    raw: FloatArray
    adjusted: FloatArray
    terms: tuple[str, ...]
    parts: FloatArray
    rest: FloatArray


def compared_samples(design: Any, contrast: Any) -> Compared | None:
    """Which samples a contrast compares; None where it does not compare two groups of samples (or one number)."""
    said = contrast.levels or _levels_of(design, contrast)
    if said is not None:
        factor, numerator, denominator = said
        texts = _level_texts(design.samples[factor])
        return Compared(texts == numerator, texts == denominator, None, (numerator, denominator))
    pairs = _matching_cells(design, contrast.vector)
    if pairs is not None:
        return Compared(*pairs, None, ("the numerator's samples", "the denominator's samples"))
    return _slope(design, contrast.vector)


def taken_apart(
    design: Any, contrast: Any, compared: Compared, coefficients: FloatArray, normalized: FloatArray
) -> Parts:
    """Take apart the ratios of some genes.

    coefficients : (n_genes, n_coefficients), log2. normalized : (n_genes, n_samples) normalized counts.
    """
    beta = np.nan_to_num(coefficients)
    own, others = own_and_other_terms(design, contrast.vector)
    empty = without_counts(contrast, normalized)
    adjusted = np.asarray(beta @ contrast.vector)

    def value(columns: Sequence[IntArray]) -> FloatArray:
        chosen = np.concatenate([own, *columns])
        return compared.fitted_ratio(beta[:, chosen] @ design.matrix[:, chosen].T)

    alone = value([])
    parts = _shapley(value, [columns for _, columns in others], alone)
    names = [name for name, _ in others]
    gap = alone - adjusted
    if np.nanmax(np.abs(gap), initial=0.0) > 1e-8:
        names.append("other levels of the compared covariates")
        parts = np.column_stack([parts, gap])
    raw = compared.ratio(normalized)
    adjusted, parts = np.where(empty, 0.0, adjusted), np.where(empty[:, None], 0.0, parts)
    with np.errstate(invalid="ignore"):
        rest = raw - adjusted - parts.sum(axis=1)
        rest = np.where(np.abs(rest) < _NOTHING, 0.0, rest)
        parts = np.where(np.abs(parts) < _NOTHING, 0.0, parts)
    return Parts(raw, adjusted, tuple(names), parts, rest)


def without_counts(contrast: Any, counts: FloatArray) -> BoolArray:
    """(n_genes,) genes without a count in the samples that are compared: their fold change is set to 0 and p to 1."""
    if contrast.zero_rule == "none" or contrast.zero_samples is None:
        return np.zeros(len(counts), dtype=bool)
    return np.asarray(~(counts[:, contrast.zero_samples] > 0).any(axis=1))


def own_and_other_terms(design: Any, vector: FloatArray) -> tuple[IntArray, list[tuple[str, IntArray]]]:
    """Columns of the terms that a contrast is about, and the other terms: names and columns (no intercept)."""
    groups: dict[str, list[int]] = {}
    for column in range(design.matrix.shape[1]):
        if np.ptp(design.matrix[:, column]) == 0 and vector[column] == 0:
            continue  # the same for all samples: moves both sides alike
        term = design.term[column] if len(design.term) else -1
        groups.setdefault(design.terms[term] if term >= 0 else design.names[column], []).append(column)
    own = [columns for columns in groups.values() if np.any(vector[columns] != 0)]
    others = [
        (name, np.array(columns, dtype=np.int64))
        for name, columns in groups.items()
        if not np.any(vector[columns] != 0)
    ]
    return np.array(sorted(sum(own, [])), dtype=np.int64), others


def _shapley(value: Any, players: list[IntArray], alone: FloatArray) -> FloatArray:
    """(n_genes, n_players) each player's mean marginal value over all orders; sums to value(all) - value(none)."""
    n = len(players)
    if n > _EXACT_UP_TO:
        return _two_orders(value, players, alone)
    known: dict[tuple[int, ...], FloatArray] = {(): alone}
    for size in range(1, n + 1):
        for subset in combinations(range(n), size):
            known[subset] = value([players[k] for k in subset])
    share = np.zeros((len(alone), n))
    for subset, worth in known.items():
        for k in set(range(n)) - set(subset):
            weight = factorial(len(subset)) * factorial(n - len(subset) - 1) / factorial(n)
            share[:, k] += weight * (known[tuple(sorted((*subset, k)))] - worth)
    return share


def _two_orders(value: Any, players: list[IntArray], alone: FloatArray) -> FloatArray:
    share = np.zeros((len(alone), len(players)))
    for order in (range(len(players)), range(len(players) - 1, -1, -1)):
        before, taken = alone, []
        for k in order:
            taken.append(players[k])
            after = value(taken)
            share[:, k] += (after - before) / 2
            before = after
    return share


def _levels_of(design: Any, contrast: Any) -> tuple[str, str, str] | None:
    """The levels behind a single coefficient "factor_level_vs_base"."""
    used = np.flatnonzero(contrast.vector)
    levels = getattr(design, "levels", ())
    if len(used) != 1 or abs(contrast.vector[used[0]]) != 1 or not levels or levels[used[0]] is None:
        return None
    column = int(used[0])
    factor = design.terms[design.term[column]].strip("`")
    if factor not in design.factors or not design.has_intercept or levels[column] == design.factors[factor][0]:
        return None
    pair = (levels[column], design.factors[factor][0])
    return (factor, *pair) if contrast.vector[column] > 0 else (factor, *pair[::-1])


def _level_texts(column: Any) -> Any:
    from foldwise.design.formula.names import level_text

    return np.array([level_text(value) for value in column], dtype=object)


def _matching_cells(design: Any, vector: FloatArray) -> tuple[BoolArray, BoolArray] | None:
    """Samples whose design rows differ by exactly the contrast: those with it, those without it."""
    rows = np.round(design.matrix, _DIGITS) + 0.0
    known: dict[bytes, list[int]] = {}
    for sample, row in enumerate(rows):
        known.setdefault(row.tobytes(), []).append(sample)
    numerator, denominator = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    for sample, row in enumerate(design.matrix):
        partners = known.get((np.round(row + vector, _DIGITS) + 0.0).tobytes(), [])
        numerator[partners] = True
        denominator[sample] |= bool(partners)
    if not numerator.any() or (numerator & denominator).any():
        return None
    return numerator, denominator


def _slope(design: Any, vector: FloatArray) -> Compared | None:
    """A single numeric coefficient: the slope of log2 counts over its column."""
    used = np.flatnonzero(vector)
    if len(used) != 1:
        return None
    column = int(used[0])
    x = design.matrix[:, column] - design.matrix[:, column].mean()
    label = design.terms[design.term[column]] if len(design.term) and design.term[column] >= 0 else ""
    if not x.any() or ":" in label:
        return None
    none = np.zeros(len(x), dtype=bool)
    return Compared(none, none, x / (x @ x) * vector[column], ("", design.names[column]))
