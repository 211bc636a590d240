"""The command line: ``foldwise COMMAND``. Heavy parts are imported inside the commands, so that help is instant."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import click

from foldwise import __version__
from foldwise.cli.exit_codes import CANNOT_FIT, WRONG_USE
from foldwise.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    commands_at={
        "run": "foldwise.cli.run:run",
        "demo": "foldwise.cli.demo:demo",
        "doctor": "foldwise.cli.doctor:doctor",
        "explain": "foldwise.cli.questions:explain",
        "report": "foldwise.cli.questions:report",
        "certify": "foldwise.cli.questions:certify",
        "transform": "foldwise.cli.tables:transform",
        "recover-counts": "foldwise.cli.tables:recover_counts",
        "warm-up": "foldwise.cli.warm_up:warm_up",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="foldwise")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Differential expression for count data: the DESeq2 method, identical to R in its numbers.

    \b
    foldwise demo --out demo-results
    foldwise run counts.tsv samples.tsv --design "~ batch + condition" \\
        --contrast condition,treated,control --out results
    """
    context.obj = {"debug": debug}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. Exit codes: 0 done; 1 the data cannot be fitted; 2 wrong use."""
    warnings.showwarning = _one_line_warning
    try:
        code = cli.main(args=arguments, standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG_USE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped; nothing half-written is left behind.", err=True)
        sys.exit(130)
    except Exception as error:
        if "--debug" in (sys.argv if arguments is None else arguments):
            raise
        sys.exit(_told(error))


def _told(error: Exception) -> int:
    from foldwise.errors import FitError, FoldwiseError, MissingDependencyError

    if isinstance(error, FoldwiseError | OSError):
        click.echo(f"foldwise: {error}", err=True)
        return CANNOT_FIT if isinstance(error, FitError) or _about_data(error) else WRONG_USE
    if isinstance(error, MissingDependencyError):
        return WRONG_USE
    click.echo(
        f"foldwise: {type(error).__name__}: {error}\nThis is a fault of foldwise; --debug shows where.", err=True
    )
    return CANNOT_FIT


def _about_data(error: Exception) -> bool:
    from foldwise.errors import CountsError, DesignError, SamplesError

    return isinstance(error, CountsError | SamplesError | DesignError)


def _one_line_warning(message: Any, category: Any, *_: Any, **__: Any) -> None:
    click.echo(f"warning: {message}", err=True)
