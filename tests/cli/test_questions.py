"""Commands that ask a saved fit, or work on tables."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

import foldwise as fw


def table(path):
    return pd.read_csv(path, sep="\t", index_col=0, float_precision="round_trip")


def test_explain_says_it_in_words_and_in_json(saved, within):
    done = within("explain", saved, "--gene", "gene0")
    assert done.code == 0
    assert "model's log2 fold change" in done.out
    assert "batch" in done.out
    found = json.loads(within("explain", saved / "fit.foldwise", "--gene", "gene0", "--gene", "gene119", "--json").out)
    assert [one["why"]["cause"] for one in found] == ["ok", "all zero"]
    steps = [step["log2"] for step in found[0]["steps"]]
    np.testing.assert_allclose(sum(steps[:-1]), steps[-1])


def test_explain_draws(saved, within):
    assert within("explain", saved, "--gene", "gene0", "--plot", "picture.png").code == 0
    assert {path.name for path in saved.parent.glob("picture*")} == {"picture.png", "picture.svg"}


def test_wrong_questions_are_2(saved, within):
    done = within("explain", saved, "--gene", "gene1190")
    assert done.code == 2
    assert "gene119" in done.err
    assert within("explain", saved, "--gene", "gene1", "--contrast", "condition,treated,mock").code == 2
    assert within("explain", saved.parent / "counts.tsv", "--gene", "gene1").code == 2
    assert within("explain", saved.parent, "--gene", "gene1").code == 2


def test_certify(saved, within):
    done = within("certify", saved, "--out", "certificate.tsv", "--quiet")
    assert done.code == 0, done.err
    assert "120 genes pass" in done.out
    assert len(table(saved.parent / "certificate.tsv")) == 120
    assert json.loads(within("certify", saved, "--json", "--quiet").out)["ok"] is True


def test_doctor(files, within):
    done = within("doctor", "samples.csv", "--design", "~ batch + condition")
    assert done.code == 0
    assert "can be fitted" in done.out
    assert (
        within("doctor", "samples.csv", "--design", "~ factor(batch) * condition + factor(batch):condition:batch").code
        == 1
    )
    assert within("doctor", "samples.csv", "--design", "~ nothing").code == 2
    assert json.loads(within("doctor", "samples.csv", "--design", "~ condition", "--json").out)["can_be_fitted"] is True


def test_transform_on_standard_output(files, process):
    done = process("transform", "-", "--method", "log2", stdin=(files / "counts.tsv").read_bytes())
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split("\t") == ["gene", *(f"s{i}" for i in range(1, 9))]
    assert len(lines) == 121


def test_a_kept_transformation_gives_the_same_again(files, within):
    assert within("transform", "counts.tsv", "--save", "kept.npz", "--out", "first.tsv").code == 0
    assert within("transform", "counts.tsv", "--apply", "kept.npz", "--out", "again.tsv").code == 0
    np.testing.assert_allclose(table(files / "again.tsv"), table(files / "first.tsv"), rtol=1e-12)
    counts = table(files / "counts.tsv")
    data = fw.CountData(counts, pd.DataFrame(index=counts.columns))
    np.testing.assert_array_equal(table(files / "first.tsv"), fw.variance_stabilizing_transformation(data))


def test_what_a_kept_transformation_has_settled_is_not_asked_again(files, within):
    assert within("transform", "counts.tsv", "--save", "kept.npz", "--out", "first.tsv").code == 0
    given = ("--method", "rlog", "--design", "~ condition", "--nsub", "7", "--no-blind")
    done = within("transform", "counts.tsv", "--apply", "kept.npz", "--out", "again.tsv", *given)
    assert done.code == 2 and "holds a vst" in done.err
    assert all(option in done.err for option in ("--method", "--design", "--nsub", "--no-blind"))
    assert not (files / "again.tsv").exists()
    assert within("transform", "counts.tsv", "--method", "rlog", "--save", "r.npz", "--out", "r.tsv").code == 0
    assert "(rlog) in again.tsv" in within("transform", "counts.tsv", "--apply", "r.npz", "--out", "again.tsv").err


def test_transform_knowing_the_design_needs_it(files, within):
    assert within("transform", "counts.tsv", "--no-blind").code == 2
    options = ("--no-blind", "--design", "~ condition", "--out", "r.csv", "--method", "rlog")
    assert within("transform", "counts.tsv", "samples.csv", *options).code == 0


def test_recover_counts(saved, within):
    files = saved.parent
    normalized = saved / "normalized_counts.tsv"
    options = ("--out", "counts2.tsv", "--size-factors", "sf.tsv", "--certificate", "why.tsv", "--json")
    done = within("recover-counts", normalized, *options)
    assert done.code == 0, done.err
    assert json.loads(done.out)["exact"] is True
    pd.testing.assert_frame_equal(table(files / "counts2.tsv"), table(files / "counts.tsv"), check_names=False)
    noise = table(normalized) * np.random.default_rng(1).uniform(0.9, 1.1, (120, 8))
    noise.to_csv(files / "noise.tsv", sep="\t")
    done = within("recover-counts", "noise.tsv", "--out", "none.tsv")
    assert done.code == 1
    assert not (files / "none.tsv").exists()


def test_report(saved, within):
    done = within("report", saved, "--out", "page.html", "--contrast", "condition,treated,control", "--quiet")
    assert done.code == 0, done.err
    page = (saved.parent / "page.html").read_text()
    assert "condition" in page
    assert "gene118" in page


def test_the_trend_of_few_genes_is_said_to_come_from_all(files, within):
    done = within("transform", "counts.tsv", "--out", "v.tsv")
    said = [line for line in done.err.splitlines() if "the trend is taken from all genes" in line]
    assert done.code == 0 and len(said) == 1 and "varianceStabilizingTransformation()" in said[0]
    counts = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0)
    full = fw.variance_stabilizing_transformation(counts)
    np.testing.assert_allclose(pd.read_csv(files / "v.tsv", sep="\t", index_col=0), full, rtol=1e-9)
