"""Writes the proof of identity: every parity case asked again, every column held against R's.

    python benchmarks/parity_page.py                       # the cases of tests/parity/fits
    python benchmarks/parity_page.py --root FOLDER         # other cases of the same shape
    python benchmarks/parity_page.py --only 'lrt|weights'  # some of them, nothing written

Writes docs/parity.md, docs/parity.tsv (a row for each case and column) and docs/worst_genes.tsv (the hundred numbers
farthest from R's, with the reason where it is known).
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from benchmarks.parity_cases import OWN, Case, cases, fitted, not_refused, numeric, ours  # noqa: E402
from foldwise import FoldwiseError  # noqa: E402
from foldwise import __version__ as foldwise_version  # noqa: E402

LIMIT = 1e-6
LOGARITHMIC = {"pvalue", "padj", "svalue"}
FLOOR = {"log2FoldChange": 1e-4, "stat": 1e-4, "maxCooks": 1e-8, "deviance": 1e-6, "baseMean": 1e-8, "baseVar": 1e-8}
NEAR_ZERO = 1e-6  # below it R's dispersions are the rounding of its likelihood
DISPERSIONS = {"dispGeneEst", "dispMAP", "dispersion"}
NOT_COMPARED = {"betaIter", "betaConv", "dispIter", "dispGeneIter"}
WORST = 100
FLIP = "rounding decides the last step of the dispersion search"
LIBRARIES = ("numpy", "scipy", "pandas", "numba")


def errors(column: str, a: pd.Series, b: pd.Series) -> pd.Series:
    """Relative error of each number (of logarithms for p-values); infinite where one side alone is missing."""
    if column in LOGARITHMIC:
        x, y = (np.log(np.clip(v, 1e-300, None)) for v in (a, b))
        found = (x - y).abs() / np.maximum(1.0, y.abs())
    else:
        with np.errstate(invalid="ignore"):
            found = (a - b).abs() / (b.abs() + FLOOR.get(column, 1e-8 if column in DISPERSIONS else 1e-6))
    found[(a == b) | (a.isna() & b.isna())] = 0.0
    if column in DISPERSIONS:
        found[(a < NEAR_ZERO) & (b < NEAR_ZERO)] = 0.0
    found[a.isna() != b.isna()] = np.inf
    return found.fillna(np.inf)


def compared(case: Case, fit: Any = None) -> pd.DataFrame:
    """A row for each gene and column: both numbers, the error, whether R's general optimiser made them."""
    found = ours(case, fit)
    out = []
    for name in case.answers:
        part, column = name.split("/", 1)
        if column in NOT_COMPARED:
            continue
        theirs = numeric(case.answers[name])
        mine = numeric(found[name]).reindex(theirs.index) if name in found else pd.Series(np.nan, theirs.index)
        table = pd.DataFrame(
            {"case": case.name, "part": part, "column": column, "gene": theirs.index, "R": theirs.to_numpy()}
        )
        table["foldwise"], table["error"] = mine.to_numpy(), errors(column, mine, theirs).to_numpy()
        out.append(table)
    rows = pd.concat(out, ignore_index=True)
    return rows.assign(optimiser=rows["gene"].isin(case.soft))


def reasons(rows: pd.DataFrame) -> pd.Series:
    """Why a number may differ: what is known of R's early stops. Empty where nothing explains it."""
    off = rows["error"] > LIMIT
    flipped = _genes(rows[rows["column"].isin(DISPERSIONS) & off])
    # A tail probability makes more of an error than a standard error does.
    errors_off = _genes(rows[(rows["column"] == "lfcSE") & (rows["error"] > LIMIT / 10)])
    moved = _genes(rows[(rows["column"] == "log2FoldChange") & off])
    of_gene = pd.MultiIndex.from_frame(rows[["case", "gene"]])
    said = pd.Series("", index=rows.index)
    said[off & (rows["column"] == "padj")] = "follows from p-values of other genes"
    said[off & of_gene.isin(errors_off.difference(moved))] = f"error and not fold change, so the dispersion: {FLIP}"
    said[off & of_gene.isin(flipped)] = FLIP
    said[off & rows["optimiser"]] = "R's general optimiser: where it stops moves with the last bits of its start"
    return said


def _genes(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["case", "gene"]]).unique()


def refused(case: Case) -> bool:
    """Whether we stop where R stops."""
    try:
        fitted(case)
    except FoldwiseError:
        return True
    return False


