"""Reading all that is live, as a check does: batch by batch, on both engines."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from drafts import draft

from oai_server.store.repository import Held, Store


def read(store: Store, setspec: str | None = None, *, batch: int = 200) -> dict[str, Held]:
    batches = list(store.live(setspec, ["oai_dc", "mods"], batch))
    assert all(len(one) <= batch for one in batches)
    held = list(itertools.chain.from_iterable(batches))
    assert len({one.identifier for one in held}) == len(held)
    return {one.identifier.rpartition(":")[2]: one for one in held}


@pytest.mark.parametrize("batch", [1, 3, 200])
def test_what_is_live_is_read_with_its_bodies(store: Store, batch: int):
    store.resolve_sets(["a:b", "c"])
    store.publish([draft(str(n), f"<dc>{n}</dc>".encode(), None if n % 2 else b"<mods/>",
                         ("a:b",) if n < 4 else ("c",), canonical=str(n).encode()) for n in range(10)])  # fmt: skip
    store.withdraw(source="s", keys=["3", "5"])
    found = read(store, batch=batch)
    assert found.keys() == set("0124678") | {"9"}
    assert found["1"] == Held("oai:d.org:1", b"1", {"oai_dc": b"<dc>1</dc>"})
    assert found["2"].bodies == {"oai_dc": b"<dc>2</dc>", "mods": b"<mods/>"}
    assert read(store, "a", batch=batch).keys() == read(store, "a:b", batch=batch).keys() == set("012")
    assert read(store, "none", batch=batch) == {}
    assert next(iter(store.live(None, [], batch)))[0].bodies == {}


def test_an_empty_store_has_nothing(store: Store):
    assert read(store) == {}
