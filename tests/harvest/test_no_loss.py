"""No harvester misses a change, whatever happens; and the simulation that says so finds what a broken rule loses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from simulation import Site, simulate

# Every kind of disturbance happens in either; `make test-long` plays for minutes.
SECONDS = 150 if os.environ.get("OAI_LONG") else 4
BROKEN_SECONDS = 3


@pytest.fixture
def site(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    """An empty database on SQLite, on PostgreSQL, or on PostgreSQL with a streaming replica."""
    if engine == "sqlite":
        return Site(tmp_path, f"sqlite:///{tmp_path / 'repository.sqlite'}")
    cluster = request.getfixturevalue("own_postgresql")
    replica = request.getfixturevalue("replica") if engine == "replica" else None
    return Site(tmp_path, cluster.new_database(), cluster, replica)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "replica"])
def test_nobody_misses_a_change(site: Site):
    found = simulate(site, SECONDS)
    assert not found, found


@pytest.mark.parametrize(
    ("engine", "mutation"),
    [
        ("sqlite", "early-stamp"),
        ("sqlite", "now"),
        ("postgresql", "early-stamp"),
        ("postgresql", "now"),
        ("replica", "eager-replica"),
    ],
)
def test_a_broken_rule_loses_changes(site: Site, mutation: str):
    found = simulate(site, BROKEN_SECONDS, mutation)
    assert any(difference.lost for difference in found.values())
