"""edm: the Europeana Data Model, in the "external" form that Europeana takes from providers (crosswalk, section 3.4).

A record is a small graph: the thing itself (edm:ProvidedCHO), its pages and files (edm:WebResource), the agents,
places, periods and concepts that it names, and the aggregation that holds it all together. An agent, and what has a URI
or is known by more than its name, is described and linked; everything else is a literal, tagged with its language.

Europeana refuses a record that breaks one of its rules (of the XML schema and its Schematron, and of the data exchange
agreement). :data:`RULES` has those that a record can break, :func:`refusals` tells which it does, and such a record is
not available: a portal never meets it.

Options (``[formats.edm]``): ``creator_roles`` and ``promote_editors``, as in ``oai_dc``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import langcodes

from metadata_formats import edtf_dates
from metadata_formats.mods import degrees
from metadata_formats.oai_dc import (
    RESOLVERS,
    agents_by_role,
    all_identifiers,
    full_title,
    heading,
    is_compound,
    is_descriptive,
    is_period,
    is_place,
    level_name,
    place_of_keeping,
    reference,
    repository,
)
from metadata_formats.record import Agent, Concept, Date, Holding, Identifier, Media, Record, Relation, Subject, Text
from metadata_formats.registry import XSI, Context, Format, paths
from metadata_formats.vocabularies import AUTHORITY_URIS, PUBLISHER_ROLE
from metadata_formats.xml import Document, attribute, branch, collapse, leaf, uri_attribute
from metadata_formats.xml import language as xml_lang
from metadata_formats.xml import uri as xml_uri

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NAMESPACES = {
    "rdf": _RDF,
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "edm": "http://www.europeana.eu/schemas/edm/",
    "ore": "http://www.openarchives.org/ore/terms/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdaGr2": "http://rdvocab.info/ElementsGr2/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "wgs84_pos": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "xsi": XSI,
}
_RARE_NAMESPACES = {  # declared where they are used
    "ebucore": "http://www.ebu.ch/metadata/ontologies/ebucore/ebucore#",
    "svcs": "http://rdfs.org/sioc/services#",
}

_RS_CODES = ("NoC-NC", "NoC-OKLR", "InC", "InC-EDU", "InC-OW-EU", "CNE")
_CC_LICENCES = ("by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")
_CC_PORTS = {  # version -> jurisdictions; "-" is the licence without one
    "1.0": "- fi il nl",
    "2.0": "- au at be br ca cl hr uk fr de it jp nl pl kr es tw",
    "2.1": "au es jp",
    "2.5": "- ar au br bg ca cn co hr dk hu in il it mk my mt mx nl pe pl pt scotland si za es se ch tw",
    "3.0": "- au at br cl cn cr hr cz ec eg ee fr de gr gt hk igo ie it lu nl nz no ph pl pt pr ro rs sg za es ch tw th"
    " ug us ve vn",
    "4.0": "-",
}
CC_ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"
RIGHTS_URIS = frozenset(
    {CC_ZERO, "http://creativecommons.org/publicdomain/mark/1.0/"}
    | {f"http://rightsstatements.org/vocab/{code}/1.0/" for code in _RS_CODES}
    | {
        f"http://creativecommons.org/licenses/{licence}/{version}/" + ("" if port == "-" else f"{port}/")
        for version, ports in _CC_PORTS.items()
        for licence in (*_CC_LICENCES, *(["by-nd-nc"] if version == "1.0" else []))
        for port in ports.split()
    }
)
"""All that edm:rights may say, in the one spelling that Europeana takes: ``http:``, with a slash at the end."""

_TYPES = {
    "text": "TEXT",
    "cartographic": "IMAGE",
    "notated music": "TEXT",
    "sound recording-musical": "SOUND",
    "sound recording-nonmusical": "SOUND",
    "sound recording": "SOUND",
    "still image": "IMAGE",
    "moving image": "VIDEO",
    "three dimensional object": "IMAGE",
}
_MIME_TYPES = {"image": "IMAGE", "text": "TEXT", "audio": "SOUND", "video": "VIDEO", "model": "3D"}
_DATES = {"created": "dcterms:created", "issued": "dcterms:issued"}
RELATIONS = {
    "original": "dc:source",
    "translation_of": "dc:source",
    "host": "dcterms:isPartOf",
    "series": "dcterms:isPartOf",
    "constituent": "dcterms:hasPart",
    "references": "dcterms:references",
    "referenced_by": "dcterms:isReferencedBy",
    "other_format": "dcterms:isFormatOf",
    "other_version": "dcterms:isVersionOf",
    "preceding": "dcterms:replaces",
    "succeeding": "dcterms:isReplacedBy",
    "review_of": "dc:relation",
    "related": "dc:relation",
}
PROVENANCE_NOTES = frozenset({"acquisition", "ownership"})
_AGENT_SUBJECTS = frozenset({"person", "organization", "family", "event"})
_ADDRESSEE_ROLE = "rcp"
_IIIF_IMAGE = "http://iiif.io/api/image"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_LARGEST_NUMBER = 2**63 - 1  # xs:long
WEB_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-]+(?::\d+)?(?:[/?#]\S*)?")
_TOKEN = re.compile(r"[A-Za-z0-9.\-]+")
_PIDS = {
    "doi": (RESOLVERS["doi"][0], "doi:"),
    "hdl": (RESOLVERS["hdl"][0], "hdl:"),
    "ark": (re.compile(r"(?:https?://[^/]+/)?(ark:/?\d\S+)"), ""),
    "urn": (re.compile(r"(urn:[A-Za-z0-9\-]+:\S+)", re.IGNORECASE), ""),
}


class Edm(Format):
    """The Europeana Data Model, for records that Europeana takes."""

    prefix = "edm"
    namespace = _RDF
    schema = "http://www.europeana.eu/schemas/edm/EDM.xsd"
    version = "1"
    options: ClassVar[Mapping[str, Any]] = {"creator_roles": list[str], "promote_editors": bool}
    not_carried = paths("""
        identifiers.label
        titles.supplied
        agents.family agents.given agents.terms agents.jurisdiction agents.affiliation agents.scheme
        agents.identifiers.label agents.role_label
        collection manuscript
        genres.source_label
        dates.key dates.label
        origin
        languages.tag languages.script languages.inferred
        physical.form.source_label physical.digital_origin physical.quality physical.notes
        subjects.parts.type subjects.gac subjects.country subjects.bbox
        classification.scheme classification.edition
        relations.identifiers.label relations.part relations.note
        holding.repository_uri holding.isil holding.source_text
        rights.label rights.holder_uri rights.access rights.access_note rights.embargo_until
        media.checksum
        full_text audience funding
        provider.country provider.data_provider_uri
        record.source record.identifier_source record.created record.changed record.origin record.standard
        record.provenance
        sets extra
    """)

    def available(self, record: Record) -> bool:
        """Tell whether Europeana would take the record."""
        return not refusals(record)

    def render(self, record: Record, context: Context) -> Document:
        """Return the record as RDF/XML, classes and elements in the order of the schema."""
        elements = list(_Graph(record, context).elements())
        rare = (prefix for prefix in _RARE_NAMESPACES if any(f"<{prefix}:" in element for element in elements))
        namespaces = _NAMESPACES | {prefix: _RARE_NAMESPACES[prefix] for prefix in rare}
        declared = "".join(attribute(f"xmlns:{prefix}", uri) for prefix, uri in namespaces.items())
        location = f' xsi:schemaLocation="{self.namespace} {self.schema}"'
        return Document(self.namespace, branch("rdf:RDF", elements, declared + location))


# What Europeana demands.


class Rule(NamedTuple):
    """What Europeana demands of a record: name, the demand in words, the path that decides it, and its test."""

    name: str
    demand: str
    where: str
    is_met: Callable[[Record], bool]


def refusals(record: Record) -> list[Rule]:
    """Return the rules for which Europeana would refuse the record; nothing when it would take it."""
    return [rule for rule in RULES if not rule.is_met(record)]


def edm_type(record: Record) -> str | None:
    """Return TEXT, IMAGE, SOUND, VIDEO or 3D; None for what Europeana has no type for."""
    shown = [_type_of_file(media.mime) for media in _web(record).files]
    if record.resource_type == "mixed material":
        return next(filter(None, shown), None)
    if record.resource_type == "three dimensional object" and "3D" in shown:
        return "3D"
    return _TYPES.get(record.resource_type or "")


def _type_of_file(mime: str | None) -> str | None:
    mime = collapse(mime).lower()
    return "TEXT" if mime == "application/pdf" else _MIME_TYPES.get(mime.partition("/")[0])


@lru_cache(maxsize=1024)
def rights_uri(uri: str) -> str | None:
    """Return a rights URI as Europeana spells it (from ``https:``, ``/page/``, ``/deed.en``); None if it takes none."""
    plain = plain_rights(uri)
    return plain if plain in RIGHTS_URIS else None


def plain_rights(uri: str) -> str:
    """Return a rights URI in the one spelling of its vocabulary: ``http:``, no page of words, a slash at the end."""
    plain = re.sub(r"^https?://(?:www\.)?", "http://", uri).partition("?")[0].partition("#")[0]
    plain = re.sub(r"/(?:(?:deed|legalcode)(?:\.[\w-]+)?)?$", "", plain) + "/"
    return plain.replace("http://rightsstatements.org/page/", "http://rightsstatements.org/vocab/")


class _Web(NamedTuple):
    """Where the item is on the web: its page, its files (the best first), its thumbnail."""

    page: Media | None
    files: list[Media]
    thumbnail: Media | None


def _web(record: Record) -> _Web:
    """Return what a portal may show.

    A file of which the rights are not Europeana's is not shown: the rights of the item would be taken for its own.
    """
    usable = [
        media
        for media in record.media
        if media.url.lower().startswith(("http://", "https://"))
        and (not media.rights_uri or rights_uri(media.rights_uri))
    ]
    return _Web(
        next((media for media in usable if media.role == "landing"), None),
        _once(media for role in ("object", "view") for media in usable if media.role == role),
        next((media for media in usable if media.role == "thumbnail"), None),
    )


def _once(media: Iterable[Media]) -> list[Media]:
    """Return the first of all media that have one address."""
    found: dict[str | None, Media] = {}
    for each in media:
        found.setdefault(xml_uri(each.url), each)
    return list(found.values())


def _is_about_something(record: Record) -> bool:
    return (
        any(heading(subject) for subject in record.subjects)
        or any(collapse(genre.label) for genre in record.genres)
        or any(collapse(number.value) for number in record.classification)
    )


def _has_language(record: Record) -> bool:
    return edm_type(record) != "TEXT" or any(spoken.role == "text" for spoken in record.languages)


def _is_on_the_web(record: Record) -> bool:
    web = _web(record)
    return bool(web.page or web.files)


# A main title (EU-2) every record has; EU-1 and EU-9 to EU-12 concern the XML alone, and rendering keeps them.
RULES = (
    Rule("EU-3", "a subject, a genre, a place or a period", "subjects", _is_about_something),
    Rule(
        "EU-4",
        "a type that is TEXT, IMAGE, SOUND, VIDEO or 3D",
        "resource_type",
        lambda record: edm_type(record) is not None,
    ),
    Rule("EU-5", "the language of a text", "languages", _has_language),
    Rule(
        "EU-6",
        "a data provider",
        "provider.data_provider",
        lambda record: bool(record.provider and collapse(record.provider.data_provider)),
    ),
    Rule(
        "EU-6",
        "a provider",
        "provider.provider",
        lambda record: bool(record.provider and collapse(record.provider.provider)),
    ),
    Rule("EU-7", "the address of a page or a file that shows the item", "media", _is_on_the_web),
    Rule(
        "EU-8",
        "a rights URI of Europeana's list",
        "rights.uri",
        lambda record: bool(record.rights and record.rights.uri and rights_uri(record.rights.uri)),
    ),
    Rule(
        "EU-14",
        "metadata under CC0",
        "rights.metadata_licence",
        lambda record: record.rights is None or rights_uri(record.rights.metadata_licence) == CC_ZERO,
    ),
)
"""The rules that a record can break, by the names that the readiness report uses."""


# The graph.


class _Thing(NamedTuple):
    """An agent, a place, a period or a concept: its class, and its elements before, at and after its labels."""

    tag: str
    before: list[str]
    labels: dict[str, list[str]]  # xml:lang -> labels, the preferred one first
    after: list[str]


class _Graph:
    """One record in the course of being rendered: the things that it names are collected as they are met."""

    def __init__(self, record: Record, context: Context) -> None:
        self._record = record
        self._context = context
        self._web = _web(record)
        self._addresses = {xml_uri(media.url) for media in record.media}
        self._things: dict[str, _Thing] = {}
        self._numbers: Counter[str] = Counter()
        cataloguing = record.record.language if record.record else None
        self._default = record.description_lang or (short_tag(cataloguing) if cataloguing else None)
        shown = self._web.page or self._web.files[0]
        self._base = shown.url + ("-" if "#" in shown.url else "#")
        assert record.rights
        assert record.rights.uri
        self._rights = rights_uri(record.rights.uri)

    def elements(self) -> Iterator[str]:
        """Yield the classes in their order."""
        yield branch("edm:ProvidedCHO", self._thing_itself(), uri_attribute("rdf:about", self._base + "cho"))
        yield from self._web_resources()
        for tag in ("edm:Agent", "edm:Place", "edm:TimeSpan", "skos:Concept"):
            yield from self._described(tag)
        yield branch("ore:Aggregation", self._aggregation(), uri_attribute("rdf:about", self._base + "aggregation"))
        for service in self._services().values():
            children = (_link("dcterms:conformsTo", _IIIF_IMAGE),)
            yield branch("svcs:Service", children, uri_attribute("rdf:about", service))

    def _lang(self, tag: str | None = None) -> str:
        return xml_lang(tag, self._default)

    def _words(self, tag: str, words: str | Text) -> str:
        if isinstance(words, str):
            return leaf(tag, words, self._lang())
        return leaf(tag, words.value, self._lang(words.lang))

    # Things that are named.

    def _local(self, kind: str) -> str:
        """Return a URI for a thing that has none: ``…#agent-1``."""
        self._numbers[kind] += 1
        return f"{self._base}{kind}-{self._numbers[kind]}"

    def _free(self, uri: str | None) -> str | None:
        """Return the URI of a thing, unless it is that of a page or a file: one URI is one thing."""
        return uri if uri and xml_uri(uri) not in self._addresses and not uri.startswith(self._base) else None

    def _mention(
        self, tag: str, uri: str, label: str | None, lang: str, before: Iterable[str] = (), after: Iterable[str] = ()
    ) -> str:
        """Return the attribute that links to a thing.

        Whoever mentions it first describes it; others can add a label, as of another language.
        """
        thing = self._things.setdefault(xml_uri(uri) or uri, _Thing(tag, list(before), {}, list(after)))
        known = thing.labels.setdefault(lang, [])
        if (label := collapse(label)) and label not in known:
            known.append(label)
        return uri_attribute("rdf:resource", uri)

    def _described(self, tag: str) -> Iterator[str]:
        for uri, thing in self._things.items():
            if thing.tag == tag:
                preferred = [
                    leaf("skos:prefLabel", label, lang) for lang, all_ in thing.labels.items() for label in all_[:1]
                ]
                others = [
                    leaf("skos:altLabel", label, lang) for lang, all_ in thing.labels.items() for label in all_[1:]
                ]
                children = [*thing.before, *preferred, *others, *thing.after]
                yield branch(tag, children, uri_attribute("rdf:about", uri))

    def _concept(self, tag: str, concept: Concept) -> str:
        lang = self._lang(concept.lang)
        if not (uri := self._free(concept.uri)):
            return leaf(tag, concept.label, lang)
        after = (
            leaf("skos:note", concept.note, lang),
            *[_link("skos:broader", other) for other in concept.broader if WEB_ADDRESS.fullmatch(other)],
            *[_link("skos:exactMatch", other) for other in concept.exact_match if WEB_ADDRESS.fullmatch(other)],
            _link("skos:inScheme", AUTHORITY_URIS.get(concept.scheme or "")),
        )
        return _refer(tag, self._mention("skos:Concept", uri, concept.label, lang, after=after))

    def _agents(self) -> dict[int, str]:
        """Describe the agents in their order, and return by ``id()`` the links to those that are more than a name."""
        return {
            id(agent): self._mention(
                "edm:Agent",
                self._free(agent.uri) or self._local("agent"),
                agent.name,
                self._lang(),
                after=self._agent_details(agent),
            )
            for agent in self._record.agents
            if not _is_mere_name(agent)
        }

    def _agent_details(self, agent: Agent) -> list[str]:
        valid = [identifier for identifier in agent.identifiers if not identifier.invalid]
        addresses = [_agent_uri(identifier) for identifier in valid]
        date, *life = _life(agent.type == "person", agent.dates)
        return [
            date,
            *[leaf("dc:identifier", known.value) for known in valid if not _agent_uri(known)],
            *life,
            leaf("rdaGr2:professionOrOccupation", agent.description, self._lang()),
            *[_link("owl:sameAs", address) for address in addresses if address != agent.uri],
        ]

    def _subject(self, subject: Subject) -> str:
        label, lang = heading(subject), self._lang(subject.lang)
        if is_place(subject):
            return self._place(subject, label, lang)
        if is_period(subject):
            return self._period(subject, label, lang)
        uri = self._free(subject.uri)
        if subject.type in _AGENT_SUBJECTS and not is_compound(subject):
            uri = uri or (self._local("subject") if label else None)
            life = _life(subject.type == "person", subject.edtf)
            return _refer("dc:subject", self._mention("edm:Agent", uri, label, lang, after=life)) if uri else ""
        if uri:
            scheme = (_link("skos:inScheme", AUTHORITY_URIS.get(subject.scheme or "")),)
            return _refer("dc:subject", self._mention("skos:Concept", uri, label, lang, after=scheme))
        return leaf("dc:subject", label, lang)

    def _place(self, subject: Subject, label: str, lang: str) -> str:
        located = []
        if subject.lat is not None and subject.long is not None:
            located = [leaf("wgs84_pos:lat", degrees(subject.lat)), leaf("wgs84_pos:long", degrees(subject.long))]
        uri = self._free(subject.uri) or (self._local("place") if label and located else None)
        if not uri:
            return leaf("dcterms:spatial", label, lang)
        return _refer("dcterms:spatial", self._mention("edm:Place", uri, label, lang, before=located))

    def _period(self, subject: Subject, label: str, lang: str) -> str:
        first, last = _ends(subject.edtf) if subject.edtf else (None, None)
        uri = self._free(subject.uri) or (self._local("period") if label and (first or last) else None)
        if not uri:
            return leaf("dcterms:temporal", label, lang)
        after = (leaf("edm:begin", first), leaf("edm:end", last))
        return _refer("dcterms:temporal", self._mention("edm:TimeSpan", uri, label, lang, after=after))

    # The thing itself.

    def _thing_itself(self) -> Iterator[str]:
        record = self._record
        links = self._agents()
        yield from self._titles()
        yield from self._names(links)
        about = [self._subject(subject) for subject in record.subjects]
        yield from (element for element in about if element.startswith("<dc:subject"))
        for number in record.classification:
            yield leaf("dc:subject", number.value)
        for words in record.abstracts:
            yield self._words("dc:description", words)
        for note in filter(is_descriptive, record.notes):
            yield leaf("dc:description", note.value, self._lang(note.lang))
        for words in record.toc:
            yield self._words("dcterms:tableOfContents", words)
        yield from _dates(record.dates)
        for genre in record.genres:
            yield self._concept("dc:type", genre)
        yield from self._physical()
        for identifier in all_identifiers(record, objects=False):
            yield leaf("dc:identifier", identifier)
        yield from self._sources()
        for spoken in record.languages:
            if spoken.role == "text":
                yield leaf("dc:language", short_tag(spoken.code))
        yield from self._relations()
        yield from (element for element in about if element.startswith("<dcterms:spatial"))
        yield from (element for element in about if element.startswith("<dcterms:temporal"))
        for note in record.notes:
            if (note.type or "").lower() in PROVENANCE_NOTES:
                yield leaf("dcterms:provenance", note.value, self._lang(note.lang))
        yield from self._rights_in_words()
        yield from self._europeana_elements(links)

    def _titles(self) -> Iterator[str]:
        """Yield one dc:title for each language; all other titles are alternatives."""
        main: dict[str, str] = {}
        others = []
        for title in self._record.titles:
            line, lang = full_title(title), self._lang(title.lang)
            if title.type == "main" and collapse(line) and lang not in main:
                main[lang] = leaf("dc:title", line, lang)
            else:
                others.append(leaf("dcterms:alternative", line, lang))
        yield from main.values()
        yield from others

    def _names(self, links: dict[int, str]) -> Iterator[str]:
        creators, publishers, contributors = agents_by_role(self._record, self._context)
        contributors = [a for a in contributors if not a.roles or set(a.roles) - {_ADDRESSEE_ROLE, PUBLISHER_ROLE}]
        for tag, agents in (("creator", creators), ("contributor", contributors), ("publisher", publishers)):
            for agent in agents:
                link = links.get(id(agent))
                yield _refer(f"dc:{tag}", link) if link else leaf(f"dc:{tag}", agent.name, self._lang())

    def _physical(self) -> Iterator[str]:
        if physical := self._record.physical:
            for mime in physical.media_types:
                yield leaf("dc:format", mime)
            for extent in physical.extent:
                yield leaf("dcterms:extent", extent)
            for form in physical.form:
                yield self._concept("dcterms:medium", form)

    def _sources(self) -> Iterator[str]:
        holding = self._record.holding
        if holding and holding.original:
            yield leaf("dc:source", place_of_keeping(holding), self._lang())
        for relation in self._record.relations:
            if RELATIONS[relation.type] == "dc:source" and not _is_derivation(relation):
                yield self._related(relation)

    def _relations(self) -> Iterator[str]:
        for relation in self._record.relations:
            if RELATIONS[relation.type] != "dc:source":
                yield self._related(relation)
        holding = self._record.holding
        if holding and not holding.original:
            yield leaf("dcterms:isPartOf", hierarchy(holding), self._lang())

    def _related(self, relation: Relation) -> str:
        """Link to a related item, or name it by its title, or by its first identifier."""
        tag = RELATIONS[relation.type]
        if relation.uri:
            return _link(tag, relation.uri)
        return leaf(tag, relation.title, self._lang()) or leaf(tag, reference(relation))

    def _rights_in_words(self) -> Iterator[str]:
        rights = self._record.rights
        assert rights
        if rights.statement is not None:
            yield self._words("dc:rights", rights.statement)
        if holder := " ".join(filter(None, (collapse(rights.year), collapse(rights.holder)))):
            yield leaf("dc:rights", f"© {holder}")

    def _europeana_elements(self, links: dict[int, str]) -> Iterator[str]:
        record = self._record
        if record.holding and not record.holding.original:
            yield leaf("edm:currentLocation", _location(record.holding), self._lang())
        for agent in record.agents:
            if _ADDRESSEE_ROLE in agent.roles and (link := links.get(id(agent))):
                yield _refer("edm:hasMet", link)
        for relation in record.relations:
            if _is_derivation(relation):
                yield _link("edm:isDerivativeOf", relation.uri)
        for identifier in record.identifiers:
            yield leaf("edm:pid", _pid(identifier))
        yield leaf("edm:type", edm_type(record))

    # Pages and files, and what holds it all together.

    def _web_resources(self) -> Iterator[str]:
        page, files, thumbnail = self._web
        services = self._services()
        manifest = next((media.url for media in self._record.media if media.role == "iiif_manifest"), None)
        for media in _once(filter(None, (page, *files, thumbnail))):
            children = (
                leaf("dc:description", media.label, self._lang()),
                _link("edm:rights", rights_uri(media.rights_uri) if media.rights_uri else self._rights),
                leaf("ebucore:hasMimeType", media.mime),
                _number("ebucore:fileByteSize", media.bytes, "long"),
                _number("ebucore:width", media.width, "integer"),
                _number("ebucore:height", media.height, "integer"),
                _link("dcterms:isReferencedBy", manifest if files and media is files[0] else None),
                _link("svcs:has_service", services.get(media.url)),
            )
            yield branch("edm:WebResource", children, uri_attribute("rdf:about", media.url))

    def _services(self) -> dict[str, str]:
        """Return the IIIF image services by the file that they serve: one for each file, or one for the first."""
        page, files, thumbnail = self._web
        shown = _once(filter(None, (page, *files, thumbnail)))
        offered = [media for media in self._record.media if media.role == "iiif_image"]
        images = _once([*shown, *offered])[len(shown) :]
        if len(images) not in (1, len(files)):
            return {}
        return {file.url: image.url for file, image in zip(files, images, strict=False)}

    def _aggregation(self) -> Iterator[str]:
        page, files, thumbnail = self._web
        provider = self._record.provider
        assert provider
        yield _link("edm:aggregatedCHO", self._base + "cho")
        yield leaf("edm:dataProvider", provider.data_provider, self._lang())
        for media in files[1:]:
            yield _link("edm:hasView", media.url)
        yield _link("edm:isShownAt", page.url if page else None)
        yield _link("edm:isShownBy", files[0].url if files else None)
        preview = thumbnail or next(iter(files), None)
        yield _link("edm:object", preview.url if preview else None)
        yield leaf("edm:provider", provider.provider, self._lang())
        yield _link("edm:rights", self._rights)
        if collapse(provider.intermediate) not in map(collapse, (provider.provider, provider.data_provider)):
            yield leaf("edm:intermediateProvider", provider.intermediate, self._lang())


