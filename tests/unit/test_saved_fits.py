"""A fit is a file: it answers new questions with the same bits, and nothing broken is taken for one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import foldwise as fw


def same_bits(a, b) -> bool:
    return a.drop(columns="status").to_numpy().tobytes() == b.drop(columns="status").to_numpy().tobytes()


FITS = {
    "wald": {},
    "lrt": {"test": "LRT", "reduced": "~ batch"},
    "prior": {"beta_prior": True},
    "local": {"fit_type": "local"},
    "student": {"use_t": True, "df": 7},
    "glmGamPoi": {"test": "LRT", "reduced": "~ batch", "fit_type": "glmGamPoi"},
}


@pytest.mark.parametrize("kind", FITS)
def test_a_loaded_fit_answers_new_contrasts_with_the_same_bits(data, tmp_path, kind):
    fit = fw.deseq(data, "~ batch + condition", progress=False, **FITS[kind])
    fit.save(tmp_path / "a.foldwise")
    again = fw.load(tmp_path / "a.foldwise")
    for question in (
        {},
        {"contrast": ("condition", "A", "B")},
        {"contrast": [0.0, 0.5, 1.0] if kind != "prior" else None},
    ):
        assert same_bits(fit.results(**question).table, again.results(**question).table)
    pd.testing.assert_frame_equal(fit.genes, again.genes)
    pd.testing.assert_frame_equal(fit.design_matrix, again.design_matrix)


def test_replaced_counts_and_matrices_survive(replicated, tmp_path):
    fit = fw.deseq(replicated, "~ condition", progress=False)
    assert fit.replacement is not None
    fit.save(tmp_path / "a.foldwise")
    again = fw.load(tmp_path / "a.foldwise")
    pd.testing.assert_frame_equal(fit.replaced_counts, again.replaced_counts)
    pd.testing.assert_frame_equal(fit.cooks, again.cooks)
    pd.testing.assert_frame_equal(fit.mu, again.mu)


def test_weights_and_normalization_factors_survive(data, tmp_path):
    rng = np.random.default_rng(0)
    shape = (data.n_genes, data.n_samples)
    own = fw.CountData(
        data.counts,
        data.samples,
        weights=rng.uniform(0.2, 1, shape),
        normalization_factors=rng.uniform(0.5, 2, shape),
    )
    fit = fw.deseq(own, "~ condition", progress=False)
    fit.save(tmp_path / "a.foldwise")
    again = fw.load(tmp_path / "a.foldwise")
    assert same_bits(fit.results([0.0, 1.0]).table, again.results([0.0, 1.0]).table)


def test_the_same_fit_gives_the_same_bytes(fit, tmp_path):
    fit.save(tmp_path / "a.foldwise")
    fit.save(tmp_path / "b.foldwise")
    assert (tmp_path / "a.foldwise").read_bytes() == (tmp_path / "b.foldwise").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "empty"])
def test_a_damaged_file_is_a_clear_error(fit, tmp_path, damage):
    path = tmp_path / "a.foldwise"
    fit.save(path)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    else:
        content = bytearray(b"not a fit" if damage == "text" else b"")
    path.write_bytes(content)
    with pytest.raises(fw.FoldwiseError):
        fw.load(path)


def test_another_kind_of_file_is_no_fit(tmp_path):
    from foldwise.io.saved_fit import save_arrays

    save_arrays(tmp_path / "x.foldwise", {"a": np.arange(3)}, {"kind": "fit", "stage": {}})
    with pytest.raises(fw.FoldwiseError):
        fw.load(tmp_path / "x.foldwise")


def test_sample_tables_of_any_kind_survive(tmp_path):
    samples = pd.DataFrame(
        {
            "condition": pd.Categorical(["a b", "ü", "a b", "ü", "a b", "ü"], ["ü", "a b"]),
            "age": [1.5, 2.0, 3.25, 4.0, 5.0, 6.5],
            "number": [1, 2, 3, 4, 5, 6],
            "sex": ["f", "m", None, "m", "f", "m"],
            "paired": [True, False, True, False, True, False],
        },
        index=[f"s{i}" for i in range(6)],
    )
    counts = pd.DataFrame(np.random.default_rng(1).poisson(80, (60, 6)), columns=samples.index)
    fit = fw.deseq(fw.CountData(counts, samples), "~ age + condition", fit_type="mean", progress=False)
    fit.save(tmp_path / "a.foldwise")
    again = fw.load(tmp_path / "a.foldwise")
    pd.testing.assert_frame_equal(fit.data.samples, again.data.samples, check_dtype=False)
    assert again.contrasts().equals(fit.contrasts())
