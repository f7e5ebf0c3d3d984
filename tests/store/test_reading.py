"""The read path: pages alike on both engines, cut by bytes, and nothing written but the clock."""

from __future__ import annotations

import itertools
import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from harvesters import raw
from servers import Installation

sys.path.insert(0, str(Path(__file__).parent))
from drafts import OFFERED, Named, draft, header_of, named
from invariants import dump

from oai_server.store import clock
from oai_server.store.harvest import Harvest, _Range
from oai_server.store.publish import Outcome
from oai_server.store.repository import Store
from oai_server.store.tables import FORMAT

MIB = 1 << 20


@contextmanager
def reading(store: Store) -> Iterator[Harvest]:
    """Open a harvest and close this thread's connection behind it."""
    harvest = store.harvest(OFFERED)
    with closing(harvest):
        yield harvest


@pytest.fixture(autouse=True)
def _closable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Harvest, "close", lambda self: self._connections.drop(), raising=False)


def pages(harvest: Harvest, limit: int, page_bytes: int, *, bodies: bool = True, setspec: str | None = None,
          prefix: str = "oai_dc") -> list[list[Named]]:  # fmt: skip
    """Read a list to its end, as the protocol does."""
    found = []
    start, after, more = 0, None, True
    while more:
        rows, more = harvest.page(prefix, setspec, start, 1 << 40, after, limit, page_bytes, bodies=bodies)
        if not rows:
            assert not found
            break
        found.append(named(rows))
        start, after = found[-1][-1].datestamp, found[-1][-1].item
    return found


def test_big_records_cut_pages_by_bytes(store: Store):
    sizes = [10, 4 * MIB, 4 * MIB, 10, 10, 4 * MIB, 4 * MIB + 1, 9 * MIB, 10, 10]
    for number, size in enumerate(sizes):
        about = size // 2  # what is said about a record counts as its metadata do
        body = random.Random(number).randbytes(size - about)
        store.publish([draft(f"{number:02}", body, abouts={"oai_dc": bytes(about)})])
    with reading(store) as harvest:
        cut = [[len(row.body) + len(row.about) for row in page] for page in pages(harvest, 100, 8 * MIB)]
        assert [size for page in cut for size in page] == sizes
        for page in cut:
            assert len(page) == 1 or sum(page) <= 8 * MIB
        for one, two in itertools.pairwise(cut):
            assert sum(one) + two[0] > 8 * MIB, "a page is as full as it can be"
        assert len(pages(harvest, 100, 8 * MIB, bodies=False)) == 1


@pytest.mark.parametrize("at", [0, 2])
def test_a_large_record_that_changes_while_its_page_is_read_comes_later_and_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, at: int
):
    """Its body is fetched by itself; what has a new datestamp by then is no longer of this page."""
    store.publish([draft(str(number), bytes([number]) * 50_000) for number in range(5)])
    with clock.publishing(store._engine) as (connection, stamp):
        connection.exec_driver_sql(f"UPDATE repo_clock SET horizon = {stamp + 1}")
    with reading(store) as harvest:
        execute, asked = harvest._execute, []

        def meanwhile(connection, query, arguments):
            if query.startswith("SELECT e.header"):
                asked.append(arguments)
                if len(asked) == at + 1:
                    assert store.publish([draft(str(at), b"<new/>")]) == [Outcome.CHANGED]
            return execute(connection, query, arguments)

        monkeypatch.setattr(harvest, "_execute", meanwhile)
        [*first, last] = pages(harvest, 100, 1 << 20)
        rows = [row for page in [*first, last] for row in page]
    assert len(asked) > at
    assert [header_of(row).identifier[-1] for row in rows] == [*(str(n) for n in range(5) if n != at), str(at)]
    assert [row.body for row in rows] == [*(bytes([n]) * 50_000 for n in range(5) if n != at), b"<new/>"]


@pytest.mark.parametrize("bodies", [True, False])
def test_both_engines_give_the_same_pages(new_store: Callable[[str], Store], bodies: bool):
    stores = {engine: new_store(engine) for engine in ("sqlite", "postgresql")}
    for store in stores.values():
        store.resolve_sets(["a:b", "c"])
        with clock.publishing(store._engine) as (connection, _):
            connection.exec_driver_sql("UPDATE repo_clock SET horizon = 20000000000")
        chance = random.Random(7)
        for _ in range(12):
            store.publish(
                [
                    draft(str(number), bytes(chance.randrange(10, 400)), chance.choice([None, b"<m/>"]),
                          chance.choice([(), ("a:b",), ("c",)]),
                          abouts=chance.choice([{}, {"oai_dc": bytes(chance.randrange(1, 300)), "mods": b"<about/>"}]))
                    for number in chance.sample(range(60), 10)
                ]
            )  # fmt: skip
            store.withdraw(source="s", keys=[str(chance.randrange(60))])
            if chance.random() < 0.5:
                with clock.publishing(store._engine) as (connection, stamp):
                    connection.exec_driver_sql(f"UPDATE repo_clock SET horizon = {stamp + 1}")
    for limit, page_bytes in [(1, 10**6), (3, 500), (7, 900), (100, 1024), (1000, 10**9)]:
        for setspec, prefix in [(None, "oai_dc"), (None, "mods"), ("a", "oai_dc"), ("a:b", "mods"), ("no", "mods")]:
            given = {}
            for engine, store in stores.items():
                with reading(store) as harvest:
                    given[engine] = pages(harvest, limit, page_bytes, bodies=bodies, setspec=setspec, prefix=prefix)
                    total = sum(map(len, given[engine]))
                    assert harvest.size(prefix, setspec, None, None) == total
                    assert harvest.size(prefix, setspec, 0, 1 << 40) == total
            assert given["sqlite"] == given["postgresql"]
            keys = [(row.datestamp, row.item) for page in given["sqlite"] for row in page]
            assert keys == sorted(set(keys))


