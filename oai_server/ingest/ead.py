"""Finding aids in EAD 2002 and EAD3: a record for each component of the chosen levels, and one for the whole.

A finding aid may be larger than memory, so only what is still open is held: a component is a record as soon as it ends,
and is then let go. From what is above it it has what stands before it there, which by the schemas is all that a
component has, and by custom all that the description of the whole has; what stands behind the components and should
have been inherited is remarked.

Nothing is fetched: a document type declaration is passed over, with the definition that it names. The names of
characters that such definitions give (``&eacute;``) are read, other entities are left out with a remark, and a file
whose entities are made of entities is refused.

The profile, in TOML::

    reader = "ead"
    levels = ["file", "item"]   # which components are records; or "*" for all of them
    collection = true           # a record for the finding aid as a whole
    ids = ["unitid"]            # what identifies a component: the first of these that it has
    url_template = "{url}#{c}"  # the page of each, made of {id}, {eadid}, {url} of the finding aid, {c} its id
                                # attribute, {unitid}; none where one of these is not there
    ignore = ["index"]          # elements that are left out without a remark, by the paths of remarks
    [defaults]                  # what every record gets, see oai_server.ingest.profile

``ids`` knows ``unitid`` (its own, behind those of the components that it is in), ``id`` (its attribute, for those who
keep it stable) and ``position`` (its place among its neighbours, ``~1.4.2``: it changes when something is put before
it). The identifier of a record is ``agency:eadid/`` and that; see :func:`scope_of`. A component that names no level is
one of the chosen where no other is in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, BinaryIO, ClassVar, Literal, cast
from urllib.parse import quote

import msgspec
from lxml import etree

from metadata_formats import ead_read
from metadata_formats import record as model
from metadata_formats.ead_read import COMPONENTS, NAMESPACES, Header, Level, local
from metadata_formats.reading import NotReadable
from metadata_formats.xml import collapse
from metadata_formats.xml import uri as xml_uri
from oai_server.ingest import dates, xml_records
from oai_server.ingest import profile as profiles
from oai_server.ingest.files import HEAD, LONGEST_RECORD, BrokenFile
from oai_server.ingest.reader import Finding, Found, Reader, ReaderError, Rejected, Remark

LONGEST_START = 4 * 1024 * 1024
"""Bytes: the root of a finding aid begins before."""
LONGEST_ENTITY = 1000
"""Characters of a text that a file declares for itself."""

Identity = Literal["unitid", "id", "position"]


class Profile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of a profile for finding aids; the module says what they mean."""

    levels: tuple[str, ...] | Literal["*"] = ("file", "item")
    collection: bool = True
    ids: tuple[Identity, ...] = ("unitid",)
    url_template: str = ""
    ignore: list[str] = []
    defaults: dict[str, Any] = {}


_PLACEHOLDERS = ("id", "eadid", "url", "c", "unitid")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


class EadReader(Reader):
    """Reads ``.ead``, and ``.xml`` whose root is a finding aid."""

    name: ClassVar[str] = "ead"

    def __post_init__(self) -> None:
        """Check the profile.

        Raises:
            ReaderError: it cannot be used.
        """
        self.given = profiles.checked(self.profile, Profile, self.profile_name)
        if not self.given.ids:
            raise ReaderError(f"{self.profile_name}: ids: name at least one of unitid, id, position")
        for name in _PLACEHOLDER.findall(self.given.url_template):
            if name not in _PLACEHOLDERS:
                hint = profiles.nearest(name, _PLACEHOLDERS)
                raise ReaderError(f"{self.profile_name}: url_template: there is no {{{name}}}{hint}")
        self.levels = "*" if "*" in self.given.levels else frozenset(level.lower() for level in self.given.levels)
        self.defaults = profiles.Defaults(self.given.defaults, self.profile_name) if self.given.defaults else None

    @classmethod
    def recognises(cls, filename: str, head: bytes) -> bool:
        """Take our ending, and XML whose root is a finding aid."""
        return filename.lower().endswith(".ead") or _is_ead(head)

    def read(self, stream: BinaryIO, filename: str) -> Iterator[Finding]:  # noqa: ARG002 - the content tells
        """Yield the records, those of components before that of the finding aid that they are in."""
        aid = _FindingAid(self)
        try:
            for event, element in _events(stream):
                yield from aid.take(event, element)
        except BrokenFile as error:
            yield Rejected(str(error), aid.where, scope=aid.scope, ends=True)
        else:
            if not aid.findings:
                yield Rejected(aid.nothing(), scope=aid.scope, ends=True)


