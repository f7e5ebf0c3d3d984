"""Requests of every malformed kind against a real server: an OAI-PMH answer or the right HTTP status, never a 500."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from servers import Answer, Installation, Server, fetch, wait_until
from validation import assert_valid

OAI = "{http://www.openarchives.org/OAI/2.0/}"
BIG = "x" * 200_000


def feed(installation: Installation) -> None:
    lines = [
        json.dumps({"id": f"r{number}", "titles": [{"value": BIG if number < 40 else "é"}], "sets": ["a:b"]})
        for number in range(60)
    ]
    installation.run("import", "-", "--reader", "canonical", stdin="\n".join(lines))


@pytest.fixture(scope="module")
def server(new_installation: Callable[..., Installation]) -> Iterator[Server]:
    installation = new_installation("sqlite")
    feed(installation)
    with installation.serve() as server:
        yield server


class Raw(NamedTuple):
    """A response as bytes on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


def send(server: Server, request: bytes, *, head: bool = False) -> Raw:
    """Send bytes and read the answer to its Content-Length."""
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        return receive(connection.makefile("rb"), head=head)


def receive(stream, *, head: bool = False) -> Raw:
    status = int(stream.readline().split()[1])
    headers = {}
    while row := stream.readline().strip():
        name, _, value = row.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = b"" if head else stream.read(int(headers["content-length"]))
    return Raw(status, headers, body)


def codes(answer: Answer | Raw) -> list[str]:
    """Return the OAI-PMH error codes of an answer that is valid by the schema."""
    assert answer.status == 200, answer
    assert_valid(answer.body)
    return [error.get("code") for error in etree.fromstring(answer.body).iterfind(f"{OAI}error")]


LIST = "verb=ListIdentifiers&metadataPrefix=oai_dc"
QUERIES = {
    "": "badVerb",
    "verb": "badVerb",
    "verb=": "badVerb",
    "verb=identify": "badVerb",
    "verb=Identify&verb=Identify": "badVerb",
    "%ff%fe": "badVerb",
    "verb=Identify%00": "badVerb",
    "verb=Identify&%00=1": "badArgument",
    "verb=Identify&%zz": "badArgument",
    "verb=Identify&a=%": "badArgument",
    "verb=Identify&=": "badArgument",
    "verb=ListRecords": "badArgument",
    "verb=ListRecords&metadataPrefix=": "badArgument",
    "verb=ListRecords&metadataPrefix=%ff": "badArgument",
    "verb=ListRecords&metadataPrefix=nope": "cannotDisseminateFormat",
    "verb=ListRecords&metadataPrefix[]=oai_dc": "badArgument",
    f"{LIST}&{LIST}": "badVerb",
    f"{LIST}&set=a&set=a": "badArgument",
    f"{LIST}&set=a%20b": "badArgument",
    f"{LIST}&set=nobody": "noRecordsMatch",
    f"{LIST}&from=2024-02-30": "badArgument",
    f"{LIST}&from=2024-01-01&until=2024-01-01T00:00:00Z": "badArgument",
    f"{LIST}&from=9999-12-31": "noRecordsMatch",
    f"{LIST}&until=0001-01-01": "noRecordsMatch",
    f"{LIST}&resumptionToken=x": "badArgument",
    "verb=ListIdentifiers&resumptionToken=": "badResumptionToken",
    "verb=ListIdentifiers&resumptionToken=%EF%BF%BF": "badArgument",
    "verb=ListIdentifiers&resumptionToken=" + "A" * 3000: "badResumptionToken",
    "verb=ListSets&resumptionToken=x": "badResumptionToken",
    "verb=GetRecord&metadataPrefix=oai_dc&identifier=a%00b": "badArgument",
    "verb=GetRecord&metadataPrefix=oai_dc&identifier=%F0%9F%92%A9": "idDoesNotExist",
    "verb=GetRecord&metadataPrefix=oai_dc&identifier=" + "a" * 2000: "badArgument",
    "verb=GetRecord&metadataPrefix=oai_dc&identifier='%20OR%201=1--": "badArgument",
    "&".join(f"a{number}=1" for number in range(1000)): "badVerb",
}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:60] or "nothing")
def test_a_malformed_query_is_an_oai_error(server: Server, query: str):
    answer = fetch(f"{server.base_url}?{query}")
    assert QUERIES[query] in codes(answer)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert fetch(server.base_url, "POST", query, FORM).body == answer.body


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WORDS = st.sampled_from([
    "verb", "Identify", "ListRecords", "GetRecord", "ListSets", "metadataPrefix", "oai_dc", "identifier", "from",
    "until", "2024-01-01", "resumptionToken", "set", "=", "=", "&", "&", "%", "%00", "%ff", "+", ";", "a:b", "%26", "?",
])  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(query=st.lists(WORDS, max_size=14).map("".join), post=st.booleans())
def test_any_heap_of_words_gets_a_valid_answer(server: Server, query: str, post: bool):
    if post:
        codes(fetch(server.base_url, "POST", query, FORM))
    else:
        codes(fetch(f"{server.base_url}?{query}"))


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300))
def test_any_bytes_in_a_form_get_a_valid_answer(server: Server, body: bytes):
    assert set(codes(fetch(server.base_url, "POST", b"verb=Identify&" + body, FORM))) <= {"badArgument", "badVerb"}


