"""Finding aids as canonical records: a level of description in EAD 2002 or EAD3 (crosswalk, section 3.4).

Where XML comes from and which levels become records is not known here: a level (``archdesc``, ``c``, ``c01`` to
``c12``) is read by itself, with what the levels above it say (:class:`Level`). What a level does not say of its
repository, creator, languages, access, use, citation and place is what the nearest one above it says; nothing else is
inherited. Both editions are read by the local names of their elements, in any namespace.

What is marked ``audience="internal"`` is not read. What has no place in a record is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.entities import html5
from typing import Any, TypeVar

import langcodes
from lxml import etree

from metadata_formats import edtf_dates
from metadata_formats.marc21_read import plain
from metadata_formats.reading import Left, NotReadable, ReadDate, Reading, attributes_of, edtf_only
from metadata_formats.record import check_uri
from metadata_formats.vocabularies import AUTHORITY_URIS, RELATORS, language
from metadata_formats.xml import collapse
from metadata_formats.xml import uri as xml_uri

NAMESPACES = frozenset({None, "urn:isbn:1-931666-22-9", "http://ead3.archivists.org/schema/"})
"""None is EAD as its document type definition has it."""
COMPONENTS = frozenset({"c", *(f"c{number:02}" for number in range(1, 13))})
LONGEST = 200
"""Characters of a value that is not carried over, as it is named."""

T = TypeVar("T")
_BREAK = "\f"  # between paragraphs: XML has no such character
_XML = "{http://www.w3.org/XML/1998/namespace}"


def local(element: etree._Element) -> str:
    """Return the name of an element without its namespace; nothing for what is no element."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def is_internal(element: etree._Element) -> bool:
    """Tell whether an element is not for the public."""
    return element.get("audience") == "internal"


@dataclass(frozen=True)
class Header:
    """What a finding aid says of itself: its identifier, who keeps it up, its address, and how it is written."""

    eadid: str = ""
    agency: str = ""
    url: str | None = None
    deleted: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)
    """``record`` of all its records."""


@dataclass(frozen=True)
class Level:
    """What a level says to those below it: the nearest word on each inherited matter, and the way down to it.

    ``title`` is that of the level, or of the nearest above it that has one; ``unitids`` has one for each component
    that has one. ``top`` is the archdesc, as a record names it that is a part of it.
    """

    title: str = ""
    unitids: tuple[str, ...] = ()
    said: Mapping[str, list[Any]] = field(default_factory=dict)
    containers: Mapping[str, str] = field(default_factory=dict)
    hierarchy: tuple[Mapping[str, str], ...] = ()
    top: Mapping[str, Any] = field(default_factory=dict)


def header(element: etree._Element) -> Header:
    """Return what an ``eadheader`` (EAD 2002) or a ``control`` (EAD3) says."""
    eadid = _first(element, "eadid", "recordid")
    attributes = {} if eadid is None else attributes_of(eadid)
    agency = collapse(attributes.get("mainagencycode")) or words(_first(element, "agencycode"))
    text = words(eadid) or collapse(attributes.get("identifier"))
    given = (attributes.get("url"), attributes.get("instanceurl"), text)
    status = _first(element, "maintenancestatus")
    return Header(
        eadid=text,
        agency=agency,
        url=next(filter(None, map(_web_address, given)), None),
        deleted=status is not None and (status.get("value") or "").startswith(("deleted", "cancelled")),
        info=_info(element, agency),
    )


def _info(element: etree._Element, agency: str) -> dict[str, Any]:
    info: dict[str, Any] = {"source": agency, "identifier_source": agency}
    spoken = _first(element, "langusage", "languagedeclaration")
    code = None if spoken is None else next((one.get("langcode") for one in _all(spoken, "language")), None)
    if code and (known := language(collapse(code))).scheme:
        info["language"], info["description_lang"] = known.code, _tag(code)
    standard = _first(element, "descrules", "conventiondeclaration")
    info["standard"] = words(_first(standard, "abbr", "citation") if standard is not None else None) or words(standard)
    made = _first(element, "creation")
    info["created"] = _day(_first(made, "date") if made is not None else None)
    changes = [_day(_first(one, "date")) for one in _all(element, "change")]
    for event in _all(element, "maintenanceevent"):
        kind, day = _first(event, "eventtype"), _day(_first(event, "eventdatetime"))
        if kind is not None and kind.get("value") in ("created", "derived"):
            info["created"] = info["created"] or day
        else:
            changes.append(day)
    info["changed"] = max(filter(None, changes), default=None)
    return {key: value for key, value in info.items() if value}


def _day(element: etree._Element | None) -> str | None:
    """Return the day, month or year that a date states for machines."""
    if element is None:
        return None
    given = _iso(element.get("normal") or element.get("standarddatetime") or words(element))[:10]
    return given if re.fullmatch(r"\d{4}(?:-\d\d){0,2}", given) and edtf_dates.is_valid(given) else None


def level_of(element: etree._Element) -> str:
    """Return which level of description this is, in lower case; nothing where a component does not say it."""
    named = collapse(element.get("level")).lower()
    other = collapse(element.get("otherlevel")).lower()
    return other or named if named in ("", "otherlevel") else named


def unitid(element: etree._Element) -> str:
    """Return the first identifier of a level of description; nothing where there is none."""
    did = next((child for child in element if local(child) == "did"), None)
    units = () if did is None else (child for child in did if local(child) == "unitid" and not is_internal(child))
    return next(filter(None, map(words, units)), "")


