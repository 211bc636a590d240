"""What is measured: real and simulated experiments, written once as files that every tool reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Workload:
    """One task. what : "wald", "lrt", "apeglm", "vst", "rlog", or "whole": fit, results and apeglm.

    genes, samples : of a simulated table.
    """

    name: str
    about: str
    data: str
    design: str
    what: str = "wald"
    reduced: str = ""
    genes: int = 0
    samples: int = 0
    batches: int = 1


WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", "pasilla, 14,599 x 7", "pasilla", "~ type + condition"),
        Workload("W2", "airway, 33,469 x 8", "airway", "~ cell + dex"),
        Workload("W3", "20,000 x 100, two groups", "sim100", "~ condition", genes=20_000, samples=100),
        Workload(
            "W3s", "2,000 x 100, two groups", "sim100s", "~ condition", genes=2_000, samples=100
        ),
        Workload(
            "W4a", "20,000 x 100, batch by condition (p = 8)", "sim100b", "~ batch + condition + batch:condition",
            genes=20_000, samples=100, batches=4,
        ),
        Workload(
            "W4b", "20,000 x 100, age, batch, condition (p = 6)", "sim100b", "~ age + batch + condition",
            genes=20_000, samples=100, batches=4,
        ),
        Workload(
            "W5", "20,000 x 1,000, batch and condition (p = 5)", "sim1000", "~ batch + condition",
            genes=20_000, samples=1_000, batches=4,
        ),
        Workload(
            "W5s", "2,000 x 1,000, batch and condition (p = 5)", "sim1000s", "~ batch + condition",
            genes=2_000, samples=1_000, batches=4,
        ),
        Workload(
            "W6", "likelihood ratio test on W3", "sim100", "~ condition", "lrt", "~ 1", genes=20_000, samples=100
        ),
        Workload("W7", "apeglm on airway", "airway", "~ cell + dex", "apeglm"),
        Workload("W8v", "vst on airway", "airway", "~ cell + dex", "vst"),
        Workload("W8r", "rlog on airway", "airway", "~ cell + dex", "rlog"),
        Workload("W8R", "rlog on W3", "sim100", "~ condition", "rlog", genes=20_000, samples=100),
        Workload("W8Rs", "rlog on 2,000 x 100", "sim100s", "~ condition", "rlog", genes=2_000, samples=100),
        Workload("W9", "1,000 x 6, whole process", "sim6", "~ condition", genes=1_000, samples=6),
        Workload("W10", "54,922 x 300, two groups", "sim300", "~ condition", "whole", genes=54_922, samples=300),
        Workload(
            "W11", "54,922 x 2,451 (p = 6)", "sim2451", "~ batch + condition", "whole", genes=54_922, samples=2_451, batches=5
        ),
    )
}  # fmt: skip


def written(workload: Workload, folder: Path) -> Path:
    """The folder of a workload's data; made if it is not there. Counts as text for R and as an array for Python."""
    at = folder / workload.data
    if (at / "samples.tsv").exists():
        return at
    at.mkdir(parents=True, exist_ok=True)
    counts, samples = _real(workload.data) if workload.genes == 0 else _simulated(workload)
    np.save(at / "counts.npy", counts.to_numpy(dtype=np.int32))
    (at / "genes.txt").write_text("\n".join(counts.index) + "\n")
    counts.to_numpy(dtype=np.int32).T.tofile(at / "counts.bin")  # column by column, as R keeps a matrix
    samples.to_csv(at / "samples.tsv", sep="\t")
    return at


def _real(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    from foldwise import datasets

    data = getattr(datasets, name)()
    return data.counts, data.samples


def _simulated(workload: Workload) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means, dispersions and depths as in ordinary bulk data; the seed is fixed."""
    import foldwise as fw

    made = fw.simulate(
        n_genes=workload.genes,
        n_samples=workload.samples,
        n_batches=workload.batches,
        outlier_fraction=0.01,
        seed=20_261_125,
    ).data
    samples = made.samples.copy()
    samples["age"] = np.round(np.random.default_rng(7).normal(0.0, 1.0, len(samples)), 3)
    return made.counts, samples


def read(at: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts and samples as Python tools take them."""
    samples = pd.read_csv(at / "samples.tsv", sep="\t", index_col=0)
    for column in samples.columns:
        if samples[column].dtype == object or pd.api.types.is_string_dtype(samples[column]):
            samples[column] = pd.Categorical(samples[column], sorted(samples[column].unique()))
    genes = (at / "genes.txt").read_text().split("\n")[:-1]
    return pd.DataFrame(np.load(at / "counts.npy"), index=genes, columns=samples.index), samples
