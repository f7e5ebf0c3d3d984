"""Drafts for the tests of the store."""

from __future__ import annotations

from oai_server.protocol.repository import MetadataFormat
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
