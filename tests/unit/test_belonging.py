"""Results belong to a fit: those of another experiment are refused wherever fit and results are handed over together."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.errors import OptionError

USES: dict[str, Callable[[fw.Fit, Any, Path], Any]] = {
    "to_anndata": lambda fit, res, path: fit.to_anndata({"mine": res}),
    "shrink": lambda fit, res, path: fit.shrink("condition_B_vs_A", res=res),
    "shrink normal": lambda fit, res, path: fit.shrink("condition_B_vs_A", res=res, type="normal"),
    "report": lambda fit, res, path: fw.report(fit, res, path / "page.html"),
    "certify": lambda fit, res, path: fit.certify(res),
}


def of(seed: int, **more: Any) -> fw.CountData:
    return fw.simulate(**{"n_genes": 150, "n_samples": 8, "n_batches": 2} | more, seed=seed).data


@pytest.fixture(scope="module")
def fit() -> fw.Fit:
    return fw.deseq(of(1), "~ condition", fit_type="mean")


@pytest.fixture(scope="module")
def others() -> dict[str, fw.Fit]:
    """The same names with other numbers; another design; other samples; more genes."""
    return {
        "baseMean": fw.deseq(of(2), "~ condition", fit_type="mean"),
        "coefficients are": fw.deseq(of(1), "~ batch + condition", fit_type="mean"),
        "samples are": fw.deseq(of(1, n_samples=6), "~ condition", fit_type="mean"),
    }


@pytest.mark.parametrize("use", USES)
def test_results_of_another_fit_are_refused(fit: fw.Fit, others: dict[str, fw.Fit], use: str, tmp_path: Path) -> None:
    for differs, other in others.items():
        with pytest.raises(OptionError, match=rf"of another fit: .*{differs}.*fit\.results"):
            USES[use](fit, other.results(), tmp_path)
    more = fw.deseq(of(1, n_genes=151), "~ condition", fit_type="mean")
    with pytest.raises(OptionError, match="no gene 'gene151'|other genes"):
        USES[use](fit, more.results(), tmp_path)


@pytest.mark.parametrize("use", USES)
def test_results_of_the_same_fit_read_from_a_file_or_made_again_are_its_own(
    fit: fw.Fit, use: str, tmp_path: Path
) -> None:
    fit.save(tmp_path / "fit.foldwise")
    again = fw.deseq(of(1), "~ condition", fit_type="mean", executor=2)
    for same in (fw.load(tmp_path / "fit.foldwise"), again, fit.with_executor(2)):
        USES[use](fit, same.results(alpha=0.05), tmp_path)
    if "shrink" not in use:
        USES[use](fit, fit.shrink(), tmp_path)


def test_sorted_and_smaller_tables_are_taken(fit: fw.Fit, tmp_path: Path) -> None:
    res = fit.results()
    ranked = replace(res, table=res.table.sort_values("pvalue"))
    pd.testing.assert_frame_equal(fit.certify(ranked), fit.certify(res))
    stored = fit.to_anndata({"ranked": ranked, "few": res.table.head(20).round(3)}).varm
    assert (stored["deseq2_ranked"]["padj"].dropna() == res.table["padj"].dropna()).all()
    assert stored["deseq2_few"]["padj"].notna().sum() <= 20
    with pytest.raises(OptionError, match="20 of the fit's 150 genes"):
        fit.certify(replace(res, table=res.table.head(20)))


def test_plain_tables_are_known_by_their_means(fit: fw.Fit, others: dict[str, fw.Fit]) -> None:
    with pytest.raises(OptionError, match=r"results 'mine' are of another fit: baseMean of 1\d\d genes"):
        fit.to_anndata({"mine": others["baseMean"].results().table})


def test_a_likelihood_ratio_table_needs_such_a_fit_to_be_certified(fit: fw.Fit) -> None:
    ratio = fw.deseq(of(1), "~ condition", test="LRT", reduced="~ 1", fit_type="mean")
    with pytest.raises(OptionError, match="likelihood ratio"):
        fit.certify(ratio.results())
    assert ratio.certify(ratio.results(test="Wald"))["ok"].all()


def test_the_page_of_a_sorted_table_shows_each_genes_own_counts(fit: fw.Fit, tmp_path: Path) -> None:
    from foldwise.report.page import _section

    res = fit.results()
    chosen = replace(res, table=res.table.sort_values("baseMean").tail(30))
    section = _section("c0", "one", fit, chosen, None)
    rows = np.frombuffer(base64.b64decode(section.payload["rows"]["data"]), "<i4")
    shown = chosen.table.index[section.models.rows]
    assert list(fit.data.gene_names[rows]) == list(shown)
    fw.report(fit, chosen, tmp_path / "page.html")
