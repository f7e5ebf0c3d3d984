"""What a check comes to: counted while it runs, and written as text for people, as JSON or as CSV.

JSON and CSV have every finding as soon as it is there; text has the sums first, so it is written at the end, with the
first records of each rule. Stable for programs are the keys of JSON and the columns of CSV, the names of rules, and the
severities.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TextIO

from oai_server.readiness.finding import Finding, Rule, Severity, counted
from oai_server.readiness.item import Item
from oai_server.readiness.profile import Checked, Profile

COLUMNS = ("profile", "rule", "severity", "record", "path", "value", "demand", "mend")
LONGEST = 500
"""Characters of a value that are written."""
_ORDER = list(Severity)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Broken(NamedTuple):
    """A rule that was broken, and by how many records."""

    rule: Rule
    records: int


class Sum:
    """What one profile found, in sum."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.records = 0
        self.ready = 0
        self.grades: dict[str, Counter[str]] = {}
        self._records: Counter[str] = Counter()

    def add(self, checked: Checked) -> None:
        """Count an item."""
        self.records += 1
        self.ready += not any(found.rule.severity is Severity.ERROR for found in checked.findings)
        for name, grade in checked.grades.items():
            self.grades.setdefault(name, Counter())[grade] += 1
        self.count({found.rule.name for found in checked.findings})

    def count(self, names: Iterable[str]) -> None:
        """Count a record for each of the rules that it breaks."""
        self._records.update(names)

    def broken(self) -> list[Broken]:
        """Return the rules that were broken, the gravest first."""
        rules = sorted(self.profile.rules, key=lambda rule: _ORDER.index(rule.severity))
        return [Broken(rule, self._records[rule.name]) for rule in rules if self._records[rule.name]]

    def worst(self) -> Severity | None:
        """Return the gravest severity of what was found."""
        return next((each.rule.severity for each in self.broken()), None)


class Report:
    """Counts what is found and hands it to a writer; the listener of a :class:`~.checking.Checking`."""

    def __init__(self, profiles: Sequence[Profile], writer: Writer, limit: int | None) -> None:
        """Take how many records of each rule are written in full (None: all of them)."""
        self.sums = {profile.name: Sum(profile) for profile in profiles}
        self._writer = writer
        self._limit = limit
        self._written: Counter[tuple[str, str]] = Counter()
        self._last: tuple[str, str, str] | None = None

    def checked(self, item: Item, profile: Profile, checked: Checked) -> None:  # noqa: ARG002
        """Count and write what a profile says of an item."""
        self.sums[profile.name].add(checked)
        self._write(profile, checked.findings)

    def found(self, profile: Profile, finding: Finding) -> None:
        """Count and write a rule that a record breaks together with others."""
        place = (profile.name, finding.rule.name, finding.record)
        if place != self._last:  # a record may share several values
            self.sums[profile.name].count([finding.rule.name])
        self._last = place
        self._write(profile, [finding])

    def _write(self, profile: Profile, findings: Sequence[Finding]) -> None:
        """Write the findings of one record, unless enough records that break their rules were written."""
        names = {found.rule.name for found in findings}
        if self._limit is not None:
            names = {name for name in names if self._written[profile.name, name] < self._limit}
            self._written.update((profile.name, name) for name in names)
        for found in findings:
            if found.rule.name in names:
                self._writer.finding(profile, found)

    def worst(self) -> Severity | None:
        """Return the gravest severity of all that was found; None where nothing was."""
        found = [worst for each in self.sums.values() if (worst := each.worst())]
        return min(found, key=_ORDER.index, default=None)

    def finish(self, notes: Sequence[str]) -> None:
        """Write the sums, and what is to be said of the repository as a whole."""
        self._writer.end(list(self.sums.values()), notes)

    def lines(self) -> Iterator[str]:
        """Yield a line for each profile."""
        for each in self.sums.values():
            rules = Counter(broken.rule.severity for broken in each.broken())
            counts = " · ".join(f"{counted(rules[severity], 'rule')} with {severity.value}s" for severity in _ORDER[:2])
            yield f"{each.profile.name}: {each.ready} of {counted(each.records, 'record')} ready · {counts}"


