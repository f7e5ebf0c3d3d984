"""The nightly exports of a museum, some of them broken, and what harvesters must see at the end of each day.

A museum begins with some works of the Tate's spreadsheet. Each day a few come, a few are edited, one may go for good;
and the export of the day, a CSV file, may be anything that real ones were: empty, cut off, a third too short, in
another order or dialect, with rows that nobody can read. What is right is worked out here from the rows alone, by what
the documentation says of ``--mode full``; nothing here imports the server. The same seed makes the same history.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

Row = dict[str, str]
ID = "accession_number"
MAX_DELETES = 10
"""Per cent of the live works that a full import may delete."""
SETS = ("painting", "sculpture", "relief", "installation")
"""Classifications between which works are moved."""

# The profile changes twice in a history. Each change is seen in other records and formats: in MODS where there is an
# inscription, and in both formats where there is a credit line (a note without a type is a dc:description).
_CHANGES = (
    ('value = "Inscription: {}"', 'value = "Inscribed: {}"'),
    ('make = {type = "acquisition", value = "{}"}', 'make = {value = "{}"}'),
)


def profiles(text: str) -> list[str]:
    """Return the profiles that are used one after the other, the given one first."""
    found = [text]
    for old, new in _CHANGES:
        assert found[-1].count(old) == 1, f"the profile has changed: {old}"
        found.append(found[-1].replace(old, new))
    return found


def read(path: Path) -> list[Row]:
    """Return the rows of a table of works, packed or not."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@dataclass(frozen=True)
class Seen:
    """What harvesters see of a work: its first title, its set ("" for none) and the day on which each record moved."""

    deleted: bool
    title: str
    setspec: str
    moved: Mapping[str, int]


@dataclass(frozen=True)
class Day:
    """A day's file, and what a full import of it must come to.

    ``refused`` is what the refusal says where the day is guarded, else empty; ``line`` is the report otherwise, and
    ``status`` the exit status of both. ``seen`` has every work that ever came, by accession number.
    """

    number: int
    what: str
    filename: str
    data: bytes
    profile: int
    refused: str
    line: str
    status: int
    seen: Mapping[str, Seen]


@dataclass
class _Export:
    """A file as its rows were meant, and as a reader finds them. ``kept`` are identifiers of rows that it rejects."""

    rows: list[Row]
    names: list[str]
    delimiter: str = ","
    newline: str = "\r\n"
    encoding: str = "utf-8-sig"
    quoting: int = csv.QUOTE_MINIMAL
    data: bytes | None = None
    packed: bool = False
    rejected: int = 0
    kept: set[str] = field(default_factory=set)
    nameless: bool = False
    unread: bool = False

    def text(self, rows: Iterable[Row | list[str]] | None = None) -> str:
        """Return the table; a row that is a list of cells stands as it is."""
        file = io.StringIO(newline="")
        writer = csv.writer(file, delimiter=self.delimiter, lineterminator=self.newline, quoting=self.quoting)
        writer.writerow(self.names)
        for row in self.rows if rows is None else rows:
            writer.writerow(row if isinstance(row, list) else [row[name] for name in self.names])
        return file.getvalue()

    def bytes(self) -> bytes:
        data = self.text().encode(self.encoding) if self.data is None else self.data
        return gzip.compress(data, 1, mtime=0) if self.packed else data

    def with_row(self, place: int, row: Row | list[str], key: str | None) -> None:
        """Put a row that will be rejected into the file, in place of the one there; ``key`` is what it still says."""
        rows: list[Row | list[str]] = [*self.rows]
        rows[place] = row
        self.data = self.text(rows).encode(self.encoding)
        del self.rows[place]
        self.rejected += 1
        self.nameless |= key is None
        self.kept |= {key} if key else set()


def _plain(export: _Export, chance: random.Random, room: int) -> None:
    """Change nothing."""


def _empty(export: _Export, chance: random.Random, room: int) -> None:
    export.data, export.rows, export.unread = b"", [], True


def _header_only(export: _Export, chance: random.Random, room: int) -> None:
    export.rows = []


def _cut(export: _Export, chance: random.Random, room: int) -> None:
    """Break off in a row, before its last cell: where not within quotation marks, the row is short by cells."""
    keep = int(len(export.rows) * chance.uniform(0.2, 0.8))
    before, whole = export.text(export.rows[:keep]), export.text(export.rows[: keep + 1])
    cut = whole[: chance.randrange(len(before) + 2, whole.rindex(","))]
    export.data = cut.encode(export.encoding)
    export.rows = export.rows[:keep]
    export.unread = cut[len(before) :].count('"') % 2 == 0


