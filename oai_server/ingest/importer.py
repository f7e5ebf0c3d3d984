"""Importing: findings of readers become drafts, drafts are published in batches, and a report says what became of each.

Bad input never costs good input beside it: a record that cannot be taken is reported and left out, the next one goes
on. Nothing that is stored is lost by a file that is broken: only ``full`` mode deletes what a file does not name, and
it reads the whole file first and refuses, changing nothing, where too much would go.
"""

from __future__ import annotations

import gc
import sqlite3
import tempfile
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

from metadata_formats.record import Record, clean_text
from oai_server.ingest import files
from oai_server.ingest.files import Problem, Source
from oai_server.ingest.reader import Finding, Found, Rejected, Unread, in_scope
from oai_server.ingest.readers import Job
from oai_server.ingest.rendering import BATCH, BATCH_BYTES, Formats, Rendered, unavailable
from oai_server.ingest.workers import Made, Result, Task, Workers, render
from oai_server.protocol.arguments import is_identifier
from oai_server.store.publish import Draft, Outcome
from oai_server.store.repository import Claim, Known, Store

READ_BYTES = 8 * 1024 * 1024
"""Bytes of records that are rendered together: what comes out in many formats is many times as much."""
AHEAD = 2
"""Batches that wait for their turn to be published while they are rendered, as long as they are small."""
LONGEST_KEY = 500
LONGEST_SET = 500
MOST_SETS = 1000
"""Sets of one record: each is a row for each of its formats."""
LONGEST_IDENTIFIER = 1024
"""Characters of an OAI identifier, percent-encoded: a longer one could not be asked for by GetRecord."""

# What may stand in the local part of an OAI identifier as it is (oai-identifier guidelines, section 2).
_LOCAL = "-_.!~*'();/?:@&=+$,"


class ImportRefused(Exception):
    """An import that must not go on; nothing was changed. The text says why and what would do it all the same."""


@dataclass(frozen=True)
class Plan:
    """What is asked of an import. ``max_deletes`` is a share (0.1) or a number of the source's items.

    Records that have an OAI identifier of another repository keep it, unless they shall have ``own_identifiers``.
    """

    source: str = "default"
    mode: str = "update"
    id_prefix: str = ""
    sets: tuple[str, ...] = ()
    max_deletes: float | int = 0.1
    force: bool = False
    dry_run: bool = False
    own_identifiers: bool = False


@dataclass
class Report(Rendered):
    """Counts of what became of the records, and what was to be remarked, each also given to ``tell`` as it happens."""

    new: int = 0
    deleted: int = 0

    @property
    def line(self) -> str:
        """The report in one line."""
        return (
            f"new {self.new} · changed {self.changed} · unchanged {self.unchanged} · "
            f"deleted {self.deleted} · rejected {self.rejected}"
        )


