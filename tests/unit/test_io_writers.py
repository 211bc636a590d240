"""Tables as R writes them or so that they read back, files whole or not at all, and shapes for neighbours."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foldwise as fw
from foldwise.io import to_decoupler, to_pertpy, to_rnk, to_scanpy, write_atomically, write_table
from foldwise.io.number_text import r_number, r_numbers
from foldwise.io.writers import table_text

HERE = Path(__file__).parents[1] / "data" / "tables"
TABLE = pd.DataFrame(
    {
        "baseMean": [100000.0, 0.1 + 0.2, 0.0, 5.5],
        "log2FoldChange": [1.5, -2.0, np.nan, 0.25],
        "lfcSE": [0.5, 0.5, np.nan, 0.125],
        "stat": [3.0, -4.0, np.nan, 2.0],
        "pvalue": [1e-5, 1e-300, np.nan, 0.05],
        "padj": [2e-5, 4e-300, np.nan, np.nan],
    },
    index=pd.Index(["b", "a", "zero", "c"], name="gene"),
)


# ------------------------------------------------------------------------------------------------ numbers
def test_numbers_are_written_as_r_writes_them():
    rows = [line.split("\t") for line in (HERE / "r_numbers.tsv").read_text().splitlines()[1:]]
    known = {"NA": np.nan, "Inf": np.inf, "-Inf": -np.inf}
    values = [known[hexa] if hexa in known else float.fromhex(hexa) for hexa, _ in rows]
    assert len(values) > 150
    assert [r_number(value) for value in values] == [text for _, text in rows]
    assert r_numbers(np.array(values)) == [text for _, text in rows]


@given(st.floats(-1e300, 1e300))
def test_r_text_is_the_number_to_15_digits(value):
    assert math.isclose(float(r_number(value)), value, rel_tol=5.1e-15, abs_tol=5e-324)
    assert r_numbers(np.array([value])) == [r_number(value)]


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_exact_text_reads_back_to_the_same_bits(values):
    text = table_text(pd.DataFrame({"x": values}), index=False, header=False)
    back = [float(line) for line in text.splitlines()]
    assert np.array(back).tobytes() == np.array(values).tobytes()


def test_a_table_in_both_texts(tmp_path):
    write_table(TABLE, tmp_path / "r.tsv", numbers="r")
    first, second = (tmp_path / "r.tsv").read_text().splitlines()[:2]
    assert first == "gene\tbaseMean\tlog2FoldChange\tlfcSE\tstat\tpvalue\tpadj"
    assert second == "b\t1e+05\t1.5\t0.5\t3\t1e-05\t2e-05"
    write_table(TABLE, tmp_path / "e.csv")
    assert (tmp_path / "e.csv").read_text().splitlines()[2].startswith("a,0.30000000000000004,-2,")
    back = pd.read_csv(tmp_path / "e.csv", index_col=0, float_precision="round_trip")
    pd.testing.assert_frame_equal(back, TABLE, check_exact=True)


def test_endings_and_options(tmp_path, capsys):
    write_table(TABLE, tmp_path / "a.tsv.gz")
    write_table(TABLE, tmp_path / "b.tsv.gz")
    assert (tmp_path / "a.tsv.gz").read_bytes() == (tmp_path / "b.tsv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.tsv.gz").read_bytes()).startswith(b"gene\tbaseMean")
    pytest.importorskip("pyarrow")
    write_table(TABLE, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), TABLE)
    write_table(TABLE[["stat"]], "-", missing="", index_label="id")
    assert capsys.readouterr().out.splitlines()[::3] == ["id\tstat", "zero\t"]
    with pytest.raises(fw.OptionError, match="'exact' or 'r'"):
        write_table(TABLE, tmp_path / "x", numbers="nice")


def test_odd_names_read_back(tmp_path):
    odd = pd.DataFrame({"x": [1, 2, 3]}, index=["a\tb", 'c"d', "e,f"])
    write_table(odd, tmp_path / "t.tsv")
    assert list(pd.read_csv(tmp_path / "t.tsv", sep="\t", index_col=0).index) == list(odd.index)


# ------------------------------------------------------------------------------------------------ whole or not at all
def test_a_file_is_replaced_only_when_the_new_one_is_complete(tmp_path):
    target = tmp_path / "t.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), write_atomically(target) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
    with write_atomically(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new" and list(tmp_path.iterdir()) == [target]


# ------------------------------------------------------------------------------------------------ neighbours
def test_rnk(tmp_path):
    ranked = to_rnk(TABLE, tmp_path / "x.rnk")
    assert (tmp_path / "x.rnk").read_text() == "b\t3.0\nc\t2.0\na\t-4.0\n"
    assert list(ranked.index) == ["b", "c", "a"]
    assert list(to_rnk(TABLE.drop(columns="stat")).index) == ["b", "c", "a"]  # shrunken results have no stat
    tied = TABLE.assign(stat=1.0)
    assert list(to_rnk(tied).index) == ["a", "b", "c", "zero"]
    with pytest.raises(fw.OptionError, match="no column 'score'"):
        to_rnk(TABLE, by="score")


def test_pertpy():
    table = to_pertpy(TABLE, "trt vs ctl")
    assert list(table.columns[:5]) == ["variable", "log_fc", "p_value", "adj_p_value", "contrast"]
    assert list(table["variable"]) == ["a", "b", "c", "zero"]


def test_decoupler():
    wide = to_decoupler(TABLE, "trt.vs.ctl")
    assert list(wide.index) == ["trt.vs.ctl"] and list(wide.columns) == ["b", "a", "c"]


def test_scanpy(tmp_path):
    anndata = pytest.importorskip("anndata")
    adata = anndata.AnnData(X=np.zeros((2, 4)), var=pd.DataFrame(index=TABLE.index.astype(str)))
    made = to_scanpy(TABLE, adata, group="trt", reference="ctl")
    assert made["names"]["trt"].tolist() == ["b", "c", "a"]
    assert adata.uns["rank_genes_groups"]["params"]["reference"] == "ctl"
    adata.write_h5ad(tmp_path / "x.h5ad")
    again = anndata.read_h5ad(tmp_path / "x.h5ad").uns["rank_genes_groups"]
    np.testing.assert_array_equal(again["pvals"]["trt"], [1e-5, 0.05, 1e-300])
