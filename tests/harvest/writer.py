"""One writer of the simulation: publishes random changes for some seconds. Run as a process of its own.

usage: writer.py DATABASE_URL SOURCE SEED SECONDS [MUTATION]

The mutation ``early-stamp`` breaks the rule on purpose: it takes the datestamp before the lock and commits later, as a
server does that stamps with its own clock.
"""

import random
import sys
import time
from contextlib import contextmanager

from sqlalchemy import text

from oai_server.store import clock, publish
from oai_server.store.publish import Draft
from oai_server.store.repository import Store

SETS = ((), ("a",), ("a:b",), ("a:b", "c"), ("c",))
KEYS = 30
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai_dc/ http://www.openarchives.org/OAI/2.0/oai_dc.xsd">'
    "<dc:title>{}</dc:title></oai_dc:dc>"
)


def draft(source: str, key: str, version: int, chance: random.Random) -> Draft:
    """Return an item whose rendition says which version it is."""
    return Draft(
        source=source,
        key=key,
        identifier=f"oai:archive.example.org:{source}-{key}",
        setspecs=chance.choice(SETS),
        canonical=b'{"id": "%s", "titles": [{"value": "%d"}]}' % (key.encode(), version),
        hash=version.to_bytes(16, "big"),
        rendered="oai_dc:1",
        renditions={"oai_dc": DC.format(f"{source} {key} version {version}").encode()},
    )


@contextmanager
def early_stamp(engine):
    """Stamp first, commit later: what the rule forbids."""
    stamp = int(time.time())
    time.sleep(random.uniform(0.3, 1.5))
    with engine.execution_options(oai_writes=True).begin() as connection:
        yield connection, stamp
    with engine.execution_options(oai_writes=True).begin() as connection:
        connection.execute(text("UPDATE repo_clock SET horizon = :t WHERE horizon < :t"), {"t": int(time.time())})


def main() -> None:
    url, source, seed, seconds, *mutation = sys.argv[1:]
    if mutation:
        clock.publishing = publish.clock.publishing = early_stamp
    chance = random.Random(int(seed))
    store = Store(url)
    store.declare([("oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", OAI_DC, "1")])
    store.resolve_sets(one for labels in SETS for one in labels)
    end = time.monotonic() + float(seconds)
    version = 0
    while time.monotonic() < end:
        keys = [str(number) for number in chance.sample(range(KEYS), chance.randint(1, 8))]
        if chance.random() < 0.25:
            store.withdraw(source=source, keys=keys)
        else:
            version += 1
            store.publish([draft(source, key, version, chance) for key in keys])
        time.sleep(chance.uniform(0, 0.15))


if __name__ == "__main__":
    main()
