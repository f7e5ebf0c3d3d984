"""A repository in memory, and answers read back: what the tests of the protocol need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple
from urllib.parse import urlencode

import places
import pytest
import validation
from lxml import etree

from oai_server.protocol import arguments, records, tokens
from oai_server.protocol.provider import Limits, Provider
from oai_server.protocol.repository import Horizon, Identity, MetadataFormat, Row, Set

BASE = "http://localhost:8000/oai"
BEGIN = 1_767_225_600  # 2026-01-01T00:00:00Z
OAI_DC = MetadataFormat(
    "oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", "http://www.openarchives.org/OAI/2.0/oai_dc/"
)
MODS = MetadataFormat("mods", "http://www.loc.gov/standards/mods/v3/mods-3-8.xsd", "http://www.loc.gov/mods/v3")
SETS = (Set("wilson", "Wilson Center", "Cold War & after\nin two lines"), Set("wilson:korea", "North Korea"))


def dc(title: str = "A title") -> bytes:
    """A small payload in oai_dc."""
    return (
        '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai_dc/'
        ' http://www.openarchives.org/OAI/2.0/oai_dc.xsd">'
        f"<dc:title>{title}</dc:title></oai_dc:dc>"
    ).encode()


class Held(NamedTuple):
    """A record as the repository in memory holds it."""

    item: int
    datestamp: int
    identifier: str
    setspecs: str
    deleted: bool
    body: bytes | None
    about: bytes | None = None

    def row(self, *, bodies: bool = True) -> Row:
        header = records.header(self.identifier, self.datestamp, self.setspecs.split(), deleted=self.deleted)
        size = len(self.body or b"") + len(self.about or b"")
        body, about = (self.body, self.about) if bodies else (None, None)
        return self.item, self.datestamp, header, body, about, size


@dataclass
class InMemory:
    """The repository that the protocol declares: lists as sorted Python lists, a clock that the test sets."""

    formats_offered: Sequence[MetadataFormat] = (OAI_DC, MODS)
    sets_offered: Sequence[Set] = SETS
    now: int = BEGIN
    horizon: int = BEGIN
    earliest: int = BEGIN
    incarnation: int = 1
    records: dict[tuple[str, int], Held] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def put(self, number: int, *prefixes: str, sets: str = "", deleted: bool = False, body: bytes | None = None) -> int:
        """Publish the records of an item, as the rule of the clock row has it; return their datestamp."""
        self.horizon = max(self.now, self.horizon)
        for prefix in prefixes or ("oai_dc",):
            self.records[prefix, number] = Held(
                number, self.horizon, f"oai:archive.example.org:{number}", sets, deleted,
                None if deleted else body or dc(f"Item {number}, made at {self.horizon}"),
            )  # fmt: skip
        return self.horizon

    def clock(self, *, tick: bool) -> Horizon:
        self.calls.append(f"clock(tick={tick})")
        if tick:
            self.horizon = max(self.now, self.horizon)
        return Horizon(self.horizon, self.earliest, self.incarnation)

    def formats(self) -> Sequence[MetadataFormat]:
        self.calls.append("formats")
        return self.formats_offered

    def formats_of(self, identifier: str) -> Sequence[str] | None:
        self.calls.append("formats_of")
        return [prefix for (prefix, _), row in self.records.items() if row.identifier == identifier] or None

    def sets(self) -> Sequence[Set]:
        self.calls.append("sets")
        return self.sets_offered

    def has_sets(self) -> bool:
        self.calls.append("has_sets")
        return bool(self.sets_offered)

    def record(self, prefix: str, identifier: str) -> Row | None:
        self.calls.append("record")
        found = (held for (of, _), held in self.records.items() if of == prefix and held.identifier == identifier)
        return next((held.row() for held in found), None)

    def identifiers(self, most: int) -> Sequence[str]:
        self.calls.append("identifiers")
        return [held.identifier for held in self.listed("oai_dc", None)[:most] if not held.deleted]

    def item(self, prefix: str, item: int) -> Row | None:
        self.calls.append("item")
        held = self.records.get((prefix, item))
        return held.row() if held else None

    def listed(self, prefix: str, setspec: str | None) -> list[Held]:
        """The whole list, in its order."""
        rows = (row for (of, _), row in self.records.items() if of == prefix and _within(row, setspec))
        return sorted(rows, key=lambda row: (row.datestamp, row.item))

    def page(
        self, prefix: str, setspec: str | None, start: int, upper: int, after: int | None, limit: int, page_bytes: int,
        *, bodies: bool,
    ) -> tuple[list[Row], bool]:  # fmt: skip
        self.calls.append("page")
        left = [
            row
            for row in self.listed(prefix, setspec)
            if (row.datestamp >= start if after is None else (row.datestamp, row.item) > (start, after))
            and row.datestamp <= upper
        ]
        given: list[Row] = []
        for row in left[:limit]:
            page_bytes -= len(row.body or b"") if bodies else 0
            if page_bytes < 0 and given:
                break
            given.append(row.row(bodies=bodies))
        return given, len(given) < len(left)

    def size(self, prefix: str, setspec: str | None, start: int | None, upper: int | None) -> int:
        self.calls.append("size")
        low, high = start if start is not None else 0, upper if upper is not None else 1 << 62
        return sum(low <= row.datestamp <= high for row in self.listed(prefix, setspec))


def _within(row: Held, setspec: str | None) -> bool:
    return setspec is None or any(s == setspec or s.startswith(f"{setspec}:") for s in row.setspecs.split())


def provider(repository: InMemory, *keys: str, **limits: int) -> Provider:
    """A provider of this repository."""
    identity = Identity("Example Archive", BASE, ["admin@archive.example.org"], "archive.example.org")
    return Provider(repository, identity, tokens.Signer(keys or ["a key"]), Limits(**limits))


@cache
def has_schemas() -> bool:
    try:
        places.schemas()
    except pytest.skip.Exception:
        return False
    return True


class Answer:
    """An answer, checked against the schemas and read."""

    def __init__(self, document: bytes) -> None:
        if has_schemas():
            validation.assert_valid(document)
        self.document = document
        self.root = etree.fromstring(document)
        self.date, self.request = self.texts("responseDate")[0], self.root.find("{*}request")
        self.body = list(self.root)[2:]
        self.errors = [error.get("code") for error in self.root.findall("{*}error")]
        self.error_texts = self.texts("error")
        self.echo = dict(self.request.attrib)
        self.headers = [
            Header(
                h.findtext("{*}identifier"), h.findtext("{*}datestamp"), h.get("status"),
                tuple(s.text for s in h.findall("{*}setSpec")),
            )
            for h in self.root.iter("{*}header")
        ]  # fmt: skip
        self.identifiers = [header.identifier for header in self.headers]
        found = self.root.findall(".//{*}resumptionToken")
        assert len(found) <= 1
        self.token_element = found[0] if found else None
        self.token = found[0].text if found else None

    def texts(self, name: str) -> list[str]:
        return [element.text for element in self.root.iter(f"{{*}}{name}")]


@dataclass(frozen=True)
class Header:
    identifier: str
    datestamp: str
    status: str | None
    sets: tuple[str, ...]


def get(of: Provider, query: str | bytes = b"", body: bytes = b"", /, **given: str) -> Answer:
    """Ask with a query string as it stands, or with arguments to encode (``from_`` for ``from``)."""
    raw = query.encode() if isinstance(query, str) else query
    raw = raw or urlencode({name.rstrip("_"): value for name, value in given.items()}).encode()
    return Answer(of.answer(arguments.decode(raw, body)).content)


def follow(of: Provider, verb: str = "ListRecords", **given: str) -> list[Answer]:
    """Harvest a list to its end; return its pages."""
    pages = [get(of, verb=verb, **{"metadataPrefix": "oai_dc", **given})]
    while pages[-1].token:
        pages.append(get(of, verb=verb, resumptionToken=pages[-1].token))
        assert len(pages) < 1000, "a list without end"
    return pages
