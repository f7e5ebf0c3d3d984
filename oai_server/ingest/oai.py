"""Records of other repositories: what their answers give becomes records of ours, from a saved answer or a server.

A harvested record is known by the OAI identifier of its header. Its metadata is read by the format that has its
namespace; where that format is offered here too, the payload itself is served on, byte by byte.

The profile, in TOML, for saved answers and for harvests::

    reader = "oai"
    [defaults]                  # what every record gets, see oai_server.ingest.profile
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import msgspec
from lxml import etree

from metadata_formats import record as model
from metadata_formats import registry
from metadata_formats.reading import NotReadable
from metadata_formats.validation import SchemaMissing, Schemas
from oai_server.ingest import dates, oai_response
from oai_server.ingest import profile as profiles
from oai_server.ingest.files import BrokenFile, whole
from oai_server.ingest.oai_response import Broken, Header, NotResponse, declarations
from oai_server.ingest.reader import Finding, Found, Reader, Rejected, Remark, Unaltered
from oai_server.protocol import datestamps

PROVENANCE = "http://www.openarchives.org/OAI/2.0/provenance"
RIGHTS = "http://www.openarchives.org/OAI/2.0/rights/"
MOST_HOPS = 20

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?)?", re.ASCII | re.IGNORECASE
)
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
Valid = Callable[[bytes], str]
"""Says what is wrong with a payload by its schema; nothing where nothing is, or where its schema is not there."""


class Profile(msgspec.Struct, forbid_unknown_fields=True):
    """A profile can only add defaults."""

    defaults: dict[str, Any] = {}


def valid_by(folder: Path) -> Valid:
    """Return what validates payloads by the schemas in a folder that they name."""
    if not folder.is_dir():
        return lambda _: ""
    schemas = Schemas(folder)

    def valid(payload: bytes) -> str:
        if re.search(rb"schemaLocation\s*=\s*[\"'][^\"']*\.\.", payload):
            return "it names a schema by a path"
        try:
            return next(iter(schemas.errors(payload)), "")
        except SchemaMissing:
            return ""

    return valid


def moment(text: str) -> datetime | None:
    """Read a time as servers write it: with fractions or an offset, without Z, or a day alone; None for no time."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    day, clock, zone = found.groups()
    zone = "+00:00" if zone is None or zone in "Zz" else zone
    try:
        return datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def datestamp(text: str) -> str | None:
    """Return a time as a UTC datestamp: as it is if it is one, else the nearest; None for no time."""
    try:
        datestamps.parse(text)
    except ValueError:
        found = moment(text)
        return found.strftime("%Y-%m-%dT%H:%M:%SZ") if found else None
    return text


class Translation:
    """Turns the records of one repository's answers into findings.

    ``offered`` are the prefixes of the formats that this repository offers; ``sets`` makes labels of setSpecs.
    """

    def __init__(
        self, defaults: profiles.Defaults | None = None, offered: Collection[str] = (),
        sets: Callable[[Header], list[str]] = lambda header: list(header.setspecs), valid: Valid = lambda _: "",
    ) -> None:  # fmt: skip
        self._defaults = defaults
        self._offered = offered
        self._sets = sets
        self._valid = valid
        self._formats = registry.readable()

    def finding(self, record: oai_response.Record | Broken, base_url: str, date: str, where: str = "") -> Finding:
        """Return what a record is to us; ``base_url`` and ``date`` (responseDate) say where it came from, and when."""
        if isinstance(record, Broken):
            return Rejected(record.message, where, record.identifier)
        header = record.header
        try:
            if header.deleted:
                gone = model.from_builtins({"id": header.identifier, "record": {"status": "deleted"}})
                return Found(gone, where, source_key=header.identifier)
            return self._live(record, base_url, date, where)
        except (NotReadable, model.RecordError, etree.XMLSyntaxError) as error:
            return Rejected(" ".join(str(error).split()), where, header.identifier)
        except Exception as error:  # a format that is a plug-in may raise anything
            return Rejected(f"it cannot be read: {type(error).__name__}: {error}", where, header.identifier)

    def _live(self, record: oai_response.Record, base_url: str, date: str, where: str) -> Finding:
        header = record.header
        if record.metadata is None:
            raise NotReadable("it has no metadata")
        root = etree.fromstring(record.metadata, _PARSER)
        name = etree.QName(root)
        format_ = self._formats.get((name.namespace or "", name.localname))
        if format_ is None:
            known = ", ".join(sorted(one.prefix for one in self._formats.values()))
            raise NotReadable(f"its metadata is {root.tag}, which cannot be read; what can be read: {known}")
        values, left = format_.read(root, dates.edtf)
        remarks = [Remark(*each) for each in left]
        values.setdefault("id", header.identifier)
        values["sets"] = self._sets(header)
        info = values.setdefault("record", {})
        info["provenance"] = _origin(header, base_url, date, name.namespace or "")
        for about in record.abouts:
            self._about(about, values, remarks)
        if self._defaults is not None:
            self._defaults.under(values)
        unaltered = self._unaltered(record.metadata, root, format_, remarks)
        found = model.from_builtins(values)
        return Found(found, where, tuple(remarks), header.identifier, unaltered=unaltered)

    def _about(self, about: bytes, values: dict[str, Any], remarks: list[Remark]) -> None:
        """Take earlier hops from a provenance container, and the licence of the metadata from one of rights."""
        try:
            root = etree.fromstring(about, _PARSER)
        except etree.XMLSyntaxError as error:
            remarks.append(Remark("about not carried", "about", str(error)))
            return
        reference = root.find(f"{{{RIGHTS}}}rightsReference")
        if root.tag == f"{{{PROVENANCE}}}provenance" and values["record"]["provenance"]:
            hops, whole = _hops(root)
            values["record"]["provenance"] += hops
            if whole:
                return
        elif root.tag == f"{{{RIGHTS}}}rights" and reference is not None:
            try:
                model.check_uri("ref", reference.get("ref"))
                values.setdefault("rights", {}).setdefault("metadata_licence", reference.get("ref"))
                return
            except ValueError:
                pass
        remarks.append(Remark("about not carried", "about", about.decode(errors="replace")[:500]))

    def _unaltered(
        self, payload: bytes, root: etree._Element, format_: registry.Format, remarks: list[Remark]
    ) -> Unaltered | None:
        """Return the payload to be served as it is, where that may be."""
        prefix = format_.prefix
        if prefix not in self._offered:
            return None
        payload = _located(payload, root, format_)
        if reason := self._valid(payload):
            remarks.append(Remark("not valid, so rendered anew", prefix, reason))
            return None
        return Unaltered(prefix, payload)


