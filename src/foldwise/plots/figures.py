"""Figures without pyplot: the axes that every picture is drawn on, its colours, its labels, its files.

Nothing here touches pyplot's global state, so that pictures can be drawn from threads and servers; show one in a
notebook with ``ax.figure``, or draw into axes of your own with ``ax=``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from foldwise.arguments import checked
from foldwise.io.atomic import is_stream, write_atomically

# Okabe & Ito (2008): eight colours that people with any common colour blindness tell apart. The yellow goes last:
# it is faint on white paper.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
UP, DOWN, UNREMARKABLE, TREND = "#D55E00", "#0072B2", "#A9A9A9", "#D55E00"
# More points than this are drawn as one bitmap inside a vector file, which otherwise takes seconds to open.
RASTERISE_ABOVE = 2000
TEXT_SIZE = 9
DEFAULT_FORMATS = ("png", "svg")


def new_axes(ax: Axes | None = None, *, size: tuple[float, float] = (4.8, 3.8)) -> Axes:
    """The user's axes, or those of a new figure of ``size`` inches; with the plain look of all our pictures."""
    if ax is None:
        figure = Figure(figsize=size, dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        ax = figure.add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=TEXT_SIZE - 1)
    return ax


def describe(ax: Axes, *, x: str | None = None, y: str | None = None, title: str | None = None) -> None:
    """Write axis labels and title; none of them is ever read as a formula."""
    if x is not None:
        ax.set_xlabel(x, fontsize=TEXT_SIZE, parse_math=False)
    if y is not None:
        ax.set_ylabel(y, fontsize=TEXT_SIZE, parse_math=False)
    if title:
        ax.set_title(title, fontsize=TEXT_SIZE + 1, loc="left", parse_math=False)


def add_legend(
    ax: Axes, entries: Sequence[tuple[Any, str]], *, title: str | None = None, outside: bool = False, loc: str = "best"
) -> None:
    """Add a legend whose names are shown letter by letter.

    Matplotlib drops a name that begins with an underscore and reads dollars as formulas, so the names are written
    into the legend after it is made. Among thousands of points say where (``loc``): looking for the best place takes
    longer than drawing them.
    """
    if not entries:
        return
    place: dict[str, Any] = {"loc": loc}
    if outside:
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
    previous = ax.get_legend()
    legend = ax.legend(
        [handle for handle, _ in entries],
        [name.lstrip("_") or "x" for _, name in entries],
        title=title.lstrip("_") if title else None,
        fontsize=TEXT_SIZE - 1,
        title_fontsize=TEXT_SIZE - 1,
        frameon=not outside,
        framealpha=0.85,
        edgecolor="none",
        handletextpad=0.4,
        alignment="left",
        **place,
    )
    for text, (_, name) in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(name)
    if title:
        legend.get_title().set_parse_math(False)
        legend.get_title().set_text(title)
    if previous is not None and outside:
        ax.add_artist(previous)


def name_ticks(ax: Axes, axis: Literal["x", "y"], names: Sequence[object], positions: Any = None, **text: Any) -> None:
    """Put names on an axis, at 0, 1, … unless told otherwise, each shown letter by letter.

    ``ax.set_xticks(labels=)`` reads a formula between two dollars while it measures the text, so the dollars are
    escaped, not only the reading turned off.
    """
    chosen = ax.xaxis if axis == "x" else ax.yaxis
    chosen.set_ticks(range(len(names)) if positions is None else positions)
    chosen.set_ticklabels([literal(name) for name in names], **{"fontsize": TEXT_SIZE - 1, **text})


def log_counts_axis(ax: Axes) -> None:
    """A log scale for counts, marked with plain numbers (20, 50, 100) however short it is."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_yscale("log")
    low, high = ax.get_ylim()
    decades = abs(math.log10(high / low)) if low > 0 else 3.0
    subs = (1.0, 2.0, 5.0) if decades < 2.2 else (1.0,)
    ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def literal(name: object) -> str:
    """A name as Matplotlib text that shows exactly this name."""
    return str(name).replace("$", r"\$")


def new_canvas(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Axes without a frame, to be divided by a picture of several parts; those of the user, or of a new figure."""
    if ax is None:
        figure = Figure(figsize=size, dpi=120)
        FigureCanvasAgg(figure)
        ax = figure.add_axes((0.02, 0.02, 0.96, 0.96))
    ax.axis("off")
    return ax


def text_inches(ax: Axes, texts: Sequence[object], size: float) -> float:
    """How wide the widest of these texts is when written at this size, in inches."""
    figure = ax.get_figure(root=True)
    widest = max((str(text) for text in texts), key=len, default="")
    if figure is None or not widest:
        return 0.0
    drawn = ax.text(0, 0, widest, fontsize=size, parse_math=False)
    width = drawn.get_window_extent().width / figure.dpi
    drawn.remove()
    return float(width) * 1.08  # the longest text is not always the widest


def rasterised(n_points: int) -> bool:
    """Whether so many points should be a bitmap in a vector file."""
    return n_points > RASTERISE_ABOVE


def colours_for(levels: Sequence[object]) -> dict[object, str]:
    """One colour a level; beyond eight the colours return, and markers have to tell the levels apart."""
    return {level: PALETTE[i % len(PALETTE)] for i, level in enumerate(levels)}


def markers_for(levels: Sequence[object], *, with_colours: bool = False) -> dict[object, str]:
    """One marker a level; with ``with_colours`` the marker changes only once all colours are used."""
    step = len(PALETTE) if with_colours else 1
    return {level: MARKERS[(i // step) % len(MARKERS)] for i, level in enumerate(levels)}


@checked
def save(
    figure: Figure | Axes, path: str | Path, *, formats: Sequence[str] | None = None, dpi: int = 200
) -> list[Path]:
    """Write a picture as PNG and SVG, or as its name says: whole files only, and the same picture as the same bytes.

    Parameters
    ----------
    figure
        A figure, or the axes that a plot function returned.
    path
        File name; its folder is made if need be. With the suffix of a format that Matplotlib knows ("a.pdf") that one
        alone is written.
    formats
        Formats to write, each as a file of this name and its suffix; by default PNG and SVG where the name says none.
    dpi
        Dots per inch of bitmaps, and of the rasterised points inside vector files.

    Returns
    -------
    list of Path
        The files written.
    """
    whole = figure if isinstance(figure, Figure) else figure.get_figure(root=True)
    if whole is None:
        raise ValueError("These axes belong to no figure.")
    base = Path(path)
    if formats is None:
        suffix = base.suffix[1:]  # as it is written: "counts.PGF" is a picture of a gene
        if suffix in whole.canvas.get_supported_filetypes():
            return [_write(whole, base, suffix, dpi)]
        if is_stream(base):  # one picture, whatever the name
            return [_write(whole, base, DEFAULT_FORMATS[0], dpi)]
        formats = DEFAULT_FORMATS
    return [_write(whole, base.with_name(f"{base.name}.{suffix}"), suffix, dpi) for suffix in formats]


# What Matplotlib would write of the moment and of itself.
_METADATA: Mapping[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def _write(figure: Figure, target: Path, suffix: str, dpi: int) -> Path:
    style = {"svg.hashsalt": "foldwise", "svg.fonttype": "none", "pdf.fonttype": 42}
    with write_atomically(target) as unfinished, mpl.rc_context(style):
        figure.savefig(unfinished, format=suffix, dpi=dpi, metadata=_METADATA.get(suffix), facecolor="white")
    return target
