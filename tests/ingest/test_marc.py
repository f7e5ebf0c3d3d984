"""Records of MARC come in as they are sent: with wrong lengths, lying leaders, broken neighbours, in odd encodings."""

import gzip
import io
import re
import tracemalloc
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain, repeat
from typing import Any

import places
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymarc import MARCReader, record_to_xml
from validation import assert_valid

from metadata_formats import registry
from metadata_formats.marc21 import Marc21
from metadata_formats.mods import Mods
from metadata_formats.oai_dc import OaiDc
from oai_server.ingest.files import LONGEST_RECORD, plain
from oai_server.ingest.marc import MarcReader
from oai_server.ingest.reader import Found, ReaderError, Rejected

LEADER = "00000nam a2200000 a 4500"


def binary(*fields: tuple[str, bytes], leader: str = LEADER) -> bytes:
    """Make a record of tags and raw fields, with right lengths."""
    directory, data = b"", b""
    for tag, raw in fields:
        directory += f"{tag}{len(raw) + 1:04}{len(data):05}".encode()
        data += raw + b"\x1e"
    base = 24 + len(directory) + 1
    head = f"{min(base + len(data) + 1, 99999):05}{leader[5:12]}{base:05}{leader[17:]}".encode()
    return head + directory + b"\x1e" + data + b"\x1d"


def item(number: int | str, title: bytes = b"A title", *more: tuple[str, bytes], leader: str = LEADER) -> bytes:
    return binary(("001", str(number).encode()), ("245", b"00\x1fa" + title), *more, leader=leader)


def read(data: bytes, filename: str = "a.mrc", **profile: Any) -> list[Found | Rejected]:
    return list(MarcReader(profile=profile, profile_name="p.toml").read(plain(io.BytesIO(data)), filename))


def keys(findings: Iterable[Found | Rejected]) -> list[str | None]:
    """Return the ids of records and, behind a minus sign, of rejections."""
    return [each.record.id if isinstance(each, Found) else f"-{each.key or ''}" for each in findings]


def one(data: bytes, filename: str = "a.mrc", **profile: Any) -> Found:
    (found,) = read(data, filename, **profile)
    assert isinstance(found, Found), found
    return found


def remarks(found: Found) -> list[str]:
    return [remark.kind for remark in found.remarks]


@cache
def exported() -> bytes:
    return gzip.decompress((places.data() / "marc" / "bu_bibs.mrc.gz").read_bytes())


# A real export.


def test_a_real_export_comes_in_but_for_what_is_torn_apart() -> None:
    findings = read(exported())
    found = [each for each in findings if isinstance(each, Found)]
    assert len(findings) == 100
    assert len(found) == 97
    assert [each.message.partition(":")[0] for each in findings if isinstance(each, Rejected)] == [
        "its fields are torn apart"
    ] * 3
    assert all(each.key for each in findings if isinstance(each, Rejected))
    assert sum("wrong field lengths" in remarks(each) for each in found) == 13


def test_a_real_export_gives_at_least_what_the_library_for_marc_can_decode() -> None:
    parts = [part + b"\x1d" for part in exported().split(b"\x1d")[:-1]]
    decodable = {
        record["001"].data.strip()
        for part in parts
        for record in MARCReader(io.BytesIO(b"%05d" % len(part) + part[5:]), force_utf8=True)
        if record is not None
    }
    assert len(decodable) == 96
    assert decodable <= set(keys(read(exported())))


def test_no_text_of_a_real_export_is_damaged() -> None:
    for found in read(exported()):
        if isinstance(found, Found):
            text = found.record.to_json().decode()
            assert not re.search("[\u0080-\u009f\ufffd]|\u00c3[\u0080-\u00bf]", text), found.record.titles
            assert "\x1f" not in text


@pytest.mark.parametrize("format_", [OaiDc(), Mods(), Marc21()], ids=lambda each: each.prefix)
def test_every_record_of_a_real_export_is_valid_in_every_format(format_: registry.Format) -> None:
    for found in read(exported()):
        if isinstance(found, Found):
            document = registry.rendition(format_, found.record, registry.Context())
            assert document is not None
            assert_valid(document)


def test_a_real_export_comes_through_marcxml_and_is_then_the_same() -> None:
    """What was read, rendered and read again is a fixed point: nothing gets lost by going round."""
    first = [each.record for each in read(exported()) if isinstance(each, Found)]
    documents = [registry.rendition(Marc21(), each, registry.Context()) or b"" for each in first]
    second = [one(each, "a.xml").record for each in documents]
    assert [registry.rendition(Marc21(), each, registry.Context()) for each in second] == documents
    assert [each.id for each in second] == [each.id for each in first]


