"""Settings of the documentation: sphinx-build docs docs/_build."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import foldwise  # noqa: E402

project = "foldwise"
author = "The foldwise developers"
release = version = foldwise.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
exclude_patterns = ["_build", "speed-table.md", "growth-table.md"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # shapes and units stand in the docstrings
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
suppress_warnings = ["myst.header"]

html_theme = "furo"
html_title = f"foldwise {release}"
html_static_path = []
html_show_sphinx = False
