"""oai_datacite: DataCite 4.5, the description by which items are cited (crosswalk, section 3.4).

The payload is DataCite's own ``resource``, by itself. An item is given in it only where all that DataCite makes
mandatory is known (:meth:`OaiDatacite.refusals` says what is missing); of the standard's stand-ins for unknown values
``:unav`` alone is used, for a creator.

What the elements have in common with other formats that embed them (OpenAIRE) stands in the functions without an
underscore; their ``p`` is the prefix of DataCite's namespace, with its colon.

Option (``[formats.oai_datacite]``): ``creator_roles``, the MARC relator codes of those who are creators, as in
``oai_dc``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import langcodes
import msgspec

from metadata_formats import edtf_dates
from metadata_formats.mods import degrees
from metadata_formats.oai_dc import (
    DOI,
    HANDLE,
    OBJECT_ROLES,
    by_role,
    creator_roles,
    full_title,
    heading,
    is_descriptive,
    is_period,
    is_place,
    main_date,
    media_types,
    place_of_keeping,
    repository,
    says_more_than_dates,
)
from metadata_formats.record import (
    Agent,
    Date,
    Identifier,
    Language,
    Note,
    Record,
    Relation,
    Rights,
    Subject,
    Text,
    Title,
    check_uri,
)
from metadata_formats.registry import XSI, Context, Format, paths
from metadata_formats.vocabularies import (
    ACCESS,
    AUTHORITY_URIS,
    PUBLISHER_ROLE,
    RIGHTS_LABELS,
    dcmi_types,
)
from metadata_formats.xml import Document, attribute, branch, collapse, leaf, uri_attribute, wrap
from metadata_formats.xml import language as xml_lang

_UNAVAILABLE = ":unav"  # DataCite 4.5, appendix 3: value unavailable, possibly unknown

_GENERAL_TYPES = {"StillImage": "Image", "MovingImage": "Audiovisual"}  # the other DCMI types have their own names
_NAME_TYPES = {"person": "Personal", "organization": "Organizational"}
_CONTRIBUTORS = {
    "edt": "Editor", "dst": "Distributor", "dnr": "Sponsor", "spn": "Sponsor", "fnd": "Sponsor", "cph": "RightsHolder",
    "his": "HostingInstitution", "rps": "HostingInstitution", "dtm": "DataManager", "dtc": "DataCollector",
    "pro": "Producer", "res": "Researcher", "ths": "Supervisor", "dgs": "Supervisor",
}  # fmt: skip
_DATES = {
    "created": "Created", "issued": "Issued", "captured": "Other", "modified": "Updated", "copyright": "Copyrighted",
    "valid": "Valid", "available": "Available", "submitted": "Submitted", "other": "Other",
}  # fmt: skip
_RELATIONS = {
    "host": "IsPartOf", "series": "IsPartOf", "original": "IsDerivedFrom", "other_version": "IsVersionOf",
    "other_format": "IsVariantFormOf", "constituent": "HasPart", "preceding": "Continues",
    "succeeding": "IsContinuedBy", "references": "References", "referenced_by": "IsReferencedBy",
    "review_of": "Reviews", "translation_of": "IsDerivedFrom",
}  # fmt: skip
"""Relations of the record -> of DataCite, which has no word for things that are merely related."""
_SCHEMES = {
    "gnd": "GND", "isni": "ISNI", "lcnaf": "LCNAF", "naf": "LCNAF", "orcid": "ORCID", "ror": "ROR", "ulan": "ULAN",
    "viaf": "VIAF", "wikidata": "Wikidata",
}  # fmt: skip
_IDENTIFIERS = {
    "ark": "ARK", "arxiv": "arXiv", "bibcode": "bibcode", "ean": "EAN13", "eissn": "EISSN", "igsn": "IGSN",
    "isbn": "ISBN", "issn": "ISSN", "istc": "ISTC", "lsid": "LSID", "pmid": "PMID", "purl": "PURL", "upc": "UPC",
    "urn": "URN",
}  # fmt: skip
_ORDER = ("DOI", "URL", "Handle", "PURL", "ARK", "URN")  # what an item may be cited by, best first
_ADDRESS = re.compile("https?://", re.IGNORECASE)
_CC = re.compile(r"https?://creativecommons\.org/(?:licenses/([a-z-]+)/([0-9.]+)|publicdomain/(zero)/1\.0)/?")
_FUNDERS = (
    ("Crossref Funder ID", re.compile(r".*\b10\.13039/.+")),
    ("ROR", re.compile(r"(?:https?://)?ror\.org/.+")),
    ("GRID", re.compile(r"(?:https?://(?:www\.)?grid\.ac/institutes/)?grid\..+")),
    ("ISNI", re.compile(r"(?:https?://(?:www\.)?isni\.org/.*)?\d{4} ?\d{4} ?\d{4} ?\d{3}[\dX]")),
)
_BEFORE_CHRIST = re.compile(r"-\d{4}(/-?\d{4})?")


class OaiDatacite(Format):
    """The DataCite metadata schema."""

    prefix = "oai_datacite"
    namespace = "http://datacite.org/schema/kernel-4"
    schema = "https://schema.datacite.org/meta/kernel-4.5/metadata.xsd"
    version = "1"
    options: ClassVar[Mapping[str, Any]] = {"creator_roles": list[str]}
    not_carried = paths("""
        titles.supplied
        agents.terms agents.dates agents.jurisdiction agents.description agents.role_label agents.identifiers.label
        manuscript
        genres.lang genres.scheme genres.uri genres.source_label genres.note genres.broader genres.exact_match
        dates.text
        origin.places origin.issuance origin.frequency
        languages.script languages.inferred
        physical.form.lang physical.form.scheme physical.form.uri physical.form.source_label physical.form.note
        physical.form.broader physical.form.exact_match physical.digital_origin physical.quality physical.notes
        subjects.parts.type subjects.edtf subjects.gac subjects.country
        classification.edition
        relations.identifiers.label relations.note
        holding.source_text
        rights.metadata_licence
        media.width media.height media.checksum media.label media.rights_uri
        full_text audience
        provider.provider provider.intermediate provider.country provider.data_provider_uri
        record.source record.identifier_source record.created record.changed record.origin record.language record.lang
        record.standard record.provenance
        sets extra
    """)

    _root = f' xmlns="{namespace}" xmlns:xsi="{XSI}" xsi:schemaLocation="{namespace} {schema}"'

    def available(self, record: Record) -> bool:
        """Tell whether the record has all that DataCite makes mandatory."""
        return not self.refusals(record, Context())

    def refusals(self, record: Record, context: Context) -> list[str]:  # noqa: ARG002
        """Return what keeps the record out of this format, one mandatory property each; nothing where it is in."""
        mandatory = {
            "identifier: neither a DOI nor an address": primary(record),
            "publisher: nobody publishes, provides or keeps it": publisher(record),
            "publicationYear: no date with a year": issue_date(record),
            "resourceTypeGeneral: no type of resource": general_type(record),
        }
        return [refusal for refusal, value in mandatory.items() if not value]

    def render(self, record: Record, context: Context) -> Document:
        """Return the record as DataCite, properties in the order of their numbers."""
        elements = _elements(record, creator_roles(context))
        return Document(self.namespace, branch("resource", elements, self._root))


def _elements(record: Record, creating: frozenset[str]) -> Iterator[str]:
    default = record.description_lang
    cited_by = primary(record)
    if cited_by:
        yield leaf("identifier", cited_by.value, attribute("identifierType", cited_by.type))
    yield creators(record, creating) or wrap("creators", wrap("creator", leaf("creatorName", _UNAVAILABLE)))
    yield titles(record)
    yield _publisher(publisher(record))
    yield leaf("publicationYear", (issue_date(record) or "")[:4])
    yield _resource_type(record)
    yield subjects(record)
    yield contributors(record, creating)
    yield branch("dates", map(dated, dates(record)))
    yield leaf("language", next(spoken_languages(record), None))
    yield alternate_identifiers(record, cited_by)
    yield related_identifiers(record)
    yield sizes(record)
    yield branch("formats", (leaf("format", name) for name in formats(record)))
    yield leaf("version", record.origin.edition if record.origin else None)
    if record.rights:
        yield branch("rightsList", _rights(record.rights, default))
    yield branch("descriptions", _descriptions(record))
    yield geo_locations(record)
    yield funding(record)
    yield branch("relatedItems", (_related_item(relation) for relation in record.relations))


# What the item is cited by.


class Known(NamedTuple):
    """An identifier as DataCite has it; ``type`` is None where its lists have no word for it."""

    type: str | None
    value: str


def known(value: str, kind: str) -> Known:
    """Return an identifier of a kind (``doi``, ``uri``, …) as DataCite has it: a DOI or handle without its resolver."""
    value, kind = collapse(value), kind.lower()
    address = _ADDRESS.match(value)
    if (kind == "doi" or address) and (match := DOI.fullmatch(value)):
        return Known("DOI", match[1])
    if (kind in ("hdl", "handle") or "//hdl.handle.net/" in value) and (match := HANDLE.fullmatch(value)):
        return Known("Handle", match[1])
    if address:
        return Known(_IDENTIFIERS[kind] if kind in ("ark", "purl") else "URL", value)
    if kind in ("uri", "url"):
        return Known(_IDENTIFIERS.get(value.partition(":")[0].lower()), value)
    return Known(_IDENTIFIERS.get(kind), value)


def _all_known(record: Record) -> Iterator[tuple[Known, Identifier]]:
    """Return what identifies the item: its landing pages, then its identifiers."""
    pages = [Identifier(value=media.url, type="url") for media in record.media if media.role == "landing"]
    for identifier in [*pages, *record.identifiers]:
        if not identifier.invalid:
            yield known(identifier.value, identifier.type), identifier


def primary(record: Record, order: Sequence[str] = _ORDER) -> Known | None:
    """Return what the item is cited by: its DOI, else its landing page, another address, another lasting name."""
    found = [each for each, _ in _all_known(record) if each.type in order and each.value]
    return min(found, key=lambda each: order.index(str(each.type)), default=None)


def alternate_identifiers(record: Record, cited_by: Known | None, p: str = "") -> str:
    """Return all identifiers of the item but the primary one; its own id, where no identifier has it, as ``local``."""
    tag, kind = f"{p}alternateIdentifier", "alternateIdentifierType"
    found = [
        leaf(tag, each.value, attribute(kind, each.type or collapse(source.label) or collapse(source.type) or "local"))
        for each, source in _all_known(record)
        if each != cited_by
    ]
    own = collapse(record.id)
    if not any(collapse(identifier.value) == own for identifier in record.identifiers if not identifier.invalid):
        found.append(leaf(tag, own, attribute(kind, "local")))
    return branch(f"{p}alternateIdentifiers", found)


# Who made and published it, when, and what it is called.


def titles(record: Record, p: str = "") -> str:
    """Return all titles; the subtitle of a main title stands by itself."""
    return branch(f"{p}titles", (line for title in record.titles for line in _title(title, p, record.description_lang)))


def _title(title: Title, p: str, default: str | None) -> Iterator[str]:
    lang = xml_lang(title.lang, default)
    if title.type != "main":
        kind = "TranslatedTitle" if title.type == "translated" else "AlternativeTitle"
        yield leaf(f"{p}title", full_title(title), f' titleType="{kind}"{lang}')
        return
    yield leaf(f"{p}title", full_title(msgspec.structs.replace(title, subtitle=None)), lang)
    yield leaf(f"{p}title", title.subtitle, f' titleType="Subtitle"{lang}')


def creators(record: Record, creating: frozenset[str], p: str = "") -> str:
    """Return those who made the item; nothing where nobody did."""
    found, _, _ = by_role(record.agents, creating)
    return branch(f"{p}creators", (_agent("creator", agent, "", p) for agent in found))


def contributors(record: Record, creating: frozenset[str], p: str = "") -> str:
    """Return who else had a part in it: helpers, publishers after the first, the keeper, the holder of rights."""
    _, publishers, others = by_role(record.agents, creating)
    others += [agent for agent in publishers[1:] if agent.roles == [PUBLISHER_ROLE]]
    found = [_agent("contributor", agent, _contributor_type(agent), p) for agent in others]
    if (holding := record.holding) and not holding.original and (name := repository(holding)):
        marks = [Identifier(value=isil, type="isil")] if (isil := collapse(holding.isil)) else []
        keeper = Agent(name=name, type="organization", uri=holding.repository_uri, identifiers=marks)
        found.append(_agent("contributor", keeper, "HostingInstitution", p))
    if (rights := record.rights) and (holder := collapse(rights.holder) or rights.holder_uri):
        found.append(_agent("contributor", Agent(name=holder, uri=rights.holder_uri), "RightsHolder", p))
    return branch(f"{p}contributors", found)


def _contributor_type(agent: Agent) -> str:
    return next((_CONTRIBUTORS[role] for role in agent.roles if role in _CONTRIBUTORS), "Other")


def _agent(tag: str, agent: Agent, contributor_type: str, p: str) -> str:
    kind = attribute("nameType", _NAME_TYPES.get(agent.type or ""))
    name = leaf(f"{p}{tag}Name", agent.name, kind)
    parts = (
        name,
        leaf(f"{p}givenName", agent.given),
        leaf(f"{p}familyName", agent.family),
        *_name_identifiers(agent, p),
        leaf(f"{p}affiliation", agent.affiliation),
    )
    return branch(f"{p}{tag}", parts, attribute("contributorType", contributor_type)) if name else ""


def _name_identifiers(agent: Agent, p: str) -> Iterator[str]:
    tag = f"{p}nameIdentifier"
    if agent.uri:
        yield leaf(tag, agent.uri, _scheme("nameIdentifierScheme", _vocabulary(agent.scheme, agent.uri)))
    for identifier in agent.identifiers:
        if not identifier.invalid:
            kind = collapse(identifier.type).lower()
            scheme = kind if kind in _SCHEMES else collapse(identifier.label) or identifier.type
            yield leaf(tag, identifier.value, _scheme("nameIdentifierScheme", scheme, kind))


def _vocabulary(scheme: str | None, uri: str) -> str:
    """Return which vocabulary a URI is of: what the record says, else whose address it begins with."""
    return collapse(scheme) or next((code for code, base in AUTHORITY_URIS.items() if uri.startswith(base)), "URI")


def _scheme(name: str, scheme: str, code: str | None = None) -> str:
    base = AUTHORITY_URIS.get(scheme if code is None else code)
    return attribute(name, _SCHEMES.get(scheme, scheme) or "URI") + uri_attribute("schemeURI", base)


def publisher(record: Record) -> Agent | None:
    """Return who publishes the item: by role, else who provides it, else who keeps it.

    DataCite's publisher is whoever "holds, archives, publishes, prints, distributes, releases, issues or produces".
    """
    for agent in record.agents:
        if PUBLISHER_ROLE in agent.roles and collapse(agent.name):
            return agent
    if (provider := record.provider) and (name := collapse(provider.data_provider)):
        return Agent(name=name)
    if (holding := record.holding) and not holding.original and (name := collapse(holding.repository)):
        return Agent(name=name, uri=holding.repository_uri)
    return None


def _publisher(agent: Agent | None) -> str:
    if agent is None:
        return ""
    if not agent.uri:
        return leaf("publisher", agent.name)
    scheme = _scheme("publisherIdentifierScheme", _vocabulary(agent.scheme, agent.uri))
    return leaf("publisher", agent.name, attribute("publisherIdentifier", agent.uri) + scheme)


def issue_date(record: Record) -> str | None:
    """Return the day, month or year that the item is cited with (W3CDTF): of issue, else availability, else its own."""
    for type_ in ("issued", "available"):
        for date in record.dates:
            if date.type == type_ and (day := _first_day(date)):
                return day
    return next(filter(None, map(_first_day, [*main_date(record), *record.dates])), None)


def _first_day(date: Date) -> str | None:
    first, last = edtf_dates.bounds(date.edtf) if date.edtf else (None, None)
    return (first or last or "")[:10] or None


class Dated(NamedTuple):
    """A date as DataCite has it: its type, W3CDTF or an interval of it, and what else is to be said."""

    type: str
    value: str | None
    information: str = ""


def dates(record: Record) -> Iterator[Dated]:
    """Return all dates, with what the source calls them and what EDTF says beyond W3CDTF."""
    for date in record.dates:
        day = _interval(date.edtf) if date.edtf else None
        kind = "captured" if date.type == "captured" else ""
        said = (collapse(date.label) or kind, date.edtf if day != date.edtf else "")
        yield Dated(_DATES[date.type], day, "; ".join(filter(None, said)))
    if rights := record.rights:
        if rights.embargo_until:
            yield Dated("Available", _interval(rights.embargo_until), "end of embargo")
        year = collapse(rights.year)
        if edtf_dates.is_valid(year) and not any(date.type == "copyright" for date in record.dates):
            yield Dated("Copyrighted", _interval(year))


def dated(date: Dated, p: str = "") -> str:
    """Return one date; nothing where it could not be read."""
    return leaf(f"{p}date", date.value, f' dateType="{date.type}"' + attribute("dateInformation", date.information))


@lru_cache(maxsize=65536)
def _interval(edtf: str) -> str | None:
    """Return EDTF as W3CDTF or as an interval of it (RKMS-ISO8601), open where it is; None where it cannot be said."""
    first, last = edtf_dates.bounds(edtf)
    if first is None and last is None:
        return edtf if _BEFORE_CHRIST.fullmatch(edtf) else None
    return first if first == last else f"{first or ''}/{last or ''}"


# What it is.


def general_type(record: Record) -> str | None:
    """Return DataCite's general type of the item (crosswalk, section 3.3); None where nothing says what it is."""
    if record.collection or record.resource_type == "mixed material":
        return "Collection"
    found = dcmi_types(record.resource_type, False, (genre.label for genre in record.genres))
    return _GENERAL_TYPES.get(found[0], found[0]) if found else None


