"""Answers of PyDESeq2 to the simulated experiments of benchmarks/truth.py: python truth_pydeseq2.py FOLDER"""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from pydeseq2.dds import DeseqDataSet
from pydeseq2.default_inference import DefaultInference
from pydeseq2.ds import DeseqStats


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    (folder / "pydeseq2.version").write_text(f"PyDESeq2 {version('pydeseq2')}\n")
    for row in pd.read_csv(folder / "sets.tsv", sep="\t").itertuples():
        answer = folder / f"{row.name}.pydeseq2.tsv"
        if answer.exists():
            continue  # a run that was cut off goes on where it was
        flat = np.fromfile(folder / f"{row.name}.bin", dtype=np.int32)
        counts = pd.DataFrame(flat.reshape(row.n_samples, row.n_genes), index=[f"s{j}" for j in range(row.n_samples)])
        counts.columns = [f"g{i}" for i in range(row.n_genes)]
        samples = pd.DataFrame({"condition": ["AB"[j % 2] for j in range(row.n_samples)]}, index=counts.index)
        inference = DefaultInference(n_cpus=1)
        dds = DeseqDataSet(counts=counts, metadata=samples, design="~condition", inference=inference, quiet=True)
        dds.deseq2()
        asked = DeseqStats(dds, contrast=["condition", "B", "A"], alpha=0.1, inference=inference, quiet=True)
        asked.summary()
        found = asked.results_df[["log2FoldChange", "lfcSE", "pvalue", "padj"]]
        found.to_csv(answer, sep="\t", index=False, na_rep="NA")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
