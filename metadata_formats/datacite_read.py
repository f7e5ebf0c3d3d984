"""DataCite metadata in JSON as canonical records, as the REST API of DataCite gives them: kernel 3 and 4.

The other way of ``oai_datacite`` but for the form: keys are those of the API's ``attributes``. They are taken in every
spelling that versions of the API and of its clients have had (``rightsUri``, ``rightsURI``, ``rights-uri``), a string
where an object belongs is its main value, and an object where a list belongs is its only item. Nothing in it makes the
reading fail; what has no place in the record is named, key by key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from metadata_formats import edtf_dates
from metadata_formats.oai_dc import DOI, HANDLE
from metadata_formats.oai_dc_read import ACCESS_WORDS, MEDIA_TYPE
from metadata_formats.reading import Left, NotReadable, ReadDate, Reading, address, edtf_only, language_code
from metadata_formats.record import clean_text
from metadata_formats.vocabularies import AUTHORITY_URIS, PUBLISHER_ROLE, RIGHTS_VOCABULARIES
from metadata_formats.xml import LANGUAGE, collapse

LONGEST = 200
"""Characters of a value that is not carried over, as it is named."""

_UNKNOWN = re.compile(r"\(?:(?:unac|unal|unap|unas|unav|unkn|none|null|tba|etal)\)?", re.IGNORECASE)
"""What stands for a value that is not known (DataCite 4.5, appendix 3)."""

_TITLES = {"alternativetitle": "alternative", "translatedtitle": "translated", "other": "alternative"}
_ROLES = {
    "datacollector": "dtc", "datamanager": "dtm", "distributor": "dst", "editor": "edt", "hostinginstitution": "his",
    "producer": "pro", "projectleader": "pdr", "projectmember": "rtm", "researcher": "res", "rightsholder": "cph",
    "sponsor": "spn", "supervisor": "ths", "translator": "trl",
}  # fmt: skip
"""Types of contributors -> MARC relator codes; all others are contributors, and what DataCite calls them is kept."""
_NAME_TYPES = {"personal": "person", "organizational": "organization"}

_TYPES = {
    **dict.fromkeys(
        ("book", "bookchapter", "conferencepaper", "conferenceproceeding", "datapaper", "dissertation", "journal",
         "journalarticle", "outputmanagementplan", "peerreview", "preprint", "report", "standard", "text"), "text"),
    **dict.fromkeys(("computationalnotebook", "dataset", "interactiveresource", "software"), "software, multimedia"),
    "audiovisual": "moving image", "image": "still image", "physicalobject": "three dimensional object",
    "sound": "sound recording",
}  # fmt: skip
"""General types of DataCite -> types of resource."""
_SAID_BY_TYPE = frozenset(
    {"audiovisual", "collection", "image", "other", "physicalobject", "software", "sound", "text"}
)

_DATES = {
    "available": "available", "copyrighted": "copyright", "created": "created", "issued": "issued",
    "submitted": "submitted", "updated": "modified", "valid": "valid", "other": "other",
}  # fmt: skip
_NOTES = {"methods": "methods", "technicalinfo": "system details", "seriesinformation": "series information"}
_RELATIONS = {
    "ispartof": "host", "ispublishedin": "host", "haspart": "constituent", "isderivedfrom": "original",
    "isversionof": "other_version", "isvariantformof": "other_format", "continues": "preceding",
    "iscontinuedby": "succeeding", "references": "references", "cites": "references", "isreferencedby": "referenced_by",
    "iscitedby": "referenced_by", "reviews": "review_of", "istranslationof": "translation_of",
}  # fmt: skip
_NEARLY = {
    "hasversion": "other_version", "isnewversionof": "other_version", "ispreviousversionof": "other_version",
    "isidenticalto": "other_version", "isoriginalformof": "other_format", "obsoletes": "preceding",
    "isobsoletedby": "succeeding", "hastranslation": "other_version",
}  # fmt: skip
"""Relations of DataCite that say more than ours: they keep their own name in a note, as do all others."""
_KINDS = {"handle": "hdl", "url": "uri", "ean13": "ean"}
_KNOWN_KINDS = frozenset(
    {"ark", "arxiv", "bibcode", "doi", "ean", "eissn", "hdl", "igsn", "isbn", "issn", "istc", "isni", "lissn", "lsid",
     "pmid", "purl", "upc", "uri", "urn"}
)  # fmt: skip

_SPDX = re.compile(r"cc-(by(?:-nc)?(?:-nd|-sa)?)-(\d\.\d)|(cc0-1\.0)", re.IGNORECASE)
_LEGAL = re.compile(r"(https?://creativecommons\.org/\S+?/)(?:legalcode|deed)(?:\.[\w-]+)?/?")
_FRACTION = re.compile(r"\.\d+(?=Z$|[+-]\d\d:\d\d$)")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")

# What the service says of its own work, and the same again in other words.
_SERVICE = frozenset({
    "agency", "citationcount", "citations", "citationsovertime", "downloadcount", "downloads",
    "downloadsovertime", "isactive", "landingpage", "metadataversion", "partcount", "partofcount", "parts",
    "partof", "prefix", "published", "reason", "referencecount", "references", "registered", "schemaversion",
    "source", "state", "suffix", "versioncount", "versionofcount", "versions", "versionof", "viewcount",
    "views", "viewsovertime", "xml", "bibtex", "citeproc", "ris", "schemaorg", "schemeuri",
    "affiliationidentifierscheme", "rightsidentifierscheme", "funderidentifiertype",
})  # fmt: skip


def read(attributes: Mapping[str, Any], id_: str = "", read_date: ReadDate = edtf_only) -> Reading:
    """Return what the ``attributes`` of a DOI say; ``id_`` is its DOI where they do not name it.

    The record's id is the DOI in small letters. A DOI that is registered or a draft withdraws its item.

    Raises:
        NotReadable: there is no DOI.
    """
    return _Reading(read_date).result(_Object(attributes, ""), id_)


def doi(text: str) -> str | None:
    """Return a DOI without its resolver; None for what is none."""
    match = DOI.fullmatch(collapse(text))
    return match[1] if match else None


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _text(value: object) -> str:
    if isinstance(value, str):
        return collapse(clean_text(value))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _sample(value: object) -> str:
    """Return the first value in objects and lists, however deep they are."""
    while isinstance(value, dict | list) and value:
        value = next(iter(value.values() if isinstance(value, dict) else value))
    return _text(value) or str(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


class _Object:
    """An object of JSON that remembers which of its keys were asked for; ``path`` is its place."""

    def __init__(self, values: Mapping[str, Any], path: str) -> None:
        self.path = path
        self.values = {_plain(name): value for name, value in values.items()}
        self.names = {_plain(name): name for name in values}
        self.taken: set[str] = set()

    def take(self, name: str) -> Any:
        self.taken.add(_plain(name))
        return self.values.get(_plain(name))

    def text(self, *names: str) -> str:
        """Return the first of the values that is text."""
        return next(filter(None, [_text(self.take(name)) for name in names]), "")

    def texts(self, name: str) -> list[str]:
        return [text for each in _list(self.take(name)) if (text := _text(each))]

    def objects(self, name: str, main: str) -> Iterator[_Object]:
        """Yield the objects of a list; a string in it is the ``main`` value of one."""
        path = f"{self.path}.{name}".lstrip(".")
        for each in _list(self.take(name)):
            if isinstance(each, dict):
                yield _Object(each, path)
            elif text := _text(each):
                yield _Object({main: text}, path)

    def worded(self, text: str, key: str = "value") -> dict[str, str]:
        """Return text with the language of the object, where it names one."""
        tag = self.text("lang", "xml:lang").replace("_", "-")
        return {key: text, "lang": tag} if LANGUAGE.fullmatch(tag) else {key: text}


class _Reading:
    """One description being read: ``record`` grows, ``left`` names what has no place in it."""

    def __init__(self, read_date: ReadDate) -> None:
        self.read_date = read_date
        self.record: dict[str, Any] = {}
        self.left: dict[tuple[str, str], Left] = {}
        self.identifiers: set[tuple[str, str]] = set()
        self.main: dict[str, str] | None = None  # the first main title
        self.containers: set[str | None] = set()  # titles of what contains the item
        self.statements: list[dict[str, str]] = []  # about rights

    def result(self, top: _Object, id_: str) -> Reading:
        own = self._doi(top) or doi(id_)
        if own is None:
            raise NotReadable("no DOI")
        self.record["id"] = own.lower()
        if top.text("state").lower() in ("registered", "draft"):
            return Reading({"id": own.lower(), "record": {"status": "deleted"}}, [])
        self._identifier(own, "doi")
        for name, main, handler in _LISTS:
            for each in top.objects(name, main):
                handler(self, each)
                self.leave(each)
        self._single(top, own)
        self.leave(top)
        return Reading(self.record, list(self.left.values()))

    def leave(self, each: _Object) -> None:
        """Name the keys of an object that nobody asked for."""
        for name, value in each.values.items():
            if name not in each.taken and name not in _SERVICE and value not in (None, "", [], {}):
                path = f"{each.path}.{each.names[name]}".lstrip(".")
                self.lose("key not carried", path, _sample(value))

    def lose(self, kind: str, path: str, value: str) -> None:
        """Name what is not carried over, of each kind and place the first."""
        self.left.setdefault((kind, path), Left(kind, path, value[:LONGEST]))

    def add(self, key: str, value: dict[str, Any]) -> None:
        """Add an entry to a list of the record, without what is empty in it."""
        entry = {name: item for name, item in value.items() if item not in (None, "", [], {})}
        self.record.setdefault(key, []).append(entry)

    def inside(self, key: str) -> dict[str, Any]:
        """Return an object of the record."""
        made: dict[str, Any] = self.record.setdefault(key, {})
        return made

    # Identifiers.

    def _doi(self, top: _Object) -> str | None:
        """Return the DOI of the item: as such, else among its identifiers."""
        if own := doi(top.text("doi")):
            return own
        for name in ("identifier", "identifiers"):
            for each in _Object(top.values, "").objects(name, "identifier"):
                if each.text("identifierType").lower() in ("doi", "") and (own := doi(each.text("identifier"))):
                    return own
        return doi(top.text("id"))

    def _identifier(self, value: str, kind: str) -> None:
        entry = _identifier(value, kind)
        if (entry["type"], entry["value"]) not in self.identifiers and value:
            self.identifiers.add((entry["type"], entry["value"]))
            self.add("identifiers", entry)

    def _alternate(self, each: _Object) -> None:
        value = each.text("identifier", "alternateIdentifier")
        kind = each.text("identifierType", "alternateIdentifierType")
        if (doi(value) or "").lower() != self.record["id"]:
            self._identifier(value, kind)

    # Titles and names.

    def _title(self, each: _Object) -> None:
        value, kind = each.text("title"), _plain(each.text("titleType"))
        if not value:
            return
        if kind == "subtitle" and self.main is not None and "subtitle" not in self.main:
            self.main["subtitle"] = value
            each.text("lang")
            return
        self.add("titles", {**each.worded(value), "type": _TITLES.get(kind, "alternative" if kind else None)})
        if not kind and self.main is None:
            self.main = self.record["titles"][-1]

    def _creator(self, each: _Object) -> None:
        self._agent(each, "cre", "")

    def _contributor(self, each: _Object) -> None:
        kind = each.text("contributorType")
        role = _ROLES.get(_plain(kind))
        self._agent(each, role or "ctb", "" if role or kind == "Other" else _spaced(kind))

    def _agent(self, each: _Object, role: str, label: str) -> None:
        given, family = each.text("givenName"), each.text("familyName")
        name = each.text("name", "creatorName", "contributorName") or ", ".join(filter(None, (family, given)))
        kind = _NAME_TYPES.get(each.text("nameType").lower()) or ("person" if family else None)
        uri, scheme, identifiers = self._name_identifiers(each)
        affiliations = []
        for body in each.objects("affiliation", "name"):
            affiliations.append(body.text("name", "affiliation"))
            self.leave(body)
        if name and not _UNKNOWN.fullmatch(name):
            self.add("agents", {
                "name": name, "type": kind, "family": family, "given": given, "roles": [role], "role_label": label,
                "affiliation": "; ".join(filter(None, affiliations)), "uri": uri, "scheme": scheme,
                "identifiers": identifiers,
            })  # fmt: skip

    def _name_identifiers(self, each: _Object) -> tuple[str | None, str | None, list[dict[str, str]]]:
        """Return the first that is or has an address, with its vocabulary, and the others."""
        uri, scheme, others = None, None, []
        for name in ("nameIdentifiers", "nameIdentifier"):
            for known in each.objects(name, "nameIdentifier"):
                value = known.text("nameIdentifier")
                named = known.text("nameIdentifierScheme")
                code = named.lower() if named.lower() in AUTHORITY_URIS else named
                found = _authority(value, code)
                if found and uri is None:
                    uri, scheme = found, code or None
                elif value:
                    others.append({"value": value, "type": code or "local"})
                self.leave(known)
        return uri, scheme, others

    def _publisher(self, each: _Object) -> None:
        name, value = each.text("name", "publisher"), each.text("publisherIdentifier")
        named = each.text("publisherIdentifierScheme")
        code = named.lower() if named.lower() in AUTHORITY_URIS else named
        each.text("lang")
        uri = _authority(value, code)
        if value and not uri:
            self.lose("key not carried", "publisher.publisherIdentifier", value)
        if name and not _UNKNOWN.fullmatch(name):
            scheme = code if uri else None
            self.add("agents", {"name": name, "roles": [PUBLISHER_ROLE], "uri": uri, "scheme": scheme})

    # What it is, and when.

    def _types(self, each: _Object) -> None:
        general, words = each.text("resourceTypeGeneral"), each.text("resourceType")
        plain = _plain(general)
        if plain == "collection":
            self.record["collection"] = True
        elif plain in _TYPES:
            self.record["resource_type"] = _TYPES[plain]
        genres = [words] if words and not _UNKNOWN.fullmatch(words) else []
        if general and plain not in _SAID_BY_TYPE:
            genres.append(_spaced(general))
        if len(genres) == 2 and _plain(genres[0]).replace(" ", "") == plain:
            genres.pop()
        for label in genres:
            self.add("genres", {"label": label})

    def _date(self, each: _Object) -> None:
        text, kind, label = each.text("date"), each.text("dateType"), each.text("dateInformation")
        if not text:
            return
        edtf = self._edtf(text)
        if edtf is None:
            self.lose("date not read", each.path, text)
        if _plain(kind) == "coverage":
            self.add("subjects", {"type": "period", "label": label or text, "edtf": edtf})
            return
        type_ = _DATES.get(_plain(kind))
        if type_ is None and kind:
            label = "; ".join(filter(None, (_spaced(kind), label)))
        written = None if text == edtf else text
        self.add("dates", {"type": type_ or "other", "edtf": edtf, "text": written, "label": label})

    def _edtf(self, text: str) -> str | None:
        bare = _FRACTION.sub("", text)
        found = bare if edtf_dates.is_valid(bare) else self.read_date(bare)
        return found if found and edtf_dates.is_valid(found) else None

    def _year(self, year: str) -> None:
        """Take the year of publication where no date of issue says it."""
        issued = [date for date in self.record.get("dates", []) if date["type"] == "issued"]
        if not year or _UNKNOWN.fullmatch(year):
            return
        if not issued:
            edtf = self._edtf(year)
            self.add("dates", {"type": "issued", "edtf": edtf, "text": None if edtf == year else year})
        elif not any(year in (date.get("edtf") or date.get("text")) for date in issued):
            self.lose("another year of publication", "publicationYear", year)

    # What it is about and says.

    def _subject(self, each: _Object) -> None:
        label, scheme = each.text("subject"), each.text("subjectScheme")
        code = scheme.lower() if scheme.lower() in AUTHORITY_URIS else scheme
        links = [(name, text) for name in ("valueUri", "classificationCode") if (text := each.text(name))]
        uri = next(filter(None, (address(text) for _, text in links)), None)
        for name, text in links:
            if not address(text) and name == "classificationCode":
                self.add("classification", {"value": text, "scheme": code})
            elif address(text) != uri:
                self.lose("key not carried", f"{each.path}.{name}", text)
        if label:
            self.add("subjects", {**each.worded(label, "label"), "scheme": code, "uri": uri})

    def _description(self, each: _Object) -> None:
        text, kind = each.text("description"), each.text("descriptionType")
        key = {"abstract": "abstracts", "tableofcontents": "toc"}.get(_plain(kind), "notes")
        if text:
            self.add(key, each.worded(text) | ({"type": _NOTES.get(_plain(kind), "")} if key == "notes" else {}))

    def _place(self, each: _Object) -> None:
        place: dict[str, Any] = {"type": "place", "label": each.text("geoLocationPlace")}
        for point in each.objects("geoLocationPoint", "point"):
            numbers = self._degrees(point, ("pointLatitude", "pointLongitude"), "point")
            if numbers:
                place |= {"lat": numbers[0], "long": numbers[1]}
        sides = ("southBoundLatitude", "westBoundLongitude", "northBoundLatitude", "eastBoundLongitude")
        for box in each.objects("geoLocationBox", "box"):
            numbers = self._degrees(box, sides, "box")
            if numbers:
                south, west, north, east = numbers
                place["bbox"] = [west, south, east, north]
        if not place["label"]:
            known = place.get("bbox") or [place[name] for name in ("lat", "long") if name in place]
            place["label"] = ", ".join(map(str, known))
        if place["label"]:
            self.record.setdefault("subjects", []).append(place)

    def _degrees(self, each: _Object, names: tuple[str, ...], whole: str) -> list[float] | None:
        """Return latitudes and longitudes in turn; they may be one string, as in kernel 3."""
        texts = [each.text(name) for name in names]
        if not any(texts):
            texts = re.split(r"[\s,]+", each.text(whole))
        try:
            numbers = [float(text) for text in texts]
        except ValueError:
            numbers = []
        limits = (90, 180, 90, 180)[: len(names)]
        if len(numbers) == len(names) and all(
            -most <= number <= most for number, most in zip(numbers, limits, strict=True)
        ):
            return numbers
        self.lose("coordinates not read", each.path, " ".join(texts))
        return None

    # Rights and money.

    def _rights(self, each: _Object) -> None:
        rights, text = self.inside("rights"), each.text("rights")
        given, spdx = each.text("rightsUri"), each.text("rightsIdentifier")
        if access := ACCESS_WORDS.get(given.casefold()) or ACCESS_WORDS.get(text.casefold()):
            rights.setdefault("access", access)
            each.text("lang")
            return
        uri = address(_LEGAL.sub(r"\1", given)) or _licence(spdx)
        if spdx and not _SPDX.fullmatch(spdx):
            self.lose("key not carried", f"{each.path}.rightsIdentifier", spdx)
        if given and not uri:
            self.lose("not a URI", f"{each.path}.rightsUri", given)
        first = uri and "uri" not in rights
        if uri and (
            first or (uri.startswith(RIGHTS_VOCABULARIES) and not rights["uri"].startswith(RIGHTS_VOCABULARIES))
        ):
            if not first:
                self.statements.append({"value": rights.pop("label", rights["uri"])})
            rights |= {"uri": uri, "label": text} if text else {"uri": uri}
            each.text("lang")
        elif text or uri:
            self.statements.append(each.worded(text or str(uri)))

    def _funding(self, each: _Object) -> None:
        funder, number = each.text("funderName"), each.text("funderIdentifier")
        uri = each.text("awardUri")
        if funder or number:
            self.add("funding", {
                "funder": funder or number, "funder_id": number, "award": each.text("awardNumber"), "award_uri": uri,
                "title": each.text("awardTitle"),
            })  # fmt: skip

    # Other items.

    def _related(self, each: _Object) -> None:
        value, kind = each.text("relatedIdentifier"), each.text("relatedIdentifierType")
        each.text("resourceTypeGeneral")
        if value:
            self._relate(each, {}, [(value, kind)])

    def _related_item(self, each: _Object) -> None:
        titles = [title.text("title") for title in each.objects("titles", "title")]
        numbers = [
            (known.text("relatedItemIdentifier"), known.text("relatedItemIdentifierType"))
            for known in each.objects("relatedItemIdentifier", "relatedItemIdentifier")
        ]
        part = {
            "volume": each.text("volume"), "issue": each.text("issue"), "start": each.text("firstPage"),
            "end": each.text("lastPage"), "date": each.text("publicationYear"),
        }  # fmt: skip
        each.text("relatedItemType")
        self._relate(
            each, {"title": next(filter(None, titles), "")} | ({"part": part} if any(part.values()) else {}), numbers
        )

    def _relate(self, each: _Object, relation: dict[str, Any], numbers: list[tuple[str, str]]) -> None:
        kind = each.text("relationType")
        type_ = _RELATIONS.get(_plain(kind))
        if type_ is None:
            relation |= {"note": _spaced(kind)}
        self._relation(type_ or _NEARLY.get(_plain(kind), "related"), relation, numbers)

    def _relation(self, kind: str, relation: dict[str, Any], numbers: list[tuple[str, str]]) -> None:
        identifiers = []
        for value, named in numbers:
            entry = _identifier(value, named)
            if entry["type"] == "uri" and "uri" not in relation and (uri := address(value)):
                relation["uri"] = uri
            elif value:
                identifiers.append(entry)
        if relation.get("title") or relation.get("uri") or identifiers:
            if "part" in relation:
                relation["part"] = {name: text for name, text in relation["part"].items() if text}
            self.add("relations", {"type": kind, **relation, "identifiers": identifiers})
            if kind in ("host", "series"):
                self.containers.add(relation.get("title"))

    def _container(self, each: _Object) -> None:
        """Take what contains the item, unless a related item has said it already."""
        title, kind = each.text("title"), each.text("type").lower()
        numbers = [(each.text("identifier"), each.text("identifierType"))]
        names = (("volume", "volume"), ("issue", "issue"), ("start", "firstPage"), ("end", "lastPage"))
        part = {key: text for key, name in names if (text := each.text(name))}
        if title not in self.containers:
            relation = {"title": title, "part": part} if part else {"title": title}
            self._relation("series" if "series" in kind else "host", relation, numbers)

    # What there is one of.

    def _single(self, top: _Object, own: str) -> None:
        titles = self.record.get("titles", [])
        if titles and self.main is None:
            del titles[0]["type"]
        if "types" not in top.values:  # kernel 3, or an object that was XML
            inside = top.values.get("resourcetype")
            self._types(_Object(inside, "resourceType") if isinstance(inside, dict) else top)
            top.take("resourceType")
        if self.statements:
            text = "\n\n".join(said["value"] for said in self.statements)
            self.inside("rights")["statement"] = {**self.statements[0], "value": text}
        self._year(top.text("publicationYear"))
        spoken = top.text("language")
        if code := language_code(spoken):
            self.add("languages", code)
        elif spoken:
            self.lose("language not read", "language", spoken)
        for size in top.texts("sizes"):
            self.inside("physical").setdefault("extent", []).append(size)
        for name in top.texts("formats"):
            key, value = ("media_types", name) if MEDIA_TYPE.fullmatch(name) else ("form", {"label": name})
            self.inside("physical").setdefault(key, []).append(value)
        if version := top.text("version"):
            self.inside("origin")["edition"] = version
        page = top.text("url")
        if page and not address(page):
            self.lose("not a URI", "url", page)
        self.add("media", {"role": "landing", "url": address(page) or address(f"https://doi.org/{own}")})
        for url in top.texts("contentUrl"):
            if address(url):
                self.add("media", {"role": "object", "url": address(url)})
            else:
                self.lose("not a URI", "contentUrl", url)
        for name, key in (("created", "created"), ("updated", "changed")):
            if stamp := top.text(name):
                self.inside("record")[key] = _FRACTION.sub("", stamp)


_LISTS = (
    ("identifiers", "identifier", _Reading._alternate),
    ("identifier", "identifier", _Reading._alternate),
    ("alternateIdentifiers", "alternateIdentifier", _Reading._alternate),
    ("titles", "title", _Reading._title),
    ("creators", "name", _Reading._creator),
    ("contributors", "name", _Reading._contributor),
    ("publisher", "name", _Reading._publisher),
    ("types", "resourceType", _Reading._types),
    ("subjects", "subject", _Reading._subject),
    ("dates", "date", _Reading._date),
    ("descriptions", "description", _Reading._description),
    ("geoLocations", "geoLocationPlace", _Reading._place),
    ("rightsList", "rights", _Reading._rights),
    ("fundingReferences", "funderName", _Reading._funding),
    ("relatedIdentifiers", "relatedIdentifier", _Reading._related),
    ("relatedItems", "titles", _Reading._related_item),
    ("container", "title", _Reading._container),
)


def _identifier(value: str, kind: str) -> dict[str, str]:
    """Return an identifier as the record has it, a DOI or handle without its resolver."""
    plain = _KINDS.get(_plain(kind), _plain(kind))
    if plain == "doi" and (bare := doi(value)):
        return {"value": bare, "type": "doi"}
    if plain == "hdl" and (match := HANDLE.fullmatch(value)):
        return {"value": match[1], "type": "hdl"}
    if plain in _KNOWN_KINDS:
        return {"value": value, "type": plain}
    return (
        {"value": value, "type": "local", "label": kind}
        if kind and plain != "local"
        else {"value": value, "type": "local"}
    )


def _authority(value: str, code: str) -> str | None:
    """Return the address of a name in a vocabulary: its own, or the vocabulary's with it (``0000-0001-…``)."""
    if found := address(value):
        return found
    return address(AUTHORITY_URIS[code] + value) if value and code in AUTHORITY_URIS else None


def _licence(spdx: str) -> str | None:
    """Return the address of a Creative Commons licence by its SPDX identifier."""
    match = _SPDX.fullmatch(spdx)
    if match is None:
        return None
    path = "publicdomain/zero/1.0" if match[3] else f"licenses/{match[1].lower()}/{match[2]}"
    return f"http://creativecommons.org/{path}/"


def _spaced(word: str) -> str:
    """Return a word of a list of DataCite as words: ``ContactPerson`` as ``contact person``."""
    return _HUMPS.sub(" ", word).lower() if word.isalpha() and word.isascii() else word
