"""A backup holds all of one moment, and a restore is a change that every harvester hears of."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from drafts import OFFERED, draft, header_of, named
from invariants import assert_sound, dump
from older import TO_0007, taken_back

from oai_server.store import backup, clock
from oai_server.store.engine import StoreError
from oai_server.store.publish import Outcome
from oai_server.store.repository import Store
from oai_server.store.sets import Declared

STAMPED = {"record", "entry", "departure"}
ROOM = 1 << 30


def contents(store: Store) -> dict[str, list[Any]]:
    """Return all tables but the clock, without datestamps."""
    found = {}
    for name, rows in dump(store._engine).items():
        if name != "repo_clock":
            at = 2 if name == "departure" else 1
            found[name] = [_unstamped(row[:at] + row[at + 1 :]) for row in rows] if name in STAMPED else rows
            found[name].sort(key=repr)
    return found


def _unstamped(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row with no datestamp in its header, if it has one."""
    return tuple(re.sub(rb"<datestamp>[^<]*", b"", cell) if isinstance(cell, bytes) else cell for cell in row)


def filled(store: Store) -> Store:
    """Publish something of every kind: live, deleted, in one format alone, departed from a set."""
    store.resolve_sets(["Prints & drawings", "a:b"])
    store.declare_sets([Declared("a:b", tombstones=True)])
    abouts = {"oai_dc": b"<about/>"}
    store.publish([draft("live", sets=("a:b",)), draft("left", sets=("a:b",), abouts=abouts), draft("gone")])
    store.publish([draft("dc", mods=None, abouts=abouts)])
    store.publish([draft("left", sets=("Prints-drawings",)), draft("live", mods=b"\0\xff" * 3, sets=("a:b",))])
    store.withdraw(source="s", keys=["gone"])
    return store


@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
def test_what_is_restored_is_what_was_there_on_either_engine(
    engine: str, other: str, new_store: Callable[[str], Store], tmp_path: Path
) -> None:
    source, target = filled(new_store(engine)), new_store(other)
    assert source.backup(tmp_path / "backup") == 4
    before = source.horizon()
    assert target.restore(tmp_path / "backup") == (4, 0)
    assert contents(target) == contents(source)
    assert_sound(target._engine)
    after = target.horizon()
    assert after.horizon > before.horizon
    assert after.earliest <= before.earliest
    assert after.incarnation > before.incarnation
    stamps = {
        stamp for rows in (target.show(f"oai:d.org:{key}").records for key in ("live", "gone")) for _, stamp, *_ in rows
    }
    assert stamps == {after.horizon}
    # The labels of sets are known: a name keeps the setSpec that it got.
    assert target.resolve_sets(["Prints & drawings"]) == {"Prints & drawings": "Prints-drawings"}
    assert sorted(path.name for path in tmp_path.glob("backup*")) == ["backup"]


def test_what_came_after_the_backup_becomes_deleted(store: Store, tmp_path: Path) -> None:
    filled(store)
    store.backup(tmp_path / "backup")
    store.publish([draft("new", sets=("a:b",)), draft("dc", sets=("a:b",)), draft("gone"), draft("live")])
    store.publish([draft("new", source="t", identifier="oai:d.org:t")])
    store.withdraw(["oai:d.org:left"])
    assert store.restore(tmp_path / "backup") == (6, 2)
    assert_sound(store._engine)
    for key, expected in {
        "live": {"oai_dc": False, "mods": False},
        "left": {"oai_dc": False, "mods": False},
        "gone": {"oai_dc": True, "mods": True},
        "dc": {"oai_dc": False, "mods": True},
        "new": {"oai_dc": True, "mods": True},
        "t": {"oai_dc": True, "mods": True},
    }.items():
        assert {prefix: deleted for prefix, _, deleted, _ in store.show(f"oai:d.org:{key}").records} == expected, key
    # The set that keeps tombstones tells that `dc` is not in it after all; and the tombstone of `new` stands there.
    assert {key: header_of(row).deleted for key, row in listed(store, "mods", "a:b").items()} == {
        "oai:d.org:live": False, "oai:d.org:left": True, "oai:d.org:dc": True, "oai:d.org:new": True,
    }  # fmt: skip
    # The next import of what was forgotten makes it live again, under its identifier.
    assert store.publish([draft("new", identifier="oai:d.org:other")]) == [Outcome.CHANGED]
    assert not store.show("oai:d.org:new").deleted


