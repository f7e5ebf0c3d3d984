"""MARC 21 records: in the binary form that catalogues exchange (ISO 2709), and in MARCXML.

What libraries export is seldom what the standard says, so little of it is trusted. A binary record ends at its
terminator, its fields at theirs: lengths, offsets and the base address count only where they agree with that. Text is
UTF-8 where it is valid UTF-8, whatever the leader says of it, else MARC-8 or Windows-1252; what was encoded twice is
decoded twice. In XML one record is parsed at a time, so that a broken one costs itself alone. Entities, document types
and the network are out of reach.

The profile, in TOML::

    reader = "marc"
    id = "035$a"                # the field with the item's own, stable identifier; else 001, or 035$a where that is not
    scoped = true               # put 003 before it, as in (DLC)12345: for files with records of several catalogues
    encoding = "marc-8"         # of binary records, where it is known; else it is found out for each record
    ignore = ["9", "59"]        # fields that begin so are left out without a remark
    [defaults]                  # what every record gets, see oai_server.ingest.profile
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext, redirect_stderr
from itertools import pairwise
from typing import Any, BinaryIO, ClassVar

import msgspec

from metadata_formats import marc21_read
from metadata_formats import record as model
from metadata_formats.marc21 import NAMESPACE
from metadata_formats.marc21_read import MOST_FIELDS, Field, Marc
from metadata_formats.reading import NotReadable
from oai_server.ingest import dates, xml_records
from oai_server.ingest import profile as profiles
from oai_server.ingest.files import HEAD, LONGEST_RECORD, BrokenFile
from oai_server.ingest.reader import Finding, Found, Reader, ReaderError, Rejected, Remark


class Profile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of a profile for MARC; the module says what they mean."""

    id: str = ""
    scoped: bool = False
    encoding: str = ""
    ignore: list[str] = []
    defaults: dict[str, Any] = {}


