"""What a cache between harvesters and server may keep, and how it learns that a page is still the same.

A page that a token asks for may be kept as long as the token lives, and be given to whoever sends that token. Its
responseDate is that of the first page of its list, and what it does not show is stamped later, whenever it was made: an
older page is an older truth, and a harvester that goes on from its responseDate gets everything that has changed since.
First pages and all other answers say by a responseDate of their own what the harvester need not ask for again, and
nobody may have those but from the server.
"""

from __future__ import annotations

import hashlib
import time

from oai_server.protocol.provider import Document

ANEW = "no-cache"
"""The Cache-Control of what is good for one request alone."""

_ENDS = 1024
"""Bytes at either end of a page that are looked at to tell it from others."""


def control(document: Document) -> str:
    """Return the Cache-Control of an answer to a GET."""
    left = (document.expires or 0) - int(time.time())
    return f"public, max-age={left}" if left > 0 else ANEW


def tag(document: Document, coding: str) -> str | None:
    """Return the strong ETag of an answer in a content coding, None for one that is not settled.

    It need not read the records. Under one token a settled page can only lose records, to later pages of other lists:
    records that stay have not changed, for a change moves them out. So two pages with the same end are the same: it
    holds the next token, that names the last record and counts those before it, or, on the page that completes the
    list, none; and of two such pages the one with fewer records is shorter. The beginning and the length tell by which
    settings and which version of the server the page was written.
    """
    if not document.settled:
        return None
    whole = document.content
    seen = b"%d %b %b %b" % (len(whole), whole[:_ENDS], whole[-_ENDS:], coding.encode())
    return hashlib.blake2b(seen, digest_size=12).hexdigest()
