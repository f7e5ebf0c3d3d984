"""Backup and restore. A backup is one SQLite file with the tables of the store, whichever engine they come from.

To restore is a change like any other to harvesters, and the largest: they may hold what the backup never knew. So all
records get a new datestamp; what the database shows and the backup does not know becomes deleted, record by record and,
where a set keeps tombstones, set by set; and a new incarnation refuses the resumption tokens given out before.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import URL, Connection, Engine, Table, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from oai_server.protocol import records
from oai_server.store import clock, schema
from oai_server.store.engine import WRITES, StoreError, open_engine
from oai_server.store.packing import Unpacking, unpacked_size
from oai_server.store.publish import (
    Draft,
    Publisher,
    among,
    body_hash,
    bulk_insert,
    declare,
    records_of,
    with_ancestors,
)
from oai_server.store.tables import canonical, departure, entry, format_, item, item_of, list_, metadata, record, set_
from oai_server.store.tables import clock as clock_row

BATCH = 1000
BATCH_BYTES = 16 * 1024 * 1024
"""Rows, and bytes in them, that are copied at once."""
_TABLES = [table for table in metadata.sorted_tables if table is not clock_row]
_GONE = b"<gone/>"  # stands for what harvesters hold and nobody knows any more; it ends as a tombstone
Progress = Callable[[int], None]


class Restored(NamedTuple):
    """What a restore came to: items now in the database, and those of them that the backup did not know."""

    items: int
    forgotten: int


def backup(engine: Engine, file: Path, progress: Progress = lambda _: None) -> int:
    """Write all that the store holds at one moment into a new file, while it is read and written; returns its items.

    Raises:
        StoreError: the file is there already, or cannot be written. Nothing is left of it then.
    """
    if file.exists():
        raise StoreError(f"{file} is there already: name a file that is not, or move it away")
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        if engine.dialect.name == "sqlite":
            with closing(engine.raw_connection()) as connection:
                connection.driver_connection.execute("VACUUM INTO ?", (str(part),))  # type: ignore[union-attr]
        else:
            _write(engine, part, progress)
        with closing(sqlite3.connect(part)) as alone:
            alone.execute("PRAGMA journal_mode = DELETE")  # one file, with no log beside it
            items = int(alone.execute("SELECT count(*) FROM item").fetchone()[0])
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.rename(file)
    except (sqlite3.Error, DBAPIError) as error:
        cause = getattr(error, "orig", error)
        if not isinstance(cause, sqlite3.Error):
            raise
        raise StoreError(f"{file} could not be written: {cause}") from error
    finally:
        for left in (part, part.with_name(f"{part.name}-wal"), part.with_name(f"{part.name}-shm")):
            left.unlink(missing_ok=True)
    return items


def _write(engine: Engine, part: Path, progress: Progress) -> None:
    """Copy what one snapshot of the database shows into a new SQLite file."""
    target = open_engine(URL.create("sqlite", database=str(part)))
    schema.upgrade(target)
    snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with snapshot, target.execution_options(**{WRITES: True}).begin() as written:
        written.execute(delete(clock_row))
        for table in (clock_row, *_TABLES):
            for rows in _batches(snapshot, table):
                written.execute(insert(table), rows)
                progress(len(rows) if table is item else 0)


def restore(engine: Engine, file: Path, progress: Progress = lambda _: None) -> Restored:
    """Make the database what a backup says, all at once; harvesters are told everything anew.

    Raises:
        StoreError: the file is no backup, damaged, or of a newer version. The database is as it was then.
    """
    with _opened(file) as saved, clock.publishing(engine) as (connection, _):
        ours = connection.execute(select(clock_row)).one()
        with saved.connect() as reading:
            theirs = reading.execute(select(clock_row)).one()
        forgotten = _Reverting(connection, saved).run()
        # Later than whatever anybody was told before.
        stamp = max(ours.horizon, theirs.horizon) + 1
        for table in reversed(_TABLES):
            connection.execute(delete(table))
        items = _load(saved, connection, stamp, file, progress)
        connection.execute(
            update(clock_row).values(
                horizon=stamp,
                earliest=min(ours.earliest, theirs.earliest),
                incarnation=max(ours.incarnation, theirs.incarnation, stamp) + 1,
            )
        )
    return Restored(items, forgotten)


@contextmanager
def _opened(file: Path) -> Iterator[Engine]:
    """Open a copy of a backup, sound and brought to the schema of this version."""
    with tempfile.TemporaryDirectory(prefix="oai-restore-") as folder:
        copy = Path(folder) / "backup.sqlite"
        shutil.copyfile(file, copy)
        engine = open_engine(URL.create("sqlite", database=str(copy)))
        try:
            with engine.connect() as connection:
                sound = connection.exec_driver_sql("PRAGMA quick_check").scalar_one()
                found = schema.current(connection)
                programs = connection.exec_driver_sql(
                    "SELECT count(*) FROM sqlite_master WHERE type IN ('view', 'trigger')"
                ).scalar_one()
            if sound != "ok":
                raise StoreError(f"{file} is damaged: {' '.join(str(sound).split())[:200]}")
            if found is None:
                raise StoreError(f"{file} is a database, but no backup made by 'oai-server backup'")
            if programs:  # they would run here
                raise StoreError(f"{file} has views or triggers in it, which no backup made by 'oai-server backup' has")
            schema.upgrade(engine, str(file))
        except DBAPIError as error:
            raise StoreError(f"{file} is no backup, or damaged: {error.orig}") from error
        yield engine
        engine.dispose()


def _load(saved: Engine, connection: Connection, stamp: int, file: Path, progress: Progress) -> int:
    """Copy all tables into the empty ones, under one datestamp; returns how many items there are.

    Raises:
        StoreError: a body is not what was written: SQLite's own check does not look into values.
    """
    with saved.connect() as reading, saved.connect() as asking:
        unpack = Unpacking().by(asking)
        for table in _TABLES:
            for rows in _batches(reading, table):
                if table is record and not all(_is_whole(row, unpack) for row in rows):
                    raise StoreError(f"{file} is damaged: a record in it is not what was written")
                if "datestamp" in table.c:
                    for row in rows:
                        row["datestamp"] = stamp
                if table is entry:
                    _write_headers(asking, rows)
                bulk_insert(connection, table, rows)
                progress(len(rows) if table is item else 0)
        return int(reading.scalar(select(func.count()).select_from(item)) or 0)


def _write_headers(saved: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Give the entries that have a header that of their new datestamp."""
    headed = [row for row in rows if row["header"] is not None]
    query = select(item.c.id, item.c.identifier, item.c.setspecs)
    query = query.where(among(saved, item.c.id, [row["item_id"] for row in headed]))
    named = {one.id: one for one in saved.execute(query)}
    for row in headed:
        of = named[row["item_id"]]
        row["header"] = records.header(of.identifier, row["datestamp"], of.setspecs.split(), deleted=row["deleted"])


