"""Contrast files, nf-core's layout and its module's options."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.cli.contrast_file import read_contrasts
from foldwise.errors import ContrastError

CSV = "id,variable,reference,target,blocking,exclude_samples_col,exclude_samples_values\n"
NF = (
    "--count_file",
    "counts.tsv",
    "--sample_file",
    "samples.csv",
    "--contrast_variable",
    "condition",
    "--reference_level",
    "control",
)
MODULE_FILES = {
    "x.deseq2.results.tsv", "x.normalised_counts.tsv", "x.deseq2.sizefactors.tsv", "x.deseq2.model.txt", "x.vst.tsv",
    "x.deseq2.dispersion.png", "x.deseq2.dispersion.pdf", "x.session.txt", "versions.yml",
}  # fmt: skip


def table(path):
    return pd.read_csv(path, sep="\t", index_col=0, float_precision="round_trip")


def test_contrasts_of_a_csv_file(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(
        "\ufeff" + CSV + "a,treatment,mock,drug,batch;sex,,\r\n\r\nb,treatment,mock,drug,,replicate,1;2\r\n"
    )
    first, second = read_contrasts(path)
    assert (first.id, first.levels, first.blocking) == ("a", ("treatment", "drug", "mock"), ("batch", "sex"))
    assert (second.exclude_column, second.exclude_values) == ("replicate", ("1", "2"))


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_contrasts_of_other_separators(tmp_path, separator):
    path = tmp_path / "c.tsv"
    path.write_text("id,variable,reference,target\na,x,m,d\n".replace(",", separator))
    assert read_contrasts(path)[0].levels == ("x", "d", "m")


def test_contrasts_of_a_yaml_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "contrasts:\n  - id: a\n    comparison: [treatment, no, yes]\n    blocking_factors: [batch]\n"
        "  - id: b\n    formula: '~ g * t'\n    make_contrasts_str: 'gKO.tT'\n  - {id: c, comparison: [dose, 1, 10]}\n"
    )
    first, second, third = read_contrasts(path)
    assert first.levels == ("treatment", "yes", "no")
    assert (second.formula, second.expression) == ("~ g * t", "gKO.tT")
    assert third.levels == ("dose", "10", "1")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("c.csv", "id,variable,target\na,b,c\n", "'reference'"),
        ("c.csv", "id,variable,reference,target\n", "no contrast"),
        ("c.csv", "id,variable,reference,target\na,x,,d\n", "line 2"),
        ("c.csv", "id,variable,reference,target\na,x,m,d\na,x,m,e\n", "same files"),
        ("c.csv", "id,variable,reference,target\n..,x,m,d\n", "name files"),
        ("c.yaml", "contrasts:\n  - comparison: [a, b]\n", "entry 1"),
        ("c.yaml", "- a\n- b\n", "names with their values"),
        ("c.yaml", "contrasts: [\n", "not YAML"),
        ("c.yaml", "contrasts: !!python/object/apply:os.getpid []\n", "not YAML"),
    ],
)
def test_files_of_contrasts_that_cannot_be_read(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=said):
        read_contrasts(tmp_path / name)


def test_each_contrast_has_its_model_and_the_module_s_files(files, within):
    (files / "c.csv").write_text(
        CSV + "plain,condition,control,treated,,,\nblocked,condition,control,treated,batch,,\n"
    )
    done = within("run", "counts.tsv", "samples.csv", "--contrasts", "c.csv", "--out", "out", "--no-pictures")
    assert done.code == 0, done.err
    assert (files / "out" / "plain.deseq2.model.txt").read_text() == "~ 0 + condition\n"
    assert (files / "out" / "blocked.deseq2.model.txt").read_text() == "~ 0 + batch + condition\n"
    found = table(files / "out" / "blocked.deseq2.results.tsv")
    assert found.index.name == "gene_id"
    assert list(found.columns) == ["baseMean", "log2FoldChange", "lfcSE", "pvalue", "padj"]
    samples = pd.read_csv(files / "samples.csv", index_col=0, dtype=str)
    counts = table(files / "counts.tsv")
    fit = fw.deseq(counts, "~ 0 + batch + condition", samples=samples, progress=False)
    np.testing.assert_allclose(
        found["pvalue"], fit.results(("condition", "treated", "control")).table["pvalue"], rtol=1e-13
    )
    factors = table(files / "out" / "blocked.deseq2.sizefactors.tsv")
    assert factors.index.name == "sample"
    np.testing.assert_allclose(factors["sizeFactor"], fit.size_factors, rtol=1e-13)


def test_plain_layout_fits_once_and_keeps_the_statistic(files, within):
    (files / "c.csv").write_text(CSV + "one,condition,control,treated,batch,,\nother,condition,treated,control,,,\n")
    run = ("run", "counts.tsv", "samples.csv", "--contrasts", "c.csv", "--layout", "plain", "--factor", "batch")
    done = within(*run, "--out", "out", "--no-pictures")
    assert done.code == 0, done.err
    one, other = (table(files / "out" / f"{name}.results.tsv") for name in ("one", "other"))
    np.testing.assert_array_equal(one["stat"], -other["stat"])
    assert json.loads((files / "out" / "run.json").read_text())["comparisons"]["one"]["design"] == "~ batch + condition"


def test_samples_can_be_left_out_of_a_contrast(files, within):
    (files / "c.csv").write_text(CSV + "a,condition,control,treated,,batch,2\n")
    run = ("run", "counts.tsv", "samples.csv", "--contrasts", "c.csv", "--out", "out", "--no-pictures", "--quiet")
    assert within(*run).code == 0
    assert list(table(files / "out" / "a.normalised_counts.tsv").columns) == ["s1", "s2", "s3", "s4"]


def test_sums_of_coefficients_in_a_yaml_file(files, within):
    (files / "c.yaml").write_text(
        "contrasts:\n  - {id: direct, formula: '~ condition', make_contrasts_str: condition_treated_vs_control}\n"
        "  - {id: summed, formula: '~ condition', make_contrasts_str: '(X.Intercept. + conditiontreated) - X.Intercept.'}\n"
    )
    run = (
        "run",
        "counts.tsv",
        "samples.csv",
        "--contrasts",
        "c.yaml",
        "--out",
        "out",
        "--no-pictures",
        "--shrink",
        "none",
    )
    done = within(*run)
    assert done.code == 0, done.err
    direct, summed = (table(files / "out" / f"{name}.deseq2.results.tsv") for name in ("direct", "summed"))
    assert "stat" in direct
    np.testing.assert_allclose(direct["pvalue"], summed["pvalue"], rtol=1e-9)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,group,control,treated,,,", "no column"),
        ("a,condition,mock,treated,,,", "mock"),
        ("a,condition,control,treated,lane,,", "lane"),
    ],
)
def test_contrasts_that_do_not_fit_the_sheet_are_wrong_use(files, within, row, said):
    (files / "c.csv").write_text(CSV + row + "\n")
    done = within("run", "counts.tsv", "samples.csv", "--contrasts", "c.csv", "--out", "out")
    assert done.code == 2
    assert said in done.err
    assert not (files / "out").exists()


def test_the_module_s_options_and_files(files, process):
    counts = table(files / "counts.tsv")
    counts.insert(0, "gene_name", "symbol")
    counts["s9"] = 1.5  # a sample that the sheet does not list, and estimated counts
    counts["s1"] = counts["s1"] + 0.25
    counts.to_csv(files / "counts.tsv", sep="\t")
    options = (
        "--target_level",
        "treated",
        "--output_prefix",
        "x",
        "--blocking_variables",
        "batch",
        "--sample_id_col",
        "sample",
    )
    more = (
        "--vs_method",
        "vst",
        "--round_digits",
        "4",
        "--shrink_lfc",
        "FALSE",
        "--seed",
        "1",
        "--cores",
        "1",
        "--formula",
        "null",
    )
    done = process("nf-core", *NF, *options, *more)
    assert done.code == 0, done.err
    made = {path.name for path in files.iterdir()}
    assert MODULE_FILES | {"x.foldwise"} <= made
    found = table(files / "x.deseq2.results.tsv")
    assert list(found.columns) == ["baseMean", "log2FoldChange", "lfcSE", "stat", "pvalue", "padj"]
    assert (found["baseMean"].round(4) == found["baseMean"]).all()
    assert (files / "versions.yml").read_text().startswith('"FOLDWISE":\n    foldwise:')


def test_control_genes_are_left_out_or_used(files, within):
    (files / "spikes.txt").write_text("gene1\ngene2\ngene3\n")
    options = (
        *NF,
        "--target_level",
        "treated",
        "--output_prefix",
        "x",
        "--control_genes_file",
        "spikes.txt",
        "--quiet",
    )
    assert within("nf-core", *options, "--out", "a").code == 0
    assert len(table(files / "a" / "x.deseq2.results.tsv")) == 117
    assert within("nf-core", *options, "--out", "b", "--sizefactors_from_controls", "TRUE").code == 0
    factors = table(files / "b" / "x.deseq2.sizefactors.tsv")["sizeFactor"]
    counts = table(files / "counts.tsv").iloc[1:4]
    ratio = (np.log(counts) - np.log(counts).mean(axis=1).to_numpy()[:, None]).median()
    np.testing.assert_allclose(np.log(factors), ratio, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target_level", "treated"), "output_prefix"),
        (("--output_prefix", "x"), "--target_level"),
        (("--output_prefix", "x", "--target_level", "treated", "--shrink_lfc", "maybe"), "TRUE"),
        (("--output_prefix", "x", "--target_level", "treated", "--vs_method", "log"), "vst"),
        (("--output_prefix", "x", "--formula", "~ condition"), "contrast_string"),
    ],
)
def test_wrong_use_of_the_module_s_options(files, within, options, said):
    done = within("nf-core", *NF, *options)
    assert done.code == 2
    assert said in done.err


def test_no_contrast_is_code():
    from foldwise.cli.linear_expression import contrast_vector

    nested = "(" * 60 + "a" + ")" * 60
    code = ("__import__('os')", "a.b()", "a[0]", "a ** b", "a; b", "a if b else a", nested)
    broken = ("", "a +", "(a", "a)", "1", "a*b", "a/0", "a/b", "a - a", "2a")
    for text in (*code, *broken):
        with pytest.raises(ContrastError):
            contrast_vector(text, ["a", "b", "a.b"])


def test_linear_expressions():
    from foldwise.cli.linear_expression import contrast_vector

    names = ["a", "b", "gKO.tT", "odd name"]
    for text, expected in {
        "a": [1, 0, 0, 0],
        "-a + b": [-1, 1, 0, 0],
        "(a + b) / 2 - gKO.tT": [0.5, 0.5, -1, 0],
        "0.5*a-1e-1*b": [0.5, -0.1, 0, 0],
        "a - (b - (a - b))": [2, -2, 0, 0],
        "2*(a-b)/4": [0.5, -0.5, 0, 0],
        "`odd name` - a": [-1, 0, 0, 1],
        "a - - b": [1, 1, 0, 0],
    }.items():
        assert contrast_vector(text, names) == pytest.approx(expected), text
