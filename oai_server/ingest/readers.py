"""Which readers exist, and which of them takes a file.

Built-in readers and installed plug-ins enter by one door: the entry-point group ``oai_server.readers``, where the name
is what ``--reader`` takes and the value a subclass of :class:`~oai_server.ingest.reader.Reader`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import BinaryIO

from oai_server.ingest import profile as profiles
from oai_server.ingest import xml_records
from oai_server.ingest.files import HEAD, BrokenFile, Problem, Source
from oai_server.ingest.reader import Finding, Reader, ReaderError, Rejected, Unread

GROUP = "oai_server.readers"


@lru_cache(maxsize=1)
def installed() -> dict[str, EntryPoint]:
    """Return the entry points of all readers by name.

    Raises:
        ReaderError: two readers have one name.
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in found and found[point.name].value != point.value:
            raise ReaderError(f"two readers claim the name {point.name}: {found[point.name].value} and {point.value}")
        found[point.name] = point
    return found


@lru_cache(maxsize=64)
def load(name: str) -> type[Reader]:
    """Return the reader called ``name``.

    Raises:
        ReaderError: there is none, or it cannot be loaded.
    """
    points = installed()
    if name not in points:
        hint = profiles.nearest(name, points)
        raise ReaderError(f"no reader {name!r} is installed{hint}; there are: {', '.join(points)}")
    try:
        made = points[name].load()
    except Exception as error:  # a plug-in may raise anything
        raise ReaderError(f"the reader {name} ({points[name].value}) cannot be loaded: {error}") from error
    if not (isinstance(made, type) and issubclass(made, Reader)):
        raise ReaderError(f"{points[name].value} is not a reader")
    return made


def choose(name: str | None, filename: str, head: bytes) -> type[Reader]:
    """Return the reader called ``name``, or else the first one that recognises the file by name and content.

    ``filename`` is without ``.gz`` or ``.zst``; ``head`` are the first decompressed bytes.

    Raises:
        ReaderError: no reader takes it; the text names the file, what it looks like and what could be read.
    """
    wrong = _foreign(head)
    if name is not None:
        reader = load(name)
        # Who names a reader may know better what bytes mean, but no name makes UTF-16 or a picture readable.
        doubtful = wrong == _BINARY or head.startswith(_ZIP)
        if wrong and not (doubtful and reader.recognises(filename, head)):
            raise ReaderError(f"{filename}: {wrong}, which the reader {name} cannot read")
        return reader
    if not wrong or head.startswith(_ZIP):
        for each in installed():
            reader = load(each)
            if reader.recognises(filename, head):
                return reader
    looks = wrong or "no reader recognises it by its name and content"
    raise ReaderError(
        f"{filename}: {looks}; what can be read: JSON Lines (.jsonl), JSON, YAML, CSV, TSV, XLSX, MARC (.mrc, .xml), "
        "XML of MODS, oai_dc and LIDO, JSON of DataCite, finding aids in EAD (.xml), document pages (.txt), each also "
        "as .gz or .zst. "
        f"Name a reader with --reader ({', '.join(installed())})"
    )


class Job:
    """How files are to be read: by a named reader or the one each file asks for, with or without a profile."""

    def __init__(self, reader: str | None = None, profile: str | Path | None = None) -> None:
        """Take the name of a reader and the path of a profile file.

        Raises:
            ReaderError: one of them cannot be used, or they do not go together.
        """
        named, self._keys = profiles.load(profile) if profile is not None else (None, {})
        if reader and named and reader != named:
            raise ReaderError(f"{profile}: this profile is for the reader {named}, not for {reader}")
        self._name = reader or named
        self._profile = str(profile) if profile is not None else ""
        self._ready: dict[type[Reader], Reader] = {}
        if self._name:
            self._made(load(self._name))

    def read(self, source: Source | Problem) -> Iterator[Finding]:
        """Yield what a file holds; a file that cannot be opened or recognised is one rejection that ends it.

        Raises:
            ReaderError: the profile does not fit the reader that the file asks for.
        """
        for finding in self.skim(source):
            yield finding.read() if isinstance(finding, Unread) else finding

    def skim(self, source: Source | Problem) -> Iterator[Finding | Unread]:
        """Yield the same, but what another process can read as well unread.

        Raises:
            ReaderError: the profile does not fit the reader that the file asks for.
        """
        if isinstance(source, Problem):
            yield Rejected(source.message, ends=True)
            return
        try:
            with source.open() as stream:
                try:
                    kind = choose(self._name, source.filename, stream.peek(HEAD)[:HEAD])
                except ReaderError as error:
                    yield Rejected(str(error), ends=True)
                    return
                yield from self._guarded(self._made(kind), stream, source.filename)
        except BrokenFile as error:
            yield Rejected(str(error), ends=True)

    @staticmethod
    def _guarded(reader: Reader, stream: BinaryIO, filename: str) -> Iterator[Finding | Unread]:
        """Yield what a reader finds; one that fails, as none should and a plug-in may, costs this file alone."""
        try:
            yield from reader.skim(stream, filename)
        except (ReaderError, OSError):
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}".rstrip(": ")
            yield Rejected(f"the reader {reader.name} failed, please report it: {said}", ends=True)

    def _made(self, kind: type[Reader]) -> Reader:
        if kind not in self._ready:
            self._ready[kind] = kind(profile=self._keys, profile_name=self._profile)
        return self._ready[kind]


_ZIP = b"PK\x03\x04"
_BINARY = "binary data"
# What people send by mistake, by the first bytes.
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"{\\rtf": "an RTF document",
    b"\xd0\xcf\x11\xe0": "an old Office document (.doc or .xls); save it as .xlsx or .csv",
    b"SQLite format 3": "an SQLite database",
    b"\x7fELF": "a program",
    b"BZh": "a bzip2 file; unpack it, or pack it with gzip",
    b"\xfd7zXZ": "an xz file; unpack it, or pack it with gzip",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
}


def _foreign(head: bytes) -> str:
    """Say what a file is that no reader of text takes; the empty string if nothing speaks against it."""
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            return what
    if head.startswith(_ZIP):
        inside = [b"word/", b"ppt/", b"content.xml"]
        return "a word-processor or other zipped document" if any(n in head for n in inside) else "a zip archive"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:100].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "" if xml_records.root_tag(head) else "UTF-16 text; save it as UTF-8"
    # The last four controls divide fields and records, in MARC above all.
    controls = sum(byte < 9 or 13 < byte < 28 for byte in head[:4096])
    if controls > max(len(head[:4096]) // 20, 1):
        return _BINARY
    return ""
