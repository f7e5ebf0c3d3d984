"""Harvesters are answered while others write, and writers go on while others read: on either engine."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from servers import Answer, Installation, Server, wait_until
from sqlalchemy import text

from oai_server.store import clock
from oai_server.store.repository import Store

# One load: its batches are long enough to be met in the middle. `make test-long` loads a million.
RECORDS = 1_000_000 if os.environ.get("OAI_LONG") else 6_000
FIRST = "oai:archive.example.org:r0"


class Died(Exception):
    """Ends a writer before it has committed."""


def lines(count: int, title: str = "Work") -> Iterator[str]:
    for number in range(count):
        yield json.dumps({"id": f"r{number}", "titles": [{"value": f"{title} {number}"}], "sets": [f"s{number % 3}"]})


def every_verb(server: Server) -> list[Answer]:
    """Ask one question of each kind; each must be answered, whatever there is."""
    answers = [
        server.get(verb="Identify"),
        server.get(verb="ListSets"),
        server.get(verb="ListMetadataFormats"),
        server.get(verb="GetRecord", metadataPrefix="oai_dc", identifier=FIRST),
        server.get(verb="ListIdentifiers", metadataPrefix="mods"),
        server.get(verb="ListRecords", metadataPrefix="oai_dc", set="s1"),
        server.get(verb="ListRecords", metadataPrefix="oai_dc"),
    ]
    assert [answer.status for answer in answers] == [200] * len(answers), [answer.text[:300] for answer in answers]
    return answers


def size(server: Server) -> int:
    """Return the completeListSize of the whole list; 0 for a list of one page or none."""
    found = re.search(r'completeListSize="(\d+)"', server.get(verb="ListIdentifiers", metadataPrefix="oai_dc").text)
    return int(found[1]) if found else 0


def database(installation: Installation) -> Store:
    return Store(installation.settings.get("database_url") or f"sqlite:///{installation.folder / 'repository.sqlite'}")


def test_harvesters_are_answered_while_a_large_load_runs(instance: Installation, tmp_path: Path) -> None:
    (tmp_path / "load.jsonl").write_text("\n".join(lines(RECORDS)))
    with instance.serve(workers=2, threads=4) as server:
        load = subprocess.Popen(
            [*instance.program, "import", "--instance", instance.folder, tmp_path / "load.jsonl"],
            env=instance.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        sizes = []
        while load.poll() is None:
            every_verb(server)
            sizes.append(size(server))
        assert load.stdout.read() == f"new {RECORDS} · changed 0 · unchanged 0 · deleted 0 · rejected 0\n"
        load.stdout.close()
        wait_until(lambda: size(server) == RECORDS, 5, "the last of them")
    assert sizes == sorted(sizes)
    assert any(0 < seen < RECORDS for seen in sizes), "nobody looked while the load ran"


def test_readers_are_answered_while_a_writer_is_in_the_middle(instance: Installation) -> None:
    instance.run("import", "-", "--reader", "canonical", stdin="\n".join(lines(20)))
    store = database(instance)
    with instance.serve(page_size=7) as server:
        wait_until(lambda: server.get(verb="ListRecords", metadataPrefix="oai_dc").text.count("<record>"), 5, "a list")
        with suppress(Died), clock.publishing(store._engine) as (connection, _):
            connection.execute(text("UPDATE record SET body = NULL, deleted = true"))
            connection.execute(text("DELETE FROM entry"))
            for _ in range(3):
                *_, page = every_verb(server)
                assert page.text.count("<record>") == 7
                assert "deleted" not in page.text
            raise Died
    store.close()


def test_a_writer_goes_on_while_a_reader_is_in_the_middle(instance: Installation) -> None:
    instance.run("import", "-", "--reader", "canonical", stdin="\n".join(lines(20)))
    store = database(instance)
    with store._engine.connect() as reading:  # a transaction that stays open, as of somebody who looks around
        assert reading.execute(text("SELECT count(*) FROM record")).scalar() == 40
        said = instance.run("import", "-", "--reader", "canonical", stdin="\n".join(lines(30, "Other")), timeout=60)
        assert said.stdout == "new 10 · changed 20 · unchanged 0 · deleted 0 · rejected 0\n"
    store.close()


def test_nobody_waits_for_who_does_not_close(new_installation) -> None:
    installation: Installation = new_installation("sqlite")
    with installation.serve(workers=1, threads=8) as server, ExitStack() as stack:
        port = int(server.url.rpartition(":")[2])
        begun = time.monotonic()
        for _ in range(6):  # each has its whole answer, and keeps the connection
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"GET /oai?verb=Identify HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert client.recv(1)
        assert server.get(verb="Identify").status == 200
        assert time.monotonic() - begun < 8, "the worker waits two seconds for each of them"