def _resource_type(record: Record) -> str:
    general = general_type(record)
    words = next(filter(None, (collapse(genre.label) for genre in record.genres)), record.resource_type or general)
    return leaf("resourceType", words, attribute("resourceTypeGeneral", general))


def spoken_languages(record: Record) -> Iterator[str]:
    """Return the languages of the item as BCP 47 tags, each once."""
    tags = (language_tag(spoken) for spoken in record.languages if spoken.role == "text")
    yield from dict.fromkeys(tags)


def language_tag(spoken: Language) -> str:
    """Return a language as BCP 47 has it: its tag, else its code in the form of two letters where there is one."""
    return _tag(spoken.tag, spoken.code)


@lru_cache(maxsize=8192)
def _tag(tag: str | None, code: str) -> str:
    for text in filter(None, (tag, code)):
        try:
            return langcodes.Language.get(text).to_tag()
        except ValueError:
            continue
    return code


def sizes(record: Record, p: str = "") -> str:
    """Return how much there is of the item, and of its files."""
    extents = record.physical.extent if record.physical else []
    files = [f"{media.bytes} bytes" for media in record.media if media.bytes and media.role in OBJECT_ROLES]
    return branch(f"{p}sizes", (leaf(f"{p}size", size) for size in (*extents, *files)))


