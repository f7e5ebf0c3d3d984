"""MODS of any version as canonical records (crosswalk, section 3.4): the other way of ``mods``.

What is asked of an element is taken out of it; what nobody asked for is named as left: every element and attribute that
the record has no place for. Nothing is guessed: a code without a place has one only where there is but one place that
it can be of.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import langcodes
from lxml import etree

from metadata_formats import edtf_dates, mods
from metadata_formats import record as model
from metadata_formats.mods_element import Element
from metadata_formats.oai_dc import full_title, shelf
from metadata_formats.reading import (
    LONGEST,
    Left,
    NotReadable,
    ReadDate,
    Reading,
    absolute_uri,
    catalogue_date,
    edtf_only,
    language_code,
    life_dates,
)
from metadata_formats.vocabularies import (
    ACCESS,
    AUTHORITY_URIS,
    CREATOR_ROLES,
    PUBLISHER_ROLE,
    RELATOR_URI,
    RELATORS,
    RESOURCE_TYPES,
    RIGHTS_LABELS,
    RIGHTS_VOCABULARIES,
)
from metadata_formats.xml import collapse

MOST_ELEMENTS = 20_000
"""Elements of one description: the largest that libraries have known are some thousands."""


def read(root: etree._Element, read_date: ReadDate = edtf_only) -> Reading:
    """Return the record that a ``mods`` element describes, and what it leaves out.

    Raises:
        NotReadable: it has no title, or too many elements.
    """
    if sum(1 for _ in root.iter()) > MOST_ELEMENTS:
        raise NotReadable(f"more than {MOST_ELEMENTS} elements")
    return _Reading(Element(root, str(etree.QName(root).namespace)), read_date).result()


class _Type(NamedTuple):
    """What a typeOfResource says: the term of the model, and whether the item is a collection, or written by hand."""

    name: str | None
    collection: bool = False
    hand: bool = False


class _Step(NamedTuple):
    """A term of a subject: its dates as EDTF and as written; ``dates_alone``: its label says no more than they do."""

    type: str
    label: str
    edtf: str | None = None
    dates: str = ""
    control: Mapping[str, Any] = MappingProxyType({})
    lang: str | None = None
    dates_alone: bool = False

    @property
    def with_dates(self) -> str:
        """The label; the dates of a person belong to it."""
        return f"{self.label}, {self.dates}" if self.dates and not self.label.endswith(self.dates) else self.label


# Tables, most of them those of the format turned round.

_NAME_TYPES = {name: type_ for type_, name in mods.NAME_TYPES.items()}
_SUBJECTS = {tag: name for name, tag in mods.SUBJECT_TAGS.items()} | {"titleInfo": "title", "name": ""}
_PLACES = {tag: name for name, tag in mods.PLACE_TAGS.items()}
_RELATIONS = {
    "host": "host", "series": "series", "original": "original", "otherVersion": "other_version",
    "otherFormat": "other_format", "constituent": "constituent", "preceding": "preceding", "succeeding": "succeeding",
    "references": "references", "isReferencedBy": "referenced_by", "reviewOf": "review_of", "": "related",
}  # fmt: skip
_MEDIA = {
    ("raw object", "view"): "view", ("raw object", "download"): "download", ("raw object", ""): "object",
    ("preview", ""): "thumbnail", ("object in context", ""): "landing", ("", "IIIF manifest"): "iiif_manifest",
    ("", "IIIF image"): "iiif_image", ("", "transcript"): "transcript",
}  # fmt: skip
_ACCESS_WORDS = {"raw object": "object", "preview": "thumbnail"}
_DATES = {
    "dateCreated": "created", "dateIssued": "issued", "dateCaptured": "captured", "dateModified": "modified",
    "copyrightDate": "copyright", "dateValid": "valid", "dateOther": "other",
}  # fmt: skip
_TYPES = {name: _Type(name) for name in RESOURCE_TYPES} | {
    "audio": _Type("sound recording"),
    "sound recording - musical": _Type("sound recording-musical"),
    "sound recording - nonmusical": _Type("sound recording-nonmusical"),
    "artifact": _Type("three dimensional object"),
    "multimedia": _Type("software, multimedia"),
    "digital": _Type("software, multimedia"),
    "manuscript": _Type("text", hand=True),
    "collection": _Type(None, collection=True),
}
_TYPES |= {known.suffix: _Type(name) for name, known in RESOURCE_TYPES.items()}
_MAKERS = {"production": "pro", "distribution": "dst", "manufacture": "mfr"}
_ISSUANCES = frozenset(
    ("continuing", "monographic", "single unit", "multipart monograph", "serial", "integrating resource")
)
_CODED_STATES = (
    (
        "digitalOrigin", "digital_origin",
        ("born digital", "reformatted digital", "digitized microfilm", "digitized other analog"),
    ),
    ("reformattingQuality", "quality", ("access", "preservation", "replacement")),
)  # fmt: skip
_RELATORS = {term: code for code, term in RELATORS.items()}
_BY_BASE = {uri.rstrip("/"): name for name, uri in reversed(AUTHORITY_URIS.items())}
_ACCESS = {term.uri: name for name, term in ACCESS.items()}
_INFO = {
    "recordContentSource": "source", "recordOrigin": "origin", "descriptionStandard": "standard",
    "recordCreationDate": "created", "recordChangeDate": "changed",
}  # fmt: skip
_SHELVED = ("physicalLocation", "shelfLocator", "holdingSimple")
_CODES = {"marccountry": str.lower, "iso3166": str.upper}
_MARKS = {"approximate": "~", "questionable": "?"}
_DIGITS = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:T?\d{2,}.*)?")
_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d)T[\d:.]+(?:Z|[+-][\d:]+)?")
_MARC = re.compile(r"(\d[\du]{3})(\d\d)?(\d\d)?")
_NUMBER = r"([-+]?\d+(?:\.\d+)?)"
_POINT = re.compile(rf"{_NUMBER}\s*,\s*{_NUMBER}")
_BOX = re.compile(rf"{_NUMBER},{_NUMBER} {_NUMBER},{_NUMBER}")
_LANGUAGE_SCHEMES = frozenset(("rfc5646", "rfc4646", "rfc3066", "iso639-1"))


def _language_named(text: str) -> str | None:
    """Return the three-letter code of a language by its name, code or tag; None where there is no such language."""
    known = language_code(text.rstrip("."))
    return known["code"] if known else None


@lru_cache(maxsize=4096)
def _tag(code: str, script: str) -> str | None:
    """Return the BCP 47 tag of a language code (``eng`` is ``en``) with its script, if that is one of ISO 15924."""
    try:
        known = langcodes.Language.get(code)
        if not re.fullmatch("[A-Za-z]{2,8}", code) or not known.is_valid():
            return None
        return f"{known.language}-{script}" if re.fullmatch("[A-Z][a-z]{3}", script) else known.to_tag()
    except ValueError:
        return None


def _kept(**values: Any) -> dict[str, Any]:
    """Return an object of the record, without what is empty in it."""
    return {key: value for key, value in values.items() if value or (value == 0 and value is not False)}


class _Reading:
    """One record being read: ``record`` grows, ``lost`` names what has no place in it.

    ``spoken`` are the texts that may name a language, ``implied`` the languages of those that have no place for one.
    """

    def __init__(self, root: Element, read_date: ReadDate) -> None:
        self.root, self.read_date = root, read_date
        self.record: dict[str, Any] = {}
        self.lost: list[Left] = []
        self.spoken: list[dict[str, Any]] = []
        self.implied: list[str | None] = []
        self.holding: dict[str, Any] = {}
        self.pages: tuple[str, str, str] | None = None  # first, last, list

    def result(self) -> Reading:
        self.record["physical"] = {}
        self._titles()
        self._names()
        self._types()
        self._concepts("genres", "genre")
        self._origins()
        self._languages(self.root.all("language"))
        self._physical()
        self._texts("abstracts", "abstract")
        self._texts("toc", "tableOfContents")
        self._concepts("audience", "targetAudience")
        self._notes()
        self._subjects()
        self._classification()
        self._locations()
        for node in self.root.all("relatedItem"):
            self._related(node)
        self._own_parts()
        self._holding()
        self._rights()
        self._record_info()
        self._identify()
        self._description_language()
        self._tidy()
        # Of each kind and place the first; what comes later in a dict of them would win.
        lost = [*self.root.left(), *self.lost][::-1]
        left = {(each.kind, each.path): each._replace(value=each.value[:LONGEST]) for each in lost}
        return Reading(self.record, list(left.values())[::-1])

    def _tidy(self) -> None:
        """Write texts without a language as plain strings, and leave out what is empty."""
        for texts in (self.record.get("abstracts"), self.record.get("toc"), self.record["physical"].get("notes")):
            if texts:
                texts[:] = [text["value"] if text.keys() == {"value"} else text for text in texts]
        rights = self.record["rights"]
        if "statement" in rights and rights["statement"].keys() == {"value"}:
            rights["statement"] = rights["statement"]["value"]
        for key in ("physical", "origin"):
            self.record[key] = _kept(**self.record.get(key, {}))
        self.record = _kept(**self.record)

    def _lose(self, kind: str, path: str, value: str) -> None:
        if value:
            self.lost.append(Left(kind, path, value))

    def _add(self, key: str, value: Any) -> None:
        self.record.setdefault(key, []).append(value)

    def _inside(self, key: str) -> dict[str, Any]:
        made: dict[str, Any] = self.record.setdefault(key, {})
        return made

    # What any element may have.

    def _control(self, node: Element) -> dict[str, Any]:
        """Take the vocabulary and the address of a controlled value."""
        scheme, base, uri = map(node.attribute, ("authority", "authorityURI", "valueURI"))
        found = absolute_uri(uri) if uri else None
        if found is None:
            self._lose("not an address", f"{node.path}@valueURI", uri)
        return _kept(scheme=scheme or _BY_BASE.get(base.rstrip("/")), uri=found)

    def _lang(self, node: Element) -> str | None:
        """Take the language of a text."""
        if tag := node.attribute("xml:lang"):
            node.attribute("lang")
            return tag
        code, script = node.attributes.get("lang", ""), node.attributes.get("script", "")
        found = _tag(code, script) if code else None
        if found:
            node.attribute("lang")
            if found.endswith(f"-{script}"):
                node.attribute("script")
        return found

    def _said(self, node: Element, entry: dict[str, Any]) -> dict[str, Any]:
        """Give a text its language; the entry is remembered, and must stay the same object."""
        if lang := self._lang(node):
            entry["lang"] = lang
        self.spoken.append(entry)
        return entry

    def _concepts(self, key: str, name: str) -> None:
        for node in self.root.all(name):
            found = self._concept(node)
            if found.get("uri") == mods.COLLECTION and key == "genres" and not self.record.get("resource_type"):
                self.spoken.pop()
                self.record["collection"] = True
            elif found:
                self._add(key, found)

    def _concept(self, node: Element) -> dict[str, Any]:
        control = self._control(node)
        label = node.said()
        return self._said(node, {"label": label, **control}) if label else {}

    def _texts(self, key: str, name: str) -> None:
        for node in self.root.all(name):
            if text := node.said():
                self._add(key, self._said(node, {"value": text}))

    # Titles and names.

    def _titles(self) -> None:
        titles: list[dict[str, Any]] = []
        primary: dict[str, Any] | None = None
        for node in self.root.all("titleInfo"):
            found = self._title(node)
            kind = node.attributes.get("type", "")
            usage = node.attribute("usage")
            if not found:
                node.attribute("type")
                continue
            if kind in ("alternative", "translated", "uniform", "abbreviated"):
                found["type"] = node.attribute("type")
            elif node.attributes.get("otherType"):
                found["type"] = "alternative"
            elif usage == "primary" and primary is None:
                primary = found
            titles.append(found)
        mains = [title for title in titles if "type" not in title]
        if primary is not None and mains[0] is not primary:
            titles.remove(primary)
            titles.insert(titles.index(mains[0]), primary)
        if not titles:
            raise NotReadable("no title")
        if not mains:
            first = next((title for title in titles if title["type"] != "abbreviated"), titles[0])
            self._lose("no main title", "titleInfo", f"{first.pop('type')}: {first['value']}")
        self.record["titles"] = titles

    def _title(self, node: Element) -> dict[str, Any]:
        value, subtitle, number, name = _title_parts(node)
        non_sort = node.text("nonSort")
        if not value:  # some have the part alone
            value, subtitle, number, name = subtitle or name or number, "", number if subtitle or name else "", ""
        if not value:
            return {}
        supplied = node.attribute("supplied") == "yes"
        entry = _kept(
            value=value, subtitle=subtitle, part_number=number, part_name=name, non_sort=non_sort, supplied=supplied
        )
        return self._said(node, entry)

    def _names(self) -> None:
        for node in self.root.all("name"):
            if agent := self._agent(node):
                self._add("agents", agent)

    def _agent(self, node: Element) -> dict[str, Any]:
        kind = _NAME_TYPES.get(node.attributes.get("type", ""))
        if kind:
            node.attribute("type")
        link = node.attributes.get("xlink:href", "")
        control = self._control(node)
        if "uri" not in control and (found := absolute_uri(link)):
            control["uri"] = found
            node.attribute("xlink:href")
        name, dates, family, given, terms = self._name_parts(node, kind)
        shown = node.text("displayForm")
        if family or given:
            name = shown or ", ".join(filter(None, (family, given)))
        elif shown and name and shown != name:
            self._lose("element not carried", f"{node.path}/displayForm", shown)
        roles, words = self._roles(node)
        if not (name := name or shown):
            name, terms = terms, ""
        if not name:
            return {}
        return _kept(
            name=name, type=kind, family=family, given=given, terms=terms,
            dates=self._life(node, dates), description="; ".join(node.texts("description")),
            affiliation="; ".join(node.texts("affiliation")), **control,
            identifiers=[self._identifier(each) for each in node.all("nameIdentifier") if each.words],
            roles=roles, role_label="; ".join(words),
        )  # fmt: skip

    @staticmethod
    def _name_parts(node: Element, kind: str | None) -> tuple[str, str, str, str, str]:
        """Take the parts of a name: untyped, dates, family, given, terms of address."""
        parts: dict[str, list[str]] = {}
        for part in node.all("namePart"):
            if text := part.said():
                parts.setdefault(part.attribute("type"), []).append(text)
        untyped = (". " if kind in ("organization", "event") else " ").join(parts.pop("", []))
        dates, terms = " ".join(parts.pop("date", [])), ", ".join(parts.pop("termsOfAddress", []))
        family, given = " ".join(parts.pop("family", [])), " ".join(parts.pop("given", []))
        return untyped or " ".join(text for texts in parts.values() for text in texts), dates, family, given, terms

    def _life(self, node: Element, text: str) -> str | None:
        if not text:
            return None
        found = text if edtf_dates.is_valid(text) else life_dates(text.rstrip(".,"))
        if found is None:
            self._lose("date not read", f"{node.path}/namePart", text)
        return found

    def _roles(self, node: Element) -> tuple[list[str], list[str]]:
        """Take the roles of a name: relator codes, and what is no relator in words."""
        codes: list[str] = []
        labels: list[str] = []
        for role in node.all("role"):
            code, words = "", []
            for term in role.all("roleTerm"):
                kind, uri, text = term.attribute("type"), term.attribute("valueURI"), term.said()
                term.attribute("authority")
                named = uri.rpartition("/")[2] if uri.startswith(RELATOR_URI) else ""
                if re.fullmatch("[a-z]{3}", text.lower()) and (kind == "code" or (not kind and text in RELATORS)):
                    code = code or text.lower()
                elif text:
                    words.append(text)
                code = code or (named if named in RELATORS else "")
            known = [_RELATORS.get(text.rstrip(".").lower(), "") for text in words]
            code = code or next(filter(None, known), "")
            labels += [text for text, meant in zip(words, known, strict=True) if not meant or meant != code]
            if code:
                codes.append(code)
        return list(dict.fromkeys(codes)), labels

    @staticmethod
    def _identifier(node: Element) -> dict[str, Any]:
        """Take an identifier; one that is of no type is local."""
        kind, label, invalid = map(node.attribute, ("type", "displayLabel", "invalid"))
        return _kept(value=node.said(), type=kind if kind != "local" else "", label=label, invalid=invalid == "yes")

    # What it is, whence, in which language, of what.

    def _types(self) -> None:
        kind: str | None = None
        collection = manuscript = False
        for node in self.root.all("typeOfResource"):
            collection |= node.attribute("collection") == "yes"
            manuscript |= node.attribute("manuscript") == "yes"
            uri = node.attribute("valueURI")
            known = _TYPES.get(node.words.lower()) or _TYPES.get(uri.rpartition("/")[2])
            if known and (kind is None or known.name in (None, kind)):
                node.said()
                kind = known.name or kind
                collection |= known.collection
                manuscript |= known.hand
        self.record |= {"resource_type": kind, "collection": collection, "manuscript": manuscript}

    def _origins(self) -> None:
        """Take how and where the item came about, and when: each date with the event that it is of."""
        dates: list[dict[str, Any]] = []
        published: list[dict[str, Any]] = []
        nodes, event = self.root.all("originInfo"), ""
        for node in nodes:
            event, label = node.attribute("eventType"), node.attribute("displayLabel")
            self._origin(node)
            found, shown = self._dates(node), node.text("displayDate")
            if found:
                self._dated(found, event, label, shown)
                dates += found
            elif shown:
                dates.append(_kept(type="other", text=shown, label=label or event))
            for each in node.all("publisher"):
                control = self._control(each)
                if (name := each.said()) and event in _MAKERS:
                    self._add("agents", {"name": name, **control, "roles": [_MAKERS[event]]})
                elif name:
                    published.append({"name": name, **control})
        if event == mods.EVENTS["copyright"].name:
            self._rights_year(nodes[-1], dates)
        for date in [date for date in dates if date.get("key")][1:]:
            del date["key"]
            self._lose("attribute not carried", "originInfo@keyDate", date.get("edtf") or date["text"])
        for date in dates:
            date.pop("coded", None)
        self.record["dates"] = dates
        self._publishers(published)

    def _origin(self, node: Element) -> None:
        origin = self._inside("origin")
        self._places(node)
        for agent in map(self._agent, node.all("agent")):
            if agent:
                self._add("agents", agent)
        for name in ("edition", "frequency"):
            if name not in origin and (text := node.text(name)):
                origin[name] = text
        for issuance in node.having("issuance"):
            if issuance.words in _ISSUANCES and "issuance" not in origin:
                origin["issuance"] = node.take(issuance).said()

    def _dated(self, found: list[dict[str, Any]], event: str, label: str, shown: str) -> None:
        """Give the first date of an origin the label and the words that it is shown with."""
        first = found[0]
        if shown and shown != first.get("edtf"):
            first["text"] = shown
        usual = mods.EVENTS[first["type"]].name
        if first["type"] == "other":
            label = label or first.get("label") or event
        elif event and event != usual:
            self._lose("attribute not carried", "originInfo@eventType", event)
        if label:
            first["label"] = label

    def _rights_year(self, node: Element, dates: list[dict[str, Any]]) -> None:
        """Take a year of copyright that stands alone at the end for that of the rights, as ``mods`` writes it."""
        alone = len(node.asked) == 1 and sum(date["type"] == "copyright" for date in dates) == 1
        if alone and not dates[-1].keys() & {"coded", "key", "label"}:
            date = dates.pop()
            self._inside("rights")["year"] = date.get("text") or date["edtf"]

    def _dates(self, node: Element) -> list[dict[str, Any]]:
        """Take the dates of an origin; one in words and one in a code of the same kind are one."""
        found: list[dict[str, Any]] = []
        alone: dict[tuple[str, bool], list[dict[str, Any]]] = {}
        for group in _grouped(node.all(*_DATES)):
            first = group[0]
            kind = _DATES[first.name]
            other = first.attributes.get("type", "")
            if kind == "other":
                kind = other if other in ("available", "submitted") else kind
                for each in group:
                    each.attribute("type")
            key = "yes" in [each.attribute("keyDate") for each in group]
            coded = any(each.attributes.get("encoding") for each in group)
            edtf, text = self._date(group)
            if not edtf and not text:
                continue
            label = other if kind == "other" and other else None
            made = _kept(type=kind, edtf=edtf, text=text, key=key, label=label, coded=coded)
            others = alone.get((kind, not coded), [])
            if kind != "other" and len(others) == 1:
                self._join(others.pop(), made)
            else:
                found.append(made)
                alone.setdefault((kind, coded), []).append(made)
        return found

    @staticmethod
    def _join(date: dict[str, Any], other: dict[str, Any]) -> None:
        """Join a date in words and one in a code: the code is the date, the words are how it was written."""
        coded, written = (date, other) if date.get("coded") else (other, date)
        text = written.get("text") or written.get("edtf")
        edtf = coded.get("edtf") or written.get("edtf")
        key = date.get("key") or other.get("key")
        date |= _kept(edtf=edtf, text=None if text == edtf else text, key=key, coded=True)
        if date.get("text") == edtf:
            del date["text"]

    def _date(self, group: list[Element]) -> tuple[str | None, str | None]:
        """Read a date, or the start and the end of one: EDTF, and the words where they say more or cannot be read."""
        written = "/".join(each.words for each in group)
        points = [each.attribute("point") for each in group]
        read = [self._point(each, point) for each, point in zip(group, points, strict=True)]
        if points == ["start"]:
            read.append("..")
        elif points == ["end"]:
            read.insert(0, "..")
        edtf = "/".join(each for each in read if each) if all(read) else None
        if edtf is None or not edtf_dates.is_valid(edtf) or edtf == "../..":
            if written:
                self._lose("date not read", group[0].path, written)
            return None, written
        plain = len(group) == 1 and not points[0] and written not in (edtf, edtf.rstrip("~?"))
        return edtf, written if plain and not _MARC.fullmatch(written) and not _DIGITS.fullmatch(written) else None

    def _point(self, node: Element, point: str) -> str | None:
        encoding, text = node.attribute("encoding").lower(), node.said()
        mark = _MARKS.get(node.attributes.get("qualifier", ""), "")
        if mark:
            node.attribute("qualifier")
        found: str | None
        if encoding == "marc":
            if text == "9999" and point == "end":
                return ".."
            found = _from_marc(text)
        elif encoding == "edtf":
            found = text
        elif encoding:
            found = _from_iso(text)
        else:
            found = catalogue_date(text, self.read_date) if text else None
        if found and mark and "~" not in found and "?" not in found and "/" not in found:
            found += mark
        return found if found and edtf_dates.is_valid(found) else None

    def _places(self, node: Element) -> None:
        """Take places; a code by itself belongs to the place in words beside it."""
        codes: list[dict[str, Any]] = []
        named: list[dict[str, Any]] = []
        for place in node.all("place"):
            found = self._place(place)
            if "label" in found:
                named.append(found)
            elif found:
                codes.append(found)
        for code in codes:
            free = [place for place in named if not code.keys() & place.keys()]
            if free:
                free[0] |= code
            elif "country" in code and not named:
                named.append({"label": code["country"], **code})
            else:
                self._lose("code not carried", "originInfo/place/placeTerm", str(next(iter(code.values()))))
        self._inside("origin").setdefault("places", []).extend(named)

    def _place(self, node: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for term in node.all("placeTerm"):
            if term.attribute("type") == "code":
                found |= self._place_code(term)
            elif "label" not in found and term.words:
                found |= self._said(term, self._control(term) | {"label": term.said()})
                self.spoken[-1] = found
            elif "country" not in found and term.words:
                found["country"] = term.said()
        return found | self._coordinates(node)

    def _place_code(self, node: Element) -> dict[str, Any]:
        """Take a code of a country or a geographic area."""
        scheme, code = node.attributes.get("authority", ""), node.words
        if scheme == "marcgac" and re.fullmatch("[a-z](-[a-z]{1,3}){0,2}", area := code.rstrip("-")):
            found = {"gac": area}
        elif scheme in _CODES and mods.country_scheme(code := _CODES[scheme](code)) == scheme:
            found = {"country": code}
        else:
            return {}
        node.said()
        self._control(node)
        return found

    def _coordinates(self, node: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for map_ in node.all("cartographics"):
            for each in map_.all("coordinates"):
                if match := _BOX.fullmatch(each.words):
                    south, west, north, east = map(float, match.groups())
                    new: dict[str, Any] = {"bbox": [west, south, east, north]}
                elif match := _POINT.fullmatch(each.words):
                    north, east = map(float, match.groups())
                    new = {"lat": north, "long": east} if abs(north) <= 90 and abs(east) <= 180 else {}
                else:
                    new = {}
                if new and not new.keys() & found.keys():
                    found |= new
                    each.said()
        return found

    def _publishers(self, published: list[dict[str, Any]]) -> None:
        """Add who published, each before the next publisher among the names, unless it is one of them."""
        agents = self.record.get("agents", [])
        publishing = [at for at, one in enumerate(agents) if PUBLISHER_ROLE in one.get("roles", ())]
        known: dict[tuple[Any, ...], list[int]] = {}
        for at in publishing:
            known.setdefault(_named(agents[at]), []).append(at)
        before: list[list[dict[str, Any]]] = [[] for _ in range(len(agents) + 1)]
        at = 0
        for one in published:
            same = known.get(_named(one), [])
            if (place := bisect_left(same, at)) < len(same):
                at = same[place] + 1
                continue
            following = bisect_left(publishing, at)
            at = publishing[following] if following < len(publishing) else len(agents)
            before[at].append({**one, "roles": [PUBLISHER_ROLE]})
        self.record["agents"] = [one for at, new in enumerate(before) for one in (*new, *agents[at : at + 1])]

    def _languages(self, nodes: list[Element], role: str = "") -> None:
        for node in nodes:
            part = node.attribute("objectPart")
            codes: list[str] = []
            more: dict[str, Any] = {}
            for term in node.all("languageTerm"):
                scheme, kind, text = term.attribute("authority"), term.attribute("type"), term.words
                self._control(term)
                code = text if re.fullmatch("[a-z]{3}", text) and kind != "text" else _language_named(text)
                if scheme in _LANGUAGE_SCHEMES and ("-" in text or codes):
                    more["tag"] = text
                if code is None and not (kind == "text" and codes):
                    continue
                term.said()
                if code and code not in codes and not (codes and (kind == "text" or scheme in _LANGUAGE_SCHEMES)):
                    codes.append(code)
            script = node.one("scriptTerm")
            if script and re.fullmatch("[A-Z][a-z]{3}", script.words):
                more["script"] = script.said()
                script.attributes.clear()
            for code in codes:
                self._add("languages", _kept(code=code, role=role or (part if part != "text" else ""), **more))

    def _physical(self) -> None:
        physical = self._inside("physical")
        for node in self.root.all("physicalDescription"):
            forms = [form for each in node.all("form") if (form := self._concept(each))]
            extents = [f"{each.said()} {each.attribute('unit')}".strip() for each in node.all("extent") if each.words]
            notes = [self._said(each, {"value": each.said()}) for each in node.all("note") if each.words]
            media_types = node.texts("internetMediaType")
            for key, found in (("form", forms), ("extent", extents), ("notes", notes), ("media_types", media_types)):
                physical.setdefault(key, []).extend(found)
            for name, key, known in _CODED_STATES:
                for each in node.having(name):
                    if each.words in known and key not in physical:
                        physical[key] = node.take(each).said()

    def _notes(self) -> None:
        for node in self.root.all("note"):
            kind, text = node.attribute("type"), node.said()
            label, lang = node.attributes.get("displayLabel"), node.attributes.get("xml:lang")
            if not text:
                continue
            if kind == "original location" and label == "Source" and "source_text" not in self.holding:
                node.attribute("displayLabel")
                self.holding["source_text"] = text
            elif kind == "funding" and not lang:
                self._add("funding", _funding(text))
            else:
                self._add("notes", self._said(node, _kept(value=text, type=kind)))

    # What it is about.

    def _classification(self) -> None:
        for node in self.root.all("classification"):
            scheme, edition = self._control(node).get("scheme"), node.attribute("edition")
            if value := node.said():
                self._add("classification", _kept(value=value, scheme=scheme, edition=edition))

    def _subjects(self) -> None:
        loose: dict[str, Any] = {}
        for node in self.root.all("subject"):
            subject, codes = self._subject(node)
            if subject:
                self._add("subjects", subject)
            elif not loose.keys() & codes.keys():
                loose |= codes
            else:
                self._lose("code not carried", "subject", " ".join(map(str, codes.values())))
        places = [one for one in self.record.get("subjects", []) if one.get("type") == "place"]
        if len(places) == 1 and not loose.keys() & places[0].keys():
            places[0] |= loose
        else:
            self._lose("code not carried", "subject", " ".join(map(str, loose.values())))

    def _subject(self, node: Element) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return a subject; or nothing, and the codes of a place that is not named."""
        control = self._control(node)
        codes: dict[str, Any] = {}
        for each in node.all("geographicCode"):
            codes |= {key: value for key, value in self._place_code(each).items() if key not in codes}
        codes |= self._coordinates(node)
        country, levels = self._levels(node)
        steps = self._steps(node)
        if not steps and not levels:
            return {}, codes
        if levels and (steps[1:] or (steps and steps[0].type != "place")):  # levels are of a place by itself
            country = country or levels.get("country", "")
            levels = {}
        codes = _kept(country=country) | codes
        if len(steps) > 1:
            control = control or dict(next((step.control for step in steps if step.control), {}))
            parts = [{"type": step.type, "label": step.with_dates} for step in steps]
            return self._said(node, {"parts": parts, **control, **codes}), {}
        step = steps[0] if steps else _Step("place", "")
        type_ = step.type if step.type != "topic" else None
        label = step.label if step.edtf else step.with_dates
        own = _kept(type=type_, label=label, parts=levels, edtf=step.edtf, **(step.control or control), **codes)
        if step.dates_alone:
            return own, {}
        self._said(node, own)
        if step.lang:
            own.setdefault("lang", step.lang)
        return own, {}

    def _steps(self, node: Element) -> list[_Step]:
        """Take the terms of a subject in their order; a coded period is that of the name before it."""
        steps: list[_Step] = []
        for group in _grouped(node.all(*_SUBJECTS)):
            first = group[0]
            if first.name != "temporal" or not first.attributes.get("encoding"):
                steps += [step for each in group if (step := self._step(each)).label]
                continue
            control = self._control(first)
            edtf, text = self._date(group)
            if edtf and steps and steps[-1].type == "period" and not steps[-1].edtf:
                steps[-1] = steps[-1]._replace(edtf=edtf)
            elif edtf:
                steps.append(_Step("period", text or _years(edtf), edtf, control=control, dates_alone=not text))
            elif text:
                steps.append(_Step("period", text, control=control))
        return steps

    def _step(self, node: Element) -> _Step:
        control, lang = self._control(node), self._lang(node)
        if node.name == "titleInfo":
            return _Step("title", _full_title(node), control=control, lang=lang)
        if node.name != "name":
            return _Step(_SUBJECTS[node.name], node.said(), control=control, lang=lang)
        kind = _NAME_TYPES.get(node.attribute("type"), "person")
        name, dates, family, given, terms = self._name_parts(node, kind)
        label = ", ".join(filter(None, (name, family, given, terms))) or node.text("displayForm")
        edtf = (dates if edtf_dates.is_valid(dates) else life_dates(dates.rstrip(".,"))) if dates else None
        return _Step(kind, label, edtf, dates, control, lang)

    def _levels(self, node: Element) -> tuple[str, dict[str, str]]:
        """Take the levels of a place, and a country that stands before them in words."""
        country, levels = "", {}
        for each in node.all("hierarchicalGeographic"):
            found = each.all(*_PLACES, "extraterrestrialArea", "extraTerrestrialArea")
            names = [level.name for level in found]
            if names[:1] == ["country"] and (names.count("country") > 1 or "continent" in names):
                country = found.pop(0).said()
            for level in found:
                name = _PLACES.get(level.name, "area")
                if name not in levels and level.words:
                    levels[name] = level.said()
        return country, levels

    # What it belongs to, and where it is.

    def _related(self, node: Element) -> None:
        type_, label = node.attribute("type"), node.attributes.get("displayLabel", "")
        kind = _RELATIONS.get(type_, "related")
        if type_ not in _RELATIONS:
            self._lose("attribute not carried", "relatedItem@type", type_)
        if kind == "original" and label == "translation of":
            node.attribute("displayLabel")
            kind = "translation_of"
        if kind == "original":
            self._original(node)
        if not (kind == "host" and self._hierarchy(node)):
            self._relation(node, kind)

    def _original(self, node: Element) -> None:
        """Take what is known of the original: its languages, and who keeps it where."""
        self._languages(node.all("language"), "original")
        kept = [each for each in node.having("location") if each.having(*_SHELVED)]
        if not kept or self.holding.keys() - {"source_text"}:
            return
        self.holding["original"] = True
        for each in kept:
            self._physical_location(each)
        for host in node.having("relatedItem"):
            if self._hierarchy(host):
                break
        # The pages of the holding stand behind where the relation itself has some.
        if parts := [part for part in node.having("part") if _is_pages(part)]:
            self.pages = _pages(node.take(parts[-1]))

    def _hierarchy(self, node: Element) -> bool:
        """Take an archival hierarchy, with which the place on the shelf begins, and tell whether it is one."""
        levels, part = _levels(node)
        steps = shelf(model.Holding(hierarchy=[model.HierarchyLevel(**level) for level in levels]))
        line = self.holding.get("shelfmark", "")
        if "hierarchy" in self.holding or not levels or not f"{line}, ".startswith(f"{steps}, "):
            return False
        if part is not None:
            self.pages = _pages(part)
        self.holding |= {"hierarchy": levels, "shelfmark": line[len(steps) :].removeprefix(", ")}
        node.clear()
        return True

    def _relation(self, node: Element, kind: str) -> None:
        """Take another item: its title after the name of its maker, how it was published in a note."""
        titles = node.having("titleInfo")
        first = next((each for each in titles if not each.attributes.get("type")), titles[0] if titles else None)
        title = ""
        if first is not None:
            node.take(first).attribute("type")
            title = _full_title(first)
        makers, notes = self._makers(node), self._relation_notes(node)
        identifiers = [self._identifier(each) for each in node.all("identifier") if each.words]
        addresses = self._addresses(node)
        parts = node.having("part")
        relation = _kept(
            title=". ".join(filter(None, (*makers, title))), uri=addresses[0] if addresses else None,
            identifiers=[*identifiers, *({"value": address, "type": "uri"} for address in addresses[1:])],
            part=self._part(node.take(parts[0])) if parts else None, note="; ".join(notes),
        )  # fmt: skip
        if relation:
            self._add("relations", {"type": kind, **relation})

    def _makers(self, node: Element) -> list[str]:
        """Take the first creator of another item, who stands before its title as in a catalogue's entry."""
        for each in node.having("name"):
            terms = [term.words.lower() for role in each.having("role") for term in role.having("roleTerm")]
            if any(term in CREATOR_ROLES or _RELATORS.get(term) in CREATOR_ROLES for term in terms):
                node.take(each).children.pop("role")
                for name in ("type", "authority"):
                    each.attribute(name)
                return [_plain_name(each)]
        return []

    def _relation_notes(self, node: Element) -> list[str]:
        """Take what a relation says of another item in words: notes, who else had a hand in it, its publication."""
        notes = []
        for each in node.all("note"):
            if text := each.said():
                self.implied.append(self._lang(each))
                notes.append(text)
        for each in node.all("name"):
            each.attribute("type")
            roles, words = self._roles(each)
            role = ", ".join((*(RELATORS.get(code, code) for code in roles), *words))
            if name := _plain_name(each):
                notes.append(f"{name} ({role})" if role else name)
        for origin in node.all("originInfo"):
            imprint = " : ".join(filter(None, (_place_names(origin), "; ".join(origin.texts("publisher")))))
            dated = ", ".join(filter(None, (imprint, self._written_dates(origin))))
            notes += filter(None, (*origin.texts("edition"), dated))
        for physical in node.having("physicalDescription"):
            notes += physical.texts("extent")
        return notes

    def _written_dates(self, origin: Element) -> str:
        """Take the dates of another item as they are written, or else the first that is coded."""
        found = origin.having("dateIssued", "dateCreated", "copyrightDate")
        written = [each for each in found if not each.attributes.get("encoding")]
        if not written and found:
            edtf, text = self._date(_grouped(origin.all(found[0].name))[0])
            return edtf or text or ""
        return "; ".join(filter(None, (origin.take(each).said() for each in written)))

    @staticmethod
    def _addresses(node: Element) -> list[str]:
        """Take the addresses of another item."""
        found = []
        if link := absolute_uri(node.attributes.get("xlink:href", "")):
            node.attribute("xlink:href")
            found.append(link)
        for location in node.having("location"):
            for url in location.having("url"):
                if link := absolute_uri(url.words.replace(" ", "%20")):
                    location.take(url).said()
                    found.append(link)
        return found

    def _part(self, node: Element) -> dict[str, Any]:
        """Take where in another item an item stands: volume, issue, pages, date."""
        part: dict[str, Any] = {}
        for detail in node.all("detail"):
            key = {"volume": "volume", "issue": "issue", "number": "issue"}.get(detail.attributes.get("type", ""))
            if key and key not in part and (text := detail.text("number") or detail.text("caption")):
                detail.attribute("type")
                part[key] = text
        for extent in node.all("extent"):
            if extent.attributes.get("unit") in ("pages", "page", None) and "start" not in part:
                extent.attribute("unit")
                part |= _kept(start=extent.text("start") or extent.text("list"), end=extent.text("end"))
        for group in _grouped(node.all("date"))[:1]:
            edtf, words = self._date(group)
            part |= _kept(date=edtf or words)
        return part

    def _own_parts(self) -> None:
        """Take what part of its host the item itself is; how many words or pages it has is its extent."""
        hosts = [one for one in self.record.get("relations", []) if one["type"] == "host"]
        for node in self.root.all("part"):
            for extent in node.having("extent"):
                unit = extent.attributes.get("unit")
                if unit and (total := extent.text("total")):
                    self._inside("physical").setdefault("extent", []).append(f"{total} {unit}")
                    if not extent.having("start", "end", "list"):
                        node.take(extent).attribute("unit")
            if len(hosts) == 1 and "part" not in hosts[0] and (part := self._part(node)):
                hosts[0]["part"] = part

    def _locations(self) -> None:
        """Take who keeps the item where, and its addresses: the primary one before other pages."""
        media: list[dict[str, Any]] = []
        first_page: int | None = None
        for node in self.root.all("location"):
            if node.having(*_SHELVED) and not self.holding.keys() - {"source_text"}:
                self._physical_location(node)
            for url in node.all("url"):
                found, primary = self._media(url), url.attribute("usage") == "primary"
                landing = found.get("role") == "landing"
                if landing and primary and first_page is not None:
                    media.insert(first_page, found)
                elif found:
                    first_page = len(media) if landing and first_page is None else first_page
                    media.append(found)
        self.record["media"] = media

    @staticmethod
    def _media(url: Element) -> dict[str, Any]:
        address = absolute_uri(url.words.replace(" ", "%20"))
        if address is None:
            return {}
        url.said()
        access, note, label = map(url.attribute, ("access", "note", "displayLabel"))
        role = _MEDIA.get((access, note))
        if role is None:
            role, label = _ACCESS_WORDS.get(access, "landing"), ", ".join(filter(None, (label, note)))
        return _kept(role=role, url=address, label=label)

    def _physical_location(self, node: Element) -> None:
        for each in node.all("physicalLocation"):
            if each.attributes.get("authority") == "isil" and "isil" not in self.holding:
                each.attribute("authority")
                self.holding["isil"] = each.said()
            elif not self.holding.keys() & {"repository", "repository_uri"} and each.words:
                address, text = self._control(each).get("uri"), each.said()
                same = _same(text, address)
                self.holding |= _kept(repository="" if same else text, repository_uri=text if same else address)
        if shelved := "; ".join(node.texts("shelfLocator")):
            self.holding["shelfmark"] = shelved
        for simple in node.all("holdingSimple"):
            for copy in simple.all("copyInformation"):
                if "sublocation" not in self.holding and (text := copy.text("subLocation")):
                    self.holding["sublocation"] = text
                if "shelfmark" not in self.holding and (text := copy.text("shelfLocator")):
                    self.holding["shelfmark"] = text

    def _holding(self) -> None:
        """Part what stands of a place on the shelf behind the levels of the hierarchy into shelfmark and pages."""
        holding = self.holding
        line = holding.pop("shelfmark", "")
        if self.pages is not None:
            start, end, listed = self.pages
            pattern = rf"{re.escape(start)}\s*[–-]\s*{re.escape(end)}" if start and end else re.escape(listed or start)
            match = re.search(rf"(?:^|, )p\. ({pattern})$", line)
            holding["pages"] = match[1] if match else f"{start}-{end}" if start and end else listed or start
        elif "hierarchy" in holding or holding.get("original"):
            match = None
        elif match := re.search(r"(?:^|, )p\. ([^,]+)$", line):
            holding["pages"] = match[1]
        holding["shelfmark"] = line[: match.start()] if match else line
        self.record["holding"] = _kept(**holding)

    def _rights(self) -> None:
        rights = self._inside("rights")
        plain: list[Element] = []
        named: list[str | None] = []  # the language of a label
        for node in self.root.all("accessCondition"):
            kind = re.sub(r"[^a-z]", "", node.attribute("type").lower())
            link = absolute_uri(node.attributes.get("valueURI") or node.attributes.get("xlink:href") or "")
            if kind == "restrictiononaccess":
                self._restriction(node, rights)
            elif kind == "rightsholder" and not rights.keys() & {"holder", "holder_uri"}:
                address, text = self._control(node).get("uri"), node.said()
                same = _same(text, address)
                rights |= _kept(holder_uri=text if same else address, holder="" if same else text)
            elif link and "uri" not in rights:
                for name in ("valueURI", "xlink:href", "authorityURI", "authority"):
                    node.attribute(name)
                lang, text = self._lang(node), node.said()
                rights["uri"] = text if _same(text, link) else link
                if text not in ("", rights["uri"], RIGHTS_LABELS.get(link)):
                    rights["label"] = text
                    named.append(lang)
            elif node.words.startswith(RIGHTS_VOCABULARIES) and "uri" not in rights and absolute_uri(node.words):
                rights["uri"] = node.said()
            elif node.words:
                plain.append(node)
        if len(plain) > 1 and "uri" not in rights:
            label = plain.pop(0)
            self._lang(label)
            rights["label"] = label.said()
        if plain:
            rights["statement"] = self._said(plain[0], {"value": " ".join(node.said() for node in plain)})
        else:
            self.implied += named
        self.record["rights"] = _kept(**rights)

    def _restriction(self, node: Element, rights: dict[str, Any]) -> None:
        access = _ACCESS.get(node.attributes.get("valueURI", ""))
        if access and "access" not in rights:
            node.clear()
            rights["access"] = access
        elif node.attributes.get("displayLabel") == "embargo until" and edtf_dates.is_valid(node.words):
            node.attribute("displayLabel")
            rights["embargo_until"] = node.said()
        elif text := node.said():
            self.implied.append(self._lang(node))
            rights["access_note"] = "; ".join(filter(None, (rights.get("access_note"), text)))

    # The description itself.

    def _record_info(self) -> None:
        info = self._inside("record")
        for node in self.root.all("recordInfo"):
            for name, key in _INFO.items():
                if key not in info and (each := node.one(name)) is not None:
                    each.attribute("authority")
                    info |= _kept(**{key: _stamp(each.attribute("encoding"), each.said())})
            for each in node.having("recordIdentifier"):
                if "id" not in self.record and each.words:
                    info |= _kept(identifier_source=node.take(each).attribute("source"))
                    self.record["id"] = each.said()
            for spoken in node.all("languageOfCataloging"):
                for term in spoken.all("languageTerm"):
                    term.attributes.clear()
                    text = term.said()
                    code = text if re.fullmatch("[a-z]{3}", text) else _language_named(text)
                    info.setdefault("language", code or text)

    def _identify(self) -> None:
        """Take identifiers; one that only repeats the record's own need not be kept."""
        nodes = [node for node in self.root.all("identifier") if node.words]
        key = self.record.get("id") or _known_by(nodes) or self.root.own_id
        if key:
            self.record["id"] = key
        local = [node for node in nodes if node.attributes.get("type") == "local" and node.words == key]
        found = [self._identifier(node) for node in nodes]
        if len(local) == 1 and local[0] is nodes[-1] and found[-1].keys() == {"value"}:
            found.pop()
        self.record["identifiers"] = found

    def _description_language(self) -> None:
        """Name the language of the description where all its texts have one, and none twice."""
        spoken = [entry.get("lang") for entry in self.spoken]
        if None not in spoken and None not in self.implied and (spoken or self.implied):
            default = self.implied[0] if self.implied else Counter(spoken).most_common(1)[0][0]
            self._inside("record")["description_lang"] = default
            for entry in self.spoken:
                if entry.get("lang") == default:
                    del entry["lang"]


