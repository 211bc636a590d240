"""``foldwise demo``: two real data sets, analysed from counts to pictures."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for what is written."
)
@click.option("--threads", type=click.IntRange(1), help="Threads to use; all cores by default.")
def demo(out: Path, threads: int | None) -> None:
    """Analyse the two data sets that come with foldwise: pasilla (fly) and airway (human)."""
    from foldwise import datasets
    from foldwise.cli.analysis import Analysis, analyse

    stories = (
        (
            "pasilla",
            datasets.pasilla(),
            "~ type + condition",
            ("condition", "treated", "untreated"),
            "Drosophila cells with the gene pasilla knocked down (GEO GSE18508, Brooks et al. 2011): "
            "which genes change, whatever the type of library?",
        ),
        (
            "airway",
            datasets.airway(),
            "~ cell + dex",
            ("dex", "trt", "untrt"),
            "Human airway muscle cells of four donors with dexamethasone (GEO GSE52778, Himes et al. 2014): "
            "which genes answer to the drug, beside the differences between donors?",
        ),
    )
    for name, data, design, contrast, story in stories:
        factor, numerator, denominator = contrast
        click.echo(f"\n{name}: {story}\n{data.n_genes} genes x {data.n_samples} samples, design {design}")
        found = analyse(Analysis(data, design, out / name, contrasts=[contrast], threads=threads, with_report=False))
        for result in found.values():
            top = result.significant().head(8).drop(columns=["status"])
            click.echo(
                f"\nTop genes, {numerator} against {denominator} ({factor}):\n{top.to_string(float_format='%.4g')}"
            )
    click.echo(
        f"\nTables and pictures are in {out}. Your own data:\n"
        f'  foldwise run counts.tsv samples.tsv --design "~ batch + condition" '
        f"--contrast condition,treated,control --out results"
    )
