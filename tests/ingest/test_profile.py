"""Profiles are checked when they are loaded, and errors name the nearest right key."""

from pathlib import Path

import pytest

from oai_server.ingest import profile as profiles
from oai_server.ingest.reader import ReaderError
from oai_server.ingest.table import Profile, TableReader


def test_a_profile_names_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('\ufeffreader = "table"\nid = "x"\n')
    assert profiles.load(path) == ("table", {"id": "x"})


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a = ", "not TOML"), (b"\xff", "not TOML"), (b"reader = 3", "reader"), (b"#" * 2_000_000, "larger")],
)
def test_a_file_that_is_no_profile(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(content)
    with pytest.raises(ReaderError, match=message):
        profiles.load(path)
    with pytest.raises(ReaderError, match="No such file"):
        profiles.load(tmp_path / "other.toml")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"id": "x", "feilds": []}, "feilds.*did you mean 'fields'"),
        ({"id": 3}, "id"),
        ({}, "id"),
        (
            {"id": "x", "fields": [{"to": "titles", "colum": "a"}]},
            r"fields\[0\].*did you mean 'column'|colum.*'column'",
        ),
        ({"id": "x", "fields": [{"to": "titels", "column": "a"}]}, "did you mean 'titles'"),
        ({"id": "x", "fields": [{"to": "physical.extend", "column": "a"}]}, "did you mean 'extent'"),
        ({"id": "x", "fields": [{"to": "agents", "column": "a", "make": {"nam": "{}"}}]}, "did you mean 'name'"),
        ({"id": "x", "fields": [{"to": "titles", "column": "a", "pattern": "("}]}, "not a regular expression"),
        ({"id": "x", "tables": {"role": {}}, "fields": [{"to": "titles", "column": "a", "table": "roles"}]}, "'role'"),
        ({"id": "x", "fields": [{"to": "titles", "column": "a", "date": True}]}, "only for to = 'dates'"),
        ({"id": "x", "fields": [{"to": "dates", "column": "a", "date": True, "make": "{}"}]}, "date and path"),
        ({"id": "x", "fields": [{"to": "titles", "column": "a", "split": ""}]}, "at least one character"),
        ({"id": "x", "fields": [{"to": "id", "column": "a"}]}, "no 'id'"),
        ({"id": "x", "defaults": {"rigths": {}}}, "did you mean 'rights'"),
        ({"id": "x", "defaults": {"rights": {"uri": "no uri"}}}, "absolute URI"),
        ({"id": "x", "delimiter": ";;"}, "one character"),
        ({"id": "x", "encoding": "utf-9"}, "utf-9"),
    ],
)
def test_a_wrong_key_is_named_with_the_nearest_right_one(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ReaderError, match=message) as caught:
        TableReader(profile=keys, profile_name="museum.toml")
    assert "museum.toml" in str(caught.value)


def test_defaults_fill_up_and_never_overwrite() -> None:
    defaults = profiles.Defaults(
        {
            "rights": {"uri": "http://x.org/r", "holder": "H"},
            "sets": ["all"],
            "identifiers": [{"value": "http://x.org/{id}"}],
            "resource_type": "text",
        },
        "p.toml",
    )
    record = {"id": "7", "rights": {"holder": "own"}, "sets": ["own"], "identifiers": [{"value": "7"}]}
    defaults.under(record)
    assert record == {
        "id": "7",
        "rights": {"uri": "http://x.org/r", "holder": "own"},
        "sets": ["own", "all"],
        "identifiers": [{"value": "http://x.org/7"}, {"value": "7"}],
        "resource_type": "text",
    }
    second = {"id": "8"}
    defaults.under(second)
    assert second["sets"] == ["all"]  # type: ignore[comparison-overlap]


def test_a_checked_profile_is_of_its_shape() -> None:
    assert profiles.checked({"id": "x"}, Profile, "p.toml").id == "x"


def test_nearest_is_nothing_where_nothing_is_near() -> None:
    assert profiles.nearest("zzz", ["title"]) == ""
    assert profiles.nearest("TITEL", ["Title", "id"]) == ", did you mean 'Title'?"
