"""Creating and upgrading the schema, by Alembic, as a command of its own: never while a server starts.

Alembic takes longer to load than most commands take to run, so it is loaded where it is needed alone; which revision
is the newest is told by the names of its files (``v0001_….py``).
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from oai_server.store.engine import WRITES, StoreError

# One number for all servers of one database: two upgrades at a time would trip over each other.
_UPGRADE_LOCK = 0x0A1_9DB


_MIGRATIONS = Path(__file__).parent / "migrations"


def _revisions() -> list[str]:
    """Return the revisions that this code knows, oldest first."""
    return sorted(path.name[1:5] for path in (_MIGRATIONS / "versions").glob("v[0-9]*.py"))


def newest() -> str:
    """Return the revision that this code needs."""
    return _revisions()[-1]


def current(connection: Connection) -> str | None:
    """Return the revision of the database, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def upgrade(engine: Engine, name: str = "the database") -> tuple[str | None, str]:
    """Bring the schema to the newest revision; returns the revisions before and after. Safe to run again.

    ``name`` is what an error calls the database.

    Raises:
        StoreError: the database is of a newer version.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("version_path_separator", "newline")
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        before = current(connection)
        _refuse_newer(before, name)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, newest()


def check(engine: Engine) -> None:
    """Refuse a database whose schema is not this code's.

    Raises:
        StoreError: it is empty, older or newer; the text says what to run.
    """
    with engine.connect() as connection:
        found = current(connection)
    if found == newest():
        return
    if found is None:
        raise StoreError("the database is empty: run 'oai-server init'")
    _refuse_newer(found, "the database")
    raise StoreError(f"the database has schema {found}, this server needs {newest()}: run 'oai-server upgrade'")


def _refuse_newer(found: str | None, name: str) -> None:
    if found is not None and found not in _revisions():
        raise StoreError(f"{name} has schema {found}, made by a newer server: install that version")