class Importer:
    """Imports files of one source into a store."""

    def __init__(
        self, store: Store, formats: Formats, domain: str, plan: Plan, report: Report, jobs: int = 1
    ) -> None:  # fmt: skip
        """Take what the import works on; with more than one of ``jobs``, as many other processes render."""
        self._store = store
        self._domain = domain
        self._plan = plan
        self._report = report
        self._workers = Workers(formats, jobs)
        self._intake = Intake(store, formats, domain, plan, report, self._workers if jobs > 1 else None)

    def run(
        self, job: Job, sources: Sequence[Source | Problem], progress: Callable[[int], None] = lambda _: None
    ) -> Report:
        """Import the files as the plan says.

        Raises:
            ImportRefused: a full import that would delete too much, or whose files cannot be read to their end.
            ReaderError: the reader or its profile cannot be used.
            StoreError: the database failed; batches published before stay, and the import can simply be run again.
        """
        try:
            with _seldom_collected(), Keys() as keys, self._workers:
                self._intake.keys = keys
                if self._plan.mode == "delete":
                    self._delete(job, sources, keys)
                elif self._plan.mode == "full":
                    self._full(job, sources, keys, progress)
                else:
                    self._update(job, sources, progress)
        except BrokenProcessPool as error:
            raise ImportRefused(
                "a process that renders was ended from outside, for want of memory perhaps: what was published stays; "
                "run it again, with jobs = 1 where memory is short"
            ) from error
        except sqlite3.Error as error:  # the store explains its own: this is the list of keys
            raise ImportRefused(f"the temporary folder {tempfile.gettempdir()} cannot be used: {error}") from error
        if not self._plan.dry_run:
            self._store.checkpoint()
        return self._report

    def _update(self, job: Job, sources: Iterable[Source | Problem], progress: Callable[[int], None]) -> None:
        findings = ((source.name, finding) for source in sources for finding in job.skim(source))
        for count, (name, finding) in enumerate(findings, 1):
            self._intake.take(name, finding)
            if count % 100 == 0:
                progress(100)
        self._intake.flush()

    def _full(self, job: Job, sources: Sequence[Source | Problem], keys: Keys, progress: Callable[[int], None]) -> None:
        """Make the source equal to the files: read them once to know what they name, and only then write.

        Where all that is read in them is of scopes (see :func:`~oai_server.ingest.reader.in_scope`), only what is in
        these is made equal.
        """
        with _Spooled(sources) as again, Keys() as named, Keys() as doomed:
            unread = records = 0
            nameless = None
            scopes: set[str | None] = set()
            for name, finding in _findings(job, again):
                if finding.scope is not None or not (isinstance(finding, Rejected) and finding.ends):
                    scopes.add(finding.scope)
                if isinstance(finding, Found):
                    records += not finding.record.deleted
                    if not finding.record.deleted:
                        named.add(finding.key, "")
                    continue
                if finding.ends:
                    unread += 1
                    nameless = f"{name}: {finding.message}"
                elif finding.key:
                    named.add(finding.key, "")  # what is broken in the file keeps what is stored
                else:
                    nameless = nameless or f"{name} {finding.where}: {finding.message}"
            parts = None if None in scopes or not scopes else {scope for scope in scopes if scope}
            weighed = self._intake.missing(named, doomed, scopes=parts)
            if unread and weighed.live and not self._plan.force:
                raise ImportRefused(
                    f"refused, nothing was changed: a file could not be read to its end ({nameless}); {weighed.would}"
                )
            empty = "" if records else "there is no record in the files"
            if reason := self._intake.doubt(weighed, empty, nameless):
                raise ImportRefused(f"refused, nothing was changed: {reason}")
            self._update(job, again, progress)
            self._intake.remove(doomed, keys)

    def _delete(self, job: Job, sources: Iterable[Source | Problem], keys: Keys) -> None:
        """Withdraw what the files name: plain lists of identifiers, one a line, or any file that a reader takes."""
        batch: list[tuple[str, str, str]] = []
        for source in sources:
            for name, where, key in self._named(job, source):
                if keys.add(key, f"{name} {where}"):
                    batch.append((name, where, key))
                if len(batch) == BATCH:
                    self._withdraw(batch)
                    batch = []
        self._withdraw(batch)

    def _named(self, job: Job, source: Source | Problem) -> Iterator[tuple[str, str, str]]:
        if isinstance(source, Source) and (
            source.path is None or Path(source.filename).suffix.lower() in (".txt", ".lst", "")
        ):
            try:
                with source.open() as stream:
                    for number, line in files.lines(stream, LONGEST_KEY * 4):
                        text = clean_text((line or b"").decode("utf-8-sig", errors="replace")).strip()
                        if text and not text.startswith("#"):
                            yield source.name, f"line {number}", text
            except files.BrokenFile as error:
                self._report.reject(source.name, "", None, str(error))
            return
        for name, finding in _findings(job, [source]):
            if isinstance(finding, Rejected) and not finding.key:
                self._report.reject(name, finding.where, None, finding.message)
            elif finding.key:
                yield name, finding.where, finding.key

    def _withdraw(self, batch: Sequence[tuple[str, str, str]]) -> None:
        if not batch:
            return
        names = {key: (file, where) for file, where, key in batch}
        claims = self._store.claimed([key for key in names if key.startswith(f"oai:{self._domain}:")])
        claims = {identifier: claim for identifier, claim in claims.items() if claim.source == self._plan.source}
        own = [key for key in names if key not in claims]
        outcomes: dict[str, Outcome] = {}
        if claims:
            outcomes |= self._store.withdraw(list(claims), dry_run=self._plan.dry_run)
        if own:
            outcomes |= self._store.withdraw(source=self._plan.source, keys=own, dry_run=self._plan.dry_run)
        for key, (file, where) in names.items():
            outcome = outcomes.get(key)
            if outcome is None:
                self._report.reject(file, where, key, f"{key}: no such item in the source {self._plan.source}")
            else:
                self._report.deleted += outcome is Outcome.DELETED
                self._report.unchanged += outcome is Outcome.UNCHANGED
                self._report.tell({"outcome": outcome.value, "file": file, "where": where, "id": key})


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Have the collector look for garbage in circles a thirtieth as often: it takes a tenth of an import otherwise.

    Thousands of objects live for a batch, none of them in a circle. Processes that are forked meanwhile do the same.
    """
    before = gc.get_threshold()
    gc.set_threshold(20_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Weighed(NamedTuple):
    """How many items of a source or a part of it live, and how many of them its newest whole state does not name."""

    where: str
    live: int
    missing: int

    @property
    def would(self) -> str:
        """What would become of them."""
        return f"it would delete {self.missing} of {self.live} items of {self.where}"


class _Taken(NamedTuple):
    """What was found, in which file, and what is to be done about it: nothing where it is rejected."""

    finding: Finding | Unread
    name: str
    task: Task | None
    rendered: str = ""


class _Waiting(NamedTuple):
    """A batch that is being rendered, what is stored of it, and its bytes."""

    made: Callable[[], Iterable[Result]]
    taken: list[_Taken]
    known: Mapping[str, Known]
    size: int


class Intake:
    """Takes records of one source in: renders and publishes them in batches, and withdraws what is gone.

    With ``workers`` they read and render some batches while the one before is published and the next one is filled.
    The first batch is rendered here: most imports are small, and need not wait for processes to start.

    ``keys`` remembers what was taken: of several records with one key the first counts, and no other is taken. Without
    it, no key may come twice in a batch.
    """

    keys: Keys | None = None

    def __init__(
        self, store: Store, formats: Formats, domain: str, plan: Plan, report: Report, workers: Workers | None = None
    ) -> None:  # fmt: skip
        self._store = store
        self._formats = formats
        self._domain = domain
        self._plan = plan
        self._report = report
        self._workers = workers
        self._waiting: deque[_Waiting] = deque()
        self._first = True
        self._batch: list[tuple[str, Finding | Unread]] = []
        self._size = 0

    def take(self, name: str, finding: Finding | Unread) -> None:
        """Put in the batch what was found in a file; a full batch is rendered, published and reported in its order."""
        if not isinstance(finding, Rejected) and (reason := _unfit(finding)):
            finding = Rejected(reason, finding.where, finding.key[:100])
        self._batch.append((name, finding))
        self._size += _size(finding)
        if len(self._batch) >= BATCH or self._size > READ_BYTES:
            self._turn()

    def missing(
        self, named: Keys, doomed: Keys, *, setspec: str = "", scopes: Collection[str] | None = None
    ) -> Weighed:  # fmt: skip
        """Count what lives (in a set, in scopes), and what of it is not named: that is remembered as ``doomed``."""
        live = missing = 0
        for batch in self._store.live_keys(self._plan.source, setspec):
            within = batch if scopes is None else [key for key in batch if in_scope(key, scopes)]
            live += len(within)
            for key in named.missing(within):
                doomed.add(key, "")
                missing += 1
        where = f"the source {self._plan.source}"
        if scopes:
            first, *more = sorted(scopes)
            where = f"{first} {f'and {len(more)} more ' if more else ''}in {where}"
        return Weighed(where, live, missing)

    def doubt(self, weighed: Weighed, empty: str, nameless: str | None) -> str:
        """Say why a broken source explains better what is missing than that it was deleted; nothing where none does.

        ``empty`` is what was found where there was no record at all, ``nameless`` a broken record without identifier.
        """
        if self._plan.force or not weighed.live:
            return ""
        allowed = self._plan.max_deletes
        if isinstance(allowed, float):
            allowed = int(allowed * weighed.live + 1e-6)  # 29 % of 100 are 29, not 28.999…
        if empty:
            return f"{empty}; {weighed.would}; --force does it"
        if weighed.missing > allowed:
            return f"{weighed.would}, more than --max-deletes allows ({allowed}); --force does it"
        if weighed.missing and nameless:
            return (
                f"{weighed.would}, but a rejected record without an identifier may be one of them ({nameless}); "
                "mend it, or --force does it"
            )
        return ""

    def remove(self, doomed: Keys, kept: Keys, setspec: str = "") -> None:
        """Withdraw what is doomed and was not met after all."""
        for batch in self._store.live_keys(self._plan.source, setspec):
            # What somebody else has brought in meanwhile was not weighed by the guard, and stays.
            spared = set(doomed.missing(batch))
            gone = kept.missing([key for key in batch if key not in spared])
            self._report.deleted += len(gone)
            if gone and not self._plan.dry_run:
                self._store.withdraw(source=self._plan.source, keys=gone)
            for key in gone:
                self._report.tell({"outcome": "deleted", "file": "", "where": "", "id": key})

    def flush(self) -> None:
        """Publish all that was taken."""
        self._turn()
        while self._waiting:
            self._finish()

    def _turn(self) -> None:
        """Have the batch rendered, outside any lock, but for what is unchanged; publish those before meanwhile."""
        batch, self._batch, size, self._size = self._batch, [], self._size, 0
        if not batch:
            return
        specs = self._specs(batch)
        keys = [finding.key for _, finding in batch if not isinstance(finding, Rejected)]
        known = self._store.known(self._plan.source, keys)
        away = self._workers is not None and not self._first
        taken = [self._taken(name, finding, specs, known, away=away) for name, finding in batch]
        tasks = [one.task for one in taken if one.task is not None]
        if self._workers is not None and away:
            if not self._workers.started:
                self._store.close()  # no connection may be in two processes
            made: Callable[[], Iterable[Result]] = self._workers.render(tasks)
        else:
            made = partial(render, self._formats, tasks)
        self._first = False
        self._waiting.append(_Waiting(made, taken, known, size))
        while self._waiting and not self._may_wait():
            self._finish()

    def _may_wait(self) -> bool:
        """Tell whether what is waited for is little enough to go on reading, so that no worker runs out of work."""
        return (
            self._workers is not None
            and len(self._waiting) <= AHEAD
            and (len(self._waiting) == 1 or sum(one.size for one in self._waiting) <= READ_BYTES)
        )

    def _specs(self, batch: list[tuple[str, Finding | Unread]]) -> dict[str, str]:
        """Return the setSpecs of all sets in a batch. One that is new is made, but not for a record that is broken."""
        specs = self._store.known_sets(
            {label for _, one in batch if not isinstance(one, Rejected) for label in one.sets} | {*self._plan.sets}
        )
        new = set(self._plan.sets) - specs.keys()
        for at, (name, finding) in enumerate(batch):
            if isinstance(finding, Rejected) or specs.keys() >= set(finding.sets):
                continue
            if isinstance(finding, Unread):
                finding = finding.read()
                batch[at] = name, finding
            if isinstance(finding, Found):
                new |= set(finding.sets) - specs.keys()
        return specs | self._store.resolve_sets(new, write=not self._plan.dry_run) if new else specs

    def _taken(
        self, name: str, finding: Finding | Unread, specs: Mapping[str, str], known: Mapping[str, Known], *,
        away: bool,
    ) -> _Taken:  # fmt: skip
        """Return what is to be done about what was found, in this process or ``away``."""
        if isinstance(finding, Rejected):
            return _Taken(finding, name, None)
        old = known.get(finding.key)
        identifier = old.identifier if old else self._identifier(finding)
        if len(identifier) > LONGEST_IDENTIFIER:
            reason = f"the identifier is longer than {LONGEST_IDENTIFIER} characters when percent-encoded"
            return _Taken(Rejected(reason, finding.where, finding.key[:100]), name, None)
        sets = sorted({specs[label] for label in (*finding.sets, *self._plan.sets)})
        record: Record | bytes
        if isinstance(finding, Unread):
            record, unaltered = finding.data, None
        else:
            record, unaltered = finding.record.to_json() if away else finding.record, finding.unaltered
        rendered = self._formats.mark(unaltered=unaltered.prefix if unaltered else None)
        before = old.hash if old and not old.deleted and old.rendered == rendered else b""
        return _Taken(finding, name, Task(record, identifier, sets, before, unaltered), rendered)

    def _finish(self) -> None:
        """Publish the batch that has waited longest."""
        waiting = self._waiting.popleft()
        results = iter(waiting.made())
        drafts: list[Draft] = []
        places: list[_Taken] = []
        gone: list[_Taken] = []
        size = 0
        for one in waiting.taken:
            result = next(results) if one.task else None
            if not self._counts(one, result):
                continue
            if result is Outcome.DELETED:
                gone.append(one)
            self._report.unchanged += result is Outcome.UNCHANGED
            draft = self._draft(one, result) if isinstance(result, Made) else None
            if draft is None:
                continue
            drafts.append(draft)
            places.append(one)
            size += sum(len(body) for body in draft.renditions.values() if body is not None)
            if size > BATCH_BYTES:
                self._publish(drafts, places)
                drafts, places, size = [], [], 0
        self._publish(drafts, places)
        self._gone(gone, waiting.known)

    def _counts(self, one: _Taken, result: Result | None) -> bool:
        """Tell whether something is a record, and the first of its key; what is not is reported, as are remarks."""
        found, name, key = one.finding, one.name, one.finding.key
        if isinstance(found, Rejected):
            self._report.reject(name, found.where, key, found.message)
            return False
        if isinstance(result, str):
            self._report.reject(name, found.where, key, result)
            return False
        before = self.keys.add(found.key, f"{name} {found.where}".strip()) if self.keys else True
        if before is not True:
            self._report.reject(name, found.where, key, f"{key} was there before ({before}); the first one counts")
            return False
        for remark in found.remarks if isinstance(found, Found) else ():
            self._report.remarks[remark.kind] += 1
            self._report.remark(name, found.where, found.key, remark.kind, remark.path, remark.value)
        return True

    def _draft(self, one: _Taken, made: Made) -> Draft | None:
        """Return a record as a draft; None where it cannot be given at all."""
        found, renditions = one.finding, made.renditions
        assert one.task is not None
        assert found.key is not None
        self._report.failed(one.name, found.where, found.key, renditions, made.failed_rules)
        if renditions.bodies.get("oai_dc") is None:
            self._report.reject(one.name, found.where, found.key, unavailable(renditions.failures))
            return None
        return Draft(
            source=self._plan.source,
            key=found.key,
            identifier=one.task.identifier,
            setspecs=made.setspecs,
            canonical=made.canonical,
            hash=made.hash,
            rendered=one.rendered,
            renditions=renditions.bodies,
            abouts=renditions.abouts,
            hashes=made.hashes,
        )

    def _identifier(self, found: Found | Unread) -> str:
        """Return the OAI identifier of a new item: another repository's where it has one, else one of our own."""
        theirs = found.source_key if isinstance(found, Found) else None
        if theirs is not None and not self._plan.own_identifiers and is_identifier(theirs):
            return theirs
        return f"oai:{self._domain}:{quote(self._plan.id_prefix + found.key, safe=_LOCAL)}"

    def _publish(self, drafts: list[Draft], places: Sequence[_Taken]) -> None:
        if not drafts:
            return
        outcomes = self._store.publish(drafts, dry_run=self._plan.dry_run)
        disputed = [one.identifier for one, outcome in zip(drafts, outcomes, strict=True) if outcome is Outcome.CLAIMED]
        claims = self._store.claimed(disputed)
        for draft, (found, name, *_), outcome in zip(drafts, places, outcomes, strict=True):
            if outcome is Outcome.CLAIMED:
                message = self._claimed(draft, claims.get(draft.identifier))
                self._report.reject(name, found.where, draft.key, message)
                continue
            self._report.new += outcome is Outcome.NEW
            self._report.changed += outcome is Outcome.CHANGED
            self._report.unchanged += outcome is Outcome.UNCHANGED
            if outcome is not Outcome.UNCHANGED:
                self._report.tell({"outcome": outcome.value, "file": name, "where": found.where, "id": draft.key})

    def _claimed(self, draft: Draft, claim: Claim | None) -> str:
        """Say who has the OAI identifier of a draft, and what to do."""
        if claim is None or claim.source == self._plan.source:
            return f"{draft.identifier} is another record of this source already; one of the two needs another id"
        mend = "an id_prefix" if draft.identifier != draft.key else 'identifiers = "own"'
        return f"{draft.identifier} belongs to another source; give this one {mend} in [sources.{draft.source}]"

    def _gone(self, gone: Sequence[_Taken], known: Mapping[str, Known]) -> None:
        """Withdraw the records that say they are deleted. One that was never here leaves nothing behind."""
        live = {one.finding.key: one for one in gone if one.finding.key and _lives(known.get(one.finding.key))}
        if live and not self._plan.dry_run:
            self._store.withdraw(source=self._plan.source, keys=list(live))
        self._report.deleted += len(live)
        self._report.unchanged += len(gone) - len(live)
        for key, one in live.items():
            self._report.tell({"outcome": "deleted", "file": one.name, "where": one.finding.where, "id": key})


