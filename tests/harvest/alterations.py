"""What the simulation changes in the product: a clock that goes wrong, or the one rule broken on purpose.

usage: alterations.py MUTATION CLOCK COMMAND…    (oai-server COMMAND…, so altered)

CLOCK is by how many seconds the database's clock shall seem to be wrong; MUTATION is empty or one of these.

early-stamp    The datestamp is taken before the lock, as by a server that stamps with its own clock.
now            Answers carry the present as responseDate, not the second before the horizon.
eager-replica  A replica answers every token, whether or not it has seen what the first page of the list has seen.
"""

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, Engine

from oai_server.protocol import arguments, envelope, lists
from oai_server.store import clock

MUTATIONS = ("early-stamp", "now", "eager-replica")


def alter(mutation: str, seconds: int) -> None:
    """Break the rule so, if at all, and set the clock wrong by so many seconds, in this process."""
    if seconds:
        clock.NOW = {engine: f"({now}) + ({seconds})" for engine, now in clock.NOW.items()}
    if mutation:
        {"early-stamp": _stamp_early, "now": _say_now, "eager-replica": _trust_replicas}[mutation]()


def _stamp_early() -> None:
    publishing = clock.publishing

    @contextmanager
    def early(engine: Engine) -> Iterator[tuple[Connection, int]]:
        stamp = int(time.time())
        time.sleep(random.uniform(1, 2.5))
        with publishing(engine) as (connection, _):
            yield connection, stamp

    clock.publishing = early


def _say_now() -> None:
    document = envelope.document
    envelope.document = lambda base_url, _, *rest: document(base_url, int(time.time()), *rest)


def _trust_replicas() -> None:
    resumed = lists.Lists.resumed

    def trusting(self, request, horizon):
        promised = self._signer.place(request.given[arguments.TOKEN]).horizon
        return resumed(self, request, replace(horizon, horizon=max(horizon.horizon, promised)))

    lists.Lists.resumed = trusting


if __name__ == "__main__":
    from oai_server import cli  # not with every writer

    alter(sys.argv[1], int(sys.argv[2]))
    sys.argv[1:3] = []
    cli.main()
