"""``foldwise doctor``: what a design can and cannot answer, before anything is run."""

from __future__ import annotations

import click


@click.command()
@click.argument("samples", type=click.Path(exists=True))
@click.option("--design", required=True, help='An R formula: "~ batch + condition".')
@click.option("--reference", multiple=True, metavar="FACTOR=LEVEL", help="Base level of a factor; repeatable.")
def doctor(samples: str, design: str, reference: tuple[str, ...]) -> None:
    """Say what the design can answer for the table SAMPLES: contrasts, confounding, groups of one, freedom left."""
    from foldwise.cli.contrast_text import references_of
    from foldwise.doctor import diagnose
    from foldwise.io import read_samples

    table = read_samples(samples)
    found = diagnose(table, design, reference=references_of(reference) or None)
    click.echo(found.text())
    if not found.can_be_fitted:
        raise click.exceptions.Exit(1)