def formats(record: Record) -> list[str]:
    """Return the media types of the item, then what it is made of."""
    forms = [form.label for form in record.physical.form] if record.physical else []
    return [*media_types(record), *forms]


def _rights(rights: Rights, default: str | None) -> Iterator[str]:
    statement = rights.statement
    spoken = statement.lang if isinstance(statement, Text) else None
    label, lang = rights_label(rights)
    if rights.uri:
        yield leaf(
            "rights", label, uri_attribute("rightsURI", rights.uri) + _spdx(rights.uri) + xml_lang(lang, default)
        )
    else:
        yield leaf("rights", label, xml_lang(lang, default))
    if statement is not None:
        yield leaf("rights", statement.value if isinstance(statement, Text) else statement, xml_lang(spoken, default))
    if rights.access:
        term = ACCESS[rights.access]
        yield leaf("rights", term.label, uri_attribute("rightsURI", term.uri) + xml_lang("en"))
    yield leaf("rights", rights.access_note, xml_lang(None, default))


def rights_label(rights: Rights) -> tuple[str, str | None]:
    """Return what the rights are called, and the language of that: its own words, else the official ones."""
    official = RIGHTS_LABELS.get(rights.uri or "", "")
    label = collapse(rights.label) or official
    if label and label == official:
        return label, "en"
    statement = rights.statement
    return label or rights.uri or "", statement.lang if label and isinstance(statement, Text) else None