def _is_whole(row: Mapping[str, Any], unpack: Callable[[bytes], bytes]) -> bool:
    """Tell whether a record is what was written."""
    body, about = row["body"], row["about"]
    if body is None:
        return bool(row["hash"] == body_hash(None))
    try:  # its size first: a frame may claim any
        sized = unpacked_size(body) + len(about or b"") == row["size"]
        return bool(sized and body_hash(unpack(body), about) == row["hash"])
    except StoreError:
        return False


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a table, some at a time, by number and by bytes."""
    batch: list[dict[str, Any]] = []
    size = 0
    for row in connection.execution_options(yield_per=100).execute(select(table)).mappings():
        batch.append(dict(row))
        size += sum(len(value) for value in batch[-1].values() if isinstance(value, bytes))
        if len(batch) == BATCH or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Reverting:
    """Tells a backup what the database has shown since, and takes it back: what is left of it are the tombstones."""

    def __init__(self, connection: Connection, saved: Engine) -> None:
        self._connection = connection
        self._saved = saved
        self._publisher = Publisher(saved)

    def run(self) -> int:
        """Go through all items of the database; returns how many the backup does not know."""
        declared = (format_.c.prefix, format_.c.schema, format_.c.namespace, format_.c.version)
        with self._saved.connect() as reading:
            known = set(reading.scalars(select(format_.c.prefix)))
        new = [(prefix, *rest) for prefix, *rest in self._connection.execute(select(*declared)) if prefix not in known]
        declare(self._saved, new)
        self._merge_sets()
        forgotten = last = 0
        columns = (item.c.id, item.c.identifier, item.c.source, item.c.source_key, item.c.setspecs)
        while rows := self._connection.execute(
            select(*columns).where(item.c.id > last).order_by(item.c.id).limit(BATCH)
        ).all():
            last = rows[-1].id
            forgotten += self._revert(rows)
        return forgotten

    def _merge_sets(self) -> None:
        """Make the backup know the sets of the database, and which of them keep tombstones."""
        rows = self._connection.execute(select(set_)).all()
        with self._saved.execution_options(**{WRITES: True}).begin() as writing:
            labels = {row.spec: row.label for row in writing.execute(select(set_))}
            for row in rows:
                if row.spec in labels:
                    writing.execute(update(set_).where(set_.c.spec == row.spec).values(tombstones=row.tombstones))
                    continue
                label = row.label
                while label in labels.values():
                    label += "*"
                labels[row.spec] = label
                writing.execute(insert(set_).values({**row._mapping, "label": label}))

    def _revert(self, rows: Sequence[Any]) -> int:
        """Do so for some items; returns how many of them the backup does not know."""
        shown = _shown(self._connection, rows)
        with self._saved.connect() as reading:
            wanted = item.c.identifier.in_([row.identifier for row in rows])
            found = reading.execute(select(item, canonical.c.json).join_from(item, canonical).where(wanted)).all()
            kept = _shown(reading, found)
            keys = item.c.source_key.in_([row.source_key for row in rows])
            taken = set(map(tuple, reading.execute(select(item.c.source, item.c.source_key).where(keys))))
        saved = {row.identifier: row for row in found}
        states: list[Draft] = []
        reverted: list[Draft] = []
        gone: list[str] = []
        for row in rows:
            now = shown[row.id]
            was = saved.get(row.identifier)
            if was is None:
                key = row.source_key if (row.source, row.source_key) not in taken else row.identifier
                bodies = dict.fromkeys(now.prefixes, _GONE)
                states.append(Draft(row.source, key, row.identifier, _sorted(now.setspecs), b"{}", b"", "", bodies))
                gone.append(row.identifier)
                continue
            if now.lists - kept[was.id].lists:
                new = now.prefixes - kept[was.id].prefixes
                draft = Draft(was.source, was.source_key, was.identifier, _sorted(now.setspecs), was.json,
                              was.hash, was.rendered, dict.fromkeys(new, _GONE))  # fmt: skip
                states.append(draft)
                own = _sorted(was.setspecs.split())
                reverted.append(replace(draft, setspecs=own, renditions=dict.fromkeys(new)))
                if was.deleted:
                    gone.append(was.identifier)
        for drafts in (states, reverted):
            for source in sorted({draft.source for draft in drafts}):
                self._publisher.publish([draft for draft in drafts if draft.source == source])
        self._publisher.withdraw(gone)
        return len(rows) - len(found)


def _sorted(setspecs: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(setspecs))


class _Shown:
    """What harvesters are shown of an item: in which formats, in which sets (as departed too), in which lists."""

    def __init__(self, setspecs: str) -> None:
        self.prefixes: set[str] = set()
        self.setspecs = set(setspecs.split())
        self.lists: set[tuple[str, str]] = set()


def _shown(connection: Connection, rows: Iterable[Any]) -> dict[int, _Shown]:
    """Return by number what is shown of items."""
    items = {row.id: _Shown(row.setspecs) for row in rows}
    for item_id, prefix in connection.execute(records_of(connection, items, item_of, format_.c.prefix)):
        shown = items[item_id]
        shown.prefixes.add(prefix)
        shown.lists.update((prefix, setspec) for setspec in with_ancestors(shown.setspecs))
    departures = select(departure.c.item_id, format_.c.prefix, list_.c.setspec).join_from(departure, list_)
    query = departures.join(format_, format_.c.id == list_.c.format_id).where(departure.c.item_id.in_(items))
    for item_id, prefix, setspec in connection.execute(query):
        items[item_id].setspecs.add(setspec)
        items[item_id].lists.add((prefix, setspec))
    return items