class Writer:
    """Writes a report into a stream."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def finding(self, profile: Profile, finding: Finding) -> None:
        """Take a finding."""
        raise NotImplementedError

    def end(self, sums: Sequence[Sum], notes: Sequence[str]) -> None:
        """Take the sums; nothing comes after them."""
        raise NotImplementedError


def _row(profile: Profile, finding: Finding) -> dict[str, str]:
    rule = finding.rule
    values = (profile.name, rule.name, rule.severity.value, finding.record, finding.path, finding.value[:LONGEST],
              rule.demand, rule.mend)  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


class JsonWriter(Writer):
    """One JSON document: ``findings``, one a line, then ``summary``."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self._out.write('{"findings": [')
        self._between = "\n"

    def finding(self, profile: Profile, finding: Finding) -> None:
        """Write a finding in a line of its own."""
        self._out.write(self._between + json.dumps(_row(profile, finding), ensure_ascii=False))
        self._between = ",\n"

    def end(self, sums: Sequence[Sum], notes: Sequence[str]) -> None:
        """Write the sums and close the document."""
        summary = {"profiles": {each.profile.name: _sum(each) for each in sums}, "notes": list(notes)}
        self._out.write(f'\n], "summary": {json.dumps(summary, ensure_ascii=False, indent=2)}}}\n')


def _sum(each: Sum) -> dict[str, Any]:
    return {
        "records": each.records,
        "ready": each.ready,
        "grades": {name: dict(sorted(grades.items())) for name, grades in each.grades.items()},
        "rules": {
            broken.rule.name: {"severity": broken.rule.severity.value, "records": broken.records}
            for broken in each.broken()
        },
        "not_checked": dict(each.profile.unchecked),
    }


class CsvWriter(Writer):
    """A table with one row for each finding; the sums are left to whoever counts the rows."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self._table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        self._table.writeheader()

    def finding(self, profile: Profile, finding: Finding) -> None:
        """Write a row; what a spreadsheet would take for a formula is led by an apostrophe."""
        self._table.writerow({key: without_formula(text) for key, text in _row(profile, finding).items()})

    def end(self, sums: Sequence[Sum], notes: Sequence[str]) -> None:
        """Write nothing: a table has no place for sums."""


class TextWriter(Writer):
    """Text for people: sums first, then what is wrong by rule, with the first records that break it."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self._shown: dict[tuple[str, str], dict[str, list[str]]] = {}

    def finding(self, profile: Profile, finding: Finding) -> None:
        """Keep a finding to be shown under its rule."""
        shown = self._shown.setdefault((profile.name, finding.rule.name), {})
        where = f"{finding.path}: {printable(finding.value) or 'nothing'}"
        shown.setdefault(finding.record, []).append(where)

    def end(self, sums: Sequence[Sum], notes: Sequence[str]) -> None:
        """Write all of it."""
        for note in notes:
            self._out.write(f"note: {note}\n")
        for each in sums:
            self._out.write("\n" if notes or each is not sums[0] else "")
            self._out.writelines(f"{line}\n" for line in self._lines(each))

    def _lines(self, each: Sum) -> Iterator[str]:
        profile = each.profile
        yield f"{profile.name}: {each.ready} of {counted(each.records, 'record')} ready ({profile.harvests})"
        for name, grades in each.grades.items():
            yield f"  {name}: " + " · ".join(f"{grade}: {count}" for grade, count in sorted(grades.items()))
        for rule, records in each.broken():
            yield ""
            yield f"  {rule.name} {rule.severity.value}, {counted(records, 'record')}: {rule.demand}"
            yield f"    mend: {rule.mend}"
            shown = self._shown.get((profile.name, rule.name), {})
            for identifier, where in shown.items():
                yield f"    {identifier}  {'; '.join(where)}"
            if rest := records - len(shown):
                yield f"    … and {rest} more"
        for name, why in profile.unchecked.items():
            yield f"\n  {name} not checked: {why}"


def without_formula(text: str) -> str:
    """Return text as a spreadsheet shows it: what it would take for a formula is led by an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def printable(text: str) -> str:
    """Return text in one line that a terminal shows and does not obey."""
    line = " ".join(text[:LONGEST].split())
    return "".join(character if character.isprintable() else "\ufffd" for character in line)


WRITERS: dict[str, type[Writer]] = {"text": TextWriter, "json": JsonWriter, "csv": CsvWriter}
