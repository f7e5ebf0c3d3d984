"""Publishing: each record moves when what harvesters see of it moves, and at no other time."""

from __future__ import annotations

import random
import string
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).parent))
from drafts import OFFERED, Named, draft, header_of, named
from invariants import assert_sound, dump, rows

from oai_server.protocol.datestamps import to_text
from oai_server.store import clock
from oai_server.store.publish import Outcome, with_ancestors
from oai_server.store.repository import Store
from oai_server.store.sets import Declared
from oai_server.store.tables import FORMAT


class Clock:
    """Moves the clock row by hand: one second, so that a new datestamp is another one."""

    def __init__(self, store: Store) -> None:
        self._engine = store._engine

    def step(self) -> int:
        with clock.publishing(self._engine) as (connection, stamp):
            connection.exec_driver_sql(f"UPDATE repo_clock SET horizon = {stamp + 1}")
        return stamp + 1


def seen(store: Store, key: str) -> dict[str, tuple[int, bool]]:
    """Return datestamp and deleted of an item's records, by prefix."""
    shown = store.show(f"oai:d.org:{key}")
    return {prefix: (stamp, deleted) for prefix, stamp, deleted, _ in shown.records} if shown else {}


def listed(store: Store, prefix: str, setspec: str = "") -> set[str]:
    """Return the identifiers that a list has."""
    formats = {row.id: row.prefix for row in rows(store._engine, "format")}
    numbers = {
        row.id for row in rows(store._engine, "list") if formats[row.format_id] == prefix and row.setspec == setspec
    }
    named = {row.id: row.identifier for row in rows(store._engine, "item")}
    return {named[row.item_id] for row in rows(store._engine, "entry") if row.list_id in numbers}


def test_an_edit_that_changes_mods_alone_moves_mods_alone(store: Store):
    [outcome] = store.publish([draft("a")])
    before = seen(store, "a")
    now = Clock(store).step()
    assert outcome is Outcome.NEW
    assert store.publish([draft("a", mods=b"<mods>2</mods>")]) == [Outcome.CHANGED]
    assert seen(store, "a") == {"oai_dc": before["oai_dc"], "mods": (now, False)}
    assert_sound(store._engine)


def test_what_is_said_about_a_record_moves_it_alone(store: Store):
    store.publish([draft("a"), draft("b", abouts={"mods": b"<about>1</about>"})])
    before = {key: seen(store, key) for key in "ab"}
    now = Clock(store).step()
    abouts = {"mods": b"<about>2</about>"}
    assert store.publish([draft("a"), draft("b", abouts=abouts)]) == [Outcome.UNCHANGED, Outcome.CHANGED]
    assert seen(store, "a") == before["a"]
    assert seen(store, "b") == {"oai_dc": before["b"]["oai_dc"], "mods": (now, False)}
    assert told(store, "b") == {"oai_dc": None, "mods": b"<about>2</about>"}
    assert_sound(store._engine)
    gone = Clock(store).step()
    store.publish([draft("b", mods=None, abouts=abouts)])
    assert seen(store, "b")["mods"] == (gone, True)
    assert told(store, "b")["mods"] is None, "a deleted record says nothing"
    store.publish([draft("b", abouts={"oai_dc": b"", **abouts})])
    assert told(store, "b") == {"oai_dc": None, "mods": b"<about>2</about>"}
    store.withdraw(["oai:d.org:b"])
    assert told(store, "b") == {"oai_dc": None, "mods": None}
    assert_sound(store._engine)


def told(store: Store, key: str) -> dict[str, bytes | None]:
    """Return what is said about an item, as GetRecord and lists give it, by prefix."""
    harvest = store.harvest(OFFERED)
    one = {prefix: Named(*harvest.record(prefix, f"oai:d.org:{key}")) for prefix in ("oai_dc", "mods")}
    for prefix, row in one.items():
        listed, _ = harvest.page(prefix, None, 0, 1 << 40, None, 1000, 1 << 20, bodies=True)
        assert row in listed
        assert harvest.item(prefix, row.item) == row
        headers, _ = harvest.page(prefix, None, 0, 1 << 40, None, 1000, 1 << 20, bodies=False)
        assert row[:3] in headers
    harvest._connections.drop()
    return {prefix: row.about for prefix, row in one.items()}


