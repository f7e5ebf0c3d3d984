"""A history for a collection that was loaded at once, and as many copies of it as make it large.

Both are written in the database, as no server would do it. Items get moments over three years, some at a time: windows
of a month and of a day then hold what they hold in a repository that grew. Copies have identifiers of their own and the
bytes of what they are copied of: to import ten million records takes the better part of a day, and what is looked for
in so many of them is how they are found.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from oai_server.store.tables import FORMAT, record_id

BEGIN = 1_672_531_200
"""2023-01-01T00:00:00Z"""
MIDDLE = "2024-06-15T00:00:00Z"
SECONDS = 3 * 365 * 86_400
TOGETHER = 50
"""Items that were published at one moment."""

_TEXT = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%SZ', {0}, 'unixepoch')",
    "postgresql": "to_char(to_timestamp({0}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
}
_AT = "instr(header, CAST('<datestamp>' AS BLOB)) + 10"
_HEADER = {
    "sqlite": f"CAST(replace(substr(header, 1, {_AT}), 'obj-', '{{name}}') || {{text}} || "
    f"substr(header, {_AT} + 21) AS BLOB)",
    "postgresql": "convert_to(regexp_replace(replace(convert_from(header, 'UTF8'), 'obj-', '{name}'), "
    "'<datestamp>[^<]*', '<datestamp>' || {text}), 'UTF8')",
}


def name(copy: int, number: int) -> str:
    """Return the local identifier of a record in one of the copies, of which 0 is the collection itself."""
    return f"{_prefix(copy)}{number:09}"


def _prefix(copy: int) -> str:
    return f"obj-{copy:04}-" if copy else "obj-"


def statements(dialect: str, items: int, formats: int, copies: int = 1) -> Iterator[str]:
    """Yield what gives items 1 to ``items`` in some formats their moments, and makes copies of them."""

    def moment(item: str) -> str:
        return f"({BEGIN} + CAST({item} AS BIGINT) / {TOGETHER} * {TOGETHER} * {SECONDS} / {items * copies + TOGETHER})"

    def header(item: str, copy: int) -> str:
        text = _TEXT[dialect].format(moment(item))
        return _HEADER[dialect].format(name=_prefix(copy), text=text)

    yield f"UPDATE repo_clock SET earliest = {BEGIN}"
    yield f"UPDATE entry SET datestamp = {moment('item_id')}, header = {header('item_id', 0)}"
    yield f"UPDATE record SET datestamp = {moment(f'(id % {FORMAT})')}"
    for copy in range(1, copies):
        further = copy * items
        own = f"replace({{}}, 'obj-', '{_prefix(copy)}')"
        yield (
            "INSERT INTO item (id, identifier, source, source_key, setspecs, deleted, hash, rendered) "
            f"SELECT id + {further}, {own.format('identifier')}, source, {own.format('source_key')}, setspecs, "
            f"deleted, hash, rendered FROM item WHERE id <= {items} ORDER BY id"
        )
        yield (
            f"INSERT INTO canonical (item_id, json) SELECT item_id + {further}, json FROM canonical "
            f"WHERE item_id <= {items} ORDER BY item_id"
        )
        for number in range(1, formats + 1):
            first = record_id(number, 0)
            yield (
                "INSERT INTO record (id, datestamp, deleted, size, hash, body, about) "
                f"SELECT id + {further}, {moment(f'(id - {first - further})')}, deleted, size, hash, body, about "
                f"FROM record WHERE id > {first} AND id <= {first + items} ORDER BY id"
            )
        at = moment(f"(item_id + {further})")
        yield (
            f"INSERT INTO entry (list_id, datestamp, item_id, deleted, header) "
            f"SELECT e.list_id, {at}, item_id + {further}, deleted, {header(f'(item_id + {further})', copy)} "
            f"FROM list l JOIN entry e ON e.list_id = l.id AND e.datestamp <= {moment(str(items))} "
            f"WHERE item_id <= {items} ORDER BY e.list_id, e.datestamp, item_id"
        )
    yield f"UPDATE list_total SET n = n * {copies}"


def write_sqlite(database: Path, copies: int = 1) -> int:
    """Write a history, and copies, into an SQLite file that nobody else uses; returns how many items there are."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        [(items, formats)] = connection.execute("SELECT (SELECT max(id) FROM item), (SELECT max(id) FROM format)")
        for statement in statements("sqlite", items, formats, copies):
            connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return int(items * copies)


def window(days: int, first: str) -> dict[str, str]:
    """Return the arguments of a window of some days that begins with the datestamp ``first``."""
    until = datetime.strptime(first, "%Y-%m-%dT%H:%M:%S%z") + timedelta(days=days)
    return {"from_": first, "until": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
