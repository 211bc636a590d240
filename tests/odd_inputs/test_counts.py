"""What is no table of counts is refused: the message says which value, of which gene, in which sample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw

GENE, SAMPLE = "gene17", "sample4"

BAD_VALUES = {
    "negative": (-3, "negative"),
    "fraction": (12.5, r"not a whole number.*recover_counts"),
    "missing": (np.nan, "missing"),
    "infinite": (np.inf, "infinite"),
    "text": ("12 reads", "text"),
    "beyond float64": (float(2**53 + 2), r"2\^53"),
}


@pytest.mark.parametrize("kind", BAD_VALUES)
def test_a_value_that_is_no_count_is_named(kind, counts, samples):
    value, said = BAD_VALUES[kind]
    table = counts.astype(object)
    table.loc[GENE, SAMPLE] = value
    if kind != "text":
        table = table.astype(float)
    with pytest.raises(fw.CountsError, match=f"(?s){said}") as told:
        fw.CountData(table, samples)
    assert GENE in str(told.value)
    assert SAMPLE in str(told.value)


@pytest.mark.parametrize("value", [-1.0, 0.25, np.nan, np.inf])
def test_and_so_in_a_sparse_matrix(value, counts, samples):
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(counts.to_numpy(dtype=float))
    matrix[16, 3] = value
    with pytest.raises(fw.CountsError) as told:
        fw.CountData(matrix, samples, genes=counts.index)
    assert GENE in str(told.value)
    assert SAMPLE in str(told.value)


def test_large_counts_pass_up_to_where_they_are_exact(counts, samples):
    counts.loc[GENE, SAMPLE] = 2**53
    assert fw.CountData(counts, samples).counts.loc[GENE, SAMPLE] == 2**53


@pytest.mark.parametrize("side", ["gene", "sample"])
def test_labels_that_occur_twice_are_listed(side, counts, samples):
    table = (
        counts.rename(index={"gene03": "gene02"}) if side == "gene" else counts.rename(columns={"sample3": "sample2"})
    )
    error = fw.CountsError if side == "gene" else fw.SamplesError
    with pytest.raises(error, match="gene02" if side == "gene" else "sample2"):
        fw.CountData(table, samples)


@pytest.mark.parametrize("label", [None, np.nan, ""])
def test_a_gene_without_a_name_is_refused(label, counts, samples):
    table = counts.set_axis([label, *counts.index[1:]], axis=0)
    with pytest.raises(fw.CountsError, match="no name"):
        fw.CountData(table, samples)


def test_a_sample_table_with_a_label_twice_is_refused(counts, samples):
    with pytest.raises(fw.SamplesError, match="sample1"):
        fw.CountData(counts, pd.concat([samples, samples.iloc[[0]]]))


def test_samples_that_do_not_match_are_listed_with_the_likely_spelling(counts, samples):
    renamed = samples.rename(index={"sample2": "Sample_2", "sample5": "Sample_5"})
    with pytest.raises(fw.SamplesError) as told:
        fw.CountData(counts, renamed)
    for name in ("'sample2'", "'sample5'", "'Sample_2'", "'Sample_5'"):
        assert name in str(told.value)


def test_rows_of_samples_that_were_not_counted_are_listed(counts, samples):
    with pytest.raises(fw.SamplesError, match="'sample8'"):
        fw.CountData(counts.drop(columns="sample8"), samples)


def test_no_name_in_common(counts, samples):
    with pytest.raises(fw.SamplesError, match="No row of the sample table matches"):
        fw.CountData(counts, samples.set_axis(list("abcdefgh")))


def test_an_annotation_column_among_the_counts_is_named(counts, samples):
    counts.insert(0, "symbol", "abc")
    with pytest.raises(fw.FoldwiseError, match="symbol"):
        fw.CountData(counts, samples)


def test_only_zeros(counts, samples):
    with pytest.raises(fw.CountsError, match="0 counts for all genes"):
        fw.CountData(counts * 0, samples)


def test_no_genes(counts, samples):
    with pytest.raises(fw.CountsError, match="no genes"):
        fw.CountData(counts.iloc[:0], samples)


@pytest.mark.parametrize("sf_type", ["ratio", "poscounts"])
def test_a_sample_without_any_count_is_named(sf_type, counts, samples):
    counts["sample6"] = 0
    with pytest.raises(fw.CountsError, match="sample6") as told:
        fw.deseq(fw.CountData(counts, samples), "~ condition", sf_type=sf_type, progress=False)
    assert "sample5" not in str(told.value)


def test_a_zero_in_every_gene_points_to_poscounts(counts, samples, fitted):
    for i in range(len(counts)):
        counts.iloc[i, i % 8] = 0
    data = fw.CountData(counts, samples)
    with pytest.raises(fw.CountsError, match="poscounts"):
        fw.deseq(data, "~ condition", progress=False)
    assert fitted(data, sf_type="poscounts", fit_type="mean")["pvalue"].notna().any()


def test_counts_that_are_the_same_in_all_samples(counts, samples):
    same = counts.copy()
    for name in same:
        same[name] = counts["sample1"]
    with pytest.raises(fw.FoldwiseError, match=r"(?i)same|equal"):
        fw.deseq(fw.CountData(same, samples), "~ condition", progress=False)


@pytest.mark.parametrize("what", ["normalization_factors", "weights", "average_lengths"])
class TestBesideTheCounts:
    def test_sizes_that_do_not_match(self, what, counts, samples):
        with pytest.raises(fw.CountsError, match=what):
            fw.CountData(counts, samples, **{what: np.ones((60, 7))})

    def test_labels_that_do_not_match(self, what, counts, samples):
        ones = (counts * 0.0 + 1.0).rename(index={"gene05": "gene99"})
        with pytest.raises(fw.CountsError, match="gene05"):
            fw.CountData(counts, samples, **{what: ones})

    @pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
    def test_values_out_of_range(self, what, value, counts, samples):
        ones = counts * 0.0 + 1.0
        ones.loc[GENE, SAMPLE] = value
        with pytest.raises(fw.OptionError, match=what) as told:
            fw.CountData(counts, samples, **{what: ones})
        assert GENE in str(told.value)
        assert SAMPLE in str(told.value)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_size_factor_out_of_range_names_its_sample(value, counts, samples):
    factors = pd.Series(1.0, index=samples.index)
    factors["sample7"] = value
    with pytest.raises(fw.OptionError, match="sample7"):
        fw.CountData(counts, samples, size_factors=factors)


def test_size_factors_of_other_samples(counts, samples):
    with pytest.raises(fw.SamplesError, match="sample8"):
        fw.CountData(counts, samples, size_factors=pd.Series(1.0, index=samples.index[:7]))
    with pytest.raises(fw.SamplesError, match="7 values for 8"):
        fw.CountData(counts, samples, size_factors=[1.0] * 7)


def test_no_sample_table(counts):
    with pytest.raises(fw.SamplesError, match="samples="):
        fw.deseq(counts, "~ condition", progress=False)


@pytest.mark.parametrize(("side", "error"), [("samples", fw.SamplesError), ("genes", fw.CountsError)])
def test_select_refuses_names_given_twice(side, error, experiment):
    names = list(experiment.sample_names if side == "samples" else experiment.gene_names)
    with pytest.raises(error, match=rf"these {side} more than once: '{names[1]}'\. "):
        experiment.select(**{side: [*names, names[1], names[1]]})
