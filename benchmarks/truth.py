"""Statistical truth: simulated experiments whose answer is known, given to foldwise, R DESeq2 and PyDESeq2.

    python benchmarks/truth.py --pydeseq2-python PATH/TO/python

Set up as in the DESeq2 paper's benchmark (Love, Huber & Anders 2014): negative binomial counts whose means and
dispersions are drawn in pairs from a real experiment (airway, its gene-wise estimates over the two treatments), two
groups of equal size; either no gene differs (type-I error), or a fifth do, by twofold, threefold or fourfold, up or
down (sensitivity, false discoveries, precision of fold changes). Writes docs/truth.md, docs/truth.tsv and two
pictures. A tool that is not installed is left out, and said so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import numpy as np
import pandas as pd

import foldwise as fw

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "benchmarks" / "tools"
ALPHA = 0.1
COLOURS = {"foldwise": "#0b6e99", "DESeq2 (R)": "#d1495b", "PyDESeq2": "#edae49"}
MARKS = {"foldwise": "o", "DESeq2 (R)": "x", "PyDESeq2": "^"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One simulated experiment. fold_change : 1 where no gene differs."""

    n_samples: int
    fold_change: int
    replicate: int

    @property
    def name(self) -> str:
        return f"m{self.n_samples}_fc{self.fold_change}_{self.replicate}"


def settings(replicates: int) -> list[Setting]:
    sizes = [(m, 1) for m in (4, 6, 10, 20)] + [(m, fc) for m in (6, 10, 20) for fc in (2, 3, 4)]
    return [Setting(m, fc, r) for r in range(replicates) for m, fc in sizes]


def real_pairs() -> tuple[np.ndarray, np.ndarray]:
    """Means and gene-wise dispersions of airway, treatments as the only groups, so that donors count as replicates."""
    genes = fw.estimate_dispersions(fw.datasets.airway(), "~ dex").genes
    kept = genes[(genes["baseMean"] > 1) & (genes["dispGeneEst"] > 1e-6)]
    return kept["baseMean"].to_numpy(), kept["dispGeneEst"].to_numpy()


