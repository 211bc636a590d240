"""Writes the small experiments of the parity cases: data/NAME.counts.tsv.gz, .samples.tsv, and what else belongs to some.

    python make_data.py

Fixed seeds and gzip headers without a time: the same files each time (with the same NumPy). Real data are not here:
pasilla and airway come with foldwise.
"""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parent / "data"


def save(table, path):
    text = table.to_csv(sep="\t", lineterminator="\n").encode()
    path.write_bytes(gzip.compress(text, 9, mtime=0) if path.suffix == ".gz" else text)


def counts_of(rng, groups, effects, *, mean, dispersion, depth):
    """Negative binomial counts; effects: natural-log changes of each gene in each of the groups of samples."""
    mu = mean[:, None] * np.exp(sum(effect[:, g] for effect, g in zip(effects, groups, strict=True))) * depth
    shape = 1.0 / dispersion[:, None]
    return rng.poisson(rng.gamma(shape, mu / shape))


def genes_of(rng, n, *, log_mean=4.0, log_sd=1.9):
    mean = np.exp(rng.normal(log_mean, log_sd, n))
    return mean, (0.05 + 3.0 / mean) * np.exp(rng.normal(0, 0.5, n))


def change(rng, n, levels, sd=1.0, share=0.4):
    """(n, levels) log changes; the first level is the base."""
    out = rng.normal(0, sd, (n, levels)) * (rng.random((n, levels)) < share)
    out[:, 0] = 0.0
    return out


def factors_like(rng, shape, depth):
    """Normalization factors whose rows have a geometric mean of 1."""
    raw = depth * np.exp(rng.normal(0, 0.15, shape))
    return np.round(raw / np.exp(np.log(raw).mean(axis=1, keepdims=True)), 6)


def put(name, counts, samples, **beside):
    DATA.mkdir(exist_ok=True)
    genes = [f"g{i + 1:03d}" for i in range(len(counts))]
    labelled = {"index": pd.Index(genes, name="gene"), "columns": samples.index}
    save(pd.DataFrame(counts, **labelled), DATA / f"{name}.counts.tsv.gz")
    save(samples.rename_axis("sample"), DATA / f"{name}.samples.tsv")
    for what, values in beside.items():
        save(pd.DataFrame(values, **labelled), DATA / f"{name}.{what}.tsv.gz")


def two_groups(rng, n=160, m=12):
    group, batch = np.repeat([0, 1], 6), np.tile([0, 1, 2], 4)
    mean, dispersion = genes_of(rng, n)
    depth = np.exp(rng.normal(0, 0.3, m))
    effects = [change(rng, n, 2), change(rng, n, 3, 0.4)]
    counts = counts_of(rng, [group, batch], effects, mean=mean, dispersion=dispersion, depth=depth)
    counts[4:8] = 0
    counts[8:13, :6] = 0  # silent in the first group
    counts[13:16, 6:] = 0
    counts[16] = 0
    counts[16, 3] = 30  # a single sample counts
    for i in range(20, 32):  # outliers
        counts[i, rng.integers(m)] = counts[i].mean() * 40 + 60
    samples = pd.DataFrame(
        {
            "condition": np.array(["control", "treated"])[group],
            "batch": np.array(["b1", "b2", "b3"])[batch],
            "sex": np.tile(["F", "M"], 6),
            "dose": np.round(group * rng.uniform(1, 4, m), 2),
            "label": np.array(["no drug", "drug-A+"])[group],
        },
        index=[f"c{i}" for i in range(1, 7)] + [f"t{i}" for i in range(1, 7)],
    )
    weights = np.where(rng.random(counts.shape) < 0.04, 0.0, np.round(rng.uniform(0.2, 1.0, counts.shape), 4))
    lengths = np.round(np.exp(rng.normal(7, 0.7, n))[:, None] * np.exp(rng.normal(0, 0.12, counts.shape)), 3)
    put("two_groups", counts, samples, weights=weights, lengths=lengths, factors=factors_like(rng, counts.shape, depth))


def three_conditions(rng, n=150, m=18):
    condition, batch = np.tile(np.repeat([0, 1, 2], 3), 2), np.repeat([0, 1], 9)
    mean, dispersion = genes_of(rng, n)
    depth = np.exp(rng.normal(0, 0.25, m))
    effects = [change(rng, n, 3), change(rng, n, 2, 0.5)]
    counts = counts_of(rng, [condition, batch], effects, mean=mean, dispersion=dispersion, depth=depth)
    counts[3:6] = 0
    counts[6:12][:, condition == 2] = 0  # silent in C
    counts[12:18][:, condition != 0] = 0  # silent in B and C
    samples = pd.DataFrame(
        {
            "condition": np.array(["A", "B", "C"])[condition],
            "batch": np.array(["x", "y"])[batch],
            "age": np.round(rng.uniform(20, 70, m), 1),
        },
        index=[f"s{i:02d}" for i in range(1, m + 1)],
    )
    weights = np.where(rng.random(counts.shape) < 0.03, 0.0, np.round(rng.uniform(0.3, 1.0, counts.shape), 4))
    put("three_conditions", counts, samples, weights=weights, factors=factors_like(rng, counts.shape, depth))


