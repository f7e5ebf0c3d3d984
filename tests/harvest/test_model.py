"""The whole server against a model in plain dictionaries: commands in, XML out, harvests going on in between.

A random history of imports in every mode and file format, deletions, revivals, changed settings and formats is told to
the commands and to the model. At every moment the lists must be what the model says, to the second and to the byte;
harvesters walk page by page while all this happens, and each ends with a copy in which nothing is wrong.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
import validation
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from lxml import etree
from msgspec.structs import replace as replaced
from servers import Installation

from metadata_formats import registry
from metadata_formats.mods import Mods
from oai_server import cli, config
from oai_server.protocol import envelope, lists
from oai_server.protocol.repository import MetadataFormat
from oai_server.store import clock, publish, repository
from oai_server.store.harvest import Harvest
from oai_server.web import app as web

OAI = "oai:archive.example.org:"
XML = {
    "oai": "http://www.openarchives.org/OAI/2.0/", "dc": "http://purl.org/dc/elements/1.1/",
    "mods": "http://www.loc.gov/mods/v3",
}  # fmt: skip
PREFIXES = ("oai_dc", "mods")
KEEPING = ("a", "d")  # sets whose lists show what has left them as deleted
PROFILE = """
reader = "table"
id = "id"
deleted = {column = "status"}
fields = [
  {to = "titles", column = "title"},
  {to = "notes", column = "note", make = {type = "handwritten", value = "{}"}},
  {to = "full_text", column = "text", make = {kind = "ocr", value = "{}"}},
  {to = "dates", column = "dates", split = "|", make = {type = "created", edtf = "{}"}},
  {to = "sets", column = "sets", split = "|"},
]
"""


class Fields(NamedTuple):
    """What a file says of an item. The note is in MODS alone, the text in no format; the text makes the set ``d``."""

    title: str
    note: str = ""
    text: str = ""
    dates: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()

    def canonical(self, key: str) -> dict[str, Any]:
        record: dict[str, Any] = {"id": key, "titles": [{"value": self.title}] if self.title else []}
        if self.note:
            record["notes"] = [{"type": "handwritten", "value": self.note}]
        if self.text:
            record["full_text"] = [{"kind": "ocr", "value": self.text}]
        if self.dates:
            record["dates"] = [{"type": "created", "edtf": date} for date in self.dates]
        return record | ({"sets": list(self.sets)} if self.sets else {})


BAD = Fields("")  # has no title: is rejected, and keeps what is stored
GONE = None  # says that it is deleted


class Marks(NamedTuple):
    """What renditions and sets depend on beside the record: an option of oai_dc, the version of mods, the rule of d."""

    oai_dc: bool = False
    mods: int = 1
    rule: bool = False


@dataclass
class Item:
    """An item. A record is its datestamp and what its body is made of; ``departed`` is by format and set."""

    fields: Fields
    marks: Marks
    setspecs: tuple[str, ...]
    records: dict[str, tuple[int, tuple[Any, ...]]]
    deleted: bool = False
    departed: dict[tuple[str, str], int] = field(default_factory=dict)


class Record(NamedTuple):
    """A record as a list gives it; the body is None where it is deleted, and where only headers are asked for."""

    datestamp: int
    deleted: bool
    setspecs: tuple[str, ...]
    body: bytes | None


class Page(NamedTuple):
    date: int
    records: list[tuple[str, Record]]
    token: str | None


def above(setspecs: tuple[str, ...]) -> set[str]:
    """Return the sets whose lists hold an item of these sets."""
    return {":".join(spec.split(":")[:n]) for spec in setspecs for n in range(1, spec.count(":") + 2)}


def seconds(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())


def utc(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Harvester:
    """Follows one list, page by page, and keeps a copy; ``plus`` is what it adds to the response date."""

    prefix: str
    setspec: str | None = None
    plus: int = 0
    verb: str = "ListRecords"
    copy: dict[str, Record] = field(default_factory=dict)
    from_: int | None = None
    token: str | None = None
    first_date: int | None = None
    # Of the walk that is going on: what its list was when it began and has not changed since, what came, what is odd.
    unchanged: dict[str, Record] = field(default_factory=dict)
    given: list[tuple[str, Record]] = field(default_factory=list)
    upper: int = 0

    @property
    def walking(self) -> bool:
        return self.token is not None


HARVESTERS = (
    Harvester("oai_dc"), Harvester("mods", plus=1), Harvester("mods", plus=1, verb="ListIdentifiers"),
    Harvester("oai_dc", "a", plus=1), Harvester("mods", "d", plus=1), Harvester("oai_dc", "a:b"),
)  # fmt: skip

KEYS = st.sampled_from("uvwxyz")
FIELDS = st.builds(
    Fields,
    title=st.sampled_from(["One", "Two", "Drei é"]),
    note=st.sampled_from(["", "", "By hand", "In red"]),
    text=st.sampled_from(["", "", "Words.", "More words."]),
    dates=st.sampled_from([(), ("1907",), ("1907", "1910-05")]),
    sets=st.lists(st.sampled_from(["a", "a:b", "c"]), max_size=2, unique=True).map(sorted).map(tuple),
)
ROWS = st.dictionaries(KEYS, FIELDS | FIELDS | FIELDS | st.sampled_from([BAD, GONE]), max_size=6)
KINDS = st.sampled_from(["jsonl", "json", "yaml", "jsonl", "csv"])


def written(kind: str, rows: dict[str, Fields | None], nameless: bool) -> str:
    """Return a file of records; with ``nameless`` one more, whose identifier nobody can read."""
    if kind == "csv":
        names = ["id", "status", "title", "note", "text", "dates", "sets"]
        file = io.StringIO(newline="")
        writer = csv.writer(file)
        writer.writerow(names)
        for key, row in rows.items():
            cells = ["deleted", *[""] * 5] if row is None else ["", *row[:3], "|".join(row.dates), "|".join(row.sets)]
            writer.writerow([key, *cells])
        writer.writerows([["", "", "Nameless", "", "", "", ""]] * nameless)
        return file.getvalue()
    values: list[dict[str, Any]] = [
        {"id": key, "record": {"status": "deleted"}} if row is None else row.canonical(key) for key, row in rows.items()
    ]
    values += [{"titles": [{"value": "Nameless"}]}] * nameless
    if kind == "yaml":
        return "".join(f"---\n{yaml.safe_dump(value, allow_unicode=True)}" for value in values)
    return json.dumps(values) if kind == "json" else "".join(f"{json.dumps(value)}\n" for value in values)


def versioned(render: Callable[..., Any]) -> Callable[..., Any]:
    """Return a crosswalk to MODS that writes notes in another way in every second version."""

    def rendered(self: Mods, record: Any, context: Any) -> Any:
        notes = [replaced(one, value=f"{one.value} {int(self.version) // 2}") for one in record.notes]
        return render(self, replaced(record, notes=notes), context)

    return rendered


class _Served(repository.Store):
    """The store of a server in this process, which can be closed with all that it has opened."""

    opened: ClassVar[list[tuple[repository.Store, Harvest]]] = []

    def harvest(self, formats: Any) -> Harvest:
        made = super().harvest(formats)
        self.opened.append((self, made))
        return made

    @classmethod
    def close_all(cls) -> None:
        while cls.opened:
            store, harvest = cls.opened.pop()
            harvest._connections.drop()
            store.close()


class Server(RuleBasedStateMachine):
    """One installation in this process; ``new_instance`` makes its folder, with pages of two records."""

    new_instance: ClassVar[Callable[[], Path]]

    # ---- the server

    @initialize()
    def begin(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(repository, "SKEW", float("inf"))
        self.folder = type(self).new_instance()
        self.config = (self.folder / "config.toml").read_text()
        store = repository.Store(config.load(self.folder).database_url)
        self.now = store.horizon().horizon + 10
        store.close()
        self.tick(0)
        self.patch.setattr(Mods, "render", versioned(Mods.render))
        self.change_settings(Marks())
        self.patch.setattr(web, "Store", _Served)
        formats = [MetadataFormat(p, f.schema, f.namespace) for p, f in registry.load(PREFIXES).items()]
        self.client = web.create_app(config.load(self.folder), formats).test_client()
        self.items: dict[str, Item] = {}
        self.bodies: dict[tuple[Any, ...], bytes] = {}
        self.harvesters = [replace(one, copy={}, unchanged={}, given=[]) for one in HARVESTERS]
        self.made_of: dict[bytes, tuple[Any, ...]] = {}
        self.answers = self.steps = 0

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """Run a command; return exit status, the last line of what it said, and its complaints."""
        result = CliRunner().invoke(cli.main, [*map(str, arguments), "--instance", str(self.folder)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, (result.stdout.splitlines() or [""])[-1], result.stderr

    def ask(self, **arguments: str | None) -> Page:
        """Ask for a page of a list; an empty list is an empty page."""
        given = {name.rstrip("_"): value for name, value in arguments.items() if value is not None}
        answer = self.client.get("/oai", query_string=given, buffered=True)  # read and closed, as a server does it
        assert answer.status_code == 200, answer.text
        self.answers += 1
        if self.answers % 50 == 1:
            validation.assert_valid(answer.data)
        root = etree.fromstring(answer.data)
        errors = {error.get("code") for error in root.iterfind("oai:error", XML)}
        assert errors <= {"noRecordsMatch"}, answer.text
        records = []
        for header in root.iterfind(".//oai:header", XML):
            above_it = header.getparent()
            found = above_it.find("oai:metadata", XML)
            body = etree.tostring(found[0], with_tail=False) if found is not None else None
            specs = tuple(sorted(one.text for one in header.iterfind("oai:setSpec", XML)))
            stamp = seconds(header.findtext("oai:datestamp", namespaces=XML))
            identifier = header.findtext("oai:identifier", namespaces=XML).removeprefix(OAI)
            records.append((identifier, Record(stamp, header.get("status") == "deleted", specs, body)))
        token = root.findtext(".//oai:resumptionToken", namespaces=XML) or None
        return Page(seconds(root.findtext("oai:responseDate", namespaces=XML)), records, token)

    def whole(self, prefix: str, setspec: str | None = None, **window: str | None) -> list[tuple[str, Record]]:
        page = self.ask(verb="ListRecords", metadataPrefix=prefix, set=setspec, **window)
        found = page.records
        while page.token:
            page = self.ask(verb="ListRecords", resumptionToken=page.token)
            found += page.records
        return found

    # ---- the model

    def shown(self, prefix: str, fields: Fields) -> tuple[Any, ...]:
        """Return what the body of a record is made of: equal values are equal bytes."""
        if prefix == "oai_dc":
            return fields.title, fields.dates if self.marks.oai_dc else fields.dates[:1]
        return fields.title, fields.dates, fields.note and f"{fields.note} {self.marks.mods // 2}"

    def sets(self, fields: Fields) -> tuple[str, ...]:
        return tuple(sorted({*fields.sets, *(["d"] if self.marks.rule and fields.text else [])}))

    def publish(self, key: str, fields: Fields, prefixes: tuple[str, ...] = PREFIXES, resets: bool = True) -> str:
        """Make an item of the model what a record says; return what the report says of it."""
        item = self.items.get(key)
        specs = self.sets(fields) if resets or item is None else item.setspecs
        shown = {prefix: self.shown(prefix, fields) for prefix in prefixes}
        if item is None:
            records = {prefix: (self.now, body) for prefix, body in shown.items()}
            self.items[key] = Item(fields, self.marks, specs, records)
            return "new"
        moved_sets = specs != item.setspecs
        moved = {
            prefix for prefix in prefixes if moved_sets or item.deleted or item.records[prefix][1] != shown[prefix]
        }
        for prefix in moved:
            item.records[prefix] = (self.now, shown[prefix])
        for prefix in PREFIXES if moved_sets else ():
            for spec in (above(item.setspecs) - above(specs)) & {*KEEPING}:
                item.departed[prefix, spec] = self.now
            for spec in above(specs) - above(item.setspecs):
                item.departed.pop((prefix, spec), None)
        changed = bool(moved or item.fields != fields)
        item.fields, item.setspecs, item.deleted = fields, specs, False
        item.marks = (
            self.marks
            if prefixes == PREFIXES and resets
            else item.marks._replace(**{prefix: getattr(self.marks, prefix) for prefix in prefixes})
        )
        return "changed" if changed else "unchanged"

    def withdraw(self, key: str) -> str:
        item = self.items[key]
        if item.deleted:
            return "unchanged"
        item.deleted = True
        item.records = {prefix: (self.now, body) for prefix, (_, body) in item.records.items()}
        return "deleted"

    def listed(self, prefix: str, setspec: str | None = None) -> dict[str, Record]:
        """Return what a list holds, bodies included where they are known."""
        found = {}
        for key, item in self.items.items():
            stamp, shown = item.records[prefix]
            if setspec is None or setspec in above(item.setspecs):
                body = None if item.deleted else self.bodies.get((prefix, key, shown))
                found[key] = Record(stamp, item.deleted, item.setspecs, body)
            elif (prefix, setspec) in item.departed:
                found[key] = Record(item.departed[prefix, setspec], True, (setspec,), None)
        return found

    @property
    def live(self) -> set[str]:
        return {key for key, item in self.items.items() if not item.deleted}

    # ---- what happens

    @rule(by=st.sampled_from([1, 1, 2, 60]))
    def tick(self, by: int) -> None:
        self.now += by
        self.patch.setattr(clock, "NOW", dict.fromkeys(clock.NOW, str(self.now)))

    @rule(rows=ROWS, kind=KINDS, nameless=st.sampled_from([False, False, True]), rehearsed=st.booleans())
    def update(self, rows: dict[str, Fields | None], kind: str, nameless: bool, rehearsed: bool) -> None:
        self.import_(rows, kind, nameless, rehearsed, "update")

    @rule(
        rows=ROWS, kind=KINDS, nameless=st.sampled_from([False, False, True]), rehearsed=st.booleans(),
        most=st.sampled_from(["10%", "1", "2", "100%"]), force=st.sampled_from([False, False, True]),
    )  # fmt: skip
    def full(
        self, rows: dict[str, Fields | None], kind: str, nameless: bool, rehearsed: bool, most: str, force: bool
    ) -> None:
        named = {key for key, row in rows.items() if row is not None}
        missing = self.live - named
        allowed = len(self.live) * int(most[:-1]) // 100 if most.endswith("%") else int(most)
        nothing = not any(row not in (BAD, GONE) for row in rows.values())
        refused = self.live and not force and (nothing or len(missing) > allowed or (missing and nameless))
        options = ["--max-deletes", most, *(["--force"] if force else [])]
        self.import_(rows, kind, nameless, rehearsed, "full", *options, refused=bool(refused))

    def import_(
        self, rows: dict[str, Fields | None], kind: str, nameless: bool, rehearsed: bool, mode: str, *options: str,
        refused: bool = False,
    ) -> None:  # fmt: skip
        file = self.folder / f"records.{kind}"
        text = written(kind, rows, nameless)
        file.write_text(text, newline="")
        profile = ["--profile", self.folder / "profile.toml"] if kind == "csv" else []
        command = ["import", file, "--mode", mode, *profile, *options]
        foreseen = self.run(*command, "--dry-run") if rehearsed else None
        status, line, complaints = self.run(*command)
        if foreseen:
            assert foreseen == (status, f"would be: {line}" if line else "", complaints)
        if refused:
            assert (status, line) == (2, ""), complaints
            assert "refused, nothing was changed" in complaints
            return
        counts = dict.fromkeys(["new", "changed", "unchanged", "deleted", "rejected"], 0)
        counts["rejected"] = nameless + sum(row == BAD for row in rows.values()) + (not text)  # an empty file is one
        before = self.live
        for key, row in rows.items():
            if row is None:
                counts[self.withdraw(key) if key in self.items else "unchanged"] += 1
            elif row != BAD:
                counts[self.publish(key, row)] += 1
        if mode == "full":
            for key in before - rows.keys():
                counts[self.withdraw(key)] += 1
        assert line == " · ".join(f"{name} {count}" for name, count in counts.items()), complaints
        done = sum(counts.values()) > counts["rejected"]
        assert status == (0 if not counts["rejected"] else 1 if done else 2)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=3, unique=True), by_file=st.booleans())
    def delete(self, keys: list[str], by_file: bool) -> None:
        if by_file:
            file = self.folder / "gone.txt"
            file.write_text("# gone\n" + "".join(f"{key}\n" for key in keys))
            _, line, complaints = self.run("import", file, "--mode", "delete")
        else:
            _, line, complaints = self.run("delete", *(f"{OAI}{key}" for key in keys))
        outcomes = [self.withdraw(key) if key in self.items else "rejected" for key in keys]
        counts = {name: outcomes.count(name) for name in ("unchanged", "deleted", "rejected")}
        said = " · ".join(f"{name} {count}" for name, count in counts.items())
        assert line == f"new 0 · changed 0 · {said}", complaints

    @rule(marks=st.builds(Marks, st.booleans(), st.integers(1, 4), st.booleans()))
    def change_settings(self, marks: Marks) -> None:
        """Write other settings, and install another version of a format. Nothing is rendered by that alone."""
        where = 'where = "full_text"\n' if marks.rule else ""
        text = f"{self.config}{where}[formats.oai_dc]\nall_dates = {str(marks.oai_dc).lower()}\n"
        (self.folder / "config.toml").write_text(text)
        self.patch.setattr(Mods, "version", str(marks.mods))
        self.marks = marks

    @rule(
        prefix=st.sampled_from([None, None, *PREFIXES]), setspec=st.sampled_from([None, None, "a"]),
        restamp=st.sampled_from([False, False, True]),
    )  # fmt: skip
    def render(self, prefix: str | None, setspec: str | None, restamp: bool) -> None:
        options = [*(["--prefix", prefix] if prefix else []), *(["--set", setspec] if setspec else [])]
        status, line, complaints = self.run("render", *options, *(["--restamp"] if restamp else []))
        outcomes = []
        prefixes = (prefix,) if prefix else PREFIXES
        for key, item in self.items.items():
            stale = any(getattr(item.marks, one) != getattr(self.marks, one) for one in prefixes)
            if item.deleted or (setspec and setspec not in above(item.setspecs)):
                continue
            if stale or (not prefix and item.marks != self.marks):
                outcomes.append(self.publish(key, item.fields, prefixes, resets=not prefix))
        said = f"changed {outcomes.count('changed')} · unchanged {outcomes.count('unchanged')} · rejected 0"
        if restamp:
            moved = 0
            for item in self.items.values():
                left = any((one, setspec) in item.departed for one in PREFIXES)
                if setspec and not left and setspec not in above(item.setspecs):
                    continue
                moved += len(prefixes)
                item.records |= {one: (self.now, item.records[one][1]) for one in prefixes}
                item.departed |= {where: self.now for where in item.departed if where[0] in prefixes}
            said += f" · restamped {moved}"
        assert (status, line) == (0, said), complaints

    # ---- who harvests

    @rule(number=st.integers(0, len(HARVESTERS) - 1), pages=st.integers(1, 2))
    def walk(self, number: int, pages: int) -> None:
        """Harvest a page or two of a list; the rest may come much later."""
        for _ in range(pages):
            self.step(self.harvesters[number])

    def step(self, one: Harvester) -> None:
        if not one.walking:
            one.unchanged = {
                key: record
                for key, record in self.listed(one.prefix, one.setspec).items()
                if one.from_ is None or record.datestamp >= one.from_
            }
            one.given, one.upper = [], self.now
            page = self.ask(verb=one.verb, metadataPrefix=one.prefix, set=one.setspec,
                            from_=None if one.from_ is None else utc(one.from_))  # fmt: skip
            one.first_date = page.date
        else:
            page = self.ask(verb=one.verb, resumptionToken=one.token)
        last_of_many = one.walking and not page.token
        one.token = page.token
        self.note_unchanged()
        for key, record in page.records:
            seen_before = (key, record.datestamp) in {(was, old.datestamp) for was, old in one.given}
            if seen_before or record.datestamp > one.upper:
                # Where all that was left has moved on, the last page says what is there now, rather than nothing.
                stands_in = last_of_many and len(page.records) == 1
                assert stands_in, f"{key} came twice or is beyond the list's end"
            one.given.append((key, record))
            one.copy[key] = record
        if not one.token:
            given = dict(one.given)
            for key, record in one.unchanged.items():
                assert key in given, f"{key} was skipped"
                assert given[key][:3] == record[:3]
            assert one.first_date is not None
            one.from_ = one.first_date + one.plus

    def note_unchanged(self) -> None:
        """Forget of each walk what has changed since it began."""
        for one in self.harvesters:
            now = self.listed(one.prefix, one.setspec)
            one.unchanged = {key: old for key, old in one.unchanged.items() if now.get(key, (None,))[:3] == old[:3]}

    @rule(chosen=st.just({*range(len(HARVESTERS))}) | st.sets(st.sampled_from(range(len(HARVESTERS))), min_size=1))
    def catch_up(self, chosen: set[int]) -> None:
        for number in sorted(chosen):
            self.follow(self.harvesters[number])

    def follow(self, one: Harvester) -> None:
        """End the walk that is going on and harvest what is new: now the copy is exact."""
        while one.walking:
            self.step(one)
        self.step(one)
        while one.walking:
            self.step(one)
        expected = self.listed(one.prefix, one.setspec)
        if one.setspec == "a:b":  # does not show who has left it
            assert {key: one.copy[key][:3] for key in expected} == {key: r[:3] for key, r in expected.items()}
        else:
            assert {key: r[:3] for key, r in one.copy.items()} == {key: r[:3] for key, r in expected.items()}
        if one.verb == "ListRecords":
            self.match_bodies(one.prefix, one.setspec, {key: one.copy[key] for key in expected})

    @precondition(lambda self: self.items)
    @rule(data=st.data(), prefix=st.sampled_from(PREFIXES))
    def look_through_a_window(self, data: st.DataObject, prefix: str) -> None:
        stamps = sorted({stamp for item in self.items.values() for stamp, _ in item.records.values()} | {self.now})
        low, high = data.draw(st.sampled_from(stamps)), data.draw(st.sampled_from(stamps))
        if low > high:
            return
        found = self.whole(prefix, from_=utc(low), until=utc(high))
        expected = {key: r for key, r in self.listed(prefix).items() if low <= r.datestamp <= high}
        assert sorted((key, r[:3]) for key, r in found) == sorted((key, r[:3]) for key, r in expected.items())

    # ---- what must hold

    def match_bodies(self, prefix: str, setspec: str | None, found: dict[str, Record]) -> None:
        """Equal content is equal bytes, another content is other bytes, and the title is the item's."""
        for key, record in found.items():
            item = self.items[key]
            if record.deleted:
                assert record.body is None
                continue
            shown = item.records[prefix][1]
            assert record.body is not None
            assert self.bodies.setdefault((prefix, key, shown), record.body) == record.body
            assert self.made_of.setdefault(record.body, (prefix, key, shown)) == (prefix, key, shown)
            path = "dc:title" if prefix == "oai_dc" else "mods:titleInfo/mods:title"
            assert etree.fromstring(record.body).findtext(path, namespaces=XML) == item.fields.title

    @invariant()
    def lists_are_what_the_model_says(self) -> None:
        if not hasattr(self, "client"):
            return
        self.steps += 1
        self.note_unchanged()
        prefix = PREFIXES[self.steps % 2]
        for setspec in (None, KEEPING[self.steps // 2 % 2]):
            found = self.whole(prefix, setspec)
            expected = self.listed(prefix, setspec)
            assert len(found) == len(expected)
            assert {key: r[:3] for key, r in found} == {key: r[:3] for key, r in expected.items()}
            assert found == sorted(found, key=lambda one: one[1].datestamp)
            self.match_bodies(prefix, setspec, dict(found))

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.undo()
            _Served.close_all()


# ---- running it

CONFIG = """
page_size = 2
identifiers_page_size = 3
[sets.a]
tombstones = true
[sets.d]
tombstones = true
"""


@pytest.fixture
def machine(
    new_installation: Callable[..., Installation], tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[str], type[Server]]:
    """A function that makes the state machine of an engine."""
    template = new_installation("sqlite").folder
    numbers = count()

    def make(engine: str) -> type[Server]:
        def instance() -> Path:
            folder = tmp_path / str(next(numbers))
            shutil.copytree(template, folder)
            text = CONFIG
            if engine == "postgresql":
                text = f'database_url = "{request.getfixturevalue("new_database")()}"\n{CONFIG}'
            (folder / "config.toml").write_text(text)
            (folder / "profile.toml").write_text(PROFILE)
            made = CliRunner().invoke(cli.main, ["init", "--instance", str(folder)])
            assert made.exit_code == 0, made.output
            return folder

        return type("Run", (Server,), {"new_instance": staticmethod(instance)})

    return make


def run(machine: type[Server], examples: int, steps: int = 20, **more: Any) -> None:
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck), **more
    )
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.parametrize(("engine", "examples"), [("sqlite", 30), ("postgresql", 5)])
def test_the_server_agrees_with_the_model(machine: Callable[[str], type[Server]], engine: str, examples: int):
    run(machine(engine), examples)