def simulated(setting: Setting, pairs: tuple[np.ndarray, np.ndarray], n_genes: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts (n_genes, n_samples) and the true log2 fold changes."""
    rng = np.random.default_rng([setting.n_samples, setting.fold_change, setting.replicate, 2014])
    drawn = rng.integers(len(pairs[0]), size=n_genes)
    mean, dispersion = pairs[0][drawn], pairs[1][drawn]
    sign = rng.choice((-1.0, 1.0), n_genes) * (rng.random(n_genes) < 0.2)
    lfc = sign * np.log2(setting.fold_change)
    is_b = np.arange(setting.n_samples) % 2 == 1
    mu = mean[:, None] * 2.0 ** (lfc[:, None] * (is_b - 0.5))
    shape = 1.0 / dispersion[:, None]
    return rng.poisson(rng.gamma(shape, mu / shape)).astype(np.int32), lfc


def written(sets: list[Setting], folder: Path, n_genes: int) -> dict[str, np.ndarray]:
    """Write every experiment for the other tools; the true fold changes by name."""
    pairs, truth = real_pairs(), {}
    for setting in sets:
        counts, truth[setting.name] = simulated(setting, pairs, n_genes)
        counts.T.tofile(folder / f"{setting.name}.bin")  # column by column, as R keeps a matrix
    rows = [{"name": s.name, "n_genes": n_genes, "n_samples": s.n_samples} for s in sets]
    pd.DataFrame(rows).to_csv(folder / "sets.tsv", sep="\t", index=False)
    return truth


def answer(setting: Setting, folder: Path, n_genes: int) -> None:
    """foldwise's answer, with apeglm's fold changes beside."""
    flat = np.fromfile(folder / f"{setting.name}.bin", dtype=np.int32).reshape(setting.n_samples, n_genes)
    names = [f"s{j}" for j in range(setting.n_samples)]
    samples = pd.DataFrame({"condition": ["AB"[j % 2] for j in range(setting.n_samples)]}, index=names)
    counts = pd.DataFrame(flat.T, index=[f"g{i}" for i in range(n_genes)], columns=names)
    fit = fw.deseq(counts, "~ condition", samples=samples, progress=False)
    table = fit.results().table[["log2FoldChange", "lfcSE", "pvalue", "padj"]].copy()
    if setting.fold_change > 1:
        table["shrunken"] = fit.shrink("condition_B_vs_A").table["log2FoldChange"]
    table.to_csv(folder / f"{setting.name}.foldwise.tsv", sep="\t", index=False, na_rep="NA")


def run_others(folder: Path, pydeseq2_python: str | None, limit: float) -> dict[str, str]:
    """Names and versions of the tools that answered, by the suffix of their files. Slow ones are stopped at the limit."""
    found = {"foldwise": f"foldwise {fw.__version__}"}
    commands = {}
    if rscript := which("Rscript"):
        commands["r"] = [rscript, str(TOOLS / "truth_r.R"), str(folder)]
    if pydeseq2_python:
        commands["pydeseq2"] = [pydeseq2_python, str(TOOLS / "truth_pydeseq2.py"), str(folder)]
    running = {tool: subprocess.Popen(line, stdout=subprocess.DEVNULL) for tool, line in commands.items()}
    until = time.monotonic() + limit
    for tool, process in running.items():
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
        if any(folder.glob(f"*.{tool}.tsv")):
            found[tool] = (folder / f"{tool}.version").read_text().strip()
        else:
            print(f"{tool} is left out: it failed, is not installed, or is too slow", file=sys.stderr)
    return found


def measured(setting: Setting, table: pd.DataFrame, lfc: np.ndarray) -> dict[str, float]:
    """What one answer got right."""
    p, called, true = table["pvalue"], (table["padj"] < ALPHA).to_numpy(), lfc != 0
    if setting.fold_change == 1:
        tested = p.dropna()
        return {"p < 0.01": (tested < 0.01).mean(), "p < 0.05": (tested < 0.05).mean(), "calls": float(called.sum())}
    known = table["lfcSE"].notna().to_numpy()
    error = (table["log2FoldChange"] - lfc)[known & true]
    out = {
        "sensitivity": (called & true).sum() / true.sum(),
        "FDR": (called & ~true).sum() / max(called.sum(), 1),
        "coverage": float((error.abs() < 1.959964 * table["lfcSE"][known & true]).mean()),
    }
    for label, column in (("RMSE", "log2FoldChange"), ("apeglm", "shrunken")):
        if column in table:
            out[f"{label}, genes that differ"] = _rmse((table[column] - lfc)[known & true])
            out[f"{label}, all genes"] = _rmse((table[column] - lfc)[known])
    return out


def _rmse(error: pd.Series) -> float:
    return float(np.sqrt((error**2).mean()))


def compared(sets: list[Setting], truth: dict[str, np.ndarray], folder: Path, tools: dict[str, str]) -> pd.DataFrame:
    labels = {"foldwise": "foldwise", "r": "DESeq2 (R)", "pydeseq2": "PyDESeq2"}
    rows = []
    for setting in sets:
        for tool in tools:
            if not (folder / f"{setting.name}.{tool}.tsv").exists():
                continue
            table = pd.read_csv(folder / f"{setting.name}.{tool}.tsv", sep="\t", na_values="NA")
            row = {"samples": setting.n_samples, "fold_change": setting.fold_change, "replicate": setting.replicate}
            rows.append(row | {"tool": labels[tool]} | measured(setting, table, truth[setting.name]))
    return pd.DataFrame(rows)


def disagreements(sets: list[Setting], folder: Path, tools: dict[str, str]) -> list[str]:
    """How many calls of each other tool are not foldwise's."""
    said = []
    for tool in tools:
        if tool == "foldwise":
            continue
        total = differ = 0
        done = [s for s in sets if (folder / f"{s.name}.{tool}.tsv").exists()]
        for setting in done:
            ours, theirs = (
                pd.read_csv(folder / f"{setting.name}.{t}.tsv", sep="\t", na_values="NA")["padj"] < ALPHA
                for t in ("foldwise", tool)
            )
            total, differ = total + int(theirs.sum()), differ + int((ours != theirs).sum())
        said.append(
            f"{tools[tool]} beside foldwise: {len(done)} experiments, {total} calls; "
            f"{differ} genes are called by one of the two and not by the other."
        )
    return said


def averages(rows: pd.DataFrame, columns: list[str], by: list[str]) -> pd.DataFrame:
    return rows.groupby([*by, "tool"], sort=True)[columns].mean().reset_index()


def markdown(table: pd.DataFrame) -> str:
    head = "| " + " | ".join(table.columns) + " |\n|" + "---|" * len(table.columns)
    lines = ["| " + " | ".join(_cell(v) for v in row) + " |" for row in table.itertuples(index=False)]
    return "\n".join([head, *lines])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.3g}"
    return str(value)


