"""``fit.explain``: one gene's fold change beside its counts, and which covariate makes the difference.

Counts are not adjusted for the design's other covariates and the model's fold change is, so the two may even differ in
sign. Here the difference is taken apart (see :mod:`foldwise.explain.parts`) and said in words, a table and a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arrays import FloatArray
from foldwise.design.formula.variables import meant
from foldwise.errors import ContrastError, CountsError
from foldwise.explain.parts import Compared, Parts, compared_samples, own_and_other_terms, taken_apart
from foldwise.explain.why import Reason, one_gene, why

__all__ = ["Explanation", "Reason", "explain", "sign_flips", "why"]

REST = "left over by the fit"
_NOTABLE = 0.05  # log2: a smaller difference is not worth a sentence
_SHOWN = 0.005  # log2: smaller parts are 0.00 in words


@dataclass(frozen=True)
class Explanation:
    """A gene's fold change and the difference of its mean counts, taken apart.

    gene, comparison : what is explained; of a design with interactions also the levels at which it holds.
    adjusted_lfc : the model's log2 fold change. standard_error, pvalue, padj : its test, NaN where missing.
    raw_lfc : log2 ratio of the mean normalized counts of the two sides (a slope for a numeric covariate).
    mean_numerator, mean_denominator : these means; NaN for a slope.
    table : one row a step from the model's fold change to the raw ratio: ``log2`` (summing to the last row), ``ratio``.
    counts : one row a sample: ``side``, ``normalized`` and ``adjusted`` (the effects of other covariates removed).
    words : all this in sentences.

    A gene without a count in the samples that are compared has the table's numbers: fold change 0, p 1.
    """

    gene: str
    comparison: str
    adjusted_lfc: float
    standard_error: float
    pvalue: float
    padj: float
    raw_lfc: float
    mean_numerator: float
    mean_denominator: float
    table: pd.DataFrame
    counts: pd.DataFrame
    words: str

    def __str__(self) -> str:
        return self.words

    def plot(self, ax: Any = None) -> Any:
        """Draw counts by group as they are, and with the fitted effects of the other covariates removed."""
        from foldwise.plots.explained import explained

        return explained(self, ax)


def explain(fit: Any, gene: str, contrast: Any = None, *, name: str | None = None, results: Any = None) -> Explanation:
    """Explain one gene's fold change.

    Parameters
    ----------
    fit : the fit.
    gene : its name.
    contrast, name : the comparison, as for ``fit.results``; with neither, its default.
    results : results already computed for this comparison (they are computed otherwise).

    Raises
    ------
    CountsError
        If there is no such gene.
    ContrastError
        If the comparison is not between two groups of samples nor about one numeric covariate, so that there is no
        ratio of counts to set beside it.
    OptionError
        For several genes at once.
    """
    one_gene(gene, "fit.explain(gene, contrast)")
    if gene not in fit.genes.index:
        raise CountsError(f"There is no gene '{gene}' in this fit.{meant(gene, fit.genes.index)}")
    if results is None:
        results = fit.results(contrast) if name is None else fit.results(contrast, name=name)
    compared = _compared(fit, results.contrast)
    row = results.table.loc[gene]
    said = ", ".join(filter(None, [results.name, results.where]))  # never of shrunken fold changes
    beta = fit.coefficients.loc[[gene]].to_numpy(dtype=float)
    normalized = fit.counts(normalized=True).loc[[gene]].to_numpy(dtype=float)
    parts = taken_apart(fit.design, results.contrast, compared, beta, normalized)
    means = _means(compared, normalized)
    table = _table(parts)
    return Explanation(
        gene=str(gene),
        comparison=said,
        adjusted_lfc=float(parts.adjusted[0]) if np.isfinite(beta).all() else float("nan"),
        standard_error=float(row.get("lfcSE", np.nan)),
        pvalue=float(row["pvalue"]),
        padj=float(row["padj"]),
        raw_lfc=float(parts.raw[0]),
        mean_numerator=means[0],
        mean_denominator=means[1],
        table=table,
        counts=_sample_counts(fit, results.contrast, compared, beta, normalized),
        words=_words(str(gene), said, compared, parts, means, row, _elsewhere(results, parts)),
    )


def sign_flips(results: Any) -> pd.DataFrame:
    """Genes whose fold change and ratio of mean counts have different signs, and the covariate most responsible.

    Returns
    -------
    DataFrame
        By gene: ``log2FoldChange`` (the model's), ``raw_log2`` (of the mean normalized counts), ``difference``,
        ``covariate`` (whose part leads farthest from the one to the other), ``covariate_log2`` (that part),
        ``pvalue``, ``padj``, ``baseMean``; the smallest p-values first.

    Raises
    ------
    ContrastError
        As ``explain``.
    """
    fit = results.fit
    compared = _compared(fit, results.contrast)
    beta = fit.coefficients.to_numpy(dtype=float)
    normalized = fit.counts(normalized=True).to_numpy(dtype=float)
    adjusted, raw = beta @ results.contrast.vector, compared.ratio(normalized)
    with np.errstate(invalid="ignore"):
        flipped = np.flatnonzero((adjusted * raw < 0) & np.isfinite(adjusted))
    parts = taken_apart(fit.design, results.contrast, compared, beta[flipped], normalized[flipped])
    named, most = _most_responsible(parts)
    found = pd.DataFrame(
        {
            "log2FoldChange": parts.adjusted,
            "raw_log2": parts.raw,
            "difference": parts.raw - parts.adjusted,
            "covariate": named,
            "covariate_log2": most,
        },
        index=fit.coefficients.index[flipped],
    )
    columns = ["pvalue", "padj", "baseMean"]
    return found.join(results.table[columns]).sort_values(
        ["pvalue", "baseMean"], ascending=[True, False], kind="stable"
    )


def _compared(fit: Any, contrast: Any) -> Compared:
    compared = compared_samples(fit.design, contrast)
    if compared is None:
        raise ContrastError(
            f"'{contrast.description}' compares neither two groups of samples nor one step of a number, so there is no "
            "ratio of counts to set beside its fold change."
        )
    return compared


def _most_responsible(parts: Parts) -> tuple[list[str], FloatArray]:
    """The part that goes farthest in the direction of the difference, gene by gene."""
    every = np.column_stack([parts.parts, parts.rest])
    names = [*parts.terms, REST]
    towards = every * np.sign(parts.raw - parts.adjusted)[:, None]
    best = np.argmax(np.nan_to_num(towards, nan=-np.inf, posinf=np.finfo(float).max), axis=1)
    return [names[k] for k in best], every[np.arange(len(best)), best]


def _means(compared: Compared, normalized: FloatArray) -> tuple[float, float]:
    if compared.slope is not None:
        return float("nan"), float("nan")
    return float(normalized[0, compared.numerator].mean()), float(normalized[0, compared.denominator].mean())


def _table(parts: Parts) -> pd.DataFrame:
    steps = ["model's fold change", *parts.terms, REST, "ratio of mean counts"]
    values = np.array([parts.adjusted[0], *parts.parts[0], parts.rest[0], parts.raw[0]])
    kinds = ["model", *["covariate"] * len(parts.terms), "residue", "counts"]
    with np.errstate(over="ignore"):
        ratio = np.exp2(values)
    return pd.DataFrame({"kind": kinds, "log2": values, "ratio": ratio}, index=pd.Index(steps, name="step"))


def _sample_counts(
    fit: Any, contrast: Any, compared: Compared, beta: FloatArray, normalized: FloatArray
) -> pd.DataFrame:
    """Counts of the samples, as they are and with the effects of other covariates set to their mean."""
    _, others = own_and_other_terms(fit.design, contrast.vector)
    columns = np.concatenate([np.empty(0, dtype=np.int64), *(found for _, found in others)])
    effect = fit.design.matrix[:, columns] @ np.nan_to_num(beta[0, columns])
    effect = effect - effect[compared.samples].mean()
    side = np.where(compared.numerator, compared.words[0], np.where(compared.denominator, compared.words[1], ""))
    table = pd.DataFrame({"side": side, "normalized": normalized[0]}, index=fit.design.samples.index)
    table.attrs["numerator"] = compared.words[0]
    table["adjusted"] = table["normalized"] * np.exp2(-effect)
    if compared.slope is not None:
        table["x"] = fit.design.matrix[:, int(np.flatnonzero(contrast.vector)[0])]
    return table


def _elsewhere(results: Any, parts: Parts) -> dict[str, str]:
    """Interactions that the comparison's own covariate is part of, and where the comparison holds instead."""
    design, vector = results.fit.design, results.contrast.vector
    own = {design.terms[t] for t in design.term[vector != 0] if t >= 0}
    where = results.where or "at the base levels"
    return {term: where for term in parts.terms if ":" in term and own & set(term.split(":"))}


def _words(
    gene: str,
    comparison: str,
    compared: Compared,
    parts: Parts,
    means: tuple[float, float],
    row: Any,
    elsewhere: dict[str, str],
) -> str:
    adjusted, raw = float(parts.adjusted[0]), float(parts.raw[0])
    if not np.isfinite(row["log2FoldChange"]):
        return f"{gene} has no fold change for {comparison}: the model could not be fitted to its counts."
    if compared.slope is None and not any(means):
        return f"{gene}, {comparison}: {_neither(adjusted, row)}"
    said = [f"{gene}, {comparison}: the model's log2 fold change is {adjusted:+.2f} ({_times(adjusted)})."]
    if compared.slope is not None:
        said.append(f"The slope of the log2 counts over {compared.words[1]} alone is {raw:+.2f}.")
    else:
        first, second = compared.words
        said.append(
            f"Mean normalized counts are {_mean(means[0])} in {first} and {_mean(means[1])} in {second}, "
            f"a log2 ratio of {_signed(raw)}."
        )
    said += _difference(adjusted, raw, parts, elsewhere)
    return " ".join(said)


def _neither(adjusted: float, row: Any) -> str:
    """Of a gene without counts on either side; by the name of a coefficient R gives a number all the same."""
    if row["log2FoldChange"] == 0 and row["pvalue"] == 1:
        return "neither side has counts, so the fold change is set to 0 and p to 1."
    return (
        f"neither side has counts; the model's log2 fold change of {round(adjusted, 2) + 0.0:+.2f} comes from the other samples alone "
        "and says nothing."
    )


def _difference(adjusted: float, raw: float, parts: Parts, elsewhere: dict[str, str]) -> list[str]:
    if not np.isfinite(raw):
        return ["One side has no counts at all, so the ratio of the means is not a finite number."]
    difference = raw - adjusted
    if abs(difference) < _NOTABLE:
        alike = ": the other covariates shift both sides alike" if parts.terms else ""
        return [f"The two agree{alike}."]
    opening = "They differ in sign." if adjusted * raw < 0 else ""
    pieces = sorted(zip(parts.terms, parts.parts[0], strict=True), key=lambda piece: -abs(piece[1]))
    told = [f"{value:+.2f} from {name}" for name, value in pieces if abs(value) >= _SHOWN]
    rest = f"{parts.rest[0]:+.2f} is {REST}"
    sums = f"The difference of {difference:+.2f} is made up so: {', '.join([*told, rest])}."
    if not told:
        sums = f"The difference of {difference:+.2f} is {REST}: how the counts scatter, in samples of unequal weight."
        return [part for part in (opening, sums) if part]
    return [part for part in (opening, sums, _because(pieces, float(parts.rest[0]), elsewhere)) if part]


def _because(pieces: list[tuple[str, float]], rest: float, elsewhere: dict[str, str]) -> str:
    if not pieces or abs(pieces[0][1]) < abs(rest):
        return "Most of it comes from how the counts scatter around the fit, not from another covariate."
    name, value = pieces[0]
    expected = (
        f"Through {name} alone the numerator's samples would be expected {_factor(abs(value))} times "
        f"{'higher' if value > 0 else 'lower'}"
    )
    if name in elsewhere:
        return (
            f"{expected}: the effect is another elsewhere. The fold change is the one {elsewhere[name]} only, the means "
            "are of all samples; fit.contrasts() lists what to ask for at other levels."
        )
    return f"{expected}; the model takes that out of the fold change, the means of counts do not."


def _mean(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _factor(log2: float) -> str:
    return f"{2.0**log2:.3g}"


def _times(log2: float) -> str:
    if abs(log2) > 30:
        return "more than a billionfold"
    return f"{_factor(log2)}-fold" if log2 >= 0 else f"{_factor(log2)}-fold, that is 1/{_factor(-log2)}"


def _signed(value: float) -> str:
    return f"{value:+.2f}" if np.isfinite(value) else ("not a number" if np.isnan(value) else f"{value:+}")
