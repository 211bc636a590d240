"""``--params FILE``: a command's options from JSON or YAML, or from the record of an earlier run. Flags win."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import click

from foldwise.errors import OptionError, listed


def params_option(command: Any) -> Any:
    """The option, read before all others."""
    return click.option(
        "--params",
        type=click.Path(exists=True, dir_okay=False),
        callback=_take,
        is_eager=True,
        expose_value=False,
        help="Options from a JSON or YAML file, under their names; or an earlier run.json. Flags win.",
    )(command)


def _take(context: click.Context, option: click.Parameter, path: str | None) -> None:
    if path is None:
        return
    from foldwise.cli.yaml_text import mapping_in

    found = mapping_in(Path(path).read_text(encoding="utf-8-sig"), path)
    if "arguments" in found and "foldwise" in found:
        found = found["arguments"]
    known = _names(context.command)
    unknown = [name for name in found if name.replace("-", "_") not in known]
    if unknown:
        raise OptionError(f"{path}: {listed(unknown)} is no option here. Options: {', '.join(sorted(set(known)))}.")
    values = {}
    for name, value in found.items():
        parameter = known[name.replace("-", "_")]
        if value is not None and value != []:
            values[str(parameter.name)] = _for(parameter, value)
    context.default_map = {**(context.default_map or {}), **values}


def _names(command: click.Command) -> dict[str, click.Parameter]:
    """What an option may be called → its parameter: ``contrast`` and ``contrasts`` are the same."""
    known = {}
    for parameter in command.params:
        if parameter.name is None or parameter.name in ("params", "help"):
            continue
        known[parameter.name] = parameter
        for text in (*parameter.opts, *parameter.secondary_opts):
            if text.startswith("--") and not text.startswith("--no-"):
                known[text[2:].replace("-", "_")] = parameter
    return known


def _for(parameter: click.Parameter, value: Any) -> Any:
    """A value as click takes it; one text where an option may be given several times is a list of one."""
    if isinstance(parameter, click.Option) and parameter.multiple:
        return [_joined(one) for one in (value if isinstance(value, list) else [value])]
    return value if isinstance(value, bool | int | float) else str(value)


def _joined(value: Any) -> str:
    """[condition, treated, control] as the command line has it."""
    if not isinstance(value, list):
        return str(value)
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(value)
    return out.getvalue()
