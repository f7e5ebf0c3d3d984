"""Two web servers behind nginx, a primary and a replica, as the profile ``scale`` of compose.yaml has them.

nginx runs with the configuration that stands there, its cache included; harvesters get each page from another server,
while records change, the replica lags and a web server is killed and comes back.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from places import ROOT
from servers import Cluster, Installation, Replica, fetch, free_port, wait_until
from simulation import Harvester, Kind

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ITEMS = 60


# What compose.yaml says


def test_without_the_profile_there_are_server_and_database_alone():
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {"server", "database"}
    assert {tuple(service["profiles"]) for service in SERVICES.values() if "profiles" in service} == {("scale",)}
    needed = {name: set(service.get("depends_on", ())) for name, service in SERVICES.items()}
    assert all(names <= SERVICES.keys() for names in needed.values())
    assert needed["server"] == {"database"}


def test_whatever_is_named_is_there():
    for service in SERVICES.values():
        assert {one["source"] for one in service.get("configs", ())} <= COMPOSE["configs"].keys()
        assert {one.partition(":")[0] for one in service.get("volumes", ())} <= COMPOSE["volumes"].keys()
        for need, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            if need not in ("server", "web-1", "web-2"):  # their image has its own
                assert "healthcheck" in SERVICES[need]


def test_the_web_servers_keep_nothing_and_read_from_the_replica():
    for name in ("web-1", "web-2"):
        web = SERVICES[name]
        assert web["volumes"] == ["instance:/instance:ro"]
        assert web["ports"] == []
        assert "@database/" in web["environment"]["OAI_DATABASE_URL"]
        assert "@replica/" in web["environment"]["OAI_REPLICA_URLS"]
        assert web["environment"].items() >= SERVICES["server"]["environment"].items()
        assert f"server {name}:8000" in COMPOSE["configs"]["proxy"]["content"]


def test_the_replica_s_command_is_shell_that_parses():
    program, flags, script = SERVICES["replica"]["command"]
    assert (program, flags) == ("bash", "-ec")
    done = subprocess.run(["bash", "-n"], input=script.replace("$$", "$"), text=True, capture_output=True)
    assert done.stderr == ""


def test_the_replica_s_command_makes_a_replica(postgresql: Cluster, tmp_path: Path):
    """The same words make a standby of a primary here: its copy, and what it is told to follow."""
    data = postgresql.folder / "as-in-compose"
    data.mkdir()
    if postgresql.identity:
        shutil.chown(data, postgresql.identity["user"], postgresql.identity["group"])
    script = SERVICES["replica"]["command"][2].replace("$$", "$").replace("exec postgres", "")
    script = script.replace("--host=database", f"--host=127.0.0.1 --port={postgresql.port}")
    environment = {"PATH": f"{postgresql.binaries}:/usr/bin:/bin", "PGDATA": str(data), "PGPASSWORD": "letters"}
    for _ in range(2):  # the second time there is nothing to do
        done = subprocess.run(
            ["bash", "-ec", script], env=environment, capture_output=True, text=True, **postgresql.identity
        )
        assert done.returncode == 0, done.stderr
    assert (data / "standby.signal").exists()
    assert "password=letters" in (data / "postgresql.auto.conf").read_text()
    assert data.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(data)


# The same for real


@pytest.fixture(scope="module")
def standby(postgresql: Cluster) -> Iterator[Replica]:
    replica = postgresql.replica()
    yield replica
    replica.remove()


class Site:
    """Primary, replica, two installations of one database with one key, and nginx before them."""

    def __init__(self, one: Installation, standby: Replica, folder: Path) -> None:
        here = one.settings["database_url"]
        self.replica = standby
        self.port = free_port()
        self.log = folder / "access.log"
        address = {"base_url": f"http://127.0.0.1:{self.port}/oai", "replica_urls": standby.url(here)}
        one.settings |= address | {"secret_key": "one key for all of them", "page_size": "7"}
        one.settings["identifiers_page_size"] = "9"
        # Another folder with nothing in it: a web server keeps nothing.
        self.installations = [one, Installation(folder / "other", dict(one.settings))]
        self.installations[1].folder.mkdir()
        self.servers = [installation.launch(workers=1, threads=8) for installation in self.installations]
        for server in self.servers:
            server.wait_ready()
        self._nginx(folder)

    def _nginx(self, folder: Path) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if not program:
            pytest.skip("MISSING nginx: the proxy of compose.yaml is not tried")
        site = COMPOSE["configs"]["proxy"]["content"].replace("$$", "$")
        for name, installation in zip(("web-1", "web-2"), self.installations, strict=True):
            site = site.replace(f"{name}:8000", f"127.0.0.1:{installation.port}")
        site = site.replace("listen 80;", f"listen 127.0.0.1:{self.port};")
        site = site.replace("/var/cache/nginx/", f"{folder}/")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; events {{}}\n"
            + ("user root;\n" if os.geteuid() == 0 else "")  # who made the folder reads it
            + f'http {{ log_format by "$upstream_cache_status $upstream_addr"; access_log {self.log} by; {places}\n'
            f"{site}}}\n"
        )
        self.proxy = subprocess.Popen([program, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
        wait_until(lambda: self.answers("verb=Identify"), 10, f"nginx: {folder / 'error.log'}")

    def answers(self, query: str) -> bool:
        try:
            return fetch(f"http://127.0.0.1:{self.port}/oai?{query}").status == 200
        except OSError:
            return False

    def kill(self, number: int) -> None:
        self.servers[number].kill()

    def restart(self, number: int) -> None:
        self.servers[number] = self.installations[number].launch(workers=1, threads=8)
        self.servers[number].wait_ready()

    def close(self) -> None:
        self.proxy.terminate()
        self.proxy.wait()
        for server in self.servers:
            server.kill()

    def asked(self) -> Counter[str]:
        """Count the requests by who answered: the ports of web servers, and HIT for the cache."""
        found: Counter[str] = Counter()
        for line in self.log.read_text().splitlines():
            status, _, addresses = line.partition(" ")
            found["HIT" if status == "HIT" else addresses.rpartition(":")[2]] += 1
        return found


@pytest.fixture
def site(
    new_installation: Callable[..., Installation], postgresql: Cluster, standby: Replica, tmp_path: Path
) -> Iterator[Site]:
    installation = new_installation("postgresql")
    change(installation, range(ITEMS), 0)
    wait_until(standby.caught_up, 20, "the replica")
    made = Site(installation, standby, tmp_path)
    yield made
    made.close()


def change(installation: Installation, numbers: range, version: int) -> None:
    lines = [
        json.dumps({"id": f"r{n}", "titles": [{"value": f"Title {n} in version {version}"}], "sets": [f"s{n % 2}"]})
        for n in numbers
    ]
    installation.run("import", "-", "--reader", "canonical", stdin="\n".join(lines))


KINDS = [
    Kind("first", 0, "ListRecords", "oai_dc", None),
    Kind("last+1", 0, "ListRecords", "mods", None),
    Kind("identify", 0, "ListIdentifiers", "oai_dc", "s1"),
    Kind("highest", 0, "ListRecords", "oai_dc", "s0"),
]


def test_harvesters_get_everything_from_both_servers_whatever_happens(site: Site):
    stop = threading.Event()
    harvesters = [Harvester(kind, site.port, stop) for kind in KINDS]
    for harvester in harvesters:
        harvester.start()
    writer = site.installations[0]
    version = 0
    for happen in (
        [site.replica.pause],
        [lambda: site.kill(0)],
        # nginx takes a server for dead for two seconds (fail_timeout): the other one must live so long.
        [lambda: site.restart(0), site.replica.resume, lambda: time.sleep(2.2)],
        [lambda: site.kill(1), lambda: site.restart(1)],
    ):
        version += 1
        change(writer, range(version, ITEMS + version, 3), version)
        for happens in happen:
            happens()
        time.sleep(0.3)
        assert not [harvester.failure for harvester in harvesters if harvester.failure]
    writer.run("delete", "oai:archive.example.org:r4", "oai:archive.example.org:r5")
    wait_until(site.replica.caught_up, 20, "the replica")
    time.sleep(1.1)  # into the next second, as all harvesters do in the end
    stop.set()
    for harvester in harvesters:
        harvester.join(60)
        assert harvester.failure is None, harvester.failure
        fresh = Harvester(harvester.kind._replace(next_from="never"), site.installations[1].port, stop)
        fresh.run()
        assert fresh.failure is None, fresh.failure
        assert len(fresh.copy) > ITEMS // 2 - 1
        assert harvester.copy == fresh.copy, harvester.kind
    whole = harvesters[0].copy
    assert {name for name, state in whole.items() if state.deleted} == {f"oai:archive.example.org:r{n}" for n in (4, 5)}
    assert f"Title 7 in version {version}" in whole["oai:archive.example.org:r7"].text
    asked = site.asked()
    assert min(asked[str(installation.port)] for installation in site.installations) > 20, asked


def test_any_server_goes_on_with_a_list_and_the_proxy_keeps_its_pages(site: Site):
    each_page_from_the_other_server(site)
    token_pages_are_kept_and_nothing_else(site)


def each_page_from_the_other_server(site: Site) -> None:
    turns = cycle(site.servers)
    arguments = {"verb": "ListRecords", "metadataPrefix": "oai_dc"}
    found: list[str] = []
    by: Counter[str] = Counter()
    while arguments:
        server = next(turns)
        by[server.url] += 1
        answer = server.get(**arguments)
        assert answer.status == 200, answer.text
        found += re.findall(r"<identifier>oai:[^<]+:(r\d+)<", answer.text)
        token = re.search(r"<resumptionToken [^>]+>([^<]+)<", answer.text)
        arguments = {"verb": "ListRecords", "resumptionToken": token[1]} if token else {}
    assert sorted(found) == sorted(f"r{n}" for n in range(ITEMS))
    assert min(by.values()) >= ITEMS // 7 // 2


def token_pages_are_kept_and_nothing_else(site: Site) -> None:
    url = f"http://127.0.0.1:{site.port}/oai?"
    assert f"<baseURL>{url[:-1]}</baseURL>" in fetch(f"{url}verb=Identify").text
    begin = urlencode({"verb": "ListRecords", "metadataPrefix": "oai_dc"})
    first = fetch(url + begin)
    token = re.search(r"<resumptionToken [^>]+>([^<]+)<", first.text)[1]
    page = urlencode({"verb": "ListRecords", "resumptionToken": token})
    packed = {"Accept-Encoding": "gzip"}
    before = fetch(url + page), fetch(url + page, headers=packed)
    for server in site.servers:
        server.kill()
    after = fetch(url + page), fetch(url + page, headers=packed)
    assert [answer.body for answer in after] == [answer.body for answer in before]
    assert after[1].headers["Content-Encoding"] == "gzip"
    assert [fetch(url + query).status for query in (begin, "verb=Identify")] == [502] * 2
    assert site.asked()["HIT"] == 2
