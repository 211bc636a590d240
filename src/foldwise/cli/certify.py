"""``foldwise certify``: every number of a saved fit against the equation that it is supposed to solve."""

from __future__ import annotations

import click

from foldwise.cli import options as shared
from foldwise.cli.exit_codes import CANNOT_FIT
from foldwise.cli.inputs import InputPath, saved_fit


@click.command(short_help="Check every number of a saved fit.")
@click.argument("fit", type=InputPath())
@shared.one_comparison
@click.option(
    "--out", type=click.Path(allow_dash=True), help="Also write the distances of every gene (tsv; - to print)."
)
@shared.threads
@shared.as_json
@shared.quiet
def certify(
    fit: str,
    contrast: str | None,
    name: str | None,
    out: str | None,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check a fit: how far each reported number is from its own equation, computed apart from the kernels.

    FIT is what "foldwise run --save-fit" wrote: fit.foldwise, or the folder that it lies in. The exit code is 1 if a
    number is farther from its equation than it should be.
    """
    from foldwise.cli.packages import check_table
    from foldwise.cli.record import json_text
    from foldwise.cli.stages import Stages

    if as_json and out == "-":
        raise click.UsageError("--json and --out - both print: choose one.")
    check_table(out)
    found = saved_fit(fit, threads, Stages(quiet=quiet))
    table = found.certify(shared.compared(found, contrast, name))
    if out is not None:
        from foldwise.io import write_table

        write_table(table.rename_axis("gene"), out)
    failed = table[~table["ok"]]
    if as_json:
        click.echo(json_text(_summary(table, failed)))
    else:
        click.echo(table.attrs["summary"], err=out == "-")
        for gene, why in failed["failed"].head(10).items():
            click.echo(f"  {gene}: {why}", err=out == "-")
    if len(failed):
        raise click.exceptions.Exit(CANNOT_FIT)


def _summary(table: object, failed: object) -> dict[str, object]:
    limits = table.attrs["limits"]  # type: ignore[attr-defined]
    return {
        "ok": not len(failed),  # type: ignore[arg-type]
        "summary": table.attrs["summary"],  # type: ignore[attr-defined]
        "genes": len(table),  # type: ignore[arg-type]
        "failed": failed["failed"].to_dict(),  # type: ignore[index]
        "largest": {name: table[name].max() for name in limits},  # type: ignore[index]
        "limits": limits,
        "whole": table.attrs["whole"],  # type: ignore[attr-defined]
    }
