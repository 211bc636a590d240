"""The linked pictures and the table of one comparison, as Bokeh models that share what is selected.

Most genes are unremarkable; they are drawn once, as a bitmap under the axes, so that a click redraws only the
significant ones. Any gene can still be clicked: the script of the page looks for the nearest among all.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from foldwise.arrays import BoolArray, FloatArray, IntArray
from foldwise.plots.figures import DOWN, PALETTE, UNREMARKABLE, UP
from foldwise.plots.sources import adjusted_pvalues
from foldwise.report.payload import SamplePoints
from foldwise.report.pictures import data_uri

LIVE_POINTS = 2000  # significant genes that are drawn as points of their own; the rest are in the bitmap
_WIDTH, _HEIGHT = 500, 360
_TABLE_HEIGHT, _ROW_HEIGHT = 420, 25  # pixels; page.js makes it lower where few genes are shown
# The chosen gene: its place in both pictures, and to which side its name is written so that it stays inside.
_RING = ("mx", "my", "vx", "vy", "gene", "mdx", "mdy", "mside", "vdx", "vdy", "vside")


@dataclass(frozen=True, slots=True)
class Linked:
    """Bokeh models of one comparison, and where the table's rows are in the fit.

    ma, volcano, counts, table : roots to be placed in the page. rows : (n,) gene numbers in the fit, in table order.
    """

    ma: Any
    volcano: Any
    counts: Any
    table: Any
    rows: IntArray


def linked(key: str, results: Any, points: SamplePoints, most: int | None) -> Linked:
    """Models of one comparison. ``key`` is its name in the script; ``most`` limits the genes (smallest p first)."""
    from bokeh.models import ColumnDataSource, CustomJS

    frame = _frame(results, most)
    rows = frame.pop("row").to_numpy()
    full = ColumnDataSource({name: _plain(frame[name]) for name in frame}, name=f"{key}-genes")
    live = ColumnDataSource(_live(frame), name=f"{key}-live")
    ring = ColumnDataSource({name: [] for name in _RING}, name=f"{key}-ring")
    drawn = {
        "ma": _figure(frame, "mx", "my", live, ring, ("mean of normalized counts", "log2 fold change"), f"{key}-ma"),
        "volcano": _figure(frame, "vx", "vy", live, ring, ("log2 fold change", "-log10 p-value"), f"{key}-volcano"),
    }
    _logarithmic_ticks(drawn["ma"])
    for name, figure in drawn.items():
        figure.js_on_event("tap", CustomJS(code=f"window.foldwise.tapped('{key}', '{name}', cb_obj)"))
        figure.js_on_event("selectiongeometry", CustomJS(code=f"window.foldwise.boxed('{key}', '{name}', cb_obj)"))
        figure.js_on_event("reset", CustomJS(code=f"window.foldwise.search('{key}')"))
    full.selected.js_on_change("indices", CustomJS(code=f"window.foldwise.selected('{key}')"))
    return Linked(drawn["ma"], drawn["volcano"], _counts_figure(key, points), _table(key, full), rows)


def _frame(results: Any, most: int | None) -> pd.DataFrame:
    table = results.table
    ranked = next(name for name in ("pvalue", "padj", "svalue") if name in table)
    order = np.argsort(table[ranked].fillna(np.inf).to_numpy(), kind="stable")[:most]
    chosen = table.iloc[order]
    alpha = float(results.metadata.get("alpha", 0.1))
    padj = adjusted_pvalues(chosen)
    p = chosen[ranked].to_numpy(dtype=float)
    lfc, mean = (chosen[name].to_numpy(dtype=float) for name in ("log2FoldChange", "baseMean"))
    positive = p[p > 0]
    top = float(-np.log10(positive.min())) * 1.05 if len(positive) else 1.0
    with np.errstate(divide="ignore"):
        height = np.minimum(-np.log10(p), max(top, 1.0))
        depth = np.log10(mean)
    return pd.DataFrame(
        {
            "gene": [str(name) for name in chosen.index],
            "baseMean": mean,
            "lfc": lfc,
            "lfcSE": chosen["lfcSE"].to_numpy(dtype=float),
            "pvalue": p,
            "padj": padj,
            "status": [str(s) for s in chosen["status"]] if "status" in chosen else [""] * len(chosen),
            "mx": np.where(np.isfinite(depth), depth, np.nan),
            "my": lfc,
            "vx": lfc,
            "vy": height,
            "significant": padj < alpha,
            "row": order,
        }
    )


def _plain(column: pd.Series) -> Any:
    """Columns as the page holds them: 32 bits where that shows all digits, missing numbers as infinity (sorted last)."""
    if column.name in ("gene", "status"):
        return list(column)
    values = column.to_numpy(dtype=float)
    if column.name in ("mx", "my", "vx", "vy"):
        return values.astype(np.float32)
    values = np.where(np.isnan(values), np.inf, values)
    return values if column.name in ("pvalue", "padj") else values.astype(np.float32)


def _live(frame: pd.DataFrame) -> dict[str, Any]:
    chosen = frame[_is_live(frame)]
    return {
        "gene": list(chosen["gene"]),
        "index": np.flatnonzero(_is_live(frame)).astype(np.int32),
        **{name: chosen[name].to_numpy(dtype=np.float32) for name in ("mx", "my", "vx", "vy", "baseMean", "lfc")},
        "padj": chosen["padj"].to_numpy(),
        "colour": [UP if value > 0 else DOWN for value in chosen["lfc"]],
    }


def _is_live(frame: pd.DataFrame) -> BoolArray:
    significant = frame["significant"].to_numpy() & np.isfinite(frame[["mx", "my", "vy"]].to_numpy()).all(axis=1)
    return np.asarray(significant & (np.cumsum(significant) <= LIVE_POINTS))


def _figure(frame: pd.DataFrame, x: str, y: str, live: Any, ring: Any, words: tuple[str, str], name: str) -> Any:
    from bokeh.models import BoxSelectTool, BoxZoomTool, HoverTool, PanTool, ResetTool, SaveTool, WheelZoomTool
    from bokeh.plotting import figure

    values = frame[[x, y]].to_numpy(dtype=float)
    x_range, y_range = (_range(values[:, k]) for k in (0, 1))
    drawn = figure(
        height=_HEIGHT,
        sizing_mode="stretch_width",
        min_width=240,
        x_range=x_range,
        y_range=y_range,
        x_axis_label=words[0],
        y_axis_label=words[1],
        tools=[PanTool(), BoxZoomTool(), WheelZoomTool(), BoxSelectTool(), ResetTool(), SaveTool()],
        name=name,
        output_backend="canvas",
    )
    drawn.toolbar.logo = None
    drawn.xgrid.visible = drawn.ygrid.visible = False
    drawn.image_url(
        url=[_bitmap(values, frame, x_range, y_range)],
        x=x_range[0],
        y=y_range[0],
        w=x_range[1] - x_range[0],
        h=y_range[1] - y_range[0],
        anchor="bottom_left",
        level="image",
    )
    # What marks the chosen gene lies on the overlay, which is redrawn alone: a click does not redraw the genes.
    dots = drawn.scatter(
        x, y, source=live, size=5, fill_color="colour", line_color=None, fill_alpha=0.8, nonselection_fill_alpha=0.25
    )
    drawn.scatter(x, y, source=ring, size=15, fill_color=None, line_color="black", line_width=2.5, level="overlay")
    side = x[0]
    drawn.text(
        x,
        y,
        text="gene",
        source=ring,
        x_offset=f"{side}dx",
        y_offset=f"{side}dy",
        text_align=f"{side}side",
        text_font_size="12px",
        text_font_style="bold",
        background_fill_color="white",
        background_fill_alpha=0.8,
        level="overlay",
    )
    tips = [
        ("gene", "@gene"),
        ("mean", "@baseMean{0,0.0}"),
        ("log2 fold change", "@lfc{0.00}"),
        ("adjusted p", "@padj{0.0e+0}"),
    ]
    drawn.add_tools(HoverTool(renderers=[dots], tooltips=tips))
    return drawn


def _range(values: FloatArray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def _bitmap(values: FloatArray, frame: pd.DataFrame, x_range: tuple[float, float], y_range: tuple[float, float]) -> str:
    """All genes that are not points of their own, drawn exactly over the ranges of the axes."""
    picture = Figure(figsize=(_WIDTH / 100, _HEIGHT / 100), dpi=200)
    FigureCanvasAgg(picture)
    ax = picture.add_axes((0, 0, 1, 1))
    ax.axis("off")
    ax.set(xlim=x_range, ylim=y_range)
    rest = ~_is_live(frame) & np.isfinite(values).all(axis=1)
    significant = rest & frame["significant"].to_numpy()
    up = frame["lfc"].to_numpy() > 0
    for chosen, colour in ((rest & ~significant, UNREMARKABLE), (significant & up, UP), (significant & ~up, DOWN)):
        ax.scatter(values[chosen, 0], values[chosen, 1], s=4.5, c=colour, lw=0)
    page = io.BytesIO()
    picture.savefig(page, format="png", transparent=True, metadata={"Software": None})
    return data_uri(page.getvalue())


def _logarithmic_ticks(drawn: Any) -> None:
    from bokeh.models import CustomJSTickFormatter

    code = "return Math.abs(tick) < 4 ? Number(Math.pow(10, tick).toPrecision(2)).toString() : '1e' + tick"
    drawn.xaxis.formatter = CustomJSTickFormatter(code=code)


def _counts_figure(key: str, points: SamplePoints) -> Any:
    from bokeh.models import ColumnDataSource, FixedTicker, HoverTool
    from bokeh.plotting import figure

    source = ColumnDataSource(
        {
            "x": points.x,
            "y": np.ones(len(points.x)),
            "label": points.labels,
            "colour": [PALETTE[int(k) % len(PALETTE)] for k in points.colour],
        },
        name=f"{key}-counts",
    )
    drawn = figure(
        height=_HEIGHT, sizing_mode="stretch_width", min_width=240, y_axis_type="log", x_axis_label=_no_formula(points.axis),
        y_axis_label="normalized count + 0.5", tools="save", name=f"{key}-counts-figure",
    )  # fmt: skip
    drawn.toolbar.logo = None
    drawn.xgrid.visible = False
    if points.ticks:
        drawn.xaxis.ticker = FixedTicker(ticks=list(points.ticks))
        drawn.xaxis.major_label_overrides = {k: _no_formula(name) for k, name in points.ticks.items()}
        drawn.x_range.start, drawn.x_range.end = -0.6, len(points.ticks) - 0.4
    dots = drawn.scatter("x", "y", source=source, size=9, fill_color="colour", line_color="white")
    dots.update(visible=False, name=f"{key}-dots")  # until a gene is chosen
    drawn.add_tools(HoverTool(renderers=[dots], tooltips=[("sample", "@label"), ("count + 0.5", "@y{0,0.0}")]))
    return drawn


def _no_formula(name: str) -> str:
    """A name that Bokeh does not read as TeX: a space of no width parts the characters that would open a formula."""
    return name.replace("$$", "$\u200b$").replace("\\", "\\\u200b")


def _table_height(n_genes: int) -> int:
    """The heading, the rows and a scroll bar."""
    return _ROW_HEIGHT * (max(n_genes, 1) + 1) + 18


def _table(key: str, full: Any) -> Any:
    from bokeh.models import CDSView, DataTable, HTMLTemplateFormatter, IndexFilter, StringFormatter, TableColumn

    # Only numbers go through templates; names go through a formatter that shows them letter by letter.
    fixed = HTMLTemplateFormatter(template="<%= isFinite(value) ? value.toFixed(3) : 'NA' %>")
    mean = HTMLTemplateFormatter(template="<%= isFinite(value) ? Number(value.toPrecision(4)).toString() : 'NA' %>")
    small = HTMLTemplateFormatter(template="<%= isFinite(value) ? value.toExponential(2) : 'NA' %>")
    text = StringFormatter()
    columns = [
        ("gene", "gene", text, 180),
        ("baseMean", "baseMean", mean, 85),
        ("lfc", "log2FoldChange", fixed, 110),
        ("lfcSE", "lfcSE", fixed, 70),
        ("pvalue", "pvalue", small, 85),
        ("padj", "padj", small, 85),
        ("status", "status", text, 90),
    ]
    return DataTable(
        source=full,
        view=CDSView(filter=IndexFilter(indices=None, name=f"{key}-shown")),
        columns=[TableColumn(field=f, title=t, formatter=m, width=w) for f, t, m, w in columns],
        width=740,
        height=min(_TABLE_HEIGHT, _table_height(len(full.data["gene"]))),
        index_position=None,
        reorderable=False,
        sortable=True,
        scroll_to_selection=True,
        autosize_mode="none",
        name=f"{key}-table",
    )