class _BrokenRecord(Exception):
    """A record that cannot be decoded; the text says why. ``key`` is its control number if that could be read."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


_ID = re.compile(r"(00[1-9])|([0-9]{3})\$?([a-z0-9])")
_MARC8 = "marc-8"


class MarcReader(Reader):
    """Reads ``.mrc``, ``.marc``, ``.marcxml``, and ``.xml`` whose root is a collection or record of MARCXML."""

    name: ClassVar[str] = "marc"

    def __post_init__(self) -> None:
        """Check the profile.

        Raises:
            ReaderError: it cannot be used.
        """
        given = self._given = profiles.checked(self.profile, Profile, self.profile_name)
        if given.id and not _ID.fullmatch(given.id):
            raise ReaderError(
                f"{self.profile_name}: id: a control field or a subfield, as 001 or 035$a, not {given.id!r}"
            )
        try:
            self._encoding = given.encoding.lower()
            if self._encoding and self._encoding != _MARC8:
                codecs.lookup(self._encoding)
        except LookupError as error:
            raise ReaderError(f"{self.profile_name}: {error}; there is also marc-8") from error
        self._defaults = profiles.Defaults(given.defaults, self.profile_name) if given.defaults else None

    @classmethod
    def recognises(cls, filename: str, head: bytes) -> bool:
        """Take our endings, XML that is MARC, and what begins with the leader of a record."""
        if filename.lower().endswith((".mrc", ".marc", ".marcxml")):
            return True
        is_xml = _ROOT.fullmatch(xml_records.root_tag(head)) and NAMESPACE.encode() in xml_records.plain_head(head)
        return bool(is_xml) or _LEADER.match(head.lstrip()) is not None

    def read(self, stream: BinaryIO, filename: str) -> Iterator[Finding]:  # noqa: ARG002 - the content tells
        """Yield the records of the file, each with its number from 1."""
        number = 0
        try:
            for number, (piece, decode) in enumerate(self._pieces(stream), 1):
                yield self._one(piece, decode, f"record {number}")
        except BrokenFile as error:
            yield Rejected(str(error), f"record {number + 1}" if number else "", ends=True)
        else:
            if not number:
                yield Rejected("there is no MARC record in the file", ends=True)

    def _pieces(self, stream: BinaryIO) -> Iterator[tuple[_AnyPiece, _Decode]]:
        head = getattr(stream, "peek", lambda _: b"")(HEAD)[:HEAD]
        if not xml_records.plain_head(head).lstrip().startswith(b"<"):
            for binary in _binary_records(stream):
                yield binary, self._from_binary
            return
        if not _ROOT.fullmatch(xml_records.root_tag(head)):
            raise BrokenFile("not MARCXML: the root is neither a collection nor a record")
        for piece in xml_records.pieces(xml_records.opened(stream), "record"):
            yield piece, _from_xml

    def _one(self, piece: _AnyPiece, decode: _Decode, where: str) -> Finding:
        remarks: list[Remark] = []
        key: str | None = None
        try:
            marc = decode(piece, remarks)
            key = self._key(marc, remarks)
            if key is None:
                raise _BrokenRecord(f"no identifier: the record has no field {self._given.id or '001'}")
            if marc.leader[5:6] == "d":
                return Found(model.from_builtins({"id": key, "record": {"status": "deleted"}}), where)
            marc21_read.check_kind(marc)
            values, left = marc21_read.read(marc, key, dates.edtf)
            remarks += [Remark(*each) for each in left if not each.path.startswith(tuple(self._given.ignore))]
            if self._defaults is not None:
                self._defaults.under(values)
            return Found(model.from_builtins(values), where, tuple(remarks))
        except _BrokenRecord as error:
            named = None if self._given.id or self._given.scoped else error.key
            return Rejected(str(error), where, key or named, piece.ends)
        except (NotReadable, model.RecordError) as error:
            return Rejected(str(error), where, key, piece.ends)

    def _key(self, marc: Marc, remarks: list[Remark]) -> str | None:
        """Return the identifier of a record: the field that the profile names, else 001, else 035$a."""
        named = _ID.fullmatch(self._given.id or "001")
        assert named is not None
        key = marc21_read.value(marc, named[1] or named[2], named[3] or "")
        if not key and not self._given.id and (key := marc21_read.value(marc, "035", "a")):
            remarks.append(Remark("no field 001", "035$a", key))
        scope = " ".join(marc.controls.get("003", "").split())
        key = model.clean_text(f"({scope}){key}" if key and scope and self._given.scoped else key)
        return key.strip() or None

    def _from_binary(self, piece: _Piece, remarks: list[Remark]) -> Marc:
        if piece.problem:
            raise _BrokenRecord(piece.problem, _control_number(piece.data))
        leader, pieces = _fields(piece.data, remarks)
        text = _Text(leader, pieces, self._encoding)
        controls: dict[str, str] = {}
        fields = []
        for tag, raw in pieces:
            if tag < "010" and b"\x1f" not in raw:
                controls.setdefault(tag, text.of(raw, tag))
                continue
            indicators, *subfields = raw.split(b"\x1f")
            marks = indicators.decode("ascii", "replace").ljust(2)[-2:]
            named = [(chr(each[0]), text.of(each[1:], tag)) for each in subfields if each and each[0] < 128]
            fields.append(Field(tag, marks, named))
        remarks += text.remarks.values()
        return Marc(leader, controls, fields)


class _Piece(msgspec.Struct):
    """The bytes of a record, or what was wrong with them.

    ``ends`` tells that the file ended here, ``rest`` that these are the last of bytes that were told to be too long.
    """

    data: bytes = b""
    problem: str = ""
    ends: bool = False
    rest: bool = False


_AnyPiece = _Piece | xml_records.Piece
_Decode = Callable[[Any, list[Remark]], Marc]


def _pieces(stream: BinaryIO, end: re.Pattern[bytes]) -> Iterator[_Piece]:
    """Part a stream behind each ``end``, which has at most some hundred bytes; what has none for too long is told."""
    buffer, rest = bytearray(), False
    while block := stream.read(HEAD):
        searched = max(len(buffer) - 200, 0)
        buffer += block
        while found := end.search(buffer, searched):
            yield _Piece(bytes(buffer[: found.end()]), rest=rest)
            del buffer[: found.end()]
            searched, rest = 0, False
        if len(buffer) > LONGEST_RECORD:
            if not rest:
                yield _Piece(bytes(buffer[:HEAD]), f"longer than {LONGEST_RECORD // 1024 // 1024} MiB")
            rest = True
            del buffer[:-_KEPT]
    yield _Piece(bytes(buffer), ends=True, rest=rest)


# Binary: ISO 2709.

_END_OF_RECORD, _END_OF_FIELD = b"\x1d", b"\x1e"
_BLANK = b" \t\r\n\0\x1a"  # what stands between records where files were joined or padded
_KEPT = 200_000
"""Bytes kept of a record without end, for the next one in them: twice what the standard allows."""
# A leader and the first entry of its directory: what is looked for where the record before it was cut off.
_LEADER = re.compile(
    rb"[0-9 ]{5}[a-z ][a-zA-Z][a-zA-Z0-9 #|]{2}[a ](?:22|  )[0-9 ]{5}[ -~]{3}(?:45|  )[0-9 ]{2}00[1-9][0-9]{9}"
)


def _binary_records(stream: BinaryIO) -> Iterator[_Piece]:
    """Yield the bytes of each record; where the terminator of one is missing, the leader of the next one ends it."""
    for piece in _pieces(stream, re.compile(_END_OF_RECORD)):
        data = piece.data.lstrip(_BLANK)
        if piece.problem or not data:
            if piece.problem:
                yield piece
            continue
        starts = [match.start() for match in _LEADER.finditer(data)]
        if not piece.rest and 0 not in starts:
            starts.insert(0, 0)
        for start, end in pairwise([*starts, len(data)]):
            yield _Piece(data[start:end], ends=piece.ends and end == len(data))


def _fields(data: bytes, remarks: list[Remark]) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the leader and the fields of a record, each with its tag.

    A directory that does not fit the fields is used for their order alone: they end where their terminators stand.

    Raises:
        _BrokenRecord: there is no leader, or no directory that fits the number of the fields.
    """
    leader = data[:24].decode("ascii", "replace")
    if len(data) < 26 or not re.fullmatch(r"[ -~]{24}", leader):
        raise _BrokenRecord("no leader: these are not the bytes of a record")
    directory, *fields = data[24:].removesuffix(_END_OF_RECORD).split(_END_OF_FIELD)
    if fields and not fields[-1]:
        fields.pop()
    entries = [directory[at : at + 12] for at in range(0, len(directory), 12)]
    tags = [entry[:3].decode("ascii", "replace") for entry in entries]
    key = _control_number(data)
    if not data.endswith((_END_OF_RECORD, _END_OF_FIELD)):
        raise _BrokenRecord("it is cut off: the end of the record is missing", key)
    if len(entries) > MOST_FIELDS:
        raise _BrokenRecord(f"more than {MOST_FIELDS} fields", key)
    if not entries or not all(re.fullmatch(rb"[0-9A-Za-z]{3}[0-9]{9}", entry) for entry in entries):
        raise _BrokenRecord("the directory of its fields is damaged", key)
    starts, at = {}, 0
    for each in fields:
        starts[at] = each
        at += len(each) + 1
    named = [starts[start] for entry in entries if (start := int(entry[7:])) in starts]
    if len(named) == len(entries) == len({entry[7:] for entry in entries}):
        lengths = [len(each) + 1 for each in named]
        if len(fields) == len(entries) or lengths == [int(entry[3:7]) for entry in entries]:
            return leader, list(zip(tags, named, strict=True))
    remarks.append(Remark("wrong field lengths", "leader", leader))
    if len(fields) == len(entries):
        return leader, list(zip(tags, fields, strict=True))
    kept, torn = _by_length(fields, [int(entry[3:7]) for entry in entries])
    if len(kept) != len(entries):
        raise _BrokenRecord("its fields are not those of its directory", key)
    damaged = [tag for tag, first in zip(tags, torn, strict=True) if first]
    if wrong := [tag for tag in damaged if not _OWN_FIELD.fullmatch(tag)]:
        raise _BrokenRecord(f"its fields are torn apart: {', '.join(dict.fromkeys(wrong))}", key)
    remarks += [Remark("damaged field", tag, "torn apart") for tag in damaged]
    return leader, list(zip(tags, kept, strict=True))


