"""Canonical records as JSON Lines, JSON and YAML: each taken or rejected by itself, with its place."""

import gzip
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import EXAMPLES

from metadata_formats.record import Record, Title, to_yaml
from oai_server.ingest.canonical import CanonicalReader
from oai_server.ingest.files import plain
from oai_server.ingest.reader import Finding, Found, ReaderError, Rejected, Unread


def read(data: bytes, filename: str = "a.jsonl", **profile: object) -> list[Finding]:
    return list(CanonicalReader(profile=profile, profile_name="p.toml").read(io.BytesIO(data), filename))


def line(id_: str) -> bytes:
    return json.dumps({"id": id_, "titles": [{"value": f"Title {id_}"}]}).encode() + b"\n"


def test_a_bad_line_is_rejected_with_its_number_and_the_next_is_read() -> None:
    bad = b'{"id": "2", "titles": [{"value": 7}]}\n'
    found = read(b"\xef\xbb\xbf" + line("1") + b"\n" + bad + b'{"id": "3"\n' + b"\xff\n" + line("6"))
    assert [(type(each), each.where) for each in found] == [
        (Found, "line 1"), (Rejected, "line 3"), (Rejected, "line 4"), (Rejected, "line 5"), (Found, "line 6"),
    ]  # fmt: skip
    assert isinstance(found[1], Rejected)
    assert found[1].key == "2"
    assert "titles[0].value" in found[1].message


def test_a_deletion_is_a_record() -> None:
    (found,) = read(b'{"id": "x", "record": {"status": "deleted"}}')
    assert isinstance(found, Found)
    assert found.record.deleted


def test_a_long_line_is_rejected_and_the_next_is_read() -> None:
    found = read(b'{"id": "' + b"x" * (17 * 1024 * 1024) + b'"}\n' + line("2"))
    assert [(type(each), each.where) for each in found] == [(Rejected, "line 1"), (Found, "line 2")]


def test_a_cut_off_gzip_gives_what_came_before_and_ends() -> None:
    packed = gzip.compress(b"".join(line(str(number)) for number in range(30_000)))
    found = list(CanonicalReader().read(plain(io.BytesIO(packed[: len(packed) // 2])), "a.jsonl"))
    assert len(found) > 1000
    assert all(isinstance(each, Found) for each in found[:-1])
    assert isinstance(found[-1], Rejected)
    assert found[-1].ends


def test_json_is_one_object_or_an_array() -> None:
    assert [type(each) for each in read(line("1"), "a.json")] == [Found]
    found = read(b"[" + line("1") + b', {"id": "2"}, ' + line("3") + b"]", "a.json")
    assert [(type(each), each.where) for each in found] == [(Found, "item 1"), (Rejected, "item 2"), (Found, "item 3")]
    assert isinstance(found[1], Rejected)
    assert found[1].key == "2"


def test_json_lines_under_the_name_json_are_refused_with_advice() -> None:
    (found,) = read(line("1") + line("2"), "a.json")
    assert isinstance(found, Rejected)
    assert ".jsonl" in found.message


def test_yaml_documents_are_taken_by_themselves() -> None:
    data = b"---\nid: a\ntitles: [{value: A}]\n---\nid: b: c\n---\nid: c\ntitles: [{value: C}]\n"
    data += b"dates: [{type: issued, edtf: 1967-06-08}]\n"
    found = read(data, "a.yaml")
    assert [(type(each), each.where) for each in found] == [
        (Found, "document 1"), (Rejected, "document 2"), (Found, "document 3"),
    ]  # fmt: skip
    assert isinstance(found[2], Found)
    assert found[2].record.dates[0].edtf == "1967-06-08"


@pytest.mark.parametrize("data", [b"a: &a [x]\nb: *a\n", b"[" * 100_000, b"id: !!python/object/apply:os.system [true]"])
def test_hostile_yaml_is_refused(data: bytes) -> None:
    (found,) = read(data, "a.yml")
    assert isinstance(found, Rejected)


def test_deep_json_is_refused() -> None:
    (found,) = read(b'{"id":"a","extra":' + b"[" * 200_000, "a.json")
    assert isinstance(found, Rejected)


def test_defaults_of_a_profile_are_laid_under() -> None:
    (found,) = read(
        line("1"),
        defaults={"provider": {"data_provider": "X"}, "media": [{"role": "landing", "url": "http://x.org/{id}"}]},
    )
    assert isinstance(found, Found)
    assert found.record.media[0].url == "http://x.org/1"
    with pytest.raises(ReaderError, match=r"did you mean 'provider'"):
        read(line("1"), defaults={"providr": {}})


def test_the_example_is_a_record() -> None:
    (found,) = read((EXAMPLES / "memorandum.yaml").read_bytes(), "memorandum.yaml")
    assert isinstance(found, Found)
    assert found.record.id == "165251"
    assert not found.record.full_text


@given(st.lists(st.text(min_size=1, alphabet=st.characters(codec="utf-8", exclude_categories=["C"])), min_size=1))
def test_what_is_written_is_read_again(titles: list[str]) -> None:
    record = Record(id="x", titles=[Title(value=title) for title in titles])
    for data, name in (
        (record.to_json(), "a.jsonl"),
        (record.to_json(), "a.json"),
        (to_yaml(record).encode(), "a.yaml"),
    ):
        (found,) = read(data, name)
        assert isinstance(found, Found)
        assert [title.value for title in found.record.titles] == [
            unicodedata.normalize("NFC", title) for title in titles
        ]


ODD = st.text(st.sampled_from('ab :\t\x00\x0b\u0301eé\ufffe\ud800\\"地'), max_size=4)


@given(ODD, st.lists(ODD, max_size=3), st.booleans(), st.sampled_from([{}, {"nonsense": [{}]}, {"titles": 7}]))
def test_what_a_glance_shows_is_what_reading_shows(key: str, sets: list[str], escaped: bool, more: dict[str, object]):
    record = {"titles": [{"value": "T"}], "id": key, "sets": sets, **more}
    data = json.dumps(record, ensure_ascii=escaped).encode(errors="surrogatepass")
    (seen,) = CanonicalReader().skim(io.BytesIO(data), "a.jsonl")
    (found,) = read(data)
    assert seen.key == found.key
    if isinstance(seen, Unread):
        assert seen.read() == found
        assert isinstance(found, Rejected) or (list(seen.sets), seen.where) == (list(found.sets), found.where)
    else:
        assert isinstance(seen, Rejected), "every record can be read elsewhere"


def test_a_glance_passes_what_is_no_line_by_itself() -> None:
    for name, profile in (("a.json", {}), ("a.yaml", {}), ("a.jsonl", {"defaults": {"rights": {"label": "L"}}})):
        reader = CanonicalReader(profile=profile, profile_name="p.toml")
        assert [type(found) for found in reader.skim(io.BytesIO(line("1")), name)] == [Found]


@given(st.binary(), st.sampled_from(["a.jsonl", "a.json", "a.yaml", "-"]))
def test_arbitrary_bytes_never_raise(data: bytes, name: str) -> None:
    assert all(isinstance(each, Found | Rejected) for each in read(data, name))
