"""How a running OAI-PMH server keeps the protocol, and what harvesters would trip over: ours or anybody's.

The server is asked what harvesters and validators ask, some sixty requests one after another, and each answer is held
against the rules in :mod:`protocol_rules`. They are those of OAI-PMH 2.0, of the validators of its registry, BASE
and OpenAIRE, and what real harvesting clients were seen to fail at. A rule is told once, with the first request that
broke it and how often it was broken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import NamedTuple

from lxml import etree

from metadata_formats.reading import attributes_of
from oai_server.readiness.finding import Severity, counted
from oai_server.readiness.protocol_rules import BATCH, RULES, SLOW, Rule

OAI = "http://www.openarchives.org/OAI/2.0/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XML = "http://www.w3.org/XML/1998/namespace"
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
LIFETIME = timedelta(hours=23)
LONGEST = 300
"""Characters of what was seen."""
MOST_NODES = 2_000_000
"""Tags and attributes of an answer: each takes a hundred bytes and more while it is read."""
SAMPLED = 5
"""Records of a list that are asked for one by one."""

_CODES = frozenset(
    {"badArgument", "badResumptionToken", "badVerb", "cannotDisseminateFormat"}
    | {"idDoesNotExist", "noMetadataFormats", "noRecordsMatch", "noSetHierarchy"}
)
_UNPARSED = frozenset({"badVerb", "badArgument"})
SILENCES = 3
"""Requests without an answer after which a server is asked no more."""

_AROUND = frozenset(f"{{{OAI}}}{name}" for name in ("responseDate", "request", "error"))
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SAFE_TOKEN = re.compile(r"[A-Za-z0-9_.~-]+")
_SETSPEC = re.compile(r"[A-Za-z0-9\-_.!~*'()]+(:[A-Za-z0-9\-_.!~*'()]+)*")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_EMAIL = re.compile(r"[^\s@:]+@([^\s@.]+\.)+[^\s@.]+")


class Reply(NamedTuple):
    """An answer over HTTP: its request as people write it, status, headers (names in lower case), decoded body.

    ``encoding`` is the Content-Encoding that the body came in, ``seconds`` how long it took.
    """

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    encoding: str = ""
    seconds: float = 0.0


class NotServer(Exception):
    """There is no OAI-PMH server to examine at an address; the text names it and says what there is instead."""


class Unanswered(Exception):
    """A request that got no answer, or one that never ends; the text says why."""


Ask = Callable[[Sequence[tuple[str, str]], str, Mapping[str, str]], Reply]
"""Sends arguments to the server by a method (GET or POST), with more headers; raises Unanswered."""


class Broken(NamedTuple):
    """A rule that was broken: the first request that showed it, what was seen there, and how many times in all."""

    name: str
    rule: Rule
    request: str
    seen: str
    times: int = 1


@dataclass(frozen=True)
class Wrong:
    """A request that is wrong, and the codes that a server may answer with."""

    arguments: tuple[tuple[str, str], ...]
    codes: frozenset[str]


def _wrong(codes: str, *arguments: tuple[str, str]) -> Wrong:
    return Wrong(arguments, frozenset(codes.split()))


_DC = ("metadataPrefix", "oai_dc")
WRONG = (
    _wrong("badVerb"),
    _wrong("badVerb", ("verb", "")),
    _wrong("badVerb", ("verb", "identify")),
    _wrong("badVerb", ("verb", "Identify"), ("verb", "Identify")),
    _wrong("badArgument", ("verb", "Identify"), ("metadataPrefix", "oai_dc")),
    _wrong("badArgument", ("verb", "ListRecords")),
    _wrong("badArgument", ("verb", "ListIdentifiers"), _DC, _DC),
    _wrong("badArgument", ("verb", "GetRecord"), _DC),
    _wrong("badArgument", ("verb", "ListIdentifiers"), _DC, ("from", "yesterday")),
    _wrong("badArgument", ("verb", "ListIdentifiers"), _DC, ("from", "2001-02-30")),
    _wrong("badArgument", ("verb", "ListIdentifiers"), _DC, ("from", "2002-02-03"), ("until", "2001-02-03")),
    _wrong("badArgument", ("verb", "ListIdentifiers"), _DC, ("from", "2001-02-03"), ("until", "2002-02-03T00:00:00Z")),
    _wrong("badArgument badResumptionToken", ("verb", "ListRecords"), _DC, ("resumptionToken", "no-such-token")),
    _wrong("badResumptionToken", ("verb", "ListRecords"), ("resumptionToken", "no-such-token")),
    _wrong("badResumptionToken", ("verb", "ListIdentifiers"), ("resumptionToken", "no-such-token")),
    _wrong("cannotDisseminateFormat", ("verb", "ListRecords"), ("metadataPrefix", "no_such_format")),
    _wrong("badArgument cannotDisseminateFormat", ("verb", "ListRecords"), ("metadataPrefix", "really wrong!?")),
    _wrong("idDoesNotExist", ("verb", "GetRecord"), _DC, ("identifier", "oai:no.such.example.org:item")),
    _wrong("badArgument idDoesNotExist", ("verb", "GetRecord"), _DC, ("identifier", "really wrong identifier")),
    _wrong("idDoesNotExist", ("verb", "ListMetadataFormats"), ("identifier", "oai:no.such.example.org:item")),
)


class Header(NamedTuple):
    """The header of a record as it was read."""

    identifier: str
    datestamp: str
    deleted: bool
    sets: tuple[str, ...]


@dataclass
class Page:
    """An answer that could be read: its errors, or the element of its verb."""

    reply: Reply
    root: etree._Element
    errors: list[tuple[str, str]] = field(default_factory=list)
    content: etree._Element | None = None

    @property
    def codes(self) -> set[str]:
        """The codes of its errors."""
        return {code for code, _ in self.errors}

    def headers(self) -> list[Header]:
        """Return the headers of a list or of GetRecord."""
        found = self.root.iter(f"{{{OAI}}}header") if self.content is not None else ()
        return [
            Header(
                _text(each, "identifier"), _text(each, "datestamp"), each.get("status") == "deleted",
                tuple((spec.text or "").strip() for spec in each.findall(f"{{{OAI}}}setSpec")),
            )
            for each in found
        ]  # fmt: skip

    def token(self) -> etree._Element | None:
        """Return the resumptionToken element, if there is one."""
        return self.content.find(f"{{{OAI}}}resumptionToken") if self.content is not None else None


def examine(
    url: str, ask: Ask, validate: Callable[[bytes], list[str]] | None = None, *, pages: int = 3,
    now: Callable[[], datetime] = lambda: datetime.now(UTC), progress: Callable[[int], None] = lambda _: None,
) -> list[Broken]:  # fmt: skip
    """Ask the server at ``url`` all that there is to ask; returns what it breaks, the worst first.

    ``validate`` returns what is not valid by the schemas; without it nothing is checked by them. ``pages`` of each list
    are read, 0 for all of them.

    Raises:
        NotServer: the first request is not answered, or by something that has nothing to do with OAI-PMH.
    """
    examination = _Examination(url, ask, validate, pages, now, progress)
    with suppress(_Stop):
        examination.run()
    order = list(Severity)
    return sorted(examination.findings.values(), key=lambda found: order.index(found.rule.severity))


class _Stop(Exception):
    """There is nothing more to ask."""


class _Examination:
    """One server being asked."""

    def __init__(
        self, url: str, ask: Ask, validate: Callable[[bytes], list[str]] | None, pages: int,
        now: Callable[[], datetime], progress: Callable[[int], None],
    ) -> None:  # fmt: skip
        self.url, self._ask, self._validate, self._pages = url, ask, validate, pages
        self._now, self._progress = now, progress
        self.findings: dict[str, Broken] = {}
        self._silences = 0
        self._answered: Reply | None = None
        self._domain = ""
        self._compressions: list[str] = []
        self._granularity = _SECONDS
        self._earliest = ""
        self._sets: list[str] | None = []  # None: the server says that there are none; empty: they are not known

    def broken(self, rule: str, request: str, seen: str) -> None:
        """Remember that a rule was broken."""
        known = self.findings.get(rule)
        if known is not None:
            self.findings[rule] = known._replace(times=known.times + 1)
            return
        self.findings[rule] = Broken(rule, RULES[rule], request, " ".join(seen.split())[:LONGEST])

    def run(self) -> None:
        """Ask everything; later questions need the answers to earlier ones."""
        self._identify()
        self._formats()
        self._list_sets()
        identifiers = self._list("ListIdentifiers")
        records = self._list("ListRecords")
        headers = {header.identifier: header for header in (*identifiers, *records)}
        if headers:
            self._one_by_one(list(headers.values()))
            self._windows(list(headers.values()))
        self._errors()
        self._transport()

    # One request.

    def _get(self, *arguments: tuple[str, str], method: str = "GET") -> Page | None:
        """Ask, and check what holds for every answer; None where the answer cannot be read."""
        reply = self._reply(arguments, method, {})
        if reply is not None and self._over_http(reply):
            return self._envelope(reply, arguments)
        return None

    def _reply(self, arguments: Sequence[tuple[str, str]], method: str, headers: Mapping[str, str]) -> Reply | None:
        """Ask; None where there is no answer. A server that has stopped answering is asked no more."""
        self._progress(1)
        try:
            self._answered = self._ask(arguments, method, headers)
            return self._answered
        except Unanswered as error:
            if self._answered is None:
                raise NotServer(str(error)) from error
            self._silences += 1
            self.broken("HT-1", str(error), "no answer")
            if self._silences == SILENCES:
                raise _Stop from error
            return None

    def _over_http(self, reply: Reply) -> bool:
        request = reply.request
        if 300 <= reply.status < 400:
            self.broken("HT-2", request, f"{reply.status} to {reply.headers.get('location', '?')}")
            return False
        if reply.status != 200:
            self.broken("HT-1", request, f"status {reply.status}")
            return False
        kind = reply.headers.get("content-type", "")
        if not re.fullmatch(r'text/xml\s*;\s*charset="?utf-8"?\s*', kind, re.IGNORECASE):
            self.broken("HT-3", request, kind or "no Content-Type")
        if reply.encoding:
            self.broken("HT-6", request, f"Content-Encoding: {reply.encoding}")
        if reply.seconds > SLOW:
            self.broken("HT-7", request, f"{reply.seconds:.0f} seconds")
        if "content-length" not in reply.headers and "chunked" not in reply.headers.get("transfer-encoding", ""):
            self.broken("HT-9", request, "neither Content-Length nor chunks")
        return True

    def _envelope(self, reply: Reply, arguments: Sequence[tuple[str, str]]) -> Page | None:
        request = reply.request
        if (nodes := sum(map(reply.body.count, (b"<", b'="', b"='")))) > MOST_NODES:
            self.broken("XM-1", request, f"{nodes} tags and attributes, which are not read")
            return None
        try:
            root = etree.fromstring(reply.body, _parser())
        except (etree.XMLSyntaxError, ValueError) as error:
            self.broken("XM-1", request, str(error))
            return None
        if root.tag != f"{{{OAI}}}OAI-PMH":
            self.broken("XM-2", request, f"the root is {root.tag}")
            return None
        document = root.getroottree().docinfo
        if reply.body.startswith(b"\xef\xbb\xbf") or (document.encoding or "UTF-8").upper() != "UTF-8":
            self.broken("XM-3", request, f"encoding {document.encoding or 'with a byte order mark'}")
        if document.internalDTD is not None:
            self.broken("XM-3", request, "a document type declaration")
        if root.prefix:
            self.broken("XM-5", request, f"<{root.prefix}:OAI-PMH>")
        if (root.get(f"{{{XSI}}}schemaLocation") or "").split()[:1] != [OAI]:
            self.broken("XM-6", request, root.get(f"{{{XSI}}}schemaLocation") or "no xsi:schemaLocation")
        for problem in (self._validate(reply.body) if self._validate else [])[:1]:
            self.broken("XM-4", request, problem)
        page = Page(reply, root)
        page.errors = [((each.get("code") or "").strip(), _words(each)) for each in root.findall(f"{{{OAI}}}error")]
        page.content = next((each for each in root.iterchildren("{*}*") if each.tag not in _AROUND), None)
        self._frame(page, arguments)
        return page

    def _frame(self, page: Page, arguments: Sequence[tuple[str, str]]) -> None:
        """Check responseDate, request and errors."""
        request, root = page.reply.request, page.root
        date = _text(root, "responseDate")
        told = _moment(date) if _SECONDS.fullmatch(date) else None
        if told is None:
            self.broken("EN-1", request, date or "no responseDate")
        elif not any(name == "resumptionToken" for name, _ in arguments) and abs(told - self._now()) > timedelta(
            hours=1
        ):
            self.broken("EN-5", request, f"{date}, and it is {self._now():%Y-%m-%dT%H:%M:%SZ}")
        element = root.find(f"{{{OAI}}}request")
        said = attributes_of(element) if element is not None else {}
        if element is None or (element.text or "").strip() != self.url:
            self.broken("EN-2", request, _words(element) if element is not None else "no <request>")
        expected = {} if page.codes & _UNPARSED else dict(arguments)
        if said != expected:
            self.broken("EN-3", request, f"attributes {said or 'none'}, arguments {expected or 'none'}")
        for code, text in page.errors:
            if code not in _CODES:
                self.broken("EN-4", request, code)
            if not text:
                self.broken("ER-2", request, f"{code} without a text")

    # The verbs.

    def _identify(self) -> None:
        page = self._get(("verb", "Identify"))
        said = page.content if page is not None else None
        if page is None and self._answered is not None and (other := _other(self._answered)):
            raise NotServer(f"{self.url}: {other}; is this the base URL of an OAI-PMH server?")
        if page is None or said is None or page.errors:
            self.broken("ID-1", f"{self.url}?verb=Identify", str(page.errors) if page else "no answer that can be read")
            raise _Stop
        request = page.reply.request
        if (base := _text(said, "baseURL")) != self.url:
            self.broken("ID-2", request, base)
        if (version := _text(said, "protocolVersion")) != "2.0":
            self.broken("ID-3", request, version)
        emails = [(each.text or "").strip() for each in said.findall(f"{{{OAI}}}adminEmail")]
        if not emails or not all(map(_EMAIL.fullmatch, emails)):
            self.broken("ID-4", request, ", ".join(emails) or "none")
        granularity = _text(said, "granularity")
        if granularity == "YYYY-MM-DD":
            self.broken("ID-8", request, granularity)
            self._granularity = _DATE
        elif granularity != "YYYY-MM-DDThh:mm:ssZ":
            self.broken("ID-5", request, granularity or "none")
        self._earliest = _text(said, "earliestDatestamp")
        if not self._granularity.fullmatch(self._earliest) or _moment(self._earliest) is None:
            self.broken("ID-6", request, self._earliest or "no earliestDatestamp")
            self._earliest = ""
        elif self._earliest < "1990":
            self.broken("ID-9", request, self._earliest)
        if (deleted := _text(said, "deletedRecord")) not in ("persistent", "transient"):
            self.broken("ID-7", request, deleted or "none")
        schemes = list(said.iter("{http://www.openarchives.org/OAI/2.0/oai-identifier}oai-identifier"))
        if len(schemes) > 1:
            self.broken("ID-10", request, f"{len(schemes)} descriptions")
        self._domain = schemes[0].findtext("{*}repositoryIdentifier", "").strip() if len(schemes) == 1 else ""
        self._compressions = [(each.text or "").strip() for each in said.findall(f"{{{OAI}}}compression")]

    def _formats(self) -> None:
        page = self._get(("verb", "ListMetadataFormats"))
        if page is None:
            return
        namespaces = {
            _text(each, "metadataPrefix"): _text(each, "metadataNamespace")
            for each in page.root.iter(f"{{{OAI}}}metadataFormat")
        }
        if namespaces.get("oai_dc") != OAI_DC:
            self.broken("FO-1", page.reply.request, f"oai_dc: {namespaces.get('oai_dc', 'not there')}")

    def _list_sets(self) -> None:
        page = self._get(("verb", "ListSets"))
        if page is None:
            return
        if page.codes == {"noSetHierarchy"}:
            self._sets = None
            return
        specs: list[str] = []
        for _ in range(self._most()):
            if page.errors or page.content is None:
                self.broken("SE-1", page.reply.request, str(page.errors))
                return
            specs += [_text(each, "setSpec") for each in page.content.findall(f"{{{OAI}}}set")]
            token = page.token()
            if token is None or not (token.text or "").strip():
                break
            following = self._get(("verb", "ListSets"), ("resumptionToken", (token.text or "").strip()))
            if following is None:
                return
            page = following
        else:
            return
        if not specs:
            self.broken("SE-1", page.reply.request, "no set")
        self._sets = specs
        listed = Counter(specs)
        for spec in specs:
            if not _SETSPEC.fullmatch(spec) or listed[spec] > 1:
                self.broken("SE-2", page.reply.request, spec)
            if ":" in spec and spec.rpartition(":")[0] not in listed:
                self.broken("SE-3", page.reply.request, f"{spec} without {spec.rpartition(':')[0]}")

    def _most(self) -> int:
        return self._pages or 1_000_000

    def _list(self, verb: str) -> list[Header]:
        """Read the first pages of the whole list in oai_dc; returns the headers on them."""
        page = self._get(("verb", verb), _DC)
        if page is None:
            return []
        if page.codes == {"noRecordsMatch"}:
            return []  # an empty repository
        if page.errors or page.content is None:
            self.broken("LI-1", page.reply.request, str(page.errors))
            return []
        headers: list[Header] = []
        seen: set[str] = set()
        size: str | None = None
        for number in range(self._most()):
            found = page.headers()
            self._check_page(page, found, seen, headers[-1] if headers else None, records=verb == "ListRecords")
            before = len(headers)
            headers += found
            token = page.token()
            text = (token.text or "").strip() if token is not None else ""
            if number == 0:
                size = token.get("completeListSize") if token is not None else None
                if text and not BATCH[0] <= len(found) <= BATCH[1]:
                    self.broken("LI-4", page.reply.request, counted(len(found), "record"))
            if not text:
                self._check_end(page, token, first=number == 0)
                break
            assert token is not None
            self._check_token(page, token, before, len(headers), size)
            following = self._get(("verb", verb), ("resumptionToken", text))
            if following is None or following.errors or not following.headers():
                seen_there = str(following.errors) if following and following.errors else "no records"
                self.broken("TO-1", f"{self.url}?verb={verb}&resumptionToken={text}", seen_there)
                break
            next_token = following.token()
            if next_token is not None and (next_token.text or "").strip() == text:
                self.broken("TO-3", following.reply.request, text)
                break
            if number == 0:
                self._check_again(verb, text, following)
            page = following
        return headers

    def _check_page(
        self, page: Page, found: Sequence[Header], seen: set[str], last: Header | None, *, records: bool
    ) -> None:
        request = page.reply.request
        if not found:
            self.broken("LI-2", request, "no records")
        for header in found:
            if header.identifier in seen:
                self.broken("LI-3", request, header.identifier)
            seen.add(header.identifier)
            if last is not None and header.datestamp < last.datestamp:
                self.broken("LI-5", request, f"{header.datestamp} behind {last.datestamp}")
            last = header
            self._check_header(request, header)
        if records:
            for record in page.root.iter(f"{{{OAI}}}record"):
                self._check_record(request, record, OAI_DC)
            for prefixes in _declared_outside(page.reply.body):
                self.broken("RE-5", request, f"namespaces declared outside of metadata: {', '.join(prefixes)}")

    def _check_header(self, request: str, header: Header) -> None:
        if not _URI.fullmatch(header.identifier):
            self.broken("RE-3", request, header.identifier)
        elif self._domain and not header.identifier.startswith(f"oai:{self._domain}:"):
            self.broken("ID-11", request, f"{header.identifier} is not of {self._domain}")
        if not self._granularity.fullmatch(header.datestamp) or _moment(header.datestamp) is None:
            self.broken("RE-4", request, f"{header.identifier}: {header.datestamp}")
        elif self._earliest and header.datestamp < self._earliest:
            self.broken("ID-6", request, f"{header.identifier}: {header.datestamp} is before {self._earliest}")
        for spec in header.sets:
            if self._sets is None or (self._sets and spec not in self._sets):
                self.broken("SE-5", request, f"{header.identifier}: {spec}")

    def _check_record(self, request: str, record: etree._Element, namespace: str) -> None:
        header = record.find(f"{{{OAI}}}header")
        identifier = _text(header, "identifier") if header is not None else "?"
        metadata = record.find(f"{{{OAI}}}metadata")
        inner = list(metadata) if metadata is not None else []
        if header is not None and header.get("status") == "deleted":
            if metadata is not None:
                self.broken("RE-2", request, identifier)
            return
        if len(inner) != 1:
            self.broken("RE-1", request, f"{identifier}: {len(inner)} elements")
            return
        [root] = inner
        if etree.QName(root).namespace != namespace:
            self.broken("RE-1", request, f"{identifier}: {root.tag}")
        if not root.get(f"{{{XSI}}}schemaLocation"):
            self.broken("RE-5", request, f"{identifier}: no xsi:schemaLocation")

    def _check_token(self, page: Page, token: etree._Element, before: int, after: int, size: str | None) -> None:
        request, text = page.reply.request, (token.text or "").strip()
        if not _SAFE_TOKEN.fullmatch(token.text or ""):
            self.broken("TO-4", request, token.text or "")
        complete, cursor = token.get("completeListSize"), token.get("cursor")
        if complete is None or not complete.isdecimal() or int(complete) < after or complete != size:
            self.broken(
                "TO-5", request, f"completeListSize {complete} after {counted(after, 'record')} (first page: {size})"
            )
        if cursor != str(before):
            self.broken("TO-5", request, f"cursor {cursor} behind {counted(before, 'record')}")
        expires = _moment(token.get("expirationDate") or "")
        if expires is None or expires - self._now() < LIFETIME:
            self.broken("TO-6", request, f"{text[:40]}: expirationDate {token.get('expirationDate') or 'missing'}")

    def _check_end(self, page: Page, token: etree._Element | None, *, first: bool) -> None:
        if first and token is not None:
            self.broken("TO-7", page.reply.request, "an empty resumptionToken")
        if not first and token is None:
            self.broken("TO-8", page.reply.request, "no resumptionToken")
        if not first and token is not None and token.attrib:
            self.broken("TO-9", page.reply.request, str(attributes_of(token)))

    def _check_again(self, verb: str, text: str, first: Page) -> None:
        again = self._get(("verb", verb), ("resumptionToken", text))
        if again is None or again.errors or again.headers() != first.headers():
            self.broken("TO-2", first.reply.request, str(again.errors) if again and again.errors else "another page")

    def _one_by_one(self, headers: Sequence[Header]) -> None:
        """Ask for some records by themselves, deleted ones among them."""
        deleted = [header for header in headers if header.deleted][:2]
        for header in (*_spread(headers, SAMPLED), *deleted):
            page = self._get(("verb", "GetRecord"), ("identifier", header.identifier), _DC)
            if page is None:
                continue
            if page.headers() != [header]:
                self.broken("GE-1", page.reply.request, str(page.errors or page.headers() or "no record"))
            for record in page.root.iter(f"{{{OAI}}}record"):
                self._check_record(page.reply.request, record, OAI_DC)
        page = self._get(("verb", "ListMetadataFormats"), ("identifier", headers[0].identifier))
        if page is not None and (page.errors or page.root.find(f".//{{{OAI}}}metadataFormat") is None):
            self.broken("FO-2", page.reply.request, str(page.errors))
        if spec := next((spec for header in headers for spec in header.sets), None):
            page = self._get(("verb", "ListIdentifiers"), _DC, ("set", spec))
            for header in page.headers() if page is not None else ():
                if not any(each == spec or each.startswith(f"{spec}:") for each in header.sets):
                    self.broken("SE-4", page.reply.request if page else "", f"{header.identifier}: {header.sets}")
            if page is not None and page.errors:
                self.broken("SE-4", page.reply.request, str(page.errors))

    def _windows(self, headers: Sequence[Header]) -> None:
        """Ask by date."""
        stamp = headers[len(headers) // 2].datestamp
        if _moment(stamp) is None:
            return
        self._window("DA-1", ("from", stamp), ("until", stamp), lambda found: found == stamp, must=True)
        day = stamp[:10]
        self._window("DA-2", ("from", day), ("until", day), lambda found: found[:10] == day, must=True)
        form = "%Y-%m-%d" if self._granularity is _DATE else "%Y-%m-%dT%H:%M:%SZ"
        future = (self._now() + timedelta(days=2)).strftime(form)
        self._window("DA-3", ("from", future), None, lambda _: False)
        if self._earliest and (earliest := _moment(self._earliest)) and earliest.year > 1:
            self._window("DA-3", None, ("until", (earliest - timedelta(days=2)).strftime(form)), lambda _: False)
        self._window("DA-4", ("from", "1970-01-01"), None, lambda _: True, must=True)
        self._window("DA-4", None, ("until", future), lambda _: True, must=True)
        absent = self._get(("verb", "ListIdentifiers"), _DC, ("set", "no-such-set"))
        if absent is not None and absent.codes != {"noSetHierarchy" if self._sets is None else "noRecordsMatch"}:
            self.broken("DA-3", absent.reply.request, str(absent.errors or "records"))

    def _window(
        self, rule: str, start: tuple[str, str] | None, end: tuple[str, str] | None, fits: Callable[[str], bool], *,
        must: bool = False,
    ) -> None:  # fmt: skip
        """Ask for a window: it has records that fit (at least one where it ``must``), else noRecordsMatch."""
        page = self._get(("verb", "ListIdentifiers"), _DC, *(each for each in (start, end) if each is not None))
        if page is None:
            return
        stamps = [header.datestamp for header in page.headers()]
        wrong = [stamp for stamp in stamps if not fits(stamp)]
        if wrong:
            self.broken(rule, page.reply.request, f"a record of {wrong[0]}")
        elif (must and not stamps) or (not stamps and page.codes != {"noRecordsMatch"}):
            self.broken(rule, page.reply.request, str(page.errors or "no records"))

    def _errors(self) -> None:
        for wrong in WRONG:
            page = self._get(*wrong.arguments)
            if page is not None and (not page.codes or not page.codes <= wrong.codes):
                self.broken("ER-1", page.reply.request, f"{', '.join(sorted(page.codes)) or 'no error'}, not "
                            f"{' or '.join(sorted(wrong.codes))}")  # fmt: skip

    def _transport(self) -> None:
        """Ask the same in other ways."""
        posted = self._get(("verb", "ListMetadataFormats"), method="POST")
        if posted is None or posted.errors:
            self.broken(
                "HT-4", f"POST {self.url} verb=ListMetadataFormats", str(posted.errors) if posted else "no answer"
            )
        reply = self._reply((("verb", "Identify"),), "GET", {"Accept": "text/html, image/gif, image/jpeg, */*; q=.2"})
        if reply is not None and "xml" not in reply.headers.get("content-type", ""):
            self.broken("HT-5", reply.request, f"{reply.status} {reply.headers.get('content-type', '')}")
        packed = self._reply((("verb", "ListRecords"), _DC), "GET", {"Accept-Encoding": "gzip"})
        if packed is None:
            return
        if packed.encoding != "gzip" or "gzip" not in self._compressions:
            self.broken("HT-8", packed.request, f"Content-Encoding {packed.encoding or 'none'}, Identify says "
                        f"{', '.join(self._compressions) or 'no compression'}")  # fmt: skip


def _other(reply: Reply) -> str:
    """Say what an answer is that has nothing of OAI-PMH in it and leads nowhere else; nothing for any other."""
    if b"OAI-PMH" in reply.body or 300 <= reply.status < 400:
        return ""
    if reply.status != 200:
        return f"HTTP {reply.status}"
    if re.match(rb"\s*(<!doctype\s+html|<html)\b", reply.body.removeprefix(b"\xef\xbb\xbf"), re.IGNORECASE):
        return "an HTML page"
    return "no answer of OAI-PMH"


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _declared_outside(body: bytes) -> Iterator[list[str]]:
    """Yield for each record the namespaces of its metadata that are declared further out, where there are any."""
    declared: set[str] = set()
    used: set[str] = set()
    inside = False
    events = etree.iterparse(BytesIO(body), ("start", "end", "start-ns"), resolve_entities=False, no_network=True)
    for event, subject in events:
        if event == "start-ns":
            declared.add(str(subject[1]))
        elif subject.tag == f"{{{OAI}}}metadata":
            if event == "end" and (outside := used - declared - {_XML}):
                yield sorted(outside)
            inside, used = event == "start", set()
            declared.clear()
        elif inside and event == "start" and isinstance(subject.tag, str):
            used.update(etree.QName(name).namespace or "" for name in (subject.tag, *subject.attrib) if name[:1] == "{")


def _text(element: etree._Element, name: str) -> str:
    return element.findtext(f"{{{OAI}}}{name}", "").strip()


def _words(element: etree._Element) -> str:
    return " ".join("".join(map(str, element.itertext())).split())


def _moment(text: str) -> datetime | None:
    """Return a datestamp of either granularity as a moment; None for what is none."""
    try:
        form = "%Y-%m-%d" if _DATE.fullmatch(text) else "%Y-%m-%dT%H:%M:%SZ"
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None


def _spread(headers: Sequence[Header], number: int) -> Iterator[Header]:
    """Yield some of the headers, from the first to the last."""
    step = max(len(headers) // number, 1)
    yield from headers[::step][:number]
