"""What a design can and cannot answer, said before anything is run.

Works on designs that cannot be estimated: these are what it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Literal

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.arrays import FloatArray
from foldwise.counts.cells import ADD_UP, probably_cells
from foldwise.counts.labels import annotation_of, is_anndata
from foldwise.design import Design, assemble_design
from foldwise.design.comparisons import comparisons
from foldwise.design.formula.alike import alike_levels
from foldwise.design.formula.confounding import (
    COMBINATIONS,
    NOT_FULL_RANK,
    ZERO_COLUMNS,
    advice,
    confounded,
    dependencies,
    empty_cells,
    not_a_sample,
    renumbered,
    shortened,
)
from foldwise.design.formula.rank import column_rank
from foldwise.design.formula.scale import badly_scaled
from foldwise.errors import FoldwiseError, listed
from foldwise.options import MIN_REPLICATES_FOR_COOKS

Severity = Literal["stop", "warning", "note"]
MARKS = {"stop": "STOP", "warning": "warning", "note": "note"}
NEARLY = 0.9  # canonical correlation of two terms beyond which standard errors more than double
SUSPECT_BASE = ("control", "ctrl", "untreated", "mock", "vehicle", "wt", "wildtype", "dmso", "healthy", "normal")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: how serious, about what, and the sentence."""

    severity: Severity
    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found about a design.

    design : None when the formula could not even be made a matrix (then the first finding says why).
    findings : in order of seriousness.
    contrasts : what can be asked of a fit with this design (see ``list_contrasts``); empty when it cannot be fitted.
    n_samples, n_coefficients, residual_degrees_of_freedom : the last is of the rank found.
    """

    design: Design | None
    findings: tuple[Finding, ...]
    contrasts: pd.DataFrame
    n_samples: int
    n_coefficients: int
    residual_degrees_of_freedom: int

    @property
    def can_be_fitted(self) -> bool:
        """Will a fit accept this design?"""
        return all(finding.severity != "stop" for finding in self.findings)

    @property
    def table(self) -> pd.DataFrame:
        """A row for each finding: severity, topic, text."""
        rows = [(finding.severity, finding.topic, finding.text) for finding in self.findings]
        return pd.DataFrame(rows, columns=["severity", "topic", "text"])

    def text(self, call: Callable[[Any], str] | None = None) -> str:
        """All of it as a page of text; ``call`` says how a comparison is asked for, by default in Python."""
        lines = [self._headline()]
        lines += ["", *self._findings()] if self.findings else []
        if len(self.contrasts):
            asked = self.contrasts["call"] if call is None else [call(one) for one in self.contrasts["contrast"]]
            lines += ["", "A fit with this design answers:"]
            wide = max(len(str(question)) for question in self.contrasts["question"])
            lines += [f"  {q:<{wide}}  {a}" for q, a in zip(self.contrasts["question"], asked, strict=True)]
        return "\n".join(lines)

    def _findings(self) -> list[str]:
        return [f"{MARKS[one.severity]:>7}  {one.topic}: {_indented(one.text)}" for one in self.findings]

    def _headline(self) -> str:
        verdict = "can be fitted" if self.can_be_fitted else "cannot be fitted as it stands"
        if self.design is None:
            return f"The design {verdict}."
        return (
            f"The design {self.design.formula or '(a model matrix)'} {verdict}: {self.n_samples} samples, "
            f"{self.n_coefficients} coefficients, {self.residual_degrees_of_freedom} residual degrees of freedom.\n"
            f"Coefficients: {', '.join(self.design.names)}."
        )

    def __str__(self) -> str:
        return self.text()


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * 9)


@checked
def diagnose(samples: Any, design: Any, *, reference: Mapping[str, Any] | None = None) -> Diagnosis:
    """What a design can and cannot answer.

    Parameters
    ----------
    samples : the sample table, or a CountData or AnnData that carries it.
    design : a formula, or a model matrix of samples x coefficients.
    reference : base levels, as for a fit.

    Returns
    -------
    Diagnosis
        ``print(diagnosis)`` shows it; ``diagnosis.table`` and ``diagnosis.contrasts`` are DataFrames.

    Examples
    --------
    >>> samples = pd.DataFrame({"batch": list("xxyy"), "condition": list("aabb")})
    >>> diagnose(samples, "~ batch + condition").can_be_fitted
    False
    """
    cells = probably_cells(samples)
    if is_anndata(samples):
        samples = annotation_of(samples, "obs")
    elif not isinstance(samples, pd.DataFrame) and hasattr(samples, "samples"):
        samples = samples.samples  # a CountData carries its sample table
    try:
        made = assemble_design(design, samples, reference=reference)
    except FoldwiseError as error:
        return Diagnosis(None, (Finding("stop", "design", str(error)),), pd.DataFrame(), len(samples), 0, 0)
    found = [*_rank(made), *_replicates(made)]
    stops = any(finding.severity == "stop" for finding in found)
    found += [*_scale(made), *_structure(made, stops), *_reading(made)]
    found += (
        [Finding("warning", "cells", f"{len(samples):,} observations with mostly zeros. {ADD_UP}")] if cells else []
    )
    order = {"stop": 0, "warning": 1, "note": 2}
    found.sort(key=lambda finding: order[finding.severity])
    n_samples, n_coefficients = made.matrix.shape
    left = n_samples - column_rank(made.matrix).rank
    asked = pd.DataFrame() if stops else comparisons(made)
    return Diagnosis(made, tuple(found), asked, n_samples, n_coefficients, left)


def _rank(design: Design) -> list[Finding]:
    n_samples, n_columns = design.matrix.shape
    if column_rank(design.matrix).rank == n_columns:
        return _estimable_but_confounded(design)
    zero = not_a_sample(design)
    said = [Finding("stop", "rank", f"{NOT_FULL_RANK} {ZERO_COLUMNS if zero else COMBINATIONS}")]
    if zero:
        said.append(Finding("stop", "empty columns", f"No sample has anything in {listed(zero)}."))
    if n_columns > n_samples:
        said.append(Finding("stop", "size", f"{n_columns} coefficients cannot be told apart with {n_samples} samples."))
    for topic, sentences in (
        ("dependent column", dependencies(design)),
        ("confounding", confounded(design)),
        ("empty combination", empty_cells(design)),
    ):
        said += [Finding("stop", topic, sentence) for sentence in shortened(sentences, "such")]
    return said + [Finding("stop", "what to do", sentence) for sentence in advice(design)]


def _estimable_but_confounded(design: Design) -> list[Finding]:
    """Empty combinations, and pairs of terms that nearly say the same, in a design that can be estimated."""
    said = []
    for first, second in combinations(design.factors, 2):
        present = set(zip(design.samples[first], design.samples[second], strict=True))
        pairs = product(design.factors[first], design.factors[second])
        holes = [f"{first}={a} and {second}={b}" for a, b in pairs if (a, b) not in present]
        if holes:
            text = f"No sample has {_some(holes)}; the design can do without."
            said.append(Finding("note", "empty combination", text))
    return said + _nearly_confounded(design)


def _nearly_confounded(design: Design) -> list[Finding]:
    said = []
    alone = [t for t, label in enumerate(design.terms) if ":" not in label]
    for first, second in combinations(alone, 2):
        likeness = _canonical_correlation(*(design.matrix[:, design.term == t] for t in (first, second)))
        if NEARLY < likeness < 1:
            text = (
                f"'{design.terms[first]}' and '{design.terms[second]}' are nearly confounded (canonical correlation "
                f"{likeness:.3f}): standard errors of either are up to {1 / np.sqrt(1 - likeness**2):.1f} times what "
                "a balanced design would give."
            )
            said.append(Finding("warning", "confounding", text))
    return said


def _canonical_correlation(a: FloatArray, b: FloatArray) -> float:
    """How far some combination of the columns of a agrees with some of b, the means taken off."""
    bases = [np.linalg.qr(columns - columns.mean(axis=0))[0] for columns in (a, b)]
    return float(np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)[0])


def _some(names: list[str], limit: int = 4) -> str:
    more = len(names) - limit
    return "; nor ".join(names[:limit]) + (f"; and {more} more" if more > 0 else "")


def _replicates(design: Design) -> list[Finding]:
    n_samples, n_columns = design.matrix.shape
    rank = column_rank(design.matrix).rank
    said = []
    if rank == n_samples:
        text = (
            f"There are as many coefficients as samples ({n_samples}), so nothing is left to estimate dispersion from: "
            "at least one group needs a replicate, or a covariate has to go."
        )
        said.append(Finding("stop", "replicates", text))
    elif n_samples - rank <= 3:
        text = (
            f"Only {n_samples - rank} residual degrees of freedom: dispersions, and so p-values, rest on very little."
        )
        said.append(Finding("warning", "replicates", text))
    for name, levels in design.factors.items():
        counts = design.samples[name].value_counts()
        single = [level for level in levels if counts[level] == 1]
        if single:
            text = f"'{name}' has one sample only in {listed(single)}: such a group is its sample, outlier or not."
            said.append(Finding("warning", "groups of one", text))
    unjudged = without_outlier_detection(design)
    if unjudged and rank < n_samples:
        said.append(Finding("note", "outlier detection", unjudged))
    return said


def without_outlier_detection(design: Design) -> str:
    """Which samples are too few of their kind for an outlier count to be told from a difference; "" if none are."""
    sizes = np.bincount(design.cells)
    small = sizes < MIN_REPLICATES_FOR_COOKS
    if not small.any() or design.matrix.shape[0] <= design.matrix.shape[1]:
        return ""
    what = _combinations(design)
    if small.all():
        return (
            f"No {what} has {MIN_REPLICATES_FOR_COOKS} samples (the largest has {sizes.max()}), so outlier detection by "
            "Cook's distance is off: an outlier count cannot be told from a real difference, and stays in."
        )
    n = int(sizes[small].sum())
    return (
        f"In {small.sum()} of {len(sizes)} groups ({what}) there are fewer than {MIN_REPLICATES_FOR_COOKS} samples: outlier "
        f"detection by Cook's distance is off for {'the sample' if n == 1 else f'the {n} samples'} in them."
    )


def _combinations(design: Design) -> str:
    names = [name for name in design.variables if name in design.samples]
    if not names:
        return "group of samples with the same row in the model matrix"
    return f"group of '{names[0]}'" if len(names) == 1 else f"combination of {' x '.join(names)}"


def cautions(design: Design) -> list[str]:
    """What should be known beside a fit of this design: how columns were read, and where no outliers are found."""
    return [*design.notes, *filter(None, [without_outlier_detection(design)])]


def _scale(design: Design) -> list[Finding]:
    sentences = badly_scaled(design.matrix, design.model_matrix_names, design.term, design.terms)
    return [Finding("warning", "scale", sentence) for sentence in sentences]


def _structure(design: Design, stopped: bool) -> list[Finding]:
    """Interactions whose margins are missing, individuals within groups, base levels that look unlikely."""
    said = []
    if design.has_interactions:
        text = "With interactions a main effect holds at the base level of the other factor, not on average."
        said.append(Finding("note", "interactions", text))
    for inner, outer in [] if stopped else _nested_pairs(design):
        text = (
            f"Each '{inner}' lies within one '{outer}'. Differences between levels of '{outer}' and between "
            f"'{inner}' share the same samples; {renumbered(design, inner, outer)}."
        )
        said.append(Finding("note", "nested", text))
    for name, levels in design.factors.items():
        likely = [level for level in levels[1:] if level.lower() in SUSPECT_BASE]
        if likely and levels[0].lower() not in SUSPECT_BASE:
            text = (
                f"The base level of '{name}' is '{levels[0]}', though there is '{likely[0]}'. "
                f"If fold changes should be against it: reference={{'{name}': '{likely[0]}'}}."
            )
            said.append(Finding("note", "base level", text))
    return said


def _nested_pairs(design: Design) -> list[tuple[str, str]]:
    pairs = []
    for a, b in combinations(design.factors, 2):
        for inner, outer in ((a, b), (b, a)):
            within = design.samples.groupby(inner, observed=True)[outer].nunique().max() == 1
            if within and len(design.factors[inner]) > len(design.factors[outer]):
                pairs.append((inner, outer))
    return pairs


def _reading(design: Design) -> list[Finding]:
    """How the columns were read, and levels that may be one and the same."""
    said = [Finding("note", "reading", note) for note in design.notes]
    return said + [Finding("warning", "levels", text) for text in alike_levels(design.factors)]
