"""oai_openaire: the application profile of the OpenAIRE Guidelines for Literature Repositories 4.0.

It is DataCite for names, titles, dates and identifiers, Dublin Core for the rest, and OpenAIRE's own elements for
types, files, licences and citations. Genres are not named; they choose the type.

An item is given in it only where all that the guidelines make mandatory is known (:meth:`OaiOpenaire.refusals` says
what is missing); above all ``rights.access``, which nothing else of a record tells.

Option (``[formats.oai_openaire]``): ``creator_roles``, the MARC relator codes of those who are creators, as in
``oai_dc``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from metadata_formats.oai_datacite import (
    Dated,
    Known,
    alternate_identifiers,
    contributors,
    creators,
    dated,
    dates,
    formats,
    funding,
    geo_locations,
    issue_date,
    primary,
    related_identifiers,
    rights_label,
    sizes,
    spoken_languages,
    subjects,
    titles,
)
from metadata_formats.oai_dc import (
    OBJECT_ROLES,
    coverage,
    creator_roles,
    descriptions,
    is_period,
    public_form,
    sources,
)
from metadata_formats.record import Identifier, Record
from metadata_formats.registry import XSI, Context, Format, paths
from metadata_formats.vocabularies import ACCESS, PUBLISHER_ROLE, dcmi_types
from metadata_formats.xml import Document, attribute, branch, collapse, leaf, uri_attribute
from metadata_formats.xml import language as xml_lang

_ORDER = ("DOI", "Handle", "PURL", "URL", "ARK", "URN")  # the guidelines want a lasting link, else any link
_RESOLVED = {"DOI": "doi", "Handle": "hdl"}


class OaiOpenaire(Format):
    """The application profile of the OpenAIRE Guidelines for Literature Repositories."""

    prefix = "oai_openaire"
    namespace = "http://namespace.openaire.eu/schema/oaire/"
    schema = "https://www.openaire.eu/schema/repo-lit/4.0/openaire.xsd"
    version = "1"
    options: ClassVar[Mapping[str, Any]] = {"creator_roles": list[str]}
    not_carried = paths("""
        titles.supplied
        agents.terms agents.dates agents.jurisdiction agents.description agents.role_label agents.identifiers.label
        manuscript
        genres
        dates.text
        origin.places origin.issuance origin.frequency
        languages.script languages.inferred
        physical.form.lang physical.form.scheme physical.form.uri physical.form.source_label physical.form.note
        physical.form.broader physical.form.exact_match physical.digital_origin physical.quality physical.notes
        subjects.parts.type subjects.gac subjects.country
        classification.edition
        relations.identifiers.label relations.part.date relations.note
        holding.source_text
        rights.statement rights.access_note rights.metadata_licence
        media.width media.height media.checksum media.label media.rights_uri
        full_text
        audience.scheme audience.uri audience.source_label audience.note audience.broader audience.exact_match
        provider
        record.source record.identifier_source record.created record.changed record.origin record.language record.lang
        record.standard record.provenance
        sets extra
    """)

    _root = (
        f' xmlns:oaire="{namespace}" xmlns:datacite="http://datacite.org/schema/kernel-4"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
        f' xmlns:xsi="{XSI}" xsi:schemaLocation="{namespace} {schema}"'
    )

    def available(self, record: Record) -> bool:
        """Tell whether the record has all that the guidelines make mandatory."""
        return not self.refusals(record, Context())

    def refusals(self, record: Record, context: Context) -> list[str]:
        """Return what keeps the record out of this format, one mandatory element each; nothing where it is in."""
        mandatory = {
            "datacite:creator: nobody with the role of a creator": creators(record, creator_roles(context)),
            "datacite:identifier: neither a DOI nor an address": primary(record, _ORDER),
            "datacite:date: no date with a year": issue_date(record),
            "oaire:resourceType: no type of resource": coar_type(record),
            "datacite:rights: no access right (rights.access)": record.rights and record.rights.access,
        }
        return [refusal for refusal, value in mandatory.items() if not value]

    def render(self, record: Record, context: Context) -> Document:
        """Return the record as OpenAIRE wants it, elements in the order of the application profile."""
        elements = _elements(record, creator_roles(context))
        return Document(self.namespace, branch("oaire:resource", elements, self._root))


def _elements(record: Record, creating: frozenset[str]) -> Iterator[str]:
    p = "datacite:"
    default = record.description_lang
    cited_by = primary(record, _ORDER)
    type_ = coar_type(record)
    yield titles(record, p)
    yield creators(record, creating, p)
    yield contributors(record, creating, p)
    yield funding(record, "oaire:")
    yield alternate_identifiers(record, cited_by, p)
    yield related_identifiers(record, p)
    yield branch(f"{p}dates", _dates(record, p))
    for tag in spoken_languages(record):
        yield leaf("dc:language", tag)
    for agent in record.agents:
        if PUBLISHER_ROLE in agent.roles:
            yield leaf("dc:publisher", agent.name)
    if type_:
        kind = f' resourceTypeGeneral="{type_.general}" uri="{COAR}{type_.code}"'
        yield leaf("oaire:resourceType", type_.label, kind)
    yield from descriptions(record)
    for format_ in formats(record):
        yield leaf("dc:format", format_)
    if cited_by:
        yield leaf(f"{p}identifier", _link(cited_by), f' identifierType="{(cited_by.type or "").upper()}"')
    if record.rights and record.rights.access:
        term = ACCESS[record.rights.access]
        yield leaf(f"{p}rights", term.label, f' rightsURI="{term.uri}"{xml_lang("en")}')
    yield from sources(record)
    yield subjects(record, p)
    if record.rights:
        name, _ = rights_label(record.rights)
        yield leaf("oaire:licenseCondition", name, uri_attribute("uri", record.rights.uri))
    for subject in record.subjects:
        if is_period(subject):
            yield from coverage(subject, default)
    yield sizes(record, p)
    yield geo_locations(record, p)
    if type_:
        yield from _files(record, type_)
    yield from _citation(record)
    for audience in record.audience:
        yield leaf("dcterms:audience", audience.label, xml_lang(audience.lang, default))


def _link(identifier: Known) -> str:
    """Return an identifier as the link that it is, if it is one."""
    return public_form(Identifier(value=identifier.value, type=_RESOLVED.get(identifier.type or "", "uri")))


def _dates(record: Record, p: str) -> Iterator[str]:
    """Return one date of issue, a single day, month or year, and all other dates that OpenAIRE has a type for."""
    yield dated(Dated("Issued", issue_date(record)), p)
    for date in dates(record):
        if date.type not in ("Issued", "Other"):
            yield dated(date, p)


def _files(record: Record, type_: CoarType) -> Iterator[str]:
    kind = {"literature": "fulltext", "other research product": "other"}.get(type_.general, type_.general)
    access = ACCESS[record.rights.access].uri if record.rights and record.rights.access else None
    for media in record.media:
        if media.role in OBJECT_ROLES:
            attributes = uri_attribute("accessRightsURI", access) + attribute("mimeType", media.mime)
            yield leaf("oaire:file", media.url, attributes + f' objectType="{kind}"')


def _citation(record: Record) -> Iterator[str]:
    """Return where the item was published: in its first host that says more than an address."""
    hosts = (relation for relation in record.relations if relation.type == "host")
    if host := next((host for host in hosts if collapse(host.title) or host.part), None):
        yield leaf("oaire:citationTitle", host.title)
        if part := host.part:
            yield leaf("oaire:citationVolume", part.volume)
            yield leaf("oaire:citationIssue", part.issue)
            yield leaf("oaire:citationStartPage", part.start)
            yield leaf("oaire:citationEndPage", part.end)
    yield leaf("oaire:citationEdition", record.origin.edition if record.origin else None)


# Types of the Confederation of Open Access Repositories (COAR).

COAR = "http://purl.org/coar/resource_type/"


class CoarType(NamedTuple):
    """A COAR resource type: the end of its URI, its label, and OpenAIRE's class of it."""

    code: str
    label: str
    general: str


