"""Streaming replicas of a real PostgreSQL serve token pages: behind, stopped and back, and no harvester notices."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from servers import Cluster, Installation, Replica, Server, free_port, wait_until


@pytest.fixture(scope="module")
def replica(postgresql: Cluster) -> Iterator[Replica]:
    standby = postgresql.replica()
    yield standby
    standby.remove()


@pytest.fixture
def installation(new_installation: Callable[..., Installation], replica: Replica) -> Installation:
    """An installation whose database has a replica, and one more that is never there."""
    made = new_installation("postgresql", page_size=5)
    here = made.settings["database_url"]
    nowhere = re.sub(r":\d+/", f":{free_port()}/", here)
    made.settings["replica_urls"] = f"{replica.url(here)},{nowhere}"
    wait_until(replica.caught_up, 20, "the replica")
    return made


def feed(installation: Installation, first: int, count: int) -> None:
    lines = [json.dumps({"id": f"r{n:03}", "titles": [{"value": f"T {n}"}]}) for n in range(first, first + count)]
    installation.run("import", "-", "--reader", "canonical", stdin="\n".join(lines))


def pages(server: Server) -> Iterator[list[str]]:
    """Yield the identifiers of each page of the whole list."""
    arguments = {"verb": "ListRecords", "metadataPrefix": "oai_dc"}
    while True:
        answer = server.get(**arguments)
        assert answer.status == 200, answer.text
        yield re.findall(r"<identifier>oai:[^<]+:(r\d+)<", answer.text)
        token = re.search(r"<resumptionToken[^>]*>([^<]+)<", answer.text)
        if not token:
            return
        arguments = {"verb": "ListRecords", "resumptionToken": token[1]}


def listed(server: Server) -> list[str]:
    return [one for page in pages(server) for one in page]


def connections(replica: Replica, installation: Installation) -> int:
    """Count who is connected to the replica's copy of an installation's database."""
    database = installation.settings["database_url"].rpartition("/")[2]
    return int(replica.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"))


def test_harvests_go_on_whatever_the_replica_does(installation: Installation, replica: Replica) -> None:
    feed(installation, 0, 30)
    expected = [f"r{n:03}" for n in range(60)]
    with installation.serve(workers=1) as server:
        assert "a replica is away" in server.log
        wait_until(lambda: len(listed(server)) == 30, 5, "30 records")
        wait_until(replica.caught_up, 20, "the replica")
        assert sorted(listed(server)) == expected[:30]
        assert connections(replica, installation) > 0, "the replica was never asked"

        replica.pause()
        feed(installation, 30, 30)
        wait_until(lambda: len(listed(server)) == 60, 5, "60 records")
        assert sorted(listed(server)) == expected
        replica.resume()
        wait_until(replica.caught_up, 20, "the replica")

        walk = pages(server)
        found = next(walk) + next(walk)
        replica.stop("immediate")  # as a crash would
        found += [one for page in walk for one in page]
        assert sorted(found) == expected
        replica.start()
        wait_until(replica.caught_up, 20, "the replica")
        assert sorted(listed(server)) == expected


def test_another_database_is_refused_as_a_replica(
    installation: Installation, new_installation: Callable[..., Installation]
) -> None:
    other = new_installation("postgresql").settings["database_url"]
    said = installation.run("serve", check=False, timeout=30, replica_urls=other)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "is no replica of the database at" in said.stderr


def test_a_replica_is_of_postgresql_alone(new_installation: Callable[..., Installation]) -> None:
    installation = new_installation("sqlite")
    url = "postgresql+psycopg://oai@127.0.0.1/oai"
    for settings, said in (
        ({"replica_urls": url}, "only a PostgreSQL database has replicas"),
        ({"database_url": url, "replica_urls": "sqlite:////x.sqlite"}, "'sqlite:////x.sqlite' is not an address like"),
    ):
        done = installation.run("status", check=False, **settings)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "OAI_REPLICA_URLS: replica_urls: " in done.stderr
        assert said in done.stderr
