"""Tables as R writes them or so that they read back, files whole or not at all, and shapes for neighbours."""

from __future__ import annotations

import errno
import gzip
import hashlib
import math
import os
import stat
import subprocess
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
from foldwise.report import page
from foldwise.transforms import fit_vst

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


# ------------------------------------------------------------------------------------------------ pipes and links
@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(1)
    counts = pd.DataFrame(rng.poisson(50, (40, 6)), columns=[f"s{i}" for i in range(6)]).rename(index="g{}".format)
    samples = pd.DataFrame({"group": list("aaabbb")}, index=counts.columns)
    return fw.deseq(counts, "~ group", samples=samples, fit_type="mean")


WRITERS = {
    "results.tsv": lambda fit, path: fit.results().to_csv(path),
    "results.csv.gz": lambda fit, path: fit.results().to_csv(path),
    "table.parquet": lambda fit, path: write_table(fit.results().table, path),
    "ranks.rnk": lambda fit, path: fit.results().to_rnk(path),
    "fit.foldwise": lambda fit, path: fit.save(path),
    "vst.foldwise": lambda fit, path: fit_vst(fit, nsub=None, fit_type="mean").save(path),
    "picture.png": lambda fit, path: fw.plots.save(fw.plots.ma(fit.results()), path),
    "page.html": lambda fit, path: page._write(path, "<p>a whole report takes long</p>"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_pipes_get_what_files_get_and_links_stay(tmp_path, fit, name):
    pipe, link, target = tmp_path / name, tmp_path / f"link-{name}", tmp_path / "there" / name
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
    try:
        WRITERS[name](fit, pipe)
        through = reader.communicate(timeout=60)[0]
    finally:
        reader.kill()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    WRITERS[name](fit, link)
    assert link.is_symlink()
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(through).digest()  # not a page long diff
    assert {path.name for path in tmp_path.iterdir()} == {name, link.name, "there"}
    assert list(target.parent.iterdir()) == [target]


def test_an_open_file_is_written_on_and_not_replaced(tmp_path):
    with (tmp_path / "all.txt").open("w") as whole:
        whole.write("before\n")
        whole.flush()
        write_table(TABLE[["stat"]], f"/dev/fd/{whole.fileno()}")
        whole.seek(0, 2)
        whole.write("after\n")
    lines = (tmp_path / "all.txt").read_text().splitlines()
    assert [lines[0], lines[1], lines[-1]] == ["before", "gene\tstat", "after"]


def test_a_link_to_a_file_that_is_not_there_yet(tmp_path):
    (tmp_path / "link.tsv").symlink_to("new.tsv")
    write_table(TABLE, tmp_path / "link.tsv")
    assert (tmp_path / "link.tsv").is_symlink() and (tmp_path / "new.tsv").is_file()


def test_a_full_disk_names_the_file(tmp_path):
    with pytest.raises(OSError, match=r"No space left.*results\.tsv"), write_atomically(tmp_path / "results.tsv"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
