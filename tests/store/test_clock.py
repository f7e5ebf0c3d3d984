"""The clock row: whatever is published while someone reads is stamped later than what the reader was told."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from drafts import OFFERED, draft, header_of, named
from invariants import assert_sound, rows

from oai_server.store import clock
from oai_server.store.repository import Store
from oai_server.store.tables import FORMAT

WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from drafts import draft
from oai_server.store.repository import Store
store = Store(sys.argv[2])
for number in range(40):
    store.publish([draft(f"{sys.argv[3]}{number % 13}", b"<dc>%d</dc>" % number, sets=("a:b",), source=sys.argv[3])])
store.close()
"""


def test_two_processes_publish_while_a_third_reads_and_misses_nothing(store: Store):
    store.resolve_sets(["a:b"])
    url = store._engine.url.render_as_string(hide_password=False)
    folder = str(Path(__file__).parent)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, folder, url, name]) for name in "pq"]
    harvest = store.harvest(OFFERED)
    mirror: dict[str, bytes | None] = {}
    since, last, ended = 0, 0, 0
    while ended < 2:
        ended += all(writer.poll() is not None for writer in writers)
        horizon = harvest.clock(tick=True).horizon  # before the data: its second less one is what the answer says
        assert horizon >= last
        last = horizon
        found, more = harvest.page("oai_dc", "a", since, horizon, None, 1000, 1 << 30, bodies=True)
        assert not more
        mirror.update({header_of(row).identifier: row.body for row in named(found)})
        since = horizon  # responseDate plus one second: the least that a harvester may ask from
    harvest._connections.drop()
    assert [writer.returncode for writer in writers] == [0, 0]
    bodies = {row.id % FORMAT: row.body for row in rows(store._engine, "record") if row.id // FORMAT == 1}
    assert mirror == {row.identifier: bodies[row.id] for row in rows(store._engine, "item")}
    assert len(mirror) == 26
    assert_sound(store._engine)


def test_a_clock_that_runs_back_moves_no_datestamp_back(store: Store):
    ahead = 1_000_000 + store.horizon().horizon
    with clock.publishing(store._engine) as (connection, _):
        connection.exec_driver_sql(f"UPDATE repo_clock SET horizon = {ahead}")
    harvest = store.harvest(OFFERED)
    assert harvest.clock(tick=True).horizon == ahead
    harvest._connections.drop()
    store.publish([draft("a")])
    assert store.horizon().horizon == ahead
    assert {stamp for _, stamp, _, _ in store.show("oai:d.org:a").records} == {ahead}
    assert_sound(store._engine)


def test_a_tick_waits_for_no_writer(store: Store):
    """It goes on with the horizon there is: an older one is as true."""
    harvest = store.harvest(OFFERED)
    before = harvest.clock(tick=True).horizon
    with clock.publishing(store._engine) as (connection, stamp):
        connection.exec_driver_sql(f"UPDATE repo_clock SET horizon = {stamp}")
        while int(time.time()) <= stamp:
            time.sleep(0.05)
        during = harvest.clock(tick=True).horizon
    assert before <= during <= stamp
    assert harvest.clock(tick=True).horizon > stamp
    harvest._connections.drop()
