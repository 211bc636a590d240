"""What an earlier run left in the folder: files that its record lists and the new run does not write are removed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from foldwise.cli.record import RECORD


def earlier_files(out: Path) -> list[str]:
    """Files that the run.json in a folder lists; none where there is no record of ours."""
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(record, dict) or "foldwise" not in record:
        return []
    listed = record.get("files")
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def remove_files(out: Path, names: Iterable[str]) -> list[str]:
    """Remove files within the folder; the names of those that were there."""
    gone = []
    for name in sorted(names):
        path = out / name
        if ".." in Path(name).parts or Path(name).is_absolute() or not path.is_file():
            continue  # a record says nothing about files outside its folder
        try:
            path.unlink()
        except OSError:
            continue
        gone.append(name)
    return gone