def _cut_in_the_last_row(export: _Export, chance: random.Random, room: int) -> None:
    """Break off in the last row, just behind its number: nothing is missing that the row does not name."""
    whole = export.text([*export.rows[:-1], [export.rows[-1][name] if name == ID else "" for name in export.names]])
    export.data = whole[: whole.rindex(export.rows[-1][ID]) + len(export.rows[-1][ID])].encode(export.encoding)
    export.rows, export.unread = export.rows[:-1], True


def _cut_at_the_end(export: _Export, chance: random.Random, room: int) -> None:
    """Break off in the last row, in a quoted cell: little is missing, but nobody can tell which row it was."""
    export.quoting = csv.QUOTE_ALL
    whole = export.text()
    export.data = whole[: whole.rindex(f'"{export.rows[-1][ID]}"') + 3].encode(export.encoding)
    del export.rows[-1]
    export.rejected, export.nameless = 1, True


def _a_third_is_lost(export: _Export, chance: random.Random, room: int) -> None:
    export.rows = [row for row in export.rows if chance.random() > 0.3]


def _a_few_are_lost(export: _Export, chance: random.Random, room: int) -> None:
    lost = chance.sample(range(len(export.rows)), chance.randint(1, max(room, 1)))
    export.rows = [row for number, row in enumerate(export.rows) if number not in lost]


def _another_order(export: _Export, chance: random.Random, room: int) -> None:
    chance.shuffle(export.rows)
    export.names = chance.sample(export.names, len(export.names))


def _another_dialect(export: _Export, chance: random.Random, room: int) -> None:
    export.delimiter, export.newline = chance.choice(",;\t"), chance.choice(["\n", "\r\n"])
    export.encoding = chance.choice(["utf-8", "utf-8-sig"])
    export.quoting = chance.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
    export.packed = chance.random() < 0.3


def _a_bad_value(export: _Export, chance: random.Random, room: int) -> None:
    place = chance.randrange(len(export.rows))
    row = export.rows[place]
    export.with_row(place, {**row, "url": "no address", "title": "Not to be taken"}, row[ID])


def _a_short_row(export: _Export, chance: random.Random, room: int) -> None:
    place = chance.randrange(len(export.rows))
    row = export.rows[place]
    export.with_row(place, [row[name] for name in export.names][: chance.randint(2, 20)], row[ID])


def _no_number(export: _Export, chance: random.Random, room: int) -> None:
    place = chance.randrange(len(export.rows))
    export.with_row(place, {**export.rows[place], ID: ""}, None)


def _a_stray_quotation_mark(export: _Export, chance: random.Random, room: int) -> None:
    # Of several lines each would be a rejection of its own.
    place = chance.choice([place for place, row in enumerate(export.rows) if "\n" not in "".join(row.values())])
    row = export.rows[place]
    export.rows[place] = {**row, "title": "<stray>"}
    text = export.text().replace("<stray>", '"a "quoted" title', 1)
    export.with_row(place, row, None)
    export.data = text.encode(export.encoding)


def _rows_twice(export: _Export, chance: random.Random, room: int) -> None:
    """Repeat rows with another title: the first of each counts."""
    twice = chance.sample(export.rows, min(3, len(export.rows)))
    export.data = export.text([*export.rows, *({**row, "title": "A second time"} for row in twice)]).encode()
    export.rejected = len(twice)


