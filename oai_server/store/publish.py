"""Publishing: the one way to change what harvesters see.

A batch of drafts, rendered and complete, is compared with what is stored, under the lock of the clock, and only what
differs is written, with the datestamp of that moment. An unchanged rendition keeps its datestamp; a record that can no
longer be given becomes deleted; a deleted one that returns lives again; a change of sets moves the item in all its
formats, for the sets stand in the header.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from oai_server.protocol import records
from oai_server.store import clock
from oai_server.store.packing import CANONICAL, Packing, Unpacking
from oai_server.store.tables import (
    canonical,
    departure,
    entry,
    format_,
    in_format,
    item,
    item_of,
    list_,
    list_total,
    record,
    record_id,
    set_,
)  # fmt: skip
from oai_server.store.tables import clock as clock_row

REPACKED = 1000
REPACKED_BYTES = 32 * 1024 * 1024
"""Items, and bytes in them, that are written anew in one transaction."""


class Outcome(Enum):
    """What became of a draft."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    CLAIMED = "claimed"  # the OAI identifier belongs to another item
    OUTDATED = "outdated"  # the item has changed since its draft was made of what is stored


@dataclass(frozen=True)
class Draft:
    """An item as it shall be seen: rendered outside any lock, its datestamp still unknown.

    ``identifier`` counts at the first import alone; an item keeps the one it has. ``renditions`` holds the payload of
    each format, None where the item cannot be given in it; formats that it does not name are left alone. ``abouts``
    holds the ready ``<about>`` elements beside a payload; a format that is missing there has none. ``hashes`` are what
    :func:`body_hashes` makes of both, where that was done with the renditions; else it is done when they are published.
    """

    source: str
    key: str
    identifier: str
    setspecs: tuple[str, ...]
    canonical: bytes
    hash: bytes
    rendered: str
    renditions: Mapping[str, bytes | None]
    abouts: Mapping[str, bytes] = field(default_factory=dict)
    hashes: Mapping[str, bytes] = field(default_factory=dict)


def body_hash(body: bytes | None, about: bytes | None = None) -> bytes:
    """Return what tells one rendition from another: 16 bytes of body and about together, or none for no body."""
    if body is None:
        return b""
    digest = hashlib.blake2b(body, digest_size=16)
    if about:
        digest.update(b"\0" + about)  # no XML has a NUL, so the two cannot be cut elsewhere
    return digest.digest()


