"""Files of simple Dublin Core: an ``oai_dc:dc`` by itself, or many in anything around them."""

from __future__ import annotations

from typing import Any, ClassVar

from oai_server.ingest.metadata import MetadataReader


class OaiDcReader(MetadataReader):
    """Reads ``.xml`` whose records are ``oai_dc:dc``; the module of :class:`MetadataReader` says the rest."""

    name: ClassVar[str] = "oai_dc"

    @staticmethod
    def _named(values: dict[str, Any], key: str) -> None:
        """Give a record its identifier; the address that the metadata names is one of its identifiers already."""
        values["id"] = key
