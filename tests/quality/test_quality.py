"""Quality control: planted structure is found and named, and nothing is named where nothing was planted."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise import quality
from foldwise.errors import CountsError, SamplesError
from foldwise.quality.association import adjusted, association_words
from foldwise.quality.correlation import with_own_group


def experiment(seed: int = 0, n: int = 12, genes: int = 1500) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Strain moves many genes, treatment fewer, sex none; samples share two technical factors."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "strain": np.repeat(["A", "B"], n // 2),
            "treatment": np.tile(["control", "drug"], n // 2),
            "sex": np.tile(["f", "f", "m", "m"], n // 4 + 1)[:n],
            "age": rng.normal(50, 10, n),
        },
        index=[f"s{k}" for k in range(n)],
    )
    values = rng.normal(7, 2, (genes, 1)) + rng.normal(0, 0.3, (genes, n))
    for _ in range(2):
        values += np.outer(rng.normal(0, 0.1, genes), rng.normal(0, 1, n))
    values += np.outer(rng.normal(0, 1, genes) * (rng.random(genes) < 0.3), table["strain"] == "B")
    values += np.outer(rng.normal(0, 1, genes) * (rng.random(genes) < 0.1), table["treatment"] == "drug")
    return pd.DataFrame(values, columns=table.index), table


def exchanged(values: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    result = values.copy()
    result[[one, other]] = values[[other, one]].to_numpy()
    return result


# ------------------------------------------------------------------------------------------------------ components
def test_components_are_those_of_the_covariance_of_the_most_variable_genes() -> None:
    values, _ = experiment()
    found = quality.principal_components(values, top=100)
    chosen = values.loc[values.var(axis=1).sort_values(ascending=False).index[:100]].to_numpy().T
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(chosen, rowvar=False)))[::-1][: found.scores.shape[1]]
    np.testing.assert_allclose(found.variance, eigenvalues / np.trace(np.cov(chosen, rowvar=False)), rtol=1e-9)
    np.testing.assert_allclose(found.scores.var(axis=0, ddof=1), eigenvalues, rtol=1e-9)
    centred = chosen - chosen.mean(axis=0)
    np.testing.assert_allclose(centred @ found.loadings.to_numpy(), found.scores.to_numpy(), atol=1e-9)


def test_components_do_not_depend_on_the_order_of_samples() -> None:
    values, _ = experiment()
    first = quality.principal_components(values).scores
    second = quality.principal_components(values[values.columns[::-1]]).scores.loc[first.index]
    np.testing.assert_allclose(first.iloc[:, :5], second.iloc[:, :5], atol=1e-8)


def test_no_components_of_one_sample_or_of_constant_genes() -> None:
    with pytest.raises(CountsError, match="two samples"):
        quality.principal_components(pd.DataFrame({"a": [1.0, 2.0]}))
    with pytest.raises(CountsError, match="No gene varies"):
        quality.principal_components(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}))


# ---------------------------------------------------------------------------------------------------- associations
def test_strain_is_the_first_component_and_treatment_the_second() -> None:
    values, table = experiment()
    found = quality.associations(quality.principal_components(values), table)
    best = found.sort_values("r2").drop_duplicates("component", keep="last").set_index("component")["covariate"]
    assert best["PC1"] == "strain"
    assert best["PC2"] == "treatment"
    said = association_words(found)
    assert said[0].startswith("PC1") and "strain" in said[0]


def test_association_is_the_f_test_of_a_one_way_layout_and_of_a_line() -> None:
    from scipy.stats import f_oneway, linregress

    values, table = experiment()
    table["line"] = list("aaaabbbbcccc")
    components = quality.principal_components(values)
    found = quality.associations(components, table).set_index(["component", "covariate"])
    score = components.scores["PC3"]
    anova = f_oneway(*[score[table["line"] == level] for level in "abc"])
    assert found.loc[("PC3", "line"), "pvalue"] == pytest.approx(anova.pvalue)
    line = linregress(table["age"], score)
    assert found.loc[("PC3", "age"), "pvalue"] == pytest.approx(line.pvalue)
    assert found.loc[("PC3", "age"), "r2"] == pytest.approx(line.rvalue**2)


def test_columns_that_name_every_sample_or_none_are_left_out() -> None:
    values, table = experiment()
    table = table.assign(name=table.index, same="x")
    found = quality.associations(quality.principal_components(values), table)
    assert set(found["covariate"]) == {"strain", "treatment", "sex", "age"}


def test_adjusted_p_values_skip_missing_ones() -> None:
    np.testing.assert_allclose(adjusted(np.array([0.01, np.nan, 0.04, 0.03])), [0.03, np.nan, 0.04, 0.04])


# ----------------------------------------------------------------------------------------------------------- swaps
@pytest.mark.parametrize("seed", range(4))
def test_swapped_samples_are_named_with_the_evidence(seed: int) -> None:
    values, table = experiment(seed)
    found = quality.probable_swaps(exchanged(values, "s1", "s8"), table)
    pairs = [{row.sample_1, row.sample_2} for row in found.itertuples()]
    assert {"s1", "s8"} in pairs
    words = found["evidence"][pairs.index({"s1", "s8"})]
    assert "'s1'" in words and "'s8'" in words and "nearer" in words
    assert "all other samples lie nearer to their own" in words


def test_a_swap_that_three_covariates_show_is_one_line() -> None:
    values, table = experiment()
    table = table.assign(colour=table["strain"].map({"A": "white", "B": "black"}), cage=table["strain"] + "x")
    data = fw.CountData(np.exp2(values.clip(0, 15)).round(), table)
    found = fw.quality(data, transformed=exchanged(values, "s1", "s8"), covariates=["strain", "colour", "cage"])
    assert len(found.swaps) == 3
    (line,) = [note for note in found.notes if note.startswith("Probable swap")]
    assert "'s1'" in line and "'s8'" in line and all(name in line for name in ("strain", "colour", "cage"))


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_named_where_nothing_is_swapped(seed: int) -> None:
    values, table = experiment(seed)
    assert not len(quality.probable_swaps(values, table))


def test_one_mislabelled_sample_is_named_alone() -> None:
    values, table = experiment(1)
    table.loc["s2", "strain"] = "B"
    found = quality.probable_swaps(values, table, ["strain", "treatment"])
    assert list(found["sample_1"]) == ["s2"]
    assert found["sample_2"].isna().all()


def test_a_covariate_without_effect_swaps_nothing() -> None:
    values, table = experiment(2)
    assert "sex" not in set(quality.probable_swaps(exchanged(values, "s0", "s7"), table)["covariate"])


# ----------------------------------------------------------------------------------------------------- correlation
def test_a_sample_unlike_its_group_is_under_the_limit() -> None:
    values, table = experiment()
    values["s3"] = np.random.default_rng(9).permutation(values["s3"])
    own = with_own_group(quality.sample_correlations(values), table["strain"])
    assert own["s3"] < 0.8
    assert (own.drop("s3") > 0.8).all()


def shallow(contaminated: bool) -> fw.CountData:
    """Twenty samples of few counts, of different depth: all correlate poorly. One may be of another kind."""
    rng = np.random.default_rng(4)
    means = rng.lognormal(-0.5, 1.2, (1500, 1)) * rng.uniform(0.6, 1.6, 20)
    if contaminated:
        means[:, 3] = rng.permutation(means[:, 3])
    counts = rng.negative_binomial(1.0, 1 / (1 + means))
    samples = pd.DataFrame({"condition": ["A", "B"] * 10}, index=[f"s{k}" for k in range(20)])
    return fw.CountData(pd.DataFrame(counts, index=[f"g{k}" for k in range(1500)], columns=samples.index), samples)


@pytest.mark.parametrize("contaminated", [False, True])
def test_in_shallow_data_only_a_sample_unlike_the_rest_is_an_outlier(contaminated: bool) -> None:
    found = fw.quality(shallow(contaminated))
    assert len(found.low_correlation) == 20
    named = [note for note in found.notes if note.startswith("Sample ")]
    assert [note.split("'")[1] for note in named] == list(found.outliers.index) == ["s3"] * contaminated
    assert sum("low throughout: 20 of 20" in note for note in found.notes) == 1
    assert sum("unlike" in said or "outlier" in said for said in concerns_of(found)) == contaminated


def concerns_of(found: quality.Quality) -> list[str]:
    from foldwise.report.concerns import _samples

    return _samples(found)


def test_one_contaminated_sample_among_good_ones_is_told_beside_the_usual() -> None:
    values, table = experiment()
    values["s3"] = np.random.default_rng(9).permutation(values["s3"])
    data = fw.CountData(np.exp2(values.clip(0, 15)).round(), table)
    found = fw.quality(data, transformed=values, group="strain")
    assert list(found.outliers.index) == ["s3"]
    assert sum("'s3' correlates" in note and "the others' median is 0.9" in note for note in found.notes) == 1


def test_two_samples_are_not_an_empty_line() -> None:
    data = fw.simulate(n_genes=300, n_samples=4, seed=5).data.select(samples=["sample1", "sample2"])
    assert str(fw.quality(data)).strip()


# ----------------------------------------------------------------------------------------------------- gene filter
def test_filtered_genes_are_counted_by_rule() -> None:
    table = pd.DataFrame(
        {
            "baseMean": [0.0, 9, 1, 50, 60, 70],
            "pvalue": [np.nan, np.nan, 0.5, 0.03, 0.04, 0.06],
            "padj": [np.nan, np.nan, np.nan, 0.06, 0.06, 0.06],
        }
    )
    results = SimpleNamespace(table=table, metadata={"alpha": 0.07, "filter_threshold": 5.0})
    found = quality.filtered_genes(results)
    assert list(found["genes"]) == [1, 1, 1, 3]
    assert found.loc["low mean", "gained"] == 3  # without the filter the smallest adjusted p-value is 0.08


# ------------------------------------------------------------------------------------------------------ the object
@pytest.fixture(scope="module")
def fit() -> fw.Fit:
    return fw.deseq(fw.simulate(n_genes=400, n_samples=8, n_batches=2, seed=3).data, "~ batch + condition")


def test_quality_of_a_fit(fit: fw.Fit) -> None:
    found = fw.quality(fit)
    assert list(found.samples.index) == list(fit.data.sample_names)
    assert {"total", "size_factor", "detected", "zeros", "cooks_median", "cooks_over_cutoff"} <= set(found.samples)
    assert found.group == "condition"
    assert found.filtering is not None and found.filtering["genes"].sum() == 400
    assert str(found).count("\n") + 1 == len(found.notes)
    for draw in (found.pca, found.scree, found.plot_associations, found.plot_correlation):
        assert draw() is not None


def test_quality_of_counts_alone(fit: fw.Fit) -> None:
    found = fw.quality(fit.data, group="batch")
    assert found.filtering is None and found.group == "batch"
    assert "cooks_median" not in found.samples
    same = fw.quality(fit.data.counts, samples=fit.data.samples)
    pd.testing.assert_frame_equal(same.associations, found.associations)


@pytest.fixture(scope="module")
def sparse() -> fw.CountData:
    """No gene free of zeros, as in a table of microbes."""
    data = fw.simulate(n_genes=200, n_samples=8, seed=7).data
    counts = data.counts.copy()
    for k in range(len(counts)):
        counts.iloc[k, k % 8] = 0
    return fw.CountData(counts, data.samples)


def test_quality_of_a_table_with_zeros_in_every_gene_takes_positive_counts_and_says_so(sparse: fw.CountData) -> None:
    found = fw.quality(sparse)
    assert [note for note in found.notes if "poscounts" in note] == found.notes[:1]
    pd.testing.assert_series_equal(
        found.samples["size_factor"], fw.estimate_size_factors(sparse, sf_type="poscounts"), check_names=False
    )


@pytest.mark.parametrize("name", ["pca", "scree", "heatmap", "sample_distances", "size_factors", "sparsity"])
def test_pictures_of_such_a_table_are_drawn_with_one_warning(sparse: fw.CountData, name: str) -> None:
    with pytest.warns(fw.FoldwiseWarning, match="poscounts") as told:
        assert getattr(fw.plots, name)(sparse) is not None
    assert len(told) == 1


@pytest.mark.parametrize("name", ["pca", "sample_distances", "sample_correlation", "heatmap"])
def test_raw_counts_as_a_plain_table_are_drawn_with_one_warning(name: str) -> None:
    counts = fw.simulate(n_genes=200, n_samples=6, seed=3).data.counts
    draw = getattr(fw.plots, name)
    with pytest.warns(fw.FoldwiseWarning, match=r"look like raw counts.*fw\.vst") as told:
        draw(counts)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", fw.FoldwiseWarning)
        draw(np.log2(counts + 1))


def test_transformations_refuse_such_a_table_and_name_what_works(sparse: fw.CountData) -> None:
    for function in (fw.rlog, fw.norm_transform):
        with pytest.raises(CountsError) as told:
            function(sparse)
        way = str(told.value).split("size factors: ")[1].rstrip(".")
        assert function(eval(way, {"fw": fw, "data": sparse})).shape == sparse.counts.shape


def test_quality_names_a_covariate_that_is_not_there(fit: fw.Fit) -> None:
    with pytest.raises(SamplesError, match="no column 'sex'"):
        fw.quality(fit, covariates=["sex"])
    with pytest.raises(SamplesError, match="no column 'sex'"):
        fw.quality(fit, group="sex")
