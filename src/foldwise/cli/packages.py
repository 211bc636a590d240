"""Optional packages that the files asked for need: looked for before hours are spent on a fit."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from foldwise.errors import MissingDependencyError

if TYPE_CHECKING:
    from foldwise.cli.analysis import Files


def check_packages(files: Files) -> None:
    """Refuse to begin where a file that is to be written needs a package that is not installed."""
    if files.parquet:
        check_package("pyarrow", "--parquet", "parquet")
    if files.h5ad:
        check_package("anndata", "--h5ad", "anndata")


def check_table(out: str | None) -> None:
    """The same for a table whose name says that it is Parquet, or something that is not written."""
    if out is None or out == "-":
        return
    from foldwise.io.writers import check_ending

    check_ending(out)
    if out.lower().endswith(".parquet"):
        check_package("pyarrow", f"Writing {out}", "parquet")


def check_package(package: str, what: str, extra: str) -> None:
    """Is the package there? It is not imported.

    Raises
    ------
    MissingDependencyError
        With the command that installs it.
    """
    if find_spec(package) is None:
        raise MissingDependencyError(f"{what} needs {package}: pip install 'foldwise[{extra}]'")
