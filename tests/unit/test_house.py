"""The house stands as its page says: imports point one way, rooms stay small, `import foldwise` stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import foldwise

ROOT = Path(foldwise.__file__).parent
# From the ground up; a room may import its own floor and those below.
FLOORS = (
    ("arguments", "arrays", "callable_packages", "errors", "frozen", "options", "warn"),
    ("kernels", "optimise", "execution"),
    ("counts", "design"),
    ("size_factors", "coefficients", "dispersion", "outliers", "inference", "multiplicity", "passes"),
    ("fit", "results", "api", "many", "summary", "citation", "warming"),
    ("shrinkage", "transforms", "abundance", "recover", "explain", "certify", "datasets", "io", "plots", "quality"),
    ("report", "compat"),
    ("cli",),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# Nothing statistical and nothing of ours above arrays may be known in these.
ALLOWED = {
    "kernels": {"kernels", "arrays"},
    "execution": {"execution", "arrays", "errors"},
    "optimise": {"optimise", "arrays", "kernels"},
}


def module_level_imports(path: Path) -> set[str]:
    """Rooms of foldwise that a file imports when it is loaded (imports inside functions wait until they are called)."""
    found: set[str] = set()
    pending = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If | ast.Try) and "TYPE_CHECKING" not in ast.dump(node):
            pending += node.body + node.orelse
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("foldwise"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("foldwise.")}
    return found - {"__version__"}


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


FILES = [path for path in sorted(ROOT.rglob("*.py")) if room_of(path) not in ("__init__", "__main__")]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    room = room_of(path)
    imported = module_level_imports(path)
    above = {other for other in imported if FLOOR_OF[other] > FLOOR_OF[room]}
    assert not above, f"{path.name} stands on floor {FLOOR_OF[room]} and imports {above} from above it"
    if room in ALLOWED:
        assert imported <= ALLOWED[room]


def test_every_room_has_a_floor():
    rooms = {room_of(path) for path in FILES}
    assert rooms == set(FLOOR_OF)


def test_rooms_stay_small():
    large = {str(p.relative_to(ROOT)): n for p in FILES if (n := len(p.read_text().splitlines())) > 450}
    assert not large, f"does each still hold one thing? {large}"


HEAVY = ("matplotlib", "bokeh", "anndata", "scipy.stats", "numba", "dask", "seaborn")


def test_import_is_light():
    code = f"import sys, foldwise; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists():
    for name in foldwise.__all__:
        assert getattr(foldwise, name) is not None
