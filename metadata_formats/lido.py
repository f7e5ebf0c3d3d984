"""LIDO 1.1 (Lightweight Information Describing Objects, ICOM CIDOC): what museums give to portals.

The crosswalk follows the definitions in the schema and the published terminology, whose numbers are written only where
they are certain; other types are plain words. LIDO tells of an object by its events, so agents, dates, places and
materials stand under the event that they belong to: the maker under the production, the publisher under the
publication, the donor and the credit line under the acquisition. Every identifier that other systems know is an
``objectPublishedID``, every other one a ``workID``.

Texts, notated music and software are no objects of a museum unless it has put them on its inventory: such an item is
available only with an identifier of the type ``inventory``. Everything else is.

Coordinates are left out, though LIDO has a place for them: the schema that is published lets no GML into it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from lxml import etree

from metadata_formats import edtf_dates
from metadata_formats.edm import edm_type, short_tag
from metadata_formats.mods import country_scheme
from metadata_formats.oai_dc import (
    RESOLVERS,
    full_title,
    heading,
    is_compound,
    level_name,
    place_of_keeping,
    public_form,
)
from metadata_formats.reading import ReadDate, Reading, edtf_only
from metadata_formats.record import (
    Agent,
    Concept,
    Date,
    Holding,
    Identifier,
    Media,
    Note,
    Place,
    PlaceParts,
    Record,
    RecordInfo,
    Relation,
    Subject,
    SubjectPart,
    SubjectType,
    Text,
)
from metadata_formats.registry import XSI, Context, Format, paths
from metadata_formats.vocabularies import (
    ACCESS,
    AUTHORITY_URIS,
    LANGUAGE_URI,
    RELATOR_URI,
    RELATORS,
    RESOURCE_TYPE_URI,
    RESOURCE_TYPES,
    RIGHTS_LABELS,
    language,
)
from metadata_formats.xml import LANGUAGE, Document, attribute, branch, collapse, leaf, wrap

NAMESPACE = "http://www.lido-schema.org"
TERMINOLOGY = "http://terminology.lido-schema.org/"
URI = f"{TERMINOLOGY}lido00099"
LOCAL = f"{TERMINOLOGY}lido00100"
PREFERRED = f"{TERMINOLOGY}lido00169"
ALTERNATIVE = f"{TERMINOLOGY}lido00170"
CURRENT = f"{TERMINOLOGY}lido00475"
INVENTORY = f"{TERMINOLOGY}lido00113"
EXACT = f"{TERMINOLOGY}lido00528"
ESTIMATED = f"{TERMINOLOGY}lido00529"
PREVIEW = f"{TERMINOLOGY}lido00451"
PERSON = f"{TERMINOLOGY}lido00163"
ITEM = Concept(label="Item-level record", lang="en", uri=f"{TERMINOLOGY}lido00141")
GROUP = Concept(label="Group-level record", lang="en", uri=f"{TERMINOLOGY}lido00453")
HUMAN_MADE = Concept(label="Human-made object", lang="en", uri=f"{TERMINOLOGY}lido00096")
ISIL = "ISIL (ISO 15511)"
UNDETERMINED = "und"


class Event(NamedTuple):
    """A type of event: its English term, and its number in the LIDO terminology where it has one."""

    term: str
    number: str = ""


EVENTS = {
    "production": Event("Production", "lido00007"),
    "publication": Event("Publication", "lido00228"),
    "modification": Event("Modification", "lido00006"),
    "capture": Event("Capture"),
    "copyright": Event("Copyright"),
    "validity": Event("Validity"),
    "availability": Event("Availability"),
    "submission": Event("Submission"),
    "event": Event("Event", "lido00003"),
    "designing": Event("Designing", "lido00224"),
    "commissioning": Event("Commissioning", "lido00226"),
    "use": Event("Use", "lido00011"),
    "finding": Event("Finding", "lido00002"),
    "excavation": Event("Excavation", "lido00033"),
    "collecting": Event("Collecting", "lido00010"),
    "acquisition": Event("Acquisition", "lido00001"),
    "provenance": Event("Provenance", "lido00227"),
    "exhibition": Event("Exhibition", "lido00225"),
    "restoration": Event("Restoration", "lido00034"),
}
"""The events of an object, in the order in which they are told."""

DATE_EVENTS = {
    "created": "production",
    "issued": "publication",
    "modified": "modification",
    "captured": "capture",
    "copyright": "copyright",
    "valid": "validity",
    "available": "availability",
    "submitted": "submission",
    "other": "event",
}
NOTE_EVENTS = {
    "acquisition": "acquisition",
    "ownership": "provenance",
    "exhibitions": "exhibition",
    "conservation history": "restoration",
    "provenance": "provenance",
    "provenienz": "provenance",
    "erwerb": "acquisition",
    "ausstellungen": "exhibition",
}
"""Type of a note, in MODS's words or others -> the event that it tells of."""

