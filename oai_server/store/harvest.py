"""The hot reads: what a harvester asks, as plain SQL on driver connections, with nothing in between.

A list is read as one range of its key (list, datestamp, item): behind the last that was given out. Both engines find it
by the index, in its order, wherever in the list it begins. Bodies come by primary key in the same statement, so a page
is one moment's truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from oai_server.protocol.repository import Horizon, MetadataFormat, Row, Set
from oai_server.store import clock
from oai_server.store.engine import Answer, DriverConnections, StoreUnavailable, explained
from oai_server.store.packing import Unpacking, is_packed

COUNTED = 100_000
"""A window is counted up to here (milliseconds); a longer one is given the size of its whole list."""

_COLUMNS = "e.item_id, e.datestamp, i.identifier, i.setspecs, e.deleted"
_FROM = "FROM entry e JOIN item i ON i.id = e.item_id"
# Whoever has left a set is deleted in its list alone, and lives in its record.
_BODIES = f"{_FROM} LEFT JOIN record r ON r.item_id = e.item_id AND r.format_id = ? AND NOT e.deleted"
_RANGE = (
    "WHERE e.list_id = ? AND (e.datestamp, e.item_id) > (?, ?) AND e.datestamp <= ? "
    "ORDER BY e.datestamp, e.item_id LIMIT ?"
)
# PostgreSQL's client takes whole results, so its server stops where the bytes pass the limit. (SQLite's is lazy.)
_BOUNDED = (  # every part is a constant of this module
    "SELECT item_id, datestamp, identifier, setspecs, deleted, body, about FROM (SELECT q.*, sum(size) OVER "  # noqa: S608
    f"(ORDER BY datestamp, item_id ROWS UNBOUNDED PRECEDING) - size AS before FROM (SELECT {_COLUMNS}, r.body, "
    f"r.about, coalesce(r.size, 0) AS size {_BODIES} {_RANGE}) q) p WHERE before <= ? ORDER BY datestamp, item_id"
)
_ONE = (
    "SELECT r.item_id, r.datestamp, i.identifier, i.setspecs, r.deleted, r.body, r.about FROM item i "
    "JOIN record r ON r.item_id = i.id AND r.format_id = ? WHERE {key} = ?"
)


_HEADERS = f"SELECT {_COLUMNS}, NULL, NULL {_FROM} {_RANGE}"
_LAZY = f"SELECT {_COLUMNS}, r.body, r.about {_BODIES} {_RANGE}"
_DICTIONARY = "SELECT content FROM dictionary WHERE id = ?"

_row = partial(tuple.__new__, Row)
"""Makes a row of a driver's, as ``Row._make`` does, at a third of its cost."""


def _in_set(row: Row, setspec: str) -> Row:
    """Return a deleted row as the list of a set shows it: in this set alone, where the item has left the set."""
    below = f"{setspec}:"
    if any(spec == setspec or spec.startswith(below) for spec in row.setspecs.split()):
        return row
    return row._replace(setspecs=setspec)


class _Numbers:
    """The numbers of formats and lists, as far as they were asked for: they never change in one incarnation."""

    def __init__(self, incarnation: int) -> None:
        self.incarnation = incarnation
        self.formats: dict[str, int] = {}
        self.lists: dict[tuple[str, str], int] = {}


