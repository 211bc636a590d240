"""Arrays and their description in one file: an uncompressed ZIP of .npy members and JSON, without pickle.

The same content gives the same bytes. Reading trusts nothing: every member is checked against its SHA-256, sizes
against the file's own, names and types against what may occur.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from foldwise import __version__
from foldwise.errors import FoldwiseError, listed
from foldwise.io.atomic import write_atomically
from foldwise.io.read_report import PathLike

Array = np.ndarray[Any, Any]

FORMAT, FORMAT_MAJOR, FORMAT_MINOR = "foldwise saved fit", 1, 0
META, CHECKSUM = "meta.json", "meta.sha256"
LARGEST_META = 64 << 20  # bytes
MOST_MEMBERS = 10_000
_MEMBER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that ZIP knows: files do not depend on when they were written


class SavedFitError(FoldwiseError, ValueError):
    """A saved fit is damaged, too new, or not one at all."""


def save_arrays(path: PathLike, arrays: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Writes arrays and their description to one file, whole or not at all.

    Parameters
    ----------
    arrays : numbers, logicals or text by name (letters, digits, ``_ . - /``). Arrays of Python strings become
        fixed-width text; other objects are refused.
    meta : JSON-like: dicts with text keys, lists, text, numbers (NaN and Inf too), logicals, None.
    """
    members = {name: _npy(name, array) for name, array in sorted(arrays.items())}
    described = {
        "format": FORMAT,
        "version": [FORMAT_MAJOR, FORMAT_MINOR],
        "written_by": f"foldwise {__version__}",
        "members": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
        "meta": _to_json(meta),
    }
    text = json.dumps(described, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=True).encode()
    with write_atomically(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, META, text)
        _add(archive, CHECKSUM, hashlib.sha256(text).hexdigest().encode())
        for name, content in members.items():
            _add(archive, f"{name}.npy", content)


def load_arrays(path: PathLike) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and description that ``save_arrays`` wrote.

    Raises
    ------
    SavedFitError
        If the file is missing, cut off, changed, written by a newer version, or not a saved fit. Nothing in it is
        ever run, and no more memory is used than the file is long.
    """
    path = Path(path)
    if path.is_dir():
        raise SavedFitError(f"{path} is a folder: name the file in it that Fit.save() wrote.")
    if not path.is_file():
        raise SavedFitError(f"There is no file {path}.")
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            infos = _checked_members(archive, size, path.name)
            described = _description(archive, infos, path.name)
            arrays = {
                name: _array(_content(archive, infos, f"{name}.npy", path.name, digest), name, path.name)
                for name, digest in described["members"].items()
            }
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, FoldwiseError):
            raise
        raise SavedFitError(
            f"{path.name} is no saved fit, or is damaged or cut off ({error}). Copy it again, or save the fit again."
        ) from error
    return arrays, _from_json(described["meta"])


def _npy(name: str, array: Any) -> bytes:
    if not _MEMBER.fullmatch(name):
        raise SavedFitError(f"'{name}' cannot be a member's name: letters, digits and _ . - / only.")
    array = np.asarray(array)
    if array.dtype.kind == "O":
        if not all(isinstance(x, str) for x in array.ravel()):
            raise SavedFitError(f"Array '{name}' holds Python objects; only numbers, logicals and text can be saved.")
        array = array.astype(str)
    if array.dtype.kind not in "biufU":
        raise SavedFitError(f"Array '{name}' has type {array.dtype}; only numbers, logicals and text can be saved.")
    out = io.BytesIO()
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    np.lib.format.write_array(out, np.ascontiguousarray(little).reshape(array.shape), (1, 0), allow_pickle=False)
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system, info.external_attr = 3, 0o644 << 16  # the same on every system
    archive.writestr(info, content)


def _checked_members(archive: zipfile.ZipFile, size: int, name: str) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(infos) > MOST_MEMBERS:
        raise SavedFitError(f"{name} has {len(infos)} members; a saved fit has at most {MOST_MEMBERS}.")
    if len(set(names)) < len(names):
        raise SavedFitError(
            f"{name} has two members of the same name: {listed(n for n in names if names.count(n) > 1)}."
        )
    for info in infos:
        if not _MEMBER.fullmatch(info.filename):
            raise SavedFitError(f"{name} has a member with a forbidden name: {info.filename[:80]!r}.")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
            raise SavedFitError(f"{name}: member '{info.filename}' is compressed or encrypted; a saved fit never is.")
    if sum(info.file_size for info in infos) > size:
        raise SavedFitError(f"{name}: its members claim to be larger than the file. It is damaged or hostile.")
    return {info.filename: info for info in infos}


def _content(
    archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo], member: str, name: str, digest: str | None = None
) -> bytes:
    if member not in infos:
        raise SavedFitError(f"{name} lacks its member '{member}': it is no saved fit, or is damaged.")
    content = archive.read(infos[member])
    if digest is not None and hashlib.sha256(content).hexdigest() != digest:
        raise SavedFitError(f"{name}: member '{member}' was changed after the file was written (SHA-256 differs).")
    return content


def _description(archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo], name: str) -> dict[str, Any]:
    if META in infos and infos[META].file_size > LARGEST_META:
        raise SavedFitError(f"{name}: its description is larger than {LARGEST_META >> 20} MB.")
    text = _content(archive, infos, META, name)
    digest = _content(archive, infos, CHECKSUM, name).decode("ascii", errors="replace").strip()
    if hashlib.sha256(text).hexdigest() != digest:
        raise SavedFitError(f"{name}: member '{META}' was changed after the file was written (SHA-256 differs).")
    try:
        described = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SavedFitError(f"{name}: its description is not JSON ({error}).") from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise SavedFitError(f"{name} is no saved fit.")
    version = described.get("version")
    if not (isinstance(version, list) and version and isinstance(version[0], int)):
        raise SavedFitError(f"{name} does not say which version of the format it has.")
    if version[0] > FORMAT_MAJOR:
        raise SavedFitError(
            f"{name} was written by {described.get('written_by')} in format {version[0]}; this is foldwise "
            f"{__version__}, which reads formats up to {FORMAT_MAJOR}. Update it: pip install --upgrade foldwise"
        )
    members = described.get("members")
    if not isinstance(members, dict) or not all(isinstance(d, str) for d in members.values()):
        raise SavedFitError(f"{name}: its list of members is damaged.")
    return described


def _array(content: bytes, member: str, name: str) -> Array:
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0
        }[version]  # fmt: skip
        shape, fortran, dtype = read_header(stream)
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise SavedFitError(f"{name}: member '{member}' is no array ({error}).") from error
    if dtype.kind not in "biufU" or dtype.fields is not None:
        raise SavedFitError(f"{name}: array '{member}' has the forbidden type {dtype}.")
    if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise SavedFitError(f"{name}: array '{member}' does not have the size that it claims.")
    values: Array = np.frombuffer(content, dtype, offset=stream.tell()) if dtype.itemsize else np.zeros(shape, dtype)
    return values.reshape(shape, order="F" if fortran else "C").copy()


def _to_json(value: Any) -> Any:
    """JSON has no NaN and Inf: they become ``{"$float": "nan"}``. Other floats are written so that they read back."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise SavedFitError(f"Keys of a description must be text: {listed(value)}.")
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    raise SavedFitError(f"A description cannot hold a {type(value).__name__}; put arrays among the arrays.")


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$float"} and value["$float"] in ("nan", "inf", "-inf"):
            return float(value["$float"])
        return {key: _from_json(item) for key, item in value.items()}
    return [_from_json(item) for item in value] if isinstance(value, list) else value
