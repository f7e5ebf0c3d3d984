"""Processes that render: what they make is what one process makes, and they end with it, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from servers import wait_until

sys.path.insert(0, str(Path(__file__).parent.parent / "store"))
from invariants import assert_sound, dump

from metadata_formats.oai_dc import OaiDc
from metadata_formats.record import Record, Title
from oai_server.ingest import importer, rendering
from oai_server.ingest.files import sources
from oai_server.ingest.importer import Importer, ImportRefused, Intake, Plan, Report
from oai_server.ingest.reader import Found
from oai_server.ingest.readers import Job
from oai_server.ingest.workers import Workers
from oai_server.store.repository import Store


class Fussy(OaiDc):
    """Fails with some records, and ends the process with others."""

    ends: ClassVar[str] = ""

    def render(self, record: Any, context: Any) -> Any:
        if record.id == self.ends:
            os._exit(9)
        if record.id.endswith("7"):
            raise ValueError(f"no {record.id}")
        return super().render(record, context)


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of some batches, with all that can happen to a record in them."""
    monkeypatch.setattr(importer, "BATCH", 20)
    records = [
        {"id": f"r{number}", "titles": [{"value": f"Title {number}"}], "sets": [f"s{number % 3}"]}
        for number in range(90)
    ]
    records[41] = {"id": "r41", "titles": []}
    records[55] = records[3]
    records[66] = {"id": "r2", "record": {"status": "deleted"}}
    records[70] = {"id": "r70", "record": {"status": "deleted"}}
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(map(json.dumps, records)))
    return file


def _dated(value: Any) -> bool:
    """Tell whether a value is a datestamp, or a header with one."""
    return (isinstance(value, int) and value > 10**9) or (isinstance(value, bytes) and value.startswith(b"<header"))


def run(folder: Path, file: Path, jobs: int, times: int = 2) -> tuple[list[Any], Any]:
    """Import twice (then all is unchanged) into a database of its own; returns what was told, and the tables."""
    told: list[Any] = []
    formats = rendering.Formats({"oai_dc": Fussy()}, "A", "http://a.org/oai", {})
    store = Store(f"sqlite:///{folder}/{jobs}.sqlite")
    store.upgrade()
    store.declare([("oai_dc", "s", "n", "1")])
    for _ in range(times):
        report = Report(told.append)
        Importer(store, formats, "a.org", Plan(), report, jobs).run(Job(), list(sources([str(file)])))
        told.append(report.line)
    assert_sound(store._engine)
    tables = dump(store._engine)
    store.close()
    # Every batch has its own moment.
    return told, {
        name: [[value for value in row if not _dated(value)] for row in tables[name]]
        for name in ("item", "canonical", "record", "list_total")
    }


def test_several_processes_make_what_one_makes(tmp_path: Path, lines: Path):
    told, tables = run(tmp_path, lines, 1)
    told_by_many, same = run(tmp_path, lines, 3)
    assert same == tables
    assert told_by_many == told, "in the same order too"
    assert told[-1] == "new 0 · changed 0 · unchanged 78 · deleted 0 · rejected 12"


def test_a_broken_record_makes_no_set(tmp_path: Path, lines: Path):
    with lines.open("a") as file:
        for number in range(90, 150):
            broken = {"titles": []} if number % 2 else {"titles": [{"value": "T"}]}
            record = {"id": f"r{number}", "sets": ["broken" if number % 2 else "whole"], **broken}
            file.write("\n" + json.dumps(record))
    run(tmp_path, lines, 2, 1)
    with closing(Store(f"sqlite:///{tmp_path}/2.sqlite")) as store:
        assert {one.spec for one, _ in store.sets()} == {"s0", "s1", "s2", "whole"}


def test_two_records_with_one_identifier_cost_one_of_them(tmp_path: Path):
    """A record of our own and one of another repository, that has the identifier of ours."""
    formats = rendering.Formats({"oai_dc": OaiDc()}, "A", "http://a.org/oai", {})
    told: list[Any] = []
    with closing(Store(f"sqlite:///{tmp_path}/r.sqlite")) as store:
        store.upgrade()
        store.declare([("oai_dc", "s", "n", "1")])
        for _ in range(2):
            intake = Intake(store, formats, "a.org", Plan(), Report(told.append))
            for key, theirs in (("x", None), ("y", "oai:a.org:x"), ("z", None)):
                intake.take("f", Found(Record(id=key, titles=[Title(value="T")]), key, source_key=theirs))
            intake.flush()
        assert_sound(store._engine)
    message = "oai:a.org:x is another record of this source already; one of the two needs another id"
    rejected = {"outcome": "rejected", "file": "f", "where": "y", "id": "oai:a.org:x", "message": message}
    assert [event for event in told if event["outcome"] == "rejected"] == [rejected, rejected]
    assert [event["id"] for event in told if event["outcome"] == "new"] == ["x", "z"]


