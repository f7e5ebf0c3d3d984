"""What is said about a record of metadata beside it: the ``about`` containers of OAI-PMH 2.0 section 2.5.

Each is a whole ``<about>`` element as UTF-8, or nothing where the record has nothing to say there. Like a payload it
stands by itself: its element declares its namespaces and names its schema.

- ``rights``: the licence of the metadata, not of the item (guidelines-rights, ``rights.xsd``);
- ``provenance``: from whom the record was harvested (guidelines-provenance, ``provenance.xsd``).

What came from another server may be anything, so nothing is written that its schema would refuse. A URI is
percent-encoded where it has to be, and one that is none at all is percent-encoded as a whole. A date that is none
cannot be mended: the chain of hops ends before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from urllib.parse import quote

from metadata_formats import xml
from metadata_formats.record import Provenance, Record, clean_text

NAMES = ("provenance", "rights")
VERSION = "1"
"""Bumped whenever the output for some record changes."""
DEEPEST = 50
"""Hops that are written, the last ones: they nest, and XML parsers stop at 256 levels."""

_XSI = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_RIGHTS = "http://www.openarchives.org/OAI/2.0/rights/"
_PROVENANCE = "http://www.openarchives.org/OAI/2.0/provenance"

# xs:date and xs:dateTime; their days are checked by the calendar.
_TIME = re.compile(
    r"(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?)?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# What xml.uri leaves: an address with a host and perhaps a port, or a scheme with anything behind it.
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:(//([^/?#@\[\]:]*(:[^/?#@\[\]:]*)?@)?([^/?#@\[\]:]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
    r"([/?#].*)?|(?!//).*)"
)


def containers(names: Iterable[str], record: Record, namespace: str, altered: bool | None = None) -> bytes:
    """Return the containers of these names for a record in the format of a namespace (see :func:`provenance`)."""
    return b"".join(rights(record) if name == "rights" else provenance(record, namespace, altered) for name in names)


def rights(record: Record) -> bytes:
    """Return the licence of the record's metadata; nothing where the record says nothing of rights."""
    return _rights(record.rights.metadata_licence) if record.rights is not None else b""


@lru_cache(maxsize=256)  # a collection has one licence, or few
def _rights(licence: str) -> bytes:
    reference = xml.attribute("ref", _uri(licence))
    return _about("rights", _RIGHTS, f"{_RIGHTS[:-1]}.xsd", f"<rightsReference{reference}/>") if reference else b""


def provenance(record: Record, namespace: str, altered: bool | None = None) -> bytes:
    """Return where the record was harvested, the last hop outermost; nothing where it was not.

    Each hop says whether it was altered since. Of the last one that is known here: in another ``namespace`` than it
    came in it was, and ``altered`` goes before what the hop says. :func:`broken` tells why hops are left out.
    """
    hops = _hops(record)
    if altered is None and hops:
        altered = hops[0].altered or hops[0].metadata_namespace != namespace
    chain = ""
    for number in reversed(range(_whole(hops))):
        hop = hops[number]
        chain = _origin(hop, hop.altered if number else bool(altered), chain)
    return _about("provenance", _PROVENANCE, f"{_PROVENANCE}.xsd", chain) if chain else b""


def broken(record: Record) -> str:
    """Say why some of the record's provenance is left out; the empty string where all of it is written."""
    hops = _hops(record)
    whole = _whole(hops)
    if whole == len(hops):
        return ""
    why = _fault(hops[whole]) or f"no more than {DEEPEST} hops are written"
    return f"provenance is left out from hop {whole + 1} on: {why}"


def _hops(record: Record) -> Sequence[Provenance]:
    return record.record.provenance if record.record is not None else ()


def _whole(hops: Sequence[Provenance]) -> int:
    """Return how many hops, from the last one on, can be written."""
    for number, hop in enumerate(hops[:DEEPEST]):
        if _fault(hop):
            return number
    return min(len(hops), DEEPEST)


def _fault(hop: Provenance) -> str:
    """Say what forbids that a hop is written; the empty string where nothing does."""
    for name, text in (("datestamp", hop.datestamp), ("harvest_date", hop.harvest_date)):
        if not _is_date(text):
            return f"{name} {text[:100]!r} is not like 2026-01-31T23:59:59Z"
    for name, text in (
        ("base_url", hop.base_url), ("identifier", hop.identifier), ("metadata_namespace", hop.metadata_namespace),
    ):  # fmt: skip
        if not clean_text(text).strip():
            return f"{name} is blank"
    return ""


def _is_date(text: str) -> bool:
    """Tell whether text is an ``xs:date`` or an ``xs:dateTime``, as the schema wants, of the years from 1 to 9999."""
    if not _DAY.match(text) or not _TIME.fullmatch(text, 10):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _origin(hop: Provenance, altered: bool, before: str) -> str:
    attributes = xml.attribute("harvestDate", hop.harvest_date) + f' altered="{str(altered).lower()}"'
    children = [
        xml.leaf("baseURL", _uri(hop.base_url)),
        xml.leaf("identifier", _uri(hop.identifier)),
        xml.leaf("datestamp", hop.datestamp),
        xml.leaf("metadataNamespace", _uri(hop.metadata_namespace)),
        before,
    ]
    return xml.branch("originDescription", children, attributes, repeat=True)


def _uri(text: str) -> str:
    """Return a URI as ``xs:anyURI``; text that is none as a relative one, every character but the plainest encoded."""
    text = clean_text(text).strip()
    made = xml.uri(text)
    return made if made is not None and _URI.fullmatch(made) else quote(text, safe="")


def _about(name: str, namespace: str, schema: str, child: str) -> bytes:
    attributes = f' xmlns="{namespace}"{_XSI} xsi:schemaLocation="{namespace} {schema}"'
    return f"<about>\n{xml.branch(name, [child], attributes)}\n</about>\n".encode()
