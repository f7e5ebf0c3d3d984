"""Connections to SQLite and PostgreSQL: an engine for writing and all that is cold, the driver for hot reads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

WRITES = "oai_writes"
"""The execution option of an engine whose transactions write."""
BUSY_MS = 15_000
PAGE_BYTES = 16_384
"""A page of SQLite's file: bodies of two to four thousand bytes fill it with little waste, and few reads bring many."""
TICK_MS = 250
"""Milliseconds that a reader waits for the clock's lock before it goes on without."""


class StoreError(Exception):
    """The store cannot be used; the text says why and what to do."""


class StoreUnavailable(StoreError):
    """The database is away, busy or full for now: the same request may succeed later."""


def open_engine(url: str | URL) -> Engine:
    """Return an engine for writing: SQLite in WAL with ``BEGIN IMMEDIATE``, PostgreSQL through psycopg 3.

    Raises:
        StoreError: not an address of a database that is supported here.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        if parsed.get_backend_name() == "postgresql":
            return create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                connect_args={
                    "connect_timeout": 10,
                    # What was committed stays, after a crash too: harvesters may have it by then.
                    "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60s -c synchronous_commit=on",
                },
            )
    except ModuleNotFoundError as error:
        raise StoreError(
            f"PostgreSQL needs the package psycopg: pip install 'oai-server[postgres]' ({error})"
        ) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(f"database_url is not an address of a database: {error}") from error
    raise StoreError(f"database_url: {parsed.get_backend_name()} is not supported; use sqlite or postgresql+psycopg")


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("database_url: SQLite needs a file: several processes share it")
    engine = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})

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


class DriverConnections(threading.local):
    """One driver-level connection in autocommit per thread: what the hot reads use, with nothing in between."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self.sqlite = engine.dialect.name == "sqlite"
        self.error: type[Exception] = engine.dialect.loaded_dbapi.Error

    def get(self) -> Any:
        """Return this thread's connection, made on first use (never before a fork)."""
        if self._connection is None:
            pooled = self._engine.raw_connection()
            connection: Any = pooled.driver_connection
            pooled.detach()
            if self.sqlite:
                # One per thread: a large cache each would cost a worker a gigabyte, and pages come in order anyway.
                connection.execute("PRAGMA cache_size = -2048")
            else:
                connection.rollback()
                connection.autocommit = True
                # A read takes no lock but the tick's, and a page takes milliseconds.
                connection.execute(f"SET lock_timeout = {TICK_MS}")
                connection.execute("SET statement_timeout = 15000")
            self._connection = connection
        return self._connection

    def drop(self) -> None:
        """Close this thread's connection; the next use makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


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
