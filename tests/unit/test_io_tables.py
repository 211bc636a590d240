"""Count and sample tables as R, spreadsheets and hands write them (tests/data/tables holds R's own)."""

from __future__ import annotations

import bz2
import gzip
import io
import logging
import lzma
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.io import read_count_table

HERE = Path(__file__).parents[1] / "data" / "tables"
GENES = ["ENSG01", '5\'-nt "x"', "NA"]
COUNTS = [[0, 5], [10, 1234567], [100000, 7]]
SAMPLES = pd.DataFrame({"condition": ["a", "b"]}, index=["S1", "S2"])


def written(folder: Path, content: str | bytes, name: str = "counts.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", ["write_table.txt", "write_table_tab.tsv", "col_names_na.tsv", "write_csv.csv"])
def test_what_r_writes_is_read(name):
    data = fw.read_counts(HERE / name, HERE / "samples.csv")
    assert list(data.counts.index) == GENES
    assert list(data.counts.columns) == ["S-1", "2"]
    assert data.counts.to_numpy().tolist() == COUNTS
    assert list(data.samples["condition"]) == ["treated", "untreated"]


def test_decimal_commas_of_write_csv2():
    table = read_count_table(HERE / "write_csv2.csv")
    assert (table.counts.to_numpy() == np.array(COUNTS) + 0.5).all()
    assert list(table.genes["desc"]) == ["a;b", "c", "d, e"]
    assert any("decimal commas" in line for line in table.notes)
    data = fw.read_counts(HERE / "write_csv2.csv", HERE / "samples_csv2.csv", round_counts=True)
    assert data.counts.to_numpy().tolist() == [[0, 6], [10, 1234568], [100000, 8]]  # halves to even
    assert any("rounded 6 estimated counts" in line for line in data.provenance)


def test_names_changed_by_r_are_suggested_and_not_changed():
    with pytest.raises(fw.SamplesError, match=r"check\.names.*'S\.1' is 'S-1', 'X2' is '2'"):
        fw.read_counts(HERE / "mangled.csv", HERE / "samples.csv")


@pytest.mark.parametrize("name", ["samples.csv", "samples.txt", "samples_csv2.csv"])
def test_sample_tables_of_r(name):
    samples = fw.read_samples(HERE / name)
    assert list(samples.index) == ["S-1", "2"]
    assert list(samples["condition"]) == ["treated", "untreated"]
    assert samples["rin"].iloc[0] == 7.5 and np.isnan(samples["rin"].iloc[1])


PLAIN = "gene,S1,S2\ng1,1,2\ng2,3,4\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.encode("utf-8-sig"),
        lambda t: t.encode("utf-16"),
        lambda t: t.replace("\n", "\r\n").encode(),
        lambda t: t.replace("\n", "\r").encode(),
        lambda t: t.rstrip("\n").encode(),
        lambda t: t.replace(",", ";").encode(),
        lambda t: t.replace(",", "\t").encode(),
        lambda t: t.replace(",", "|").encode(),
        lambda t: t.replace(",", "   ").encode(),
        lambda t: ("# made by hand\n" + t).encode(),
        lambda t: ("\n\n" + t).encode(),
        lambda t: t.replace("\n", ",,\n").encode(),
        lambda t: t.replace("\n", ",\n").replace("S2,", "S2").encode(),
        lambda t: gzip.compress(t.encode()),
        lambda t: gzip.compress(t[:9].encode()) + gzip.compress(t[9:].encode()),
        lambda t: bz2.compress(t.encode()),
        lambda t: lzma.compress(t.encode()),
    ],
    ids="bom utf16 crlf cr no_end semicolons tabs bars spaces comment blank trailing trailing2 gz bgz bz2 xz".split(),
)
def test_the_same_table_however_written(tmp_path, change):
    data = fw.read_counts(written(tmp_path, change(PLAIN)), SAMPLES)
    assert data.counts.to_numpy().tolist() == [[1, 2], [3, 4]]
    assert list(data.counts.index) == ["g1", "g2"]


