"""Checking a repository, one item after the other: memory does not grow with their number."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Protocol

from oai_server.readiness.finding import Finding
from oai_server.readiness.item import Item
from oai_server.readiness.profile import Checked, Profile, ProfileError, Shared

LONGEST = 200
"""Characters that are kept of a value which many records have."""


class Listener(Protocol):
    """Who is told what is found, as it is found."""

    def checked(self, item: Item, profile: Profile, checked: Checked) -> None:
        """Hear what a profile says of an item."""

    def found(self, profile: Profile, finding: Finding) -> None:
        """Hear of a rule that a record breaks together with others, after all are checked."""


class Checking:
    """Checks items against profiles; what many of them have in common is known when all are checked."""

    def __init__(self, profiles: Sequence[Profile], listener: Listener) -> None:
        self._profiles = profiles
        self._listener = listener
        self._total = 0

    def __enter__(self) -> Checking:
        self._values = [_Values() for _ in self._profiles]
        return self

    def __exit__(self, *_: object) -> None:
        for values in self._values:
            values.close()

    def check(self, item: Item) -> None:
        """Check one item by all profiles.

        Raises:
            ProfileError: a profile failed; the text says which, and on which item.
        """
        self._total += 1
        for profile, values in zip(self._profiles, self._values, strict=True):
            try:
                checked, all_shared = profile.check(item), list(profile.shared(item))
            except Exception as error:  # a plug-in may raise anything
                what = f"{type(error).__name__}: {error}"
                raise ProfileError(f"the profile {profile.name} failed on {item.identifier}: {what}") from error
            self._listener.checked(item, profile, checked)
            for shared in all_shared:
                values.add(item.identifier, shared)

    def finish(self) -> None:
        """Tell what records have in common that they should not."""
        for profile, values in zip(self._profiles, self._values, strict=True):
            rules = {rule.name: rule for rule in profile.rules}
            for name, path, value, records, identifier in values.repeated():
                if profile.is_too_common(rules[name], records, self._total):
                    finding = Finding(rules[name], identifier, path, f"{value} (in {records} records)")
                    self._listener.found(profile, finding)


class _Values:
    """The values that few records should share, on disk, so that memory does not grow with their number."""

    def __init__(self) -> None:
        # "" is SQLite's name for a temporary database that it keeps in memory while small and on disk beyond.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript("""
            CREATE TABLE value (key BLOB PRIMARY KEY, rule TEXT, path TEXT, value TEXT, n INTEGER) WITHOUT ROWID;
            CREATE TABLE place (key BLOB, identifier TEXT);
            BEGIN;
        """)

    def close(self) -> None:
        self._database.close()

    def add(self, identifier: str, shared: Shared) -> None:
        """Remember a value of a record; letters are the same whatever their case."""
        named = f"{shared.rule.name}\n{shared.path}\n{shared.value.casefold()}"
        key = hashlib.blake2b(named.encode(), digest_size=12).digest()
        self._database.execute(
            "INSERT INTO value VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1",
            (key, shared.rule.name, shared.path, shared.value[:LONGEST]),
        )
        self._database.execute("INSERT INTO place VALUES (?, ?)", (key, identifier))

    def repeated(self) -> Iterator[tuple[str, str, str, int, str]]:
        """Yield rule, path, value, number of records and identifier of what more than one record has."""
        yield from self._database.execute(
            "SELECT rule, path, value, n, identifier FROM place JOIN value USING (key) WHERE n > 1 ORDER BY place.rowid"
        )
