"""Times foldwise beside R DESeq2 and other ports on the same data in one run, and prints ratios.

    python benchmarks/run.py --workloads W1,W2,W9 --tools foldwise,r
    python benchmarks/run.py --workloads W3 --tools foldwise,r,pydeseq2 --threads 2 --markdown docs/speed-table.md

A tool that is not installed is left out, and said so. Figures are CPU seconds of the fit (imports, reading and results
apart), seconds of the wall, and of the whole process with one fit, and its peak memory; ratios are R's figure over the
tool's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.workloads import WORKLOADS, Workload, written  # noqa: E402

TOOLS = ("foldwise", "r", "pydeseq2", "inmoose")
STEP = {"wald": "fit", "whole": "fit", "lrt": "fit", "apeglm": "apeglm", "vst": "vst", "rlog": "rlog"}


def command(tool: str, work: Workload, at: Path, threads: int, repeat: int, python: str) -> list[str] | None:
    """How a tool is run on a workload; None where it cannot."""
    tools = ROOT / "benchmarks" / "tools"
    if tool == "r":
        rscript = which("Rscript")
        return rscript and [
            rscript,
            str(tools / "run_r.R"),
            work.what,
            work.design,
            work.reduced or "-",
            str(at),
            str(threads),
        ]
    if tool != "foldwise" and work.what not in ("wald", "whole", "vst"):
        return None
    return [python, str(tools / f"run_{tool}.py"), work.name, str(at), str(threads), str(repeat)]


def measured(
    tool: str, work: Workload, at: Path, threads: int, repeat: int, python: str, limit: float
) -> dict[str, float] | str:
    """A tool's figures, or why there are none."""
    line = command(tool, work, at, threads, repeat, python)
    if not line:
        return "cannot"
    began = time.perf_counter()
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return f"over {limit:.0f} s"
    if done.returncode:
        return (
            "not installed"
            if "No module named" in done.stderr
            else f"failed: {done.stderr.strip().splitlines()[-1][:80]}"
        )
    took = time.perf_counter() - began
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {"process_wall": took - found.get("repeats_wall", 0.0), **found}


def row(work: Workload, tool: str, found: dict[str, float] | str, baseline: dict[str, float] | str | None) -> str:
    step = STEP[work.what]
    if isinstance(found, str) or f"{step}_cpu" not in found:
        reason = found if isinstance(found, str) else "cannot"
        return f"| {work.name} | {work.about} | {tool} | {reason} | | | | |"
    ratio = ""
    if isinstance(baseline, dict) and f"{step}_cpu" in baseline and tool != "r":
        ratio = f"{times(baseline[f'{step}_cpu'] / found[f'{step}_cpu'])} x"
    return (
        f"| {work.name} | {work.about} | {tool} | {found[f'{step}_cpu']:.2f} | {found[f'{step}_wall']:.2f} | {ratio} "
        f"| {found['process_wall']:.1f} | {found['peak_mb']:.0f} |"
    )


def times(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--workloads", default="W1,W2,W9")
    ap.add_argument("--tools", default="foldwise,r,pydeseq2,inmoose")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--repeat", type=int, default=3, help="rounds of foldwise in one process; the best counts")
    ap.add_argument("--python", default=sys.executable, help="the Python in which the tools are installed")
    ap.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "foldwise-benchmarks")
    ap.add_argument("--limit", type=float, default=1800, help="seconds after which a tool is given up")
    ap.add_argument("--markdown", type=Path, help="also write the table here")
    ap.add_argument("--json", type=Path)
    opt = ap.parse_args()
    head = [
        "| | workload | tool | CPU s | wall s | over R | process s | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(head))
    lines, everything = list(head), []
    for name in opt.workloads.split(","):
        work = WORKLOADS[name]
        at = written(work, opt.data)
        found = {
            tool: measured(tool, work, at, opt.threads, opt.repeat, opt.python, opt.limit)
            for tool in opt.tools.split(",")
        }
        everything += [{"workload": name, "tool": tool, "found": value} for tool, value in found.items()]
        for tool, value in found.items():
            lines.append(row(work, tool, value, found.get("r")))
            print(lines[-1], flush=True)
    if opt.markdown:
        opt.markdown.write_text("\n".join(lines) + "\n")
    if opt.json:
        opt.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