def _refer(tag: str, link: str) -> str:
    """Return an element that is nothing but a link, made by :meth:`_Graph._mention`."""
    return f"<{tag}{link}/>" if link else ""


def _link(tag: str, uri: str | None) -> str:
    return _refer(tag, uri_attribute("rdf:resource", uri))


def _number(tag: str, value: int | None, datatype: str) -> str:
    if value is None or value > _LARGEST_NUMBER:
        return ""
    return leaf(tag, str(value), f' rdf:datatype="{_XSD}{datatype}"')


def _is_mere_name(agent: Agent) -> bool:
    """Tell whether a literal says all there is to say of an agent: a publisher's name, or no name at all."""
    if not collapse(agent.name):
        return True
    return agent.roles == [PUBLISHER_ROLE] and not (agent.uri or agent.dates or agent.description or agent.identifiers)


def _life(is_person: bool, dates: str | None) -> tuple[str, str, str]:
    """Return when an agent lived (was active, took place): as one date, or as a start and an end."""
    if not dates or "/" not in dates:
        return leaf("dc:date", _date(dates) if dates else None), "", ""
    start, end = ("rdaGr2:dateOfBirth", "rdaGr2:dateOfDeath") if is_person else ("edm:begin", "edm:end")
    first, last = _ends(dates)
    return "", leaf(start, first), leaf(end, last)


