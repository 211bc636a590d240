"""Proportions of pure tissues in mixed samples, found on a variance-stabilized scale: R's unmix()."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.errors import CountsError, OptionError, SamplesError, listed
from foldwise.warn import warn

LARGEST = 100.0  # no pure sample enters more than this many times
ALIKE = 0.99  # correlation above which two pure samples cannot be told apart


@dataclass(frozen=True, slots=True)
class Unmixed:
    """proportions : mixed samples x pure samples, rows sum to 1. fitted : genes x mixed samples, the pure samples mixed
    in these proportions. correlation : by mixed sample, of stabilized values and stabilized fit."""

    proportions: pd.DataFrame
    fitted: pd.DataFrame
    correlation: pd.Series


@checked
def unmix(
    mixed: pd.DataFrame,
    pure: pd.DataFrame,
    *,
    alpha: float | None = None,
    shift: float | None = None,
    power: Literal[1, 2] = 1,
) -> Unmixed:
    """In which proportions the ``pure`` samples make up each ``mixed`` one.

    Parameters
    ----------
    mixed, pure : DataFrame, genes x samples
        Normalized counts or TPM (not logged), of the same genes.
    alpha : dispersion of the counts; distances are taken after the variance-stabilizing transformation for it.
    shift : for TPM; distances are taken after log(x + shift). Give one of the two.
    power : of the differences in the loss: 1 (robust) or 2.

    Returns
    -------
    Unmixed

    Raises
    ------
    OptionError
        Neither or both of ``alpha`` and ``shift``, or one that is not positive; another power.
    CountsError, SamplesError
        Genes that differ, values that are missing or negative, fewer than two pure samples.

    Notes
    -----
    The optimiser is R's. With ``power=1`` the loss has kinks, at which it may stop short of the optimum: proportions
    are then good to a few thousandths.
    """
    stabilize = _stabilizer(alpha, shift)
    if power not in (1, 2):
        raise OptionError(f"power is 1 or 2, not {power!r}.")
    x, parts = _checked(mixed, pure)
    _look_for_twins(stabilize(parts), pure.columns)
    shares = np.array([_proportions(stabilize(column), parts, stabilize, power) for column in x.T])
    shares /= shares.sum(axis=1, keepdims=True)
    fitted = parts @ shares.T
    pairs = zip(stabilize(x).T, stabilize(fitted).T, strict=True)
    return Unmixed(
        pd.DataFrame(shares, index=mixed.columns, columns=pure.columns),
        pd.DataFrame(fitted, index=mixed.index, columns=mixed.columns),
        pd.Series([np.corrcoef(a, b)[0, 1] for a, b in pairs], index=mixed.columns, name="correlation"),
    )


def _stabilizer(alpha: float | None, shift: float | None):  # type: ignore[no-untyped-def]
    if (alpha is None) == (shift is None):
        raise OptionError("Give alpha (a dispersion, for normalized counts) or shift (for TPM), one of the two.")
    given = alpha if alpha is not None else shift
    if given is None or not (np.isfinite(given) and given > 0):
        raise OptionError(f"alpha and shift must be positive numbers, not {given!r}.")
    if shift is not None:
        return lambda q: np.log(q + shift)
    constant = np.log(given) + np.log(4.0)
    return lambda q: (2 * np.arcsinh(np.sqrt(given * q)) - constant) / np.log(2.0)


def _checked(mixed: pd.DataFrame, pure: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    if pure.shape[1] < 2:
        raise SamplesError("unmix needs two pure samples or more.")
    missing = mixed.index.symmetric_difference(pure.index)
    if len(missing) or not mixed.index.is_unique:
        raise CountsError(
            f"mixed and pure must have the same genes; {len(missing)} are in one only: {listed(missing)}."
        )
    x, parts = (np.array(t, dtype=np.float64) for t in (mixed, pure.loc[mixed.index]))
    for name, values in (("mixed", x), ("pure", parts)):
        if not (np.isfinite(values) & (values >= 0)).all():
            raise CountsError(f"{name} has values that are missing, infinite or negative.")
    return x, parts


def _look_for_twins(stable: FloatArray, names: pd.Index) -> None:
    alike = np.corrcoef(stable.T) > ALIKE
    pairs = [f"{names[i]} and {names[j]}" for i, j in np.argwhere(np.triu(alike, 1))]
    if pairs:
        warn(f"These pure samples are too alike (correlation above {ALIKE}) to be told apart: {listed(pairs)}.")


def _proportions(target: FloatArray, parts: FloatArray, stabilize, power: int) -> FloatArray:  # type: ignore[no-untyped-def]
    """(n_pure,) how often each pure sample enters, not yet summing to 1."""
    from foldwise.optimise.lbfgsb import minimise

    def loss(p: FloatArray) -> float:
        away = np.abs(target - stabilize(parts @ p))
        return float((away**power).sum())

    n = parts.shape[1]
    return minimise(loss, np.ones(n), np.zeros(n), np.full(n, LARGEST)).point