def _spdx(uri: str) -> str:
    """Return the SPDX name of a Creative Commons licence that is not of one country."""
    if not (match := _CC.fullmatch(uri)):
        return ""
    name = "CC0-1.0" if match[3] else f"CC-{match[1].upper()}-{match[2]}"
    return f' rightsIdentifier="{name}" rightsIdentifierScheme="SPDX" schemeURI="https://spdx.org/licenses/"'


# What it is about, belongs to and was paid by.


def _descriptions(record: Record) -> Iterator[str]:
    default = record.description_lang
    for kind, texts in (("Abstract", record.abstracts), ("TableOfContents", record.toc)):
        for words in texts:
            text = words if isinstance(words, Text) else Text(value=words)
            yield leaf("description", text.value, f' descriptionType="{kind}"{xml_lang(text.lang, default)}')
    for note in record.notes:
        if type_ := _description_type(note):
            yield leaf("description", note.value, f' descriptionType="{type_}"{xml_lang(note.lang, default)}')
    if holding := record.holding:
        place = place_of_keeping(holding)
        if place and holding.original:
            yield leaf("description", f"Original: {place}", f' descriptionType="Other"{xml_lang("en")}')
        else:
            yield leaf("description", place, ' descriptionType="Other"')


def _description_type(note: Note) -> str | None:
    kind = note.type and note.type.lower()
    if kind == "system details":
        return "TechnicalInfo"
    if kind in ("methods", "methodology"):
        return "Methods"
    return "Other" if is_descriptive(note) else None