def test_an_edit_that_nobody_sees_moves_nothing_but_is_kept(store: Store):
    store.publish([draft("a", canonical=b"one")])
    before = seen(store, "a")
    Clock(store).step()
    assert store.publish([draft("a", canonical=b"two")]) == [Outcome.CHANGED]
    assert seen(store, "a") == before
    assert store.show("oai:d.org:a").canonical == b"two"
    assert store.publish([draft("a", canonical=b"two")]) == [Outcome.UNCHANGED]
    assert seen(store, "a") == before


def test_a_change_of_sets_moves_all_formats_and_the_lists_of_both(store: Store):
    store.resolve_sets(["a:b", "c"])
    store.publish([draft("x", sets=("a:b",)), draft("y", sets=("a:b",))])
    now = Clock(store).step()
    assert store.publish([draft("x", sets=("c",)), draft("y", sets=("a:b",))]) == [Outcome.CHANGED, Outcome.UNCHANGED]
    assert seen(store, "x") == {"oai_dc": (now, False), "mods": (now, False)}
    for prefix in ("oai_dc", "mods"):
        assert listed(store, prefix) == {"oai:d.org:x", "oai:d.org:y"}
        assert listed(store, prefix, "a") == listed(store, prefix, "a:b") == {"oai:d.org:y"}
        assert listed(store, prefix, "c") == {"oai:d.org:x"}
    assert_sound(store._engine)


def test_a_tombstone_keeps_its_sets_and_a_revival_its_identifier(store: Store):
    store.publish([draft("x", sets=("a:b",))])
    gone = Clock(store).step()
    assert store.withdraw(["oai:d.org:x", "oai:d.org:nobody"]) == {"oai:d.org:x": Outcome.DELETED}
    assert seen(store, "x") == {"oai_dc": (gone, True), "mods": (gone, True)}
    assert listed(store, "mods", "a") == {"oai:d.org:x"}
    back = Clock(store).step()
    assert store.withdraw(source="s", keys=["x"]) == {"x": Outcome.UNCHANGED}
    assert seen(store, "x")["mods"] == (gone, True), "a second deletion moves nothing"
    assert store.publish([draft("x", sets=("a:b",), identifier="oai:d.org:another")]) == [Outcome.CHANGED]
    assert seen(store, "x") == {"oai_dc": (back, False), "mods": (back, False)}
    assert store.show("oai:d.org:another") is None
    assert_sound(store._engine)


def test_a_format_that_an_item_loses_is_deleted_and_one_that_it_gains_appears(store: Store):
    store.publish([draft("x"), draft("y", mods=None)])
    before = seen(store, "x")
    now = Clock(store).step()
    store.publish([draft("x", mods=None), draft("y")])
    assert seen(store, "x") == {"oai_dc": before["oai_dc"], "mods": (now, True)}
    assert seen(store, "y") == {"oai_dc": before["oai_dc"], "mods": (now, False)}
    assert_sound(store._engine)


def test_an_identifier_belongs_to_the_first_source_that_claims_it(store: Store):
    store.publish([draft("x")])
    before = dump(store._engine)
    assert store.publish([draft("x", b"<other/>", source="t")]) == [Outcome.CLAIMED]
    assert dump(store._engine)["record"] == before["record"]
    assert store.claimed(["oai:d.org:x"])["oai:d.org:x"].source == "s"


def test_of_two_items_of_a_batch_with_one_identifier_the_first_has_it(store: Store):
    drafts = [draft("a", identifier="oai:d.org:x"), draft("b", identifier="oai:d.org:x"), draft("c")]
    expected = [Outcome.NEW, Outcome.CLAIMED, Outcome.NEW]
    assert store.publish(drafts, dry_run=True) == expected
    assert store.publish(drafts) == expected
    assert store.known("s", ["a", "b", "c"]).keys() == {"a", "c"}
    assert_sound(store._engine)


