"""``foldwise run``: from files to tables, pictures and a record of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from foldwise.cli.contrast_text import contrast_of


def fit_options(command: Any) -> Any:
    """The options of a fit, shared by commands that make one."""
    for option in reversed(
        [
            click.option("--design", required=True, help='An R formula: "~ batch + condition".'),
            click.option(
                "--reference", multiple=True, metavar="FACTOR=LEVEL", help="Base level of a factor; repeatable."
            ),
            click.option(
                "--factor", "factors", multiple=True, metavar="COLUMN", help="Take a column of numbers as categories."
            ),
            click.option("--test", type=click.Choice(["Wald", "LRT"]), default="Wald", show_default=True),
            click.option("--reduced", help="The smaller model of a likelihood ratio test."),
            click.option(
                "--fit-type",
                type=click.Choice(["parametric", "local", "mean", "glmGamPoi"]),
                default="parametric",
                show_default=True,
            ),
            click.option(
                "--sf-type", type=click.Choice(["ratio", "poscounts", "iterate"]), default="ratio", show_default=True
            ),
            click.option("--min-replicates-for-replace", type=float, default=7, show_default=True),
            click.option("--compat", type=click.Choice(["1.38"]), help="Rules of DESeq2 1.38 where later ones differ."),
            click.option("--threads", type=click.IntRange(1), help="Threads to use; all cores by default."),
            click.option("--layer", help="Layer of an h5ad file that holds the counts."),
        ]
    ):
        command = option(command)
    return command


@click.command()
@click.argument("counts", type=click.Path(exists=True))
@click.argument("samples", type=click.Path(exists=True))
@fit_options
@click.option(
    "--contrast",
    "contrasts",
    multiple=True,
    metavar="FACTOR,NUMERATOR,DENOMINATOR",
    help="What to compare; repeatable.",
)
@click.option("--name", "names", multiple=True, help="A coefficient to report; repeatable.")
@click.option("--alpha", type=float, default=0.1, show_default=True)
@click.option("--lfc-threshold", type=float, default=0.0, show_default=True, help="log2.")
@click.option(
    "--alt-hypothesis",
    type=click.Choice(["greaterAbs", "greaterAbs2014", "lessAbs", "greater", "less"]),
    default="greaterAbs",
    show_default=True,
)
@click.option("--shrink", type=click.Choice(["apeglm", "ashr", "normal"]), help="Also write shrunken fold changes.")
@click.option("--min-count", type=float, help="Leave out genes with fewer reads in all samples together.")
@click.option("--report", "with_report", is_flag=True, help="Also write report.html.")
@click.option("--save-fit", is_flag=True, help="Also write fit.foldwise, which answers new contrasts later.")
@click.option("--pictures/--no-pictures", default=True, show_default=True)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for what is written."
)
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def run(counts: str, samples: str, **options: Any) -> None:
    """Test COUNTS (genes x samples) for differences between the SAMPLES.

    COUNTS may be csv, tsv (also compressed), xlsx, parquet, h5ad, rds, 10x, or what featureCounts, htseq-count and STAR
    write. SAMPLES is a table with one row a sample; its first column holds the sample names.
    """
    from foldwise.cli.analysis import Analysis, analyse
    from foldwise.io import read_counts, read_samples

    table = read_samples(samples)
    arguments = {"layer": options["layer"]} if options["layer"] else {}
    data = read_counts(counts, table, **arguments)
    contrasts = [contrast_of(text) for text in options.pop("contrasts")]
    asked = Analysis(data, contrasts=contrasts, inputs={"counts": counts, "samples": samples}, **_known(options))
    analyse(asked)


def _known(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "layer"}
