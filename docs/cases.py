"""Experiments that the pages and their pictures share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import foldwise as fw


def hypertrophy() -> fw.CountData:
    """Two groups whose cells divide at different rates: genes that follow the rate mislead the eye.

    Columns: score (of proliferation, higher in HYPER), batch, group.
    """
    made = fw.simulate(n_genes=1000, n_samples=18, fraction_changed=0.2, lfc_sd=0.8, seed=5)
    rng = np.random.default_rng(5)
    group = np.where(np.arange(18) % 2 == 1, "HYPER", "CTRL")
    samples = pd.DataFrame(index=made.data.sample_names)
    samples["score"] = np.round(rng.normal(0.0, 0.5, 18) + 0.9 * (group == "HYPER"), 2)
    samples["batch"] = [f"batch{j // 6 + 1}" for j in range(18)]
    samples["group"] = group
    effect = 2.0 ** np.outer(rng.normal(0.0, 0.6, made.data.n_genes), samples["score"])
    return fw.CountData((made.data.counts * effect).round().astype(int), samples)


def mice() -> fw.CountData:
    """Twenty-four mice: strain moves most genes, then sex, then treatment; cage nothing. Two strain labels are exchanged.

    Columns: treatment, strain, sex, cage. Exchanged: mouse05 and mouse08.
    """
    rng = np.random.default_rng(8)
    made = fw.simulate(n_genes=3000, n_samples=24, fraction_changed=0.0, seed=8)
    k = np.arange(24)
    samples = pd.DataFrame(index=[f"mouse{j + 1:02d}" for j in range(24)])
    samples["treatment"] = np.where(k % 2 == 1, "drug", "control")
    samples["strain"] = np.where(k // 2 % 2 == 1, "B6", "D2")
    samples["sex"] = np.where(k // 4 % 2 == 1, "female", "male")
    samples["cage"] = [f"cage{j // 6 + 1}" for j in k]
    log2 = np.zeros((3000, 24))
    for column, level, share, size in (
        ("strain", "B6", 0.4, 1.5),
        ("sex", "female", 0.2, 1.2),
        ("treatment", "drug", 0.1, 1.0),
    ):
        effect = rng.normal(0.0, size, 3000) * (rng.random(3000) < share)
        log2 += np.outer(effect, samples[column] == level)
    for size in (0.5, 0.4):  # what differs between animals and nobody knows
        log2 += np.outer(rng.normal(0.0, size, 3000) * (rng.random(3000) < 0.3), rng.normal(0.0, 1.0, 24))
    counts = (made.data.counts.to_numpy() * 2.0**log2).round().astype(int)
    samples.loc[["mouse05", "mouse08"], "strain"] = samples.loc[["mouse08", "mouse05"], "strain"].to_numpy()
    return fw.CountData(pd.DataFrame(counts, index=made.data.gene_names, columns=samples.index), samples)


def cost_of_rounding(n_experiments: int = 10, depth_sd: float = 0.5) -> pd.DataFrame:
    """What is lost when a table of normalized counts is rounded and taken for counts.

    A row a way of analysis, averages over simulated experiments of known truth: ``RMSE`` of log2 fold changes over
    genes that differ, ``sensitivity`` and ``FDR`` at padj < 0.1, and how far dispersions are from those of the counts
    (median absolute log2 ratio, over genes with a mean below and above 10).
    """
    rows = []
    for seed in range(n_experiments):
        made = fw.simulate(n_genes=2000, n_samples=6, depth_sd=depth_sd, seed=seed)
        for way, fit in _three_ways(made.data).items():
            rows.append({"analysis": way} | _losses(fit, made.truth) | _dispersion_losses(fit, made.data))
    return pd.DataFrame(rows).groupby("analysis", sort=False).mean()


def _three_ways(data: fw.CountData) -> dict[str, Any]:
    fit = fw.deseq(data, "~ condition", progress=False)
    table = fit.counts(normalized=True).round(3)
    recovered = fw.recover_counts(table, samples=data.samples).to_count_data()
    rounded = fw.CountData(table.round().astype(int), data.samples, size_factors=1.0)
    return {
        "the counts": fit,
        "counts recovered from the table": fw.deseq(recovered, "~ condition", progress=False),
        "the table rounded, size factors 1": fw.deseq(rounded, "~ condition", progress=False),
    }


def _losses(fit: Any, truth: pd.DataFrame) -> dict[str, float]:
    table = fit.results().table
    changed, called = truth["log2FoldChange"] != 0, table["padj"] < 0.1
    error = (table["log2FoldChange"] - truth["log2FoldChange"])[changed]
    return {
        "sensitivity": (called & changed).sum() / changed.sum(),
        "FDR": (called & ~changed).sum() / max(called.sum(), 1),
        "RMSE": float(np.sqrt((error**2).mean())),
    }


def _dispersion_losses(fit: Any, data: fw.CountData) -> dict[str, float]:
    right = fw.deseq(data, "~ condition", progress=False).genes
    off = np.log2(fit.genes["dispersion"] / right["dispersion"]).abs()
    low = right["baseMean"] < 10
    return {"dispersions off, mean < 10": off[low].median(), "mean > 10": off[~low].median()}


def dispersions_three_ways() -> pd.DataFrame:
    """Final dispersions by gene, a column a way, of one simulated experiment."""
    made = fw.simulate(n_genes=4000, n_samples=6, depth_sd=0.5, seed=1)
    return pd.DataFrame({way: fit.genes["dispersion"] for way, fit in _three_ways(made.data).items()})
