"""What the command line's exit codes mean, and which error is which."""

from __future__ import annotations

import signal

import click

DONE, CANNOT_FIT, WRONG_USE = 0, 1, 2
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM  # as shells count them
FILES = "foldwise.io.opening"  # what it refuses is no readable file, whatever its type says
FORMATS = {
    "_parquet",
    "open_anndata",
    "is_ten_x_h5",
}  # likewise: the functions where damaged files of these formats are noticed


def code_of(error: Exception) -> int:
    """1 if the data cannot be fitted, 2 if something was asked wrongly: options, names, texts, unreadable files."""
    from foldwise.errors import CountsError, FitError, FoldwiseError

    if isinstance(error, FitError):
        return CANNOT_FIT
    if isinstance(error, CountsError):
        module, function = _raised_in(error)
        return WRONG_USE if module == FILES or function in FORMATS else CANNOT_FIT
    if isinstance(error, click.ClickException | FoldwiseError):
        return WRONG_USE
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError | NotADirectoryError):
        return WRONG_USE
    return CANNOT_FIT


def told(error: Exception) -> None:
    """Say what went wrong, without a traceback."""
    from foldwise.cli.words import in_our_words
    from foldwise.errors import FoldwiseError

    if isinstance(error, click.ClickException):
        error.show()
    elif isinstance(error, FoldwiseError | OSError):
        click.echo(f"foldwise: {in_our_words(error)}", err=True)
    else:
        said = (
            f"foldwise: {type(error).__name__}: {error}\nThis is a fault of foldwise; foldwise --debug … shows where."
        )
        click.echo(said, err=True)


def _raised_in(error: Exception) -> tuple[str, str]:
    """The module and the function that raised the error."""
    at, where = error.__traceback__, ("", "")
    while at is not None:
        where = str(at.tb_frame.f_globals.get("__name__")), at.tb_frame.f_code.co_name
        at = at.tb_next
    return where
