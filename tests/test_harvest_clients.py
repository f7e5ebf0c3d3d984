"""Harvesters that aggregators run get from a real server, on each engine, exactly what the store holds."""

from __future__ import annotations

import csv
import gzip
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import places
import pytest
from harvesters import CLIENTS, Harvest, Strict, digest, raw
from lxml import etree
from servers import ENGINES, Installation, Server, postgresql_binaries

PREFIX = "oai:archive.example.org:"
DELETED = {f"{PREFIX}A00001", f"{PREFIX}A00005"}
PROFILE = places.EXAMPLES / "tate.toml"
SET = "classification"
# HTTP::OAI takes minutes for the records of a whole collection; `make test-long` has them, each run its headers.
PERL_VERB = "ListRecords" if os.environ.get("OAI_LONG") else "ListIdentifiers"

every_client = pytest.mark.parametrize("client", CLIENTS)
every_verb = pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])


class Repository(NamedTuple):
    """An installation, its server, and the identifiers that its files hold."""

    installation: Installation
    server: Server
    identifiers: frozenset[str]


def accession_numbers(path) -> Iterator[str]:
    """Read the column that is a work's id, by other code than the product's."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        yield from (row["accession_number"] for row in csv.DictReader(file))


def next_second() -> None:
    """Wait for another datestamp."""
    time.sleep(1.1)


@pytest.fixture(scope="module")
def demo(new_installation: Callable[..., Installation], engine: str) -> Iterator[Repository]:
    """The demo collection in several seconds of datestamps and many small pages, two of its works deleted."""
    installation = new_installation(engine, page_size=50, identifiers_page_size=70)
    installation.run("import", places.EXAMPLES / "memorandum.yaml")
    next_second()
    table = places.EXAMPLES / "tate-sample.csv"
    installation.run("import", "--source", "tate", "--profile", PROFILE, table)
    next_second()
    installation.run("delete", *sorted(DELETED))
    identifiers = {f"{PREFIX}{number}" for number in accession_numbers(table)} | {f"{PREFIX}165251"}
    with installation.serve() as server:
        yield Repository(installation, server, frozenset(identifiers))


@every_verb
def test_a_whole_harvest_has_every_item_of_the_files(demo: Repository, verb: str):
    seen = raw(demo.server.base_url, verb)
    assert seen.keys() == demo.identifiers
    assert {identifier for identifier, state in seen.items() if state.deleted} >= DELETED


def test_what_is_harvested_is_what_show_says(demo: Repository):
    seen = raw(demo.server.base_url)
    for identifier in [f"{PREFIX}165251", *sorted(DELETED), max(seen)]:
        shown = demo.installation.run("show", identifier).stdout
        datestamp, deleted = re.search(r"^# oai_dc (\S+)( deleted)?$", shown, re.MULTILINE).groups()
        assert (seen[identifier].datestamp, seen[identifier].deleted) == (datestamp, bool(deleted))
        if not deleted:
            rendition = demo.installation.run("show", identifier, "--prefix", "oai_dc").stdout
            assert seen[identifier].payload == digest(etree.fromstring(rendition.encode()))


@every_verb
@every_client
def test_whole(demo: Repository, client: str, verb: str):
    base_url = demo.server.base_url
    assert CLIENTS[client](base_url, verb) == raw(base_url, verb)


@pytest.mark.parametrize("prefix", ["mods"])
@every_client
def test_whole_in_another_format(demo: Repository, client: str, prefix: str):
    base_url = demo.server.base_url
    seen = CLIENTS[client](base_url, metadataPrefix=prefix)
    assert seen == raw(base_url, metadataPrefix=prefix)
    assert seen.keys() == demo.identifiers


@every_client
def test_by_set(demo: Repository, client: str):
    base_url = demo.server.base_url
    whole = raw(base_url)
    sets = sorted(set().union(*(state.sets for state in whole.values())))
    assert len(sets) > 3
    for spec in [*sets, SET]:
        members = {i: s for i, s in whole.items() if any(f"{one}:".startswith(f"{spec}:") for one in s.sets)}
        assert CLIENTS[client](base_url, set=spec) == raw(base_url, set=spec) == members


@every_client
def test_by_window(demo: Repository, client: str):
    base_url = demo.server.base_url
    whole = raw(base_url)
    stamps = sorted({state.datestamp for state in whole.values()})
    assert len(stamps) >= 3
    for stamp in stamps:
        seen = CLIENTS[client](base_url, from_=stamp, until=stamp)
        assert seen == {i: state for i, state in whole.items() if state.datestamp == stamp}
    assert CLIENTS[client](base_url, from_=stamps[0][:10], until=stamps[-1][:10]) == whole
    assert CLIENTS[client](base_url, from_=stamps[1]) == {i: s for i, s in whole.items() if s.datestamp >= stamps[1]}
    assert CLIENTS[client](base_url, until="1999-12-31") == {}


@every_client
def test_incrementally(demo: Repository, client: str):
    """From the responseDate of the last harvest on: a deletion and a revival arrive, and nothing else need be sent."""
    base_url = demo.server.base_url
    harvest = CLIENTS[client]
    held = harvest(base_url)
    last = Strict(base_url, "ListRecords", {"metadataPrefix": "oai_dc"}).harvest().response_date
    next_second()
    victim = max(identifier for identifier, state in held.items() if not state.deleted)
    demo.installation.run("delete", victim)
    increment = harvest(base_url, from_=last)
    assert increment[victim].deleted
    assert len(increment) < len(held)
    held |= increment
    assert held == raw(base_url)
    next_second()
    demo.installation.run(
        *("import", "--source", "tate", "--profile", PROFILE, places.EXAMPLES / "tate-sample.csv"),
    )
    held |= harvest(base_url, from_=increment[victim].datestamp)
    demo.installation.run("delete", *sorted(DELETED))
    held |= harvest(base_url, from_=increment[victim].datestamp)
    assert not held[victim].deleted
    assert held == raw(base_url)


class Collection(NamedTuple):
    """The whole collection on one engine; ``perl`` is that harvest while it runs, slower than all others."""

    repository: Repository
    perl: Future[Harvest]


@pytest.fixture(scope="module")
def collections(new_installation: Callable[..., Installation]) -> Iterator[dict[str, Collection]]:
    """All 69,202 works on each engine that is there; both engines at once, to use two cores."""
    table = places.data() / "tate" / "tate-artworks.csv.gz"
    identifiers = frozenset(f"{PREFIX}{number}" for number in accession_numbers(table))
    engines = [engine for engine in ENGINES if engine != "postgresql" or postgresql_binaries()]
    made = {engine: new_installation(engine, page_size=1000, identifiers_page_size=5000) for engine in engines}

    def load(installation: Installation) -> None:
        installation.run("import", "--source", "tate", "--profile", PROFILE, table, timeout=900)

    with ThreadPoolExecutor(len(engines)) as pool, ExitStack() as servers:
        list(pool.map(load, made.values()))
        running = {engine: servers.enter_context(one.serve()) for engine, one in made.items()}
        yield {
            engine: Collection(
                Repository(made[engine], server, identifiers), pool.submit(CLIENTS["perl"], server.base_url, PERL_VERB)
            )
            for engine, server in running.items()
        }
        pool.shutdown()  # before the servers stop


@pytest.fixture(scope="module")
def collection(request: pytest.FixtureRequest, engine: str) -> Collection:
    """The whole collection on each engine in turn."""
    if engine == "postgresql":
        request.getfixturevalue("postgresql")  # skips where it is missing
    return request.getfixturevalue("collections")[engine]


@pytest.fixture(scope="module")
def strictly(collection: Collection) -> Harvest:
    """What the strict harvester sees of it."""
    return raw(collection.repository.server.base_url)


def test_a_whole_collection_comes_whole(collection: Collection, strictly: Harvest):
    assert len(strictly) == 69_202
    assert strictly.keys() == collection.repository.identifiers


@pytest.mark.parametrize("client", ["sickle", "scythe"])
def test_a_whole_collection(collection: Collection, strictly: Harvest, client: str):
    assert CLIENTS[client](collection.repository.server.base_url) == strictly


def test_a_whole_collection_with_perl(collection: Collection, strictly: Harvest):
    held = strictly
    if PERL_VERB == "ListIdentifiers":
        held = {identifier: state._replace(payload="") for identifier, state in strictly.items()}
    assert collection.perl.result() == held


@every_client
def test_a_whole_collection_by_set_window_and_increment(collection: Collection, strictly: Harvest, client: str):
    """The smallest set and second of some size, and what comes after a deletion: the same as in the whole."""
    collection.perl.result()  # it saw the collection as it was before this deletion
    harvest, base_url = CLIENTS[client], collection.repository.server.base_url
    before = raw(base_url, verb="ListIdentifiers", schemas=False)
    sets = Counter(spec for state in before.values() for spec in state.sets)
    spec = min((n, spec) for spec, n in sets.items() if n >= 100)[1]
    assert harvest(base_url, set=spec).keys() == {i for i, state in before.items() if spec in state.sets}
    stamps = Counter(state.datestamp for state in before.values())
    stamp = min((n, stamp) for stamp, n in stamps.items() if n >= 100)[1]
    window = harvest(base_url, from_=stamp, until=stamp)
    assert window.keys() == {i for i, state in before.items() if state.datestamp == stamp}
    assert all(state == strictly[i] for i, state in window.items())
    last = max(stamps)
    next_second()
    victim = max(i for i, state in before.items() if not state.deleted and state.datestamp < last)
    collection.repository.installation.run("delete", victim)
    increment = harvest(base_url, from_=last)
    assert increment[victim].deleted
    after = raw(base_url, verb="ListIdentifiers", schemas=False)
    assert {i: (s.datestamp, s.deleted) for i, s in increment.items()} == {
        i: (s.datestamp, s.deleted) for i, s in after.items() if s.datestamp >= last
    }
