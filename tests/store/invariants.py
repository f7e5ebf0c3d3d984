"""What must hold in every database at every moment, checked from the tables alone; and tables as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, select

from oai_server.protocol.records import header
from oai_server.store.packing import Unpacking
from oai_server.store.publish import body_hash, with_ancestors
from oai_server.store.tables import FORMAT, metadata

Tables = dict[str, list[tuple[Any, ...]]]


def dump(engine: Engine) -> Tables:
    """Return every row of every table, sorted."""
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def rows(engine: Engine, name: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(metadata.tables[name])))


def assert_sound(engine: Engine) -> None:
    """Fail where tables contradict each other."""
    with engine.connect() as connection:
        _assert_sound(engine, Unpacking().by(connection))


def _assert_sound(engine: Engine, unpack: Callable[[bytes], bytes]) -> None:
    [clock] = rows(engine, "repo_clock")
    items = {row.id: row for row in rows(engine, "item")}
    lists = {row.id: row for row in rows(engine, "list")}
    records = {(row.id % FORMAT, row.id // FORMAT): row for row in rows(engine, "record")}
    specs = {row.spec for row in rows(engine, "oai_set")}
    assert {row.item_id for row in rows(engine, "canonical")} == items.keys()
    expected = set()
    for (item_id, format_id), record in records.items():
        item = items[item_id]
        assert clock.earliest <= record.datestamp <= clock.horizon, record
        assert record.deleted == (record.body is None), record
        body = record.body and unpack(record.body)
        assert record.size == len(body or b"") + len(record.about or b"")
        setspecs = item.setspecs.split()
        assert record.hash == body_hash(body, record.about)
        assert record.about is None or (record.about and not record.deleted)
        assert record.deleted or not item.deleted, f"{item.identifier} is deleted but lives in format {format_id}"
        written = header(item.identifier, record.datestamp, setspecs, deleted=record.deleted)
        for setspec in with_ancestors(setspecs):
            shown = None if setspec else written
            expected.add((format_id, setspec, record.datestamp, item_id, record.deleted, shown))
    for departure in rows(engine, "departure"):
        where, item = lists[departure.list_id], items[departure.item_id]
        assert where.setspec not in with_ancestors(item.setspecs.split()), departure
        assert departure.datestamp <= records[item.id, where.format_id].datestamp
        expected.add((where.format_id, where.setspec, departure.datestamp, item.id, True, None))
    for item in items.values():
        assert item.deleted or any(not r.deleted for (i, _), r in records.items() if i == item.id), item.identifier
    entries = rows(engine, "entry")
    found = {(lists[row.list_id].format_id, lists[row.list_id].setspec, *row[1:]) for row in entries}
    assert found == expected, (found - expected, expected - found)
    counted = Counter(row.list_id for row in entries)
    assert {row.list_id: row.n for row in rows(engine, "list_total")} == {number: counted[number] for number in lists}
    if specs:
        assert all(with_ancestors(item.setspecs.split()) - {""} <= specs for item in items.values())
