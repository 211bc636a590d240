"""Files that R saved (tests/data/rds, made by the script there)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.io.rds import rds_table

pytest.importorskip("rdata")
HERE = Path(__file__).parents[1] / "data" / "rds"
COUNTS = pd.read_csv(HERE / "counts.csv", index_col=0)
SAMPLES = pd.read_csv(HERE / "samples.csv", index_col=0)


@pytest.mark.parametrize(
    "name", ["matrix", "matrix_xz", "sparse", "data_frame", "summarized_experiment", "deseq_data_set", "deseq_fitted",
             "deseq_tximport", "dge_list"]
)  # fmt: skip
def test_counts_of_every_kind_of_object(name):
    table = rds_table(HERE / f"{name}.rds")
    assert list(table.counts.index) == list(COUNTS.index)
    assert list(table.counts.columns) == list(COUNTS.columns)
    assert (table.counts.to_numpy() == COUNTS.to_numpy()).all()


def test_a_matrix_and_a_sample_table():
    data = fw.read_rds(HERE / "matrix.rds", HERE / "samples.rds")
    assert isinstance(data.samples["condition"].dtype, pd.CategoricalDtype)
    assert list(data.samples["condition"].cat.categories) == ["untreated", "treated"]
    assert isinstance(fw.read_rds(HERE / "matrix.rds"), pd.DataFrame)
    assert fw.read_counts(HERE / "matrix.rds", SAMPLES).counts.equals(data.counts)


def test_a_deseq_data_set_brings_its_samples_design_and_base_levels():
    data = fw.read_rds(HERE / "deseq_data_set.rds")
    assert list(data.samples["condition"].cat.categories) == ["untreated", "treated"]
    assert data.size_factors is None
    assert any("design is ~ batch + condition" in line for line in data.provenance)


def test_a_fitted_one_brings_size_factors_and_annotation_only():
    data = fw.read_rds(HERE / "deseq_fitted.rds")
    theirs = [float(x) for x in (HERE / "size_factors.txt").read_text().split()]
    np.testing.assert_allclose(data.size_factors.to_numpy(), theirs, rtol=1e-14)
    assert list(data.genes.columns) == ["symbol"]
    assert any("left out 3 assays: 'mu', 'H', 'cooks'" in line for line in data.provenance)


def test_tximport_lists_are_rounded_and_keep_lengths():
    data = fw.read_rds(HERE / "tximport.rds", SAMPLES)
    assert (data.counts.to_numpy() == np.rint(COUNTS.to_numpy() + 0.5)).all()
    assert (data.average_lengths.to_numpy() == 1000.25).all()
    made = fw.read_rds(HERE / "deseq_tximport.rds")
    assert made.average_lengths is not None and made.normalization_factors is not None


def test_columns_of_samples():
    data = fw.read_rds(HERE / "summarized_experiment.rds")
    assert list(data.samples["batch"]) == ["b1", "b2", "b3"] * 2
    np.testing.assert_array_equal(data.samples["age"], [31.5, 40, np.nan, 28, 35, 61])
    np.testing.assert_array_equal(data.samples["smoker"].astype(float), [1, 0, np.nan, 1, 0, 0])
    assert list(data.genes["symbol"]) == [g.upper() for g in COUNTS.index]
    with pytest.raises(fw.CountsError, match="no assay 'raw'; its assays are 'counts', 'tpm'"):
        fw.read_rds(HERE / "summarized_experiment.rds", assay="raw")
    with pytest.raises(fw.CountsError, match="gene"):  # a third of a count is no count
        fw.read_rds(HERE / "summarized_experiment.rds", assay="tpm")


def test_edger_lists_bring_groups_and_genes():
    data = fw.read_rds(HERE / "dge_list.rds")
    assert list(data.samples["group"]) == ["untreated"] * 3 + ["treated"] * 3
    assert "symbol" in data.genes


def test_sample_tables():
    for name in ("samples.rds", "deseq_data_set.rds"):
        samples = fw.read_samples(HERE / name)
        assert list(samples.index) == list(COUNTS.columns)
        assert list(samples["condition"].cat.categories) == ["untreated", "treated"]


def test_workspaces_need_a_name():
    with pytest.raises(fw.OptionError, match="workspace of 'counts', 'samples'"):
        fw.read_rds(HERE / "workspace.RData")
    assert fw.read_rds(HERE / "workspace.RData", SAMPLES, name="counts").counts.shape == (40, 6)


def test_other_objects_print_the_lines_that_export_them(tmp_path):
    with pytest.raises(fw.CountsError, match="holds a vector.*\n.*\n.*readRDS.*\n.*write.csv"):
        fw.read_rds(HERE / "vector.rds", SAMPLES)
    import gzip

    cut = tmp_path / "cut.rds"
    cut.write_bytes(gzip.compress(gzip.decompress((HERE / "deseq_data_set.rds").read_bytes())[:3000]))
    with pytest.raises(fw.CountsError, match="cannot be read as R's file.*\n.*write tables"):
        fw.read_rds(cut)
    with pytest.raises(fw.CountsError, match="not R's file"):
        fw.read_rds(HERE / "counts.csv")


def test_the_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdata.parser", None)
    with pytest.raises(fw.MissingDependencyError, match=r"pip install 'foldwise\[rds\]'"):
        fw.read_rds(HERE / "matrix.rds", SAMPLES)