def draw(rows: pd.DataFrame, folder: Path) -> None:
    from matplotlib.figure import Figure

    null, power = rows[rows["fold_change"] == 1], rows[rows["fold_change"] > 1]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, level in zip(figure.subplots(1, 2), (0.01, 0.05), strict=True):
        _lines(axes, null, "samples", f"p < {level}")
        axes.axhline(level, color="0.5", linewidth=0.8, linestyle="--")
        axes.set(xlabel="samples", ylabel=f"share of genes with p < {level}", ylim=(0, 2 * level))
        axes.set_xticks(sorted(null["samples"].unique()))
        axes.set_title(f"no gene differs: {level:g} expected", fontsize=10)
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(folder / "truth_null.png", dpi=150)
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    for axes, (fold, part) in zip(figure.subplots(1, 3, sharey=True), power.groupby("fold_change"), strict=True):
        for tool, one in part.groupby("tool"):
            mean = one.groupby("samples")[["FDR", "sensitivity"]].mean()
            style = {"color": COLOURS[str(tool)], "marker": MARKS[str(tool)], "fillstyle": "none", "linewidth": 1}
            axes.plot(mean["FDR"], mean["sensitivity"], label=str(tool), **style)
        for size, row in part[part["tool"] == "foldwise"].groupby("samples")[["FDR", "sensitivity"]].mean().iterrows():
            axes.annotate(f"{size} samples", row, textcoords="offset points", xytext=(6, -10), fontsize=8)
        axes.axvline(ALPHA, color="0.5", linewidth=0.8, linestyle="--")
        axes.set(xlabel=f"false discoveries among calls at padj < {ALPHA}", xlim=(0, 0.2), ylim=(0.5, 1))
        axes.set_title(f"a fifth of the genes differ {fold}-fold", fontsize=10)
    figure.axes[0].set_ylabel("sensitivity")
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(folder / "truth_power.png", dpi=150)


def _lines(axes: object, rows: pd.DataFrame, x: str, y: str) -> None:
    for tool, part in rows.groupby("tool"):
        style = {"color": COLOURS[str(tool)], "marker": MARKS[str(tool)], "fillstyle": "none"}
        axes.plot(part[x], part[y], linestyle="none", alpha=0.6, **style)
        axes.plot(part.groupby(x)[y].mean(), label=str(tool), linewidth=1, **style)


def page(rows: pd.DataFrame, tools: dict[str, str], said: list[str], n_genes: int) -> str:
    null, power = rows[rows["fold_change"] == 1], rows[rows["fold_change"] > 1]
    sizes = [f"{label}, {which}" for which in ("genes that differ", "all genes") for label in ("RMSE", "apeglm")]
    shown = ["sensitivity", "FDR", "coverage", *sizes]
    replicates = int(rows["replicate"].max()) + 1
    return f"""# Truth

<!-- Written by benchmarks/truth.py; edit that, not this. -->

Identity with R says that foldwise is DESeq2. This page asks what DESeq2 is worth: experiments are simulated in which it
is known which genes differ and by how much. Made by

    python benchmarks/truth.py --pydeseq2-python PATH/TO/python

with {", ".join(tools.values())}. {n_genes} genes an experiment, {replicates} experiments of each kind; means and
dispersions are drawn in pairs from `airway` (gene-wise estimates, the two treatments as groups). Every row of every
experiment: [truth.tsv](truth.tsv). All tools get the same counts.

{chr(10).join(f"- {line}" for line in said)}

## No gene differs

Two groups from the same distribution: p-values should be below 0.01 in one gene of a hundred, and hardly any gene
should be called. `calls`: genes with `padj` < {ALPHA}, mean over experiments.

![Share of small p-values where no gene differs](pictures/truth_null.png)

{markdown(averages(null, ["p < 0.01", "p < 0.05", "calls"], ["samples"]))}

## A fifth of the genes differ

Called at `padj` < {ALPHA}: `sensitivity` is the share of the genes that differ which are found; `FDR` the share of calls
that are wrong, which should not exceed {ALPHA}; `coverage` how often 1.96 standard errors to either side hold the true log2
fold change (0.95 expected); `RMSE` the root mean square error of log2 fold changes, `apeglm` the same after `fit.shrink()`
(foldwise alone), which gains over all genes, and pays with those that differ much.

![Sensitivity and false discoveries](pictures/truth_power.png)

{markdown(averages(power, shown, ["fold_change", "samples"]))}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genes", type=int, default=2000)
    parser.add_argument("--replicates", type=int, default=2)
    parser.add_argument("--pydeseq2-python", help="a Python in which PyDESeq2 is installed")
    parser.add_argument("--limit", type=float, default=3600, help="seconds after which the other tools are stopped")
    parser.add_argument(
        "--keep", type=Path, help="keep experiments and answers in this folder, and use those that are there"
    )
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        sets = settings(asked.replicates)
        truth = written(sets, folder, asked.genes)
        for setting in sets:
            if not (folder / f"{setting.name}.foldwise.tsv").exists():
                answer(setting, folder, asked.genes)
        tools = run_others(folder, asked.pydeseq2_python, asked.limit)
        rows = compared(sets, truth, folder, tools)
        said = disagreements(sets, folder, tools)
    rows.to_csv(asked.docs / "truth.tsv", sep="\t", index=False, float_format="%.6g")
    draw(rows, asked.docs / "pictures")
    (asked.docs / "truth.md").write_text(page(rows, tools, said, asked.genes))


if __name__ == "__main__":
    main()