ROLE_EVENTS = {
    "pbl": "publication",
    "dst": "publication",
    "dsr": "designing",
    "pat": "commissioning",
    "col": "collecting",
    "dnr": "acquisition",
    "sll": "acquisition",
    "fmo": "provenance",
    "own": "provenance",
    "con": "restoration",
}
"""MARC relator code, if it is an agent's first -> the event; the other roles made the object or helped to."""

DEPICTED = "dpc"
ACTOR_TYPES = {"person": PERSON, "organization": "corporation", "family": "family", "event": "event"}
IDENTIFIER_TYPES = {
    **dict.fromkeys(("uri", "url", "iri"), URI),
    **dict.fromkeys(("local", "localid", "local_identifier", "lokal"), LOCAL),
    **dict.fromkeys(("inventory", "inventory number", "inventarnummer", "accession number"), INVENTORY),
}
"""Type of an identifier, in small letters -> the terminology's."""
SHELFMARK = "shelfmark"
INSCRIPTIONS = {"inscription": "", "handwritten": "handwritten"}
"""Type of a note -> type of the inscription that it quotes."""

DESCRIPTIONS = frozenset(("description", "beschreibung", "objektbeschreibung", "kurzbeschreibung", "abstract"))
"""Types of a description that say no more than that it is one."""

TOC, PHYSICAL, FUNDING, UNTYPED = "table of contents", "physical description", "funding", "note"
RESOURCE_TYPE, EUROPEANA_TYPE, LANGUAGE_CLASS = "resource type", "europeana:type", "language"
DATA_PROVIDER = "europeana:dataProvider"
EMBARGO, ACCESS_NOTE = "embargo until", "access note"
SUBLOCATION, ROLE = "sublocation", "role"
RELATIONS = {
    "host": "is part of",
    "series": "in series",
    "original": "original",
    "other_version": "other version",
    "other_format": "other format",
    "constituent": "has part",
    "preceding": "preceded by",
    "succeeding": "succeeded by",
    "references": "references",
    "referenced_by": "is referenced by",
    "review_of": "review of",
    "translation_of": "translation of",
    "related": "related to",
}
REPRESENTATIONS = {
    "thumbnail": PREVIEW,
    "iiif_manifest": "iiif_manifest",
    "iiif_image": "iiif_image",
    "transcript": "transcript",
    "download": "download",
}
"""Role of a file -> the type of its representation; objects and views are provided in their kind."""

_PROVIDED = {"image": "lido00464", "audio": "lido00465", "video": "lido00466", "model": "lido00468"}
_PROVIDED_TEXT = f"{TERMINOLOGY}lido00482"
_PROVIDED_SOMEHOW = f"{TERMINOLOGY}resourceRepresentation_type/provided_representation"
MEASURES = {"width": ("width", "pixel"), "height": ("height", "pixel"), "bytes": ("file size", "byte")}
_PUBLISHED = frozenset(("doi", "hdl", "ark", "urn", "uri", "purl"))
_NO_OBJECTS = frozenset(("text", "notated music", "software, multimedia"))
_TYPE_URI = attribute("lido:type", URI)
_TYPE_LOCAL = attribute("lido:type", LOCAL)
_PREF = attribute("lido:pref", PREFERRED)
_ALTERNATIVE = attribute("lido:pref", ALTERNATIVE)
_ACTORS = frozenset(("person", "organization", "family"))
# The order of the elements of a subject in the schema.
_SUBJECT_ORDER = ("lido:subjectConcept", "lido:subjectActor", "lido:subjectDate", "lido:subjectEvent",
                  "lido:subjectPlace", "lido:subjectObject")  # fmt: skip


class Lido(Format):
    """Lightweight Information Describing Objects, one ``lido:lido`` for each item."""

    prefix = "lido"
    namespace = NAMESPACE
    schema = "http://www.lido-schema.org/schema/v1.1/lido-v1.1.xsd"
    version = "1"
    element = "lido"
    options: ClassVar[Mapping[str, Any]] = {}
    not_carried = paths("""
        titles.supplied
        agents.family agents.given agents.terms agents.jurisdiction agents.description agents.affiliation
        manuscript
        genres.source_label genres.note genres.broader
        origin.places.lat origin.places.long origin.places.bbox origin.issuance origin.frequency
        languages.tag languages.script languages.inferred
        physical.form.source_label physical.form.note physical.form.broader
        physical.media_types physical.digital_origin physical.quality
        subjects.lat subjects.long subjects.bbox
        relations.part
        media.checksum
        full_text audience
        provider.provider provider.intermediate provider.country
        record.origin record.standard record.provenance
        sets extra
    """)

    _root = f' xmlns:lido="{namespace}" xmlns:xsi="{XSI}" xsi:schemaLocation="{namespace} {schema}"'

    def available(self, record: Record) -> bool:
        """Tell whether the item is an object, by its type or by the inventory that it stands on."""
        return record.resource_type not in _NO_OBJECTS or any(map(_is_inventoried, record.identifiers))

    def render(self, record: Record, context: Context) -> Document:
        """Return the record as LIDO, elements in the order of the schema."""
        made = _Rendition(record, context)
        return Document(self.namespace, branch("lido:lido", made.elements(), self._root))

    def read(self, root: etree._Element, read_date: ReadDate = edtf_only) -> Reading:
        """Return the record that a ``lido:lido`` of LIDO 1.0 or 1.1 describes, and what it leaves out.

        Raises:
            NotReadable: it is no such element.
        """
        from metadata_formats import lido_read  # it turns the tables of this module round

        return lido_read.read(root, read_date)


