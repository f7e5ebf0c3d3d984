"""A history for a collection that was loaded at once: some items a moment, over three years.

The datestamps of records and entries are rewritten in the database, as no server would do it: windows of a month and of
a day then hold what they hold in a repository that grew.
"""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

BEGIN = 1_672_531_200
"""2023-01-01T00:00:00Z"""
MIDDLE = "2024-06-15T00:00:00Z"
SECONDS = 3 * 365 * 86_400
TOGETHER = 50
"""Items that were published at one moment."""

_MOMENT = f"{BEGIN} + item_id / {TOGETHER} * {TOGETHER} * {SECONDS} / (SELECT max(id) + {TOGETHER} FROM item)"
_STATEMENTS = (
    f"UPDATE entry SET datestamp = {_MOMENT}",
    f"UPDATE repo_clock SET earliest = {BEGIN}",
)
_BEFORE = "instr(header, CAST('<datestamp>' AS BLOB)) + 10"
SQLITE = (
    *_STATEMENTS,
    f"UPDATE record SET datestamp = {_MOMENT}, header = CAST(substr(header, 1, {_BEFORE}) || "
    f"strftime('%Y-%m-%dT%H:%M:%SZ', {_MOMENT}, 'unixepoch') || substr(header, {_BEFORE} + 21) AS BLOB)",
)
_TEXT = f"to_char(to_timestamp({_MOMENT}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
POSTGRESQL = (
    *_STATEMENTS,
    f"UPDATE record SET datestamp = {_MOMENT}, header = convert_to(regexp_replace(convert_from(header, 'UTF8'), "
    f"'<datestamp>[^<]*', '<datestamp>' || {_TEXT}), 'UTF8')",
)


def spread_sqlite(database: Path) -> None:
    """Spread the datestamps in an SQLite file that nobody else uses."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for statement in SQLITE:
            connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def window(days: int, first: str) -> dict[str, str]:
    """Return the arguments of a window of some days that begins with the datestamp ``first``."""
    until = datetime.strptime(first, "%Y-%m-%dT%H:%M:%S%z") + timedelta(days=days)
    return {"from_": first, "until": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
