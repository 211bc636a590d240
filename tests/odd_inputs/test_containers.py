"""Values in another container than the usual one: the same answer as from a list, a Series or a pandas table."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import foldwise as fw


@pytest.fixture(scope="module")
def fit(experiment):
    return fw.deseq(experiment, "~ batch + condition", progress=False, executor="serial")


@pytest.fixture
def genes(counts):
    return list(counts.index)


WORDS = [("condition", "B", "A"), ("batch", "batch2", "batch1")]
SEVERAL = {
    "generator": lambda: (words for words in WORDS),
    "zip": lambda: zip(*zip(*WORDS, strict=True), strict=True),
    "map": lambda: map(list, WORDS),
    "rows": lambda: pd.DataFrame(WORDS, columns=["variable", "target", "reference"]).itertuples(),
    "rows without index": lambda: pd.DataFrame(WORDS).itertuples(index=False),
    "Series": lambda: [pd.Series(words) for words in WORDS],
}


@pytest.mark.parametrize("form", SEVERAL)
def test_several_contrasts_from_an_iterator(form, fit):
    assert list(fit.results_many(SEVERAL[form]())) == list(fit.results_many(WORDS))


def test_a_row_of_a_table_of_contrasts(fit):
    row = next(iter(pd.DataFrame(WORDS, columns=["variable", "target", "reference"]).iterrows()))[1]
    assert fit.results(row).name == fit.results(WORDS[0]).name
    assert fit.results(pd.Series(WORDS[0])).name == fit.results(WORDS[0]).name


def test_a_matrix_of_one_contrast_and_a_pair_without_second_list(fit):
    *others, last = fit.coefficient_names
    expected = fit.results([0] * len(others) + [1]).table["log2FoldChange"]
    for asked in ([[0] * len(others) + [1]], np.eye(len(others) + 1)[-1:], ([last], None)):
        pd.testing.assert_series_equal(fit.results(asked).table["log2FoldChange"], expected)


# ------------------------------------------------------------------------------------------------ names
def test_a_set_of_names_is_taken_in_the_order_of_the_data(experiment, genes):
    assert list(experiment.select(genes=set(genes[5:30])).gene_names) == genes[5:30]
    assert list(experiment.select(samples=frozenset(["sample3", "sample1"])).sample_names) == ["sample1", "sample3"]
    with pytest.raises(fw.CountsError, match="not in the data: 'x'"):
        experiment.select(genes={"x", genes[0]})


def test_select_says_what_to_do_with_positions(experiment, samples):
    for positions in (np.where(samples["condition"] == "A"), np.array([0, 1])):
        with pytest.raises(fw.SamplesError, match=r"data\.sample_names\[positions\]"):
            experiment.select(samples=positions)


@pytest.mark.parametrize("form", [set, frozenset, iter, lambda g: dict.fromkeys(g).keys(), lambda g: map(str, g)])
def test_control_genes_in_any_container(form, experiment, genes):
    expected = fw.estimate_size_factors(experiment, control_genes=genes[:20])
    pd.testing.assert_series_equal(fw.estimate_size_factors(experiment, control_genes=form(genes[:20])), expected)


def test_names_of_genes(counts, samples, genes):
    data = fw.CountData(counts.to_numpy(), samples, genes=(gene for gene in genes))
    assert list(data.gene_names) == genes
    with pytest.raises(fw.CountsError, match="a set, which has no order"):
        fw.CountData(counts.to_numpy(), samples, genes=set(genes))


# ------------------------------------------------------------------------------------------------ numbers by name
def test_size_factors_as_the_file_holds_them(experiment, tmp_path):
    factors = fw.estimate_size_factors(experiment)
    path = tmp_path / "size_factors.tsv"
    factors.iloc[::-1].rename_axis("sample").to_csv(path, sep="\t")
    for table in (pd.read_csv(path, sep="\t", index_col=0), pd.read_csv(path, sep="\t")):
        pd.testing.assert_series_equal(experiment.with_size_factors(table).size_factors, factors)
    column = factors.to_numpy()[:, None]
    pd.testing.assert_series_equal(experiment.with_size_factors(column).size_factors, factors)
    with pytest.raises(fw.FoldwiseError, match="size_factors"):
        experiment.with_size_factors(np.ones((8, 2)))


BY_GENE = {
    "lengths": lambda data, values: fw.tpm(data, lengths=values),
    "geo_means": lambda data, values: fw.estimate_size_factors(data, geo_means=values).to_frame(),
    "dispersions": lambda data, values: fw.estimate_dispersions(data, "~ condition", dispersions=values).dispersions,
    "df": lambda data, values: fw.deseq(data, "~ condition", use_t=True, df=values, progress=False).results().table,
}


@pytest.mark.parametrize("name", BY_GENE)
def test_numbers_by_gene_in_a_dict(name, experiment, genes, rng):
    values = pd.Series(rng.uniform(2.0, 9.0, len(genes)), index=genes)
    shuffled = dict(values.iloc[::-1])
    found, expected = BY_GENE[name](experiment, shuffled), BY_GENE[name](experiment, values)
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())


def test_a_filter_by_gene_in_a_dict(fit, genes, rng):
    values = pd.Series(rng.uniform(2.0, 9.0, len(genes)), index=genes)
    found = fit.results(filter=dict(values.iloc[::-1])).table
    pd.testing.assert_frame_equal(found, fit.results(filter=values).table)


def test_numbers_and_labels_by_sample_in_a_dict(experiment, samples):
    factors = {name: 1.0 + k for k, name in enumerate(reversed(samples.index))}
    found = fw.cpm(experiment, norm_factors=factors, library_sizes=factors)
    pd.testing.assert_frame_equal(
        found, fw.cpm(experiment, norm_factors=pd.Series(factors), library_sizes=pd.Series(factors))
    )
    groups = dict(samples["condition"].iloc[::-1])
    expected = fw.filter_by_expression(experiment, group="condition")
    pd.testing.assert_series_equal(fw.filter_by_expression(experiment, group=groups), expected)
    assert list(experiment.collapse_replicates(groups).sample_names) == ["A", "B"]


# ------------------------------------------------------------------------------------------------ tables
def as_arrow(table):
    return pytest.importorskip("pyarrow").table(table.reset_index(names="name").to_dict("list"))


def as_arrow_of_pandas(table):
    return pytest.importorskip("pyarrow").Table.from_pandas(table)


def as_polars(table):
    return pytest.importorskip("polars").DataFrame(table.reset_index(names="name").to_dict("list"))


def as_lazy(table):
    return as_polars(table).lazy()


@pytest.mark.parametrize("form", [as_arrow, as_arrow_of_pandas, as_polars, as_lazy])
def test_tables_of_other_libraries(form, experiment, counts, samples, tmp_path):
    described = form(samples.astype(str))
    data = fw.CountData(form(counts), described)
    pd.testing.assert_frame_equal(data.counts, experiment.counts, check_names=False)
    assert list(fw.design_matrix("~ condition", described)["conditionB"]) == list(samples["condition"] == "B")
    assert "condition" in str(fw.diagnose(described, "~ condition"))
    pd.testing.assert_frame_equal(fw.cpm(form(counts)), fw.cpm(counts), check_names=False)
    assert fw.median_of_ratios(form(counts)).shape == counts.shape
    counts.to_csv(tmp_path / "c.csv")
    assert list(fw.read_counts(tmp_path / "c.csv", described).samples["condition"]) == list(samples["condition"])
    pictures = pytest.importorskip("matplotlib.pyplot")
    fw.plots.pca(fw.norm_transform(experiment), samples=described, color="condition")
    pictures.close("all")


def test_arrows_of_pandas_keep_the_index_where_text_comes_first(counts, samples):
    table = samples.astype(str).assign(sex=["m", "f"] * 4)[["sex", "condition"]]
    data = fw.CountData(counts, as_arrow_of_pandas(table))
    assert list(data.samples.columns) == ["sex", "condition"]


def test_arrows_arrays(experiment, samples):
    array = pytest.importorskip("pyarrow").array(samples["condition"].astype(str).tolist())
    assert list(experiment.collapse_replicates(array).sample_names) == ["A", "B"]


TRANSCRIPTS = pd.DataFrame({"tx": ["t1", "t2", "t3"], "gene": ["g1", "g1", "g2"]})
MAPS = {
    "Arrow": lambda t: pytest.importorskip("pyarrow").Table.from_pandas(t),
    "polars": lambda t: pytest.importorskip("polars").DataFrame(t.to_dict("list")),
    "Series": lambda t: t.set_index("tx")["gene"],
    "pairs": lambda t: list(zip(t["tx"], t["gene"], strict=True)),
}


@pytest.mark.parametrize("form", MAPS)
def test_transcripts_and_genes(form, tmp_path):
    for sample in ("s1", "s2"):
        (tmp_path / sample).mkdir()
        rows = "".join(f"t{k}\t1000\t900\t{k}\t{10 * k}\n" for k in (1, 2, 3))
        (tmp_path / sample / "quant.sf").write_text("Name\tLength\tEffectiveLength\tTPM\tNumReads\n" + rows)
    samples = pd.DataFrame({"condition": ["a", "b"]}, index=["s1", "s2"])
    data = fw.read_tximport(tmp_path, type="salmon", samples=samples, tx2gene=MAPS[form](TRANSCRIPTS))
    assert data.counts["s1"].to_dict() == {"g1": 30, "g2": 30}


WITHOUT_LABELS = ("cpm", "fpm", "median_of_ratios", "norm_factors", "norm_transform", "rlog", "estimate_size_factors")


@pytest.mark.parametrize("name", WITHOUT_LABELS)
@pytest.mark.parametrize("form", [np.asarray, lambda a: a.tolist()], ids=["array", "lists"])
def test_counts_without_labels(name, form, counts):
    found = getattr(fw, name)(form(counts.to_numpy()))
    np.testing.assert_array_equal(found.to_numpy(), getattr(fw, name)(counts).to_numpy())
    names = found.index if found.ndim == 1 else found.columns
    assert list(names) == [f"sample{k + 1}" for k in range(8)]


def test_vst_without_labels(counts):
    found = fw.vst(counts.to_numpy(), nsub=50)
    np.testing.assert_array_equal(found.to_numpy(), fw.vst(counts, nsub=50).to_numpy())


def test_counts_of_one_dimension(counts):
    for function in (fw.cpm, fw.norm_transform):
        with pytest.raises(fw.CountsError, match="two dimensions"):
            function(counts.to_numpy().ravel())


def test_annotation_beside_an_index_of_names_is_not_to_replace_it(counts, samples):
    with pytest.raises(fw.CountsError, match=r"genes=counts\[\['symbol'\]\]") as told:
        fw.CountData(counts.assign(symbol="x"), samples)
    assert "set_index" not in str(told.value)


# ------------------------------------------------------------------------------------------------ single numbers
def test_numpys_numbers_of_threads(experiment):
    for threads in (np.int64(2), np.array(2)):
        fw.deseq(experiment, "~ condition", progress=False, executor=threads)
    fw.deseq_many({"a": experiment}, "~ condition", progress=False, executor=np.int64(2))


def test_fractions(experiment, fit, counts, samples):
    found = fit.results(lfc_threshold=Fraction(1, 2), alpha=Fraction(1, 20)).table
    pd.testing.assert_frame_equal(found, fit.results(lfc_threshold=0.5, alpha=0.05).table)
    fw.deseq(experiment, "~ condition", min_mu=Fraction(1, 2), progress=False)
    pd.testing.assert_frame_equal(
        fw.norm_transform(experiment, pc=Fraction(1, 2)), fw.norm_transform(experiment, pc=0.5)
    )
    whole = counts.map(lambda count: Fraction(int(count)))
    pd.testing.assert_frame_equal(fw.CountData(whole, samples).counts, counts)
    with pytest.raises(fw.CountsError, match="not a whole number"):
        fw.CountData(whole / 7, samples)


def test_limits_and_numbers_of_a_picture(experiment, fit):
    pictures = pytest.importorskip("matplotlib.pyplot")
    assert fw.plots.ma(fit.results(), ylim=np.array([-2.0, 2.0])).get_ylim() == (-2.0, 2.0)
    fw.plots.ma(fit.results(), labels=np.array(3))
    fw.plots.heatmap(fw.norm_transform(experiment), np.array(5))
    fw.plots.heatmap(fw.norm_transform(experiment), {"gene01", "gene02"})
    pictures.close("all")
