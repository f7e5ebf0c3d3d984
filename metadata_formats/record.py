"""The canonical record: what is known of one item, in one shape, whatever it came from or is rendered into.

Every class below is one shape of the model; a JSON or YAML record decodes into :class:`Record` and nothing else.
Unknown keys are refused (except under ``extra.<plugin>``), every value is checked where it is built, and a refusal
names the path of the bad value. A record without optional values writes none of them: ``to_json`` is canonical
(sorted keys, Unicode NFC, no character that XML 1.0 forbids), so equal records have equal bytes.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from metadata_formats import edtf_dates

NonEmpty = Annotated[str, Meta(min_length=1)]
T = TypeVar("T")


class RecordError(ValueError):
    """A record that cannot be taken; the text says what is wrong and where in the record."""


class _Shape(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What all shapes share: keyword arguments, no unknown keys, defaults left out of the JSON.

    Records are trees, so the garbage collector, which looks for circles, need not look through their hundred shapes.
    """


class Text(_Shape):
    """Text in a language: ``lang`` is a BCP 47 tag."""

    value: NonEmpty
    lang: str | None = None


Words = NonEmpty | Text
"""Text is written as a plain string or as ``{value, lang}``."""


class Identifier(_Shape):
    """An identifier of the item, of an agent or of a related item."""

    value: NonEmpty
    type: NonEmpty = "local"
    label: str | None = None
    invalid: bool = False


class Concept(_Shape):
    """A term: from a vocabulary (``scheme`` is a Library of Congress source code where one exists) or free."""

    label: NonEmpty
    lang: str | None = None
    scheme: str | None = None
    uri: str | None = None
    source_label: str | None = None
    note: str | None = None
    broader: list[str] = []
    exact_match: list[str] = []

    def __post_init__(self) -> None:
        if self.uri is not None:
            check_uri("uri", self.uri)


class Title(_Shape):
    """A title; ``non_sort`` is the leading article, which ``value`` does not repeat."""

    value: NonEmpty
    type: Literal["main", "alternative", "translated", "uniform", "abbreviated"] = "main"
    subtitle: str | None = None
    part_number: str | None = None
    part_name: str | None = None
    non_sort: str | None = None
    lang: str | None = None
    supplied: bool = False


class Agent(_Shape):
    """A person, family, organization or event, with its roles as MARC relator codes; ``name`` is the index form."""

    name: NonEmpty
    type: Literal["person", "organization", "family", "event"] | None = None
    family: str | None = None
    given: str | None = None
    terms: str | None = None
    dates: str | None = None
    jurisdiction: bool = False
    description: str | None = None
    affiliation: str | None = None
    scheme: str | None = None
    uri: str | None = None
    identifiers: list[Identifier] = []
    roles: list[Annotated[str, Meta(pattern="^[a-z]{3}$")]] = []
    role_label: str | None = None

    def __post_init__(self) -> None:
        if self.uri is not None:
            check_uri("uri", self.uri)
        if self.dates is not None:
            _check_edtf("dates", self.dates)


class PlaceParts(_Shape):
    """The levels of a place, largest first (the elements of MODS ``hierarchicalGeographic``)."""

    continent: str | None = None
    country: str | None = None
    region: str | None = None
    state: str | None = None
    territory: str | None = None
    county: str | None = None
    city: str | None = None
    city_section: str | None = None
    island: str | None = None
    area: str | None = None


Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
BoundingBox = Annotated[list[float], Meta(min_length=4, max_length=4)]
"""West, south, east, north, in decimal degrees."""
GeographicArea = Annotated[str, Meta(pattern="^[a-z](-[a-z]{1,3}){0,2}$")]
"""A MARC geographic area code without its trailing hyphens: ``e-bu``."""


