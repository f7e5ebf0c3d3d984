"""The canonical record as files: JSON Lines, JSON, YAML.

A line, an element of an array or a YAML document is one record; each is taken or rejected by itself. A record whose
``record.status`` is ``deleted`` withdraws the item. Structure and checks are those of :mod:`metadata_formats.record`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, ClassVar

import msgspec
import yaml

from metadata_formats import record as model
from metadata_formats.record import clean_text
from oai_server.ingest import profile as profiles
from oai_server.ingest.datacite import DataciteReader
from oai_server.ingest.files import LONGEST_RECORD, BrokenFile, lines, whole
from oai_server.ingest.json_items import items
from oai_server.ingest.reader import Finding, Found, Reader, Rejected, Unread

DEEPEST = 64
"""Levels of YAML nesting; a record has seven."""
MOST_NODES = 100_000
"""Values of a YAML document: each takes a thousand bytes while it is read."""

_BOM = b"\xef\xbb\xbf"


class Profile(msgspec.Struct, forbid_unknown_fields=True):
    """A profile can only add defaults: the records say everything else themselves."""

    defaults: dict[str, Any] = {}


class CanonicalReader(Reader):
    """Reads canonical records from ``.jsonl``, ``.ndjson``, ``.json``, ``.yaml`` and ``.yml``."""

    name: ClassVar[str] = "canonical"

    def __post_init__(self) -> None:
        """Check the profile.

        Raises:
            ReaderError: it has a key that is not ours.
        """
        values = profiles.checked(self.profile, Profile, self.profile_name).defaults
        self._defaults = profiles.Defaults(values, self.profile_name) if values else None

    @classmethod
    def recognises(cls, filename: str, head: bytes) -> bool:
        """Take our endings, and what begins like a JSON object or an array of objects; but not what is DataCite."""
        if DataciteReader.recognises(filename, head):
            return False
        if filename.lower().endswith((".jsonl", ".ndjson", ".json", ".yaml", ".yml")):
            return True
        return bool(re.match(rb'\[?\s*\{\s*(["}]|$)', head.removeprefix(_BOM).lstrip())) and "." not in filename

    def read(self, stream: BinaryIO, filename: str) -> Iterator[Finding]:
        """Yield the records of the file, by its ending; without one that is known, as JSON Lines."""
        for finding in self.skim(stream, filename):
            yield finding.read() if isinstance(finding, Unread) else finding

    def skim(self, stream: BinaryIO, filename: str) -> Iterator[Finding | Unread]:
        """Yield the records of the file, those of JSON Lines unread."""
        ending = filename.lower().rpartition(".")[2]
        read = {"json": self._json, "yaml": self._yaml, "yml": self._yaml}.get(ending, self._lines)
        try:
            yield from read(stream)
        except BrokenFile as error:
            yield Rejected(str(error), ends=True)

    def _lines(self, stream: BinaryIO) -> Iterator[Finding | Unread]:
        for number, line in lines(stream):
            where = f"line {number}"
            if line is None:
                yield Rejected(f"longer than {LONGEST_RECORD // 1024 // 1024} MiB", where)
                continue
            line = line.removeprefix(_BOM) if number == 1 else line
            if line.strip():
                yield self._glance(line, where) or self._one(line, where, _from_json)

    def _glance(self, line: bytes, where: str) -> Unread | None:
        """Return a line unread; None where it needs the defaults of a profile, or is no record at first sight."""
        try:
            seen = _seen.decode(line) if self._defaults is None else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        key = clean_text(seen.id) if seen else ""
        return Unread(line, where, key, [*map(clean_text, seen.sets)]) if seen and key else None

    def _json(self, stream: BinaryIO) -> Iterator[Finding]:
        data = whole(stream).removeprefix(_BOM).strip()
        if not data.startswith(b"["):
            # A file of JSON Lines under the name .json is common: the first line is then an object by itself.
            first, _, more = data.partition(b"\n")
            if more.strip() and _is_json(first):
                yield Rejected("one object a line is JSON Lines: name the file .jsonl", "line 1", ends=True)
                return
            yield self._one(data, "", _from_json)
            return
        try:
            for number, item in enumerate(items(data), 1):
                yield self._one(item, f"item {number}", _from_json)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield Rejected(f"not JSON: {error}", ends=True)

    def _yaml(self, stream: BinaryIO) -> Iterator[Finding]:
        # "---" at the start of a line begins a document wherever it stands (YAML 1.2, section 9.1.2), so documents
        # can be cut apart without being parsed, and a broken one does not take the next with it.
        parts = re.split(rb"^(?:---|\.\.\.)(?=\s|$)", whole(stream).removeprefix(_BOM), flags=re.MULTILINE)
        parts = [part for part in parts if re.search(rb"^\s*[^#%\s]", part, re.MULTILINE)]
        for number, part in enumerate(parts, 1):
            yield self._one(part, f"document {number}" if len(parts) > 1 else "", _from_yaml)

    def _one(self, data: bytes, where: str, decode: Callable[[bytes], Any]) -> Finding:
        """Make one record of ``data``; ``decode`` gives plain values."""
        value: Any = None
        if len(data) > LONGEST_RECORD:
            return Rejected(f"longer than {LONGEST_RECORD // 1024 // 1024} MiB", where)
        try:
            if decode is _from_json and self._defaults is None:
                return Found(model.from_json(data), where)
            value = decode(data)
            if self._defaults is not None and isinstance(value, dict) and isinstance(value.get("id"), str):
                self._defaults.under(value)
            return Found(model.from_builtins(value), where)
        except model.RecordError as error:
            return Rejected(str(error), where, _key(value if value is not None else data))


class _Seen(msgspec.Struct):
    """What a glance at a record shows; its other keys are skipped."""

    id: str
    sets: list[str] = []


_seen = msgspec.json.Decoder(_Seen)


class _Keyed(msgspec.Struct):
    id: str


def _key(value: Any) -> str | None:
    """Return the id of what is no valid record, if it has one."""
    try:
        if isinstance(value, bytes):
            return clean_text(msgspec.json.decode(value, type=_Keyed).id) or None
        return clean_text(msgspec.convert(value, _Keyed).id) or None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _from_json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise model.RecordError(str(error)) from error
    except RecursionError as error:
        raise model.RecordError("nested too deeply to be a record") from error


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Plain(_Loader):  # type: ignore[misc]
    """YAML whose dates stay text: ``edtf: 1967-06-08`` means what it says."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def _from_yaml(data: bytes) -> Any:
    """Return one YAML document as plain values.

    Raises:
        RecordError: not YAML, nested too deeply, or with aliases: a few of them can stand for gigabytes.
    """
    try:
        depth = 0
        for number, event in enumerate(yaml.parse(data, _Loader)):
            if number > MOST_NODES:
                raise model.RecordError(f"more than {MOST_NODES} values: it is no record")
            if isinstance(event, yaml.AliasEvent):
                raise model.RecordError("YAML aliases (*name) are not taken: write the value out")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise model.RecordError("nested too deeply to be a record")
        return yaml.load(data, _Plain)  # noqa: S506 - a subclass of the safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, model.RecordError):
            raise
        raise model.RecordError(f"not YAML: {' '.join(str(error).split())}") from error
