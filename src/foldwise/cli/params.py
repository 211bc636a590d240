"""``--params FILE``: a command's options from JSON or YAML, or from the record of an earlier run. Flags win."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from foldwise.errors import OptionError, listed

INPUTS = "foldwise.inputs"  # where a record's checksums are kept for the command


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
        context.meta[INPUTS] = found.get("inputs")
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


def warn_of_other_inputs(context: click.Context, inputs: Mapping[str, Mapping[str, Any]]) -> None:
    """Say so if the files are no longer those of the recorded run."""
    from foldwise.warn import warn

    before = context.meta.get(INPUTS)
    for name, now in inputs.items():
        then = before.get(name, {}).get("sha256") if isinstance(before, dict) else None
        if then is not None and then != now["sha256"]:
            warn(f"{now['path']} is not what it was in the recorded run: its checksum differs.")


def _names(command: click.Command) -> dict[str, click.Parameter]:
    """Names of options, with _ for -, and of arguments → the parameter."""
    known: dict[str, click.Parameter] = {}
    for parameter in command.params:
        texts = [text for text in (*parameter.opts, *parameter.secondary_opts) if not text.startswith("--no-")]
        for text in texts:
            known[text.lstrip("-").replace("-", "_")] = parameter
    return {name: one for name, one in known.items() if name not in ("params", "help", "h")}


def as_given(command: click.Command, values: Mapping[str, Any]) -> dict[str, Any]:
    """A command's options under the names that ``--params`` takes."""
    given = {}
    for name, parameter in _names(command).items():
        value = values.get(str(parameter.name))
        given[name] = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    return given


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