def _agent_uri(identifier: Identifier) -> str | None:
    """Return the URI of an agent that an identifier is, or is a number of (ISNI, VIAF, …)."""
    value = collapse(identifier.value)
    if WEB_ADDRESS.fullmatch(value):
        return value
    number = value.replace(" ", "")
    base = AUTHORITY_URIS.get(identifier.type.lower())
    return f"{base.rstrip('/')}/{number}" if base and _TOKEN.fullmatch(number) else None


def _pid(identifier: Identifier) -> str | None:
    """Return a persistent identifier in the form of its scheme, without a resolver: ``doi:10.1000/182``."""
    pattern, scheme = _PIDS.get(identifier.type.lower(), (None, ""))
    match = pattern.fullmatch(collapse(identifier.value)) if pattern and not identifier.invalid else None
    return scheme + match[1] if match else None


def _is_derivation(relation: Relation) -> bool:
    return relation.type == "translation_of" and relation.uri is not None


def hierarchy(holding: Holding) -> str:
    """Return what an item is part of: ``label id, label id, …``, the largest first."""
    return ", ".join(level_name(level.label or level.level, level.id, level.title) for level in holding.hierarchy)


def _location(holding: Holding) -> str:
    return ", ".join(filter(None, (repository(holding), collapse(holding.sublocation), collapse(holding.shelfmark))))