def _is_inventoried(identifier: Identifier) -> bool:
    return identifier.type == "inventory" and not identifier.invalid and not identifier.value.isspace()


# Small things.


def vocabulary(scheme: str | None, uri: str) -> str | None:
    """Return the code of a term's vocabulary: as stated, or else that whose addresses the URI is one of."""
    if scheme := collapse(scheme):
        known = AUTHORITY_URIS.get(scheme.lower())
        return scheme.lower() if known and uri.startswith(known) else scheme
    return next((code for code, base in AUTHORITY_URIS.items() if uri.startswith(base)), None)


def _source(scheme: str | None, uri: str) -> str:
    return attribute("lido:source", vocabulary(scheme, uri))


def _id(tag: str, uri: str | None, scheme: str | None = None) -> str:
    return leaf(tag, uri, _TYPE_URI + _source(scheme, uri)) if uri else ""


def _identifier(tag: str, known: Identifier, attributes: str = "") -> str:
    """Return an identifier of some type: as an address where it works as one."""
    kind = collapse(known.type) or "local"
    attributes += attribute("lido:label", known.label)
    if kind.lower() in RESOLVERS and (address := public_form(known)).startswith("https://"):
        return leaf(tag, address, _TYPE_URI + attribute("lido:source", kind) + attributes)
    return leaf(tag, known.value, attribute("lido:type", IDENTIFIER_TYPES.get(kind.lower(), kind)) + attributes)


def _name(tag: str, text: str | None, attributes: str = "") -> str:
    return wrap(tag, leaf("lido:appellationValue", text, attributes))


class Span(NamedTuple):
    """What LIDO indexes of a date: its bounds, and whether they are but estimated."""

    earliest: str | None = None
    latest: str | None = None
    estimated: bool = False


@lru_cache(maxsize=65536)
def span(edtf: str | None) -> Span:
    """Return the bounds of a date, as precise as they are known."""
    if not edtf:
        return Span()
    earliest, latest = edtf_dates.bounds(edtf)
    if earliest and latest and earliest[4:] == "-01-01" and latest[4:] == "-12-31":
        earliest, latest = earliest[:4], latest[:4]
    return Span(earliest, latest, (earliest or latest) is not None and any(mark in edtf for mark in "~?%"))


def _span(tag: str, edtf: str | None, attributes: str = "") -> str:
    earliest, latest, estimated = span(edtf)
    type_ = attribute("lido:type", ESTIMATED if estimated else EXACT)
    ends = (leaf("lido:earliestDate", earliest, type_), leaf("lido:latestDate", latest, type_))
    return branch(tag, ends, attributes, repeat=True)


def _date_set(
    tag: str, edtf: str | None, written: str | None, said: tuple[str, str] = ("", ""), attributes: str = ""
) -> str:
    """Return a date as it reads, which is as it was written or else as EDTF, and as it is indexed.

    ``said`` are the label of the date and the language that it is written in.
    """
    label, lang = said
    written = collapse(written) or collapse(edtf)
    display = leaf("lido:displayDate", written, label + ("" if edtf_dates.is_valid(written) else lang))
    return branch(tag, (display, _span("lido:date", edtf)), attributes)


@lru_cache(maxsize=64)
def _event_type(key: str) -> str:
    term, number = EVENTS[key]
    uri = f"{TERMINOLOGY}{number}" if number else None
    return branch("lido:eventType", (_id("lido:conceptID", uri), leaf("lido:term", term, ' xml:lang="en"')))


@lru_cache(maxsize=1024)
def _role(code: str) -> str:
    term = RELATORS.get(code)
    if term is None:  # a code that is not on the list must not claim to be
        return wrap("lido:roleActor", leaf("lido:conceptID", code, _TYPE_LOCAL))
    uri = leaf("lido:conceptID", f"{RELATOR_URI}/{code}", f'{_TYPE_URI} lido:source="marcrelator"')
    return branch("lido:roleActor", (uri, leaf("lido:term", term, ' xml:lang="en"')))


@lru_cache(maxsize=1024)
def _spoken(code: str, role: str) -> str:
    known = language(code)
    uri = f"{LANGUAGE_URI}/{known.code}" if known.scheme == "iso639-2b" else None
    label = attribute("lido:label", role if role != "text" else None)
    parts = (_id("lido:conceptID", uri, "iso639-2b"), leaf("lido:term", known.code, label))
    return branch("lido:classification", parts, f' lido:type="{LANGUAGE_CLASS}"')


