r"""Tables (CSV, TSV, XLSX): a row is an item, a profile says what its columns mean.

The profile, in TOML::

    reader = "table"
    id = "accession_number"           # the column with the item's own, stable identifier
    ignore = ["n/a"]                  # cells that mean nothing, in any column
    deleted = {column = "status", values = ["deleted"]}     # rows that withdraw the item
    sheet = "Works"                   # XLSX: the sheet (else the first)
    delimiter = ";"                   # CSV: else seen from the header
    encoding = "cp1252"               # else UTF-8, and Windows-1252 line by line where it is not

    [[fields]]                        # as many as needed, applied in order
    to = "agents"                     # a key of the canonical record, or "physical.extent": an object's key
    column = "artist"                 # or a list of columns, one after the other
    split = "|"                       # several values in one cell
    ignore = ["Unknown"]              # values to leave out here
    unless = '^\['                    # leave out the values that this regular expression finds
    only = ','                        # leave out the values that it does not find
    pattern = '(?P<family>.+), (?P<given>.+)'   # where it fits the whole value, its named groups are placeholders
    table = "genre"                   # replace the value by [tables.genre]; what it lacks is left out, with a remark
    date = true                       # a date as catalogues write it, or "day first", "month first" for 03/04/1967
    path = " > "                      # subjects: a value of several steps becomes a compound heading
    make = {name = "{}", roles = ["{artistRole:role}"]}     # the shape of one entry

    [tables.role]                     # a value table; "" leaves out without a remark, "*" is for everything else
    artist = "art"
    [defaults]                        # what every record gets, see oai_server.ingest.profile

In ``make``, ``{}`` is the value (the group ``value`` of the pattern, where it has one), ``{name}`` a named group or
another column of the row. ``{name:slug}`` is made fit for a setSpec, ``{name:lower}`` lower case, ``{name:number}`` a
number, ``{name:language}`` an ISO 639-2 code, ``{name:T}`` looked up in the value table T. A text with a placeholder
that has no value is left out, and so is an entry without what the model demands of it. Without ``make`` an entry is the
value alone, under its main key. White space is collapsed and characters that XML forbids are dropped.

Without a profile only columns are taken whose header is exactly a Dublin Core element (``title``, ``dc:title``,
``dcterms:title``, ``Dublin Core:Title``), and one cell is one value; nothing is guessed.
"""

from __future__ import annotations

import codecs
import csv
import re
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import zip_longest
from typing import IO, Any, BinaryIO, ClassVar, Literal, cast

import langcodes
import msgspec
from msgspec import inspect as shapes

from metadata_formats import record as model
from oai_server.ingest import dates
from oai_server.ingest import profile as profiles
from oai_server.ingest.files import HEAD, LONGEST_RECORD, BrokenFile, lines
from oai_server.ingest.reader import Finding, Found, Reader, ReaderError, Rejected, Remark

MIB = 1024 * 1024
LARGEST_WORKBOOK = 512 * MIB
"""Bytes of an XLSX file, and of any file inside it when unpacked."""
LARGEST_STRINGS = 128 * MIB
"""Bytes of the shared strings of a workbook, which are held in memory."""
MOST_LINES = 10_000
"""Lines of one row of a CSV file."""
MOST_AGAIN = 1_000_000
"""Lines of a CSV file that are read again, because a row before them had a quotation mark too many."""
MOST_COLUMNS = 16_384
"""Columns of a table, as many as a sheet of Excel has; it has ``MOST_ROWS``."""
MOST_ROWS = 1_048_576
LARGEST_ROW = 64 * MIB
"""Bytes of a row of a sheet."""
STEEPEST = 200
"""Times: a larger file that unpacks to more than this is no workbook but a bomb."""

_BOM = b"\xef\xbb\xbf"
_DELIMITERS = ",;\t|"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
csv.field_size_limit(max(csv.field_size_limit(), LONGEST_RECORD))