def level(
    element: etree._Element, above: Level | None, until: etree._Element, read_date: ReadDate = edtf_only
) -> Level:
    """Return what a level says to those below it, of what stands before the first of these (``until``).

    Raises:
        NotReadable: it is nested too deeply.
    """
    return _guarded(lambda: _Reading(element, above, read_date, until).level())


def read(element: etree._Element, above: Level | None, id_: str, made_by: Header, read_date: ReadDate) -> Reading:
    """Return a level of description as the record with this identifier, and what it leaves out.

    Components in it are passed over: they are levels of their own.

    Raises:
        NotReadable: it is nested too deeply, or nothing in it or above it gives it a title.
    """
    return _guarded(lambda: _Reading(element, above, read_date).result(id_, made_by))


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except RecursionError as error:
        raise NotReadable("nested too deeply to be a finding aid") from error


# Text.


def words(element: etree._Element | None) -> str:
    """Return the text of an element in one line."""
    return "" if element is None or is_internal(element) else collapse(" ".join(paragraphs(element)))


def paragraphs(element: etree._Element, *, headed: bool = False) -> list[str]:
    """Return the text of an element, a paragraph each; its own heading is left out unless it is ``headed``.

    Lists, chronologies and tables become sentences, divided by semicolons; an address that is linked and not written
    out follows in parentheses.
    """
    parts = [element.text or ""]
    for child in element:
        if headed or not (local(child) == "head" and child.getprevious() is None):
            parts.append(_flat(child))
        parts.append(child.tail or "")
    return [text for each in "".join(parts).split(_BREAK) if (text := _spaced(collapse(each)))]


def _spaced(text: str) -> str:
    """Take off the space that indentation leaves before a mark; ISBD wants it before colons and semicolons."""
    return re.sub(r" ([,.)])(?= |$)", r"\1", text)


def _flat(element: etree._Element) -> str:
    """Return an element inside a text; paragraphs have an empty line around them."""
    name = local(element)
    if not name:  # an entity
        return _character(element)
    if is_internal(element):
        return ""
    if name in _LISTS:
        heading = words(next((child for child in element if local(child) == "head"), None)).rstrip(":")
        return f"{_BREAK}{heading}{': ' if heading else ''}{_sentence(_LISTS[name](element))}{_BREAK}"
    if name in ("lb", "colspec", "listhead"):
        return " "
    inside = _BREAK.join(paragraphs(element, headed=True)) if name in _BLOCKS else _inline(element)
    if name == "head":
        inside = inside.rstrip(" \t\r\n:")
        return f"{_BREAK}{inside}{'' if inside.endswith(('.', '?', '!')) else ':'} " if inside else ""
    if name in ("addressline", "part"):
        return f"{inside.rstrip(' ,')}, " if _next(element) else inside
    if address := _web_address(_attribute(element, "href")):
        shown = _attribute(element, "show") == "embed" or address.rstrip("/") in inside.replace(" ", "")
        inside = inside if shown else f"{inside} ({address})" if inside.strip() else address
    return f"{_BREAK}{inside}{_BREAK}" if name in _BLOCKS else inside


def _character(element: etree._Element) -> str:
    """Return the character that an entity stands for by its standard name; nothing for any other entity."""
    return html5.get((element.text or "").lstrip("&"), "") if element.tag is etree.Entity else ""


def _inline(element: etree._Element) -> str:
    return (element.text or "") + "".join(_flat(child) + (child.tail or "") for child in element)


def _next(element: etree._Element) -> bool:
    following = element.getnext()
    return following is not None and local(following) == local(element)


def _items(element: etree._Element) -> Iterator[str]:
    for child in element:
        name = local(child)
        if name == "defitem":
            yield ": ".join(filter(None, (words(part).rstrip(":") for part in child)))
        elif name not in ("head", "listhead", "") and not is_internal(child):
            yield words(child)


def _events(element: etree._Element) -> Iterator[str]:
    for item in _all(element, "chronitem"):
        dates = [words(one) for one in item if local(one) in _CHRONOLOGY_DATES]
        told = [words(one) for one in _public(item) if local(one) in ("event", "geogname") and _told(one)]
        yield ": ".join(filter(None, (", ".join(dates).rstrip(":"), ", ".join(each.rstrip(" ,;") for each in told))))


def _told(element: etree._Element) -> bool:
    """Tell whether an event stands by itself, or a place beside the events that it is of."""
    parent = element.getparent()
    return parent is not None and local(parent) in ("chronitem", "eventgrp", "chronitemset")


def _rows(element: etree._Element) -> Iterator[str]:
    for row in _all(element, "row"):
        yield ", ".join(filter(None, (words(cell).rstrip(" ,") for cell in row)))


def _sentence(items: Iterable[str]) -> str:
    text = ""
    for item in filter(None, (each.rstrip(" ;,") for each in items)):
        text += ("" if not text else " " if text.endswith((".", "?", "!")) else "; ") + item
    return text


_LISTS: dict[str, Callable[[etree._Element], Iterator[str]]] = {
    "list": _items, "chronlist": _events, "table": _rows, "simple": _items,
}  # fmt: skip
_CHRONOLOGY_DATES = frozenset({"date", "datesingle", "daterange", "dateset"})
_BLOCKS = frozenset(
    {"p", "blockquote", "note", "footnote", "address", "bioghist", "scopecontent", "arrangement", "accessrestrict"}
    | {"userestrict", "acqinfo", "custodhist", "processinfo", "appraisal", "accruals", "altformavail", "originalsloc"}
    | {"relatedmaterial", "separatedmaterial", "otherfindaid", "odd", "bibliography", "phystech", "prefercite"}
    | {"fileplan", "legalstatus", "descgrp"}
)