# Who it is, and what becomes of it.


def test_a_file_is_known_by_its_ending_or_its_content() -> None:
    xml = b'\xef\xbb\xbf<?xml version="1.0"?><!-- <a> --><m:collection xmlns:m="http://www.loc.gov/MARC21/slim">'
    assert MarcReader.recognises("a.mrc", b"")
    assert MarcReader.recognises("a.marcxml", b"")
    assert MarcReader.recognises("-", item(1))
    assert MarcReader.recognises("a.xml", xml)
    assert not MarcReader.recognises("a.xml", b'<mods xmlns="http://www.loc.gov/mods/v3"/>')
    assert not MarcReader.recognises("a.xml", b'<OAI-PMH><record xmlns="http://www.loc.gov/MARC21/slim">')
    assert not MarcReader.recognises("a.csv", b"id,title")


def test_the_identifier_is_001_or_what_the_profile_names() -> None:
    data = binary(("001", b" 1 "), ("003", b"DLC"), ("035", b"  \x1fa(X)9"), ("245", b"00\x1faT"))
    assert one(data).record.id == "1"
    assert one(data, id="035$a").record.id == "(X)9"
    assert one(data, scoped=True).record.id == "(DLC)1"
    assert one(data).record.record.identifier_source == "DLC"
    nameless = binary(("035", b"  \x1fa(X)9"), ("245", b"00\x1faT"))
    assert (one(nameless).record.id, remarks(one(nameless))) == ("(X)9", ["no field 001"])
    (rejected,) = read(binary(("245", b"00\x1faT")))
    assert isinstance(rejected, Rejected)
    assert "no identifier" in rejected.message


def test_a_deleted_record_withdraws_its_item() -> None:
    found = one(item(7, leader="00000dam a2200000 a 4500"))
    assert (found.record.id, found.record.deleted) == ("7", True)


@pytest.mark.parametrize(("kind", "words"), [("z", "authority"), ("x", "holdings"), ("w", "classification")])
def test_what_describes_no_item_is_rejected_by_name(kind: str, words: str) -> None:
    (rejected,) = read(item(7, leader=f"00000n{kind}m a2200000 a 4500"))
    assert isinstance(rejected, Rejected)
    assert words in rejected.message
    assert rejected.key == "7"


def test_a_record_without_a_title_is_rejected_with_its_id() -> None:
    assert keys(read(binary(("001", b"7"), ("100", b"1 \x1faDoe")))) == ["-7"]


def test_defaults_and_fields_to_ignore() -> None:
    data = item(7, b"T", ("907", b"  \x1fax"), ("590", b"  \x1fay"))
    assert remarks(one(data)) == ["field not carried", "field not carried"]
    found = one(data, ignore=["9", "59"], defaults={"media": [{"role": "landing", "url": "https://example.org/{id}"}]})
    assert remarks(found) == []
    assert found.record.media[0].url == "https://example.org/7"


@pytest.mark.parametrize(
    ("profile", "message"),
    [({"id": "title"}, "035.a"), ({"encoding": "klingon"}, "klingon"), ({"encodign": "utf-8"}, "encoding"),
     ({"defaults": {"titel": 1}}, "titel")],
)  # fmt: skip
def test_a_profile_that_cannot_be_used_is_refused(profile: dict[str, Any], message: str) -> None:
    with pytest.raises(ReaderError, match=message):
        MarcReader(profile=profile, profile_name="p.toml")


# Encodings.

