"""Rendering: what harvesters see of a canonical record, and the same again when formats or rules have changed.

An item remembers what it was rendered by: formats, their versions and options, and the rules of sets. Where that is not
what the settings say now, ``oai-server render`` makes its renditions and sets anew from the stored record, in batches,
while the server serves. Only records whose bytes differ get a new datestamp; a change of sets moves all of an item's.
A rendition that is another repository's own payload, served unaltered, is marked so and left alone: it cannot be made
again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from metadata_formats import about, registry
from metadata_formats import record as model
from metadata_formats.record import Record, RecordError
from oai_server.ingest.reader import Unaltered
from oai_server.ingest.rules import Rules
from oai_server.store.publish import Draft, Outcome, with_ancestors
from oai_server.store.repository import Store, Stored

BATCH = 1000
"""Items rendered and published at once."""
BATCH_BYTES = 64 * 1024 * 1024
"""Bytes of renditions after which a batch is published before it is full."""


class Renditions(NamedTuple):
    """A record in several formats, by prefix: the payloads (None where it has none), and what is said about them.

    ``failures`` says what went wrong where a format failed, ``omitted`` what could not be said about the record.
    """

    bodies: dict[str, bytes | None]
    abouts: dict[str, bytes]
    failures: list[str]
    omitted: list[str]


class Formats:
    """The formats of a repository with the context that they render in, and the rules of its sets."""

    def __init__(
        self, formats: Mapping[str, registry.Format], repository_name: str, base_url: str,
        options: Mapping[str, Mapping[str, Any]], rules: Rules | None = None,
        containers: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Take the formats, and the containers of about that stand beside each payload, in their order."""
        self._formats = formats
        self._options = options
        self._name = repository_name
        self._url = base_url
        self._rules = rules or Rules({})
        self._containers = tuple(dict.fromkeys(containers))
        # Whatever changes what harvesters see changes this.
        self._marks = {prefix: self._mark(prefix) for prefix in formats}
        self._whole: dict[str | None, str] = {}
        self.current = [self.mark(), *(self.mark(unaltered=prefix) for prefix in formats)]
        """What an item may be rendered by that has nothing to render."""

    def _mark(self, prefix: str) -> str:
        context = [self._name, self._url, self._options.get(prefix, {}), about.VERSION, self._containers]
        return f"{prefix}:{self._formats[prefix].version}:{_digest(context)}"

    def _source_mark(self, prefix: str) -> str:
        """Return the mark of a payload that is the source's own: only what is said about it is made here."""
        return f"{prefix}{_SOURCE}{_digest([about.VERSION, self._containers])}"

    def mark(
        self, before: str = "", prefixes: Collection[str] | None = None, unaltered: str | None = None
    ) -> str:  # fmt: skip
        """Return what an item is rendered by, where of what it was rendered by before only these formats are new.

        ``unaltered`` is the format in which it is its source's own payload.
        """
        if not before and prefixes is None and unaltered in self._whole:  # as for every record of an import
            return self._whole[unaltered]
        fresh = {prefix: self._marks[prefix] for prefix in self._marks if prefixes is None or prefix in prefixes}
        if unaltered in fresh:
            fresh[unaltered] = self._source_mark(unaltered)
        if prefixes is None:
            fresh[_RULES] = self._rules.fingerprint
        made = {**marks(before), **fresh}
        mark = " ".join(made[prefix] for prefix in [*self._marks, _RULES] if made.get(prefix))
        if not before and prefixes is None:
            self._whole[unaltered] = mark
        return mark

    def stale(self, rendered: str, prefixes: Collection[str]) -> bool:
        """Tell whether what an item was rendered by differs in one of these formats."""
        before = marks(rendered)
        return any(before.get(prefix) not in (self._marks[prefix], self._source_mark(prefix)) for prefix in prefixes)

    def sets(self, record: Record) -> tuple[tuple[str, ...], list[str]]:
        """Return the sets of a record, its own and those made by rule, sorted; and which rules failed with it."""
        by_rule, failures = self._rules.sets(record)
        return tuple(sorted(by_rule.union(record.sets))), failures

    def renditions(
        self, record: Record, identifier: str, prefixes: Collection[str] | None = None, *,
        unaltered: Unaltered | None = None,
    ) -> Renditions:  # fmt: skip
        """Return the record in each format, with what is said about it.

        ``unaltered`` is the source's own payload in one of them: it is taken as it is, and its provenance says so.
        """
        bodies: dict[str, bytes | None] = {}
        failures = []
        for prefix, made in self._formats.items():
            if prefixes is not None and prefix not in prefixes:
                continue
            if unaltered is not None and prefix == unaltered.prefix:
                bodies[prefix] = unaltered.body
                continue
            context = registry.Context(identifier, self._name, self._url, self._options.get(prefix, {}))
            try:
                bodies[prefix] = registry.rendition(made, record, context)
            except registry.FormatError as error:
                bodies[prefix] = None
                failures.append(str(error))
        abouts = {prefix: self._about(prefix, record, unaltered) for prefix, body in bodies.items() if body is not None}
        broken = about.broken(record) if "provenance" in self._containers else ""
        return Renditions(bodies, {p: made for p, made in abouts.items() if made}, failures, [broken] if broken else [])

    def _about(self, prefix: str, record: Record, unaltered: Unaltered | None) -> bytes:
        altered = None if unaltered is None else prefix != unaltered.prefix
        return about.containers(self._containers, record, self._formats[prefix].namespace, altered)


