"""``foldwise completion``: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click

VARIABLE = "_FOLDWISE_COMPLETE"


@click.command(short_help="Completion for bash, zsh and fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands, options and files.

    \b
    bash   eval "$(foldwise completion bash)"      in ~/.bashrc
    zsh    eval "$(foldwise completion zsh)"       in ~/.zshrc
    fish   foldwise completion fish > ~/.config/fish/completions/foldwise.fish
    """
    from click.shell_completion import get_completion_class

    from foldwise.cli import cli

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(cli, {}, "foldwise", VARIABLE).source())
