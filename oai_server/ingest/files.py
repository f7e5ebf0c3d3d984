"""Files as people give them: named, in folders, on standard input, compressed; each one stream of plain bytes.

Compression is told by the first bytes, not by the name: ``.gz`` and ``.zst`` are only taken off the name that readers
see. A stream that turns out broken gives everything that came before the damage and then raises :class:`BrokenFile`;
readers turn that into ``Rejected(ends=True)``.
"""

from __future__ import annotations

import io
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import zstandard

from oai_server.ingest.reader import ReaderError

LONGEST_RECORD = 16 * 1024 * 1024
"""Bytes: a longer line, row or cell is rejected, and reading goes on behind it."""
LARGEST_WHOLE = 64 * 1024 * 1024
"""Bytes: formats that can only be read whole (JSON, YAML, a text page) are taken up to here."""
HEAD = 65536
"""Bytes of a file that readers see to recognise it."""

STDIN = "-"
_WINDOW = 128 * 1024 * 1024  # bytes; what `zstd` itself decompresses without --long


class BrokenFile(ReaderError):
    """A file that cannot be opened, or not read any further; the text says why."""


@dataclass(frozen=True)
class Problem:
    """A path that gives no file to read. ``message`` names it and says why, in one line."""

    name: str
    message: str


@dataclass(frozen=True)
class Source:
    """One file to read. ``name`` is for people, ``path`` is None for standard input."""

    name: str
    path: Path | None

    @property
    def filename(self) -> str:
        """The file's own name without ``.gz`` or ``.zst``, as readers see it; ``-`` for standard input."""
        if self.path is None:
            return STDIN
        return self.path.stem if self.path.suffix.lower() in (".gz", ".zst") else self.path.name

    @contextmanager
    def open(self) -> Iterator[io.BufferedReader]:
        """Open the file, decompressed; ``peek(HEAD)`` of the stream shows its beginning.

        Raises:
            BrokenFile: it cannot be opened, is empty, or is broken from its first byte.
        """
        try:
            raw = self.path.open("rb") if self.path is not None else cast(BinaryIO, sys.stdin.buffer)
        except OSError as error:
            raise BrokenFile(f"{self.name}: {error.strerror or error}") from error
        try:
            stream = plain(raw)
            if not stream.peek(1):
                raise BrokenFile("the file is empty")
            yield stream
        except OSError as error:
            raise BrokenFile(f"{self.name}: cannot be read: {error.strerror or error}") from error
        finally:
            if self.path is not None:
                raw.close()


def sources(paths: Iterable[str | Path]) -> Iterator[Source | Problem]:
    """Yield every file that ``paths`` name: files as they are, folders with all below them in order of name.

    Hidden files of a folder are skipped, and so are links to folders, which may lead in circles. ``-`` is standard
    input. What cannot be read is a :class:`Problem` in its place.
    """
    for path in paths:
        if str(path) == STDIN:
            yield Source("standard input", None)
        else:
            yield from _below(Path(path), named=True)


