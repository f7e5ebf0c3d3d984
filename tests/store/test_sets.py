"""Sets: every name gets a legal setSpec, another one for another name, and the same one for ever."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from invariants import rows

from metadata_formats.record import clean_text
from oai_server.protocol.repository import Set
from oai_server.store.repository import Store
from oai_server.store.sets import LEGAL, Declared, slug

NAMES = ["Prints & drawings", "Prints / drawings", "Prints-drawings", "Карти", "地図", "a::b", ":", " ", "a:b", "a",
         "A", "ä", "a:", "x" * 400, "x" * 500, "-a-", "a b:c d", "set", "é", "e\u0301"]  # fmt: skip


def test_names_get_legal_setspecs_once_and_for_ever(store: Store):
    foreseen = store.resolve_sets(NAMES, write=False)
    assert rows(store._engine, "oai_set") == []
    first = {}
    for name in NAMES:  # one by one, in one process, and then all in another
        first |= store.resolve_sets([name])
    assert foreseen.keys() == first.keys() == set(NAMES)
    assert len(set(first.values())) == len(NAMES), "collisions are told apart"
    assert all(LEGAL.fullmatch(spec) for spec in first.values())
    assert first["Prints-drawings"] == "Prints-drawings-3"
    other = Store(store._engine.url.render_as_string(hide_password=False))
    assert other.resolve_sets(reversed(NAMES)) == first
    other.close()
    specs = {one.spec for one, _ in store.sets()}
    assert {":".join(spec.split(":")[:n]) for spec in specs for n in range(1, 9)} <= specs, "ancestors are sets too"


@pytest.mark.parametrize("name", ["a", "a:b", "x.y_z~(1)!*'-"])
def test_a_legal_name_is_its_own_setspec(store: Store, name: str):
    assert store.resolve_sets([name]) == {name: name}


@given(st.text(min_size=1).map(clean_text).filter(bool))
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_every_slug_is_legal(name: str):
    assert LEGAL.fullmatch(slug(name)), name


def test_settings_name_a_set_before_and_after_it_has_records(store: Store):
    store.resolve_sets(["maps:old"])
    store.declare_sets([Declared("maps", "Maps", "All maps"), Declared("new")])
    store.declare_sets([Declared("maps", "Maps", "All maps"), Declared("new")])
    found = {one.spec: one for one, _ in store.sets()}
    assert found["maps"] == Set("maps", "Maps", "All maps")
    assert found["new"].name == "new"
    assert found["maps:old"].name == "maps:old"


def test_a_set_lies_in_the_set_whose_name_its_own_begins_with(store: Store):
    found = store.resolve_sets(["Prints & drawings"]) | store.resolve_sets(["Prints drawings:etchings"])
    found |= store.resolve_sets(["Prints drawings", "Kärten:Stadt"])
    found |= store.resolve_sets(["Kärten"])
    assert found == {
        "Prints & drawings": "Prints-drawings",
        "Prints drawings": "Prints-drawings-2",
        "Prints drawings:etchings": "Prints-drawings-2:etchings",
        "Kärten": "Karten",
        "Kärten:Stadt": "Karten:Stadt",
    }
    assert {one.spec: one.name for one, _ in store.sets()}["Karten"] == "Kärten"


def test_a_dry_run_tells_the_setspecs_that_names_would_get(store: Store):
    store.resolve_sets(["Prints & drawings"])
    new = ["Prints drawings:etchings", "Prints drawings"]
    foreseen = store.resolve_sets(new, write=False)
    assert {one.spec for one, _ in store.sets()} == {"Prints-drawings"}
    assert store.resolve_sets(new) == foreseen


def test_a_set_that_the_settings_no_longer_name_goes_on_as_it_was(store: Store):
    store.declare_sets([Declared("a", "A", "Of a", tombstones=True)])
    store.declare_sets([])
    [row] = rows(store._engine, "oai_set")
    assert (row.name, row.description, row.tombstones) == ("A", "Of a", True)
    store.declare_sets([Declared("a")])
    assert not rows(store._engine, "oai_set")[0].tombstones
