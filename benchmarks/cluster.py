"""A data set that fits no worker's memory, on a real local cluster, with a worker killed in the middle.

    python benchmarks/cluster.py --genes 8000 --samples 6000 --limit-mb 400

Counts lie in a zarr store (samples x genes, dense). The workers read their own blocks; only per-gene vectors come back.
Prints the largest memory of any worker, and whether the answer has the bits of one process on the same store.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import foldwise as fw
from foldwise.execution.dask import DaskExecutor


def store(path: Path, genes: int, samples: int):
    """An AnnData-like store written block by block, never whole in memory."""
    import zarr

    array = zarr.open(str(path), mode="w", shape=(samples, genes), chunks=(samples, 250), dtype="i4")
    rng = np.random.default_rng(3)
    for start in range(0, genes, 250):
        means = 2.0 ** rng.normal(6.0, 2.0, 250)
        array[:, start : start + 250] = rng.poisson(means * rng.gamma(5.0, 0.2, (samples, 250)))
    return array


class Stored:
    """What CountData needs of an AnnData on disk."""

    def __init__(self, path: Path, genes: int, samples: int) -> None:
        import zarr

        self.X = zarr.open(str(path), mode="r")
        names = [f"s{j}" for j in range(samples)]
        condition = pd.Categorical(np.where(np.arange(samples) % 2, "B", "A"))
        self.obs = pd.DataFrame({"condition": condition}, index=names)
        self.var = pd.DataFrame(index=[f"g{i}" for i in range(genes)])
        self.layers: dict[str, object] = {}
        self.obs_names, self.var_names, self.shape = self.obs.index, self.var.index, (samples, genes)


def memory_mb() -> float:
    """Peak of this process (what ``getrusage`` says begins with the peak of the process that started this one)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    from dask.distributed import Client, LocalCluster

    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--genes", type=int, default=8_000)
    ap.add_argument("--samples", type=int, default=6_000)
    ap.add_argument("--limit-mb", type=int, default=400)
    ap.add_argument("--workers", type=int, default=2)
    ap.add_argument("--check", action="store_true", help="also fit in one process and compare bits")
    opt = ap.parse_args()
    killed = []

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.zarr"
        store(path, opt.genes, opt.samples)
        data = fw.CountData(Stored(path, opt.genes, opt.samples))
        print(f"counts: {opt.genes * opt.samples * 4 / 2**20:.0f} MB as int32; limit of a worker: {opt.limit_mb} MB")
        with (
            LocalCluster(
                opt.workers,
                threads_per_worker=1,
                memory_limit=f"{opt.limit_mb}MB",
                dashboard_address=None,
                silence_logs=logging.ERROR,  # a worker near its limit says so every tenth of a second
            ) as cluster,
            Client(cluster) as client,
        ):

            def kill_one(stage: str, done: int, total: int) -> None:
                if stage == "coefficients" and not killed and done > total / 3:
                    killed.append(next(iter(client.run(os.getpid).values())))
                    os.kill(killed[0], signal.SIGKILL)

            began = time.perf_counter()
            fit = fw.deseq(data, "~ condition", executor=DaskExecutor(client, progress=kill_one))
            print(f"fit: {time.perf_counter() - began:.0f} s wall, worker {killed} killed on the way")
            print(f"largest worker: {max(client.run(memory_mb).values()):.0f} MB; this process: {memory_mb():.0f} MB")
        if opt.check:
            one = fw.deseq(data, "~ condition", progress=False)
            same = fit.genes.astype(float).to_numpy().tobytes() == one.genes.astype(float).to_numpy().tobytes()
            print(f"same bits as one process: {same}")


if __name__ == "__main__":
    main()