class Harvest:
    """The repository as the protocol sees it (:class:`oai_server.protocol.repository.Repository`)."""

    def __init__(self, engine: Engine, formats: Sequence[MetadataFormat]) -> None:
        self._url = engine.url.render_as_string(hide_password=True)
        self._connections = DriverConnections(engine)
        self._formats = {format_.prefix: format_ for format_ in formats}
        self._numbers = _Numbers(0)
        self._unpacking = Unpacking()

    def clock(self, *, tick: bool) -> Horizon:
        """Read the clock row, first advancing it to now when ``tick``."""
        found = self._ask(lambda connection: clock.read(connection, sqlite=self._connections.sqlite, tick=tick))
        if found.incarnation != self._numbers.incarnation:  # a backup was restored: its lists have their own
            self._numbers = _Numbers(found.incarnation)
        return found

    def formats(self) -> Sequence[MetadataFormat]:
        """Return the formats of the repository."""
        return list(self._formats.values())

    def formats_of(self, identifier: str) -> Sequence[str] | None:
        """Return the prefixes that an item has records in, deleted ones included; None for an unknown item."""
        query = (
            "SELECT f.prefix FROM item i LEFT JOIN record r ON r.item_id = i.id "
            "LEFT JOIN format f ON f.id = r.format_id WHERE i.identifier = ? ORDER BY f.id"
        )
        rows = self._all(query, (identifier,))
        return [prefix for (prefix,) in rows if prefix in self._formats] if rows else None

    def sets(self) -> Sequence[Set]:
        """Return all sets, ancestors included, by setSpec."""
        return [Set(*row) for row in self._all("SELECT spec, name, description FROM oai_set ORDER BY spec", ())]

    def has_sets(self) -> bool:
        """Tell whether there is any set."""
        return bool(self._all("SELECT 1 FROM oai_set LIMIT 1", ()))

    def record(self, prefix: str, identifier: str) -> Row | None:
        """Return the record of an item in a format; None where there never was one."""
        return self._one(prefix, "i.identifier", identifier)

    def item(self, prefix: str, item: int) -> Row | None:
        """Return the record of an item, found by its number, with its body."""
        return self._one(prefix, "i.id", item)

    def page(
        self, prefix: str, setspec: str | None, start: int, upper: int, after: int | None, limit: int, page_bytes: int,
        *, bodies: bool,
    ) -> tuple[list[Row], bool]:  # fmt: skip
        """Return the next records of a list and whether more follow."""
        ids = self._ids(prefix, setspec)
        if ids is None:
            return [], False
        rows, more = self._page(ids, (start, -1 if after is None else after, upper), limit, page_bytes, bodies)
        return ([_in_set(row, setspec) if row.deleted else row for row in rows] if setspec else rows), more

    def _page(
        self, ids: tuple[int, int], span: tuple[int, int, int], limit: int, page_bytes: int, bodies: bool
    ) -> tuple[list[Row], bool]:
        rows, room = self._range(ids, span, limit + 1, page_bytes, bodies)
        if len(rows) > limit:
            return rows[:limit], True
        if room < 0 and len(rows) > 1:
            return rows[:-1], True
        if room < 0:  # one record fills the page by itself: is there another?
            return rows, bool(self._range(ids, (rows[0].datestamp, rows[0].item, span[2]), 1, 0, False)[0])
        return rows, False

    def size(self, prefix: str, setspec: str | None, start: int | None, upper: int | None) -> int:
        """Return how many records the list holds in the window (None: open); never too small, may be too large."""
        ids = self._ids(prefix, setspec)
        if ids is None:
            return 0
        total = int(self._all("SELECT n FROM list_total WHERE list_id = ?", ids[1:])[0][0])
        if (start is None and upper is None) or not total:
            return total
        counted = self._all(
            "SELECT count(*) FROM "
            "(SELECT 1 FROM entry WHERE list_id = ? AND datestamp >= ? AND datestamp <= ? LIMIT ?) w",
            (ids[1], start or 0, upper if upper is not None else 1 << 62, COUNTED + 1),
        )[0][0]
        return int(counted) if counted <= COUNTED else total

    def _ids(self, prefix: str, setspec: str | None) -> tuple[int, int] | None:
        """Return the numbers of a format and a list; what was found once is kept."""
        numbers, key = self._numbers, (prefix, setspec or "")
        if key not in numbers.lists:
            rows = self._all(
                "SELECT f.id, l.id FROM format f JOIN list l ON l.format_id = f.id "
                "WHERE f.prefix = ? AND l.setspec = ?",
                key,
            )
            if not rows:
                return None
            numbers.formats[prefix], numbers.lists[key] = rows[0]
        return numbers.formats[prefix], numbers.lists[key]

    def _one(self, prefix: str, column: str, value: str | int) -> Row | None:
        numbers = self._numbers
        format_id = numbers.formats.get(prefix)
        if format_id is None:
            found = self._all("SELECT id FROM format WHERE prefix = ?", (prefix,))
            if not found:
                return None
            format_id = numbers.formats[prefix] = found[0][0]
        query, arguments = _ONE.format(key=column), (format_id, value)

        def one(connection: Any) -> Row | None:
            found = self._execute(connection, query, arguments).fetchone()
            if found is None:
                return None
            row = Row(*found)
            return row if row.body is None else self._unpacked(connection, row, row.body)

        return self._ask(one)

    def _range(
        self, ids: tuple[int, int], span: tuple[int, int, int], limit: int, room: int, bodies: bool
    ) -> tuple[list[Row], int]:
        """Return the rows of a range of a list and the bytes left: negative where the last row is beyond the page.

        ``span`` is the datestamp and the item behind which it begins, and its last datestamp.
        """
        format_id, list_id = ids
        arguments: tuple[int, ...]
        if not bodies:
            return list(map(_row, self._all(_HEADERS, (list_id, *span, limit)))), room
        query, arguments = _LAZY, (format_id, list_id, *span, limit)
        if not self._connections.sqlite:
            query, arguments = _BOUNDED, (*arguments, room)

        def lazily(connection: Any) -> tuple[list[Row], int]:
            left = room
            found = []
            for row in map(_row, self._execute(connection, query, arguments)):
                if (body := row[5]) is not None:
                    if is_packed(body):
                        row = self._unpacked(connection, row, body)
                        body = row.body or b""
                    left -= len(body) + len(row[6] or b"")
                found.append(row)
                if left < 0:
                    break
            return found, left

        return self._ask(lazily)

    def _unpacked(self, connection: Any, row: Row, body: bytes) -> Row:
        """Return a row with its body as harvesters get it."""

        def read(number: int) -> bytes | None:
            found = self._execute(connection, _DICTIONARY, (number,)).fetchone()
            return bytes(found[0]) if found else None

        return row._replace(body=self._unpacking.unpack(body, read))

    def _execute(self, connection: Any, query: str, arguments: Sequence[Any]) -> Any:
        """Return a cursor of what a connection answers."""
        if self._connections.sqlite:
            return connection.execute(query, arguments)
        return connection.cursor(binary=True).execute(query.replace("?", "%s"), arguments)

    def _all(self, query: str, arguments: Sequence[Any]) -> list[Any]:
        return self._ask(lambda connection: self._execute(connection, query, arguments).fetchall())

    def _ask(self, question: Callable[[Any], Answer]) -> Answer:
        """Ask; where a connection was lost since it was last used, ask on a new one, once.

        Raises:
            StoreUnavailable: the database is away or busy.
        """
        for last in (False, True):
            try:
                return self._connections.ask(question)
            except (DBAPIError, self._connections.error) as error:
                if last or self._connections.sqlite:
                    raise StoreUnavailable(str(explained(error, self._url))) from error
        raise AssertionError("unreachable")
