"""`fw.quality` and `fw.report` are functions and packages at once, in whatever order they are imported."""

from __future__ import annotations

import pickle
import pydoc
import subprocess
import sys

import pytest

import foldwise as fw


@pytest.mark.parametrize(("name", "argument"), [("quality", "covariates"), ("report", "path")])
def test_help_shows_the_functions_arguments(name: str, argument: str) -> None:
    page = pydoc.render_doc(getattr(fw, name), renderer=pydoc.plaintext)
    assert f"foldwise.{name}(" in page.splitlines()[2] and f"{argument}:" in page.splitlines()[2]
    assert "Parameters" in page and "PACKAGE CONTENTS" not in page


@pytest.mark.parametrize(
    "lines",
    [
        "import foldwise as fw; fw.quality; import foldwise.quality; assert fw.quality is foldwise.quality",
        "import foldwise.quality.swaps as part; import foldwise as fw; assert fw.quality.swaps is part",
        "from foldwise.quality import probable_swaps, components; components.TOP_GENES",
        "from foldwise import quality; quality.principal_components; assert callable(quality)",
        "import foldwise as fw; fw.report; from foldwise.report import methods; methods.__name__",
        "import foldwise.report.concerns; import foldwise as fw; assert callable(fw.report)",
        "from foldwise.report import report; import foldwise as fw; assert report is fw.report",
        "import importlib; importlib.import_module('foldwise.report.payload'); import foldwise; foldwise.report.__path__",
    ],
)
def test_imports_find_the_package(lines: str) -> None:
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_they_can_be_sent_to_other_processes() -> None:
    for function in (fw.quality, fw.report):
        assert pickle.loads(pickle.dumps(function)) is function
