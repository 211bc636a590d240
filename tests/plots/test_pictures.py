"""Every picture against its baseline, and what no baseline shows: names, files, points in vector files.

``python tests/plots/test_pictures.py`` writes the baselines; look at each before committing it.
"""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images

from foldwise import plots
from foldwise.errors import CountsError, OptionError
from foldwise.plots.associations import component_covariates
from foldwise.quality import associations, principal_components

BASELINES = Path(__file__).parent / "baseline"
MADE_WITH = "3.11"  # the Matplotlib that drew the baselines: others place text a little differently
TOLERANCE = 3.0 if mpl.__version__.startswith(MADE_WITH) else 25.0


def stand_in_results(n: int = 3000, seed: int = 1) -> SimpleNamespace:
    rng = np.random.default_rng(seed)
    mean = 2.0 ** rng.normal(6, 3, n)
    se = 0.1 + 1.5 / np.sqrt(mean)
    lfc = np.where(rng.random(n) < 0.15, rng.normal(0, 1.5, n), 0) + rng.normal(0, se)
    pvalue = np.exp(-0.717 * np.abs(lfc / se) - 0.416 * (lfc / se) ** 2)  # close to the normal's two tails
    pvalue[:5] = [0.0, np.nan, np.nan, 1.0, 0.5]
    order = np.argsort(pvalue)
    padj = np.full(n, np.nan)
    known = order[: n - 2]
    padj[known] = np.minimum.accumulate((pvalue[known] * (n - 2) / np.arange(1, n - 1))[::-1])[::-1].clip(max=1)
    padj[mean < 2] = np.nan
    columns = {"baseMean": mean, "log2FoldChange": lfc, "lfcSE": se, "stat": lfc / se, "pvalue": pvalue, "padj": padj}
    table = pd.DataFrame(columns, index=[f"gene{k:04d}" for k in range(n)])
    theta = np.linspace(0, 0.95, 50)
    rejections = np.round(300 + 60 * np.sin(theta * 3) - 250 * theta**4)
    curve = pd.DataFrame({"theta": theta, "numRej": rejections + 3})
    metadata = {"alpha": 0.1, "theta": theta, "num_rejections": rejections, "filter_curve": curve}
    metadata |= {"filter_theta": 0.31, "filter_threshold": 4.2}
    return SimpleNamespace(table=table, metadata=metadata, contrast=SimpleNamespace(description="treated vs control"))


def stand_in_fit(n: int = 2500) -> SimpleNamespace:
    rng = np.random.default_rng(2)
    mean = 2.0 ** rng.normal(6, 3, n)
    trend = 4 / mean + 0.05
    gene_wise = trend * np.exp(rng.normal(0, 1, n))
    gene_wise[rng.random(n) < 0.05] = 1e-8
    outlier = gene_wise > 6 * trend
    final = np.where(outlier, gene_wise, np.exp(0.4 * np.log(np.maximum(gene_wise, 1e-3)) + 0.6 * np.log(trend)))
    columns = {
        "baseMean": mean,
        "dispGeneEst": gene_wise,
        "dispFit": trend,
        "dispersion": final,
        "dispOutlier": outlier,
    }
    genes = pd.DataFrame(columns)
    samples = pd.DataFrame(
        {
            "batch": pd.Categorical(["b1", "b2"] * 4),
            "dose": [0.0, 1, 2, 3, 0, 1, 2, 3],
            "treatment": pd.Categorical(["control"] * 4 + ["drug"] * 4),
        },
        index=[f"s{k}" for k in range(1, 9)],
    )
    factors = pd.Series([0.7, 1.1, 0.9, 1.3, 1.0, 0.8, 1.6, 0.95], index=samples.index)
    effect = np.outer(rng.normal(0, 1, n), samples["treatment"] == "drug")
    effect += np.outer(rng.normal(0, 0.7, n), samples["batch"] == "b2")
    names = pd.Index([f"gene{k:04d}" for k in range(n)])
    counts = pd.DataFrame(rng.poisson(mean[:, None] * 2.0**effect * factors.to_numpy()), names, samples.index)
    data = SimpleNamespace(counts=counts, samples=samples, size_factors=factors)
    matrix = np.column_stack([np.ones(8), samples["batch"] == "b2", samples["treatment"] == "drug"]).astype(float)
    return SimpleNamespace(
        genes=genes,
        data=data,
        design=SimpleNamespace(variables=("batch", "treatment"), matrix=matrix),
        counts=lambda *, normalized: counts / factors if normalized else counts,
        size_factors=factors,
        normalization_factors=None,
        trend=SimpleNamespace(kind="parametric"),
        cooks=pd.DataFrame(rng.lognormal(-3, 1.5, (n, 8)), names, samples.index),
    )