def _types(general: str, table: str) -> dict[str, CoarType]:
    lines = (line.partition(" ") for line in table.strip().splitlines())
    return {code: CoarType(code, label, general) for code, _, label in lines}


COAR_TYPES = {
    **_types(
        "literature",
        """
c_1162 annotation
c_0640 journal
c_6501 journal article
c_b239 editorial
c_7a1f bachelor thesis
c_86bc bibliography
c_2f33 book
c_3248 book part
c_ba08 book review
c_f744 conference proceedings
c_c94f conference object
c_5794 conference paper
c_6670 conference poster
c_3e5a contribution to journal
c_beb9 data paper
c_db06 doctoral thesis
c_8544 lecture
c_0857 letter
c_bdcc master thesis
c_2659 periodical
c_545b letter to the editor
c_15cd patent
c_816b preprint
c_93fc report
c_ba1f report part
c_baaf research proposal
c_efa0 review
c_71bd technical documentation
c_8042 working paper
c_46ec thesis
c_18cf text
c_18cp conference paper not in proceedings
c_18co conference poster not in proceedings
c_18ww internal report
c_18wz memorandum
c_18wq other type of report
c_186u policy report
c_18op project deliverable
c_18hj report to funding agency
c_18ws research report
c_18gh technical report
c_dcae04bc review article
c_2df8fbb1 research article
""",
    ),
    **_types("dataset", "c_ddb1 dataset"),
    **_types("software", "c_5ce6 software"),
    **_types(
        "other research product",
        """
c_7ad9 website
c_e9a0 interactive resource
c_c513 image
c_8a7e moving image
c_1843 other
c_ecc8 still image
c_393c workflow
c_12cc cartographic material
c_12cd map
c_12ce video
c_18cc sound
c_18cd musical composition
c_18cw musical notation
""",
    ),
}
"""End of a COAR URI -> the type, those that OpenAIRE 4.0 takes."""