# ---- that it can fail


def _withdraw_forgets_mods(patch: pytest.MonkeyPatch) -> None:
    withdraw = publish._Change.withdraw

    def forgetful(self: Any, old: Any) -> None:
        self._records.get(old.id, {}).pop("mods", None)
        withdraw(self, old)

    patch.setattr(publish._Change, "withdraw", forgetful)


def _edit_keeps_its_datestamp(patch: pytest.MonkeyPatch) -> None:
    move = publish._Change._move

    def unmoved(
        self: Any, old: Any, prefix: str, was: Any, before: set[str], after: set[str], *more: Any, **named: Any
    ):
        now, self.stamp = self.stamp, was.datestamp if before == after else self.stamp
        move(self, old, prefix, was, before, after, *more, **named)
        self.stamp = now

    patch.setattr(publish._Change, "_move", unmoved)


def _token_skips_a_record(patch: pytest.MonkeyPatch) -> None:
    following = lists.Lists._next
    patch.setattr(lists.Lists, "_next", lambda *args: replaced(following(*args), after=args[2][-1][0] + 1))


def _departures_are_not_shown(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(publish._Change, "_depart", lambda *_: None)


def _response_date_is_the_open_second(patch: pytest.MonkeyPatch) -> None:
    document = envelope.document
    patch.setattr(envelope, "document", lambda url, responded, *rest: document(url, responded + 1, *rest))


def _set_moves_move_one_format(patch: pytest.MonkeyPatch) -> None:
    compare = publish._Change.compare

    def partly(self: Any, old: Any, draft: Any, hashes: Any) -> bool:
        if old.setspecs.split() != list(draft.setspecs):
            self._records.get(old.id, {}).pop("mods", None)
            draft = replace(draft, renditions={"oai_dc": draft.renditions.get("oai_dc")})
        return compare(self, old, draft, hashes)

    patch.setattr(publish._Change, "compare", partly)


@pytest.mark.parametrize(
    "breakage",
    [_withdraw_forgets_mods, _edit_keeps_its_datestamp, _token_skips_a_record, _departures_are_not_shown,
     _response_date_is_the_open_second, _set_moves_move_one_format],
)  # fmt: skip
def test_the_model_finds(
    machine: Callable[[str], type[Server]], monkeypatch: pytest.MonkeyPatch, breakage: Callable[..., None]
):
    breakage(monkeypatch)
    with pytest.raises(AssertionError):
        run(machine("sqlite"), 60, phases=[Phase.generate], database=None, derandomize=True)
