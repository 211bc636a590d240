"""``foldwise demo``: two real data sets, analysed from counts to pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from foldwise.cli import options as shared

STORIES = (
    (
        "pasilla",
        "~ type + condition",
        ("condition", "treated", "untreated"),
        "Drosophila cells with the gene pasilla knocked down (GEO GSE18508, Brooks et al. 2011).\n"
        "Which genes change, whatever the type of library?",
    ),
    (
        "airway",
        "~ cell + dex",
        ("dex", "trt", "untrt"),
        "Human airway muscle cells of four donors, with dexamethasone or without (GEO GSE52778, Himes et al. 2014).\n"
        "Which genes answer to the drug, beside the differences between donors?",
    ),
)
SHOWN = 8  # genes


@click.command(short_help="Two real data sets, from counts to pictures.")
@shared.out_folder
@shared.threads
@shared.quiet
def demo(out: Path, threads: int | None, quiet: bool) -> None:
    """Analyse the two data sets that come with foldwise: pasilla (fly) and airway (human)."""
    from foldwise.cli.compiling import note_compiling
    from foldwise.cli.stages import Stages

    for name, design, contrast, story in STORIES:
        stages = Stages(quiet=quiet)
        note_compiling(stages.say)
        _tell(name, design, contrast, story, out, threads, stages)
    stages.say(
        f"\nTables and pictures are in {out}; begin with the files in pictures/. Your own data:\n\n"
        '  foldwise run counts.tsv samples.tsv --design "~ batch + condition" \\\n'
        "      --contrast condition,treated,control --out results\n"
    )


def _tell(name: str, design: str, contrast: Any, story: str, out: Path, threads: int | None, stages: Any) -> None:
    from foldwise import datasets
    from foldwise.cli.analysis import Analysis, Model, analyse
    from foldwise.cli.comparisons import Comparison

    data = getattr(datasets, name)()
    factor, numerator, denominator = contrast
    stages.say(f"\n{name.upper()}\n{story}\n{data.n_genes:,} genes x {data.n_samples} samples, design {design}\n")
    asked = Comparison(f"{factor}_{numerator}_vs_{denominator}", contrast)
    arguments = {"design": design, "contrasts": [",".join(contrast)], "threads": threads}
    outcome = analyse(
        Analysis(data, out / name, design, [asked], Model(threads=threads), arguments=arguments, tidy=True), stages
    )
    top = outcome.answers[0].result.significant().head(SHOWN).drop(columns=["status"])
    stages.say(f"\nThe first genes, {numerator} against {denominator}:\n{top.to_string(float_format='%.4g')}\n")
