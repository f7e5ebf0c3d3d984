"""Records that are stored compressed: harvesters, commands, backups never see a difference."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from drafts import OFFERED, draft, header_of, named
from invariants import assert_sound, dump, rows

from oai_server.store import clock
from oai_server.store.engine import StoreError
from oai_server.store.harvest import Harvest
from oai_server.store.packing import SAMPLES, is_packed, unpacked_size
from oai_server.store.publish import Draft, Outcome
from oai_server.store.repository import Store
from oai_server.store.tables import FORMAT

MANY = SAMPLES + 100


def drafts(number: int, more: bytes = b"") -> list[Draft]:
    """Return items like those of an archive: much in common, much of their own; one large, one that is deleted."""
    made = []
    for n in range(number):
        own = b"<title>Letter %d to %d</title><date>%d</date>" % (n, n * 7919 % 104729, 1700 + n % 200)
        dc = b"<dc xmlns='http://s/dc'><creator>Example, Person</creator>" + own * (40_000 if n == 3 else 1) + b"</dc>"
        mods = b"<mods xmlns='http://s/m'><note>of an archive</note>" + own + more + b"</mods>"
        sets = ("a:b",) if n % 3 else ()
        made.append(draft(f"k{n}", dc, mods, sets, canonical=b'{"id":"k%d","x":"%s"}' % (n, own + more)))
    return made


@contextmanager
def packing(store: Store, packed: bool = True) -> Iterator[Store]:
    """Open the database of a store with another setting."""
    with closing(Store(store._engine.url.render_as_string(hide_password=False), packed=packed)) as other:
        yield other


def harvested(store: Store, page_bytes: int = 1 << 23) -> list[list[tuple[object, ...]]]:
    """Return all lists of a store, page by page, without datestamps."""
    harvest: Harvest = store.harvest(OFFERED)
    pages = []
    for prefix in ("oai_dc", "mods"):
        for setspec in (None, "a"):
            start, after, more = 0, None, True
            while more:
                found, more = harvest.page(prefix, setspec, start, 1 << 40, after, 50, page_bytes, bodies=True)
                pages.append([(header_of(row).identifier, header_of(row)[2:], row.body) for row in named(found)])
                if found:
                    after, start, *_ = found[-1]
    harvest._connections.drop()
    return pages


def read(store: Store, key: str) -> bytes | None:
    """Return what GetRecord gives of an item in MODS."""
    harvest = store.harvest(OFFERED)
    row = harvest.record("mods", f"oai:d.org:{key}")
    harvest._connections.drop()
    assert row is not None
    [one] = named([row])
    assert header_of(row).deleted == (one.body is None)
    return one.body


@pytest.fixture
def fed(store: Store) -> Store:
    """A store with many records, as they are."""
    store.resolve_sets(["a:b"])
    store.publish(drafts(MANY))
    return store


def test_harvesters_see_no_difference(fed: Store, new_store: Callable[[str], Store], engine: str):
    with packing(new_store(engine)) as packed:
        packed.resolve_sets(["a:b"])
        assert set(packed.publish(drafts(MANY))) == {Outcome.NEW}
        assert_sound(packed._engine)
        kinds = sorted(row.kind for row in rows(packed._engine, "dictionary"))
        assert kinds == ["", "mods", "oai_dc"]
        bodies = [row.body for row in rows(packed._engine, "record") if row.body]
        assert all(map(is_packed, bodies))
        assert sum(map(len, bodies)) < sum(map(unpacked_size, bodies)) / 3
        for page_bytes in (2000, 1 << 20, 1 << 23):
            assert harvested(packed, page_bytes) == harvested(fed, page_bytes)
        assert read(packed, "k5") == drafts(6)[5].renditions["mods"]
        packed.withdraw(["oai:d.org:k9"])
        assert read(packed, "k9") is None
        assert set(packed.publish(drafts(MANY)[20:])) == {Outcome.UNCHANGED}
        assert_sound(packed._engine)
        shown = packed.show("oai:d.org:k5")
        assert shown is not None
        assert shown.canonical == drafts(6)[5].canonical
        assert [body for *_, body in shown.records] == list(drafts(6)[5].renditions.values())
        assert [one.canonical for one in packed.stale(["other"], limit=3)] == [one.canonical for one in drafts(3)]
        held, same = next(packed.live(None, ["oai_dc"]))[4], drafts(5)[4]
        assert (held.canonical, held.bodies) == (same.canonical, {"oai_dc": same.renditions["oai_dc"]})


def test_what_is_stored_is_packed_and_unpacked_without_a_new_datestamp(fed: Store):
    fed.withdraw(["oai:d.org:k9"])
    before, seen = dump(fed._engine), harvested(fed)
    with packing(fed) as packed:
        assert packed.repack() == MANY
        assert_sound(packed._engine)
        assert harvested(packed) == seen
        assert sum(len(row.body or b"") for row in rows(fed._engine, "record")) < 200_000
        once = dump(fed._engine)
        assert packed.repack() == MANY
        assert dump(fed._engine)["record"] == once["record"]
    assert fed.repack() == MANY
    after = dump(fed._engine)
    assert len(after.pop("dictionary")) == 3
    del after["repo_clock"], before["repo_clock"], before["dictionary"]
    assert after == before


def test_few_records_are_packed_one_by_one(store: Store):
    with packing(store) as packed:
        packed.publish(drafts(5, b"<note>again and again and again</note>" * 10))
        packed.publish([draft("short", b"<a/>", b"<b/>")])
        assert_sound(packed._engine)
        assert not rows(packed._engine, "dictionary")
        assert {is_packed(row.body) for row in rows(packed._engine, "record")} == {True, False}
        assert harvested(packed)[0][-1][-1] == b"<a/>"


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_of_what_is_packed_is_restored_anywhere(
    fed: Store, new_store: Callable[[str], Store], target: str, tmp_path: Path
):
    with packing(fed) as packed, packing(new_store(target)) as other:
        packed.repack()
        other.publish(drafts(MANY, b"<note>other</note>"))  # with dictionaries of its own, that it keeps in memory
        seen = harvested(packed)
        packed.backup(tmp_path / "b.sqlite")
        other.restore(tmp_path / "b.sqlite")
        assert_sound(other._engine)
        assert harvested(other) == seen
        other.publish(drafts(MANY, b"<note>more</note>"))
        assert_sound(other._engine)
        assert harvested(other) != seen


def test_a_damaged_record_is_told_in_one_line(fed: Store):
    with packing(fed) as packed:
        packed.repack()
    with clock.publishing(fed._engine) as (connection, _):
        connection.exec_driver_sql("DELETE FROM dictionary WHERE kind = 'mods'")
    for ask in (lambda: read(fed, "k1"), lambda: harvested(fed), lambda: fed.show("oai:d.org:k1")):
        with pytest.raises(
            StoreError, match=r"^a compressed record .* cannot be read \(its dictionary .*restore a backup$"
        ):
            ask()


def test_a_damaged_frame_is_refused(fed: Store, new_store: Callable[[str], Store], tmp_path: Path):
    with packing(fed) as packed:
        packed.repack()
        packed.backup(tmp_path / "b.sqlite")
    for number, damage in enumerate(("substr(body, 1, length(body) - 3)", "x'28b52ffd' || randomblob(40)", "x''")):
        copy = tmp_path / f"{number}.sqlite"
        copy.write_bytes((tmp_path / "b.sqlite").read_bytes())
        with closing(sqlite3.connect(copy)) as database, database:
            database.execute(f"UPDATE record SET body = CAST({damage} AS BLOB) WHERE id % {FORMAT} = 5")
        with pytest.raises(StoreError, match="is damaged: a record in it is not what was written"):
            new_store("sqlite").restore(copy)
    with closing(sqlite3.connect(tmp_path / "b.sqlite")) as database, database:
        database.execute("DELETE FROM dictionary WHERE kind = 'mods'")
    with pytest.raises(StoreError, match="is damaged: a record in it is not what was written"):
        new_store("sqlite").restore(tmp_path / "b.sqlite")
