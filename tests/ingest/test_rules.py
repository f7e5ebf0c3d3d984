"""Rules of sets: an expression over the record says what belongs, and a mistake shows before any record is read."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata_formats import record as model
from oai_server.ingest.rules import RuleError, Rules

MAP = model.from_builtins(
    {
        "id": "m1",
        "titles": [{"value": "Map of Sofia"}],
        "resource_type": "cartographic",
        "dates": [{"type": "created", "edtf": "185X"}, {"type": "issued", "edtf": "1901-02"}],
        "subjects": [{"type": "place", "label": "Sofia"}],
        "languages": [{"code": "bul"}],
        "rights": {"uri": "http://rightsstatements.org/vocab/InC/1.0/"},
        "sets": ["sheets"],
        "extra": {"museum": {"floor": 0}},
    }
)
BARE = model.from_builtins({"id": "b1", "titles": [{"value": "Untitled"}]})

# Each with what it says of the map and of a record that has nothing.
EXPRESSIONS = {
    "resource_type == 'cartographic'": (True, False),
    "resource_type != 'cartographic'": (False, True),
    "contains(subjects[].label, 'Sofia')": (True, False),
    "contains(titles[0].value, 'Map')": (True, False),
    "languages[?code=='bul']": (True, False),
    "starts_with(rights.uri, 'http://rightsstatements.org/') || resource_type == 'text'": (True, False),
    "ends_with(holding.shelfmark, 'x') || resource_type == 'cartographic'": (True, False),
    "contains(holding.hierarchy[].level, 'fonds')": (False, False),
    "dates[?type=='created' && year(edtf) < `1900`]": (True, False),
    "dates[?type=='created' && year(edtf) > `1900`]": (False, False),
    "year(dates[?type=='issued'] | [0].edtf) == `1901`": (True, False),
    "!rights": (False, True),
    "length(media) == `0`": (True, True),
    "length(holding.hierarchy) > `0`": (False, False),
    "contains(sets, 'sheets')": (True, False),
    "extra.museum.floor": (True, False),  # zero is something
    "extra.museum": (True, False),
    "`false`": (False, False),
    "collection": (False, False),
}


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_a_rule_takes_in_what_it_finds_something_in(where: str):
    rules = Rules({"a:b": where})
    assert tuple(rules.sets(record) == ({"a:b"}, []) for record in (MAP, BARE)) == EXPRESSIONS[where]


WRONG = {
    "resource_typ == 'text'": r'^\[sets\."s"\] where: no record has a field .resource_typ.; did you mean',
    'resource_type == "text_"': "no record has a field 'text_'",
    "titles[": "where: .*xpression",
    "": "where: ",
    "matches(titles[0].value, 'x')": r"there is no function matches\(\)",
    "((((" * 3000: "where: ",
}


@pytest.mark.parametrize("where", WRONG, ids=lambda text: text[:20])
def test_a_rule_that_is_none_is_refused_by_name(where: str):
    with pytest.raises(RuleError, match=WRONG[where]) as refused:
        Rules({"s": where})
    assert "\n" not in str(refused.value)


def test_a_rule_that_fails_with_one_record_says_so_and_leaves_it_out():
    found, failures = Rules({"s": "abs(titles[0].value) > `1`", "t": "id == 'm1'"}).sets(MAP)
    assert found == {"t"}
    assert len(failures) == 1
    assert failures[0].startswith("s: ")


def test_the_fingerprint_changes_with_the_rules_and_with_nothing_else():
    one = Rules({"a": "id == 'x'", "b": "id == 'y'"})
    assert one.fingerprint == Rules({"b": "id == 'y'", "a": "id == 'x'"}).fingerprint
    others = [Rules({"a": "id == 'x'"}), Rules({"a": "id == 'x'", "c": "id == 'y'"}), Rules({})]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert Rules({}).fingerprint == ""


NAMES = sorted({field.name for field in msgspec.structs.fields(model.Record)})
WORDS = st.sampled_from([*NAMES, "'x'", "`1`", "@", "[]", "[0]", "[?@]", "|", "||", "&&", "!", "==", "<", ".", "(", ")",
                         "contains(", "length(", "year(", "keys(", "sort_by(", "&", ",", "*", "{a:", "}"])  # fmt: skip


@given(st.lists(WORDS, max_size=8).map(" ".join) | st.text(max_size=30))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_rule_or_is_refused(text: str):
    try:
        rules = Rules({"s": text})
    except RuleError:
        return
    for record in (MAP, BARE):
        found, failures = rules.sets(record)
        assert not (found and failures)


def test_an_expression_that_stumbles_over_a_number_fails_with_that_record_alone():
    endless = model.from_builtins({"id": "1", "titles": [{"value": "T"}], "extra": {"pages": "1e999"}})
    sets, failures = Rules({"s": "floor(to_number(extra.pages)) > `3`", "t": "titles"}).sets(endless)
    assert sets == {"t"}
    assert failures == ["s: cannot convert float infinity to integer"]