class Place(_Shape):
    """A place where something happened (subjects that are places carry the same keys themselves)."""

    label: NonEmpty
    lang: str | None = None
    scheme: str | None = None
    uri: str | None = None
    gac: GeographicArea | None = None
    country: str | None = None
    parts: PlaceParts | None = None
    lat: Latitude | None = None
    long: Longitude | None = None
    bbox: BoundingBox | None = None

    def __post_init__(self) -> None:
        check_uri("uri", self.uri)


class Date(_Shape):
    """A date as EDTF (levels 0 to 2). ``text`` is the date as written, ``label`` what the source calls it.

    What cannot be read as EDTF stands in ``text`` alone.
    """

    type: Literal["created", "issued", "captured", "modified", "copyright", "valid", "available", "submitted", "other"]
    edtf: str | None = None
    key: bool = False
    text: str | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if not self.edtf and not self.text:
            raise ValueError("a date needs edtf or text")
        _check_edtf("edtf", self.edtf)


class Origin(_Shape):
    """How and where the item came about, beside its dates and agents."""

    places: list[Place] = []
    edition: str | None = None
    issuance: (
        Literal["continuing", "monographic", "single unit", "multipart monograph", "serial", "integrating resource"]
        | None
    ) = None
    frequency: str | None = None


class Language(_Shape):
    """A language of the item: ``code`` is ISO 639-2/B, or 639-3 where that has none; ``tag`` is BCP 47."""

    code: Annotated[str, Meta(pattern="^[a-z]{3}$")]
    tag: str | None = None
    script: Annotated[str, Meta(pattern="^[A-Z][a-z]{3}$")] | None = None
    role: NonEmpty = "text"
    inferred: bool = False


class Physical(_Shape):
    """The carrier: how much, of what, in which media types."""

    extent: list[NonEmpty] = []
    form: list[Concept] = []
    media_types: list[NonEmpty] = []
    digital_origin: (
        Literal["born digital", "reformatted digital", "digitized microfilm", "digitized other analog"] | None
    ) = None
    quality: Literal["access", "preservation", "replacement"] | None = None
    notes: list[Words] = []


class Note(_Shape):
    """A note; ``type`` follows the MODS note type list."""

    value: NonEmpty
    lang: str | None = None
    type: str | None = None


SubjectType = Literal[
    "topic", "person", "organization", "family", "event", "title", "place", "period", "occupation", "genre"
]


class SubjectPart(_Shape):
    """One step of a compound heading."""

    type: SubjectType
    label: NonEmpty


class Subject(_Shape):
    """What the item is about: one term (``label``) or a compound heading (``parts``, a list).

    A place may carry the keys of :class:`Place`, its ``parts`` then being the levels of the place; a period may
    carry its dates as ``edtf``.
    """

    type: SubjectType = "topic"
    label: str | None = None
    parts: list[SubjectPart] | PlaceParts | None = None
    lang: str | None = None
    scheme: str | None = None
    uri: str | None = None
    edtf: str | None = None
    gac: GeographicArea | None = None
    country: str | None = None
    lat: Latitude | None = None
    long: Longitude | None = None
    bbox: BoundingBox | None = None

    def __post_init__(self) -> None:
        if not self.label and not self.parts:
            raise ValueError("a subject needs a label or parts")
        if self.type != "place" and isinstance(self.parts, PlaceParts):
            raise ValueError("parts of a subject that is not a place are a list of {type, label}")
        if self.uri is not None:
            check_uri("uri", self.uri)
        if self.edtf is not None:
            _check_edtf("edtf", self.edtf)


class Classification(_Shape):
    """A class number."""

    value: NonEmpty
    scheme: str | None = None
    edition: str | None = None


class Part(_Shape):
    """Where in a related item this item stands."""

    volume: str | None = None
    issue: str | None = None
    start: str | None = None
    end: str | None = None
    date: str | None = None


class Relation(_Shape):
    """Another item and how this one stands to it: ``host`` contains this one, ``constituent`` is contained."""

    type: Literal[
        "host", "series", "original", "other_version", "other_format", "constituent", "preceding", "succeeding",
        "references", "referenced_by", "review_of", "translation_of", "related",
    ]  # fmt: skip
    title: str | None = None
    uri: str | None = None
    identifiers: list[Identifier] = []
    part: Part | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        check_uri("uri", self.uri)


