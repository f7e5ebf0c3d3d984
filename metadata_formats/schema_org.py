"""schema.org as JSON-LD: what search engines read on the page of an item (crosswalk, section 3.4).

It is no format of OAI-PMH but a document for pages: ``<script type="application/ld+json">``. Whoever writes it into
HTML must escape ``<``, which a title may have.

Options, by ``context.options``: ``creator_roles``, as in ``oai_dc``, and ``full_text`` (false), which adds the words of
the item where the record has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from metadata_formats import edtf_dates
from metadata_formats.oai_datacite import language_tag, rights_label, spoken_languages
from metadata_formats.oai_dc import (
    creator_roles,
    full_title,
    heading,
    is_compound,
    is_descriptive,
    media_types,
    public_form,
    says_more_than_dates,
    shelf,
)
from metadata_formats.oai_openaire import unqualified
from metadata_formats.record import Agent, Concept, Holding, Identifier, Media, Place, Record, Relation, Subject, Text
from metadata_formats.registry import Context
from metadata_formats.vocabularies import ACCESS, AUTHORITY_URIS, RELATORS, dcmi_types
from metadata_formats.xml import LANGUAGE, collapse

Json = dict[str, Any]

CONTEXT = "https://schema.org"

_TYPES = {
    "text": "DigitalDocument", "cartographic": "Map", "notated music": "SheetMusic",
    "sound recording-musical": "MusicRecording", "sound recording-nonmusical": "AudioObject",
    "sound recording": "AudioObject", "still image": "ImageObject", "moving image": "VideoObject",
    "three dimensional object": "CreativeWork", "mixed material": "Collection",
}  # fmt: skip
_SOFTWARE = {"Dataset": "Dataset", "InteractiveResource": "CreativeWork", "Software": "SoftwareApplication"}
_BY_GENRE = {
    "text": {
        "book": "Book", "article": "Article", "journal article": "ScholarlyArticle", "newspaper article": "NewsArticle",
        "thesis": "Thesis", "theses": "Thesis", "dissertation": "Thesis", "report": "Report",
        "manuscript": "Manuscript",
    },
    "still image": {
        "photograph": "Photograph", "painting": "Painting", "drawing": "Drawing", "poster": "Poster",
        "print": "VisualArtwork",
    },
    "three dimensional object": {"sculpture": "Sculpture"},
}  # fmt: skip
"""Type of resource -> label of a genre, its plural by s aside -> type of schema.org."""
_AGENT_TYPES = {"person": "Person", "organization": "Organization"}
_ROLES = {
    "aut": "author", "edt": "editor", "trl": "translator", "ill": "illustrator", "pbl": "publisher", "spn": "sponsor",
    "fnd": "funder", "cph": "copyrightHolder",
}  # fmt: skip
_DATES = {"created": "dateCreated", "issued": "datePublished", "modified": "dateModified"}
_RELATIONS = {
    "host": "isPartOf", "series": "isPartOf", "constituent": "hasPart", "original": "isBasedOn",
    "translation_of": "translationOfWork", "references": "citation", "referenced_by": "subjectOf",
    "other_version": "exampleOfWork", "other_format": "exampleOfWork", "review_of": "about",
}  # fmt: skip
_YEAR = re.compile("[0-9]{4}")
_FILES = frozenset({"object", "view", "download"})


def document(record: Record, context: Context) -> Json:
    """Return an item as a JSON-LD document of schema.org; the same for the same record and options.

    A property that occurs once is a value, one that occurs more often a list; nothing empty is in it.
    """
    default = record.description_lang
    page = next((media.url for media in record.media if media.role == "landing"), None)
    kind = _type(record)
    kept = record.holding if record.holding and not record.holding.original else None
    found: dict[str, list[Any]] = {}

    def add(name: str, *values: Any) -> None:
        found.setdefault(name, []).extend(value for value in values if value not in (None, "", {}, []))

    add("@context", CONTEXT)
    add("@type", kind, "ArchiveComponent" if kept else None)
    add("@id", f"{page}#cho" if page else None)
    add("url", page)
    add("identifier", *_identifiers(record))
    for title in record.titles:
        name = "name" if title.type == "main" else "alternateName"
        add(name, _words(full_title(title), title.lang, default))
    for name, agent in _agents(record, creator_roles(context)):
        add(name, agent)
    for date in record.dates:
        if date.edtf and date.type in _DATES:
            add(_DATES[date.type], edtf_dates.literal(date.edtf))
    add("inLanguage", *spoken_languages(record))
    add(*_original(record))
    if kept:
        add("holdingArchive", _archive(kept))
        add("itemLocation", shelf(kept))
    add("genre", *(_term(genre) for genre in record.genres))
    add("abstract", *(_text(words, default) for words in record.abstracts))
    if kind == "Dataset":  # search engines want it there
        add("description", *(_text(words, default) for words in record.abstracts))
    add("description", *(_text(words, default) for words in record.toc))
    for note in record.notes:
        if is_descriptive(note):
            add("description", _words(note.value, note.lang, default))
        elif note.type == "preferred citation":
            add("creditText", _words(note.value, note.lang, default))
    for name, subject in _subjects(record):
        add(name, subject)
    for relation in record.relations:
        if relation.type in _RELATIONS:
            add(_RELATIONS[relation.type], _related(relation))
    for name, value in _making(record, kind):
        add(name, value)
    for name, value in _rights(record):
        add(name, value)
    stated = [record.rights.year if record.rights else None, *(d.edtf for d in record.dates if d.type == "copyright")]
    add("copyrightYear", *(int(year) for year in map(collapse, stated) if _YEAR.fullmatch(year)))
    add("associatedMedia", *(_file(media) for media in record.media if media.role in _FILES))
    add("thumbnailUrl", *(media.url for media in record.media if media.role == "thumbnail"))
    if context.options.get("full_text"):
        add("text", *(_words(text.value, text.lang, default) for text in record.full_text))
    return {name: _once(values) for name, values in found.items() if values}


def _once(values: list[Any]) -> Any:
    """Return a value by itself where it is the only one, else all as a list, or None; equal values count once."""
    different = list({msgspec.json.encode(value): value for value in values}.values())
    return different if len(different) > 1 else next(iter(different), None)


def _node(kind: str | None, **properties: Any) -> Json:
    """Return a node without what is empty; nothing where that is all there is."""
    known = {name: value for name, value in properties.items() if value not in (None, "", {}, [])}
    return ({"@type": kind} if kind else {}) | known if known else {}


def _words(text: str | None, lang: str | None, default: str | None) -> str | Json:
    """Return text with the language it is in, where that is known."""
    value, tag = collapse(text), lang or default
    return {"@language": tag, "@value": value} if value and tag and LANGUAGE.fullmatch(tag) else value


def _text(words: str | Text, default: str | None) -> str | Json:
    return _words(words.value, words.lang, default) if isinstance(words, Text) else _words(words, None, default)


def _type(record: Record) -> str:
    """Return the type of the item, as narrow as its genres allow."""
    if record.collection:
        return "Collection"
    kind = record.resource_type
    if kind == "software, multimedia":
        return _SOFTWARE[dcmi_types(kind, False, (genre.label for genre in record.genres))[0]]
    narrower = _BY_GENRE.get(kind or "", {})
    for label in (unqualified(genre.label) for genre in record.genres):
        if found := narrower.get(label) or narrower.get(label.removesuffix("s")):
            return found
    return _TYPES.get(kind or "", "CreativeWork")


def _identifiers(record: Record) -> Iterator[str | Json]:
    """Return addresses as they are, other identifiers with what they are called; the own id, where none is it, last."""
    for identifier in record.identifiers:
        if not identifier.invalid:
            yield _identifier(identifier)
    own = collapse(record.id)
    if not any(collapse(identifier.value) == own for identifier in record.identifiers if not identifier.invalid):
        yield _identifier(Identifier(value=own))


def _identifier(identifier: Identifier) -> str | Json:
    value = public_form(identifier)
    if value.startswith(("http://", "https://")):
        return value
    name = collapse(identifier.label) or collapse(identifier.type)
    return _node("PropertyValue", propertyID=name, value=collapse(identifier.value))


# Who.


def _agents(record: Record, creating: frozenset[str]) -> Iterator[tuple[str, Json]]:
    """Return each agent by the property of each of its roles; roles without one are named on a contributor."""
    for agent in record.agents:
        if not (node := _agent(agent)):
            continue
        for role in agent.roles or [""]:
            if name := _ROLES.get(role):
                yield name, node
            elif role in creating:
                yield "creator", node
            else:
                said = collapse(agent.role_label) or (RELATORS.get(role, "") if role != "ctb" else "")
                wrapped = {"@type": "Role", "roleName": said, "contributor": node}
                yield "contributor", wrapped if said else node


def _agent(agent: Agent) -> Json:
    if not (name := collapse(agent.name)):
        return {}
    person = agent.type == "person"
    life = edtf_dates.bounds(agent.dates) if person and agent.dates and "/" in agent.dates else (None, None)
    node = _node(
        _AGENT_TYPES.get(agent.type or ""),
        name=name,
        familyName=collapse(agent.family),
        givenName=collapse(agent.given),
        birthDate=life[0],
        deathDate=life[1],
        **{"jobTitle" if person else "description": collapse(agent.description)},
        affiliation=_node("Organization", name=collapse(agent.affiliation)),
        identifier=_once([_identifier(identifier) for identifier in agent.identifiers if not identifier.invalid]),
    )
    return node | ({"@id": agent.uri} if agent.uri else {})


def _archive(holding: Holding) -> Json:
    node = _node("ArchiveOrganization", name=collapse(holding.repository), location=collapse(holding.place))
    return node | ({"@id": holding.repository_uri} if node and holding.repository_uri else {})


def _original(record: Record) -> tuple[str, Json]:
    """Return what the item was made from, and how: by translation, or otherwise."""
    languages = [language_tag(spoken) for spoken in record.languages if spoken.role == "original"]
    holding = record.holding if record.holding and record.holding.original else None
    node = _node(
        "ArchiveComponent" if holding else "CreativeWork",
        inLanguage=_once(languages),
        holdingArchive=_archive(holding) if holding else None,
        itemLocation=shelf(holding) if holding else None,
    )
    return ("translationOfWork" if languages else "isBasedOn"), node


# What.


def _term(concept: Concept) -> str | Json:
    """Return a term of a vocabulary, with its address and that of the vocabulary; a free one as it is."""
    label = collapse(concept.label)
    return _defined(label, concept.scheme, concept.uri) if concept.scheme or concept.uri else label


def _defined(label: str, scheme: str | None, uri: str | None) -> Json:
    vocabulary = AUTHORITY_URIS.get(scheme or "", scheme) if uri else scheme
    node = _node("DefinedTerm", name=label, inDefinedTermSet=vocabulary)
    return ({"@id": uri} if uri else {}) | node


def _subjects(record: Record) -> Iterator[tuple[str, Any]]:
    for subject in record.subjects:
        label, is_one = heading(subject), not is_compound(subject)
        if subject.type == "place" and is_one:
            yield "spatialCoverage", _place(label, subject)
        elif subject.type == "period" and is_one:
            if says_more_than_dates(subject):
                yield "temporalCoverage", label
            if subject.edtf:
                yield "temporalCoverage", edtf_dates.literal(subject.edtf, subject.label)
        elif (kind := _AGENT_TYPES.get(subject.type)) and is_one:
            node = _node(kind, name=label)
            yield "about", node | ({"@id": subject.uri} if node and subject.uri else {})
        elif subject.scheme or subject.uri:
            yield "about", _defined(label, subject.scheme, subject.uri)
        else:
            yield "keywords", label
    for number in record.classification:
        yield "about", _node("DefinedTerm", termCode=collapse(number.value), inDefinedTermSet=number.scheme)


def _place(label: str, place: Place | Subject) -> Json:
    geo: list[Json] = []
    if place.lat is not None and place.long is not None:
        geo.append({"@type": "GeoCoordinates", "latitude": place.lat, "longitude": place.long})
    if place.bbox is not None:
        west, south, east, north = place.bbox
        geo.append({"@type": "GeoShape", "box": f"{south},{west} {north},{east}"})
    node = _node("Place", name=label, geo=_once(geo))
    return node | ({"@id": place.uri} if node and place.uri else {})


def _related(relation: Relation) -> Json:
    identifiers = [_identifier(identifier) for identifier in relation.identifiers if not identifier.invalid]
    return _node("CreativeWork", name=collapse(relation.title), url=relation.uri, identifier=_once(identifiers))


def _making(record: Record, kind: str) -> Iterator[tuple[str, Any]]:
    """Return how, where and for whom the item was made, and at whose cost."""
    if physical := record.physical:
        for form in physical.form:
            yield "material", _term(form)
        for extent in physical.extent:
            yield "materialExtent", collapse(extent)
    for mime in media_types(record):
        yield "encodingFormat", collapse(mime)
    if origin := record.origin:
        for place in origin.places:
            yield "locationCreated", _place(collapse(place.label), place)
        yield "bookEdition" if kind == "Book" else "version", collapse(origin.edition)
    for audience in record.audience:
        yield "audience", _node("Audience", audienceType=collapse(audience.label))
    for grant in record.funding:
        funder = _node("Organization", name=collapse(grant.funder), identifier=collapse(grant.funder_id))
        names = {"name": collapse(grant.title), "identifier": collapse(grant.award), "url": grant.award_uri}
        yield "funding", _node("Grant", **names, funder=funder)


def _rights(record: Record) -> Iterator[tuple[str, Any]]:
    if not (rights := record.rights):
        return
    yield "license", rights.uri or rights_label(rights)[0]
    statement = rights.statement.value if isinstance(rights.statement, Text) else rights.statement
    yield "usageInfo", collapse(statement)
    if rights.access:
        yield "conditionsOfAccess", ACCESS[rights.access].label
        yield "isAccessibleForFree", True if rights.access == "open" else None
    yield "conditionsOfAccess", collapse(rights.access_note)
    holder = _node(None, name=collapse(rights.holder))
    yield "copyrightHolder", ({"@id": rights.holder_uri} if rights.holder_uri else {}) | holder


def _file(media: Media) -> Json:
    return _node(
        "MediaObject",
        contentUrl=media.url,
        encodingFormat=collapse(media.mime),
        name=collapse(media.label),
        width=_pixels(media.width),
        height=_pixels(media.height),
        contentSize=f"{media.bytes} B" if media.bytes else None,
        license=media.rights_uri,
    )


def _pixels(number: int | None) -> Json:
    return {"@type": "QuantitativeValue", "value": number, "unitCode": "E37"} if number else {}
