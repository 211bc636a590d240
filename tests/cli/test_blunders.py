"""What people get wrong on the command line, and what they are told: shares for counts, numbers for groups, old files."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.cli.words import asking, in_our_words
from foldwise.errors import CountsError
from foldwise.size_factors.ratios import NO_GEOMETRIC_MEANS

RUN = ("run", "counts.tsv", "samples.csv", "--no-pictures", "--out", "out")
DESIGN = ("--design", "~ condition", "--contrast", "condition,treated,control")


@pytest.fixture
def shares(files):
    counts = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0)
    (counts / counts.sum() * 1e6).to_csv(files / "tpm.tsv", sep="\t")
    rng = np.random.default_rng(1)
    (counts + rng.uniform(0, 0.9, counts.shape)).to_csv(files / "estimated.tsv", sep="\t")
    return files


def test_shares_of_a_million_are_not_rounded_to_counts(shares, within):
    done = within("run", "tpm.tsv", "samples.csv", "--round", "--out", "out", *DESIGN)
    assert done.code == 1
    assert "tpm.tsv" in done.err and "TPM" in done.err and '"foldwise recover-counts"' in done.err
    done = within("transform", "tpm.tsv", "--round")
    assert done.code == 1 and "TPM" in done.err


def test_rounding_is_said_everywhere(shares, within):
    done = within("run", "estimated.tsv", "samples.csv", "--round", "--report", "--out", "out", *DESIGN)
    assert done.code == 0, done.err
    assert "rounded" in done.err
    assert any("rounded" in note for note in json.loads((shares / "out" / "run.json").read_text())["data"]["notes"])
    page = (shares / "out" / "report.html").read_text("utf-8")
    assert "The counts were estimates: rounded" in page and "estimates, rounded to whole numbers" in page


def test_numbers_for_groups_are_noted_and_the_error_names_the_option(files, within):
    samples = pd.read_csv(files / "samples.csv", index_col=0)
    samples["condition"] = (samples["condition"] == "treated").astype(int)
    samples.to_csv(files / "samples.csv")
    done = within(*RUN, "--design", "~ condition", "--report")
    assert done.code == 0
    assert "note: 'condition' holds whole numbers" in done.err and "give --factor condition" in done.err
    assert "holds whole numbers" in (files / "out" / "report.html").read_text("utf-8")
    done = within(*RUN, "--design", "~ condition", "--contrast", "condition,1,0")
    assert done.code == 2 and "--factor condition" in done.err and "astype" not in done.err
    done = within(*RUN, "--design", "~ condition", "--factor", "condition", "--contrast", "condition,1,0")
    assert done.code == 0 and "whole numbers" not in done.err
    assert (
        "--contrast condition,1,0"
        in within("doctor", "samples.csv", "--design", "~ condition", "--factor", "condition").out
    )


def test_groups_too_small_for_outliers_are_told(files, within):
    done = within(*RUN, "--design", "~ batch + condition", "--factor", "batch", "--report")
    words = "No combination of batch x condition has 3 samples"
    assert words in done.err
    assert words in (files / "out" / "report.html").read_text("utf-8")
    assert words in within("doctor", "samples.csv", "--design", "~ batch + condition", "--factor", "batch").out
    assert words in json.loads((files / "out" / "run.json").read_text())["warnings"][-1]


@pytest.mark.parametrize(("option", "package"), [("--parquet", "pyarrow"), ("--h5ad", "anndata")])
def test_packages_are_looked_for_before_fitting(files, within, monkeypatch, option, package):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "foldwise.cli.packages.find_spec", lambda name: None if name == package else real(name), raising=True
    )
    monkeypatch.setattr("foldwise.cli.plain_layout.fitted", lambda *_: pytest.fail("was fitted"))
    done = within(*RUN, *DESIGN, option)
    assert done.code == 2 and f"needs {package}" in done.err


def test_files_of_an_earlier_run_do_not_stay(files, within):
    assert within(*RUN, *DESIGN, "--rnk").code == 0
    (files / "out" / "mine.txt").write_text("kept")
    done = within(*RUN, "--design", "~ condition", "--name", "condition_treated_vs_control", "--shrink", "ashr")
    assert done.code == 0
    assert "removed what an earlier run wrote" in done.err
    left = {path.name for path in (files / "out").iterdir()}
    assert "mine.txt" in left and "condition_treated_vs_control.rnk" not in left
    listed = json.loads((files / "out" / "run.json").read_text())["files"]
    assert set(listed) == left - {"mine.txt"}


def test_a_record_cannot_remove_files_elsewhere(files, within):
    assert within(*RUN, *DESIGN).code == 0
    record = json.loads((files / "out" / "run.json").read_text())
    record["files"] += ["../samples.csv", str(files / "counts.tsv")]
    (files / "out" / "run.json").write_text(json.dumps(record))
    assert within(*RUN, *DESIGN).code == 0
    assert (files / "samples.csv").exists() and (files / "counts.tsv").exists()


def test_transform_takes_the_folder_of_a_fit(saved, within):
    assert within("transform", "out", "--method", "log2", "--out", "a.tsv").code == 0
    assert within("transform", "out/fit.foldwise", "--method", "log2", "--out", "b.tsv").code == 0
    assert (saved.parent / "a.tsv").read_bytes() == (saved.parent / "b.tsv").read_bytes()


@pytest.mark.parametrize("value", ["-3", "2.5", "twice"])
def test_refused_counts_name_the_file(files, within, value):
    lines = (files / "counts.tsv").read_text().splitlines()
    if value == "twice":
        lines.append(lines[3])
    else:
        lines[3] = "\t".join([*lines[3].split("\t")[:-1], value])
    (files / "counts.tsv").write_text("\n".join(lines) + "\n")
    done = within(*RUN, *DESIGN)
    assert done.code == 1 and done.err.startswith("foldwise: ") and "counts.tsv: " in done.err
    if value == "twice":
        assert "1 gene name occurs more than once" in done.err


def test_a_sample_taken_as_gene_names_is_told(files, within):
    counts = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0)
    counts.to_csv(files / "nameless.tsv", sep="\t", index=False)
    done = within("run", "nameless.tsv", "samples.csv", "--out", "out", *DESIGN)
    assert done.code == 2
    assert "nameless.tsv: the first column, 's1', was taken as gene names, but it is a sample" in done.err
    assert "Remove their rows" not in done.err
    counts.drop(columns="s1").to_csv(files / "less.tsv", sep="\t")
    assert "Remove their rows" in within("run", "less.tsv", "samples.csv", "--out", "out", *DESIGN).err


@pytest.mark.parametrize(
    ("options", "words"), [((), "layer 'counts' (X does not hold counts)"), (("--layer", "counts"), "layer 'counts'")]
)
def test_where_the_counts_of_an_h5ad_came_from_is_said_once(files, within, options, words):
    anndata = pytest.importorskip("anndata")
    counts = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0).T.astype(float)
    adata = anndata.AnnData(np.log1p(counts), obs=pd.read_csv(files / "samples.csv", index_col=0))
    adata.layers["counts"], adata.layers["other"] = counts.to_numpy(), counts.to_numpy()
    adata.write_h5ad(files / "c.h5ad")
    done = within("run", "c.h5ad", "--no-pictures", "--out", "out", *options, *DESIGN)
    assert done.code == 0, done.err
    said = [line.strip() for line in done.err.splitlines() if "layer" in line]
    assert said == [
        f"c.h5ad: read 120 genes in 8 samples from {words}",
        "c.h5ad: left out layer 'other'",
    ]
    notes = json.loads((files / "out" / "run.json").read_text())["data"]["notes"]
    assert all(note in notes for note in said)


def test_messages_speak_of_options():
    said = {
        'Use sf_type="poscounts", which takes': "Use --sf-type poscounts, which takes",
        NO_GEOMETRIC_MEANS: "Every gene contains at least one zero, cannot compute log geometric means. Use --sf-type "
        "poscounts, which takes geometric means over the positive counts.",
        "leave these columns out with unlisted='drop'.": "leave these columns out with --drop-unlisted.",
        'test="LRT" needs the smaller model: reduced="~ …"': '--test LRT needs the smaller model: --reduced "~ …"',
        "against it: reference={'g': 'control'}.": "against it: --reference g=control.",
        "For groups make it text: samples['age'].astype(str); for": "For groups give --factor age; for",
        "see foldwise.recover_counts(); x": 'see "foldwise recover-counts"; x',
    }
    assert {text: in_our_words(text) for text in said} == said
    assert asking(("g", "b, c", "a")) == "--contrast 'g,\"b, c\",a'"


@pytest.mark.parametrize("method", ["vst", "rlog", "log2", "normalized"])
def test_a_table_with_zeros_in_every_gene_is_transformed_as_the_message_says(files, within, method):
    counts = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0)
    for k in range(len(counts)):
        counts.iloc[k, k % 8] = 0
    counts.to_csv(files / "sparse.tsv", sep="\t")
    refused = within("transform", "sparse.tsv", "--method", method)
    assert refused.code == 1 and "Use --sf-type poscounts" in refused.err and "fw." not in refused.err
    done = within("transform", "sparse.tsv", "--method", method, "--sf-type", "poscounts", "--out", "out.tsv")
    assert done.code == 0, done.err
    if method == "normalized":
        found = pd.read_csv(files / "out.tsv", sep="\t", index_col=0)
        samples = pd.read_csv(files / "samples.csv", index_col=0)
        factors = fw.estimate_size_factors(counts, samples=samples, sf_type="poscounts")
        np.testing.assert_allclose(found, counts / factors, rtol=1e-8)


def test_shares_are_refused_by_the_reader_too(tmp_path):
    from foldwise.io.count_table import check_not_shares

    rng = np.random.default_rng(0)
    values = rng.lognormal(3, 2, (500, 4))
    with pytest.raises(CountsError, match="add"):
        check_not_shares(values / values.sum(axis=0) * 5e7)
    check_not_shares(values)
    check_not_shares(np.full((10, 3), 7.0))


@pytest.mark.parametrize("program", ["STAR", "htseq"])
def test_folders_with_a_file_a_sample(files, within, program):
    counts = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0)
    (files / "folder").mkdir()
    for sample in counts:
        if program == "STAR":
            lines = [f"N_{word}\t1\t1\t1" for word in ("unmapped", "multimapping", "noFeature", "ambiguous")]
            lines += [f"{gene}\t{n}\t{n // 9}\t{n - n // 9}" for gene, n in counts[sample].items()]
            name = f"{sample}_ReadsPerGene.out.tab"
        else:
            lines = [f"{gene}\t{n}" for gene, n in counts[sample].items()] + ["__no_feature\t3", "__ambiguous\t1"]
            name = f"{sample}.txt"
        (files / "folder" / name).write_text("\n".join(lines) + "\n")
    done = within("run", "folder", "samples.csv", "--no-pictures", "--out", "out", *DESIGN)
    assert done.code == 0, done.err
    done = within("run", f"folder/{name}", "samples.csv", "--no-pictures", "--out", "out", *DESIGN)
    assert done.code == 2 or "give the folder" in done.err