def resource_type(term: str) -> Concept:
    """Return the MODS type of a resource as a term of the Library of Congress."""
    return Concept(label=term, lang="en", uri=f"{RESOURCE_TYPE_URI}/{RESOURCE_TYPES[term].suffix}")


@dataclass
class _Happening:
    """What is known of the events of one type."""

    agents: list[str] = field(default_factory=list)
    dates: list[tuple[str, str]] = field(default_factory=list)  # attributes of the set, the date
    places: list[str] = field(default_factory=list)
    materials: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Words:
    """Words and terms in their languages. ``default`` is that of all texts of a record that name no other."""

    def __init__(self, default: str) -> None:
        self.default = default

    def lang(self, tag: str | None = None) -> str:
        """Return the language of a text: its own, or that of all."""
        tag = tag if tag and LANGUAGE.fullmatch(tag) else self.default
        return "" if tag == self.default == UNDETERMINED else f' xml:lang="{tag}"'

    def words(self, tag: str, words: str | Text | None, attributes: str = "") -> str:
        if isinstance(words, Text):
            return leaf(tag, words.value, attributes + self.lang(words.lang))
        return leaf(tag, words, attributes + self.lang())

    def described(self, tag: str, words: str | Text, type_: str | None = None) -> str:
        return branch(tag, (self.words("lido:descriptiveNoteValue", words),), attribute("lido:type", type_))

    def concept(self, tag: str, concept: Concept, attributes: str = "", label: str = "") -> str:
        """Return a term with its addresses; nothing where it has no word."""
        lang, matches = self.lang(concept.lang), tuple(concept.exact_match)
        return _term(tag, concept.label, concept.scheme, concept.uri, matches, attributes, label + lang)

    def place(self, place: Place | Subject, label: str | None, levels: object) -> str:
        """Return a place; nothing where it has no name, not even those of its levels."""
        scheme = country_scheme(place.country)
        code = leaf("lido:placeID", place.country if scheme else None, f'{_TYPE_LOCAL} lido:source="{scheme}"')
        names = [_name("lido:namePlaceSet", label, self.lang(place.lang))]
        for level in PlaceParts.__struct_fields__:
            name = _name("lido:namePlaceSet", getattr(levels, level) if isinstance(levels, PlaceParts) else None)
            if level == "country" and not scheme:
                name = name or _name("lido:namePlaceSet", place.country)
            names.append(wrap("lido:partOfPlace", name, f' lido:politicalEntity="{level}"'))
        if not any(names):
            return ""
        children = (
            _id("lido:placeID", place.uri, place.scheme),
            leaf("lido:placeID", place.gac, f'{_TYPE_LOCAL} lido:source="marcgac"'),
            names[0],
            wrap("lido:partOfPlace", code, ' lido:politicalEntity="country"'),
            *names[1:],
        )
        return branch("lido:place", children)

    def step(self, subject: Subject, order: str = "") -> str:
        """Return a subject, or one step of a heading, as the kind of thing that it is."""
        kind, label, lang = subject.type, collapse(subject.label), self.lang(subject.lang)
        if kind == "place":
            place = self.place(subject, label, subject.parts)
            return wrap("lido:subjectPlace", place, order)
        if kind == "period" and not (subject.uri and label):
            return _date_set("lido:subjectDate", subject.edtf, label, ("", lang), order)
        if not label:
            return ""
        known = _id("lido:objectID" if kind == "title" else "lido:eventID", subject.uri, subject.scheme)
        if kind in _ACTORS:
            actor = (
                _id("lido:actorID", subject.uri, subject.scheme),
                _name("lido:nameActorSet", label, lang),
                _span("lido:vitalDatesActor", subject.edtf),
            )
            shown = branch("lido:actor", actor, attribute("lido:type", ACTOR_TYPES[kind]))
            return wrap("lido:subjectActor", shown, order)
        if kind == "event":
            date = _date_set("lido:eventDate", subject.edtf, None)
            event = (known, _event_type("event"), _name("lido:eventName", label, lang), date)
            return wrap("lido:subjectEvent", branch("lido:event", event), order)
        if kind == "title":
            work = branch("lido:object", (known, _name("lido:objectName", label, lang)))
            return wrap("lido:subjectObject", work, order)
        term = Concept(label=label, lang=subject.lang, scheme=subject.scheme, uri=subject.uri)
        said = attribute("lido:label", kind if kind != "topic" else None)
        return self.concept("lido:subjectConcept", term, order, said)

    def heading(self, subject: Subject, parts: Iterable[tuple[SubjectType, str]]) -> str:
        """Return a heading as it reads, and its steps; the address is that of the whole, which stands first."""
        whole = Concept(label=heading(subject), lang=subject.lang, scheme=subject.scheme, uri=subject.uri)
        steps = [self.concept("lido:subjectConcept", whole)] if subject.uri else []
        for number, (type_, label) in enumerate(parts, start=1):
            step = Subject(type=type_, label=label, lang=subject.lang)
            steps.append(self.step(step, f' lido:sortorder="{number}"'))
        steps.sort(key=_rank)
        display = leaf("lido:displaySubject", whole.label, self.lang(subject.lang))
        return branch("lido:subjectSet", (display, branch("lido:subject", steps)))


