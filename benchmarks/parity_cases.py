"""Parity cases: what R was asked and what it answered, read from tables, and the same asked of foldwise.

A root holds ``cases.json``, ``data/`` and ``tables/CASE.tsv.gz`` with ``tables/CASE.json`` (tests/parity/fits is one);
or, a larger shape, ``cases/CASE/`` with a table for each part. Columns are named ``part/column``: ``genes/dispersion``,
``coefficients/Intercept``, ``errors/Intercept``, ``RESULT/padj``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import foldwise as fw

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / "tests" / "parity" / "fits"
R_VERSION = "1.38"  # whose rules the tables were made by
DESEQ = {
    "test": "test", "fitType": "fit_type", "sfType": "sf_type", "type": "sf_type", "betaPrior": "beta_prior", "useT": "use_t",
    "minmu": "min_mu", "minReplicatesForReplace": "min_replicates_for_replace", "modelMatrixType": "model_matrix_type",
    "df": "df", "controlGenes": "control_genes", "reduced": "reduced",
}  # fmt: skip
RESULTS = {
    "alpha": "alpha", "contrast": "contrast", "name": "name", "lfcThreshold": "lfc_threshold", "theta": "theta",
    "altHypothesis": "alt_hypothesis", "independentFiltering": "independent_filtering", "cooksCutoff": "cooks_cutoff",
    "pAdjustMethod": "p_adjust_method", "filter": "filter", "listValues": "list_values", "test": "test", "minmu": "min_mu",
    "addMLE": "add_mle",
}  # fmt: skip


class NotMapped(Exception):
    """The case asks for something that has no counterpart here."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    name, about : what it is. data, design, options : the fit. results : by name, arguments as R has them.
    answers : R's columns by gene. soft : genes that R gave to its general optimiser. refusal : R's error, if it stops.
    refused_results : arguments of results that R refuses.
    """

    name: str
    about: str
    data: Any
    design: Any
    options: dict[str, Any]
    results: dict[str, dict[str, Any]]
    answers: pd.DataFrame
    soft: pd.Index
    refusal: str | None = None
    refused_results: dict[str, dict[str, Any]] = field(default_factory=dict)


def table(path: Path) -> pd.DataFrame:
    options: dict[str, Any] = {
        "sep": "\t",
        "index_col": 0,
        "na_values": ["NA", "NaN"],
        "keep_default_na": False,
        "quoting": 3,
    }
    return pd.read_csv(path, float_precision="round_trip", converters={0: str}, low_memory=False, **options)


def numeric(column: pd.Series) -> pd.Series:
    if column.dtype.kind in "fiu":
        return column.astype(float)
    words = {"TRUE": 1.0, "FALSE": 0.0, "True": 1.0, "False": 0.0, "<NA>": np.nan, "NA": np.nan, "nan": np.nan}
    return column.astype(str).map(lambda text: words[text] if text in words else float(text))


def cases(root: Path = OWN) -> Iterator[Case]:
    book = json.loads((root / "cases.json").read_text())
    if isinstance(book, dict):
        yield from (
            _of_book(case, book["experiments"][case["data"]], root) for case in book["cases"] if _answered(case, root)
        )
    else:
        for case in book:
            if (root / "cases" / case["name"] / "genes.tsv.gz").exists() and not case.get("kind"):
                try:
                    yield _of_folder(case, root)
                except NotMapped:
                    continue


def _answered(case: dict[str, Any], root: Path) -> bool:
    return (root / "tables" / f"{case['case']}.json").exists()


# ------------------------------------------------------------------------------------------------ the book's shape
def _of_book(case: dict[str, Any], experiment: dict[str, Any], root: Path) -> Case:
    numbers = json.loads((root / "tables" / f"{case['case']}.json").read_text())
    where = (
        root / "data"
        if (root / "data" / f"{case['data']}.samples.tsv").exists()
        else Path(str(files("foldwise.datasets"))) / "data"
    )
    samples = pd.read_csv(where / f"{case['data']}.samples.tsv", sep="\t", index_col=0, dtype=str)
    samples = samples.loc[case["samples"]] if "samples" in case else samples
    for name, levels in (experiment["factors"] | case.get("factors", {})).items():
        samples[name] = pd.Categorical(samples[name], levels)
    for name in experiment["numbers"]:
        samples[name] = samples[name].astype(float)
    counts = table(where / f"{case['data']}.counts.tsv.gz")[samples.index]
    if "genes" in case:
        counts = counts.iloc[case["genes"][0] - 1 : case["genes"][1]]
    if case.get("with_counts"):
        counts = counts[counts.sum(axis=1) > 0]
    names = {"factors": "normalization_factors", "weights": "weights", "lengths": "average_lengths"}
    beside = {
        names[what]: table(where / f"{case['data']}.{what}.tsv.gz").loc[counts.index, samples.index]
        for what in case.get("beside", [])
    }
    if "size_factors" in case:
        beside["size_factors"] = pd.Series(case["size_factors"], index=samples.index, dtype=float)
    answers = pd.DataFrame() if "error" in numbers else table(root / "tables" / f"{case['case']}.tsv.gz")
    answers.index.name = "gene"
    design = _model(case["design"], samples)
    options = {k: _model(v, samples) if k == "reduced" else v for k, v in case.get("fit", {}).items()}
    asked, no = case.get("results", {}), numbers.get("refused", {})
    results = {n: a for n, a in asked.items() if n not in no}
    soft = answers.index[answers["genes/betaIter"] >= 100] if "genes/betaIter" in answers else answers.index[:0]
    options = renamed(options, DESEQ)
    make = {"counts": counts, "samples": samples, **beside}
    refused = {n: asked[n] for n in no}
    return Case(
        case["case"],
        case["case"].replace("_", " "),
        make,
        design,
        options,
        results,
        answers,
        soft,
        numbers.get("error"),
        refused,
    )


def _model(spec: Any, samples: pd.DataFrame) -> Any:
    return fw.design_matrix(spec["matrix"], samples) if isinstance(spec, dict) else spec


# ---------------------------------------------------------------------------------------------- a folder for each case
def _of_folder(case: dict[str, Any], root: Path) -> Case:
    if case.get("steps") or case.get("sizeFactors") == "NA" or isinstance(case["design"], dict):
        raise NotMapped(case["name"])
    at, data = root / "cases" / case["name"], root / "data"
    samples = pd.read_csv(
        data / f"{case.get('samples_of', case['dataset'])}.samples.tsv", sep="\t", index_col=0, dtype=str
    )
    samples = samples.loc[case["samples"]] if "samples" in case else samples
    for name, kind in case.get("columns", {}).items():
        samples[name] = (
            pd.Categorical(samples[name], kind["factor"]) if "factor" in kind else samples[name].astype(float)
        )
    genes = table(at / "genes.tsv.gz")
    counts = table(data / f"{case['dataset']}.counts.tsv.gz")[samples.index].loc[genes.index]
    beside: dict[str, Any] = {}
    for what, argument in (
        ("normfactors", "normalization_factors"),
        ("weights", "weights"),
        ("lengths", "average_lengths"),
    ):
        if what in case.get("inputs", []):
            name = case.get("normfactors_name", what) if what == "normfactors" else what
            beside[argument] = table(data / f"{case['dataset']}.{name}.tsv.gz").loc[counts.index, samples.index]
    if "sizeFactors" in case:
        beside["size_factors"] = pd.Series(case["sizeFactors"], index=samples.index, dtype=float)
    numbers = json.loads((at / "scalars.json").read_text())
    results = {
        r["name"]: r["args"] for r in case.get("results", []) if (at / "results" / f"{r['name']}.tsv.gz").exists()
    }
    parts = [_parts(genes, numbers["resultsNames"])]
    parts += [table(at / "results" / f"{name}.tsv.gz").add_prefix(f"{name}/") for name in results]
    soft = genes.index[genes["betaIter"] >= 100] if "betaIter" in genes else genes.index[:0]
    make = {"counts": counts, "samples": samples, **beside}
    options = renamed(dict(case.get("deseq", {})), DESEQ)
    return Case(case["name"], case["about"], make, case["design"], options, results, pd.concat(parts, axis=1), soft)


def _parts(genes: pd.DataFrame, coefficients: list[str]) -> pd.DataFrame:
    own = [
        "baseMean",
        "baseVar",
        "allZero",
        "dispGeneEst",
        "dispFit",
        "dispersion",
        "dispOutlier",
        "dispMAP",
        "deviance",
        "maxCooks",
        "replace",
    ]
    there = [name for name in coefficients if name in genes]
    errors = [name for name in there if f"SE_{name}" in genes]
    return pd.concat(
        [
            genes[[c for c in own if c in genes]].add_prefix("genes/"),
            genes[there].add_prefix("coefficients/"),
            genes[[f"SE_{n}" for n in errors]].set_axis([f"errors/{n}" for n in errors], axis=1),
        ],
        axis=1,
    )


# ------------------------------------------------------------------------------------------------------------ asking
def renamed(given: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    unknown = set(given) - set(names)
    if unknown:
        raise NotMapped(", ".join(sorted(unknown)))
    return {names[k]: float("inf") if isinstance(v, str) and v == "Inf" else v for k, v in given.items()}


def result_arguments(args: dict[str, Any], fit: Any) -> dict[str, Any]:
    out = renamed(args, RESULTS)
    if isinstance(out.get("contrast"), dict):
        said = out["contrast"]
        lists = said.get("lists", said.get("list"))
        numbers = said.get("numbers", said.get("numeric"))
        out["contrast"] = (
            np.asarray(numbers, dtype=float) if numbers is not None else tuple([*map(list, lists), []][:2])
        )
    elif "contrast" in out:
        out["contrast"] = tuple(out["contrast"])
    if "list_values" in out:
        out["list_values"] = tuple(out["list_values"])
    if isinstance(out.get("filter"), str):
        out["filter"] = fit.genes[out["filter"]]
    if out.get("lfc_threshold") and out.get("alt_hypothesis", "greaterAbs") == "greaterAbs":
        out["alt_hypothesis"] = "greaterAbs2014"
    return out


def fitted(case: Case) -> Any:
    return fw.deseq(fw.CountData(**case.data), case.design, compat=R_VERSION, progress=False, **case.options)


def not_refused(case: Case, fit: Any) -> list[str]:
    """Results that R refuses and foldwise does not."""
    found = []
    for name, args in case.refused_results.items():
        try:
            fit.results(**result_arguments(args, fit))
        except fw.FoldwiseError:
            continue
        found.append(name)
    return found


def ours(case: Case, fit: Any = None) -> pd.DataFrame:
    """foldwise's columns for a case that R answered, under the names of R's."""
    fit = fitted(case) if fit is None else fit
    parts = [
        fit.genes.add_prefix("genes/"),
        fit.coefficients.add_prefix("coefficients/"),
        fit.standard_errors.add_prefix("errors/"),
    ]
    for name, args in case.results.items():
        parts.append(fit.results(**result_arguments(args, fit)).table.add_prefix(f"{name}/"))
    return pd.concat(parts, axis=1)
