"""No harvester misses a change: writers change records while harvesters of every kind poll a real server.

Each harvester keeps a copy and only ever asks for what is new. When the writers have stopped and each has polled once
more, every copy must equal what a fresh harvest gives: nothing lost, nothing that is not there. The same simulation,
with the one rule broken on purpose, must find losses: otherwise it would prove nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lxml import etree
from servers import Installation, Server

OAI = "{http://www.openarchives.org/OAI/2.0/}"
# Long enough for some thousand changes over several seconds; `make test-long` runs minutes.
SECONDS = 60 if os.environ.get("OAI_LONG") else 6
WRITERS = 3
SETS = ("a", "a:b", "c")


def stamped(text: str, seconds: int = 0) -> str:
    """Return an OAI-PMH time some seconds later."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Harvester:
    """Polls one list and decides by its kind where the next harvest begins."""

    def __init__(self, server: Server, kind: str, setspec: str | None = None) -> None:
        self.server = server
        self.kind = kind
        self.setspec = setspec
        self.copy: dict[str, tuple[str, bool, str]] = {}
        self.from_: str | None = None
        self.failure: BaseException | None = None

    def ask(self, **arguments: str) -> etree._Element:
        answer = self.server.get(**arguments)
        assert answer.status == 200, answer.text
        return etree.fromstring(answer.body)

    def poll(self) -> None:
        """Harvest what is new since the last time."""
        identified = self.ask(verb="Identify").findtext(f"{OAI}responseDate")
        arguments = {"verb": "ListRecords", "metadataPrefix": "oai_dc"}
        if self.setspec:
            arguments["set"] = self.setspec
        if self.from_:
            arguments["from_"] = self.from_
        dates = []
        highest = None
        while True:
            root = self.ask(**arguments)
            dates.append(root.findtext(f"{OAI}responseDate"))
            for record in root.iter(f"{OAI}record"):
                header = record.find(f"{OAI}header")
                stamp = header.findtext(f"{OAI}datestamp")
                highest = max(highest or stamp, stamp)
                text = "".join(record.itertext()).split(stamp)[1].strip()
                self.copy[header.findtext(f"{OAI}identifier")] = (stamp, header.get("status") == "deleted", text)
            token = root.findtext(f".//{OAI}resumptionToken")
            if not token:
                break
            arguments = {"verb": "ListRecords", "resumptionToken": token}
        base, plus = re.fullmatch(r"(\w+)(\+1)?", self.kind).groups()
        if base == "highest":
            self.from_ = highest or self.from_
        else:
            moment = {"first": dates[0], "last": dates[-1], "identify": identified}[base]
            self.from_ = stamped(moment, 1 if plus else 0)

    def run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                self.poll()
                time.sleep(0.05)
        except BaseException as error:  # told by the test, in its own thread
            self.failure = error


KINDS = ("first", "last", "identify", "first+1", "last+1", "identify+1", "highest")


def simulate(installation: Installation, seconds: float, mutation: str = "") -> dict[str, list[str]]:
    """Run writers and harvesters; returns for each harvester the identifiers that its copy has wrong."""
    writer = Path(__file__).with_name("writer.py")
    url = installation.settings.get("database_url") or f"sqlite:///{installation.folder / 'repository.sqlite'}"
    with installation.serve(workers=2, threads=8, page_size=7) as server:
        stop = threading.Event()
        harvesters = [Harvester(server, kind) for kind in KINDS] + [Harvester(server, "first", one) for one in SETS]
        threads = [threading.Thread(target=harvester.run, args=(stop,)) for harvester in harvesters]
        arguments = [str(seconds), *([mutation] if mutation else [])]
        writers = [
            subprocess.Popen([sys.executable, str(writer), url, f"w{number}", str(number), *arguments])
            for number in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        codes = [process.wait(timeout=seconds + 60) for process in writers]
        stop.set()
        for thread in threads:
            thread.join()
        assert codes == [0] * WRITERS
        time.sleep(2.1)  # the last second is over for everybody
        found = {}
        for harvester in harvesters:
            if harvester.failure:
                raise harvester.failure
            harvester.poll()
            fresh = Harvester(server, "first", harvester.setspec)
            fresh.poll()
            # A record that left a set is not in the set's list any more: a copy of the set may still have it.
            wrong = [key for key, value in fresh.copy.items() if harvester.copy.get(key) != value]
            if harvester.setspec is None:
                wrong += harvester.copy.keys() - fresh.copy.keys()
            found[f"{harvester.kind} {harvester.setspec or ''}".strip()] = wrong
        assert len(fresh.copy) > 0
        return found


def test_nobody_misses_a_change(instance):
    found = simulate(instance, SECONDS)
    assert not any(found.values()), found


def test_the_simulation_finds_what_a_broken_rule_loses(instance):
    found = simulate(instance, SECONDS, "early-stamp")
    assert sum(map(len, found.values())) > 0, found