def unavailable(failures: Sequence[str]) -> str:
    """Say why an item cannot be given in the one format that each must be given in."""
    return "; ".join(failures) or "it cannot be given as oai_dc"


_RULES = "where"
_SOURCE = ":source:"


def unaltered(rendered: str) -> str | None:
    """Return the format in which an item is its source's own payload, if it is in one."""
    return next((prefix for prefix, mark in marks(rendered).items() if mark.startswith(prefix + _SOURCE)), None)


def _digest(context: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(context, order="deterministic"), digest_size=6).hexdigest()


def marks(rendered: str) -> dict[str, str]:
    """Return by prefix what an item was rendered by; the rules of sets stand under ``where``."""
    return {(_RULES if mark.startswith(f"{_RULES}=") else mark.split(":")[0]): mark for mark in rendered.split()}


@dataclass
class Rendered:
    """What a rendering came to; ``tell`` is given each event as it happens. An import's report says more."""

    tell: Callable[[dict[str, Any]], None] = lambda _: None
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    restamped: int = 0
    remarks: Counter[str] = field(default_factory=Counter)
    not_given: Counter[str] = field(default_factory=Counter)

    def reject(self, file: str, where: str, key: str | None, message: str) -> None:
        """Count a record or an item that is left as it was, and tell it."""
        self.rejected += 1
        self.tell({"outcome": "rejected", "file": file, "where": where, "id": key, "message": message})

    def remark(self, file: str, where: str, key: str, kind: str, path: str, value: str) -> None:
        """Tell what was odd in a record."""
        self.tell({"outcome": "remark", "file": file, "where": where, "id": key, "kind": kind, "path": path,
                   "value": value})  # fmt: skip

    def failed(self, file: str, where: str, key: str, made: Renditions, rules: Iterable[str] = ()) -> None:
        """Count and tell which formats and rules failed with a record, and what is not said about it."""
        for failure in made.failures:
            self.not_given[failure.split(":")[0]] += 1
            self.remark(file, where, key, "format failed", "", failure)
        for failure in rules:
            self.remarks["rule failed"] += 1
            self.remark(file, where, key, "rule failed", "", failure)
        for omission in made.omitted:
            self.remarks["about left out"] += 1
            self.remark(file, where, key, "about left out", "record.provenance", omission)

    @property
    def line(self) -> str:
        """The report in one line."""
        return f"changed {self.changed} · unchanged {self.unchanged} · rejected {self.rejected}"