# Elements.


def _public(element: etree._Element) -> Iterator[etree._Element]:
    """Yield an element and all in it, but for what is internal and what is in that."""
    if not is_internal(element):
        yield element
        for child in element:
            yield from _public(child)


def _all(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (one for one in _public(element) if local(one) == name)


def _first(element: etree._Element, *names: str) -> etree._Element | None:
    return next((one for one in _public(element) if local(one) in names), None)


def _attribute(element: etree._Element, name: str) -> str:
    """Return an attribute by its local name: links are XLink in EAD 2002 and nothing in particular elsewhere."""
    found = element.get(name) or element.get(f"{{http://www.w3.org/1999/xlink}}{name}")
    return collapse(found)


def _web_address(text: str | None) -> str | None:
    """Return text as an address on the web, or None where it is none."""
    address = xml_uri(text) if text and re.match(r"https?://\S+$", collapse(text)) else None
    return _address(address)


def _address(text: str | None) -> str | None:
    try:
        check_uri("address", text)
    except ValueError:
        return None
    return text


def _tag(code: str | None) -> str | None:
    """Return a language code as a BCP 47 tag."""
    try:
        made = langcodes.Language.get(collapse(code))
        return made.to_tag() if code and made.language else None
    except ValueError:
        return None


def _lang(element: etree._Element) -> str | None:
    return _tag(element.get(_XML + "lang") or element.get("lang"))


def _iso(text: str) -> str:
    """Return the days of ISO 8601's basic form, as EAD writes them too, in its extended form."""
    days = re.sub(r"(?<!\d)(\d{4})(\d\d)(\d\d)(?!\d)", r"\1-\2-\3", collapse(text))
    return re.sub(r"(?<!\d)(\d{4})(0[1-9]|1[0-2])(?!\d)", r"\1-\2", days).replace(" ", "")


def _coded(text: str | None, certainty: str | None = None) -> str | None:
    """Return a date that is stated for machines as EDTF; None where it is none."""
    found = re.sub(r"/9999(?:-12-31)?$", "/..", _iso(text or ""))
    first, slash, last = found.partition("/")
    found = first if slash and first == last else found
    if re.search("circa|approx|about|^ca", (certainty or "").lower()) and re.fullmatch(r"[\d/-]+", found):
        found = "/".join(f"{end}~" for end in found.split("/"))
    return found if edtf_dates.is_valid(found) else None


_UNDATED = re.compile(r"[\W_]*(?:undated|no date|n\. ?d\.|s\. ?d\.|unknown)[\W_]*", re.IGNORECASE)
_AND_UNDATED = re.compile(r"[\s,;]*(?:\band\b|&)?[\s,;]*\bundated\b", re.IGNORECASE)
_AFTER_TITLE = re.compile(r"(?:[\s,;:.()\[\]–-]|\band\b|\bundated\b|\bbulk\b)*", re.IGNORECASE)
_BRACKETED = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")


def _as_date(text: str) -> str:
    """Return a date as written, without what is said beside it; nothing for what is too long to be one."""
    if len(text) > LONGEST:
        return ""
    dated = re.sub(r"^bulk\b[\s:,]*", "", _AND_UNDATED.sub("", text).rstrip(" ,;."), flags=re.IGNORECASE)
    return re.sub(r"\s+and$", "", dated)


def _unbracketed(text: str) -> str:
    match = _BRACKETED.fullmatch(text)
    return collapse(match[1] or match[2]) if match else text


# Names and terms.

_TYPES = {
    "persname": "person", "corpname": "organization", "famname": "family", "geogname": "place", "title": "title",
    "occupation": "occupation", "function": "topic", "subject": "topic", "name": "topic",
}  # fmt: skip
_AGENTS = frozenset({"persname", "corpname", "famname", "name"})
_RELATOR_CODES = {term: code for code, term in RELATORS.items()} | {"creator": "cre"}
_NO_SCHEME = frozenset({"", "ingest", "unspecified", "unknown", "prov"})


def _plain(text: str) -> str:
    """Return a name or a title without its closing punctuation; what is too long to be one is left as it is."""
    return plain(text) if len(text) < 10 * LONGEST else text


def _name(element: etree._Element) -> str:
    """Return a name or term; the steps of a subject in EAD3 are its parts."""
    parts = [_plain(words(part)) for part in element if local(part) == "part" and not is_internal(part)]
    divider = ", " if local(element) in _AGENTS or local(element) == "title" else "--"
    return divider.join(filter(None, parts)) or _plain(words(element))


def _role(text: str | None) -> str | None:
    """Return the relator code that a role is, as its code, its term, its address, or its term with its code."""
    given = collapse(text).lower().rstrip(".")
    code = re.search(r"(?:^|[/(])([a-z]{3})\)?$", given)
    return code[1] if code and code[1] in RELATORS else _RELATOR_CODES.get(given)


def _authority(element: etree._Element) -> tuple[str | None, str | None, str | None]:
    """Return the vocabulary and the address of a name or term, and a number that no address can be made of."""
    scheme = collapse(element.get("source")).lower()
    scheme = "" if scheme in _NO_SCHEME else scheme
    number = collapse(element.get("authfilenumber") or element.get("identifier"))
    address = xml_uri(number) if ":" in number and " " not in number else None
    base = AUTHORITY_URIS.get(scheme, "")
    # The numbers of the Library of Congress begin with letters, and mean nothing without them.
    letters = "{1,3}" if base.startswith("http://id.loc.gov/") else "{0,3}"
    if address is None and base and re.fullmatch(rf"[A-Za-z]{letters} ?[\dXx-]+", number):
        address = f"{base.rstrip('/')}/{number.replace(' ', '')}"
    address = _address(address)
    return scheme or None, address, number if number and address is None else None


# Files on the web.

_MIMES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "tif": "image/tiff",
    "tiff": "image/tiff", "jp2": "image/jp2", "webp": "image/webp", "pdf": "application/pdf", "mp3": "audio/mpeg",
    "wav": "audio/x-wav", "mp4": "video/mp4", "mov": "video/quicktime", "mpg": "video/mpeg", "txt": "text/plain",
}  # fmt: skip
_SAID = [
    ("thumbnail", re.compile(r"thumb|preview|\bicon")),
    ("iiif_manifest", re.compile(r"manifest")),
    ("transcript", re.compile(r"transcript|full-?text|\bocr\b")),
    ("landing", re.compile(r"landing|viewer|web ?page")),
    ("object", re.compile(r"image|audio|video|master|service|reference|access|object|file|pdf")),
]