RESULTS, FIT = stand_in_results(), stand_in_fit()
VALUES = np.log2(FIT.counts(normalized=True) + 1)
SAMPLES = FIT.data.samples
WILD = ["$a_b$", "<b>", "_hidden", r"back\slash", "50%", "{x}", "a$b", "naïve"]


def wild_names() -> plots.figures.Axes:
    renamed = VALUES.set_axis(WILD, axis=1)
    table = SAMPLES.set_axis(WILD).assign(treatment=["_x", "$y$"] * 4)
    return plots.pca(renamed, samples=table, color="treatment", shape="batch")


PICTURES = {
    "ma": lambda: plots.ma(RESULTS, labels=8),
    "volcano": lambda: plots.volcano(RESULTS, labels=10, lfc_threshold=0.5),
    "dispersion": lambda: plots.dispersion(FIT),
    "pca": lambda: plots.pca(VALUES, samples=SAMPLES, color="treatment", shape="batch"),
    "pca_number": lambda: plots.pca(VALUES, components=(2, 3), samples=SAMPLES, color="dose"),
    "scree": lambda: plots.scree(VALUES),
    "associations": lambda: component_covariates(associations(principal_components(VALUES), SAMPLES)),
    "counts": lambda: plots.counts(FIT, "gene0007"),
    "counts_number": lambda: plots.counts(FIT, "gene0007", group="dose", color="treatment"),
    "sample_distances": lambda: plots.sample_distances(VALUES, samples=SAMPLES),
    "sample_correlation": lambda: plots.sample_correlation(VALUES, samples=SAMPLES, title="correlation"),
    "heatmap": lambda: plots.heatmap(VALUES, 30, samples=SAMPLES),
    "cooks": lambda: plots.cooks(FIT),
    "size_factors": lambda: plots.size_factors(FIT),
    "pvalue_histogram": lambda: plots.pvalue_histogram(RESULTS),
    "sparsity": lambda: plots.sparsity(FIT),
    "filtering": lambda: plots.filtering(RESULTS),
    "upset": lambda: plots.upset({"one": RESULTS, "two": stand_in_results(seed=2), "three": stand_in_results(seed=3)}),
    "wild_names": wild_names,
}


def write(name: str, folder: Path) -> Path:
    return plots.save(PICTURES[name](), folder / name, formats=["png"], dpi=60)[0]


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_as_it_was(name: str, tmp_path: Path) -> None:
    drawn = write(name, tmp_path)
    assert compare_images(str(BASELINES / f"{name}.png"), str(drawn), tol=TOLERANCE) is None


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_leave_pyplot_alone(name: str) -> None:
    import matplotlib.pyplot as plt

    PICTURES[name]()
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", ["ma", "pca", "sample_correlation", "upset", "heatmap"])
def test_pictures_go_into_axes_of_the_users_own(name: str) -> None:
    figure = Figure(figsize=(12, 5))
    left, right = figure.subplots(1, 2)
    draw = {
        "ma": lambda: plots.ma(RESULTS, right),
        "pca": lambda: plots.pca(VALUES, right, samples=SAMPLES),
        "sample_correlation": lambda: plots.sample_correlation(VALUES, right, samples=SAMPLES),
        "upset": lambda: plots.upset({"one": RESULTS, "two": RESULTS}, right),
        "heatmap": lambda: plots.heatmap(VALUES, 10, right, samples=SAMPLES),
    }[name]
    assert draw() is right
    assert not left.collections and not left.child_axes


@pytest.mark.parametrize("name", ["ma", "volcano", "pca", "size_factors"])
def test_names_of_points_do_not_collide(name: str) -> None:
    ax = PICTURES[name]()
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    boxes = [super(type(t), t).get_window_extent(renderer) for t in ax.texts if t.get_text()]
    assert len(boxes) >= 8
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_names_are_shown_letter_by_letter(tmp_path: Path) -> None:
    svg = plots.save(wild_names(), tmp_path / "wild", formats=["svg"])[0].read_text("utf-8")
    shown = {text.replace("&lt;", "<").replace("&gt;", ">") for text in re.findall(r">([^<>]+)</text>", svg)}
    assert set(WILD) | {"_x", "$y$"} <= shown
    map_svg = plots.save(plots.sample_correlation(VALUES.set_axis(WILD, axis=1)), tmp_path / "map", formats=["svg"])[
        0
    ].read_text("utf-8")
    assert "$a_b$" in map_svg and "a$b" in map_svg


def test_thousands_of_points_are_a_bitmap_in_vector_files(tmp_path: Path) -> None:
    svg = plots.save(plots.ma(RESULTS), tmp_path / "ma", formats=["svg"])[0]
    assert svg.stat().st_size < 300_000
    assert "<image" in svg.read_text("utf-8")


