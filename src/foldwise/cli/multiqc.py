"""Files that MultiQC takes into its report: samples, their components and distances, genes found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foldwise.cli.analysis import Answer

if TYPE_CHECKING:
    import pandas as pd

    from foldwise.fit import Fit

PARENT = {"parent_id": "foldwise", "parent_name": "foldwise", "parent_description": "Differential expression"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#999999")


def write_multiqc(answers: list[Answer], folder: Path) -> None:
    """foldwise_general, foldwise_genes, foldwise_pca and foldwise_distances, each ending in _mqc."""
    fit = max((answer.fit for answer in answers), key=lambda fit: fit.data.n_samples)
    _write(folder / "foldwise_genes_mqc.json", _genes(answers))
    (folder / "foldwise_general_mqc.tsv").write_text(_general(fit), encoding="utf-8")
    if fit.data.n_samples < 2:
        return
    values = _transformed(fit)
    _write(folder / "foldwise_pca_mqc.json", _components(fit, values))
    _write(folder / "foldwise_distances_mqc.json", _distances(values))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(PARENT | content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _transformed(fit: Fit) -> pd.DataFrame:
    from foldwise.quality.transformed import transformed

    return transformed(fit)[0]


def _general(fit: Fit) -> str:
    """Size factors and totals, for the table that opens MultiQC's report."""
    totals = fit.data.counts.sum()
    head = [
        "# id: 'foldwise_general'",
        "# plot_type: 'generalstats'",
        "# headers:",
        "#     size_factor:",
        "#         title: 'Size factor'",
        "#         description: 'foldwise: sequencing depth of the sample against the others'",
        "#         format: '{:,.3f}'",
        "#     counts:",
        "#         title: 'Counts'",
        "#         description: 'foldwise: counts over all genes'",
        "#         format: '{:,.0f}'",
        "#     genes_seen:",
        "#         title: 'Genes seen'",
        "#         description: 'foldwise: genes with at least one count'",
        "#         format: '{:,.0f}'",
    ]
    seen = (fit.data.counts > 0).sum()
    factors = fit.size_factors
    lines = ["Sample\tsize_factor\tcounts\tgenes_seen"]
    for name in fit.data.sample_names:
        factor = "" if factors is None else repr(float(factors[name]))
        lines.append(f"{_one_cell(name)}\t{factor}\t{int(totals[name])}\t{int(seen[name])}")
    return "\n".join([*head, *lines]) + "\n"


def _one_cell(name: object) -> str:
    return str(name).replace("\t", " ").replace("\n", " ")


def _genes(answers: list[Answer]) -> dict[str, Any]:
    alpha = answers[0].result.metadata["alpha"]
    data = {}
    for answer in answers:
        found = answer.result.significant()["log2FoldChange"]
        data[answer.id] = {"up": int((found > 0).sum()), "down": int((found < 0).sum())}
    return {
        "id": "foldwise_genes",
        "section_name": "Differential genes",
        "description": f"Genes with an adjusted p-value below {alpha:g}, by comparison.",
        "plot_type": "bargraph",
        "pconfig": {"id": "foldwise_genes_plot", "title": "foldwise: differential genes", "ylab": "Genes"},
        "data": data,
    }


def _components(fit: Fit, values: pd.DataFrame) -> dict[str, Any]:
    from foldwise.quality.components import principal_components

    found = principal_components(values)
    scores, share = found.scores.to_numpy(), found.variance.to_numpy()
    groups = fit.full_design.variables[-1:] if fit.full_design.variables else ()
    of = [str(fit.data.samples[groups[0]].iloc[i]) if groups else "" for i in range(len(scores))]
    colours = {level: COLOURS[i % len(COLOURS)] for i, level in enumerate(dict.fromkeys(of))}
    second = scores[:, 1] if scores.shape[1] > 1 else np.zeros(len(scores))
    points = {
        str(name): {
            "x": float(scores[i, 0]),
            "y": float(second[i]),
            "color": colours[of[i]],
            "name": of[i] or str(name),
        }
        for i, name in enumerate(values.columns)
    }
    axes = [f"PC{i + 1}: {share[i]:.0%} of variance" if i < len(share) else f"PC{i + 1}" for i in (0, 1)]
    return {
        "id": "foldwise_pca",
        "section_name": "Principal components",
        "description": "Samples on the first two principal components of variance-stabilized counts"
        + (f", coloured by {groups[0]}." if groups else "."),
        "plot_type": "scatter",
        "pconfig": {"id": "foldwise_pca_plot", "title": "foldwise: PCA", "xlab": axes[0], "ylab": axes[1]},
        "data": points,
    }


def _distances(values: pd.DataFrame) -> dict[str, Any]:
    x = values.to_numpy(dtype=float).T
    names = [str(name) for name in values.columns]
    distances = [np.sqrt(((x - row) ** 2).sum(axis=1)) for row in x]
    return {
        "id": "foldwise_distances",
        "section_name": "Sample distances",
        "description": "Euclidean distances between samples, of variance-stabilized counts.",
        "plot_type": "heatmap",
        "pconfig": {"id": "foldwise_distances_plot", "title": "foldwise: sample distances", "square": True},
        "xcats": names,
        "ycats": names,
        "data": [[float(value) for value in row] for row in distances],
    }