def scope_of(header: Header) -> str:
    """Return what the identifiers of a finding aid's records begin with: ``US-DLC:ms011190``.

    Slashes part the steps of these identifiers, so there is none in it: an eadid that is a web address is taken
    without its scheme, with a colon for each slash.
    """
    eadid = re.sub(r"^https?://", "", header.eadid).replace("/", ":")
    return model.clean_text(f"{header.agency.replace('/', ':')}:{eadid}" if header.agency else eadid)


@dataclass
class _Open:
    """A level of description that has begun; ``level`` is what it says, once a component in it asks."""

    element: etree._Element
    above: _Open | None = None
    position: tuple[int, ...] = ()
    internal: bool = False
    level: Level | None = None
    components: int = 0

    @property
    def where(self) -> str:
        """Where it stands: its place among its neighbours, all the way down, and its line."""
        steps = ".".join([*map(str, self.position[:12]), *("…" for _ in self.position[12:13])])
        return f"{f'component {steps}, ' if steps else ''}line {self.element.sourceline}"


class _FindingAid:
    """One finding aid being read, from its beginning to its end."""

    def __init__(self, reader: EadReader) -> None:
        self._reader, self._given = reader, reader.given
        self._open: list[_Open] = []
        self._header = Header()
        self._internal: _Open | None = None
        self.scope = ""
        self.findings = 0

    @property
    def where(self) -> str:
        """Where it was last."""
        return self._open[-1].where if self._open else ""

    def nothing(self) -> str:
        """Say why there is no record."""
        if not self.scope:
            return "there is no finding aid in the file: no ead with an archdesc"
        levels = ", ".join(self._given.levels)
        return f"there is no record in the finding aid: no component of the levels {levels}"

    def take(self, event: str, element: etree._Element) -> Iterator[Finding]:
        name = local(element)
        if name in COMPONENTS:
            if event == "start" and self._open:
                self._enter(element)
            elif event == "end" and self._open and self._open[-1].element is element:
                yield from self._leave()
        elif name == "archdesc":
            if event == "start":
                self._begin(element)
            elif self._open:
                yield from self._leave()
        elif event == "end":
            if name in ("eadheader", "control"):
                self._header = ead_read.header(element)
            elif name == "ead":
                self._header = Header()
            element.clear(keep_tail=True)  # type: ignore[call-arg]

    def _begin(self, element: etree._Element) -> None:
        if not self._header.eadid:
            raise BrokenFile(
                "the finding aid has no identifier (eadid, or recordid of EAD3): its records can have none"
            )
        self.scope = scope_of(self._header)
        root = element.getparent()
        internal = ead_read.is_internal(element) or (root is not None and ead_read.is_internal(root))
        self._open = [_Open(element, internal=internal)]
        self._internal = None

    def _enter(self, element: etree._Element) -> None:
        above = self._open[-1]
        above.components += 1
        between = takewhile(lambda each: each is not above.element, element.iterancestors())
        internal = above.internal or any(map(ead_read.is_internal, (element, *between)))
        opened = _Open(element, above, (*above.position, above.components), internal)
        if internal:
            self._internal = self._internal or opened
        elif above.level is None:
            upper = above.above.level if above.above else None
            above.level = self._level(above, upper, element)
        self._open.append(opened)

    @staticmethod
    def _level(of: _Open, upper: Level | None, until: etree._Element) -> Level:
        try:
            return ead_read.level(of.element, upper, until, _edtf)
        except NotReadable as error:
            raise BrokenFile(f"{error} ({of.where})") from error

    def _leave(self) -> Iterator[Finding]:
        """Yield the record of the level that ends, if it is one, and let go of it."""
        opened = self._open.pop()
        if not opened.internal and self._is_chosen(opened):
            self.findings += 1
            yield self._one(opened)
        opened.element.clear(keep_tail=True)  # type: ignore[call-arg]
        husk = opened.element.getprevious()  # the last one stays: the parser may still write behind it
        parent = opened.element.getparent()
        if husk is not None and parent is not None and local(husk) in COMPONENTS and opened.above is not None:
            parent.remove(husk)

    def _is_chosen(self, opened: _Open) -> bool:
        if opened.above is None:
            return self._given.collection
        level = ead_read.level_of(opened.element)
        return self._reader.levels == "*" or (level in self._reader.levels if level else not opened.components)

    def _one(self, opened: _Open) -> Finding:
        remarks: list[Remark] = []
        key = self._key(opened, remarks)
        if key is None:
            has = "id" if _id(opened.element) and "id" not in self._given.ids else "position"
            mend = (
                f"it has {'an' if has == 'id' else 'a'} {has}: ids = {json.dumps([*self._given.ids, has])} in a profile"
            )
            message = f"no identifier: the component has no {' or '.join(self._given.ids)}; {mend}"
            return Rejected(message, opened.where, scope=self.scope)
        try:
            if self._header.deleted:
                return Found(model.from_builtins(_withdrawn(key)), opened.where, scope=self.scope)
            upper = opened.above.level if opened.above else None
            values, left = ead_read.read(opened.element, upper, key, self._header, _edtf)
            remarks += [Remark(*each) for each in left if not each.path.startswith(tuple(self._given.ignore))]
            if opened.above is None:
                remarks += self._of_the_whole(opened)
            self._page(opened, values)
            if self._reader.defaults is not None:
                self._reader.defaults.under(values)
            return Found(model.from_builtins(values), opened.where, tuple(remarks), scope=self.scope)
        except (NotReadable, model.RecordError) as error:
            return Rejected(str(error), opened.where, key, scope=self.scope)

    def _of_the_whole(self, opened: _Open) -> Iterator[Remark]:
        """Remark on what the components should have had, and on those that are left out."""
        if self._internal is not None:
            yield Remark("internal, left out", "c", self._internal.where)
        behind = False
        for child in opened.element:
            behind = behind or local(child) == "dsc" or local(child) in COMPONENTS
            if behind and local(child) in ead_read.INHERITED:
                yield Remark("behind the components, not inherited", local(child), ead_read.words(child)[:200])

    def _key(self, opened: _Open, remarks: list[Remark]) -> str | None:
        """Return the identifier of a record, or None where there is nothing to make it of."""
        if opened.above is None:
            return self.scope
        for number, kind in enumerate(self._given.ids):
            if part := self._part(opened, kind):
                if number or kind == "position":
                    remarks.append(Remark(f"identified by {kind}", "c", part))
                return model.clean_text(f"{self.scope}/{part}").strip()
        return None

    @staticmethod
    def _part(opened: _Open, kind: Identity) -> str:
        if kind == "id":
            return _id(opened.element)
        if kind == "position":
            return "~" + ".".join(map(str, opened.position))
        own = ead_read.unitid(opened.element)
        above = opened.above.level.unitids if opened.above and opened.above.level else ()
        return "/".join((*above, own)) if own else ""

    def _page(self, opened: _Open, values: dict[str, Any]) -> None:
        """Give a record its page as the profile says, where it has none and has all that the address is made of."""
        template = self._given.url_template
        media = values.get("media", [])
        known = {
            "id": quote(values["id"], safe="/:"),
            "eadid": quote(self._header.eadid, safe=""),
            "url": self._header.url or "",
            "c": quote(_id(opened.element), safe=""),
            "unitid": quote(ead_read.unitid(opened.element), safe=""),
        }
        if not template or not all(known[name] for name in _PLACEHOLDER.findall(template)):
            return
        page = {"role": "landing", "url": xml_uri(_PLACEHOLDER.sub(lambda named: known[named[1]], template))}
        if opened.above is None:
            values["media"] = [page, *(one for one in media if one["url"] != self._header.url)]
        elif not any(one["role"] == "landing" for one in media):
            values["media"] = [page, *media]


