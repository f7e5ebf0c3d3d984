"""Caches may keep token pages while the token lives, are told when a page changes, and nobody loses by it."""

from __future__ import annotations

import gzip
import json
import random
import re
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from faults.test_requests import receive
from protocol.rig import BEGIN, InMemory, provider
from servers import Answer, Installation, Server, fetch, wait_until
from validation import assert_valid

from oai_server.protocol import arguments, datestamps
from oai_server.protocol.provider import Document, Provider
from oai_server.web import caching

WEEK = 7 * 86_400
TOKEN = r"<resumptionToken [^>]+>([^<]+)<"


# From outside


@pytest.fixture(scope="module")
def installation(new_installation: Callable[..., Installation]) -> Installation:
    made = new_installation("sqlite", page_size=7, identifiers_page_size=7)
    feed(made, 0, 30)
    return made


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    with installation.serve() as server:
        yield server


def feed(installation: Installation, first: int, count: int, title: str = "A title") -> None:
    lines = [json.dumps({"id": f"r{n}", "titles": [{"value": f"{title} {n}"}]}) for n in range(first, first + count)]
    installation.run("import", "-", "--reader", "canonical", stdin="\n".join(lines))


def token_page(server: Server, number: int = 2, verb: str = "ListRecords") -> str:
    """Return the address of a page of the whole list, as the page before it gives it."""
    arguments = {"verb": verb, "metadataPrefix": "oai_dc"}
    for _ in range(number - 1):
        text = server.get(**arguments).text
        arguments = {"verb": verb, "resumptionToken": re.search(TOKEN, text)[1]}
    return f"{server.base_url}?{urlencode(arguments)}"


def settled(server: Server, url: str) -> Answer:
    """Ask for a page until the second in which its list began is over."""
    found: list[Answer] = []

    def has_tag() -> bool:
        found.append(fetch(url))
        return "ETag" in found[-1].headers

    wait_until(has_tag, 5, "an ETag")
    return found[-1]


@pytest.mark.parametrize("number", [2, 5])
@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
def test_a_token_page_may_be_kept_while_its_token_lives(server: Server, verb: str, number: int):
    url = token_page(server, number, verb)
    first = fetch(url)  # also in the second in which its list began
    kept = re.fullmatch(r"public, max-age=(\d+)", first.headers["Cache-Control"])
    assert WEEK - 60 < int(kept[1]) <= WEEK + 1
    page = settled(server, url)
    assert re.fullmatch(r'"[0-9a-f]{24}"', page.headers["ETag"])
    assert page.body == first.body
    head = fetch(url, "HEAD")
    assert {**head.headers, "Date": "", "Cache-Control": ""} == {**page.headers, "Date": "", "Cache-Control": ""}


def test_who_has_a_page_is_told_so_without_it(server: Server):
    url = token_page(server)
    page = settled(server, url)
    packed = fetch(url, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.body) == page.body
    assert packed.headers["ETag"] != page.headers["ETag"], "other bytes"
    tag = page.headers["ETag"]
    target = url.removeprefix(server.url)
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=30) as connection:
        stream = connection.makefile("rb")
        for method, given, status in [
            ("GET", tag, 304), ("HEAD", tag, 304), ("GET", f'"x", W/{tag}', 304), ("GET", "*", 304),
            ("GET", '"x"', 200),
            ("GET", ";;,", 200), ("GET", packed.headers["ETag"], 200),
        ]:  # fmt: skip
            connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {given}\r\n\r\n".encode())
            answer = receive(stream, head=status == 304)
            assert answer.status == status, given
            assert answer.headers["etag"] == tag
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers["cache-control"].startswith("public, max-age=")
            assert ("content-length" in answer.headers) == (status == 200)
    both = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert (fetch(url, headers=both).status, fetch(url, headers=both).body) == (304, b"")


