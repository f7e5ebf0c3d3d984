"""Files of XML are cut into records whatever stands in them: a broken one costs itself alone, memory is bounded."""

import io
import tracemalloc
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from oai_server.ingest import xml_records
from oai_server.ingest.files import LONGEST_RECORD, BrokenFile
from oai_server.ingest.reader import Remark


def cut(data: bytes, nested_in: str = "ext") -> list[str]:
    """Return what each piece is: the text of its element, or behind a minus sign its problem."""
    return list(told(io.BufferedReader(io.BytesIO(data)), nested_in))


def told(stream: io.BufferedReader, nested_in: str = "ext") -> Iterator[str]:
    for piece in xml_records.pieces(xml_records.opened(stream), "r", nested_in):
        try:
            if piece.problem:
                raise xml_records.BrokenElement(piece.problem)
            yield "".join(map(str, xml_records.parsed(piece, []).itertext()))
        except xml_records.BrokenElement as error:
            yield f"-{error}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("<r>1</r>", ["1"]),
        ("<r/>", [""]),
        ("<a><r>1</r><r a='>'/>\n<r>2</r ></a>", ["1", "", "2"]),
        ("<a><b><r>1</r></b><b><c/><r>2</r></b></a>", ["1", "2"]),
        ("<a><rr><r>1</r></rr><r.x/></a>", ["1"]),
        ("\ufeff<?xml version='1.0'?><!-- <r> --><a><r>1</r></a>", ["1"]),
        ("<a><!-- <r>0</r> --><r>1<!-- </r> --></r><?p <r> ?><r><![CDATA[</r><r>]]></r></a>", ["1", "</r><r>"]),
        ("<!DOCTYPE a SYSTEM 'a.dtd'><a><r>1</r></a>", ["1"]),
        ("<!DOCTYPE a PUBLIC '-//A//B' 'http://127.0.0.1:9/a.dtd'><a><r>1&x;</r></a>", ["1&x;"]),
        ("<a/>", []),
        ("<a></a>", []),
    ],
)
def test_elements_are_found_wherever_they_stand(data: str, expected: list[str]) -> None:
    assert cut(data.encode()) == expected
    assert cut(data.encode("utf-16")) == expected


@pytest.mark.parametrize(
    ("middle", "expected"),
    [
        ("<r>2", ["-its end tag is missing"]),
        ("<r>2<!-- </r>", ["-not well-formed XML"]),
        ("<r>2<![CDATA[ </r>", ["-not well-formed XML"]),
        ("2</b></r>", ["-its start tag is missing"]),
        ("<r>2<b></r>", ["-not well-formed XML"]),
        ("<r><r></r>", ["-its end tag is missing", ""]),
        ("<r><r/>", ["-its end tag is missing", ""]),
        ("<r>2 & 2 \x08&#0;&#x1f;</r>", ["2 & 2 "]),
        ("<r>" + "<b>" * 100_000 + "</r>", ["-not well-formed XML"]),
        ("<r>" + "<b>" * 300 + "</b>" * 300 + "</r>", ["-not well-formed XML"]),
        ("<r>" + "x" * 10_000_001 + "</r>", ["-not well-formed XML"]),
        ("<r>" + "x" * (LONGEST_RECORD + 100_000) + "</r>", ["-longer than 16 MiB"]),
        ("<b><c><d>", []),
        ("<b a=<c '></c>", []),
    ],
)
def test_what_is_broken_costs_itself_alone(middle: str, expected: list[str]) -> None:
    found = cut(f"<a><r>1</r>{middle}<r>3</r></a>".encode())
    assert [each.partition(":")[0] for each in found] == ["1", *expected, "3"]


def test_a_record_may_hold_others_where_the_format_lets_it() -> None:
    inner = "<ext><r>2<ext><r>3</r></ext></r><r/></ext>"
    assert cut(f"<a><r>1{inner}</r><r>4</r></a>".encode()) == ["123", "4"]
    assert cut(f"<a><r>1{inner}</r></a>".encode(), nested_in="")[0] == "-its end tag is missing"
    # Where the holder has no end nothing is nested after all.
    assert cut(b"<a><r>1<ext><r>2</r><r>3</r><r>4</r></a>") == ["-its end tag is missing", "2", "3", "4"]
    assert cut(b"<a><r>1<ext></r><r>2</r></a>")[1:] == ["2"]


def test_namespaces_declared_outside_are_known_inside() -> None:
    data = b"""<a xmlns="urn:a" xmlns:p="urn:p"><b xmlns:p='urn:q'><p:r/></b><p:r/><r/><c xmlns:d="urn:d">"""
    found = [xml_records.parsed(piece, []).tag for piece in xml_records.pieces(io.BytesIO(data), "r") if piece.data]
    assert found == ["{urn:q}r", "{urn:p}r", "{urn:a}r"]


def test_encodings_are_those_declared_and_wrong_ones_are_remarked_on() -> None:
    latin = '<?xml version="1.0" encoding="ISO-8859-1"?><r>René</r>'
    assert cut(latin.encode("latin-1")) == ["René"]
    assert cut(b'<?xml version="1.0" encoding="utf-16"?><r>Ren\xc3\xa9</r>') == ["René"]
    remarks: list[Remark] = []
    (piece,) = xml_records.pieces(io.BytesIO("<r>René</r>".encode("cp1252")), "r")
    assert xml_records.parsed(piece, remarks).text == "René"
    assert [remark.kind for remark in remarks] == ["encoding"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not XML"),
        (b"plain words", "not XML"),
        (b'<?xml version="1.0" encoding="klingon"?><r/>', "klingon"),
        (b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a><r>&c;</r></a>', "document type"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a><r>&b;</r></a>', "document type"),
        (b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:9/x"> %b;]><a><r/></a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "x" [<!ENTITY b "<a>">]><a><r>&b;</r></a>', "document type"),
        (b"<a>" * 100_000, "inside one another"),
    ],
)
def test_what_is_refused_whole(data: bytes, message: str) -> None:
    with pytest.raises(BrokenFile, match=message):
        cut(data)


