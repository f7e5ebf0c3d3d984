"""Harvesters of several makes, each giving what it saw as ``{identifier: Seen}``, so that they can be compared.

Three are clients that aggregators use: sickle, oaipmh-scythe and Perl's HTTP::OAI. The fourth, :func:`raw`, is our own
and strict: it trusts nothing and fails on every page that breaks the protocol's rules or the schemas.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import http.client
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import oaipmh_scythe
import pytest
import sickle as sickle_client
from lxml import etree
from oaipmh_scythe.config import HTTPConfig
from oaipmh_scythe.exceptions import NoRecordsMatch as ScytheNoRecordsMatch
from servers import Answer
from sickle.oaiexceptions import NoRecordsMatch as SickleNoRecordsMatch
from validation import schema_errors

OAI = "{http://www.openarchives.org/OAI/2.0/}"


class Seen(NamedTuple):
    """A record as a harvester saw it; ``payload`` is a digest of its canonical XML, empty in headers and tombstones."""

    datestamp: str
    deleted: bool
    sets: frozenset[str]
    payload: str


Harvest = dict[str, Seen]


def digest(payload: etree._Element) -> str:
    """Return a digest of an element that says the same however a client copied its bytes.

    That is exclusive C14N without the white space between elements, which some clients drop.
    """
    bare = copy.deepcopy(payload)
    bare.tail = None
    for element in bare.iter():
        if len(element) and not (element.text or "").strip():
            element.text = None
        if element is not bare and not (element.tail or "").strip():
            element.tail = None
    return hashlib.sha256(etree.tostring(bare, method="c14n", exclusive=True, with_comments=False)).hexdigest()


def _seen(item: etree._Element) -> tuple[str, Seen]:
    """Read a record or header element of a response."""
    header = item if item.tag == f"{OAI}header" else item.find(f"{OAI}header")
    metadata = item.find(f"{OAI}metadata")
    return header.findtext(f"{OAI}identifier"), Seen(
        datestamp=header.findtext(f"{OAI}datestamp"),
        deleted=header.get("status") == "deleted",
        sets=frozenset(element.text for element in header.iterfind(f"{OAI}setSpec")),
        payload="" if metadata is None else digest(metadata[0]),
    )


# Our own, strict


class BrokenPageError(AssertionError):
    """A page breaks a rule; the text says which."""


@dataclass
class Strict:
    """One list, read page by page with every rule checked.

    ``still`` says that nobody writes meanwhile: then each page must come again byte for byte, no identifier may come
    twice, and the last page must end where completeListSize said. ``schemas`` turns validation off where speed matters.
    """

    base_url: str
    verb: str
    arguments: dict[str, str]
    still: bool = True
    schemas: bool = True
    seen: Harvest = field(default_factory=dict)
    response_date: str = ""
    pages: int = 0
    items: int = 0
    _sizes: set[str] = field(default_factory=set)
    _last_datestamp: str = ""
    _connection: http.client.HTTPConnection | None = None

    def harvest(self) -> Strict:
        """Read the whole list and return itself; ``seen`` stays empty on noRecordsMatch."""
        query = {"verb": self.verb, **self.arguments}
        try:
            while query:
                query = self._page(query)
        finally:
            if self._connection:
                self._connection.close()
        return self

    def _rule(self, holds: object, message: str) -> None:
        if not holds:
            raise BrokenPageError(f"{self.verb} {self.arguments}, page {self.pages}: {message}")

    def _ask(self, query: dict[str, str]) -> Answer:
        parts = urlsplit(self.base_url)
        self._connection = self._connection or http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self._connection.request("GET", f"{parts.path}?{urlencode(query)}")
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def _page(self, query: dict[str, str]) -> dict[str, str]:
        """Read one page; return the query of the next, empty after the last."""
        self.pages += 1
        answer = self._ask(query)
        self._rule(answer.status == 200, f"HTTP {answer.status} {answer.body[:300]!r}")
        self._rule(answer.headers["Content-Type"] == "text/xml; charset=utf-8", f"{answer.headers['Content-Type']}")
        self._rule(answer.headers["Content-Length"] == str(len(answer.body)), "Content-Length is missing or wrong")
        if self.schemas:
            errors = schema_errors(answer.body)
            self._rule(not errors, "; ".join(errors[:3]))
        root = etree.fromstring(answer.body)
        if self._nothing_matches(root):
            return {}
        body = root.find(f"{OAI}{self.verb}")
        items = [element for element in body if element.tag != f"{OAI}resumptionToken"]
        self._dates(root.findtext(f"{OAI}responseDate"))
        self._items(items)
        token = self._token(body.find(f"{OAI}resumptionToken"), len(items))
        if self.still:
            self._rule(
                _without_expiry(self._ask(query).body) == _without_expiry(answer.body), "asked again, it differs"
            )
        return {"verb": self.verb, "resumptionToken": token} if token else {}

    def _nothing_matches(self, root: etree._Element) -> bool:
        codes = [error.get("code") for error in root.iterfind(f"{OAI}error")]
        self._rule(not codes or (codes == ["noRecordsMatch"] and self.pages == 1), f"errors {codes}")
        return bool(codes)

    def _dates(self, response_date: str) -> None:
        self.response_date = self.response_date or response_date
        self._rule(response_date == self.response_date, "responseDate is not that of the first page")

    def _items(self, items: list[etree._Element]) -> None:
        self._rule(items, "the page is empty")
        for element in items:
            identifier, seen = _seen(element)
            self._rule(not (self.still and identifier in self.seen), f"{identifier} comes twice")
            self._rule(seen.datestamp >= self._last_datestamp, f"{identifier}: datestamps do not ascend")
            live_record = self.verb == "ListRecords" and not seen.deleted
            self._rule(bool(seen.payload) == live_record, f"{identifier}: payload where none belongs, or none")
            self._last_datestamp = seen.datestamp
            self.seen[identifier] = seen

    def _token(self, element: etree._Element | None, count: int) -> str:
        """Check the resumptionToken, return its text; empty on the last page."""
        before, self.items = self.items, self.items + count
        if element is None:
            self._rule(self.pages == 1, "the last page of a cut list has no resumptionToken")
            return ""
        token = element.text or ""
        if not token:
            self._rule(self.pages > 1, "a list of one page has a resumptionToken")
            self._rule(not element.attrib, "the last resumptionToken has attributes")
            self._rule(not self.still or self._sizes <= {str(self.items)}, f"{self._sizes} said, {self.items} came")
            return ""
        self._rule(set(token) <= _TOKEN, f"the token {token!r} has characters that some clients spoil")
        self._rule(element.get("cursor") == str(before), f"cursor {element.get('cursor')} for {before}")
        if element.get("completeListSize"):
            self._sizes.add(element.get("completeListSize"))
            self._rule(len(self._sizes) == 1, f"completeListSize changes: {self._sizes}")
        return token


_TOKEN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-")


def _without_expiry(page: bytes) -> bytes:
    """Return a page without what may differ when it is asked for again: the new token's expiry, and so the token.

    A first page, which no token asked for, is answered at its own time.
    """
    root = etree.fromstring(page)
    if root.find(f"{OAI}request").get("resumptionToken") is None:
        root.find(f"{OAI}responseDate").text = "again"
    for token in root.iter(f"{OAI}resumptionToken"):
        token.attrib.pop("expirationDate", None)
        token.text = "again" if token.text else None
    return etree.tostring(root)


def raw(
    base_url: str, verb: str = "ListRecords", *, still: bool = True, schemas: bool = True, **arguments: str
) -> Harvest:
    """Harvest strictly; raise :class:`BrokenPageError` at the first rule that a page breaks."""
    return Strict(base_url, verb, _named(arguments), still, schemas).harvest().seen


# What aggregators run


def sickle(base_url: str, verb: str = "ListRecords", **arguments: str) -> Harvest:
    """Harvest with sickle."""
    client = sickle_client.Sickle(base_url, timeout=60)
    try:
        return dict(_seen(item.xml) for item in getattr(client, verb)(**_named(arguments)))
    except SickleNoRecordsMatch:
        return {}


def scythe(base_url: str, verb: str = "ListRecords", **arguments: str) -> Harvest:
    """Harvest with oaipmh-scythe."""
    method = {"ListRecords": "list_records", "ListIdentifiers": "list_identifiers"}[verb]
    words = {_SCYTHE.get(name, name): value for name, value in _named(arguments).items()}
    with oaipmh_scythe.Scythe(base_url, http_config=HTTPConfig(timeout=60)) as client:
        try:
            return dict(_seen(item.xml) for item in getattr(client, method)(**words))
        except ScytheNoRecordsMatch:
            return {}


_SCYTHE = {"metadataPrefix": "metadata_prefix", "from": "from_", "set": "set_"}


def perl(base_url: str, verb: str = "ListRecords", **arguments: str) -> Harvest:
    """Harvest with Perl's HTTP::OAI; skips loudly where it is not installed."""
    program = shutil.which("perl")
    if not program or subprocess.run([program, "-MHTTP::OAI", "-e", "1"], capture_output=True).returncode:
        pytest.skip("MISSING Perl's HTTP::OAI (Debian: libhttp-oai-perl)")
    script = Path(__file__).parent / "clients" / "harvest.pl"
    words = [f"{name}={value}" for name, value in _named(arguments).items()]
    done = subprocess.run([program, script, base_url, verb, *words], capture_output=True, timeout=600)
    if done.returncode:
        raise AssertionError(f"HTTP::OAI: {done.stderr.decode(errors='replace')}")
    return dict(_perl_lines(done.stdout))


def _perl_lines(output: bytes) -> Iterator[tuple[str, Seen]]:
    for line in output.decode().splitlines():
        identifier, datestamp, status, sets, payload = line.split("\t")
        found = digest(etree.fromstring(base64.b64decode(payload))) if payload else ""
        yield identifier, Seen(datestamp, status == "deleted", frozenset(sets.split()), found)


def _named(arguments: dict[str, str]) -> dict[str, str]:
    """Spell ``from_`` as OAI-PMH does; the prefix is oai_dc unless said."""
    return {"metadataPrefix": "oai_dc", **{name.rstrip("_"): value for name, value in arguments.items()}}


CLIENTS = {"sickle": sickle, "scythe": scythe, "perl": perl}
