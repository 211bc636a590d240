"""Transformations as a user meets them: inputs, labels, frozen objects, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.dispersion.local_regression import CubicPieces
from foldwise.dispersion.trend import LocalTrend, MeanTrend, ParametricTrend
from foldwise.execution import ThreadExecutor
from foldwise.transforms import RegularizedLog, VarianceStabilization, fit_rlog, fit_vst
from foldwise.transforms.forms import form_of

FUNCTIONS = [fw.variance_stabilizing_transformation, fw.rlog, fw.norm_transform]


@pytest.fixture(scope="module")
def data() -> fw.CountData:
    return fw.simulate(n_genes=300, n_samples=9, seed=3).data


@pytest.fixture(scope="module")
def first(data: fw.CountData) -> fw.CountData:
    return data.select(samples=data.sample_names[:6])


@pytest.fixture(scope="module")
def later(data: fw.CountData) -> fw.CountData:
    return data.select(samples=data.sample_names[6:])


def test_fitted_ones_show_themselves_in_a_line(first: fw.CountData, tmp_path: Path) -> None:
    for transform, says in ((fit_vst(first), "Trend, 300 genes"), (fit_rlog(first), "prior variance")):
        shown = repr(transform)
        assert says in shown and "fitted on 6 samples" in shown and "\n" not in shown and len(shown) < 120
        transform.save(tmp_path / "kept")
        assert "300 genes" in repr(fw.load(tmp_path / "kept"))


def test_advice_on_genes_too_many_works_for_both_kinds_of_input(first: fw.CountData, later: fw.CountData) -> None:
    transform = fit_vst(first.select(genes=first.gene_names[:250]))
    said = {
        "new.loc[transform.genes] of a table": (later.counts, later.counts.loc[transform.genes]),
        "new.select(genes=transform.genes) of a CountData": (later, later.select(genes=transform.genes)),
    }
    for advice, (new, fewer) in said.items():
        with pytest.raises(fw.CountsError, match="50 genes that the transformation does not know") as told:
            transform.apply(new)
        assert advice in str(told.value)
        assert list(transform.apply(fewer).index) == list(transform.genes)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_a_bare_table_and_a_data_set_agree(function, data: fw.CountData) -> None:
    ours = function(data)
    pd.testing.assert_frame_equal(ours, function(data.counts))
    assert list(ours.index) == list(data.gene_names) and list(ours.columns) == list(data.sample_names)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_blocks_and_threads_change_no_bit(function, data: fw.CountData) -> None:
    whole = function(data, executor="serial")
    cut = function(data, executor=ThreadExecutor(2, genes_per_block=37))
    assert (whole.to_numpy() == cut.to_numpy()).all()


@pytest.mark.parametrize("function", [fw.variance_stabilizing_transformation, fw.rlog], ids=lambda f: f.__name__)
def test_blind_ignores_the_design_and_keeps_the_factors(function, data: fw.CountData) -> None:
    fit = fw.deseq(data, "~ condition")
    pd.testing.assert_frame_equal(function(fit), function(data))
    assert not np.allclose(function(fit, blind=False), function(data))
    seen = function(data, blind=False, design="~ condition")
    np.testing.assert_allclose(function(fit, blind=False), seen, rtol=1e-9)
    own = data.with_size_factors(np.linspace(0.5, 2, 9))
    assert not np.allclose(function(own), function(data))


def test_normalization_factors_go_before_size_factors(data: fw.CountData) -> None:
    factors = np.random.default_rng(0).uniform(0.5, 2, (300, 9))
    with_factors = fw.norm_transform(data.with_normalization_factors(factors))
    np.testing.assert_allclose(with_factors, np.log2(data.counts / factors + 1))


def test_genes_without_counts() -> None:
    data = fw.simulate(n_genes=200, n_samples=6, seed=5).data
    counts = data.counts
    counts.iloc[3] = 0
    empty = fw.CountData(counts, data.samples)
    assert (fw.rlog(empty).iloc[3] == 0).all()
    assert (fw.norm_transform(empty).iloc[3] == 0).all()
    assert fw.variance_stabilizing_transformation(empty).iloc[3].nunique() == 1


def test_vst_takes_the_genes_that_it_says(data: fw.CountData) -> None:
    high = int((fw.median_of_ratios(data).mean(axis=1) > 5).sum())
    everything = fw.vst(data, nsub=high)
    assert everything.shape == (300, 9)
    with pytest.raises(fw.CountsError, match="mean normalized count above 5"):
        fw.vst(data, nsub=high + 1)
    with pytest.raises(fw.CountsError, match="variance_stabilizing_transformation"):
        fw.vst(data)


def test_refusals(data: fw.CountData) -> None:
    with pytest.raises(fw.OptionError, match="design"):
        fw.vst(data, blind=False, nsub=50)
    with pytest.raises(fw.OptionError, match="glmGamPoi"):
        fw.rlog(data, fit_type="glmGamPoi")
    with pytest.raises(fw.OptionError, match="fit_type"):
        fw.variance_stabilizing_transformation(data, fit_type="parametrical")
    with pytest.raises(fw.OptionError, match="prior_variance"):
        fw.rlog(data, prior_variance=-1)
    with pytest.raises(fw.OptionError, match="prior_variance"):
        fw.rlog(data, intercept=np.zeros(300))
    with pytest.raises(fw.OptionError, match="300"):
        fw.rlog(data, intercept=np.zeros(7), prior_variance=1.0)
    with pytest.raises(fw.CountsError):
        fw.rlog(data.counts - 1)


def test_sparse_genes_are_warned_of() -> None:
    counts = pd.DataFrame(np.random.default_rng(2).poisson(60, (150, 6)), columns=list("abcdef"))
    counts.iloc[:40] = 0
    for gene in range(40):
        counts.iloc[gene, gene % 6] = 900
    with pytest.warns(fw.FoldwiseWarning, match="one sample"):
        fw.rlog(counts, fit_type="mean")


def test_the_forms_approach_log2() -> None:
    nothing = np.empty(0)
    flat = LocalTrend(CubicPieces(np.zeros(1), np.zeros(1), np.zeros(1)), 0.0, np.array([np.log(0.05), 0.0, 0.0]))
    for form in (
        form_of(ParametricTrend(0.05, 2.0), nothing, 0.0, nothing),
        form_of(MeanTrend(0.05), nothing, 0.0, nothing),
        form_of(flat, np.geomspace(1, 1e6, 500), 1e6, np.ones(4)),
    ):
        assert np.diff(form(np.array([1e5, 2e5]))) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("kind", ["parametric", "local", "mean"])
def test_a_saved_vst_does_the_same(kind: str, first: fw.CountData, later: fw.CountData, tmp_path: Path) -> None:
    transform = fit_vst(first, fit_type=kind)
    transform.save(tmp_path / "vst.npz")
    loaded = fw.load_transform(tmp_path / "vst.npz")
    assert isinstance(loaded, VarianceStabilization)
    for alignment in ("new", "stored"):
        expected = transform.apply(later, alignment=alignment)
        pd.testing.assert_frame_equal(loaded.apply(later, alignment=alignment), expected, check_names=False)
    assert transform.values is not None and loaded.values is None
    again = transform.apply(first, alignment="stored")
    np.testing.assert_allclose(again, transform.values, rtol=1e-12, atol=1e-12)


def test_a_saved_rlog_does_the_same(first: fw.CountData, later: fw.CountData, tmp_path: Path) -> None:
    transform = fit_rlog(first)
    transform.save(tmp_path / "rlog")
    loaded = fw.load(tmp_path / "rlog")
    assert isinstance(loaded, RegularizedLog)
    pd.testing.assert_frame_equal(loaded.apply(later), transform.apply(later), check_names=False)
    assert transform.values is not None
    again = (transform.apply(first) - transform.values).abs()
    assert again.stack().median() < 1e-3


def test_new_samples_one_by_one_are_as_all_together(first: fw.CountData, later: fw.CountData) -> None:
    for transform in (fit_vst(first), fit_rlog(first)):
        together = transform.apply(later)
        for name in later.sample_names:
            alone = transform.apply(later.counts[name])
            np.testing.assert_allclose(alone[name], together[name], atol=2e-2)


def test_factors_of_new_samples_are_on_the_scale_of_the_first(first: fw.CountData) -> None:
    sizes = fw.estimate_size_factors(first)
    transform = fit_vst(first)
    assert transform.reference is not None
    np.testing.assert_allclose(transform.reference.size_factors(first, ThreadExecutor(1)), sizes, rtol=1e-12)
    tripled = fit_vst(first.with_size_factors(3 * sizes))
    assert tripled.reference is not None
    np.testing.assert_allclose(tripled.reference.size_factors(first, ThreadExecutor(1)), 3 * sizes, rtol=1e-12)


def test_new_samples_with_other_genes(first: fw.CountData, later: fw.CountData) -> None:
    counts = later.counts
    for transform in (fit_vst(first), fit_rlog(first)):
        with pytest.raises(fw.CountsError, match="missing from the new samples"):
            transform.apply(counts.iloc[1:])
        with pytest.raises(fw.CountsError, match="does not know: 'other'"):
            transform.apply(pd.concat([counts, counts.iloc[:1].set_axis(["other"])]))
        shuffled = transform.apply(counts.sample(frac=1, random_state=1))
        pd.testing.assert_frame_equal(shuffled, transform.apply(counts))


def test_gene_wise_factors_are_asked_of_new_samples(first: fw.CountData, later: fw.CountData) -> None:
    factors = np.random.default_rng(0).uniform(0.8, 1.2, (300, 6))
    transform = fit_vst(first.with_normalization_factors(factors))
    with pytest.raises(fw.OptionError, match="normalization_factors"):
        transform.apply(later)
    assert transform.apply(later.with_normalization_factors(factors[:, :3])).shape == (300, 3)


def test_a_file_that_is_no_transformation(data: fw.CountData, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("gene\ts1\n")
    fw.deseq(data, "~ condition").save(tmp_path / "fit")
    for name in ("text", "absent"):
        with pytest.raises(fw.FoldwiseError, match=name):
            fw.load_transform(tmp_path / name)
    with pytest.raises(fw.CountsError, match="no transformation"):
        fw.load_transform(tmp_path / "fit")


def test_unmix_refusals() -> None:
    genes = [f"g{i}" for i in range(20)]
    random = np.random.default_rng(1)
    pure = pd.DataFrame(random.uniform(0, 50, (20, 2)), genes, ["p", "q"])
    mixed = pd.DataFrame(pure @ [[0.25], [0.75]]).set_axis(["m"], axis=1)
    np.testing.assert_allclose(fw.unmix(mixed, pure, alpha=0.1, power=2).proportions, [[0.25, 0.75]], atol=1e-4)
    for options in ({}, {"alpha": 0.1, "shift": 1.0}, {"alpha": -1.0}, {"shift": 0.0}, {"alpha": 1.0, "power": 3}):
        with pytest.raises(fw.OptionError):
            fw.unmix(mixed, pure, **options)
    with pytest.raises(fw.CountsError, match="same genes"):
        fw.unmix(mixed.iloc[1:], pure, alpha=0.1)
    with pytest.raises(fw.SamplesError):
        fw.unmix(mixed, pure[["p"]], alpha=0.1)
    with pytest.warns(fw.FoldwiseWarning, match="too alike"):
        fw.unmix(mixed, pure.assign(r=pure["q"] * 1.01), alpha=0.1)
