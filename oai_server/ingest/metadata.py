"""XML files of metadata: every record element of a format that can be read, by itself or in a collection.

How an element is read is the format's own affair (:meth:`metadata_formats.registry.Format.read`); how files are cut
into elements stands in :mod:`oai_server.ingest.xml_records`. A reader is one class that names a format.

The profile, in TOML::

    reader = "mods"
    id = "urn:nbn:.*"           # the identifier that every record has: a pattern that all of it must match; where a
                                # part of the pattern is in parentheses, that part is the id
    ignore = ["extension"]      # what begins so is left out without a remark
    [defaults]                  # what every record gets, see oai_server.ingest.profile
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, BinaryIO, ClassVar

import msgspec
from lxml import etree

from metadata_formats import record as model
from metadata_formats import registry
from metadata_formats.reading import NotReadable
from oai_server.ingest import dates, xml_records
from oai_server.ingest import profile as profiles
from oai_server.ingest.files import STDIN, BrokenFile
from oai_server.ingest.reader import Finding, Found, Reader, ReaderError, Rejected, Remark


class Profile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of a profile for XML records; the module says what they mean."""

    id: str = ""
    ignore: list[str] = []
    defaults: dict[str, Any] = {}


# Files whose records are theirs: the elements of other formats in them are not items by themselves.
_OTHER_ROOTS = (b"http://www.openarchives.org/OAI/2.0/", b"http://www.loc.gov/METS/", b"http://www.loc.gov/METS/v2")


class MetadataReader(Reader):
    """Reads ``.xml`` whose first record is an element of one format; subclass it and name the format's prefix."""

    nested_in: ClassVar[str] = ""
    """The local name of an element in which a record may hold another, that is not a record of the file."""

    def __post_init__(self) -> None:
        """Check the profile.

        Raises:
            ReaderError: it cannot be used.
        """
        self._format = self._of_format()
        given = profiles.checked(self.profile, Profile, self.profile_name)
        try:
            self._id = re.compile(given.id) if given.id else None
        except re.error as error:
            raise ReaderError(f"{self.profile_name}: id: not a pattern: {error}") from error
        self._ignore = tuple(given.ignore)
        self._defaults = profiles.Defaults(given.defaults, self.profile_name) if given.defaults else None

    @classmethod
    def _of_format(cls) -> registry.Format:
        for known in registry.readable().values():
            if known.prefix == cls.name:
                return known
        raise ReaderError(f"the format {cls.name} is not installed, or cannot be read")

    @classmethod
    def recognises(cls, filename: str, head: bytes) -> bool:  # noqa: ARG003 - the content tells
        """Take XML whose root or first record is an element of the format."""
        if not head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith(b"<"):
            return False
        wanted = cls._of_format()
        root = xml_records.root_tag(head)
        if any(b'"%s"' % other in root or b"'%s'" % other in root for other in _OTHER_ROOTS):
            return False
        return xml_records.holds(head, wanted.namespace, wanted.element)

    def read(self, stream: BinaryIO, filename: str) -> Iterator[Finding]:
        """Yield the records of the file, each with its number from 1."""
        number = 0
        pieces = xml_records.pieces(xml_records.opened(stream), self._format.element, self.nested_in)
        try:
            for number, (piece, alone) in enumerate(_told_alone(pieces), 1):
                name = PurePath(filename).stem if alone and filename != STDIN else None
                yield self._one(piece, "" if alone else f"record {number}", name)
        except BrokenFile as error:
            yield Rejected(str(error), f"record {number + 1}" if number else "", ends=True)
        else:
            if not number:
                yield Rejected(f"there is no {self.name} record in the file", ends=True)

    def _one(self, piece: xml_records.Piece, where: str, name: str | None) -> Finding:
        """Return what one element is; ``name`` is the id of one that has none of its own."""
        remarks: list[Remark] = []
        key: str | None = None
        if piece.problem:
            return Rejected(piece.problem, where, ends=piece.ends)
        try:
            values, left = self._format.read(self._element(piece, remarks), dates.edtf)
            key = self._key(values) or name
            if key is None:
                raise NotReadable(f"no identifier that matches {self._id.pattern!r}" if self._id else "no identifier")
            self._named(values, key)
            remarks += [Remark(*each) for each in left if not each.path.startswith(self._ignore)]
            if self._defaults is not None:
                self._defaults.under(values)
            return Found(model.from_builtins(values), where, tuple(remarks))
        except (xml_records.BrokenElement, NotReadable, model.RecordError) as error:
            return Rejected(str(error), where, key)

    def _element(self, piece: xml_records.Piece, remarks: list[Remark]) -> etree._Element:
        element = xml_records.parsed(piece, remarks)
        namespace = etree.QName(element).namespace
        if namespace not in (self._format.namespace, None):
            raise NotReadable(f"not a record of {self.name}: it is in the namespace {namespace}")
        return element

    def _key(self, values: dict[str, Any]) -> str | None:
        """Return the identifier of a record: what the profile's pattern finds, else what the metadata names."""
        own = values.get("id")
        if self._id is None:
            return model.clean_text(own).strip() or None if own else None
        for known in (own, *(each["value"] for each in values.get("identifiers", []))):
            if known and (found := self._id.fullmatch(known)):
                key = found[1] if self._id.groups else found[0]
                return model.clean_text(key or "").strip() or None
        return None

    @staticmethod
    def _named(values: dict[str, Any], key: str) -> None:
        """Give a record its identifier, and keep the one that the metadata names."""
        own = values.get("id")
        values["id"] = key
        known = values.get("identifiers", [])
        if own and own != key and all(each["value"] != own for each in known):
            values["identifiers"] = [*known, {"value": own, "type": "local"}]


class ModsReader(MetadataReader):
    """Reads MODS: a ``mods`` element, a ``modsCollection``, or any other element around them."""

    name: ClassVar[str] = "mods"
    nested_in: ClassVar[str] = "extension"


def _told_alone(pieces: Iterator[xml_records.Piece]) -> Iterator[tuple[xml_records.Piece, bool]]:
    """Yield each piece, and whether it is the only one of its file."""
    held: xml_records.Piece | None = None
    alone = True
    try:
        for piece in pieces:
            if held is not None:
                alone = False
                yield held, False
            held = piece
    except BrokenFile:
        if held is not None:
            yield held, False
        raise
    if held is not None:
        yield held, alone
