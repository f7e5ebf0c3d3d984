"""Five years of a museum, replayed: guarded days change nothing, and who follows has the exact copy each evening.

The days pass on a simulated clock, which is a table of the database: importers and a real server in other processes
read it in place of the database's own. A few days pass in real time, with nothing replaced.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import places
import pytest
from click.testing import CliRunner
from history import TROUBLES, Day, Museum, Seen, profiles, read
from lxml import etree
from servers import Installation, Server, wait_until

from oai_server import cli
from oai_server.store import clock, repository
from oai_server.store.engine import open_engine

LONG = bool(os.environ.get("OAI_LONG"))
YEARS = 1826 if LONG else 0
DAYS = {"sqlite": YEARS or 34, "postgresql": YEARS or 30}
WORKS = 250 if LONG else 120
PREFIXES = ("oai_dc", "mods")
OAI = "oai:archive.example.org:"
BEGIN = int(datetime(2019, 1, 1, 3, tzinfo=UTC).timestamp())
"""The first export, at night."""
A_DAY = 86_400
XML = {"oai": "http://www.openarchives.org/OAI/2.0/", "dc": "http://purl.org/dc/elements/1.1/"}
CONFIG = """
[sets."classification:painting"]
name = "Paintings"
tombstones = true
"""


class Copy(NamedTuple):
    """A record as a harvester keeps it. ``datestamp`` is in seconds, ``metadata`` the payload."""

    datestamp: int
    deleted: bool
    setspecs: tuple[str, ...]
    metadata: bytes


class Harvester:
    """Keeps a copy of a list and asks for what is new since the last response date, plus some seconds."""

    def __init__(self, server: Server, prefix: str, plus: int = 0, setspec: str | None = None) -> None:
        self.prefix = prefix
        self.copy: dict[str, Copy] = {}
        self.came = 0
        self._server = server
        self._begin = {"verb": "ListRecords", "metadataPrefix": prefix} | ({"set": setspec} if setspec else {})
        self._plus = plus
        self._from: str | None = None

    def poll(self) -> dict[str, Copy]:
        """Harvest what is new, to its end; return the whole copy."""
        arguments = {**self._begin, "from": self._from} if self._from else self._begin
        first = None
        while arguments:
            answer = self._server.get(**arguments)
            assert answer.status == 200, answer.text
            root = etree.fromstring(answer.body)
            errors = {error.get("code") for error in root.iterfind("oai:error", XML)}
            assert errors <= {"noRecordsMatch"}, answer.text
            first = first or root.findtext("oai:responseDate", namespaces=XML)
            for record in root.iterfind(".//oai:record", XML):
                identifier, copy = _copied(record)
                self.copy[identifier] = copy
                self.came += 1
            token = root.findtext(".//oai:resumptionToken", namespaces=XML)
            arguments = {"verb": "ListRecords", "resumptionToken": token} if token else {}
        self._from = _text(_seconds(first) + self._plus)
        return self.copy

    def live(self) -> dict[str, Copy]:
        return {identifier: copy for identifier, copy in self.copy.items() if not copy.deleted}


def _copied(record: etree._Element) -> tuple[str, Copy]:
    [header] = record.iterfind("oai:header", XML)
    found = record.find("oai:metadata", XML)
    metadata = etree.tostring(found[0], with_tail=False) if found is not None else b""
    setspecs = tuple(one.text for one in header.iterfind("oai:setSpec", XML))
    stamp = _seconds(header.findtext("oai:datestamp", namespaces=XML))
    deleted = header.get("status") == "deleted"
    assert deleted == (not metadata)
    return header.findtext("oai:identifier", namespaces=XML), Copy(stamp, deleted, setspecs, metadata)


def _seconds(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def server_date(server: Server) -> int:
    """Return the response date of an answer, in seconds."""
    return _seconds(etree.fromstring(server.get(verb="Identify").body).findtext("oai:responseDate", namespaces=XML))


def whole(server: Server, prefix: str, setspec: str | None = None) -> dict[str, Copy]:
    """Return a fresh harvest of everything."""
    return Harvester(server, prefix, setspec=setspec).poll()


def database_url(installation: Installation) -> str:
    return installation.settings.get("database_url") or f"sqlite:///{installation.folder / 'repository.sqlite'}"


# The simulated clock: what the product asks the database for in place of its time, in this process and in others.
_NOW = "(SELECT now FROM simulated_clock)"
_SIMULATED = f"""
from oai_server.cli import main
from oai_server.ingest import importer
from oai_server.store import clock, repository

clock.NOW = dict.fromkeys(clock.NOW, "{_NOW}")
repository.SKEW = float("inf")
importer.BATCH = 20
"""
# Dies as if the power went, when it is about to send its n-th statement to the database.
_DYING = """
import itertools, os, signal
from sqlalchemy import Engine, event

