"""Publishing: the one function that changes what harvesters see.

A batch of drafts, rendered and complete, is compared with what is stored, under the lock of the clock, and only what
differs is written, with the datestamp of that moment. An unchanged rendition keeps its datestamp; a record that can no
longer be given becomes deleted; a deleted one that returns lives again; a change of sets moves the item in all its
formats, for the sets stand in the header.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, delete, insert, select, update

from oai_server.store import clock
from oai_server.store.tables import entry, format_, item, list_, list_total, record

CHUNK = 500
"""Values in one IN list: below every engine's limit of parameters."""


class Outcome(Enum):
    """What became of a draft."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    CLAIMED = "claimed"  # the OAI identifier belongs to another source


@dataclass(frozen=True)
class Draft:
    """An item as it shall be seen: rendered outside any lock, its datestamp still unknown.

    ``identifier`` counts at the first import alone; an item keeps the one it has. ``renditions`` holds the payload of
    each format, None where the item cannot be given in it; formats that it does not name are left alone.
    """

    source: str
    key: str
    identifier: str
    setspecs: tuple[str, ...]
    canonical: bytes
    hash: bytes
    rendered: str
    renditions: Mapping[str, bytes | None]


@dataclass
class _Writes:
    """What one transaction is going to write, collected first and then sent table by table."""

    stamp: int
    items_new: list[dict[str, Any]] = field(default_factory=list)
    items_changed: list[dict[str, Any]] = field(default_factory=list)
    records_new: list[dict[str, Any]] = field(default_factory=list)
    records_changed: list[dict[str, Any]] = field(default_factory=list)
    entries_gone: list[tuple[int, int, int]] = field(default_factory=list)
    entries_new: list[tuple[int, int, int]] = field(default_factory=list)
    totals: Counter[int] = field(default_factory=Counter)


def body_hash(body: bytes | None) -> bytes:
    """Return what tells one rendition from another: 16 bytes, or none for no body."""
    return hashlib.blake2b(body, digest_size=16).digest() if body is not None else b""


def with_ancestors(setspecs: Iterable[str]) -> set[str]:
    """Return the sets whose lists an item of these sets stands in: ``a:b`` stands in ``a`` too, and all in ``""``."""
    found = {""}
    for spec in setspecs:
        while spec and spec not in found:
            found.add(spec)
            spec = spec.rpartition(":")[0]
    return found


class Publisher:
    """Publishes batches into one database. Not shared between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lists: dict[tuple[int, str], int] = {}
        self._formats: dict[str, int] = {}

    def publish(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Store the drafts of one source and make them visible, all at once; returns what became of each, in order."""
        hashes = [{prefix: body_hash(body) for prefix, body in draft.renditions.items()} for draft in drafts]
        with self._transaction() as (connection, writes):
            known = _items(
                connection, item.c.source_key, [draft.key for draft in drafts], drafts[0].source if drafts else ""
            )
            claimed = self._claimed(connection, drafts, known)
            next_id = (connection.execute(select(item.c.id).order_by(item.c.id.desc()).limit(1)).scalar() or 0) + 1
            records = _records(connection, [row.id for row in known.values()])
            outcomes = []
            for draft, hashed in zip(drafts, hashes, strict=True):
                if draft.identifier in claimed:
                    outcomes.append(Outcome.CLAIMED)
                    continue
                old = known.get(draft.key)
                outcomes.append(self._compare(connection, writes, draft, hashed, old, next_id, records))
                next_id += old is None
            return outcomes

    def withdraw(
        self, identifiers: Sequence[str] = (), *, source: str = "", keys: Sequence[str] = ()
    ) -> dict[str, Outcome]:
        """Turn items into tombstones, by OAI identifier or by a source's keys; the answer leaves out unknown ones."""
        with self._transaction() as (connection, writes):
            if keys:
                found = _items(connection, item.c.source_key, keys, source)
            else:
                found = _items(connection, item.c.identifier, identifiers)
            records = _records(connection, [row.id for row in found.values()])
            outcomes = {}
            for name, old in found.items():
                outcomes[name] = Outcome.UNCHANGED if old.deleted else Outcome.DELETED
                if old.deleted:
                    continue
                writes.items_changed.append({"key": old.id, "deleted": True})
                lists = with_ancestors(old.setspecs.split())
                for format_id, was in records.get(old.id, {}).items():
                    if not was.deleted:
                        self._move(connection, writes, old.id, format_id, was, lists, lists, None, b"")
            return outcomes

    @contextmanager
    def _transaction(self) -> Iterator[tuple[Connection, _Writes]]:
        """Take the lock and the stamp, and write at the end what was collected meanwhile."""
        try:
            with clock.publishing(self._engine) as (connection, stamp):
                writes = _Writes(stamp)
                yield connection, writes
                _write(connection, writes)
        except BaseException:
            self.forget()
            raise

    def _claimed(self, connection: Connection, drafts: Sequence[Draft], known: Mapping[str, Any]) -> set[str]:
        """Return the identifiers of new drafts that some item already has."""
        fresh = [draft.identifier for draft in drafts if draft.key not in known]
        return set(_items(connection, item.c.identifier, fresh)) if fresh else set()

    def _compare(
        self, connection: Connection, writes: _Writes, draft: Draft, hashed: Mapping[str, bytes], old: Any,
        next_id: int, records: Mapping[int, Mapping[int, Any]],
    ) -> Outcome:  # fmt: skip
        """Collect the writes that make an item what its draft says."""
        setspecs = " ".join(draft.setspecs)
        values = {
            "setspecs": setspecs, "deleted": False, "hash": draft.hash, "rendered": draft.rendered,
            "canonical": draft.canonical,
        }  # fmt: skip
        lists = with_ancestors(draft.setspecs)
        if old is None:
            writes.items_new.append(
                {"id": next_id, "identifier": draft.identifier, "source": draft.source, "source_key": draft.key}
                | values
            )
            for prefix, body in draft.renditions.items():
                if body is not None:
                    self._appear(
                        connection, writes, next_id, self.format_id(connection, prefix), lists, body, hashed[prefix]
                    )
            return Outcome.NEW
        moved_sets = old.setspecs != setspecs
        before = with_ancestors(old.setspecs.split()) if moved_sets else lists
        moved = moved_sets or old.deleted or old.hash != draft.hash
        wanted = {self.format_id(connection, prefix): prefix for prefix in draft.renditions}
        stored = records.get(old.id, {})
        for format_id in wanted.keys() | stored.keys():
            was = stored.get(format_id)
            if format_id not in wanted:
                if moved_sets:  # a format that is not offered now: its rows still stand in the lists of its sets
                    self._move(connection, writes, old.id, format_id, was, before, lists, _KEEP, b"")
                continue
            prefix = wanted[format_id]
            body = draft.renditions[prefix]
            if was is None:
                if body is not None:
                    moved = True
                    self._appear(connection, writes, old.id, format_id, lists, body, hashed[prefix])
            elif moved_sets or was.hash != hashed[prefix] or was.deleted != (body is None):
                moved = True
                self._move(connection, writes, old.id, format_id, was, before, lists, body, hashed[prefix])
        if moved or old.rendered != draft.rendered:
            writes.items_changed.append({"key": old.id} | values)
        return Outcome.CHANGED if moved else Outcome.UNCHANGED

    def _appear(
        self, connection: Connection, writes: _Writes, item_id: int, format_id: int, lists: Iterable[str], body: bytes,
        hashed: bytes,
    ) -> None:  # fmt: skip
        """Collect the writes for a record that never was."""
        writes.records_new.append(
            {"item_id": item_id, "format_id": format_id, "datestamp": writes.stamp, "deleted": False, "size": len(body),
             "hash": hashed, "body": body}
        )  # fmt: skip
        for setspec in lists:
            list_id = self.list_id(connection, format_id, setspec)
            writes.entries_new.append((list_id, writes.stamp, item_id))
            writes.totals[list_id] += 1

    def _move(
        self, connection: Connection, writes: _Writes, item_id: int, format_id: int, was: Any, before: Iterable[str],
        after: Iterable[str], body: bytes | None, hashed: bytes,
    ) -> None:  # fmt: skip
        """Collect the writes that give a record a new datestamp: with a body, or as a tombstone (body None)."""
        values: dict[str, Any] = {"item": item_id, "format": format_id, "datestamp": writes.stamp}
        if body is not _KEEP:
            values |= {"deleted": body is None, "size": len(body or b""), "hash": hashed, "body": body}
        writes.records_changed.append(values)
        for setspec in before:
            list_id = self.list_id(connection, format_id, setspec)
            writes.entries_gone.append((list_id, was.datestamp, item_id))
            writes.totals[list_id] -= 1
        for setspec in after:
            list_id = self.list_id(connection, format_id, setspec)
            writes.entries_new.append((list_id, writes.stamp, item_id))
            writes.totals[list_id] += 1

    def format_id(self, connection: Connection, prefix: str) -> int:
        """Return the number of a format that :func:`declare` has written."""
        if prefix not in self._formats:
            self._formats = dict(connection.execute(select(format_.c.prefix, format_.c.id)).all())
        return self._formats[prefix]

    def list_id(self, connection: Connection, format_id: int, setspec: str) -> int:
        """Return the number of a list, made where it is new. Lists are never removed."""
        found = self._lists.get((format_id, setspec))
        if found is not None:
            return found
        self._lists = {
            (f, s): i for i, f, s in connection.execute(select(list_.c.id, list_.c.format_id, list_.c.setspec))
        }
        found = self._lists.get((format_id, setspec))
        if found is None:
            found = max(self._lists.values(), default=0) + 1
            connection.execute(insert(list_).values(id=found, format_id=format_id, setspec=setspec))
            connection.execute(insert(list_total).values(list_id=found, n=0))
            self._lists[format_id, setspec] = found
        return found

    def forget(self) -> None:
        """Forget what a transaction that was rolled back may have made."""
        self._lists, self._formats = {}, {}


_KEEP = b"(keep the body there is)"


def _write(connection: Connection, writes: _Writes) -> None:
    """Send the collected writes, parents first."""
    _bulk_insert(connection, item, writes.items_new)
    _bulk_update(connection, item, {"id": "key"}, writes.items_changed)
    _bulk_insert(connection, record, writes.records_new)
    _bulk_update(connection, record, {"item_id": "item", "format_id": "format"}, writes.records_changed)
    if writes.entries_gone:
        connection.execute(
            delete(entry).where(
                entry.c.list_id == bindparam("l"),
                entry.c.datestamp == bindparam("d"),
                entry.c.item_id == bindparam("i"),
            ),
            [{"l": key[0], "d": key[1], "i": key[2]} for key in writes.entries_gone],
        )
    writes.entries_new.sort()  # neighbours in the index are written together
    _bulk_insert(
        connection, entry, [{"list_id": key[0], "datestamp": key[1], "item_id": key[2]} for key in writes.entries_new]
    )
    moved = [{"l": list_id, "by": by} for list_id, by in sorted(writes.totals.items()) if by]
    if moved:
        connection.execute(
            update(list_total).where(list_total.c.list_id == bindparam("l")).values(n=list_total.c.n + bindparam("by")),
            moved,
        )


def _bulk_update(
    connection: Connection, table: Table, keys: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Update rows found by their key columns; ``keys`` says which value of a row is which key."""
    for names in {frozenset(row) for row in rows}:
        query = update(table).where(*(table.c[column] == bindparam(name) for column, name in keys.items()))
        values: dict[str, Any] = {name: bindparam(name) for name in sorted(names - set(keys.values()))}
        connection.execute(query.values(values), [row for row in rows if row.keys() == names])


def _bulk_insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that are known to be new: by COPY on PostgreSQL, where it is ten times an INSERT."""
    if not rows:
        return
    if connection.dialect.name != "postgresql" or len(rows) < 20:
        connection.execute(insert(table), rows)
        return
    names = list(rows[0])
    driver = connection.connection.driver_connection
    assert driver is not None
    types = [_PG_TYPES[type(table.c[name].type).__name__] for name in names]
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row([row[name] for name in names])


_PG_TYPES = {
    "BigInteger": "int8", "Integer": "int4", "SmallInteger": "int2", "Text": "text", "Boolean": "bool",
    "LargeBinary": "bytea",
}  # fmt: skip


def _items(connection: Connection, column: Any, values: Sequence[str], source: str | None = None) -> dict[str, Any]:
    """Return item rows (without the canonical record) by the value of a column."""
    wanted = [
        item.c.id,
        item.c.identifier,
        item.c.setspecs,
        item.c.deleted,
        item.c.hash,
        item.c.rendered,
        item.c.source,
    ]
    found = {}
    for start in range(0, len(values), CHUNK):
        query = select(column, *wanted).where(column.in_(values[start : start + CHUNK]))
        if source is not None:
            query = query.where(item.c.source == source)
        found.update({row[0]: row for row in connection.execute(query)})
    return found


def _records(connection: Connection, ids: Sequence[int]) -> dict[int, dict[int, Any]]:
    """Return the record rows (without bodies) of items, by item and format."""
    found: dict[int, dict[int, Any]] = {}
    columns = [record.c.item_id, record.c.format_id, record.c.datestamp, record.c.deleted, record.c.hash]
    for start in range(0, len(ids), CHUNK):
        for row in connection.execute(select(*columns).where(record.c.item_id.in_(ids[start : start + CHUNK]))):
            found.setdefault(row.item_id, {})[row.format_id] = row
    return found


def declare(engine: Engine, formats: Iterable[tuple[str, str, str, str]]) -> None:
    """Write the formats (prefix, schema, namespace, version) that are new or have another description."""
    formats = list(formats)
    columns = (format_.c.prefix, format_.c.schema, format_.c.namespace, format_.c.version)
    with engine.connect() as connection:
        stored = {tuple(row) for row in connection.execute(select(*columns))}
    if stored >= set(formats):
        return
    with clock.publishing(engine) as (connection, _):
        known = dict(connection.execute(select(format_.c.prefix, format_.c.id)).all())
        for prefix, schema, namespace, version in formats:
            values = {"prefix": prefix, "schema": schema, "namespace": namespace, "version": version}
            if prefix in known:
                connection.execute(update(format_).where(format_.c.prefix == prefix).values(values))
            else:
                known[prefix] = max(known.values(), default=0) + 1
                connection.execute(insert(format_).values(id=known[prefix], **values))
