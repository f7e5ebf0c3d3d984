"""MODS 3.8: the rich description, which keeps what libraries and archives say (crosswalk, section 3.4).

It follows the MODS guidelines of the Library of Congress. Everything of a record is carried but what
:attr:`Mods.not_carried` lists: content rather than metadata (``full_text``), what stands elsewhere in OAI-PMH (sets,
provenance, the licence of the metadata) and technical data of files. ``extra`` belongs to plug-ins, and only they know
an XML for it.

Option (``[formats.mods]``): ``creator_roles``, the MARC relator codes whose first bearer is the primary name, as in
``oai_dc``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import msgspec
from lxml import etree

from metadata_formats import edtf_dates
from metadata_formats.oai_dc import (
    creator_roles,
    is_compound,
    level_name,
    media_types,
    repository,
    says_more_than_dates,
    shelf,
)
from metadata_formats.reading import ReadDate, Reading, edtf_only
from metadata_formats.record import (
    Agent,
    Concept,
    Date,
    HierarchyLevel,
    Holding,
    Identifier,
    Origin,
    Part,
    Place,
    PlaceParts,
    Record,
    Relation,
    Rights,
    Subject,
    SubjectType,
    Text,
    Title,
)
from metadata_formats.registry import XSI, Context, Format, paths
from metadata_formats.vocabularies import (
    ACCESS,
    ACCESS_URI,
    AUTHORITY_URIS,
    LANGUAGE_URI,
    PUBLISHER_ROLE,
    RELATOR_URI,
    RELATORS,
    RESOURCE_TYPE_URI,
    RESOURCE_TYPES,
    RIGHTS_LABELS,
    RIGHTS_VOCABULARIES,
    language,
    says_more,
)
from metadata_formats.xml import Document, attribute, branch, collapse, leaf, uri_attribute, wrap
from metadata_formats.xml import language as lang_attribute
from metadata_formats.xml import uri as xml_uri


class _Event(NamedTuple):
    """What a type of date is in MODS: the event of its originInfo, and its element."""

    name: str
    tag: str
    attributes: str = ""


EVENTS = {
    "created": _Event("production", "dateCreated"),
    "issued": _Event("publication", "dateIssued"),
    "captured": _Event("capture", "dateCaptured"),
    "modified": _Event("modification", "dateModified"),
    "copyright": _Event("copyright notice", "copyrightDate"),
    "valid": _Event("validity", "dateValid"),
    "available": _Event("availability", "dateOther", ' type="available"'),
    "submitted": _Event("submission", "dateOther", ' type="submitted"'),
    "other": _Event("", "dateOther"),
}
NAME_TYPES = {"person": "personal", "organization": "corporate", "family": "family", "event": "conference"}
SUBJECT_TAGS = {
    "topic": "topic", "place": "geographic", "period": "temporal", "occupation": "occupation", "genre": "genre",
}  # fmt: skip
PLACE_TAGS = {name: name for name in PlaceParts.__struct_fields__} | {"city_section": "citySection"}
_RELATION_TYPES = {
    "host": ' type="host"',
    "series": ' type="series"',
    "original": ' type="original"',
    "other_version": ' type="otherVersion"',
    "other_format": ' type="otherFormat"',
    "constituent": ' type="constituent"',
    "preceding": ' type="preceding"',
    "succeeding": ' type="succeeding"',
    "references": ' type="references"',
    "referenced_by": ' type="isReferencedBy"',
    "review_of": ' type="reviewOf"',
    "translation_of": ' type="original" displayLabel="translation of"',
    "related": "",
}
_MEDIA = {
    "landing": ' access="object in context"',
    "object": ' access="raw object"',
    "thumbnail": ' access="preview"',
    "view": ' access="raw object" note="view"',
    "download": ' access="raw object" note="download"',
    "iiif_manifest": ' note="IIIF manifest"',
    "iiif_image": ' note="IIIF image"',
    "transcript": ' note="transcript"',
}
COLLECTION = "http://purl.org/dc/dcmitype/Collection"
_REUSE = ' type="use and reproduction"'
_RESTRICTION = ' type="restriction on access"'
_PAGES = re.compile(r"([^\s,;–-]+)\s*[–-]\s*([^\s,;–-]+)")
_W3CDTF = ' encoding="w3cdtf"'
_MEMORABLE = 200
"""Characters: longer headings are made each time, so that what is remembered stays small whatever records say."""


class Mods(Format):
    """The Metadata Object Description Schema of the Library of Congress."""

    prefix = "mods"
    namespace = "http://www.loc.gov/mods/v3"
    schema = "http://www.loc.gov/standards/mods/v3/mods-3-8.xsd"
    version = "2"
    element = "mods"
    options: ClassVar[Mapping[str, Any]] = {"creator_roles": list[str]}
    not_carried = paths("""
        agents.jurisdiction
        genres.source_label genres.note genres.broader genres.exact_match
        origin.places.parts
        languages.inferred
        physical.form.source_label physical.form.note physical.form.broader physical.form.exact_match
        audience.source_label audience.note audience.broader audience.exact_match
        rights.metadata_licence
        media.width media.height media.bytes media.checksum media.rights_uri
        full_text provider
        record.provenance
        sets extra
    """)

    _root = (
        f' xmlns="{namespace}" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="{XSI}"'
        f' xsi:schemaLocation="{namespace} {schema}" version="3.8"'
    )

    def render(self, record: Record, context: Context) -> Document:
        """Return the record as MODS, top-level elements in the order of the crosswalk (section 3.1)."""
        if record.holding and record.holding.hierarchy:
            levels = [_plain_level(level) for level in record.holding.hierarchy]
            record = msgspec.structs.replace(record, holding=msgspec.structs.replace(record.holding, hierarchy=levels))
        elements = _elements(record, creator_roles(context))
        return Document(self.namespace, branch("mods", elements, self._root))

    def read(self, root: etree._Element, read_date: ReadDate = edtf_only) -> Reading:
        """Return what MODS of any version says; its id is that of recordInfo, else a local identifier, URI or DOI."""
        from metadata_formats import mods_read  # it turns the tables of this module round

        return mods_read.read(root, read_date)


def _elements(record: Record, creating: frozenset[str]) -> Iterator[str]:
    default = record.description_lang
    yield from _titles(record)
    yield from _names(record, creating)
    yield from _types(record)
    for genre in record.genres:
        yield _concept("genre", genre, default)
    yield from _origin(record)
    yield from _languages(record)
    yield _physical(record)
    for words in record.abstracts:
        yield _words("abstract", words, default)
    for words in record.toc:
        yield _words("tableOfContents", words, default)
    for audience in record.audience:
        yield _concept("targetAudience", audience, default)
    yield from _notes(record)
    for subject in record.subjects:
        yield _subject(subject, default)
    for number in record.classification:
        yield leaf("classification", number.value, authority(number.scheme) + attribute("edition", number.edition))
    yield from _related(record)
    yield from _identifiers(record)
    yield from _locations(record)
    if record.rights:
        yield from _rights(record.rights, default)
    yield _record_info(record)


@lru_cache(maxsize=4096)
def xml_lang(lang: str | None, default: str | None = None) -> str:
    """Return ``xml:lang`` for a tag; what is no tag says nothing, so that the text is in the language of the rest."""
    return lang_attribute(lang) or lang_attribute(default)


def authority(scheme: str | None, uri: str | None = None) -> str:
    """Return the attributes of a controlled value: the vocabulary's code and address, and the value's own URI."""
    if not uri:
        return attribute("authority", scheme) if scheme else ""
    base = AUTHORITY_URIS.get(scheme or "")
    return attribute("authority", scheme) + uri_attribute("authorityURI", base) + uri_attribute("valueURI", uri)


def _words(tag: str, words: str | Text, default: str | None, attributes: str = "") -> str:
    if isinstance(words, str):
        return leaf(tag, words, attributes + xml_lang(None, default))
    return leaf(tag, words.value, attributes + xml_lang(words.lang, default))


def _concept(tag: str, concept: Concept, default: str | None) -> str:
    return leaf(tag, concept.label, authority(concept.scheme, concept.uri) + xml_lang(concept.lang, default))


def _identifier(tag: str, identifier: Identifier) -> str:
    invalid = ' invalid="yes"' if identifier.invalid else ""
    label = attribute("displayLabel", identifier.label)
    return leaf(tag, identifier.value, attribute("type", identifier.type) + label + invalid)


# Titles and names.


def _titles(record: Record) -> Iterator[str]:
    usage = ' usage="primary"'
    for title in record.titles:
        if title.type == "main":
            yield _title(title, usage, record.description_lang)
            usage = ""
        else:
            yield _title(title, f' type="{title.type}"', record.description_lang)


def _title(title: Title, attributes: str, default: str | None) -> str:
    parts = (
        leaf("nonSort", title.non_sort),
        leaf("title", title.value),
        leaf("subTitle", title.subtitle),
        leaf("partNumber", title.part_number),
        leaf("partName", title.part_name),
    )
    supplied = ' supplied="yes"' if title.supplied else ""
    return branch("titleInfo", parts, attributes + supplied + xml_lang(title.lang, default))


def _names(record: Record, creating: frozenset[str]) -> Iterator[str]:
    usage = ' usage="primary"'
    for agent in record.agents:
        if is_mere_publisher(agent):
            continue
        if usage and not creating.isdisjoint(agent.roles):
            yield _name(agent, usage)
            usage = ""
        else:
            yield _name(agent, "")


def is_mere_publisher(agent: Agent) -> bool:
    """Tell whether originInfo/publisher says all there is to say of an agent."""
    if PUBLISHER_ROLE not in agent.roles or set(agent.roles) != {PUBLISHER_ROLE}:
        return False
    more = (
        agent.family, agent.given, agent.terms, agent.dates, agent.description, agent.affiliation, agent.role_label,
        *(identifier.value for identifier in agent.identifiers),
    )  # fmt: skip
    return not any(map(collapse, more))


def _name(agent: Agent, usage: str) -> str:
    type_ = f' type="{NAME_TYPES[agent.type]}"' if agent.type else ""
    in_parts = collapse(agent.family) or collapse(agent.given)
    children = (
        leaf("namePart", agent.family, ' type="family"'),
        leaf("namePart", agent.given, ' type="given"'),
        "" if in_parts else leaf("namePart", agent.name),
        leaf("namePart", agent.terms, ' type="termsOfAddress"'),
        leaf("namePart", agent.dates, ' type="date"'),
        leaf("displayForm", agent.name) if in_parts else "",
        *map(_role, agent.roles),
        wrap("role", leaf("roleTerm", agent.role_label, ' type="text"')),
        leaf("description", agent.description),
        leaf("affiliation", agent.affiliation),
        *[_identifier("nameIdentifier", identifier) for identifier in agent.identifiers],
    )
    return branch("name", children, type_ + usage + authority(agent.scheme, agent.uri))


@lru_cache(maxsize=1024)
def _role(code: str) -> str:
    term = RELATORS.get(code)
    if term is None:  # a code that is not on the list must not claim to be
        return wrap("role", leaf("roleTerm", code, ' type="code"'))
    attributes = f' authority="marcrelator" authorityURI="{RELATOR_URI}" valueURI="{RELATOR_URI}/{code}"'
    terms = (leaf("roleTerm", code, ' type="code"' + attributes), leaf("roleTerm", term, ' type="text"' + attributes))
    return branch("role", terms)


# What it is, whence, in which language, of what.


def _types(record: Record) -> Iterator[str]:
    if record.resource_type or record.manuscript:
        yield _type_of_resource(record.resource_type or "text", record.collection, record.manuscript)
    elif record.collection:
        yield leaf("genre", "Collection", f' authority="dct" valueURI="{COLLECTION}"')


@lru_cache(maxsize=256)
def _type_of_resource(term: str, collection: bool, manuscript: bool) -> str:
    uri = f"{RESOURCE_TYPE_URI}/{RESOURCE_TYPES[term].suffix}"
    flags = (' collection="yes"' if collection else "") + (' manuscript="yes"' if manuscript else "")
    return leaf("typeOfResource", term, f' authorityURI="{RESOURCE_TYPE_URI}" valueURI="{uri}"{flags}')


def _origin(record: Record) -> Iterator[str]:
    """Give each date an originInfo; publishers, places and edition join the first that they fit, else stand alone."""
    rights_year = record.rights.year if record.rights else None
    published = [
        leaf("publisher", agent.name, authority(agent.scheme, agent.uri))
        for agent in record.agents
        if PUBLISHER_ROLE in agent.roles
    ]
    home = _home(record, published=bool(published))
    places, details = _origin_details(record.origin, record.description_lang) if record.origin else ([], [])
    for date in record.dates:
        event = EVENTS[date.type]
        coded = _date_elements(event.tag, date, event.attributes)
        shown = leaf("displayDate", date.text) if date.edtf and collapse(date.text) != date.edtf else ""
        attributes = attribute("eventType", event.name) + attribute("displayLabel", date.label)
        if date is home:
            yield branch("originInfo", [*places, *published, *coded, shown, *details], attributes)
        else:
            yield branch("originInfo", [*coded, shown], attributes)
    if home is None:
        attributes = ' eventType="publication"' if published else ""
        yield branch("originInfo", [*places, *published, *details], attributes)
    if rights_year and not any(date.type == "copyright" and _is_stated(date) for date in record.dates):
        yield wrap("originInfo", leaf("copyrightDate", rights_year), ' eventType="copyright notice"')


def _home(record: Record, *, published: bool) -> Date | None:
    """Return the date whose event is where the item came from: that of publication, else (unpublished) of creation."""
    first: dict[str, Date] = {}
    for date in record.dates:
        if _is_stated(date):
            first.setdefault(date.type, date)
    return first.get("issued") or (None if published else first.get("created"))


def _is_stated(date: Date) -> bool:
    return bool(date.edtf or collapse(date.text))


def _origin_details(origin: Origin, default: str | None) -> tuple[list[str], list[str]]:
    places = [_place(place, default) for place in origin.places]
    details = [
        leaf("edition", origin.edition),
        leaf("issuance", origin.issuance),
        leaf("frequency", origin.frequency),
    ]
    return places, details


def _place(place: Place, default: str | None) -> str:
    attributes = ' type="text"' + authority(place.scheme, place.uri) + xml_lang(place.lang, default)
    scheme = country_scheme(place.country)
    country = ' type="text"' if scheme is None else f' type="code" authority="{scheme}"'
    terms = (
        leaf("placeTerm", place.label, attributes),
        leaf("placeTerm", place.country, country),
        leaf("placeTerm", place.gac and place.gac.ljust(7, "-"), ' type="code" authority="marcgac"'),
        _cartographics(place),
    )
    return branch("place", terms)


def country_scheme(country: str | None) -> str | None:
    """Tell whose code a country is, by its form: MARC's are of two or three small letters, ISO's of two capitals."""
    if country and country.isascii() and country.isalpha() and len(country) in (2, 3):
        return "marccountry" if country.islower() else "iso3166" if country.isupper() and len(country) == 2 else None
    return None


def _cartographics(place: Place | Subject) -> str:
    if place.lat is None and place.bbox is None:
        return ""
    found = []
    if place.lat is not None and place.long is not None:
        found.append(f"{_rounded(place.lat)},{_rounded(place.long)}")
    if place.bbox is not None:
        west, south, east, north = map(_rounded, place.bbox)
        found.append(f"{south},{west} {north},{east}")
    return branch("cartographics", [leaf("coordinates", point) for point in found])


def _rounded(value: float) -> str:
    """Return a coordinate in the one form that it has when it is read again."""
    return degrees(float(degrees(value)))


def degrees(value: float) -> str:
    """Return a coordinate in decimal degrees, never with an exponent."""
    text = repr(value)
    return f"{value:.10f}" if "e" in text else text


def _date_elements(tag: str, date: Date, attributes: str = "") -> Sequence[str]:
    """Return a date as one element, or as a start and an end; the key date is marked once (crosswalk, section 3.2)."""
    key = ' keyDate="yes"' if date.key else ""
    if not date.edtf:
        return [leaf(tag, date.text, attributes + key)]
    return _coded_date(tag, date.edtf, attributes, key)


@lru_cache(maxsize=8192)
def _coded_date(tag: str, edtf: str, attributes: str = "", key: str = "") -> tuple[str, ...]:
    points = edtf_dates.points(edtf)
    if not points:
        return (leaf(tag, edtf, f'{attributes} encoding="edtf"{key}'),)
    qualifiers = [f' qualifier="{point.qualifier}"' if point.qualifier else "" for point in points]
    if len(points) == 1:
        return (leaf(tag, points[0].value, attributes + _W3CDTF + qualifiers[0] + key),)
    start, end = points
    return (
        leaf(tag, start.value, f'{attributes}{_W3CDTF} point="start"{qualifiers[0]}{key}'),
        leaf(tag, end.value, f'{attributes}{_W3CDTF} point="end"{qualifiers[1]}'),
    )


def _languages(record: Record) -> Iterator[str]:
    usage = ' usage="primary"'
    for spoken in record.languages:
        if spoken.role == "text":
            yield _language(usage, spoken.code, spoken.tag, spoken.script)
            usage = ""
        elif spoken.role != "original":
            terms = _language_terms(spoken.code, spoken.tag, spoken.script)
            yield branch("language", terms, attribute("objectPart", spoken.role))


@lru_cache(maxsize=8192)
def _language(usage: str, code: str, tag: str | None, script: str | None) -> str:
    return branch("language", _language_terms(code, tag, script), usage)


@lru_cache(maxsize=8192)
def _language_terms(code: str, tag: str | None = None, script: str | None = None) -> tuple[str, ...]:
    known = language(code)
    if known.scheme is None:
        return (leaf("languageTerm", known.code, ' type="text"'),)
    attributes = f' authority="{known.scheme}"'
    if known.scheme == "iso639-2b":
        attributes += f' authorityURI="{LANGUAGE_URI}" valueURI="{LANGUAGE_URI}/{known.code}"'
    return (
        leaf("languageTerm", known.code, ' type="code"' + attributes),
        leaf("languageTerm", known.name, ' type="text"' + attributes),
        leaf("languageTerm", tag, ' type="code" authority="rfc5646"') if tag and says_more(tag, code) else "",
        leaf("scriptTerm", script, ' type="code" authority="iso15924"'),
    )


def _physical(record: Record) -> str:
    physical, default = record.physical, record.description_lang
    if physical is None:
        return branch("physicalDescription", [leaf("internetMediaType", mime) for mime in media_types(record)])
    children = [
        *[_concept("form", form, default) for form in physical.form],
        *[leaf("extent", extent) for extent in physical.extent],
        *[leaf("internetMediaType", mime) for mime in media_types(record)],
        leaf("digitalOrigin", physical.digital_origin),
        leaf("reformattingQuality", physical.quality),
        *[_words("note", note, default) for note in physical.notes],
    ]
    return branch("physicalDescription", children)


def _notes(record: Record) -> Iterator[str]:
    default = record.description_lang
    for note in record.notes:
        yield leaf("note", note.value, attribute("type", note.type) + xml_lang(note.lang, default))
    for grant in record.funding:
        known = (grant.funder, grant.funder_id, grant.title, grant.award, grant.award_uri)
        yield leaf("note", "; ".join(filter(None, map(collapse, known))), ' type="funding"')
    if record.holding:
        yield leaf("note", record.holding.source_text, ' type="original location" displayLabel="Source"')


# What it is about.


def _subject(subject: Subject, default: str | None) -> str:
    lang = xml_lang(subject.lang, default)
    control = authority(subject.scheme, subject.uri)
    if isinstance(subject.parts, list) and len(subject.parts) == 1:  # no more than a term
        (part,) = subject.parts
        subject = msgspec.structs.replace(subject, type=part.type, label=part.label, parts=None, edtf=None)
    if isinstance(subject.parts, list) and is_compound(subject):
        steps = tuple([(part.type, part.label) for part in subject.parts])
        heading = _heading if sum([len(label) for _, label in steps]) < _MEMORABLE else _heading.__wrapped__
        return heading(steps, _place_codes(subject), control + lang)
    levels = msgspec.structs.astuple(subject.parts) if isinstance(subject.parts, PlaceParts) else ()
    if not collapse(subject.label) and not any(map(collapse, levels)):
        return ""
    if subject.type == "period" and subject.edtf:
        named = leaf("temporal", subject.label, control) if says_more_than_dates(subject) else ""
        coded = _coded_date("temporal", subject.edtf, "" if named else control)
        return branch("subject", [named, *coded, *_place_codes(subject)], lang if named else "")
    term = _term if len(subject.label or "") < _MEMORABLE else _term.__wrapped__
    return term(subject.type, subject.label, subject.edtf, _place_codes(subject), control, lang)


@lru_cache(maxsize=4096)
def _heading(steps: tuple[tuple[SubjectType, str], ...], codes: tuple[str, ...], attributes: str) -> str:
    """Return a heading of several steps: collections repeat them."""
    return branch("subject", [*[_step(type_, label) for type_, label in steps], *codes], attributes, repeat=True)


@lru_cache(maxsize=4096)
def _term(
    type_: SubjectType, label: str | None, dates: str | None, codes: tuple[str, ...], control: str, lang: str
) -> str:
    """Return one term: collections repeat them too."""
    step = _step(type_, label, control, dates)
    return branch("subject", [step, *codes], ("" if step else control) + lang)


def _step(type_: str, label: str | None, control: str = "", dates: str | None = None) -> str:
    if tag := SUBJECT_TAGS.get(type_):
        return leaf(tag, label, control)
    if type_ == "title":
        return wrap("titleInfo", leaf("title", label), control)
    parts = (leaf("namePart", label), leaf("namePart", dates, ' type="date"'))
    return branch("name", parts, f' type="{NAME_TYPES[type_]}"' + control)


def _place_codes(subject: Subject) -> tuple[str, ...]:
    """Return what a place has beside its name."""
    parts = subject.parts if isinstance(subject.parts, PlaceParts) else None
    if not (parts or subject.gac or subject.country or subject.lat is not None or subject.bbox is not None):
        return ()
    code = leaf("geographicCode", subject.gac and subject.gac.ljust(7, "-"), ' authority="marcgac"')
    scheme = country_scheme(subject.country)
    country = leaf("geographicCode", subject.country, f' authority="{scheme}"') if scheme else ""
    levels = [leaf(tag, getattr(parts, name)) for name, tag in PLACE_TAGS.items()] if parts else []
    if subject.country and not scheme:
        levels.insert(0, leaf("country", subject.country))
    return code, country, branch("hierarchicalGeographic", levels), _cartographics(subject)


# What it belongs to, and where it is.


def _related(record: Record) -> Iterator[str]:
    """Return related items; what is known of the original joins the relation that names it, if one does."""
    default = record.description_lang
    originals = [each for each in record.relations if each.type == "original" and any(_relation(each, None))]
    named = originals[0] if originals and all(each == originals[0] for each in originals) else None
    yield _original(record, named)
    for relation in record.relations:
        if named is None or relation != named:
            yield branch("relatedItem", _relation(relation, default), _RELATION_TYPES[relation.type])
    if record.holding and not record.holding.original:
        yield _hosts(record.holding, _pages(record.holding.pages))


def _original(record: Record, named: Relation | None) -> str:
    children = _relation(named, record.description_lang) if named else []
    children += [_language("", sp.code, sp.tag, sp.script) for sp in record.languages if sp.role == "original"]
    if (holding := record.holding) and holding.original:
        children += [_physical_location(holding), _pages(holding.pages), _hosts(holding)]
    return branch("relatedItem", children, _RELATION_TYPES["original"])


def _relation(relation: Relation, default: str | None) -> list[str]:
    return [
        wrap("titleInfo", leaf("title", relation.title)),
        leaf("note", relation.note, xml_lang(None, default)),
        *[_identifier("identifier", identifier) for identifier in relation.identifiers],
        wrap("location", leaf("url", xml_uri(relation.uri))),
        _part(relation.part) if relation.part else "",
    ]


def _part(part: Part) -> str:
    day = collapse(part.date)
    coded = _coded_date("date", day) if edtf_dates.is_valid(day) else (leaf("date", day),)
    children = (
        wrap("detail", leaf("number", part.volume), ' type="volume"'),
        wrap("detail", leaf("number", part.issue), ' type="issue"'),
        branch("extent", (leaf("start", part.start), leaf("end", part.end)), ' unit="pages"'),
        *coded,
    )
    return branch("part", children)


def _pages(pages: str | None) -> str:
    if not (pages := collapse(pages)):
        return ""
    match = _PAGES.fullmatch(pages)
    extent = [leaf("start", match[1]), leaf("end", match[2])] if match else [leaf("list", pages)]
    return wrap("part", branch("extent", extent, ' unit="pages"'))


def _plain_level(level: HierarchyLevel) -> HierarchyLevel:
    """Return a level without what is blank in it: then its name can be taken apart again."""
    label, id_, title = map(collapse, (level.label, level.id, level.title))
    label = label or ("" if id_ or title else level.level)
    return HierarchyLevel(level=collapse(level.level), label=label or None, id=id_ or None, title=title or None)


def _hosts(holding: Holding, part: str = "") -> str:
    """Return the archival hierarchy from the item outwards, each level inside the one that it belongs to."""
    host = ""
    for number, level in enumerate(holding.hierarchy, start=1):
        name = level_name(level.label or level.level, level.id, None)
        title = (leaf("title", level.title or name), leaf("partNumber", name) if level.title and level.id else "")
        children = (
            branch("titleInfo", title),
            leaf("note", level.label) if level.title and not level.id else "",
            leaf("identifier", level.id, ' type="local"'),
            part if number == len(holding.hierarchy) else "",
            host,
        )
        host = branch("relatedItem", children, ' type="host"' + attribute("displayLabel", level.level))
    return host


def _physical_location(holding: Holding) -> str:
    sublocation = leaf("subLocation", holding.sublocation)
    named = repository(holding) or holding.repository_uri
    children = (
        leaf("physicalLocation", named, uri_attribute("valueURI", holding.repository_uri)),
        leaf("physicalLocation", holding.isil, ' authority="isil"'),
        leaf("shelfLocator", shelf(holding)),
        wrap("holdingSimple", wrap("copyInformation", sublocation)),
    )
    return branch("location", children)


def _identifiers(record: Record) -> Iterator[str]:
    own = collapse(record.id)
    for identifier in record.identifiers:
        yield _identifier("identifier", identifier)
    if not any(known.type == "local" and collapse(known.value) == own for known in record.identifiers):
        yield leaf("identifier", own, ' type="local"')


def _locations(record: Record) -> Iterator[str]:
    if record.holding and not record.holding.original:
        yield _physical_location(record.holding)
    urls = []
    primary = ' usage="primary"'
    for media in record.media:
        attributes = _MEDIA[media.role] + attribute("displayLabel", media.label)
        if media.role == "landing":
            attributes, primary = primary + attributes, ""
        urls.append(leaf("url", xml_uri(media.url), attributes))
    yield branch("location", urls)


def _rights(rights: Rights, default: str | None) -> Iterator[str]:
    statement = rights.statement
    spoken = statement.lang if isinstance(statement, Text) else None
    if rights.uri:
        official, attributes = _licence(rights.uri)
        label = collapse(rights.label) or official or rights.uri
        lang = "" if label == rights.uri else xml_lang("en" if label == official else spoken, default)
        yield leaf("accessCondition", label, _REUSE + attributes + lang)
    else:
        yield leaf("accessCondition", rights.label, _REUSE + xml_lang(spoken, default))
    if statement is not None:
        yield _words("accessCondition", statement, default, _REUSE)
    if holder := collapse(rights.holder) or rights.holder_uri:
        yield leaf("accessCondition", holder, ' type="rights holder"' + authority(None, rights.holder_uri))
    if rights.access:
        term = ACCESS[rights.access]
        attributes = f' authorityURI="{ACCESS_URI}" valueURI="{term.uri}"{xml_lang("en")}'
        yield leaf("accessCondition", term.label, _RESTRICTION + attributes)
    yield leaf("accessCondition", rights.access_note, _RESTRICTION + xml_lang(None, default))
    yield leaf("accessCondition", rights.embargo_until, _RESTRICTION + ' displayLabel="embargo until"')


@lru_cache(maxsize=64)
def _licence(uri: str) -> tuple[str | None, str]:
    """Return the official label of what a URI says of rights, if it is known, and the attributes that name it."""
    base = next((known for known in RIGHTS_VOCABULARIES if uri.startswith(known)), None)
    attributes = uri_attribute("authorityURI", base) + uri_attribute("valueURI", uri) + uri_attribute("xlink:href", uri)
    return RIGHTS_LABELS.get(uri), attributes


# The description itself.


def _record_info(record: Record) -> str:
    info = record.record
    if info is None:
        return wrap("recordInfo", leaf("recordIdentifier", record.id))
    cataloguing = _language_terms(info.language)[0] if info.language else ""
    children = (
        leaf("recordContentSource", info.source),
        _stamp("recordCreationDate", info.created),
        _stamp("recordChangeDate", info.changed),
        leaf("recordIdentifier", record.id, attribute("source", info.identifier_source)),
        leaf("recordOrigin", info.origin),
        wrap("languageOfCataloging", cataloguing),
        leaf("descriptionStandard", info.standard),
    )
    return branch("recordInfo", children)


def _stamp(tag: str, date: str | None) -> str:
    """Return a date of the description as its source states it, coded where it is W3CDTF."""
    day = collapse(date)
    return leaf(tag, day, _W3CDTF if day and len(edtf_dates.points(day)) == 1 else "")
