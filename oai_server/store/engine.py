"""Connections to SQLite and PostgreSQL: an engine for writing and all that is cold, the driver for hot reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool, QueuePool

WRITES = "oai_writes"
"""The execution option of an engine whose transactions write."""
POOLED = "oai_pooled"
"""The execution option of an engine whose connections are lent by a pooler, transaction by transaction."""
BUSY_MS = 15_000
PAGE_BYTES = 16_384
"""A page of SQLite's file: bodies of two to four thousand bytes fill it with little waste, and few reads bring many."""
TICK_MS = 250
"""Milliseconds that a reader waits for the clock's lock before it goes on without."""
MOST_READERS = 16
"""Questions that a process asks a database at once: more would not be answered sooner, and PostgreSQL counts them."""

Answer = TypeVar("Answer")


class StoreError(Exception):
    """The store cannot be used; the text says why and what to do."""


class StoreUnavailable(StoreError):
    """The database is away, busy or full for now: the same request may succeed later."""


def open_engine(url: str | URL, *, kept: bool = False) -> Engine:
    """Return an engine for writing: SQLite in WAL with ``BEGIN IMMEDIATE``, PostgreSQL through psycopg 3.

    ``?pooler=transaction`` behind an address of PostgreSQL says that PgBouncer or the like answers there, which gives
    each transaction another session: nothing may be set for a session then, and no statement be kept in it.

    With ``kept`` SQLite's connection stays open between transactions, as PostgreSQL's does: whoever closes the last one
    to a file writes the whole log back. It must be closed (``dispose``) before the process forks.

    Raises:
        StoreError: not an address of a database that is supported here.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed, kept=kept)
        if parsed.get_backend_name() == "postgresql":
            return _postgresql(parsed)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"PostgreSQL needs the package psycopg: pip install 'oai-server[postgres]' ({error})"
        ) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(f"database_url is not an address of a database: {error}") from error
    raise StoreError(f"database_url: {parsed.get_backend_name()} is not supported; use sqlite or postgresql+psycopg")


def _postgresql(url: URL) -> Engine:
    pooler = url.query.get("pooler")
    if pooler not in (None, "transaction"):
        raise StoreError(f"database_url: pooler={pooler} is not known; a pooler is asked by pooler=transaction")
    arguments: dict[str, Any] = {"connect_timeout": 10}
    if pooler:
        arguments["prepare_threshold"] = None
    else:
        # What was committed stays, after a crash too: harvesters may have it by then.
        arguments["options"] = "-c timezone=UTC -c idle_in_transaction_session_timeout=60s -c synchronous_commit=on"
    return create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["pooler"]),
        pool_pre_ping=True,
        connect_args=arguments,
        execution_options={POOLED: bool(pooler)},
    )


def _sqlite(url: URL, *, kept: bool) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("database_url: SQLite needs a file: several processes share it")
    pool: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 1} if kept else {"poolclass": NullPool}
    engine = create_engine(url, connect_args={"check_same_thread": False}, **pool)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        # The driver must not open transactions by itself: its deferred BEGIN fails under concurrent writers.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {BUSY_MS}",
            f"page_size = {PAGE_BYTES}",  # of a new file; one that is there keeps its own
            "journal_mode = WAL",
            "synchronous = FULL",  # harvesters may have what is committed: a power cut must not take it back
            "journal_size_limit = 16777216",
            "foreign_keys = ON",
            "cache_size = -65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A writer takes the lock at once; a deferred one that reads first is refused when others write meanwhile.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


class DriverConnections:
    """Driver-level connections in autocommit: what the hot reads use, with nothing in between.

    There are as many as questions were asked at once. Threads outnumber them by far: those that wait for slow
    harvesters to take their answers hold none.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[Any] = []
        self._places = threading.BoundedSemaphore(MOST_READERS)
        self.sqlite = engine.dialect.name == "sqlite"
        self.error: type[Exception] = engine.dialect.loaded_dbapi.Error

    def ask(self, question: Callable[[Any], Answer]) -> Answer:
        """Return what ``question`` makes of a connection (the first is made on first use, never before a fork).

        Where it fails, all idle connections are closed: what has cut one off has cut off the others too.
        """
        with self._places:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._open()
            try:
                answer = question(connection)
            except BaseException:
                connection.close()
                self.drop()
                raise
            self._idle.append(connection)
            return answer

    def _open(self) -> Any:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        if self.sqlite:
            # A large cache each would cost a worker a gigabyte, and pages come in order anyway.
            connection.execute("PRAGMA cache_size = -2048")
        else:
            connection.rollback()
            connection.autocommit = True
            if not self._engine.get_execution_options().get(POOLED):
                connection.execute("; ".join(f"SET {setting}" for setting in _SETTINGS))
            connection.execute(_LONG_ANSWER)
            connection.wait = partial(_wait, connection.wait)
        return connection

    def drop(self) -> None:
        """Close the connections that are idle."""
        while True:
            try:
                self._idle.pop().close()
            except IndexError:
                return


