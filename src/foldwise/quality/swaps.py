"""Probable sample swaps: pairs of samples that lie each nearer to the other's group.

For a covariate, the effects of the other covariates are removed and every sample is placed on the line between the
centres of two groups, +1 at its own and -1 at the other's, the centres made without it and without the pair in
question. A pair is named when both of its samples lie beyond the middle although nearly all others do not; where a
covariate does not separate the other samples, nothing can be said, and nothing is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import BoolArray, FloatArray
from foldwise.quality.components import TOP_GENES
from foldwise.quality.covariates import is_number, regressors, removed, usable_covariates, with_intercept

SMALLEST_GROUP = 3  # samples: with two, leaving the pair out leaves one sample to stand for a group
_TELLING_GENES = 100
_BEYOND = -0.2  # place of a sample that may be swapped: clearly past the middle, where noise alone hardly takes it
_MOST_SUSPECTS = 0.34  # share of samples nearer to the other group, beyond which nobody is named
_SEPARATED = 0.95  # share of the other samples that must lie on their own side, and
_STANDARD_DEVIATIONS = 2.5  # how far from the middle, in their own spread: else the covariate has no clear effect
_ANOTHER = 0.6  # R squared from which another covariate is taken to be behind a seeming swap


@checked
def probable_swaps(
    transformed: pd.DataFrame, samples: pd.DataFrame, covariates: Sequence[str] | None = None
) -> pd.DataFrame:
    """Pairs of samples that look exchanged, and single samples that look like another group's.

    Returns
    -------
    DataFrame
        ``sample_1``, ``sample_2`` (missing for a single sample), ``covariate``, ``group_1``, ``group_2`` (as labelled;
        for a single sample, its own and the one it resembles), ``place_1``, ``place_2`` (+1 at the own group's centre,
        -1 at the other's), ``others_on_own_side`` (share), ``evidence`` (a sentence). The clearest first.
    """
    table = samples.reindex(transformed.columns)
    names = [name for name in usable_covariates(table, covariates) if not is_number(table[name])]
    rows: list[dict[str, object]] = []
    for name in names:
        # With the other covariates' effects in and out: in, they hide a weak covariate; taking them out goes wrong
        # where their own labels are swapped.
        values = _variable_genes(transformed)
        for shown in (values, _without_others(values, table, name, covariates)):
            known = {(row["sample_1"], row["sample_2"]) for row in rows if row["covariate"] == name}
            found = [r for r in _swaps_of(shown, table[name], name) if (r["sample_1"], r["sample_2"]) not in known]
            rows += [row for row in found if not _another_explains(row, table, name, covariates)]
    columns = ["sample_1", "sample_2", "covariate", "group_1", "group_2", "place_1", "place_2", "others_on_own_side"]
    found = pd.DataFrame(rows, columns=[*columns, "evidence"])
    strength = found[["place_1", "place_2"]].astype(float).sum(axis=1, min_count=1)
    pairs_first = found["sample_2"].isna().astype(int)
    order = np.lexsort((strength.to_numpy(), pairs_first.to_numpy()))
    return found.iloc[order].reset_index(drop=True)


def swap_words(swaps: pd.DataFrame) -> list[str]:
    """One line a pair of samples, or a single one: its clearest evidence, and the other covariates that show it."""
    found: dict[frozenset[object], list[int]] = {}
    for row, names in enumerate(zip(swaps["sample_1"], swaps["sample_2"], strict=True)):
        found.setdefault(frozenset(name for name in names if not pd.isna(name)), []).append(row)
    said = []
    for rows in found.values():
        first, *others = (swaps.iloc[row] for row in rows)
        by = list(dict.fromkeys(str(row["covariate"]) for row in others if row["covariate"] != first["covariate"]))
        told = f" The same by {' and '.join(by)}." if by else ""
        asked = "" if pd.isna(first["sample_2"]) else "Probable swap: "
        said.append(f"{asked}{first['evidence']}{told}")
    return said


def _variable_genes(transformed: pd.DataFrame) -> FloatArray:
    values = transformed.to_numpy(dtype=float)
    values = values[np.isfinite(values).all(axis=1)]
    return values[np.argsort(-values.var(axis=1), kind="stable")[: 4 * TOP_GENES]]


def _without_others(values: FloatArray, table: pd.DataFrame, name: str, covariates: Sequence[str] | None) -> FloatArray:
    """Values less the effects of the other covariates, of those that can be told apart from this one."""
    this = regressors(table[name])
    matrix = np.ones((len(table), 1))
    for other in usable_covariates(table, covariates):
        if other == name or table[other].isna().any():
            continue
        wider = np.column_stack([matrix, regressors(table[other])])
        rank = np.linalg.matrix_rank(wider)
        apart = np.linalg.matrix_rank(np.column_stack([wider, this])) == rank + this.shape[1]
        if apart and rank > np.linalg.matrix_rank(matrix) and len(table) - rank - this.shape[1] >= 3:
            matrix = wider
    both = with_intercept(matrix[:, 1:], this)
    effects = np.linalg.lstsq(both, values.T, rcond=None)[0][: matrix.shape[1]]
    if matrix.shape[1] == 1:
        return removed(values, matrix)
    return np.asarray(values - (matrix[:, 1:] @ effects[1:]).T)  # effects beside this covariate, so that it stays


def _another_explains(row: dict[str, object], table: pd.DataFrame, name: str, covariates: Sequence[str] | None) -> bool:
    """Whether the labels after the exchange are those of another covariate, whose effect it then is."""
    members = table[name].astype(str).isin([str(row["group_1"]), str(row["group_2"])]).to_numpy()
    side = (table[name].astype(str) == str(row["group_1"])).to_numpy(dtype=float)
    exchanged = side.copy()
    for sample in (row["sample_1"], row["sample_2"]):
        if sample is not None:
            exchanged[table.index.get_loc(sample)] = 1 - exchanged[table.index.get_loc(sample)]
    for other in usable_covariates(table, covariates):
        if other == name or table[other].isna().any():
            continue
        matrix = with_intercept(regressors(table.loc[members, other]))
        before, after = (_share(labels[members], matrix) for labels in (side, exchanged))
        if after > max(before, _ANOTHER):
            return True
    return False


def _share(labels: FloatArray, matrix: FloatArray) -> float:
    rest = labels - matrix @ np.linalg.lstsq(matrix, labels, rcond=None)[0]
    total = float(((labels - labels.mean()) ** 2).sum())
    return 1 - float(rest @ rest) / total if total > 0 else 0.0


def _swaps_of(values: FloatArray, column: pd.Series, name: str) -> list[dict[str, object]]:
    texts = np.array([str(value) for value in column], dtype=object)
    levels = [level for level in dict.fromkeys(texts) if (texts == level).sum() >= SMALLEST_GROUP]
    rows: list[dict[str, object]] = []
    for first, second in combinations(levels, 2):
        own = [np.flatnonzero(texts == level) for level in (first, second)]
        members = np.concatenate(own)
        side = np.repeat([0, 1], [len(part) for part in own])
        rows += _between(values[:, members], side, list(column.index[members]), name, (first, second))
    return rows


def _between(
    values: FloatArray, side: FloatArray, samples: list[object], covariate: str, levels: tuple[str, str]
) -> list[dict[str, object]]:
    nothing = np.zeros(len(side), dtype=bool)
    alone = _places(values, side, nothing)
    if np.isnan(alone).any() or (alone < 0).mean() > _MOST_SUSPECTS:
        return []  # the covariate does not tell its groups apart, or so many are wrong that none can be named
    suspects = [[int(k) for k in np.flatnonzero((side == s) & (alone < 0))] for s in (0, 1)]
    found = [_pair(values, side, i, j) for i in suspects[0] for j in suspects[1]]
    named: set[int] = set()
    rows: list[dict[str, object]] = []
    for i, j, places, share in sorted((f for f in found if f is not None), key=lambda f: f[2][0] + f[2][1]):
        if named & {i, j}:
            continue
        named |= {i, j}
        rows.append(_row(covariate, levels, (samples[i], samples[j]), places, share))
    for i in (k for part in suspects for k in part if k not in named):
        left_out = nothing.copy()
        left_out[i] = True
        where = _places(values, side, left_out)
        share = _own_side(where[~left_out])
        if where[i] < _BEYOND and share >= _SEPARATED:
            pair = levels if side[i] == 0 else levels[::-1]
            rows.append(_row(covariate, pair, (samples[i], None), (float(where[i]), float("nan")), share))
    return rows


def _pair(values: FloatArray, side: FloatArray, i: int, j: int) -> tuple[int, int, tuple[float, float], float] | None:
    left_out = np.zeros(len(side), dtype=bool)
    left_out[[i, j]] = True
    places = _places(values, side, left_out)
    share = _own_side(places[~left_out])
    if max(places[i], places[j]) > _BEYOND or share < _SEPARATED:
        return None
    return int(i), int(j), (float(places[i]), float(places[j])), share


def _own_side(places: FloatArray) -> float:
    """Share of samples on their own side; 0 where the covariate does not tell them apart."""
    if len(places) < SMALLEST_GROUP or np.isnan(places).any():
        return 0.0
    unsure = 1 + 4 / len(places)  # the spread of few samples is known badly
    if places.mean() < _STANDARD_DEVIATIONS * unsure * places.std(ddof=1):
        return 0.0
    return float((places > 0).mean())


def _places(values: FloatArray, side: FloatArray, left_out: BoolArray) -> FloatArray:
    """Where each sample lies between its own group's centre (+1) and the other's (-1), both made without it."""
    places = np.full(len(side), np.nan)
    for k in range(len(side)):
        kept = ~left_out
        kept[k] = False
        own, other = kept & (side == side[k]), kept & (side != side[k])
        if own.sum() > 1 and other.sum() > 1:
            places[k] = _place(values[:, k], values[:, own], values[:, other])
    return places


def _place(sample: FloatArray, own: FloatArray, other: FloatArray) -> float:
    """One sample between two centres, in the genes that tell these groups apart best (a diagonal discriminant)."""
    gap = own.mean(axis=1) - other.mean(axis=1)
    freedom = own.shape[1] + other.shape[1] - 2
    within = (own.var(axis=1) * own.shape[1] + other.var(axis=1) * other.shape[1]) / freedom
    spread = np.sqrt(within) + np.median(np.sqrt(within))  # few samples: a gene is not trusted for a small spread
    if not (spread > 0).any():
        return float("nan")
    telling = np.abs(gap) / np.maximum(spread, 1e-300)
    best = np.argsort(-telling, kind="stable")[:_TELLING_GENES]
    weight = gap[best] / spread[best] ** 2
    length = float(weight @ gap[best])
    middle = (own[best].mean(axis=1) + other[best].mean(axis=1)) / 2
    return float(weight @ (sample[best] - middle)) * 2 / length if length > 0 else float("nan")


def _row(
    covariate: str,
    levels: tuple[str, str],
    samples: tuple[object, object | None],
    places: tuple[float, float],
    share: float,
) -> dict[str, object]:
    first, second = samples
    if second is None:
        evidence = (
            f"'{first}' is labelled {covariate} {levels[0]} but lies nearer to {levels[1]} "
            f"({places[0]:+.2f}; +1 is its own group's centre, -1 the other's)."
        )
    else:
        evidence = (
            f"'{first}' ({covariate} {levels[0]}) and '{second}' ({covariate} {levels[1]}) lie each nearer to the "
            f"other's group ({places[0]:+.2f} and {places[1]:+.2f}; +1 is the own group's centre, -1 the other's); "
            f"{'all' if share == 1 else f'{share:.0%} of the'} other samples lie nearer to their own."
        )
    return {
        "sample_1": first,
        "sample_2": second,
        "covariate": covariate,
        "group_1": levels[0],
        "group_2": levels[1],
        "place_1": places[0],
        "place_2": places[1],
        "others_on_own_side": share,
        "evidence": evidence,
    }
