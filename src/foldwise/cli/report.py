"""``foldwise report``: a saved fit as one page to look at and to pass on."""

from __future__ import annotations

from pathlib import Path

import click

from foldwise.cli import options as shared
from foldwise.cli.inputs import InputPath, saved_fit


@click.command(short_help="One HTML page about a saved fit.")
@click.argument("fit", type=InputPath())
@shared.comparing
@shared.testing
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The page: report.html.")
@shared.threads
@shared.quiet
def report(
    fit: str,
    contrasts: tuple[str, ...],
    names: tuple[str, ...],
    out: Path,
    threads: int | None,
    quiet: bool,
    **testing: object,
) -> None:
    """Write one HTML page about a fit: pictures, a table to search, and what was done.

    FIT is what "foldwise run --save-fit" wrote: fit.foldwise, or the folder that it lies in.
    """
    from foldwise.cli.comparisons import from_texts
    from foldwise.cli.stages import Stages
    from foldwise.report import report as write_report

    stages = Stages(quiet=quiet)
    found = saved_fit(fit, threads, stages)
    results = {}
    for one in from_texts(contrasts, names):
        answer = one.results(found, **testing)
        results[one.id or answer.name] = answer
    with stages.of("report"):
        write_report(found, results, out)
    stages.say(str(out))
