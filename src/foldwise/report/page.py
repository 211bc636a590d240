"""``foldwise.report``: everything about a fit on one page that opens from disk, without a network, for years."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from foldwise.arguments import checked
from foldwise.errors import OptionError
from foldwise.explain.why import why
from foldwise.inference.belonging import check_belongs
from foldwise.io.atomic import write_atomically
from foldwise.quality.control import Quality, quality
from foldwise.report.concerns import concerns
from foldwise.report.linked import Linked, linked
from foldwise.report.methods import methods_paragraph, references, versions
from foldwise.report.payload import explanation_payload, sample_points, shared_payload
from foldwise.report.pictures import Picture, comparison_pictures, printed_pictures, quality_pictures
from foldwise.summary import tested
from foldwise.summary import title as title_of

WHOLE_TABLES = 120_000  # rows over all comparisons; beyond, tables hold the genes of smallest p-value
_SHORT_TABLE = 2_000
_PRINTED_GENES = 30
_REASONS = 200  # outliers whose sample is looked up one by one


@dataclass(frozen=True)
class Section:
    """One comparison on the page."""

    key: str
    name: str
    description: str
    tested: str
    alpha: float
    up: int
    down: int
    shown: int
    genes: int
    ledger: list[tuple[str, int, str]]
    pictures: list[Picture]
    printed: list[Picture]
    top: list[tuple[str, str, str, str, str]]
    models: Linked
    payload: dict[str, Any]


@checked
def report(
    fit: Any,
    results: Any,
    path: str | Path,
    *,
    title: str = "Differential expression",
    checked: Quality | None = None,
) -> Path:
    """Write one self-contained HTML file about a fit and its results.

    Parameters
    ----------
    fit
        The fit.
    results
        Results of one comparison, a list of them, or a mapping from a name to results (``fit.results_many(...)``).
    path
        The file to write; its folder is made if need be. It appears whole or not at all.
    title
        Heading of the page.
    checked
        Quality control already made (``fw.quality(fit)``); it is made here otherwise.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OptionError
        Without results, or for results of another fit.

    Notes
    -----
    The page needs no network and no server. Tables hold all genes of up to four comparisons of 30,000 genes; with
    more, those of smallest p-value, and the page says so.
    """
    named = _named(results)
    for name, one in named.items():
        check_belongs(fit, one, f"The results '{name}' are")
    found = checked if checked is not None else quality(fit, results=next(iter(named.values())))
    total = sum(len(one.table) for one in named.values())
    most = None if total <= WHOLE_TABLES else _SHORT_TABLE
    sections = [_section(f"c{k}", name, fit, one, most) for k, (name, one) in enumerate(named.items())]
    html = _render(fit, named, found, sections, title)
    return _write(Path(path), html)


def _named(results: Any) -> dict[str, Any]:
    if isinstance(results, Mapping):
        named = {str(name): one for name, one in results.items()}
    else:
        several = list(results) if isinstance(results, (list, tuple)) else [results]
        named = {}
        for one in several:
            name = str(getattr(getattr(one, "contrast", None), "description", "results"))
            named[name if name not in named else f"{name} ({len(named) + 1})"] = one
    if not named or not all(hasattr(one, "table") for one in named.values()):
        raise OptionError("A report needs results: those of fit.results(), several in a list, or a mapping by name.")
    return named


def _section(key: str, name: str, fit: Any, one: Any, most: int | None) -> Section:
    from foldwise.plots.sources import adjusted_pvalues

    table = one.table
    alpha = float(one.metadata.get("alpha", 0.1))
    significant = adjusted_pvalues(table) < alpha
    lfc = table["log2FoldChange"].to_numpy(dtype=float)
    models = linked(key, one, sample_points(fit, one.contrast), most)
    shown = table.index[models.rows]
    at = fit.data.gene_names.get_indexer(shown)  # a table may be sorted, or hold some of the genes
    return Section(
        key=key,
        name=name,
        description=title_of(one),
        tested=" ".join(tested(one)),
        alpha=alpha,
        up=int((significant & (lfc > 0)).sum()),
        down=int((significant & (lfc < 0)).sum()),
        shown=len(models.rows),
        genes=len(table),
        ledger=ledger(one),
        pictures=comparison_pictures(name, one),
        printed=printed_pictures(name, one),
        top=_top_genes(table),
        models=models,
        payload={
            "name": name,
            "alpha": alpha,
            "threshold": _number(one.metadata.get("filter_threshold")),
            "rows": _packed_rows(at),
            "explain": explanation_payload(fit, one, at),
            "reasons": _reasons(one, shown),
        },
    )


def _packed_rows(rows: Any) -> dict[str, str]:
    from foldwise.report.payload import packed

    return packed(rows, "i4")


def _number(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def ledger(one: Any) -> list[tuple[str, int, str]]:
    """Where the missing values come from: status, genes, what it means."""
    meanings = {
        "ok": "tested and adjusted",
        "all zero": "no counts in any sample: nothing can be said",
        "outlier": "one sample's count decides the gene (Cook's distance over the cutoff): no p-value",
        "low mean": "mean count below what independent filtering keeps: p-value, but no adjusted one",
        "filtered": "left out by the filter that was given: p-value, but no adjusted one",
        "weights fail": "the samples that have weight do not determine the model: nothing can be said",
        "no degrees of freedom": "none for Student's t: no p-value",
        "empty group": "a group without counts: the fold change is infinite",
        "not converged": "the coefficients did not converge: take the numbers with care",
        "no p-value": "no p-value for another reason",
    }
    if "status" not in one.table:
        return []
    numbers = one.table["status"].value_counts()
    return [
        (str(status), int(numbers[status]), meanings.get(str(status), ""))
        for status in sorted(numbers.index, key=lambda s: list(meanings).index(s) if s in meanings else 99)
    ]


def _reasons(one: Any, genes: pd.Index) -> dict[int, str]:
    """Which sample made each outlier, by the gene's place in the table."""
    if "status" not in one.table:
        return {}
    status = one.table["status"].loc[genes].to_numpy()
    chosen = np.flatnonzero(status == "outlier")[:_REASONS]
    return {int(k): why(one, genes[k]).words for k in chosen}


