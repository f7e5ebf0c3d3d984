"""The clock row, and the only way to a datestamp.

The rule: a record's datestamp is the moment it became visible. Whoever changes what a harvester can see locks the one
row ``repo_clock``, takes T = max(the database's clock, horizon), stamps every change with T, and commits. A reader that
read the horizon H *before* its data may say responseDate = H - 1: a change that it did not see was committed under the
lock after H was stored, so it is stamped H or later. No statement about any clock is needed: a wrong clock makes odd
numbers, never a loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text

from oai_server.protocol.repository import Horizon
from oai_server.store.engine import TICK_MS, WRITES

NOW = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER)",
    # Not now(): that is the start of the transaction, before the lock was waited for.
    "postgresql": "CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)",
}


@contextmanager
def publishing(engine: Engine) -> Iterator[tuple[Connection, int]]:
    """Open the one kind of transaction that may change what harvesters see; yields its connection and its datestamp.

    Everything slow (reading, rendering) belongs before it. Leaves with a commit, or with everything rolled back.
    """
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        lock = "" if engine.dialect.name == "sqlite" else " FOR UPDATE"  # SQLite: BEGIN IMMEDIATE has locked all
        horizon = connection.execute(text(f"SELECT horizon FROM repo_clock WHERE id = 1{lock}")).scalar_one()  # noqa: S608
        now = connection.execute(text(f"SELECT {NOW[engine.dialect.name]}")).scalar_one()
        stamp = max(now, horizon)
        if stamp > horizon:
            connection.execute(text("UPDATE repo_clock SET horizon = :stamp WHERE id = 1"), {"stamp": stamp})
        yield connection, stamp


def read(connection: Any, *, sqlite: bool, tick: bool) -> Horizon:
    """Return the clock row; with ``tick`` advance its horizon first, where it is behind and its lock is free in time.

    A tick never moves the clock row back and never waits longer than TICK_MS: an older horizon is as true as a new one.
    """
    now = NOW["sqlite" if sqlite else "postgresql"]
    # A standby cannot tick: its horizon is that of what it has received.
    behind = f"horizon < {now}" if sqlite else f"horizon < {now} AND NOT pg_is_in_recovery()"
    query = f"SELECT horizon, earliest, incarnation, {behind if tick else 'false'} FROM repo_clock WHERE id = 1"  # noqa: S608
    horizon, earliest, incarnation, late = connection.execute(query).fetchone()
    if late:
        _advance(connection, now, sqlite=sqlite)
        horizon, earliest, incarnation, _ = connection.execute(query).fetchone()
    return Horizon(horizon, earliest, incarnation)


def _advance(connection: Any, now: str, *, sqlite: bool) -> None:
    update = f"UPDATE repo_clock SET horizon = {now} WHERE id = 1 AND horizon < {now}"  # noqa: S608
    try:
        if sqlite:
            connection.execute(f"PRAGMA busy_timeout = {TICK_MS}")
        else:  # sent together they are one transaction: the session may be another's the next time
            update = f"SET LOCAL lock_timeout = {TICK_MS}; {update}"
        connection.execute(update)
    except Exception as error:
        # Busy, read-only or a standby: reading goes on with the horizon there is. A lost connection shows at once.
        if getattr(connection, "closed", False):
            raise
        if not type(error).__name__.startswith(
            ("OperationalError", "LockNotAvailable", "ReadOnly", "QueryCanceled", "DiskFull")
        ):
            raise
    finally:
        if sqlite:
            connection.execute("PRAGMA busy_timeout = 15000")
