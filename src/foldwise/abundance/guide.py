"""Which normalisation accounts for what: the table of the RNA-seq courses, and why RPKM misleads between samples."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

METHODS = pd.DataFrame(
    [
        (
            "CPM (counts per million)",
            "fw.cpm",
            "counts over the total number of reads, in millions",
            "sequencing depth",
            "a gene between replicates of the same sample group",
            "genes within a sample",
        ),
        (
            "TPM (transcripts per million)",
            "fw.tpm",
            "counts per base of gene, as shares of their sum, in millions",
            "sequencing depth and gene length",
            "genes within a sample; samples of the same sample group",
            "groups whose RNA composition differs",
        ),
        (
            "RPKM/FPKM (reads or fragments per kilobase and million)",
            "fw.rpkm, fw.fpkm",
            "counts per kilobase of gene and million reads",
            "sequencing depth and gene length",
            "genes within a sample",
            "samples: their totals differ",
        ),
        (
            "FPM (fragments per robust million)",
            "fw.fpm",
            "counts over size factor times geometric mean of the totals",
            "sequencing depth and RNA composition",
            "a gene between samples",
            "genes within a sample",
        ),
        (
            "DESeq2's median of ratios",
            "fw.median_of_ratios",
            "counts over size factors, each the median ratio of counts to the genes' geometric means",
            "sequencing depth and RNA composition",
            "a gene between samples",
            "genes within a sample",
        ),
        (
            "edgeR's trimmed mean of M values (TMM)",
            "fw.tmm_factors, fw.cpm(norm_factors=)",
            "counts over the library size corrected by a trimmed mean of log ratios",
            "sequencing depth and RNA composition",
            "a gene between samples",
            "genes within a sample",
        ),
    ],
    columns=["method", "function", "description", "accounts for", "may compare", "may not compare"],
).set_index("method")
METHODS["goes into the test"] = "no: counts do"

TEST = (
    "None of these goes into the test. fw.deseq takes counts, because a count says how uncertain it is: 10 reads of a "
    "shallow sample and 100 of a deep one may be the same value after normalisation and are not the same evidence. "
    "Sequencing depth and RNA composition enter the model as size factors, beside the counts."
)


@dataclass(frozen=True, slots=True, repr=False)
class NormalizationGuide:
    """What :func:`normalization_guide` returns; print it.

    table : a row a method: what it is, what it accounts for, what it may compare.
    counts, lengths : the worked example: genes x samples, and bases by gene.
    rpkm, tpm : the example's values with a last row, the total of each sample.
    """

    table: pd.DataFrame
    counts: pd.DataFrame
    lengths: pd.Series
    rpkm: pd.DataFrame
    tpm: pd.DataFrame

    def __str__(self) -> str:
        rows = "\n".join(_paragraph(str(name), row) for name, row in self.table.iterrows())
        tables = (self.counts.assign(length=self.lengths), self.rpkm.round(0), self.tpm.round(0))
        counts, rpkm, tpm = ("\n".join("    " + line for line in t.to_string().splitlines()) for t in tables)
        return (
            f"{rows}\n\n{TEST}\n\nWhy not RPKM between samples\n\nCounts, and the lengths of the genes:\n{counts}\n\n"
            f"RPKM:\n{rpkm}\n\nTPM:\n{tpm}\n\n{_moral(self)}"
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [self.table.to_html(), f"<p>{TEST}</p>", "<h4>Why not RPKM between samples</h4>"]
        parts += [t.to_html() for t in (self.counts.assign(length=self.lengths), self.rpkm.round(0), self.tpm.round(0))]
        return "\n".join([*parts, f"<p>{_moral(self)}</p>"])


def normalization_guide() -> NormalizationGuide:
    """The table of normalisations (what each accounts for and may compare) and a worked example.

    The example: two samples of the same depth. XCR1 has the same count in both, hence the same RPKM; but the rest of
    sampleB's reads fall on shorter genes, so its RPKM sum to more, and the share of XCR1 is smaller. TPM divides by
    that sum and shows it.

    Examples
    --------
    >>> import foldwise as fw
    >>> guide = fw.normalization_guide()
    >>> guide.table.loc["TPM (transcripts per million)", "accounts for"]
    'sequencing depth and gene length'
    >>> guide.tpm.loc["total"].round(6).tolist()
    [1000000.0, 1000000.0]
    """
    from foldwise.abundance.cpm import rpkm
    from foldwise.abundance.tpm import tpm

    lengths = pd.Series({"XCR1": 2000, "WASHC1": 4000, "SNTB2": 8000, "ACTB": 500}, name="length")
    counts = pd.DataFrame(
        {"sampleA": [100, 2500, 7000, 400], "sampleB": [100, 2500, 5800, 1600]},
        index=pd.Index(lengths.index, name="gene"),
    )
    values = [f(counts, lengths=lengths) for f in (rpkm, tpm)]
    totals = [v.sum().to_frame("total").T for v in values]
    with_totals = [pd.concat([v, t]).rename_axis("gene") for v, t in zip(values, totals, strict=True)]
    return NormalizationGuide(METHODS.copy(), counts, lengths, *with_totals)


def _paragraph(name: str, row: pd.Series) -> str:
    lines = [f"  {key + ':':18s} {row[key]}" for key in row.index]
    return "\n".join([name, *lines])


def _moral(guide: NormalizationGuide) -> str:
    a, b = guide.rpkm.loc["total"]
    gene = guide.rpkm.index[0]
    x, y = guide.tpm.loc[gene]
    return (
        f"Both samples have {int(guide.counts.sum().iloc[0]):,} reads, and {gene} has the same RPKM in both. But the "
        f"RPKM of sampleA sum to {a:,.0f} and those of sampleB to {b:,.0f}, so {gene} is a smaller part of sampleB: "
        f"{x:,.0f} transcripts per million against {y:,.0f}. TPM of every sample sum to one million, so they can be "
        "compared as shares."
    )
