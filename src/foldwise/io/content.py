"""What a file is, told from what it holds: names and endings are not asked."""

from __future__ import annotations

from typing import Literal

from foldwise.io.opening import HDF5, PARQUET, ZIP

FileKind = Literal["parquet", "hdf5", "xlsx", "xls", "rds", "rdata", "matrix market", "text"]
TableKind = Literal["featureCounts", "salmon", "kallisto", "rsem genes", "rsem isoforms", "STAR", "htseq", "table"]

_RDS_STARTS = (b"X\n", b"A\n", b"B\n")
_RDATA_STARTS = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"RDB2\n", b"RDB3\n")
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_HEADERS: dict[TableKind, tuple[str, ...]] = {
    "featureCounts": ("Geneid", "Chr", "Start", "End", "Strand", "Length"),
    "salmon": ("Name", "Length", "EffectiveLength", "TPM", "NumReads"),
    "kallisto": ("target_id", "length", "eff_length", "est_counts", "tpm"),
    "rsem genes": ("gene_id", "transcript_id(s)", "length", "effective_length", "expected_count", "TPM", "FPKM"),
    "rsem isoforms": ("transcript_id", "gene_id", "length", "effective_length", "expected_count", "TPM", "FPKM"),
}


def kind_of_content(content: bytes) -> FileKind:
    """Which kind of file these (uncompressed) bytes are."""
    if content.startswith(PARQUET):
        return "parquet"
    if content.startswith(HDF5):
        return "hdf5"
    if content.startswith(ZIP):
        return "xlsx"
    if content.startswith(_OLD_EXCEL):
        return "xls"
    if content.startswith(_RDATA_STARTS):
        return "rdata"
    if content.startswith(_RDS_STARTS) and not content[2:3].isspace():
        return "rds"
    return "matrix market" if content.startswith(b"%%MatrixMarket") else "text"


def kind_of_table(text: bytes) -> TableKind:
    """Which program wrote this text, told from its header line or its special rows."""
    lines = text[:65536].decode(errors="replace").split("\n")
    lines = [line for line in lines if line.strip()]
    if lines and lines[0].startswith("# Program:featureCounts"):
        return "featureCounts"
    first = tuple((lines or [""])[0].split("\t"))
    for kind, header in _HEADERS.items():
        if first[: len(header)] == header:
            return kind
    if first[0] == "N_unmapped" and len(first) == 4:
        return "STAR"
    last = text[-4096:].decode(errors="replace").rstrip("\n").split("\n")[-5:]
    if any(line.startswith(("__no_feature\t", "__not_aligned\t", "__alignment_not_unique\t")) for line in last):
        return "htseq"
    return "table"