class Renderer:
    """Renders again what is stored, as far as it was rendered by something else than now."""

    def __init__(
        self, store: Store, formats: Formats, report: Rendered, *, prefixes: Collection[str] | None = None,
        setspec: str | None = None,
    ) -> None:  # fmt: skip
        """Choose formats (``prefixes``; else all, and the rules of sets) and items (of a set; else all)."""
        self._store = store
        self._formats = formats
        self._report = report
        self._prefixes = prefixes
        self._setspec = setspec

    def run(self, progress: Callable[[int], None] = lambda _: None) -> Rendered:
        """Render what is stale, batch by batch. Can be stopped at any point and run again.

        Raises:
            StoreError: the database failed; batches published before stay.
        """
        last = 0
        while batch := self._store.stale(self._formats.current, last, BATCH):
            last = batch[-1].number
            self._render([stored for stored in batch if self._chosen(stored)])
            progress(len(batch))
        self._store.checkpoint()
        return self._report

    def restamp(self, progress: Callable[[int], None] = lambda _: None) -> Rendered:
        """Give the chosen records a new datestamp as they are: harvesters fetch them again."""
        for identifiers in self._store.members(self._setspec, BATCH):
            self._report.restamped += self._store.restamp(identifiers, self._prefixes)
            progress(len(identifiers))
        self._store.checkpoint()
        return self._report

    def _chosen(self, stored: Stored) -> bool:
        if self._setspec is not None and self._setspec not in with_ancestors(stored.setspecs.split()):
            return False
        return self._prefixes is None or self._formats.stale(stored.rendered, self._prefixes)

    def _render(self, batch: Iterable[Stored]) -> None:
        drafts: list[Draft] = []
        size = 0
        for stored in batch:
            draft = self._draft(stored)
            if draft is None:
                continue
            drafts.append(draft)
            size += sum(len(body) for body in draft.renditions.values() if body is not None)
            if size > BATCH_BYTES:
                self._publish(drafts)
                drafts, size = [], 0
        self._publish(drafts)

    def _draft(self, stored: Stored) -> Draft | None:
        """Return an item as it shall be seen; None where its record can no longer be given at all."""
        try:
            record = model.from_json(stored.canonical)
        except RecordError as error:
            self._report.reject("", "", stored.identifier, str(error))
            return None
        own = self._own(stored)
        made = self._formats.renditions(record, stored.identifier, self._prefixes, unaltered=own)
        setspecs: tuple[str, ...] = tuple(stored.setspecs.split())
        failed_rules: list[str] = []
        if self._prefixes is None:
            setspecs, failed_rules = self._formats.sets(record)
        self._report.failed("", "", stored.identifier, made, failed_rules)
        if "oai_dc" in made.bodies and made.bodies["oai_dc"] is None:
            self._report.reject("", "", stored.identifier, unavailable(made.failures))
            return None
        return Draft(
            source=stored.source,
            key=stored.key,
            identifier=stored.identifier,
            setspecs=setspecs,
            canonical=stored.canonical,
            hash=stored.hash,
            rendered=self._formats.mark(stored.rendered, self._prefixes, own.prefix if own else None),
            renditions=made.bodies,
            abouts=made.abouts,
        )

    def _own(self, stored: Stored) -> Unaltered | None:
        """Return the payload of an item that is its source's own: it cannot be made again, only said about anew."""
        prefix = unaltered(stored.rendered)
        shown = self._store.show(stored.identifier) if prefix else None
        body = next((body for one, _, _, body in shown.records if one == prefix), None) if shown else None
        return Unaltered(prefix, body) if prefix and body is not None else None

    def _publish(self, drafts: list[Draft]) -> None:
        if not drafts:
            return
        for draft, outcome in zip(drafts, self._store.refresh(drafts), strict=True):
            self._report.changed += outcome is Outcome.CHANGED
            self._report.unchanged += outcome is Outcome.UNCHANGED
            if outcome is Outcome.CHANGED:
                self._report.tell({"outcome": "changed", "file": "", "where": "", "id": draft.identifier})
