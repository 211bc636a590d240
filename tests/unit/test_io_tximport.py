"""salmon, kallisto and RSEM against R's tximport (tests/data/quantifications, made by the script there)."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import foldwise as fw
from foldwise.io import transcript_estimates

HERE = Path(__file__).parents[1] / "data" / "quantifications"
NAMES = ["c1", "c2", "t1"]
SAMPLES = pd.DataFrame({"condition": ["c", "c", "t"]}, index=NAMES)
FILES = {
    "salmon": {s: HERE / s / "quant.sf" for s in NAMES},
    "kallisto": {s: HERE / s / "abundance.tsv" for s in NAMES},
    "rsem": {s: HERE / s / f"{s}.genes.results" for s in NAMES},
    "isoforms": {s: HERE / s / f"{s}.isoforms.results" for s in NAMES},
}
TX2GENE = HERE / "tx2gene.tsv"
CASES = {
    "salmon_no": ("salmon", {"tx2gene": TX2GENE}),
    "salmon_scaledTPM": ("salmon", {"tx2gene": TX2GENE, "counts_from_abundance": "scaledTPM"}),
    "salmon_lengthScaledTPM": ("salmon", {"tx2gene": TX2GENE, "counts_from_abundance": "lengthScaledTPM"}),
    "salmon_unversioned": ("salmon", {"tx2gene": HERE / "tx2gene_unversioned.tsv", "ignore_tx_version": True}),
    "transcripts_no": ("salmon", {"tx_out": True}),
    "transcripts_scaledTPM": ("salmon", {"tx_out": True, "counts_from_abundance": "scaledTPM"}),
    "transcripts_lengthScaledTPM": ("salmon", {"tx_out": True, "counts_from_abundance": "lengthScaledTPM"}),
    "transcripts_dtuScaledTPM": (
        "salmon",
        {"tx_out": True, "tx2gene": TX2GENE, "counts_from_abundance": "dtuScaledTPM"},
    ),
    "kallisto_no": ("kallisto", {"tx2gene": TX2GENE}),
    "rsem_no": ("rsem", {}),
    "rsem_isoforms": ("isoforms", {}),
}


def answer(name: str, which: str) -> pd.DataFrame:
    path = HERE / "answers" / f"{name}.{which}.tsv"
    return pd.read_csv(path, sep="\t", index_col=0, skipinitialspace=True, float_precision="round_trip")


@pytest.mark.parametrize("name", CASES)
def test_estimates_are_those_of_r(name):
    files, options = CASES[name]
    found = transcript_estimates(FILES[files], type="rsem" if files == "isoforms" else files, **options)
    for which, mine in (("counts", found.counts), ("length", found.lengths)):
        theirs = answer(name, which)
        assert list(mine.index) == list(theirs.index)
        np.testing.assert_allclose(mine.to_numpy(), theirs.to_numpy(), rtol=1e-14, err_msg=which)


def test_counts_are_rounded_and_lengths_become_offsets():
    data = fw.read_tximport(FILES["salmon"], type="salmon", samples=SAMPLES, tx2gene=TX2GENE)
    theirs = answer("salmon_no", "counts")
    assert (data.counts.to_numpy() == np.round(theirs.to_numpy())).all()
    np.testing.assert_allclose(data.average_lengths.to_numpy(), answer("salmon_no", "length").to_numpy(), rtol=1e-14)
    assert any("24 transcripts of 3 samples" in line for line in data.provenance)


def test_counts_from_abundance_have_no_offsets():
    data = fw.read_tximport(
        FILES["salmon"], type="salmon", samples=SAMPLES, tx2gene=TX2GENE, counts_from_abundance="scaledTPM"
    )
    assert data.average_lengths is None


def test_rsem_lengths_of_zero_become_one():
    data = fw.read_tximport(FILES["rsem"], type="rsem", samples=SAMPLES)
    lengths = data.average_lengths
    assert (lengths.loc["off"] == 1).all()
    assert any("of 0 set to 1" in line for line in data.provenance)


def test_genes_of_rsem_keep_their_counts_as_in_r():
    with pytest.warns(fw.FoldwiseWarning, match="needs transcripts"):
        data = fw.read_tximport(FILES["rsem"], type="rsem", samples=SAMPLES, counts_from_abundance="lengthScaledTPM")
    assert (data.counts.to_numpy() == np.round(answer("rsem_lengthScaledTPM", "counts").to_numpy())).all()
    assert data.average_lengths is not None


def test_folders_gzip_and_tx2gene_in_other_forms(tmp_path):
    for name in NAMES:
        (tmp_path / name).mkdir()
        with gzip.open(tmp_path / name / "quant.sf.gz", "wb") as file:
            file.write((HERE / name / "quant.sf").read_bytes())
    table = pd.read_csv(TX2GENE, sep="\t")
    mapping = dict(zip(table["TXNAME"], table["GENEID"], strict=True))
    folders = {s: tmp_path / s for s in NAMES}
    plain = transcript_estimates(FILES["salmon"], type="salmon", tx2gene=TX2GENE)
    for tx2gene in (table, mapping):
        pd.testing.assert_frame_equal(
            transcript_estimates(folders, type="salmon", tx2gene=tx2gene).counts, plain.counts
        )


def test_kallisto_h5_gives_the_same_counts(tmp_path):
    h5py = pytest.importorskip("h5py")
    for name in NAMES:
        table = pd.read_csv(HERE / name / "abundance.tsv", sep="\t")
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["aux/ids"] = table["target_id"].to_numpy(dtype="S")
            file["aux/eff_lengths"], file["aux/lengths"] = table["eff_length"], table["length"]
            file["est_counts"] = table["est_counts"]
    found = transcript_estimates({s: tmp_path / f"{s}.h5" for s in NAMES}, type="kallisto", tx2gene=TX2GENE)
    np.testing.assert_allclose(found.counts.to_numpy(), answer("kallisto_no", "counts").to_numpy(), rtol=1e-14)
    np.testing.assert_allclose(found.lengths.to_numpy(), answer("kallisto_no", "length").to_numpy(), rtol=1e-6)


def test_transcripts_in_another_order_are_matched_by_name(tmp_path):
    shutil.copytree(HERE / "c1", tmp_path / "c1")
    header, *rows = (HERE / "c2" / "quant.sf").read_text().splitlines()
    (tmp_path / "c2").mkdir()
    (tmp_path / "c2" / "quant.sf").write_text("\n".join([header, *reversed(rows)]) + "\n")
    files = {"c1": tmp_path / "c1", "c2": tmp_path / "c2", "t1": HERE / "t1"}
    found = transcript_estimates(files, type="salmon", tx2gene=TX2GENE)
    np.testing.assert_allclose(found.counts.to_numpy(), answer("salmon_no", "counts").to_numpy(), rtol=1e-14)
    assert any("another order" in line for line in found.notes)


def test_transcripts_without_a_gene_are_left_out_and_said_so():
    half = pd.read_csv(TX2GENE, sep="\t").iloc[5:]
    found = transcript_estimates(FILES["salmon"], type="salmon", tx2gene=half)
    assert any("left out 5 transcripts missing from tx2gene" in line for line in found.notes)


def bad(tmp_path: Path, change) -> dict[str, Path]:
    path = tmp_path / "quant.sf"
    path.write_text(change((HERE / "c2" / "quant.sf").read_text()))
    return {**FILES["salmon"], "c2": path}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace("\tNumReads", "\tReads"), "column.*'NumReads'"),
        (lambda t: "\n".join(t.split("\n")[:10]) + "\n", "other genes than c1/quant.sf.*missing"),
        (lambda t: t.replace("ENST003", "ENST999"), "'ENST999"),
        (lambda t: "\n".join([*t.split("\n")[:2], "\t".join(["ENST002", "5", "x", "1", "1"])]), "'x' in row 3"),
    ],
)
def test_bad_files_are_named(tmp_path, change, says):
    with pytest.raises(fw.CountsError, match=says):
        transcript_estimates(bad(tmp_path, change), type="salmon", tx2gene=TX2GENE)


def test_wrong_type_and_versions_are_suggested():
    with pytest.raises(fw.CountsError, match="type='kallisto'"):
        transcript_estimates(FILES["kallisto"], type="salmon", tx2gene=TX2GENE)
    with pytest.raises(fw.CountsError, match="ignore_tx_version=True"):
        transcript_estimates(FILES["salmon"], type="salmon", tx2gene=HERE / "tx2gene_unversioned.tsv")
    with pytest.raises(fw.OptionError, match="tx2gene"):
        transcript_estimates(FILES["salmon"], type="salmon")
    with pytest.raises(fw.OptionError, match="tx_out=True"):
        transcript_estimates(FILES["salmon"], type="salmon", tx2gene=TX2GENE, counts_from_abundance="dtuScaledTPM")
    with pytest.raises(fw.OptionError, match="salmon, kallisto, rsem"):
        transcript_estimates(FILES["salmon"], type="sailfish", tx2gene=TX2GENE)


def test_files_and_samples_must_be_the_same_set():
    with pytest.raises(fw.SamplesError, match="'t2'"):
        fw.read_tximport(FILES["salmon"], type="salmon", samples=SAMPLES.rename({"t1": "t2"}), tx2gene=TX2GENE)


@pytest.mark.parametrize("program", ["salmon", "kallisto", "rsem"])
@pytest.mark.parametrize("given", ["folder", "files", "folders"])
def test_a_folder_or_a_list_names_samples_by_their_folders(tmp_path, program, given):
    for name in NAMES:
        shutil.copytree(HERE / name, tmp_path / name)
    (tmp_path / "c1" / "quant.genes.sf").write_text("another file of salmon\n")
    files = [tmp_path / path.relative_to(HERE) for path in FILES[program].values()]
    options = {"type": program, "samples": SAMPLES, "tx2gene": None if program == "rsem" else TX2GENE}
    source = {"folder": str(tmp_path), "files": files[::-1], "folders": [tmp_path / n for n in NAMES]}[given]
    found = fw.read_tximport(source, **options).counts
    pd.testing.assert_frame_equal(found, fw.read_tximport(FILES[program], **options).counts)


def test_samples_may_be_named_by_a_folder_further_up(tmp_path):
    for name in NAMES:
        shutil.copytree(HERE / name, tmp_path / name / "salmon")
    data = fw.read_tximport(tmp_path, type="salmon", samples=SAMPLES.iloc[:2], tx2gene=TX2GENE)
    assert list(data.sample_names) == ["c1", "c2"]
    assert any("left out 1 file of samples not in the table: 't1'" in line for line in data.provenance)


def test_a_folder_without_the_programs_files_says_what_is_looked_for(tmp_path):
    with pytest.raises(fw.CountsError, match=r"no quant\.sf.*one subfolder a sample"):
        fw.read_tximport(tmp_path, type="salmon", samples=SAMPLES, tx2gene=TX2GENE)
    with pytest.raises(fw.CountsError, match="no file or folder salmon"):
        fw.read_tximport("salmon", type="salmon", samples=SAMPLES, tx2gene=TX2GENE)