@lru_cache(maxsize=8192)
def _term(
    tag: str, label: str, scheme: str | None, uri: str | None, matches: tuple[str, ...], attributes: str, said: str
) -> str:
    term = leaf("lido:term", label, said)
    others = (_any_id("lido:conceptID", match, _ALTERNATIVE) for match in matches)
    return term and branch(tag, (_id("lido:conceptID", uri, scheme), *others, term), attributes)


@lru_cache(maxsize=8192)
def _heading(
    default: str, lang: str | None, scheme: str | None, uri: str | None, parts: tuple[tuple[SubjectType, str], ...]
) -> str:
    """Return a heading of several steps: collections repeat them."""
    said = [SubjectPart(type=type_, label=label) for type_, label in parts]
    return _Words(default).heading(Subject(parts=said, lang=lang, scheme=scheme, uri=uri), parts)


class _Rendition(_Words):
    """One record being rendered."""

    def __init__(self, record: Record, context: Context) -> None:
        self.record, self.context = record, context
        info = record.record or RecordInfo()
        cataloguing = short_tag(info.language) if info.language else None
        tags = (tag for tag in (info.description_lang, cataloguing) if tag and LANGUAGE.fullmatch(tag))
        super().__init__(next(tags, UNDETERMINED))
        self.info = info
        self.holding = record.holding or Holding()

    def elements(self) -> Iterator[str]:
        record, source = self.record, attribute("lido:source", self.info.identifier_source)
        lang = f' xml:lang="{self.default}"'
        own = _any_id("lido:lidoRecID", record.id, source)
        yield own
        for known in record.identifiers:
            if _is_published(known) and not known.invalid:
                yield _identifier("lido:objectPublishedID", known)
        if record.resource_type != "three dimensional object" or any(
            _event_of(a) == "production" for a in record.agents
        ):
            yield self.concept("lido:category", HUMAN_MADE)
        yield branch("lido:descriptiveMetadata", self._description(), lang)
        yield branch("lido:administrativeMetadata", self._administration(own), lang)

    # What it is.

    def _description(self) -> Iterator[str]:
        yield branch("lido:objectClassificationWrap", self._classifications())
        yield branch("lido:objectIdentificationWrap", self._identification())
        yield branch("lido:eventWrap", self._events())
        relations = (
            branch("lido:subjectWrap", self._subjects()),
            branch("lido:relatedWorksWrap", self._relations()),
        )
        yield branch("lido:objectRelationWrap", relations)

    def _classifications(self) -> Iterator[str]:
        record = self.record
        kind = resource_type(record.resource_type) if record.resource_type else None
        types = [self.concept("lido:objectWorkType", genre) for genre in record.genres]
        if not any(types):  # compulsory
            types = [self.concept("lido:objectWorkType", kind or Concept(label="object", lang="en"))]
        yield branch("lido:objectWorkTypeWrap", types)
        # What mixed material is, its files tell, and they are told apart less exactly here.
        europeana = leaf("lido:term", edm_type(record)) if record.resource_type != "mixed material" else ""
        classes = [
            self.concept("lido:classification", kind, f' lido:type="{RESOURCE_TYPE}"') if kind else "",
            wrap("lido:classification", europeana, f' lido:type="{EUROPEANA_TYPE}"'),
            *[_spoken(spoken.code, collapse(spoken.role)) for spoken in record.languages],
        ]
        for number in record.classification:
            said = attribute("lido:source", number.scheme) + attribute("lido:label", number.edition)
            notation = leaf("lido:conceptID", number.value, _TYPE_LOCAL + said)
            classes.append(branch("lido:classification", (notation, leaf("lido:term", number.value))))
        yield branch("lido:classificationWrap", classes)

    def _identification(self) -> Iterator[str]:
        record = self.record
        physical, default = record.physical, self.lang()
        yield branch("lido:titleWrap", self._titles())
        yield branch("lido:inscriptionsWrap", map(self._inscription, record.notes))
        yield branch("lido:repositoryWrap", (self._repository(),))
        edition = leaf("lido:displayEdition", record.origin.edition, default) if record.origin else ""
        yield wrap("lido:displayStateEditionWrap", edition)
        yield branch("lido:objectDescriptionWrap", self._descriptions())
        extents = physical.extent if physical else []
        measured = (leaf("lido:displayObjectMeasurements", extent, default) for extent in extents)
        yield branch("lido:objectMeasurementsWrap", [wrap("lido:objectMeasurementsSet", m) for m in measured])

    def _titles(self) -> Iterator[str]:
        for title in self.record.titles:
            is_main = title.type == "main"
            words = leaf(
                "lido:appellationValue",
                full_title(title),
                (_PREF if is_main else _ALTERNATIVE) + self.lang(title.lang),
            )
            yield wrap("lido:titleSet", words, "" if is_main else f' lido:type="{title.type}"')

    def _inscription(self, note: Note) -> str:
        kind = INSCRIPTIONS.get(collapse(note.type))
        if kind is None:
            return ""
        words = leaf("lido:inscriptionTranscription", note.value, self.lang(note.lang))
        return wrap("lido:inscriptions", words, attribute("lido:type", kind))

    def _repository(self) -> str:
        holding = Holding() if self.holding.original else self.holding
        body = (
            _id("lido:legalBodyID", holding.repository_uri),
            leaf("lido:legalBodyID", holding.isil, f'{_TYPE_LOCAL} lido:source="{ISIL}"'),
            _name("lido:legalBodyName", holding.repository),
        )
        repository = branch("lido:repositoryName", body)
        location = branch("lido:repositoryLocation", _location(holding))
        own = (known for known in self.record.identifiers if not _is_published(known) and not known.invalid)
        shelfmark = leaf("lido:workID", holding.shelfmark, f' lido:type="{SHELFMARK}"')
        numbers = [shelfmark, *[_identifier("lido:workID", known) for known in own]]
        source = leaf("lido:sourceRepositorySet", holding.source_text)
        current = attribute("lido:type", CURRENT) if repository or location else ""
        return branch("lido:repositorySet", (repository, *numbers, location, source), current)

    def _descriptions(self) -> Iterator[str]:
        record, tag = self.record, "lido:objectDescriptionSet"
        for words in record.abstracts:
            yield self.described(tag, words)
        for words in record.toc:
            yield self.described(tag, words, TOC)
        for note in record.notes:
            kind = collapse(note.type)
            if note_event(kind) is None and kind not in INSCRIPTIONS:
                type_ = UNTYPED if kind.lower() in DESCRIPTIONS else kind or UNTYPED
                yield self.described(tag, Text(value=note.value, lang=note.lang), type_)
        for grant in record.funding:
            known = (grant.funder, grant.funder_id, grant.title, grant.award, grant.award_uri)
            yield self.described(tag, "; ".join(filter(None, map(collapse, known))), FUNDING)
        for words in record.physical.notes if record.physical else ():
            yield self.described(tag, words, PHYSICAL)

    # What happened to it.

    def _events(self) -> Iterator[str]:
        happened = self._happenings()
        for key, event_type in ((key, _event_type(key)) for key in EVENTS if key in happened):
            what = happened[key]
            dates = list(dict.fromkeys(what.dates))
            attributes, date = dates[0] if dates else ("", "")
            whole = (event_type, *what.agents, date, *what.places, *what.materials, *what.notes)
            yield wrap("lido:eventSet", branch("lido:event", whole), attributes)
            for attributes, date in dates[1:]:
                yield wrap("lido:eventSet", branch("lido:event", (event_type, date)), attributes)

    def _happenings(self) -> Mapping[str, _Happening]:
        record = self.record
        happened: dict[str, _Happening] = defaultdict(_Happening)
        for agent in record.agents:
            if (key := _event_of(agent)) and (actor := self._actor(agent)):
                happened[key].agents.append(actor)
        for date in record.dates:
            if set_ := self._event_date(date):
                key = named_event(date.label) if date.type == "other" else None
                notable = ' lido:mostNotableEvent="1"' if date.key else ""
                happened[key or DATE_EVENTS[date.type]].dates.append((notable, set_))
        for note in record.notes:
            if key := note_event(collapse(note.type)):
                words = self.described("lido:eventDescriptionSet", Text(value=note.value, lang=note.lang))
                if words:
                    happened[key].notes.append(words)
        for form in record.physical.form if record.physical else ():
            if material := self._material(form):
                happened["production"].materials.append(material)
        home = "publication" if "publication" in happened and "production" not in happened else "production"
        for place in record.origin.places if record.origin else ():
            if made := self.place(place, place.label, place.parts):
                happened[home].places.append(wrap("lido:eventPlace", made))
        return happened

    def _event_date(self, date: Date) -> str:
        return _date_set("lido:eventDate", date.edtf, date.text, (attribute("lido:label", date.label), self.lang()))

    def _actor(self, agent: Agent) -> str:
        name = _name("lido:nameActorSet", agent.name, _PREF)
        if not name:
            return ""
        others = [_identifier("lido:actorID", known, _ALTERNATIVE) for known in agent.identifiers if not known.invalid]
        actor = (
            _id("lido:actorID", agent.uri, agent.scheme),
            *others,
            name,
            _span("lido:vitalDatesActor", agent.dates),
        )
        label = leaf("lido:term", agent.role_label, f' lido:label="{ROLE}"' + self.lang())
        roles = (*map(_role, agent.roles), wrap("lido:roleActor", label))
        kind = attribute("lido:type", ACTOR_TYPES.get(agent.type or ""))
        in_role = branch("lido:actorInRole", (branch("lido:actor", actor, kind), *roles))
        return wrap("lido:eventActor", in_role)

    def _material(self, form: Concept) -> str:
        """Return a material or technique: a term of a vocabulary, or words that are displayed."""
        if form.uri or any(map(collapse, form.exact_match)):
            term = self.concept("lido:termMaterialsTech", form)
            return wrap("lido:eventMaterialsTech", wrap("lido:materialsTech", term))
        words = leaf("lido:displayMaterialsTech", form.label, self.lang(form.lang))
        return wrap("lido:eventMaterialsTech", words)

    # What it shows, and what it belongs to.

    def _subjects(self) -> Iterator[str]:
        for subject in self.record.subjects:
            yield self._subject(subject)
        for agent in self.record.agents:
            if _event_of(agent) is None:
                shown = Subject(
                    type=agent.type or "person", label=agent.name, scheme=agent.scheme, uri=agent.uri, edtf=agent.dates
                )
                yield self._subject(shown)

    def _subject(self, subject: Subject) -> str:
        if isinstance(subject.parts, list) and is_compound(subject):
            parts = tuple((part.type, part.label) for part in subject.parts)
            return _heading(self.default, subject.lang, subject.scheme, subject.uri, parts)
        dated = subject.type == "period" and subject.uri and subject.label  # a date has no place for an address
        steps = (self.step(subject), _date_set("lido:subjectDate", subject.edtf, None) if dated else "")
        return wrap("lido:subjectSet", branch("lido:subject", steps))

    def _relations(self) -> Iterator[str]:
        for relation in self.record.relations:
            yield _related(relation)
        if self.holding.original and (line := place_of_keeping(self.holding)):
            yield _related(Relation(type="original", title=line, note=self.holding.source_text))

    # Rights, the description itself, files.

    def _administration(self, own: str) -> Iterator[str]:
        record = self.record
        yield branch("lido:rightsWorkWrap", self._rights())
        yield branch("lido:recordWrap", self._record(own.replace("lido:lidoRecID", "lido:recordID")))
        yield branch("lido:resourceWrap", self._resources(record.media))

    def _rights(self) -> Iterator[str]:
        rights = self.record.rights
        if rights is None:
            return
        holder = (_id("lido:legalBodyID", rights.holder_uri), _name("lido:legalBodyName", rights.holder))
        main = (
            self._licence("lido:rightsType", rights.uri, rights.label),
            wrap("lido:rightsDate", leaf("lido:earliestDate", rights.year)),
            branch("lido:rightsHolder", holder),
            self.words("lido:creditLine", rights.statement),
        )
        yield branch("lido:rightsWorkSet", main)
        access = ACCESS[rights.access] if rights.access else None
        until = leaf("lido:latestDate", rights.embargo_until, f' lido:label="{EMBARGO}"')
        limits = (
            self.concept("lido:rightsType", Concept(label=access.label, lang="en", uri=access.uri)) if access else "",
            wrap("lido:rightsDate", until),
            leaf("lido:creditLine", rights.access_note, f' lido:label="{ACCESS_NOTE}"' + self.lang()),
        )
        yield branch("lido:rightsWorkSet", limits)

    def _licence(self, tag: str, uri: str | None, label: str | None = None) -> str:
        official = RIGHTS_LABELS.get(uri or "")
        words = collapse(label) or official
        lang = self.lang("en" if words == official else None)
        return branch(tag, (_id("lido:conceptID", uri), leaf("lido:term", words, lang)))

    def _record(self, own: str) -> Iterator[str]:
        record, info, provider = self.record, self.info, self.record.provider
        yield own
        yield self.concept("lido:recordType", GROUP if record.collection else ITEM)
        giver = ""
        if provider:
            body = (
                _any_id("lido:legalBodyID", provider.data_provider_uri),
                _name("lido:legalBodyName", provider.data_provider),
            )
            giver = branch("lido:recordSource", body, f' lido:type="{DATA_PROVIDER}"')
        source = collapse(info.source)
        if not source and not giver:  # compulsory
            source = collapse(self.holding.repository) or collapse(self.context.repository_name) or "unknown"
        yield branch("lido:recordSource", (_name("lido:legalBodyName", source),))
        yield giver
        if record.rights:
            yield branch("lido:recordRights", (self._licence("lido:rightsType", record.rights.metadata_licence),))
        pages = [media for media in record.media if media.role == "landing"]
        links = [
            leaf("lido:recordInfoLink", page.url, _format(page) + attribute("lido:label", page.label)) for page in pages
        ]
        stamps = (
            leaf("lido:recordMetadataDate", info.created, ' lido:type="created"'),
            leaf("lido:recordMetadataDate", info.changed, ' lido:type="modified"'),
        )
        yield branch("lido:recordInfoSet", (*links, *stamps))
        if not self.holding.original:
            yield from _hierarchy(self.holding)

    def _resources(self, media: Iterable[Media]) -> Iterator[str]:
        """Return a set for each file; a lone preview joins the first file that it can be a preview of."""
        files = [each for each in media if each.role != "landing"]
        previews = [each for each in files if each.role == "thumbnail"]
        first = next((each for each in files if each.role in ("object", "view")), None)
        preview = previews[0] if len(previews) == 1 else None
        joined = bool(
            first and preview and not collapse(preview.label) and preview.rights_uri in (None, first.rights_uri)
        )
        for each in files:
            if joined and each is preview:
                continue
            shown = [_representation(each), _representation(preview) if preview and joined and each is first else ""]
            label = leaf("lido:resourceDescription", each.label, self.lang())
            rights = branch("lido:rightsResource", (self._licence("lido:rightsType", each.rights_uri),))
            yield branch("lido:resourceSet", (*shown, label, rights))