def _top_genes(table: pd.DataFrame) -> list[tuple[str, str, str, str, str]]:
    ranked = next(name for name in ("pvalue", "padj", "svalue") if name in table)
    judged = "svalue" if "svalue" in table and "padj" not in table else "padj"
    chosen = table.loc[table[ranked].dropna().sort_values(kind="stable").index[:_PRINTED_GENES]]
    return [
        (
            str(gene),
            f"{row['baseMean']:.4g}",
            f"{row['log2FoldChange']:.3f}",
            f"{row[ranked]:.2e}",
            f"{row[judged]:.2e}",
        )
        for gene, row in chosen.iterrows()
    ]


def _render(fit: Any, named: Mapping[str, Any], found: Quality, sections: list[Section], title: str) -> str:
    from bokeh.document import Document
    from bokeh.embed import file_html
    from bokeh.resources import Resources
    from jinja2 import Environment

    here = files("foldwise.report")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        here.joinpath("page.html.jinja").read_text("utf-8")
    )
    document = Document()
    for section in sections:
        for root in (section.models.ma, section.models.volcano, section.models.counts, section.models.table):
            document.add_root(root)
    data = {"shared": shared_payload(fit, named), "comparisons": {s.key: s.payload for s in sections}}
    variables = {
        "page_title": title,
        "sections": sections,
        "methods": methods_paragraph(fit, named),
        "references": references(fit, named),
        "versions": versions(),
        "concerns": concerns(fit, named, found),
        "quality": found,
        "quality_pictures": quality_pictures(fit, found),
        "sample_rows": _sample_rows(found),
        "design": fit.full_design.formula or "a model matrix of the user's own",
        "n_genes": len(fit.genes),
        "n_samples": len(found.samples),
        "css": here.joinpath("page.css").read_text("utf-8"),
        "script": here.joinpath("page.js").read_text("utf-8"),
        "data": _script_json(data),
    }
    resources = Resources(mode="inline")
    html = file_html(
        document, resources, title=title, template=template, template_variables=variables,
        suppress_callback_warning=True,
    )  # fmt: skip
    return _same_identifiers(html)


def _sample_rows(found: Quality) -> list[tuple[str, ...]]:
    return [
        (
            str(name),
            f"{row['total']:,.0f}",
            f"{row['size_factor']:.3f}",
            f"{row['detected']:,.0f}",
            f"{row['zeros']:.0%}",
            f"{row['correlation_with_group']:.3f}",
            f"{row['cooks_over_cutoff']:.0f}" if np.isfinite(row.get("cooks_over_cutoff", np.nan)) else "",
        )
        for name, row in found.samples.iterrows()
    ]


def _script_json(data: Any) -> str:
    """JSON that cannot end the script element it stands in, whatever the names in it are."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _same_identifiers(html: str) -> str:
    """Bokeh names documents and elements at random; numbered instead, the same report is the same bytes."""
    known: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return known.setdefault(match.group(0), f"00000000-0000-4000-8000-{len(known):012x}")

    return re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b", numbered, html)


def _write(path: Path, html: str) -> Path:
    with write_atomically(path) as unfinished:
        unfinished.write_text(html, encoding="utf-8")
    return path
