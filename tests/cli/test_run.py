"""``foldwise run`` as its users meet it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import click
import numpy as np
import pandas as pd

import foldwise as fw
from foldwise.cli.normalized_table import write_normalized

DESIGN = ("--design", "~ batch + condition", "--factor", "batch", "--contrast", "condition,treated,control")
RUN = ("run", "counts.tsv", "samples.csv", "--out", "out")
NAME = "condition_treated_vs_control"


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def results(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", index_col=0, float_precision="round_trip")


def test_a_run_writes_tables_pictures_and_a_record(files, process):
    done = process(*RUN, *DESIGN)
    assert done.code == 0, done.err
    assert listing(files / "out") == sorted(
        [
            f"{NAME}.results.tsv",
            "genes.tsv",
            "normalized_counts.tsv",
            *(
                f"pictures/{name}.{kind}"
                for name in (f"{NAME}.ma", f"{NAME}.volcano", "dispersion", "pca")
                for kind in ("png", "svg")
            ),
            "run.json",
            "size_factors.tsv",
        ]
    )
    table = results(files / "out" / f"{NAME}.results.tsv")
    assert list(table.columns) == [*("baseMean", "log2FoldChange", "lfcSE", "stat", "pvalue", "padj"), "status"]
    assert done.out == ""
    assert "adjusted p-value < 0.1" in done.err
    assert "Traceback" not in done.err


def test_the_table_is_that_of_the_library(files, within):
    assert within(*RUN, *DESIGN, "--no-pictures").code == 0
    counts = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0)
    samples = pd.read_csv(files / "samples.csv", index_col=0, dtype=str)
    expected = fw.deseq(counts, "~ batch + condition", samples=samples, progress=False)
    expected = expected.results(("condition", "treated", "control")).table
    found = results(files / "out" / f"{NAME}.results.tsv")
    pd.testing.assert_frame_equal(found, expected, check_names=False, check_exact=True, check_dtype=False)


def test_standard_input_gives_the_same_bytes_and_a_checksum(files, process):
    content = (files / "counts.tsv").read_bytes()
    assert process(*RUN, *DESIGN, "--no-pictures").code == 0
    first = (files / "out" / f"{NAME}.results.tsv").read_bytes()
    arguments = ("run", "-", "samples.csv", "--out", "out2", "--no-pictures", *DESIGN)
    assert process(*arguments, stdin=gzip.compress(content)).code == 0
    assert (files / "out2" / f"{NAME}.results.tsv").read_bytes() == first
    record = json.loads((files / "out2" / "run.json").read_text())
    assert len(record["inputs"]["counts"]["sha256"]) == 64


def test_json_on_standard_output_and_nothing_else_there(files, process):
    done = process(*RUN, *DESIGN, "--no-pictures", "--json")
    found = json.loads(done.out)
    assert found["comparisons"][NAME]["significant"] > 5
    assert found["files"] == listing(files / "out")


def test_more_files_on_request(files, within):
    done = within(
        *RUN,
        *DESIGN,
        "--no-pictures",
        "--rnk",
        "--parquet",
        "--filter",
        "--multiqc",
        "--save-fit",
        "--shrink",
        "ashr",
        "--quiet",
    )
    assert (done.code, done.err) == (0, "")
    made = listing(files / "out")
    assert {
        f"{NAME}.rnk",
        f"{NAME}.results.parquet",
        f"{NAME}.results_filtered.tsv",
        f"{NAME}.ashr.tsv",
        "fit.foldwise",
    } <= set(made)
    assert [name for name in made if "_mqc" in name] == [
        f"foldwise_{part}_mqc.{kind}"
        for part, kind in (("distances", "json"), ("general", "tsv"), ("genes", "json"), ("pca", "json"))
    ]
    table = results(files / "out" / f"{NAME}.results.tsv")
    pd.testing.assert_frame_equal(
        pd.read_parquet(files / "out" / f"{NAME}.results.parquet"), table, check_names=False, check_dtype=False
    )
    ranked = pd.read_csv(files / "out" / f"{NAME}.rnk", sep="\t", header=None)
    assert (np.diff(ranked[1]) <= 0).all()
    assert ranked.shape == (119, 2)
    for name in made:
        if name.endswith("_mqc.json"):
            assert {"id", "plot_type", "data"} <= set(json.loads((files / "out" / name).read_text()))


def test_a_file_of_options_says_what_flags_say_and_flags_win(files, within):
    (files / "params.yaml").write_text(
        "design: ~ batch + condition\nfactor: batch\ncontrast: [[condition, treated, control]]\nalpha: 0.05\npictures: false\n"
    )
    assert within(*RUN, "--params", "params.yaml").code == 0
    record = json.loads((files / "out" / "run.json").read_text())
    assert record["arguments"]["alpha"] == 0.05
    assert within(*RUN[:-1], "out2", "--params", "params.yaml", "--alpha", "0.2").code == 0
    assert json.loads((files / "out2" / "run.json").read_text())["arguments"]["alpha"] == 0.2


def test_the_record_repeats_the_run_and_notices_other_data(files, within):
    assert within(*RUN, *DESIGN, "--no-pictures", "--alpha", "0.02").code == 0
    done = within("run", "--params", "out/run.json", "--out", "again")
    assert done.code == 0, done.err
    assert "checksum" not in done.err
    for name in (f"{NAME}.results.tsv", "genes.tsv"):
        assert (files / "again" / name).read_bytes() == (files / "out" / name).read_bytes()
    with (files / "samples.csv").open("a") as table:
        table.write("\n")
    assert "checksum differs" in within("run", "--params", "out/run.json", "--out", "again").err


def test_unknown_options_in_a_file_are_named(files, within):
    (files / "params.json").write_text('{"desing": "~ condition"}')
    done = within(*RUN, "--params", "params.json")
    assert done.code == 2
    assert "'desing'" in done.err


def test_files_that_carry_samples_need_no_sample_table(files, within):
    import anndata

    counts = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0)
    anndata.AnnData(counts.T.astype(float), obs=pd.read_csv(files / "samples.csv", index_col=0)).write_h5ad(
        files / "c.h5ad"
    )
    assert within("run", "c.h5ad", "--out", "out", "--no-pictures", "--quiet", *DESIGN).code == 0
    done = within("run", "counts.tsv", "--out", "out3", *DESIGN)
    assert done.code == 2
    assert "Missing SAMPLES" in done.err


def test_an_old_folder_keeps_its_other_files(files, within):
    (files / "out").mkdir()
    (files / "out" / "notes.txt").write_text("mine")
    assert within(*RUN, *DESIGN, "--no-pictures", "--quiet").code == 0
    assert (files / "out" / "notes.txt").read_text() == "mine"


def test_normalized_counts_have_ten_digits_or_are_left_out(files, within):
    (files / "counts.tsv").write_text((files / "counts.tsv").read_text().replace("gene7\t", '"a ""b"" gene"\t'))
    assert within(*RUN, *DESIGN, "--no-pictures").code == 0
    counts, factors = results(files / "counts.tsv"), results(files / "out" / "size_factors.tsv").iloc[:, 0]
    found = results(files / "out" / "normalized_counts.tsv")
    pd.testing.assert_frame_equal(found, counts / factors, rtol=5e-10, check_names=False, check_dtype=False)
    texts = (files / "out" / "normalized_counts.tsv").read_text().splitlines()[1].split("\t")[1:]
    assert max(len(text.replace(".", "").lstrip("0")) for text in texts) == 10
    assert within(*RUN, *DESIGN, "--no-pictures", "--no-normalized").code == 0
    assert "normalized_counts.tsv" not in listing(files / "out")


def test_normalized_counts_are_written_in_parts_and_with_missing_values(tmp_path, monkeypatch):
    table = pd.DataFrame({"a": [0.0, 1 / 3, np.nan], "b": [1e6, 12345.678901234, 2.0]}, index=["x", "tab\there", "z"])
    monkeypatch.setattr("foldwise.cli.normalized_table.CELLS_AT_ONCE", 3)
    write_normalized(table, tmp_path / "n.tsv")
    said = ["gene\ta\tb", "x\t0\t1000000", '"tab\there"\t0.3333333333\t12345.6789', "z\tNA\t2"]
    assert (tmp_path / "n.tsv").read_text().splitlines() == said


def test_a_link_in_the_folder_stays(files, within):
    (files / "out").mkdir()
    (files / "out" / "genes.tsv").symlink_to(files / "elsewhere.tsv")
    assert within(*RUN, *DESIGN, "--no-pictures").code == 0
    assert (files / "out" / "genes.tsv").is_symlink()
    assert (files / "elsewhere.tsv").read_text().startswith("gene\t")


# Each option of "run" with a value that is not its default.
OTHER_VALUES: dict[str, object] = {
    "min_replicates_for_replace": float("inf"),
    "min_count": 12.5,
    "alpha": 0.05,
    "lfc_threshold": 0.5,
    "threads": 1,
    "factors": ("batch", "condition"),
    "reference": ("condition=control",),
    "contrasts": ("condition,treated,control", 'condition,"a, b",control'),
    "names": ("batch_2_vs_1",),
}


def _other_value(option):
    if option.name in OTHER_VALUES:
        return OTHER_VALUES[option.name]
    if option.is_flag:
        return not option.default
    if isinstance(option.type, click.Choice):
        return option.type.choices[-1]
    return __file__  # text, and a file that is there


def test_a_record_keeps_every_option(tmp_path):
    from foldwise.cli.params import _take, as_given
    from foldwise.cli.record import _repeatable, json_text
    from foldwise.cli.run import run

    unkept = ("params", "out", "quiet", "as_json", "help")
    options = [one for one in run.params if isinstance(one, click.Option) and one.name not in unkept]
    asked = {str(one.name): _other_value(one) for one in options}
    given = {
        name: _repeatable(value) for name, value in as_given(run, asked).items() if name not in ("out", "quiet", "json")
    }
    (tmp_path / "run.json").write_text(json_text({"foldwise": "1", "arguments": given}))
    context = click.Context(run)
    _take(context, options[0], str(tmp_path / "run.json"))
    for one in options:
        assert one.type_cast_value(context, context.default_map[one.name]) == asked[one.name], one.name


def test_a_record_keeps_infinity(files, within):
    never = ("--min-replicates-for-replace", "inf")
    assert within(*RUN, *DESIGN, "--no-pictures", *never).code == 0
    assert within("run", "--params", "out/run.json", "--out", "again").code == 0
    for folder in ("out", "again"):
        arguments = json.loads((files / folder / "run.json").read_text())["arguments"]
        assert arguments["min_replicates_for_replace"] == "inf"
