"""One answer of an OAI-PMH server, as bytes that nothing is trusted of: what it says, and what of it can be saved.

An answer that is well formed is read as it is, and each payload is the very bytes that the server sent. Otherwise it is
mended (characters that XML 1.0 forbids go, bare ampersands become text, what stands before and behind the answer is cut
off) and read again; where that breaks too, reading goes on at the next record, so that a broken record costs itself
alone. An answer whose end is missing says so: nobody may take it for the end of a list.

Elements of the envelope are known by their names and places, for many servers get namespaces and prefixes wrong.
Document types are refused, and with them all entities; nesting is bounded, and the caller bounds the size.
"""

from __future__ import annotations

import codecs
import html.entities
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

DEEPEST = 200
"""Levels of elements in a payload; parsers that read it later take 256."""
MOST_DAMAGES = 1000
"""Places in which an answer may be broken."""

_OAI = "http://www.openarchives.org/OAI/2.0/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


class NotResponse(ValueError):
    """Bytes that are no answer of an OAI-PMH server; the text says what they are."""


class Header(NamedTuple):
    """The header of a record: ``datestamp`` and ``setspecs`` as the server wrote them."""

    identifier: str
    datestamp: str = ""
    setspecs: tuple[str, ...] = ()
    deleted: bool = False


class Record(NamedTuple):
    """A record of a list: its payload and the elements in its ``about`` containers, each bytes that stand alone."""

    header: Header
    metadata: bytes | None = None
    abouts: tuple[bytes, ...] = ()


class Broken(NamedTuple):
    """A record that cannot be read, its identifier where that could be, and why."""

    identifier: str | None
    message: str


class Token(NamedTuple):
    """A resumption token that is not empty, with what the server says of the list."""

    text: str
    cursor: int | None = None
    size: int | None = None


class OfferedFormat(NamedTuple):
    """A metadata format that the server offers."""

    prefix: str
    namespace: str


class NamedSet(NamedTuple):
    """A set of the server, its name and the text of its description."""

    spec: str
    name: str = ""
    description: str = ""


@dataclass
class Response:
    """What one answer says.

    ``complete`` tells that its end was reached; ``mended`` what had to be changed to read it, or is empty. ``about``
    holds the texts of Identify by element name.
    """

    date: str = ""
    base_url: str = ""
    verb: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)
    records: list[Record | Broken] = field(default_factory=list)
    token: Token | None = None
    about: dict[str, str] = field(default_factory=dict)
    formats: list[OfferedFormat] = field(default_factory=list)
    sets: list[NamedSet] = field(default_factory=list)
    complete: bool = False
    mended: str = ""

    @property
    def codes(self) -> set[str]:
        """The codes of the errors."""
        return {code for code, _ in self.errors}


def parse(data: bytes, charset: str | None = None) -> Response:
    """Read one answer; ``charset`` is what HTTP says of its encoding.

    Raises:
        NotResponse: it is no answer of an OAI-PMH server, or has a document type declaration.
    """
    data, mended = _utf8(data, charset)
    begin = _begin(data)
    response = Response(mended=mended)
    failed = _Pass(response).read(data)
    if failed is None:
        return response
    # Once more, from its first element to the end of its last.
    data = data[begin:]
    if end := list(_END.finditer(data)):
        data = data[: end[-1].end()]
    data = _mend(data)
    response = Response(mended=mended or failed.message)
    _read_on(data, response)
    return response


_ROOT = re.compile(rb"<(?:[\w.-]+:)?OAI-PMH(?=[\s>])")
_END = re.compile(rb"</(?:[\w.-]+:)?OAI-PMH\s*>")
_LIST = re.compile(rb"<(?:[\w.-]+:)?(?:ListRecords|ListIdentifiers|GetRecord)\b[^>]*>")
_RECORD = re.compile(rb"<(?:[\w.-]+:)?record\b[^<>]*>\s*<(?:[\w.-]+:)?header\b")
_HEADER = re.compile(rb"<(?:[\w.-]+:)?header\b")
_TAIL = re.compile(rb"<(?:[\w.-]+:)?resumptionToken\b|</(?:[\w.-]+:)?(?:ListRecords|ListIdentifiers|GetRecord)\s*>")
_IDENTIFIER = re.compile(rb"<(?:[\w.-]+:)?identifier\b[^<>]*>([^<]*)<")
_HEADED = re.compile(_HEADER.pattern + rb"[^<>]*>\s*" + _IDENTIFIER.pattern)