def test_everything_else_is_good_for_one_request(server: Server):
    url = token_page(server)
    token = url.rpartition("=")[2]
    for path in (
        "/oai?verb=Identify", "/oai?verb=ListSets", "/oai?verb=ListMetadataFormats", "/oai", "/", "/nothing",
        "/oai?verb=ListRecords&metadataPrefix=oai_dc", "/oai?verb=ListRecords&metadataPrefix=oai_dc&until=2020-01-01",
        "/oai?verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:archive.example.org:r1", "/oai?verb=x",
        f"/oai?verb=ListIdentifiers&resumptionToken={token}", "/oai?verb=ListRecords&resumptionToken=x",
    ):  # fmt: skip
        answer = fetch(server.url + path, headers={"If-None-Match": "*"})
        assert answer.status == (404 if path == "/nothing" else 200)
        assert (answer.headers["Cache-Control"], answer.headers.get("ETag")) == ("no-cache", None), path
    posted = fetch(
        server.base_url, "POST", url.partition("?")[2], {"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert_valid(posted.body)
    assert (posted.headers["Cache-Control"], posted.headers.get("ETag")) == ("no-cache", None)
    assert fetch(f"{server.url}/health/ready").headers["Cache-Control"] == "no-store"


def test_a_page_that_records_have_left_is_another_page(server: Server, installation: Installation):
    url = token_page(server)
    before = settled(server, url)
    feed(installation, 9, 1, "Another title")
    after = fetch(url, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status == 200
    assert after.headers["ETag"] != before.headers["ETag"]
    assert "oai:archive.example.org:r9<" in before.text
    assert "oai:archive.example.org:r9<" not in after.text
    feed(installation, 3, 1, "Another title")  # it was on the first page
    assert fetch(url, headers={"If-None-Match": after.headers["ETag"]}).status == 304


def test_a_list_that_has_moved_on_entirely_is_good_for_one_request(server: Server, installation: Installation):
    feed(installation, 100, 9)
    url = token_page(server, 6)
    assert "<record>" in settled(server, url).text
    feed(installation, 0, 140, "All new")
    assert fetch(url).text.count("<record>") == 1
    assert (fetch(url).headers["Cache-Control"], fetch(url).headers.get("ETag")) == ("no-cache", None)


# By the rule, on a repository whose clock the test sets


class World:
    """A repository where anything happens, in seconds that the dice give, and harvesters behind one cache."""

    def __init__(self, seed: int, *, keeps_all: bool = False) -> None:
        self.dice = random.Random(seed)
        self.repository = InMemory()
        self.provider = provider(self.repository, page_size=3, identifiers_page_size=4)
        self.keeps_all = keeps_all
        self.hits = 0
        self._kept: dict[str, Document] = {}
        for number in range(12):
            self.publish(number)

    def publish(self, number: int) -> None:
        self.repository.put(number, sets="wilson" if number % 2 else "", deleted=self.dice.random() < 0.2)

    def happen(self) -> None:
        """Let one thing happen: a second goes by, or some records change."""
        if self.dice.random() < 0.4:
            self.repository.now += self.dice.choice([1, 1, 2])
        else:
            for _ in range(self.dice.choice([1, 1, 3])):
                self.publish(self.dice.randrange(16))

    def get(self, query: str) -> str:
        """Ask the cache, which asks the server for what it does not have."""
        kept = self._kept.get(query)
        if kept and (self.keeps_all or self.repository.now < kept.expires):
            self.hits += 1
            return kept.content.decode()
        document = self.provider.answer(arguments.decode(query.encode()))
        if document.expires or self.keeps_all:
            self._kept[query] = document
        return document.content.decode()


class Harvester:
    """Takes one page at a time; now and then it has lost its place, and goes on from an older token of its list."""

    def __init__(self, world: World, begin: str, setspec: str | None) -> None:
        self.world, self.begin, self.setspec = world, begin, setspec
        self.copy: dict[str, tuple[str, bool]] = {}
        self.tokens: list[str] = []
        self.dates: list[str] = []
        self.stamps: list[str] = []
        self.since: str | None = None

    def step(self) -> bool:
        """Take one page; return whether the list is complete."""
        if len(self.tokens) > 1 and self.world.dice.random() < 0.15:
            self.tokens = self.tokens[: self.world.dice.randrange(1, len(self.tokens))]
        query = {"verb": "ListRecords"}
        if self.tokens:
            query["resumptionToken"] = self.tokens[-1]
        else:
            query["metadataPrefix"] = "oai_dc"
            query |= {"set": self.setspec} if self.setspec else {}
            query |= {"from": self.since} if self.since and self.begin != "fresh" else {}
            self.dates, self.stamps = [], []
        text = self.world.get(urlencode(query))
        assert set(re.findall(r'<error code="(\w+)"', text)) <= {"noRecordsMatch"}, text
        self.dates.append(re.search(r"<responseDate>(.*?)<", text)[1])
        for status, identifier, stamp in re.findall(
            r"<header( status=\"deleted\")?><identifier>(.*?)</identifier><datestamp>(.*?)<", text
        ):
            self.copy[identifier] = (stamp, bool(status))
            self.stamps.append(stamp)
        token = re.search(TOKEN, text)
        if token:
            self.tokens.append(token[1])
            return False
        self.tokens = []
        moments = {"first": self.dates[0], "last": self.dates[-1], "highest": max(self.stamps, default=self.since)}
        self.since = moments.get(self.begin)
        return True


def lost(world: World) -> int:
    """Play a world to its end; return how many records harvesters have not as they are."""
    kinds = [(begin, spec) for begin in ("first", "last", "highest", "fresh") for spec in (None, "wilson")]
    harvesters = [Harvester(world, *kind) for kind in kinds * 3]
    for _ in range(120):
        world.happen()
        for harvester in world.dice.sample(harvesters, 12):
            harvester.step()
    missing = 0
    for harvester in harvesters:
        for _ in range(2):  # the list under way, and one more
            while not harvester.step():
                pass
            world.repository.now += 1
        expected = {
            row.identifier: (datestamps.to_text(row.datestamp), row.deleted)
            for row in world.repository.listed("oai_dc", harvester.setspec)
        }
        missing += len(expected.items() - harvester.copy.items())
    return missing


def test_nobody_behind_a_cache_misses_a_change():
    worlds = [World(seed) for seed in range(15)]
    assert sum(map(lost, worlds)) == 0
    assert sum(world.hits for world in worlds) > 1000, "the cache was hardly used"


def test_a_cache_that_keeps_first_pages_would_make_them_miss_changes():
    assert sum(lost(World(seed, keeps_all=True)) for seed in range(5)) > 0


def ask(of: Provider, token: str) -> Document:
    return of.answer([("verb", "ListRecords"), ("resumptionToken", token)])


@pytest.mark.parametrize("seed", range(6))
def test_one_tag_stands_for_one_page_of_bytes_whatever_happens(seed: int):
    world = World(seed)
    tokens: set[str] = set()
    bytes_of: dict[tuple[str, str], bytes] = {}
    tags: dict[tuple[str, bytes], str] = {}
    for _ in range(80):
        world.happen()
        if not tokens or world.dice.random() < 0.2:
            first = world.provider.answer([("verb", "ListRecords"), ("metadataPrefix", "oai_dc")])
            assert (first.expires, caching.tag(first, "")) == (None, None)
            tokens |= set(re.findall(TOKEN, first.content.decode()))
        for token in world.dice.sample(sorted(tokens), min(len(tokens), 10)):
            page = ask(world.provider, token)
            tokens |= set(re.findall(TOKEN, page.content.decode()))
            tag = caching.tag(page, "")
            if tag:
                assert bytes_of.setdefault((token, tag), page.content) == page.content
                assert tags.setdefault((token, page.content), tag) == tag
                assert caching.tag(page, "gzip") != tag
    assert len(bytes_of) > 10


def test_a_page_of_a_second_that_is_not_over_is_not_settled():
    repository = InMemory()
    for number in range(4):
        repository.put(number)
    server = provider(repository, page_size=2)
    first = server.answer([("verb", "ListRecords"), ("metadataPrefix", "oai_dc")])
    token = re.search(TOKEN, first.content.decode())[1]
    before = ask(server, token)
    assert (before.settled, before.expires) == (False, BEGIN + WEEK)
    repository.put(9)  # in the same second: it comes into the window
    after = ask(server, token)
    assert after.content != before.content
    repository.now += 1
    assert ask(server, token).settled


def test_another_server_s_pages_have_other_tags():
    """Where settings or code make other bytes of the same records, the tag is another."""
    document = Document(b"<OAI-PMH>" + b"x" * 5000, 1, settled=True)
    others = [b"<OAI_PMH>" + b"x" * 5000, b"<OAI-PMH>" + b"x" * 5001, b"<OAI-PMH>" + b"x" * 4999 + b"y"]
    assert len({caching.tag(document, ""), *(caching.tag(document._replace(content=one), "") for one in others)}) == 4