def test_a_key_that_the_backup_gives_to_another_item_is_no_obstacle(
    engine: str, new_store: Callable[[str], Store], tmp_path: Path
) -> None:
    source, target = new_store(engine), new_store(engine)
    source.publish([draft("k", identifier="oai:d.org:first")])
    target.publish([draft("k", identifier="oai:d.org:second")])
    source.backup(tmp_path / "backup")
    assert target.restore(tmp_path / "backup") == (2, 1)
    assert not target.show("oai:d.org:first").deleted
    assert target.show("oai:d.org:second").deleted
    assert_sound(target._engine)


def listed(store: Store, prefix: str, setspec: str | None = None, start: int = 0) -> dict[str, Any]:
    harvest = store.harvest(OFFERED)
    rows, more = harvest.page(prefix, setspec, start, harvest.clock(tick=False).horizon, None, 1000, ROOM, bodies=True)
    assert not more
    return {header_of(row).identifier: row for row in named(rows)}


class Copy:
    """What a harvester of one list holds, who goes on from the last responseDate."""

    def __init__(self, prefix: str, setspec: str | None) -> None:
        self.list = prefix, setspec
        self.held: dict[str, tuple[bool, bytes | None, int]] = {}
        self.start = 0

    def poll(self, store: Store) -> None:
        rows = listed(store, *self.list, self.start)
        self.held |= {key: (header_of(row).deleted, row.body, row.datestamp) for key, row in rows.items()}
        self.start = store.horizon().horizon - 1


class Change(NamedTuple):
    """One change of one item, or a look by harvesters (``poll``)."""

    kind: str
    key: str
    body: bytes | None
    sets: tuple[str, ...]
    seconds: int


CHANGES = st.lists(
    st.builds(
        Change,
        st.sampled_from(["publish", "publish", "publish", "withdraw", "poll"]),
        st.sampled_from("abcd"),
        st.sampled_from([None, b"<m/>", b"<n/>"]),
        st.sampled_from([(), ("k",), ("k:l",), ("k", "z"), ("z",)]),
        st.sampled_from([0, 0, 1]),
    ),
    max_size=12,
)
DECLARED = [Declared("k", tombstones=True), Declared("k:l", tombstones=True)]


@settings(max_examples=80, deadline=None)
@given(before=CHANGES, after=CHANGES)
def test_every_harvester_has_the_exact_copy_after_a_restore(tmp_path_factory: Any, before: Any, after: Any) -> None:
    folder = tmp_path_factory.mktemp("restore")
    store = Store(f"sqlite:///{folder / 'r.sqlite'}")
    store.upgrade()
    store.declare([(one.prefix, one.schema, one.namespace, "1") for one in OFFERED])
    store.resolve_sets(["k", "k:l", "z"])
    store.declare_sets(DECLARED)
    everything = [(prefix, setspec) for prefix in ("oai_dc", "mods") for setspec in (None, "k", "k:l", "z")]
    copies = [[Copy(*one) for one in everything] for _ in range(2)]  # of those who poll, and of those who wait

    def play(changes: list[Change]) -> None:
        for change in changes:
            with clock.publishing(store._engine) as (connection, stamp):
                connection.exec_driver_sql(f"UPDATE repo_clock SET horizon = {stamp + change.seconds}")
            if change.kind == "publish":
                store.publish([draft(change.key, mods=change.body, sets=change.sets)])
            elif change.kind == "withdraw":
                store.withdraw(source="s", keys=[change.key])
            else:
                for copy in copies[0]:
                    copy.poll(store)

    play(before)
    state = {key: shown and (shown.deleted, shown.setspecs, shown.canonical)
             for key in "abcd" for shown in [store.show(f"oai:d.org:{key}")]}  # fmt: skip
    store.backup(folder / "backup")
    for copy in copies[1]:
        copy.poll(store)
    play(after)
    for copy in copies[0]:
        copy.poll(store)
    store.restore(folder / "backup")
    assert_sound(store._engine)
    for key, was in state.items():
        shown = store.show(f"oai:d.org:{key}")
        if was:
            assert (shown.deleted, shown.setspecs, shown.canonical) == was
        else:
            assert shown is None or shown.deleted
    for copy in [*copies[0], *copies[1]]:
        copy.poll(store)
        fresh = Copy(*copy.list)
        fresh.poll(store)
        if copy.list[1] == "z":  # keeps no tombstones: what has left it may stay in a copy
            assert fresh.held.items() <= copy.held.items(), copy.list
        else:
            assert fresh.held == copy.held, copy.list
    store.close()


