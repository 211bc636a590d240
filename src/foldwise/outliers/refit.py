"""Outlier counts replaced, and the genes that had them fitted again."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.design import Design
from foldwise.dispersion.stage import Dispersions, final_inputs, gene_wise_columns, with_posterior
from foldwise.errors import OptionError
from foldwise.inference.hypothesis_test import Tested, TestPlan, final_model, refit_with_prior, run_test
from foldwise.outliers import Replacement, judged_samples, replaceable_samples, replaced_counts
from foldwise.passes import StatisticsPass, final_pass, statistics_pass

log = logging.getLogger("foldwise")
FEWEST_REPLICATES = 3


@dataclass(frozen=True, slots=True)
class Refitted:
    """A test after replacement.

    stage, tested : with the refitted genes' new numbers. replacement : what was replaced, or None if nothing could be.
    replace : (n_genes,) which genes were refitted; None if no sample could be replaced.
    refitted : (n_genes,) whose p-values come from the refit.
    """

    stage: Dispersions
    tested: Tested
    replacement: Replacement | None
    refitted: BoolArray


def with_outliers_replaced(
    stage: Dispersions, plan: TestPlan, tested: Tested, min_replicates: float, *, compat: bool
) -> Refitted:
    """Replace counts whose Cook's distance is over the cutoff and fit their genes again.

    min_replicates : samples in a cell for its counts to be replaceable; infinite for never.

    Raises
    ------
    OptionError
        If fewer than three replicates are asked for.
    """
    if not min_replicates >= FEWEST_REPLICATES:
        raise OptionError(
            f"At least 3 replicates are necessary to say what an outlier should have been: "
            f"min_replicates_for_replace={min_replicates!r} is too few. Use float('inf') to replace nothing."
        )
    lasting, tested = _without_lasting(tested)
    unchanged = Refitted(stage, tested, None, np.zeros(stage.measured.n_genes, dtype=bool))
    replaceable = replaceable_samples(plan.design.cells, min_replicates)
    if not replaceable.any() or "exceeds" not in tested.cooks:
        return unchanged
    rows = np.flatnonzero(tested.cooks["exceeds"] == 1)
    with_mark = replace(tested, columns={**tested.columns, "replace": tested.cooks["exceeds"]})
    if not len(rows):
        return replace(unchanged, tested=with_mark)
    log.info("-- replacing outliers and refitting for %d genes", len(rows))
    counts, cooks = first_fit_of(stage, plan, rows)
    model = final_model(stage, plan)
    cutoff = model.cooks.cutoff if model.cooks is not None else np.inf
    factors = stage.measured.factors if stage.measured.factors.ndim == 1 else stage.measured.factors[rows]
    new = replaced_counts(counts, factors, cooks, cutoff, replaceable)
    replacement = Replacement(rows, new, replaceable)
    return _refitted(stage, plan, with_mark, replacement, lasting, compat)


def _without_lasting(tested: Tested) -> tuple[FloatArray | None, Tested]:
    """The largest distances over samples that are never replaced, which only the refit asks for, and the rest."""
    cooks = dict(tested.cooks)
    return cooks.pop("lastingCooks", None), replace(tested, cooks=cooks)


def first_fit_of(stage: Dispersions, plan: TestPlan, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Counts and Cook's distances of some genes, computed again because they were not kept."""
    shared = replace(final_model(stage, plan), posterior=None, reduced=None, keep=True)
    counts = stage.measured.counts.rows(rows)
    part = stage.measured.with_counts(rows, counts)
    inputs = {name: values[rows] for name, values in final_inputs(stage).items()}
    found = stage.executor.over_genes("outliers", final_pass, part.counts, inputs, shared)
    return counts, found["cooks"]