def subjects(record: Record, p: str = "") -> str:
    """Return topics, names, headings, periods with a name and class numbers; places stand in geoLocations."""
    found = []
    for subject in record.subjects:
        if is_place(subject) or (is_period(subject) and subject.edtf and not says_more_than_dates(subject)):
            continue
        control = attribute("subjectScheme", subject.scheme)
        if subject.uri:
            base = AUTHORITY_URIS.get(subject.scheme or "")
            control += uri_attribute("schemeURI", base) + uri_attribute("valueURI", subject.uri)
        found.append(leaf(f"{p}subject", heading(subject), control + xml_lang(subject.lang, record.description_lang)))
    for number in record.classification:
        scheme = attribute("subjectScheme", number.scheme)
        found.append(leaf(f"{p}subject", number.value, scheme))
    return branch(f"{p}subjects", found)


def geo_locations(record: Record, p: str = "") -> str:
    """Return the places that the item is about."""
    return branch(f"{p}geoLocations", (_geo_location(place, p) for place in record.subjects if is_place(place)))


def _geo_location(place: Subject, p: str) -> str:
    children = [leaf(f"{p}geoLocationPlace", heading(place))]
    if place.lat is not None and place.long is not None:
        values = (("pointLongitude", place.long), ("pointLatitude", place.lat))
        children.append(_coordinates("geoLocationPoint", values, p))
    if place.bbox is not None and all(map(_is_within, place.bbox, (180, 90, 180, 90))):
        names = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")
        children.append(_coordinates("geoLocationBox", zip(names, place.bbox, strict=True), p))
    return branch(f"{p}geoLocation", children)


