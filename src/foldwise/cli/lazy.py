"""A click group that imports a command when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from difflib import get_close_matches
from typing import Any

import click


class LazyGroup(click.Group):
    """Commands by name → "module:function"."""

    def __init__(self, *args: Any, commands_at: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands_at = commands_at or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands_at:
            return None
        module, function = self.commands_at[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader of its output that has seen enough ("| head") ends it quietly."""
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        return answer

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """An unknown command is answered by the nearest one."""
        name = args[0] if args else ""
        if name not in self.commands_at and not name.startswith("-"):
            near = get_close_matches(name, self.commands_at, 1)
            hint = f" Did you mean '{near[0]}'?" if near else f" Commands: {', '.join(self.commands_at)}."
            raise click.UsageError(f"There is no command '{name}'.{hint}", ctx)
        return super().resolve_command(ctx, args)