def _named(agent: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells one publisher from another."""
    return agent["name"], agent.get("scheme"), agent.get("uri")


def _known_by(identifiers: list[Element]) -> str | None:
    """Return the identifier that a record without one of its own is known by: a local one, else an address."""
    valid = [node for node in identifiers if node.attributes.get("invalid") != "yes"]
    for kind in ("local", "uri", "hdl", "doi"):
        for node in valid:
            if node.attributes.get("type", "").lower() == kind:
                return node.words
    return next((node.words for node in valid if node.words.startswith("urn:")), None)


def _grouped(nodes: list[Element]) -> list[list[Element]]:
    """Return dates one by one, but a start with the end that follows it."""
    groups: list[list[Element]] = []
    for node in nodes:
        last = groups[-1][0] if groups else None
        if (
            last is not None and len(groups[-1]) == 1 and node.name == last.name
            and last.attributes.get("point") == "start" and node.attributes.get("point") == "end"
        ):  # fmt: skip
            groups[-1].append(node)
        else:
            groups.append([node])
    return groups


def _from_iso(text: str) -> str | None:
    """Return a date of W3CDTF, ISO 8601 or Temper as EDTF, of a time what EDTF can say of it."""
    if edtf_dates.is_valid(text):
        return text
    if match := _CLOCK.fullmatch(text):
        return match[1]
    if match := _DIGITS.fullmatch(text):
        return "-".join(filter(None, match.groups()))
    ends = text.split("/")
    if len(ends) == 2 and all(read := [_from_iso(end) for end in ends]):
        return "/".join(filter(None, read))
    return None


def _from_marc(text: str) -> str | None:
    """Return a date of MARC as EDTF: ``19uu`` is ``19XX``."""
    match = _MARC.fullmatch(text)
    if match is None:
        return text if edtf_dates.is_valid(text) else None
    return "-".join(filter(None, (match[1].replace("u", "X"), match[2], match[3])))


def _stamp(encoding: str, text: str) -> str:
    """Return a value of the description as its source states it, dates of MARC and ISO 8601 with hyphens."""
    if encoding == "marc" and (match := re.fullmatch(r"(\d\d)(0[1-9]|1[0-2])(\d\d)", text)):
        return f"{'19' if match[1] > '67' else '20'}{'-'.join(match.groups())}"
    if encoding in ("marc", "iso8601") and (match := _DIGITS.fullmatch(text)):
        return "-".join(filter(None, match.groups()))
    return text


def _years(edtf: str) -> str:
    """Return what a period is called that has dates alone."""
    return re.sub(r"^(\d{4})/(\d{4})$", r"\1-\2", edtf)


# What may stand between a funder and the address of the award, by how many there are.
_GRANTS = ((), ("award",), ("title", "award"), ("funder_id", "title", "award"))


def _funding(text: str) -> dict[str, Any]:
    """Part a note on funding as ``mods`` writes it: funder, its id, title, award, address, any of them."""
    funder, *parts = text.split("; ")
    found = {"award_uri": parts.pop()} if parts and absolute_uri(parts[-1]) else {}
    if not collapse(funder) or not all(map(collapse, parts)) or len(parts) >= len(_GRANTS):
        return {"funder": text}
    return {"funder": funder, **dict(zip(_GRANTS[len(parts)], parts, strict=True)), **found}


def _same(text: str, uri: str | None) -> bool:
    """Tell whether text is an address, as it may be written without percent signs."""
    try:
        model.check_uri("", text)
    except ValueError:
        return False
    return uri is not None and absolute_uri(text) == uri


def _title_parts(node: Element) -> tuple[str, str, str, str]:
    """Take the title, the subtitle, and the number and the name of the part."""
    title, subtitle = node.text("title"), ": ".join(node.texts("subTitle"))
    return title, subtitle, ", ".join(node.texts("partNumber")), ", ".join(node.texts("partName"))


def _full_title(node: Element) -> str:
    """Take a title in one line."""
    value, subtitle, number, name = _title_parts(node)
    non_sort = node.text("nonSort")
    if not value:
        return ". ".join(filter(None, (subtitle, number, name)))
    return full_title(
        model.Title(value=value, non_sort=non_sort, subtitle=subtitle, part_number=number, part_name=name)
    )


def _plain_name(node: Element) -> str:
    """Take a name in one line, without its dates."""
    parts = [(part.attribute("type"), part.said()) for part in node.all("namePart")]
    return ", ".join(text for kind, text in parts if text and kind != "date") or node.text("displayForm")


def _place_names(origin: Element) -> str:
    terms = [term for place in origin.having("place") for term in place.having("placeTerm")]
    named = [term for term in terms if term.attributes.get("type") != "code"]
    for term in named:
        term.attribute("type")
    return "; ".join(filter(None, (term.said() for term in named)))


def _is_pages(part: Element) -> bool:
    """Tell whether a part is pages and nothing else."""
    extents = part.having("extent")
    return part.children.keys() == {"extent"} and [each.attributes.get("unit") for each in extents] == ["pages"]


def _pages(part: Element) -> tuple[str, str, str]:
    """Take the first and the last page, and a list of pages."""
    (extent,) = part.all("extent")
    extent.attribute("unit")
    return extent.text("start"), extent.text("end"), extent.text("list")


def _levels(node: Element | None) -> tuple[list[dict[str, Any]], Element | None]:
    """Return an archival hierarchy, whose innermost level stands outside, and the pages; nothing where it is none."""
    levels: list[dict[str, Any]] = []
    pages: Element | None = None
    while node is not None:
        inner, parts = node.having("relatedItem"), node.having("part")
        level = _level(node)
        if not level or len(inner) > 1 or not all(map(_is_pages, parts)) or (parts and levels):
            return [], None
        levels.insert(0, level)
        pages = parts[0] if parts else pages
        node = inner[0] if inner else None
    return levels, pages


def _level(node: Element) -> dict[str, Any]:
    """Return a level of an archival hierarchy; nothing where a related item is another thing."""
    texts = {name: [each.words for each in node.having(name)] for name in ("note", "identifier")}
    info = node.having("titleInfo")
    named = {part: [each.words for each in info[0].having(part)] for part in info[0].children} if info else {}
    others = node.children.keys() - {"titleInfo", "note", "identifier", "part", "relatedItem"}
    many = len(info) != 1 or any(len(each) > 1 for each in texts.values())
    if others or many or named.keys() - {"title", "partNumber"}:
        return {}
    level, note, id_ = node.attributes.get("displayLabel", ""), "".join(texts["note"]), "".join(texts["identifier"])
    title, name = "".join(named.get("title", ())), "".join(named.get("partNumber", ()))
    if id_ and not name:
        title, name = "", title
    label = note or name.removesuffix(id_).strip() if id_ or note else ""
    found = _kept(label="" if label == level and not note else label, id=id_, title=title)
    return {"level": level, **found} if level and found else {}