def test_a_whole_harvest_writes_nothing_but_the_clock_row(instance: Installation, tmp_path: Path):
    lines = [f'{{"id":"{n}","titles":[{{"value":"T {n}"}}],"sets":["a:b"]}}' for n in range(60)]
    (tmp_path / "r.jsonl").write_text("\n".join(lines))
    instance.run("import", tmp_path / "r.jsonl")
    instance.run("delete", "oai:archive.example.org:7")
    url = instance.settings.get("database_url") or f"sqlite:///{instance.folder / 'repository.sqlite'}"
    with closing(Store(url)) as store:
        before = dump(store._engine)
        with instance.serve(page_size=25, identifiers_page_size=25) as server:
            for verb, prefix, arguments in itertools.product(
                ("ListRecords", "ListIdentifiers"), ("oai_dc", "mods"), ({}, {"set": "a"})
            ):
                assert len(raw(server.base_url, verb, metadataPrefix=prefix, **arguments)) == 60
            for verb in ("Identify", "ListSets", "ListMetadataFormats"):
                assert server.get(verb=verb).status == 200
        after = dump(store._engine)
    [[_, horizon, *rest]] = before.pop("repo_clock")
    [[_, horizon_after, *rest_after]] = after.pop("repo_clock")
    assert after == before
    assert rest_after == rest
    assert horizon_after >= horizon


FILL = (
    "INSERT INTO list SELECT 100 + n, 1, 't' || n FROM generate_series(2, {sets}) n",
    "INSERT INTO entry (list_id, datestamp, item_id, deleted, header) SELECT l.id, 1700000000 + n / 50, n + 10, false, "
    "CASE WHEN l.setspec = '' THEN 'x'::bytea END FROM list l, generate_series(1, {items}) n ORDER BY 1, 2, 3",
    "INSERT INTO record (id, datestamp, deleted, size, hash, body) SELECT f.id * {format} + n + 10, "
    "1700000000 + n / 50, false, 1, '', 'x' FROM format f, generate_series(1, {items}) n",
    "ANALYZE",
)
ONE_WAY = {"Limit", "Nested Loop Left Join", "Index Scan", "Memoize"}


@pytest.mark.parametrize(("sets", "items"), [(1, 50_000), (200, 1_000)])
@pytest.mark.parametrize("bodies", [True, False])
def test_postgresql_reads_a_page_in_the_order_of_its_list_and_no_other_way(
    new_store: Callable[[str], Store], bodies: bool, sets: int, items: int
):
    """Whatever its statistics make of lists of all sizes: other plans begin at the beginning of a list each time."""
    store = new_store("postgresql")
    store.resolve_sets(["s"])
    store.publish([draft("a", sets=("s",))])
    with store._engine.begin() as connection:
        for statement in FILL:
            connection.exec_driver_sql(statement.format(sets=sets, items=items, format=FORMAT))
    with reading(store) as harvest:
        for setspec in (None, "s"):
            ids = harvest._ids("oai_dc", setspec)
            query, given = _Range(*ids, setspec, 1700000010, 500, 1 << 33, 501, 8 * MIB).statement(bodies=bodies)
            for number in range(1, len(given) + 1):
                query = query.replace("?", f"${number}", 1)
            prepare = f"PREPARE page ({', '.join(['int8'] * len(given))}) AS {query}"
            explain = f"EXPLAIN (COSTS off) EXECUTE page ({', '.join(map(str, given))})"

            def plan(connection: Any, prepare: str = prepare, explain: str = explain) -> list[str]:
                connection.execute(prepare)
                lines = [line for (line,) in connection.execute(explain).fetchall()]
                connection.execute("DEALLOCATE page")
                return lines

            lines = harvest._connections.ask(plan)
            steps = [
                line.removeprefix("->").strip() for line in map(str.strip, lines) if not re.search("Cond:|Cache ", line)
            ]
            assert {step.partition(" using ")[0] for step in steps} <= ONE_WAY, lines