# What HTTP itself makes of requests

IDENTIFY = b"GET /oai?verb=Identify HTTP/1.1\r\nHost: x\r\n"
WIRE = {
    "plain": (IDENTIFY + b"\r\n", 200),
    "without a host": (b"GET /oai?verb=Identify HTTP/1.0\r\n\r\n", 200),
    "raw bytes in the query": (b"GET /oai?verb=\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "bad percents in the path": (b"GET /oai%zz?verb=Identify HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "NUL in the path": (b"GET /oai%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "absolute form": (b"GET http://x/oai?verb=Identify HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    "no HTTP": (b"nonsense\r\n\r\n", 400),
    "overlong": (b"GET /oai?verb=" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "a header without a colon": (IDENTIFY + b"nonsense\r\n\r\n", 400),
    "two lengths": (IDENTIFY.replace(b"GET", b"POST") + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a length that is none": (IDENTIFY.replace(b"GET", b"POST") + b"Content-Length: -5\r\n\r\n", 400),
    "GET with a body": (IDENTIFY + b"Content-Length: 4\r\n\r\na=b&", 200),
}


@pytest.mark.parametrize("name", WIRE)
def test_a_malformed_message_is_refused_by_its_status(server: Server, name: str):
    request, status = WIRE[name]
    answer = send(server, request)
    assert answer.status == status
    if status == 200:
        codes(answer)


PATHS = {"/oai/": 200, "//oai": 200, "/oai//": 404, "/OAI": 404, "/oai/x": 404, "/nothing": 404, "/records/x": 404,
         "/records/a%00b": 404, "/records/%ff": 404, "/records/oai:d.org:http://x": 404}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_no_address_redirects(server: Server, path: str):
    answer = fetch(f"{server.url}{path}?verb=Identify")
    assert answer.status == PATHS[path]
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    if answer.status == 200:
        assert codes(answer) == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "NONSENSE"])
def test_another_method_is_refused(server: Server, method: str):
    answer = fetch(f"{server.base_url}?verb=Identify", method, b"abc")
    assert answer.status == 405
    assert {name.strip() for name in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "POST"}
    assert int(answer.headers["Content-Length"]) == len(answer.body)


POSTS = {
    "form": (FORM, b"verb=Identify", []),
    "with a charset": ({"Content-Type": f"{FORM['Content-Type']}; charset=utf-8"}, b"verb=Identify", []),
    "empty": (FORM, b"", ["badVerb"]),
    "JSON": ({"Content-Type": "application/json"}, b'{"verb":"Identify"}', ["badVerb"]),
    "multipart": ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\nbroken", ["badVerb"]),
    "a type that is none": ({"Content-Type": ";;;"}, b"verb=Identify", None),
    "huge": (FORM, b"verb=Identify&a=" + b"x" * 3_000_000, ["badVerb"]),
    "many arguments": (FORM, b"verb=Identify" + b"&a=1" * 15_000, ["badArgument"]),
}


@pytest.mark.parametrize("name", POSTS)
def test_a_post_of_any_kind_keeps_the_connection(server: Server, name: str):
    headers, body, expected = POSTS[name]
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    for _ in range(2):
        connection.request("POST", "/oai", body, headers)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        found = codes(answer)
        assert expected is None or set(found) == set(expected)
    connection.close()


def test_a_chunked_post_is_read(server: Server):
    head = IDENTIFY.replace(b"GET /oai?verb=Identify", b"POST /oai") + b"Transfer-Encoding: chunked\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    assert codes(send(server, head + b"5\r\nverb=\r\n8\r\nIdentify\r\n0\r\n\r\n")) == []
    assert send(server, head + b"nonsense\r\n\r\n").status == 400
    assert send(server, head + b"5\r\nverb=nonsense").status == 400
    long = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert codes(send(server, head + long * 4 + b"0\r\n\r\n")) == ["badVerb"]


def test_head_is_get_without_a_body_on_a_connection_that_goes_on(server: Server):
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        stream = connection.makefile("rb")
        requests = [
            ("HEAD", "/oai?verb=Identify"), ("GET", "/oai?verb=Identify"), ("HEAD", "/oai"), ("GET", "/oai"),
            ("HEAD", "/nothing"), ("GET", "/nothing"), ("HEAD", "/oai?verb=ListSets"), ("GET", "/oai?verb=ListSets"),
        ]  # fmt: skip
        lengths = []
        for method, path in requests:
            connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = receive(stream, head=method == "HEAD")
            lengths.append(answer.headers["content-length"])
            assert answer.status == (404 if "nothing" in path else 200)
    assert lengths[::2] == lengths[1::2]


GZIP = {"gzip": True, "gzip, deflate, br": True, "gzip;q=0": False, "gzip;q=0.0, identity": False, "identity": False,
        "": False, "gzip;q=1.0": True, "deflate": False, "x-gzip": False, "gzip;q=nonsense": None, ";;,=": False,
        "br;q=1.0, gzip;q=0.2": True}  # fmt: skip


@pytest.mark.parametrize("accepted", GZIP)
def test_gzip_is_given_to_those_who_take_it(server: Server, accepted: str):
    url = f"{server.base_url}?verb=ListIdentifiers&metadataPrefix=oai_dc"
    answer = fetch(url, headers={"Accept-Encoding": accepted})
    packed = answer.headers.get("Content-Encoding") == "gzip"
    assert GZIP[accepted] in (None, packed)
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    shown = gzip.decompress(answer.body) if packed else answer.body
    assert _timeless(shown) == _timeless(fetch(url).body)


def _timeless(page: bytes) -> bytes:
    """Return a page without the moment at which it was asked for."""
    return re.sub(rb"<responseDate>[^<]+", b"", page)


@pytest.mark.parametrize("accept", ["text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "application/json", "x"])
def test_accept_changes_nothing(server: Server, accept: str):
    answer = fetch(f"{server.base_url}?verb=Identify", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert codes(answer) == []


def test_sigterm_lets_a_slow_download_end(new_installation: Callable[..., Installation]):
    installation = new_installation("sqlite")
    feed(installation)
    server = installation.launch(workers=1)
    try:
        wait_until(server.ready, 30, "the server")
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(30)
            connection.connect(("127.0.0.1", installation.port))
            connection.sendall(b"GET /oai?verb=ListRecords&metadataPrefix=oai_dc HTTP/1.1\r\nHost: x\r\n\r\n")
            data = connection.recv(1000)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(1)
            assert server.process.poll() is None, "it waits"
            while piece := connection.recv(65536):
                data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        assert len(body) == int(re.search(rb"Content-Length: (\d+)", head)[1])
        assert len(body) > 40 * len(BIG)
        assert_valid(body)
        assert server.process.wait(timeout=20) == 0
        assert "Traceback" not in server.log, server.log[-3000:]
    finally:
        if server.process.poll() is None:
            server.process.kill()


def test_while_the_database_is_away_harvesters_are_told_to_come_again(
    new_installation: Callable[..., Installation], request: pytest.FixtureRequest
):
    from servers import Cluster, postgresql_binaries

    cluster = Cluster(postgresql_binaries())  # of its own: others use the shared one
    try:
        installation = Installation(cluster.folder / "instance", {"database_url": cluster.new_database()})
        installation.run("init")
        feed(installation)
        with installation.serve() as server:
            assert codes(server.get(verb="Identify")) == []
            cluster.stop("immediate")
            for path in ("/oai?verb=Identify", "/oai?verb=ListRecords&metadataPrefix=oai_dc", "/oai", "/health/ready"):
                answer = fetch(server.url + path)
                assert answer.status == 503
                assert answer.headers["Retry-After"].isdecimal()
                assert int(answer.headers["Content-Length"]) == len(answer.body)
            assert fetch(f"{server.url}/health/live").status == 200
            assert fetch(server.url).status == 503
            cluster.start()
            wait_until(server.ready, 20, "the database")
            for _ in range(12):  # on every thread of every worker
                assert codes(server.get(verb="ListIdentifiers", metadataPrefix="oai_dc")) == []
    finally:
        cluster.remove()