@pytest.mark.parametrize(
    ("data", "ends"),
    [
        (b"<a><r>1</r><r>2", "in this record"),
        (b"<a><r>1</r><r>2<ext><r>3</r>", "around its records"),
        (b"<a><r>1</r>", "around its records"),
        (b"<a><r>1</r><r", "around its records"),
        (b"<a><r>1</r><!-- <r>2</r></a>", ""),
    ],
)
def test_a_file_that_is_cut_off_says_so(data: bytes, ends: str) -> None:
    found = list(xml_records.pieces(io.BytesIO(data), "r", "ext"))
    assert found[0].data == b"<r>1</r>"
    assert [each.problem for each in found if each.ends] == ([f"the file is cut off: the end tag {ends} is missing"]
        if ends.startswith("around") else [f"the file is cut off {ends}"] if ends else [])  # fmt: skip


class Breaking(io.RawIOBase):
    """A stream that gives one piece and then breaks."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._data:
            raise BrokenFile("damaged")
        buffer[: len(self._data)], count = self._data, len(self._data)
        self._data = b""
        return count


def test_a_stream_that_breaks_gives_all_that_came_before() -> None:
    found = []
    with pytest.raises(BrokenFile, match="damaged"):
        found.extend(told(io.BufferedReader(Breaking(b"<a><r>1</r><r>2</r>"), 65536)))
    stream = told(io.BufferedReader(Breaking(b"<a><r>1</r><r>2</r>"), 65536))
    assert [next(stream), next(stream)] == ["1", "2"]


class Endless(io.RawIOBase):
    """A stream of pieces, made as they are read."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._rest or next(self._parts, b"")
        count = min(len(buffer), len(data))
        buffer[:count], self._rest = data[:count], data[count:]
        return count


def streams() -> dict[str, tuple[int, Iterator[bytes]]]:
    """Return streams, most of 40 MB and more, and how many bytes may be held of each."""
    filling, most = b"x" * 100_000, 5 * LONGEST_RECORD
    records = b"<r>" + b"x" * 900 + b"</r>"
    return {
        "records": (1_000_000, chain([b"<a>"], repeat(records * 100, 200))),
        "text without a record": (1_000_000, chain([b"<a>"], repeat(filling, 500))),
        "elements without a record": (1_000_000, chain([b"<a>"], repeat(b"<b>" + b"x" * 1000 + b"</b>", 10_000))),
        "comments without a record": (1_000_000, chain([b"<a>"], repeat(b"<!-- " + b"x" * 1000 + b" -->", 10_000))),
        "a record without end": (most, chain([b"<a><r>"], repeat(filling, 500))),
        "a comment without end": (most, chain([b"<a><!--"], repeat(records * 1000, 20))),
        "comments in a record": (most, chain([b"<a><r>"], repeat(b"x" * 1000 + b"<!---->", 40_000))),
        "an attribute without end": (most, chain([b"<a><r b='"], repeat(filling, 500))),
        "records without ends": (most, chain([b"<a>"], repeat(b"<r><ext>" + b"x" * 1000, 20_000))),
    }


@pytest.mark.parametrize("name", streams())
def test_memory_does_not_grow_with_the_file(name: str) -> None:
    most, parts = streams()[name]
    tracemalloc.start()
    try:
        for _ in xml_records.pieces(io.BufferedReader(Endless(parts), 65536), "r", "ext"):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most


@pytest.mark.parametrize(
    "data",
    [
        b"</r" + b" " * 2_000_000,
        b"<!--" * 500_000,
        b"<![CDATA[" * 200_000,
        b"<r" + b"a:" * 1_000_000,
        b"<r>" * 500_000,
        b"<r><ext>" * 200_000,
        b"<b a='" * 200_000,
        b"<r>" + b"<!-- -->" * 200_000,
    ],
)
def test_what_is_made_to_be_slow_is_not(data: bytes) -> None:
    """Quadratic time would be hours here; linear time is a moment."""
    assert cut(b"<a><r>1</r>" + data)[0] == "1"


# What files are made of.
_PARTS = (
    "<a>", "</a>", "<r>", "</r>", "<r/>", "<ext>", "</ext>", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "&", "1",
    "'", '<b c="',
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(_PARTS), max_size=40).map("".join))
def test_any_mixture_is_cut_and_whole_records_before_it_are_found(text: str) -> None:
    found = cut(f"<a><r>first</r>{text}".encode())
    assert found[0] == "first"


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_cut_or_refused(data: bytes) -> None:
    for head in (b"<a>", b"", b"\xff\xfe"):
        try:
            cut(head + data)
        except BrokenFile as error:
            assert "\n" not in str(error)  # noqa: PT017


@settings(deadline=None)
@given(
    st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20), max_size=5)
)
def test_records_come_out_as_they_were_put_in(texts: list[str]) -> None:
    root = etree.Element("a")
    for text in texts:
        etree.SubElement(root, "r").text = text
    assert cut(etree.tostring(root, encoding="utf-8")) == texts
    assert cut(etree.tostring(root, encoding="utf-16")) == texts
