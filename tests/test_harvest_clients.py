"""Harvesters that aggregators run get from a real server, on each engine, exactly what the store holds."""

from __future__ import annotations

import csv
import gzip
import re
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import places
import pytest
from harvesters import CLIENTS, Harvest, Strict, digest, raw
from lxml import etree
from servers import Installation, Server

PREFIX = "oai:archive.example.org:"
DELETED = {f"{PREFIX}A00001", f"{PREFIX}A00005"}
PROFILE = places.EXAMPLES / "tate.toml"
SET = "classification"

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


@pytest.fixture(scope="module")
def tate(new_installation: Callable[..., Installation], engine: str) -> Iterator[tuple[Repository, Harvest]]:
    """The whole collection of 69,202 works, with what the strict harvester saw of it."""
    table = places.data() / "tate" / "tate-artworks.csv.gz"
    installation = new_installation(engine, page_size=1000, identifiers_page_size=5000)
    installation.run("import", "--source", "tate", "--profile", PROFILE, table, timeout=600)
    identifiers = frozenset(f"{PREFIX}{number}" for number in accession_numbers(table))
    with installation.serve() as server:
        yield Repository(installation, server, identifiers), raw(server.base_url)


def test_a_whole_collection_comes_whole(tate: tuple[Repository, Harvest]):
    repository, seen = tate
    assert len(seen) == 69_202
    assert seen.keys() == repository.identifiers


@every_client
def test_a_whole_collection(tate: tuple[Repository, Harvest], client: str):
    repository, seen = tate
    assert CLIENTS[client](repository.server.base_url) == seen