class HierarchyLevel(_Shape):
    """One level of an archival hierarchy, as ``{level: fonds, label: Fond, id: "1-B"}``."""

    level: NonEmpty
    label: str | None = None
    id: str | None = None
    title: str | None = None

    def __post_init__(self) -> None:
        if not (self.label or self.id or self.title):
            raise ValueError("a level of the hierarchy needs a label, an id or a title")


class Holding(_Shape):
    """Who keeps the item and where; ``original`` says that what is kept is the original of what is described."""

    repository: str | None = None
    repository_uri: str | None = None
    isil: str | None = None
    place: str | None = None
    sublocation: str | None = None
    shelfmark: str | None = None
    hierarchy: Annotated[list[HierarchyLevel], Meta(max_length=50)] = []  # they nest in MODS; XML parsers stop at 256
    pages: str | None = None
    original: bool = False
    source_text: str | None = None

    def __post_init__(self) -> None:
        check_uri("repository_uri", self.repository_uri)


class Rights(_Shape):
    """What one may do with the item. ``uri`` is chosen by a curator or a profile, never derived from prose."""

    uri: str | None = None
    label: str | None = None
    statement: Words | None = None
    holder: str | None = None
    holder_uri: str | None = None
    year: str | None = None
    access: Literal["open", "restricted", "embargoed", "metadata_only"] | None = None
    access_note: str | None = None
    embargo_until: str | None = None
    metadata_licence: str = "http://creativecommons.org/publicdomain/zero/1.0/"

    def __post_init__(self) -> None:
        check_uri("uri", self.uri)
        check_uri("holder_uri", self.holder_uri)
        check_uri("metadata_licence", self.metadata_licence)
        _check_edtf("embargo_until", self.embargo_until)


class Media(_Shape):
    """A file or page on the web that shows the item."""

    role: Literal["landing", "object", "view", "thumbnail", "iiif_manifest", "iiif_image", "transcript", "download"]
    url: NonEmpty
    mime: str | None = None
    width: Annotated[int, Meta(ge=0)] | None = None
    height: Annotated[int, Meta(ge=0)] | None = None
    bytes: Annotated[int, Meta(ge=0)] | None = None
    checksum: str | None = None
    label: str | None = None
    rights_uri: str | None = None

    def __post_init__(self) -> None:
        check_uri("url", self.url)
        check_uri("rights_uri", self.rights_uri)


class FullText(_Shape):
    """The words of the item itself, or the path of a file that has them. Content, not metadata."""

    kind: Literal["transcript", "translation", "ocr"]
    lang: str | None = None
    media_type: str = "text/plain"
    value: str | None = None
    path: str | None = None


class Funding(_Shape):
    """Who paid for it."""

    funder: NonEmpty
    funder_id: str | None = None
    award: str | None = None
    award_uri: str | None = None
    title: str | None = None


class Provider(_Shape):
    """Who gives the metadata to a portal, in Europeana's terms; usually a default of the whole collection."""

    data_provider: str | None = None
    provider: str | None = None
    intermediate: str | None = None
    country: str | None = None
    data_provider_uri: str | None = None


class Provenance(_Shape):
    """One hop of a harvested record, as in an OAI-PMH provenance container; the last hop stands first."""

    base_url: NonEmpty
    identifier: NonEmpty
    datestamp: NonEmpty
    metadata_namespace: NonEmpty
    harvest_date: NonEmpty
    altered: bool = True