def is_response(head: bytes) -> bool:
    """Tell by its first bytes whether something looks like an answer of an OAI-PMH server."""
    found = _ROOT.search(head[:8192])
    return found is not None and b"<" not in re.sub(rb"<[?!][^>]*>", b"", head[: found.start()])


def _begin(data: bytes) -> int:
    """Return where the root element begins."""
    found = _ROOT.search(data)
    before = data[: found.start()] if found else data[:4096]
    if found and b"<!doctype" not in before.lower():
        return found.start()
    if not data.strip():
        raise NotResponse("an empty answer")
    if found:
        raise NotResponse("it has a document type declaration (DTD), which is refused")
    title = re.search(rb"<title[^<>]*>([^<]*)", before, re.IGNORECASE)
    named = f" ({_shown(title[1])})" if title else ""
    if re.search(rb"<(!doctype\s+)?html\b", before, re.IGNORECASE):
        raise NotResponse(f"an HTML page{named}, no answer of an OAI-PMH server")
    raise NotResponse(f"no answer of an OAI-PMH server: it begins with {_shown(before[:60])!r}")


def _shown(data: bytes) -> str:
    return " ".join(data.decode(errors="replace").split())[:100]


def _utf8(data: bytes, charset: str | None) -> tuple[bytes, str]:
    """Return the answer in UTF-8 without a byte order mark, and what was wrong with its encoding.

    What is valid UTF-8 is UTF-8, whatever is declared: other encodings do not come out so by chance.
    """
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            return data[2:].decode(name, errors="replace").encode(errors="replace"), ""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        data.decode()
    except UnicodeDecodeError:
        pass
    else:
        return data, ""
    declared = re.match(rb"\s*<\?xml[^>]*\sencoding\s*=\s*[\"']([\w.:-]+)", data)
    for encoding in (declared[1].decode() if declared else None, charset):
        try:
            # Not all that Python calls an encoding is one of text, or fast with what is not.
            if encoding and _TEXTS.match(known := codecs.lookup(encoding).name):
                return data.decode(known).encode(errors="replace"), ""
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode(errors=_BYTES).encode(), "not UTF-8"


_TEXTS = re.compile("iso8859|iso2022|cp\\d|koi8|utf-16|utf-32|mac-|gb|big5|shift_jis|euc")
_BYTES = "oai-harvest-cp1252"


