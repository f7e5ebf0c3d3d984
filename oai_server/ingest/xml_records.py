"""XML files of records, cut into their elements: one is parsed at a time, so that a broken one costs itself alone.

A file is one record element, or any element around many. Its bytes are searched for the tags of the record element,
whatever its prefix; comments, CDATA and processing instructions are stepped over. What stands around the records gives
each of them its namespaces. Document types that declare anything are refused, others never fetched; there are no
entities but those of XML itself, and no network. What is not quite well-formed is mended where that is safe (control
characters, bare ampersands, a wrong encoding), with a remark.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO, NamedTuple, Protocol

from lxml import etree

from oai_server.ingest.files import HEAD, LONGEST_RECORD, BrokenFile
from oai_server.ingest.reader import Remark

DEEPEST = 250
"""Levels around a record: as many as the parser takes inside it."""


class BrokenElement(Exception):
    """An element that is not well-formed, even without the characters that XML forbids; the text says why."""


class Piece(NamedTuple):
    """The bytes of a record element, or what was wrong with it (then ``data`` is what there is of it).

    ``ends`` tells that the file ended here. ``opening`` and ``closing`` stand around it: a start tag with the
    namespaces that are declared outside, and its end tag.
    """

    data: bytes
    problem: str = ""
    ends: bool = False
    encoding: str = "utf-8"
    opening: str = "<_>"
    closing: str = "</_>"

    @property
    def text(self) -> str:
        """The element as text, for looking into one that is broken."""
        return self.data[:HEAD].decode(self.encoding, "replace")


class Stream(Protocol):
    """Bytes that are read in pieces."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none where there are no more."""


def pieces(stream: Stream, element: str, nested_in: str = "") -> Iterator[Piece]:
    """Yield every element with the local name ``element``, in any namespace.

    One inside another is a sign that an end tag is missing, except inside ``nested_in``, the local name of an element
    of the format that may hold anything.

    Raises:
        BrokenFile: it is no XML, declares a document type of its own, or has an encoding that nobody knows.
    """
    return _Cutter(stream, element, nested_in).pieces()


def parsed(piece: Piece, remarks: list[Remark]) -> etree._Element:
    """Return the element that a piece is, without comments; add what had to be mended to ``remarks``.

    Raises:
        BrokenElement: it cannot be mended.
    """
    try:
        text = piece.data.decode(piece.encoding)
    except UnicodeError as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
        remarks.append(Remark("encoding", "", f"not {piece.encoding}: {reason}"))
        text = piece.data.decode("cp1252", "replace")
    text = piece.opening + text + piece.closing
    try:
        return _tree(text)
    except etree.XMLSyntaxError as error:
        mended = _BARE.sub("&amp;", _ILLEGAL.sub("", text))
        if mended == text:
            raise BrokenElement(f"not well-formed XML: {plain_message(str(error.msg))}") from error
        try:
            found = _tree(mended)
        except etree.XMLSyntaxError as again:
            raise BrokenElement(f"not well-formed XML: {plain_message(str(again.msg))}") from again
        remarks.append(Remark("not well-formed", "", str(error.msg)))
        return found


def _tree(text: str) -> etree._Element:
    (record,) = etree.fromstring(text.encode(errors="replace"), _parser())
    return record


@lru_cache(maxsize=1)
def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip


def plain_message(text: str) -> str:
    """Return what the parser says without what only a programmer could do about it."""
    return _NOISE.sub("", " ".join(text.split()))


_NOISE = re.compile(r",? ?(?:use|try) XML_PARSE_HUGE(?: option)? ?")
_ILLEGAL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|"
    "&#(?:x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));"
)
_BARE = re.compile("&(?!(?:#[0-9]{1,7}|#x[0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)")


# The beginning of a file.

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ANY_TAG = re.compile(rb"<[A-Za-z_][^<>]*>")
_COMMENT_OR_CDATA = re.compile(rb"<!--|<!\[CDATA\[")
_DECLARED = re.compile(rb"""<\?xml[^<>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DOCTYPE = re.compile(rb"<!DOCTYPE\s[^\[\]<>]*>")
_SYNTAX = bytes(set(range(32, 127)) - set(b"\\~"))  # which some encodings of Asia have other signs for
_NAMESPACE = re.compile(rb"""\s(xmlns(?::[A-Za-z_][\w.-]*)?)\s*=\s*("[^"<]*"|'[^'<]*')""")


def plain_head(head: bytes) -> bytes:
    """Return the first bytes of a file without comments; UTF-16 as UTF-8."""
    if head.startswith(_UTF16):
        head = head.decode("utf-16", "ignore").encode()
    return _without_comments(head[:HEAD].removeprefix(codecs.BOM_UTF8))


def root_tag(head: bytes) -> bytes:
    """Return the start tag of the root of a file that begins with these bytes; nothing where there is none."""
    first = _ANY_TAG.search(plain_head(head))
    return first[0] if first and head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1] == b"<" else b""


