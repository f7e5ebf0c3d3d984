"""What connections to the databases are set to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from oai_server.store.engine import MOST_READERS, DriverConnections
from oai_server.store.repository import Store


def test_what_is_committed_is_on_disk_whatever_the_server_prefers(store: Store):
    """A power cut must not take back what harvesters have seen; the tests' own PostgreSQL would let it."""
    connections = DriverConnections(store._engine)
    sqlite = connections.sqlite
    ask, safe = ("PRAGMA synchronous", 2) if sqlite else ("SHOW synchronous_commit", "on")
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql(ask).scalar_one() == safe
    assert connections.ask(lambda one: one.execute(ask).fetchone()[0]) == safe
    connections.drop()


def test_a_connection_of_sqlite_is_kept_where_that_is_wanted_and_let_go(tmp_path: Path):
    """Whoever closes the last connection writes the whole log back, each time."""
    log = tmp_path / "r.sqlite-wal"
    for kept in (False, True):
        with closing(Store(f"sqlite:///{tmp_path / 'r.sqlite'}", kept=kept)) as store:
            store.upgrade()
            store.resolve_sets([f"made {kept}"])
            assert log.exists() is kept
            store.close()
            assert not log.exists()
            assert store.resolve_sets(["made True", "made False"])  # and it goes on
        assert not log.exists()


def test_threads_share_connections_and_a_failure_closes_them(store: Store):
    connections = DriverConnections(store._engine)
    asking = threading.Barrier(MOST_READERS + 1, timeout=10)
    seen = []

    def ask() -> None:
        def question(one: Any) -> None:
            seen.append(one)
            asking.wait()

        connections.ask(question)

    threads = [threading.Thread(target=ask) for _ in range(MOST_READERS + 3)]
    for thread in threads:
        thread.start()
    asking.wait()  # as many as may ask at once do; the others wait for their connections
    for _ in range(MOST_READERS - 3):
        threading.Thread(target=ask).start()
    asking.wait()
    for thread in threads:
        thread.join()
    assert len(set(map(id, seen))) == MOST_READERS
    with pytest.raises(connections.error):
        connections.ask(lambda one: one.execute("SELECT nonsense"))
    fresh = connections.ask(lambda one: one)
    assert all(fresh is not one for one in seen)
    connections.drop()


def test_a_long_answer_comes_whole_and_a_session_that_ends_in_it_is_told(new_store: Callable[[str], Store]):
    """PostgreSQL's long answers are read in pieces, with pauses between them."""
    connections = DriverConnections(new_store("postgresql")._engine)
    rows = "SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) n"
    assert connections.ask(lambda one: one.execute(rows).fetchall()) == [(n, "x" * 1000) for n in range(1, 5001)]
    ending = f"{rows} WHERE n < 4000 OR pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(connections.error, match=r"terminating connection|closed the connection"):
        connections.ask(lambda one: one.execute(ending).fetchall())
    assert connections.ask(lambda one: one.execute("SELECT 1").fetchall()) == [(1,)]
    connections.drop()
