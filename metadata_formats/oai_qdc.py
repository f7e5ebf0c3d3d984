"""oai_qdc: qualified Dublin Core, the terms of DCMI with their encoding schemes (crosswalk, section 3.4).

It is ``oai_dc`` with the distinctions kept: what kind of date, description, relation or right each value is, and in
which scheme it is written (``xsi:type``). A value in a scheme has no language: the schema of DCMI forbids both at once.

Options (``[formats.oai_qdc]``): ``creator_roles`` and ``promote_editors``, as in ``oai_dc``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from metadata_formats import edtf_dates
from metadata_formats.edm import PROVENANCE_NOTES, RELATIONS, WEB_ADDRESS, hierarchy
from metadata_formats.mods import country_scheme, degrees
from metadata_formats.oai_dc import (
    DESCRIPTIVE_NOTES,
    OBJECT_ROLES,
    agents_by_role,
    all_identifiers,
    full_title,
    heading,
    is_coverage,
    is_period,
    is_place,
    media_types,
    place_of_keeping,
    reference,
    repository,
    says_more_than_dates,
    worded,
)
from metadata_formats.record import Record, Relation, Rights, Subject
from metadata_formats.registry import XSI, Context, Format, paths
from metadata_formats.vocabularies import ACCESS, dcmi_types, language
from metadata_formats.xml import Document, branch, collapse, leaf
from metadata_formats.xml import language as xml_lang
from metadata_formats.xml import uri as xml_uri

_SCHEMES = {
    "lcsh": ' xsi:type="dcterms:LCSH"',
    "mesh": ' xsi:type="dcterms:MESH"',
    "ddc": ' xsi:type="dcterms:DDC"',
    "lcc": ' xsi:type="dcterms:LCC"',
    "udc": ' xsi:type="dcterms:UDC"',
}
_LANGUAGE_SCHEMES = {"iso639-2b": ' xsi:type="dcterms:ISO639-2"', "iso639-3": ' xsi:type="dcterms:ISO639-3"'}
_DATES = {
    "created": "dcterms:created",
    "issued": "dcterms:issued",
    "modified": "dcterms:modified",
    "copyright": "dcterms:dateCopyrighted",
    "valid": "dcterms:valid",
    "available": "dcterms:available",
    "submitted": "dcterms:dateSubmitted",
}
_CC = re.compile(r"https?://(?:www\.)?creativecommons\.org/")
# What the schema takes for W3CDTF of the dates that EDTF allows: it knows no year 0 and no time zone beyond 14 hours.
_W3CDTF = re.compile(
    r"(?!0000)\d{4}(?:-\d\d(?:-\d\d(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d))?)?)?"
)


class OaiQdc(Format):
    """Qualified Dublin Core in the container of OCLC, which has a namespace, as OAI-PMH wants."""

    prefix = "oai_qdc"
    namespace = "http://worldcat.org/xmlschemas/qdc-1.0/"
    schema = "http://worldcat.org/xmlschemas/qdc/1.0/qdc-1.0.xsd"
    version = "1"
    options: ClassVar[Mapping[str, Any]] = {"creator_roles": list[str], "promote_editors": bool}
    not_carried = paths("""
        identifiers.label
        titles.supplied
        agents.type agents.family agents.given agents.terms agents.dates agents.jurisdiction agents.description
        agents.affiliation agents.scheme agents.uri agents.identifiers agents.role_label
        manuscript
        genres.scheme genres.uri genres.source_label genres.note genres.broader genres.exact_match
        dates.key dates.label
        origin
        languages.tag languages.script languages.inferred
        physical.form.scheme physical.form.uri physical.form.source_label physical.form.note physical.form.broader
        physical.form.exact_match physical.digital_origin physical.quality physical.notes
        subjects.parts.type subjects.uri subjects.gac subjects.lat subjects.long
        classification.edition
        relations.identifiers.label relations.part relations.note
        holding.repository_uri holding.isil holding.source_text
        rights.holder_uri rights.metadata_licence
        media.width media.height media.bytes media.checksum media.label media.rights_uri
        full_text funding provider
        audience.scheme audience.uri audience.source_label audience.note audience.broader audience.exact_match
        record.source record.identifier_source record.created record.changed record.origin record.language record.lang
        record.standard record.provenance
        sets extra
    """)

    _root = (
        f' xmlns:oai_qdc="{namespace}" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="{XSI}" xsi:schemaLocation="{namespace} {schema}"'
    )

    def render(self, record: Record, context: Context) -> Document:
        """Return the record as qualified Dublin Core, each refinement at the place of what it refines."""
        return Document(self.namespace, branch("oai_qdc:qualifieddc", _elements(record, context), self._root))


def _elements(record: Record, context: Context) -> Iterator[str]:
    default = record.description_lang
    creators, publishers, contributors = agents_by_role(record, context)
    for title in record.titles:
        tag = "dc:title" if title.type == "main" else "dcterms:alternative"
        yield leaf(tag, full_title(title), xml_lang(title.lang, default))
    for agent in creators:
        yield leaf("dc:creator", agent.name)
    for subject in record.subjects:
        if not is_coverage(subject):
            yield leaf("dc:subject", heading(subject), _scheme(subject.scheme) or xml_lang(subject.lang, default))
    for number in record.classification:
        yield leaf("dc:subject", number.value, _scheme(number.scheme))
    for words in record.abstracts:
        yield worded("dcterms:abstract", words, default)
    for words in record.toc:
        yield worded("dcterms:tableOfContents", words, default)
    yield from _notes(record, "dc:description", DESCRIPTIVE_NOTES)
    for agent in publishers:
        yield leaf("dc:publisher", agent.name)
    for agent in contributors:
        yield leaf("dc:contributor", agent.name)
    yield from _dates(record)
    for term in dcmi_types(record.resource_type, record.collection, (genre.label for genre in record.genres)):
        yield leaf("dc:type", term, ' xsi:type="dcterms:DCMIType"')
    for genre in record.genres:
        yield leaf("dc:type", genre.label, xml_lang(genre.lang, default))
    yield from _formats(record)
    for identifier in all_identifiers(record, objects=False):
        yield _address_or_text("dc:identifier", identifier)
    yield from _notes(record, "dcterms:bibliographicCitation", frozenset({"preferred citation"}))
    yield from _sources(record)
    for spoken in record.languages:
        if spoken.role == "text":
            known = language(spoken.code)
            yield leaf("dc:language", known.code, _LANGUAGE_SCHEMES.get(known.scheme or "", ""))
    yield from _relations(record)
    for place in record.subjects:
        if is_place(place):
            yield from _spatial(place, default)
    for period in record.subjects:
        if is_period(period):
            yield from _temporal(period, default)
    for audience in record.audience:
        yield leaf("dcterms:audience", audience.label, xml_lang(audience.lang, default))
    yield from _notes(record, "dcterms:provenance", PROVENANCE_NOTES)
    if record.rights:
        yield from _rights(record.rights, default)


def _scheme(scheme: str | None) -> str:
    return _SCHEMES.get((scheme or "").lower(), "")


def _notes(record: Record, tag: str, types: frozenset[str] | frozenset[str | None]) -> Iterator[str]:
    for note in record.notes:
        if (note.type and note.type.lower()) in types:
            yield leaf(tag, note.value, xml_lang(note.lang, record.description_lang))


def _dates(record: Record) -> Iterator[str]:
    for date in record.dates:
        tag = _DATES.get(date.type, "dc:date")
        yield _date(tag, edtf_dates.literal(date.edtf, date.text) if date.edtf else date.text)
    if rights := record.rights:
        if not any(date.type == "copyright" for date in record.dates):
            yield _date("dcterms:dateCopyrighted", rights.year)
        yield _date("dcterms:available", rights.embargo_until and edtf_dates.literal(rights.embargo_until))


def _date(tag: str, text: str | None) -> str:
    text = collapse(text)
    fits = _W3CDTF.fullmatch(text) and edtf_dates.is_valid(text)
    return leaf(tag, text, ' xsi:type="dcterms:W3CDTF"' if fits else "")


def _formats(record: Record) -> Iterator[str]:
    for mime in media_types(record):
        yield leaf("dc:format", mime, ' xsi:type="dcterms:IMT"')
    if record.physical:
        for extent in record.physical.extent:
            yield leaf("dcterms:extent", extent)
        for form in record.physical.form:
            yield leaf("dcterms:medium", form.label, xml_lang(form.lang, record.description_lang))


def _sources(record: Record) -> Iterator[str]:
    if record.holding and record.holding.original:
        yield leaf("dc:source", place_of_keeping(record.holding))
    for relation in record.relations:
        if RELATIONS[relation.type] == "dc:source":
            yield _related(relation)


def _relations(record: Record) -> Iterator[str]:
    for relation in record.relations:
        if RELATIONS[relation.type] != "dc:source":
            yield _related(relation)
    if (holding := record.holding) and not holding.original and (steps := hierarchy(holding)):
        yield leaf("dcterms:isPartOf", ", ".join(filter(None, (repository(holding), steps))))
    for media in record.media:
        if media.role in OBJECT_ROLES:
            yield _address_or_text("dcterms:hasFormat", media.url)


def _related(relation: Relation) -> str:
    return _address_or_text(RELATIONS[relation.type], reference(relation))


def _address_or_text(tag: str, text: str | None) -> str:
    text = collapse(text)
    if WEB_ADDRESS.fullmatch(text):
        return leaf(tag, xml_uri(text), ' xsi:type="dcterms:URI"')
    return leaf(tag, text)


def _spatial(place: Subject, default: str | None) -> Iterator[str]:
    is_tgn = (place.scheme or "").lower() == "tgn"
    yield leaf(
        "dcterms:spatial", heading(place), ' xsi:type="dcterms:TGN"' if is_tgn else xml_lang(place.lang, default)
    )
    if country_scheme(place.country) == "iso3166":
        yield leaf("dcterms:spatial", place.country, ' xsi:type="dcterms:ISO3166"')
    if place.bbox:
        limits = zip(("west", "south", "east", "north"), map(degrees, place.bbox), strict=True)
        box = "; ".join(f"{side}limit={limit}" for side, limit in limits)
        yield leaf("dcterms:spatial", box, ' xsi:type="dcterms:Box"')


def _temporal(period: Subject, default: str | None) -> Iterator[str]:
    if not period.edtf or says_more_than_dates(period):
        yield leaf("dcterms:temporal", heading(period), xml_lang(period.lang, default))
    if period.edtf:
        yield leaf("dcterms:temporal", edtf_dates.literal(period.edtf, period.label))


def _rights(rights: Rights, default: str | None) -> Iterator[str]:
    if rights.uri:
        yield leaf("dcterms:license" if _CC.match(rights.uri) else "dcterms:accessRights", rights.uri)
    if rights.access:
        yield leaf("dcterms:accessRights", ACCESS[rights.access].label)
    yield leaf("dcterms:accessRights", rights.access_note, xml_lang(None, default))
    yield leaf("dcterms:rightsHolder", rights.holder)
    if rights.statement is not None:
        yield worded("dc:rights", rights.statement, default)
    else:
        yield leaf("dc:rights", rights.label, xml_lang(None, default))
