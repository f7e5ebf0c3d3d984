"""Records and headers as they stand in a list or in GetRecord (OAI-PMH 2.0 section 2.5).

A header is written once, when its record is published, and kept in the list: pages join what is ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

from oai_server.protocol.datestamps import to_text
from oai_server.protocol.envelope import escape
from oai_server.protocol.repository import Row


def header(identifier: str, datestamp: int, setspecs: Iterable[str], *, deleted: bool) -> bytes:
    """Return the header of a record as UTF-8."""
    return (
        f"<header{_DELETED if deleted else ''}><identifier>{escape(identifier)}</identifier>"
        f"<datestamp>{to_text(datestamp)}</datestamp>{''.join(map(_set_element, setspecs))}</header>"
    ).encode()


def names(written: bytes, setspec: str) -> bool:
    """Tell whether a header names a set or one of its descendants."""
    begin = _set_element(setspec).removesuffix("</setSpec>").encode()
    return begin + b"<" in written or begin + b":" in written


_header = itemgetter(2)


def headers(rows: Sequence[Row]) -> bytes:
    """Return the headers alone, as ListIdentifiers gives them."""
    return b"\n".join([*map(_header, rows), b""])


def records(rows: Sequence[Row]) -> list[bytes]:
    """Return the records, in pieces to join; a row without a body is a record without metadata."""
    pieces: list[bytes] = []
    for _, _, written, body, about, _ in rows:
        if body is None:
            pieces += (b"<record>", written, b"</record>\n")
        elif about is None:
            pieces += (b"<record>", written, b"<metadata>\n", body, b"\n</metadata></record>\n")
        else:
            pieces += (b"<record>", written, b"<metadata>\n", body, b"\n</metadata>", about, b"</record>\n")
    return pieces


_DELETED = ' status="deleted"'


@lru_cache(maxsize=4096)  # items share their sets, far more often than not
def _set_element(setspec: str) -> str:
    return f"<setSpec>{escape(setspec)}</setSpec>"
