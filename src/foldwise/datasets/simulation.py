"""Experiments with known truth: negative binomial counts with chosen fold changes, dispersions, batch and outliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.counts import CountData
from foldwise.errors import OptionError


@dataclass(frozen=True, slots=True)
class Simulation:
    """data : counts and samples (columns condition and, if asked for, batch).

    truth : by gene: mean, dispersion, log2FoldChange of condition B over A, batch effect (log2), outlier (the sample
    whose count was multiplied, or "").
    """

    data: CountData
    truth: pd.DataFrame


@checked
def simulate(
    *,
    n_genes: int = 1000,
    n_samples: int = 12,
    fraction_changed: float = 0.2,
    lfc_sd: float = 1.0,
    mean_log2: float = 6.0,
    mean_sd: float = 2.5,
    dispersion_at: tuple[float, float] = (0.1, 4.0),
    dispersion_sd: float = 0.5,
    n_batches: int = 1,
    batch_sd: float = 0.5,
    outlier_fraction: float = 0.0,
    outlier_factor: float = 100.0,
    depth_sd: float = 0.2,
    seed: int = 0,
) -> Simulation:
    """A negative binomial experiment of two conditions, A and B.

    Parameters
    ----------
    n_genes, n_samples : size; samples alternate between A and B.
    fraction_changed, lfc_sd : share of genes with a fold change, and the sd of these (log2, normal).
    mean_log2, mean_sd : of the log2 means of genes.
    dispersion_at : (asymptotic dispersion, extra-Poisson) of the trend ``extra / mean + asymptotic``.
    dispersion_sd : sd of log dispersions around the trend.
    n_batches, batch_sd : batches, spread evenly over conditions, with gene-wise effects (log2).
    outlier_fraction, outlier_factor : share of genes in which one count is multiplied, and by how much.
    depth_sd : sd of log size factors.
    seed : the same seed gives the same experiment.

    Raises
    ------
    OptionError
        For sizes or shares that make no experiment.
    """
    if n_genes < 1 or n_samples < 2 or n_batches < 1:
        raise OptionError("simulate needs at least one gene, two samples and one batch.")
    if not (0 <= fraction_changed <= 1 and 0 <= outlier_fraction <= 1):
        raise OptionError("fraction_changed and outlier_fraction are shares between 0 and 1.")
    rng = np.random.default_rng(seed)
    mean = 2.0 ** rng.normal(mean_log2, mean_sd, n_genes)
    asymptotic, extra = dispersion_at
    dispersion = (extra / mean + asymptotic) * np.exp(rng.normal(0.0, dispersion_sd, n_genes))
    lfc = np.where(rng.random(n_genes) < fraction_changed, rng.normal(0.0, lfc_sd, n_genes), 0.0)
    is_b = np.arange(n_samples) % 2 == 1
    batch = (np.arange(n_samples) // 2) % n_batches
    effects = rng.normal(0.0, batch_sd, (n_genes, n_batches)) if n_batches > 1 else np.zeros((n_genes, 1))
    depth = np.exp(rng.normal(0.0, depth_sd, n_samples))
    log2_mu = np.log2(mean)[:, None] + lfc[:, None] * is_b + effects[:, batch]
    mu = 2.0**log2_mu * depth
    counts = rng.poisson(mu * rng.gamma(1.0 / dispersion[:, None], dispersion[:, None], mu.shape))
    outlier = np.full(n_genes, "", dtype=object)
    names = [f"sample{j + 1:0{len(str(n_samples))}d}" for j in range(n_samples)]
    for i in np.flatnonzero(rng.random(n_genes) < outlier_fraction):
        j = int(rng.integers(n_samples))
        counts[i, j] = int((counts[i, j] + 1) * outlier_factor)
        outlier[i] = names[j]
    genes = [f"gene{i + 1:0{len(str(n_genes))}d}" for i in range(n_genes)]
    samples = pd.DataFrame({"condition": pd.Categorical(np.where(is_b, "B", "A"), categories=["A", "B"])}, index=names)
    if n_batches > 1:
        samples["batch"] = pd.Categorical([f"batch{b + 1}" for b in batch])
    truth = pd.DataFrame(
        {
            "mean": mean,
            "dispersion": dispersion,
            "log2FoldChange": lfc,
            **{f"batch{b + 1}": effects[:, b] for b in range(n_batches) if n_batches > 1},
            "outlier": outlier,
        },
        index=genes,
    )
    return Simulation(CountData(pd.DataFrame(counts, index=genes, columns=names), samples), truth)