def _media_role(said: str, url: str, mime: str | None, show: str) -> str:
    """Return what a file is: as its role says, else by its ending; what says neither is a page."""
    for role, pattern in _SAID:
        # "reference image" and the like say only that it is a file, and an address without an ending may be a page.
        if pattern.search(said) and (role != "object" or mime or show == "embed"):
            return role
    if re.search(r"/manifest(?:\.json)?$", url.partition("?")[0]):
        return "iiif_manifest"
    return "object" if mime else "landing"


_NOTES = {
    "bioghist": "biographical/historical", "custodhist": "ownership", "acqinfo": "acquisition",
    "processinfo": "action", "appraisal": "action", "arrangement": "arrangement", "fileplan": "arrangement",
    "altformavail": "additional physical form", "originalsloc": "original location",
    "relatedmaterial": "related material", "separatedmaterial": "separated material", "bibliography": "bibliography",
    "otherfindaid": "other finding aid", "phystech": "system details", "accruals": "accrual method",
    "odd": None, "note": None, "didnote": None,
}  # fmt: skip
INHERITED = frozenset({"accessrestrict", "legalstatus", "userestrict", "prefercite"})
"""Elements of words that hold for all components below; what else they inherit stands in the did."""
_WRAPPERS = frozenset({"descgrp", "physdescset", "daogrp", "daoset", "controlaccess"})
_SILENT = frozenset({"head", "thead", "dsc", "dscgrp", "runner", *COMPONENTS})
_ISIL = re.compile(r"[A-Za-z]{1,4}-[A-Za-z0-9:/-]{1,11}")
_AGGREGATES = frozenset({"collection", "fonds", "subfonds", "series", "subseries", "recordgrp", "subgrp", "class"})