def _letters(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are no UTF-8 as what they stand for in most texts: letters of Windows-1252."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error(_BYTES, _letters)

_MENDABLE = re.compile(
    rb"(?P<code>&#(?P<hex>x)?(?P<digits>[0-9a-fA-F]{1,9});)|&(?P<name>[A-Za-z][A-Za-z0-9]{0,40});|(?P<bare>&)"
)
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_PREDEFINED = {b"amp", b"lt", b"gt", b"quot", b"apos"}


def _mend(data: bytes) -> bytes:
    """Take out what XML 1.0 forbids, and make of ampersands that begin no reference the text that they are."""
    data = _FORBIDDEN.sub(b"", data)
    pieces, at = [], 0
    while at < len(data):
        begin = data.find(b"<![CDATA[", at)
        end = data.find(b"]]>", begin) if begin >= 0 else -1
        begin = begin if end >= 0 else len(data)
        pieces.append(_MENDABLE.sub(_mended, data[at:begin]))
        at = end if end >= 0 else len(data)
        pieces.append(data[begin:at])  # in a section an ampersand is text
    return b"".join(pieces)


def _mended(found: re.Match[bytes]) -> bytes:
    if found["bare"]:
        return b"&amp;"
    if name := found["name"]:
        character = html.entities.html5.get(f"{name.decode()};")
        if name in _PREDEFINED or character is None:
            return found[0] if name in _PREDEFINED else b"&amp;" + found[0][1:]
        return character.encode()
    if found["code"]:
        try:
            code = int(found["digits"], 16 if found["hex"] else 10)
        except ValueError:  # letters in a decimal number
            return b"&amp;" + found[0][1:]
        legal = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
        return found[0] if legal else b""
    return found[0]


class _Damage(NamedTuple):
    """Where reading had to stop, where the last whole record ended (bytes of what was read), and why."""

    at: int
    done: int
    message: str


def _read_on(data: bytes, response: Response) -> None:
    """Read an answer that is broken somewhere, going on behind each damage at the next record."""
    first = _LIST.search(data)
    head = data[: first.end()] if first else b""
    unit = _HEADER if b"ListIdentifiers" in head[-200:] else _RECORD
    shift, begin, tail, document = 0, len(head), -1, data
    for damages in count():
        failed = _Pass(response).read(document)
        if failed is None or first is None:
            return
        if damages == MOST_DAMAGES:  # each costs a look at all that follows
            raise NotResponse(f"it is broken in more than {MOST_DAMAGES} places")
        behind = max(failed.at + shift, begin + 1)
        if tail < behind:  # looked for once for many records
            tail = _next(_TAIL, data, behind)
        then = min(_next(unit, data, behind), tail)
        response.records += _lost(data[max(failed.done + shift, begin) : then], failed.message)
        if then == len(data):
            return
        # The next piece is read behind the same head, so that prefixes mean what they meant.
        shift, begin, document = then - len(head), then, head + data[then:]


def _next(pattern: re.Pattern[bytes], data: bytes, start: int) -> int:
    """Return where a pattern is found next, or the end."""
    found = pattern.search(data, start)
    return found.start() if found else len(data)


def _lost(piece: bytes, message: str) -> list[Broken]:
    """Return the records that stood in a piece of the answer that could not be read."""
    found = _HEADED.findall(piece) or _IDENTIFIER.findall(piece)[:1]
    if not found and _HEADER.search(piece):
        return [Broken(None, message)]
    return [Broken(_text(identifier) or None, message) for identifier in found]


def _text(data: bytes) -> str:
    return html.unescape(data[:4000].decode(errors="replace")).strip()[:1000]


_FIELDS = {
    ("OAI-PMH", "responseDate"), ("OAI-PMH", "request"), ("OAI-PMH", "error"),
    ("header", "identifier"), ("header", "datestamp"), ("header", "setSpec"),
    ("set", "setSpec"), ("set", "setName"), ("metadataFormat", "metadataPrefix"),
    ("metadataFormat", "metadataNamespace"),
}  # fmt: skip
_LISTS = {"ListRecords", "ListIdentifiers", "GetRecord"}
_EMPTY = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=<>]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/>""")
_NAME = re.compile(rb"<[^\s/>]+")


_UNCLOSED_SECTION = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION]


class _Stop(Exception):
    """Raised in a handler to end a pass."""


class _Pass:
    """One pass of the parser over a document, adding what it reads to a response."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._path: list[str] = []
        self._scopes: list[dict[str, str]] = []  # namespaces that each element of the envelope declares
        self._content: list[str] | None = None  # the text of the element that is open, where it is wanted
        self._attributes: Mapping[str, str] = {}
        self._fields: dict[str, list[str]] = {}
        self._header: Header | None = None
        self._payloads: dict[str, list[bytes]] = {}
        self._problem = ""
        self._payload: _Payload | None = None
        self._done = 0

    def read(self, data: bytes) -> _Damage | None:
        """Read the document (UTF-8); returns where it is broken, or None where its end was reached."""
        self._data = data
        parser = self._parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            if self._response.complete:  # only what stands behind the root is wrong
                return None
            # Of a section without end the parser tells where the document ends, not where it begins.
            at = data.rfind(b"<![CDATA[") if error.code == _UNCLOSED_SECTION else parser.ErrorByteIndex
            return _Damage(at, self._done, f"its XML is broken: {expat.ErrorString(error.code)}")
        except _Stop as stop:
            return _Damage(parser.CurrentByteIndex, self._done, str(stop))
        return None

    def _doctype(self, *_: object) -> None:
        raise NotResponse("it has a document type declaration (DTD), which is refused")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._payload is not None:
            self._payload.start(tag, attributes)
            return
        name, above = tag.rpartition(":")[2], self._path[-1] if self._path else ""
        if above in ("metadata", "about", "setDescription") and len(self._path) >= 4:
            self._start_payload(above, tag, attributes)
            return
        if above in ("record", "header") and name in ("record", "header") and (above, name) != ("record", "header"):
            raise _Stop(f"a {name} begins before the end of the one before it")
        if len(self._path) >= DEEPEST:
            raise _Stop(f"nested more than {DEEPEST} levels deep")
        self._path.append(name)
        self._scopes.append(_declared(attributes))
        if name in ("record", "set", "metadataFormat") or (name == "header" and above != "record"):
            self._fields, self._header, self._payloads, self._problem = {}, None, {}, ""
        if len(self._path) == 2 and name not in ("responseDate", "request", "error"):
            self._response.verb = name
        if name == "header":
            self._deleted = attributes.get("status", "").strip().lower() == "deleted"
        if (above, name) in _FIELDS or name == "resumptionToken" or (above == "Identify" and name != "description"):
            self._content, self._attributes = [], attributes

    def _start_payload(self, above: str, tag: str, attributes: dict[str, str]) -> None:
        if above == "metadata" and self._payloads.get("metadata"):
            raise _Stop("more than one element in its metadata")
        outer: dict[str, str] = {}
        for scope in self._scopes:
            outer |= scope
        self._payload = _Payload(self._parser.CurrentByteIndex, outer)
        self._payload.start(tag, attributes)

    def _characters(self, text: str) -> None:
        if self._payload is None and self._content is not None:
            self._content.append(text)

    def _end(self, _tag: str) -> None:
        if self._payload is not None:
            self._end_payload()
            return
        name = self._path.pop()
        self._scopes.pop()
        above = self._path[-1] if self._path else ""
        if self._content is not None:
            self._field(above, name, "".join(self._content).strip())
            self._content = None
        elif name == "header":
            self._end_header(above)
        elif name == "record" and above in _LISTS:
            self._end_record()
        elif name == "set" and above == "ListSets":
            description = " ".join(map(_plain, self._payloads.get("setDescription", [])))
            spec, label = self._one("setSpec"), self._one("setName")
            if spec:
                self._response.sets.append(NamedSet(spec, label, description))
        elif name == "metadataFormat":
            offered = OfferedFormat(self._one("metadataPrefix"), self._one("metadataNamespace"))
            self._response.formats.append(offered)
        elif name == "OAI-PMH" and not self._path:
            self._response.complete = True

    def _end_payload(self) -> None:
        payload = self._payload
        assert payload is not None
        if payload.end():
            return
        self._payload = None
        self._problem = self._problem or payload.problem
        alone = payload.alone(self._data, self._parser.CurrentByteIndex)
        self._payloads.setdefault(self._path[-1], []).append(alone)

    def _field(self, above: str, name: str, text: str) -> None:
        response = self._response
        if above == "Identify":
            response.about.setdefault(name, text)
        elif name == "responseDate":
            response.date = response.date or text
        elif name == "request":
            response.base_url = response.base_url or text
        elif name == "error":
            if (error := (self._attributes.get("code", "").strip(), text)) not in response.errors:
                response.errors.append(error)
        elif name == "resumptionToken":
            numbers = (self._attributes.get("cursor", ""), self._attributes.get("completeListSize", ""))
            cursor, size = (int(n) if n.strip().isdecimal() and len(n) < 20 else None for n in numbers)
            response.token = Token(text, cursor, size) if text else None
        else:
            self._fields.setdefault(name, []).append(text)

    def _one(self, name: str) -> str:
        return next(iter(self._fields.get(name, [])), "")

    def _end_header(self, above: str) -> None:
        sets = tuple(dict.fromkeys(spec for spec in self._fields.get("setSpec", []) if spec))
        self._header = Header(self._one("identifier"), self._one("datestamp"), sets, self._deleted)
        if above != "record":
            self._end_record()

    def _end_record(self) -> None:
        self._done = self._parser.CurrentByteIndex
        header, abouts = self._header, tuple(self._payloads.get("about", []))
        metadata = next(iter(self._payloads.get("metadata", [])), None)
        if header is None or not header.identifier:
            self._response.records.append(Broken(None, "it has no identifier in its header"))
        elif self._problem:
            self._response.records.append(Broken(header.identifier, self._problem))
        else:
            self._response.records.append(Record(header, metadata, abouts))


