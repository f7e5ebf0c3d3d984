"""Run the whole table: ``python -m benchmarks`` with ``tests`` on the path; ``--help`` says what makes it longer.

Every figure is taken in this one run. What is compared is run in turns (A B A B), and medians are compared. CPU is that
of the server's processes, user and system, and of the database's where it has some, from ``/proc``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

from servers import Cluster, Installation, free_port, postgresql_binaries, wait_until

from benchmarks import collection, floor, history, peer, report
from benchmarks.harvest import Client, cost, crowd, harvest, peak_bytes, private_bytes, running
from benchmarks.report import Figure

WORKERS, THREADS = 2, 32
COMPARED = 100_000
"""Records of a list that are harvested where servers are compared, of which the peer serves a fifth."""


class Bench:
    """One run: figures are printed as they come."""

    def __init__(self, folder: Path, items: int, rounds: int, copies: int = 1) -> None:
        self.folder, self.items, self.rounds, self.copies = folder, items, rounds, copies
        self.held = items
        self.figures: list[Figure] = []
        self.pages: dict[str, list[float]] = {}
        self.file = folder / "records.jsonl"
        self.begun = time.monotonic()

    def say(self, what: str, value: float, unit: str, aim: float | None = None, *, least: bool = False) -> None:
        """Enter a figure and print it."""
        self.figures.append(Figure(what, round(value, 3), unit, aim, least))
        print(self.figures[-1], flush=True)

    def note(self, text: str) -> None:
        """Say what is done meanwhile, and how long it has taken so far."""
        print(f"# {time.monotonic() - self.begun:.0f} s: {text}", flush=True)

    def turns(self, *runs: Callable[[], float]) -> list[float]:
        """Return the median of each of some measurements, taken in turns."""
        taken = [[run() for run in runs] for _ in range(self.rounds)]
        return [statistics.median(column) for column in zip(*taken, strict=True)]


def timed(installation: Installation, *arguments: object) -> tuple[float, float, int]:
    """Run a command; returns seconds, seconds of CPU and the largest resident memory in bytes."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [*installation.program, *map(str, arguments), "--instance", str(installation.folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=installation.environment(),
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


