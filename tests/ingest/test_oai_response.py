"""Answers of OAI-PMH servers: what is whole comes out to the byte, what is broken costs itself alone."""

from __future__ import annotations

import contextlib
import time

import pytest
from hostile import DC, MARC, STAMP, envelope, error, gone, header, marc, page, record
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from metadata_formats.registry import XSI
from oai_server.ingest.oai_response import Broken, Header, NamedSet, NotResponse, OfferedFormat, Record, Token, parse

OAI = "oai:far.example.org:"


def keys(data: bytes) -> list[str | None]:
    """Return the identifiers of an answer's records, broken ones in parentheses."""
    return [
        f"({one.identifier})" if isinstance(one, Broken) else one.header.identifier.removeprefix(OAI)
        for one in parse(data).records
    ]


def answer(*items: str, token: str = "next") -> bytes:
    return envelope(page("ListRecords", items, token, ' cursor="0" completeListSize="9"')).encode()


def test_a_whole_answer():
    odd = '<a:b xmlns:a="urn:a" c=">/>"><!-- é --><![CDATA[&amp; &]]>\r\n<a:d/></a:b>'
    response = parse(answer(record("a", odd, sets="x x:y", about="<about><e/></about>"), gone("b")))
    assert response.complete
    assert (response.date, response.base_url) == ("2024-06-01T00:00:00Z", "http://far.example.org/oai")
    assert response.token == Token("next", 0, 9)
    first, second = response.records
    assert first == Record(
        Header(f"{OAI}a", STAMP, ("x", "x:y")), odd.encode(), (b'<e xmlns="http://www.openarchives.org/OAI/2.0/"/>',)
    )
    assert second == Record(Header(f"{OAI}b", STAMP, (), True))


def test_what_is_no_list():
    response = parse(
        envelope(
            "<Identify><granularity> YYYY-MM-DD </granularity><description><x>1</x></description></Identify>"
        ).encode()
    )
    assert response.about == {"granularity": "YYYY-MM-DD"}
    named = (
        "<set><setSpec>a</setSpec><setName>A &amp; B</setName><setDescription><d><e>C</e> D</d></setDescription></set>"
    )
    assert parse(envelope(page("ListSets", [named])).encode()).sets == [NamedSet("a", "A & B", "C D")]
    named = f"<metadataPrefix>oai_dc</metadataPrefix><metadataNamespace>{DC}</metadataNamespace>"
    offered = f"<metadataFormat>{named}</metadataFormat>"
    assert parse(envelope(page("ListMetadataFormats", [offered])).encode()).formats == [OfferedFormat("oai_dc", DC)]
    assert (
        parse(envelope(page("ListIdentifiers", [header("a"), header("b")])).encode()).records[1].header.identifier
        == f"{OAI}b"
    )
    assert parse(envelope(error("badVerb", "x") + error("badVerb", "x")).encode()).errors == [("badVerb", "x")]


def means(element: etree._Element) -> list[object]:
    """Return what an element says: names with their namespaces, attributes, texts."""
    return [(one.tag, dict(one.attrib), one.text, one.tail) for one in element.iter()]


@pytest.mark.parametrize(
    ("payload", "alone"),
    [
        ('<p:a p:b="1"><q:c/></p:a>', '<p:a xmlns:p="urn:p" xmlns:q="urn:q&amp;" p:b="1"><q:c/></p:a>'),
        ('<p:a xmlns:p="urn:own"/>', '<p:a xmlns:p="urn:own"/>'),
        ('<a xmlns="urn:a"><b xmlns=""/></a>', '<a xmlns="urn:a"><b xmlns=""/></a>'),
        (f'<a xmlns="" xmlns:t="{XSI}" t:type="p:x"/>', f'<a xmlns:p="urn:p" xmlns="" xmlns:t="{XSI}" t:type="p:x"/>'),
        ('<t:a xmlns:t="urn:t" t:type="p:x"/>', '<t:a xmlns:t="urn:t" t:type="p:x"/>'),
        ('<t:a xmlns:t="urn:t" t:type="x"/>', '<t:a xmlns:t="urn:t" t:type="x"/>'),
        ('<a xmlns=""><p:b xmlns:p="u:2"/><p:c/></a>', '<a xmlns:p="urn:p" xmlns=""><p:b xmlns:p="u:2"/><p:c/></a>'),
        ("<a/>", '<a xmlns="http://www.openarchives.org/OAI/2.0/"/>'),
        ("<a xml:lang='en'>/></a>", '<a xmlns="http://www.openarchives.org/OAI/2.0/" xml:lang=\'en\'>/></a>'),
    ],
)  # fmt: skip
def test_a_payload_stands_by_itself_and_means_the_same(payload: str, alone: str):
    data = answer(record("a", payload)).replace(b"<OAI-PMH", b'<OAI-PMH xmlns:p="urn:p" xmlns:q="urn:q&amp;"')
    [found] = parse(data).records
    assert found.metadata == alone.encode()
    within = etree.fromstring(data).find("{*}ListRecords/{*}record/{*}metadata")[0]
    assert means(etree.fromstring(found.metadata)) == means(within)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "an empty answer"),
        (b" \n ", "an empty answer"),
        (b"<html><title>404  Not\nFound</title>", "an HTML page (404 Not Found), no answer"),
        (b"busy", "no answer of an OAI-PMH server: it begins with 'busy'"),
        (b"<rdf:RDF/>", "no answer of an OAI-PMH server"),
        (b"<!DOCTYPE OAI-PMH SYSTEM 'x'><OAI-PMH></OAI-PMH>", "DTD"),
        (b"<!-- --><!doctype OAI-PMH [<!ENTITY a '&b;&b;'>]><OAI-PMH>&a;</OAI-PMH>", "DTD"),
    ],
)
def test_what_is_no_answer_is_said(data: bytes, text: str):
    with pytest.raises(NotResponse) as caught:
        parse(data)
    assert text in str(caught.value)