def test_the_same_picture_is_the_same_bytes(tmp_path: Path) -> None:
    names = ("pca", "ma", "sample_correlation")
    for name in names:
        first = plots.save(PICTURES[name](), tmp_path / "first" / name)
        second = plots.save(PICTURES[name](), tmp_path / "second" / name)
        for one, two in zip(first, second, strict=True):
            assert one.read_bytes() == two.read_bytes()
    written = {file.name for file in (tmp_path / "first").iterdir()}
    assert written == {f"{name}.{suffix}" for name in names for suffix in ("png", "svg")}


def test_a_suffix_says_the_format(tmp_path: Path) -> None:
    axes = plots.figures.new_axes()
    assert plots.save(axes, tmp_path / "a.pdf") == [tmp_path / "a.pdf"]
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert plots.save(axes, tmp_path / "B_vs_A.2") == [tmp_path / "B_vs_A.2.png", tmp_path / "B_vs_A.2.svg"]
    assert len(plots.save(axes, tmp_path / "counts.PGF")) == 2  # a gene
    assert plots.save(axes, tmp_path / "c.ps", formats=["png"]) == [tmp_path / "c.ps.png"]


def test_a_failed_save_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        plots.save(plots.scree(VALUES), tmp_path / "scree", formats=["nonsense"])
    assert list(tmp_path.iterdir()) == []


def test_more_levels_than_colours_differ_in_marker() -> None:
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 20)), columns=[f"s{k}" for k in range(20)])
    table = pd.DataFrame({"line": [f"L{k}" for k in range(20)]}, index=values.columns)
    ax = plots.pca(values, samples=table, color="line")
    looks = {
        (h.get_color(), h.get_marker()) for h in ax.get_legend().legend_handles if h.get_marker() not in ("", "None")
    }
    assert len(looks) == 20


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(OptionError, match="no column 'sex'"):
        plots.pca(VALUES, samples=SAMPLES, color="sex")
    with pytest.raises(OptionError, match="no component 9"):
        plots.pca(VALUES, components=(1, 9), samples=SAMPLES)
    with pytest.raises(CountsError, match="no gene 'x'"):
        plots.counts(FIT, "x")
    with pytest.raises(OptionError, match="'padj'"):
        plots.ma(RESULTS.table.drop(columns="padj"))
    with pytest.raises(OptionError, match="not in the results: 'x'"):
        plots.ma(RESULTS, labels=["x"])


def test_odd_results_can_be_drawn() -> None:
    empty = SimpleNamespace(table=RESULTS.table.assign(pvalue=np.nan, padj=np.nan), metadata={"alpha": 0.05})
    one = SimpleNamespace(table=RESULTS.table.iloc[[10]], metadata={"alpha": 0.05})
    for results in (empty, one):
        for draw in (plots.ma, plots.volcano, plots.pvalue_histogram, plots.filtering):
            assert draw(results) is not None
    assert plots.upset({"none": empty}) is not None


def test_shrunken_tables_are_judged_by_s_value() -> None:
    table = RESULTS.table.rename(columns={"padj": "svalue"}).drop(columns=["pvalue", "stat"])
    shrunken = SimpleNamespace(table=table, metadata={"alpha": 0.1})
    assert plots.ma(shrunken, labels=3) is not None


def test_no_cutoff_is_drawn_where_no_sample_is_judged_by_it() -> None:
    pairs = SimpleNamespace(matrix=FIT.design.matrix, cells=np.array([0, 1, 0, 1, 2, 3, 2, 3]))
    assert plots.sample_checks.cooks_cutoff(SimpleNamespace(design=pairs)) is None
    ax = plots.cooks(SimpleNamespace(design=pairs, full_design=pairs, cooks=FIT.cooks))
    assert not [text for text in ax.texts if "cutoff" in text.get_text()]
    threes = SimpleNamespace(matrix=FIT.design.matrix, cells=np.array([0, 0, 0, 1, 1, 1, 2, 2]))
    assert plots.sample_checks.cooks_cutoff(SimpleNamespace(design=threes)) == pytest.approx(12.06, abs=0.01)


def test_the_surest_genes_are_within_the_axes() -> None:
    low, high = plots.ma(RESULTS).get_ylim()
    surest = RESULTS.table.sort_values("pvalue").head(50)
    assert surest[surest["padj"] < 0.1]["log2FoldChange"].between(low, high).all()


def test_the_line_of_a_volcano_is_explained() -> None:
    said = [text.get_text() for text in plots.volcano(RESULTS).get_legend().get_texts()]
    assert any("largest p-value" in words for words in said)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or PICTURES:
        print(write(chosen, BASELINES))