@contextlib.contextmanager
def gunicorn(application: str, **settings: object) -> Iterator[tuple[str, int]]:
    """Serve one of the comparisons; yields its base URL and the master's process."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    environment |= {name: str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-w", str(WORKERS), "-b", f"127.0.0.1:{port}", application],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(lambda: _listens(port), 30, application)
        yield f"http://127.0.0.1:{port}/oai", process.pid
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def served(installation: Installation, **settings: object) -> Iterator[tuple[str, int]]:
    """Serve an installation."""
    with installation.serve(workers=WORKERS, threads=THREADS, **settings) as server:
        yield server.base_url, server.process.pid


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """Keep all cores awake, by loops that give way to whoever has something to do.

    A core that has slept between two requests, above all a virtual one, comes back slow and with nothing in its caches:
    that is the machine's cost, not a server's, and as large as what is compared. Servers that are busy never see it.
    """
    loop = "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
    loops = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in loops:
            process.kill()
            process.wait()


def loading(bench: Bench, installation: Installation, engine: str) -> None:
    """Import all, and all again; before copies are made, once will do."""
    bench.note(f"import into {engine}")
    if bench.copies > 1:
        installation.run("import", bench.file)
        return
    seconds, used, memory = timed(installation, "import", bench.file)
    bench.say(f"import, {engine}, oai_dc and MODS", bench.items / seconds, "items/s", 5000, least=True)
    bench.say(f"import, {engine}, by CPU of the command", bench.items / used, "items/CPU s")
    bench.say(f"import, {engine}, largest process", memory / 1e6, "MB")
    seconds, used, _ = timed(installation, "import", bench.file)
    bench.say(f"unchanged import, {engine}", bench.items / seconds, "items/s", 20_000, least=True)
    bench.say(f"unchanged import, {engine}, by CPU of the command", bench.items / used, "items/CPU s")


def lists(bench: Bench, installation: Installation, floor_db: Path, peer_db: Path) -> None:
    """Compare ListRecords and ListIdentifiers with the peer and the floor."""
    most = min(bench.items, COMPARED)
    for page in (100, 250):
        bench.note(f"lists of {page} a page, beside oai-repo and a bare handler")
        with (
            served(installation, page_size=page) as (ours, our),
            gunicorn("benchmarks.floor:app", FLOOR_DB=floor_db, FLOOR_PAGE=page) as (bare, bare_pid),
            gunicorn("benchmarks.peer:app", PEER_DB=peer_db, PEER_PAGE=page) as (other, other_pid),
        ):  # fmt: skip
            mine, gzip, least, theirs = bench.turns(
                lambda: harvest(ours, [our], most=most).cpu_ms,
                lambda: harvest(ours, [our], most=most, gzip=True).cpu_ms,
                lambda: harvest(bare, [bare_pid], most=most).cpu_ms,
                lambda: harvest(other, [other_pid], most=most // 5).cpu_ms,
            )
        unit = "CPU ms per 1,000"
        bench.say(f"ListRecords, {page} a page", mine, unit)
        bench.say(f"ListRecords, {page} a page, oai-repo", theirs, unit)
        bench.say(f"ListRecords, {page} a page, bare Flask and sqlite3", least, unit)
        bench.say(f"ListRecords, {page} a page, by oai-repo", mine / theirs, "ratio", 0.1)
        whole = bench.copies == 1  # the floor's records are not compressed
        bench.say(f"ListRecords, {page} a page, by the floor", mine / least, "ratio", 1.3 if whole else None)
        bench.say(f"ListRecords, {page} a page, gzip, by the floor", gzip / least, "ratio", 1.6 if whole else None)
    with (
        served(installation) as (ours, our),
        gunicorn("benchmarks.peer:app", PEER_DB=peer_db, PEER_PAGE=500) as (other, other_pid),
    ):
        mine, theirs = bench.turns(
            lambda: harvest(ours, [our], verb="ListIdentifiers", most=most).cpu_ms,
            lambda: harvest(other, [other_pid], verb="ListIdentifiers", most=most // 5).cpu_ms,
        )
    bench.say("ListIdentifiers, 500 a page", mine, "CPU ms per 1,000")
    bench.say("ListIdentifiers, 500 a page, by oai-repo", mine / theirs, "ratio", 0.1)


GET_RECORD = {"verb": "GetRecord", "metadataPrefix": "oai_dc"}


def live(bench: Bench, copies: int) -> list[str]:
    """Return identifiers of some thousand records that live, of so many copies."""
    chance = random.Random(1)
    numbers = [number for number in chance.choices(range(1, bench.items + 1), k=4000) if number % 50]
    names = [history.name(chance.randrange(copies), number) for number in numbers]
    return [f"oai:archive.example.org:{name}" for name in names]


def single(bench: Bench, installation: Installation, floor_db: Path) -> None:
    """Compare GetRecord with the floor, and ask for what is small."""
    bench.note("single records and small answers")
    identifiers, first = live(bench, bench.copies), live(bench, 1)

    def costs(url: str, root: int, wanted: list[str]) -> float:
        client = Client(url)
        client.get(**GET_RECORD, identifier=wanted[0])
        before = running([root])
        for identifier in wanted:
            client.get(**GET_RECORD, identifier=identifier)
        return (running([root]) - before) / len(wanted) * 1000

    with (
        served(installation) as (ours, our),
        gunicorn("benchmarks.floor:app", FLOOR_DB=floor_db, FLOOR_PAGE=100) as (bare, bare_pid),
    ):
        mine, least = bench.turns(lambda: costs(ours, our, identifiers), lambda: costs(bare, bare_pid, first))
        bench.say("GetRecord", mine, "CPU ms")
        bench.say("GetRecord, by the floor", mine / least, "ratio", 1.5)
        small(bench, "SQLite", ours, our)


def small(bench: Bench, engine: str, url: str, *roots: int) -> None:
    """Ask for what is small, however much there is."""
    wanted = {
        "Identify": {"verb": "Identify"},
        "ListSets": {"verb": "ListSets"},
        "ListMetadataFormats": {"verb": "ListMetadataFormats"},
        "an empty window": {"verb": "ListRecords", "metadataPrefix": "oai_dc", "until": "1990-01-01"},
    }
    for name, said in wanted.items():
        used = statistics.median(cost(url, roots, 500, **said) for _ in range(bench.rounds))
        bench.say(f"{name}, {engine}", used, "CPU ms", 1)


def crowded(bench: Bench, installation: Installation) -> None:
    """Ask for single records from 16 clients at once."""
    bench.note("sixteen clients")
    wanted = [{**GET_RECORD, "identifier": identifier} for identifier in live(bench, bench.copies)]

    def spread() -> float:
        times = sorted(crowd(url, 16, wanted))
        return times[len(times) * 99 // 100] / times[len(times) // 2]

    with served(installation) as (url, _):
        ratios = [spread() for _ in range(2 * bench.rounds + 1)]
    bench.say("GetRecord, 16 clients: p99 by p50", statistics.median(ratios), "ratio", 10)


def depth(bench: Bench, installation: Installation, engine: str) -> None:
    """Harvest lists of every kind to their ends: the last pages should take as long as the first."""
    bench.note(f"lists to their ends, {engine}")
    with served(installation) as (url, root):
        later = Client(url).get(verb="ListIdentifiers", metadataPrefix="oai_dc", from_=history.MIDDLE).decode()
        first = re.findall("<datestamp>(.{20})", later)[0]
        kinds: dict[str, dict[str, str]] = {
            "whole repository": {},
            "a set of 0.1 %": {"set": "rare"},
            "a set of 50 %": {"set": "half"},
            "a parent set": {"set": "shelf"},
            "a window of a month": history.window(30, first),
            "a window of a day": history.window(1, first),
        }
        for name, more in kinds.items():
            done = harvest(url, [root], **more)
            bench.pages[f"{engine}: {name}"] = done.times
            what = f"page time, last by first, {engine}, {name} ({done.records:,} records)"
            if done.tenth:
                again = harvest(url, [root], most=done.records * (done.tenth + 1) // len(done.times), **more)
                bench.say(what, done.depth(again), "ratio", 1.5)
            else:
                bench.say(f"slowest page, {engine}, {name} ({done.records:,} records)", max(done.times) * 1000, "ms")
        bench.say(f"private memory of a worker after that, {engine}", private_bytes([root]) / 1e6, "MB", 150)


def packed(bench: Bench, plain: Installation) -> None:
    """Store the same records compressed: what that saves on disk, and costs where they are read."""
    bench.note("the same, compressed by zstd")
    installation = Installation(bench.folder / "packed", {"compression": "zstd"})
    installation.run("init")
    seconds, used, _ = timed(installation, "import", bench.file)
    bench.say("import, SQLite, compressed", bench.items / seconds, "items/s")
    bench.say("import, SQLite, compressed, by CPU of the command", bench.items / used, "items/CPU s")
    database = installation.folder / "repository.sqlite"
    bench.say("disk, SQLite, compressed, an item with its two records", database.stat().st_size / bench.items, "bytes")
    most = min(bench.items, COMPARED)
    with awake(), served(installation) as (url, root), served(plain) as (other, other_root):
        small, whole = bench.turns(
            lambda: harvest(url, [root], most=most).cpu_ms, lambda: harvest(other, [other_root], most=most).cpu_ms
        )
    bench.say("ListRecords, 250 a page, compressed", small, "CPU ms per 1,000")
    bench.say("ListRecords, 250 a page, compressed, by not compressed", small / whole, "ratio")
    shutil.rmtree(installation.folder)


def large_records(bench: Bench) -> None:
    """Harvest records of 4 MB: a page ends where its bytes do, whatever its number of records."""
    bench.note("records of 4 MB")
    installation = Installation(bench.folder / "large")
    installation.run("init")
    file = bench.folder / "large.jsonl"
    with file.open("wb") as out:
        out.writelines(collection.large_records(24))
    installation.run("import", file)
    with served(installation) as (url, root):
        before = peak_bytes([root])
        done = harvest(url, [root])
        bench.say("records of 4 MB on a page of page_bytes (8 MiB)", done.records / len(done.times), "records", 3)
        bench.say("memory that they cost a worker at most", (peak_bytes([root]) - before) / 1e6, "MB", 100)


def slow(bench: Bench, installation: Installation) -> None:
    """Let twenty harvesters read at 100 kB/s, and ask Identify meanwhile."""
    bench.note("twenty slow harvesters")
    with served(installation) as (url, _):
        port = int(url.split(":")[2].split("/")[0])
        target = "/oai?" + urlencode({"verb": "ListRecords", "metadataPrefix": "oai_dc"})
        ends = time.monotonic() + 20

        def sip() -> None:
            while time.monotonic() < ends:
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
                    client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                    while time.monotonic() < ends and client.recv(10_000):
                        time.sleep(0.1)

        threads = [threading.Thread(target=sip) for _ in range(20)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        client, times = Client(url), []
        while time.monotonic() < ends:
            begun = time.perf_counter()
            client.get(verb="Identify")
            times.append(time.perf_counter() - begun)
            time.sleep(0.02)
        for thread in threads:
            thread.join()
        times.sort()
        bench.say("Identify beside 20 slow harvesters, p99", times[len(times) * 99 // 100] * 1000, "ms", 100)


def main() -> None:
    """Run the table and write it down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=100_000, help="items of the collection [%(default)s]")
    parser.add_argument("--copies", type=int, default=1, help="how often it is stored, compressed if more than once")
    parser.add_argument("--rounds", type=int, default=3, help="turns of what is compared [%(default)s]")
    parser.add_argument("--engines", default="sqlite,postgresql", help="[%(default)s]")
    parser.add_argument("--name", default="bench", help="name of the files that are written [%(default)s]")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="their folder [%(default)s]")
    parser.add_argument("--page", type=Path, help="a page of the documentation that shows the table")
    given = parser.parse_args()
    if given.page:
        report.with_table(given.page.read_text(encoding="utf-8"), given.name, "")  # or fail now, not in an hour
    with tempfile.TemporaryDirectory(prefix="oai-bench-") as name:
        bench = Bench(Path(name), given.items, given.rounds, given.copies)
        run(bench, given.engines.split(","))
    bench.note("done")
    report.write(given.out, given.name, report.said(bench.figures, bench.held), bench.pages, given.page)