class _Reading:
    """One level being read: ``record`` grows, ``said`` is for this level and those below, ``left`` has no place."""

    def __init__(
        self, element: etree._Element, above: Level | None, read_date: ReadDate, until: etree._Element | None = None
    ) -> None:
        self.element, self.above, self.read_date = element, above or Level(), read_date
        self.is_top = above is None
        self.record: dict[str, Any] = {}
        self.said: dict[str, list[Any]] = {}
        self.left: dict[tuple[str, str], Left] = {}
        self.titles: list[tuple[str, str | None]] = []
        self.units: list[dict[str, Any]] = []
        self.containers: dict[str, str] = {}
        self.written: list[str] = []  # the dates, as written
        self.contents: list[dict[str, Any]] = []
        self.met: set[tuple[str, str]] = set()
        self._children(self._before(until), "")

    def _before(self, until: etree._Element | None) -> Iterator[etree._Element]:
        inner = set() if until is None else {until, *until.iterancestors()}
        for child in self.element:
            if child in inner:
                return
            yield child

    def _children(self, children: Iterable[etree._Element], path: str) -> None:
        for child in children:
            name = local(child)
            if name in _SILENT or not name:
                continue
            if is_internal(child):
                self.lose("internal, left out", path + name, name)
                continue
            if name == "controlaccess" or name not in ("did", *_WRAPPERS):
                for entity in child.iter(etree.Entity):
                    if not _character(entity):
                        self.lose("entity left out", path + name, str(entity.text))
            if name == "did":
                self._children(child, "did/")
            elif name in _WRAPPERS:
                self._wrapped(child, name, path)
            elif handler := _HANDLERS.get(name):
                handler(self, child)
            elif name in _NOTES:
                self._note(child, _NOTES[name])
            elif name in INHERITED:
                self.say(name, "\n\n".join(paragraphs(child)))
            else:
                self.lose("element not carried", path + name, words(child))

    def _wrapped(self, element: etree._Element, name: str, path: str) -> None:
        if name == "controlaccess":
            self._terms(element)
            return
        shared = words(next((one for one in element if local(one) in ("daodesc", "descriptivenote")), None))
        for child in element:
            if local(child) in ("daoloc", "dao") and not is_internal(child):
                self._file(child, shared)
        rest = (one for one in element if local(one) not in ("daoloc", "dao", "daodesc", "descriptivenote", "resource"))
        self._children(rest, f"{path}{name}/" if name != "descgrp" else path)

    def lose(self, kind: str, path: str, value: str) -> None:
        """Name what is not carried over, of each kind and place in the level the first."""
        if collapse(value):
            self.left.setdefault((kind, path), Left(kind, path, collapse(value)[:LONGEST]))

    def add(self, key: str, value: dict[str, Any] | str) -> None:
        """Add an entry to a list of the record, without what is empty in it, and not twice."""
        if isinstance(value, dict):
            value = {name: item for name, item in value.items() if item not in (None, "", [], False)}
        if value and self._is_new(key, value):
            self.record.setdefault(key, []).append(value)

    def say(self, name: str, value: Any) -> None:
        if value and self._is_new(f"{name} said", value):
            self.said.setdefault(name, []).append(value)

    def _is_new(self, place: str, value: Any) -> bool:
        """Tell whether a value was not in a place before, and remember it: lists of names run to thousands."""
        mark = (place, repr(value))
        found = mark not in self.met
        self.met.add(mark)
        return found

    # What it is called, and when it was made.

    def _title(self, element: etree._Element) -> None:
        """Take a title; dates at its end are dates and no part of it, unless something follows them."""
        text = [element.text or ""]
        inner = [child for child in element if local(child)]
        ends = _dates_from(element)
        for child in element:
            if ends is not None and child is ends:
                break
            text.append(_flat(child) + (child.tail or ""))
        for child in inner:
            if _is_date(child):
                self._date(child)
        title = _spaced(collapse("".join(text)))
        if ends is not None:
            title = title.rstrip(" ,;:([–-")
        dated = _as_date(title)
        if not re.search(r"[^\W\d_]", dated) and (edtf := self.read_date(dated)):
            self._dated(element, title, edtf)  # a date is no title, whatever it is coded as
        else:
            self.titles.append((_plain(title), _lang(element)))

    def _date(self, element: etree._Element) -> None:
        if is_internal(element):
            return
        text = _unbracketed(words(element).strip(" ,;"))
        edtf = _coded(element.get("normal"), element.get("certainty"))
        if element.get("normal") and edtf is None:
            self.lose("date not read", f"did/{local(element)}@normal", element.get("normal") or "")
        self._dated(element, text, edtf)

    def _dated(self, element: etree._Element, text: str, edtf: str | None) -> None:
        if text:
            self.written.append(text)
        if not edtf and (not text or _UNDATED.fullmatch(text)):
            return
        bulk = (element.get("type") or element.get("unitdatetype")) == "bulk"
        if not edtf:
            edtf = self.read_date(_as_date(text))
            if edtf is None:
                self.lose("date not read", f"did/{local(element)}", text)
        said = collapse(element.get("datechar")).lower()
        self.add("dates", {
            "type": _DATE_TYPES.get(said, "created"),
            "edtf": edtf,
            "text": text if text != edtf else None,
            "label": collapse(element.get("label")) or said or ("bulk" if bulk else None),
            "bulk": bulk,
        })  # fmt: skip

    def _structured(self, element: etree._Element) -> None:
        """Take the dates that EAD3 writes for machines."""
        certainty = element.get("certainty")
        for each in _public(element):
            if local(each) == "datesingle":
                self._dated(element, words(each), _coded(each.get("standarddate"), certainty) or _between(each))
            elif local(each) == "daterange":
                start, end = _first(each, "fromdate"), _first(each, "todate")
                written = "–".join(filter(None, (words(start), words(end))))
                ends = [(one.get("standarddate") or "") if one is not None else "" for one in (start, end)]
                known = _coded("/".join(end or ".." for end in ends), certainty) if any(ends) else None
                self._dated(element, written, known)

    # What it is, how much, and where.

    def _unitid(self, element: etree._Element) -> None:
        if value := words(element):
            label = collapse(element.get("label") or element.get("type") or element.get("localtype"))
            self.units.append({"value": value, "type": "local", "label": label})
        code = collapse(element.get("repositorycode"))
        country = collapse(element.get("countrycode")).upper()
        code = code if "-" in code or not country or not code else f"{country}-{code}"
        if _ISIL.fullmatch(code):
            self.said.setdefault("isil", [code])

    def _container(self, element: etree._Element) -> None:
        value = words(element)
        kind = collapse(element.get("type") or element.get("localtype")).replace("_", " ")
        named = not kind or value.lower().startswith(kind.lower())
        if value:
            name = value if named else f"{kind.capitalize()} {value}"
            known = self.containers.get(kind.lower())
            self.containers[kind.lower()] = f"{known}, {name}" if known else name

    def _place(self, element: etree._Element) -> None:
        self.say("physloc", words(element))

    def _repository(self, element: etree._Element) -> None:
        kept: dict[str, str | None] = {}
        name = next((one for one in _public(element) if local(one) in _AGENTS), element)
        areas = [words(one).rstrip(" ,.") for one in _all(element, "subarea")]
        lines = [words(one).rstrip(" ,") for one in _all(element, "addressline")]
        kept["sublocation"] = ", ".join(filter(None, areas))
        kept["place"] = ", ".join(line for line in lines if line and not _CONTACT.search(line))
        kept["repository"] = _without(name, {"subarea", "address"}).rstrip(" ,;")
        kept["repository_uri"] = _authority(name)[1]
        if kept["repository"]:
            self.said["repository"] = [{key: value for key, value in kept.items() if value}]

    def _extent(self, element: etree._Element) -> None:
        """Take a physical description: part by part where it has nothing but parts, else as it is written."""
        parts = [child for child in element if local(child) and not is_internal(child)]
        between = (element.text or "") + "".join(child.tail or "" for child in element)
        if not parts or re.search(r"\w", between):
            self._extend("extent", _unbracketed(words(element)))
            return
        for child in parts:
            name, text = local(child), _unbracketed(words(child))
            if name in ("extent", "dimensions"):
                unit = collapse(child.get("unit"))
                self._extend("extent", f"{text} {unit}" if unit and unit.lower() not in text.lower() else text)
            elif name == "physfacet":
                self._extend("notes", text)
            elif name == "genreform":
                self._extend("form", self._term(child))
            elif name not in ("head", "lb"):
                self._extend("extent", text)

    def _structured_extent(self, element: etree._Element) -> None:
        text = " ".join(words(_first(element, name)) for name in ("quantity", "unittype"))
        self._extend("extent", collapse(text))
        for child in element:
            name = local(child)
            if name in ("dimensions", "physfacet", "descriptivenote"):
                self._extend("extent" if name == "dimensions" else "notes", words(child))

    def _extend(self, name: str, value: Any) -> None:
        if value and self._is_new(name, value):
            self.record.setdefault("physical", {}).setdefault(name, []).append(value)

    def _material(self, element: etree._Element) -> None:
        self._extend("notes", words(element))

    def _languages(self, element: etree._Element) -> None:
        """Take the codes of languages; words count only where there is no code."""
        said = []
        for each in _all(element, "language"):
            code = collapse(each.get("langcode"))
            if code and (known := language(code)).scheme:
                script = _script(each)
                said.append({"code": known.code, **({"script": script} if script else {})})
            elif code:
                self.lose("language not read", "did/langmaterial", code)
        for spoken in said:
            self.say("languages", spoken)
        if not said:
            self.say("language note", words(element))

    # Who and what about.

    def _origination(self, element: etree._Element) -> None:
        label = _role(element.get("label"))
        names = [one for one in element if local(one) in _AGENTS and not is_internal(one)]
        for each in names or [element]:
            self.say("agents", self._agent(each, label or "cre"))

    def _agent(self, element: etree._Element, role: str | None) -> dict[str, Any]:
        """Return who it is; without a role of its own, one has those that follow the name, else the given one."""
        name, named = _name(element), _role(element.get("role") or element.get("relator"))
        roles = [named] if named else []
        while (
            not named
            and len(name) < LONGEST
            and (match := _NAME_AND_ROLE.fullmatch(name))
            and (found := _RELATOR_CODES.get(match[2]))
        ):
            name = match[1].rstrip(" ,")
            roles.insert(0, found)
        scheme, uri, number = _authority(element)
        kind = _TYPES[local(element)] if local(element) in _AGENTS - {"name"} else None
        made = {
            "name": name, "type": kind, "scheme": scheme, "uri": uri,
            "identifiers": [{"value": number, "type": scheme or "local"}] if number else None,
            "roles": roles or ([role] if role else None),
        }  # fmt: skip
        return {key: value for key, value in made.items() if value} if name else {}

    def _terms(self, element: etree._Element) -> None:
        for child in element:
            name = local(child)
            if name == "controlaccess" and not is_internal(child):
                self._terms(child)
            elif name in _TYPES or name == "genreform":
                if not is_internal(child):
                    self._access_point(child, name)
            elif name not in ("head", "note", "p", "address", "list", "blockquote", "table", "chronlist", ""):
                self.lose("element not carried", f"controlaccess/{name}", words(child))

    def _access_point(self, element: etree._Element, name: str) -> None:
        """Take a term: what its MARC tag says is an added entry is who had a part in it, all else what it is about."""
        tag = (element.get("encodinganalog") or "")[:1]
        if name in _AGENTS and (tag in ("1", "7") or (element.get("role") and _role(element.get("role")))):
            if tag == "7" and _NAME_AND_TITLE.match(_name(element)):
                self.add("relations", {"type": "related", "title": _name(element)})
            else:
                self.add("agents", self._agent(element, None))
        elif name == "title" and tag in ("2", "7"):
            if tag == "2":
                self.add("alternatives", {"value": _name(element), "type": "alternative"})
            else:
                self.add("relations", {"type": "related", "title": _name(element)})
        elif name == "genreform":
            self.add("genres", self._term(element))
        else:
            self._subject(element, name)

    def _term(self, element: etree._Element) -> dict[str, Any]:
        scheme, uri, number = _authority(element)
        self.lose("authority number not carried", local(element), number or "")
        made = {"label": _name(element), "scheme": scheme, "uri": uri, "lang": _lang(element)}
        return {key: value for key, value in made.items() if value} if made["label"] else {}

    def _subject(self, element: etree._Element, name: str) -> None:
        """Take a subject; of the steps of a heading only the first is known for what it is."""
        term = self._term(element)
        label = str(term.get("label", ""))
        if not label:
            return
        kind = _TYPES[name]
        first, *more = (step.strip() for step in label.split("--"))
        if more and kind != "topic" and first:
            del term["label"]
            steps = [{"type": "topic", "label": _plain(step)} for step in more if step]
            term["parts"] = [{"type": kind, "label": first}, *steps]
        self.add("subjects", {"type": kind, **term})

    # Words about it, files of it, and what belongs with it.

    def _note(self, element: etree._Element, kind: str | None) -> None:
        if text := "\n\n".join(paragraphs(element)):
            self.add("notes", {"value": text, "type": kind, "lang": _lang(element)})

    def _abstract(self, element: etree._Element) -> None:
        if text := "\n\n".join(paragraphs(element)):
            lang = _lang(element)
            self.add("abstracts", {"value": text, "lang": lang} if lang else text)

    def _contents(self, element: etree._Element) -> None:
        if text := "\n\n".join(paragraphs(element)):
            lang = _lang(element)
            self.contents.append({"value": text, **({"lang": lang} if lang else {})})

    def _dao(self, element: etree._Element) -> None:
        self._file(element, "")

    def _file(self, element: etree._Element, shared: str) -> None:
        href = _attribute(element, "href")
        url = _web_address(href)
        if url is None:
            missing = href or collapse(element.get("entityref")) or collapse(element.get("identifier"))
            self.lose("not an address on the web", local(element), missing or "no href")
            return
        names = ("role", "localtype", "linkrole")
        said = " ".join(_attribute(element, name) for name in names).lower()
        mime = next(
            (word for word in said.split() if re.fullmatch(r"(?:image|audio|video|text|application)/\S+", word)), None
        )
        mime = mime or _MIMES.get(url.partition("?")[0].rpartition("/")[2].rpartition(".")[2].lower())
        label = _attribute(element, "title") or _attribute(element, "linktitle")
        described = next((one for one in element if local(one) in ("daodesc", "descriptivenote")), None)
        role = _media_role(said, url, mime, _attribute(element, "show"))
        self.add("media", {"role": role, "url": url, "mime": mime, "label": label or words(described) or shared})

    def _relations(self, element: etree._Element) -> None:
        """Take the relations of EAD3."""
        for each in _all(element, "relation"):
            title = words(_first(each, "relationentry"))
            uri = _web_address(_attribute(each, "href"))
            note = words(_first(each, "descriptivenote"))
            if title or uri:
                made = {"type": "related", "title": title, "uri": uri, "note": note}
                self.add("relations", {key: value for key, value in made.items() if value})

    # The whole.

    def _named(self) -> tuple[str, bool]:
        """Return the title, and whether it is that of a level above, with what tells this one from its neighbours."""
        if own := next((title for title, _ in self.titles if title), ""):
            return own, False
        mark = (
            ", ".join(self.written)
            or ", ".join(self.containers.values())
            or next((one["value"] for one in self.units), "")
        )
        return ", ".join(filter(None, (self.above.title.rstrip("."), mark))), bool(self.above.title)

    def level(self) -> Level:
        title, _ = self._named()
        own = next((text for text, _ in self.titles if text), "") or ", ".join(self.written)
        number = next((one["value"] for one in self.units), "")
        name = level_of(self.element) or ("collection" if self.is_top else "component")
        given = {"label": name.capitalize() if number else "", "id": number, "title": own}
        step = {"level": name} | {key: value for key, value in given.items() if value}
        top = {"type": "host", "title": title, "identifiers": [{"value": number}] if number else None}
        return Level(
            title=title,
            unitids=() if self.is_top else (*self.above.unitids, *([number] if number else ())),
            said={**self.above.said, **self._own_said()},
            containers={kind: name for kind, name in self._boxes().items() if _ONE_BOX.fullmatch(name)},
            hierarchy=(*self.above.hierarchy, *([step] if len(step) > 1 else ())),
            top=self.above.top or {key: value for key, value in top.items() if value},
        )

    def _boxes(self) -> dict[str, str]:
        """Return what it lies in, outermost first: a level that says its folder lies in the box of the one above."""
        own = {word for kind in self.containers for word in re.findall(r"\w+", kind)}
        above = self.above.containers.items()
        return {kind: name for kind, name in above if not own & set(re.findall(r"\w+", kind))} | self.containers

    def _own_said(self) -> dict[str, list[Any]]:
        """Return what this level says of inherited matters; codes and words about languages are one matter."""
        said = {key: value for key, value in self.said.items() if value}
        if "languages" in said or "language note" in said:
            said = {"languages": [], "language note": []} | said
        return said

    def result(self, id_: str, made_by: Header) -> Reading:
        said = {**self.above.said, **self._own_said()}
        title, supplied = self._named()
        if not title:
            raise NotReadable("nothing in it or above it gives it a title")
        main = {"value": title, "supplied": supplied, "lang": next((lang for text, lang in self.titles if text), None)}
        titles = [{key: value for key, value in main.items() if value}]
        titles += [{"value": text, "type": "alternative"} for text, _ in self.titles if text and text != title]
        self.record = {"id": id_, "titles": titles + self.record.pop("alternatives", []), **self.record}
        self.record["agents"] = _united([*said.get("agents", []), *self.record.get("agents", [])])
        self._kind()
        self._content(said)
        self._access(said)
        self._kept(said)
        self._key_date()
        if self.above.top:
            self.record["relations"] = [dict(self.above.top), *self.record.get("relations", [])]
        if made_by.info:
            self.record["record"] = dict(made_by.info)
        self._identified(made_by)
        return Reading(self.record, list(self.left.values()))

    def _kind(self) -> None:
        if self.is_top or level_of(self.element) in _AGGREGATES:
            self.record["collection"] = True
            self.record["resource_type"] = "mixed material"

    def _content(self, said: Mapping[str, list[Any]]) -> None:
        """Take the scope and content: it is the abstract where there is none, else a note."""
        if self.contents and not self.record.get("abstracts"):
            first, *self.contents = self.contents
            self.add("abstracts", first if "lang" in first else first["value"])
        for each in self.contents:
            self.add("notes", {**each, "type": "content"})
        for text in said.get("language note", []):
            self.add("notes", {"value": text, "type": "language"})
        for text in said.get("prefercite", []):
            self.add("notes", {"value": text, "type": "preferred citation"})
        if spoken := said.get("languages"):
            self.record["languages"] = [dict(one) for one in spoken]

    def _access(self, said: Mapping[str, list[Any]]) -> None:
        rights = {
            "access_note": "\n\n".join([*said.get("accessrestrict", []), *said.get("legalstatus", [])]),
            "statement": "\n\n".join(said.get("userestrict", [])),
        }
        if any(rights.values()):
            self.record["rights"] = {key: value for key, value in rights.items() if value}

    def _kept(self, said: Mapping[str, list[Any]]) -> None:
        kept = dict(next(iter(said.get("repository", [])), {}))
        places = [kept.pop("sublocation", ""), *said.get("physloc", [])]
        number = next((one["value"] for one in self.units), "")
        kept |= {
            "isil": next(iter(said.get("isil", [])), None),
            "sublocation": ", ".join(filter(None, places)),
            "shelfmark": ", ".join(filter(None, (number, *self._boxes().values()))),
            "hierarchy": [dict(step) for step in self.above.hierarchy],
        }
        if kept := {key: value for key, value in kept.items() if value}:
            self.record["holding"] = kept

    def _key_date(self) -> None:
        """Mark the date that stands for all: the first that is read, and the span before the bulk."""
        dates = self.record.get("dates", [])
        bulks = [date.pop("bulk", False) for date in dates]
        ranked = sorted(range(len(dates)), key=lambda at: (bulks[at], "edtf" not in dates[at], at))
        if ranked:
            dates[ranked[0]]["key"] = True

    def _identified(self, made_by: Header) -> None:
        for each in self.units:
            self.add("identifiers", each)
        if self.is_top:
            if made_by.eadid:
                kind = "uri" if _web_address(made_by.eadid) else "local"
                self.add("identifiers", {"value": made_by.eadid, "type": kind, "label": "finding aid"})
            if made_by.url and not any(media["role"] == "landing" for media in self.record.get("media", [])):
                self.record["media"] = [{"role": "landing", "url": made_by.url}, *self.record.get("media", [])]


