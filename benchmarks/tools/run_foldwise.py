"""One workload with foldwise; prints a line of JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

begin = time.perf_counter()
import foldwise as fw  # noqa: E402

imported = time.perf_counter() - begin
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks.clock import Clock, peak_mb  # noqa: E402
from benchmarks.workloads import WORKLOADS, read  # noqa: E402


def main(name: str, folder: str, threads: str, repeat: str) -> None:
    work = WORKLOADS[name]
    counts, samples = read(Path(folder))
    before = peak_mb()
    data = fw.CountData(counts, samples)
    del counts
    run = "serial" if threads == "1" else int(threads)
    options = {"test": "LRT", "reduced": work.reduced} if work.what == "lrt" else {}
    best: dict[str, float] = {}
    again = time.perf_counter()
    for i in range(int(repeat)):
        if i == 1:
            again = time.perf_counter()
        for step, seconds in one_round(work, data, run, options).items():
            best[step] = min(best.get(step, float("inf")), seconds)
    repeats = time.perf_counter() - again if int(repeat) > 1 else 0.0
    print(
        json.dumps(
            {
                "import_wall": imported,
                **best,
                "repeats_wall": repeats,
                "peak_mb": peak_mb(),
                "peak_above_start_mb": peak_mb() - before,
            }
        )
    )


def one_round(work, data, run, options) -> dict[str, float]:
    if work.what in ("vst", "rlog"):
        clock = Clock()
        getattr(fw, work.what)(data)
        return clock.took(work.what)
    clock = Clock()
    fit = fw.deseq(data, work.design, executor=run, progress=False, **options)
    took = clock.took("fit")
    clock = Clock()
    fit.results()
    took |= clock.took("results")
    if work.what in ("apeglm", "whole"):
        clock = Clock()
        fit.shrink(coef=fit.coefficient_names[-1])
        took |= clock.took("apeglm")
    return took


if __name__ == "__main__":
    main(*sys.argv[1:])