def columns_of(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each case, part and column."""
    finite = rows.assign(finite=rows["error"].replace(np.inf, np.nan), missing=np.isinf(rows["error"]))
    finite["over"] = finite["finite"] > LIMIT
    finite["over_optimiser"] = finite["over"] & finite["optimiser"]
    grouped = finite.groupby(["case", "part", "column"], sort=False)
    return grouped.agg(
        numbers=("error", "size"), worst=("finite", "max"), over_1e6=("over", "sum"),
        of_them_optimiser_rows=("over_optimiser", "sum"), missing_mismatches=("missing", "sum"),
    ).reset_index()  # fmt: skip


def worst_genes(rows: pd.DataFrame) -> pd.DataFrame:
    """The numbers farthest from R's; of one gene's column in several results of a case, the worst."""
    kept = rows.assign(reason=reasons(rows)).sort_values("error", ascending=False, kind="stable")
    kept = kept.drop_duplicates(["case", "column", "gene"]).head(WORST)
    return kept[["case", "part", "column", "gene", "R", "foldwise", "error", "reason"]]


def markdown(table: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|" + "---|" * table.shape[1]]
    return "\n".join(
        [*lines, *("| " + " | ".join(_cell(v) for v in row) + " |" for row in table.itertuples(index=False))]
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "0" if value == 0 else f"{value:.1e}"
    return f"{value:,}" if isinstance(value, int | np.integer) else str(value)


def page(rows: pd.DataFrame, columns: pd.DataFrame, refusals: dict[str, bool], root: str) -> str:
    words = {"coefficients": "coefficients (log2)", "errors": "their standard errors"}
    by_column = columns.assign(column=columns["part"].map(words).fillna(columns["column"])).groupby("column").agg(
        numbers=("numbers", "sum"), worst=("worst", "max"), over=("over_1e6", "sum"), optimiser=("of_them_optimiser_rows", "sum"),
        missing=("missing_mismatches", "sum"),
    ).reset_index().sort_values("worst", ascending=False)  # fmt: skip
    by_case = columns.groupby("case", sort=False).agg(
        numbers=("numbers", "sum"), worst=("worst", "max"), over=("over_1e6", "sum"), optimiser=("of_them_optimiser_rows", "sum"),
        missing=("missing_mismatches", "sum"),
    ).reset_index()  # fmt: skip
    at = columns.loc[columns.groupby("case")["worst"].idxmax()].set_index("case")
    by_case["worst in"] = [f"{at.part[c]}/{at.column[c]}" for c in by_case["case"]]
    named = {"over": "over 1e-6", "optimiser": "of these optimiser rows", "missing": "NA mismatches"}
    total, over, missing = len(rows), int(columns["over_1e6"].sum()), int(columns["missing_mismatches"].sum())
    optimiser = int(columns["of_them_optimiser_rows"].sum())
    versions = ", ".join([f"foldwise {foldwise_version}", *(f"{name} {version(name)}" for name in LIBRARIES)])
    stops = "\n".join(
        f"- `{name}`: {'refused here too' if ok else '**not refused here**'}" for name, ok in refusals.items()
    )
    of_optimiser, genes = int(rows["optimiser"].sum()), len(_genes(rows[rows["optimiser"]]))
    return f"""# Parity with R

<!-- Written by benchmarks/parity_page.py; edit that, not this. -->

Every case of `{root}` asked again of foldwise, and every number held against R's. Made by

    python benchmarks/parity_page.py

with {versions}, Python {platform.python_version()} on {platform.machine()}; R's answers were made by R 4.2.2 with DESeq2
1.38.3, so foldwise is asked with `compat="1.38"`. `make_tables.R` beside the cases makes them again.

**{total:,} numbers in {columns["case"].nunique()} cases: {over} differ by more than 1e-6, and {missing} are missing on one
side only.**

{of_optimiser:,} of these numbers belong to the {genes} genes that R hands to its general optimiser, and {optimiser} of them
differ by more than 1e-6 ("optimiser rows" below). That is so in these cases and is no rule: where the likelihood of such a
gene is nearly flat, the last bits of its dispersion and of its start decide, and R itself moves between builds.
[method](method.md#genes-for-rs-general-optimiser) says how much, and how to list these genes.

The error of a number *a* against R's *b* is `|a - b| / (|b| + f)`, with a floor *f* of 1e-4 for fold changes and statistics
and of 1e-6 or less for the rest; for p-values it is `|ln a - ln b| / max(1, |ln b|)`. Dispersions that both put
below 1e-6 count as equal: there R's own value is the rounding of its likelihood. [method](method.md) says where R stops
early and why this decides a digit.

Every case and column: [parity.tsv](parity.tsv). The hundred numbers farthest from R's, with the reason where it is known:
[worst_genes.tsv](worst_genes.tsv); a test holds that none of them gets worse.

## By column, over all cases

{markdown(by_column.rename(columns=named))}

## By case

{markdown(by_case.rename(columns=named))}

## Where R stops with an error

{stops or "(no such case)"}

## Other tables of R's answers

Held by tests of their own, each with the script that made its tables: designs and coefficient names
(`tests/parity/design`), trends and priors (`trend`), filtering and adjustment (`filtering`), glmGamPoi (`glm_gam_poi`),
shrinkage (`shrinkage`), transformations and unmixing (`transforms`), edgeR's normalisations (`abundance`), and R's general
optimisers (`tests/optimise`).
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=OWN)
    parser.add_argument("--only", default="", help="regular expression on case names; nothing is written then")
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: list[pd.DataFrame] = []
    refusals: dict[str, bool] = {}
    for case in cases(asked.root):
        if not re.search(asked.only, case.name):
            continue
        if case.refusal is not None:
            refusals[case.name] = refused(case)
            print(f"{case.name}: R stops; so do we: {refusals[case.name]}")
            continue
        fit = fitted(case)
        found = compared(case, fit)
        rows.append(found)
        allowed = not_refused(case, fit)
        refusals |= {f"{case.name}, results {name}": name not in allowed for name in case.refused_results}
        finite = found["error"][np.isfinite(found["error"])]
        over, missing = int((finite > LIMIT).sum()), len(found) - len(finite)
        print(f"{case.name}: {len(found)} numbers, worst {finite.max():.1e}, over 1e-6: {over}, NA {missing}")
    every = pd.concat(rows, ignore_index=True)
    if asked.only:
        print(worst_genes(every).head(20).to_string())
        return 0
    columns = columns_of(every)
    columns.to_csv(asked.docs / "parity.tsv", sep="\t", index=False, float_format="%.3g")
    worst_genes(every).to_csv(asked.docs / "worst_genes.tsv", sep="\t", index=False, float_format="%.17g")
    name = asked.root.resolve()
    shown = str(name.relative_to(HERE.parent)) if name.is_relative_to(HERE.parent) else asked.root.name
    (asked.docs / "parity.md").write_text(page(every, columns, refusals, shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
