"""What takes the schema of a database back to earlier ones, to see it upgraded."""

from __future__ import annotations

from collections.abc import Iterator

from oai_server.store.tables import FORMAT

TO_0007 = (
    "CREATE TABLE record_before (item_id {big} NOT NULL, format_id SMALLINT NOT NULL, datestamp {big} NOT NULL, "
    "deleted BOOLEAN NOT NULL, size INTEGER NOT NULL, hash {bytes} NOT NULL, header {bytes} NOT NULL, body {bytes}, "
    "about {bytes}, CONSTRAINT pk_record_before PRIMARY KEY (item_id, format_id))",
    "INSERT INTO record_before SELECT r.id - r.id / {format} * {format}, r.id / {format}, r.datestamp, r.deleted, "
    "r.size, r.hash, e.header, r.body, r.about "
    "FROM record r JOIN list l ON l.format_id = r.id / {format} AND l.setspec = '' "
    "JOIN entry e ON e.list_id = l.id AND e.datestamp = r.datestamp AND e.item_id = r.id - r.id / {format} * {format}",
    "DROP TABLE record",
    "ALTER TABLE record_before RENAME TO record",
    "ALTER TABLE record RENAME CONSTRAINT pk_record_before TO pk_record",
    "ALTER TABLE entry DROP COLUMN header",
)
"""What takes the schema back to 0007."""
TO_0004 = (
    "DROP TABLE dictionary",
    "ALTER TABLE entry DROP COLUMN deleted",
    "ALTER TABLE item ADD COLUMN canonical {bytes}",
    "UPDATE item SET canonical = (SELECT json FROM canonical WHERE item_id = item.id)",
    "DROP TABLE canonical",
)
"""What takes the schema back to 0004."""


def taken_back(dialect: str, *steps: tuple[str, ...]) -> Iterator[str]:
    """Yield the statements of some steps as a dialect has them."""
    blob, big = {"sqlite": ("BLOB", "INTEGER"), "postgresql": ("BYTEA", "BIGINT")}[dialect]
    for statement in (statement for step in steps for statement in step):
        if dialect != "sqlite" or "RENAME CONSTRAINT" not in statement:  # names of constraints mean nothing there
            yield statement.format(bytes=blob, big=big, format=FORMAT)
