"""Has a change made foldwise slower? Needs neither R nor a quiet hour.

    python benchmarks/check.py            # exit code 1 if a workload has become slower by half
    python benchmarks/check.py --update   # keep today's figures as the ones to hold to

Seconds differ from machine to machine, so each figure is a ratio: CPU seconds of the fit over those of a yardstick,
a fixed piece of arithmetic in NumPy and SciPy, measured before and after it. ``check.json`` holds what they were. What
is timed is the foldwise of the Python that runs this: install the checkout with ``pip install -e .``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.special import gammaln

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import foldwise as fw  # noqa: E402
from benchmarks.workloads import WORKLOADS, Workload, read, written  # noqa: E402

KEPT = Path(__file__).with_name("check.json")
NAMES = ("W1", "W2", "W3s", "W5s", "W7", "W8v", "W8Rs")
ROUNDS = 7
SLOWER = 1.5


def yardstick() -> float:
    x = np.linspace(1.0, 100.0, 500_000)
    room = np.empty_like(x)  # so that no memory is asked for while the clock runs
    return cpu(lambda: np.log(np.add(gammaln(x, out=room), 2.0, out=room), out=room).sum())


def cpu(action) -> float:
    before = time.process_time()
    action()
    return time.process_time() - before


def job(work: Workload, folder: Path):
    """What is timed: the fit, or the step that the workload is about."""
    data = fw.CountData(*read(written(work, folder)))
    if work.what in ("vst", "rlog"):
        return lambda: getattr(fw, work.what)(data)
    if work.what == "apeglm":
        fit = fw.deseq(data, work.design, executor="serial", progress=False)
        return lambda: fit.shrink(coef=fit.coefficient_names[-1])
    return lambda: fw.deseq(data, work.design, executor="serial", progress=False)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--update", action="store_true")
    ap.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "foldwise-benchmarks")
    opt = ap.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    found, slower = {}, []
    print("| workload | CPU s | over the yardstick | was |\n|---|---|---|---|")
    for name in NAMES:
        action = job(WORKLOADS[name], opt.data)
        action()  # compiles
        rounds = [(yardstick(), cpu(action), yardstick()) for _ in range(ROUNDS)]
        took = min(middle for _, middle, _ in rounds)
        unit = min(min(first, last) for first, _, last in rounds)
        found[name] = round(took / unit, 2)
        was = kept.get(name)
        print(f"| {name}: {WORKLOADS[name].about} | {took:.3f} | {found[name]:.2f} | {was or ''} |", flush=True)
        if was and found[name] > SLOWER * was:
            slower.append(name)
    if opt.update:
        KEPT.write_text(json.dumps(found, indent=1) + "\n")
    elif slower:
        sys.exit(f"slower than {SLOWER} times what it was: {', '.join(slower)}")
    else:
        print(f"Nothing takes more than {SLOWER} times what it took.")


if __name__ == "__main__":
    main()
