"""Run the whole table: ``python -m benchmarks`` with ``tests`` on the path; ``--items`` and ``--rounds`` make it longer.

Every figure is taken in this one run. What is compared is run in turns (A B A B), and medians are compared.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import collection, floor, peer
from benchmarks.harvest import Client, Harvest, cost, cpu, harvest, private_bytes
from servers import Cluster, Installation, free_port, postgresql_binaries, wait_until

WORKERS, THREADS = 2, 16


@dataclass
class Figure:
    """One line of the table. ``aim`` is what the figure should be at most, or at least where ``floor`` is set."""

    what: str
    value: float
    unit: str
    aim: float | None = None
    least: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.least else self.value <= self.aim

    def __str__(self) -> str:
        aim = "" if self.aim is None else f"{'>=' if self.least else '<='} {self.aim:g}"
        mark = {True: "holds", False: "MISSED", None: ""}[self.holds]
        return f"{self.what:<66} {self.value:>10.2f} {self.unit:<22} {aim:<9} {mark}"


class Bench:
    """One run: figures are printed as they come."""

    def __init__(self, folder: Path, items: int, rounds: int) -> None:
        self.folder, self.items, self.rounds = folder, items, rounds
        self.figures: list[Figure] = []
        self.pages: dict[str, list[float]] = {}
        self.file = folder / "records.jsonl"

    def say(self, what: str, value: float, unit: str, aim: float | None = None, *, least: bool = False) -> None:
        """Enter a figure and print it."""
        self.figures.append(Figure(what, round(value, 3), unit, aim, least))
        print(self.figures[-1], flush=True)

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


def loading(bench: Bench, installation: Installation, engine: str) -> None:
    """Import all, and all again."""
    seconds, used, memory = timed(installation, "import", bench.file)
    bench.say(f"import, {engine}", bench.items / seconds, "items/s", 5000, least=True)
    bench.say(f"import, {engine}, memory of one process", memory / 1e6, "MB")
    seconds, used, _ = timed(installation, "import", bench.file)
    bench.say(f"unchanged import, {engine}", bench.items / seconds, "items/s", 20_000, least=True)


def lists(bench: Bench, installation: Installation, floor_db: Path, peer_db: Path) -> None:
    """Compare ListRecords and ListIdentifiers with the peer and the floor."""
    most = min(bench.items, 100_000)
    for page in (100, 250):
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
        bench.say(f"ListRecords, {page} a page, by the floor", mine / least, "ratio", 1.3)
        bench.say(f"ListRecords, {page} a page, gzip, by the floor", gzip / least, "ratio", 1.6)
    with (
        served(installation) as (ours, our),
        gunicorn("benchmarks.peer:app", PEER_DB=peer_db, PEER_PAGE=500) as (other, other_pid),
    ):
        mine, theirs = bench.turns(
            lambda: harvest(ours, [our], verb="ListIdentifiers").cpu_ms,
            lambda: harvest(other, [other_pid], verb="ListIdentifiers", most=most // 5).cpu_ms,
        )
    bench.say("ListIdentifiers, 500 a page", mine, "CPU ms per 1,000")
    bench.say("ListIdentifiers, 500 a page, by oai-repo", mine / theirs, "ratio", 0.1)


def single(bench: Bench, installation: Installation, floor_db: Path) -> None:
    """Compare GetRecord with the floor, and ask for records from 16 clients at once."""
    chance = random.Random(1)
    live = [number for number in chance.choices(range(1, bench.items + 1), k=4000) if number % 50]
    identifiers = [f"oai:archive.example.org:obj-{number:09}" for number in live]
    arguments = {"verb": "GetRecord", "metadataPrefix": "oai_dc"}

    def costs(url: str, root: int) -> float:
        client = Client(url)
        client.get(**arguments, identifier=identifiers[0])
        before = cpu([root])
        for identifier in identifiers:
            client.get(**arguments, identifier=identifier)
        return (cpu([root]) - before) / len(identifiers) * 1000

    with (
        served(installation) as (ours, our),
        gunicorn("benchmarks.floor:app", FLOOR_DB=floor_db, FLOOR_PAGE=100) as (bare, bare_pid),
    ):
        mine, least = bench.turns(lambda: costs(ours, our), lambda: costs(bare, bare_pid))
        bench.say("GetRecord", mine, "CPU ms")
        bench.say("GetRecord, by the floor", mine / least, "ratio", 1.5)
        times: list[float] = []

        def ask(part: list[str]) -> None:
            client = Client(ours)
            for identifier in part:
                begun = time.perf_counter()
                client.get(**arguments, identifier=identifier)
                times.append(time.perf_counter() - begun)

        threads = [threading.Thread(target=ask, args=(identifiers[start::16],)) for start in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times.sort()
        bench.say("GetRecord, 16 clients: p99 by p50", times[len(times) * 99 // 100] / times[len(times) // 2], "ratio", 10)
        small = {
            "Identify": {"verb": "Identify"},
            "ListSets": {"verb": "ListSets"},
            "ListMetadataFormats": {"verb": "ListMetadataFormats"},
            "an empty window": {"verb": "ListRecords", "metadataPrefix": "oai_dc", "until": "1990-01-01"},
        }
        for name, said in small.items():
            bench.say(name, statistics.median(cost(ours, [our], 500, **said) for _ in range(bench.rounds)), "CPU ms", 1)


def depth(bench: Bench, installation: Installation, engine: str) -> None:
    """Harvest lists of every kind to their ends: the last pages should take as long as the first."""
    with served(installation) as (url, root):
        earliest, latest = _span(url)
        middle = (earliest + latest) // 2
        kinds: dict[str, dict[str, str]] = {
            "whole repository": {}, "a set of 0.1 %": {"set": "rare"}, "a set of 50 %": {"set": "half"},
            "a parent set": {"set": "shelf"}, "a window": {"from_": _utc(earliest), "until": _utc(middle)},
        }  # fmt: skip
        for name, more in kinds.items():
            done = harvest(url, [root], **more)
            bench.pages[f"{engine}: {name}"] = done.times
            if len(done.times) > 8:
                bench.say(f"last pages by first, {engine}, {name} ({done.records} records)", done.depth, "ratio", 1.5)
        bench.say(f"private memory of a worker after that, {engine}", private_bytes([root]) / 1e6, "MB", 150)


def _span(url: str) -> tuple[int, int]:
    text = Client(url).get(verb="Identify").decode()
    stamp = text.partition("<earliestDatestamp>")[2][:20]
    return int(datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()), int(time.time())


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def slow(bench: Bench, installation: Installation) -> None:
    """Let twenty harvesters read at 100 kB/s, and ask Identify meanwhile."""
    with served(installation) as (url, _):
        port = int(url.split(":")[2].split("/")[0])
        target = "/oai?" + urlencode({"verb": "ListRecords", "metadataPrefix": "oai_dc"})
        ends = time.monotonic() + 12

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
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="oai-bench-") as name:
        bench = Bench(Path(name), given.items, given.rounds)
        run(bench)
    machine = f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}"
    said = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"), "machine": machine, "items": bench.items,
        "figures": [{**asdict(figure), "holds": figure.holds} for figure in bench.figures],
    }  # fmt: skip
    (given.out / "bench.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    from benchmarks import plot

    plot.draw(said, bench.pages, given.out / "bench.svg")
    print(f"{given.out}/bench.json and bench.svg, {machine}")


def run(bench: Bench) -> None:
    """Take all figures."""
    with bench.file.open("wb") as out:
        out.writelines(collection.records(bench.items))
    sqlite = Installation(bench.folder / "sqlite")
    sqlite.run("init")
    loading(bench, sqlite, "SQLite")
    database = sqlite.folder / "repository.sqlite"
    bench.say("disk, SQLite, oai_dc and MODS", database.stat().st_size / bench.items / 2, "bytes per record")
    floor_db, peer_db = bench.folder / "floor.sqlite", bench.folder / "peer.sqlite"
    floor.build(database, floor_db)
    peer.build(database, peer_db)
    lists(bench, sqlite, floor_db, peer_db)
    single(bench, sqlite, floor_db)
    depth(bench, sqlite, "SQLite")
    slow(bench, sqlite)
    binaries = postgresql_binaries()
    if not binaries:
        print("PostgreSQL: not measured, it is not installed")
        return
    cluster = Cluster(binaries)
    try:
        postgresql = Installation(bench.folder / "postgresql", {"database_url": cluster.new_database()})
        postgresql.run("init")
        loading(bench, postgresql, "PostgreSQL")
        most = min(bench.items, 100_000)
        with served(postgresql) as (url, root), served(sqlite) as (plain, plain_root):
            both, alone = bench.turns(
                lambda: harvest(url, [root, cluster.pid], most=most).cpu_ms,
                lambda: harvest(plain, [plain_root], most=most).cpu_ms,
            )
        bench.say("ListRecords, 250 a page, PostgreSQL with its server", both, "CPU ms per 1,000")
        bench.say("ListRecords, 250 a page, PostgreSQL by SQLite", both / alone, "ratio", 2.2)
        depth(bench, postgresql, "PostgreSQL")
    finally:
        cluster.remove()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