_OWN_FIELD = re.compile("9..|(?!490).9.")  # what the standard leaves to each library


def _by_length(fields: list[bytes], lengths: list[int]) -> tuple[list[bytes], list[bool]]:
    """Return a field for each length, and whether it is torn; nothing where it does not come out.

    Lengths may be too short (text was encoded again), and terminators may stand inside a field: what is before the
    last of them was torn off the field before it.
    """
    kept: list[bytes] = []
    torn: list[bool] = []
    parts = iter(fields)
    for length in lengths:
        size, count = 0, 0
        part: bytes | None = b""
        while size < max(length, 1):
            if (part := next(parts, None)) is None:
                return [], []
            size, count = size + len(part) + 1, count + 1
        kept.append(part or b"")
        torn.append(count > 1)
    return (kept, torn) if next(parts, None) is None else ([], [])


class _Text:
    """How the bytes of one record become text: by the profile, else by what the bytes are.

    MARC-8 that is valid UTF-8 by chance does not occur: its accents stand before letters of ASCII.
    """

    def __init__(self, leader: str, pieces: list[tuple[str, bytes]], encoding: str) -> None:
        self.remarks: dict[str, Remark] = {}
        self._encoding, self._twice = encoding or "utf-8", False
        whole = b"\n".join(raw for _, raw in pieces)
        if encoding or (whole.isascii() and b"\x1b" not in whole):
            return
        says_utf8 = leader[9:10] == "a"
        try:
            text = whole.decode()
        except UnicodeDecodeError:
            self._encoding = "utf-8" if says_utf8 else _MARC8
            return
        self._twice = _ENCODED_TWICE.search(text) is not None
        if not says_utf8 and b"\x1b" in whole:
            self._encoding = _MARC8
        elif not says_utf8:
            self._remark("encoding", "leader", "it says MARC-8, but the text is UTF-8")

    def _remark(self, kind: str, path: str, value: str) -> None:
        """Remark on the first of its kind in the record."""
        self.remarks.setdefault(kind, Remark(kind, path, value))

    def of(self, raw: bytes, tag: str) -> str:
        """Return bytes of a field as text."""
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii")
        if self._encoding == _MARC8:
            return self._from_marc8(raw, tag)
        try:
            text = raw.decode(self._encoding)
        except UnicodeError:
            self._remark("encoding", tag, f"not {self._encoding}: {raw[:100]!r}")
            # Where some of it is UTF-8 a character was cut; where none is, it is Windows-1252.
            some = not raw.decode("utf-8", "ignore").isascii()
            text = raw.decode("utf-8" if some else "cp1252", "replace")
        return _C1.sub("", self._once(text, tag))

    def _from_marc8(self, raw: bytes, tag: str) -> str:
        from pymarc.marc8 import MARC8ToUnicode  # large tables, which other files need not pay for

        try:
            # It writes to standard error where a character of three bytes is cut.
            with redirect_stderr(io.StringIO()) if b"\x1b$" in raw else nullcontext():
                return str(MARC8ToUnicode(quiet=True).translate(raw))  # type: ignore[no-untyped-call]
        except (IndexError, TypeError, ValueError, KeyError):
            self._remark("encoding", tag, f"neither UTF-8 nor MARC-8: {raw[:100]!r}")
            return _C1.sub("", raw.decode("cp1252", "replace"))

    def _once(self, text: str, tag: str) -> str:
        """Undo that UTF-8 was taken for Latin-1 and encoded again, as often as that happened."""
        for _ in range(3 if self._twice else 0):
            try:
                once = _BYTES.sub(lambda match: match[0].encode("latin-1").decode(), text)
            except UnicodeDecodeError:
                break
            if once == text:
                break
            self._remark("encoded twice", tag, text[:100])
            text = once
        return text


