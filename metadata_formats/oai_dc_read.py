"""Simple Dublin Core as canonical records: the other way of ``oai_dc`` (ingest, section 6.2).

It follows the Library of Congress mapping from Dublin Core to MODS, except that the first description is an abstract,
a date is that of issue, and what has a form of its own is taken by its form: DOIs, handles, ISBNs, media types, words
of DCMI, rights URIs, access rights of COAR and of OpenAIRE.

What servers send is taken in any order, with or without the namespace of Dublin Core; elements of other namespaces are
named as left out. Our own rendition, once read, is rendered to the same bytes again, save for values whose form says
something else than what they are of: an extent without a number, a place that is called 1967.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from lxml import etree

from metadata_formats import edtf_dates
from metadata_formats.oai_dc import DOI, RESOLVERS, OaiDc, public_form
from metadata_formats.reading import Left, NotReadable, ReadDate, Reading, address, edtf_only, language_code
from metadata_formats.record import Identifier
from metadata_formats.vocabularies import ACCESS, PUBLISHER_ROLE, RIGHTS_VOCABULARIES
from metadata_formats.xml import LANGUAGE, collapse

LONGEST = 200
"""Characters of a value that is not carried over, as it is named."""

_DC = "http://purl.org/dc/elements/1.1/"
_TERMS = "http://purl.org/dc/terms/"
_NAMESPACES = frozenset({_DC, "http://purl.org/dc/elements/1.0/", OaiDc.namespace, None})
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_TYPES = {
    "text": "text", "image": "still image", "stillimage": "still image", "movingimage": "moving image",
    "sound": "sound recording", "physicalobject": "three dimensional object", "software": "software, multimedia",
    "dataset": "software, multimedia", "interactiveresource": "software, multimedia",
}  # fmt: skip
"""DCMI types in small letters -> types of resource."""
_TOLD_BY_GENRE = frozenset({"dataset", "interactiveresource"})  # the type of resource alone would be software
_DCMI = re.compile(r"(?:https?://purl\.org/dc/dcmitype/|dcmitype:)?([A-Za-z ]+)")

MEDIA_TYPE = re.compile(
    r"(?:application|audio|chemical|font|image|message|model|multipart|text|video)/[\w.+-]+(?: ?;.*)?", re.IGNORECASE
)
_HANDLE = re.compile(r"(?:https?://hdl\.handle\.net/|hdl:\s*)([^\s/:]+/\S+)", re.IGNORECASE)
# Without the word, ten digits in a row are any number: of eleven, one has the check digit of an ISBN.
_ISBN = re.compile(
    r"(?:urn:)?isbn(?:-1[03])?[:\s]*([\dx –-]{10,17})|(97[89][\d-]{10,14}|\d{1,5}-\d{1,7}-\d{1,7}-[\dx])", re.IGNORECASE
)
_ISSN = re.compile(r"(?:(?:urn:)?e?issn[:\s]*)(\d{4}-?\d{3}[\dXx])", re.IGNORECASE)
_URNS = {"urn:isbn:": "isbn", "urn:issn:": "issn"}
_KINDS = {"http://": "uri", "https://": "uri", "urn:": "urn", "ark:": "ark", "info:": "uri"}

ACCESS_WORDS = {word.casefold(): name for name, term in ACCESS.items() for word in term} | {
    "info:eu-repo/semantics/openaccess": "open", "info:eu-repo/semantics/restrictedaccess": "restricted",
    "info:eu-repo/semantics/embargoedaccess": "embargoed", "info:eu-repo/semantics/closedaccess": "metadata_only",
}  # fmt: skip
_EMBARGO = re.compile(r"(?:info:eu-repo/date/embargoEnd/|embargoed until )(\S+)")
_COPYRIGHT = re.compile(r"© (?:(\d{4}) )?(.+)")


class _Value(NamedTuple):
    """One element: its text, and its language where it names one."""

    text: str
    lang: str | None

    def worded(self, key: str = "value") -> dict[str, str]:
        """Return it as text of a record that may have a language."""
        return {key: self.text, "lang": self.lang} if self.lang else {key: self.text}


def read(root: etree._Element, read_date: ReadDate = edtf_only) -> Reading:
    """Return what an ``oai_dc:dc`` says.

    Its ``id`` is its first address, DOI or handle, where it has one.

    Raises:
        NotReadable: it is no ``dc``.
    """
    if etree.QName(root).localname != OaiDc.element:
        raise NotReadable(f"not oai_dc: the element is {root.tag}")
    return _Reading(read_date).result(root)


class _Reading:
    """One description being read: ``record`` grows, ``left`` names what has no place in it."""

    def __init__(self, read_date: ReadDate) -> None:
        self.read_date = read_date
        self.record: dict[str, Any] = {}
        self.left: dict[tuple[str, str], Left] = {}
        self.statements: list[_Value] = []
        self.noted = False
        self.languages: set[tuple[str, ...]] = set()

    def result(self, root: etree._Element) -> Reading:
        """Take each element, equal ones once."""
        seen = set()
        for element in root.iterchildren("*"):
            name = etree.QName(element)
            value = _Value(collapse("".join(map(str, element.itertext()))), _lang(element))
            if not value.text or (name, value) in seen:
                continue
            seen.add((name, value))
            handler = _HANDLERS.get(name.localname) if name.namespace in _NAMESPACES else None
            if handler is None:
                prefix = "dcterms" if name.namespace == _TERMS else element.prefix
                self.lose("element not carried", ":".join(filter(None, (prefix, name.localname))), value.text)
                continue
            handler(self, value)
            if value.lang and name.localname in _WITHOUT_LANGUAGE:
                self.lose("language not carried", f"dc:{name.localname}/@xml:lang", value.lang)
        self._rights_prose()
        return Reading(self.record, list(self.left.values()))

    def lose(self, kind: str, path: str, value: str) -> None:
        """Name what is not carried over, of each kind and place the first."""
        self.left.setdefault((kind, path), Left(kind, path, value[:LONGEST]))

    def add(self, key: str, value: Any) -> None:
        """Add an entry to a list of the record."""
        self.record.setdefault(key, []).append(value)

    def inside(self, key: str) -> dict[str, Any]:
        """Return an object of the record."""
        made: dict[str, Any] = self.record.setdefault(key, {})
        return made

    def _title(self, value: _Value) -> None:
        self.add("titles", value.worded())

    def _agent(self, value: _Value, role: str) -> None:
        self.add("agents", {"name": value.text, "roles": [role]})

    def _subject(self, value: _Value) -> None:
        self.add("subjects", value.worded("label"))

    def _description(self, value: _Value) -> None:
        self.add("notes" if "abstracts" in self.record else "abstracts", value.worded())

    def _date(self, value: _Value) -> None:
        if self._embargo(value.text):
            return
        edtf = self._edtf(value.text)
        if edtf is None:
            self.lose("date not read", "dc:date", value.text)
            self.add("dates", {"type": "issued", "text": value.text})
        elif edtf == value.text:
            self.add("dates", {"type": "issued", "edtf": edtf})
        else:
            self.add("dates", {"type": "issued", "edtf": edtf, "text": value.text})

    def _edtf(self, text: str) -> str | None:
        found = text if edtf_dates.is_valid(text) else self.read_date(text)
        return found if found and edtf_dates.is_valid(found) else None

    def _embargo(self, text: str) -> bool:
        match = _EMBARGO.fullmatch(text)
        if match is None or not edtf_dates.is_valid(match[1]):
            return False
        self.inside("rights").setdefault("embargo_until", match[1])
        return True

    def _type(self, value: _Value) -> None:
        match = _DCMI.fullmatch(value.text)
        word = match[1].replace(" ", "").lower() if match else ""
        if word == "collection":
            self.record["collection"] = True
        elif word in _TYPES and "resource_type" not in self.record:
            self.record["resource_type"] = _TYPES[word]
            if word in _TOLD_BY_GENRE:
                self.add("genres", value.worded("label"))
        else:
            link = {"uri": uri} if (uri := address(value.text)) else {}
            self.add("genres", value.worded("label") | link)

    def _format(self, value: _Value) -> None:
        physical = self.inside("physical")
        if MEDIA_TYPE.fullmatch(value.text):
            physical.setdefault("media_types", []).append(value.text)
        elif value.lang is None and re.search(r"\d", value.text):
            physical.setdefault("extent", []).append(value.text)
        else:
            physical.setdefault("form", []).append(value.worded("label"))

    def _identifier(self, value: _Value) -> None:
        """Take the first address, which may be that of a DOI or handle, for the item's id and for its page."""
        identifier = identified(value.text)
        if identifier["type"] in RESOLVERS:
            link = public_form(Identifier(value=identifier["value"], type=identifier["type"]))
        elif (found := address(value.text)) and found.lower().startswith("http"):
            identifier["value"] = link = found
        else:
            link = ""
        if link and "media" not in self.record:
            self.record |= {"id": link, "media": [{"role": "landing", "url": link}]}
        self.add("identifiers", identifier)

    def _source(self, value: _Value) -> None:
        self._related(value, "original")

    def _relation(self, value: _Value) -> None:
        self._related(value, "related")

    def _related(self, value: _Value, kind: str) -> None:
        uri = address(value.text)
        self.add("relations", {"type": kind, "uri": uri} if uri else {"type": kind, "title": value.text})

    def _language(self, value: _Value) -> None:
        found = language_code(value.text)
        several = [found] if found else [language_code(part) for part in re.split(r"\s*[;,/|]\s*", value.text)]
        for each in several:
            if each is None:
                self.lose("language not read", "dc:language", value.text)
            elif (named := tuple(each.values())) not in self.languages:
                self.languages.add(named)
                self.add("languages", each)

    def _coverage(self, value: _Value) -> None:
        edtf = self._edtf(value.text)
        kind = {"type": "period", "edtf": edtf} if edtf else {"type": "place"}
        self.add("subjects", kind | value.worded("label"))

    def _rights(self, value: _Value) -> None:
        rights, text = self.inside("rights"), value.text
        noted, self.noted = self.noted, False
        if access := ACCESS_WORDS.get(text.casefold()):
            rights.setdefault("access", access)
            self.noted = True  # what stands behind it is said of access
        elif self._embargo(text):
            pass
        elif (match := _COPYRIGHT.fullmatch(text)) and "holder" not in rights:
            rights |= {"year": match[1], "holder": match[2]} if match[1] else {"holder": match[2]}
        elif noted and not address(text):
            rights["access_note"] = text
            if value.lang:
                self.lose("language not carried", "dc:rights/@xml:lang", value.lang)
        else:
            self.statements.append(value)

    def _rights_prose(self) -> None:
        """Take one address, best of a vocabulary of rights, and join the words, in the language of the first."""
        if not self.statements:
            return
        links = [value for value in self.statements if address(value.text)]
        known = [value for value in links if value.text.startswith(RIGHTS_VOCABULARIES)]
        if chosen := next(iter(known or links), None):
            self.inside("rights")["uri"] = address(chosen.text)
        words = [value for value in self.statements if value is not chosen]
        for value in words:
            if value.lang and value.lang != words[0].lang:
                self.lose("language not carried", "dc:rights/@xml:lang", value.lang)
        if words:
            text = "\n\n".join(value.text for value in words)
            self.inside("rights")["statement"] = _Value(text, words[0].lang).worded()


