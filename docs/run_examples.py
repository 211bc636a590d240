"""Runs the examples of the documentation and keeps what they print beside them.

    python docs/run_examples.py                 # run every page, write what the examples print into the pages
    python docs/run_examples.py --check a.md    # run, and say where a page no longer tells the truth

Blocks marked ``python`` are run in order, one namespace a page; what they print, and the value of a last expression,
belongs into a block marked ``text`` right after. ``python raises`` is expected to raise, and prints the error;
``sh run`` holds foldwise commands; blocks with any other words (``python shown``) are not run. A comment
``<!-- run`` … ``-->`` is run and not shown. Every page runs in a folder of its own.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # pages may import cases.py
BLOCK = re.compile(
    r"^(?P<fence>```+|<!-- )(?P<info>python|python raises|sh run|run)\n(?P<code>.*?)^(?:```+|-->)$", re.M | re.S
)
OUTPUT = re.compile(r"\n*```text\n(?P<text>.*?)```$", re.M | re.S)
NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*(?:[eE][-+]?\d+)?$")


@dataclass(frozen=True, slots=True)
class Example:
    """A block to run. info : its words. start, stop : where its output belongs. printed : what the page says it prints."""

    info: str
    code: str
    line: int
    start: int
    stop: int
    printed: str | None


def examples(page: str) -> list[Example]:
    found = []
    for block in BLOCK.finditer(page):
        output = None if block["info"] == "run" else OUTPUT.match(page, block.end())
        stop = output.end() if output else block.end()
        line = page.count("\n", 0, block.start()) + 1
        printed = output["text"] if output else None
        found.append(Example(block["info"], block["code"], line, block.end(), stop, printed))
    return found


def pages() -> list[Path]:
    """Pages with something to run."""
    return [path for path in sorted(HERE.glob("*.md")) if examples(path.read_text())]


def run_page(path: Path) -> list[tuple[Example, str]]:
    """Each example with what it printed.

    Raises
    ------
    RuntimeError
        Where an example fails; says page and line.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    out = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), _plain_tables(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for example in examples(path.read_text()):
            try:
                out.append((example, _run(example, namespace)))
            except Exception as error:
                raise RuntimeError(f"{path.name}, line {example.line}: {type(error).__name__}: {error}") from error
    return out


@contextlib.contextmanager
def _plain_tables() -> Any:
    import numpy as np
    import pandas as pd

    settings = ("display.width", 116, "display.max_columns", 20, "display.max_rows", 24, "display.max_colwidth", 60)
    with pd.option_context(*settings), np.printoptions(precision=4, suppress=True, linewidth=110):
        yield


def _run(example: Example, namespace: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if example.info == "sh run":
            _commands(example.code)
        elif example.info == "python raises":
            _expect_error(example.code, namespace)
        else:
            _execute(example.code, namespace)
    return "\n".join(_wrapped(line) for line in printed.getvalue().rstrip().splitlines())


def _wrapped(line: str) -> str:
    """Sentences broken at 94 characters, tables left alone."""
    return line if len(line) <= 96 or "   " in line.strip() else textwrap.fill(line, 94, break_on_hyphens=False)


def _execute(code: str, namespace: dict[str, Any]) -> None:
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<example>", "exec"), namespace)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "<example>", "eval"), namespace)
        if value is not None and not type(value).__module__.startswith("matplotlib"):
            print(value if isinstance(value, str) and "\n" in value else repr(value))


def _expect_error(code: str, namespace: dict[str, Any]) -> None:
    try:
        _execute(code, namespace)
    except Exception as error:  # noqa: BLE001  any error is what the page shows
        print(f"{type(error).__name__}: {error}")
    else:
        raise AssertionError("this example was expected to raise an error")


def _commands(code: str) -> None:
    from click.testing import CliRunner

    from foldwise.cli import cli

    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] != "foldwise":
            raise AssertionError(f"only foldwise commands are run: {line}")
        found = CliRunner().invoke(cli, words[1:])
        print(found.stdout, end="")
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception


def rewritten(page: str, ran: list[tuple[Example, str]]) -> str:
    """The page with what its examples print."""
    for example, text in reversed(ran):
        if example.info == "run":
            continue
        block = f"\n\n```text\n{text}\n```" if text else ""
        page = page[: example.start] + block + page[example.stop :]
    return page


def differences(path: Path) -> list[str]:
    """Examples that print something else than the page says. Numbers may differ in the fourth digit, spaces freely."""
    said = []
    for example, text in run_page(path):
        if example.info != "run" and not alike(example.printed or "", text):
            said.append(f"{path.name}, line {example.line}: the page says\n{example.printed}\nbut it printed\n{text}")
    return said


def alike(old: str, new: str) -> bool:
    first, second = old.split(), new.split()
    return len(first) == len(second) and all(_same_word(a, b) for a, b in zip(first, second, strict=True))


def _same_word(a: str, b: str) -> bool:
    if a == b or a.startswith("/tmp") or "0x" in a or set(a) == set(b) == {"-"}:
        return True
    a, b = (w.strip("()[],.;:%'\"") for w in (a, b))
    if not (NUMBER.match(a) and NUMBER.match(b)):
        return a == b
    x, y = (float(w.replace(",", "")) for w in (a, b))
    return abs(x - y) <= 1e-6 + 1e-3 * max(abs(x), abs(y))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, help="pages; all that hold examples if none are given")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 where a page is out of date")
    asked = parser.parse_args()
    os.environ.setdefault("COLUMNS", "110")
    stale = []
    for path in [p.resolve() for p in asked.pages] or pages():
        if asked.check:
            stale += differences(path)
        else:
            page = path.read_text()
            path.write_text(rewritten(page, run_page(path)))
        print(path.name, file=sys.stderr)
    print("\n\n".join(stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