# The bytes of a character in UTF-8, each taken for a character of Latin-1. Some of these are controls, which no text
# has: where they occur the record was encoded twice, and only there the others (É») are not what somebody wrote.
_ENCODED_TWICE = re.compile("[\u00c2-\u00df][\u0080-\u0097\u0099-\u009b\u009d-\u009f]")
_BYTES = re.compile(
    "[\u00c2-\u00df][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}|[\u00f0-\u00f4][\u0080-\u00bf]{3}"
)
_C1 = re.compile("[\u0080-\u009f]")  # also the marks around what sorting skips


def _control_number(data: bytes) -> str | None:
    """Return field 001 of a broken record, if it can still be read."""
    directory, *fields = data[24:HEAD].split(_END_OF_FIELD, 2)
    return fields[0].decode("utf-8", "replace").strip() if len(fields) > 1 and directory.startswith(b"001") else None


# XML.

_ROOT = re.compile(rb"<(?:[\w.-]+:)?(?:collection|record)(?=[\s>/])[^<>]*>")
_CONTROL_NUMBER = re.compile(r"""<(?:[\w.-]+:)?controlfield[^<>]*?\stag\s*=\s*["']001["'][^<>]*>([^<]{1,200})<""")


def _from_xml(piece: xml_records.Piece, remarks: list[Remark]) -> Marc:
    """Return the record that an element is.

    Raises:
        _BrokenRecord: it is not well-formed, even without the characters that XML forbids.
        NotReadable: it is not MARC.
    """
    try:
        if piece.problem:
            raise xml_records.BrokenElement(piece.problem)
        return marc21_read.decoded(xml_records.parsed(piece, remarks))
    except xml_records.BrokenElement as error:
        named = _CONTROL_NUMBER.search(piece.text)
        raise _BrokenRecord(str(error), (" ".join(named[1].split()) or None) if named else None) from error