def test_many_keys_and_odd_ones_are_found_at_once(store: Store):
    odd = ["'", '"', "\\", "a,b", "{}", "NULL", "ä", "地", "\U0001f600", "[1]", "1", "é" * 500]
    store.publish([draft(key, identifier=f"oai:d.org:{number}") for number, key in enumerate(odd)])
    absent = [f"n{number}" for number in range(2000)]
    assert store.known("s", absent + odd).keys() == set(odd)
    assert store.known("t", odd) == {}
    assert store.known("s", []) == {}
    assert store.claimed(["oai:d.org:3", *absent]).keys() == {"oai:d.org:3"}
    assert store.withdraw(source="s", keys=absent + odd).keys() == set(odd)


def shown_in(store: Store, setspec: str, prefix: str = "oai_dc") -> dict[str, tuple[int, bool, str]]:
    """Return what the list of a set shows of each item: datestamp, deleted, sets."""
    harvest = store.harvest(OFFERED)
    rows, _ = harvest.page(prefix, setspec, 0, 1 << 40, None, 1000, 1 << 20, bodies=True)
    harvest._connections.drop()
    shown = {}
    for row in named(rows):
        header = header_of(row)
        assert header.deleted == (row.body is None)
        assert header.datestamp == to_text(row.datestamp)
        shown[header.identifier] = row.datestamp, header.deleted, header.setspecs
    return shown


def test_a_set_with_tombstones_shows_what_has_left_it_as_deleted_there_alone(store: Store):
    store.declare_sets([Declared("a", tombstones=True), Declared("a:b"), Declared("c")])
    store.publish([draft("x", sets=("a:b",)), draft("y", sets=("a:b",))])
    x = "oai:d.org:x"
    left = Clock(store).step()
    store.publish([draft("x", sets=("c",))])
    assert shown_in(store, "a")[x] == (left, True, "a")
    assert x not in shown_in(store, "a:b"), "the option is that of one set"
    assert shown_in(store, "c")[x] == (left, False, "c")
    assert seen(store, "x") == {"oai_dc": (left, False), "mods": (left, False)}
    edited = Clock(store).step()
    store.publish([draft("x", b"<dc>2</dc>", sets=("c",))])
    assert shown_in(store, "c")[x] == (edited, False, "c")
    assert shown_in(store, "a")[x] == (left, True, "a"), "what becomes of it elsewhere is nothing to this set"
    assert store.restamp([x]) == 2
    back = Clock(store).step()
    store.publish([draft("x", b"<dc>2</dc>", sets=("a", "c"))])
    assert shown_in(store, "a")[x] == (back, False, "a c")
    assert_sound(store._engine)


def test_an_item_that_is_deleted_and_returns_without_its_set_stays_deleted_there(store: Store):
    store.declare_sets([Declared("a", tombstones=True)])
    store.publish([draft("x", sets=("a",))])
    store.withdraw(["oai:d.org:x"])
    back = Clock(store).step()
    store.publish([draft("x")])
    assert shown_in(store, "a") == {"oai:d.org:x": (back, True, "a")}
    assert_sound(store._engine)


def test_a_refresh_changes_only_what_is_still_as_it_was_made_of(store: Store):
    store.resolve_sets(["a"])
    store.publish([draft(key, canonical=b"one") for key in "xyz"])
    store.publish([draft("y", canonical=b"two")])
    store.withdraw(["oai:d.org:z"])
    before = {key: seen(store, key) for key in "xyz"}
    now = Clock(store).step()
    drafts = [
        replace(draft(key, mods=b"<mods>2</mods>", sets=("a",) * (key == "x"), canonical=b"one"), rendered="v2")
        for key in "xyz"
    ]
    assert store.refresh(drafts) == [Outcome.CHANGED, Outcome.OUTDATED, Outcome.OUTDATED]
    assert seen(store, "x") == {"oai_dc": (now, False), "mods": (now, False)}, "it has another set"
    assert {key: seen(store, key) for key in "yz"} == {key: before[key] for key in "yz"}
    assert [one.key for one in store.stale(["v2"])] == ["y"]
    assert store.count_stale(["v2"]) == 1
    assert_sound(store._engine)