def _lives(known: Known | None) -> bool:
    return known is not None and not known.deleted


def _unfit(found: Found | Unread) -> str:
    """Say what forbids the identifier or a set of a record; the empty string if nothing does."""
    key = found.key
    if len(key) > LONGEST_KEY:
        return f"the identifier is longer than {LONGEST_KEY} characters"
    if key != key.strip():
        return "the identifier begins or ends with white space"
    if any(len(label) > LONGEST_SET for label in found.sets):
        return f"the name of a set is longer than {LONGEST_SET} characters"
    if len(found.sets) > MOST_SETS:
        return f"it is in more than {MOST_SETS} sets"
    return ""


def _size(finding: Finding | Unread) -> int:
    """Return about how many bytes something takes while it waits for the others of its batch."""
    if isinstance(finding, Unread):
        return len(finding.data)
    if isinstance(finding, Rejected):
        return len(finding.message)
    told = sum(len(remark.value) for remark in finding.remarks)
    return len(finding.record.to_json()) + told + (len(finding.unaltered.body) if finding.unaltered else 0)


def _findings(job: Job, sources: Iterable[Source | Problem]) -> Iterator[tuple[str, Found | Rejected]]:
    for source in sources:
        for finding in job.read(source):
            yield source.name, finding


class Keys:
    """The keys that an import has met, on disk, so that memory does not grow with the file."""

    def __enter__(self) -> Keys:
        # "" is SQLite's name for a temporary database that it keeps in memory while small and on disk beyond.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("CREATE TABLE met (key TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")
        self._database.execute("BEGIN")
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add(self, key: str, place: str) -> bool | str:
        """Remember a key; returns True, or where it stood before."""
        place = place.encode(errors="backslashreplace").decode()  # names of files need not be text
        if self._database.execute("INSERT OR IGNORE INTO met VALUES (?, ?)", (key, place)).rowcount:
            return True
        return str(self._database.execute("SELECT place FROM met WHERE key = ?", (key,)).fetchone()[0])

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Return those of the keys that were not met."""
        query = "SELECT 1 FROM met WHERE key = ?"
        return [key for key in keys if self._database.execute(query, (key,)).fetchone() is None]


class _Spooled:
    """Sources that can be read twice: standard input is kept in a temporary file meanwhile."""

    def __init__(self, sources: Sequence[Source | Problem]) -> None:
        self._sources = sources
        self._kept: list[IO[bytes]] = []

    def __enter__(self) -> list[Source | Problem]:
        return [self._again(source) for source in self._sources]

    def __exit__(self, *_: object) -> None:
        for file in self._kept:
            file.close()

    def _again(self, source: Source | Problem) -> Source | Problem:
        if isinstance(source, Problem) or source.path is not None:
            return source
        file = tempfile.NamedTemporaryFile(prefix="oai-import-")  # noqa: SIM115 - closed in __exit__
        self._kept.append(file)
        try:
            with source.open() as stream:
                while block := stream.read(1 << 20):
                    file.write(block)
        except files.BrokenFile as error:
            return Problem(source.name, str(error))
        file.flush()
        return Source(source.name, Path(file.name))
