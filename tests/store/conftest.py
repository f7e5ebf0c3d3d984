"""Stores of their own for the tests of the store, on each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oai_server.store.repository import Store

FORMATS = [("oai_dc", "http://s/dc", "http://n/dc", "1"), ("mods", "http://s/mods", "http://n/mods", "1")]


@pytest.fixture
def new_store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Store]]:
    """A function that makes an empty store with two formats on an engine."""
    made: list[Store] = []

    def make(engine: str) -> Store:
        url = f"sqlite:///{tmp_path / f'{len(made)}.sqlite'}"
        if engine == "postgresql":
            url = request.getfixturevalue("new_database")()
        store = Store(url)
        made.append(store)
        store.upgrade()
        store.declare(FORMATS)
        return store

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(new_store: Callable[[str], Store], engine: str) -> Store:
    """An empty store on each engine in turn."""
    return new_store(engine)
