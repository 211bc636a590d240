"""Progress: a bar that names the stage on a terminal, plain lines elsewhere, times for the record."""

from __future__ import annotations

import io
import time

from foldwise.cli.stages import Stages


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def staged(stream: io.StringIO, seconds: float, **options: bool) -> Stages:
    stages = Stages(stream=stream, **options)
    stages("contrast", 0, 10)
    time.sleep(seconds)
    stages.say("note")
    stages("contrast", 10, 10)
    return stages


def test_plain_lines_for_stages_that_took_a_while():
    stream = io.StringIO()
    stages = staged(stream, 0.06)
    assert stream.getvalue() == "note\n  comparison: 0.1 s\n"
    assert stages.seconds["comparison"] > 0.05


def test_no_line_for_stages_that_did_not():
    stream = io.StringIO()
    staged(stream, 0.0)
    assert stream.getvalue() == "note\n"


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    staged(stream, 0.0)
    assert "comparison:   0%|" in stream.getvalue()
    assert "note" in stream.getvalue()


def test_quiet_is_quiet():
    stream = Terminal()
    stages = staged(stream, 0.06, quiet=True)
    with stages.of("tables"):
        pass
    assert stream.getvalue() == ""
    assert set(stages.seconds) == {"comparison", "tables"}
