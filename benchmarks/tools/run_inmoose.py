"""One workload with InMoose; prints a line of JSON."""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

begin = time.perf_counter()
from inmoose.deseq2 import DESeq, DESeqDataSet  # noqa: E402

imported = time.perf_counter() - begin
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks.clock import Clock, peak_mb  # noqa: E402
from benchmarks.workloads import WORKLOADS, read  # noqa: E402


def main(name: str, folder: str, *_: str) -> None:
    warnings.simplefilter("ignore")
    work = WORKLOADS[name]
    counts, samples = read(Path(folder))
    before = peak_mb()
    clock = Clock()
    dds = DESeq(DESeqDataSet(counts.T, samples, work.design), quiet=True)
    took = clock.took("fit")
    clock = Clock()
    dds.results()
    took |= clock.took("results")
    print(
        json.dumps({"import_wall": imported, **took, "peak_mb": peak_mb(), "peak_above_start_mb": peak_mb() - before})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
