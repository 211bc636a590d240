"""``foldwise doctor``: what a design can and cannot answer, before anything is run."""

from __future__ import annotations

from typing import Any

import click

from foldwise.cli import options as shared
from foldwise.cli.exit_codes import CANNOT_FIT, WRONG_USE
from foldwise.cli.inputs import InputPath, categories, readable


@click.command(short_help="What a design can answer, before anything is run.")
@click.argument("samples", type=InputPath(dir_okay=False))
@click.option("--design", required=True, metavar="FORMULA", help='An R formula: "~ batch + condition".')
@click.option("--reference", multiple=True, metavar="FACTOR=LEVEL", help="Base level of a factor; repeatable.")
@shared.factors
@click.option("--observations-id-col", "sample_column", metavar="COLUMN", help="Column of sample names in SAMPLES.")
@shared.as_json
def doctor(
    samples: str,
    design: str,
    reference: tuple[str, ...],
    factors: tuple[str, ...],
    sample_column: str | None,
    as_json: bool,
) -> None:
    """Say what the design can answer for the table SAMPLES: contrasts, confounding, groups of one, freedom left.

    Exit codes: 0 it can be fitted, 1 it cannot, 2 the formula cannot be read.
    """
    from foldwise.cli.contrast_text import references_of
    from foldwise.cli.record import json_text
    from foldwise.cli.words import asking, in_our_words
    from foldwise.design.doctor import diagnose
    from foldwise.io import read_samples

    with readable(samples) as (path,):
        table = read_samples(str(path), sample_column=sample_column)
    found = diagnose(categories(table, factors), design, reference=references_of(reference) or None)
    click.echo(json_text(_as_dict(found)) if as_json else in_our_words(found.text(asking)))
    if not found.can_be_fitted:
        raise click.exceptions.Exit(WRONG_USE if found.design is None else CANNOT_FIT)


def _as_dict(found: Any) -> dict[str, Any]:
    from foldwise.cli.words import asking, in_our_words

    return {
        "can_be_fitted": found.can_be_fitted,
        "samples": found.n_samples,
        "coefficients": [] if found.design is None else list(found.design.names),
        "residual_degrees_of_freedom": found.residual_degrees_of_freedom,
        "findings": [one | {"text": in_our_words(one["text"])} for one in found.table.to_dict("records")],
        "contrasts": [one | {"option": asking(one["contrast"])} for one in found.contrasts.to_dict("records")],
    }
