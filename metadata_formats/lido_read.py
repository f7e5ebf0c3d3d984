"""LIDO 1.0 and 1.1 as canonical records: the other way of ``lido``, and what museums' own exports mean.

What LIDO indexes is taken; a text for display is taken where nothing is indexed, and otherwise passed over if it says
the same words. Of the languages of a term the record's own is taken; titles and descriptions are taken in every
language. All that has no place in the record is named by the path of its element.

A rights URI is taken where it stands as one, as an identifier or alone in a term, and never from prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

from lxml import etree

from metadata_formats import edtf_dates, lido
from metadata_formats.oai_dc import RESOLVERS, level_name
from metadata_formats.reading import Left, NotReadable, ReadDate, Reading, edtf_only
from metadata_formats.record import PlaceParts, Subject
from metadata_formats.vocabularies import (
    ACCESS,
    LANGUAGE_URI,
    RELATOR_URI,
    RELATORS,
    RESOURCE_TYPE_URI,
    RESOURCE_TYPES,
    RIGHTS_LABELS,
    language,
)
from metadata_formats.xml import LANGUAGE, collapse

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
SKOS = "{http://www.w3.org/2004/02/skos/core#}"
ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
MOST_ELEMENTS = 100_000
"""Elements of one record: the largest that museums have known are some thousands."""
LONGEST = 200
"""Characters of a value that is not carried over, as it is named."""

Element = etree._Element


def read(root: Element, read_date: ReadDate = edtf_only) -> Reading:
    """Return the record that a ``lido:lido`` describes, and what it leaves out.

    Raises:
        NotReadable: it is no such element, or has too many of them.
    """
    if root.tag != f"{{{lido.NAMESPACE}}}lido":
        raise NotReadable("not a lido:lido in the namespace of LIDO")
    if sum(1 for _ in root.iter()) > MOST_ELEMENTS:
        raise NotReadable(f"more than {MOST_ELEMENTS} elements")
    return _Reading(root, read_date).result()


# Tables: words of museums, in small letters, beside those of the format.

_EVENT_NUMBERS = {number: key for key, (_, number) in lido.EVENTS.items() if number} | {
    "lido00012": "production", "e12": "production", "e65": "production", "e8": "acquisition", "e11": "modification",
}  # fmt: skip
_EVENT_WORDS = {term.lower(): key for key, (term, _) in lido.EVENTS.items()} | {
    **dict.fromkeys(
        ("herstellung", "hergestellt", "creation", "creating", "schöpfung", "geistige schöpfung", "entstehung",
         "fertigung", "anfertigung", "manufacture", "gemalt", "gezeichnet", "gedruckt", "geprägt", "aufgenommen",
         "verfasst"), "production"),
    **dict.fromkeys(("veröffentlichung", "veröffentlicht", "publikation", "herausgabe", "publishing"), "publication"),
    **dict.fromkeys(("erwerb", "erwerbung", "zugang", "ankauf", "schenkung"), "acquisition"),
    **dict.fromkeys(("provenienz", "besitz", "ownership"), "provenance"),
    **dict.fromkeys(("ausstellung", "ausgestellt"), "exhibition"),
    **dict.fromkeys(("restaurierung", "restauriert", "conservation"), "restoration"),
    **dict.fromkeys(("gesammelt", "sammeln", "sammlung (ereignis)"), "collecting"),
    **dict.fromkeys(("gefunden", "fund", "auffindung"), "finding"),
    **dict.fromkeys(("ausgegraben", "ausgrabung"), "excavation"),
    **dict.fromkeys(("gebrauch", "nutzung", "wurde genutzt"), "use"),
    **dict.fromkeys(("beauftragt", "beauftragung", "auftrag"), "commissioning"),
    **dict.fromkeys(("entwurf", "entworfen", "design"), "designing"),
    **dict.fromkeys(("bearbeitung", "veränderung", "umarbeitung"), "modification"),
    **dict.fromkeys(("ereignis", "(non-specified)"), "event"),
}  # fmt: skip
_DATE_TYPES = {event: type_ for type_, event in lido.DATE_EVENTS.items()}
_NOTE_TYPES = {event: type_ for type_, event in reversed(lido.NOTE_EVENTS.items())}
_DEFAULT_ROLES = {"production": "cre", "publication": "pbl", "collecting": "col", "designing": "dsr"}
_ROLES = {term.lower(): code for code, term in RELATORS.items()} | {
    "künstler": "art", "künstlerin": "art", "hersteller": "mfr", "herstellerin": "mfr", "fotograf": "pht",
    "fotografin": "pht", "photograph": "pht", "autor": "aut", "autorin": "aut", "verfasser": "aut",
    "verfasserin": "aut", "verlag": "pbl", "verleger": "pbl", "stecher": "egr", "kupferstecher": "egr",
    "drucker": "prt", "bildhauer": "scl", "bildhauerin": "scl", "architekt": "arc", "architektin": "arc",
    "auftraggeber": "pat", "sammler": "col", "sammlerin": "col", "vorbesitzer": "fmo", "eigentümer": "own",
    "besitzer": "own", "restaurator": "con", "restauratorin": "con", "entwerfer": "dsr", "lithograf": "ltg",
    "lithograph": "ltg", "radierer": "etr", "illustrator": "ill", "illustratorin": "ill", "komponist": "cmp",
    "übersetzer": "trl", "schenker": "dnr", "stifter": "dnr",
}  # fmt: skip
_MAKERS = frozenset(
    ("maler", "malerin", "painter", "zeichner", "zeichnerin", "grafiker", "grafikerin", "goldschmied", "goldschmiedin",
     "silberschmied", "keramiker", "keramikerin", "radiererin")
)  # fmt: skip
"""Artists of a kind that MARC has no code for: the word is kept."""
_ROLES |= dict.fromkeys(_MAKERS, "art")
_ACTORS = {"lido00163": "person"} | {
    word: kind
    for kind, words in {
        "person": ("person", "individual", "individuum"),
        "organization": ("corporation", "corporate body", "organization", "organisation", "institution",
                         "körperschaft"),
        "family": ("family", "familie"),
        "event": ("event",),
    }.items()
    for word in words
}  # fmt: skip
_RELATIONS = {term: type_ for type_, term in lido.RELATIONS.items()} | {
    "part of": "host", "teil von": "host", "ist teil von": "host", "gehört zu": "host", "has part": "constituent",
    "hat teil": "constituent", "besteht aus": "constituent", "series": "series", "serie": "series",
    "verwandt": "related", "related": "related", "bezieht sich auf": "references",
}  # fmt: skip
_LEVELS = {name: name for name in PlaceParts.__struct_fields__} | {
    "staat": "country", "nation": "country", "bundesland": "state", "province": "state",
    "kreis": "county", "landkreis": "county", "stadt": "city", "ort": "city", "gemeinde": "city",
    "kontinent": "continent", "stadtteil": "city_section", "insel": "island",
}  # fmt: skip
_COMPULSORY = {
    **dict.fromkeys(("identifiers", "titles", "notes", "classification"), "value"),
    "genres": "label", "agents": "name",
}  # fmt: skip
"""List of the record -> the key that each of its entries has."""
_TITLES = frozenset(("alternative", "translated", "uniform", "abbreviated"))
_KINDS = {lido.URI: "uri", lido.LOCAL: "local", lido.INVENTORY: "inventory"}
_IDENTIFIERS = {
    **{kind: _KINDS[type_] for kind, type_ in lido.IDENTIFIER_TYPES.items()},
    "lido00099": "uri", "lido00100": "local", "lido00113": "inventory",
}  # fmt: skip
_REPRESENTATIONS = {type_: role for role, type_ in lido.REPRESENTATIONS.items()}
_PREVIEWS = re.compile(r"thumb|preview|vorschau", re.IGNORECASE)
_EUROPEANA = {"TEXT": "text", "SOUND": "sound recording", "VIDEO": "moving image"}
_RESOURCE_TYPES = {f"{RESOURCE_TYPE_URI}/{type_.suffix}": name for name, type_ in RESOURCE_TYPES.items()}
_ACCESS = {term.uri: name for name, term in ACCESS.items()}
_STAMPS = {
    **dict.fromkeys(("created", "erstellt"), "created"),
    **dict.fromkeys(("modified", "changed", "geändert"), "changed"),
}
_ISIL = re.compile(r"[A-Z]{1,4}-[A-Za-z0-9:/-]{1,11}")
_GAC = re.compile(r"[a-z](-[a-z]{1,3}){0,2}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_DAY = re.compile(r"(-?\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T.*)?")


class _Term(NamedTuple):
    """A term that was read: its word and language, its addresses."""

    label: str | None
    lang: str | None
    uri: str | None
    scheme: str | None
    matches: list[str]
    said: str | None  # the label of the element

    def values(self) -> dict[str, Any]:
        """Return it as a concept of the record."""
        found = {
            "label": self.label,
            "lang": self.lang,
            "scheme": self.scheme,
            "uri": self.uri,
            "exact_match": self.matches,
        }
        return _full(found)


@lru_cache(maxsize=512)
def _path(path: str) -> str:
    return "/".join(f"{{{lido.NAMESPACE}}}{step}" for step in path.split("/"))


def _each(at: Element | None, path: str) -> Iterator[Element]:
    return at.iterfind(_path(path)) if at is not None else iter(())


def _one(at: Element | None, path: str) -> Element | None:
    return at.find(_path(path)) if at is not None else None


def _say(at: Element | None, name: str) -> str:
    """Return an attribute; LIDO has them in its namespace, many exports have not."""
    return collapse(at.get(f"{{{lido.NAMESPACE}}}{name}") or at.get(name)) if at is not None else ""


def _said(at: Element) -> str:
    return collapse("".join(map(str, at.itertext())))


def _word(type_: str) -> str:
    """Return a type in small letters, of one in the LIDO terminology (or CRM) its last step alone."""
    if type_.startswith((lido.TERMINOLOGY, "http://www.cidoc-crm.org/", "https://terminology.lido-schema.org/")):
        return type_.rstrip("/").rpartition("/")[2].lower()
    return type_.lower()


def _is_alternative(at: Element) -> bool:
    """Tell whether something is preferred to a word or an identifier."""
    return _word(_say(at, "pref")) in ("lido00170", "alternative", "alternate")


def _is_uri(text: str) -> bool:
    if not _URI.fullmatch(text):
        return False
    try:
        Subject(label="x", uri=text)
    except ValueError:
        return False
    return True


def _full(values: dict[str, Any]) -> dict[str, Any]:
    """Return what is not empty."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {}, False)}