def _id(element: etree._Element) -> str:
    return collapse(element.get("id") or element.get("{http://www.w3.org/XML/1998/namespace}id"))


def _withdrawn(key: str) -> dict[str, Any]:
    return {"id": key, "record": {"status": "deleted"}}


def _edtf(text: str) -> str | None:
    return dates.read(text).edtf


# XML.

_EVENTS = ("ead", "eadheader", "control", "archdesc", *sorted(COMPONENTS))
_ROOT = re.compile(rb"<(?:[\w.-]+:)?ead(?=[\s>/])[^<>]*>")
_ASIDE = re.compile(rb"\s*(?:<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^<>\[]*(?:\[.*?\]\s*)?>)\s*", re.DOTALL)
_NAMESPACE = re.compile(rb"""\sxmlns(?::[\w.-]+)?\s*=\s*["']([^"']*)["']""")


def _is_ead(head: bytes) -> bool:
    start, at = head[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip(), 0
    while aside := _ASIDE.match(start, at):
        at = aside.end()
    root = _ROOT.match(start, at)
    if root is None:
        return False
    named = {each.decode(errors="replace") for each in _NAMESPACE.findall(root[0])}
    return b"xmlns=" not in root[0] or bool(named & NAMESPACES)


def _events(stream: BinaryIO) -> Iterator[tuple[str, etree._Element]]:
    """Yield the beginnings and ends of the elements that matter, as far as the stream can be read.

    Raises:
        BrokenFile: it is damaged, not well-formed, no finding aid, or holds too much in one piece.
    """
    parser = etree.XMLPullParser(
        events=("start", "end"), tag=[f"{{*}}{name}" for name in _EVENTS], resolve_entities=False, no_network=True,
        load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    fed = weighed = 0
    root: etree._Element | None = None
    piece: bytes | None = b""
    while piece is not None:
        problem = ""
        try:
            piece = getattr(stream, "read1", stream.read)(HEAD) or None
            if piece is None:
                parser.close()
            else:
                parser.feed(piece)
                fed += len(piece)
        except etree.XMLSyntaxError as error:
            problem = f"not well-formed XML: {_message(parser, error)}"
        for event, found in parser.read_events():
            element = cast(etree._Element, found)
            if root is None:
                root = element.getroottree().getroot()
                _check(root)
            yield event, element
        if problem:
            raise BrokenFile(problem)
        if root is None and fed > LONGEST_START:
            raise BrokenFile(f"no finding aid: no ead element in the first {LONGEST_START // 1024 // 1024} MiB")
        if root is not None and fed - weighed > LONGEST_START:
            weighed = fed
            if _weight(root) > LONGEST_RECORD:
                raise BrokenFile(f"more than {LONGEST_RECORD // 1024 // 1024} MiB that are not parted by components")


def _message(parser: etree.XMLPullParser, error: etree.XMLSyntaxError) -> str:
    """Say what is wrong and where, without what only a programmer could do about it."""
    first = next(iter(parser.feed_error_log), None)
    text = f"{first.message}, line {first.line}, column {first.column}" if first is not None else str(error.msg)
    return xml_records.plain_message(text)


def _check(root: etree._Element) -> None:
    """Refuse what is no finding aid, and entities that could grow."""
    namespace = etree.QName(root).namespace
    if local(root) == "ead" and namespace not in NAMESPACES:
        raise BrokenFile(f"not a finding aid: ead in the namespace {namespace}")
    declared = root.getroottree().docinfo.internalDTD
    for entity in declared.entities() if declared is not None else ():  # type: ignore[attr-defined]
        content = entity.content or ""
        if len(content) > LONGEST_ENTITY or "&" in content or "<" in content:
            raise BrokenFile(f"the entity {entity.name!r} is made of entities, markup or a long text: it is not read")


def _weight(root: etree._Element) -> int:
    """Return about how many bytes a tree takes."""
    return sum(
        100 + len(each.text or "") + len(each.tail or "") + sum(len(value) for value in each.attrib.values())
        for each in root.iter(etree.Element)
    )
