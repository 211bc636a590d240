"""One workload with PyDESeq2; prints a line of JSON."""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

begin = time.perf_counter()
from pydeseq2.dds import DeseqDataSet  # noqa: E402
from pydeseq2.default_inference import DefaultInference  # noqa: E402
from pydeseq2.ds import DeseqStats  # noqa: E402

imported = time.perf_counter() - begin
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks.clock import Clock, peak_mb  # noqa: E402
from benchmarks.workloads import WORKLOADS, read  # noqa: E402


def main(name: str, folder: str, threads: str, _: str) -> None:
    warnings.simplefilter("ignore")
    work = WORKLOADS[name]
    counts, samples = read(Path(folder))
    before = peak_mb()
    clock = Clock()
    dds = DeseqDataSet(
        counts=counts.T,
        metadata=samples,
        design=work.design,
        quiet=True,
        inference=DefaultInference(n_cpus=int(threads)),
    )
    if work.what == "vst":
        dds.vst()
        took = clock.took("vst")
    else:
        dds.deseq2()
        took = clock.took("fit")
        factor = work.design.replace("~", " ").replace("+", " ").split()[-1]
        levels = list(samples[factor].cat.categories)
        clock = Clock()
        DeseqStats(dds, contrast=[factor, levels[-1], levels[0]], alpha=0.1, quiet=True).summary()
        took |= clock.took("results")
    print(
        json.dumps({"import_wall": imported, **took, "peak_mb": peak_mb(), "peak_above_start_mb": peak_mb() - before})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