_SETTINGS = (
    "statement_timeout = 15000",  # a page takes milliseconds
    "plan_cache_mode = force_generic_plan",
    *(f"enable_{way} = off" for way in ("mergejoin", "hashjoin", "bitmapscan", "sort")),
    "max_parallel_workers_per_gather = 0",
    "jit = off",
)
"""Whatever is asked is a few rows in the order of an index, and what belongs to each: there is one good plan for it.

To look for it each time costs a tenth of a page, and what is taken for a better one here and there, by numbers that are
never those of the list that is asked for, costs many pages, the more the deeper in a list.
"""

# PostgreSQL sends 8 kB at a time, and wakes for each whoever waits: two processes that wake each other fifty times for
# one page use as much CPU for that as for the page. So what is a long answer is read in a few large pieces.
_LONG_ANSWER = "SELECT repeat('x', 250000)"
"""Whoever has had an answer as long as this once has room for so much at once from then on: libpq keeps its buffer."""
_PAUSE = 50e-6
"""Seconds that are left to the rest of an answer to come."""
_READ = 1
"""What psycopg yields that waits for nothing but more to read (``psycopg.waiting.Wait.R``)."""


def _wait(wait: Callable[..., Answer], steps: Generator[int, int, Answer], *given: Any, **named: Any) -> Answer:
    """Wait for an answer as psycopg's connection does, but that a long one is given time between two of its pieces."""
    return wait(_paused(steps), *given, **named)


def _paused(steps: Generator[int, int, Answer]) -> Generator[int, int, Answer]:
    pieces = 0
    try:
        step = next(steps)
        while True:
            ready = yield step
            if step == _READ:
                if pieces:
                    time.sleep(_PAUSE)
                pieces += 1
            step = steps.send(ready)
    except StopIteration as done:
        answer: Answer = done.value
        return answer


def explained(error: DBAPIError | Exception, url: str) -> StoreError:
    """Turn a driver's error into one line for people, with what to do."""
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    place = make_url(url).render_as_string(hide_password=True)
    lower = text.lower()
    if "disk is full" in lower or "no space left" in lower or "disk full" in lower:
        return StoreUnavailable(
            f"the disk of the database is full ({place}): make room and run it again; nothing stored is lost"
        )
    if "readonly" in lower or "read-only" in lower:
        return StoreError(
            f"the database cannot be written ({place}): give this user permission on the file and its folder"
        )
    if "unable to open database" in lower:
        path = Path(make_url(url).database or "")
        reason = "the folder does not exist" if not path.parent.is_dir() else "this user may not open it"
        return StoreError(f"the database cannot be opened ({place}): {reason}")
    if "locked" in lower or "lock timeout" in lower:
        return StoreUnavailable(f"the database is busy ({place}): another program holds it; try again")
    if "malformed" in lower or "not a database" in lower:
        return StoreError(f"the database file is damaged or is no database ({place}): restore a backup")
    return StoreUnavailable(f"the database does not answer as it should ({place}): {text[:300]}")