def test_a_dry_run_foresees_the_outcome_and_writes_nothing(store: Store):
    store.publish([draft("x"), draft("y"), draft("z", source="t")])
    before = dump(store._engine)
    drafts = [draft("x"), draft("y", mods=b"<mods>2</mods>"), draft("z"), draft("new", sets=("n",))]
    foreseen = store.publish(drafts, dry_run=True)
    assert store.withdraw(["oai:d.org:x"], dry_run=True) == {"oai:d.org:x": Outcome.DELETED}
    assert dump(store._engine) == before
    assert foreseen == store.publish(drafts)
    assert foreseen == [Outcome.UNCHANGED, Outcome.CHANGED, Outcome.CLAIMED, Outcome.NEW]


def test_a_batch_that_fails_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    store.publish([draft("x", sets=("a",))])
    before = dump(store._engine)
    broken = [draft(str(number), sets=(f"n{number}",)) for number in range(30)]
    with monkeypatch.context() as patched:
        patched.setattr("oai_server.store.publish._bulk_update", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.publish(broken)
    after = dump(store._engine)
    assert {**after, "repo_clock": 0} == {**before, "repo_clock": 0}
    assert store.publish(broken) == [Outcome.NEW] * 30, "what the failed batch made is not remembered"
    assert_sound(store._engine)


def test_a_large_batch_of_big_bodies_goes_in_whole(store: Store):
    bodies = {str(number): random.Random(number).randbytes(40_000) for number in range(300)}
    store.publish([draft(key, body) for key, body in bodies.items()])
    held = {row.id % FORMAT: row.body for row in rows(store._engine, "record") if row.id // FORMAT == 1}
    named = {row.id: row.source_key for row in rows(store._engine, "item")}
    assert {named[number]: body for number, body in held.items()} == bodies
    assert_sound(store._engine)


# Random histories against a plain model

KEYS = st.sampled_from(string.ascii_lowercase[:6])
ABOUTS = st.sampled_from([{}, {"mods": b"<about>1</about>"}, {"mods": b"<about>2</about>"}])
BODIES = st.none() | st.sampled_from([b"<one/>", b"<two/>", b"<three>\xc3\xa9</three>"])
DC = st.sampled_from([b"<dc>1</dc>", b"<dc>2</dc>"])
KEEPING = ("a:b", "d")  # sets that show what has left them as deleted
SPECS = st.lists(st.sampled_from(["a", "a:b", "a:b:c", "d"]), max_size=3, unique=True).map(tuple)


class History(RuleBasedStateMachine):
    """Publishes and withdraws at random; the model is what a careful clerk would keep in two dictionaries."""

    new_store: Callable[[], Store]

    @initialize()
    def open(self) -> None:
        self.store = type(self).new_store()
        self.store.resolve_sets(["a:b:c"])
        self.store.declare_sets(Declared(spec, tombstones=True) for spec in KEEPING)
        self.departed: dict[tuple[str, str, str], int] = {}
        self.clock = Clock(self.store)
        self.now = self.clock.step()
        self.sets: dict[str, tuple[str, ...]] = {}
        self.records: dict[tuple[str, str], tuple[int, bytes | None, bytes | None]] = {}
        self.last_horizon = 0

    @rule()
    def time_passes(self) -> None:
        self.now = self.clock.step()

    @rule(batch=st.dictionaries(KEYS, st.tuples(DC, BODIES, SPECS, ABOUTS), min_size=1, max_size=4))
    def publish(self, batch: dict[str, Any]) -> None:
        drafts = [draft(key, dc, mods, sets, abouts=abouts) for key, (dc, mods, sets, abouts) in batch.items()]
        outcomes = self.store.publish(drafts)
        now = self.store.horizon().horizon
        for one, outcome in zip(drafts, outcomes, strict=True):
            new = one.key not in self.sets
            before = with_ancestors(self.sets.get(one.key, ()))
            moved_sets = not new and self.sets[one.key] != one.setspecs
            self.sets[one.key] = one.setspecs
            moved = False
            for prefix, body in one.renditions.items():
                was = self.records.get((one.key, prefix))
                about = one.abouts.get(prefix) if body is not None else None
                for spec in with_ancestors(one.setspecs) - before:
                    self.departed.pop((one.key, prefix, spec), None)
                for spec in (before - with_ancestors(one.setspecs)) & {*KEEPING}:
                    if was is not None:
                        self.departed[one.key, prefix, spec] = now
                if (was is None and body is not None) or (was is not None and (moved_sets or was[1:] != (body, about))):
                    self.records[one.key, prefix] = (now, body, about)
                    moved = True
            assert outcome is (Outcome.NEW if new else Outcome.CHANGED if moved else Outcome.UNCHANGED)

    @rule(keys=st.sets(KEYS, min_size=1, max_size=3), prefixes=st.none() | st.sets(st.sampled_from(["oai_dc", "mods"])))
    def restamp(self, keys: set[str], prefixes: set[str] | None) -> None:
        moved = self.store.restamp([f"oai:d.org:{key}" for key in sorted(keys)], prefixes)
        now = self.store.horizon().horizon
        chosen = [where for where in self.records if where[0] in keys and (prefixes is None or where[1] in prefixes)]
        assert moved == len(chosen)
        self.records.update({where: (now, *self.records[where][1:]) for where in chosen})
        self.departed.update({where: now for where in self.departed if where[:2] in chosen})

    @rule(keys=st.sets(KEYS, min_size=1, max_size=3), by_identifier=st.booleans())
    def withdraw(self, keys: set[str], by_identifier: bool) -> None:
        named = {f"oai:d.org:{key}" if by_identifier else key: key for key in sorted(keys)}
        if by_identifier:
            outcomes = self.store.withdraw(list(named))
        else:
            outcomes = self.store.withdraw(source="s", keys=list(named))
        now = self.store.horizon().horizon
        assert {named[name] for name in outcomes} == keys & self.sets.keys()
        for name, outcome in outcomes.items():
            live = [
                where for where, (_, body, _) in self.records.items() if where[0] == named[name] and body is not None
            ]
            assert outcome is (Outcome.DELETED if live else Outcome.UNCHANGED)
            self.records.update(dict.fromkeys(live, (now, None, None)))

    @invariant()
    def is_sound(self) -> None:
        if not hasattr(self, "store"):
            return
        engine = self.store._engine
        assert_sound(engine)
        horizon = self.store.horizon().horizon
        assert horizon >= self.last_horizon
        self.last_horizon = horizon
        keys = {row.id: row.source_key for row in rows(engine, "item")}
        prefixes = {row.id: row.prefix for row in rows(engine, "format")}
        found = {
            (keys[row.id % FORMAT], prefixes[row.id // FORMAT]): (row.datestamp, row.body, row.about)
            for row in rows(engine, "record")
        }
        assert found == self.records
        for setspec in {spec for sets in self.sets.values() for spec in with_ancestors(sets)}:
            inside = {f"oai:d.org:{key}" for key, sets in self.sets.items() if setspec in with_ancestors(sets)}
            given = {f"oai:d.org:{key}" for key, prefix in self.records if prefix == "oai_dc"}
            left = {
                f"oai:d.org:{key}": at for (key, pre, s), at in self.departed.items() if (pre, s) == ("oai_dc", setspec)
            }
            assert listed(self.store, "oai_dc", setspec) == inside & given | left.keys()
            if setspec:
                shown = shown_in(self.store, setspec)
                tombstones = {one: at for one, (at, _, sets) in shown.items() if sets == setspec and one not in inside}
                assert tombstones == left

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()


def test_any_history_ends_as_the_clerk_says(new_store: Callable[[str], Store]):
    class OnSqlite(History):
        pass

    OnSqlite.new_store = staticmethod(lambda: new_store("sqlite"))  # type: ignore[assignment]
    run_state_machine_as_test(OnSqlite, settings=settings(max_examples=30, stateful_step_count=15, deadline=None))