class Field(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One entry of ``[[fields]]``."""

    to: str
    column: str | list[str]
    split: str | None = None
    ignore: list[str] = []
    unless: str | None = None
    only: str | None = None
    pattern: str | None = None
    table: str | None = None
    date: bool | Literal["day first", "month first"] = False
    path: str | None = None
    make: Any = None


class Deleted(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which rows withdraw their item: those with one of ``values`` in ``column``, in whatever case."""

    column: str
    values: list[str] = msgspec.field(default_factory=lambda: ["deleted", "true", "yes", "1"])


class Profile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of a table's profile; the module says what they mean."""

    id: str
    ignore: list[str] = []
    deleted: Deleted | None = None
    sheet: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    fields: list[Field] = []
    tables: dict[str, dict[str, Any]] = {}
    defaults: dict[str, Any] = {}


@dataclass(slots=True)
class Row:
    """One row as it stood: ``problem`` says why it cannot be taken. ``numbers`` are the columns typed as numbers."""

    where: str
    cells: list[str] = field(default_factory=list)
    problem: str = ""
    remarks: tuple[Remark, ...] = ()
    numbers: frozenset[int] = frozenset()
    ends: bool = False


class TableReader(Reader):
    """Reads ``.csv``, ``.tsv``, ``.tab`` and ``.xlsx``."""

    name: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        """Check the profile.

        Raises:
            ReaderError: it cannot be used.
        """
        self._given = (
            profiles.checked(self.profile, Profile, self.profile_name) if self.profile or self.profile_name else None
        )
        if self._given is None:
            return
        if self._given.delimiter is not None and len(self._given.delimiter) != 1:
            raise ReaderError(f"{self.profile_name}: delimiter: one character, not {self._given.delimiter!r}")
        try:
            codecs.lookup(self._given.encoding or "utf-8")
        except LookupError as error:
            raise ReaderError(f"{self.profile_name}: {error}") from error
        for number, each in enumerate(self._given.fields):
            _Target.of(each, f"{self.profile_name}: fields[{number}]", self._given)
        profiles.Defaults(self._given.defaults, self.profile_name)

    @classmethod
    def recognises(cls, filename: str, head: bytes) -> bool:
        """Take our endings, a workbook, and standard input whose first line has columns."""
        if head.startswith(b"PK\x03\x04"):
            return filename.lower().endswith((".xlsx", ".xlsm")) or b"xl/workbook.xml" in head
        if filename.lower().endswith((".csv", ".tsv", ".tab")):
            return True
        first = head.removeprefix(_BOM).partition(b"\n")[0]
        return "." not in filename and first[:1] not in b"{[<" and any(mark in first for mark in b",;\t")

    def read(self, stream: BinaryIO, filename: str) -> Iterator[Finding]:
        """Yield a record for each row under the header."""
        try:
            peeked = cast(Any, stream).peek(4)[:4] if hasattr(stream, "peek") else b""
            zipped = peeked == b"PK\x03\x04" or filename.lower().endswith((".xlsx", ".xlsm"))
            rows = self._sheet(stream) if zipped else self._delimited(stream, filename)
            header = next((row for row in rows if row.problem or any(row.cells)), None)
            if header is None:
                raise ReaderError("there is no header: the table is empty")
            if header.problem:
                raise ReaderError(f"the header cannot be read: {header.problem}")
            if len(header.cells) > MOST_COLUMNS:
                raise ReaderError(f"more than {MOST_COLUMNS} columns: is it a table, and is the delimiter right?")
            plan = _Plan(header.cells, self._given, self.profile_name, filename)
            yield from self._records(plan, rows)
        except ReaderError as error:
            yield Rejected(str(error), ends=True)

    def _records(self, plan: _Plan, rows: Iterator[Row]) -> Iterator[Finding]:
        width, told = len(plan.header), list(plan.remarks)
        for row in rows:
            cells = row.cells
            if row.problem:
                yield Rejected(row.problem, row.where, plan.key(cells), row.ends)
                continue
            if not any(cells):
                continue
            if len(cells) != width:
                if len(cells) < width or any(cells[width:]):
                    message = f"{len(cells)} cells where the header has {width}"
                    cut = row.ends and len(cells) < width
                    message += ", and no line end: the file seems to be cut off" if cut else ""
                    yield Rejected(message, row.where, plan.key(cells), cut)
                    continue
                del cells[width:]
            remarks = [*row.remarks, *told]
            told.clear()
            try:
                record = plan.record(cells, remarks)
            except model.RecordError as error:
                yield Rejected(str(error), row.where, plan.key(cells))
                continue
            if plan.id_column in row.numbers:
                remarks.append(Remark("numeric id", plan.header[plan.id_column], record.id))
            yield Found(record, row.where, tuple(remarks))

    def _delimited(self, stream: BinaryIO, filename: str) -> Iterator[Row]:
        given = self._given
        delimiter = given.delimiter if given else None
        if delimiter is None:
            head = cast(Any, stream).peek(HEAD)[:HEAD] if hasattr(stream, "peek") else b""
            if b"\r" in head and b"\n" not in head:
                raise ReaderError("lines end in carriage returns alone (old Macintosh); save it with other line ends")
            delimiter = "\t" if filename.lower().endswith((".tsv", ".tab")) else _delimiter(head)
        source = _Lines(stream, given.encoding if given else None)
        reader = csv.reader(source, delimiter=delimiter, strict=True)  # else a stray quotation mark swallows rows
        while True:
            source.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except BrokenFile as error:
                yield Row(source.where, problem=str(error), ends=True)
                return
            except (csv.Error, _BadLineError) as error:
                problem = str(error) if isinstance(error, _BadLineError) else f"quotation marks do not match: {error}"
                yield Row(source.where, problem=problem)
                if not source.again():
                    problem = "quotation marks do not match in too many rows: the rest is not read"
                    yield Row(source.where, problem=problem, ends=True)
                    return
            else:
                yield Row(source.where, cells, ends=source.cut, remarks=tuple(source.remarks))

    def _sheet(self, stream: BinaryIO) -> Iterator[Row]:
        """Yield the rows of a workbook's sheet, one at a time (only its shared strings are held in memory)."""
        from openpyxl import load_workbook  # a tenth of a second that other files need not pay

        with tempfile.TemporaryFile() as file:
            size = 0
            while piece := stream.read(MIB):
                size += len(piece)
                if size > LARGEST_WORKBOOK:
                    raise ReaderError(f"a workbook of more than {LARGEST_WORKBOOK // MIB} MiB; save it as CSV")
                file.write(piece)
            number = 0
            try:
                _check_zip(file)
                book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
                wanted = self._given.sheet if self._given else None
                names = [sheet.title for sheet in book.worksheets]
                if not names or (wanted is not None and wanted not in names):
                    hint = profiles.nearest(wanted or "", names)
                    raise ReaderError(f"no sheet {wanted!r}{hint}; there are: {', '.join(names)}")
                sheet = cast(Any, book[wanted or names[0]])
                sheet.reset_dimensions()  # what a workbook says of its size is often wrong
                width = 0
                for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
                    if number > MOST_ROWS:  # of which openpyxl makes most itself
                        raise ValueError(f"more than {MOST_ROWS} rows")
                    row = _typed(number, values, width)
                    width = width or len(row.cells)
                    yield row
            except (ReaderError, GeneratorExit):
                raise
            except Exception as error:  # openpyxl raises whatever a broken workbook makes it stumble over
                message = f"the workbook is broken: {type(error).__name__}: {error}"
                yield Row(f"row {number + 1}", problem=message, ends=True)


def _delimiter(head: bytes) -> str:
    """Return the character that stands most often between the cells of the first line."""
    first = re.sub(r'"[^"]*"', "", head.removeprefix(_BOM).decode("utf-8", "replace").lstrip().partition("\n")[0])
    return max(_DELIMITERS, key=first.count)


class _BadLineError(Exception):
    """A line that cannot be given to the parser."""


class _Lines:
    """Lines as text for :mod:`csv`, which pulls as many as a row needs; bounded for each row.

    ``begin`` starts a row; ``again`` gives all its lines but the first back, so that a stray quotation mark costs one
    row and not the rest of the file.
    """

    def __init__(self, stream: BinaryIO, encoding: str | None) -> None:
        self._lines = lines(stream)
        self._encoding = encoding or "utf-8"
        self._fallback = None if encoding else "cp1252"
        self._given_back: list[tuple[int, bytes | None]] = []
        self._row: list[tuple[int, bytes | None]] = []
        self._size = self._again = 0
        self.first = self.last = 0
        self.remarks: list[Remark] = []

    def __iter__(self) -> _Lines:
        return self

    def begin(self) -> None:
        self._row, self._size, self.remarks = [], 0, []
        self.first = self.last + 1

    @property
    def where(self) -> str:
        return f"line {self.first}"

    @property
    def cut(self) -> bool:
        """Whether the row has no line end: the last of a file that may be cut off in it."""
        line = self._row[-1][1] if self._row else b""
        return line is not None and not line.endswith(b"\n")

    def again(self) -> bool:
        """Give the lines back; tell whether that may go on, for it takes as long as the rows are long."""
        self._given_back += self._row[:0:-1]
        self._again += len(self._row) - 1
        self.last = self.first
        return self._again <= MOST_AGAIN

    def __next__(self) -> str:
        if self._given_back:
            number, line = self._given_back.pop()
        else:
            number, line = next(self._lines)
        self.last = number
        self._row.append((number, line))
        if line is None:
            raise _BadLineError(f"longer than {LONGEST_RECORD // MIB} MiB")
        self._size += len(line)
        if self._size > LONGEST_RECORD or len(self._row) > MOST_LINES:
            most = f"{LONGEST_RECORD // MIB} MiB or {MOST_LINES} lines"
            raise _BadLineError(f"a row of more than {most}: is a quotation mark not closed?")
        return self._text(line.removeprefix(_BOM) if number == 1 else line)

    def _text(self, line: bytes) -> str:
        try:
            text = line.decode(self._encoding)
        except UnicodeDecodeError as error:
            if self._fallback is None:
                raise _BadLineError(f"not {self._encoding}: byte 0x{line[error.start]:02x}") from error
            try:
                text = line.decode(self._fallback)
            except UnicodeDecodeError as again:
                message = f"neither UTF-8 nor Windows-1252: byte 0x{line[again.start]:02x}"
                raise _BadLineError(message) from again
            self.remarks.append(Remark("encoding", "", f"byte 0x{line[error.start]:02x} read as Windows-1252"))
        if _FORBIDDEN.search(text):
            self.remarks.append(Remark("control characters", "", repr(_FORBIDDEN.findall(text)[:10])))
            text = _FORBIDDEN.sub("", text)
        return text


def _check_zip(file: Any) -> None:
    """Refuse a workbook that unpacks to too much. What really comes out is bounded too: zipfile stops at what is said.

    Raises:
        ReaderError: it does, or is no zip archive.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            for member in members:
                _check_size(member)
            if sum(member.file_size for member in members) > 2 * LARGEST_WORKBOOK or len(members) > 10_000:
                raise ReaderError("the workbook is too large to unpack; save it as CSV")
            for member in members:
                _check_part(member.filename, archive.open(member))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise ReaderError(f"the workbook is broken: {error}") from error


def _check_size(member: zipfile.ZipInfo) -> None:
    most = LARGEST_STRINGS if member.filename.endswith(("sharedStrings.xml", "styles.xml")) else LARGEST_WORKBOOK
    steep = member.file_size > 64 * MIB and member.file_size > STEEPEST * max(member.compress_size, 1)
    if member.file_size > most or steep:
        raise ReaderError(
            f"the workbook holds {member.filename} of {member.file_size // MIB} MiB in "
            f"{member.compress_size} bytes: too much to unpack; save it as CSV"
        )


# How many tags a part may have: each takes a hundred bytes and more while it is read. Sheets are read row by row.
_TAGS = {"sharedStrings.xml": 4_000_000, "workbook.xml": 10_000, "styles.xml": 500_000}
_TAGS_OF_ROW = 500_000
_TAGS_OF_PART = 100_000
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ROW = re.compile(rb"<(?:\w+:)?row[\s>/]")
_ROW_END = re.compile(rb"</(?:\w+:)?row[\s>]")


def _check_part(name: str, part: IO[bytes]) -> None:
    """Look through a part of a workbook for what would not stay small when it is parsed.

    Raises:
        ReaderError: it has too many tags or rows, a row that is too long, or a document type.
    """
    is_sheet = "/worksheets/" in name
    most = _TAGS_OF_ROW if is_sheet else _TAGS.get(name.rpartition("/")[2], _TAGS_OF_PART)
    rows = tags = size = 0
    last = b""
    with part:
        while piece := part.read(MIB):
            if not last and not piece.removeprefix(_BOM).lstrip().startswith(b"<"):
                if name.endswith((".xml", ".rels")) or piece.startswith(_UTF16):
                    raise ReaderError(f"the workbook is broken: {name} is not XML in UTF-8")
                return  # a picture or the like
            seam = last[-20:] + piece
            if b"<!DOCTYPE" in seam:
                raise ReaderError(f"the workbook has a document type declaration, in {name}, which is refused")
            rows += len(_ROW.findall(piece)) if is_sheet else 0
            ends = list(_ROW_END.finditer(seam)) if is_sheet else []
            behind = seam[ends[-1].end() :] if ends else piece
            tags = behind.count(b"<") + (0 if ends else tags)
            size = len(behind) + (0 if ends else size)
            if tags > most or rows > MOST_ROWS or (is_sheet and size > LARGEST_ROW):
                raise ReaderError(f"the workbook has too much in {name} to be read; save it as CSV")
            last = piece


def _typed(number: int, values: Sequence[Any], width: int) -> Row:
    """Return a row of typed cells as texts; empty cells at its end are left out or filled in up to ``width``."""
    if len(values) > MOST_COLUMNS:
        return Row(f"row {number}", problem=f"more than {MOST_COLUMNS} cells")
    cells, numbers, remarks = [], set(), []
    for column, value in enumerate(values):
        text = _cell(value)
        if isinstance(value, str):
            if len(value) > LONGEST_RECORD:
                return Row(f"row {number}", problem=f"a cell of more than {LONGEST_RECORD // MIB} MiB")
            if value in _ERRORS:
                remarks.append(Remark("formula error", f"column {column + 1}", value))
                text = ""
            elif _FORBIDDEN.search(text):
                remarks.append(
                    Remark("control characters", f"column {column + 1}", repr(_FORBIDDEN.findall(text)[:10]))
                )
                text = _FORBIDDEN.sub("", text)
        elif text and isinstance(value, (int, float)):
            numbers.add(column)
        cells.append(text)
    while cells and not cells[-1] and (len(cells) > width or not width):
        cells.pop()
    cells += [""] * (width - len(cells))
    return Row(f"row {number}", cells, remarks=tuple(remarks), numbers=frozenset(numbers))


_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat()
    return (
        value.isoformat() if isinstance(value, (date, time)) else str(value) if not isinstance(value, timedelta) else ""
    )


# What a value becomes on its way: a string, or whatever a value table holds.
Made = Callable[[Any, Sequence[str], Mapping[str, str]], Any]


class _Plan:
    """A profile compiled for one header: each field is a closure, so that a row costs no looking up."""

    def __init__(self, header: Sequence[str], given: Profile | None, profile_name: str, filename: str) -> None:
        self.header = [" ".join(cell.split()) for cell in header]
        self._filename = filename
        self._profile_name = profile_name
        self.remarks: list[Remark] = []
        profile = given or self._dublin_core()
        self._profile = profile
        self.id_column = self.column(profile.id, "id")
        self._ignored = frozenset(profile.ignore)
        self._defaults = profiles.Defaults(profile.defaults, profile_name)
        self._deleted: tuple[int, frozenset[str]] | None = None
        if profile.deleted is not None:
            values = frozenset(value.casefold() for value in profile.deleted.values)
            self._deleted = self.column(profile.deleted.column, "deleted"), values
        self._fields = [
            compiled
            for number, each in enumerate(profile.fields)
            for compiled in self._compiled(each, f"{profile_name}: fields[{number}]")
        ]

    def key(self, cells: Sequence[str]) -> str | None:
        """Return the identifier of a row that may be broken."""
        return " ".join(cells[self.id_column].split()) or None if self.id_column < len(cells) else None

    def record(self, cells: list[str], remarks: list[Remark]) -> model.Record:
        """Make the record of a row.

        Raises:
            RecordError: it has no identifier or is no record.
        """
        key = " ".join(cells[self.id_column].split())
        if not key:
            raise model.RecordError(f"no identifier: the column {self.header[self.id_column]!r} is empty")
        if self._deleted is not None and cells[self._deleted[0]].strip().casefold() in self._deleted[1]:
            return model.from_builtins({"id": key, "record": {"status": "deleted"}})
        if self._ignored:
            cells = ["" if cell in self._ignored else cell for cell in cells]
        record: dict[str, Any] = {"id": key}
        for column, put in self._fields:
            if cell := cells[column]:
                put(cell, cells, record, remarks)
        self._defaults.under(record)
        return model.from_builtins(record)

    def column(self, name: str, path: str) -> int:
        """Return the number of the column called ``name``.

        Raises:
            ReaderError: there is none, or several.
        """
        found = [number for number, cell in enumerate(self.header) if cell == name]
        if not found:
            hint = profiles.nearest(name, [cell for cell in self.header if cell])
            where = f"which {self._profile_name} names ({path})" if self._profile_name else f"({path})"
            raise ReaderError(f"{self._filename}: no column {name!r}, {where}{hint}")
        if len(found) > 1:
            raise ReaderError(f"{self._filename}: {len(found)} columns are called {name!r}; rename all but one")
        return found[0]

    def _compiled(self, each: Field, path: str) -> Iterator[tuple[int, Callable[..., None]]]:
        target = _Target.of(each, path, self._profile)
        make = self._maker(target.make, target, path)
        for name in [each.column] if isinstance(each.column, str) else each.column:
            yield self.column(name, path), _putter(each, name, target, make, self._profile)

    def _maker(self, shape: Any, target: _Target, path: str) -> Made:
        """Return what fills ``shape`` in; nothing at all comes out as None, the empty string, list or table."""
        if isinstance(shape, str):
            return self._template(shape, target, path)
        if isinstance(shape, list):
            items = [self._maker(item, target, path) for item in shape]
            return lambda value, cells, groups: list(_flat(item(value, cells, groups) for item in items))
        if isinstance(shape, dict):
            constant = {key: item for key, item in shape.items() if not _varies(item)}
            named = [(key, self._maker(item, target, path)) for key, item in shape.items() if key not in constant]

            def table(value: Any, cells: Sequence[str], groups: Mapping[str, str]) -> Any:
                made = constant.copy()
                for key, item in named:
                    one = item(value, cells, groups)
                    if one or one == 0:
                        made[key] = one
                return made

            return table
        return lambda _value, _cells, _groups: shape

    def _template(self, text: str, target: _Target, path: str) -> Made:
        pieces = re.split(r"\{([^{}]*)\}", text)
        if len(pieces) == 1:
            return lambda _value, _cells, _groups: text
        holes = [self._hole(name, target, path) for name in pieces[1::2]]
        if len(holes) == 1 and pieces[0] == pieces[2] == "":
            return holes[0]

        def filled(value: Any, cells: Sequence[str], groups: Mapping[str, str]) -> str:
            values = [hole(value, cells, groups) for hole in holes]
            if not all(each or each == 0 for each in values):
                return ""
            return "".join(f"{literal}{each}" for literal, each in zip_longest(pieces[::2], values, fillvalue=""))

        return filled

    def _hole(self, name: str, target: _Target, path: str) -> Made:
        """Return what gives the value of one placeholder."""
        way: Callable[[str], Any] | None = None
        stem, colon, last = name.rpartition(":")
        if colon and name not in self.header:
            if last in self._profile.tables:
                table = self._profile.tables[last]
                way = lambda value: table.get(value, table.get("*", ""))  # noqa: E731
            elif last in _WAYS:
                way = _WAYS[last]
            else:
                hint = profiles.nearest(last, [*_WAYS, *self._profile.tables])
                raise ReaderError(f"{path}: make: no value table or conversion {last!r}{hint}")
            name = stem
        if name == "":
            return lambda value, _cells, _groups: _through(way, value)
        if name in target.groups:
            return lambda _value, _cells, groups: _through(way, groups.get(name) or "")
        column = self.column(name, f"{path}: make")
        target.alone = False
        return lambda _value, cells, _groups: _through(way, " ".join(cells[column].split()))

    def _dublin_core(self) -> Profile:
        """Return the profile of a table whose headers are Dublin Core.

        Raises:
            ReaderError: there is no identifier or no title among them.
        """
        folded = [re.sub(r"^(dc|dcterms|dublin core) ?[:.] ?", "", cell.casefold()) for cell in self.header]
        ids = [cell for name in _IDS for cell, fold in zip(self.header, folded, strict=True) if fold == name]
        if not ids or "title" not in folded:
            wanted = "title" if ids else "id or identifier"
            hint = profiles.nearest(wanted.split()[0], [cell for cell in self.header if cell])
            raise ReaderError(
                f"{self._filename}: no column is called {wanted}{hint.replace('did you mean', 'is it')}; "
                "say what the columns mean in a profile (--profile FILE.toml; docs/examples has one)"
            )
        fields: list[Field] = []
        for cell, fold in zip(self.header, folded, strict=True):
            known = _ELEMENTS.get(fold, [])
            fields += [msgspec.structs.replace(each, column=cell) for each in known]
            if not known and cell and cell != ids[0] and fold not in ("status", "deleted"):
                self.remarks.append(Remark("column not used", cell, ""))
        status = [cell for cell, fold in zip(self.header, folded, strict=True) if fold in ("status", "deleted")]
        deleted = Deleted(column=status[0]) if status else None
        return Profile(id=ids[0], fields=fields, tables={"dcmi": _DCMI}, deleted=deleted)


@dataclass
class _Target:
    """Where a field goes: ``keys`` in the record, whether it is a list, the shape of an entry, what a date is."""

    keys: list[str]
    many: bool
    make: Any
    required: frozenset[str]
    groups: frozenset[str]
    pattern: re.Pattern[str] | None
    only: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    alone: bool = True
    """Whether an entry depends on its own value only, and on no other column."""

    @classmethod
    def of(cls, each: Field, path: str, profile: Profile) -> _Target:
        """Check a field against the model.

        Raises:
            ReaderError: it has a key that is not of the model, a bad regular expression or an unknown value table.
        """
        info, keys = _record(), each.to.split(".")
        for key in keys:
            inside = {one.encode_name: one.type for one in info.fields} if isinstance(info, shapes.StructType) else {}
            if key not in inside or each.to == "id":
                raise ReaderError(f"{path}: to: the record has no {each.to!r}{profiles.nearest(key, inside)}")
            info = _bare(inside[key])
        many = isinstance(info, shapes.ListType)
        entry = _bare(info.item_type) if isinstance(info, shapes.ListType) else info
        make = each.make
        required: frozenset[str] = frozenset()
        if isinstance(entry, shapes.StructType):
            names = [one.encode_name for one in entry.fields]
            required = frozenset(one.encode_name for one in entry.fields if one.required)
            if make is None:
                make = {next((name for name in _MAIN if name in names), names[0]): "{}"}
            _check_keys(make, entry, f"{path}: make")
        if each.split == "" or each.path == "":
            raise ReaderError(f"{path}: split and path take at least one character")
        if each.date and each.to != "dates":
            raise ReaderError(f"{path}: date: only for to = 'dates'")
        if each.path and each.to != "subjects":
            raise ReaderError(f"{path}: path: only for to = 'subjects'")
        if (each.date or each.path) and (each.table is not None or not isinstance(make, dict)):
            raise ReaderError(f"{path}: date and path go with no table, and with a make that is a table of keys")
        if each.table is not None and each.table not in profile.tables:
            raise ReaderError(f"{path}: table: no [tables.{each.table}]{profiles.nearest(each.table, profile.tables)}")
        if each.date and isinstance(make, dict):
            make = {"type": "created", **{key: value for key, value in make.items() if value != "{}"}}
        pattern, only, unless = (_regex(text, path) for text in (each.pattern, each.only, each.unless))
        groups = frozenset(pattern.groupindex) if pattern else frozenset()
        return cls(keys, many, "{}" if make is None else make, required, groups, pattern, only, unless)


def _regex(text: str | None, path: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text is not None else None
    except re.error as error:
        raise ReaderError(f"{path}: {text!r} is not a regular expression: {error}") from error


@cache
def _record() -> Any:
    """Return what the model says of a record: worked out once, for it takes a profile's time."""
    return shapes.type_info(model.Record)


def _bare(info: Any) -> Any:
    """Return the type without its ``| None``."""
    if isinstance(info, shapes.UnionType):
        rest = [one for one in info.types if not isinstance(one, shapes.NoneType)]
        return rest[0] if len(rest) == 1 else info
    return info


def _check_keys(make: Any, info: Any, path: str) -> None:
    info = _bare(info)
    if isinstance(make, dict) and isinstance(info, shapes.StructType):
        inside = {one.encode_name: one.type for one in info.fields}
        for key, value in make.items():
            if key not in inside:
                raise ReaderError(f"{path}: unknown key {key!r}{profiles.nearest(key, inside)}")
            _check_keys(value, inside[key], f"{path}.{key}")
    elif isinstance(make, list) and isinstance(info, shapes.ListType):
        for value in make:
            _check_keys(value, info.item_type, path)


_MAIN = ("value", "label", "name", "title", "url", "funder", "code", "statement")
# What the word before a date says of it; every other word leaves the type that the profile gives.
_DATE_TYPES = {
    **dict.fromkeys(["published", "first published", "printed", "first printed", "issued", "reprinted"], "issued"),
    "exhibited": "other",
}


Entry = tuple[Any, Remark | None]
"""What a value became, or None, and what there is to say about it."""


def _putter(each: Field, column: str, target: _Target, make: Made, profile: Profile) -> Callable[..., None]:
    """Return what puts one cell into a record: split it, convert each value, append."""
    separator, ignored = each.split, frozenset(each.ignore)
    convert, put = _converter(each, column, target, make, profile), _placed(target)
    # Where values come again and again, what became of one is remembered; long ones are not, to bound the memory.
    often = target.alone and bool(separator or each.table or each.date or each.path)
    remembered = lru_cache(maxsize=8192)(lambda value: convert(value, ())) if often else None

    def run(cell: str, cells: Sequence[str], record: dict[str, Any], remarks: list[Remark]) -> None:
        for piece in cell.split(separator) if separator is not None else (cell,):
            value = " ".join(piece.split())
            if not value or value in ignored:
                continue
            if remembered is not None and len(value) <= 200:
                entry, remark = remembered(value)
            else:
                entry, remark = convert(value, cells)
            if remark is not None:
                remarks.append(remark)
            if entry is not None:
                put(record, entry)

    return run


def _converter(
    each: Field, column: str, target: _Target, make: Made, profile: Profile
) -> Callable[[str, Sequence[str]], Entry]:
    """Return what makes an entry of one value of a row: choose, look up, shape."""
    only, unless, pattern, required = target.only, target.unless, target.pattern, target.required
    table = profile.tables[each.table] if each.table is not None else None
    order = each.date if isinstance(each.date, str) else None

    def convert(text: str, cells: Sequence[str]) -> Entry:
        if (only is not None and not only.search(text)) or (unless is not None and unless.search(text)):
            return None, None
        value: Any = text
        groups: Mapping[str, str] = {}
        if pattern is not None and (match := pattern.fullmatch(text)):
            groups = match.groupdict()
            value = groups.get("value") or text
        if table is not None:
            value = table.get(value, table.get("*"))
            if value is None:
                return None, Remark(f"not in table {each.table}", column, text)
            if value == "":
                return None, None
        entry: Any = value if isinstance(value, dict) else make(value, cells, groups)
        remark = None
        if each.date:
            entry, remark = _dated(entry, value, column, order)
        elif each.path is not None:
            entry = _stepped(entry, value, each.path)
        lacking = isinstance(entry, dict) and not required <= entry.keys()
        return (None if lacking or not (entry or entry == 0) else entry), remark

    return convert


def _placed(target: _Target) -> Callable[[dict[str, Any], Any], None]:
    """Return what puts an entry in its place; of a thing that can be there once, the first stays."""
    *above, last = target.keys

    def put(record: dict[str, Any], entry: Any) -> None:
        place = record
        for key in above:
            place = place.setdefault(key, {})
        if not target.many:
            place.setdefault(last, dict(entry) if isinstance(entry, dict) else entry)
            return
        entries = place.setdefault(last, [])
        for one in entry if isinstance(entry, list) else (entry,):
            if one not in entries:
                entries.append(one)

    return put


def _dated(entry: dict[str, Any], text: str, column: str, order: dates.Order | None) -> Entry:
    reading = dates.read(text, order)
    if reading.placeholder:
        return None, None
    if reading.edtf is None:
        return {**entry, "text": text}, Remark("date not read", column, text)
    made = {**entry, "edtf": reading.edtf, "type": _DATE_TYPES.get(reading.event, entry["type"])}
    if made["type"] == "other" and reading.event:
        made["label"] = reading.event
    if text != reading.edtf:
        made["text"] = text
    return made, None


def _stepped(entry: dict[str, Any], value: str, separator: str) -> dict[str, Any]:
    steps = [step.strip() for step in value.split(separator) if step.strip()]
    rest = {key: one for key, one in entry.items() if key != "label"}
    if len(steps) < 2:
        return {**rest, "label": steps[0]} if steps else {}
    kind = entry.get("type", "topic")
    return {**rest, "parts": [{"type": kind, "label": step} for step in steps]}


def _varies(shape: Any) -> bool:
    """Tell whether a part of ``make`` has a placeholder."""
    if isinstance(shape, str):
        return "{" in shape
    return any(map(_varies, shape.values() if isinstance(shape, dict) else shape if isinstance(shape, list) else ()))


def _flat(values: Iterator[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        elif value or value == 0:
            yield value


def _through(way: Callable[[str], Any] | None, value: Any) -> Any:
    return way(value) if way and value and isinstance(value, str) else value


@lru_cache(maxsize=4096)
def slug(text: str) -> str:
    """Return the text as a part of a setSpec: lower-case ASCII letters, digits and single hyphens."""
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_.lower()).strip("-")


def _number(text: str) -> int | float | str:
    try:
        number = float(text)
    except ValueError:
        return ""
    if number != number or number in (float("inf"), float("-inf")):
        return ""
    return int(number) if number.is_integer() else number


@lru_cache(maxsize=4096)
def _language(text: str) -> str:
    """Return the ISO 639-2/B code of a language named by a code or tag; names in words are not guessed at."""
    try:
        language = langcodes.Language.get(text.strip())
        return language.to_alpha3(variant="B") if language.is_valid() else ""
    except (ValueError, LookupError):
        return ""


_WAYS: dict[str, Callable[[str], Any]] = {"slug": slug, "lower": str.lower, "number": _number, "language": _language}

# Headers that hold an identifier, first choice first, and what the columns of Dublin Core become (design: oai_dc to the
# canonical record; Library of Congress, dcsimple-mods).
_IDS = ("id", "identifier", "contentdm number", "reference url")
_DCMI = {
    "Text": "text", "Image": "still image", "StillImage": "still image", "Still Image": "still image",
    "MovingImage": "moving image", "Moving Image": "moving image", "Sound": "sound recording",
    "PhysicalObject": "three dimensional object", "Physical Object": "three dimensional object",
    "Software": "software, multimedia", "InteractiveResource": "software, multimedia",
    "Interactive Resource": "software, multimedia", "Collection": "mixed material", "*": "",
}  # fmt: skip


def _to(to: str, make: Any = None, **more: Any) -> list[Field]:
    return [Field(to=to, column="", make=make, **more)]


_ELEMENTS: dict[str, list[Field]] = {
    "identifier": _to("identifiers", {"value": "{}", "type": "uri"}, only="^https?://")
    + _to("identifiers", unless="^https?://"),
    "title": _to("titles"),
    "alternative": _to("titles", {"value": "{}", "type": "alternative"}),
    "creator": _to("agents", {"name": "{}", "roles": ["cre"]}),
    "contributor": _to("agents", {"name": "{}", "roles": ["ctb"]}),
    "publisher": _to("agents", {"name": "{}", "roles": ["pbl"]}),
    "subject": _to("subjects"),
    "description": _to("abstracts"),
    "abstract": _to("abstracts"),
    "tableofcontents": _to("toc"),
    "date": _to("dates", {"type": "issued"}, date=True),
    "issued": _to("dates", {"type": "issued"}, date=True),
    "created": _to("dates", date=True),
    "type": _to("resource_type", table="dcmi") + _to("genres"),
    "format": _to("physical.media_types", only=r"^\w+/[\w.+-]+$") + _to("physical.form", unless=r"^\w+/[\w.+-]+$"),
    "extent": _to("physical.extent"),
    "medium": _to("physical.form"),
    "source": _to("relations", {"type": "original", "title": "{}"}),
    "relation": _to("relations", {"type": "related", "title": "{}"}),
    "ispartof": _to("relations", {"type": "host", "title": "{}"}),
    "language": _to("languages", {"code": "{:language}"}),
    "coverage": _to("subjects", {"type": "place", "label": "{}"}),
    "spatial": _to("subjects", {"type": "place", "label": "{}"}),
    "temporal": _to("subjects", {"type": "period", "label": "{}"}),
    "rights": _to("rights.uri", "{}", only="^https?://") + _to("rights.statement", "{}", unless="^https?://"),
    "rightsholder": _to("rights.holder", "{}"),
}