def test_zstd(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress(PLAIN.encode())
    assert fw.read_counts(written(tmp_path, packed), SAMPLES).counts.loc["g2", "S2"] == 4
    with pytest.raises(fw.CountsError, match="end too early"):
        fw.read_counts(written(tmp_path, packed[:-6]), SAMPLES)


def test_truncated_gz_is_said(tmp_path):
    rows = "".join(f"g{i},{i * 7919 % 1013},{i * 104729 % 997}\n" for i in range(3000))
    packed = gzip.compress(("gene,S1,S2\n" + rows).encode())
    with pytest.raises(fw.CountsError, match="counts.csv.gz.*end too early.*copied completely"):
        fw.read_counts(written(tmp_path, packed[: len(packed) // 2], "counts.csv.gz"), SAMPLES)


def test_zip_of_one_file(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("counts.csv", PLAIN)
    assert fw.read_counts(tmp_path / "t.zip", SAMPLES).counts.shape == (2, 2)


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(PLAIN.encode())))
    assert fw.read_counts("-", SAMPLES).counts.shape == (2, 2)


def test_parquet_with_and_without_index(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"S1": [1, 3], "S2": [2, 4]}, index=["g1", "g2"])
    frame.to_parquet(tmp_path / "indexed")
    frame.reset_index(names="gene").to_parquet(tmp_path / "plain")
    for name in ("indexed", "plain"):
        assert list(fw.read_counts(tmp_path / name, SAMPLES).counts.index) == ["g1", "g2"]
    (tmp_path / "cut").write_bytes((tmp_path / "plain").read_bytes()[:-30])
    with pytest.raises(fw.CountsError, match="damaged Parquet"):
        fw.read_counts(tmp_path / "cut", SAMPLES)


def test_xlsx_and_its_dates(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    import datetime

    book = openpyxl.Workbook()
    book.active.append(["gene", "S1", "S2", "symbol"])
    book.active.append(["g1", 1, 2.0, "x"])
    book.active.append([datetime.datetime(2024, 9, 2), 3, 4, "y"])
    book.create_sheet("samples")
    book["samples"].append(["sample", "condition", "age"])
    book["samples"].append(["S1", "a", 3])
    book["samples"].append(["S2", "b", None])
    book.save(tmp_path / "book.xlsx")
    with pytest.warns(fw.FoldwiseWarning, match="'2024-09-02'.*SEPT2"):
        data = fw.read_counts(tmp_path / "book.xlsx", fw.read_samples(tmp_path / "book.xlsx", sheet="samples"), sheet=0)
    assert data.counts.to_numpy().tolist() == [[1, 2], [3, 4]]
    assert list(data.genes["symbol"]) == ["x", "y"]
    assert np.isnan(data.samples["age"].iloc[1])
    with pytest.raises(fw.CountsError, match="no sheet 'other'; its sheets are 'Sheet', 'samples'"):
        fw.read_counts(tmp_path / "book.xlsx", SAMPLES, sheet="other")


@pytest.mark.parametrize("name", ["2-Sep", "Mar-01", "1-Dec", "1. Mrz", "2001-09-02", "01/09/2001"])
def test_dates_in_text_are_warned_about(tmp_path, name):
    with pytest.warns(fw.FoldwiseWarning, match="look like dates"):
        fw.read_counts(written(tmp_path, PLAIN.replace("g2", name)), SAMPLES)


def test_columns_that_describe_genes_are_kept_aside(tmp_path):
    text = "gene_id\tgene_name\tLength\tS1\tS2\tdesc\ng1\tA\t100\t1\t2\t\ng2\tNA\t200\t3\t4\tnote\n"
    data = fw.read_counts(written(tmp_path, text), SAMPLES)
    assert list(data.genes.columns) == ["gene_name", "Length", "desc"]
    assert list(data.genes["Length"]) == [100, 200]
    assert any("'gene_name', 'Length', 'desc'" in line for line in data.provenance)
    by_name = fw.read_counts(written(tmp_path, text), SAMPLES, gene_column="gene_id")
    assert by_name.counts.shape == (2, 2)


def test_row_numbers_of_pandas_are_left_out(tmp_path):
    data = fw.read_counts(written(tmp_path, ",gene,S1,S2\n0,g1,1,2\n1,g2,3,4\n"), SAMPLES)
    assert list(data.counts.index) == ["g1", "g2"]


def test_samples_in_rows_are_turned_round(tmp_path):
    data = fw.read_counts(written(tmp_path, "sample,g1,g2,g3\nS2,1,2,3\nS1,4,5,6\n"), SAMPLES)
    assert data.counts.loc["g3", "S1"] == 6
    assert list(data.samples.loc[["S1", "S2"], "condition"]) == ["a", "b"]


def test_columns_not_in_the_sample_table(tmp_path):
    path = written(tmp_path, "gene,S1,S2,S3\ng1,1,2,9\ng2,3,4,9\n")
    with pytest.raises(fw.SamplesError, match="'S3'.*\n.*unlisted='drop'"):
        fw.read_counts(path, SAMPLES)
    data = fw.read_counts(path, SAMPLES, unlisted="drop")
    assert list(data.counts.columns) == ["S1", "S2"]
    assert any("left out 1 column" in line for line in data.provenance)


def test_without_samples_a_plain_table(tmp_path):
    table = fw.read_counts(written(tmp_path, PLAIN))
    assert isinstance(table, pd.DataFrame)
    assert table.to_numpy().tolist() == [[1, 2], [3, 4]]


def test_a_sample_table_with_a_default_index(tmp_path):
    samples = pd.DataFrame({"sample": ["S2", "S1"], "condition": ["b", "a"]})
    data = fw.read_counts(written(tmp_path, PLAIN), samples)
    assert list(data.samples["condition"]) == ["a", "b"]


def test_everything_read_is_logged(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="foldwise"):
        fw.read_counts(written(tmp_path, PLAIN), SAMPLES)
    assert "read 2 genes in 2 samples" in caplog.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gene,S1,S2\ng1,1,2\ng2,NA?,4\n", r"column 'S1' holds text in row 3 \('NA\?'\)"),
        ("gene,S1,S2\ng1,1,2\ng2,,4\n", "column 'S1' in row 3 has no count"),
        ("gene,S1,S2\ng1,1,2\ng2,3\n", "column 'S2' in row 3 has no count"),
        ('gene,S1,S2\ng1,1,2\ng2,"1,234",4\n', r"'1,234'.*commas between thousands"),
        ("gene,S1,S1\ng1,1,2\n", "more than one column is named 'S1'"),
        ("gene,S1,S2\ng1,1,2,3\ng2,3,4,5\n", "header has 3 fields and the rows have 4"),
        ("gene,S1,S2\ng1,1,2\ng2,3,4,5\ng3,1,2\n", "line 3: 4 fields"),
        ('gene,S1,S2\ng1,1,2\n"g2,3,4\n', "quote"),
        ("gene,S1,S2\n", "holds no table"),
        ("just words\nin lines\n", "column|table|counts"),
        ("", "is empty"),
        ("gene,S1,S2\ng1,1,2\n,3,4\n", "row 2 has no name"),
        ("gene\tS1\tS2\ng1\t1,234\t2,345\n", "decimal comma or a comma between thousands"),
        ("gene,S1,S2\ng1,1,2\ng2,1.5,4\n", "g2"),
        ("gene,S1,S2\ng1,1,2\ng2,-1,4\n", "g2"),
    ],
)
def test_errors_name_the_place(tmp_path, text, says):
    with pytest.raises((fw.CountsError, fw.SamplesError), match=says):
        fw.read_counts(written(tmp_path, text), SAMPLES)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x00\x01\x02\x03binary", "not a text table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", "old .xls"),
        (b"RDX3\nnothing", "cannot be read as R's file|foldwise.rds"),
        (b"Name\tLength\tEffectiveLength\tTPM\tNumReads\nt\t1\t1\t1\t1\n", "read_tximport"),
        (b"N_unmapped\t1\t1\t1\nN_multimapping\t1\t1\t1\n", "read_star"),
        (b"g1\t3\ng2\t4\n__no_feature\t5\n", "read_htseq"),
    ],
)
def test_other_files_are_pointed_to_their_reader(tmp_path, content, says):
    with pytest.raises(fw.CountsError, match=says):
        fw.read_counts(written(tmp_path, content), SAMPLES)


