"""``--contrast`` beyond two levels: sums of coefficients and numbers, as R's list and numeric contrasts."""

from __future__ import annotations

import re
import shlex

import pandas as pd
import pytest

import foldwise as fw
from foldwise.cli.coefficient_sum import lists_of, sum_text
from foldwise.errors import ContrastError

RUN = ("run", "counts.tsv", "samples.csv", "--no-pictures", "--out", "out", "--factor", "batch")
DESIGN = ("--design", "~ batch + condition + batch:condition")
MAIN, CROSSED = "condition_treated_vs_control", "batch2.conditiontreated"


def column(path, name="log2FoldChange"):
    return pd.read_csv(path, sep="\t", index_col=0, float_precision="round_trip")[name]


def expected(files, contrast):
    counts = pd.read_csv(files / "counts.tsv", sep="\t", index_col=0)
    samples = pd.read_csv(files / "samples.csv", index_col=0, dtype=str)
    return fw.deseq(counts, DESIGN[1], samples=samples, progress=False).results(contrast).table["log2FoldChange"]


def test_what_the_doctor_says_of_the_other_group_can_be_typed(files, within):
    said = within("doctor", "samples.csv", "--factor", "batch", *DESIGN).out
    line = next(line for line in said.splitlines() if "where batch = 2" in line)
    option = shlex.split(line[line.index("--contrast") :])
    assert option == ["--contrast", f"{MAIN}+{CROSSED}"]
    done = within(*RUN, *DESIGN, *option)
    assert done.code == 0, done.err
    found = column(files / "out" / f"{MAIN}+{CROSSED}.results.tsv")
    pd.testing.assert_series_equal(found, expected(files, ([MAIN, CROSSED], [])), check_names=False)


def test_differences_and_numbers(files, within):
    texts = (f"{MAIN} - {CROSSED}", "numeric:0,0,1,-1")
    done = within(*RUN, *DESIGN, *(part for text in texts for part in ("--contrast", text)), "--save-fit")
    assert done.code == 0, done.err
    tables = [column(files / "out" / f"{name}.results.tsv") for name in (f"{MAIN}_-_{CROSSED}", "numeric_0_0_1_-1")]
    pd.testing.assert_series_equal(tables[0], expected(files, ([MAIN], [CROSSED])), check_names=False)
    pd.testing.assert_series_equal(tables[0], tables[1])
    assert within("certify", "out", "--contrast", texts[0], "--quiet").code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{MAIN}+batch2.conditiontreate", f"Did you mean '{CROSSED}'"),
        (f"{MAIN}+{MAIN}", "twice"),
        (f"{MAIN}-{MAIN}", "twice"),
        (f"{MAIN}+", "'' is no coefficient"),
        ("numeric:0,1", "batch_2_vs_1"),
        ("numeric:0,1,x", "numeric:0,1,-1"),
    ],
)
def test_errors_name_the_coefficients_before_anything_is_fitted(files, within, text, said):
    done = within(*RUN, *DESIGN, "--contrast", text)
    assert done.code == 2 and said in done.err, done.err
    assert not (files / "out").exists()
    if "no coefficient" in done.err:
        assert MAIN in done.err and CROSSED in done.err and "batch_2_vs_1" in done.err


def test_names_that_hold_signs_are_matched_whole():
    names = ["drug", "drug-A", "drug-A+B", "x"]
    assert lists_of("drug-A+B - drug", names) == (["drug-A+B"], ["drug"])
    assert lists_of("-drug-A+x", names) == (["x"], ["drug-A"])
    assert lists_of("drug - x", names) == (["drug"], ["x"])
    with pytest.raises(ContrastError, match=re.escape("'drug_B' is no coefficient")):
        lists_of("drug-A+drug_B", names)
    for lists in ((["drug-A+B", "x"], ["drug"]), ([], ["drug", "x"])):
        assert lists_of(shlex.split(sum_text(lists))[0], names) == lists