def _rank(step: str) -> int:
    """Return the place of a step among the elements of a subject."""
    return next((rank for rank, tag in enumerate(_SUBJECT_ORDER) if step.startswith(f"<{tag}")), 0)


def _is_published(identifier: Identifier) -> bool:
    """Tell whether others know the object by this identifier."""
    return identifier.type.lower() in _PUBLISHED or identifier.value.startswith(("http://", "https://"))


def _any_id(tag: str, text: str | None, attributes: str = "") -> str:
    """Return an identifier that may be an address."""
    return leaf(tag, text, (_TYPE_URI if text and "://" in text else _TYPE_LOCAL) + attributes)


@lru_cache(maxsize=1024)
def named_event(term: str | None) -> str | None:
    """Return the event that a source calls by its English term."""
    key = collapse(term).lower()
    return key if key in EVENTS else None


def note_event(kind: str) -> str | None:
    """Return the event that a note of this type tells of."""
    return NOTE_EVENTS.get(kind.lower())


def _event_of(agent: Agent) -> str | None:
    """Return the event that an agent takes part in; None: it is one that the object shows."""
    if not agent.roles:
        return named_event(agent.role_label) or ("production" if collapse(agent.role_label) else "event")
    if agent.roles == [DEPICTED] and not agent.identifiers and not agent.role_label:
        return None
    return ROLE_EVENTS.get(agent.roles[0], "production")


