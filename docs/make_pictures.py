"""Draws every picture of the documentation from data: python docs/make_pictures.py [NAME …]

Pictures of simulations that compare tools are drawn by benchmarks/truth.py, which runs for minutes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import foldwise as fw

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cases import dispersions_three_ways, hypertrophy, mice

PICTURES = Path(__file__).resolve().parent / "pictures"
MISLEADING = "gene0925"  # see the page of questions
DRAWN: dict[str, Callable[[], Any]] = {}


def picture(function: Callable[[], Any]) -> Callable[[], Any]:
    DRAWN[function.__name__] = function
    return function


@cache
def airway() -> Any:
    return fw.deseq(fw.datasets.airway(), "~ cell + dex", progress=False)


@cache
def dexamethasone() -> Any:
    return airway().results(("dex", "trt", "untrt"))


def panels(n: int, width: float = 4.6, height: float = 3.8, **options: Any) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width * n, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, n, **options)


@picture
def first() -> Figure:
    figure, (left, right) = panels(2)
    fw.plots.ma(dexamethasone(), left, labels=6, ylim=(-5.5, 5.5), title="Dexamethasone on airway muscle")
    fw.plots.dispersion(airway(), right, title="Dispersions")
    return figure


@picture
def sign() -> Any:
    """The support question: fold change and means of counts disagree, because of a covariate."""
    fit = fw.deseq(hypertrophy(), "~ score + batch + group", progress=False)
    return fit.explain(MISLEADING, ("group", "HYPER", "CTRL")).plot().figure


@picture
def recovered() -> Figure:
    """Dispersions from counts, from recovered counts, and from rounded values."""
    found = dispersions_three_ways()
    figure, axes = panels(2, sharex=True, sharey=True)
    for ax, name in zip(axes, found.columns[1:], strict=True):
        ax.plot(found["the counts"], found[name], ".", markersize=2, alpha=0.4, color="#0b6e99")
        ax.plot([1e-2, 30], [1e-2, 30], color="0.5", linewidth=0.8)
        ax.set(xscale="log", yscale="log", xlabel="dispersion from the counts", xlim=(2e-2, 20), ylim=(2e-2, 20))
        ax.set_title(name, fontsize=10)
    axes[0].set_ylabel("dispersion from the table")
    return figure


@picture
def pca() -> Figure:
    quality = fw.quality(airway(), covariates=["cell", "dex"])
    figure, (left, middle) = panels(2)
    quality.pca(left, color="dex", shape="cell", title="components 1 and 2")
    quality.pca(middle, components=(2, 3), color="cell", shape="dex", title="components 2 and 3")
    return figure


@picture
def associations() -> Any:
    return fw.quality(airway(), covariates=["cell", "dex"]).plot_associations().figure


@picture
def correlation() -> Any:
    return fw.quality(airway(), covariates=["cell", "dex"]).plot_correlation().figure


@picture
def mice_components() -> Figure:
    quality = fw.quality(mice())
    figure, axes = panels(3, width=4.4)
    quality.pca(axes[0], color="cage", labels=False, title="cage: nothing")
    quality.pca(axes[1], color="strain", shape="sex", labels=False, title="strain and sex, and two odd mice")
    scores = quality.components.scores
    for name in ("mouse05", "mouse08"):
        style = {"textcoords": "offset points", "fontsize": 8, "arrowprops": {"arrowstyle": "-", "linewidth": 0.6}}
        axes[1].annotate(
            name, scores.loc[name].iloc[:2], xytext=(-50 if scores.loc[name].iloc[0] > 0 else 25, -30), **style
        )
    quality.pca(axes[2], components=(3, 4), color="treatment", labels=False, title="treatment, on component 4")
    return figure


@picture
def mice_correlation() -> Any:
    return fw.quality(mice()).plot_correlation().figure


@picture
def shrinkage() -> Figure:
    figure, axes = panels(3, width=4.0, sharey=True)
    plain = dexamethasone()
    tables = {"as estimated": plain}
    for kind in ("apeglm", "ashr"):
        tables[kind] = airway().shrink(contrast=("dex", "trt", "untrt"), type=kind)
    for ax, (title, result) in zip(axes, tables.items(), strict=True):
        fw.plots.ma(result, ax, ylim=(-6, 6), title=title).get_legend().remove()
    return figure


@picture
def transformations() -> Figure:
    """Standard deviation over mean rank: what each transformation leaves of the counts' noise."""
    data = fw.datasets.airway().filter_low(min_count=10)
    made = {"log2(x + 1)": fw.norm_transform(data), "vst": fw.vst(data), "rlog": fw.rlog(data)}
    figure, axes = panels(3, width=3.6, sharey=True)
    for ax, (title, values) in zip(axes, made.items(), strict=True):
        rank, sd = values.mean(axis=1).rank(), values.std(axis=1)
        ax.hexbin(rank, sd, gridsize=50, bins="log", cmap="Blues", extent=(0, len(values), 0, 3), linewidths=0)
        steps = pd.qcut(rank, 40)
        ax.plot(rank.groupby(steps, observed=True).median(), sd.groupby(steps, observed=True).median(), color="#d1495b")
        ax.set(xlabel="rank of the mean", title=title, ylim=(0, 3))
    axes[0].set_ylabel("standard deviation")
    return figure


@picture
def volcano() -> Any:
    return fw.plots.volcano(dexamethasone(), lfc_threshold=1, labels=8).figure


@picture
def one_gene() -> Any:
    return fw.plots.counts(airway(), "ENSG00000152583", group="dex", color="cell").figure


@picture
def filtering() -> Figure:
    figure, (left, right) = panels(2)
    fw.plots.filtering(dexamethasone(), left)
    fw.plots.pvalue_histogram(dexamethasone(), right)
    return figure


def screenshot() -> None:
    """The top of a report, as a browser shows it; needs Chromium."""
    fit = fw.deseq(fw.datasets.pasilla(), "~ type + condition", progress=False)
    comparison = {"knock-down": fit.results(("condition", "treated", "untreated"))}
    with tempfile.TemporaryDirectory() as folder:
        page = fw.report(fit, comparison, Path(folder) / "report.html", title="pasilla knocked down in fly cells")
        flags = [
            "--headless",
            "--no-sandbox",
            "--hide-scrollbars",
            "--virtual-time-budget=8000",
            "--window-size=1150,1250",
        ]
        target = f"--screenshot={PICTURES / 'report.png'}"
        subprocess.run(["chromium", *flags, target, page.as_uri()], check=True, capture_output=True)


def main(names: list[str]) -> None:
    PICTURES.mkdir(exist_ok=True)
    for name in names or [*DRAWN, *(["report"] if which("chromium") else [])]:
        if name == "report":
            screenshot()
            continue
        DRAWN[name]().savefig(PICTURES / f"{name}.png", dpi=120, bbox_inches="tight")
        print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
