"""JSON and YAML as dictionaries; YAML by its plain loader, which makes nothing but data."""

from __future__ import annotations

import json
from typing import Any

from foldwise.errors import MissingDependencyError, OptionError


def mapping_in(text: str, name: Any) -> dict[str, Any]:
    """The dictionary that JSON or YAML text holds.

    Raises
    ------
    OptionError
        If it holds something else or cannot be read; names the line.
    """
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else _yaml(text, name)
    except json.JSONDecodeError as error:
        raise OptionError(f"{name} is not JSON: line {error.lineno}: {error.msg}.") from error
    if not isinstance(found, dict):
        raise OptionError(f"{name} should hold names with their values.")
    return found


def _yaml(text: str, name: Any) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingDependencyError(
            f"Reading {name} needs PyYAML: pip install pyyaml, or write it as JSON."
        ) from error
    try:
        return yaml.load(text, Loader=_plain_loader(yaml))
    except yaml.YAMLError as error:
        raise OptionError(f"{name} is not YAML: {' '.join(str(error).split())}.") from error


def _plain_loader(yaml: Any) -> Any:
    """The safe loader, to which only ``true`` and ``false`` are truth values: levels called no, on or y stay words."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        yaml_implicit_resolvers = {
            sign: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:bool" or sign in "tTfF"]
            for sign, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader
