"""The store as a whole: what commands and web ask of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from oai_server.protocol.repository import Horizon, MetadataFormat, Set
from oai_server.store import backup, clock, publish, schema, turn, upstream
from oai_server.store.backup import Restored
from oai_server.store.engine import DriverConnections, StoreError, explained, open_engine
from oai_server.store.harvest import Harvest
from oai_server.store.packing import Unpacking
from oai_server.store.publish import Draft, Outcome, Publisher, among, records_of, with_ancestors
from oai_server.store.sets import Declared, Sets
from oai_server.store.tables import canonical, departure, format_, in_format, item, item_of, list_, list_total, record
from oai_server.store.upstream import Upstream

SKEW = 60
"""Seconds by which the clocks of application and database may differ."""


@dataclass(frozen=True)
class Known:
    """What the store holds of an item of a source: enough to tell whether a file brings something new."""

    hash: bytes
    rendered: str
    deleted: bool
    identifier: str


class Stored(NamedTuple):
    """A live item as it is stored: what its renditions are made of, and by which formats they were made."""

    number: int
    source: str
    key: str
    identifier: str
    setspecs: str
    hash: bytes
    rendered: str
    canonical: bytes


class Held(NamedTuple):
    """A live item as harvesters meet it: its record, and the bodies of its live records by metadataPrefix."""

    identifier: str
    canonical: bytes
    bodies: dict[str, bytes]


class Claim(NamedTuple):
    """Who has an OAI identifier."""

    source: str
    deleted: bool


@dataclass(frozen=True)
class Shown:
    """An item for people: its canonical JSON and its records."""

    identifier: str
    source: str
    key: str
    setspecs: str
    deleted: bool
    canonical: bytes
    records: list[tuple[str, int, bool, bytes | None]]  # prefix, datestamp, deleted, body


@dataclass(frozen=True)
class Count:
    """How many live and deleted records a format, a set or a source has."""

    name: str
    live: int
    deleted: int


class Store:
    """One database. Errors of the database come as :class:`StoreError`, in a line for people."""

    def __init__(self, url: str, *, packed: bool = False, kept: bool = False) -> None:
        """Open the database at ``url``, to compress what is written there or not; nothing is read before it is asked.

        With ``kept`` a connection stays open between questions, for who asks many; :meth:`close` it before a fork.

        Raises:
            StoreError: not an address of a supported database.
        """
        self._engine: Engine = open_engine(url, kept=kept)
        self._url = url
        self._publisher = Publisher(self._engine, packed=packed)
        self._unpacking = Unpacking()
        self._sets = Sets(self._engine)

    @property
    def place(self) -> str:
        """The address of the database, without its password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        # COPY and the hot reads go past SQLAlchemy, and so do their errors.
        try:
            yield
        except (DBAPIError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise explained(error, self._url) from error

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the schema to what this code needs; returns the revisions before and after."""
        with self._explaining():
            return schema.upgrade(self._engine)

    def check(self) -> None:
        """Refuse a database that this code cannot serve: another schema, or a clock that is far from ours.

        Raises:
            StoreError: the text says what to do.
        """
        with self._explaining():
            schema.check(self._engine)
            with self._engine.connect() as connection:
                query = f"SELECT {clock.NOW[self._engine.dialect.name]}"
                now = connection.execute(text(query)).scalar_one()
        skew = abs(now - datetime.now(UTC).timestamp())
        if skew > SKEW:
            raise StoreError(
                f"the clocks of this machine and of the database differ by {skew:.0f} s: set them right first"
            )

    def close(self) -> None:
        """Let go of all connections; the next question opens one again."""
        self._engine.dispose()

    def harvest(self, formats: Sequence[MetadataFormat]) -> Harvest:
        """Return the repository as harvesters see it, with these formats offered."""
        return Harvest(self._engine, formats)

    def declare(self, formats: Iterable[tuple[str, str, str, str]]) -> None:
        """Write the formats (prefix, schema, namespace, version) that are new or have another description."""
        with self._explaining():
            publish.declare(self._engine, formats)

    @contextmanager
    def alone(self, source: str) -> Iterator[None]:
        """Hold a source while the block runs, against others that copy or replace all of it.

        Raises:
            SourceBusy: another process holds it.
        """
        with self._explaining(), turn.alone(self._engine, source):
            yield

    def known(self, source: str, keys: Sequence[str]) -> dict[str, Known]:
        """Return what the store holds of these keys of a source."""
        columns = (item.c.source_key, item.c.hash, item.c.rendered, item.c.deleted, item.c.identifier)
        with self._explaining(), self._engine.connect() as connection:
            query = select(*columns).where(item.c.source == source, among(connection, item.c.source_key, keys))
            return {key: Known(*rest) for key, *rest in connection.execute(query)} if keys else {}

    def claimed(self, identifiers: Sequence[str]) -> dict[str, Claim]:
        """Return which of the OAI identifiers exist, and whose they are."""
        columns = (item.c.identifier, item.c.source, item.c.deleted)
        with self._explaining(), self._engine.connect() as connection:
            query = select(*columns).where(among(connection, item.c.identifier, identifiers))
            return {name: Claim(*rest) for name, *rest in connection.execute(query)} if identifiers else {}

    def publish(self, drafts: Sequence[Draft], *, dry_run: bool = False) -> list[Outcome]:
        """Store drafts of one source and make them visible, all at once; returns what became (or would) of each."""
        with self._explaining():
            return self._publisher.publish(drafts, dry_run=dry_run)

    def withdraw(
        self, identifiers: Sequence[str] = (), *, source: str = "", keys: Sequence[str] = (), dry_run: bool = False
    ) -> dict[str, Outcome]:
        """Turn items into tombstones, by OAI identifier or by a source's keys; unknown ones are not in the answer."""
        with self._explaining():
            return self._publisher.withdraw(identifiers, source=source, keys=keys, dry_run=dry_run)

    def stale(self, rendered: Collection[str], after: int = 0, limit: int = 1000) -> list[Stored]:
        """Return the next live items, by number, whose renditions were made by other formats than one of these."""
        columns = (item.c.id, item.c.source, item.c.source_key, item.c.identifier, item.c.setspecs, item.c.hash,
                   item.c.rendered, canonical.c.json)  # fmt: skip
        query = (
            select(*columns)
            .join_from(item, canonical)
            .where(item.c.id > after, item.c.deleted.is_(False), item.c.rendered.not_in(rendered))
            .order_by(item.c.id)
            .limit(limit)
        )
        with self._explaining(), self._engine.connect() as connection:
            unpack = self._unpacking.by(connection)
            return [Stored(*row[:-1], unpack(row[-1])) for row in connection.execute(query).all()]

    def count_stale(self, rendered: Collection[str]) -> int:
        """Count the live items whose renditions were made by other formats than one of these."""
        query = select(func.count()).where(item.c.deleted.is_(False), item.c.rendered.not_in(rendered))
        with self._explaining(), self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)

    def refresh(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Publish other renditions or sets of what is stored; a draft of another state than that is outdated."""
        with self._explaining():
            return self._publisher.refresh(drafts)

    def restamp(self, identifiers: Sequence[str], prefixes: Collection[str] | None = None) -> int:
        """Give the records of items, in these formats or all, a new datestamp as they are; returns how many moved."""
        with self._explaining():
            return self._publisher.restamp(identifiers, prefixes)

    def repack(self, progress: Callable[[int], None] = lambda _: None) -> int:
        """Store all bodies and canonical records anew, compressed or not; returns how many items these are of."""
        last = count = 0
        with self._explaining():
            while (found := self._publisher.repack(last))[1]:
                last, done = found
                count += done
                progress(done)
        self.checkpoint()
        return count

    def members(self, setspec: str | None, batch: int = 1000) -> Iterator[list[str]]:
        """Yield the OAI identifiers of what is in a set, or shown there as deleted; of everything without a set."""
        last = 0
        while True:
            with self._explaining(), self._engine.connect() as connection:
                query = select(item.c.id, item.c.identifier, item.c.setspecs).where(item.c.id > last)
                rows = connection.execute(query.order_by(item.c.id).limit(batch)).all()
                query = select(departure.c.item_id).join_from(departure, list_).where(list_.c.setspec == setspec)
                span = departure.c.item_id.between(last, rows[-1].id if rows else last)
                left = set(connection.scalars(query.where(span))) if setspec else set()
            if not rows:
                return
            last = rows[-1].id
            found = [
                row.identifier
                for row in rows
                if setspec is None or row.id in left or setspec in with_ancestors(row.setspecs.split())
            ]
            if found:
                yield found

    def live(self, setspec: str | None, prefixes: Collection[str], batch: int = 200) -> Iterator[list[Held]]:
        """Yield the live items, of a set or all, each with what it has in these formats."""
        last = 0
        columns = (item.c.id, item.c.identifier, item.c.setspecs, canonical.c.json)
        while True:
            with self._explaining(), self._engine.connect() as connection:
                query = select(*columns).join_from(item, canonical).where(item.c.id > last, item.c.deleted.is_(False))
                rows = connection.execute(query.order_by(item.c.id).limit(batch)).all()
                if not rows:
                    return
                unpack = self._unpacking.by(connection)
                texts = [unpack(row.json) for row in rows]
                given: dict[int, dict[str, bytes]] = {row.id: {} for row in rows}
                bodies = records_of(connection, given, item_of, format_.c.prefix, record.c.body)
                bodies = bodies.where(record.c.deleted.is_(False), format_.c.prefix.in_(prefixes))
                for number, prefix, body in connection.execute(bodies).all():
                    given[number][prefix] = unpack(body)
            last = rows[-1].id
            yield [
                Held(row.identifier, text_, given[row.id])
                for row, text_ in zip(rows, texts, strict=True)
                if setspec is None or setspec in with_ancestors(row.setspecs.split())
            ]

    def live_keys(self, source: str, setspec: str = "", batch: int = 5000) -> Iterator[list[str]]:
        """Yield the keys of a source's live items (those in a set), in batches, in no order that matters."""
        last = 0
        while True:
            query = (
                select(item.c.id, item.c.source_key, item.c.setspecs)
                .where(item.c.source == source, item.c.deleted.is_(False), item.c.id > last)
                .order_by(item.c.id)
                .limit(batch)
            )
            with self._explaining(), self._engine.connect() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            last = rows[-1][0]
            yield [key for _, key, specs in rows if setspec in with_ancestors(specs.split())]

    def known_sets(self, labels: Iterable[str]) -> dict[str, str]:
        """Return the legal setSpec of each name of a set that has one."""
        with self._explaining():
            return self._sets.known(labels)

    def resolve_sets(self, labels: Iterable[str], *, write: bool = True) -> dict[str, str]:
        """Return the legal setSpec of each name of a set; new names get theirs for ever, unless not to ``write``."""
        with self._explaining():
            return self._sets.resolve(labels, write=write)

    def declare_sets(self, declared: Iterable[Declared]) -> None:
        """Make the sets that the settings declare stand in the database, empty ones too."""
        with self._explaining():
            self._sets.declare(declared)

    def describe_sets(self, described: Iterable[Declared]) -> None:
        """Give sets that are there other names and descriptions."""
        with self._explaining():
            self._sets.describe(described)

    def sets(self) -> list[tuple[Set, int]]:
        """Return all sets with the number of records (oai_dc, deleted ones included) in each."""
        totals = (
            select(list_.c.setspec, list_total.c.n)
            .join_from(list_, list_total)
            .join(format_)
            .where(format_.c.prefix == "oai_dc")
        )
        with self._explaining():
            with self._engine.connect() as connection:
                sizes = dict(connection.execute(totals).all())
            # One connection at a time: threads that hold one and wait for another would wait for each other.
            return [(one, sizes.get(one.spec, 0)) for one in self._sets.all()]

    def counts_by_format(self) -> list[Count]:
        """Count the live and the deleted records of each format."""
        return self._counts(
            select(format_.c.prefix, record.c.deleted, func.count())
            .join_from(record, format_, in_format)
            .group_by(format_.c.prefix, record.c.deleted)
        )

    def counts_by_source(self) -> list[Count]:
        """Count the live and the deleted items of each source."""
        return self._counts(select(item.c.source, item.c.deleted, func.count()).group_by(item.c.source, item.c.deleted))

    def _counts(self, query: object) -> list[Count]:
        found: dict[str, list[int]] = {}
        with self._explaining(), self._engine.connect() as connection:
            for name, deleted, n in connection.execute(query):  # type: ignore[call-overload]
                found.setdefault(name, [0, 0])[deleted] = n
        return [Count(name, live, deleted) for name, (live, deleted) in sorted(found.items())]

    def totals(self) -> dict[str, int]:
        """Return how many records, deleted ones included, each format's list holds. Cheap at any size."""
        query = (
            select(format_.c.prefix, list_total.c.n)
            .join_from(list_, list_total)
            .join(format_, format_.c.id == list_.c.format_id)
            .where(list_.c.setspec == "")
        )
        with self._explaining(), self._engine.connect() as connection:
            return dict(connection.execute(query).all())

    def show(self, identifier: str) -> Shown | None:
        """Return an item for people, found by its OAI identifier or, where only one source has it, by its own key."""
        if "\0" in identifier:  # PostgreSQL cannot even be asked
            return None
        with self._explaining(), self._engine.connect() as connection:
            found = select(item, canonical.c.json).join_from(item, canonical)
            row = connection.execute(found.where(item.c.identifier == identifier)).first()
            if row is None:
                rows = connection.execute(found.where(item.c.source_key == identifier).limit(2)).all()
                row = rows[0] if len(rows) == 1 else None
            if row is None:
                return None
            columns = (format_.c.prefix, record.c.datestamp, record.c.deleted, record.c.body)
            query = records_of(connection, [row.id], *columns).order_by(format_.c.id)
            unpack = self._unpacking.by(connection)
            records = [
                (prefix, stamp, deleted, body and unpack(body))
                for prefix, stamp, deleted, body in connection.execute(query).all()
            ]
            text_ = unpack(row.json)
        return Shown(row.identifier, row.source, row.source_key, row.setspecs, row.deleted, text_, records)

    def upstream(self, source: str) -> list[Upstream]:
        """Return the lists of other repositories that a source is harvested from, and how far."""
        with self._explaining():
            return upstream.lists(self._engine, source)

    def upstreams(self) -> list[Upstream]:
        """Return the lists of other repositories that any source is harvested from, and how far."""
        with self._explaining():
            return upstream.lists(self._engine)

    def save_upstream(self, state: Upstream) -> None:
        """Write how far a harvest has come."""
        with self._explaining():
            upstream.save(self._engine, state)

    def forget_upstream(self, state: Upstream) -> None:
        """Remove what is known of the harvest of a list."""
        with self._explaining():
            upstream.forget(self._engine, state)

    def horizon(self) -> Horizon:
        """Read the clock row."""
        connections = DriverConnections(self._engine)
        try:
            with self._explaining():
                return connections.ask(lambda one: clock.read(one, sqlite=connections.sqlite, tick=False))
        finally:
            connections.drop()

    def backup(self, file: Path, progress: Callable[[int], None] = lambda _: None) -> int:
        """Write all that is stored at one moment into a new file; returns the number of items."""
        with self._explaining():
            return backup.backup(self._engine, file, progress)

    def restore(self, file: Path, progress: Callable[[int], None] = lambda _: None) -> Restored:
        """Make the store what a backup says, all at once; all records get a new datestamp, old tokens are refused."""
        with self._explaining():
            restored = backup.restore(self._engine, file, progress)
        self.checkpoint()
        return restored

    def is_standby(self) -> bool:
        """Tell whether the database is a streaming replica: it follows another one, and cannot be written."""
        with self._explaining(), self._engine.connect() as connection:
            return self._engine.dialect.name == "postgresql" and bool(
                connection.scalar(text("SELECT pg_is_in_recovery()"))
            )

    def checkpoint(self) -> None:
        """After a bulk load: let SQLite fold its log into the file, PostgreSQL look at what changed."""
        with self._explaining(), self._engine.connect() as connection:
            if self._engine.dialect.name == "sqlite":
                connection.rollback()
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("PRAGMA optimize")
                driver.execute("PRAGMA wal_checkpoint(PASSIVE)")
            else:
                connection.execute(text("ANALYZE item, record, entry, list_total"))
                connection.commit()
