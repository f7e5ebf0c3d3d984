"""The hot reads: what a harvester asks, as plain SQL on driver connections, with nothing in between.

A list is read as one range of its key (list, datestamp, item): behind the last that was given out. Both engines find it
by the index, in its order, wherever in the list it begins. The headers of a whole repository's list stand in it; those
of a set's come from there, and bodies from their records, by primary key in the same statement, so a page is one
moment's truth; but for bodies that are larger than a record's share of a page, which are fetched one by one as far as
the page has room, and only if nothing has happened to their records meanwhile.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from oai_server.protocol import records
from oai_server.protocol.repository import Horizon, MetadataFormat, Row, Set
from oai_server.store import clock
from oai_server.store.engine import Answer, DriverConnections, StoreUnavailable, explained
from oai_server.store.packing import FRAME, Unpacking
from oai_server.store.tables import FORMAT, record_id

COUNTED = 100_000
"""A window is counted up to here (milliseconds); a longer one is given the size of its whole list."""

# How many rows are wanted stands in a statement, not beside it: PostgreSQL plans once for all arguments.
_ENTRIES = "FROM entry e"
_RECORD = "LEFT JOIN record r ON r.id = ? + e.item_id"
_RANGE = (
    "WHERE e.list_id = ? AND (e.datestamp, e.item_id) > (?, ?) AND e.datestamp <= ? "
    "ORDER BY e.datestamp, e.item_id LIMIT"
)
# What is deleted has the size 0, and as each column costs a page of 250 records a fiftieth of its time, nothing else
# says so, and headers come alone.
_HEADERS = f"SELECT e.item_id, e.datestamp, e.header {_ENTRIES} {_RANGE}"
_RECORDS = (
    "SELECT e.item_id, e.datestamp, e.header, CASE WHEN r.size <= ? THEN r.body END, "
    f"CASE WHEN r.size <= ? THEN r.about END, r.size {_ENTRIES} {_RECORD} {_RANGE}"
)
# Whoever has left a set is deleted in its list alone, and lives in its record and in the list of the whole repository.
_HEADER = "LEFT JOIN entry h ON h.list_id = ? AND h.datestamp = e.datestamp AND h.item_id = e.item_id"
_HEADERS_OF_SET = f"SELECT e.item_id, e.datestamp, h.header, e.deleted {_ENTRIES} {_HEADER} {_RANGE}"
_RECORDS_OF_SET = (
    "SELECT e.item_id, e.datestamp, h.header, CASE WHEN r.size <= ? AND NOT e.deleted THEN r.body END, "
    "CASE WHEN r.size <= ? AND NOT e.deleted THEN r.about END, CASE WHEN e.deleted THEN 0 ELSE r.size END "
    f"{_ENTRIES} {_HEADER} {_RECORD} {_RANGE}"
)
_BODY = (
    f"SELECT e.header, r.body, r.about {_ENTRIES} {_RECORD} WHERE e.list_id = ? AND e.datestamp = ? AND e.item_id = ?"
)
_ONE = (
    "SELECT i.id, r.datestamp, i.identifier, i.setspecs, r.deleted, r.body, r.about, r.size "
    "FROM item i JOIN record r ON r.id = ? + i.id WHERE {key} = ?"
)
_SAMPLE = (
    "SELECT i.identifier FROM (SELECT item_id, deleted FROM entry WHERE list_id = ? "
    "ORDER BY datestamp, item_id LIMIT {most}) e JOIN item i ON i.id = e.item_id WHERE NOT e.deleted"
)
_WINDOW = "WHERE e.list_id = ? AND e.datestamp >= ? AND e.datestamp <= ?"
_COUNT = f"SELECT count(*) FROM (SELECT 1 {_ENTRIES} {_WINDOW} LIMIT {COUNTED + 1}) w"  # noqa: S608
_DICTIONARY = "SELECT content FROM dictionary WHERE id = ?"

_size = itemgetter(5)


@dataclass(frozen=True)
class _Range:
    """What is asked of a list: which, behind which datestamp and item, up to which datestamp, and how much of it.

    ``first`` is where the records of its format begin to count, ``whole_id`` the list of all of them.
    """

    first: int
    whole_id: int
    list_id: int
    setspec: str | None
    start: int
    after: int
    upper: int
    limit: int
    page_bytes: int

    @property
    def share(self) -> int:
        """Bytes of a record that come with its page: of so many that large, all fit in it."""
        return self.page_bytes // (self.limit + 1)

    def statement(self, *, bodies: bool) -> tuple[str, tuple[int, ...]]:
        """Return what asks for the rows, and its arguments; one row more than the page tells whether there is more."""
        span = self.list_id, self.start, self.after, self.upper
        whose = (self.whole_id,) if self.setspec else ()
        if bodies:
            query, arguments = _RECORDS_OF_SET if whose else _RECORDS, (self.share, self.share, *whose, self.first)
        else:
            query, arguments = _HEADERS_OF_SET if whose else _HEADERS, whose
        return f"{query} {self.limit + 1}", (*arguments, *span)


class _Numbers:
    """The numbers of formats and lists, as far as they were asked for: they never change in one incarnation."""

    def __init__(self, incarnation: int) -> None:
        self.incarnation = incarnation
        self.lists: dict[tuple[str, str], tuple[int, int, int]] = {}


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
            "SELECT f.prefix, r.id FROM item i CROSS JOIN format f LEFT JOIN record r ON r.id = f.id * ? + i.id "
            "WHERE i.identifier = ? ORDER BY f.id"
        )
        rows = self._all(query, (FORMAT, identifier))
        return [prefix for prefix, held in rows if held and prefix in self._formats] if rows else None

    def sets(self) -> Sequence[Set]:
        """Return all sets, ancestors included, by setSpec."""
        return [Set(*row) for row in self._all("SELECT spec, name, description FROM oai_set ORDER BY spec", ())]

    def has_sets(self) -> bool:
        """Tell whether there is any set."""
        return bool(self._all("SELECT 1 FROM oai_set LIMIT 1", ()))

    def identifiers(self, most: int) -> Sequence[str]:
        """Return the identifiers of those of the first items in ``oai_dc`` that are not deleted."""
        ids = self._ids("oai_dc", None)
        return [identifier for (identifier,) in self._all(_SAMPLE.format(most=most), (ids[2],))] if ids else []

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
        asked = _Range(*ids, setspec, start, -1 if after is None else after, upper, limit, page_bytes)
        read = self._records if bodies else self._headers
        return self._ask(lambda connection: read(connection, asked))

    def _headers(self, connection: Any, asked: _Range) -> tuple[list[Row], bool]:
        found = self._execute(connection, *asked.statement(bodies=False)).fetchall()
        if asked.setspec:
            for number, (item, datestamp, header, deleted) in enumerate(found):
                if deleted:
                    found[number] = item, datestamp, self._deleted(connection, asked, item, datestamp, header)
        return found[: asked.limit], asked.limit < len(found)

    def _records(self, connection: Any, asked: _Range) -> tuple[list[Row], bool]:
        found = self._execute(connection, *asked.statement(bodies=True)).fetchall()
        fit = bisect_right(list(accumulate(map(_size, found))), asked.page_bytes)
        count = min(asked.limit, max(fit, 1))
        # Without a body, for they are deleted or large, or with one that is compressed.
        odd = [number for number, row in enumerate(found[:count]) if (row[3] or FRAME).startswith(FRAME)]
        for number in odd:  # few, unless bodies are compressed: most rows are given as they come
            row = self._mended(connection, asked, found[number])
            if row is None:
                return (found[:number], True) if number else self._records(connection, asked)
            found[number] = row
        return found[:count], count < len(found)

    def _mended(self, connection: Any, asked: _Range, row: Row) -> Row | None:
        """Return a row that is deleted, compressed or large as harvesters get it; None where it has left the window."""
        item, datestamp, header, body, about, size = row
        if not size:
            return item, datestamp, self._deleted(connection, asked, item, datestamp, header), None, None, 0
        if body is None:
            found = self._execute(connection, _BODY, (asked.first, asked.whole_id, datestamp, item)).fetchone()
            if found is None or found[0] != header:  # a change since then has given it another place
                return None
            _, body, about = found
        return item, datestamp, header, self._unpacked(connection, body), about, size

    def _deleted(self, connection: Any, asked: _Range, item: int, datestamp: int, header: bytes | None) -> bytes:
        """Return the header that a list shows of what is deleted; what has left a set is deleted in that set alone."""
        setspec = asked.setspec
        if header and (setspec is None or records.names(header, setspec)):
            return header
        identifier = self._execute(connection, "SELECT identifier FROM item WHERE id = ?", (item,)).fetchone()[0]
        return records.header(identifier, datestamp, [setspec] if setspec else [], deleted=True)

    def size(self, prefix: str, setspec: str | None, start: int | None, upper: int | None) -> int:
        """Return how many records the list holds in the window (None: open); never too small, may be too large."""
        ids = self._ids(prefix, setspec)
        if ids is None:
            return 0
        list_id = ids[2]
        total = int(self._all("SELECT n FROM list_total WHERE list_id = ?", (list_id,))[0][0])
        if (start is None and upper is None) or not total:
            return total
        counted = self._all(
            _COUNT,
            (list_id, start or 0, upper if upper is not None else 1 << 62),
        )[0][0]
        return int(counted) if counted <= COUNTED else total

    def _ids(self, prefix: str, setspec: str | None) -> tuple[int, int, int] | None:
        """Return the first number of a format's records, that of its whole list, and that of a list of it."""
        lists, key = self._numbers.lists, (prefix, setspec or "")
        if key not in lists:
            rows = self._all(
                "SELECT f.id, w.id, l.id FROM format f JOIN list w ON w.format_id = f.id AND w.setspec = '' "
                "JOIN list l ON l.format_id = f.id WHERE f.prefix = ? AND l.setspec = ?",
                key,
            )
            if not rows:
                return None
            format_id, whole_id, list_id = rows[0]
            lists[key] = record_id(format_id, 0), whole_id, list_id
        return lists[key]

    def _one(self, prefix: str, column: str, value: str | int) -> Row | None:
        ids = self._ids(prefix, None)
        if ids is None:
            return None
        query, arguments = _ONE.format(key=column), (ids[0], value)

        def one(connection: Any) -> Row | None:
            found = self._execute(connection, query, arguments).fetchone()
            if found is None:
                return None
            item, datestamp, identifier, setspecs, deleted, body, about, size = found
            header = records.header(identifier, datestamp, setspecs.split(), deleted=deleted)
            return item, datestamp, header, body and self._unpacked(connection, body), about, size

        return self._ask(one)

    def _unpacked(self, connection: Any, body: bytes) -> bytes:
        """Return a body as harvesters get it."""

        def read(number: int) -> bytes | None:
            found = self._execute(connection, _DICTIONARY, (number,)).fetchone()
            return bytes(found[0]) if found else None

        return self._unpacking.unpack(body, read)

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
