"""The simulation: writers change a repository, harvesters of every kind copy it, and all that can break down does.

Writers are processes, some with wrong clocks; harvesters are threads that poll servers with several workers each.
Meanwhile writers, servers and the database are killed, and a replica lags. At the end every copy is compared with what
is stored.
"""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from lxml import etree
from servers import Cluster, Installation, Replica, Server, wait_until
from sqlalchemy import Engine, select
from store.invariants import assert_sound
from writer import SETS

from oai_server.store.engine import open_engine
from oai_server.store.tables import departure, format_, in_format, item, item_of, list_, record

OAI = "{http://www.openarchives.org/OAI/2.0/}"
HERE = Path(__file__).parent


class State(NamedTuple):
    """A record as a harvester keeps it: ``text`` is that of its metadata, nothing where it is deleted."""

    datestamp: str
    deleted: bool
    setspecs: tuple[str, ...]
    text: str


class Kind(NamedTuple):
    """A way to harvest: from where on the next time, from a server with pages of what size, by which verb, and what."""

    next_from: str
    page_size: int
    verb: str
    prefix: str
    setspec: str | None

    def __str__(self) -> str:
        return " ".join(map(str, self))


KINDS = (
    Kind("first", 1, "ListRecords", "oai_dc", None),
    Kind("first", 7, "ListIdentifiers", "mods", "a"),
    Kind("first", 50, "ListRecords", "mods", "c"),
    Kind("first+1", 2, "ListRecords", "mods", None),
    Kind("first+1", 50, "ListIdentifiers", "oai_dc", "d"),
    Kind("last", 2, "ListIdentifiers", "oai_dc", None),
    Kind("last", 1, "ListRecords", "mods", "a:b"),
    Kind("last", 50, "ListRecords", "oai_dc", None),
    Kind("last+1", 7, "ListRecords", "oai_dc", None),
    Kind("last+1", 1, "ListIdentifiers", "mods", "d"),
    Kind("identify", 7, "ListRecords", "mods", None),
    Kind("identify", 2, "ListRecords", "oai_dc", "a"),
    Kind("identify+1", 50, "ListIdentifiers", "mods", None),
    Kind("identify+1", 1, "ListRecords", "oai_dc", "d"),
    Kind("highest", 2, "ListRecords", "mods", "a"),
    Kind("highest", 7, "ListRecords", "oai_dc", None),
    Kind("highest", 50, "ListIdentifiers", "oai_dc", "a:b"),
)
PAGE_SIZES = sorted({kind.page_size for kind in KINDS})
FRESH = [Kind("never", 50, "ListRecords", prefix, spec) for prefix in ("oai_dc", "mods") for spec in (None, *SETS)]
"""Those who come when all is over, and begin anew."""
WRITERS = ("w0", "w1", "w2", "w3")
CLOCKS: dict[str | int, int] = {"w1": -100, "w2": 3, 2: -30, 7: 2}
"""By how many seconds the clocks of writers, and of servers (by their page size), are wrong."""
SECONDS = "%Y-%m-%dT%H:%M:%SZ"
HURRY = 0.02
"""Seconds of the simulation for each second of Retry-After."""
PATIENCE = 60
"""Seconds after which a harvester that is refused gives up, and so does a turn where too little happens."""
ENOUGH = 20
"""Records that a copy must come to have: with less, a turn would prove little."""


def _later(text: str, seconds: int) -> str:
    return (datetime.strptime(text, SECONDS).replace(tzinfo=UTC) + timedelta(seconds=seconds)).strftime(SECONDS)