def two_by_two(rng, n=150, m=16):
    genotype, treatment = np.repeat([0, 1], 8), np.tile(np.repeat([0, 1], 4), 2)
    mean, dispersion = genes_of(rng, n)
    effects = [change(rng, n, 2), change(rng, n, 2), change(rng, n, 2, 0.8, 0.2)]
    counts = counts_of(
        rng,
        [genotype, treatment, genotype * treatment],
        effects,
        mean=mean,
        dispersion=dispersion,
        depth=np.exp(rng.normal(0, 0.25, m)),
    )
    counts[2:4] = 0
    samples = pd.DataFrame(
        {
            "genotype": np.array(["WT", "KO"])[genotype],
            "treatment": np.array(["mock", "drug"])[treatment],
            "group": [f"{'WK'[g]}_{'md'[t]}" for g, t in zip(genotype, treatment, strict=True)],
            "nested": [f"n{1 + i % 4}" for i in range(m)],
        },
        index=[f"r{i:02d}" for i in range(1, m + 1)],
    )
    put("two_by_two", counts, samples)


def many_replicates(rng, n=160, m=18):
    group = np.repeat([0, 1], 9)
    mean, dispersion = genes_of(rng, n, log_mean=4.5, log_sd=1.6)
    depth = np.exp(rng.normal(0, 0.25, m))
    counts = counts_of(rng, [group], [change(rng, n, 2)], mean=mean, dispersion=dispersion, depth=depth)
    for i in range(24):  # outliers, some down to zero
        counts[i, rng.integers(m)] = 0 if i % 6 == 5 else counts[i].mean() * rng.uniform(20, 150) + 50
    counts[24:28] = 0
    counts[np.arange(24, 28), [0, 4, 12, 17]] = [70, 400, 90, 2500]  # nothing is left once the outlier is replaced
    counts[28:30] = 0
    samples = pd.DataFrame(
        {
            "condition": np.array(["A", "B"])[group],
            "batch": np.tile(["p", "q"], 9),
            "small": ["u"] * 14 + ["v"] * 4,
            "dose": np.round(rng.uniform(0, 5, m), 2),
        },
        index=[f"a{i}" for i in range(1, 10)] + [f"b{i}" for i in range(1, 10)],
    )
    weights = np.where(rng.random(counts.shape) < 0.03, 0.0, np.round(rng.uniform(0.3, 1.0, counts.shape), 4))
    put("many_replicates", counts, samples, weights=weights, factors=factors_like(rng, counts.shape, depth))


def sparse(rng, n=150, m=20):
    group = np.repeat([0, 1], 10)
    mean, _ = genes_of(rng, n, log_mean=0.5, log_sd=1.2)
    dispersion = 0.3 * np.exp(rng.normal(0, 0.4, n))
    depth = np.exp(rng.normal(0, 0.5, m))
    counts = counts_of(rng, [group], [change(rng, n, 2)], mean=mean, dispersion=dispersion, depth=depth)
    counts[np.arange(n), rng.integers(0, m, n)] = 0  # each gene has a zero somewhere
    empty = counts.sum(axis=1) == 0
    counts[empty, 1] = 1
    samples = pd.DataFrame(
        {"type": np.array(["T", "B"])[group], "donor": np.tile(["d1", "d2"], 10)},
        index=[f"cell{i:02d}" for i in range(1, m + 1)],
    )
    put("sparse", counts, samples)


def covariates(rng, n=150, m=12):
    age = np.round(rng.normal(0, 1.2, m), 3)
    mean, dispersion = genes_of(rng, n)
    slope = rng.normal(0, 0.4, n)[:, None] * (rng.random(n) < 0.4)[:, None] * age
    mu = mean[:, None] * np.exp(slope) * np.exp(rng.normal(0, 0.25, m))
    counts = rng.poisson(rng.gamma(1 / dispersion[:, None], mu * dispersion[:, None]))
    samples = pd.DataFrame(
        {
            "age": age,
            "rin": np.round(rng.uniform(5.5, 9.7, m), 1),
            "batch": np.tile(["u", "v"], 6),
            "grade": np.tile(["low", "mid", "high"], 4),
        },
        index=[f"n{i:02d}" for i in range(1, m + 1)],
    )
    put("covariates", counts, samples)


def main():
    for seed, write in enumerate(
        [two_groups, three_conditions, two_by_two, many_replicates, sparse, covariates], 20260
    ):
        write(np.random.default_rng(seed))


if __name__ == "__main__":
    main()