def _dates(dates: list[Date]) -> Iterator[str]:
    for tag in ("dc:date", "dcterms:created", "dcterms:issued"):
        for date in dates:
            if _DATES.get(date.type, "dc:date") == tag:
                yield leaf(tag, _date(date.edtf, date.text) if date.edtf else date.text)


def _date(edtf: str, written: str | None = None) -> str:
    """Return a date as a literal: Europeana reads the marks of EDTF for what is uncertain, so they stay."""
    return edtf if _is_plain(edtf) else edtf_dates.literal(edtf, written)


def _is_plain(edtf: str) -> bool:
    return bool(edtf_dates.points(edtf.replace("%", "~")))


def _ends(edtf: str) -> edtf_dates.Bounds:
    """Return where a time begins and ends, with their marks; None where an end is open or unknown."""
    start, _, end = edtf.partition("/")
    end = end if "/" in edtf else start
    return (
        start if _is_plain(start) else edtf_dates.bounds(start)[0],
        end if _is_plain(end) else edtf_dates.bounds(end)[1],
    )


@lru_cache(maxsize=8192)
def short_tag(code: str) -> str:
    """Return the shortest code of a language: of two letters, or of three where it has no shorter one."""
    try:
        return langcodes.Language.get(code).language or code
    except ValueError:
        return code
