"""LIDO 1.0 and 1.1: ``lido:lido`` elements of museums, by themselves, in a ``lido:lidoWrap`` or in anything else.

What a record becomes stands in :mod:`metadata_formats.lido_read`, what every reader of XML does in
:mod:`oai_server.ingest.metadata`, and so does the profile.
"""

from __future__ import annotations

from typing import ClassVar

from oai_server.ingest.metadata import MetadataReader


class LidoReader(MetadataReader):
    """Reads ``.xml`` whose first record is a ``lido:lido``."""

    name: ClassVar[str] = "lido"
