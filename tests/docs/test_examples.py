"""The documentation tells the truth: examples run, and print what the pages show; docstrings and links too."""

from __future__ import annotations

import doctest
import importlib
import re
import sys
import warnings
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS))

import run_examples  # noqa: E402

SLOW = {"questions", "quality", "shrinkage", "many-fits", "command-line", "report"}  # several fits of real data
PAGES = [pytest.param(p, id=p.stem, marks=[pytest.mark.slow] if p.stem in SLOW else []) for p in run_examples.pages()]
WITH_EXAMPLES = [
    "foldwise", "foldwise.api", "foldwise.citation", "foldwise.design", "foldwise.design.doctor",
    "foldwise.transforms.vst", "foldwise.recover.counts", "foldwise.abundance.cpm", "foldwise.abundance.guide",
    "foldwise.abundance.tpm", "foldwise.abundance.norm_factors", "foldwise.abundance.filtering",
    "foldwise.abundance.median_of_ratios", "foldwise.datasets.simulation", "foldwise.dispersion.stage",
    "foldwise.size_factors.estimate", "foldwise.counts", "foldwise.multiplicity",
]  # fmt: skip
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES)
def test_examples_print_what_the_page_shows(page, monkeypatch):
    monkeypatch.setenv("COLUMNS", "110")
    stale = run_examples.differences(page)
    assert not stale, "\n\n".join(stale)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_docstrings(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = doctest.testmod(
            importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
        )
    assert found.failed == 0


@pytest.mark.parametrize("page", [*DOCS.glob("*.md"), *DOCS.parent.glob("*.md")], ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not missing


def test_every_public_name_is_in_the_reference():
    import foldwise

    reference = (DOCS / "reference.md").read_text()
    errors = set(foldwise._WHERE["errors"])
    words = set(re.findall(r"[\w.]+", reference))
    named = {word.rsplit(".", 1)[-1] for word in words}
    assert not set(foldwise._HOME) - errors - named


def test_every_argument_of_deseq_and_results_is_in_the_table_for_people_from_r():
    import inspect

    import foldwise as fw
    from foldwise.results import results
    from foldwise.shrinkage import shrink

    page = (DOCS / "from-r.md").read_text()
    asked = [name for f in (fw.deseq, results, shrink) for name in inspect.signature(f).parameters]
    assert not [name for name in asked if f"`{name}" not in page and name not in ("fit", "options", "samples")]


def test_the_house_page_names_every_room():
    source = DOCS.parent / "src" / "foldwise"
    rooms = [p.name for p in source.iterdir() if p.suffix == ".py" and p.name != "__init__.py"]
    rooms += [f"{p.name}/" for p in source.iterdir() if p.is_dir() and (p / "__init__.py").exists()]
    page = (DOCS / "house.md").read_text()
    assert not [room for room in sorted(rooms) if f"`{room}" not in page]


@pytest.mark.parametrize("page", ["house.md", "method.md"])
def test_files_that_are_named_exist(page):
    source = DOCS.parent / "src" / "foldwise"
    names = re.findall(r"`([\w/.]+(?:\.py|/))`", (DOCS / page).read_text())
    everywhere = {str(p.relative_to(source)) + ("/" if p.is_dir() else "") for p in source.rglob("*")}
    ends = {p.name + ("/" if p.is_dir() else "") for p in source.rglob("*")}
    outside = ("tests/", "benchmarks/", "docs/", "src/")
    missing = [n for n in names if n not in everywhere and n not in ends and not n.startswith(outside)]
    assert not missing