def _refitted(
    stage: Dispersions,
    plan: TestPlan,
    tested: Tested,
    replacement: Replacement,
    lasting: FloatArray | None,
    compat: bool,
) -> Refitted:
    rows = replacement.rows
    part = stage.measured.with_counts(rows, replacement.counts)
    shared = StatisticsPass(part.common_factors, stage.design.matrix)
    statistics = stage.executor.over_genes("refit", statistics_pass, part.counts, part.genes(), shared)
    now_zero = statistics["allZero"].astype(bool)
    columns = {name: np.array(values) for name, values in stage.columns.items()}
    for name in ("baseMean", "baseVar", "allZero"):
        columns[name][rows] = statistics[name]
    stage = replace(stage, columns=columns)
    refitted = np.zeros(stage.measured.n_genes, dtype=bool)
    again = rows[~now_zero]
    if not len(again):  # R then leaves even the results of the genes that became all zero as they were
        return Refitted(stage, tested, replacement, refitted)
    refitted[again] = True
    new_stage, new = _fit_again(stage, plan, again, replacement.counts[~now_zero], tested, compat)
    stage = replace(stage, columns=_put(columns, new_stage.columns, again, skip=("allZero",)))
    tested = _merged(tested, new, again, rows[now_zero])
    max_cooks = _judged_again(stage.design, lasting, replacement.replaceable)
    cooks = {**tested.cooks, "maxCooks": max_cooks}
    tested = replace(tested, columns={**tested.columns, "maxCooks": max_cooks}, cooks=cooks)
    return Refitted(stage, tested, replacement, refitted)


def _fit_again(
    stage: Dispersions, plan: TestPlan, rows: IntArray, counts: FloatArray, tested: Tested, compat: bool
) -> tuple[Dispersions, Tested]:
    """The refit: the first fit's trend, prior variances and size factors, everything else from the new counts."""
    part = replace(
        stage,
        measured=stage.measured.with_counts(rows, counts),
        columns={
            name: values[rows] for name, values in stage.columns.items() if name in ("baseMean", "baseVar", "allZero")
        },
        mean_beta=None,
        min_mu=0.5 if compat else stage.min_mu,
    )
    if stage.trend is None:  # dispersions of the user's own stay
        part = replace(part, columns={**part.columns, "dispersion": stage.columns["dispersion"][rows]})
        if stage.mean_beta is not None:
            part = replace(part, mean_beta=stage.mean_beta[rows])
    else:
        part = _dispersions_again(part, stage)
    # R forgets useT and minmu here; a t-test stays one with us unless R's old ways are asked for.
    own_df = plan.df if plan.df is None or np.ndim(plan.df) == 0 else np.asarray(plan.df)[rows]
    again = replace(
        plan,
        prior_variance=tested.prior_variance,
        use_t=plan.use_t and not compat,
        df=own_df,
        min_mu=0.5 if compat else plan.min_mu,
    )
    if not plan.beta_prior:
        return run_test(part, again, with_cooks=False)
    if "dispersion" not in part.columns:
        part = with_posterior(part)
    return part, refit_with_prior(part, again)


def _dispersions_again(part: Dispersions, stage: Dispersions) -> Dispersions:
    found, beta = gene_wise_columns(part, "refit")
    assert stage.trend is not None
    fit = np.asarray(stage.trend(part.columns["baseMean"]), dtype=np.float64)
    return replace(part, columns={**part.columns, **found, "dispFit": fit}, mean_beta=beta)


def _put(columns: dict[str, Any], new: Any, rows: IntArray, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    out = {name: np.array(values) for name, values in columns.items()}
    for name, values in new.items():
        if name in out and name not in skip:
            out[name][rows] = values
    return out


def _merged(tested: Tested, new: Tested, again: IntArray, now_zero: IntArray) -> Tested:
    arrays: dict[str, Any] = {}
    for name in ("beta", "se", "stat", "pvalue"):
        values = np.array(getattr(tested, name))
        values[again] = getattr(new, name)
        values[now_zero] = np.nan
        arrays[name] = values
    columns = _put(dict(tested.columns), new.columns, again)
    for name in new.columns:
        if name in columns:
            columns[name][now_zero] = np.nan
    return replace(tested, columns=columns, **arrays)


def _judged_again(design: Design, lasting: FloatArray | None, replaceable: BoolArray) -> FloatArray:
    """Cook's maxima of all genes after any refit: samples that could be replaced count as zero; NaN if all could.

    design : of the dispersions. lasting : (n_genes,) largest distances of the first fit over the other samples.
    """
    judged = judged_samples(design.cells, design.matrix.shape[1])
    assert lasting is not None  # made wherever distances are
    if replaceable.all() or not judged.any():
        return np.full(len(lasting), np.nan)
    if not (judged & ~replaceable).any():  # then R has a zero even for genes without counts
        return np.zeros(len(lasting))
    return np.maximum(lasting, 0.0)