def _united(agents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return agents, each once: who is named twice has the roles of both."""
    found: dict[str, dict[str, Any]] = {}
    for agent in filter(None, agents):
        known = found.setdefault(agent["name"], dict(agent))
        roles = list(dict.fromkeys([*known.get("roles", []), *agent.get("roles", [])]))
        known |= {**agent, **known, **({"roles": roles} if roles else {})}
    return list(found.values())


def _script(spoken: etree._Element) -> str | None:
    """Return the script of a language: its own attribute, or what stands beside it in a set of EAD3."""
    parent = spoken.getparent()
    beside = [one for one in parent if local(one) == "script"] if parent is not None else []
    codes = (collapse(one.get("scriptcode")) for one in (spoken, *beside))
    return next((code for code in codes if re.fullmatch("[A-Z][a-z]{3}", code)), None)


def _is_date(element: etree._Element) -> bool:
    return local(element) == "unitdate"


def _dates_from(title: etree._Element) -> etree._Element | None:
    """Return the first of the dates that a title ends with, or None where it ends with something else."""
    first = None
    for each in reversed(title):
        if not (_is_date(each) or local(each) == "lb") or not _AFTER_TITLE.fullmatch(each.tail or ""):
            break
        first = each if _is_date(each) else first
    return first


def _between(element: etree._Element) -> str | None:
    """Return a date that is only known to lie between two others."""
    ends = [_coded(element.get(name)) or "" for name in ("notbefore", "notafter")]
    found = f"[{ends[0]}..{ends[1]}]"
    return found if any(ends) and edtf_dates.is_valid(found) else None


def _without(element: etree._Element, names: set[str]) -> str:
    """Return the text of an element without some that stand in it."""
    parts = [element.text or ""]
    for child in element:
        parts += ["" if local(child) in names else _flat(child), " ", child.tail or ""]
    return _spaced(collapse("".join(parts)))


_ONE_BOX = re.compile(r"(?:\S+ )?[\w./:]+")  # no range of boxes, and no list of them
_NAME_AND_ROLE = re.compile(r"(.+\S)(?:,\s*|(?<=[).-])\s+)([a-z][a-z ]+)")  # Last, First, performer
_NAME_AND_TITLE = re.compile(r".*(?:\d{4}-?(?:\d{4})?\. \S|\. \d{4}(?:-\d{4})?$)")  # Last, First, 1864-1937. Papers
_CONTACT = re.compile(r"@|https?:|www\.|\b(?:tel|fax|phone|telephone|e-?mail|url|web)\b", re.IGNORECASE)
_DATE_TYPES = {"publication": "issued", "copyright": "copyright", "issued": "issued"}

_HANDLERS: dict[str, Callable[[_Reading, etree._Element], None]] = {
    "unittitle": _Reading._title, "unitdate": _Reading._date, "unitdatestructured": _Reading._structured,
    "unitid": _Reading._unitid, "container": _Reading._container, "physloc": _Reading._place,
    "repository": _Reading._repository, "physdesc": _Reading._extent, "extent": _Reading._extent,
    "physdescstructured": _Reading._structured_extent, "materialspec": _Reading._material,
    "langmaterial": _Reading._languages, "origination": _Reading._origination, "abstract": _Reading._abstract,
    "scopecontent": _Reading._contents, "dao": _Reading._dao, "relations": _Reading._relations,
}  # fmt: skip
