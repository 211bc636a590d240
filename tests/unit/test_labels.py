"""Whose counts are these: what is said where names do not fit, by every route that takes counts and samples."""

from __future__ import annotations

import pandas as pd
import pytest

import foldwise as fw


@pytest.fixture(scope="module")
def made():
    return fw.simulate(n_genes=30, n_samples=8, seed=1).data


@pytest.fixture
def counts(made):
    return made.counts


@pytest.fixture
def samples(made):
    return made.samples.copy()


RENAMED = {
    "prefix": "X{}",
    "suffix": "{}_R1",
    "both": "run7_{}_S1",
    "bam": "{}.sorted.bam",
    "path": "/runs/{}.bam",
    "spaces": " {} ",
}


@pytest.mark.parametrize("form", RENAMED.values(), ids=RENAMED)
@pytest.mark.parametrize("turned", [False, True])
def test_names_that_something_was_added_to_are_recognised(form, turned, counts, samples):
    renamed = counts.rename(columns=form.format)
    with pytest.raises(fw.SamplesError, match=f"probably '{form.format('sample1')}' is 'sample1'"):
        fw.deseq(renamed.T if turned else renamed, "~ condition", samples=samples)
    with pytest.raises(fw.SamplesError, match=f"probably 'sample1' is '{form.format('sample1')}'"):
        fw.CountData(counts, samples.rename(index=form.format))


@pytest.mark.parametrize(("column", "row"), [("s.{}", "s-{}"), ("X{}", "{}"), ("S_0{}", "s{}")])
def test_names_that_r_or_a_hand_changed_are_recognised(column, row, counts, samples):
    numbers = range(1, 9)
    counts = counts.set_axis([column.format(k) for k in numbers], axis=1)
    samples = samples.set_axis([row.format(k) for k in numbers])
    for table in (counts, counts.rename(columns={column.format(8): row.format(8)})):  # no name in common, or one
        with pytest.raises(fw.SamplesError, match=f"probably '{column.format(1)}' is '{row.format(1)}'"):
            fw.CountData(table, samples)


def test_advice_for_double_names_is_for_that_side(counts, samples):
    with pytest.raises(
        fw.SamplesError, match="1 sample name occurs more than once: .*Rename.*collapse_replicates"
    ) as told:
        fw.CountData(counts.rename(columns={"sample3": "sample2"}), samples)
    assert "groupby" not in str(told.value)
    with pytest.raises(fw.SamplesError, match="in the sample table: 'sample1'. Keep one row") as told:
        fw.CountData(counts, pd.concat([samples, samples.iloc[[0]]]))
    assert "groupby" not in str(told.value)
    with pytest.raises(fw.CountsError, match=r"1 gene name occurs more than once: 'gene02'.*groupby"):
        fw.CountData(counts.rename(index={"gene03": "gene02"}), samples)


def test_paths_are_no_tables(counts, samples):
    with pytest.raises(fw.CountsError, match=r"read_counts\('small\.tsv', 'smalls\.tsv'\)"):
        fw.deseq("small.tsv", "~ condition", samples="smalls.tsv")
    with pytest.raises(fw.CountsError, match=r"read_counts\('small\.tsv', samples\)"):
        fw.deseq("small.tsv", "~ condition")
    with pytest.raises(fw.SamplesError, match=r"read_samples\('smalls\.tsv'\)"):
        fw.CountData(counts, "smalls.tsv")