sent = itertools.count(1)
event.listen(Engine, "before_cursor_execute", lambda *_: next(sent) == %d and os.kill(os.getpid(), signal.SIGKILL))
"""


class Clock:
    """The simulated clock of an installation; it begins at ``BEGIN``."""

    def __init__(self, installation: Installation) -> None:
        self._engine = open_engine(database_url(installation))
        self._run("CREATE TABLE simulated_clock (now BIGINT NOT NULL)", f"INSERT INTO simulated_clock VALUES ({BEGIN})",
                  f"UPDATE repo_clock SET horizon = {BEGIN}, earliest = {BEGIN}")  # fmt: skip

    def set(self, seconds: int) -> None:
        self._run(f"UPDATE simulated_clock SET now = {seconds}")

    def _run(self, *statements: str) -> None:
        with self._engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture
def simulated(
    new_installation: Callable[..., Installation], engine: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Installation, Clock]]:
    """An installation on each engine whose commands and servers, in any process, live by a simulated clock."""
    installation = new_installation(engine, page_size=40)
    (installation.folder / "config.toml").write_text(CONFIG)
    installation.program = (sys.executable, "-c", f"{_SIMULATED}main()")
    monkeypatch.setattr(clock, "NOW", dict.fromkeys(clock.NOW, _NOW))
    monkeypatch.setattr(repository, "SKEW", float("inf"))
    simulated = Clock(installation)
    yield installation, simulated
    simulated.close()


class Importer:
    """Imports the files of days as the museum does each night."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        self._folder = folder
        self._profiles = []
        for number, text in enumerate(profiles((places.EXAMPLES / "tate.toml").read_text())):
            self._profiles.append(folder / f"profile-{number}.toml")
            self._profiles[-1].write_text(text)

    def arguments(self, day: Day, *more: str) -> list[str]:
        """Write the file of the day; return what to say to the command."""
        file = self._folder / day.filename
        file.write_bytes(day.data)
        given = ["--source", "tate", "--mode", "full", "--profile", str(self._profiles[day.profile])]
        return ["import", str(file), *given, *more]

    def run(self, day: Day, *more: str, apart: Installation | None = None) -> tuple[int, str, str]:
        """Import a day's file, in this process or as a command of ``apart``.

        Returns exit status, the last line of the report (or nothing), and what was complained of.
        """
        arguments = self.arguments(day, *more)
        if apart:
            done = apart.run(*arguments, check=False)
            return done.returncode, _last(done.stdout), done.stderr
        environment = {name: None for name in os.environ if name.startswith("OAI_")} | {
            f"OAI_{name.upper()}": value for name, value in self._installation.settings.items()
        }
        result = CliRunner().invoke(
            cli.main, [*arguments, "--instance", str(self._installation.folder)], env=environment
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, _last(result.stdout), result.stderr

    def check(self, day: Day, *more: str, apart: Installation | None = None) -> None:
        """Import a day's file; fail where status, report or refusal are not what they must be."""
        status, line, complaints = self.run(day, *more, apart=apart)
        assert (status, line) == (day.status, day.line), (day.number, day.what, complaints)
        refusals = [one for one in complaints.splitlines() if "refused, nothing was changed" in one]
        assert len(refusals) == bool(day.refused), (day.number, day.what, complaints)
        assert all(day.refused in one for one in refusals), (day.number, day.what, day.refused, refusals)


def _last(text: str) -> str:
    return text.splitlines()[-1].removeprefix("would be: ") if text else ""


def assert_seen(found: dict[str, Copy], expected: dict[str, Seen], prefix: str, began: int | None) -> None:
    """Fail where a harvest is not what the history says; datestamps too where the days began at ``began``."""
    assert found.keys() == {OAI + key for key in expected}
    for key, seen in expected.items():
        copy = found[OAI + key]
        assert (copy.deleted, copy.setspecs) == (seen.deleted, (seen.setspec,) if seen.setspec else ()), key
        if not copy.deleted and prefix == "oai_dc":
            assert etree.fromstring(copy.metadata).findtext("dc:title", namespaces=XML) == seen.title, key
        if began is not None:
            assert copy.datestamp == began + seen.moved[prefix] * A_DAY, (key, prefix, seen)


def test_five_years(simulated: tuple[Installation, Clock], engine: str, tmp_path: Path):
    installation, now = simulated
    importer = Importer(installation, tmp_path)
    rows = read(places.data() / "tate" / "tate-artworks.csv.gz" if LONG else places.EXAMPLES / "tate-sample.csv")
    museum = Museum(rows, DAYS[engine], WORKS, seed=DAYS[engine], calm=2 if LONG else 1)
    with installation.serve(workers=1, threads=4) as server:
        followers = [Harvester(server, prefix, plus) for prefix in PREFIXES for plus in (0, 1)]
        seldom = Harvester(server, "mods")
        paintings = Harvester(server, "oai_dc", setspec="classification:painting")
        yesterday: dict[str, dict[str, Copy]] = {}
        troubles = set()
        for day in museum.history():
            tonight = BEGIN + day.number * A_DAY
            now.set(tonight)
            if day.what != "all is well" or not day.number % 10:
                importer.check(day, "--dry-run")
                assert {prefix: whole(server, prefix) for prefix in PREFIXES} == yesterday or not day.number
            importer.check(day, apart=None if day.number % 50 else installation)
            today = {prefix: whole(server, prefix) for prefix in PREFIXES}
            for prefix in PREFIXES:
                assert_seen(today[prefix], day.seen, prefix, BEGIN)
            if day.refused:
                assert today == yesterday
            # One asks in the second of the import, one by day; each at its own hour, so that horizons lie anywhere.
            for follower in followers[::2]:
                assert follower.poll() == today[follower.prefix]
            now.set(tonight + random.Random(day.number).randrange(1, A_DAY))
            for follower in followers[1::2]:
                assert follower.poll() == today[follower.prefix]
            paintings.poll()
            inside = {one for one, copy in today["oai_dc"].items() if "classification:painting" in copy.setspecs}
            assert paintings.live() == {one: today["oai_dc"][one] for one in inside if not today["oai_dc"][one].deleted}
            if not day.number % 7:
                assert seldom.poll() == today["mods"]
            if not day.refused and not day.number % 10:
                *taken, _, rejected = map(int, re.findall(r"\d+", day.line))
                _, line, _ = importer.run(day)
                assert line == f"new 0 · changed 0 · unchanged {sum(taken)} · deleted 0 · rejected {rejected}", day.what
                assert {prefix: whole(server, prefix) for prefix in PREFIXES} == today
            yesterday = today
            troubles.add(day.what)
        assert troubles > TROUBLES.keys(), "every kind of trouble was there"
        followed, all_of_it = followers[0].came, len(yesterday["oai_dc"])
        assert followed < all_of_it * (2 + DAYS[engine] / 10), "a follower fetches what has changed, not everything"


def test_an_import_that_is_killed_is_simply_run_again(
    simulated: tuple[Installation, Clock], engine: str, tmp_path: Path
):
    installation, now = simulated
    importer = Importer(installation, tmp_path)
    chance = random.Random(engine)
    left_half_done = 0
    with installation.serve(workers=1, threads=4) as server:
        follower = Harvester(server, "oai_dc")
        before: dict[str, Copy] = {}
        for day in Museum(read(places.EXAMPLES / "tate-sample.csv"), 3, 200, calm=9).history():
            now.set(BEGIN + day.number * A_DAY)
            states = []
            for _ in range(2):
                dying = f"{_SIMULATED}{_DYING % chance.randint(10, 90)}main()"
                status, _, complaints = importer.run(
                    day, apart=replace(installation, program=(sys.executable, "-c", dying))
                )
                assert status in (-signal.SIGKILL, day.status), complaints
                states.append(whole(server, "oai_dc"))
                assert follower.poll() == states[-1]
            status, _, complaints = importer.run(day)
            assert status == day.status, complaints
            after = whole(server, "oai_dc")
            assert_seen(after, day.seen, "oai_dc", BEGIN)
            assert_seen(whole(server, "mods"), day.seen, "mods", BEGIN)
            assert follower.poll() == after
            left_half_done += sum(state not in (before, after) for state in states)
            before = after
    assert left_half_done, "no import was killed in the middle"


def test_days_in_real_time(instance: Installation, tmp_path: Path):
    importer = Importer(instance, tmp_path)
    with instance.serve(page_size=40) as server:
        followers = [Harvester(server, prefix, plus) for prefix in PREFIXES for plus in (0, 1)]
        stamps: dict[str, dict[str, int]] = {prefix: {} for prefix in PREFIXES}
        for day in Museum(read(places.EXAMPLES / "tate-sample.csv"), 4, 100, seed=5, calm=0).history():
            importer.check(day, "--dry-run")
            importer.check(day, apart=instance)
            for follower in followers:
                follower.poll()
            for follower in followers:
                today = whole(server, follower.prefix)
                assert follower.copy == today
                assert_seen(today, day.seen, follower.prefix, None)
            for prefix in PREFIXES:
                after = {one.removeprefix(OAI): copy.datestamp for one, copy in whole(server, prefix).items()}
                moved = {one for one, stamp in after.items() if stamps[prefix].get(one) != stamp}
                assert moved == {one for one, seen in day.seen.items() if seen.moved[prefix] == day.number}
                stamps[prefix] = after
            last = max(max(one.values()) for one in stamps.values())
            wait_until(lambda last=last: server_date(server) > last, 10, "the next second")
