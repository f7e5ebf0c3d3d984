"""oai_dc: simple Dublin Core, which every item of an OAI-PMH repository must be given in (crosswalk, section 3.4).

It follows the Library of Congress mapping from MODS to Dublin Core, except where portals read a value alone: bare names
without role words, one date, DCMI words as types, addresses before other identifiers, the rights URI before the prose.

Options (``[formats.oai_dc]``):

``all_dates`` (false)
    Every date becomes a dc:date, as the Library of Congress has it. Without it there is one: the key date, else the
    date of issue of what was published and of creation of what was not. Bare dates cannot be told apart.
``object_urls`` (false)
    The addresses of the digital objects become dc:identifier too, behind the landing page (CORE looks for them).
``creator_roles`` (aut cre art cmp pht scl ctg arc drt inv lbt lyr prg ive ivr)
    MARC relator codes that make a dc:creator; ``pbl`` makes a dc:publisher, every other one a dc:contributor.
``promote_editors`` (false)
    Editors and compilers (edt, com) are the creators of an item that has no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from lxml import etree

from metadata_formats import edtf_dates
from metadata_formats.reading import ReadDate, Reading, edtf_only
from metadata_formats.record import (
    Agent,
    Date,
    Holding,
    Identifier,
    Note,
    Record,
    Relation,
    Subject,
    Text,
    Title,
)
from metadata_formats.registry import XSI, Context, Format, paths
from metadata_formats.vocabularies import (
    ACCESS,
    CREATOR_ROLES,
    EDITOR_ROLES,
    PUBLISHER_ROLE,
    dcmi_types,
    language,
)
from metadata_formats.xml import Document, branch, collapse, leaf
from metadata_formats.xml import language as xml_lang

DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
HANDLE = re.compile(r"(?:https?://hdl\.handle\.net/|hdl:\s*)?([^\s/:]+/\S+)", re.IGNORECASE)
RESOLVERS = {"doi": (DOI, "https://doi.org/"), "hdl": (HANDLE, "https://hdl.handle.net/")}
_QUOTED = re.compile(r"[A-Za-z0-9/:;()@!$&*+,=~%._-]*")  # has nothing to quote: nearly all, and quoting takes long
_URNS = {"isbn": "urn:isbn:", "issn": "urn:issn:"}

DESCRIPTIVE_NOTES = frozenset(
    {None, "content", "biographical/historical", "performers", "language", "statement of responsibility"}
)
OBJECT_ROLES = frozenset({"object", "download"})
_ELIDED = ("'", "’", "-")  # leading articles that lean on their noun: L'


class OaiDc(Format):
    """Simple Dublin Core in the container that OAI-PMH defines."""

    prefix = "oai_dc"
    namespace = "http://www.openarchives.org/OAI/2.0/oai_dc/"
    element = "dc"
    schema = "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
    version = "1"
    options: ClassVar[Mapping[str, Any]] = {
        "all_dates": bool,
        "object_urls": bool,
        "creator_roles": list[str],
        "promote_editors": bool,
    }
    not_carried = paths("""
        identifiers.label
        titles.type titles.supplied
        agents.type agents.family agents.given agents.terms agents.dates agents.jurisdiction agents.description
        agents.affiliation agents.scheme agents.uri agents.identifiers agents.role_label
        manuscript
        genres.scheme genres.uri genres.source_label genres.note genres.broader genres.exact_match
        dates.label
        origin
        languages.tag languages.script languages.inferred
        physical.form.scheme physical.form.uri physical.form.source_label physical.form.note physical.form.broader
        physical.form.exact_match physical.digital_origin physical.quality physical.notes
        subjects.parts.type subjects.scheme subjects.uri subjects.gac subjects.country subjects.lat subjects.long
        subjects.bbox
        classification.scheme classification.edition
        relations.identifiers.label relations.part relations.note
        holding.repository_uri holding.isil holding.source_text
        rights.holder_uri rights.metadata_licence
        media.width media.height media.bytes media.checksum media.label media.rights_uri
        full_text audience funding provider
        record.source record.identifier_source record.created record.changed record.origin record.language record.lang
        record.standard record.provenance
        sets extra
    """)

    _root = (
        f' xmlns:oai_dc="{namespace}" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xsi="{XSI}"'
        f' xsi:schemaLocation="{namespace} {schema}"'
    )

    def render(self, record: Record, context: Context) -> Document:
        """Return the record as simple Dublin Core, elements in the order of the fifteen."""
        elements = _elements(record, context)
        empty = f"<oai_dc:dc{self._root}/>"
        return Document(self.namespace, branch("oai_dc:dc", elements, self._root) or empty)

    def read(self, root: etree._Element, read_date: ReadDate = edtf_only) -> Reading:
        """Return what simple Dublin Core says; its identifier is its first address, DOI or handle."""
        from metadata_formats import oai_dc_read  # it turns the tables of this module round

        return oai_dc_read.read(root, read_date)


def _elements(record: Record, context: Context) -> Iterator[str]:
    options = context.options
    default = record.description_lang
    creators, publishers, contributors = agents_by_role(record, context)
    for title in record.titles:
        yield leaf("dc:title", full_title(title), xml_lang(title.lang, default))
    for agent in creators:
        yield leaf("dc:creator", agent.name)
    for subject in record.subjects:
        if not is_coverage(subject):
            yield leaf("dc:subject", heading(subject), xml_lang(subject.lang, default))
    for number in record.classification:
        yield leaf("dc:subject", number.value)
    yield from descriptions(record)
    for agent in publishers:
        yield leaf("dc:publisher", agent.name)
    for agent in contributors:
        yield leaf("dc:contributor", agent.name)
    for date in record.dates if options.get("all_dates") else main_date(record):
        yield leaf("dc:date", edtf_dates.literal(date.edtf, date.text) if date.edtf else date.text)
    for term in dcmi_types(record.resource_type, record.collection, (genre.label for genre in record.genres)):
        yield leaf("dc:type", term)
    for genre in record.genres:
        yield leaf("dc:type", genre.label, xml_lang(genre.lang, default))
    yield from _formats(record)
    for identifier in all_identifiers(record, objects=options.get("object_urls", False)):
        yield leaf("dc:identifier", identifier)
    yield from sources(record)
    for spoken in record.languages:
        if spoken.role == "text":
            yield leaf("dc:language", language(spoken.code).code)
    for relation in record.relations:
        if relation.type != "original":
            yield leaf("dc:relation", reference(relation))
    for subject in record.subjects:
        if is_coverage(subject):
            yield from coverage(subject, default)
    yield from _rights(record)


def worded(tag: str, words: str | Text, default: str | None) -> str:
    """Return an element of words, in their language or in the ``default``."""
    if isinstance(words, str):
        return leaf(tag, words, xml_lang(None, default))
    return leaf(tag, words.value, xml_lang(words.lang, default))


def descriptions(record: Record) -> Iterator[str]:
    """Yield abstracts, tables of contents and the notes that describe the item, as dc:description."""
    default = record.description_lang
    for words in (*record.abstracts, *record.toc):
        yield worded("dc:description", words, default)
    for note in filter(is_descriptive, record.notes):
        yield leaf("dc:description", note.value, xml_lang(note.lang, default))


def is_descriptive(note: Note) -> bool:
    """Tell whether a note describes the item; others are about its description, its keeping or its history."""
    return (note.type and note.type.lower()) in DESCRIPTIVE_NOTES


def sources(record: Record) -> Iterator[str]:
    """Yield where the original is kept, and what the item was made from, as dc:source."""
    if record.holding and record.holding.original:
        yield leaf("dc:source", place_of_keeping(record.holding))
    for relation in record.relations:
        if relation.type == "original":
            yield leaf("dc:source", reference(relation))


def creator_roles(context: Context) -> frozenset[str]:
    """Return the MARC relator codes of creators, by the option of that name."""
    return frozenset(context.options.get("creator_roles", CREATOR_ROLES))


def agents_by_role(record: Record, context: Context) -> tuple[list[Agent], list[Agent], list[Agent]]:
    """Sort the agents of a record as :func:`by_role` does, by the options ``creator_roles`` and ``promote_editors``."""
    promote = context.options.get("promote_editors", False)
    return by_role(record.agents, creator_roles(context), promote=promote)


def by_role(
    agents: Iterable[Agent], creating: frozenset[str], *, promote: bool = False
) -> tuple[list[Agent], list[Agent], list[Agent]]:
    """Sort agents into creators (by a role that is ``creating``), publishers and contributors.

    Who published may be one of the others too.
    """
    creators, publishers, others = [], [], []
    for agent in agents:
        roles = agent.roles
        if PUBLISHER_ROLE in roles:
            publishers.append(agent)
        if not creating.isdisjoint(roles):
            creators.append(agent)
        elif roles != [PUBLISHER_ROLE]:
            others.append(agent)
    if promote and not creators:
        creators = [agent for agent in others if not EDITOR_ROLES.isdisjoint(agent.roles)]
        others = [agent for agent in others if EDITOR_ROLES.isdisjoint(agent.roles)]
    return creators, publishers, others


def full_title(title: Title) -> str:
    """Return a title in one line: ``nonSort title: subtitle. number, name`` (Library of Congress)."""
    line = title.value
    if article := collapse(title.non_sort):
        line = article + ("" if article.endswith(_ELIDED) else " ") + line
    if subtitle := collapse(title.subtitle):
        line += f": {subtitle}"
    if title.part_number or title.part_name:
        part = ", ".join(filter(None, (collapse(title.part_number), collapse(title.part_name))))
        line += f". {part}" if part else ""
    return line


def main_date(record: Record) -> list[Date]:
    """Return the date that stands for the item: the key date, else of issue if published, of creation if not."""
    dates = record.dates
    if len(dates) < 2:
        return dates
    if key := [date for date in dates if date.key]:
        return key
    published = any(PUBLISHER_ROLE in agent.roles for agent in record.agents) or any(d.type == "issued" for d in dates)
    order = ("issued", "created") if published else ("created", "issued")
    return sorted(dates, key=lambda date: order.index(date.type) if date.type in order else len(order))[:1]


def _formats(record: Record) -> Iterator[str]:
    physical = record.physical
    for mime in media_types(record):
        yield leaf("dc:format", mime)
    if physical:
        for extent in physical.extent:
            yield leaf("dc:format", extent)
        for form in physical.form:
            yield leaf("dc:format", form.label, xml_lang(form.lang, record.description_lang))


def media_types(record: Record) -> list[str]:
    """Return the media types of an item: those of its description, then those of its objects on the web."""
    stated = record.physical.media_types if record.physical else []
    return stated + [media.mime for media in record.media if media.mime and media.role in OBJECT_ROLES]


def all_identifiers(record: Record, *, objects: bool) -> list[str]:
    """Return all identifiers: the landing page, objects if wanted, other addresses, the rest, the id last."""
    found = [media.url for media in record.media if media.role == "landing"]
    if objects:
        found += [media.url for media in record.media if media.role == "object"]
    others = [public_form(identifier) for identifier in record.identifiers if not identifier.invalid]
    own = collapse(record.id)
    others = [other for other in others if other != own]
    others.sort(key=lambda value: not value.startswith(("http://", "https://")))
    return [*found, *others, own]


def public_form(identifier: Identifier) -> str:
    """Return an identifier as it works outside its repository: a DOI or handle as https URL, an ISBN or ISSN as URN."""
    value, kind = collapse(identifier.value), identifier.type.lower()
    if resolver := RESOLVERS.get(kind):
        pattern, base = resolver
        match = pattern.fullmatch(value)
        if not match:
            return value
        return base + (match[1] if _QUOTED.fullmatch(match[1]) else quote(match[1], safe="/:;()@!$&*+,=~%"))
    if (urn := _URNS.get(kind)) and not value.lower().startswith("urn:"):
        return urn + value
    return value


def place_of_keeping(holding: Holding) -> str:
    """Return a holding in one line: ``repository, place, label id, …, p. pages``."""
    return ", ".join(filter(None, (repository(holding), collapse(holding.sublocation), shelf(holding))))


def repository(holding: Holding) -> str:
    """Return who keeps it and where: ``repository, place``."""
    return ", ".join(filter(None, (collapse(holding.repository), collapse(holding.place))))


def shelf(holding: Holding) -> str:
    """Return where on the shelf: ``label id, …, shelfmark, p. pages``."""
    steps = [level_name(level.label or level.level, level.id, level.title) for level in holding.hierarchy]
    pages = collapse(holding.pages)
    return ", ".join(filter(None, (*steps, collapse(holding.shelfmark), f"p. {pages}" if pages else "")))


def level_name(label: str, id_: str | None, title: str | None) -> str:
    """Return what a level of a hierarchy is called: its label and id, else its title."""
    number = collapse(id_)
    return f"{collapse(label)} {number}".lstrip() if number else collapse(title) or collapse(label)


def reference(relation: Relation) -> str | None:
    """Return a related item in one value: its address, else its title, else its first identifier."""
    identifiers = (public_form(identifier) for identifier in relation.identifiers if not identifier.invalid)
    return relation.uri or collapse(relation.title) or next(identifiers, None)


def is_compound(subject: Subject) -> bool:
    """Tell whether a subject is a heading of several steps."""
    return isinstance(subject.parts, list) and bool(subject.parts)


def is_place(subject: Subject) -> bool:
    """Tell whether a subject is one place."""
    return subject.type == "place" and not is_compound(subject)


def is_period(subject: Subject) -> bool:
    """Tell whether a subject is one period."""
    return subject.type == "period" and not is_compound(subject)


def is_coverage(subject: Subject) -> bool:
    """Tell whether a subject is one place or one period."""
    return subject.type in ("place", "period") and not is_compound(subject)


def heading(subject: Subject) -> str:
    """Return a subject in one line, the steps of a heading (or of a place without a name) joined by ``--``."""
    parts = subject.parts
    if not parts:
        return collapse(subject.label)
    if isinstance(parts, list):
        return "--".join([label for part in parts if (label := collapse(part.label))])
    if subject.label:
        return collapse(subject.label)
    return "--".join(filter(None, (collapse(getattr(parts, name)) for name in parts.__struct_fields__)))


def says_more_than_dates(subject: Subject) -> bool:
    """Tell whether the label of a period is more than its dates: ``Cold War`` is, ``1962-1967`` is not."""
    label = collapse(subject.label).replace(" ", "").replace("–", "-").replace("-", "/")
    return label != (subject.edtf or "").replace("-", "/")


def coverage(subject: Subject, default: str | None) -> Iterator[str]:
    """Yield a place or a period as dc:coverage, a period with a name as two."""
    if not (subject.type == "period" and subject.edtf):
        yield leaf("dc:coverage", heading(subject), xml_lang(subject.lang, default))
        return
    if says_more_than_dates(subject):
        yield leaf("dc:coverage", subject.label, xml_lang(subject.lang, default))
    yield leaf("dc:coverage", edtf_dates.literal(subject.edtf, subject.label))


def _rights(record: Record) -> Iterator[str]:
    rights, default = record.rights, record.description_lang
    if rights is None:
        return
    yield leaf("dc:rights", rights.uri)
    if rights.statement is not None:
        yield worded("dc:rights", rights.statement, default)
    else:
        yield leaf("dc:rights", rights.label, xml_lang(None, default))
    if rights.access:
        yield leaf("dc:rights", ACCESS[rights.access].label)
    yield leaf("dc:rights", rights.access_note, xml_lang(None, default))
    if rights.embargo_until:
        yield leaf("dc:rights", f"embargoed until {edtf_dates.literal(rights.embargo_until)}")
    if holder := collapse(f"{rights.year or ''} {rights.holder or ''}"):
        yield leaf("dc:rights", f"© {holder}")
