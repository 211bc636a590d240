"""The command line: ``foldwise COMMAND``. Heavy parts are imported inside the commands, so that help is instant."""

from __future__ import annotations

import sys

import click

from foldwise import __version__
from foldwise.cli.exit_codes import INTERRUPTED, TERMINATED, code_of, told
from foldwise.cli.lazy import LazyGroup
from foldwise.cli.session import Terminated, debugging, prepare

STOPPED = "Stopped; nothing half-written is left behind."


@click.group(
    cls=LazyGroup,
    commands_at={
        "run": "foldwise.cli.run:run",
        "demo": "foldwise.cli.demo:demo",
        "doctor": "foldwise.cli.doctor:doctor",
        "explain": "foldwise.cli.explain:explain",
        "report": "foldwise.cli.report:report",
        "certify": "foldwise.cli.certify:certify",
        "transform": "foldwise.cli.transform:transform",
        "recover-counts": "foldwise.cli.recover:recover_counts",
        "nf-core": "foldwise.cli.nf_core:nf_core",
        "warm-up": "foldwise.cli.warm_up:warm_up",
        "completion": "foldwise.cli.completion:completion",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="foldwise")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def cli(debug: bool) -> None:
    """Differential expression for count data: the DESeq2 method, with R's numbers.

    \b
    foldwise demo --out demo-results
    foldwise run counts.tsv samples.tsv --design "~ batch + condition" \\
        --contrast condition,treated,control --out results

    Exit codes: 0 done, 1 the data cannot be fitted, 2 wrong use, 130 stopped by ctrl-C, 143 stopped by SIGTERM.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. Exit codes: 0 done; 1 the data cannot be fitted; 2 wrong use; 130, 143 stopped."""
    debug = debugging(arguments)
    prepare(debug)
    try:
        code = cli.main(args=arguments, prog_name="foldwise", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(STOPPED, err=True)
        code = INTERRUPTED
    except Terminated:
        click.echo(STOPPED, err=True)
        code = TERMINATED
    except Exception as error:
        if debug and not isinstance(error, click.ClickException):
            raise
        told(error)
        code = code_of(error)
    sys.exit(code if isinstance(code, int) else 0)
