"""Normalisations against edgeR's: every method, library sizes of one's own, offsets and filters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import foldwise as fw

HERE = Path(__file__).parent
METHODS = ["TMM", "TMMwsp", "RLE", "upperquartile"]


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / f"{name}.tsv.gz", sep="\t", index_col=0, float_precision="round_trip")


def column(name: str) -> pd.Series:
    return table(name)["value"]


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return table("counts")


def same(ours: pd.Series | pd.DataFrame, theirs: pd.Series | pd.DataFrame) -> None:
    assert list(ours.index) == list(theirs.index)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_factors(method: str, counts: pd.DataFrame) -> None:
    same(fw.norm_factors(counts, method=method), column(f"factors_{method}"))


@pytest.mark.parametrize("method", METHODS)
def test_factors_with_library_sizes(method: str, counts: pd.DataFrame) -> None:
    sizes = column("library_sizes")
    same(fw.norm_factors(counts, method=method, library_sizes=sizes[::-1]), column(f"factors_sizes_{method}"))


def test_factor_options(counts: pd.DataFrame) -> None:
    ours = fw.norm_factors(counts, method="TMMwsp", ref_column="s02", logratio_trim=0.2, do_weighting=False)
    same(ours, column("factors_TMMwsp_options"))
    same(fw.norm_factors(counts.iloc[:40], method="TMMwsp"), column("factors_TMMwsp_sparse"))


def test_per_million(counts: pd.DataFrame) -> None:
    sizes, lengths = column("library_sizes"), column("lengths")
    own = {"library_sizes": sizes, "norm_factors": fw.tmm_factors(counts, library_sizes=sizes)}
    same(fw.cpm(counts, **own), table("cpm"))
    same(fw.cpm(counts, log=True, prior_count=np.linspace(0.5, 6, len(counts)), **own), table("cpm_log_priors"))
    same(fw.rpkm(counts, lengths=lengths, **own), table("rpkm"))
    same(fw.rpkm(counts, lengths=lengths, log=True, **own), table("rpkm_log"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("filter_group", {"group": ["x"] * 2 + ["y"] * 11}),
        ("filter_one_group", {"group": ["x"] * 13}),
        ("filter_design", {"design": "design"}),
        (
            "filter_options",
            {"group": ["x"] * 2 + ["y"] * 11, "min_count": 3, "min_total_count": 200, "large_n": 1, "min_prop": 0.5},
        ),
    ],
)
def test_filter(name: str, options: dict[str, object], counts: pd.DataFrame) -> None:
    if "design" in options:
        options = {"design": table("design").to_numpy()}
    kept = fw.filter_by_expression(counts, **options)
    assert kept.tolist() == column(name).tolist()