# COAR's letter is a short report of new research, no correspondence; "other" and "text" say nothing that is not known.
_BY_LABEL = {type_.label: type_ for type_ in COAR_TYPES.values() if type_.label not in ("letter", "other", "text")}
_BY_RESOURCE_TYPE = {
    "text": "c_18cf",
    "cartographic": "c_12cc",
    "notated music": "c_18cw",
    "sound recording-musical": "c_18cc",
    "sound recording-nonmusical": "c_18cc",
    "sound recording": "c_18cc",
    "still image": "c_ecc8",
    "moving image": "c_8a7e",
    "three dimensional object": "c_1843",
    "mixed material": "c_1843",
}
_BY_DCMI = {"Dataset": "c_ddb1", "InteractiveResource": "c_e9a0", "Software": "c_5ce6"}
_QUALIFIER = re.compile(r"\s*\([^)]*\)$")  # prints (visual works)
_PLURALS = (("theses", "thesis"), ("bibliographies", "bibliography"))


def coar_type(record: Record) -> CoarType | None:
    """Return the COAR type of the item: of a genre that is one or is called so, else by its type of resource."""
    for genre in record.genres:
        for uri in filter(None, (genre.uri, *genre.exact_match)):
            if uri.startswith(COAR) and (type_ := COAR_TYPES.get(uri.removeprefix(COAR))):
                return type_
    for genre in record.genres:
        if type_ := _BY_LABEL.get(_singular(genre.label)):
            return type_
    if record.collection:
        return COAR_TYPES["c_1843"]
    if record.resource_type == "software, multimedia":
        return COAR_TYPES[_BY_DCMI[dcmi_types(record.resource_type, False, (g.label for g in record.genres))[0]]]
    return COAR_TYPES[_BY_RESOURCE_TYPE[record.resource_type]] if record.resource_type else None


def unqualified(label: str) -> str:
    """Return the name of a genre in small letters, without what a thesaurus puts in brackets behind it."""
    return _QUALIFIER.sub("", collapse(label).lower())


def _singular(label: str) -> str:
    name = unqualified(label)
    if name in _BY_LABEL:  # conference proceedings
        return name
    for plural, singular in _PLURALS:
        if name.endswith(plural):
            return name.removesuffix(plural) + singular
    return name.removesuffix("s")
