"""The rig can fail: the strict harvester refuses each broken page, and every client reads a sound list alike."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from harvesters import CLIENTS, BrokenPageError, raw

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/'
    ' http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd"><responseDate>2024-05-01T10:00:00Z</responseDate>'
    '<request verb="ListRecords">http://127.0.0.1/oai</request><ListRecords>'
)
FOOT = "</ListRecords></OAI-PMH>"


def record(number: int, datestamp: str = "2024-05-01T09:00:00Z") -> str:
    payload = (
        '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai_dc/'
        ' http://www.openarchives.org/OAI/2.0/oai_dc.xsd">'
        f'<dc:title xml:lang="grc">Ὀδύσσεια &amp; {number}</dc:title>\n</oai_dc:dc>'
    )
    return (
        f"<record><header><identifier>oai:a.org:{number}</identifier><datestamp>{datestamp}</datestamp>"
        f"<setSpec>a:b</setSpec></header><metadata>{payload}</metadata></record>"
    )


TOMBSTONE = (
    '<record><header status="deleted"><identifier>oai:a.org:9</identifier>'
    "<datestamp>2024-05-01T09:00:00Z</datestamp></header></record>"
)
NEXT = '<resumptionToken cursor="0" completeListSize="3">two</resumptionToken>'
LAST = "<resumptionToken/>"
SOUND = {"": record(1) + record(2) + NEXT, "two": TOMBSTONE + LAST}


@pytest.fixture
def repository():
    """A function that serves pages, given as ``{token: body of the list}``, and returns the base URL."""
    started = []

    def serve(pages, content_type="text/xml; charset=utf-8"):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                token = parse_qs(urlsplit(self.path).query).get("resumptionToken", [""])[0]
                body = f"{HEAD}{pages[token]}{FOOT}".encode()
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/oai"

    yield serve
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_reads_a_sound_list_alike(repository, client):
    base_url = repository(SOUND)
    seen = CLIENTS[client](base_url)
    assert seen == raw(base_url)
    assert {identifier: state.deleted for identifier, state in seen.items()} == {
        "oai:a.org:1": False,
        "oai:a.org:2": False,
        "oai:a.org:9": True,
    }
    assert seen["oai:a.org:1"].sets == {"a:b"}
    assert seen["oai:a.org:1"].payload != seen["oai:a.org:2"].payload


BROKEN = {
    "empty": {"": record(1) + record(2) + NEXT, "two": LAST},
    "schema": {"": record(1).replace("dc:title", "dc:titel")},
    "comes twice": {"": record(1) + record(2) + NEXT, "two": record(2) + LAST},
    "no resumptionToken": {"": record(1) + record(2) + NEXT, "two": TOMBSTONE},
    "one page": {"": record(1) + LAST},
    "has attributes": {**SOUND, "two": TOMBSTONE + LAST.replace("/", ' completeListSize="3"/')},
    "ascend": {"": record(1, "2024-05-01T09:00:01Z") + record(2)},
    "cursor": {**SOUND, "": record(1) + record(2) + NEXT.replace('"0"', '"1"')},
    "said": {**SOUND, "": record(1) + record(2) + NEXT.replace('"3"', '"4"')},
    "spoil": {**SOUND, "": record(1) + record(2) + NEXT.replace("two", "t+o")},
    "payload": {"": record(1).replace("<header>", '<header status="deleted">')},
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_strict_harvester_refuses_a_broken_list(repository, fault):
    words = {"schema": "titel", "empty": "Expected is .*record"}.get(fault, fault)
    with pytest.raises(BrokenPageError, match=words):
        raw(repository(BROKEN[fault]))


def test_the_strict_harvester_refuses_another_content_type(repository):
    with pytest.raises(BrokenPageError, match="application/xml"):
        raw(repository(SOUND, "application/xml; charset=utf-8"))