def _location(holding: Holding) -> tuple[str, str]:
    place = _name("lido:namePlaceSet", holding.place)
    within = _name("lido:namePlaceSet", holding.sublocation, f' lido:label="{SUBLOCATION}"')
    return (within, wrap("lido:partOfPlace", place)) if within else (place, "")


def _related(relation: Relation) -> str:
    known = [_identifier("lido:objectID", each) for each in relation.identifiers if not each.invalid]
    work = (
        leaf("lido:objectWebResource", relation.uri),
        *known,
        _name("lido:objectName", relation.title),
        leaf("lido:objectNote", relation.note),
    )
    if not any(work):
        return ""
    term = leaf("lido:term", RELATIONS[relation.type], ' xml:lang="en"')
    object_ = wrap("lido:relatedWork", branch("lido:object", work))
    return branch("lido:relatedWorkSet", (object_, wrap("lido:relatedWorkRelType", term)))


def _hierarchy(holding: Holding) -> Iterator[str]:
    """Return what the item is part of where it is kept, the largest first."""
    for level in holding.hierarchy:
        name = collapse(level.title) or level_name(collapse(level.label) or level.level, level.id, None)
        whole = (
            leaf("lido:objectID", level.id, _TYPE_LOCAL),
            wrap("lido:objectType", leaf("lido:term", level.level)),
            _name("lido:objectName", name, attribute("lido:label", level.label)),
        )
        yield wrap("lido:collection", branch("lido:object", whole))


def _format(media: Media) -> str:
    return attribute("lido:formatResource", media.mime)


def _representation(media: Media) -> str:
    sizes = (_measure(getattr(media, name), *MEASURES[name]) for name in MEASURES)
    type_ = REPRESENTATIONS.get(media.role) or _provided(media.mime or "")
    shown = (leaf("lido:linkResource", media.url, _format(media)), *sizes)
    return branch("lido:resourceRepresentation", shown, attribute("lido:type", type_))


def _measure(value: int | None, what: str, unit: str) -> str:
    if not value:
        return ""
    parts = (
        leaf("lido:measurementType", what),
        leaf("lido:measurementUnit", unit),
        leaf("lido:measurementValue", str(value)),
    )
    return branch("lido:resourceMeasurementsSet", parts)


@lru_cache(maxsize=256)
def _provided(mime: str) -> str:
    kind = mime.partition("/")[0].strip().lower()
    if kind == "text" or "pdf" in mime.lower():
        return _PROVIDED_TEXT
    return f"{TERMINOLOGY}{_PROVIDED[kind]}" if kind in _PROVIDED else _PROVIDED_SOMEHOW
