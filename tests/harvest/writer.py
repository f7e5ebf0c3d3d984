"""One writer of the simulation: publishes random changes until its standard input ends.

usage: writer.py MUTATION CLOCK DATABASE_URL SOURCE

MUTATION and CLOCK are as in alterations.py. A database that is away or busy is tried again, as by an administrator.
"""

import random
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from alterations import alter
from sqlalchemy import Connection, Engine

from oai_server.store import clock
from oai_server.store.engine import StoreError
from oai_server.store.publish import Draft
from oai_server.store.repository import Store

KEYS = 60
"""Items that are written again and again, deleted and revived."""
BULK = 200
"""Items in a bulk load."""
SETS = {"a": True, "a:b": True, "c": False, "d": True}
"""The sets, and whether each shows what has left it as deleted."""
MEMBERSHIPS = ((), *((spec,) for spec in SETS), ("a", "c"), ("a:b", "d"), ("a", "a:b", "d"))
BODIES = {
    "oai_dc": '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{}</dc:title></oai_dc:dc>',
    "mods": '<mods xmlns="http://www.loc.gov/mods/v3"><titleInfo><title>{}</title></titleInfo></mods>',
}


class RolledBackError(Exception):
    """What a transaction may end with after all its statements."""


def _tried(share: float) -> None:
    """Let a share of transactions stay open for a while with all their statements sent, and some then fail."""
    publishing = clock.publishing

    @contextmanager
    def trying(engine: Engine) -> Iterator[tuple[Connection, int]]:
        with publishing(engine) as opened:
            yield opened
            # So readers meet the lock, and kill -9 an open transaction.
            if random.random() < share:
                time.sleep(random.uniform(0.3, 1))
            if random.random() < 0.1:
                raise RolledBackError

    clock.publishing = trying


class Writer:
    """What one source does to the store."""

    def __init__(self, store: Store, source: str) -> None:
        self.store = store
        self.source = source

    def _draft(self, key: str, setspecs: tuple[str, ...], prefixes: tuple[str, ...] = ("oai_dc", "mods")) -> Draft:
        """Return an item whose renditions say which version it is; in MODS it may be none."""
        version = random.randbytes(8)
        text = f"{self.source} {key} {version.hex()}"
        bodies = {prefix: BODIES[prefix].format(text).encode() for prefix in prefixes}
        if random.random() < 0.1 and len(prefixes) > 1:
            bodies |= {"mods": None}
        identifier = f"oai:archive.example.org:{self.source}-{key}"
        return Draft(self.source, key, identifier, setspecs, b'{"id": "%s"}' % key.encode(), version, "1", bodies)

    def _keys(self) -> list[str]:
        return [str(number) for number in random.sample(range(KEYS), random.randint(1, 20))]

    def insert(self) -> None:
        """Publish items that never were."""
        new = [f"new-{random.randbytes(6).hex()}" for _ in range(random.randint(1, 3))]
        self.store.publish([self._draft(key, random.choice(MEMBERSHIPS)) for key in new])

    def edit(self) -> None:
        """Publish items anew, deleted ones too, in sets that may be others."""
        self.store.publish([self._draft(key, random.choice(MEMBERSHIPS)) for key in self._keys()])

    def bump(self) -> None:
        """Publish another rendition in one format, of anybody's items, in the sets where they are."""
        self._refresh(lambda setspecs: setspecs, (random.choice(list(BODIES)),))

    def move(self) -> None:
        """Move anybody's items to other sets, with no word of their renditions."""
        self._refresh(lambda _: random.choice(MEMBERSHIPS), ())

    def _refresh(self, moved, prefixes: tuple[str, ...]) -> None:
        drafts = []
        for stored in self.store.stale([""], random.randrange(4 * KEYS), random.randint(1, 20)):
            made = self._draft(stored.key, moved(tuple(stored.setspecs.split())), prefixes)
            drafts.append(
                Draft(stored.source, stored.key, stored.identifier, made.setspecs, stored.canonical, stored.hash, "1",
                      made.renditions)
            )  # fmt: skip
        self.store.refresh(drafts)

    def restamp(self) -> None:
        """Give items new datestamps as they are, in one format or all."""
        own = [f"oai:archive.example.org:{self.source}-{key}" for key in self._keys()]
        self.store.restamp(own, random.choice([None, ["oai_dc"], ["mods"]]))

    def withdraw(self) -> None:
        """Delete items."""
        self.store.withdraw(source=self.source, keys=self._keys())

    def load(self) -> None:
        """Publish many items in one transaction."""
        self.store.publish([self._draft(f"bulk-{number}", random.choice(MEMBERSHIPS)) for number in range(BULK)])

    def run(self) -> None:
        """Do what comes, until nobody is there to see it."""
        deeds = [self.insert, self.edit, self.bump, self.move, self.restamp, self.withdraw, self.load]
        weights = [3, 8, 3, 3, 2, 6, 1]
        while not select.select([sys.stdin], [], [], random.uniform(0, 0.3))[0]:
            with suppress(RolledBackError, StoreError):
                random.choices(deeds, weights)[0]()


def main() -> None:
    mutation, seconds, url, source = sys.argv[1:]
    alter(mutation, int(seconds))
    _tried(0.5 if mutation == "now" else 0.1)
    Writer(Store(url), source).run()


if __name__ == "__main__":
    main()