def _below(path: Path, *, named: bool) -> Iterator[Source | Problem]:
    name = str(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            if not named and path.is_symlink():
                return
            inside = sorted(entry for entry in os.listdir(path) if not entry.startswith("."))  # noqa: PTH208
            if not inside and named:
                yield Problem(name, f"{name}: the folder is empty")
        elif not stat.S_ISREG(mode):
            yield Problem(name, f"{name}: not a regular file (to read a pipe, give it as standard input: -)")
            return
        elif not os.access(path, os.R_OK):
            yield Problem(name, f"{name}: Permission denied")
            return
        else:
            yield Source(name, path)
            return
    except (OSError, ValueError) as error:
        yield Problem(name, f"{name}: {error.strerror if isinstance(error, OSError) else error}")
        return
    for entry in inside:
        yield from _below(path / entry, named=False)


def plain(raw: BinaryIO) -> io.BufferedReader:
    """Return ``raw`` decompressed if its first bytes are those of gzip or Zstandard, else as it is, buffered."""
    source = _Prefixed(raw)
    for magic, (name, make, feed) in _COMPRESSIONS.items():
        if source.prefix.startswith(magic):
            return io.BufferedReader(_Decompressed(source, name, make, feed), HEAD)
    return io.BufferedReader(_Plain(source), HEAD)


def lines(stream: BinaryIO, longest: int = LONGEST_RECORD) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line with its number from 1; None stands for a line of more than ``longest`` bytes, which is skipped.

    Raises:
        BrokenFile: the stream is broken; the line it broke in is not yielded.
    """
    number = 0
    while line := stream.readline(longest + 1):
        number += 1
        if len(line) <= longest:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(HEAD)
        yield number, None


def whole(stream: BinaryIO, largest: int = LARGEST_WHOLE) -> bytes:
    """Return all that the stream holds.

    Raises:
        BrokenFile: the stream is broken, or holds more than ``largest`` bytes.
    """
    data = bytearray()
    while piece := stream.read(min(1024 * 1024, largest + 1 - len(data))):
        data += piece
        if len(data) > largest:
            raise BrokenFile(
                f"larger than {largest // 1024 // 1024} MiB, which is the most that is read whole; "
                "split it, or give it as JSON Lines (.jsonl)"
            )
    return bytes(data)


class _Decompressor(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, /) -> bytes: ...


class _Prefixed:
    """A raw stream whose first four bytes are known without being lost."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.prefix = b""
        while len(self.prefix) < 4 and (more := raw.read(4 - len(self.prefix))):
            self.prefix += more

    def read(self, size: int) -> bytes:
        data, self.prefix = self.prefix[:size], self.prefix[size:]
        return data + self._raw.read(size - len(data)) if len(data) < size else data


class _Plain(io.RawIOBase):
    """The bytes as they are."""

    def __init__(self, source: _Prefixed) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._source.read(len(view))
        view[: len(data)] = data
        return len(data)


class _Decompressed(io.RawIOBase):
    """The bytes that a compressed stream of one or more members stands for.

    It is fed ``feed`` bytes at a time, so that even a bomb comes out in pieces of some 32 MiB.
    """

    def __init__(self, source: _Prefixed, name: str, make: Callable[[], _Decompressor], feed: int) -> None:
        self._source, self._name, self._make, self._feed = source, name, make, feed
        self._member: _Decompressor | None = make()
        self._out = memoryview(b"")
        self._broken = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._out:
            if self._broken:
                raise BrokenFile(self._broken)
            if not self._more():
                return 0
        count = min(len(view), len(self._out))
        view[:count] = self._out[:count]
        self._out = self._out[count:]
        return count

    def _more(self) -> bool:
        """Take in the next compressed bytes; tell whether there were any."""
        data = self._source.read(self._feed)
        if not data:
            if self._member is not None:
                self._broken = f"the {self._name} file is cut off: what came behind is lost"
            return bool(self._broken)
        out = []
        try:
            while data:
                if self._member is None:
                    if not data.strip(b"\0"):  # padding, as tapes and some tools leave it
                        break
                    self._member = self._make()
                out.append(self._member.decompress(data))
                data = b""
                if self._member.eof:
                    data, self._member = self._member.unused_data, None
        except (zlib.error, zstandard.ZstdError) as error:
            self._broken = f"the {self._name} file is damaged ({error}): what came behind is lost"
        self._out = memoryview(b"".join(out))
        return True


def _gzip() -> _Decompressor:
    return cast(_Decompressor, zlib.decompressobj(wbits=31))


def _zstd() -> _Decompressor:
    return cast(_Decompressor, zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj())


# By the first bytes: the name, how a member is decompressed, and how many bytes it is fed at a time. Deflate expands
# at most 1032 times; a Zstandard block of 4 bytes may stand for 128 KiB.
_COMPRESSIONS: dict[bytes, tuple[str, Callable[[], _Decompressor], int]] = {
    b"\x1f\x8b": ("gzip", _gzip, 32 * 1024),
    b"\x28\xb5\x2f\xfd": ("Zstandard", _zstd, 1024),
}