class RecordInfo(_Shape):
    """The description itself: where it came from, in which language and standard, whether it is withdrawn.

    ``language`` is the ISO 639-2/B code of the language of cataloguing (``lang`` is taken as another spelling of it);
    ``description_lang`` the BCP 47 tag of every text of the record that names none. ``created`` and ``changed`` are
    the source's own dates, never the server's clock.
    """

    source: str | None = None
    identifier_source: str | None = None
    created: str | None = None
    changed: str | None = None
    origin: str | None = None
    language: str | None = None
    lang: str | None = None
    description_lang: str | None = None
    standard: str | None = None
    status: Literal["active", "deleted"] = "active"
    provenance: list[Provenance] = []

    def __post_init__(self) -> None:
        if self.lang is not None:
            self.language = self.language or self.lang
            self.lang = None


class Record(_Shape):
    """One item. Only ``id`` and a main title are compulsory (a record that deletes needs no title)."""

    id: NonEmpty
    identifiers: list[Identifier] = []
    titles: list[Title] = []
    agents: list[Agent] = []
    resource_type: (
        Literal[
            "text", "cartographic", "notated music", "sound recording-musical", "sound recording-nonmusical",
            "sound recording", "still image", "moving image", "three dimensional object", "software, multimedia",
            "mixed material",
        ]
        | None
    ) = None  # fmt: skip
    collection: bool = False
    manuscript: bool = False
    genres: list[Concept] = []
    dates: list[Date] = []
    origin: Origin | None = None
    languages: list[Language] = []
    physical: Physical | None = None
    abstracts: list[Words] = []
    toc: list[Words] = []
    notes: list[Note] = []
    subjects: list[Subject] = []
    classification: list[Classification] = []
    relations: list[Relation] = []
    holding: Holding | None = None
    rights: Rights | None = None
    media: list[Media] = []
    full_text: list[FullText] = []
    audience: list[Concept] = []
    funding: list[Funding] = []
    provider: Provider | None = None
    record: RecordInfo | None = None
    sets: list[NonEmpty] = []
    extra: dict[str, Any] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.id.isspace():
            raise ValueError("the id is blank")
        if self.deleted:
            return
        for title in self.titles:
            if title.type == "main" and not title.value.isspace():
                break
        else:
            raise ValueError("a record needs a main title")
        if len(self.dates) > 1 and sum(date.key for date in self.dates) > 1:
            raise ValueError("only one date can be the key date")

    @property
    def deleted(self) -> bool:
        """Whether the source withdraws this item."""
        return self.record is not None and self.record.status == "deleted"

    @property
    def description_lang(self) -> str | None:
        """The BCP 47 tag of texts that name no language of their own."""
        return self.record.description_lang if self.record is not None else None

    def to_json(self) -> bytes:
        """Return the canonical JSON: UTF-8, sorted keys, no empty values."""
        return msgspec.json.encode(self, order="sorted")

    def content_hash(self) -> bytes:
        """Return 16 bytes that change when anything but certain dates changes (the change test of an import).

        These dates are ``record.changed``, and ``harvest_date`` and ``datestamp`` of the last hop of the provenance: to
        harvest an unchanged record again moves nothing, and its first harvest remains in its provenance.
        """
        info = self.record
        if info is None or (info.changed is None and not info.provenance):
            return hashlib.blake2b(self.to_json(), digest_size=16).digest()
        hops = [msgspec.structs.replace(hop, harvest_date="", datestamp="") for hop in info.provenance[:1]]
        undated = msgspec.structs.replace(info, changed=None, provenance=[*hops, *info.provenance[1:]])
        return hashlib.blake2b(msgspec.structs.replace(self, record=undated).to_json(), digest_size=16).digest()


_decoder = msgspec.json.Decoder(Record)
_ESCAPED_CONTROL = re.compile(rb"\\u00[01][0-9a-f]|\\[bf]|\xef\xbf[\xbe\xbf]|\xed[\xa0-\xbf]")
_ESCAPED = re.compile(rb"\\[ubf]")
# The characters that XML 1.0 forbids (section 2.2, production 2).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def clean_text(text: str) -> str:
    """Return ``text`` in Unicode NFC without the characters that XML 1.0 forbids."""
    return unicodedata.normalize("NFC", _FORBIDDEN.sub("", text))


