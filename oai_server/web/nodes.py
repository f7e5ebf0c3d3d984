"""Which database answers: token pages come from a replica that has caught up, everything else from the primary.

The first page of a list, Identify and GetRecord say by their responseDate what the harvester need not ask for again,
so they must come from where changes are published. A token carries the horizon of its list: any node whose own horizon
is as far may serve the rest.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count

from oai_server.protocol import arguments
from oai_server.protocol.provider import Document, Provider
from oai_server.protocol.repository import StaleNode
from oai_server.store.engine import StoreUnavailable

REST = 30
"""Seconds for which a replica that did not answer is left alone."""


class Nodes:
    """The primary and its replicas. Shared by the threads of a process."""

    def __init__(self, primary: Provider, replicas: Sequence[Provider] = ()) -> None:
        self._primary = primary
        self._replicas = replicas
        self._rested = [0.0] * len(replicas)  # when each may be asked again
        self._turns = count()

    def answer(self, given: Sequence[tuple[str, str]]) -> Document:
        """Return the answer of a node that may give it.

        Raises:
            StaleNode: no node has seen what the token promises.
            StoreError: the primary is needed and cannot be used.
        """
        if any(name == arguments.TOKEN for name, _ in given):
            first = next(self._turns)
            for turn in range(first, first + len(self._replicas)):
                number = turn % len(self._replicas)
                if self._rested[number] > time.monotonic():
                    continue
                try:
                    return self._replicas[number].answer(given)
                except StaleNode:
                    continue
                except StoreUnavailable:
                    self._rested[number] = time.monotonic() + REST
        return self._primary.answer(given)
