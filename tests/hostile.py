"""An OAI-PMH server that answers as it is told to: right, or in one of the ways in which real ones go wrong."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MARC = "http://www.loc.gov/MARC21/slim"
DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
STAMP = "2024-05-06T07:08:09Z"
NOW = "2024-06-01T00:00:00Z"


def marc(key: str, title: str = "Title") -> str:
    """Return a small record of MARCXML."""
    return (
        f'<record xmlns="{MARC}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{MARC} http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd">'
        f'<leader>00000nam a2200000 a 4500</leader><controlfield tag="001">{key}</controlfield>'
        f'<datafield tag="245" ind1="0" ind2="0"><subfield code="a">{title}</subfield></datafield></record>'
    )


def record(key: str, metadata: str | None = None, stamp: str = STAMP, sets: str = "", about: str = "") -> str:
    body = f"<metadata>{metadata or marc(key)}</metadata>"
    return f"<record>{header(key, stamp, sets)}{body}{about}</record>"


def header(key: str, stamp: str = STAMP, sets: str = "", status: str = "") -> str:
    specs = "".join(f"<setSpec>{spec}</setSpec>" for spec in sets.split())
    return (
        f"<header{status}><identifier>oai:far.example.org:{key}</identifier>"
        f"<datestamp>{stamp}</datestamp>{specs}</header>"
    )


def gone(key: str) -> str:
    return f"<record>{header(key, status=' status=' + chr(34) + 'deleted' + chr(34))}</record>"


def envelope(content: str, date: str = NOW, request: str = "http://far.example.org/oai") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f"<responseDate>{date}</responseDate><request>{request}</request>{content}</OAI-PMH>"
    )


def page(verb: str, items: Iterable[str], token: str = "", more: str = "") -> str:
    end = f"<resumptionToken{more}>{token}</resumptionToken>" if token else ""
    return f"<{verb}>{''.join(items)}{end}</{verb}>"


def error(code: str, text: str = "so it is") -> str:
    return f'<error code="{code}">{text}</error>'


@dataclass
class Answer:
    """One answer of HTTP; ``body`` may be endless."""

    body: str | bytes | Iterator[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[dict[str, str]], "Answer | str | None"]


class Far:
    """The far repository: ``pages`` of records by key, Identify and formats; ``answer`` may say something else.

    ``asked`` holds the arguments of every request, ``agents`` its headers.
    """

    def __init__(self) -> None:
        self.pages: list[list[str]] = [[record("a"), record("b")], [record("c"), gone("d")], [record("e")]]
        self.identify = {
            "repositoryName": "Far away",
            "granularity": "YYYY-MM-DDThh:mm:ssZ",
            "deletedRecord": "persistent",
        }
        self.date = NOW
        self.formats = {"oai_dc": DC, "marcxml": MARC}
        self.listed: list[str] | None = None
        self.answer: Answering = lambda arguments: None
        self.asked: list[dict[str, str]] = []
        self.headers: list[Any] = []
        self.lists = 0

    def respond(self, arguments: dict[str, str]) -> Answer:
        self.asked.append(arguments)
        said = self.answer(arguments)
        if said is None:
            said = self.usual(arguments)
        if isinstance(said, str):
            said = Answer(said if said.lstrip().startswith("<?xml") else envelope(said, self.date))
        return said

    def usual(self, arguments: dict[str, str]) -> str:
        verb = arguments.get("verb")
        if verb == "Identify":
            return f"<Identify>{''.join(f'<{k}>{v}</{k}>' for k, v in self.identify.items())}</Identify>"
        if verb == "ListMetadataFormats":
            return page(verb, (
                f"<metadataFormat><metadataPrefix>{prefix}</metadataPrefix><schema>s</schema>"
                f"<metadataNamespace>{uri}</metadataNamespace></metadataFormat>" for prefix, uri in self.formats.items()
            ))  # fmt: skip
        if verb == "ListSets":
            return page(verb, ["<set><setSpec>maps</setSpec><setName>Maps &amp; plans</setName></set>"])
        if verb == "ListIdentifiers" and self.listed is not None:
            return page(verb, map(header, self.listed)) if self.listed else error("noRecordsMatch")
        number = int(arguments.get("resumptionToken", "0"))
        items = self.pages[number]
        if verb == "ListIdentifiers":
            items = ["<header" + one.partition("<header")[2].partition("</header>")[0] + "</header>" for one in items]
        token = str(number + 1) if number + 1 < len(self.pages) else ""
        return page(verb or "", items, token) if items or token else error("noRecordsMatch")


@contextmanager
def serving(far: Far) -> Iterator[str]:
    """Serve a far repository and yield its base URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            far.headers.append(self.headers)
            said = far.respond(dict(parse_qsl(urlsplit(self.path).query)))
            body = said.body.encode() if isinstance(said.body, str) else said.body
            self.send_response_only(said.status)
            headers = {"Content-Type": "text/xml; charset=utf-8", **said.headers}
            if headers.get("Content-Encoding") == "gzip" and isinstance(body, bytes):
                body = gzip.compress(body)
            if isinstance(body, bytes):
                headers.setdefault("Content-Length", str(len(body)))
                pieces: Iterable[bytes] = [body]
            else:
                headers["Connection"] = "close"
                self.close_connection = True
                pieces = body
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in pieces:
                    self.wfile.write(piece)
                if isinstance(body, bytes) and int(headers["Content-Length"]) > len(body):
                    self.close_connection = True
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/oai"
    finally:
        server.shutdown()
        server.server_close()
