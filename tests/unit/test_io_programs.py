"""featureCounts, htseq-count and STAR, on files laid out as these programs write them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

import foldwise as fw
from foldwise.io.featurecounts import short_names

SAMPLES = pd.DataFrame({"condition": ["a", "b"]}, index=["S1", "S2"])


# ------------------------------------------------------------------------------------------------ featureCounts
def featurecounts(*columns: str, extra: str = "", cell: str = "1") -> str:
    head = (
        '# Program:featureCounts v2.0.6; Command:"featureCounts" "-p" "-a" "genes.gtf" "-o" "counts.txt" "a b.bam" \n'
    )
    names = "\t".join(["Geneid", "Chr", "Start", "End", "Strand", "Length", *([extra] if extra else []), *columns])
    rows = [
        ["ENSG01", "chr1;chr1;chr1", "11869;12613;13221", "12227;12721;14409", "+;+;+", "1735"],
        ["ENSG02", "chrX", "100", "1100", "-", "1001"],
    ]
    body = [
        "\t".join([*row, *(["symbol" + row[0]] if extra else []), *(cell for _ in columns[1:]), str(10 * (i + 1))])
        for i, row in enumerate(rows)
    ]
    return head + names + "\n" + "\n".join(body) + "\n"


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("reader", [fw.read_featurecounts, fw.read_counts])
def test_featurecounts_keeps_places_and_shortens_paths(tmp_path, reader):
    path = file(tmp_path, "counts.txt", featurecounts("/data/run 1/S1.sorted.bam", "/data/run 1/S2.sorted.bam"))
    data = reader(path, SAMPLES)
    assert list(data.counts.columns) == ["S1", "S2"]
    assert list(data.counts["S2"]) == [10, 20]
    assert list(data.genes.columns) == ["Chr", "Start", "End", "Strand", "Length"]
    assert data.genes.loc["ENSG01", "Length"] == 1735
    assert data.genes.loc["ENSG01", "Start"] == "11869;12613;13221"
    assert any("named samples after their files" in line for line in data.provenance)


def test_featurecounts_with_extra_attributes(tmp_path):
    path = file(tmp_path, "counts.txt", featurecounts("S1.bam", "S2.bam", extra="gene_name"))
    assert list(fw.read_featurecounts(path, SAMPLES).genes["gene_name"]) == ["symbolENSG01", "symbolENSG02"]


def test_featurecounts_bad_cell_is_named(tmp_path):
    path = file(tmp_path, "counts.txt", featurecounts("S1.bam", "S2.bam", cell="1e"))
    with pytest.raises(fw.CountsError, match=r"column 'S1' holds text in row 3 \('1e'\)"):
        fw.read_featurecounts(path, SAMPLES)


def test_other_tables_are_refused(tmp_path):
    with pytest.raises(fw.CountsError, match="not featureCounts' output.*read_counts"):
        fw.read_featurecounts(file(tmp_path, "t", "gene\tS1\tS2\ng\t1\t2\n"), SAMPLES)


@pytest.mark.parametrize(
    ("paths", "samples", "names"),
    [
        (["x/S1Aligned.sortedByCoord.out.bam", "x/S2Aligned.sortedByCoord.out.bam"], None, ["S1", "S2"]),
        (["S1.markdup.sorted.bam", "S2.markdup.sorted.bam"], None, ["S1", "S2"]),
        (["S1/accepted_hits.bam", "S2/accepted_hits.bam"], None, ["S1", "S2"]),
        (["S1/star/Aligned.out.sam", "S2/star/Aligned.out.sam"], None, ["S1", "S2"]),
        (["S1.sorted.bam", "S2.sorted.bam"], ["S1.sorted.bam", "S2.sorted.bam"], ["S1.sorted.bam", "S2.sorted.bam"]),
        (["A/run.bam", "B/walk.bam"], ["A", "B"], ["A", "B"]),
        ([r"C:\bams\S1.bam", r"C:\bams\S2.bam"], None, ["S1", "S2"]),
    ],
)
def test_names_of_bam_files(paths, samples, names):
    assert short_names(paths, samples) == names


def test_names_can_be_given(tmp_path):
    path = file(tmp_path, "counts.txt", featurecounts("one.bam", "two.bam"))
    data = fw.read_featurecounts(path, SAMPLES, names={"one.bam": "S1", "two.bam": "S2"})
    assert list(data.counts.columns) == ["S1", "S2"]


# ------------------------------------------------------------------------------------------------ htseq-count
SPECIAL = "__no_feature\t{}\n__ambiguous\t2\n__too_low_aQual\t0\n__not_aligned\t7\n__alignment_not_unique\t1\n"


def htseq_folder(folder: Path) -> Path:
    file(folder, "S1.txt", "g1\t5\ng2\t0\n" + SPECIAL.format(10))
    file(folder, "S2.txt", "g1\t6\ng2\t8\n" + SPECIAL.format(20))
    return folder


def test_htseq_folder_keeps_special_rows_aside(tmp_path):
    data = fw.read_htseq(htseq_folder(tmp_path), SAMPLES)
    assert data.counts.to_numpy().tolist() == [[5, 6], [0, 8]]
    assert data.samples.attrs["quality_counts"]["__no_feature"] == {"S1": 10, "S2": 20}
    assert any("set aside __no_feature" in line for line in data.provenance)


def test_samples_of_a_folder_come_in_the_order_of_the_table(tmp_path):
    names = [f"s{i}" for i in (2, 10, 1)]
    for i, name in enumerate(names):
        (tmp_path / f"{name}.txt").write_text(f"g1\t{i + 1}\ng2\t5\n")
    data = fw.read_htseq(tmp_path, pd.DataFrame({"condition": ["a", "b", "b"]}, index=names))
    assert list(data.sample_names) == names
    assert data.counts.loc["g1"].tolist() == [1, 2, 3]
    assert list(fw.read_htseq(tmp_path)) == ["s1", "s10", "s2"]


def test_htseq_list_mapping_and_file_column(tmp_path):
    folder = htseq_folder(tmp_path)
    files = {"S1": folder / "S1.txt", "S2": folder / "S2.txt"}
    for given in (files, list(files.values())):
        assert fw.read_htseq(given, SAMPLES).counts.loc["g2", "S2"] == 8
    swapped = SAMPLES.assign(fileName=["S2.txt", "S1.txt"])
    assert fw.read_htseq(folder, swapped).counts.loc["g2", "S1"] == 8
    with pytest.raises(fw.SamplesError, match="not there.*S9"):
        fw.read_htseq(folder, SAMPLES.assign(fileName=["S9.txt", "S1.txt"]))


def test_htseq_of_other_annotations_is_refused(tmp_path):
    folder = htseq_folder(tmp_path)
    file(folder, "S2.txt", "g1\t6\ng3\t8\n" + SPECIAL.format(20))
    with pytest.raises(
        fw.CountsError, match=r"S2\.txt has other genes than S1\.txt: 1 missing \('g2'\), 1 more \('g3'\)"
    ):
        fw.read_htseq(folder, SAMPLES)


def test_htseq_extra_files_and_gz_and_attributes(tmp_path):
    for name in ("S1", "S2", "S3"):
        with gzip.open(tmp_path / f"{name}.counts.txt.gz", "wt") as out:
            out.write("g1\tsym1\t5\ng2\t\t0\n__no_feature\t\t9\n")
    data = fw.read_htseq(tmp_path, SAMPLES)
    assert list(data.genes["attribute_1"]) == ["sym1", ""]
    assert any("left out 1 file" in line and "S3" in line for line in data.provenance)


def test_htseq_with_header_over_several_bams(tmp_path):
    path = file(
        tmp_path, "all.tsv", "\tgene_name\tx/S1.bam\tx/S2.bam\ng1\tA\t1\t2\ng2\tB\t3\t4\n__no_feature\t\t5\t6\n"
    )
    data = fw.read_htseq(path, SAMPLES)
    assert data.counts.to_numpy().tolist() == [[1, 2], [3, 4]]
    assert data.samples.attrs["quality_counts"]["__no_feature"] == {"S1": 5, "S2": 6}


def test_htseq_old_special_rows(tmp_path):
    for name in ("S1", "S2"):
        file(tmp_path, f"{name}.txt", "g1\t5\nno_feature\t3\nambiguous\t2\n")
    assert list(fw.read_htseq(tmp_path, SAMPLES).counts.index) == ["g1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("g1\t6\ng2\n", r"S2\.txt, line 2: 1 field"),
        ("g1\t6\ng2\tx\ng3\t4\n", r"S2\.txt, line 2: 'x' is not a count"),
        ("g1\t6\ng1\t7\n", r"S2\.txt lists genes twice: 'g1'"),
        ("gene\tS2\ng1\t6\ng2\t7\ng3\t8\n", "line 1: 'S2' is not a count.*read_counts"),
    ],
)
def test_htseq_bad_lines(tmp_path, text, says):
    folder = htseq_folder(tmp_path)
    file(folder, "S2.txt", text)
    with pytest.raises(fw.CountsError, match=says):
        fw.read_htseq(folder, SAMPLES)


# ------------------------------------------------------------------------------------------------ STAR
def star(counts: list[tuple[int, int, int]]) -> str:
    rows = [("N_unmapped", 9, 9, 9), ("N_multimapping", 8, 8, 8), ("N_noFeature", 1, 90, 3), ("N_ambiguous", 2, 1, 1)]
    rows += [(f"g{i}", *c) for i, c in enumerate(counts, 1)]
    return "\n".join("\t".join(map(str, row)) for row in rows) + "\n"


def star_folder(folder: Path, *counts: list[tuple[int, int, int]]) -> Path:
    for name, own in zip(("S1", "S2"), counts, strict=True):
        file(folder, f"{name}/{name}.ReadsPerGene.out.tab", star(own))
    return folder


REVERSE = [(100, 3, 98), (50, 1, 49)]
FORWARD = [(100, 98, 3), (50, 49, 1)]
UNSTRANDED = [(100, 51, 49), (50, 24, 26)]


@pytest.mark.parametrize(
    ("counts", "strand", "column"), [(REVERSE, "reverse", 2), (FORWARD, "forward", 1), (UNSTRANDED, "unstranded", 0)]
)
def test_star_chooses_the_strand_and_says_so(tmp_path, counts, strand, column):
    data = fw.read_star(star_folder(tmp_path, counts, counts), SAMPLES)
    assert list(data.counts["S1"]) == [c[column] for c in counts]
    assert any(f"the {strand} counts" in line for line in data.provenance)
    assert data.samples.attrs["quality_counts"]["N_unmapped"] == {"S1": 9, "S2": 9}


def test_star_strand_as_asked_or_asked_for(tmp_path):
    folder = star_folder(tmp_path, REVERSE, FORWARD)
    with pytest.raises(fw.OptionError, match="differs between samples.*S1 3%.*S2 97%.*strand='unstranded'"):
        fw.read_star(folder, SAMPLES)
    assert list(fw.read_star(folder, SAMPLES, strand="forward").counts["S1"]) == [3, 1]
    unclear = star_folder(tmp_path / "b", [(100, 70, 30)], [(100, 70, 30)])
    with pytest.raises(fw.OptionError, match="cannot be told"):
        fw.read_star(unclear, SAMPLES)
    with pytest.raises(fw.OptionError, match="'auto', 'unstranded', 'forward', 'reverse'"):
        fw.read_star(folder, SAMPLES, strand="yes")


def test_star_files_that_are_cut_off(tmp_path):
    folder = star_folder(tmp_path, REVERSE, REVERSE)
    path = folder / "S2" / "S2.ReadsPerGene.out.tab"
    path.write_text(path.read_text()[:-4])
    with pytest.raises(fw.CountsError, match=r"S2\.ReadsPerGene\.out\.tab, line 6.*cut off"):
        fw.read_star(folder, SAMPLES)


def test_star_without_samples_is_a_table(tmp_path):
    table = fw.read_star(star_folder(tmp_path, REVERSE, REVERSE))
    assert list(table.columns) == ["S1", "S2"]