def _half_packed(export: _Export, chance: random.Random, room: int) -> None:
    packed = gzip.compress(export.bytes(), mtime=0)
    export.data, export.packed, export.unread = packed[: len(packed) // 2], False, True


def _another_encoding(export: _Export, chance: random.Random, room: int) -> None:
    export.encoding, export.unread = "utf-16", True


# Whether a day is guarded follows from what its file says, by the rules of the guard.
TROUBLES = {
    "empty": _empty, "header only": _header_only, "cut in a row": _cut, "cut at the end": _cut_at_the_end,
    "a third is lost": _a_third_is_lost, "a few are lost": _a_few_are_lost, "another order": _another_order,
    "another dialect": _another_dialect, "a bad value": _a_bad_value, "a short row": _a_short_row,
    "a row without its number": _no_number, "a stray quotation mark": _a_stray_quotation_mark,
    "rows twice": _rows_twice, "half a .gz": _half_packed, "cut in the last row": _cut_in_the_last_row,
    "another encoding": _another_encoding,
}  # fmt: skip


class Museum:
    """A collection that lives for ``days``, beginning with ``works`` of the rows; the others come later."""

    def __init__(self, rows: list[Row], days: int, works: int, seed: int = 1, calm: int = 2) -> None:
        """``calm`` is how many good days lie between two troubled ones, on average."""
        self._chance = random.Random(seed)
        self._names = list(rows[0])
        pool = self._chance.sample(rows, len(rows))
        self._works = {row[ID]: row for row in pool[:works]}  # as the museum knows them
        self._outside = pool[works:]
        self._days, self._calm = days, calm
        self._next_trouble = 1
        self._deck: list[str] = []
        self._stored: dict[str, tuple[Row, int]] = {}  # as last imported, and by which profile
        self._seen: dict[str, Seen] = {}
        self._edits = 0

    def history(self) -> Iterator[Day]:
        """Yield each day; on the first all is well."""
        for number in range(self._days):
            if number:
                self._live_a_day()
            profile = number * (len(_CHANGES) + 1) // self._days
            what = self._trouble(number)
            live = {key for key, seen in self._seen.items() if not seen.deleted}
            gone = len(live - self._works.keys())
            export = _Export(self._chance.sample(list(self._works.values()), len(self._works)), [*self._names])
            TROUBLES.get(what, _plain)(export, self._chance, len(live) * MAX_DELETES // 100 - gone)
            refused = self._refused(export, live)
            line = "" if refused else self._import(export, live, profile, number)
            status = 2 if refused else 1 if export.rejected else 0
            name = f"{number:04}.csv.gz" if export.packed or what == "half a .gz" else f"{number:04}.csv"
            yield Day(number, what, name, export.bytes(), profile, refused, line, status, dict(self._seen))

    def _trouble(self, number: int) -> str:
        if number < self._next_trouble:
            return "all is well"
        self._next_trouble = number + 1 + self._chance.randint(0, 2 * self._calm)
        if not self._deck:
            self._deck = self._chance.sample(list(TROUBLES), len(TROUBLES))
        return self._deck.pop()

    def _live_a_day(self) -> None:
        """Works come, are edited, go; one that has gone may come back (a loan)."""
        chance, works = self._chance, self._works
        if self._outside and chance.random() < 0.3:
            row = self._outside.pop(chance.randrange(len(self._outside)))
            works[row[ID]] = row
        if len(works) > 20 and chance.random() < 0.15:
            self._outside.append(works.pop(chance.choice(list(works))))
        for key in chance.sample(list(works), chance.choice([0, 0, 1, 1, 2, 3])):
            self._edits += 1
            row = works[key]
            column = chance.choice(["title", "title", "creditLine", "inscription", "classification", "width"])
            written = f"{row[column][:200].split(' (edit')[0]} (edit {self._edits})"
            works[key] = {**row, column: chance.choice(SETS) if column == "classification" else written}

    def _refused(self, export: _Export, live: set[str]) -> str:
        """Say why the guard refuses a file; nothing where it does not."""
        missing = live - {row[ID] for row in export.rows} - export.kept
        if not live:
            return ""
        if export.unread:
            return "a file could not be read to its end"
        if not export.rows:
            return "there is no record in the files"
        if len(missing) > len(live) * MAX_DELETES // 100:
            return "more than --max-deletes allows"
        return "a rejected record without an identifier" if missing and export.nameless else ""

    def _import(self, export: _Export, live: set[str], profile: int, day: int) -> str:
        """Make the seen what the file says; return the report."""
        new = changed = 0
        for row in export.rows:
            key = row[ID]
            before = self._stored.get(key)
            shown = _shown(row, profile)
            revived = key in self._seen and self._seen[key].deleted
            was = _shown(*before) if before and not revived else {}
            moved = {prefix: day for prefix, values in shown.items() if was.get(prefix) != values}
            new += before is None
            changed += bool(before and moved)
            self._stored[key] = row, profile
            if moved:
                stamps = {**self._seen[key].moved, **moved} if before else moved
                self._seen[key] = Seen(False, _title(row["title"]), _setspec(row["classification"]), stamps)
        gone = live - {row[ID] for row in export.rows} - export.kept
        for key in gone:
            self._seen[key] = replace(self._seen[key], deleted=True, moved=dict.fromkeys(self._seen[key].moved, day))
        unchanged = len(export.rows) - new - changed
        return (
            f"new {new} · changed {changed} · unchanged {unchanged} · deleted {len(gone)} · rejected {export.rejected}"
        )


def _shown(row: Row, profile: int) -> dict[str, tuple[str, ...]]:
    """Return what formats show of what a history edits: rows that agree here have equal renditions of a work."""
    credit = row["creditLine"] and f"{row['creditLine']} {'note' if profile > 1 else 'acquisition'}"
    inscription = row["inscription"] and f"{row['inscription']} {min(profile, 1)}"
    core = (row["title"], row["classification"])
    return {"oai_dc": (*core, credit if profile > 1 else ""), "mods": (*core, credit, inscription)}


def _title(cell: str) -> str:
    text = unicodedata.normalize("NFC", " ".join(cell.split()))
    return text[1:-1] if re.fullmatch(r"\[[^\[\]]+\]", text) else text


def _setspec(cell: str) -> str:
    return "classification:" + re.sub("[^a-z]+", "-", cell.lower()) if cell.strip() else ""