def test_missing_files_suggest_neighbours(tmp_path):
    written(tmp_path, PLAIN, "counts.csv.gz")
    with pytest.raises(fw.CountsError, match=r"There is no file .*Did you mean counts\.csv\.gz"):
        fw.read_counts(tmp_path / "counts.csv", SAMPLES)


def test_sample_tables_say_what_they_changed(tmp_path):
    text = "id,condition,patient,keep,age\n a1,ctl ,01,TRUE,\na2,trt,02,FALSE,31\n"
    samples = fw.read_samples(written(tmp_path, text))
    assert list(samples.index) == ["a1", "a2"]
    assert list(samples["condition"]) == ["ctl", "trt"]
    assert samples["keep"].dtype == bool
    assert np.isnan(samples["age"].iloc[0]) and samples["age"].iloc[1] == 31
    assert any("spaces" in line for line in samples.attrs["provenance"])


def test_one_row_a_sequencing_run(tmp_path):
    text = "sample,fastq_1,fastq_2,condition\nS1,a,b,x\nS1,c,d,x\nS2,e,f,y\n"
    samples = fw.read_samples(written(tmp_path, text))
    assert list(samples.index) == ["S1", "S2"] and list(samples["condition"]) == ["x", "y"]
    with pytest.raises(fw.SamplesError, match="sample 'S1' has 2 rows that differ in 'condition'"):
        fw.read_samples(written(tmp_path, text.replace("c,d,x", "c,d,z")))


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    import zipfile

    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    with pytest.raises(fw.MissingDependencyError, match=r"pip install 'foldwise\[excel\]'"):
        fw.read_counts(tmp_path / "b.xlsx", SAMPLES)
