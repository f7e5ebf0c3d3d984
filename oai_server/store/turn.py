"""Who copies or replaces a whole source: one process at a time, for two would undo what the other does.

The lock dies with its process, however that ends. On PostgreSQL it is an advisory lock of a transaction that stays open
and does nothing else, for poolers lend a session to a transaction only; it holds no snapshot, so VACUUM goes on. Beside
SQLite it is a locked file, one for each source, which stays there empty.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from oai_server.store.engine import StoreError


class SourceBusy(StoreError):
    """Another process has the source."""


@contextmanager
def alone(engine: Engine, source: str) -> Iterator[None]:
    """Hold a source while the block runs.

    Raises:
        SourceBusy: another one holds it.
    """
    digest = hashlib.blake2b(source.encode(), digest_size=8, person=b"oai source").digest()
    held = _beside(f"{engine.url.database}-{digest.hex()}.lock") if engine.dialect.name == "sqlite" else None
    with held or _advisory(engine, int.from_bytes(digest, signed=True)) as free:
        if not free:
            raise SourceBusy(
                f"a harvest or a full import of the source {source} is running: run this again when it has ended"
            )
        yield


@contextmanager
def _beside(path: str) -> Iterator[bool]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)  # a lock needs no right to write
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}: give this user permission on the folder") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


@contextmanager
def _advisory(engine: Engine, key: int) -> Iterator[bool]:
    connection = engine.connect()
    try:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        free = connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key})
        yield bool(free)
    finally:
        with suppress(DBAPIError):  # a connection that was lost has let go of it
            connection.close()