class Harvester(threading.Thread):
    """Keeps a copy of one list, and asks only for what is new since; ends with one poll after ``stop`` is set."""

    def __init__(self, kind: Kind, port: int, stop: threading.Event) -> None:
        super().__init__(name=str(kind), daemon=True)
        self.kind = kind
        self.copy: dict[str, State] = {}
        self.refused = 0  # requests that no server answered, or with 503
        self.failure: BaseException | None = None
        self._from: str | None = None
        self._stop_asked = stop
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def run(self) -> None:
        try:
            while not self._stop_asked.wait(random.uniform(0, 0.4)):
                self._poll()
            self._poll()
        except BaseException as error:  # told by the test, in its own thread
            self.failure = error
        finally:
            self._connection.close()

    def _ask(self, **arguments: str) -> etree._Element:
        """Ask until it is answered, as a polite harvester does: later, when the server says so or is away."""
        patience = time.monotonic() + PATIENCE
        while time.monotonic() < patience:
            try:
                self._connection.request("GET", f"/oai?{urlencode(arguments)}")
                response = self._connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException):
                self._connection.close()
                retry_after = 10
            else:
                if response.status == 200:
                    return etree.fromstring(body)
                assert response.status == 503, (response.status, body)
                retry_after = int(response.headers["Retry-After"])
            self.refused += 1
            time.sleep(retry_after * HURRY)
        raise AssertionError(f"refused for {PATIENCE} s: {arguments}")

    def _poll(self) -> None:
        """Harvest what is new since the last time."""
        begin, plus, _ = self.kind.next_from.partition("+")
        identified = self._ask(verb="Identify")[0].text if begin == "identify" else None
        arguments = {"verb": self.kind.verb, "metadataPrefix": self.kind.prefix}
        arguments |= {"set": self.kind.setspec} if self.kind.setspec else {}
        arguments |= {"from": self._from} if self._from else {}
        dates, stamps = [], []
        while True:
            answer = self._ask(**arguments)
            date, _, content = answer
            dates.append(date.text)
            if content.tag == f"{OAI}error":
                assert content.get("code") == "noRecordsMatch", etree.tostring(answer)
                assert len(dates) == 1, f"an empty page: {arguments}"
                break
            stamps += [self._keep(entry) for entry in content if entry.tag != f"{OAI}resumptionToken"]
            token = content.findtext(f"{OAI}resumptionToken")
            if not token:
                break
            arguments = {"verb": self.kind.verb, "resumptionToken": token}
        if begin == "highest":
            self._from = max(stamps, default=self._from)
        elif begin != "never":
            moment = {"first": dates[0], "last": dates[-1], "identify": identified}[begin]
            self._from = _later(moment, 1 if plus else 0)

    def _keep(self, entry: etree._Element) -> str:
        """Keep a record, fetching it first where this is but its header; returns the datestamp that the list gave."""
        header = entry if entry.tag == f"{OAI}header" else entry[0]
        identifier, stamp = header[0].text, header[1].text
        if entry is header and not header.get("status"):
            # It may be newer than its header; that is in the next list then.
            answer = self._ask(verb="GetRecord", identifier=identifier, metadataPrefix=self.kind.prefix)
            entry = answer[2][0]
            assert entry.tag == f"{OAI}record", etree.tostring(answer)
            header = entry[0]
        self.copy[identifier] = State(
            datestamp=header[1].text,
            deleted=header.get("status") == "deleted",
            setspecs=tuple(spec.text for spec in header[2:]),
            text="" if entry is header else "".join("".join(metadata.itertext()) for metadata in entry[1:]).strip(),
        )
        return stamp


@dataclass
class Site:
    """Where a turn is played: an empty folder and an empty database, the cluster that has it and a replica if any."""

    folder: Path
    database_url: str
    cluster: Cluster | None = None
    replica: Replica | None = None


class Turn:
    """All that runs in one turn, and how its parts are killed and come again."""

    def __init__(self, site: Site, mutation: str) -> None:
        self._site = site
        self._mutation = mutation
        self._clocks = {} if mutation else CLOCKS  # a horizon that runs ahead could hide a broken rule
        self._stop = threading.Event()
        self._installations: dict[int, Installation] = {}
        self._servers: dict[int, Server] = {}
        self._writers: dict[str, subprocess.Popen[bytes]] = {}
        self._harvesters: list[Harvester] = []
        self._paused = False

    def start(self) -> None:
        """Start a server for each page size, then writers and harvesters."""
        settings = {"database_url": self._site.database_url, "secret_key": "of every server here"}
        if self._site.replica:
            settings["replica_urls"] = self._site.replica.url(self._site.database_url)
        for size in PAGE_SIZES:
            sizes = {"page_size": str(size), "identifiers_page_size": str(size)}
            program = (sys.executable, str(HERE / "alterations.py"), *self._altered(size))
            folder = self._site.folder / f"pages-of-{size}"
            self._installations[size] = Installation(folder, settings | sizes, program=program)
            folder.mkdir()
            (folder / "config.toml").write_text(
                "".join(f'[sets."{spec}"]\ntombstones = {str(shown).lower()}\n' for spec, shown in SETS.items())
            )
        Installation(folder, settings).run("init")
        if self._site.replica:
            wait_until(self._site.replica.caught_up, 20, "the replica")
        self._servers = {size: installation.launch() for size, installation in self._installations.items()}
        for server in self._servers.values():
            server.wait_ready()
        for source in WRITERS:
            self._start_writer(source)
        self._start_harvesters(KINDS)

    def disturb(self, seconds: float) -> None:
        """Once something is there, let everything happen that can, in any order, again and again for so long."""
        wait_until(self._enough, PATIENCE, "enough to happen")
        happens: list[Callable[[], None]] = [self._kill_writer, self._kill_writer, self._kill_server]
        happens += [self._kill_database] if self._site.cluster else []
        happens += [self._let_lag_or_catch_up] * 3 if self._site.replica else []
        if self._mutation:  # the rule is broken, and nothing else is
            happens = [self._site.replica.pause] if self._site.replica else [lambda: None]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for happen in random.sample(happens, len(happens)):
                happen()
                time.sleep(random.uniform(0.2, 1))

    def _enough(self) -> bool:
        """Tell whether the copies have come to what proves something; by a broken rule, one of them."""
        self._check_harvesters()
        return (max if self._mutation else min)(len(harvester.copy) for harvester in self._harvesters) >= ENOUGH

    def finish(self) -> list[Harvester]:
        """Let the writers end, every harvester poll once more, and others begin; returns all with their copies."""
        for source, process in self._writers.items():
            process.communicate(timeout=60)
            assert process.returncode == 0, f"the writer {source} exited {process.returncode}"
        self._stop.set()
        self._start_harvesters(FRESH)
        for harvester in self._harvesters:
            harvester.join()
        self._check_harvesters()
        with ThreadPoolExecutor() as together:
            list(together.map(Server.stop, self._servers.values()))
        return self._harvesters

    def kill(self) -> None:
        """Kill what still runs."""
        self._stop.set()
        for process in self._writers.values():
            process.kill()
            process.communicate()
        for server in self._servers.values():
            server.kill()
        if self._site.replica:
            self._site.replica.resume()

    def _altered(self, name: str | int) -> tuple[str, str]:
        return self._mutation, str(self._clocks.get(name, 0))

    def _start_writer(self, source: str) -> None:
        command = [sys.executable, str(HERE / "writer.py"), *self._altered(source), self._site.database_url, source]
        self._writers[source] = subprocess.Popen(command, stdin=subprocess.PIPE)

    def _start_harvesters(self, kinds: Iterable[Kind]) -> None:
        new = [Harvester(kind, self._installations[kind.page_size].port, self._stop) for kind in kinds]
        self._harvesters += new
        for harvester in new:
            harvester.start()

    def _check_harvesters(self) -> None:
        for harvester in self._harvesters:
            if harvester.failure:
                raise AssertionError(f"the harvester {harvester.kind} failed") from harvester.failure

    def _wait_refused(self, harvesters: list[Harvester]) -> None:
        """Wait until one of the harvesters has seen that something is away."""
        before = sum(harvester.refused for harvester in harvesters)

        def refused() -> bool:
            self._check_harvesters()
            return sum(harvester.refused for harvester in harvesters) > before

        wait_until(refused, 30, "a harvester that is refused")

    def _kill_writer(self) -> None:
        source, process = random.choice(list(self._writers.items()))
        assert process.poll() is None, f"the writer {source} exited {process.returncode}"
        process.kill()
        process.communicate()
        self._start_writer(source)

    def _kill_server(self) -> None:
        size = random.choice(PAGE_SIZES)
        self._servers[size].kill()
        self._wait_refused([harvester for harvester in self._harvesters if harvester.kind.page_size == size])
        self._servers[size] = self._installations[size].launch()
        self._servers[size].wait_ready()

    def _kill_database(self) -> None:
        assert self._site.cluster
        self._site.cluster.stop("immediate")
        self._wait_refused(self._harvesters)
        self._site.cluster.start()

    def _let_lag_or_catch_up(self) -> None:
        assert self._site.replica
        (self._site.replica.resume if self._paused else self._site.replica.pause)()
        self._paused = not self._paused


