"""The schema: what the migrations make is what the code means, on each engine, and another one is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from servers import Installation

sys.path.insert(0, str(Path(__file__).parent))
from drafts import draft
from invariants import dump
from older import TO_0004, TO_0007, taken_back

from oai_server.store import schema
from oai_server.store.engine import StoreError
from oai_server.store.publish import Outcome
from oai_server.store.repository import Store
from oai_server.store.sets import Declared
from oai_server.store.tables import metadata


def test_the_migrations_make_the_tables_of_the_code(store: Store):
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_an_upgrade_can_be_run_again(store: Store):
    store.publish([draft("a")])
    before = dump(store._engine)
    assert store.upgrade() == (schema.newest(), schema.newest())
    assert dump(store._engine) == before
    store.check()


def test_an_upgrade_from_0002_keeps_all_that_harvesters_know(store: Store):
    store.resolve_sets(["a:b"])
    store.declare_sets([Declared("kept", tombstones=True)])
    drafts = [draft("a", sets=("a:b",)), draft("b", mods=None), draft("c")]
    strange = draft("d", identifier="oai:d.org:a&b<c>'é\"", sets=("a:b", "kept"))
    store.publish([draft("a", sets=("a:b", "kept")), *drafts[1:], strange])
    store.publish(drafts)
    store.withdraw(["oai:d.org:c"])
    after = dump(store._engine)
    with store._engine.begin() as connection:
        for statement in taken_back(store._engine.dialect.name, TO_0007, TO_0004):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("ALTER TABLE record DROP COLUMN header")
        connection.exec_driver_sql("ALTER TABLE record DROP COLUMN about")
        connection.exec_driver_sql("DROP TABLE upstream")
    _stamp(store, "0002")
    assert store.upgrade() == ("0002", schema.newest())
    assert dump(store._engine) == after
    hashes = {row[4] for row in after["record"]}
    assert hashes == {b"", *(blake2b(body, digest_size=16).digest() for body in (b"<dc/>", b"<mods/>"))}, "as in 0002"
    assert store.publish(drafts[:2]) == [Outcome.UNCHANGED] * 2
    assert store.publish([draft("a", sets=("a:b",), abouts={"mods": b"<about/>"})]) == [Outcome.CHANGED]


def test_an_upgrade_from_0007_keeps_partitions(new_store: Callable[[str], Store]):
    store = new_store("postgresql")
    store.publish([draft(f"r{number}") for number in range(40)])
    after = dump(store._engine)
    parts = [
        f"CREATE TABLE record_{n} PARTITION OF record FOR VALUES WITH (MODULUS 4, REMAINDER {n})" for n in range(4)
    ]
    with store._engine.begin() as connection:
        for statement in (
            *taken_back("postgresql", TO_0007),
            "ALTER TABLE record RENAME TO record_whole",
            "ALTER TABLE record_whole RENAME CONSTRAINT pk_record TO pk_record_whole",
            "CREATE TABLE record (LIKE record_whole) PARTITION BY HASH (item_id)",
            *parts,
            "INSERT INTO record SELECT * FROM record_whole",
            "ALTER TABLE record ADD CONSTRAINT pk_record PRIMARY KEY (item_id, format_id)",
            "DROP TABLE record_whole",
        ):
            connection.exec_driver_sql(statement)
    _stamp(store, "0007")
    assert store.upgrade() == ("0007", schema.newest())
    assert dump(store._engine) == after
    with store._engine.connect() as connection:
        held = connection.exec_driver_sql("SELECT tableoid::regclass::text FROM record").scalars()
        assert set(held) == {f"record_{n}" for n in range(4)}
    assert store.publish([draft("r1", sets=("a",)), draft("new")]) == [Outcome.CHANGED, Outcome.NEW]


def _stamp(store: Store, revision: str) -> None:
    with store._engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")


def test_a_newer_schema_is_refused(store: Store):
    _stamp(store, "9999")
    with pytest.raises(StoreError, match="schema 9999, made by a newer server: install that version"):
        store.check()


def test_an_older_schema_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schema, "newest", lambda: "9999")
    with pytest.raises(StoreError, match="schema 0008, this server needs 9999: run 'oai-server upgrade'"):
        store.check()


def test_an_empty_database_is_refused(new_database, tmp_path: Path):
    for url in (new_database(), f"sqlite:///{tmp_path / 'empty'}"):
        store = Store(url)
        with pytest.raises(StoreError, match="empty: run 'oai-server init'"):
            store.check()
        store.close()


@pytest.mark.parametrize("command", ["status", "serve", "upgrade"])
def test_every_command_refuses_a_newer_schema_in_one_line(new_installation, command: str):
    installation: Installation = new_installation("sqlite")
    store = Store(f"sqlite:///{installation.folder / 'repository.sqlite'}")
    _stamp(store, "9999")
    store.close()
    said = installation.run(command, check=False)
    assert said.returncode == 2
    assert said.stderr.startswith("oai-server: the database has schema 9999, made by a newer server")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize("url", ["mysql://a/b", "nonsense", "sqlite://", "sqlite:///:memory:", ""])
def test_what_is_no_database_we_know_is_refused(url: str):
    with pytest.raises(StoreError):
        Store(url)


def test_the_newest_revision_is_the_one_that_alembic_knows():
    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert schema.newest() == script.get_current_head()
    assert schema._revisions() == sorted(each.revision for each in script.walk_revisions())
