"""Counts from normalized tables: found where they can be, refused with a reason where not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.recover import NotRecoverableError
from foldwise.recover.precision import precision_of

GENES, SAMPLES = 1200, 4


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    random = np.random.default_rng(4)
    means = 2 ** random.normal(5, 3, (GENES, 1)) * np.array([0.5, 0.9, 1.6, 3.1])
    drawn = random.negative_binomial(3, 3 / (3 + means))
    names = [f"g{i}" for i in range(GENES)]
    return pd.DataFrame(drawn, index=names, columns=list("abcd")).loc[lambda t: (t > 0).any(axis=1)]


@pytest.fixture(scope="module")
def factors(counts: pd.DataFrame) -> pd.Series:
    return fw.estimate_size_factors(fw.CountData(counts, pd.DataFrame(index=counts.columns)))


@pytest.fixture(scope="module")
def normalized(counts: pd.DataFrame, factors: pd.Series) -> pd.DataFrame:
    return counts / factors


@pytest.mark.parametrize("decimals", [None, 6, 5, 4, 3, 2, 1])
def test_all_counts_come_back(
    decimals: int | None, counts: pd.DataFrame, factors: pd.Series, normalized: pd.DataFrame
) -> None:
    found = fw.recover_counts(normalized if decimals is None else normalized.round(decimals))
    pd.testing.assert_frame_equal(found.counts, counts, check_names=False)
    assert found.exact and found.scale == "linear"
    np.testing.assert_allclose(found.size_factors, factors, rtol=1e-4)
    assert found.normalization == "median of ratios"
    row = found.certificate.iloc[0]
    assert row["largest_distance"] <= row["allowed_distance"] < 0.5
    assert row["share_within"] == 1 and row["log10_chance"] < -20 and row["common_divisor"] == 1
    assert found.certificate["recomputed_over_found"].to_numpy() == pytest.approx(1, rel=1e-3)


def test_other_tables_that_are_one_factor_a_sample(counts: pd.DataFrame, normalized: pd.DataFrame) -> None:
    for table, kind in (
        (fw.cpm(counts), "library-scaled"),
        ((normalized * 3).round(3), "median of ratios, rescaled"),
        (normalized[(normalized.mean(axis=1) > 10)], "near median of ratios"),
        (normalized * [1, 2, 1, 0.3], "one factor a sample"),
    ):
        found = fw.recover_counts(table)
        pd.testing.assert_frame_equal(found.counts, counts.loc[table.index], check_names=False)
        assert found.normalization == kind


def test_logarithms_are_undone(counts: pd.DataFrame, normalized: pd.DataFrame) -> None:
    found = fw.recover_counts(np.log2(normalized + 1))
    assert found.scale == "log2(x + 1)"
    pd.testing.assert_frame_equal(found.counts, counts, check_names=False)


def test_six_digits_and_floats(counts: pd.DataFrame, normalized: pd.DataFrame) -> None:
    six = normalized.map(lambda v: float(f"{v:.6g}"))
    found = fw.recover_counts(six)
    settled = ~found.undecided
    assert (found.counts == counts)[settled].equals(counts.notna()[settled])
    pd.testing.assert_frame_equal(fw.recover_counts(normalized.astype(np.float32)).counts, counts, check_names=False)


def test_what_cannot_be_decided_is_listed(counts: pd.DataFrame, normalized: pd.DataFrame) -> None:
    found = fw.recover_counts(normalized.map(lambda v: float(f"{v:.4g}")))
    assert not found.exact
    settled = ~found.undecided.to_numpy()
    assert (found.counts.to_numpy() == counts.to_numpy())[settled].all()
    assert found.certificate["undecided_genes"].sum() == (~settled).sum()
    assert "more than one count" in found.summary


def test_a_column_with_a_factor_of_one_among_rounded_ones(counts: pd.DataFrame) -> None:
    table = (counts / [1.0, 1.37, 0.71, 2.9]).round(2)
    pd.testing.assert_frame_equal(fw.recover_counts(table).counts, counts, check_names=False)


def test_whole_numbers_with_factors_below_one(counts: pd.DataFrame) -> None:
    found = fw.recover_counts((counts / [0.31, 0.44, 0.57, 0.66]).round())
    pd.testing.assert_frame_equal(found.counts, counts, check_names=False)


def refusals(counts: pd.DataFrame, normalized: pd.DataFrame) -> list[tuple[pd.DataFrame, str]]:
    random = np.random.default_rng(8)
    ranks = normalized.rank(method="first").astype(int).to_numpy() - 1
    quantiles = np.sort(normalized.to_numpy(), axis=0).mean(axis=1)
    lengths = pd.Series(random.uniform(300, 9000, len(counts)), index=counts.index)
    noise = np.exp(random.normal(0, 0.1, normalized.shape))
    return [
        (normalized.round(), "rounded"),
        (fw.tpm(counts, lengths=lengths), "TPM"),
        (normalized * noise, "Gene-wise factors"),
        ((normalized * noise).round(2), "Gene-wise factors"),
        (pd.DataFrame(quantiles[ranks], normalized.index, normalized.columns), "quantile-normalized"),
        (np.log2(normalized + 0.7), "negative"),
        (np.log2(normalized + 3) - 1, "logarithms"),
        (normalized.assign(d=normalized["d"] * noise[:, 0]), "other samples"),
        (normalized.iloc[:20], "different values"),
        (normalized.map(lambda v: float(f"{v:.2g}")), "more coarsely"),
        (normalized - normalized.mean(), "negative"),
    ]


def test_refusals_give_reason_evidence_and_way_out(counts: pd.DataFrame, normalized: pd.DataFrame) -> None:
    for table, reason in refusals(counts, normalized):
        with pytest.raises(fw.CountsError, match=reason) as caught:
            fw.recover_counts(table)
        if "negative" not in reason:
            assert isinstance(caught.value, NotRecoverableError)
            for part in ("Why:", "Evidence:", "What can be done:", "ask for the counts"):
                assert part in str(caught.value)
            assert caught.value.evidence is not None


def test_the_way_out_works(normalized: pd.DataFrame) -> None:
    data = fw.CountData(normalized.round(), pd.DataFrame(index=normalized.columns), size_factors=1)
    assert data.size_factors is not None and (data.size_factors == 1).all()


def test_bad_tables(normalized: pd.DataFrame) -> None:
    for table, words in (
        (normalized.mask(normalized > 1e4), "missing"),
        (normalized.assign(x="y"), "'x'"),
        (normalized.assign(z=0.0), "'z'"),
        (pd.concat([normalized, normalized]), "twice"),
        (normalized.to_numpy(), "DataFrame"),
    ):
        with pytest.raises(fw.CountsError, match=words):
            fw.recover_counts(table)
    with pytest.raises(fw.SamplesError, match="'d'"):
        fw.recover_counts(normalized, samples=pd.DataFrame({"group": [1, 2, 3]}, index=list("abc")))


def test_on_to_a_fit(counts: pd.DataFrame, normalized: pd.DataFrame) -> None:
    samples = pd.DataFrame({"group": ["x", "y", "x", "y"]}, index=list("dcba"))
    found = fw.recover_counts(normalized.round(3), samples=samples)
    data = found.to_count_data()
    assert data.samples["group"].tolist() == ["y", "x", "y", "x"]
    assert data.size_factors is None
    own = found.to_count_data(found_size_factors=True)
    assert own.size_factors is not None
    np.testing.assert_allclose(own.size_factors, found.size_factors)


def test_precision_is_told_from_the_values() -> None:
    values = np.abs(np.random.default_rng(0).normal(0, 300, 500)) + 0.01
    assert precision_of(values).words == "full precision"
    assert precision_of(values.round(2)).words == "2 decimals"
    assert precision_of(values.round()[values > 1]).words == "whole numbers"
    assert precision_of(np.array([float(f"{v:.4g}") for v in values])).digits == 4
    assert precision_of(values.astype(np.float32).astype(float)).words == "32-bit floats"


def test_raw_counts_are_called_raw_counts() -> None:
    rng = np.random.default_rng(8)
    means = rng.lognormal(4, 1.5, (600, 1)) * np.array([0.4, 1.0, 2.5])
    counts = pd.DataFrame(rng.poisson(means), columns=["a", "b", "c"])
    with pytest.raises(NotRecoverableError, match="integers already.*raw counts.*nothing to recover") as refused:
        fw.recover_counts(counts)
    assert "ask for the counts" not in str(refused.value)