def run(bench: Bench, engines: list[str]) -> None:
    """Take all figures."""
    bench.note(f"makes {bench.items:,} records")
    with bench.file.open("wb") as out:
        out.writelines(collection.records(bench.items))
    sqlite = Installation(bench.folder / "sqlite")
    sqlite.run("init")
    loading(bench, sqlite, "SQLite")
    database = sqlite.folder / "repository.sqlite"
    disk(bench, "SQLite", database.stat().st_size, *payload(database))
    floor_db, peer_db = bench.folder / "floor.sqlite", bench.folder / "peer.sqlite"
    floor.build(database, floor_db, COMPARED)
    peer.build(database, peer_db, COMPARED)
    enlarge(bench, sqlite, "SQLite", lambda: history.write_sqlite(database, bench.copies))
    if bench.copies > 1:
        disk(bench, "SQLite, compressed", database.stat().st_size)
    with awake():
        lists(bench, sqlite, floor_db, peer_db)
        single(bench, sqlite, floor_db)
    crowded(bench, sqlite)
    depth(bench, sqlite, "SQLite")
    slow(bench, sqlite)
    if bench.copies == 1:
        packed(bench, sqlite)
        large_records(bench)
    binaries = postgresql_binaries()
    if "postgresql" not in engines or not binaries:
        bench.note("PostgreSQL is not measured" + ("" if binaries else ": it is not installed"))
        return
    cluster = Cluster(binaries)
    try:
        on_postgresql(bench, cluster, sqlite)
    finally:
        cluster.remove()


