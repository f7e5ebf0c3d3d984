"""Files of DataCite's JSON come in however they were saved, and are not taken for canonical records."""

import io
import json
import tracemalloc
from typing import Any

import pytest

from oai_server.ingest import readers
from oai_server.ingest.canonical import CanonicalReader
from oai_server.ingest.datacite import DataciteReader
from oai_server.ingest.files import LONGEST_RECORD, plain
from oai_server.ingest.reader import Found, ReaderError, Rejected


def attributes(number: int, **more: Any) -> dict[str, Any]:
    return {"doi": f"10.5072/A{number}", "titles": [{"title": f"Title {number}"}], "creators": [{"name": "N"}]} | more


def data(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"10.5072/a{number}", "type": "dois", "attributes": attributes(number, **more)}


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def read(content: bytes, filename: str = "a.json", **profile: Any) -> list[Found | Rejected]:
    return list(DataciteReader(profile=profile, profile_name="p.toml").read(plain(io.BytesIO(content)), filename))


def keys(findings: list[Found | Rejected]) -> list[str]:
    """Return the ids of records and, behind a minus sign, of rejections."""
    return [each.record.id if isinstance(each, Found) else f"-{each.key or ''}" for each in findings]


SHAPES = {
    "an answer with a list": text({"data": [data(1), data(2)], "meta": {"total": 2}}),
    "an answer with one": text({"data": data(1)}),
    "a list": text([data(1), attributes(2)]),
    "one": text(data(1)),
    "bare": text(attributes(1)),
    "indented": json.dumps({"data": [data(1), data(2)]}, indent=2).encode(),
    "with a byte order mark": b"\xef\xbb\xbf" + text([data(1)]),
    "lines": text(data(1)) + b"\n\n" + text(attributes(2)) + b"\n",
    "lines of answers": text({"data": [data(1)]}) + b"\n" + text({"data": [data(2)]}),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("filename", ["a.json", "-", "a.jsonl"])
def test_every_shape_is_read_and_recognised(shape: str, filename: str) -> None:
    content = SHAPES[shape]
    if shape == "indented" and filename == "a.jsonl":
        return
    expected = [f"10.5072/a{number}" for number in (1, 2) if f"A{number}".encode() in content]
    assert keys(read(content, filename)) == expected
    assert readers.choose(None, filename, content) is DataciteReader
    assert not CanonicalReader.recognises(filename, content)


@pytest.mark.parametrize(
    "content",
    [
        b'{"id": "1", "titles": [{"value": "T"}], "identifiers": [{"type": "doi", "value": "10.5072/1"}]}',
        text({"id": "1", "titles": [{"value": '{"doi": "10.5072/1", "creators": []}'}]}),
        b'{"id": "10.5072/1", "titles": []}',
        b"[]",
        b"{",
    ],
)
def test_canonical_records_are_not_taken(content: bytes) -> None:
    assert not DataciteReader.recognises("a.json", content)
    assert readers.choose(None, "a.json", content) is CanonicalReader


def test_a_withdrawn_doi_withdraws_its_item() -> None:
    states = "findable", "registered", "draft"
    listed = [data(number, state=state) for number, state in enumerate(states, 1)]
    found = read(text(listed), defaults={"sets": ["a"]})
    assert [each.record.deleted for each in found if isinstance(each, Found)] == [False, True, True]
    assert [each.record.sets for each in found if isinstance(each, Found)] == [["a"], [], []]


def test_a_bad_one_costs_itself_alone_and_says_where_it_stood() -> None:
    clients = {"id": "x", "type": "clients", "attributes": {"name": "N"}}
    found = read(text([data(1), {"titles": []}, 7, clients, data(2, titles=[]), data(3)]))
    assert keys(found) == ["10.5072/a1", "-", "-", "-", "-10.5072/a2", "10.5072/a3"]
    assert [f"{each.where}: {each.message}" for each in found if isinstance(each, Rejected)] == [
        "item 2: no DOI",
        "item 3: not an object of DataCite",
        "item 4: not a DOI, but one of the clients of DataCite",
        "item 5: a record needs a main title",
    ]
    lines = [text(data(1)), b'{"doi": ', text([data(2), 7]), b"x" * (LONGEST_RECORD + 1), text(data(3))]
    found = read(b"\n".join(lines))
    assert keys(found) == ["10.5072/a1", "-", "10.5072/a2", "-", "-", "10.5072/a3"]
    wheres = [each.where for each in found]
    assert wheres == ["line 1", "line 2", "line 3, item 1", "line 3, item 2", "line 4", "line 5"]
    assert not any(each.ends for each in found if isinstance(each, Rejected))


@pytest.mark.parametrize("content", [b"{", b"words", b'{"data": [', b"[" * 100_000, b'{"a": "\xff"}'])
def test_a_document_that_is_no_json_ends_its_file(content: bytes) -> None:
    (rejected,) = read(content)
    assert isinstance(rejected, Rejected)
    assert rejected.ends
    assert rejected.message.startswith("not JSON")


def test_what_is_left_out_is_remarked() -> None:
    (found,) = read(text(data(1, language="words")))
    assert isinstance(found, Found)
    assert [(each.kind, each.path, each.value) for each in found.remarks] == [
        ("language not read", "language", "words")
    ]


def test_a_profile_has_defaults_and_nothing_else() -> None:
    (found,) = read(text(data(1)), defaults={"provider": {"data_provider": "Us"}})
    assert isinstance(found, Found)
    assert found.record.provider is not None
    with pytest.raises(ReaderError, match="did you mean 'defaults'"):
        read(b"", default={})


def test_lines_are_read_one_at_a_time() -> None:
    class Endless(io.RawIOBase):
        line = text(data(1, descriptions=[{"description": "words " * 1000}])) + b"\n"
        left, rest = 3000, b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any, /) -> int:
            if not self.rest and self.left:
                self.left, self.rest = self.left - 1, self.line
            size = min(len(buffer), len(self.rest))
            buffer[:size], self.rest = self.rest[:size], self.rest[size:]
            return size

    tracemalloc.start()
    try:
        found = DataciteReader().read(io.BufferedReader(Endless(), 65536), "a.json")
        assert sum(isinstance(each, Found) for each in found) == 3000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
