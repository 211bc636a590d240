"""Messages of the library in the command line's words: its options in place of Python's arguments."""

from __future__ import annotations

import re
from typing import Any

from foldwise.cli.coefficient_sum import sum_text
from foldwise.cli.contrast_text import as_text

# What a message says → what is said here. In this order; the longer before what it contains.
_SAID = (
    (
        r"make it text \(samples\['(.*?)'\]\.astype\(str\)\) or write factor\(",
        r"give --factor \1 or write factor(",
    ),
    (r"make it categories: samples\['(.*?)'\]\.astype\(str\)", r"give --factor \1"),
    (r"(For groups m|M|m)ake it text(?: for groups)?: samples\['(.*?)'\]\.astype\(str\)", r"For groups give --factor \2"),
    (
        r"samples\['group'\] = samples\['(.*?)'\]\.astype\(str\) \+ '_' \+ samples\['(.*?)'\]\.astype\(str\)",
        r"a column 'group' in the sample table that joins '\1' and '\2'",
    ),
    (r"Say it as \(factor, numerator, denominator\).*?name='condition_B_vs_A'\.", "Say it as --contrast "
    "condition,treated,control, as a sum of coefficients, --contrast a+b-c, as --contrast numeric:0,1,-1, or as --name condition_B_vs_A."),
    (r"combine them as a pair of lists or a numeric vector", "combine them: --contrast NAME+NAME-NAME, or "
     "--contrast numeric:0,1,-1"),
    (r"reference=\{'(.*?)': '(.*?)'\}", r"--reference \1=\2"),
    (r"unlisted='drop'", "--drop-unlisted"),
    (r"(sf|fit)_type=['\"](\w+)['\"]", r"--\1-type \2"),
    (r"\btest=['\"](\w+)['\"]", r"--test \1"),
    (r"\breduced= ?", "--reduced "),
    (r"\btype=['\"](apeglm|ashr|normal)['\"]", r"--shrink \1"),
    (r" by name=\.", " by --name."),
    (r"\bname='(\w[^']*)'", r"--name \1"),
    (r"\bnsub=(\d+)", r"--nsub \1"),
    (r"lfc_threshold=…", "--lfc-threshold …"),
    (r"alt_hypothesis=['\"](\w+)['\"]", r"--alt-hypothesis \1"),
    (r"set lfc_threshold above", "set --lfc-threshold above"),
    (r"results\((--test \w+), (--lfc-threshold …)\)", r"\1 \2"),
    (r", or, if the column describes genes, name it in annotation=", ", or leave the column out if it describes genes"),
    (r"annotation columns belong into genes=", "leave out columns that describe genes"),
    (r"(?:foldwise|fw)\.recover_counts\(\)", '"foldwise recover-counts"'),
    (
        r"for estimated counts of salmon, kallisto or RSEM use foldwise\.read_tximport\(\)",
        "for a table of estimated counts (salmon, kallisto, RSEM) give --round",
    ),
    (
        r"use fw\.read_tximport\(\{sample: path\}, type='\w+', \.\.\.\)",
        "give one table of all samples (tximport's counts, or nf-core/rnaseq's gene_counts.tsv) with --round",
    ),
    (r"use fw\.(read_star|read_htseq)\(folder, samples\)", "give the folder that holds the files of all samples"),
    (
        r"fw\.deseq\(fw\.CountData\(table\.round\(\), samples, size_factors=1\), design\)",
        '"foldwise run … --round"',
    ),
    (r"fw\.estimate_size_factors of the rounded table are", "the size factors of the rounded table (size_factors.tsv) are"),
    (r"results\(cooks_cutoff=False\) gives", "In Python, results(cooks_cutoff=False) gives"),
    (r"results\(independent_filtering=False\) adjusts", "--no-independent-filtering adjusts"),
    (r"with layer=", "with --layer"),
    (r"\blayer= and backed= are", "--layer is"),
    (r"; give separator= otherwise", "; save it as tab-separated text otherwise"),
    (r"give samples=, one row a sample", "give SAMPLES, one row a sample"),
    (r", or give size_factors= of your own", ", or try --sf-type poscounts"),
    (r"; where there is no such argument, first give a CountData its size factors: .*?\)\)", ""),
    (r"fw\.norm_transform\(data\) needs no trend", '"foldwise transform … --method log2" needs no trend'),
    (r"\bgene_column=", "--features-id-col "),
)  # fmt: skip
_RULES = tuple((re.compile(pattern, re.DOTALL), said) for pattern, said in _SAID)


def in_our_words(text: object) -> str:
    """The message with options for arguments; anything that has no option stays as it is."""
    said = str(text)
    for pattern, words in _RULES:
        said = pattern.sub(words, said)
    return said


def asking(contrast: Any) -> str:
    """How a comparison is asked for: ``--contrast …`` or ``--name …``."""
    if isinstance(contrast, str):
        return f"--name {contrast}"
    if len(contrast) == 3:
        return f"--contrast {as_text(contrast)}"
    return f"--contrast {sum_text(contrast)}"
