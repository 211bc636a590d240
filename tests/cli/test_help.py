"""Help is instant and complete; shells can complete."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from foldwise.cli import cli


def test_help_loads_nothing_heavy(process):
    code = (
        "import sys\nfrom foldwise.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('HEAVY', sorted({'numpy', 'pandas', 'scipy', 'numba', 'matplotlib', 'tqdm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "HEAVY []" in done.stdout
    assert "recover-counts" in done.stdout


def test_help_is_quick():
    times = []
    for _ in range(3):
        began = time.process_time(), time.perf_counter()
        subprocess.run([sys.executable, "-m", "foldwise.cli", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - began[1])
    assert min(times) < 2  # 0.2 s on an idle machine; other tests run beside this one


@pytest.mark.parametrize("name", cli.list_commands(None))  # type: ignore[arg-type]
def test_every_command_has_help(within, name):
    done = within(name, "--help")
    assert done.code == 0
    assert done.out.startswith("Usage: foldwise")
    command = cli.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    assert command.short_help


@pytest.mark.parametrize("shell", ["zsh", "fish", "bash"])
def test_completion_scripts(process, shell):
    done = process("completion", shell)
    assert "_FOLDWISE_COMPLETE" in done.out, done.err


def test_completion_of_options(process):
    done = process(_FOLDWISE_COMPLETE="bash_complete", COMP_WORDS="foldwise run --contr", COMP_CWORD="2")
    assert done.out.split() == ["plain,--control-genes", "plain,--contrast", "plain,--contrasts"]


def test_version(within):
    import foldwise

    assert foldwise.__version__ in within("--version").out
