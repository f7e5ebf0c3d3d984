"""DataCite metadata in JSON: answers of the REST API, saved, and files of the objects in them, one or one a line.

What is taken are the ``attributes`` of DOIs: inside ``data`` (a list or one object), as ``{"id": …, "attributes": …}``,
in an array of any of these, or bare. The item's identifier is the DOI in small letters; a DOI that its owner has taken
back (state ``registered``) or has not published (``draft``) withdraws its item. The crosswalk is
:mod:`metadata_formats.datacite_read`.

JSON has no place where a reader could go on behind an error, so a file is either lines, each by itself, or one
document, which is read whole up to the limit of :mod:`oai_server.ingest.files` and decoded one DOI at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, ClassVar

import msgspec

from metadata_formats import datacite_read
from metadata_formats import record as model
from metadata_formats.reading import NotReadable
from oai_server.ingest import dates
from oai_server.ingest import profile as profiles
from oai_server.ingest.files import LONGEST_RECORD, BrokenFile, lines, whole
from oai_server.ingest.json_items import items
from oai_server.ingest.reader import Finding, Found, Reader, Rejected, Remark

_BOM = b"\xef\xbb\xbf"
# Keys that only DataCite has, and a DOI under a key that only DataCite has. In a string the quotes would be escaped.
_KEYS = re.compile(
    rb'"(?:attributes|creators|publicationYear|publication_year|resourceTypeGeneral|rightsList|relatedIdentifiers|types)"\s*:'
)
_DOI = re.compile(
    rb'"doi"\s*:\s*"|"type"\s*:\s*"dois"|"identifierType"\s*:\s*"DOI"|"id"\s*:\s*"(?:https?:[^"]*/)?10\.\d'
)


class Profile(msgspec.Struct, forbid_unknown_fields=True):
    """A profile can only add defaults: the metadata say everything else themselves."""

    defaults: dict[str, Any] = {}


class _Answer(msgspec.Struct):
    """An answer of the API: a DOI or a list of them; the rest of it is about the request."""

    data: msgspec.Raw = msgspec.Raw()


class DataciteReader(Reader):
    """Reads ``.json``, ``.jsonl`` and ``.ndjson`` that are DataCite by their content."""

    name: ClassVar[str] = "datacite"

    def __post_init__(self) -> None:
        """Check the profile.

        Raises:
            ReaderError: it has a key that is not ours.
        """
        values = profiles.checked(self.profile, Profile, self.profile_name).defaults
        self._defaults = profiles.Defaults(values, self.profile_name) if values else None

    @classmethod
    def recognises(cls, filename: str, head: bytes) -> bool:  # noqa: ARG003 - the name says JSON at best
        """Take what begins like JSON and has keys of DataCite."""
        start = head.removeprefix(_BOM).lstrip()[:1]
        return start in (b"{", b"[") and _KEYS.search(head) is not None and _DOI.search(head) is not None

    def read(self, stream: BinaryIO, filename: str) -> Iterator[Finding]:
        """Yield the DOIs of the file, each with its line or its number from 1."""
        try:
            if filename.lower().endswith((".jsonl", ".ndjson")):
                yield from self._lines(lines(stream))
                return
            first = stream.readline(LONGEST_RECORD + 1)
            if _is_object(first):  # lines under another name, or a document of one line
                yield from self._lines(chain([(1, first)], ((number + 1, line) for number, line in lines(stream))))
            else:
                yield from self._pieces((first + whole(stream)).removeprefix(_BOM), "", ends=True)
        except BrokenFile as error:
            yield Rejected(str(error), ends=True)

    def _lines(self, numbered: Iterable[tuple[int, bytes | None]]) -> Iterator[Finding]:
        for number, line in numbered:
            where = f"line {number}"
            if line is None:
                yield Rejected(f"longer than {LONGEST_RECORD // 1024 // 1024} MiB", where)
            elif text := line.removeprefix(_BOM if number == 1 else b"").strip():
                yield from self._pieces(text, where, ends=False)

    def _pieces(self, data: bytes, where: str, *, ends: bool) -> Iterator[Finding]:
        """Yield what a piece of JSON holds: one DOI, or several, each with its number."""
        try:
            parts, several = _parted(data)
            for number, item in enumerate(parts, 1):
                place = ", ".join(filter(None, (where, f"item {number}" if several else "")))
                yield self._one(item, place, ends=ends and not several)
        except _NO_JSON as error:
            yield Rejected(f"not JSON: {error}", where, ends=ends)

    def _one(self, data: bytes, where: str, *, ends: bool) -> Finding:
        key = None
        try:
            attributes, id_ = _attributes(msgspec.json.decode(data))
            values, left = datacite_read.read(attributes, id_, dates.edtf)
            key = values["id"]
            if self._defaults is not None and values.keys() != {"id", "record"}:
                self._defaults.under(values)
            return Found(model.from_builtins(values), where, tuple(Remark(*each) for each in left))
        except _NO_JSON as error:
            return Rejected(f"not JSON: {error}", where, ends=ends)
        except (NotReadable, model.RecordError) as error:
            return Rejected(str(error), where, key)


_NO_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line.removeprefix(_BOM)), dict)
    except _NO_JSON:
        return False


def _parted(data: bytes) -> tuple[Iterable[bytes], bool]:
    """Return the DOIs of a piece of JSON, not yet decoded, and whether it is a list of them.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError, RecursionError: it is not JSON; of a list the first step says so.
    """
    if data.lstrip()[:1] == b"{":
        data = bytes(msgspec.json.decode(data, type=_Answer).data) or data
    return (items(data), True) if data.lstrip()[:1] == b"[" else ([data], False)


def _attributes(value: object) -> tuple[dict[str, Any], str]:
    """Return the attributes of a DOI, and its id beside them.

    Raises:
        NotReadable: it is none.
    """
    if not isinstance(value, dict):
        raise NotReadable("not an object of DataCite")
    inside = value.get("attributes")
    if not isinstance(inside, dict):
        return value, ""
    if value.get("type") not in ("dois", None):
        raise NotReadable(f"not a DOI, but one of the {str(value['type'])[:40]} of DataCite")
    return inside, str(value.get("id") or "")
