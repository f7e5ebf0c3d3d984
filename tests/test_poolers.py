"""Connections to PostgreSQL: how many an installation opens, and PgBouncer where they must be fewer."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from servers import Cluster, Installation, Server, fetch, free_port, wait_until

POOL = 3
"""Sessions that PgBouncer opens for one database."""


@pytest.fixture(scope="module")
def pooler(postgresql: Cluster) -> Iterator[int]:
    """PgBouncer in transaction mode before the cluster of all tests; its port."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if not program:
        pytest.skip("MISSING pgbouncer: no pooler is tried")
    port = free_port()
    folder = postgresql.folder / "pgbouncer"
    folder.mkdir()
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={postgresql.port} user=oai\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\nunix_socket_dir =\n"
        f"pool_mode = transaction\ndefault_pool_size = {POOL}\nmax_client_conn = 200\n"
    )
    process = subprocess.Popen(
        [program, folder / "pgbouncer.ini"],
        stderr=subprocess.DEVNULL,
        **postgresql.identity,  # PgBouncer refuses to run as root too
    )
    yield port
    process.terminate()
    process.wait()


def feed(installation: Installation, count: int, title: str = "A title") -> str:
    lines = [json.dumps({"id": f"r{n}", "titles": [{"value": f"{title} {n}"}], "sets": ["a:b"]}) for n in range(count)]
    return installation.run("import", "-", "--reader", "canonical", stdin="\n".join(lines)).stdout


def sessions(cluster: Cluster, installation: Installation) -> int:
    database = installation.settings["database_url"].rpartition("/")[2].partition("?")[0]
    return int(cluster.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"))


def crowd(server: Server) -> set[int]:
    """Ask for everything at once, on many connections; return the statuses."""
    paths = [
        "/oai?verb=ListRecords&metadataPrefix=oai_dc", "/oai?verb=Identify", "/", "/records/oai:archive.example.org:r1",
        "/oai?verb=GetRecord&metadataPrefix=mods&identifier=oai:archive.example.org:r2", "/health/ready",
    ]  # fmt: skip
    with ThreadPoolExecutor(24) as pool:
        return {answer.status for answer in pool.map(lambda path: fetch(server.url + path), paths * 15)}


def harvest(server: Server) -> list[str]:
    arguments = {"verb": "ListRecords", "metadataPrefix": "oai_dc", "set": "a"}
    found = []
    while True:
        text = server.get(**arguments).text
        found += re.findall(r"<identifier>oai:[^<]+:(r\d+)<", text)
        token = re.search(r"<resumptionToken [^>]+>([^<]+)<", text)
        if not token:
            return found
        arguments = {"verb": "ListRecords", "resumptionToken": token[1]}


def test_a_server_opens_no_more_connections_than_the_page_says(
    new_installation: Callable[..., Installation], postgresql: Cluster
):
    installation = new_installation("postgresql", page_size=5)
    feed(installation, 30)
    workers, threads = 2, 6
    with installation.serve(workers=workers, threads=threads) as server:
        assert crowd(server) == {200}
        assert workers < sessions(postgresql, installation) <= workers * (threads + 15)


def test_behind_pgbouncer_a_few_sessions_serve_all_threads(
    new_installation: Callable[..., Installation], postgresql: Cluster, pooler: int
):
    installation = new_installation("postgresql", page_size=5)
    direct = installation.settings["database_url"]
    installation.settings["database_url"] = f"{direct.replace(str(postgresql.port), str(pooler))}?pooler=transaction"
    assert feed(installation, 30).startswith("new 30 ")
    with installation.serve(workers=2, threads=8) as server, ThreadPoolExecutor(1) as other:
        wait_until(lambda: sorted(harvest(server)) == sorted(f"r{n}" for n in range(30)), 5, "all records")
        later = [other.submit(feed, installation, 30, f"Title {number}") for number in range(2)]
        while not all(one.done() for one in later):
            assert crowd(server) == {200}
            assert sessions(postgresql, installation) <= POOL
        assert [one.result()[:18] for one in later] == ["new 0 · changed 30"] * 2
        wait_until(lambda: sorted(harvest(server)) == sorted(f"r{n}" for n in range(30)), 5, "all records")
        assert "Title 1 7" in server.get(
            verb="GetRecord", metadataPrefix="oai_dc", identifier="oai:archive.example.org:r7"
        ).text  # fmt: skip
    assert "prepared statement" not in postgresql.log


def test_another_pooler_is_refused(new_installation: Callable[..., Installation], tmp_path: Path):
    installation = new_installation("sqlite")
    said = installation.run("status", check=False, database_url="postgresql://oai@127.0.0.1/oai?pooler=session")
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "pooler=transaction" in said.stderr
