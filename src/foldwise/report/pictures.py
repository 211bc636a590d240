"""Pictures of the report: each a PNG inside the page, with what it shows in words for those who do not see it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from foldwise import plots
from foldwise.errors import FoldwiseError
from foldwise.plots.associations import component_covariates


@dataclass(frozen=True, slots=True)
class Picture:
    """source : data URI. alt : what is to be seen. caption : what it means. width : CSS pixels."""

    source: str
    alt: str
    caption: str
    width: int


def picture(draw: Callable[[], Any], alt: str, caption: str, *, dpi: int = 150) -> Picture | None:
    """Draw one; nothing where these data do not allow it (one sample, no trend, …)."""
    try:
        axes = draw()
    except (FoldwiseError, np.linalg.LinAlgError, ValueError):
        return None  # a picture that cannot be drawn must not cost the report
    figure = axes.get_figure(root=True)
    page = io.BytesIO()
    figure.savefig(page, format="png", dpi=dpi, metadata={"Software": None}, facecolor="white")
    width = int(figure.get_figwidth() * 96)
    return Picture(data_uri(page.getvalue()), alt, caption, width)


def data_uri(png: bytes) -> str:
    """A PNG as a link that carries it."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def quality_pictures(fit: Any, quality: Any) -> list[Picture]:
    """Samples: components, what they go with, correlation, depth, Cook's distances, dispersions, sparsity."""
    shares = quality.components.variance
    first = ", ".join(f"{name} {share:.0%}" for name, share in shares.iloc[:3].items())
    lowest = float(np.min(quality.correlation.to_numpy()))
    kind = getattr(fit.trend, "kind", "no")
    made = [
        picture(
            quality.pca,
            f"Scatter plot of the samples on the first two principal components ({first} of the variance).",
            "Principal components of the 500 most variable genes. Replicates should lie together.",
        ),
        picture(
            lambda: component_covariates(quality.associations),
            "Table of R squared of each principal component and covariate. " + " ".join(quality.notes[:3]),
            "Which covariate goes with which component; a star marks an adjusted p-value under 0.05.",
        ),
        picture(
            quality.plot_correlation,
            f"Heat map of correlations between samples, clustered; the lowest is {lowest:.2f}.",
            "Correlation of samples. Replicates should form blocks; below 0.80 look closer.",
        ),
        picture(
            lambda: plots.size_factors(fit),
            f"Scatter plot of size factors, from {quality.samples['size_factor'].min():.2f} to "
            f"{quality.samples['size_factor'].max():.2f}, over library sizes.",
            "Size factors over depth. Samples off the line differ in composition, not only in depth.",
        ),
        picture(
            lambda: plots.cooks(fit),
            "Box plots of Cook's distances by sample.",
            "Cook's distances by sample. A box above the others marks a sample unlike what the model expects.",
        ),
        picture(
            lambda: plots.dispersion(fit),
            f"Dispersions of genes over their mean count on logarithmic scales, with the {kind} trend.",
            "Dispersions: each gene alone, the trend, and the final values between the two.",
        ),
        picture(
            lambda: plots.sparsity(fit),
            "Scatter plot of each gene's largest sample's share of its counts over its total.",
            "Counts that sit in a single sample. Many genes near 1 at high totals fit the model badly.",
        ),
    ]
    return [one for one in made if one is not None]


def comparison_pictures(name: str, results: Any) -> list[Picture]:
    """p-values and filtering of one comparison."""
    theta = results.metadata.get("filter_theta")
    made = []
    if "pvalue" in results.table:
        made.append(
            picture(
                lambda: plots.pvalue_histogram(results, title=""),
                f"Histogram of p-values of {name}.",
                "p-values: flat with a peak at 0 where the model fits.",
            )
        )
    if theta is not None:
        made.append(
            picture(
                lambda: plots.filtering(results, title=""),
                f"Number of significant genes over the share of genes filtered out; {float(theta):.0%} was chosen.",
                "Independent filtering: how many genes are significant for each share left out.",
            )
        )
    return [one for one in made if one is not None]


def printed_pictures(name: str, results: Any) -> list[Picture]:
    """MA and volcano plots as pictures, for paper and where scripts do not run."""
    made = [
        picture(
            lambda: plots.ma(results, labels=8, title=""),
            f"MA plot of {name}: log2 fold changes over mean counts.",
            "Fold changes over mean counts.",
        ),
        picture(
            lambda: plots.volcano(results, labels=8, title=""),
            f"Volcano plot of {name}: p-values over log2 fold changes.",
            "p-values over fold changes.",
        ),
    ]
    return [one for one in made if one is not None]
