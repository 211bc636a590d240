"""``foldwise warm-up``: compile everything now, once per machine or image."""

from __future__ import annotations

import time

import click


@click.command(short_help="Compile the kernels now.")
def warm_up() -> None:
    """Compile all kernels now, so that the first analysis does not have to (images, shared machines)."""
    click.echo("Compiling all kernels: about half a minute, once a machine; seconds if they are there.", err=True)
    from foldwise.warming import warm_up as compile_everything

    began = time.perf_counter()
    compile_everything()
    click.echo(f"Kernels compiled or found in the cache: {time.perf_counter() - began:.1f} s.")