def damaged(folder: Path, store: Store) -> dict[str, tuple[Path, str]]:
    """Return files that are no backup, each with what is said of it."""
    store.backup(folder / "whole")
    whole = (folder / "whole").read_bytes()
    files = {
        "empty": (b"", "no backup"),
        "text": (b"id,title\n1,Letter\n" * 100, "no backup"),
        "half": (whole[: len(whole) // 2], "damaged"),
        "holed": (whole[:8192] + b"\xa5" * 4096 + whole[12288:], "damaged"),
    }
    for name, (body, _) in files.items():
        (folder / name).write_bytes(body)
    found = {name: (folder / name, said) for name, (_, said) in files.items()}
    for name, statement, said in (
        ("stranger", "CREATE TABLE t (x)", "no backup made by"),
        ("newer", "UPDATE alembic_version SET version_num = '9999'", "newer"),
    ):
        if name == "newer":
            (folder / name).write_bytes(whole)
        connection = sqlite3.connect(folder / name)
        connection.execute(statement)
        connection.commit()
        connection.close()
        found[name] = folder / name, said
    return found


def test_a_backup_whose_bodies_were_damaged_changes_nothing(store: Store, tmp_path: Path) -> None:
    store.publish([draft("a", dc=b"<dc>whole</dc>", canonical=b"{}")])
    store.backup(tmp_path / "backup")
    data = (tmp_path / "backup").read_bytes()
    assert data.count(b"<dc>whole</dc>") == 1
    (tmp_path / "backup").write_bytes(data.replace(b"whole</dc>", b"whole<<dc>"))  # SQLite's own check sees no harm
    before = {name: rows for name, rows in dump(store._engine).items() if name != "repo_clock"}
    with pytest.raises(StoreError, match="is damaged: a record in it is not what was written"):
        store.restore(tmp_path / "backup")
    assert {name: rows for name, rows in dump(store._engine).items() if name != "repo_clock"} == before


def test_what_is_no_backup_changes_nothing(store: Store, tmp_path: Path) -> None:
    filled(store)
    before = dump(store._engine)
    for name, (file, said) in damaged(tmp_path, store).items():
        body = file.read_bytes()
        with pytest.raises(StoreError, match=said) as refused:
            store.restore(file)
        assert str(file) in str(refused.value), name
        assert "\n" not in str(refused.value)
        assert file.read_bytes() == body
        assert dump(store._engine) == before, name


def test_a_restore_that_fails_in_the_middle_changes_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(store)
    store.backup(tmp_path / "backup")
    store.publish([draft("new")])
    before = {name: rows for name, rows in dump(store._engine).items() if name != "repo_clock"}
    copied = backup.bulk_insert

    def failing(connection: Any, table: Any, rows: Any) -> None:
        if table.name == "entry":
            raise OSError("the disk is gone")
        copied(connection, table, rows)

    monkeypatch.setattr(backup, "bulk_insert", failing)
    with pytest.raises(OSError, match="gone"):
        store.restore(tmp_path / "backup")
    after = dump(store._engine)
    assert {name: rows for name, rows in after.items() if name != "repo_clock"} == before
    assert_sound(store._engine)


def test_an_older_backup_is_brought_up_to_date(store: Store, tmp_path: Path) -> None:
    filled(store)
    # The older schema knew no departures and no abouts, and had canonical records in their items.
    store.publish([draft("left", sets=("a:b",)), draft("dc", mods=None)])
    store.backup(tmp_path / "backup")
    connection = sqlite3.connect(tmp_path / "backup")
    connection.executescript(
        "".join(f"{statement};" for statement in taken_back("sqlite", TO_0007))
        + "ALTER TABLE item ADD COLUMN canonical BLOB;"
        "UPDATE item SET canonical = (SELECT json FROM canonical WHERE item_id = item.id); DROP TABLE canonical;"
        "ALTER TABLE entry DROP COLUMN deleted; DROP TABLE upstream; DROP TABLE dictionary;"
        "ALTER TABLE record DROP COLUMN header; ALTER TABLE record DROP COLUMN about; DROP TABLE departure;"
        "ALTER TABLE oai_set DROP COLUMN tombstones;"
        "UPDATE alembic_version SET version_num = '0001'"
    )
    connection.close()
    before = contents(store)
    store.restore(tmp_path / "backup")
    assert contents(store) == before


def test_a_file_that_is_there_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("precious")
    with pytest.raises(StoreError, match="is there already"):
        store.backup(tmp_path / "backup")
    assert (tmp_path / "backup").read_text() == "precious"
    with pytest.raises(StoreError, match="could not be written"):
        store.backup(tmp_path / "nowhere" / "backup")


def _write_for_ever(url: str, begun: Any) -> None:
    store = Store(url)
    number = 0
    while True:
        number += 1
        # Two items of one batch: whoever sees one without the other sees half a change.
        store.publish([draft(f"a{number % 50}", dc=b"%d" % number), draft(f"b{number % 50}", dc=b"%d" % number)])
        if number == 20:
            begun.set()


def test_a_backup_is_one_moment_while_an_import_runs(
    engine: str, store: Store, new_store: Callable[[str], Store], tmp_path: Path
) -> None:
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    writer = context.Process(
        target=_write_for_ever, args=(store._engine.url.render_as_string(hide_password=False), begun), daemon=True
    )
    writer.start()
    try:
        assert begun.wait(60)
        end = time.monotonic() + 2
        taken = 0
        while taken < 3 or (taken < 6 and time.monotonic() < end):
            store.backup(tmp_path / f"{taken}")
            taken += 1
    finally:
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    seen = set()
    for number in range(taken):
        copy = new_store("sqlite")
        copy.restore(tmp_path / f"{number}")
        assert_sound(copy._engine)
        rows = listed(copy, "oai_dc")
        state = {key.removeprefix("oai:d.org:"): row.body for key, row in rows.items()}
        assert len(state) >= 20
        for key, body in state.items():
            assert state[("b" if key[0] == "a" else "a") + key[1:]] == body
        seen.add(max(int(body) for body in state.values()))
    assert len(seen) > 1, "nothing was written meanwhile"


def test_a_writer_that_was_there_before_goes_on_after_a_restore(
    engine: str, new_store: Callable[[str], Store], tmp_path: Path
) -> None:
    """It must not go on with the numbers that formats and lists had in the other database."""
    other, store = new_store(engine), new_store(engine)
    other.resolve_sets(["x", "y", "z"])
    for one in ("z", "y", "x"):
        other.publish([draft(one, sets=(one,))])
    other.backup(tmp_path / "backup")
    store.resolve_sets(["x", "y"])
    store.publish([draft("mine", sets=("x",)), draft("too", sets=("y",))])
    harvest = store.harvest(OFFERED)
    now = harvest.clock(tick=False).horizon
    assert len(harvest.page("mods", "y", 0, now, None, 9, ROOM, bodies=False)[0]) == 1
    elsewhere = Store(store._engine.url.render_as_string(hide_password=False))
    elsewhere.restore(tmp_path / "backup")
    elsewhere.close()
    store.publish([draft("mine", sets=("x", "y"))])
    assert_sound(store._engine)
    now = harvest.clock(tick=False).horizon
    found = {header_of(row).identifier for row in harvest.page("mods", "y", 0, now, None, 9, ROOM, bodies=False)[0]}
    assert found == {"oai:d.org:mine", "oai:d.org:too", "oai:d.org:y"}
