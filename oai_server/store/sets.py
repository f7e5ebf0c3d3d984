"""Sets: what sources call them, and the legal setSpec that each name gets once and for ever."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Engine, insert, select, update

from oai_server.protocol.repository import Set
from oai_server.store import clock
from oai_server.store.tables import set_

# OAI-PMH 2.0 section 2.6: unreserved characters of RFC 2396, in parts joined by colons.
LEGAL = re.compile(r"[A-Za-z0-9\-_.!~*'()]+(:[A-Za-z0-9\-_.!~*'()]+)*")
LONGEST = 200


def slug(label: str) -> str:
    """Return the legal setSpec nearest to a name: ``Prints & drawings`` becomes ``Prints-drawings``."""
    parts = []
    for part in label.split(":"):
        plain = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode()
        plain = re.sub(r"[^A-Za-z0-9\-_.!~*'()]+", "-", plain).strip("-")
        if part.strip():
            # A name in another script has no letters left: a digest of it is legal and stays the same.
            parts.append(plain or "set-" + hashlib.blake2b(part.encode(), digest_size=4).hexdigest())
    return (":".join(parts) or "set")[:LONGEST].rstrip(":")


@dataclass(frozen=True)
class Declared:
    """What the settings say of a set. With ``tombstones`` its lists show what has left it as deleted."""

    spec: str
    name: str | None = None
    description: str | None = None
    tombstones: bool = False


class Sets:
    """The sets of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._specs: dict[str, str] = {}

    def all(self) -> list[Set]:
        """Return all sets by setSpec."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(set_.c.spec, set_.c.name, set_.c.description).order_by(set_.c.spec))
            return [Set(*row) for row in rows]

    def known(self, labels: Iterable[str]) -> dict[str, str]:
        """Return the setSpec of each name that has one."""
        wanted = set(labels)
        if wanted - self._specs.keys():
            with self._engine.connect() as connection:
                self._specs = dict(connection.execute(select(set_.c.label, set_.c.spec)).all())
        return {label: self._specs[label] for label in wanted & self._specs.keys()}

    def resolve(self, labels: Iterable[str], *, write: bool = True) -> dict[str, str]:
        """Return the setSpec of each name; a name that is new gets one, and its ancestors with it.

        Where not to ``write`` (a dry run), new names are told the setSpec that they would get.
        """
        wanted = set(labels)
        new = sorted(wanted - self.known(wanted).keys())
        if new and write:
            self._make(new)
        if write:
            return {label: self._specs[label] for label in wanted}
        foreseen = dict(self._specs)
        taken = set(foreseen.values())
        return {label: _name(label, foreseen, taken) for label in sorted(wanted)}

    def declare(self, declared: Iterable[Declared]) -> None:
        """Make the sets of the settings stand in the database as the settings say, empty ones too."""
        wanted = {one.spec: one for one in declared}
        with self._engine.connect() as connection:
            columns = (set_.c.spec, set_.c.name, set_.c.description, set_.c.tombstones)
            present = {row.spec: Declared(*row) for row in connection.execute(select(*columns))}
        changed = []
        for spec, found in present.items():
            # A set that the settings do not name, or no longer, goes on as it was: its harvesters still listen.
            said = wanted.get(spec, found)
            said = replace(said, name=said.name or found.name)
            if said != found:
                changed.append(said)
        new = [replace(said, name=said.name or spec) for spec, said in wanted.items() if spec not in present]
        if not (changed or new):
            return
        self.resolve(one.spec for one in new)
        with clock.publishing(self._engine) as (connection, _):
            for one in (*changed, *new):
                values = {"name": one.name, "description": one.description, "tombstones": one.tombstones}
                connection.execute(update(set_).where(set_.c.spec == one.spec).values(values))

    def describe(self, described: Iterable[Declared]) -> None:
        """Give sets that are there other names and descriptions; what differs is written."""
        wanted = {one.spec: (one.name, one.description) for one in described}
        changed = [one for one in self.all() if one.spec in wanted and wanted[one.spec] != (one.name, one.description)]
        if not changed:
            return
        with clock.publishing(self._engine) as (connection, _):
            for one in changed:
                name, description = wanted[one.spec]
                values = {"name": name or one.name, "description": description}
                connection.execute(update(set_).where(set_.c.spec == one.spec).values(values))

    def _make(self, labels: Iterable[str]) -> None:
        with clock.publishing(self._engine) as (connection, _):
            known = dict(connection.execute(select(set_.c.label, set_.c.spec)).all())
            taken = set(known.values())
            before = set(known)
            for label in labels:
                _name(label, known, taken)
            new = [{"spec": spec, "label": one, "name": one} for one, spec in known.items() if one not in before]
            if new:
                connection.execute(insert(set_), new)
        self._specs = known


def _name(label: str, known: dict[str, str], taken: set[str]) -> str:
    """Return the setSpec of a name, which is made where it is not ``known``: below that of the name above it."""
    if label not in known:
        *above, last = [part for part in label.split(":") if part.strip()] or [label]
        base = last if LEGAL.fullmatch(last) else slug(last)
        if above:
            base = f"{_name(':'.join(above), known, taken)}:{base}"
        spec = base = base[:LONGEST].rstrip(":")
        number = 1
        while spec in taken:
            number += 1
            spec = f"{base}-{number}"
        taken.add(spec)
        known[label] = spec
    return known[label]
