"""The test kit of formats: does one give, of every record, what harvesters and portals can take?

It is tried on records made for it (:mod:`metadata_formats.samples`) and on any others that are given: each rendition
must be well formed, be the format's own, name its schema, be valid by it, and come out the same when it is made again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec
from lxml import etree

from metadata_formats import record as model
from metadata_formats import samples
from metadata_formats.loss import Losses, rendering
from metadata_formats.record import Record
from metadata_formats.registry import SCHEMA_LOCATION, Context, Format, FormatError, rendition
from metadata_formats.validation import SchemaMissing, Schemas

MEASURED = 0.5
"""Seconds for which the speed is measured."""
MOST_TOLD = 3
"""Records of which one check says what is wrong with them."""

Named = tuple[str, Record]
Again = Callable[[Sequence[Record]], list[str]]
"""Renders records in another process, and gives the digest of each rendition."""


class Outcome(Enum):
    """What became of a check."""

    PASSED = "ok"
    FAILED = "FAILED"
    SKIPPED = "NOT CHECKED"


@dataclass(frozen=True)
class Check:
    """One check: what was looked at, what became of it, and what there is to say."""

    name: str
    outcome: Outcome
    said: str


class Trial:
    """One format under test, with its options in ``context``."""

    def __init__(self, format_: Format, context: Context, schemas: Schemas) -> None:
        self._format = format_
        self._context = context
        self._schemas = schemas
        self.unavailable: list[str] = []

    def run(self, own: Iterable[Named] = (), again: Again | None = None) -> Iterator[Check]:
        """Yield the checks, on the sample records and on ``own`` ones."""
        records = [*samples.corpus(), *own]
        made, failures = self._rendered(records)
        given = f"{len(made)} of {len(records)} records, {len(self.unavailable)} are not available"
        if not made and not failures:
            failures = ["it gives none of the records"]
        yield _checked("given", failures, given)
        yield _checked(
            "well formed", _told(made, self._malformed), "each has one root, of its namespace, with its schema"
        )
        yield self._valid(made)
        yield self._same(dict(records), made, again)
        yield Check("speed", Outcome.PASSED, f"{self._speed(dict(records), made):,.0f} of these records/s")
        yield self._loss()

    def _rendered(self, records: Sequence[Named]) -> tuple[dict[str, bytes], list[str]]:
        made, failures = {}, []
        for name, record in records:
            try:
                document = rendition(self._format, record, self._context)
            except FormatError as error:
                failures.append(f"{name}: {error}")
                continue
            if document is None:
                self.unavailable.append(name)
            else:
                made[name] = document
        return made, failures

    def _malformed(self, document: bytes) -> str:
        """Say why a harvester could not use a rendition; nothing where it can."""
        try:
            root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            return f"not well formed: {error}"
        if etree.QName(root).namespace != self._format.namespace:
            return f"the root {root.tag} is not in the namespace {self._format.namespace}"
        pairs = (root.get(SCHEMA_LOCATION) or "").split()
        if self._format.namespace not in pairs[::2]:
            return f"xsi:schemaLocation names no schema for {self._format.namespace}"
        return ""

    def _valid(self, made: dict[str, bytes]) -> Check:
        try:
            problems = _told(made, lambda document: next(iter(self._schemas.errors(document)), ""))
        except SchemaMissing as missing:
            return Check("valid", Outcome.SKIPPED, str(missing))
        except etree.XMLSyntaxError as error:
            return Check("valid", Outcome.FAILED, str(error))
        return _checked("valid", problems, f"by {self._format.schema}")

    def _same(self, records: dict[str, Record], made: dict[str, bytes], again: Again | None) -> Check:
        copies = {name: model.from_json(records[name].to_json()) for name in made}
        second, problems = self._rendered(list(copies.items()))
        problems += [f"{name}: another time it is another" for name in made if second.get(name) != made[name]]
        if again is not None and not problems:
            found = zip(made, again(list(copies.values())), strict=True)
            problems = [
                f"{name}: in another process it is another" for name, sum_ in found if sum_ != digest(made[name])
            ]
        return _checked("the same again", problems, "in this process" + (" and in another" if again else ""))

    def _speed(self, records: dict[str, Record], made: dict[str, bytes]) -> float:
        names = [name for name in made if len(made[name]) < len(samples.LONG)]
        done, start = 0, time.perf_counter()
        while names and time.perf_counter() - start < MEASURED:
            for name in names:
                self._rendered([(name, records[name])])
                done += 1
                if time.perf_counter() - start > MEASURED:
                    break
        return done / (time.perf_counter() - start)

    def _loss(self) -> Check:
        losses = Losses()
        for kind in samples.kinds():
            losses.add(samples.filled(resource_type=kind), rendering(self._format, self._context))
            if losses.tried:
                break
        else:
            return Check("loss", Outcome.SKIPPED, "no full record is available in it")
        lost = sum(one.none > 0 for one in losses.paths.values())
        count = f"{lost} of {len(losses.paths)} fields are not carried"
        return Check("loss", Outcome.PASSED, f"{count}{': ' if lost else ''}{' '.join(losses.never)}")


def digest(document: bytes | None) -> str:
    """Return what stands for a rendition where another process has made it."""
    return hashlib.blake2b(msgspec.msgpack.encode(document), digest_size=16).hexdigest()


def _told(made: dict[str, bytes], problem: Callable[[bytes], str]) -> list[str]:
    return [f"{name}: {said}" for name, document in made.items() if (said := problem(document))]


def _checked(name: str, problems: list[str], passed: str) -> Check:
    if not problems:
        return Check(name, Outcome.PASSED, passed)
    more = f"; and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
    return Check(name, Outcome.FAILED, "; ".join(problems[:MOST_TOLD]) + more)