class _Payload:
    """A foreign element that is passed over: where it stands, and which declarations outside of it it needs."""

    def __init__(self, start: int, outer: Mapping[str, str]) -> None:
        self._start = start
        self._outer = outer
        self._known: list[Mapping[str, str]] = []  # namespaces declared at each level, those above included
        self._missing: set[str] = set()
        self._own: set[str] = set()
        self.problem = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element of the payload."""
        declared = _declared(attributes)
        if not self._known:
            self._own = set(declared)
        above = self._known[-1] if self._known else {"xml": ""}
        known = {**above, **declared} if declared else above
        self._known.append(known)
        if len(self._known) > DEEPEST:
            self.problem = f"nested more than {DEEPEST} levels deep"
        prefix = tag.rpartition(":")[0]
        if prefix not in known:
            self._missing.add(prefix)
        for name, value in attributes.items():
            prefix = name.rpartition(":")[0]
            if prefix and prefix not in known and prefix != "xmlns":
                self._missing.add(prefix)
            if name.endswith(":type") and known.get(prefix, self._outer.get(prefix)) == _XSI:
                kind = value.strip().rpartition(":")[0]  # xsi:type names a type by its prefix
                if kind in self._outer and kind and kind not in known:
                    self._missing.add(kind)

    def end(self) -> bool:
        """Take the end of an element; tell whether the payload goes on."""
        self._known.pop()
        return bool(self._known)

    def alone(self, data: bytes, end: int) -> bytes:
        """Return the payload as a document that stands by itself: the bytes as they were, if they do."""
        # The end of an empty element is told as the place behind it, of all others as that of their end tag.
        empty = _EMPTY.match(data, self._start)
        stop = end if empty and empty.end() == end else data.index(b">", end) + 1
        piece = data[self._start : stop]
        needed = {prefix: self._outer[prefix] for prefix in sorted(self._missing - self._own) if prefix in self._outer}
        if not any(needed.values()):
            return piece
        name = _NAME.match(piece)
        assert name is not None
        return piece[: name.end()] + declarations(needed) + piece[name.end() :]


def declarations(namespaces: Mapping[str, str]) -> bytes:
    """Return the attributes that declare namespaces by prefix, each with a space before it."""
    return "".join(
        f" xmlns{':' if prefix else ''}{prefix}={quoteattr(uri)}" for prefix, uri in namespaces.items()
    ).encode()


def _declared(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the namespaces that an element declares, by prefix."""
    return {
        name.removeprefix("xmlns").removeprefix(":"): uri
        for name, uri in attributes.items()
        if name == "xmlns" or name.startswith("xmlns:")
    }


def _plain(element: bytes) -> str:
    """Return the text of an element."""
    return " ".join(_text(re.sub(rb"<[^>]*>", b" ", element)).split())
