"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Any], Any]

SUMS = 'Or a sum of coefficients, "a+b-c" (foldwise doctor lists them), or numeric:0,1,-1.'
SHRINKAGE = ["apeglm", "ashr", "normal"]


def together(*options: Decorator) -> Decorator:
    """Several options as one decorator, shown in this order."""

    def apply(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


def _checked_threads(context: click.Context, option: click.Parameter, value: int | None) -> int | None:
    """The library takes a variable that is no number for none; whoever set it should hear of that."""
    asked = os.environ.get("FOLDWISE_NUM_THREADS", "")
    if value is None and asked and not (asked.isascii() and asked.isdigit() and int(asked)):
        raise click.UsageError(
            f"The environment variable FOLDWISE_NUM_THREADS is {asked!r}, which is no number of threads: set it to a "
            "whole number from 1 on, unset it to use all cores, or give --threads."
        )
    return value


threads = click.option(
    "--threads",
    type=click.IntRange(1),
    callback=_checked_threads,
    help="Threads to use; all cores (or FOLDWISE_NUM_THREADS) by default.",
)
quiet = click.option("--quiet", is_flag=True, help="Say nothing but warnings and errors.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON on standard output.")
out_folder = click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for what is written."
)

reading = together(
    click.option("--layer", help="Layer of an h5ad file that holds the counts."),
    click.option("--observations-id-col", "sample_column", metavar="COLUMN", help="Column of sample names in SAMPLES."),
    click.option("--features-id-col", "gene_column", metavar="COLUMN", help="Column of gene names in COUNTS."),
    click.option("--drop-unlisted", is_flag=True, help="Leave out columns of COUNTS that SAMPLES does not list."),
    click.option(
        "--round", "round_counts", is_flag=True, help="Round estimated counts (salmon, RSEM) to whole numbers."
    ),
)

factors = click.option(
    "--factor", "factors", multiple=True, metavar="COLUMN", help="Take a column of numbers as categories; repeatable."
)

fitting = together(
    click.option("--design", metavar="FORMULA", help='An R formula: "~ batch + condition".'),
    click.option("--reference", multiple=True, metavar="FACTOR=LEVEL", help="Base level of a factor; repeatable."),
    factors,
    click.option("--test", type=click.Choice(["Wald", "LRT"]), default="Wald", show_default=True),
    click.option("--reduced", metavar="FORMULA", help="The smaller model of a likelihood ratio test."),
    click.option(
        "--fit-type",
        type=click.Choice(["parametric", "local", "mean", "glmGamPoi"]),
        default="parametric",
        show_default=True,
        help="Trend of dispersions over means.",
    ),
    click.option(
        "--sf-type",
        type=click.Choice(["ratio", "poscounts", "iterate"]),
        default="ratio",
        show_default=True,
        help="How size factors are estimated.",
    ),
    click.option(
        "--min-replicates-for-replace",
        type=float,
        default=7,
        show_default=True,
        help="Samples in a group from which on outlier counts are replaced; inf: never.",
    ),
    click.option("--use-t", is_flag=True, help="Student's t instead of the normal distribution."),
    click.option(
        "--control-genes", type=click.Path(exists=True, dir_okay=False), help="File of gene names, one a line."
    ),
    click.option("--compat", type=click.Choice(["1.38"]), help="Rules of DESeq2 1.38 where later ones differ."),
)

comparing = together(
    click.option(
        "--contrast",
        "contrasts",
        multiple=True,
        metavar="FACTOR,NUMERATOR,DENOMINATOR",
        help=f"What to compare; repeatable. {SUMS}",
    ),
    click.option("--name", "names", multiple=True, metavar="COEFFICIENT", help="A coefficient to report; repeatable."),
)

one_comparison = together(
    click.option("--contrast", metavar="FACTOR,NUMERATOR,DENOMINATOR", help=f"What is compared. {SUMS}"),
    click.option("--name", metavar="COEFFICIENT", help="A coefficient instead; by default the fit's last."),
)

testing = together(
    click.option(
        "--alpha",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=0.1,
        show_default=True,
        help="False discovery rate aimed at.",
    ),
    click.option(
        "--lfc-threshold",
        type=click.FloatRange(0),
        default=0.0,
        show_default=True,
        help="log2 fold change to test against.",
    ),
    click.option(
        "--alt-hypothesis",
        type=click.Choice(["greaterAbs", "greaterAbs2014", "lessAbs", "greater", "less"]),
        default="greaterAbs",
        show_default=True,
    ),
    click.option("--independent-filtering/--no-independent-filtering", default=True, show_default=True),
    click.option(
        "--p-adjust-method",
        type=click.Choice(["BH", "BY", "fdr", "bonferroni", "holm", "hochberg", "hommel", "none"]),
        default="BH",
        show_default=True,
    ),
)


def compared(fit: Any, contrast: str | None, name: str | None, **options: Any) -> Any:
    """The results that ``--contrast`` or ``--name`` ask of a fit."""
    from foldwise.cli.comparisons import from_text

    if contrast and name:
        raise click.UsageError("Give --contrast or --name, not both.")
    if contrast:
        return from_text(contrast).results(fit, **options)
    return fit.results(name=name, **options) if name else fit.results(**options)