class _Reading:
    """One record being read: ``record`` grows, ``taken`` are the elements of which it has the text."""

    def __init__(self, root: Element, read_date: ReadDate) -> None:
        self.root, self.read_date = root, read_date
        self.record: dict[str, Any] = {}
        self.taken: set[Element] = set()
        self.left: dict[tuple[str, str], Left] = {}
        self.descriptions = list(_each(root, "descriptiveMetadata"))
        self.administrations = list(_each(root, "administrativeMetadata"))
        self.block = self.default = self._language_of(self.descriptions[0] if self.descriptions else None)

    def result(self) -> Reading:
        if self.default != lido.UNDETERMINED:
            self.inside("record")["description_lang"] = self.default
        self._identify()
        for description in self.descriptions[:1]:
            self._classify(_one(description, "objectClassificationWrap"))
            self._describe(_one(description, "objectIdentificationWrap"))
            for event in _each(description, "eventWrap/eventSet"):
                self._event(event)
            for subject in _each(description, "objectRelationWrap/subjectWrap/subjectSet"):
                self._subject(subject)
            for related in _each(description, "objectRelationWrap/relatedWorksWrap/relatedWorkSet"):
                self._relation(related)
        for administration in self.administrations[:1]:
            self.block = self._language_of(administration)
            for rights in _each(administration, "rightsWorkWrap/rightsWorkSet"):
                self._rights(rights)
            self._about(_one(administration, "recordWrap"))
            for resource in _each(administration, "resourceWrap/resourceSet"):
                self._resource(resource)
        self._other_languages()
        self._main_title()
        self._name_the_rest()
        return Reading(self.record, list(self.left.values()))

    # The record as it grows.

    def lose(self, kind: str, path: str, value: str) -> None:
        """Name what is not carried over, of each kind and place in the record the first."""
        if value := collapse(value):
            self.left.setdefault((kind, path), Left(kind, path, value[:LONGEST]))

    def add(self, key: str, value: dict[str, Any] | str) -> None:
        """Add an entry to a list of the record, without what is empty in it, and not twice."""
        if isinstance(value, dict):
            value, compulsory = _full(value), _COMPULSORY.get(key)
            if compulsory and compulsory not in value:
                return
        entries = self.record.setdefault(key, [])
        if value and value not in entries:
            entries.append(value)

    def inside(self, key: str) -> dict[str, Any]:
        """Return an object of the record."""
        made: dict[str, Any] = self.record.setdefault(key, {})
        return made

    def extend(self, key: str, name: str, value: Any) -> None:
        """Add to a list of an object of the record."""
        values = self.inside(key).setdefault(name, [])
        if value and value not in values:
            values.append(value)

    # Texts and terms.

    def _language_of(self, at: Element | None) -> str:
        tag = collapse(at.get(XML_LANG)) if at is not None else ""
        return tag if LANGUAGE.fullmatch(tag) else lido.UNDETERMINED

    def lang(self, at: Element) -> str | None:
        """Return the language of an element where it is not that of the record."""
        tag = collapse(at.get(XML_LANG))
        tag = tag if LANGUAGE.fullmatch(tag) else self.block
        return None if tag == self.default else tag

    def text(self, at: Element | None) -> str:
        """Return the text of an element, which is then taken."""
        if at is None:
            return ""
        self.taken.update(at.iter())
        return _said(at)

    def first(self, at: Element | None, path: str) -> str:
        """Return the text of the first element on a path."""
        return self.text(_one(at, path))

    def words(self, at: Element) -> str | dict[str, str]:
        """Return a text with its language, where that is not the record's."""
        text, lang = self.text(at), self.lang(at)
        return {"value": text, "lang": lang} if lang and text else text

    def term(self, at: Element | None) -> _Term:
        """Return a term: of its words the one in the record's language, or else the first."""
        ids = [(self.text(each), each) for each in _each(at, "conceptID")]
        uri, scheme, matches = None, None, []
        for value, each in ids:
            if _is_alternative(each):
                matches.append(value)
            elif not _is_uri(value):
                self.taken.discard(each)
            elif uri is None:
                uri, scheme = value, lido.vocabulary(_say(each, "source"), value)
            else:
                matches.append(value)
        terms = list(_each(at, "term"))
        concept = at.find(f"{SKOS}Concept") if at is not None else None
        if concept is not None:
            about = collapse(concept.get(ABOUT))
            if _is_uri(about) and uri is None:
                uri, scheme = about, lido.vocabulary(None, about)
            terms += concept.iterfind(f"{SKOS}prefLabel")
        told = [each for each in terms if not _is_alternative(each)]
        chosen = min(told or terms, key=lambda each: self.lang(each) is not None, default=None)
        if chosen is None:
            return _Term(None, None, uri, scheme, matches, None)
        said = _say(chosen, "label") or None
        return _Term(self.text(chosen) or None, self.lang(chosen), uri, scheme, matches, said)

    def name(self, at: Element | None, path: str) -> str:
        """Return the preferred appellation, in the record's language if there is one in it."""
        found = list(_each(at, f"{path}/appellationValue"))

        def order(each: Element) -> tuple[bool, bool]:
            return _is_alternative(each), self.lang(each) is not None

        return self.text(min(found, key=order, default=None))

    def named(self, at: Element | None, path: str) -> tuple[str, str | None]:
        """Return the first appellation and its language."""
        found = _one(at, f"{path}/appellationValue")
        return (self.text(found), self.lang(found)) if found is not None else ("", None)

    def identifier(self, at: Element) -> dict[str, Any]:
        """Return an identifier by its type."""
        type_, source = _say(at, "type"), _say(at, "source")
        kind = _IDENTIFIERS.get(_word(type_), type_ or "local")
        if kind == "uri" and source.lower() in RESOLVERS:
            return _full({"value": self.text(at), "type": source, "label": _say(at, "label")})
        label = _say(at, "label") or (source if kind == "local" else "")
        return _full({"value": self.text(at), "type": kind, "label": label})

    def identifiers(self, found: Iterable[Element]) -> list[dict[str, Any]]:
        """Return the identifiers that are not empty."""
        return [known for each in found if "value" in (known := self.identifier(each))]

    def uris(self, at: Element | None, path: str) -> tuple[str | None, str | None]:
        """Return the first URI among identifiers, and the vocabulary that it is from."""
        for each in _each(at, path):
            if not _is_alternative(each):
                value = _said(each)
                if _is_uri(value) and _IDENTIFIERS.get(_word(_say(each, "type"))) == "uri":
                    return self.text(each), lido.vocabulary(_say(each, "source"), value)
        return None, None

    # What it is.

    def _identify(self) -> None:
        own = [*_each(self.root, "lidoRecID"), *_each(self.root, "administrativeMetadata/recordWrap/recordID")]
        key = next(filter(None, map(self.text, own[:1])), "") or next(filter(None, map(self.text, own)), "")
        if key:
            self.record["id"] = key
            source = next(filter(None, (_say(each, "source") for each in own if self.text(each) == key)), "")
            if source:
                self.inside("record")["identifier_source"] = source
        for each in _each(self.root, "objectPublishedID"):
            self.add("identifiers", self.identifier(each))
        for each in own:
            if self.text(each) != key:
                self.add("identifiers", {"value": self.text(each), "type": "local", "label": "record ID"})
        self.text(_one(self.root, "category"))

    def _classify(self, at: Element | None) -> None:
        classes = list(_each(at, "classificationWrap/classification"))
        for each in classes:
            self._resource_type(each)
        kind = self.record.get("resource_type")
        fallback = lido.resource_type(kind) if kind else None
        types = list(_each(at, "objectWorkTypeWrap/objectWorkType"))
        for each in types:
            term = self.term(each)
            if fallback and len(types) == 1 and (term.uri, term.label) == (fallback.uri, fallback.label):
                continue  # LIDO wants a type, and there was no other
            if term.label:
                self.add("genres", term.values())
        for each in classes:
            self._class(each)

    def _resource_type(self, at: Element) -> None:
        kind = _say(at, "type").lower()
        if kind == lido.RESOURCE_TYPE and (type_ := _RESOURCE_TYPES.get(self.term(at).uri or "")):
            self.record["resource_type"] = type_
        elif kind == lido.EUROPEANA_TYPE and (type_ := _EUROPEANA.get(self.first(at, "term").upper())):
            self.record.setdefault("resource_type", type_)

    def _class(self, at: Element) -> None:
        kind, notation, word = _say(at, "type").lower(), _one(at, "conceptID"), _one(at, "term")
        if kind in (lido.RESOURCE_TYPE, lido.EUROPEANA_TYPE):
            return
        if kind == lido.LANGUAGE_CLASS:
            self._spoken(at)
        elif notation is not None and (word is None or _said(word) == _said(notation)):
            scheme, edition = _say(notation, "source"), _say(notation, "label")
            self.add("classification", {"value": self.text(notation), "scheme": scheme, "edition": edition})
            self.text(word)
        elif (term := self.term(at)).label:
            self.add("genres", term.values())

    def _spoken(self, at: Element) -> None:
        term = self.term(at)
        code = collapse(term.label)
        if term.uri and term.uri.startswith(f"{LANGUAGE_URI}/"):
            code = term.uri.rpartition("/")[2]
        known = language(code)
        if known.scheme is None and not re.fullmatch(r"[a-z]{3}", code):
            self.lose("language not known", "classification", code)
            return
        self.add("languages", {"code": known.code, "role": term.said})

    def _describe(self, at: Element | None) -> None:
        for each in _each(at, "titleWrap/titleSet"):
            self._title(each)
        for each in _each(at, "inscriptionsWrap/inscriptions"):
            self._inscription(each)
        for each in _each(at, "repositoryWrap/repositorySet"):
            self._repository(each)
        if edition := self.first(at, "displayStateEditionWrap/displayEdition"):
            self.inside("origin")["edition"] = edition
        for each in _each(at, "objectDescriptionWrap/objectDescriptionSet"):
            for note in _each(each, "descriptiveNoteValue"):
                self._note(_say(each, "type"), note)
        for each in _each(at, "objectMeasurementsWrap/objectMeasurementsSet"):
            self._measurements(each)
        for each in _each(at, "objectMaterialsTechWrap/objectMaterialsTechSet"):
            self._materials(each)

    def _title(self, at: Element) -> None:
        said = _say(at, "type").lower()
        for each in _each(at, "appellationValue"):
            other = "alternative" if _is_alternative(each) or _is_alternative(at) else ""
            type_ = said if said in _TITLES else other
            self.add("titles", {"value": self.text(each), "lang": self.lang(each), "type": type_})

    def _main_title(self) -> None:
        """Let the first title be the main one, where the export calls all of them alternatives."""
        titles = self.record.get("titles", [])
        if titles and all("type" in title for title in titles):
            del titles[0]["type"]

    def _inscription(self, at: Element) -> None:
        said = _say(at, "type")
        kind = "handwritten" if said == "handwritten" else "inscription"
        prefix = "" if kind == said or not said or _is_uri(said) else f"{said}: "
        texts = [*_each(at, "inscriptionTranscription"), *_each(at, "inscriptionDescription/descriptiveNoteValue")]
        for each in texts:
            if text := self.text(each):
                self.add("notes", {"value": prefix + text, "lang": self.lang(each), "type": kind})

    def _repository(self, at: Element) -> None:
        kind = _word(_say(at, "type"))
        if kind and kind not in ("lido00475", "lido01017") and not re.search("current|aktuell", kind):
            return
        body = _one(at, "repositoryName")
        holding = self.inside("holding")
        if holding.get("repository") or holding.get("repository_uri"):
            return
        found: dict[str, Any] = {"repository": self.name(body, "legalBodyName")}
        self._body_ids(body, found)
        if not found["repository"] and body is None:
            found["repository"] = self.first(at, "displayRepository")
        for number, each in enumerate(_each(at, "workID")):
            if number == 0 and _say(each, "type").lower() in (lido.SHELFMARK, "signatur"):
                found["shelfmark"] = self.text(each)
            elif not _say(each, "type"):  # by definition the number that the institution gave to it
                self.add("identifiers", {**self.identifier(each), "type": "inventory"})
            else:
                self.add("identifiers", self.identifier(each))
        found |= self._location(_one(at, "repositoryLocation"))
        found["source_text"] = self.first(at, "sourceRepositorySet")
        holding |= {name: value for name, value in _full(found).items() if name not in holding}
        if not holding:
            del self.record["holding"]

    def _body_ids(self, at: Element | None, found: dict[str, Any]) -> None:
        """Find the address and the ISIL of a repository."""
        for each in _each(at, "legalBodyID"):
            value = _said(each)
            number = value.removeprefix("info:isil/").rpartition("/")[2] if "/" in value else value
            says_isil = "isil" in _say(each, "source").lower() or value.startswith("info:isil/")
            if says_isil and (_ISIL.fullmatch(number) or not _is_uri(value)) and "isil" not in found:
                found["isil"] = number if _ISIL.fullmatch(number) else value
                self.text(each)
            if _is_uri(value) and not value.startswith("info:isil/") and "repository_uri" not in found:
                found["repository_uri"] = self.text(each)

    def _location(self, at: Element | None) -> dict[str, Any]:
        own = _one(at, "namePlaceSet/appellationValue")
        if own is not None and _say(own, "label") == lido.SUBLOCATION:
            return {"sublocation": self.text(own), "place": self.name(at, "partOfPlace/namePlaceSet")}
        return {"place": self.name(at, "namePlaceSet")}

    def _note(self, said: str, at: Element) -> None:
        kind = said.lower()
        if not kind or kind in lido.DESCRIPTIONS:
            self._abstract("abstracts", at)
        elif kind == lido.TOC:
            self._abstract("toc", at)
        elif kind == lido.PHYSICAL:
            self.extend("physical", "notes", self.words(at))
        else:
            if _is_uri(said):
                self.lose("type not carried", "objectDescriptionSet/@type", said)
            type_ = _NOTE_TYPES.get(lido.note_event(kind) or "", "" if kind == lido.UNTYPED or _is_uri(said) else said)
            self.add("notes", {"value": self.text(at), "lang": self.lang(at), "type": type_})

    def _abstract(self, key: str, at: Element) -> None:
        words = self.words(at)
        if words and words not in self.record.setdefault(key, []):
            self.record[key].append(words)

    def _measurements(self, at: Element) -> None:
        """Take measurements as they are displayed, or else put together what is indexed of them."""
        shown = self.first(at, "displayObjectMeasurements")
        measures = []
        for each in _each(at, "objectMeasurements/measurementsSet"):
            kind, unit = self.first(each, "measurementType"), self.first(each, "measurementUnit")
            value = self.first(each, "measurementValue")
            measures.append(f"{kind}: {value} {unit}".removeprefix(": ").strip())
        part = self.first(at, "objectMeasurements/extentMeasurements") if not shown else ""
        line = "; ".join(measures)
        self.extend("physical", "extent", shown or (f"{line} ({part})" if part and line else line))

    def _materials(self, at: Element) -> None:
        terms = list(_each(at, "materialsTech/termMaterialsTech"))
        for each in terms:
            term = self.term(each)
            if term.label:
                self.extend("physical", "form", term.values())
        for each in _each(at, "displayMaterialsTech"):
            if terms:  # an account of what is indexed
                self._display(each, at)
            elif text := self.text(each):
                self.extend("physical", "form", _full({"label": text, "lang": self.lang(each)}))

    def _display(self, each: Element, at: Element) -> None:
        """Keep an account of materials that says more than their index."""
        said = {word for term in at.iter(_path("term")) for word in _words(term)}
        if not set(_words(each)) <= said:
            self.extend("physical", "notes", self.words(each))

    # What happened to it.

    def _event(self, set_: Element) -> None:
        at = _one(set_, "event")
        kind, term = self._event_type(_one(at, "eventType"))
        for each in _each(at, "eventActor"):
            self._actor(each, kind, term)
        self._event_date(set_, at, kind, term)
        for each in _each(at, "periodName"):
            if (period := self.term(each)).label:
                self.add("genres", {**period.values(), "note": "Style or period"})
        for each in _each(at, "culture"):
            if (culture := self.term(each)).label:
                self.add("genres", {**culture.values(), "note": "Culture"})
        if kind in ("production", "publication"):
            for each in _each(at, "eventPlace"):
                self._origin(each)
        for each in _each(at, "eventMethod"):
            if (method := self.term(each)).label:
                self.extend("physical", "form", method.values())
        for each in _each(at, "eventMaterialsTech"):
            self._materials(each)
        notes = list(_each(at, "eventDescriptionSet/descriptiveNoteValue"))
        if not notes and kind in _NOTE_TYPES:
            notes = list(_each(set_, "displayEvent"))
        for each in notes:
            self.add("notes", {"value": self.text(each), "lang": self.lang(each), "type": _NOTE_TYPES.get(kind)})

    def _event_type(self, at: Element | None) -> tuple[str, str]:
        """Return the key of an event, and its own word where it is none that is known."""
        term = self.term(at)
        ids = [term.uri or "", *term.matches]
        numbers = (_word(each).partition("_")[0] for each in ids)
        word = collapse(term.label)
        key = next((_EVENT_NUMBERS[number] for number in numbers if number in _EVENT_NUMBERS), None)
        key = (
            key or _EVENT_WORDS.get(word.lower()) or next(filter(None, (_EVENT_WORDS.get(_word(i)) for i in ids)), None)
        )
        return key or "event", "" if key else word

    def _event_date(self, set_: Element, at: Element | None, kind: str, term: str) -> None:
        date = _one(at, "eventDate")
        display = _one(date, "displayDate")
        edtf, text = self._date(date, display, guess=True)
        if not edtf and not text:
            return
        type_ = _DATE_TYPES.get(kind, "other")
        label = _say(display, "label") or (term or (lido.EVENTS[kind].term if kind not in _DATE_TYPES else ""))
        key = _say(set_, "mostNotableEvent") == "1" and not any(d.get("key") for d in self.record.get("dates", []))
        self.add("dates", {"type": type_, "edtf": edtf, "text": text, "label": label, "key": key})

    def _date(self, at: Element | None, display: Element | None, *, guess: bool = False) -> tuple[str, str]:
        """Return a date as EDTF and as it was written, where that is something else."""
        date = _one(at, "date")
        indexed = self._span(date)
        written = self.text(display)
        if edtf_dates.is_valid(written) and lido.span(written) == lido.span(indexed):
            return written, ""
        if date is None and guess and written and (read := self.read_date(written)):
            return read, "" if read == written else written
        return indexed or "", written

    def _span(self, at: Element | None) -> str | None:
        """Return the EDTF of the bounds of a date."""
        ends, estimated = [], False
        for name in ("earliestDate", "latestDate"):
            end = _one(at, name)
            text = self.text(end)
            estimated |= _word(_say(end, "type")) in ("lido00529", "estimateddate", "estimated")
            day = self._day(text)
            if text and not day:
                self.lose("date not read", name, text)
            ends.append(day or "")
        earliest, latest = ends
        if not earliest and not latest:
            return None
        mark = "~" if estimated else ""
        marked = [end + mark if end and "T" not in end else end for end in ends]
        edtf = marked[0] if earliest == latest else f"{marked[0] or '..'}/{marked[1] or '..'}"
        if not edtf_dates.is_valid(edtf):
            self.lose("date not read", etree.QName(at).localname if at is not None else "date", edtf)
            return None
        whole = [end for end in lido.span(edtf)[:2] if end and len(end) == 4]  # years, where it is whole ones
        return "/".join(f"{year}{mark}" for year in dict.fromkeys(whole)) if len(whole) == 2 else edtf

    def _day(self, text: str) -> str | None:
        if edtf_dates.is_valid(text):
            return text
        if match := _DAY.fullmatch(text):
            day = "-".join(part for part in match.groups() if part and part != "00")
            return day if edtf_dates.is_valid(day) else None
        return self.read_date(text) if text else None

    def _actor(self, at: Element, kind: str, event: str) -> None:
        in_role = _one(at, "actorInRole")
        actor = _one(in_role, "actor")
        name = self.name(actor, "nameActorSet") or self.first(at, "displayActorInRole")
        if not name:
            return
        codes: list[str] = []
        labels: list[str] = []
        for each in [*_each(in_role, "roleActor"), *_each(in_role, "attributionQualifierActor")]:
            self._role(each, codes, labels)
        if not codes and not labels and kind in _DEFAULT_ROLES:
            codes = [_DEFAULT_ROLES[kind]]
        elif not codes and not labels and (kind != "event" or event):
            labels = [event or lido.EVENTS[kind].term]
        uri, scheme = self.uris(actor, "actorID")
        others = [each for each in _each(actor, "actorID") if each not in self.taken]
        agent = {
            "name": name,
            "type": _ACTORS.get(_word(_say(actor, "type"))),
            "dates": self._span(_one(actor, "vitalDatesActor")),
            "scheme": scheme if uri else None,
            "uri": uri,
            "identifiers": self.identifiers(others),
            "roles": codes,
            "role_label": ", ".join(labels),
        }
        self.add("agents", agent)

    def _role(self, at: Element, codes: list[str], labels: list[str]) -> None:
        """Add a role to the codes, or to the words that no code is known for."""
        ids = [_said(each) for each in _each(at, "conceptID")]
        term = self.term(at)
        word = term.label or self.text(at)
        coded = next((i.rpartition("/")[2] for i in ids if i.startswith(RELATOR_URI + "/")), None)
        coded = coded or next((i for i in ids if re.fullmatch(r"[a-z]{3}", i)), None)
        code = coded or (_ROLES.get(word.lower()) if term.said != lido.ROLE else None)
        if code and re.fullmatch(r"[a-z]{3}", code):
            if code not in codes:
                codes.append(code)
            for each in _each(at, "conceptID"):
                self.text(each)
        if word and (not code or word.lower() in _MAKERS):
            labels.append(word)

    def _origin(self, at: Element) -> None:
        place = self._place(_one(at, "place"))
        if not place.get("label"):
            levels = place.get("parts", {})
            place["label"] = self.first(at, "displayPlace") or next(reversed(levels.values()), "")
        if place["label"]:
            self.extend("origin", "places", _full(place))

    def _place(self, at: Element | None) -> dict[str, Any]:
        """Return a place: its names, addresses and codes, and the levels above it that are called so."""
        label, lang = self.named(at, "namePlaceSet")
        uri, scheme = self.uris(at, "placeID")
        found: dict[str, Any] = {"label": label, "lang": lang, "scheme": scheme if uri else None, "uri": uri}
        for each in _each(at, "placeID"):
            if _say(each, "source") == "marcgac" and _GAC.fullmatch(_said(each)):
                found["gac"] = self.text(each)
        parts: dict[str, str] = {}
        for each in at.iter(_path("partOfPlace")) if at is not None else ():
            level = _LEVELS.get((_say(each, "politicalEntity") or _say(each, "geographicalEntity")).lower())
            for code in _each(each, "placeID"):
                if level == "country" and _say(code, "source") in ("marccountry", "iso3166"):
                    found["country"] = self.text(code)
            if level and level not in parts and (name := self.name(each, "namePlaceSet")):
                parts[level] = name
        found["parts"] = {level: parts[level] for level in PlaceParts.__struct_fields__ if level in parts}
        return _full(found)

    # What it shows, and what it belongs to.

    def _subject(self, set_: Element) -> None:
        at = _one(set_, "subject")
        display = _one(set_, "displaySubject")
        steps: list[tuple[str, dict[str, Any]]] = []
        for each in at if at is not None else ():
            if isinstance(each.tag, str) and (reader := _STEPS.get(etree.QName(each).localname)):
                step = reader(self, each)
                if step:
                    steps.append((_say(each, "sortorder"), step))
        shown = _said(display) if display is not None else ""
        ordered = sorted((item for item in steps if item[0].isdigit()), key=lambda item: int(item[0]))
        line = "--".join(step.get("label", "") for _, step in ordered)
        if ordered and shown == line and all("label" in step for _, step in ordered):
            self.text(display)
            whole = next((step for order, step in steps if not order), {})
            parts = [{"type": step.get("type", "topic"), "label": step["label"]} for _, step in ordered]
            lang = ordered[0][1].get("lang")
            self.add("subjects", {"parts": parts, "lang": lang, "scheme": whole.get("scheme"), "uri": whole.get("uri")})
            return
        if not steps and shown:
            self.add(
                "subjects", {"label": self.text(display), "lang": self.lang(display)} if display is not None else {}
            )
        things = [step for _, step in steps]
        periods = [step for step in things if step.get("type") == "period"]
        if len(periods) == 2 and "uri" in periods[0] and periods[1]["label"] == periods[1].get("edtf"):
            things.remove(periods[1])
            periods[0]["edtf"] = periods[1]["edtf"]  # a date has no place for an address
        for thing in things:
            self.add("subjects", thing)

    def _shown_concept(self, at: Element) -> dict[str, Any]:
        term = self.term(at)
        if not term.label:
            return {}
        for match in term.matches:
            self.lose("identifier not carried", "subjectConcept/conceptID", match)
        kind = term.said if term.said in ("genre", "occupation", "period") else None
        return _full({"type": kind, "label": term.label, "lang": term.lang, "scheme": term.scheme, "uri": term.uri})

    def _shown_actor(self, at: Element) -> dict[str, Any]:
        actor = _one(at, "actor")
        label, lang = self.named(actor, "nameActorSet")
        uri, scheme = self.uris(actor, "actorID")
        kind = _ACTORS.get(_word(_say(actor, "type")))
        life = self._span(_one(actor, "vitalDatesActor")) if kind else None
        label = label or self.first(at, "displayActor")
        found = {
            "type": kind,
            "label": label,
            "lang": lang,
            "scheme": scheme if uri else None,
            "uri": uri,
            "edtf": life,
        }
        return _full(found) if label else {}

    def _shown_date(self, at: Element) -> dict[str, Any]:
        display = _one(at, "displayDate")
        edtf, text = self._date(at, display)
        label = text or edtf
        lang = self.lang(display) if display is not None and text else None
        return _full({"type": "period", "label": label, "lang": lang, "edtf": edtf}) if label else {}

    def _shown_event(self, at: Element) -> dict[str, Any]:
        event = _one(at, "event")
        label, lang = self.named(event, "eventName")
        uri, scheme = self.uris(event, "eventID")
        key, word = self._event_type(_one(event, "eventType"))
        edtf, _ = self._date(_one(event, "eventDate"), _one(event, "eventDate/displayDate"))
        label = label or self.first(at, "displayEvent") or word or (lido.EVENTS[key].term if key != "event" else "")
        found = {"type": "event", "label": label, "lang": lang, "scheme": scheme, "uri": uri, "edtf": edtf}
        return _full(found) if label else {}

    def _shown_place(self, at: Element) -> dict[str, Any]:
        place = self._place(_one(at, "place"))
        if "label" not in place and (shown := self.first(at, "displayPlace")):
            place["label"] = shown
        return {"type": "place", **place} if "label" in place or "parts" in place else {}

    def _shown_object(self, at: Element) -> dict[str, Any]:
        work = _one(at, "object")
        label, lang = self.named(work, "objectName")
        uri, scheme = self.uris(work, "objectID")
        label = label or self.first(at, "displayObject")
        found = {"type": "title", "label": label, "lang": lang, "scheme": scheme if uri else None, "uri": uri}
        return _full(found) if label else {}

    def _relation(self, at: Element) -> None:
        term = self.term(_one(at, "relatedWorkRelType"))
        word = collapse(term.label)
        type_ = _RELATIONS.get(word.lower())
        work = _one(at, "relatedWork/object")
        title = self.name(work, "objectName") or self.first(at, "relatedWork/displayObject")
        note = self.first(work, "objectNote")
        if type_ is None and word:
            if note:
                self.lose("kind of relation not carried", "relatedWorkRelType/term", word)
            note = note or word
        links = [each for each in _each(work, "objectWebResource") if _is_uri(_said(each))]
        found = {
            "title": title or self.first(at, "displayRelatedWork"),
            "uri": self.text(links[0]) if links else "",
            "identifiers": self.identifiers(_each(work, "objectID")),
            "note": note,
        }
        if any(found.values()):
            self.add("relations", {"type": type_ or "related", **found})

    # Rights, the description itself, files.

    def _rights(self, at: Element) -> None:
        found: dict[str, Any] = {}
        for each in _each(at, "rightsType"):
            uri, label = self._licence(each)
            if uri in _ACCESS:
                found["access"] = _ACCESS[uri]
            else:
                found |= _full({"uri": uri, "label": label})
        for name, key in (("earliestDate", "year"), ("latestDate", "year")):
            end = _one(at, f"rightsDate/{name}")
            if _say(end, "label") == lido.EMBARGO:
                found["embargo_until"] = self.text(end)
            elif name == "earliestDate" and end is not None:
                found[key] = self.text(end)
        holder = _one(at, "rightsHolder")
        found["holder"] = self.name(holder, "legalBodyName")
        found["holder_uri"] = self.uris(holder, "legalBodyID")[0]
        for each in _each(at, "creditLine"):
            key = "access_note" if _say(each, "label") == lido.ACCESS_NOTE else "statement"
            if key not in found:
                found[key] = self.text(each) if key == "access_note" else self.words(each)
        rights = self.inside("rights")
        for key, value in _full(found).items():
            if rights.setdefault(key, value) != value:
                self.lose("further rights not carried", f"rightsWorkSet/{key}", str(value))

    def _licence(self, at: Element) -> tuple[str | None, str | None]:
        """Return a right's URI, also where it stands as a term, and its label where it is not the official one."""
        term = self.term(at)
        label = term.label
        if term.uri is None and label and _is_uri(label) and "://" in label:
            return label, None
        return term.uri, None if label and label == RIGHTS_LABELS.get(term.uri or "") else label

    def _about(self, at: Element | None) -> None:
        kind = self.term(_one(at, "recordType"))
        self.record["collection"] = kind.uri == lido.GROUP.uri or collapse(kind.label).lower() in (
            "group",
            "collection",
        )
        if not self.record["collection"]:
            del self.record["collection"]
        for each in _each(at, "recordSource"):
            self._source(each)
        for each in _each(at, "recordRights/rightsType"):
            uri, _ = self._licence(each)
            if uri:
                self.inside("rights").setdefault("metadata_licence", uri)
        for info in _each(at, "recordInfoSet"):
            for each in _each(info, "recordInfoLink"):
                if _is_uri(_said(each)):
                    self.add("media", {"role": "landing", **self._link(each), "label": _say(each, "label")})
            for each in _each(info, "recordMetadataDate"):
                if stamp := _STAMPS.get(_word(_say(each, "type"))):
                    self.inside("record").setdefault(stamp, self.text(each))
        for each in _each(at, "collection"):
            self._level(each)

    def _source(self, at: Element) -> None:
        name = self.name(at, "legalBodyName")
        if "dataprovider" in _say(at, "type").lower():
            found = _full({"data_provider": name, "data_provider_uri": self.first(at, "legalBodyID")})
            if found:
                self.inside("provider").update(found)
        elif name and self.inside("record").setdefault("source", name) != name:
            self.lose("further source not carried", "recordSource/legalBodyName", name)

    def _level(self, at: Element) -> None:
        work = _one(at, "object")
        shown = _one(work, "objectName/appellationValue")
        label, id_ = _say(shown, "label"), self.first(work, "objectID")
        level = self.term(_one(work, "objectType")).label or "collection"
        title = self.text(shown) or self.first(at, "displayObject")
        if title == level_name(label or level, id_, None) and (label or id_):
            title = ""
        if title or label or id_:
            self.extend("holding", "hierarchy", _full({"level": level, "label": label, "id": id_, "title": title}))

    def _link(self, at: Element) -> dict[str, Any]:
        return {"url": self.text(at), "mime": _say(at, "formatResource")}

    def _resource(self, at: Element) -> None:
        label = self.first(at, "resourceDescription")
        licences = [self._licence(each)[0] for each in _each(at, "rightsResource/rightsType")]
        rights = next(filter(None, licences), None)
        shown = list(_each(at, "resourceRepresentation"))
        for each in shown:
            link = _one(each, "linkResource")
            if link is None or not _is_uri(_said(link)):
                continue
            role = self._role_of(_say(each, "type"))
            found = {"role": role, **self._link(link), "rights_uri": rights}
            if len(shown) == 1 or role != "thumbnail":  # a preview of something is called as that is
                found["label"] = label
            for measure in _each(each, "resourceMeasurementsSet"):
                self._size(measure, found)
            self.add("media", found)

    def _role_of(self, type_: str) -> str:
        if role := _REPRESENTATIONS.get(type_):
            return role
        if _PREVIEWS.search(type_):
            return "thumbnail"
        shown = any(media["role"] in ("object", "view") for media in self.record.get("media", []))
        return "view" if shown else "object"

    def _size(self, at: Element, found: dict[str, Any]) -> None:
        what = ((_said(each) if each is not None else "").lower() for each in (_one(at, n) for n in _MEASURE))
        kind, unit, value = what
        for name, measure in lido.MEASURES.items():
            if (_SIZES.get(kind, kind), _SIZES.get(unit, unit)) == measure and value.isdecimal() and len(value) < 16:
                found[name] = int(value)
                self.text(at)

    # Other languages, and the rest.

    def _other_languages(self) -> None:
        """Take titles and descriptions of the description in other languages; what it says again is taken already."""
        for main, others in (
            (self.descriptions[:1], self.descriptions[1:]),
            (self.administrations[:1], self.administrations[1:]),
        ):
            said = {collapse(each.text) for block in main for each in block.iter() if each in self.taken}
            for other in others:
                self.block = self._language_of(other)
                identification = _one(other, "objectIdentificationWrap")
                for each in _each(identification, "titleWrap/titleSet"):
                    self._title(each)
                for each in _each(identification, "objectDescriptionWrap/objectDescriptionSet"):
                    for note in _each(each, "descriptiveNoteValue"):
                        self._note(_say(each, "type"), note)
                self.taken.update(each for each in other.iter() if collapse(each.text) in said)

    def _name_the_rest(self) -> None:
        for each in self.root.iter():
            if each in self.taken or not isinstance(each.tag, str) or not collapse(each.text):
                continue
            name = etree.QName(each).localname
            if name.startswith("display") and _says_again(each, self.taken):
                continue
            above = takewhile(lambda step: step is not self.root, each.iterancestors())
            steps = [etree.QName(step).localname for step in above]
            self.lose("element not carried", "/".join([*reversed(steps[:3]), name]), each.text or "")


def _words(at: Element) -> Iterable[str]:
    return re.findall(r"\w+", _said(at).lower())


def _says_again(display: Element, taken: set[Element]) -> bool:
    """Tell whether the words of a text for display are those of what is indexed beside it."""
    parent = display.getparent()
    said = {word for each in parent.iter() if each in taken for word in _words(each)} if parent is not None else set()
    return set(_words(display)) <= said


_MEASURE = ("measurementType", "measurementUnit", "measurementValue")
_SIZES = {"breite": "width", "höhe": "height", "px": "pixel", "pixels": "pixel", "bytes": "byte"}
_STEPS = {
    "subjectConcept": _Reading._shown_concept,
    "subjectActor": _Reading._shown_actor,
    "subjectDate": _Reading._shown_date,
    "subjectEvent": _Reading._shown_event,
    "subjectPlace": _Reading._shown_place,
    "subjectObject": _Reading._shown_object,
}
