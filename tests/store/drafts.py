"""Drafts for the tests of the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lxml import etree

from oai_server.protocol.repository import MetadataFormat, Row
from oai_server.store.publish import Draft, body_hash

OFFERED = [MetadataFormat("oai_dc", "http://s/dc", "http://n/dc"), MetadataFormat("mods", "http://s/m", "http://n/m")]


def draft(
    key: str, dc: bytes | None = b"<dc/>", mods: bytes | None = b"<mods/>", sets: tuple[str, ...] = (), *,
    source: str = "s", identifier: str = "", canonical: bytes = b"", abouts: dict[str, bytes] | None = None,
) -> Draft:  # fmt: skip
    """Return an item with these bodies; its canonical form is what it says, not what is said about it, unless given."""
    sets = tuple(sorted(sets))
    canonical = canonical or repr((dc, mods, sets)).encode()
    return Draft(
        source, key, identifier or f"oai:d.org:{key}", sets, canonical, body_hash(canonical), "v1",
        {"oai_dc": dc, "mods": mods}, abouts or {},
    )  # fmt: skip


class Named(NamedTuple):
    """A row with names."""

    item: int
    datestamp: int
    header: bytes
    body: bytes | None = None
    about: bytes | None = None
    size: int = 0


class Header(NamedTuple):
    """What a header says."""

    identifier: str
    datestamp: str
    setspecs: str
    deleted: bool


def named(rows: Iterable[Row]) -> list[Named]:
    """Return rows with names."""
    return [Named(*(row if len(row) > 4 else row[:3])) for row in rows]


def header_of(row: Row) -> Header:
    """Return what the header of a row says: its sets joined by spaces."""
    header = etree.fromstring(row[2])
    setspecs = " ".join(found.text for found in header.findall("setSpec"))
    deleted = header.get("status") == "deleted"
    return Header(header.findtext("identifier"), header.findtext("datestamp"), setspecs, deleted)