def _located(payload: bytes, root: etree._Element, format_: registry.Format) -> bytes:
    """Return a payload whose root pairs its namespace with a schema, as OAI-PMH 2.0 section 2.5 wants."""
    if root.get(registry.SCHEMA_LOCATION) is not None:
        return payload
    prefix = next((p for p, uri in root.nsmap.items() if uri == registry.XSI and p), None)
    more = b"" if prefix else declarations({"xsi": registry.XSI})
    more += f' {prefix or "xsi"}:schemaLocation="{format_.namespace} {format_.schema}"'.encode()
    name = re.match(rb"<[^\s/>]+", payload)
    assert name is not None
    return payload[: name.end()] + more + payload[name.end() :]


def _origin(header: Header, base_url: str, date: str, namespace: str) -> list[dict[str, Any]]:
    """Return the hop that the record has just made, as far as all of it is known."""
    harvested = moment(date)
    stamp = datestamp(header.datestamp)
    if not (base_url and harvested and stamp):
        return []
    return [{
        "base_url": base_url, "identifier": header.identifier, "datestamp": stamp, "metadata_namespace": namespace,
        "harvest_date": harvested.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }]  # fmt: skip


def _hops(root: etree._Element) -> tuple[list[dict[str, Any]], bool]:
    """Return the hops of a provenance container, the last first, and whether these are all."""
    hops: list[dict[str, Any]] = []
    origin = root.find(f"{{{PROVENANCE}}}originDescription")
    while origin is not None and len(hops) < MOST_HOPS:
        texts = {name: (origin.findtext(f"{{{PROVENANCE}}}{name}") or "").strip() for name in _HOP}
        hop: dict[str, Any] = {key: texts[name] for name, key in _HOP.items()}
        hop["datestamp"] = datestamp(hop["datestamp"])
        hop["harvest_date"] = datestamp(origin.get("harvestDate", ""))
        hop["altered"] = origin.get("altered", "true").strip() in ("true", "1")
        if not all(value for key, value in hop.items() if key != "altered"):
            return hops, False
        hops.append(hop)
        origin = origin.find(f"{{{PROVENANCE}}}originDescription")
    return hops, origin is None


_HOP = {
    "baseURL": "base_url", "identifier": "identifier", "datestamp": "datestamp",
    "metadataNamespace": "metadata_namespace",
}  # fmt: skip


class OaiReader(Reader):
    """Reads answers of OAI-PMH servers as they were saved: in any format that can be read."""

    name: ClassVar[str] = "oai"

    def __post_init__(self) -> None:
        """Check the profile.

        Raises:
            ReaderError: it has a key that is not ours.
        """
        values = profiles.checked(self.profile, Profile, self.profile_name).defaults
        self.defaults = profiles.Defaults(values, self.profile_name) if values else None

    @classmethod
    def recognises(cls, filename: str, head: bytes) -> bool:  # noqa: ARG003 - the content tells
        """Take what begins with the root of an answer, whatever its prefix."""
        return oai_response.is_response(head)

    def read(self, stream: BinaryIO, filename: str) -> Iterator[Finding]:  # noqa: ARG002
        """Yield the records of the answer, each with its number from 1."""
        try:
            response = oai_response.parse(whole(stream))
        except (BrokenFile, NotResponse) as error:
            yield Rejected(str(error), ends=True)
            return
        for code, text in response.errors:
            yield Rejected(f"the answer is an error: {code}: {text}", ends=True)
        translation = Translation(self.defaults)
        base = response.base_url if moment(response.date) else ""
        for number, record in enumerate(response.records, 1):
            yield translation.finding(record, base, response.date, f"record {number}")
        if not response.complete:
            yield Rejected("the file is cut off: the end of the answer is missing", ends=True)
        elif not (response.records or response.errors):
            yield Rejected(f"there is no record in the answer to {response.verb or 'no verb'}", ends=True)


def earlier(date: str, *, by_day: bool) -> str:
    """Return the ``from`` of a harvest that goes on after one of this responseDate: one granule before it.

    By day, that is the day before: servers that stamp by the day, or in their own time, go on stamping behind us.
    """
    at = moment(date)
    assert at is not None
    if by_day:
        return (at - timedelta(days=1)).strftime("%Y-%m-%d")
    return (at - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