_HANDLERS: dict[str, Callable[[_Reading, _Value], None]] = {
    "title": _Reading._title,
    "creator": lambda reading, value: reading._agent(value, "cre"),
    "subject": _Reading._subject,
    "description": _Reading._description,
    "publisher": lambda reading, value: reading._agent(value, PUBLISHER_ROLE),
    "contributor": lambda reading, value: reading._agent(value, "ctb"),
    "date": _Reading._date,
    "type": _Reading._type,
    "format": _Reading._format,
    "identifier": _Reading._identifier,
    "source": _Reading._source,
    "language": _Reading._language,
    "relation": _Reading._relation,
    "coverage": _Reading._coverage,
    "rights": _Reading._rights,
}
_WITHOUT_LANGUAGE = frozenset({"creator", "publisher", "contributor", "source", "relation"})


def _lang(element: etree._Element) -> str | None:
    tag = element.get(_LANG, "").replace("_", "-")
    return tag if LANGUAGE.fullmatch(tag) else None


@lru_cache(maxsize=4096)
def _is_isbn(text: str) -> bool:
    """Tell whether text has the check digit of an ISBN."""
    digits = [10 if sign in "Xx" else int(sign) for sign in re.sub(r"[ –-]", "", text)]
    if len(digits) == 10 and 10 not in digits[:9]:
        return sum(weight * digit for weight, digit in zip(range(10, 0, -1), digits, strict=True)) % 11 == 0
    if len(digits) == 13 and 10 not in digits:
        return sum(digit * (3 if at % 2 else 1) for at, digit in enumerate(digits)) % 10 == 0
    return False


def identified(text: str) -> dict[str, str]:
    """Return an identifier as the record has it, of the kind that its form tells; else it is ``local``."""
    if match := DOI.fullmatch(text):
        return {"type": "doi", "value": _plain(match[1])}
    if match := _HANDLE.fullmatch(text):
        return {"type": "hdl", "value": _plain(match[1])}
    for start, kind in _URNS.items():
        if text.startswith(start) and text != start:
            return {"type": kind, "value": text.removeprefix(start).strip()}
    if (match := _ISBN.fullmatch(text)) and _is_isbn(number := (match[1] or match[2]).strip()):
        return {"type": "isbn", "value": number}
    if match := _ISSN.fullmatch(text):
        return {"type": "issn", "value": match[1]}
    kind = next((kind for start, kind in _KINDS.items() if text.lower().startswith(start)), "local")
    return {"type": kind, "value": text}


def _plain(name: str) -> str:
    """Return a DOI or handle without the percent signs that its address needs, where they can be put back."""
    bare = unquote(name, errors="replace")
    return bare if not re.search(r"\s", bare) and quote(bare, safe="/:;()@!$&*+,=~%") == name else name
