"""``foldwise explain``: why a gene's fold change is what it is, from a saved fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from foldwise.cli import options as shared
from foldwise.cli.inputs import InputPath, saved_fit


@click.command(short_help="Why a gene's fold change is what it is.")
@click.argument("fit", type=InputPath())
@click.option("--gene", "genes", multiple=True, required=True, help="Gene to explain; repeatable.")
@shared.one_comparison
@click.option("--plot", type=click.Path(path_type=Path), help="Also draw it: PNG and SVG under this name.")
@shared.threads
@shared.as_json
def explain(
    fit: str,
    genes: tuple[str, ...],
    contrast: str | None,
    name: str | None,
    plot: Path | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Say why a gene's fold change is what it is, and why numbers are missing.

    FIT is what "foldwise run --save-fit" wrote: fit.foldwise, or the folder that it lies in. The model's fold change
    stands beside the plain ratio of mean counts, with each covariate's part in the difference.
    """
    from foldwise.cli.record import json_text

    found = saved_fit(fit, threads, False)
    _known(genes, found)
    results = shared.compared(found, contrast, name)
    answers = [_explained(found, gene, results) for gene in genes]
    if plot is not None:
        _draw(answers, plot)
    if as_json:
        click.echo(json_text([_as_dict(answer) for answer in answers]))
        return
    click.echo("\n\n".join(_as_text(answer) for answer in answers))


def _known(genes: tuple[str, ...], fit: Any) -> None:
    from foldwise.design.formula.variables import meant

    for gene in genes:
        if gene not in fit.data.gene_names:
            raise click.BadParameter(f"There is no gene '{gene}' in this fit.{meant(gene, fit.data.gene_names)}")


def _explained(fit: Any, gene: str, results: Any) -> dict[str, Any]:
    """The explanation where the comparison has one, and always why numbers are missing or not."""
    from foldwise.errors import ContrastError
    from foldwise.explain import explain as explained

    found: Any = None
    try:
        found, note = explained(fit, gene, results=results), ""
    except ContrastError as error:
        note = str(error)
    row = {str(k): v for k, v in results.table.loc[gene].items()}
    return {"gene": gene, "explanation": found, "note": note, "why": results.why(gene), "row": row, "of": results.name}


def _as_text(answer: dict[str, Any]) -> str:
    from foldwise.cli.words import in_our_words

    found = answer["explanation"]
    parts = [answer["note"] if found is None else found.words, str(answer["why"])]
    if found is not None:
        parts += [found.table[["log2", "ratio"]].to_string(float_format="%.4g")]
        parts += [found.counts.drop(columns="x", errors="ignore").to_string(float_format="%.1f")]
    return in_our_words("\n\n".join(parts))


def _as_dict(answer: dict[str, Any]) -> dict[str, Any]:
    from foldwise.cli.words import in_our_words

    found, why = answer["explanation"], answer["why"]
    given = {"gene": answer["gene"], "comparison": answer["of"], "results": answer["row"]}
    given["why"] = {"cause": why.cause, "words": in_our_words(why.words), "details": dict(why.details)}
    if found is None:
        return given | {"words": answer["note"], "steps": None, "samples": None}
    steps = found.table.reset_index().to_dict("records")
    samples = found.counts.rename_axis("sample").reset_index().to_dict("records")
    return given | {"words": found.words, "raw_log2": found.raw_lfc, "steps": steps, "samples": samples}


def _draw(answers: list[dict[str, Any]], base: Path) -> None:
    from foldwise import plots
    from foldwise.cli.comparisons import file_name

    drawn = [answer["explanation"] for answer in answers if answer["explanation"] is not None]
    base = base.with_suffix("") if base.suffix in (".png", ".svg") else base
    for found in drawn:
        target = base if len(drawn) == 1 else base.with_name(f"{base.name}.{file_name(found.gene)}")
        for path in plots.save(found.plot(), target, formats=("png", "svg")):
            click.echo(f"{path}", err=True)
