"""Which database answers which request."""

from __future__ import annotations

import pytest

from oai_server.protocol.repository import StaleNode
from oai_server.store.engine import StoreError, StoreUnavailable
from oai_server.web import nodes
from oai_server.web.nodes import Nodes

FIRST = [("verb", "ListRecords"), ("metadataPrefix", "oai_dc")]
TOKEN = [("verb", "ListRecords"), ("resumptionToken", "t")]


class Node:
    """Answers with its name, or fails as it is told to; counts what it is asked."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name = name
        self.error = error
        self.asked = 0

    def answer(self, given: object) -> bytes:
        self.asked += 1
        if self.error:
            raise self.error
        return self.name.encode()


class Time:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(nodes, "time", made)
    return made


def test_first_pages_come_from_the_primary_and_tokens_go_round_the_replicas() -> None:
    primary, one, two = Node("primary"), Node("one"), Node("two")
    both = Nodes(primary, [one, two])
    assert [both.answer(FIRST) for _ in range(3)] == [b"primary"] * 3
    assert [both.answer(TOKEN) for _ in range(4)] == [b"one", b"two", b"one", b"two"]
    assert Nodes(primary).answer(TOKEN) == b"primary"


def test_a_replica_that_lags_is_passed_over_and_asked_again() -> None:
    primary, late, good = Node("primary"), Node("late", StaleNode("late")), Node("good")
    both = Nodes(primary, [late, good])
    assert [both.answer(TOKEN) for _ in range(4)] == [b"good"] * 4
    assert late.asked == 2
    late.error, good.error = None, StaleNode("late")
    assert [both.answer(TOKEN) for _ in range(4)] == [b"late"] * 4
    late.error = StaleNode("late")
    assert both.answer(TOKEN) == b"primary"


def test_a_replica_that_is_away_rests(time: Time) -> None:
    primary, away = Node("primary"), Node("away", StoreUnavailable("away"))
    one = Nodes(primary, [away])
    assert [one.answer(TOKEN) for _ in range(3)] == [b"primary"] * 3
    assert away.asked == 1
    away.error = None
    time.now += nodes.REST
    assert one.answer(TOKEN) == b"away"


def test_what_the_primary_says_last_counts() -> None:
    both = Nodes(Node("primary", StaleNode("the primary lags")), [Node("late", StaleNode("late"))])
    with pytest.raises(StaleNode, match="primary"):
        both.answer(TOKEN)
    both = Nodes(Node("primary"), [Node("broken", StoreError("damaged"))])
    with pytest.raises(StoreError, match="damaged"):
        both.answer(TOKEN)
