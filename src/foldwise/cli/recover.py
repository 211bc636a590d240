"""``foldwise recover-counts``: counts found again in a table of normalized values."""

from __future__ import annotations

from typing import Any

import click

from foldwise.cli import options as shared
from foldwise.cli.inputs import InputPath, readable


@click.command(name="recover-counts", short_help="Counts from a table of normalized values.")
@click.argument("normalized", type=InputPath(dir_okay=False))
@click.option("--out", type=click.Path(allow_dash=True), default="-", help="The counts (tsv, csv).  [default: -]")
@click.option("--size-factors", type=click.Path(dir_okay=False), help="Also write the size factors found.")
@click.option("--certificate", type=click.Path(dir_okay=False), help="Also write what speaks for them, by sample.")
@click.option("--features-id-col", "gene_column", metavar="COLUMN", help="Column of gene names.")
@shared.as_json
@shared.quiet
def recover_counts(
    normalized: str,
    out: str,
    size_factors: str | None,
    certificate: str | None,
    gene_column: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the counts in a table of NORMALIZED counts (counts over size factors, CPM and the like).

    They are found with a certificate or not at all: where the table does not determine them, this says why and ends
    with exit code 1.
    """
    import pandas as pd

    from foldwise.cli.packages import check_table
    from foldwise.cli.record import json_text
    from foldwise.errors import CountsError
    from foldwise.io import read_counts, write_table
    from foldwise.recover import recover_counts as recovered

    if as_json and out == "-":
        raise click.UsageError("--json and --out - both print: give --out FILE.")
    for table_file in (out, size_factors, certificate):
        check_table(table_file)
    with readable(normalized) as (path,):
        table: Any = read_counts(str(path), gene_column=gene_column)
    if not isinstance(table, pd.DataFrame):
        raise CountsError(f"{normalized} holds counts already, not normalized values.")
    found = recovered(table)
    write_table(found.counts.rename_axis("gene"), out)
    if size_factors is not None:
        write_table(found.size_factors.to_frame().rename_axis("sample"), size_factors)
    if certificate is not None:
        write_table(found.certificate.rename_axis("sample"), certificate)
    if as_json:
        click.echo(json_text(_summary(found)))
    elif not quiet:
        click.echo(found.summary, err=True)


def _summary(found: Any) -> dict[str, Any]:
    return {
        "genes": len(found.counts),
        "samples": len(found.size_factors),
        "exact": found.exact,
        "scale": found.scale,
        "normalization": found.normalization,
        "summary": found.summary,
        "size_factors": found.size_factors.to_dict(),
    }