class Difference(NamedTuple):
    """What is wrong with a copy: identifiers of what it has not as it is stored, and of what is not stored."""

    lost: list[str]
    ghosts: list[str]


def simulate(site: Site, seconds: float, mutation: str = "") -> dict[str, Difference]:
    """Play one turn, with the rule broken by a mutation if any; returns the kinds of harvesters whose copy is wrong."""
    turn = Turn(site, mutation)
    try:
        turn.start()
        turn.disturb(seconds)
        harvesters = turn.finish()
    finally:
        turn.kill()
    engine = open_engine(site.database_url)
    try:
        if not mutation:
            assert_sound(engine)
        found = {}
        for harvester in harvesters:
            kind = harvester.kind
            kept = stored(engine, kind.prefix, kind.setspec)
            lost = [identifier for identifier, state in kept.items() if harvester.copy.get(identifier) != state]
            # Not every set's list tells a harvester what has left it; one that begins anew never saw that.
            exact = SETS.get(kind.setspec, True) or kind in FRESH
            ghosts = list(harvester.copy.keys() - kept.keys()) if exact else []
            if lost or ghosts:
                found[str(kind)] = Difference(lost, ghosts)
        return found
    finally:
        engine.dispose()


def stored(engine: Engine, prefix: str, setspec: str | None) -> dict[str, State]:
    """Return what a harvester of this list must have by what the tables of items and records say."""
    found = {}
    with engine.connect() as connection:
        if setspec:
            query = select(item.c.identifier, departure.c.datestamp).join_from(departure, item).join(list_)
            here = list_.c.setspec == setspec, format_.c.prefix == prefix
            for identifier, stamp in connection.execute(query.join(format_).where(*here)):
                found[identifier] = State(_text(stamp), True, (setspec,), "")
        columns = (item.c.identifier, item.c.setspecs, record.c.datestamp, record.c.deleted, record.c.body)
        query = select(*columns).join_from(record, item, item.c.id == item_of).join(format_, in_format)
        query = query.where(format_.c.prefix == prefix)
        for identifier, setspecs, stamp, deleted, body in connection.execute(query):
            specs = tuple(setspecs.split())
            if setspec is None or any(f"{spec}:".startswith(f"{setspec}:") for spec in specs):
                text = "" if body is None else "".join(etree.fromstring(body).itertext())
                found[identifier] = State(_text(stamp), deleted, specs, text)
    return found


def _text(stamp: int) -> str:
    return datetime.fromtimestamp(stamp, UTC).strftime(SECONDS)