def enlarge(bench: Bench, installation: Installation, engine: str, write: Callable[[], int]) -> None:
    """Give what was imported a history and as many copies as are asked for; those are compressed, to find room."""
    if bench.copies > 1:
        bench.note(f"compresses what is in {engine}")
        installation.settings["compression"] = "zstd"
        installation.run("render", "--repack")
    bench.note("gives the records a history of three years" + (f", and copies, {engine}" if bench.copies > 1 else ""))
    bench.held = write()


def on_postgresql(bench: Bench, cluster: Cluster, sqlite: Installation) -> None:
    """Take the figures of PostgreSQL, over its local socket, beside SQLite where they are compared."""
    name = cluster.new_database().rpartition("/")[2]
    url = f"postgresql+psycopg://oai@/{name}?host={cluster.folder}&port={cluster.port}"
    postgresql = Installation(bench.folder / "postgresql", {"database_url": url})
    postgresql.run("init")
    bench.held = bench.items
    loading(bench, postgresql, "PostgreSQL")
    disk(bench, "PostgreSQL", int(cluster.sql(f"SELECT pg_database_size('{name}')")))

    def write() -> int:
        items, formats = (int(cluster.sql(f"SELECT max(id) FROM {table}", name)) for table in ("item", "format"))
        for statement in history.statements("postgresql", items, formats, bench.copies):
            cluster.sql(statement, name, timeout=None)
        cluster.sql("VACUUM (ANALYZE)", name, timeout=None)
        # What was loaded is tidied up; what reading costs is measured from here on.
        cluster.sql("ALTER SYSTEM SET autovacuum = off")
        cluster.sql("SELECT pg_reload_conf()")
        return items * bench.copies

    enlarge(bench, postgresql, "PostgreSQL", write)
    if bench.copies > 1:
        disk(bench, "PostgreSQL, compressed", int(cluster.sql(f"SELECT pg_database_size('{name}')")))
    bench.note("lists, beside SQLite")
    most = min(bench.items, COMPARED)
    with awake(), served(postgresql) as (url, root), served(sqlite) as (plain, plain_root):
        both, alone = bench.turns(
            lambda: harvest(url, [root, cluster.pid], most=most).cpu_ms,
            lambda: harvest(plain, [plain_root], most=most).cpu_ms,
        )
        small(bench, "PostgreSQL and its server", url, root, cluster.pid)
    bench.say("ListRecords, 250 a page, PostgreSQL and its server", both, "CPU ms per 1,000")
    bench.say("ListRecords, 250 a page, PostgreSQL by SQLite", both / alone, "ratio", 2.2)
    shutil.rmtree(sqlite.folder)
    depth(bench, postgresql, "PostgreSQL")


def payload(database: Path) -> tuple[int, int]:
    """Return the bytes of all renditions, and of all canonical records."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        [(renditions,)] = connection.execute("SELECT sum(size) FROM record")
        [(canonical,)] = connection.execute("SELECT sum(length(json)) FROM canonical")
    return renditions, canonical


def disk(bench: Bench, engine: str, size: int, renditions: int = 0, canonical: int = 0) -> None:
    """Tell what the database takes, and what of it are the records themselves."""
    bench.say(f"disk, {engine}, an item with its two records", size / bench.held, "bytes")
    if renditions:
        bench.say("of that its two renditions", renditions / bench.held, "bytes")
        bench.say("of that its canonical record", canonical / bench.held, "bytes")


if __name__ == "__main__":
    main()