@pytest.mark.parametrize(("largest", "most"), [(importer.READ_BYTES, importer.AHEAD + 1), (2000, 2)])
def test_few_batches_wait_and_fewer_large_ones(
    tmp_path: Path, lines: Path, monkeypatch: pytest.MonkeyPatch, largest: int, most: int
):
    waiting: list[int] = []
    finish = Intake._finish

    def finished(self: Intake) -> None:
        waiting.append(len(self._waiting))
        finish(self)

    monkeypatch.setattr(Intake, "_finish", finished)
    monkeypatch.setattr(importer, "READ_BYTES", largest)  # a batch of these has some 1,300 bytes
    run(tmp_path, lines, 2, 1)
    assert max(waiting) == most


def test_a_small_import_starts_no_process(tmp_path: Path, lines: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importer, "BATCH", 1000)
    monkeypatch.setattr(Workers, "render", None)
    run(tmp_path, lines, 3, 1)


def test_renditions_do_not_pile_up_where_no_other_process_makes_them(
    tmp_path: Path, lines: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importer, "BATCH_BYTES", 0)
    monkeypatch.setattr(importer, "_size", lambda _: 0)  # the renditions alone fill a batch
    events: list[str] = []
    publish = Intake._publish

    class Told(Fussy):
        def render(self, record: Any, context: Any) -> Any:
            events.append("render")
            return super().render(record, context)

    def told(self: Any, drafts: Any, places: Any) -> None:
        events.extend(["publish"] * bool(drafts))
        publish(self, drafts, places)

    monkeypatch.setattr(Intake, "_publish", told)
    monkeypatch.setitem(globals(), "Fussy", Told)
    run(tmp_path, lines, 1, 1)
    assert events[:4] == ["render", "publish", "render", "publish"]


def test_a_process_that_is_ended_is_told_in_a_line(tmp_path: Path, lines: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Fussy, "ends", "r80")
    with pytest.raises(ImportRefused, match="ended from outside, for want of memory perhaps: what was published stays"):
        run(tmp_path, lines, 2)


HOLDER = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
import os, sys, time
from metadata_formats import registry
from oai_server.ingest.rendering import Formats
from oai_server.ingest.workers import Task, Workers
with Workers(Formats(registry.load(["oai_dc"]), "A", "http://a.org", {}), 2) as workers:
    task = Task(b'{"id": "a", "titles": [{"value": "A"}]}', "oai:a.org:a", [])
    made = workers.render([task] * 10)()
    assert len(made) == 10, made
    print(*workers._pool._processes, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_they_end_with_the_import(ending: signal.Signals):
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        processes = [int(number) for number in holder.stdout.readline().split()]
        assert len(processes) == 2
        holder.send_signal(ending)
        wait_until(lambda: not any(_runs(process) for process in processes), 10, "the end of the processes")
        _, said = holder.communicate()
    assert said.count(b"Traceback") == (ending == signal.SIGINT), "but the parent's, nobody says anything"


HANGING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
import sys, time
from metadata_formats.oai_dc import OaiDc
from metadata_formats.record import Record, Title
from oai_server.ingest.rendering import Formats
from oai_server.ingest.workers import Task, Workers
class Hanging(OaiDc):
    def render(self, record, context):
        print("hangs", flush=True)
        time.sleep(60)
with Workers(Formats({"oai_dc": Hanging()}, "A", "http://a.org", {}), 1) as workers:
    workers.render([Task(b'{"id": "a", "titles": [{"value": "A"}]}', "oai:a.org:a", [])])()
"""


def test_who_interrupts_waits_for_no_format_that_hangs():
    with subprocess.Popen([sys.executable, "-c", HANGING], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"hangs\n"
        holder.send_signal(signal.SIGINT)
        try:
            holder.wait(10)
        finally:
            holder.kill()


def _runs(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
