"""What connections to the databases are set to."""

from __future__ import annotations

from oai_server.store.engine import DriverConnections
from oai_server.store.repository import Store


def test_what_is_committed_is_on_disk_whatever_the_server_prefers(store: Store):
    """A power cut must not take back what harvesters have seen; the tests' own PostgreSQL would let it."""
    connections = DriverConnections(store._engine)
    sqlite = connections.sqlite
    ask, safe = ("PRAGMA synchronous", 2) if sqlite else ("SHOW synchronous_commit", "on")
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql(ask).scalar_one() == safe
    assert connections.get().execute(ask).fetchone()[0] == safe
    connections.drop()
