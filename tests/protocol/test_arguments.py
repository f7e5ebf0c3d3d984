"""Decoding and the grammar of the verbs."""

from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oai_server.protocol import arguments
from oai_server.protocol.errors import Refused

pairs = st.lists(st.tuples(st.text(min_size=1), st.text()).map(lambda p: (_whole(p[0]), _whole(p[1]))), max_size=6)


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@given(pairs, pairs)
def test_rule_3_decoding_undoes_encoding_of_query_and_body(query, body):
    assert arguments.decode(urlencode(query).encode(), urlencode(body).encode()) == query + body


@given(pairs)
def test_rule_3_percent_encoding_of_everything_is_the_same(query):
    def all_bytes(text: str) -> str:
        return "".join(f"%{byte:02x}" for byte in text.encode())

    raw = "&".join(f"{all_bytes(name)}={all_bytes(value)}" for name, value in query)
    assert arguments.decode(raw.encode()) == query


@pytest.mark.parametrize(
    ("query", "decoded"),
    [
        (b"", []),
        (b"&&", []),
        (b"junk", [("junk", "")]),
        (b"=x", [("", "x")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"a=x+y%2Bz", [("a", "x y+z")]),
        (b"a=%zz%4", [("a", "%zz%4")]),
        ("a=ü".encode(), [("a", "ü")]),
        (b"a=%ff", [("a", "\udcff")]),
        (b"a=%c0%80", [("a", "\udcc0\udc80")]),
        (b"a=%ed%a0%80", [("a", "\udced\udca0\udc80")]),
    ],
)
def test_rule_3_corners_of_decoding(query, decoded):
    assert arguments.decode(query) == decoded


@given(st.binary(), st.binary())
def test_decoding_never_fails(query, body):
    for name, value in arguments.decode(query, body):
        assert isinstance(name, str)
        assert isinstance(value, str)


def parsed(**given: str) -> arguments.Request:
    return arguments.parse([(name.rstrip("_"), value) for name, value in given.items()])


def refused(raw: str) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        arguments.parse(arguments.decode(raw.encode()))
    return list(caught.value.faults)


def test_a_whole_request():
    request = parsed(until="2026-01-02", verb="ListRecords", set="a:b", from_="2026-01-01", metadataPrefix="oai_dc")
    assert request.verb == "ListRecords"
    assert list(request.given) == ["until", "set", "from", "metadataPrefix"]
    assert request.until - request.start == 2 * 86_400 - 1


@pytest.mark.parametrize("name", ["metadataPrefix", "set", "identifier", "from", "until"])
@pytest.mark.parametrize(
    "value", ["", "a b", "a\tb", "a\n", "\n", "<", '"', "a%", "é\x00", "\udcff", "\uffff", "x" * 5000]
)
def test_rule_9_ill_formed_values(name, value):
    given = {"verb": "ListRecords", "metadataPrefix": "oai_dc"}
    if name == "identifier":
        given = {"verb": "GetRecord", "metadataPrefix": "oai_dc"}
    faults = refused(
        "&".join(f"{k}={quote_plus(v, errors='surrogateescape')}" for k, v in {**given, name: value}.items())
    )
    assert [fault.code for fault in faults] == ["badArgument"]
    assert faults[0].text.startswith(name)


@pytest.mark.parametrize("value", ["oai_dc", "a-b_c.d!e~f*g'h(i)", "x"])
def test_rule_28_prefixes(value):
    assert parsed(verb="ListRecords", metadataPrefix=value).given["metadataPrefix"] == value


@pytest.mark.parametrize("value", ["/", "a/b", "a:b", "ä", "a&b", "a%20b", "a+b"])
def test_rule_28_no_prefixes(value):
    assert refused(f"verb=ListRecords&metadataPrefix={quote_plus(value)}")[0].code == "badArgument"


@pytest.mark.parametrize("value", ["a", "a:b:c", "A-1_!~*'().:x"])
def test_rule_29_sets(value):
    assert parsed(verb="ListRecords", metadataPrefix="x", set=value).given["set"] == value


@pytest.mark.parametrize("value", [":", "a:", ":a", "a::b", "a/b", "a b", "ä"])
def test_rule_29_no_sets(value):
    assert refused(f"verb=ListRecords&metadataPrefix=x&set={quote_plus(value)}")[0].code == "badArgument"


@pytest.mark.parametrize(
    "value",
    [
        "oai:archive.example.org:1", "oai:a.b:x;y/z?a:b@c&d=e+f$g,h%20", "http://host:8080/a?b=c#d", "urn:nbn:de:1-2",
        "really_wrong_id", "oai:a.b:ü", "a/b:c", "info:doi/10.1/x(1)", "http://user@host/",
    ],
)  # fmt: skip
def test_rule_30_identifiers(value):
    assert parsed(verb="GetRecord", metadataPrefix="x", identifier=value).given["identifier"] == value


@pytest.mark.parametrize(
    "value", ["1:2", "a{b}", "a|b", "a^b", "oai:a.b:%2", "a#b#c", "//x", "http://a:b/", "a\\b", "[]"]
)
def test_rule_30_no_identifiers(value):
    assert refused(f"verb=GetRecord&metadataPrefix=x&identifier={quote_plus(value)}")[0].code == "badArgument"


def test_names_in_errors_are_few_and_short():
    [fault] = refused("verb=Identify&" + "&".join(f"{'n' * 1000}{i}=1" for i in range(1000)))
    assert len(fault.text) < 300