ACUTE = "Pétain"
SPELLINGS = {
    "UTF-8 as the leader says": (ACUTE.encode(), "a", []),
    "UTF-8, composed otherwise": ("Pe\u0301tain".encode(), "a", []),
    "UTF-8, but the leader says MARC-8": (ACUTE.encode(), " ", ["encoding"]),
    "MARC-8": (b"P\xe2etain", " ", []),
    "Windows-1252, but the leader says UTF-8": (ACUTE.encode("cp1252"), "a", ["encoding"]),
    "UTF-8 twice": (ACUTE.encode().decode("latin-1").encode(), "a", ["encoded twice"]),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_text_is_what_its_bytes_are_whatever_the_leader_says(name: str) -> None:
    raw, coding, kinds = SPELLINGS[name]
    other = (
        ("500", "  \x1fa\u0105 à".encode().decode("latin-1").encode())
        if name == "UTF-8 twice"
        else ("500", b"  \x1fax")
    )
    found = one(item(1, raw, other, leader=LEADER[:9] + coding + LEADER[10:]))
    assert found.record.titles[0].value == ACUTE
    assert remarks(found) == kinds


def test_marc_8_changes_its_alphabet_by_escape_sequences() -> None:
    found = one(item(1, b"\x1b(NsOLOWEJ\x1b(B = x", leader="00000nam  2200000 a 4500"))
    assert found.record.titles[0].value == "Соловей = x"


def test_the_encoding_may_be_named() -> None:
    assert one(item(1, "Жук".encode("cp1251")), encoding="cp1251").record.titles[0].value == "Жук"
    assert one(item(1, b"P\xe2etain"), encoding="marc-8").record.titles[0].value == ACUTE


def test_letters_that_only_look_encoded_twice_are_left_alone() -> None:
    found = one(item(1, "»SAMSØ« et «DÉCLARÉ»".encode()))
    assert (found.record.titles[0].value, remarks(found)) == ("»SAMSØ« et «DÉCLARÉ»", [])


# Broken records, and the good ones beside them.

MIDDLE = item(2, b"The middle", ("500", b"  \x1faA note"))
BROKEN = {
    "wrong length": (b"99999" + MIDDLE[5:], ["1", "2", "3"]),
    "length of letters": (b"abcde" + MIDDLE[5:], ["1", "2", "3"]),
    "wrong base address": (MIDDLE[:12] + b"00001" + MIDDLE[17:], ["1", "2", "3"]),
    "fields that are longer than the directory says": (MIDDLE.replace(b"middle", b"mid-middle"), ["1", "2", "3"]),
    "no terminator": (MIDDLE[:-1], ["1", "2", "3"]),
    "cut off": (MIDDLE[:-10], ["1", "-2", "3"]),
    "cut off in the directory": (MIDDLE[:40], ["1", "-", "3"]),
    "nothing but a leader": (MIDDLE[:24] + b"\x1d", ["1", "-", "3"]),
    "letters in the directory": (MIDDLE.replace(b"245", b"2 5"), ["1", "-2", "3"]),
    "a field too many": (MIDDLE.replace(b"A note", b"A \x1e note"), ["1", "-2", "3"]),
    "something else": (b"Dear reader,\x1d", ["1", "-", "3"]),
    "line ends and padding": (b"\r\n" + MIDDLE + b"\r\n\0\0", ["1", "2", "3"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_costs_itself_alone(name: str) -> None:
    middle, expected = BROKEN[name]
    findings = read(item(1) + middle + item(3))
    assert keys(findings) == expected
    assert not any(each.ends for each in findings if isinstance(each, Rejected))
    for found in findings:
        if isinstance(found, Found) and found.record.id == "2":
            assert found.record.titles[0].value in ("The middle", "The mid-middle")


def test_a_directory_may_have_the_fields_in_another_order() -> None:
    data = binary(("245", b"00\x1faT"), ("001", b"7"))
    directory = data[24:48]
    found = one(data.replace(directory, directory[12:] + directory[:12]))
    assert (found.record.id, found.record.titles[0].value, remarks(found)) == ("7", "T", [])


@pytest.mark.parametrize("cut", [1, 2, 5, 50])
def test_a_file_that_is_cut_off_says_so(cut: int) -> None:
    findings = read((item(1) + MIDDLE)[:-cut])
    last = findings[-1]
    if cut == 1:
        assert keys(findings) == ["1", "2"]  # the last field is whole
    else:
        assert isinstance(last, Rejected)
        assert last.ends
        assert keys(findings)[0] == "1"


def test_a_damaged_gzip_ends_the_file() -> None:
    packed = gzip.compress(b"".join(item(number) for number in range(5000)))
    findings = read(packed[: len(packed) // 2])
    assert isinstance(findings[-1], Rejected)
    assert findings[-1].ends
    assert "cut off" in findings[-1].message
    assert len(findings) > 100


def test_a_record_without_end_is_told_once_and_the_next_one_found() -> None:
    endless = MIDDLE[:-1] + b"x" * (LONGEST_RECORD + 300_000)
    assert keys(read(item(1) + endless + item(3) + item(4))) == ["1", "-2", "3", "4"]


def test_a_record_longer_than_its_length_can_say_is_read() -> None:
    notes = [("500", b"  \x1fa" + bytes([97 + number]) * 8000) for number in range(13)]
    long = item(1, b"T", *notes)
    assert len(long) > 99_999
    assert len(one(long).record.notes) == 13


def test_an_empty_file_is_no_file_of_marc() -> None:
    for data in (b"", b"\n\n", b'<collection xmlns="http://www.loc.gov/MARC21/slim"/>'):
        (rejected,) = read(data)
        assert isinstance(rejected, Rejected)
        assert rejected.ends


# XML.

SLIM = 'xmlns="http://www.loc.gov/MARC21/slim"'


def element(number: int | str, title: str = "A title", more: str = "", prefix: str = "") -> str:
    p = prefix
    return (
        f"<{p}record><{p}leader>{LEADER}</{p}leader><{p}controlfield tag='001'>{number}</{p}controlfield>"
        f"<{p}datafield tag='245' ind1='0' ind2='0'><{p}subfield code='a'>{title}</{p}subfield></{p}datafield>"
        f"{more}</{p}record>"
    )


def collection(*records: str, root: str = SLIM, head: str = "") -> bytes:
    return f"{head}<collection {root}>{''.join(records)}</collection>".encode()


def test_records_of_a_collection_with_and_without_a_prefix() -> None:
    assert keys(read(collection(element(1), "\n", element(2)))) == ["1", "2"]
    prefixed = f"<m:collection {SLIM.replace('xmlns', 'xmlns:m')}>{element(1, prefix='m:')}</m:collection>"
    assert keys(read(prefixed.encode())) == ["1"]
    assert keys(read(collection(element(1), root=""))) == ["1"]
    assert keys(read(element(1).replace("<record", f"<record {SLIM}").encode())) == ["1"]
    assert keys(read(b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>" + collection(element(1)))) == ["1"]


def test_a_record_of_another_namespace_is_rejected() -> None:
    (rejected,) = read(collection(element(1), root='xmlns="urn:other"'))
    assert isinstance(rejected, Rejected)
    assert "namespace" in rejected.message


def test_what_is_commented_out_is_not_there() -> None:
    assert keys(read(collection(f"<!-- {element(1)} -->", element(2), f"<!--{element(3)}{element(4)}-->"))) == ["2"]


BROKEN_XML = {
    "an ampersand": (element(2, "War & Peace"), ["1", "2", "3"]),
    "a control character": (element(2, "War \x08and&#x1f; Peace"), ["1", "2", "3"]),
    "an unknown entity": (element(2, "War &eacute; Peace"), ["1", "2", "3"]),
    "a tag that does not match": (element(2).replace("</subfield>", ""), ["1", "-2", "3"]),
    "no end tag": (element(2).replace("</record>", ""), ["1", "-2", "3"]),
    "no start tag": (element(2).replace("<record>", ""), ["1", "-2", "3"]),
    "a comment without end": (element(2).replace("</leader>", "</leader><!--"), ["1", "-2", "3"]),
    "an empty record": ("<record></record>", ["1", "-", "3"]),
    "nested too deeply": (element(2, "<b>" * 3000 + "</b>" * 3000), ["1", "-2", "3"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_XML)
def test_a_broken_element_costs_itself_alone(name: str) -> None:
    middle, expected = BROKEN_XML[name]
    findings = read(collection(element(1), middle, element(3)))
    assert keys(findings) == expected
    assert not any(each.ends for each in findings if isinstance(each, Rejected))


def test_what_was_mended_is_remarked_on() -> None:
    found = one(collection(element(2, "War & Peace")))
    assert (found.record.titles[0].value, remarks(found)) == ("War & Peace", ["not well-formed"])


@pytest.mark.parametrize(
    "subset",
    [
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY b SYSTEM "file:///etc/hostname">',
        '<!ENTITY % b SYSTEM "http://127.0.0.1:9/x.dtd"> %b;',
    ],
)
def test_a_document_type_is_refused(subset: str) -> None:
    (rejected,) = read(collection(element(1, "&b;"), head=f"<!DOCTYPE collection [{subset}]>"))
    assert isinstance(rejected, Rejected)
    assert rejected.ends
    assert "document type" in rejected.message


def test_the_declared_encoding_is_taken_and_a_wrong_one_remarked_on() -> None:
    data = collection(element(1, "René"), head='<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert one(data.decode().encode("latin-1")).record.titles[0].value == "René"
    lying = one(collection(element(1, "René")).decode().encode("cp1252"))
    assert (lying.record.titles[0].value, remarks(lying)) == ("René", ["encoding"])
    (rejected,) = read(collection(element(1), head='<?xml version="1.0" encoding="klingon"?>'))
    assert isinstance(rejected, Rejected)
    assert "klingon" in rejected.message


@pytest.mark.parametrize("cut", [3, len("</collection>"), 60])
def test_a_collection_that_is_cut_off_says_so(cut: int) -> None:
    findings = read(collection(element(1), element(2))[:-cut])
    assert keys(findings)[0] == "1"
    assert isinstance(findings[-1], Rejected)
    assert findings[-1].ends


def test_xml_that_is_something_else_is_refused() -> None:
    (rejected,) = read(b"<html><body>404</body></html>")
    assert isinstance(rejected, Rejected)
    assert "not MARCXML" in rejected.message


def test_the_same_record_is_the_same_in_both_forms() -> None:
    """Binary as pymarc writes it, and the XML that pymarc makes of that."""
    right = [part for part in exported().split(b"\x1d")[:-1] if int(part[:5]) == len(part) + 1]
    assert len(right) > 80
    for part in right[:20]:
        (record,) = MARCReader(io.BytesIO(part + b"\x1d"), force_utf8=True)
        assert record is not None
        text = record_to_xml(record, namespace=True)
        assert one(record.as_marc()).record == one(text).record


# Anything at all, in bounded memory.


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
    """Return streams, and how many bytes may be held of each."""
    records, elements = item(1, b"T" * 900) * 1000, element(1, "T" * 900).encode() * 1000
    opening, filling, most = collection().partition(b"</")[0], b"x" * 1_000_000, 6 * LONGEST_RECORD
    return {
        "binary": (8_000_000, repeat(records, 15)),
        "XML": (8_000_000, chain([opening], repeat(elements, 15))),
        "no terminator": (most, repeat(filling, 200)),
        "no end tag": (most, chain([opening], repeat(b"<record>" + filling, 200))),
        "a comment without end": (most, chain([opening, b"<!--"], repeat(elements, 18))),
    }


@pytest.mark.parametrize("name", streams())
def test_memory_does_not_grow_with_the_file(name: str) -> None:
    most, parts = streams()[name]
    stream = io.BufferedReader(Endless(parts), 65536)
    tracemalloc.start()
    try:
        count = sum(1 for _ in MarcReader().read(stream, "a"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count >= 1
    assert peak < most


@pytest.mark.parametrize(
    "data",
    [b"</record" + b" " * 2_000_000, b"<!--" * 500_000, b"<record" + b"a:" * 1_000_000, b"<controlfield " * 200_000],
)
def test_what_is_made_to_be_slow_is_not(data: bytes) -> None:
    """Quadratic time would be hours here; linear time is a moment."""
    assert keys(read(collection(element(1)).removesuffix(b"</collection>") + data))[0] == "1"


def check(data: bytes) -> list[Found | Rejected]:
    findings = read(data)
    assert findings
    assert all(isinstance(each, Found | Rejected) for each in findings)
    return findings


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400)
    | st.binary(max_size=400).map(lambda tail: item(1) + tail)
    | st.binary().map(lambda b: b"<" + b)
)
def test_no_bytes_make_it_fail(data: bytes) -> None:
    check(data)


changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6), st.integers(0, 6)), max_size=6)


def changed(data: bytes, edits: Iterable[tuple[float, bytes, int]]) -> bytes:
    """Replace bytes here and there: a place as a share of the whole, what comes in, how many bytes go."""
    for share, new, gone in edits:
        at = int(share * len(data))
        data = data[:at] + new + data[at + gone :]
    return data


@settings(max_examples=300, deadline=None)
@given(number=st.integers(0, 99), edits=changes)
def test_whatever_becomes_of_a_real_record_its_neighbours_come_in(
    number: int, edits: list[tuple[float, bytes, int]]
) -> None:
    middle = changed(exported().split(b"\x1d")[number] + b"\x1d", edits)
    found = keys(check(item("first") + middle + item("last")))
    assert (found[0], found[-1]) == ("first", "last")


PIECES = st.sampled_from(
    [
        "</record>",
        "<record>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&",
        "&x;",
        "<",
        ">",
        "'",
        "\x00",
        "</collection>",
        "é",
        "<?x",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), PIECES.map(str.encode), st.integers(0, 9)), max_size=4)
)
def test_whatever_becomes_of_an_element_its_neighbours_come_in(edits: list[tuple[float, bytes, int]]) -> None:
    middle = changed(element("middle", "Some words").encode(), edits)
    if b"<!--" in middle:
        middle = middle.replace(b"-->", b"")  # a comment that is closed is one, whatever stands in it
    opening = collection().partition(b"</")[0]
    data = opening + element("first").encode() + middle + element("last").encode() + b"</collection>"
    found = keys(check(data))
    assert found[0] == "first"
    assert "last" in found