def from_json(data: bytes | str) -> Record:
    """Decode one record from JSON.

    Raises:
        RecordError: it is not JSON, or not a record; the text names the path of the bad value.
    """
    try:
        record = _decoder.decode(data)
        return record if isinstance(data, bytes) and _is_clean(data) else _cleaned(record)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordError(_readable(error)) from error
    except RecursionError as error:
        raise RecordError("nested too deeply to be a record") from error


def from_builtins(value: object) -> Record:
    """Make a record from dicts, lists and plain values, as a reader or a YAML parser gives them.

    Raises:
        RecordError: it is not a record; the text names the path of the bad value.
    """
    try:
        return _cleaned(msgspec.convert(value, Record))
    except msgspec.MsgspecError as error:
        raise RecordError(_readable(error)) from error
    except RecursionError as error:
        raise RecordError("nested too deeply to be a record") from error


def from_yaml(data: bytes | str) -> Record:
    """Decode one record from YAML.

    Raises:
        RecordError: it is not YAML, or not a record; the text names the path of the bad value.
    """
    try:
        value = msgspec.yaml.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise RecordError(f"not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise RecordError("nested too deeply to be a record") from error
    return from_builtins(value)


def to_yaml(record: Record) -> str:
    """Return the record as YAML, keys in the order of the model."""
    return msgspec.yaml.encode(record, order="deterministic").decode()


def _is_clean(data: bytes) -> bool:
    """Tell whether JSON can hold nothing to clean: no escaped character, none that XML forbids, all in NFC."""
    if _ESCAPED.search(data):
        return False
    if data.isascii():
        return True
    text = data.decode()
    return "\ufffe" not in text and "\uffff" not in text and unicodedata.is_normalized("NFC", text)


def _cleaned(record: Record) -> Record:
    """Return the record in NFC and free of characters that XML forbids; most records are, and come back as they are."""
    try:
        data = msgspec.json.encode(record)
        dirty = _ESCAPED_CONTROL.search(data) or not unicodedata.is_normalized("NFC", data.decode())
    except (UnicodeEncodeError, UnicodeDecodeError):  # a lone surrogate
        dirty = True
    if not dirty:
        return record
    return msgspec.convert(_clean(msgspec.to_builtins(record)), Record)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def _readable(error: Exception) -> str:
    """Turn msgspec's ``… - at `$.titles[0].value``` into ``titles[0].value: …``."""
    message = str(error)
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: byte 0x{error.object[error.start]:02x} at byte {error.start}"
    text, found, path = message.rpartition(" - at `$")
    if not found:
        return message
    return f"{path.rstrip('`').lstrip('.') or 'record'}: {text}"


def check_uri(name: str, value: str | None) -> None:
    """Refuse what is not an absolute URI: it would make a rendered record invalid or misleading.

    Shapes that a record has many of ask before they call whether there is one: most have none.
    """
    if value is None or _PLAIN_URL.fullmatch(value):
        return
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises for what is no number
    except ValueError as error:
        raise ValueError(f"{name} is not a URI: {value[:200]!r}") from error
    if not parts.scheme or not (parts.netloc or parts.path) or any(c.isspace() for c in value) or set(value) & _NO_URI:
        raise ValueError(f"{name} is not an absolute URI: {value[:200]!r}")
    if parts.scheme in ("http", "https") and not parts.netloc:
        raise ValueError(f"{name} has no host: {value[:200]!r}")


# Most URIs, told in one step: an import checks several in every record.
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.\-]+(?:/[A-Za-z0-9/._~%\-?=&#:+,;@!$()*']*)?")
_NO_URI = frozenset('<>"{}|\\^`')


def _check_edtf(name: str, value: str | None) -> None:
    if value is not None and not edtf_dates.is_valid(value):
        raise ValueError(f"{name} is not an EDTF date: {value[:100]!r}")
