"""MARC 21 bibliographic records as MARCXML (crosswalk, section 3.4), by the Library of Congress mapping from MODS.

Headings have the punctuation of ISBD, which readers of MARC expect and :mod:`metadata_formats.marc21_read` takes off
again. What MARC has no field for is not forced into one: :attr:`Marc21.not_carried` lists it. Fields stand in the order
of their tags, those of one tag in the order of the record. Tables that reading needs too stand here.

Option (``[formats.marc21]``): ``creator_roles``, the MARC relator codes whose first bearer is the main entry (1XX), as
in ``oai_dc``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, ClassVar, NamedTuple

from lxml import etree

from metadata_formats import edtf_dates
from metadata_formats.mods import country_scheme, is_mere_publisher
from metadata_formats.oai_dc import creator_roles, is_compound, media_types, says_more_than_dates, shelf
from metadata_formats.reading import ReadDate, Reading, edtf_only
from metadata_formats.record import (
    Agent,
    Concept,
    Date,
    Holding,
    Identifier,
    Note,
    PlaceParts,
    Record,
    Relation,
    Rights,
    Subject,
    Text,
    Title,
)
from metadata_formats.registry import XSI, Context, Format, paths
from metadata_formats.vocabularies import (
    ACCESS,
    PUBLISHER_ROLE,
    RELATORS,
    RIGHTS_LABELS,
    language,
    says_more,
)
from metadata_formats.xml import Document, branch, collapse, leaf, uri

NAMESPACE = "http://www.loc.gov/MARC21/slim"


class Content(NamedTuple):
    """A type of resource: its leader/06 (and as manuscript), and its RDA content type, term and code."""

    leader: str
    manuscript: str
    term: str = ""
    code: str = ""


CONTENTS = {
    "text": Content("a", "t", "text", "txt"),
    "cartographic": Content("e", "f", "cartographic image", "cri"),
    "notated music": Content("c", "d", "notated music", "ntm"),
    "sound recording-musical": Content("j", "j", "performed music", "prm"),
    "sound recording-nonmusical": Content("i", "i", "spoken word", "spw"),
    "sound recording": Content("i", "i", "sounds", "snd"),
    "still image": Content("k", "k", "still image", "sti"),
    "moving image": Content("g", "g", "two-dimensional moving image", "tdi"),
    "three dimensional object": Content("r", "r", "three-dimensional form", "tdf"),
    "software, multimedia": Content("m", "m", "computer program", "cop"),
    "mixed material": Content("p", "p"),
}

ISSUANCES = {
    "serial": "s", "integrating resource": "i", "continuing": "s",
    "monographic": "m", "single unit": "m", "multipart monograph": "m",
}  # fmt: skip
"""origin.issuance -> leader/07."""

DIGITAL_ORIGINS = {
    "born digital": "c", "reformatted digital": "a", "digitized microfilm": "b", "digitized other analog": "d",
}  # fmt: skip
"""physical.digital_origin -> 007/11."""
QUALITIES = {"access": "a", "preservation": "p", "replacement": "r"}
"""physical.quality -> 007/13."""

NOTES = {
    "statement of responsibility": "245", "date/sequential designation": "362", "restriction": "506", "thesis": "502",
    "bibliography": "504", "creation/production credits": "508", "citation/reference": "510", "performers": "511",
    "numbering": "515", "venue": "518", "content": "520", "preferred citation": "524",
    "additional physical form": "530", "reproduction": "533", "original version": "534", "source dimensions": "534",
    "original location": "535", "funding": "536", "system details": "538", "acquisition": "541",
    "biographical/historical": "545", "language": "546", "ownership": "561", "handwritten": "562",
    "version identification": "562", "source characteristics": "567", "publications": "581", "action": "583",
    "conservation history": "583", "exhibitions": "585",
}  # fmt: skip
"""Type of note -> tag; 500 for all others."""
_NOTE_INDICATORS = {"362": "1 ", "510": "3 ", "511": "0 ", "520": "2 ", "535": "1 "}

SUBJECTS = {
    "person": "600", "family": "600", "organization": "610", "event": "611", "title": "630", "period": "648",
    "topic": "650", "place": "651", "genre": "655", "occupation": "656",
}  # fmt: skip
SUBDIVISIONS = {"place": "z", "period": "y", "genre": "v"}
"""Type of a further step of a heading -> subfield; x for all others."""
THESAURI = {"lcsh": "0", "lcshac": "1", "mesh": "2", "nal": "3"}
"""Vocabularies that the second indicator of 6XX names; 7 is for others, with $2."""
PLACE_LEVELS = {
    "continent": "a", "country": "a", "state": "b", "territory": "c", "county": "c", "city": "d", "city_section": "f",
    "region": "g", "island": "g", "area": "g",
}  # fmt: skip
"""Level of a place -> subfield of 752."""

CLASSIFICATIONS = {"lcc": ("050", " 4"), "nlm": ("060", " 4"), "udc": ("080", "  "), "ddc": ("082", "04")}
STANDARD_NUMBERS = {"isrc": "0", "upc": "1", "ismn": "2", "ean": "3", "sici": "4"}
"""Identifiers that the first indicator of 024 names."""
NAMED_NUMBERS = ("doi", "hdl", "urn", "uri", "ark", "urn-nbn", "orcid", "isni", "wikidata", "viaf")
"""Identifiers of 024 whose $2 is their name here too."""


class Link(NamedTuple):
    """What a type of relation is in MARC: tag, indicators, and what $i calls it where the tag alone does not."""

    tag: str
    indicators: str = "0 "
    words: str = ""


LINKS = {
    "host": Link("773"),
    "original": Link("534", "  "),
    "translation_of": Link("765"),
    "other_version": Link("775"),
    "other_format": Link("776"),
    "constituent": Link("774"),
    "preceding": Link("780", "00"),
    "succeeding": Link("785", "00"),
    "referenced_by": Link("787", "08", "Referenced by:"),
    "references": Link("787", "08", "References:"),
    "review_of": Link("787", "08", "Review of:"),
    "related": Link("787"),
}

LANGUAGES = {"text": "a", "summary": "b", "sung or spoken": "d", "libretto": "e", "contents": "f", "accompanying": "g",
             "original": "h", "subtitle": "j", "intermediate": "k"}  # fmt: skip
"""languages.role -> subfield of 041."""

MEDIA = {
    "landing": ("40", ""),
    "object": ("40", "Digital object"),
    "download": ("40", "Download"),
    "view": ("40", "View"),
    "transcript": ("41", "Transcript"),
    "thumbnail": ("42", "Thumbnail"),
    "iiif_manifest": ("42", "IIIF manifest"),
    "iiif_image": ("42", "IIIF image"),
}
"""media.role -> indicators of 856, and $3."""

_UNITS = re.compile(r"(?<=\w{4})\. (?=\w)")  # "Bulgaria. Ministry", but not "Smith & Co. Ltd"
_ARTICLE_JOINS = ("'", "’", "-")
_ORGANIZATION_CODE = re.compile(r"[A-Z][A-Za-z0-9]{0,7}(-[A-Za-z0-9]+)*")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T.*)?")
_YEAR = re.compile(r"(\d{4})([~?]?)")

Part = tuple[str, str | None]
"""A subfield: its code and its text."""


class Marc21(Format):
    """MARC 21, the format of library catalogues, in the XML of the Library of Congress."""

    prefix = "marc21"
    namespace = NAMESPACE
    element = "record"
    schema = "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd"
    version = "2"
    options: ClassVar[Mapping[str, Any]] = {"creator_roles": list[str]}
    # Some things have a place in MARC at times: coordinates where the item is a map, dates of the description that name
    # a day, the label of a date that is of no other type, the country of a place that is a code.
    not_carried = paths("""
        agents.identifiers.label agents.identifiers.invalid
        genres.lang genres.source_label genres.note genres.broader genres.exact_match
        dates.key
        origin.places.lang origin.places.gac origin.places.parts origin.places.lat origin.places.long
        origin.places.bbox
        languages.inferred
        physical.form.lang physical.form.source_label physical.form.note physical.form.broader
        physical.form.exact_match physical.notes.lang
        abstracts.lang toc.lang notes.lang
        subjects.lang subjects.country
        relations.identifiers.label relations.identifiers.invalid
        holding.isil holding.source_text
        rights.statement.lang rights.metadata_licence
        media.width media.height media.checksum media.rights_uri
        full_text provider
        audience.lang audience.source_label audience.note audience.broader audience.exact_match
        record.origin record.description_lang record.provenance
        sets extra
    """)

    _root = f' xmlns="{namespace}" xmlns:xsi="{XSI}" xsi:schemaLocation="{namespace} {schema}" type="Bibliographic"'

    def render(self, record: Record, context: Context) -> Document:
        """Return the record as MARCXML, fields in the order of their tags."""
        fields = [*_data_fields(record, creator_roles(context))]
        fields.sort(key=lambda field: field[:20])  # by tag alone, see _field
        leader = f"<leader>{_leader(record)}</leader>"
        return Document(self.namespace, branch("record", [leader, *_control_fields(record), *fields], self._root))

    def read(self, root: etree._Element, read_date: ReadDate = edtf_only) -> Reading:
        """Return what a record of MARCXML says; its identifier is that of 001, else of 035$a."""
        from metadata_formats import marc21_read  # it turns the tables of this module round

        marc = marc21_read.decoded(root)
        marc21_read.check_kind(marc)
        key = marc21_read.value(marc, "001") or marc21_read.value(marc, "035", "a")
        return marc21_read.read(marc, key, read_date)


def _field(tag: str, indicators: str, *parts: Part) -> str:
    """Return a data field in one line, its subfields in order and equal ones once; nothing where all are empty."""
    subfields = dict.fromkeys(leaf("subfield", text, f' code="{code}"') for code, text in parts)
    inner = "".join(subfields)
    if not inner:
        return ""
    return f'<datafield tag="{tag}" ind1="{indicators[0]}" ind2="{indicators[1]}">{inner}</datafield>'


def _control(tag: str, value: str) -> str:
    """Return a control field of fixed length, blanks and all."""
    return f'<controlfield tag="{tag}">{value}</controlfield>' if value else ""


def closed(text: str | None, mark: str) -> str:
    """Return text with a mark of punctuation behind it, unless it ends with one that says as much."""
    text = collapse(text)
    if not text or text.endswith((mark, ".") if mark == "," and len(text) < 2 else mark):
        return text
    if mark == "." and text.endswith((".", "?", "!", "-")):
        return text
    return text + mark


# Leader and control fields: the coded view of the record.


def _leader(record: Record) -> str:
    content = CONTENTS[record.resource_type or "text"]
    origin = record.origin
    issuance = origin.issuance if origin else None
    level = "c" if record.collection else ISSUANCES.get(issuance or "", "m")
    parts = "a" if issuance == "multipart monograph" else " "
    kind = content.manuscript if record.manuscript else content.leader
    return f"00000n{kind}{level} a2200000 i{parts}4500"


def _is_online(record: Record) -> bool:
    return bool(record.media)


def _control_fields(record: Record) -> Iterator[str]:
    info = record.record
    yield leaf("controlfield", record.id, ' tag="001"')
    yield leaf("controlfield", info.identifier_source, ' tag="003"') if info else ""
    if info and (day := _DAY.fullmatch(collapse(info.changed))):
        yield _control("005", "".join(day.groups()) + "000000.0")
    physical = record.physical
    source = DIGITAL_ORIGINS.get((physical and physical.digital_origin) or "", "|")
    quality = QUALITIES.get((physical and physical.quality) or "", "|")
    if _is_online(record) or source + quality != "||":
        yield _control("007", f"cr ||||||||{source}|{quality}")
    yield _control("008", _fixed(record))


def _fixed(record: Record) -> str:
    """Return 008: when it was described and made, where, as what, in which language."""
    issued = next((date for date in record.dates if date.type == "issued" and date.edtf), None)
    created = record.record.created if record.record else None
    day = _DAY.fullmatch(collapse(created)) or _DAY.fullmatch((issued and issued.edtf) or "")
    entered = "".join(day.groups())[2:] if day else "||||||"
    places = record.origin.places if record.origin else []
    codes = [place.country for place in places if place.country and country_scheme(place.country) == "marccountry"]
    spoken = next((each.code for each in record.languages if each.role == "text"), "")
    known = language(spoken) if spoken else None
    code = known.code if known and known.scheme == "iso639-2b" else "|||"
    form = "o" if _is_online(record) else "|"
    if record.resource_type in (None, "text") and not (record.origin and record.origin.issuance == "serial"):
        special = f"     {form}     000 0 "
    else:
        at = 11 if record.resource_type in ("cartographic", "still image", "moving image") else 5
        special = "|" * at + form + "|" * (16 - at)
    return f"{entered}{_coded_dates(record)}{(codes or ['xx'])[0]:<3}{special}{code} d"


def _coded_dates(record: Record) -> str:
    """Return 008/06-14: the type of date, and two years (those of publication, else of creation)."""
    dated = [date for date in record.dates if date.edtf]
    order = {"issued": 0, "created": 1}
    dated.sort(key=lambda date: (order.get(date.type, 2), not date.key))
    edtf = dated[0].edtf if dated else None
    if not edtf:
        return "nuuuuuuuu"
    copyright_ = next((date.edtf for date in dated if date.type == "copyright" and date is not dated[0]), None)
    first, last = edtf_dates.bounds(edtf)
    start, end = _year(first), _year(last)
    if edtf.startswith("-"):
        return "b        "
    if edtf.endswith(("/..", "/")) and start:
        return f"{'c' if record.origin and record.origin.issuance == 'serial' else 'm'}{start}9999"
    if not (start or end):
        return "nuuuuuuuu"
    if start == end:
        held = _year(edtf_dates.bounds(copyright_)[0]) if copyright_ else None
        return f"t{start}{held}" if held and dated[0].type == "issued" else f"s{start}    "
    kind = ("i" if record.collection else "m") if "/" in edtf else "q"
    return f"{kind}{start or 'uuuu'}{end or 'uuuu'}"


def _year(date: str | None) -> str | None:
    return date[:4] if date and date[:4].isdigit() else None


# Data fields.


def _data_fields(record: Record, creating: frozenset[str]) -> Iterator[str]:
    main = _main_entry(record.agents, creating)
    yield from _numbers(record)
    yield from _languages(record)
    yield from _areas(record)
    for date in record.dates:
        yield _event(date)
    yield from _classification(record)
    for agent in record.agents:
        if agent is main:
            yield _name("1", agent)
        elif not is_mere_publisher(agent) or agent.uri:
            yield _name("7", agent)
    yield from _titles(record, main=main is not None)
    yield from _origin(record)
    yield from _carrier(record)
    yield from _notes(record)
    if record.rights:
        yield from _rights(record.rights)
    if record.holding:
        yield _holding(record.holding)
    for subject in record.subjects:
        yield from _subject(subject)
    for genre in record.genres:
        yield _term("655", " ", [("a", genre.label)], genre.scheme, genre.uri)
    for relation in record.relations:
        yield from _relation(relation)
    for media in record.media:
        indicators, role = MEDIA[media.role]
        size = f"{media.bytes} bytes" if media.bytes is not None else None
        yield _field(
            "856", indicators, ("3", role), ("u", uri(media.url)), ("q", media.mime), ("s", size), ("y", media.label)
        )  # fmt: skip


def _main_entry(agents: Iterable[Agent], creating: frozenset[str]) -> Agent | None:
    """Return the first creator whose kind is known: MARC has no main entry for others."""
    return next((agent for agent in agents if _kind(agent) and not creating.isdisjoint(agent.roles)), None)


def _kind(agent: Agent) -> str | None:
    return agent.type or ("person" if agent.family or agent.given else None)


def _name(block: str, agent: Agent) -> str:
    """Return a name as main (1XX) or added (7XX) entry; 720 where nobody knows what it is the name of."""
    kind = _kind(agent)
    terms = [*(RELATORS.get(code, code) for code in agent.roles), agent.role_label]
    relators: list[Part] = [("j" if kind == "event" else "e", term) for term in terms]
    codes: list[Part] = [("4", code) for code in agent.roles if code in RELATORS]
    name: list[Part] = [("a", agent.name)]
    if kind is None:
        return _field("720", "  ", *_punctuated([*name, *relators]), *codes)
    if kind == "organization":
        tag, first = "10", "1" if agent.jurisdiction else "2"
        name = [("b" if number else "a", unit) for number, unit in enumerate(_UNITS.split(agent.name))]
    elif kind == "event":
        tag, first = "11", "2"
    else:
        tag, first = "00", "3" if kind == "family" else "1" if agent.family or "," in agent.name else "0"
    details: list[Part] = [("d", life(agent.dates)) if tag != "10" else ("d", None), ("u", agent.affiliation)]
    if tag == "00":  # of bodies and events $c is a place
        office = f"({collapse(agent.description)})" if collapse(agent.description) else None
        details = [("c", agent.terms), ("c", office), *details]
    controls: list[Part] = [("0", uri(agent.uri))]
    controls += [("0", f"({collapse(each.type)}){collapse(each.value)}") for each in agent.identifiers]
    subfields = _punctuated([*name, *details, *relators])
    return _field(block + tag, f"{first} ", *subfields, *codes, *controls, ("2", agent.scheme))


def _punctuated(parts: Iterable[Part]) -> list[Part]:
    """Return the subfields of a name with commas between them, full stops before units, and one at the end."""
    kept = [(code, collapse(text)) for code, text in parts if collapse(text)]
    found: list[Part] = []
    for index, (code, text) in enumerate(kept):
        following = kept[index + 1] if index + 1 < len(kept) else None
        if following is None or following[0] == "b":
            found.append((code, closed(text, ".")))
        else:
            found.append((code, text if following[1].startswith("(") else closed(text, ",")))
    return found


def life(edtf: str | None) -> str | None:
    """Return the dates of a life as name headings have them: ``1900-1980``, ``1955-``, ``approximately 1900-1980``."""
    if not edtf:
        return None
    if re.fullmatch(r"-\d{4}", edtf):
        return f"{int(edtf[1:]) + 1} B.C."  # EDTF has a year 0
    start, slash, end = edtf.partition("/")
    years = [_YEAR.fullmatch(each) for each in (start, end)]
    if not slash or not all(match or each in ("", "..") for match, each in zip(years, (start, end), strict=True)):
        return edtf
    written = []
    for match in years:
        about = "approximately " if match and match[2] == "~" else ""
        written.append(f"{about}{match[1]}{'?' if match[2] == '?' else ''}" if match else "")
    return "-".join(written)


def _titles(record: Record, *, main: bool) -> Iterator[str]:
    stated = _responsibility(record)
    proper = next(title for title in record.titles if title.type == "main" and not title.value.isspace())
    uniform = "240" if main else "130"
    for title in record.titles:
        article = _article(title)
        skipped = len(article) + title.supplied if article else 0
        skipped = skipped if skipped < 10 else 0  # the indicator has one digit
        if title is proper:
            *parts, (code, last) = _title_parts(title, article)
            if stated:
                parts += [(code, closed(last, " /")), ("c", closed(stated.value, "."))]
            else:
                parts += [(code, closed(last, "."))]
            yield _field("245", f"{int(main)}{skipped}", *parts)
        elif title.type == "translated":
            spoken = language(title.lang).code if title.lang else None
            yield _field("242", f"0{skipped}", *_title_parts(title, article), ("y", spoken))
        elif title.type == "uniform":
            indicators = f"1{skipped}" if uniform == "240" else f"{skipped} "
            yield _field(uniform, indicators, *_title_parts(title, article))
            uniform = "730"
        elif title.type == "abbreviated":
            yield _field("210", "0 ", *_title_parts(title, article))
        else:
            yield _field("246", "31" if title.type == "main" else "3 ", *_title_parts(title, article))


def _responsibility(record: Record) -> Note | None:
    """Return the note that stands with the title."""
    return next((note for note in record.notes if NOTES.get((note.type or "").lower()) == "245"), None)


def _article(title: Title) -> str:
    """Return the leading article with the space behind it: what sorting skips."""
    article = collapse(title.non_sort)
    return article if not article or article.endswith(_ARTICLE_JOINS) else f"{article} "


def _title_parts(title: Title, article: str) -> list[Part]:
    whole = article + collapse(title.value)
    kept = [("a", f"[{whole}]" if title.supplied else whole), ("b", collapse(title.subtitle)),
            ("n", collapse(title.part_number)), ("p", collapse(title.part_name))]  # fmt: skip
    kept = [(code, text) for code, text in kept if text]
    marks = {"b": " :", "n": ".", "p": "."}
    found: list[Part] = []
    for (code, text), following in zip_longest(kept, kept[1:]):
        mark = marks[following[0]] if following else ""
        mark = "," if following and code == "n" else mark
        found.append((code, closed(text, mark) if mark else text))
    return found


def _numbers(record: Record) -> Iterator[str]:
    addresses = {media.url for media in record.media}
    for identifier in record.identifiers:
        if not (identifier.type == "uri" and identifier.value in addresses):
            yield _number(identifier)
    info = record.record
    if info is None:
        return
    source = collapse(info.source)
    agency = source if _ORGANIZATION_CODE.fullmatch(source) else None
    spoken = language(info.language).code if info.language else None
    # Without $b the description is in English; a name that is no code would not be understood as an agency.
    parts = [("a", agency), ("b", None if spoken == "eng" and not agency else spoken), ("e", info.standard)]
    yield _field("040", "  ", *parts, ("c", agency))


def _number(identifier: Identifier) -> str:
    kind, value = collapse(identifier.type).lower(), identifier.value
    right = "z" if identifier.invalid else "a"
    qualified: list[Part] = [(right, value), ("q", identifier.label)]
    if kind == "isbn":
        return _field("020", "  ", *qualified)
    if kind == "issn":
        return _field("022", "  ", ("z" if identifier.invalid else "a", value))
    if kind == "lccn":
        return _field("010", "  ", (right, value))
    if kind == "oclc":
        return _field("035", "  ", (right, f"(OCoLC){collapse(value)}"))
    if kind in STANDARD_NUMBERS:
        return _field("024", f"{STANDARD_NUMBERS[kind]} ", *qualified)
    if kind in NAMED_NUMBERS:
        return _field("024", "7 ", *qualified, ("2", kind))
    label = identifier.label or (None if kind == "local" else identifier.type)
    return _field("024", "8 ", (right, value), ("q", label))


def _languages(record: Record) -> Iterator[str]:
    """Give 041 where 008 does not say it all; codes of ISO 639-3 and tags have fields of their own."""
    coded: dict[str, list[Part]] = {"": [], "iso639-3": [], "rfc5646": []}
    for spoken in record.languages:
        code = LANGUAGES.get(spoken.role)
        if code is None:
            continue
        known = language(spoken.code)
        if known.scheme:
            coded["" if known.scheme == "iso639-2b" else "iso639-3"].append((code, known.code))
        if spoken.tag and says_more(spoken.tag, spoken.code):
            coded["rfc5646"].append((code, spoken.tag))
    translated = "1" if any(spoken.role == "original" for spoken in record.languages) else " "
    plain = coded.pop("")
    plain.sort(key=lambda part: part[0])
    if len(plain) > 1 or any(code != "a" for code, _ in plain):
        yield _field("041", f"{translated} ", *plain)
    for scheme, parts in coded.items():
        if parts:
            parts.sort(key=lambda part: part[0])
            yield _field("041", f"{translated}7", *parts, ("2", scheme))
    for spoken in record.languages:
        yield _field("546", "  ", ("b", spoken.script))


def _areas(record: Record) -> Iterator[str]:
    codes = [subject.gac.ljust(7, "-") for subject in record.subjects if subject.gac]
    yield _field("043", "  ", *(("a", code) for code in codes))
    for subject in record.subjects:
        if record.resource_type == "cartographic":
            yield from _coordinates(subject)
        if subject.type == "period" and subject.edtf and subject.label and says_more_than_dates(subject):
            first, last = (_year(bound) for bound in edtf_dates.bounds(subject.edtf))
            years = [f"d{year}" for year in dict.fromkeys((first, last)) if year]
            yield _field("045", f"{'2' if len(years) == 2 else '0'} ", *(("b", year) for year in years))
    abroad = [place.country for place in (record.origin.places if record.origin else []) if place.country]
    for country in abroad:
        if country_scheme(country) == "iso3166":
            yield _field("044", "  ", ("c", country))
    marc = [country for country in abroad if country_scheme(country) == "marccountry"]
    if len(marc) > 1:
        yield _field("044", "  ", *(("a", country) for country in marc))


def _coordinates(subject: Subject) -> Iterator[str]:
    """Give 034 in decimal degrees: west, east, north, south; a point is a box without extent."""
    boxes = [subject.bbox] if subject.bbox else []
    if subject.lat is not None and subject.long is not None:
        boxes.append([subject.long, subject.lat, subject.long, subject.lat])
    for west, south, east, north in boxes:
        degrees = (("d", west), ("e", east), ("f", north), ("g", south))
        yield _field("034", "0 ", ("a", "a"), *((code, f"{value:+011.6f}") for code, value in degrees))


def _event(date: Date) -> str:
    """Return the field of a date that is not of publication: 046 for coded ones, 033 and 518 for other events."""
    start, slash, end = (date.edtf or "").partition("/")
    ends = slash and start not in ("", "..") and end not in ("", "..")
    first, last = (start, end) if ends else (date.edtf, None)
    if date.type in ("issued", "copyright"):
        return ""
    if date.type in ("created", "valid", "modified") and date.edtf:
        codes = {"created": "kl", "valid": "mn", "modified": "j "}[date.type]
        if codes == "j ":
            first, last = date.edtf, None
        return _field("046", "  ", (codes[0], first), (codes[1], last), ("2", "edtf"))
    if date.type == "created":
        return ""  # its text stands in 264
    if date.type == "captured" and date.edtf and re.fullmatch(r"\d{4}(-\d\d){0,2}", date.edtf):
        return _field("033", "0 ", ("a", f"{date.edtf.replace('-', ''):-<8}"))
    words = date.label if date.type == "other" and collapse(date.label) else date.type
    return _field("518", "  ", ("o", words), ("d", date.edtf or date.text))


def _classification(record: Record) -> Iterator[str]:
    for number in record.classification:
        scheme = collapse(number.scheme).lower()
        if scheme in CLASSIFICATIONS:
            tag, indicators = CLASSIFICATIONS[scheme]
            edition = number.edition if tag in ("080", "082") else None
            yield _field(tag, indicators, ("a", number.value), ("2", edition))
        else:
            yield _field("084", "  ", ("a", number.value), ("2", number.scheme))


def _origin(record: Record) -> Iterator[str]:
    """Give production (what is unpublished), publication and copyright; further dates of publication by themselves."""
    origin = record.origin
    places = [place.label for place in origin.places] if origin else []
    publishers = [agent.name for agent in record.agents if PUBLISHER_ROLE in agent.roles]
    issued = [_written(date) for date in record.dates if date.type == "issued"]
    made = [_written(date) for date in record.dates if date.type == "created"]
    if publishers or issued or (places and not made):
        yield _field("264", " 1", *_imprint(places, publishers, issued[:1]))
        for later in issued[1:]:
            yield _field("264", " 1", *_imprint([], [], [later]))
    else:
        yield _field("264", " 0", *_imprint(places, [], made[:1]))
    for date in record.dates:
        if date.type == "copyright":
            text = _written(date)
            yield _field("264", " 4", ("c", text if text.startswith(("©", "℗")) else f"©{text}"))
    if origin is None:
        return
    for place in origin.places:
        if place.uri:
            parts: list[Part] = [("a", place.label), ("4", "pup"), ("0", uri(place.uri)), ("2", place.scheme)]
            yield _field("751", "  ", *parts)
    yield _field("250", "  ", ("a", closed(origin.edition, ".")))
    yield _field("310", "  ", ("a", origin.frequency))


def _written(date: Date) -> str:
    return collapse(date.text) or (date.edtf or "")


def _imprint(places: list[str], publishers: list[str], dates: list[str]) -> list[Part]:
    kept = [("a", collapse(place)) for place in places] + [("b", collapse(name)) for name in publishers]
    kept += [("c", date) for date in dates]
    kept = [(code, text) for code, text in kept if text]
    found: list[Part] = []
    for (code, text), following in zip_longest(kept, kept[1:]):
        if following is None:
            found.append((code, closed(text, ".")))
        elif following[0] == "c":
            found.append((code, closed(text, ",")))
        else:
            found.append((code, f"{text} {';' if following[0] == 'a' else ':'}"))
    return found


def _carrier(record: Record) -> Iterator[str]:
    content = CONTENTS[record.resource_type] if record.resource_type else Content("", "")
    physical = record.physical
    if content.term:
        yield _field("336", "  ", ("a", content.term), ("b", content.code), ("2", "rdacontent"))
    if _is_online(record):
        yield _field("337", "  ", ("a", "computer"), ("b", "c"), ("2", "rdamedia"))
        yield _field("338", "  ", ("a", "online resource"), ("b", "cr"), ("2", "rdacarrier"))
    told = {media.mime for media in record.media}
    for mime in media_types(record):
        if mime not in told:
            yield _field("347", "  ", ("b", mime))
    if physical is None:
        return
    for extent in physical.extent:
        yield _field("300", "  ", ("a", extent))
    for form in physical.form:
        yield _field("340", "  ", ("a", form.label), ("0", uri(form.uri)), ("2", form.scheme))
    for note in physical.notes:
        yield _field("583", "1 ", ("a", "condition reviewed"), ("l", note.value if isinstance(note, Text) else note))


def _notes(record: Record) -> Iterator[str]:
    for words in record.abstracts:
        yield _field("520", "3 ", ("a", words.value if isinstance(words, Text) else words))
    for words in record.toc:
        yield _field("505", "0 ", ("a", words.value if isinstance(words, Text) else words))
    with_title = _responsibility(record)
    for note in record.notes:
        tag = NOTES.get((note.type or "").lower(), "500")
        if note is not with_title:
            code = "n" if tag == "534" else "a"
            yield _field("500" if tag == "245" else tag, _NOTE_INDICATORS.get(tag, "  "), (code, note.value))
    for audience in record.audience:
        yield from _audience(audience)
    for grant in record.funding:
        known = (grant.funder, grant.funder_id, grant.title, grant.award_uri)
        yield _field("536", "  ", ("a", "; ".join(filter(None, map(collapse, known)))), ("c", grant.award))


def _audience(audience: Concept) -> Iterator[str]:
    if audience.scheme or audience.uri:
        yield _field("385", "  ", ("a", audience.label), ("0", uri(audience.uri)), ("2", audience.scheme))
    else:
        yield _field("521", "  ", ("a", audience.label))


def _rights(rights: Rights) -> Iterator[str]:
    label = rights.label or RIGHTS_LABELS.get(rights.uri or "") or (rights.uri if rights.uri else None)
    yield _field("540", "  ", ("a", label), ("u", uri(rights.uri)))
    if rights.statement is not None:
        statement = rights.statement
        yield _field("540", "  ", ("a", statement.value if isinstance(statement, Text) else statement))
    yield _field("542", "  ", ("d", rights.holder), ("e", rights.holder_uri), ("g", rights.year))
    access = ACCESS[rights.access] if rights.access else None
    if access or collapse(rights.access_note) or rights.embargo_until:
        parts: list[Part] = [("a", rights.access_note or (access.label if access else "embargoed"))]
        parts += [("f", access.label), ("u", access.uri)] if access else []
        indicator = "0" if rights.access == "open" else "1"
        yield _field("506", f"{indicator} ", *parts, ("g", rights.embargo_until))


def _holding(holding: Holding) -> str:
    where = shelf(holding)
    if holding.original:
        where = ", ".join(filter(None, (collapse(holding.sublocation), where)))
        return _field("535", "1 ", ("3", where), ("a", holding.repository), ("b", holding.place))
    return _field(
        "852", "8 ",
        ("a", holding.repository), ("b", holding.sublocation), ("e", holding.place), ("j", where),
        ("u", uri(holding.repository_uri)),
    )  # fmt: skip


def _term(tag: str, first: str, parts: Iterable[Part], scheme: str | None, address: str | None) -> str:
    """Return a term of a vocabulary, which the second indicator names, or $2."""
    known = THESAURI.get(scheme or "")
    second = known or ("7" if collapse(scheme) else "4")
    return _field(tag, first + second, *parts, ("0", uri(address)), ("2", None if known else scheme))


def _subject(subject: Subject) -> Iterator[str]:
    steps: list[tuple[str, str | None]] = [(subject.type, subject.label)]
    if isinstance(subject.parts, list) and is_compound(subject):
        steps = [(part.type, part.label) for part in subject.parts]
    (kind, label), *further = steps
    parts: list[Part] = [(SUBDIVISIONS.get(step, "x"), text) for step, text in further]
    if kind in ("person", "family", "organization", "event"):
        parts.insert(0, ("d", life(subject.edtf)))
    first = {
        "person": "1" if "," in (label or "") else "0",
        "family": "3",
        "organization": "2",
        "event": "2",
        "title": "0",
    }
    if collapse(label):
        yield _term(SUBJECTS[kind], first.get(kind, " "), [("a", label), *parts], subject.scheme, subject.uri)
    if isinstance(subject.parts, PlaceParts):
        levels = [(code, getattr(subject.parts, name)) for name, code in PLACE_LEVELS.items()]
        yield _field("752", "  ", *levels)


def _relation(relation: Relation) -> Iterator[str]:
    part = relation.part
    identifiers = list(relation.identifiers)
    numbers: list[Part] = []
    for identifier in identifiers:
        code = {"issn": "x", "isbn": "z"}.get(identifier.type.lower(), "o")
        numbers.append((code, identifier.value))
    address = uri(relation.uri)
    if relation.type == "series":
        volume = part.volume if part else None
        issn = next((value for code, value in numbers if code == "x"), None)
        traced = bool(address)
        series: list[Part] = [("a", relation.title), ("x", issn), ("v", volume)]
        yield _field("490", f"{int(traced)} ", *series)
        if traced:
            yield _field("830", " 0", *series, ("0", address))
        return
    link = LINKS[relation.type]
    where = _where(relation) if part else None
    if link.tag == "534":
        parts: list[Part] = [("p", "Original:"), ("t", relation.title), ("n", relation.note), ("l", where)]
        yield _field("534", link.indicators, *parts, *numbers, ("o", address))
        return
    parts = [("i", link.words), ("t", relation.title), ("g", where), ("n", relation.note)]
    yield _field(link.tag, link.indicators, *parts, ("o", address), *numbers)


def _where(relation: Relation) -> str:
    """Return where in another item this one stands: ``Vol. 1, no. 2 (1999), p. 3-4``."""
    part = relation.part
    if part is None:
        return ""
    start, end = collapse(part.start), collapse(part.end)
    pages = "-".join(filter(None, (start, end)))
    issue = ", ".join(
        f"{word} {text}" for word, text in (("Vol.", collapse(part.volume)), ("no.", collapse(part.issue))) if text
    )
    dated = f"({collapse(part.date)})" if collapse(part.date) else ""
    return ", ".join(filter(None, (" ".join(filter(None, (issue, dated))), f"p. {pages}" if pages else "")))