def holds(head: bytes, namespace: str, element: str) -> bool:
    """Tell whether a file that begins so is such an element, or has one for its first."""
    plain = plain_head(head)
    first = re.search(rb"<(?:([\w.-]{1,60}):)?" + re.escape(element.encode()) + rb"(?=[\s>/])[^<>]*>", plain)
    if first is None or not root_tag(head):
        return False
    name = b"xmlns:" + first[1] if first[1] else b"xmlns"
    declared = [each[2] for each in _NAMESPACE.finditer(plain[: first.end()]) if each[1] == name]
    return bool(declared) and declared[-1][1:-1] == namespace.encode()


def _without_comments(data: bytes) -> bytes:
    kept, position = [], 0
    while mark := _COMMENT_OR_CDATA.search(data, position):
        is_comment = mark[0] == b"<!--"
        end = data.find(b"-->" if is_comment else b"]]>", mark.end())
        kept.append(data[position : mark.start()])
        position = end + 3 if end >= 0 else len(data) if is_comment else mark.end()
        if not is_comment:
            kept.append(data[mark.start() : position])
    return b"".join((*kept, data[position:]))


def _encoding(head: bytes) -> str:
    """Return the encoding of a file that begins so.

    Raises:
        BrokenFile: there is no element, a document type that declares something, or an encoding that nobody knows.
    """
    first = _ANY_TAG.search(head)
    if first is None:
        raise BrokenFile("not XML: it does not begin with an element")
    before = _DOCTYPE.sub(b"", head[: first.start()])
    if b"<!" in before:
        raise BrokenFile("a document type declaration with entities of its own is not read; save the file without it")
    declared = _DECLARED.search(before)
    encoding = declared[1].decode() if declared else "utf-8"
    try:
        if b"\xff".decode(encoding, "replace") and _SYNTAX.decode(encoding) != _SYNTAX.decode():
            raise LookupError("its tags are none in ASCII")
    except (LookupError, UnicodeError) as error:
        # What says UTF-16 and has tags of single bytes was saved as something else.
        if encoding.lower().startswith(("utf-16", "utf-32", "ucs")):
            return "utf-8"
        raise BrokenFile(f"the encoding {encoding!r} cannot be read: {error}") from error
    return "utf-8" if encoding.lower().startswith(("utf-16", "utf-32", "ucs")) else encoding


