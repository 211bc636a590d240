"""The numbers farthest from R's, kept in docs/worst_genes.tsv: none of them may get worse.

``python benchmarks/parity_page.py`` writes the table anew; a worse one needs a reason in the commit that brings it.
"""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.parity_cases import cases  # noqa: E402
from benchmarks.parity_page import LIMIT, compared  # noqa: E402

FACTOR = 3.0  # rounding differs between machines and libraries
RECORDED = pd.read_csv(ROOT / "docs" / "worst_genes.tsv", sep="\t", dtype={"gene": str}, keep_default_na=False)
RECORDED["error"] = RECORDED["error"].astype(float)
CASES = {case.name: case for case in cases()}


@pytest.mark.parametrize("name", sorted(RECORDED["case"].unique()))
def test_no_worse(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = compared(CASES[name])
    keys = ["part", "column", "gene"]
    now = RECORDED[RECORDED["case"] == name].merge(found, on=keys, suffixes=("_recorded", "_now"))
    assert len(now) == (RECORDED["case"] == name).sum()
    allowed = np.maximum(FACTOR * now["error_recorded"], LIMIT)
    worse = now[now["error_now"] > allowed]
    assert worse.empty, worse[[*keys, "error_recorded", "error_now"]].to_string()


def test_every_difference_beyond_the_limit_has_a_reason():
    unexplained = RECORDED[(RECORDED["error"] > LIMIT) & (RECORDED["reason"] == "")]
    assert unexplained.empty, unexplained.to_string()


def test_the_pages_agree_with_the_table():
    table = pd.read_csv(ROOT / "docs" / "parity.tsv", sep="\t")
    page, method = ((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("parity", "method"))
    total, over = re.search(r"([\d,]+) numbers in \d+ cases: ([\d,]+) differ", page).groups()
    assert (
        int(total.replace(",", "")) == table["numbers"].sum() and int(over.replace(",", "")) == table["over_1e6"].sum()
    )
    pattern = r"([\d,]+) of these numbers belong to the (\d+) genes .*?, and (\d+) of them"
    numbers, genes, apart = re.search(pattern, page, re.DOTALL).groups()
    assert int(apart) == table["of_them_optimiser_rows"].sum() == 0
    assert f"all {numbers} numbers of the {genes} such genes agree to 1e-6" in " ".join(method.split())
