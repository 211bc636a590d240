"""How time and memory grow with genes and with samples, and what that means for 60,000 genes x 100,000 samples.

    python benchmarks/growth.py --markdown docs/growth-table.md

Each size is fitted in a process of its own (one thread, kernels already compiled), so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path

SIZES = (
    (5_000, 100),
    (10_000, 100),
    (20_000, 100),
    (40_000, 100),
    (2_000, 100),
    (2_000, 400),
    (2_000, 1_600),
    (2_000, 6_400),
    (500, 25_600),
    (500, 100_000),
)
LARGE = (60_000, 100_000)

ONE = """
import json, resource, sys, time
import numpy as np, pandas as pd
import foldwise as fw
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
genes, samples = int(sys.argv[1]), int(sys.argv[2])
small = fw.simulate(n_genes=200, n_samples=6, seed=0).data
fw.deseq(small, "~ condition", progress=False, executor="serial").results()
rng = np.random.default_rng(1)
means = 2.0 ** rng.normal(6.0, 2.0, genes)
counts = np.empty((genes, samples), dtype=np.int32)
for i in range(0, genes, 500):
    mu = means[i : i + 500, None]
    counts[i : i + 500] = rng.poisson(mu * rng.gamma(5.0, 0.2, (len(mu), samples)))
table = pd.DataFrame({"condition": pd.Categorical(np.where(np.arange(samples) % 2, "B", "A"))})
table.index = [f"s{j}" for j in range(samples)]
start = peak()
data = fw.CountData(counts, table)
cpu, wall = time.process_time(), time.perf_counter()
fw.deseq(data, "~ condition", executor="serial", progress=False).results()
print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "mb": peak() - start}))
"""


def measured(genes: int, samples: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", ONE, str(genes), str(samples)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def exponent(
    found: dict[tuple[int, int], dict[str, float]], first: tuple[int, int], last: tuple[int, int], axis: int
) -> float:
    return math.log(found[last]["cpu"] / found[first]["cpu"]) / math.log(last[axis] / first[axis])


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--markdown", type=Path)
    opt = ap.parse_args()
    lines = ["| genes | samples | CPU s | peak MB beyond the counts | counts as float64, MB |", "|---|---|---|---|---|"]
    found = {}
    for genes, samples in SIZES:
        one = found[genes, samples] = measured(genes, samples)
        size = genes * samples * 8 / 2**20
        lines.append(f"| {genes:,} | {samples:,} | {one['cpu']:.2f} | {one['mb']:.0f} | {size:.0f} |")
        print(lines[-1], flush=True)
    by_genes = exponent(found, (5_000, 100), (40_000, 100), 0)
    by_samples = exponent(found, (2_000, 400), (2_000, 6_400), 1)
    hours = found[500, LARGE[1]]["cpu"] * LARGE[0] / 500 / 3600
    lines += [
        "",
        f"Time grows as genes^{by_genes:.2f} and samples^{by_samples:.2f}. {LARGE[0]:,} genes x {LARGE[1]:,} samples make "
        f"{hours:.1f} hours of one core, extrapolated from 500 of the genes, shared by as many as a cluster has.",
    ]
    print(lines[-1])
    if opt.markdown:
        opt.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
