"""Records and headers as they stand in a list or in GetRecord (OAI-PMH 2.0 section 2.5): rows in, bytes out.

This is the hot path: one f-string a record, around a body that is ready as it was stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from oai_server.protocol.datestamps import to_text
from oai_server.protocol.envelope import escape
from oai_server.protocol.repository import Row

_END = b"\n</metadata></record>\n"


def headers(rows: Sequence[Row]) -> bytes:
    """Return the headers alone, as ListIdentifiers gives them."""
    return "\n".join([*_headers(rows), ""]).encode()


def records(rows: Sequence[Row]) -> list[bytes]:
    """Return the records, in pieces to join; a row without a body is a record without metadata."""
    pieces: list[bytes] = []
    for (_, _, _, _, _, body, about), header in zip(rows, _headers(rows), strict=True):
        if body is None:
            pieces.append(f"<record>{header}</record>\n".encode())
        elif about is None:
            pieces += (f"<record>{header}<metadata>\n".encode(), body, _END)
        else:
            pieces += (f"<record>{header}<metadata>\n".encode(), body, b"\n</metadata>", about, b"</record>\n")
    return pieces


def _headers(rows: Sequence[Row]) -> list[str]:
    return [
        f"<header{_STATUS[deleted]}><identifier>{identifier}</identifier>"
        f"<datestamp>{to_text(datestamp)}</datestamp>{_set_elements(setspecs)}</header>"
        for (_, datestamp, _, setspecs, deleted, _, _), identifier in zip(rows, _identifiers(rows), strict=True)
    ]


_STATUS = {False: "", True: ' status="deleted"'}


def _identifiers(rows: Sequence[Row]) -> list[str]:
    """Return the identifiers, escaped; one look at all of them spares most pages a look at each."""
    identifiers = [row.identifier for row in rows]
    together = "".join(identifiers)
    if "&" in together or "<" in together or ">" in together:
        return [escape(identifier) for identifier in identifiers]
    return identifiers


@lru_cache(maxsize=4096)  # items share their sets, far more often than not
def _set_elements(setspecs: str) -> str:
    return "".join(f"<setSpec>{escape(setspec)}</setSpec>" for setspec in setspecs.split())