class _Recoded:
    """A stream of UTF-16 as one of UTF-8."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")

    def read(self, size: int) -> bytes:
        while data := self._stream.read(size):
            if text := self._decoder.decode(data):
                return text.encode(errors="replace")
        return self._decoder.decode(b"", True).encode(errors="replace")


def opened(stream: BinaryIO) -> Stream:
    """Return a stream whose tags are bytes of ASCII: itself, or UTF-16 as UTF-8."""
    head = getattr(stream, "peek", lambda _: b"")(2)
    return _Recoded(stream) if head.startswith(_UTF16) else stream


# Cutting.


class _Tag(NamedTuple):
    """A tag that was found; ``start`` is its place in the buffer."""

    start: int
    closing: bool
    name: bytes
    text: bytes

    @property
    def empty(self) -> bool:
        """Whether it is start and end in one."""
        return self.text.endswith(b"/>")


_ASIDES = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
# No token has a second "<" in it, so one that is not whole begins with the last "<" of the buffer.
_TOKEN = (
    rb"<!--|<!\[CDATA\[|<\?|<(/?)(?:[^\s<>/:\"'=!?]{1,60}:)?(%s)"
    rb"(?=[\s>/])[^<>\"']*(?:\"[^<\"]*\"[^<>\"']*|'[^<']*'[^<>\"']*)*>"
)
_BETWEEN = re.compile(_TOKEN % rb"[^\s<>/:\"'=!?]{1,100}")


class _Cutter:
    """One file being cut: a buffer of what was read, of which that before ``_kept`` is done with.

    ``_before`` are the bytes of the record at hand that stand before its last comment.
    """

    def __init__(self, stream: Stream, element: str, nested_in: str) -> None:
        self._read = getattr(stream, "read1", stream.read)  # where a stream breaks, read() takes good bytes with it
        self._element = element.encode()
        names = [re.escape(name.encode()) for name in (element, nested_in) if name]
        self._inside = re.compile(_TOKEN % b"|".join(names))
        self._nests = bool(nested_in)
        self._buffer = bytearray()
        self._before = bytearray()
        self._at = self._kept = 0
        self._absent: dict[bytes, int] = {}  # the end of an aside: up to where there is none
        self._rest = self._ended = False
        self._encoding = "utf-8"
        self._open: list[tuple[bytes, dict[bytes, bytes]]] = []  # the elements around, with all namespaces there

    def pieces(self) -> Iterator[Piece]:
        while not _ANY_TAG.search(head := plain_head(bytes(self._buffer[:HEAD]))) and len(self._buffer) < HEAD:
            if not self._more():
                break
        self._encoding = _encoding(head)
        known = 0
        while tag := self._token(_BETWEEN):
            if tag.name != self._element:
                self._around(tag)
                continue
            if not tag.closing:
                self._kept = tag.start
                yield from self._record(tag)
            elif not self._rest:
                del self._open[known:]
                yield self._taken(self._at, "its start tag is missing")
            self._kept, self._rest, known = self._at, self._rest and not tag.closing, len(self._open)
        if self._open or self._rest:
            yield Piece(b"", "the file is cut off: the end tag around its records is missing", ends=True)

    def _around(self, tag: _Tag) -> None:
        """Follow the elements around records; what is left of a record that was too long says nothing of them."""
        if self._rest or tag.empty:
            return
        names = [name for name, _ in self._open]
        if not tag.closing:
            if len(names) >= DEEPEST:
                raise BrokenFile(f"more than {DEEPEST} elements inside one another, and no record")
            outer = self._open[-1][1] if self._open else {}
            self._open.append((tag.name, outer | {each[1]: each[2] for each in _NAMESPACE.finditer(tag.text)}))
        elif tag.name in names:
            del self._open[len(names) - 1 - names[::-1].index(tag.name) :]

    def _record(self, tag: _Tag) -> Iterator[Piece]:
        """Yield the record whose start tag was read, and before it those whose end tags are missing."""
        containers = depth = nested = 0
        self._rest = False
        whole = tag.empty
        while not whole:
            found = self._token(self._inside, LONGEST_RECORD)
            if found is None:
                yield from self._endless(nested)
                return
            if found.name != self._element:
                if not depth and not found.empty and self._nests:
                    containers = max(containers + (-1 if found.closing else 1), 0)
            elif found.closing and not depth:
                whole = True
            elif found.closing or containers:
                nested = nested or len(self._before) + found.start - self._kept
                depth += -1 if found.closing else not found.empty
            else:
                yield self._taken(found.start, "its end tag is missing")
                containers = depth = nested = 0
                whole = found.empty
        yield self._taken(self._at)

    def _endless(self, nested: int) -> Iterator[Piece]:
        """Yield a record that has no end; where records seemed to be nested in it, they were not."""
        if nested:
            whole = self._taken(len(self._buffer))
            self._nests = False
            self._buffer = bytearray(whole.data[nested:])
            self._at = self._kept = 0
            self._absent = {}
            yield whole._replace(data=whole.data[:nested], problem="its end tag is missing")
        elif self._ended:
            yield self._taken(len(self._buffer), "the file is cut off in this record", ends=True)
            self._open = []
        else:
            cut = self._taken(self._at, f"longer than {LONGEST_RECORD // 1024 // 1024} MiB")
            self._rest = True
            yield cut._replace(data=cut.data[:HEAD])

    def _taken(self, end: int, problem: str = "", ends: bool = False) -> Piece:
        """Return what was kept, up to ``end``, with what stands around it."""
        data = bytes(self._before + self._buffer[self._kept : end])
        self._before.clear()
        self._kept = end
        if not self._open or not self._open[-1][1]:
            return Piece(data, problem, ends, self._encoding)
        around = b"".join(b" %s=%s" % each for each in self._open[-1][1].items())
        return Piece(data, problem, ends, self._encoding, f"<_{around.decode(self._encoding, 'replace')}>")

    def _token(self, pattern: re.Pattern[bytes], longest: int = 0) -> _Tag | None:
        """Return the next tag; None at the end of the file, or where more than ``longest`` bytes would be kept.

        Where ``longest`` is 0 nothing need be kept but the last bytes, for a message.
        """
        while True:
            while match := pattern.search(self._buffer, self._at):
                start, self._at = match.span()
                if match[0] not in _ASIDES:
                    return _Tag(start, bool(match[1]), match[2], match[0])
                self._aside(match[0])
                if not longest:
                    self._before.clear()
            last = self._buffer.rfind(b"<", max(self._at, len(self._buffer) - HEAD))
            self._at = last if last >= 0 else len(self._buffer)
            if not longest:
                self._kept = max(self._kept, self._at - HEAD)
            elif len(self._before) + len(self._buffer) - self._kept > longest:
                return None
            if not self._more():
                return None

    def _aside(self, opening: bytes) -> None:
        """Step over a comment, CDATA or an instruction; what has no end is text like any other."""
        closing = _ASIDES[opening]
        while (end := self._buffer.find(closing, max(self._at, self._absent.get(closing, 0)))) < 0:
            self._absent[closing] = max(len(self._buffer) - 2, 0)
            if len(self._buffer) - self._at > LONGEST_RECORD or not self._more():
                return
        if opening == b"<!--":
            self._before += self._buffer[self._kept : self._at - len(opening)]
            self._kept = end + len(closing)
        self._at = end + len(closing)

    def _more(self) -> bool:
        """Read on; tell whether there was more. Places in the buffer move."""
        block = b"" if self._ended else self._read(HEAD)
        self._ended = not block
        del self._buffer[: self._kept]
        self._absent = {closing: max(at - self._kept, 0) for closing, at in self._absent.items()}
        self._at, self._kept = self._at - self._kept, 0
        self._buffer += block
        return bool(block)
