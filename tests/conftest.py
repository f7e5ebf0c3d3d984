"""Fixtures for the tests that drive the product from outside, on each database engine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import ENGINES, Cluster, Installation, Replica, postgresql_binaries


def _binaries() -> Path:
    binaries = postgresql_binaries()
    if not binaries:
        pytest.skip("MISSING PostgreSQL: no /usr/lib/postgresql/*/bin and no initdb on the PATH")
    return binaries


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A PostgreSQL cluster for the whole run; skips where PostgreSQL is not installed."""
    cluster = Cluster(_binaries())
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def own_postgresql() -> Iterator[Cluster]:
    """A PostgreSQL cluster that a module may crash: it keeps every commit. Skips as ``postgresql`` does."""
    cluster = Cluster(_binaries(), synchronous_commit="on", full_page_writes="on", wal_keep_size="1GB")
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def replica(own_postgresql: Cluster) -> Iterator[Replica]:
    """A streaming replica of ``own_postgresql``."""
    standby = own_postgresql.replica()
    yield standby
    standby.remove()


@pytest.fixture(scope="session")
def new_database(postgresql: Cluster) -> Callable[[], str]:
    """A function that creates an empty PostgreSQL database and returns its URL."""
    return postgresql.new_database


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each database engine in turn."""
    return request.param


@pytest.fixture(scope="session")
def new_installation(request: pytest.FixtureRequest) -> Iterator[Callable[..., Installation]]:
    """A function ``(engine, **settings)`` that makes an initialised installation; its folder goes with the run."""
    made: list[Path] = []

    def make(engine: str, **settings: object) -> Installation:
        folder = Path(tempfile.mkdtemp(prefix="oai-instance-"))
        made.append(folder)
        named = {name: str(value) for name, value in settings.items()}
        if engine == "postgresql":
            named["database_url"] = request.getfixturevalue("postgresql").new_database()
        installation = Installation(folder / "instance", named)
        installation.run("init")
        return installation

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def instance(new_installation: Callable[..., Installation], engine: str) -> Installation:
    """A fresh, initialised, empty installation on each engine in turn."""
    return new_installation(engine)