def _is_within(degrees: float, limit: int) -> bool:
    return -limit <= degrees <= limit


def _coordinates(tag: str, values: Iterable[tuple[str, float]], p: str) -> str:
    return branch(f"{p}{tag}", (leaf(f"{p}{name}", degrees(value)) for name, value in values))


def related_identifiers(record: Record, p: str = "") -> str:
    """Return the addresses and identifiers of related items, where DataCite has a word for the relation."""
    tag = f"{p}relatedIdentifier"
    found = []
    for relation in record.relations:
        for each in _related(relation):
            if relation.type in _RELATIONS:
                attributes = f' relatedIdentifierType="{each.type}" relationType="{_RELATIONS[relation.type]}"'
                found.append(leaf(tag, each.value, attributes))
    return branch(f"{p}relatedIdentifiers", found)


def _related(relation: Relation) -> list[Known]:
    found = [known(relation.uri, "uri")] if relation.uri else []
    found += [known(each.value, each.type) for each in relation.identifiers if not each.invalid]
    return [each for each in found if each.type]


def _related_item(relation: Relation) -> str:
    """Return a related item that has a title, with the place of this item in it."""
    kind, title, part = _RELATIONS.get(relation.type), leaf("title", relation.title), relation.part
    if not kind or not title:
        return ""
    identifiers = _related(relation)
    is_journal = relation.type == "host" and any(each.type in ("ISSN", "EISSN") for each in identifiers)
    named = identifiers[0] if identifiers else Known(None, "")
    children = [
        leaf("relatedItemIdentifier", named.value, attribute("relatedItemIdentifierType", named.type)),
        wrap("titles", title),
    ]
    if part:
        day = collapse(part.date)
        year = edtf_dates.bounds(day)[0] if edtf_dates.is_valid(day) else None
        children += [
            leaf("publicationYear", year and year[:4]),
            leaf("volume", part.volume),
            leaf("issue", part.issue),
            leaf("firstPage", part.start),
            leaf("lastPage", part.end),
        ]
    if is_journal:
        return branch("relatedItem", children, ' relatedItemType="Journal" relationType="IsPublishedIn"')
    return branch("relatedItem", children, f' relatedItemType="Other" relationType="{kind}"')


def funding(record: Record, p: str = "") -> str:
    """Return who paid for the item (``p``: OpenAIRE has these elements in its own namespace)."""
    found = []
    for grant in record.funding:
        name = leaf(f"{p}funderName", grant.funder)
        number = collapse(grant.award) or grant.award_uri
        children = (
            name,
            leaf(f"{p}funderIdentifier", grant.funder_id, attribute("funderIdentifierType", _funder(grant.funder_id))),
            leaf(f"{p}awardNumber", number, uri_attribute("awardURI", _checked(grant.award_uri))),
            leaf(f"{p}awardTitle", grant.title),
        )
        found.append(branch(f"{p}fundingReference", children) if name else "")
    return branch(f"{p}fundingReferences", found)


def _checked(uri: str | None) -> str | None:
    """Return a URI that the model takes as it comes; None for what is none."""
    try:
        check_uri("award_uri", uri)
    except ValueError:
        return None
    return uri


def _funder(identifier: str | None) -> str:
    text = collapse(identifier)
    return next((name for name, pattern in _FUNDERS if pattern.fullmatch(text)), "Other")