BROKEN = [
    "<b>",
    "</b>",
    "</metadata>",
    "</metadata></record>",
    "a < b",
    "<!-- ",
    "<![CDATA[",
    "<a x=1/>",
    "<a x='",
    "<?",
    "&#xZZ;<",
]


@pytest.mark.parametrize("damage", BROKEN)
@pytest.mark.parametrize("where", [0, 1, 2])
def test_damage_costs_the_record_it_is_in(damage: str, where: int):
    items = [record(key) for key in "abc"]
    items[where] = record("abc"[where], marc("x", damage))
    data = answer(*items)
    assert keys(data) == [f"({OAI}{key})" if number == where else key for number, key in enumerate("abc")]
    assert parse(data).complete
    assert parse(data).token == Token("next", 0, 9)


@pytest.mark.parametrize(
    "lost", ["<record>", "</record>", "<header>", "</header>", "<metadata>", "</metadata>", "<identifier>"]
)
def test_tags_of_the_envelope_that_are_missing_cost_their_record(lost: str):
    response = parse(answer(record("a"), record("b").replace(lost, "", 1), record("c")))
    found = [one for one in response.records if isinstance(one, Record)]
    assert {one.header.identifier for one in found} >= {f"{OAI}a", f"{OAI}c"}
    assert any(one not in found or one.metadata is None for one in response.records)
    assert response.complete
    assert response.token


def test_a_broken_header_of_a_list_of_identifiers_is_told():
    data = envelope(
        page("ListIdentifiers", [header("a"), header("b").replace("</datestamp>", ""), header("c")])
    ).encode()
    assert keys(data) == ["a", f"({OAI}b)", "c"]
    assert parse(data).complete


def test_what_is_cut_off_is_not_whole():
    data = answer(*map(record, "abcde"))
    ends = [data.index(record(key).encode()) + len(record(key).encode()) for key in "abcde"]
    for cut in range(data.index(b"<responseDate>"), len(data) - 1, 7):
        response = parse(data[:cut])
        assert not response.complete
        whole = [one.header.identifier for one in response.records if isinstance(one, Record)]
        assert whole == [f"{OAI}{key}" for key, end in zip("abcde", ends, strict=True) if end <= cut]


ITEMS = [
    record(str(number), marc(str(number), "Tïtle &amp; &#8364; more"), about="<about><x/></about>")
    for number in range(8)
]
WHOLE = answer(*ITEMS)
PIECES = [
    b"<",
    b">",
    b"&",
    b"\x00",
    b"\xff",
    b"]]>",
    b"<!--",
    b"<![CDATA[",
    b"</",
    b"<record>",
    b"</record>",
    b"&#0;",
    b"'",
    b'"',
    b"<?x",
    b"\xc3",
]


@given(
    st.integers(WHOLE.index(b"<record>"), len(WHOLE) - 1), st.integers(0, 80),
    st.one_of(st.binary(max_size=12), st.lists(st.sampled_from(PIECES), max_size=4).map(b"".join)),
)  # fmt: skip
def test_whatever_happens_to_an_answer_what_stands_before_it_is_read(at: int, removed: int, inserted: bytes):
    response = parse(WHOLE[:at] + inserted + WHOLE[at + removed :])
    found = {one.header.identifier: one.metadata for one in response.records if isinstance(one, Record)}
    for number, item in enumerate(ITEMS):
        if WHOLE.index(item.encode()) + len(item.encode()) <= at:
            [whole] = parse(answer(item)).records
            assert found[f"{OAI}{number}"] == whole.metadata


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_none(data: bytes):
    for each in (data, b"<OAI-PMH>" + data, WHOLE[:300] + data):
        with contextlib.suppress(NotResponse):
            parse(each)


@pytest.mark.parametrize("piece", ["<![CDATA[", "<?x ", "<!--", "&", "<record><header>", "<identifier>", "<a b='"])
def test_what_is_broken_all_over_does_not_take_long(piece: str):
    data = answer(record("a"), piece * (500_000 // len(piece)))
    begun = time.process_time()
    with contextlib.suppress(NotResponse):
        parse(data)
    with contextlib.suppress(NotResponse):
        parse(b"<title>" + b" " * 500_000)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("charset", [None, "utf-8", "punycode", "rot13", "nonsense", "unicode_escape", "idna"])
def test_no_encoding_that_is_declared_does_harm(charset: str | None):
    data = answer(record("a", marc("a", "Mär"))).decode().encode("cp1252").replace(b"UTF-8", (charset or "x").encode())
    [found] = parse(data, charset).records
    assert "Mär" in found.metadata.decode()


def test_a_namespace_is_what_the_envelope_says():
    assert etree.QName(etree.fromstring(parse(answer(record("a"))).records[0].metadata)).namespace == MARC
