"""Files to bytes: compression and text encoding are told from the first bytes, never from the name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

from foldwise.errors import CountsError, MissingDependencyError
from foldwise.io.read_report import PathLike, ReadReport, source_name

GZIP, BZIP2, XZ, ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
ZIP, PARQUET, HDF5 = b"PK\x03\x04", b"PAR1", b"\x89HDF\r\n\x1a\n"


def read_bytes(path: PathLike) -> bytes:
    """The uncompressed content of a file; ``"-"`` is standard input.

    Raises
    ------
    CountsError
        If the file is missing, is a folder, is empty, or its compressed data end early.
    """
    raw = sys.stdin.buffer.read() if str(path) == "-" else _existing_file(path).read_bytes()
    if not raw.strip():
        raise CountsError(f"{source_name(path)} is empty.")
    return decompressed(raw, source_name(path))


def _existing_file(path: PathLike) -> Path:
    path = Path(path)
    if path.is_dir():
        raise CountsError(f"{path} is a folder, and a file is expected here.")
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob(f"{path.name.split('.')[0]}*")) if path.parent.is_dir() else []
        hint = f" Did you mean {', '.join(near[:3])}?" if near else ""
        raise CountsError(f"There is no file {path}.{hint}")
    return path


def decompressed(raw: bytes, name: str) -> bytes:
    """``raw`` itself, or what it holds if it is gzip, bzip2, xz, zstd or a ZIP of one file."""
    try:
        if raw.startswith(GZIP):
            return gzip.decompress(raw)
        if raw.startswith(BZIP2):
            return bz2.decompress(raw)
        if raw.startswith(XZ):
            return lzma.decompress(raw)
        if raw.startswith(ZSTD):
            return _unzstd(raw)
        if raw.startswith(ZIP):
            return _only_member(raw, name)
    except (EOFError, zlib.error, lzma.LZMAError, OSError, ValueError) as error:
        if isinstance(error, CountsError):
            raise
        raise CountsError(
            f"{name}: the compressed data are damaged or end too early ({error}). "
            "The file was probably not copied completely: copy or download it again."
        ) from error
    return raw


def _unzstd(raw: bytes) -> bytes:
    stream = _zstd_reader(raw)
    content: bytes = stream.read()
    # The decoder does not complain about a frame that stops early; its last block never arrives.
    if not content and len(raw) > 13:
        raise EOFError("no data before the end of the file")
    return content


def _zstd_reader(raw: bytes) -> Any:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # Python 3.14

        return zstd.ZstdFile(io.BytesIO(raw))
    except ImportError:
        pass
    try:
        import zstandard
    except ImportError as error:
        raise MissingDependencyError("Files compressed with zstd need zstandard: pip install zstandard") from error
    return _CheckedZstandard(raw, zstandard)


class _CheckedZstandard:
    """zstandard's decompressor, with a frame that stops early as an error."""

    def __init__(self, raw: bytes, zstandard: Any) -> None:
        self._raw, self._zstandard = raw, zstandard

    def read(self) -> bytes:
        parts, rest = [], self._raw
        while rest:
            frame = self._zstandard.ZstdDecompressor().decompressobj()
            try:
                parts.append(frame.decompress(rest))
            except self._zstandard.ZstdError as error:
                raise ValueError(str(error)) from error
            if not frame.eof:
                raise EOFError("the last zstd frame is not complete")
            rest = frame.unused_data
        return b"".join(parts)


def _only_member(raw: bytes, name: str) -> bytes:
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error
    members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX")]
    if "xl/workbook.xml" in members or "[Content_Types].xml" in members:
        return raw  # a spreadsheet; its reader wants the archive itself
    if len(members) != 1:
        raise CountsError(f"{name} is a ZIP archive of {len(members)} files: unpack it and name the file to read.")
    return archive.read(members[0])


def starts_as_matrix_market(path: PathLike) -> bool:
    """Whether a file, plain or gzipped, is a sparse matrix in Matrix Market form; only its start is read."""
    with open(path, "rb") as file:
        start = file.read(2048)
    if start.startswith(GZIP):
        try:
            start = zlib.decompressobj(31).decompress(start, 64)
        except zlib.error:
            return False
    return start.startswith(b"%%MatrixMarket")


def as_text(content: bytes, name: str, report: ReadReport | None = None) -> bytes:
    """Text as UTF-8 without a byte order mark and with ``\\n`` as the only line end.

    Raises
    ------
    CountsError
        If the content is not text.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16").encode()
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in content[:8192]:
        raise CountsError(f"{name} is not a text table (it holds binary data).")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        content = content.decode("latin-1").encode()
        if report is not None:
            report.note(f"not UTF-8 (byte {error.start}); read as Latin-1")
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