def body_hashes(renditions: Mapping[str, bytes | None], abouts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the hash of each rendition, by prefix."""
    return {prefix: body_hash(body, abouts.get(prefix)) for prefix, body in renditions.items()}


def with_ancestors(setspecs: Iterable[str]) -> set[str]:
    """Return the sets whose lists an item of these sets stands in: ``a:b`` stands in ``a`` too, and all in ``""``."""
    found = {""}
    for spec in setspecs:
        while spec and spec not in found:
            found.add(spec)
            spec = spec.rpartition(":")[0]
    return found


class Publisher:
    """Publishes batches into one database, compressed or not. Not shared between threads."""

    def __init__(self, engine: Engine, *, packed: bool = False) -> None:
        self._engine = engine
        self._numbers = _Numbers()
        self._packing = Packing() if packed else None

    def publish(self, drafts: Sequence[Draft], *, dry_run: bool = False) -> list[Outcome]:
        """Store the drafts of one source and make them visible, all at once; returns what became of each, in order."""
        hashed = _hashed(drafts)
        with self._change(dry_run) as change:
            known = _items(
                change.connection, item.c.source_key, [d.key for d in drafts], drafts[0].source if drafts else ""
            )
            fresh = [draft.identifier for draft in drafts if draft.key not in known]
            claimed = set(_items(change.connection, item.c.identifier, fresh))
            next_id = (change.connection.scalar(select(item.c.id).order_by(item.c.id.desc()).limit(1)) or 0) + 1
            change.load([row.id for row in known.values()])
            outcomes = []
            for draft, hashes in zip(drafts, hashed, strict=True):
                old = known.get(draft.key)
                if old is None and draft.identifier in claimed:
                    outcomes.append(Outcome.CLAIMED)
                elif old is None:
                    change.add(next_id, draft, hashes)
                    next_id += 1
                    claimed.add(draft.identifier)
                    outcomes.append(Outcome.NEW)
                else:
                    moved = change.compare(old, draft, hashes) or old.deleted or old.hash != draft.hash
                    if moved or old.rendered != draft.rendered:
                        change.update_item(old.id, draft, {"deleted": False, "hash": draft.hash})
                        change.update_canonical(old.id, draft)
                    outcomes.append(Outcome.CHANGED if moved else Outcome.UNCHANGED)
            return outcomes

    def refresh(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Publish other renditions or sets of items whose canonical record is stored; returns what became of each.

        A draft that was made of another state than the one that is stored now is outdated, and changes nothing.
        """
        hashed = _hashed(drafts)
        with self._change() as change:
            known = _items(change.connection, item.c.identifier, [draft.identifier for draft in drafts])
            change.load([row.id for row in known.values()])
            outcomes = []
            for draft, hashes in zip(drafts, hashed, strict=True):
                old = known.get(draft.identifier)
                if old is None or old.deleted or old.hash != draft.hash:
                    outcomes.append(Outcome.OUTDATED)
                    continue
                moved = change.compare(old, draft, hashes)
                change.update_item(old.id, draft, {})
                outcomes.append(Outcome.CHANGED if moved else Outcome.UNCHANGED)
            return outcomes

    def restamp(self, identifiers: Sequence[str], prefixes: Collection[str] | None = None) -> int:
        """Give the records of items, in these formats or all, a new datestamp as they are; returns how many moved."""
        with self._change() as change:
            known = _items(change.connection, item.c.identifier, identifiers)
            change.load([row.id for row in known.values()])
            return sum(change.restamp(old, prefixes) for old in known.values())

    def withdraw(
        self, identifiers: Sequence[str] = (), *, source: str = "", keys: Sequence[str] = (), dry_run: bool = False
    ) -> dict[str, Outcome]:
        """Turn items into tombstones, by OAI identifier or by a source's keys; the answer leaves out unknown ones."""
        with self._change(dry_run) as change:
            if keys:
                found = _items(change.connection, item.c.source_key, keys, source)
            else:
                found = _items(change.connection, item.c.identifier, identifiers)
            change.load([row.id for row in found.values()])
            for old in found.values():
                if not old.deleted:
                    change.withdraw(old)
            return {name: Outcome.UNCHANGED if old.deleted else Outcome.DELETED for name, old in found.items()}

    @contextmanager
    def _change(self, dry_run: bool = False) -> Iterator[_Change]:
        """Take the lock and the stamp, and write at the end what was collected meanwhile; a dry run only reads."""
        if dry_run:
            with self._engine.connect() as connection:
                yield _Change(connection, 0)
            return
        with self._locked() as (connection, stamp):
            change = _Change(connection, stamp)
            yield change
            change.write(self._numbers, self._packing)

    @contextmanager
    def _locked(self) -> Iterator[tuple[Connection, int]]:
        """Take the lock and the stamp; what is kept of the database is forgotten where that is another, or fails."""
        try:
            with clock.publishing(self._engine) as (connection, stamp):
                if not self._numbers.know(connection):
                    self._forget()
                yield connection, stamp
        except BaseException:
            self._forget()
            raise

    def repack(self, last: int) -> tuple[int, int]:
        """Write what is stored of the items behind ``last`` anew, compressed or not, as many as fit into a batch.

        Returns the number of the last of them and how many they were. No datestamp moves.
        """
        with self._locked() as (connection, _):
            ids = self._next(connection, last)
            unpack = Unpacking().by(connection)
            texts = select(canonical.c.item_id.label("key"), canonical.c.json)
            texts = texts.where(among(connection, canonical.c.item_id, ids))
            rows = [dict(row._mapping) for row in connection.execute(texts)]
            self._repack(connection, CANONICAL, canonical, {"item_id": "key"}, rows, unpack)
            bodies = records_of(connection, ids, record.c.id.label("key"), record.c.body, format_.c.prefix)
            kinds: dict[str, list[dict[str, Any]]] = {}
            for row in connection.execute(bodies.where(record.c.body.is_not(None))):
                values = dict(row._mapping)
                kinds.setdefault(values.pop("prefix"), []).append(values)
            for prefix, rows in kinds.items():
                self._repack(connection, prefix, record, {"id": "key"}, rows, unpack)
        return (ids[-1], len(ids)) if ids else (last, 0)

    @staticmethod
    def _next(connection: Connection, last: int) -> list[int]:
        """Return the numbers of the items behind one whose records fit into a batch."""
        query = select(item.c.id).where(item.c.id > last).order_by(item.c.id).limit(REPACKED)
        following = connection.scalars(query).all()
        sizes = select(item_of, func.sum(record.c.size)).where(_of_items(connection, following)).group_by(item_of)
        size: dict[int, int] = dict(connection.execute(sizes).all())
        ids: list[int] = []
        room = REPACKED_BYTES
        for item_id in following:
            room -= size.get(item_id, 0)
            if ids and room < 0:
                break
            ids.append(item_id)
        return ids

    def _repack(
        self, connection: Connection, kind: str, table: Table, keys: Mapping[str, str], rows: list[dict[str, Any]],
        unpack: Callable[[bytes], bytes],
    ) -> None:  # fmt: skip
        column = "json" if table is canonical else "body"
        before = [row[column] for row in rows]
        for row in rows:
            row[column] = unpack(row[column])
        if self._packing is not None:
            self._packing.pack(connection, kind, rows, column)
        changed = [row for row, was in zip(rows, before, strict=True) if row[column] != was]
        _bulk_update(connection, table, keys, changed)

    def _forget(self) -> None:
        self._numbers.forget()
        if self._packing is not None:
            self._packing.forget()


class _Row(NamedTuple):
    """A record as stored, without its body."""

    datestamp: int
    deleted: bool
    hash: bytes


_ENTRY = ("list_id", "datestamp", "item_id", "deleted", "header")
_Entry = tuple[str, str, int, int]
"""Of an entry: prefix and setSpec of its list, datestamp, number of the item."""
_NewEntry = tuple[str, str, int, int, bool, bytes | None]
"""The same, whether the list shows the item as deleted, and the header, in the list of the whole repository."""


class _Change:
    """What one transaction changes: collected first, then written table by table."""

    def __init__(self, connection: Connection, stamp: int) -> None:
        self.connection = connection
        self.stamp = stamp
        self._keeping = set(connection.scalars(select(set_.c.spec).where(set_.c.tombstones)))
        self._records: dict[int, dict[str, _Row]] = {}
        self._departed: dict[int, dict[tuple[str, str], int]] = {}
        self._items_new: list[dict[str, Any]] = []
        self._items_changed: list[dict[str, Any]] = []
        self._canonicals_new: list[dict[str, Any]] = []
        self._canonicals_changed: list[dict[str, Any]] = []
        self._records_new: list[dict[str, Any]] = []
        self._records_changed: list[dict[str, Any]] = []
        self._entries_gone: list[_Entry] = []
        self._entries_new: list[_NewEntry] = []
        self._departures_gone: list[_Entry] = []
        self._departures_new: list[_Entry] = []

    def load(self, ids: Sequence[int]) -> None:
        """Read what is stored of items: their records by prefix, and the lists that show them as departed."""
        if not ids:
            return
        columns = (item_of, format_.c.prefix, record.c.datestamp, record.c.deleted, record.c.hash)
        for item_id, prefix, *row in self.connection.execute(records_of(self.connection, ids, *columns)):
            self._records.setdefault(item_id, {})[prefix] = _Row(*row)
        departures = (departure.c.item_id, format_.c.prefix, list_.c.setspec, departure.c.datestamp)
        left = select(*departures).join_from(departure, list_).join(format_, format_.c.id == list_.c.format_id)
        left = left.where(among(self.connection, departure.c.item_id, ids))
        for item_id, prefix, setspec, stamp in self.connection.execute(left):
            self._departed.setdefault(item_id, {})[prefix, setspec] = stamp

    def add(self, item_id: int, draft: Draft, hashes: Mapping[str, bytes]) -> None:
        """Collect a new item with its records."""
        self._items_new.append(
            {"id": item_id, "identifier": draft.identifier, "source": draft.source, "source_key": draft.key,
             "setspecs": " ".join(draft.setspecs), "deleted": False, "hash": draft.hash, "rendered": draft.rendered}
        )  # fmt: skip
        self._canonicals_new.append({"item_id": item_id, "json": draft.canonical})
        lists = with_ancestors(draft.setspecs)
        header = self._header(draft.identifier, draft.setspecs)
        for prefix, body in draft.renditions.items():
            if body is not None:
                self._appear(item_id, prefix, lists, header, _body(draft, prefix, hashes))

    def update_item(self, item_id: int, draft: Draft, values: Mapping[str, Any]) -> None:
        """Collect the new values of an item."""
        self._items_changed.append(
            {"key": item_id, "setspecs": " ".join(draft.setspecs), "rendered": draft.rendered, **values}
        )

    def update_canonical(self, item_id: int, draft: Draft) -> None:
        """Collect the new canonical record of an item."""
        self._canonicals_changed.append({"key": item_id, "json": draft.canonical})

    def compare(self, old: Any, draft: Draft, hashes: Mapping[str, bytes]) -> bool:
        """Collect what makes an item's records what its draft says; returns whether a harvester sees a difference."""
        before, after = with_ancestors(old.setspecs.split()), with_ancestors(draft.setspecs)
        moved_sets: bool = old.setspecs.split() != list(draft.setspecs)
        moved = moved_sets
        stored = self._records.get(old.id, {})
        for prefix, body in draft.renditions.items():
            was = stored.get(prefix)
            if was is None:
                if body is not None:
                    header = self._header(old.identifier, draft.setspecs)
                    self._appear(old.id, prefix, after, header, _body(draft, prefix, hashes))
                    moved = True
            elif moved_sets or was.hash != hashes[prefix] or was.deleted != (body is None):
                self._move(old, prefix, was, before, after, draft.setspecs, deleted=body is None)
                self._records_changed[-1] |= _body(draft, prefix, hashes)
                moved = True
        if moved_sets:  # formats that are not rendered now: their rows still stand in the lists of the sets
            for prefix in stored.keys() - draft.renditions.keys():
                was = stored[prefix]
                self._move(old, prefix, was, before, after, draft.setspecs, deleted=was.deleted)
        return moved

    def withdraw(self, old: Any) -> None:
        """Collect what turns a live item into a tombstone."""
        self._items_changed.append({"key": old.id, "deleted": True})
        setspecs = old.setspecs.split()
        lists = with_ancestors(setspecs)
        for prefix, was in self._records.get(old.id, {}).items():
            if not was.deleted:
                self._move(old, prefix, was, lists, lists, setspecs, deleted=True)
                self._records_changed[-1] |= _TOMBSTONE

    def restamp(self, old: Any, prefixes: Collection[str] | None) -> int:
        """Collect new datestamps for an item's records, and for what lists show of its departures; counts records."""
        setspecs = old.setspecs.split()
        lists = with_ancestors(setspecs)
        moved = 0
        for prefix, was in self._records.get(old.id, {}).items():
            if prefixes is None or prefix in prefixes:
                self._move(old, prefix, was, lists, lists, setspecs, deleted=was.deleted)
                moved += 1
        for (prefix, setspec), stamp in self._departed.get(old.id, {}).items():
            if prefixes is None or prefix in prefixes:
                self._leave(prefix, setspec, stamp, old.id, returned=True)
                self._depart(prefix, setspec, old.id)
        return moved

    def _header(self, identifier: str, setspecs: Iterable[str], *, deleted: bool = False) -> bytes:
        """Return the header of a record that is published now."""
        return records.header(identifier, self.stamp, setspecs, deleted=deleted)

    def _appear(
        self, item_id: int, prefix: str, lists: Iterable[str], header: bytes, body: Mapping[str, Any]
    ) -> None:  # fmt: skip
        """Collect a record that never was."""
        self._records_new.append({"item": item_id, "prefix": prefix, "datestamp": self.stamp, **body})
        for setspec in lists:
            self._enter(prefix, setspec, item_id, header)

    def _move(
        self, old: Any, prefix: str, was: _Row, before: set[str], after: set[str], setspecs: Iterable[str], *,
        deleted: bool,
    ) -> None:  # fmt: skip
        """Collect a new datestamp for a record, in the lists where it was and in those where it shall be.

        ``setspecs`` are the sets that its header names: those of ``after``, without what these are part of.
        """
        item_id, header = old.id, self._header(old.identifier, setspecs, deleted=deleted)
        self._records_changed.append({"item": item_id, "prefix": prefix, "datestamp": self.stamp})
        departed = self._departed.get(item_id, {})
        for setspec in before:
            self._leave(prefix, setspec, was.datestamp, item_id)
            if setspec not in after and setspec in self._keeping:
                self._depart(prefix, setspec, item_id)
        for setspec in after:
            if setspec not in before and (prefix, setspec) in departed:
                self._leave(prefix, setspec, departed[prefix, setspec], item_id, returned=True)
            self._enter(prefix, setspec, item_id, header, deleted=deleted)

    def _enter(self, prefix: str, setspec: str, item_id: int, header: bytes, *, deleted: bool = False) -> None:
        self._entries_new.append((prefix, setspec, self.stamp, item_id, deleted, None if setspec else header))

    def _leave(self, prefix: str, setspec: str, stamp: int, item_id: int, *, returned: bool = False) -> None:
        self._entries_gone.append((prefix, setspec, stamp, item_id))
        if returned:
            self._departures_gone.append((prefix, setspec, stamp, item_id))

    def _depart(self, prefix: str, setspec: str, item_id: int) -> None:
        self._entries_new.append((prefix, setspec, self.stamp, item_id, True, None))
        self._departures_new.append((prefix, setspec, self.stamp, item_id))

    def write(self, numbers: _Numbers, packing: Packing | None = None) -> None:
        """Send what was collected, parents first."""
        connection = self.connection
        if packing is not None:
            self._pack(packing)
        for values in (*self._records_new, *self._records_changed):
            values["id"] = record_id(numbers.format_id(connection, values.pop("prefix")), values.pop("item"))
        bulk_insert(connection, item, self._items_new)
        _bulk_update(connection, item, {"id": "key"}, self._items_changed)
        bulk_insert(connection, canonical, self._canonicals_new)
        _bulk_update(connection, canonical, {"item_id": "key"}, self._canonicals_changed)
        # Neighbours in a list are harvested together: a format's records lie side by side in the file.
        self._records_new.sort(key=itemgetter("id"))
        bulk_insert(connection, record, self._records_new)
        _bulk_update(connection, record, {"id": "id"}, self._records_changed)
        lists = {one[:2] for one in self._entries_gone} | {one[:2] for one in self._entries_new}
        number = {one: numbers.list_id(connection, *one) for one in sorted(lists)}
        gone = [(number[prefix, setspec], *one) for prefix, setspec, *one in self._entries_gone]
        # Sorted, for neighbours in the index are written together.
        new: list[tuple[Any, ...]] = sorted(
            (number[prefix, setspec], *one) for prefix, setspec, *one in self._entries_new
        )
        if gone:
            connection.execute(
                delete(entry).where(
                    entry.c.list_id == bindparam("l"),
                    entry.c.datestamp == bindparam("d"),
                    entry.c.item_id == bindparam("i"),
                ),
                [{"l": list_id, "d": stamp, "i": item_id} for list_id, stamp, item_id in gone],
            )
        if new:
            _insert(connection, entry, _ENTRY, new)
        self._write_departures(numbers)
        _add_totals(connection, Counter(one[0] for one in new), Counter(one[0] for one in gone))

    def _pack(self, packing: Packing) -> None:
        packing.pack(self.connection, CANONICAL, [*self._canonicals_new, *self._canonicals_changed], "json")
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in (*self._records_new, *self._records_changed):
            rows.setdefault(row["prefix"], []).append(row)
        for prefix, bodies in rows.items():
            packing.pack(self.connection, prefix, bodies, "body")

    def _write_departures(self, numbers: _Numbers) -> None:
        if self._departures_gone:
            self.connection.execute(
                delete(departure).where(departure.c.item_id == bindparam("i"), departure.c.list_id == bindparam("l")),
                [
                    {"i": item_id, "l": numbers.list_id(self.connection, prefix, setspec)}
                    for prefix, setspec, _, item_id in self._departures_gone
                ],
            )
        rows = [
            {"item_id": item_id, "list_id": numbers.list_id(self.connection, prefix, setspec), "datestamp": stamp}
            for prefix, setspec, stamp, item_id in self._departures_new
        ]
        bulk_insert(self.connection, departure, rows)


class _Numbers:
    """The numbers of formats and lists, as far as they were needed: they never change, unless a backup is restored."""

    def __init__(self) -> None:
        self._formats: dict[str, int] = {}
        self._lists: dict[tuple[str, str], int] = {}
        self._incarnation = 0

    def know(self, connection: Connection) -> bool:
        """Tell whether the database is the one of the last time."""
        incarnation, self._incarnation = self._incarnation, connection.scalar(select(clock_row.c.incarnation)) or 0
        return incarnation == self._incarnation

    def format_id(self, connection: Connection, prefix: str) -> int:
        """Return the number of a format that :func:`declare` has written."""
        if prefix not in self._formats:
            self._formats = dict(connection.execute(select(format_.c.prefix, format_.c.id)).all())
        return self._formats[prefix]

    def list_id(self, connection: Connection, prefix: str, setspec: str) -> int:
        """Return the number of a list, made where it is new. Lists are never removed."""
        found = self._lists.get((prefix, setspec))
        if found is not None:
            return found
        query = select(list_.c.id, format_.c.prefix, list_.c.setspec).join_from(list_, format_)
        self._lists = {(prefix, setspec): number for number, prefix, setspec in connection.execute(query)}
        found = self._lists.get((prefix, setspec))
        if found is None:
            found = max(self._lists.values(), default=0) + 1
            format_id = self.format_id(connection, prefix)
            connection.execute(insert(list_).values(id=found, format_id=format_id, setspec=setspec))
            connection.execute(insert(list_total).values(list_id=found, n=0))
            self._lists[prefix, setspec] = found
        return found

    def forget(self) -> None:
        """Forget what a transaction that was rolled back may have made."""
        self._lists, self._formats = {}, {}


def _hashed(drafts: Iterable[Draft]) -> list[Mapping[str, bytes]]:
    return [draft.hashes or body_hashes(draft.renditions, draft.abouts) for draft in drafts]


_TOMBSTONE: dict[str, Any] = {"deleted": True, "size": 0, "hash": b"", "body": None, "about": None}


def _body(draft: Draft, prefix: str, hashes: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the columns of a record that hold its body and what is said about it; without a body, a tombstone's."""
    body, about = draft.renditions[prefix], draft.abouts.get(prefix) or None
    if body is None:
        return _TOMBSTONE
    size = len(body) + len(about or b"")
    return {"deleted": False, "size": size, "hash": hashes[prefix], "body": body, "about": about}


def _add_totals(connection: Connection, new: Counter[int], gone: Counter[int]) -> None:
    moved = [{"l": number, "by": new[number] - gone[number]} for number in sorted(new.keys() | gone.keys())]
    moved = [values for values in moved if values["by"]]
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
        query = update(table).where(*(table.c[column] == bindparam(f"k_{name}") for column, name in keys.items()))
        others = sorted(names - set(keys.values()))
        connection.execute(
            query.values({name: bindparam(name) for name in others}),
            [
                {f"k_{name}": row[name] for name in keys.values()} | {name: row[name] for name in others}
                for row in rows
                if row.keys() == names
            ],
        )


def bulk_insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that are known to be new: by COPY on PostgreSQL, where it is ten times an INSERT."""
    if rows:
        names = tuple(rows[0])
        _insert(connection, table, names, map(itemgetter(*names), rows))


def _insert(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows of values; the drivers take them as they are: to look at each value costs more than to write it."""
    columns = ", ".join(names)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", list(rows))  # noqa: S608
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([_PG_TYPES[type(table.c[name].type).__name__] for name in names])
        for row in rows:
            copy.write_row(row)


_PG_TYPES = {
    "BigInteger": "int8", "Integer": "int4", "SmallInteger": "int2", "Text": "text", "Boolean": "bool",
    "LargeBinary": "bytea",
}  # fmt: skip


def among(connection: Connection, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that a column has one of many values: one parameter for all, and one text to prepare."""
    if connection.dialect.name == "sqlite":
        # Not as ASCII: what is no text is to be refused by the driver, as everywhere, not to be looked for.
        each = func.json_each(json.dumps(values, ensure_ascii=False)).table_valued("value")
        return column.in_(select(each.c.value))
    return column == func.any(bindparam(None, list(values), type_=ARRAY(column.type), unique=True))


def records_of(connection: Connection, ids: Collection[int], *columns: ColumnElement[Any]) -> Select[Any]:
    """Return the query of columns of the records of some items, and of their formats."""
    return select(*columns).join_from(record, format_, in_format).where(_of_items(connection, ids))


def _of_items(connection: Connection, ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a record is of one of some items."""
    numbers = connection.scalars(select(format_.c.id)).all()
    return among(connection, record.c.id, [record_id(number, item_id) for number in numbers for item_id in ids])


def _items(connection: Connection, column: Any, values: Sequence[str], source: str | None = None) -> dict[str, Any]:
    """Return item rows by the value of a column."""
    if not values:
        return {}
    columns = (item.c.id, item.c.identifier, item.c.setspecs, item.c.deleted, item.c.hash, item.c.rendered)
    query = select(column, *columns).where(among(connection, column, values))
    if source is not None:
        query = query.where(item.c.source == source)
    return {row[0]: row for row in connection.execute(query)}


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
